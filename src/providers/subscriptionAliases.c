// SPDX-License-Identifier: Apache-2.0
// Microsoft.Subscription/aliases: how subscriptions are made. An alias is a tenant's, and outlives nothing but itself: who
// deletes it keeps the subscription.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/subscriptions.h"
#include "providers/versions.h"

#define TYPE "Microsoft.Subscription/aliases"
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define COLUMNS \
	"SELECT a.display_name, a.subscription_id, a.created, a.created_by, s.display_name, s.workload" \
	" FROM subscription_aliases a JOIN subscriptions s ON s.id = a.subscription_id"

enum { NAME_MAX_LENGTH = 63, SUBSCRIPTIONS_MAX = 1000 /* of a tenant */ };

// What PUT asks for.
struct wish {
	json_t *body;
	const char *name, *workload, *subscription_id, *owner_id;
	const json_t *tags;
};

static json_t *render(struct store_rows *rows) {
	char created[CLOCK_RFC3339_MAX];
	return json_pack("{s:s+, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}}", "id", "/providers/" TYPE "/", store_text(rows, 0),
		"name", store_text(rows, 0), "type", TYPE, "properties", "subscriptionId", store_text(rows, 1), "displayName",
		store_text(rows, 4), "workload", store_text(rows, 5), "provisioningState", "Succeeded", "createdTime",
		clock_rfc3339(store_int(rows, 2), created), "subscriptionOwnerId", store_text(rows, 3));
}

// Who may read all of the tenant's reads all; everybody else what is their own.
static int may_read_all(struct arm_call *call, bool *all, struct err *err) {
	struct access_decision decision;
	int rc = access_check(call->tx, call->caller->oid, "/", TYPE "/read", false, &decision, err);
	*all = rc == 0;
	return rc == -EACCES ? 0 : rc;
}

static int load(struct arm_call *call, json_t **out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(call->target->name);
	_cleanup_rows_ struct store_rows *rows = NULL;
	bool all = false;
	if (!key)
		return err_oom(err);
	int rc = may_read_all(call, &all, err);
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, COLUMNS " WHERE a.tenant_id = $1 AND a.name = $2", "ss", call->caller->tenant, key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || !(all || strv_eq_nocase(store_text(rows, 3), call->caller->oid)))
		return err_set(err, -ENOENT, 404, "SubscriptionAliasNotFound", "The subscription alias '%s' could not be found.",
			call->target->name);
	json_t *shown = render(rows);
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	json_t *value = arm_list_answer(call);
	_cleanup_rows_ struct store_rows *rows = NULL;
	bool all = false;
	if (!value)
		return err_oom(err);
	int rc = may_read_all(call, &all, err);
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, COLUMNS " WHERE a.tenant_id = $1 AND ($2 = 1 OR a.created_by = $3) ORDER BY a.name",
			"sis", call->caller->tenant, (int64_t)all, call->caller->oid);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(value, render(rows)) < 0)
			return err_oom(err);
	return rc;
}

static int read_wish(struct arm_call *call, struct wish *w, struct err *err) {
	int rc = arm_body(call->request, &w->body, err);
	if (rc < 0)
		return rc;
	w->name = json_str(w->body, "properties.displayName");
	w->workload = json_str(w->body, "properties.workload");
	w->subscription_id = json_str(w->body, "properties.subscriptionId");
	w->owner_id = json_str(w->body, "properties.additionalProperties.subscriptionOwnerId");
	w->tags = json_at(w->body, "properties.additionalProperties.tags");
	const char *tenant = json_str(w->body, "properties.additionalProperties.subscriptionTenantId");
	if (!strv_made_of(call->target->name, NAME_CHARACTERS, 1, NAME_MAX_LENGTH))
		return err_set(err, -EINVAL, 400, "InvalidAliasName", "The subscription alias '%s' is not valid.", call->target->name);
	if (w->workload && !strv_eq_nocase(w->workload, "Production") && !strv_eq_nocase(w->workload, "DevTest"))
		return err_set(err, -EINVAL, 400, "InvalidWorkload", "The workload is 'Production' or 'DevTest'.");
	if (tenant && !strv_eq_nocase(tenant, call->caller->tenant))
		return err_set(err, -EINVAL, 400, "InvalidSubscriptionTenantId",
			"A subscription can be made in the tenant '%s' of the caller only.", call->caller->tenant);
	return w->subscription_id ? 0 : subscription_check_name(w->name ? w->name : "", err);
}

static int check_limit(struct arm_call *call, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM subscriptions WHERE tenant_id = $1", "s",
		call->caller->tenant);
	if (rc == 0 && count >= SUBSCRIPTIONS_MAX)
		return err_set(err, -EDQUOT, 409, "SubscriptionQuotaExceeded", "A tenant has at most %d subscriptions.",
			SUBSCRIPTIONS_MAX);
	return rc;
}

