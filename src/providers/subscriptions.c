// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/tenants and subscriptions: read only.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

static json_t *render(const char *id, const char *tenant, const char *name) {
	return json_pack("{s:s+, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "id", "/subscriptions/", id, "subscriptionId",
		id, "tenantId", tenant, "displayName", name, "state", "Enabled", "authorizationSource", "RoleBased",
		"subscriptionPolicies", "locationPlacementId", "Public_2014-09-01", "quotaId", "PayAsYouGo_2014-09-01",
		"spendingLimit", "Off");
}

// A subscription is listed to whoever holds any role in it.
static int has_role_in(struct arm_call *call, const char *id, bool *has, struct err *err) {
	_cleanup_free_ char *scope = strv_printf("/subscriptions/%s", id);
	_cleanup_free_ char *below = strv_printf("/subscriptions/%s/%%", id);
	int64_t count = 0;
	if (!scope || !below)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err,
		"SELECT COUNT(*) FROM role_assignments WHERE principal_id = $1 AND (scope = '/' OR scope = $2 OR scope LIKE $3)",
		"sss", call->caller->oid, scope, below);
	if (rc < 0)
		return rc;
	*has = count > 0;
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *value = json_array();
	_cleanup_json_ json_t *found = json_array();
	if (!value || !found)
		return err_oom(err);
	{
		_cleanup_rows_ struct store_rows *rows = NULL;
		int rc = store_query(call->tx, &rows, err,
			"SELECT id, tenant_id, display_name FROM subscriptions WHERE tenant_id = $1 ORDER BY id", "s",
			call->caller->tenant);
		while (rc >= 0 && (rc = store_next(rows, err)) > 0)
			if (json_array_append_new(found, render(store_text(rows, 0), store_text(rows, 1), store_text(rows, 2))) < 0)
				return err_oom(err);
		if (rc < 0)
			return rc;
	}
	size_t i;
	json_t *subscription;
	json_array_foreach(found, i, subscription) {
		bool has = false;
		int rc = has_role_in(call, json_str(subscription, "subscriptionId"), &has, err);
		if (rc < 0)
			return rc;
		if (has && json_array_append(value, subscription) < 0)
			return err_oom(err);
	}
	call->response->json = json_pack("{s:O}", "value", value);
	return call->response->json ? 0 : err_oom(err);
}

static int get(struct arm_call *call, struct err *err) {
	int rc = arm_authorize(call, call->target->id, "Microsoft.Resources/subscriptions/read", err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *id = strv_lower(call->target->name);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!id)
		return err_oom(err);
	rc = store_query(call->tx, &rows, err, "SELECT id, tenant_id, display_name FROM subscriptions WHERE id = $1", "s", id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	call->response->json = render(store_text(rows, 0), store_text(rows, 1), store_text(rows, 2));
	return call->response->json ? 0 : err_oom(err);
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "A subscription can only be read.");
	return call->target->name[0] ? get(call, err) : list(call, err);
}

// Whoever has a token sees the tenant it is of.
static int handle_tenants(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Tenants can only be listed.");
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(call->tx, &rows, err, "SELECT display_name FROM tenants WHERE id = $1", "s", call->caller->tenant);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	const char *tenant = call->caller->tenant;
	call->response->json = json_pack("{s:[{s:s+, s:s, s:s, s:s}]}", "value", "id", "/tenants/", tenant, "tenantId", tenant,
		"displayName", rc > 0 ? store_text(rows, 0) : tenant, "tenantCategory", "Home");
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type tenants_type = {
	.name = "Microsoft.Resources/tenants", .versions = versions_resources, .container = true, .raw = handle_tenants};

const struct arm_type subscriptions_type = {
	.name = "Microsoft.Resources/subscriptions", .versions = versions_resources, .container = true, .raw = handle};
