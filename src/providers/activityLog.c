// SPDX-License-Identifier: Apache-2.0
// Microsoft.Insights/eventtypes/management/values: the activity log of a subscription, or of a tenant above its
// subscriptions. Newest first.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/clock.h"
#include "base/strv.h"
#include "providers/filter.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { PAGE_MAX = 200 };
#define TICKS_1970 621355968000000000LL  // 100 ns since year 1
#define COLUMNS \
	"id, time_ns, resource_group, resource_id, resource_type, operation, status, caller, caller_name, app_id, method," \
	" request_id, correlation_id, client_address, message, tenant_id, subscription_id"

enum column { ID, TIME, GROUP, RESOURCE, TYPE, OPERATION, STATUS, CALLER, CALLER_NAME, APP, METHOD, REQUEST, CORRELATION,
	ADDRESS, MESSAGE, TENANT, SUBSCRIPTION };

struct listing {
	struct arm_call *call;
	struct filter filter;
	int64_t from_ns, to_ns;  // eventTimestamp
	struct arm_page page;
	json_t *value;
	char last[ARM_ID_MAX];
};

// The action that was asked for, as roles name it: a resource group's stand below its subscription.
static void action_of(struct store_rows *rows, char *out, size_t size) {
	static const char groups[] = "Microsoft.Resources/resourceGroups/";
	const char *operation = store_text(rows, OPERATION);
	if (strv_starts_with_nocase(operation, groups))
		(void)snprintf(out, size, "Microsoft.Resources/subscriptions/resourceGroups/%s", operation + sizeof(groups) - 1);
	else
		(void)snprintf(out, size, "%s", operation);
}

static const char *caller_of(struct store_rows *rows) {
	const char *name = store_text(rows, CALLER_NAME);
	return name[0] ? name : store_text(rows, CALLER);
}

static json_t *both(const char *value) {
	return json_pack("{s:s, s:s}", "value", value, "localizedValue", value);
}

