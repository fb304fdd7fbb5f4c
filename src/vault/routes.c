// SPDX-License-Identifier: Apache-2.0
// What the data plane answers.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"
#include "vault/pool.h"

// Literal segments stand before captured ones that would match them too.
// clang-format off
#define KEYS &object_keys
#define SECRETS &object_secrets
#define READ_METADATA "secrets/readMetadata/action"
#define CRYPTO(path, audit, permission, action, op) \
	{{"POST", "/keys/{name}/" path}, KEYS, audit, permission, "keys/" action "/action", keys_crypto_look, keys_crypto, NULL, op, NULL, false}, \
	{{"POST", "/keys/{name}/{version}/" path}, KEYS, audit, permission, "keys/" action "/action", keys_crypto_look, keys_crypto, NULL, op, NULL, false}
static const struct vault_operation operations[] = {
	{{"GET", "/keys"}, KEYS, "KeyList", "list", "keys/read", objects_list, NULL, NULL, 0, NULL, false},
	{{"GET", "/keys/{name}/versions"}, KEYS, "KeyListVersions", "list", "keys/read", objects_list_versions, NULL, NULL, 0, NULL, false},
	{{"GET", "/keys/{name}/rotationpolicy"}, KEYS, "KeyRotationPolicyGet", "getrotationpolicy", "keyrotationpolicies/read", keys_policy_get, NULL, NULL, 0, "7.3-preview", false},
	{{"PUT", "/keys/{name}/rotationpolicy"}, KEYS, "KeyRotationPolicySet", "setrotationpolicy", "keyrotationpolicies/write", NULL, NULL, keys_policy_change, 0, "7.3-preview", false},
	{{"GET", "/keys/{name}/attestation"}, KEYS, "KeyGet", "get", "keys/read", keys_attestation_look, NULL, NULL, 0, "7.6-preview.2", false},
	{{"GET", "/keys/{name}/{version}/attestation"}, KEYS, "KeyGet", "get", "keys/read", keys_attestation_look, NULL, NULL, 0, "7.6-preview.2", false},
	{{"GET", "/keys/{name}"}, KEYS, "KeyGet", "get", "keys/read", objects_get, NULL, NULL, 0, NULL, false},
	{{"GET", "/keys/{name}/{version}"}, KEYS, "KeyGet", "get", "keys/read", objects_get, NULL, NULL, 0, NULL, false},
	{{"POST", "/keys/{name}/create"}, KEYS, "KeyCreate", "create", "keys/create/action", keys_create_look, keys_make, keys_create_change, 0, NULL, false},
	{{"PUT", "/keys/{name}"}, KEYS, "KeyImport", "import", "keys/import/action", keys_import_look, keys_import, keys_create_change, 0, NULL, false},
	{{"POST", "/keys/{name}/rotate"}, KEYS, "KeyRotate", "rotate", "keys/rotate/action", keys_rotate_look, keys_make, keys_rotate_change, 0, "7.3-preview", false},
	{{"PATCH", "/keys/{name}"}, KEYS, "KeyUpdate", "update", "keys/update/action", NULL, NULL, keys_update_change, 0, NULL, false},
	{{"PATCH", "/keys/{name}/{version}"}, KEYS, "KeyUpdate", "update", "keys/update/action", NULL, NULL, keys_update_change, 0, NULL, false},
	{{"DELETE", "/keys/{name}"}, KEYS, "KeyDelete", "delete", "keys/delete", NULL, NULL, objects_delete_change, 0, NULL, false},
	CRYPTO("encrypt", "KeyEncrypt", "encrypt", "encrypt", KEY_OP_ENCRYPT),
	CRYPTO("decrypt", "KeyDecrypt", "decrypt", "decrypt", KEY_OP_DECRYPT),
	CRYPTO("wrapkey", "KeyWrap", "wrapKey", "wrap", KEY_OP_WRAP),
	CRYPTO("unwrapkey", "KeyUnwrap", "unwrapKey", "unwrap", KEY_OP_UNWRAP),
	CRYPTO("sign", "KeySign", "sign", "sign", KEY_OP_SIGN),
	CRYPTO("verify", "KeyVerify", "verify", "verify", KEY_OP_VERIFY),
	{{"POST", "/keys/{name}/backup"}, KEYS, "KeyBackup", "backup", "keys/backup/action", backup_look, backup_make, NULL, 0, NULL, false},
	{{"POST", "/keys/restore"}, KEYS, "KeyRestore", "restore", "keys/restore/action", restore_look, restore_reseal, restore_change, 0, NULL, true},
	{{"POST", "/keys/{name}/release"}, KEYS, "KeyRelease", "release", "keys/release/action", keys_release_look, NULL, NULL, 0, "7.3-preview", false},
	{{"POST", "/keys/{name}/{version}/release"}, KEYS, "KeyRelease", "release", "keys/release/action", keys_release_look, NULL, NULL, 0, "7.3-preview", false},
	{{"GET", "/deletedkeys"}, KEYS, "KeyListDeleted", "list", "keys/read", objects_list_deleted, NULL, NULL, 0, NULL, false},
	{{"GET", "/deletedkeys/{name}"}, KEYS, "KeyGetDeleted", "get", "keys/read", objects_get_deleted, NULL, NULL, 0, NULL, false},
	{{"POST", "/deletedkeys/{name}/recover"}, KEYS, "KeyRecover", "recover", "keys/recover/action", NULL, NULL, objects_recover_change, 0, NULL, false},
	{{"DELETE", "/deletedkeys/{name}"}, KEYS, "KeyPurge", "purge", "keys/purge/action", NULL, NULL, objects_purge_change, 0, NULL, false},
	{{"GET", "/secrets"}, SECRETS, "SecretList", "list", READ_METADATA, objects_list, NULL, NULL, 0, NULL, false},
	{{"GET", "/secrets/{name}/versions"}, SECRETS, "SecretListVersions", "list", READ_METADATA, objects_list_versions, NULL, NULL, 0, NULL, false},
	{{"GET", "/secrets/{name}"}, SECRETS, "SecretGet", "get", "secrets/getSecret/action", secrets_get_look, secrets_open, NULL, 0, NULL, false},
	{{"GET", "/secrets/{name}/{version}"}, SECRETS, "SecretGet", "get", "secrets/getSecret/action", secrets_get_look, secrets_open, NULL, 0, NULL, false},
	{{"PUT", "/secrets/{name}"}, SECRETS, "SecretSet", "set", "secrets/setSecret/action", secrets_set_look, secrets_seal, secrets_set_change, 0, NULL, false},
	{{"PATCH", "/secrets/{name}"}, SECRETS, "SecretUpdate", "set", "secrets/update/action", secrets_update_look, NULL, secrets_update_change, 0, NULL, false},
	{{"PATCH", "/secrets/{name}/{version}"}, SECRETS, "SecretUpdate", "set", "secrets/update/action", secrets_update_look, NULL, secrets_update_change, 0, NULL, false},
	{{"DELETE", "/secrets/{name}"}, SECRETS, "SecretDelete", "delete", "secrets/delete", NULL, NULL, objects_delete_change, 0, NULL, false},
	{{"POST", "/secrets/{name}/backup"}, SECRETS, "SecretBackup", "backup", "secrets/backup/action", backup_look, backup_make, NULL, 0, NULL, false},
	{{"POST", "/secrets/restore"}, SECRETS, "SecretRestore", "restore", "secrets/restore/action", restore_look, restore_reseal, restore_change, 0, NULL, true},
	{{"GET", "/deletedsecrets"}, SECRETS, "SecretListDeleted", "list", READ_METADATA, objects_list_deleted, NULL, NULL, 0, NULL, false},
	{{"GET", "/deletedsecrets/{name}"}, SECRETS, "SecretGetDeleted", "get", READ_METADATA, objects_get_deleted, NULL, NULL, 0, NULL, false},
	{{"POST", "/deletedsecrets/{name}/recover"}, SECRETS, "SecretRecover", "recover", "secrets/recover/action", NULL, NULL, objects_recover_change, 0, NULL, false},
	{{"DELETE", "/deletedsecrets/{name}"}, SECRETS, "SecretPurge", "purge", "secrets/purge/action", NULL, NULL, objects_purge_change, 0, NULL, false},
};
// clang-format on

