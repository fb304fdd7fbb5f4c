// SPDX-License-Identifier: Apache-2.0
// Who asks, and whether they may.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"
#include "vault/pool.h"

static const char *audience_of(const struct call *c) {
	return c->pool ? "https://managedhsm.azure.net" : "https://vault.azure.net";
}

static int unauthorized(struct err *err, const char *message) {
	return err_set(err, -EACCES, 401, "Unauthorized", "%s", message);
}

// The token was looked at before the vault was; now both are known.
int call_authenticate(struct call *c, struct err *err) {
	switch (c->refusal) {
	case ENTRA_OK:
		break;
	case ENTRA_MISSING:
		return unauthorized(err, "AKV10000: Request is missing a Bearer or PoP token.");
	case ENTRA_EXPIRED:
		return unauthorized(err, "[TokenExpired] Error validating token: its lifetime is over or has not begun.");
	case ENTRA_AUDIENCE:
		return err_set(err, -EACCES, 401, "Unauthorized", "AKV10022: Invalid audience. Expected %s, found: %s.",
			audience_of(c), c->caller.audience);
	case ENTRA_ISSUER:
		return err_set(err, -EACCES, 401, "Unauthorized",
			"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/%s/, found %s.", c->vault.tenant_id,
			c->caller.iss);
	case ENTRA_UNAVAILABLE:
		return err_set(err, -EAGAIN, 503, "ServiceUnavailable", "The token could not be judged; retry later.");
	case ENTRA_INVALID:
	default:
		return unauthorized(err, "[InvalidToken] Error validating token: it is malformed, or its signature does not hold.");
	}
	if (!strv_eq_nocase(c->caller.tenant, c->vault.tenant_id))
		return err_set(err, -EACCES, 401, "Unauthorized",
			"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/%s/, found %s.", c->vault.tenant_id,
			c->caller.iss);
	return 0;
}

const char *call_challenge(const struct call *c, char *out, size_t size) {
	(void)snprintf(out, size, "Bearer authorization=\"https://%s/%s\", resource=\"%s\"",
		c->pool ? "login.microsoftonline.com" : "login.windows.net", c->vault.tenant_id, audience_of(c));
	return out;
}

static int forbidden_by_rbac(const struct call *c, const char *action, const char *scope, struct err *err) {
	_cleanup_free_ char *resource = strv_lower(scope);
	if (!resource)
		return err_oom(err);
	return err_set_inner(err, -EACCES, 403, "Forbidden", "ForbiddenByRbac",
		"Caller is not authorized to perform action on resource.\r\n"
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n"
		"Caller: appid=%s;oid=%s;iss=%s\r\n"
		"Action: '%s'\r\n"
		"Resource: '%s'\r\n"
		"Assignment: (not found)\r\n"
		"DenyAssignmentId: null\r\n"
		"DecisionReason: null\r\n"
		"Vault: %s;location=%s\r\n",
		c->caller.appid, c->caller.oid, c->caller.iss, action, resource, c->vault.name, c->vault.location);
}

static int forbidden_by_policy(const struct call *c, const char *collection, struct err *err) {
	return err_set_inner(err, -EACCES, 403, "Forbidden", "ForbiddenByPolicy",
		"The user, group or application 'appid=%s;oid=%s;numgroups=0;iss=%s' does not have %s %s permission on key vault "
		"'%s;location=%s'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
		c->caller.appid, c->caller.oid, c->caller.iss, collection, c->op->permission, c->vault.name, c->vault.location);
}

static int authorize_by_policy(struct call *c, struct store_tx *tx, const char *collection, struct err *err) {
	int rc = vault_policies_check(tx, c->vault_key, &c->caller, collection, c->op->permission, err);
	if (rc == -EACCES)
		rc = platform_check(c, tx, collection, err);
	return rc == -EACCES ? forbidden_by_policy(c, collection, err) : rc;
}

int call_authorize(struct call *c, struct store_tx *tx, struct err *err) {
	if (c->pool)
		return pool_authorize(c, tx, err);
	if (!c->vault.rbac)
		return authorize_by_policy(c, tx, c->op->kind->collection, err);
	char action[96], scope[sizeof(c->vault.resource_id) + OBJECT_NAME_MAX + 16];
	(void)snprintf(action, sizeof(action), "Microsoft.KeyVault/vaults/%s", c->op->action);
	(void)snprintf(scope, sizeof(scope), "%s%s%s%s%s", c->vault.resource_id, c->name ? "/" : "",
		c->name ? c->op->kind->collection : "", c->name ? "/" : "", c->name ? c->name : "");
	int rc = access_check(tx, c->caller.oid, scope, action, true, &c->decision, err);
	return rc == -EACCES ? forbidden_by_rbac(c, action, scope, err) : rc;
}
