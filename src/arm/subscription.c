// SPDX-License-Identifier: Apache-2.0
// What a subscription lets a request do, before anybody asks for roles: it must be the caller's tenant's, enabled, and
// registered to use the namespace.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/internal.h"
#include "base/enc.h"
#include "base/strv.h"

static int check_tenant(const struct arm_call *call, const char *tenant, struct err *err) {
	if (strv_eq_nocase(tenant, call->caller->tenant))
		return 0;
	return err_set(err, -EACCES, 401, "InvalidAuthenticationTokenTenant",
		"The access token is from the wrong issuer 'https://sts.windows.net/%s/'. It must match the tenant "
		"'https://sts.windows.net/%s/' associated with this subscription.",
		call->caller->tenant, tenant);
}

static int check_state(const struct arm_call *call, const char *state, struct err *err) {
	if (strcmp(state, "Enabled") == 0 || strv_starts_with_nocase(call->target->type, "Microsoft.Subscription/"))
		return 0;
	return err_set(err, -EROFS, 409, "ReadOnlyDisabledSubscription",
		"The subscription '%s' is disabled and therefore marked as read only. You cannot perform any write actions on "
		"this subscription until it is re-enabled.",
		call->target->subscription);
}

static int check_registration(struct arm_call *call, const char *subscription, struct err *err) {
	char space[ARM_NAME_MAX];
	(void)snprintf(space, sizeof(space), "%.*s", (int)strcspn(call->target->type, "/"), call->target->type);
	_cleanup_free_ char *key = strv_lower(space);
	int64_t unregistered = 0;
	if (!key)
		return err_oom(err);
	int rc = store_query_int(call->tx, &unregistered, err,
		"SELECT COUNT(*) FROM unregistered_namespaces WHERE subscription_id = $1 AND namespace = $2", "ss", subscription, key);
	if (rc < 0 || unregistered == 0)
		return rc;
	return err_set(err, -EPERM, 409, "MissingSubscriptionRegistration",
		"The subscription is not registered to use namespace '%s'. See https://aka.ms/rps-not-found for how to register "
		"subscriptions.",
		space);
}

int arm_subscription_check(struct arm_call *call, bool changes, struct err *err) {
	const char *id = call->target->subscription;
	if (!id[0]) {
		call->own_subscription = true;
		return 0;
	}
	if (!enc_is_uuid(id))
		return err_set(err, -EINVAL, 400, "InvalidSubscriptionId",
			"The provided subscription identifier '%s' is malformed or invalid.", id);
	_cleanup_free_ char *key = strv_lower(id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, "SELECT tenant_id, state FROM subscriptions WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "SubscriptionNotFound", "The subscription '%s' could not be found.", id);
	rc = check_tenant(call, store_text(rows, 0), err);
	if (rc < 0)
		return rc;
	call->own_subscription = true;
	// What a subscription holds can be removed from it in any state.
	if (!changes || strcmp(http_method(call->request), "DELETE") == 0)
		return 0;
	rc = check_state(call, store_text(rows, 1), err);
	return rc < 0 ? rc : check_registration(call, key, err);
}
