// SPDX-License-Identifier: Apache-2.0
// What a pool answers, and what a caller has to be allowed for it.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"
#include "vault/pool.h"

#define ASSIGNMENTS "/providers/Microsoft.Authorization/roleAssignments"
#define DEFINITIONS "/providers/Microsoft.Authorization/roleDefinitions"

// At each of the scopes. Clients write "//" before the root's and before the others'; routes are matched without it.
#define AT_SCOPE(scope) \
	{.route = {"GET", scope ASSIGNMENTS}, .audit = "RoleAssignmentList", .pool_action = "roleAssignments/read/action", .look = pool_assignments_list}, \
	{.route = {"GET", scope ASSIGNMENTS "/{assignment}"}, .audit = "RoleAssignmentGet", .pool_action = "roleAssignments/read/action", .look = pool_assignments_get}, \
	{.route = {"PUT", scope ASSIGNMENTS "/{assignment}"}, .audit = "RoleAssignmentCreate", .pool_action = "roleAssignments/write/action", .change = pool_assignments_create}, \
	{.route = {"DELETE", scope ASSIGNMENTS "/{assignment}"}, .audit = "RoleAssignmentDelete", .pool_action = "roleAssignments/delete/action", .change = pool_assignments_delete}, \
	{.route = {"GET", scope DEFINITIONS}, .audit = "RoleDefinitionList", .pool_action = "roleDefinitions/read/action", .look = pool_definitions_list}, \
	{.route = {"GET", scope DEFINITIONS "/{definition}"}, .audit = "RoleDefinitionGet", .pool_action = "roleDefinitions/read/action", .look = pool_definitions_get}

// clang-format off
static const struct vault_operation operations[] = {
	{.route = {"POST", "/rng"}, .audit = "RandomBytesGet", .pool_action = "rng/action", .work = pool_random, .since = "7.3-preview"},
	AT_SCOPE(""),
	AT_SCOPE("/keys"),
	AT_SCOPE("/keys/{name}"),
	{.route = {"PUT", DEFINITIONS "/{definition}"}, .audit = "RoleDefinitionCreate", .pool_action = "roleDefinitions/write/action", .look = pool_definitions_refuse},
	{.route = {"DELETE", DEFINITIONS "/{definition}"}, .audit = "RoleDefinitionDelete", .pool_action = "roleDefinitions/delete/action", .look = pool_definitions_refuse},
};
// clang-format on

const struct vault_operation *pool_route(const char *method, const char *path, struct route_match *out) {
	enum route_result found = route_find(operations, ARRAY_SIZE(operations), sizeof(operations[0]), method, path, out);
	return found == ROUTE_FOUND ? &operations[out->index] : NULL;
}

void pool_scope(const struct call *c, char out[static POOL_SCOPE_MAX]) {
	bool keys = c->op->kind || strncmp(c->op->route.pattern, "/keys", strlen("/keys")) == 0;
	(void)snprintf(out, POOL_SCOPE_MAX, "/%s%s%s", keys ? "keys" : "", c->name ? "/" : "", c->name ? c->name : "");
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

int pool_authorize(const struct call *c, struct store_tx *tx, struct err *err) {
	char scope[POOL_SCOPE_MAX];
	const char *action = c->op->pool_action;
	pool_scope(c, scope);
	int rc = action ? pool_check(tx, c->vault_key, c->caller.oid, scope, action, err) : -EACCES;
	if (rc != -EACCES)
		return rc;
	return err_set(err, rc, 403, "AccessDenied", "Not authorized to access Microsoft.KeyVault/managedHsm/%s on %s",
		action ? action : c->op->audit, scope);
}
