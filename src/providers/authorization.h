// SPDX-License-Identifier: Apache-2.0
// What the types of Microsoft.Authorization share, which all extend any scope.
#pragma once

#include "access/access.h"
#include "arm/type.h"
#include "base/strv.h"

// The scope of the call's target: "/" for the tenant's.
static inline const char *authorization_scope(const struct arm_call *call) {
	return call->target->scope[0] ? call->target->scope : "/";
}

// What the scope names must be there, in the caller's tenant: "/" (with `root`), a subscription, a group, a resource, or an
// object in the data plane of one. 404 in the words of whatever is missing.
int authorization_check_scope(struct arm_call *call, const char *scope, bool root, struct err *err) _must_check_;

// The id of a role definition as it is shown in the context of the call; to be freed, NULL when out of memory.
char *authorization_role_id(const struct arm_call *call, const char *guid);

// A role's permissions as the call's API version shows them; NULL when out of memory.
json_t *authorization_permissions(const struct arm_call *call, const struct access_role *role);

int authorization_refuse_method(const struct arm_call *call, struct err *err) _must_check_;  // 405

// $filter: terms joined by "and", each at most once: atScope(), atScopeAndBelow(), "name eq 'value'" and "assignedTo('id')".
// Those that are not `allowed` (space-separated names) are refused: 400 UnsupportedQuery.
struct authorization_filter {
	bool at_scope, at_scope_and_below;
	char principal_id[40], assigned_to[40], role_name[256], type[40];  // "" when not asked for
};
int authorization_read_filter(const struct arm_call *call, const char *allowed, struct authorization_filter *out,
	struct err *err) _must_check_;