static const char *method_of(const struct http_request *req) {
	static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
	const char *override = http_header(req, "X-HTTP-METHOD");
	if (!override || strcmp(http_method(req), "POST") != 0)
		return http_method(req);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strv_eq_nocase(methods[i], override))
			return methods[i];
	return NULL;
}

static int no_operation(const struct call *c, const char *path, struct err *err) {
	char last[64];
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	size_t start = n;
	while (start > 0 && path[start - 1] != '/')
		start--;
	(void)snprintf(last, sizeof(last), "%.*s", (int)(n - start), path + start);
	return err_set(err, -EINVAL, 400, "BadParameter", "Method %s does not allow operation '%s'", c->method, last);
}

// "/keys/restore" is an operation of POST, not a name under which to import.
static bool takes_restore_for_name(const struct call *c, const struct vault_operation *op) {
	return strcmp(op->route.method, "PUT") == 0 && strv_ends_with_nocase(op->route.pattern, "/{name}") &&
		strv_eq_nocase(route_param(&c->match, "name"), "restore");
}

static const struct vault_operation *find_operation(struct call *c, const char *path) {
	const struct vault_operation *op = c->pool ? pool_route(c->method, path, &c->match) : NULL;
	if (op)
		return op;
	if (route_find(operations, ARRAY_SIZE(operations), sizeof(operations[0]), c->method, path, &c->match) != ROUTE_FOUND)
		return NULL;
	op = &operations[c->match.index];
	return c->pool && !pool_action(op) ? NULL : op;
}

int call_route(struct call *c, struct err *err) {
	c->method = method_of(c->req);
	if (!c->method)
		return err_set(err, -EINVAL, 400, "BadParameter", "The header X-HTTP-METHOD does not name a method.");
	// SDKs send an empty version segment for the newest one: "/keys/{name}//wrapkey".
	char path[HTTP_TARGET_MAX + 1];
	const struct vault_operation *op = NULL;
	if (strv_squeeze(path, sizeof(path), http_path(c->req), '/') < 0 || !(op = find_operation(c, path)) ||
		takes_restore_for_name(c, op))
		return no_operation(c, http_path(c->req), err);
	c->op = op;
	const char *name = route_param(&c->match, "name"), *version = route_param(&c->match, "version");
	c->name = name[0] ? name : NULL;
	c->version = version[0] ? version : NULL;
	if (c->name && !object_name_valid(c->name))
		return err_set(err, -EINVAL, 400, "BadParameter",
			"The %s name must be 1 to %d letters, digits and hyphens.", c->op->kind == SECRETS ? "secret" : "key",
			OBJECT_NAME_MAX);
	return 0;
}
