// SPDX-License-Identifier: Apache-2.0
// Azure role-based access control: built-in and custom roles, assignments in the store, the decision. Deny by default.
#pragma once

#include <stdbool.h>

#include "access/caller.h"
#include "base/err.h"
#include "store/store.h"

// Role ids (GUIDs of the built-in roles) that the program itself assigns.
#define ACCESS_ROLE_OWNER "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
#define ACCESS_ROLE_USER_ACCESS_ADMINISTRATOR "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
#define ACCESS_ROLE_HYPERVISOR "6f5c0c66-2c7e-4d3d-9d1b-6a3a3c1f8e10"  // custodisk's own

#define ACCESS_PATTERN_MAX 256  // bytes of an action with its '*', and the NUL

struct access_role {
	const char *id;    // GUID
	const char *name;
	const char *description;
	const char *actions, *not_actions;            // space-separated patterns with '*'
	const char *data_actions, *not_data_actions;
	const char *assignable;  // condition: it lets assignments of these roles alone be written and deleted; NULL for any
	// Of a custom role; NULL and 0 for one that is built in, which can be assigned everywhere.
	const char *scopes;      // space-separated: where it can be assigned
	const char *created_by, *updated_by;
	int64_t created, updated;
};

// The built-in roles, and how many.
const struct access_role *access_roles(size_t *count);
const struct access_role *access_role_by_id(const char *guid);  // NULL when unknown

// A role by its GUID in any case, built in or of the tenant's own. *hold, to be finished by the caller, keeps what *out
// points to. -ENOENT with err untouched.
int access_role_find(struct store_tx *tx, const char *tenant, const char *guid, struct store_rows **hold,
	struct access_role *out, struct err *err) _must_check_;

// The custom roles of a tenant by id; access_role_read what store_next has stepped to, valid until the next step.
int access_custom_roles(struct store_tx *tx, const char *tenant, struct store_rows **rows, struct err *err) _must_check_;
void access_role_read(struct store_rows *rows, struct access_role *out);

// Store a custom role, new or as it is now. -EEXIST with 409 RoleDefinitionWithSameNameExists when another role of the
// tenant, or a built-in one, has its name in any case.
int access_role_save(struct store_tx *tx, const char *tenant, const struct access_role *role, struct err *err) _must_check_;
int access_role_delete(struct store_tx *tx, const char *tenant, const char *guid, struct err *err) _must_check_;

// Does any of the space-separated scopes lie at or above this one?
bool access_scopes_cover(const char *scopes, const char *scope);

// What a decision rests on; printed in Key Vault's 403 and response headers.
struct access_decision {
	char assignment_id[512];  // "" when no assignment allows it
	char role_id[37];
};

// May this principal do `action` (e.g. "Microsoft.KeyVault/vaults/keys/read") at `scope` (an ARM id, any case)?
// `data` picks dataActions. Assignments to the principal and to every group that it is a member of, directly or through
// other groups, count; so do those at the scope itself and at every ancestor. An assignment at "/" counts in the
// subscriptions of its tenant. 0 allowed, -EACCES not allowed (err untouched: each face words its own 403), other
// negative errno.
int access_check(struct store_tx *tx, const char *principal_id, const char *scope, const char *action, bool data,
	struct access_decision *out, struct err *err) _must_check_;

// The same for Microsoft.Authorization/roleAssignments/write and delete of an assignment of `role_id` (NULL when it names
// no role). A role with a condition allows these here alone, and never in access_check.
int access_check_assignment(struct store_tx *tx, const char *principal_id, const char *scope, const char *action,
	const char *role_id, struct access_decision *out, struct err *err) _must_check_;

// Calls `each` for the roles that the principal has at the scope, as access_check finds them; what it gets is valid until it
// returns. When it returns anything but 0, that ends the walk and is returned.
typedef int (*access_role_visitor)(void *ctx, const struct access_role *role, const char *assignment_id, struct err *err);
int access_held(struct store_tx *tx, const char *principal_id, const char *scope, access_role_visitor each, void *ctx,
	struct err *err) _must_check_;

// The subscriptions of a tenant that the principal has any role in, itself or through groups, be it at "/" or at one
// resource: their ids in the first column, in order, behind the id `after` ("" from the beginning).
int access_subscriptions(struct store_tx *tx, const char *principal_id, const char *tenant, const char *after,
	struct store_rows **rows, struct err *err) _must_check_;

// Does the principal hold a role at one resource of `type` ("Custodisk.Host/hypervisors") at or under `ancestor`, and not
// by inheritance? So are the platform's own services told from whoever was given their role somewhere.
int access_holds_role(struct store_tx *tx, const char *principal_id, const char *role_id, const char *type,
	const char *ancestor, bool *out, struct err *err) _must_check_;

// Does the resource at `scope` lie at or under `ancestor`? Both ARM ids in any case; "/" is above all.
bool access_scope_within(const char *scope, const char *ancestor);

// What the directory of the tenant has under an object id: "User", "Group", "ServicePrincipal", or "Application", which
// cannot be assigned roles. *out is a static string. -ENOENT with err untouched.
int access_principal_type(struct store_tx *tx, const char *tenant, const char *object_id, const char **out, struct err *err)
	_must_check_;

// Add an assignment; -EEXIST (409 RoleAssignmentExists) when the same one is there. Used by ARM and at first start.
struct access_assignment {
	const char *tenant, *scope, *name /* GUID */, *principal_id, *principal_type, *role_id, *description, *created_by;
};
int access_assign(struct store_tx *tx, const struct access_assignment *a, struct err *err) _must_check_;
