// SPDX-License-Identifier: Apache-2.0
// body.identity of any resource: managed identities made, pointed to, and shown with their ids.
#include <errno.h>
#include <string.h>

#include "arm/internal.h"
#include "base/strv.h"

#define USER_ASSIGNED_TYPE "Microsoft.ManagedIdentity/userAssignedIdentities"
enum { USER_ASSIGNED_MAX = 20 };

static bool wants(const char *type, const char *kind) {
	// "SystemAssigned, UserAssigned" names both.
	for (const char *p = type; *p; p++)
		if (strv_starts_with_nocase(p, kind))
			return true;
	return false;
}

static bool type_is_known(const char *type) {
	static const char *const known[] = {
		"None", "SystemAssigned", "UserAssigned", "SystemAssigned, UserAssigned", "SystemAssigned,UserAssigned"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strv_eq_nocase(type, known[i]))
			return true;
	return false;
}

// One user-assigned identity: it exists, and the caller may hand it to a resource.
static int resolve(struct arm_call *call, const char *id, json_t *out, struct err *err) {
	struct arm_target t;
	int rc = arm_parse_id(id, USER_ASSIGNED_TYPE, &t, err);
	if (rc == 0)
		rc = arm_authorize_linked(call, id, USER_ASSIGNED_TYPE "/assign/action", err);
	if (rc < 0)
		return rc;
	struct entra_principal principal;
	_cleanup_free_ char *key = strv_lower(id);
	if (!key)
		return err_oom(err);
	rc = entra_find_managed_identity(call->tx, key, &principal, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "FailedIdentityOperation",
			"Identity operation for resource '%s' failed with error 'Failed to perform resource identity operation. "
			"The user-assigned identity '%s' does not exist.'", call->target->id, id);
	if (rc < 0)
		return rc;
	return json_set(out, id, json_pack("{s:s, s:s}", "principalId", principal.object_id, "clientId", principal.app_id)) < 0
		? err_oom(err)
		: 0;
}

static int resolve_all(struct arm_call *call, const json_t *given, json_t *identity, struct err *err) {
	if (!json_is_object(given) || json_object_size(given) == 0)
		return err_set(err, -EINVAL, 400, "MissingIdentityIds",
			"The identity ids must not be null or empty for 'UserAssigned' identity type.");
	if (json_object_size(given) > USER_ASSIGNED_MAX)
		return err_set(err, -EINVAL, 400, "TooManyUserAssignedIdentities",
			"At most %d user-assigned identities can be given to a resource.", USER_ASSIGNED_MAX);
	json_t *shown = json_object();
	if (json_set(identity, "userAssignedIdentities", shown) < 0)
		return err_oom(err);
	const char *id;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)given, id, value) {
		int rc = resolve(call, id, shown, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_system_assigned(struct arm_call *call, const struct resource *r, json_t *identity, struct err *err) {
	struct entra_principal principal;
	int rc = entra_add_managed_identity(call->tx, call->caller->tenant, r->id, r->name, &principal, err);
	if (rc < 0)
		return rc;
	return json_set_str(identity, "principalId", principal.object_id) < 0 ||
			json_set_str(identity, "tenantId", principal.tenant_id) < 0
		? err_oom(err)
		: 0;
}

int arm_identity_merge(struct arm_call *call, struct resource *r, const json_t *body, struct err *err) {
	const json_t *given = json_object_get(body, "identity");
	if (!given)
		return 0;
	const char *type = json_str(given, "type");
	if (!type || !type_is_known(type))
		return err_set(err, -EINVAL, 400, "InvalidIdentityType",
			"The identity type is missing or not one of None, SystemAssigned, UserAssigned and "
			"'SystemAssigned, UserAssigned'.");
	_cleanup_json_ json_t *identity = json_pack("{s:s}", "type", type);
	if (!identity)
		return err_oom(err);
	int rc = 0;
	if (wants(type, "UserAssigned"))
		rc = resolve_all(call, json_object_get(given, "userAssignedIdentities"), identity, err);
	if (rc == 0 && wants(type, "SystemAssigned"))
		rc = add_system_assigned(call, r, identity, err);
	else if (rc == 0)
		rc = arm_identity_remove(call, r, err);
	if (rc < 0)
		return rc;
	return json_object_set(r->body, "identity", identity) < 0 ? err_oom(err) : 0;
}

int arm_identity_remove(struct arm_call *call, const struct resource *r, struct err *err) {
	// A user-assigned identity resource owns the principal of its own id; every other type owns a system-assigned one.
	struct entra_principal principal;
	int rc = entra_find_managed_identity(call->tx, r->id, &principal, err);
	if (rc == -ENOENT)
		return 0;
	return rc < 0 ? rc : entra_remove_managed_identity(call->tx, r->id, err);
}