static int assign_owner(struct arm_call *call, const char *id, const char *owner, struct err *err) {
	_cleanup_free_ char *scope = strv_printf("/subscriptions/%s", id);
	char name[ENC_UUID_SIZE];
	const char *type = NULL;
	if (!scope)
		return err_oom(err);
	if (enc_uuid(name) < 0)
		return err_errno(err, -EIO, "no random numbers");
	int rc = access_principal_type(call->tx, call->caller->tenant, owner, &type, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(type, "Application") == 0))
		return err_set(err, -ENOENT, 400, "PrincipalNotFound", "Principal %.64s does not exist in the directory %s.", owner,
			call->caller->tenant);
	if (rc < 0)
		return rc;
	const struct access_assignment a = {.tenant = call->caller->tenant, .scope = scope, .name = name, .principal_id = owner,
		.principal_type = type, .role_id = ACCESS_ROLE_OWNER, .created_by = call->caller->oid};
	return access_assign(call->tx, &a, err);
}

static int make_subscription(struct arm_call *call, const struct wish *w, char id[static ENC_UUID_SIZE], struct err *err) {
	_cleanup_free_ char *tags = json_is_object(w->tags) ? json_text(w->tags) : NULL;
	int rc = check_limit(call, err);
	if (rc == 0 && w->tags && !json_is_null(w->tags))
		rc = arm_check_tags(w->tags, err);
	if (rc < 0)
		return rc;
	if (enc_uuid(id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	rc = store_exec(call->tx, err,
		"INSERT INTO subscriptions (id, tenant_id, display_name, workload, tags) VALUES ($1,$2,$3,$4,$5)", "sssss", id,
		call->caller->tenant, w->name, w->workload && strv_eq_nocase(w->workload, "DevTest") ? "DevTest" : "Production", tags);
	return rc < 0 ? rc : assign_owner(call, id, w->owner_id ? w->owner_id : call->caller->oid, err);
}

// An alias for what is there: whoever owns that.
static int take_subscription(struct arm_call *call, const char *given, char id[static ENC_UUID_SIZE], struct err *err) {
	_cleanup_free_ char *key = strv_lower(given);
	_cleanup_free_ char *scope = strv_printf("/subscriptions/%s", given);
	int64_t count = 0;
	if (!key || !scope)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM subscriptions WHERE id = $1 AND tenant_id = $2", "ss",
		key, call->caller->tenant);
	if (rc == 0 && count == 0)
		return err_set(err, -ENOENT, 404, "SubscriptionNotFound", "The subscription '%.64s' could not be found.", given);
	if (rc == 0)
		rc = arm_authorize(call, scope, TYPE "/write", err);
	return rc < 0 ? rc : strv_copy(id, ENC_UUID_SIZE, key);
}

static int insert(struct arm_call *call, const char *subscription, struct err *err) {
	_cleanup_free_ char *key = strv_lower(call->target->name);
	if (!key)
		return err_oom(err);
	int rc = store_exec(call->tx, err,
		"INSERT INTO subscription_aliases (tenant_id, name, display_name, subscription_id, created, created_by)"
		" VALUES ($1,$2,$3,$4,$5,$6)",
		"ssssis", call->caller->tenant, key, call->target->name, subscription, clock_now(), call->caller->oid);
	return rc < 0 ? rc : 0;
}

static int put(struct arm_call *call, const struct wish *w, struct err *err) {
	char id[ENC_UUID_SIZE];
	// An alias that is there is answered as it is: a request may be repeated.
	int rc = load(call, &call->response->json, NULL);
	if (rc != -ENOENT)
		return rc;
	rc = w->subscription_id ? take_subscription(call, w->subscription_id, id, err) : make_subscription(call, w, id, err);
	if (rc == 0)
		rc = insert(call, id, err);
	if (rc == 0)
		rc = load(call, &call->response->json, err);
	call->response->status = 201;
	return rc;
}

static int create(struct arm_call *call, struct err *err) {
	struct wish w = {0};
	int rc = read_wish(call, &w, err);
	if (rc == 0 && !w.subscription_id)
		rc = arm_authorize(call, "/", TYPE "/write", err);
	if (rc == 0)
		rc = put(call, &w, err);
	json_decref(w.body);
	return rc;
}

static int remove_alias(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *found = NULL;
	_cleanup_free_ char *key = strv_lower(call->target->name);
	if (!key)
		return err_oom(err);
	int rc = load(call, &found, err);
	if (rc == -ENOENT) {
		call->response->status = 204;
		return 0;
	}
	_cleanup_free_ char *scope = rc == 0 ? strv_printf("/subscriptions/%s", json_str(found, "properties.subscriptionId")) : NULL;
	if (rc == 0)
		rc = scope ? arm_authorize(call, scope, TYPE "/delete", err) : err_oom(err);
	if (rc == 0)
		rc = store_exec(call->tx, err, "DELETE FROM subscription_aliases WHERE tenant_id = $1 AND name = $2", "ss",
			call->caller->tenant, key);
	return rc < 0 ? rc : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	const struct arm_target *t = call->target;
	bool here = !t->scope[0] && !t->tail[0];
	if (here && strcmp(method, "GET") == 0)
		return t->name[0] ? load(call, &call->response->json, err) : list(call, err);
	if (here && t->name[0] && strcmp(method, "PUT") == 0)
		return create(call, err);
	if (here && t->name[0] && strcmp(method, "DELETE") == 0)
		return remove_alias(call, err);
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
}

const struct arm_type subscription_aliases_type = {.name = TYPE, .versions = versions_subscription, .raw = handle};
