// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/subscriptions: those that the caller has a role in. Microsoft.Subscription's actions on one of them.
#include "providers/subscriptions.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { PAGE_MAX = 1000 };

int subscription_check_name(const char *name, struct err *err) {
	_cleanup_json_ json_t *utf8 = json_string(name);
	if (!utf8 || !*name || strlen(name) > SUBSCRIPTION_NAME_MAX || strpbrk(name, "<>;|"))
		return err_set(err, -EINVAL, 400, "InvalidSubscriptionName",
			"The name of a subscription has 1 to %d bytes and none of '<', '>', ';' and '|'.", SUBSCRIPTION_NAME_MAX);
	return 0;
}

// id, tenant_id, display_name, state, tags, workload
static int render(struct store_rows *rows, json_t **out, struct err *err) {
	const char *id = store_text(rows, 0), *tags = store_text(rows, 4);
	bool test = strcmp(store_text(rows, 5), "DevTest") == 0;
	_cleanup_json_ json_t *shown = json_pack("{s:s+, s:s, s:s, s:s, s:s, s:s, s:[], s:{s:s, s:s, s:s}}", "id", "/subscriptions/",
		id, "subscriptionId", id, "tenantId", store_text(rows, 1), "displayName", store_text(rows, 2), "state",
		store_text(rows, 3), "authorizationSource", "RoleBased", "managedByTenants", "subscriptionPolicies",
		"locationPlacementId", "Public_2014-09-01", "quotaId",
		test ? "MSDNDevTest_2014-09-01" : "PayAsYouGo_2014-09-01", "spendingLimit", "Off");
	_cleanup_json_ json_t *parsed = NULL;
	if (!shown)
		return err_oom(err);
	int rc = tags ? json_parse(tags, strlen(tags), "InternalServerError", &parsed, err) : 0;
	if (rc < 0)
		return rc;
	if (parsed && json_object_size(parsed) > 0 && json_object_set(shown, "tags", parsed) < 0)
		return err_oom(err);
	*out = TAKE_PTR(shown);
	return 0;
}

int subscription_show(struct store_tx *tx, const char *id, json_t **out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(tx, &rows, err,
		"SELECT id, tenant_id, display_name, state, tags, workload FROM subscriptions WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "SubscriptionNotFound", "The subscription '%s' could not be found.", id);
	return rc < 0 ? rc : render(rows, out, err);
}

// The ids of a page, and whether more follow.
static int find_page(struct arm_call *call, const struct arm_page *page, json_t *ids, bool *more, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = access_subscriptions(call->tx, call->caller->oid, call->caller->tenant, page->after, &rows, err);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		if ((int64_t)json_array_size(ids) == page->top) {
			*more = true;
			return 0;
		}
		if (json_array_append_new(ids, json_string(store_text(rows, 0))) < 0)
			return err_oom(err);
	}
	return rc;
}

static int list(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *ids = json_array();
	json_t *value = arm_list_answer(call);
	struct arm_page page;
	bool more = false;
	if (!ids || !value)
		return err_oom(err);
	int rc = arm_page_read(call, PAGE_MAX, &page, err);
	if (rc == 0)
		rc = find_page(call, &page, ids, &more, err);
	size_t i;
	json_t *id;
	json_array_foreach(ids, i, id) {
		json_t *shown = NULL;
		if (rc == 0)
			rc = subscription_show(call->tx, json_string_value(id), &shown, err);
		if (rc == 0 && json_array_append_new(value, shown) < 0)
			rc = err_oom(err);
	}
	if (rc < 0)
		return rc;
	const json_t *last = json_array_get(ids, json_array_size(ids) - 1);
	return more ? arm_page_next(call, call->response->json, json_string_value(last), err) : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "A subscription can only be read here.");
	if (!call->target->name[0])
		return list(call, err);
	int rc = arm_authorize(call, call->target->id, "Microsoft.Resources/subscriptions/read", err);
	return rc < 0 ? rc : subscription_show(call->tx, call->target->name, &call->response->json, err);
}

const struct arm_type subscriptions_type = {
	.name = "Microsoft.Resources/subscriptions", .versions = versions_resources, .container = true, .raw = handle};

static int answer_id(struct arm_call *call, const char *id, struct err *err) {
	call->response->json = json_pack("{s:s}", "subscriptionId", id);
	return call->response->json ? 0 : err_oom(err);
}

static int set_column(struct arm_call *call, const char *sql, const char *value, struct err *err) {
	_cleanup_free_ char *id = strv_lower(call->target->subscription);
	if (!id)
		return err_oom(err);
	int rc = store_exec(call->tx, err, sql, "ss", value, id);
	return rc < 0 ? rc : answer_id(call, id, err);
}

static int begin_action(struct arm_call *call, const char *permission, struct err *err) {
	if (strcmp(http_method(call->request), "POST") != 0 || !call->target->subscription[0] || call->target->group[0] ||
		call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.",
			http_method(call->request));
	return arm_authorize(call, call->target->scope, permission, err);
}

static int rename_subscription(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = begin_action(call, "Microsoft.Subscription/rename/action", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(body, "subscriptionName");
	rc = subscription_check_name(name ? name : "", err);
	return rc < 0 ? rc : set_column(call, "UPDATE subscriptions SET display_name = $1 WHERE id = $2", name, err);
}

static int set_state(struct arm_call *call, const char *permission, const char *state, struct err *err) {
	int rc = begin_action(call, permission, err);
	return rc < 0 ? rc : set_column(call, "UPDATE subscriptions SET state = $1 WHERE id = $2", state, err);
}

static int cancel(struct arm_call *call, struct err *err) {
	return set_state(call, "Microsoft.Subscription/cancel/action", "Disabled", err);
}

static int enable(struct arm_call *call, struct err *err) {
	return set_state(call, "Microsoft.Subscription/enable/action", "Enabled", err);
}

const struct arm_type subscription_rename_type = {
	.name = "Microsoft.Subscription/rename", .versions = versions_subscription, .raw = rename_subscription};
const struct arm_type subscription_cancel_type = {
	.name = "Microsoft.Subscription/cancel", .versions = versions_subscription, .raw = cancel};
const struct arm_type subscription_enable_type = {
	.name = "Microsoft.Subscription/enable", .versions = versions_subscription, .raw = enable};
