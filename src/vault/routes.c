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
// operationName, permission of an access policy, data action; then the phases.
#define OPERATION(method_, pattern_, kind_, audit_, permission_, action_, ...) \
	{.route = {method_, pattern_}, .kind = kind_, .audit = audit_, .permission = permission_, .action = action_, __VA_ARGS__}
#define CRYPTO_AT(path, audit, permission, action, op) \
	OPERATION("POST", path, KEYS, audit, permission, action, \
		.pool_action = action, .look = keys_crypto_look, .work = keys_crypto, .key_op = op)
#define CRYPTO(segment, audit, permission, action, op) \
	CRYPTO_AT("/keys/{name}/" segment, audit, permission, action, op), \
	CRYPTO_AT("/keys/{name}/{version}/" segment, audit, permission, action, op)
static const struct vault_operation operations[] = {
	OPERATION("GET", "/keys", KEYS, "KeyList", "list", "keys/read",
		.pool_action = "keys/read/action", .look = objects_list),
	OPERATION("GET", "/keys/{name}/versions", KEYS, "KeyListVersions", "list", "keys/read",
		.pool_action = "keys/read/action", .look = objects_list_versions),
	OPERATION("GET", "/keys/{name}/rotationpolicy", KEYS, "KeyRotationPolicyGet", "getrotationpolicy", "keyrotationpolicies/read",
		.pool_action = "keys/read/action", .look = keys_policy_get, .since = "7.3-preview"),
	OPERATION("PUT", "/keys/{name}/rotationpolicy", KEYS, "KeyRotationPolicySet", "setrotationpolicy", "keyrotationpolicies/write",
		.pool_action = "keys/write/action", .change = keys_policy_change, .since = "7.3-preview"),
	OPERATION("GET", "/keys/{name}/attestation", KEYS, "KeyGet", "get", "keys/read",
		.pool_action = "keys/read/action", .look = keys_attestation_look, .since = "7.6-preview.2"),
	OPERATION("GET", "/keys/{name}/{version}/attestation", KEYS, "KeyGet", "get", "keys/read",
		.pool_action = "keys/read/action", .look = keys_attestation_look, .since = "7.6-preview.2"),
	OPERATION("GET", "/keys/{name}", KEYS, "KeyGet", "get", "keys/read",
		.pool_action = "keys/read/action", .look = objects_get),
	OPERATION("GET", "/keys/{name}/{version}", KEYS, "KeyGet", "get", "keys/read",
		.pool_action = "keys/read/action", .look = objects_get),
	OPERATION("POST", "/keys/{name}/create", KEYS, "KeyCreate", "create", "keys/create/action",
		.pool_action = "keys/create", .look = keys_create_look, .work = keys_make, .change = keys_create_change),
	OPERATION("PUT", "/keys/{name}", KEYS, "KeyImport", "import", "keys/import/action",
		.pool_action = "keys/import/action", .look = keys_import_look, .work = keys_import, .change = keys_create_change),
	OPERATION("POST", "/keys/{name}/rotate", KEYS, "KeyRotate", "rotate", "keys/rotate/action",
		.pool_action = "keys/rotate/action", .look = keys_rotate_look, .work = keys_make, .change = keys_rotate_change, .since = "7.3-preview"),
	OPERATION("PATCH", "/keys/{name}", KEYS, "KeyUpdate", "update", "keys/update/action",
		.pool_action = "keys/write/action", .change = keys_update_change),
	OPERATION("PATCH", "/keys/{name}/{version}", KEYS, "KeyUpdate", "update", "keys/update/action",
		.pool_action = "keys/write/action", .change = keys_update_change),
	OPERATION("DELETE", "/keys/{name}", KEYS, "KeyDelete", "delete", "keys/delete",
		.pool_action = "keys/delete", .change = objects_delete_change),
	CRYPTO("encrypt", "KeyEncrypt", "encrypt", "keys/encrypt/action", KEY_OP_ENCRYPT),
	CRYPTO("decrypt", "KeyDecrypt", "decrypt", "keys/decrypt/action", KEY_OP_DECRYPT),
	CRYPTO("wrapkey", "KeyWrap", "wrapKey", "keys/wrap/action", KEY_OP_WRAP),
	CRYPTO("unwrapkey", "KeyUnwrap", "unwrapKey", "keys/unwrap/action", KEY_OP_UNWRAP),
	CRYPTO("sign", "KeySign", "sign", "keys/sign/action", KEY_OP_SIGN),
	CRYPTO("verify", "KeyVerify", "verify", "keys/verify/action", KEY_OP_VERIFY),
	OPERATION("POST", "/keys/{name}/backup", KEYS, "KeyBackup", "backup", "keys/backup/action",
		.pool_action = "keys/backup/action", .look = backup_look, .work = backup_make),
	OPERATION("POST", "/keys/restore", KEYS, "KeyRestore", "restore", "keys/restore/action",
		.pool_action = "keys/restore/action", .look = restore_look, .work = restore_reseal, .change = restore_change, .large = true),
	OPERATION("POST", "/keys/{name}/release", KEYS, "KeyRelease", "release", "keys/release/action",
		.pool_action = "keys/release/action", .look = keys_release_look, .since = "7.3-preview"),
	OPERATION("POST", "/keys/{name}/{version}/release", KEYS, "KeyRelease", "release", "keys/release/action",
		.pool_action = "keys/release/action", .look = keys_release_look, .since = "7.3-preview"),
	OPERATION("GET", "/deletedkeys", KEYS, "KeyListDeleted", "list", "keys/read",
		.pool_action = "keys/deletedKeys/read/action", .look = objects_list_deleted),
	OPERATION("GET", "/deletedkeys/{name}", KEYS, "KeyGetDeleted", "get", "keys/read",
		.pool_action = "keys/deletedKeys/read/action", .look = objects_get_deleted),
	OPERATION("POST", "/deletedkeys/{name}/recover", KEYS, "KeyRecover", "recover", "keys/recover/action",
		.pool_action = "keys/deletedKeys/recover/action", .change = objects_recover_change),
	OPERATION("DELETE", "/deletedkeys/{name}", KEYS, "KeyPurge", "purge", "keys/purge/action",
		.pool_action = "keys/deletedKeys/delete", .change = objects_purge_change),
	OPERATION("GET", "/secrets", SECRETS, "SecretList", "list", READ_METADATA, .look = objects_list),
	OPERATION("GET", "/secrets/{name}/versions", SECRETS, "SecretListVersions", "list", READ_METADATA,
		.look = objects_list_versions),
	OPERATION("GET", "/secrets/{name}", SECRETS, "SecretGet", "get", "secrets/getSecret/action",
		.look = secrets_get_look, .work = secrets_open),
	OPERATION("GET", "/secrets/{name}/{version}", SECRETS, "SecretGet", "get", "secrets/getSecret/action",
		.look = secrets_get_look, .work = secrets_open),
	OPERATION("PUT", "/secrets/{name}", SECRETS, "SecretSet", "set", "secrets/setSecret/action",
		.look = secrets_set_look, .work = secrets_seal, .change = secrets_set_change),
	OPERATION("PATCH", "/secrets/{name}", SECRETS, "SecretUpdate", "set", "secrets/update/action",
		.look = secrets_update_look, .change = secrets_update_change),
	OPERATION("PATCH", "/secrets/{name}/{version}", SECRETS, "SecretUpdate", "set", "secrets/update/action",
		.look = secrets_update_look, .change = secrets_update_change),
	OPERATION("DELETE", "/secrets/{name}", SECRETS, "SecretDelete", "delete", "secrets/delete",
		.change = objects_delete_change),
	OPERATION("POST", "/secrets/{name}/backup", SECRETS, "SecretBackup", "backup", "secrets/backup/action",
		.look = backup_look, .work = backup_make),
	OPERATION("POST", "/secrets/restore", SECRETS, "SecretRestore", "restore", "secrets/restore/action",
		.look = restore_look, .work = restore_reseal, .change = restore_change, .large = true),
	OPERATION("GET", "/deletedsecrets", SECRETS, "SecretListDeleted", "list", READ_METADATA,
		.look = objects_list_deleted),
	OPERATION("GET", "/deletedsecrets/{name}", SECRETS, "SecretGetDeleted", "get", READ_METADATA,
		.look = objects_get_deleted),
	OPERATION("POST", "/deletedsecrets/{name}/recover", SECRETS, "SecretRecover", "recover", "secrets/recover/action",
		.change = objects_recover_change),
	OPERATION("DELETE", "/deletedsecrets/{name}", SECRETS, "SecretPurge", "purge", "secrets/purge/action",
		.change = objects_purge_change),
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
	return c->pool && !op->pool_action ? NULL : op;
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
