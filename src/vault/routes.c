// SPDX-License-Identifier: Apache-2.0
// What the data plane answers.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"

// Literal segments stand before captured ones that would match them too.
// clang-format off
static const struct vault_operation operations[] = {
	{{"GET", "/keys"}, "KeyList", "list", "read", keys_list, NULL, NULL},
	{{"GET", "/keys/{name}/versions"}, "KeyListVersions", "list", "read", keys_list_versions, NULL, NULL},
	{{"GET", "/keys/{name}"}, "KeyGet", "get", "read", keys_get, NULL, NULL},
	{{"GET", "/keys/{name}/{version}"}, "KeyGet", "get", "read", keys_get, NULL, NULL},
	{{"POST", "/keys/{name}/create"}, "KeyCreate", "create", "create/action", keys_create_look, keys_make, keys_create_change},
	{{"POST", "/keys/{name}/rotate"}, "KeyRotate", "rotate", "rotate/action", keys_rotate_look, keys_make, keys_rotate_change},
	{{"PATCH", "/keys/{name}"}, "KeyUpdate", "update", "update/action", keys_update_look, NULL, keys_update_change},
	{{"PATCH", "/keys/{name}/{version}"}, "KeyUpdate", "update", "update/action", keys_update_look, NULL, keys_update_change},
	{{"DELETE", "/keys/{name}"}, "KeyDelete", "delete", "delete", NULL, NULL, keys_delete_change},
	{{"POST", "/keys/{name}/wrapkey"}, "KeyWrap", "wrapKey", "wrap/action", keys_wrap_look, keys_wrap, NULL},
	{{"POST", "/keys/{name}/{version}/wrapkey"}, "KeyWrap", "wrapKey", "wrap/action", keys_wrap_look, keys_wrap, NULL},
	{{"POST", "/keys/{name}/unwrapkey"}, "KeyUnwrap", "unwrapKey", "unwrap/action", keys_unwrap_look, keys_unwrap, NULL},
	{{"POST", "/keys/{name}/{version}/unwrapkey"}, "KeyUnwrap", "unwrapKey", "unwrap/action", keys_unwrap_look, keys_unwrap, NULL},
	{{"GET", "/deletedkeys"}, "KeyListDeleted", "list", "read", keys_list_deleted, NULL, NULL},
	{{"GET", "/deletedkeys/{name}"}, "KeyGetDeleted", "get", "read", keys_get_deleted, NULL, NULL},
	{{"POST", "/deletedkeys/{name}/recover"}, "KeyRecover", "recover", "recover/action", NULL, NULL, keys_recover_change},
	{{"DELETE", "/deletedkeys/{name}"}, "KeyPurge", "purge", "purge/action", NULL, NULL, keys_purge_change},
};
// clang-format on

// Operations of the service that are not offered, where a version could stand.
static const char *const reserved[] = {"rotationpolicy", "attestation"};

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

static bool version_reserved(const struct call *c) {
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strv_eq_nocase(route_param(&c->match, "version"), reserved[i]))
			return true;
	return false;
}

int call_route(struct call *c, struct err *err) {
	c->method = method_of(c->req);
	if (!c->method)
		return err_set(err, -EINVAL, 400, "BadParameter", "The header X-HTTP-METHOD does not name a method.");
	// SDKs send an empty version segment for the newest one: "/keys/{name}//wrapkey".
	char path[HTTP_TARGET_MAX + 1];
	if (strv_squeeze(path, sizeof(path), http_path(c->req), '/') < 0 ||
		route_find(operations, ARRAY_SIZE(operations), sizeof(operations[0]), c->method, path, &c->match) != ROUTE_FOUND ||
		version_reserved(c))
		return no_operation(c, http_path(c->req), err);
	c->op = &operations[c->match.index];
	const char *name = route_param(&c->match, "name"), *version = route_param(&c->match, "version");
	c->name = name[0] ? name : NULL;
	c->version = version[0] ? version : NULL;
	if (c->name && !key_name_valid(c->name))
		return err_set(err, -EINVAL, 400, "BadParameter",
			"The key name must be 1 to %d letters, digits and hyphens.", KEY_NAME_MAX);
	return 0;
}
