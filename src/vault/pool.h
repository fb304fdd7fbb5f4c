// SPDX-License-Identifier: Apache-2.0
// Managed HSM: what a pool has that vaults have not. Its keys are under roles that are assigned in the pool itself, at "/",
// "/keys" or "/keys/{name}" (Azure REST reference, Role Assignments and Role Definitions of the HSM platform; "Managed HSM
// local RBAC built-in roles").
#pragma once

#include <jansson.h>

#include "net/router.h"
#include "vault/object.h"

#define POOL_VERSIONS_MAX 100            // of a key
#define POOL_RANDOM_MAX 128              // bytes of one request
#define POOL_SCOPE_MAX (sizeof("/keys/") + OBJECT_NAME_MAX)
#define POOL_ASSIGNMENTS_MAX 50          // at "/", and at "/keys"
#define POOL_ASSIGNMENTS_OF_KEY_MAX 10

struct vault_operation;

// A built-in role.
struct pool_role {
	const char *id;            // GUID
	const char *name;
	const char *data_actions;  // space-separated, below Microsoft.KeyVault/managedHsm/
};
const struct pool_role *pool_roles(size_t *count);
const struct pool_role *pool_role_by_id(const char *guid);  // NULL when unknown; any case

// A role assignment. All GUIDs and the scope are in lower case.
struct pool_assignment {
	char name[ENC_UUID_SIZE];
	char scope[POOL_SCOPE_MAX];
	char role_id[ENC_UUID_SIZE];
	char principal_id[ENC_UUID_SIZE];
};

// A row of pool_assignments, of a query for just these columns first.
#define POOL_ASSIGNMENT_COLUMNS "name, scope, role_id, principal_id"
void pool_assignment_read(struct store_rows *rows, struct pool_assignment *out);

// Of the pool whose key in the store is `vault`. -ENOENT leaves err untouched.
int pool_assignment_load(struct store_tx *tx, const char *vault, const char *name, struct pool_assignment *out, struct err *err)
	_must_check_;
// 409 RoleAssignmentExists when there is one of this name, or one that says the same; 400 when the scope has as many as it can.
int pool_assignment_add(struct store_tx *tx, const char *vault, const struct pool_assignment *a, struct err *err) _must_check_;
int pool_assignment_remove(struct store_tx *tx, const char *vault, const char *name, struct err *err) _must_check_;

// Does what is assigned at `scope` count at `target`?
bool pool_scope_covers(const char *scope, const char *target);

// May this principal do `action` ("keys/read/action") at `scope`? 0, -EACCES (err untouched), other negative errno.
int pool_check(struct store_tx *tx, const char *vault, const char *principal, const char *scope, const char *action,
	struct err *err) _must_check_;

// In pool_routes.c: an operation that pools alone have, NULL when there is none.
const struct vault_operation *pool_route(const char *method, const char *path, struct route_match *out);

// Where in the pool the request is: "/", "/keys", "/keys/{name in lower case}".
void pool_scope(const struct call *c, char out[static POOL_SCOPE_MAX]);

// 403 AccessDenied.
int pool_authorize(const struct call *c, struct store_tx *tx, struct err *err) _must_check_;

// In pool_requests.c: phases.
int pool_assignments_list(struct call *c, struct store_tx *tx, struct err *err);
int pool_assignments_get(struct call *c, struct store_tx *tx, struct err *err);
int pool_assignments_create(struct call *c, struct store_tx *tx, struct err *err);
int pool_assignments_delete(struct call *c, struct store_tx *tx, struct err *err);
int pool_definitions_list(struct call *c, struct store_tx *tx, struct err *err);
int pool_definitions_get(struct call *c, struct store_tx *tx, struct err *err);
int pool_definitions_refuse(struct call *c, struct store_tx *tx, struct err *err);
int pool_random(struct call *c, struct err *err);