static json_t *render_claims(struct store_rows *rows) {
	const char *name = store_text(rows, CALLER_NAME), *tenant = store_text(rows, TENANT);
	return json_pack("{s:s, s:s++, s:s, s:s, s:s, s:s*}", "aud", "https://management.azure.com/", "iss", "https://sts.windows.net/",
		tenant, "/", "appid", store_text(rows, APP), "http://schemas.microsoft.com/identity/claims/objectidentifier",
		store_text(rows, CALLER), "http://schemas.microsoft.com/identity/claims/tenantid", tenant,
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", name[0] ? name : NULL);
}

// What names the event: its resource, and the time in ticks.
static int set_ids(json_t *event, struct store_rows *rows) {
	char time[CLOCK_RFC3339_MAX];
	int64_t ns = store_int(rows, TIME);
	_cleanup_free_ char *id = strv_printf("%s/events/%s/ticks/%lld", store_text(rows, RESOURCE), store_text(rows, ID),
		(long long)(TICKS_1970 + ns / 100));
	if (!id || json_set_str(event, "id", id) < 0 || json_set_str(event, "eventTimestamp", clock_rfc3339_ns(ns, time)) < 0)
		return -ENOMEM;
	return json_set_str(event, "submissionTimestamp", time);
}

static const char *level_of(const char *status) {
	return strcmp(status, "Failed") == 0 ? "Error" : "Informational";
}

static json_t *render_properties(struct store_rows *rows, const char *action) {
	const char *message = store_text(rows, MESSAGE);
	_cleanup_json_ json_t *text = message ? json_lossy(message) : NULL;
	return json_pack("{s:s, s:s, s:s, s:O*}", "eventCategory", "Administrative", "entity", store_text(rows, RESOURCE), "message",
		action, "statusMessage", text);
}

static json_t *render(struct store_rows *rows) {
	char action[256], space[ARM_NAME_MAX];
	const char *type = store_text(rows, TYPE), *status = store_text(rows, STATUS), *subscription = store_text(rows, SUBSCRIPTION);
	action_of(rows, action, sizeof(action));
	(void)snprintf(space, sizeof(space), "%.*s", (int)strcspn(type, "/"), type);
	json_t *event = json_pack("{s:{s:s, s:s}, s:s, s:s, s:o, s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:s,"
				  " s:o, s:o, s:s*, s:s, s:o, s:{s:s, s:s, s:s}}",
		"authorization", "action", action, "scope", store_text(rows, RESOURCE), "caller", caller_of(rows), "channels", "Operation",
		"claims", render_claims(rows), "correlationId", store_text(rows, CORRELATION), "description", "", "eventDataId",
		store_text(rows, ID), "eventName", "value", "EndRequest", "localizedValue", "End request", "category",
		both("Administrative"), "level", level_of(status), "operationId", store_text(rows, REQUEST), "operationName", both(action),
		"resourceGroupName", store_text(rows, GROUP), "resourceProviderName", both(space), "resourceType", both(type),
		"resourceId", store_text(rows, RESOURCE), "status", both(status), "subStatus", both(""), "subscriptionId",
		subscription[0] ? subscription : NULL, "tenantId", store_text(rows, TENANT), "properties",
		render_properties(rows, action), "httpRequest", "clientRequestId", store_text(rows, REQUEST), "clientIpAddress",
		store_text(rows, ADDRESS), "method", store_text(rows, METHOD));
	if (event && set_ids(event, rows) < 0) {
		json_decref(event);
		return NULL;
	}
	return event;
}

// "eventDataId, caller": only these members.
static int select_members(struct arm_call *call, json_t **event, struct err *err) {
	const char *select = http_query(call->request, "$select");
	if (!select)
		return 0;
	json_t *chosen = json_object();
	for (const char *p = select; chosen && *p;) {
		p += strspn(p, ", ");
		size_t n = strcspn(p, ", ");
		char name[64] = "";
		if (n < sizeof(name))
			(void)snprintf(name, sizeof(name), "%.*s", (int)n, p);
		json_t *member = json_object_get(*event, name);
		if (member && json_object_set(chosen, name, member) < 0)
			return err_oom(err);
		p += n;
	}
	json_decref(*event);
	*event = chosen;
	return chosen ? 0 : err_oom(err);
}

static bool is_time(const struct filter_term *t) {
	return strv_eq_nocase(t->field, "eventTimestamp");
}

static bool is_field(const char *field) {
	static const char *const known[] = {"resourceGroupName", "resourceUri", "resourceId", "resourceProvider", "resourceType",
		"correlationId", "status", "caller", "levels", "level", "eventChannels", "operationName"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strv_eq_nocase(field, known[i]))
			return true;
	return false;
}

static int refuse_filter(const char *why, struct err *err) {
	return err_set(err, -EINVAL, 400, "BadRequest", "The $filter of the request is invalid: %s.", why);
}

// Whole seconds are what the clock reads. Some clients leave out the zone, which is UTC then.
static bool parse_time(const char *text, int64_t *out) {
	char zoned[CLOCK_RFC3339_MAX];
	if (clock_parse(text, out) == 0)
		return true;
	if (strlen(text) + 2 > sizeof(zoned))
		return false;
	(void)snprintf(zoned, sizeof(zoned), "%sZ", text);
	return clock_parse(zoned, out) == 0;
}

static int read_time(struct listing *l, const struct filter_term *t, struct err *err) {
	int64_t seconds = 0;
	bool from = t->test == FILTER_GE || t->test == FILTER_GT;
	if (t->test == FILTER_EQ || t->test == FILTER_NE || t->test == FILTER_SUBSTRING_OF || t->test == FILTER_STARTS_WITH ||
		!parse_time(t->value, &seconds) || seconds > CLOCK_LATEST)
		return refuse_filter("eventTimestamp is compared with a time", err);
	if (from)
		l->from_ns = seconds * CLOCK_NSEC_PER_SEC;
	else
		l->to_ns = (seconds + 1) * CLOCK_NSEC_PER_SEC - 1;
	return 0;
}

static int read_filter(struct listing *l, struct err *err) {
	const char *text = http_query(l->call->request, "$filter");
	bool timed = false;
	int rc = text && *text ? filter_parse(text, &l->filter, err) : refuse_filter("it is needed, with a time to begin at", err);
	if (rc < 0)
		return rc;
	if (!filter_is_conjunction(&l->filter))
		return refuse_filter("terms are joined by 'and' only", err);
	for (size_t i = 0; i < l->filter.term_count; i++) {
		const struct filter_term *t = &l->filter.terms[i];
		if (is_time(t)) {
			timed = timed || t->test == FILTER_GE || t->test == FILTER_GT;
			rc = read_time(l, t, err);
			if (rc < 0)
				return rc;
		} else if (t->test != FILTER_EQ || !is_field(t->field)) {
			return refuse_filter("it compares what cannot be compared", err);
		}
	}
	return timed ? 0 : refuse_filter("it needs a time to begin at", err);
}

static bool is_in_list(const char *list, const char *word) {
	size_t n = strlen(word);
	for (const char *p = list; *p;) {
		size_t m = strcspn(p, ", ");
		if (m == n && strncasecmp(p, word, n) == 0)
			return true;
		p += m;
		p += strspn(p, ", ");
	}
	return false;
}

static bool term_holds(void *ctx, const struct filter_term *t) {
	struct store_rows *rows = ctx;
	if (is_time(t))
		return true;  // the query saw to it
	if (strv_eq_nocase(t->field, "resourceGroupName"))
		return strv_eq_nocase(store_text(rows, GROUP), t->value);
	if (strv_eq_nocase(t->field, "resourceUri") || strv_eq_nocase(t->field, "resourceId"))
		return strv_eq_nocase(store_text(rows, RESOURCE), t->value);
	if (strv_eq_nocase(t->field, "resourceType"))
		return strv_eq_nocase(store_text(rows, TYPE), t->value);
	if (strv_eq_nocase(t->field, "resourceProvider")) {
		size_t n = strlen(t->value);
		return strv_starts_with_nocase(store_text(rows, TYPE), t->value) && store_text(rows, TYPE)[n] == '/';
	}
	if (strv_eq_nocase(t->field, "correlationId"))
		return strv_eq_nocase(store_text(rows, CORRELATION), t->value);
	if (strv_eq_nocase(t->field, "status"))
		return strv_eq_nocase(store_text(rows, STATUS), t->value);
	if (strv_eq_nocase(t->field, "caller"))
		return strv_eq_nocase(caller_of(rows), t->value) || strv_eq_nocase(store_text(rows, CALLER), t->value);
	if (strv_eq_nocase(t->field, "operationName")) {
		char action[256];
		action_of(rows, action, sizeof(action));
		return strv_eq_nocase(action, t->value);
	}
	if (strv_eq_nocase(t->field, "levels") || strv_eq_nocase(t->field, "level"))
		return is_in_list(t->value, level_of(store_text(rows, STATUS)));
	return is_in_list(t->value, "Operation");  // eventChannels
}

// Where the page before ended: "{time} {id}".
static int read_position(const struct listing *l, int64_t *time, const char **id, struct err *err) {
	const char *blank = strchr(l->page.after, ' ');
	char digits[32];
	*time = INT64_MAX;
	*id = "";
	if (!l->page.after[0])
		return 0;
	(void)snprintf(digits, sizeof(digits), "%.*s", blank ? (int)(blank - l->page.after) : 0, l->page.after);
	if (strv_int(digits, 0, INT64_MAX, time) < 0)
		return err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token of the request is not valid.");
	*id = blank + 1;
	return 0;
}

static int open_rows(struct listing *l, struct store_rows **rows, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(l->call->target->subscription);
	int64_t time;
	const char *id;
	if (!subscription)
		return err_oom(err);
	int rc = read_position(l, &time, &id, err);
	if (rc < 0)
		return rc;
	// A tenant's own events have no subscription; a subscription's are its tenant's, which the call was checked for.
	return store_query(l->call->tx, rows, err,
		"SELECT " COLUMNS " FROM activity_log WHERE subscription_id = $1 AND (subscription_id <> '' OR tenant_id = $2)"
		" AND time_ns >= $3 AND time_ns <= $4 AND (time_ns < $5 OR (time_ns = $5 AND id > $6)) ORDER BY time_ns DESC, id",
		"ssiiis", subscription, l->call->caller->tenant, l->from_ns, l->to_ns, time, id);
}

static int add_row(struct listing *l, struct store_rows *rows, bool *full, struct err *err) {
	if (!filter_holds(&l->filter, term_holds, rows))
		return 0;
	*full = (int64_t)json_array_size(l->value) == l->page.top;
	if (*full)
		return 0;
	json_t *event = render(rows);
	if (!event)
		return err_oom(err);
	int rc = select_members(l->call, &event, err);
	(void)snprintf(l->last, sizeof(l->last), "%" PRId64 " %s", store_int(rows, TIME), store_text(rows, ID));
	return rc == 0 && json_array_append_new(l->value, event) < 0 ? err_oom(err) : rc;
}

static int list(struct listing *l, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	bool full = false;
	int rc = open_rows(l, &rows, err);
	while (rc >= 0 && !full && (rc = store_next(rows, err)) > 0)
		rc = add_row(l, rows, &full, err);
	if (rc < 0)
		return rc;
	return full ? arm_page_next(l->call, l->call->response->json, l->last, err) : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	const struct arm_target *t = call->target;
	struct listing l = {.call = call, .to_ns = INT64_MAX, .value = arm_list_answer(call)};
	if (!l.value)
		return err_oom(err);
	if (strcmp(http_method(call->request), "GET") != 0 || t->group[0] || t->name[0] || t->tail[0] ||
		!strv_ends_with_nocase(t->id, "/eventtypes/management"))
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The events of a subscription can be listed.");
	int rc = arm_authorize(call, t->scope[0] ? t->scope : "/", "Microsoft.Insights/eventtypes/values/Read", err);
	if (rc == 0)
		rc = read_filter(&l, err);
	if (rc == 0)
		rc = arm_page_read(call, PAGE_MAX, &l.page, err);
	return rc < 0 ? rc : list(&l, err);
}

const struct arm_type activity_log_type = {
	.name = "Microsoft.Insights/eventtypes/values", .versions = versions_activity_log, .raw = handle};
