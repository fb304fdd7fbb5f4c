// SPDX-License-Identifier: Apache-2.0
// The resources of a subscription or a group, of all types: GET …/resources. One walk over the store, a page at a time.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/clock.h"
#include "base/strv.h"
#include "providers/filter.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define GROUP_TYPE "Microsoft.Resources/resourceGroups"
enum { PAGE_MAX = 1000 };
#define COLUMNS "id, display_id, type, resource_group, name, body, created, changed"

struct listing {
	struct arm_call *call;
	struct filter filter;
	// A filter by tags stands alone: a name, a name and a value, or what names begin with.
	const struct filter_term *tag_name, *tag_value;
	bool filtered;
	bool created_time, changed_time, provisioning_state;  // $expand
	struct arm_page page;
	bool all;  // the caller may read whatever is there; else only what it may read by itself
	json_t *value;
	char last[ARM_ID_MAX];
};

// One row; the body is parsed when somebody asks for it.
struct row {
	struct store_rows *rows;
	json_t *body;
	bool unreadable;
};

static void row_free(struct row *r) {
	json_decref(r->body);
}

static const json_t *row_body(struct row *r) {
	const char *text = store_text(r->rows, 5);
	if (!r->body && json_parse(text, strlen(text), "InternalServerError", &r->body, NULL) < 0)
		r->unreadable = true;
	return r->body;
}

// The value of a field that filters may name; NULL when the resource has none.
static const char *row_field(struct row *r, const char *field) {
	static const char *const in_body[][2] = {{"location", "location"}, {"identity", "identity.type"},
		{"identity/principalId", "identity.principalId"}, {"plan", "plan.name"}, {"plan/name", "plan.name"},
		{"plan/publisher", "plan.publisher"}, {"plan/product", "plan.product"}, {"plan/version", "plan.version"},
		{"plan/promotionCode", "plan.promotionCode"}};
	if (strv_eq_nocase(field, "resourceType"))
		return store_text(r->rows, 2);
	if (strv_eq_nocase(field, "resourceGroup"))
		return store_text(r->rows, 3);
	if (strv_eq_nocase(field, "name"))
		return store_text(r->rows, 4);
	for (size_t i = 0; i < ARRAY_SIZE(in_body); i++)
		if (strv_eq_nocase(field, in_body[i][0]))
			return json_str(row_body(r), in_body[i][1]);
	return NULL;
}

static bool is_substring_field(const char *field) {
	return strv_eq_nocase(field, "name") || strv_eq_nocase(field, "resourceGroup");
}

static bool is_field(const char *field) {
	static const char *const known[] = {"resourceType", "resourceGroup", "name", "location", "identity", "identity/principalId",
		"plan", "plan/name", "plan/publisher", "plan/product", "plan/version", "plan/promotionCode"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strv_eq_nocase(field, known[i]))
			return true;
	return false;
}

static bool is_allowed(const struct filter_term *t) {
	return t->test == FILTER_SUBSTRING_OF ? is_substring_field(t->field)
					      : (t->test == FILTER_EQ || t->test == FILTER_NE) && is_field(t->field);
}

static bool names_tag(const struct filter_term *t) {
	return strv_eq_nocase(t->field, "tagName") && (t->test == FILTER_EQ || t->test == FILTER_STARTS_WITH);
}

// tagName eq 'n', startswith(tagName, 'n'), or tagName eq 'n' and tagValue eq 'v'.
static bool take_tags(struct listing *l) {
	const struct filter_term *t = l->filter.terms;
	if (l->filter.term_count > 2 || !names_tag(&t[0]))
		return false;
	if (l->filter.term_count == 2 && (t[0].test != FILTER_EQ || t[1].test != FILTER_EQ ||
						 !strv_eq_nocase(t[1].field, "tagValue") || !filter_is_conjunction(&l->filter)))
		return false;
	l->tag_name = &t[0];
	l->tag_value = l->filter.term_count == 2 ? &t[1] : NULL;
	return true;
}

static int read_filter(struct listing *l, struct err *err) {
	const char *text = http_query(l->call->request, "$filter");
	if (!text || !*text)
		return 0;
	int rc = filter_parse(text, &l->filter, err);
	if (rc < 0)
		return rc;
	l->filtered = true;
	if (take_tags(l))
		return 0;
	for (size_t i = 0; i < l->filter.term_count; i++)
		if (!is_allowed(&l->filter.terms[i]))
			return err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
				"Invalid $filter '%.200s' specified in the query string.", text);
	return 0;
}

static int read_expand(struct listing *l, struct err *err) {
	const char *text = http_query(l->call->request, "$expand");
	for (const char *p = text ? text : ""; *p;) {
		size_t n = strcspn(p, ",");
		char word[32] = "";
		if (n < sizeof(word))
			(void)snprintf(word, sizeof(word), "%.*s", (int)n, p);
		if (strv_eq_nocase(word, "createdTime"))
			l->created_time = true;
		else if (strv_eq_nocase(word, "changedTime"))
			l->changed_time = true;
		else if (strv_eq_nocase(word, "provisioningState"))
			l->provisioning_state = true;
		else
			return err_set(err, -EINVAL, 400, "InvalidExpandInQueryString",
				"Invalid $expand '%.100s' specified in the query string.", text);
		p += n + (p[n] == ',');
	}
	return 0;
}

static bool term_holds(void *ctx, const struct filter_term *t) {
	const char *value = row_field(ctx, t->field);
	switch (t->test) {
	case FILTER_EQ:
		return value && strv_eq_nocase(value, t->value);
	case FILTER_NE:
		return !value || !strv_eq_nocase(value, t->value);
	case FILTER_SUBSTRING_OF:
		return value && strcasestr(value, t->value);
	default:
		return false;
	}
}

static bool tags_hold(const struct listing *l, struct row *r) {
	const char *name;
	json_t *value;
	json_object_foreach(json_at(row_body(r), "tags"), name, value) {
		bool named = l->tag_name->test == FILTER_EQ ? strv_eq_nocase(name, l->tag_name->value)
							    : strv_starts_with_nocase(name, l->tag_name->value);
		if (named && (!l->tag_value || strcmp(json_string_value(value), l->tag_value->value) == 0))
			return true;
	}
	return false;
}

// What has no location is part of something else, and is listed there; so are groups, which hold resources.
static bool is_tracked(const char *type) {
	for (size_t i = 0; i < provider_type_count; i++)
		if (strv_eq_nocase(provider_types[i]->name, type))
			return provider_types[i]->has_location && !provider_types[i]->container;
	return false;
}

static bool is_wanted(struct listing *l, struct row *r) {
	if (!is_tracked(store_text(r->rows, 2)))
		return false;
	if (!l->filtered)
		return true;
	return l->tag_name ? tags_hold(l, r) : filter_holds(&l->filter, term_holds, r);
}

static int set_time(json_t *shown, const char *name, int64_t seconds) {
	char text[CLOCK_RFC3339_MAX];
	return json_set_str(shown, name, clock_rfc3339(seconds, text));
}

// A listing shows what all types have in common; the properties are for who asks for the resource itself.
static json_t *render(const struct listing *l, struct row *r) {
	static const char *const common[] = {"location", "tags", "kind", "sku", "plan", "identity", "managedBy", "zones",
		"extendedLocation"};
	const json_t *body = row_body(r);
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:s, s:s}", "id", store_text(r->rows, 1), "name", store_text(r->rows, 4),
		"type", store_text(r->rows, 2));
	for (size_t i = 0; shown && i < ARRAY_SIZE(common); i++) {
		json_t *member = json_object_get(body, common[i]);
		bool hidden = l->tag_value && strcmp(common[i], "tags") == 0;
		if (member && !hidden && json_object_set(shown, common[i], member) < 0)
			return NULL;
	}
	const char *state = json_str(body, "properties.provisioningState");
	if (!shown || (l->created_time && set_time(shown, "createdTime", store_int(r->rows, 6)) < 0) ||
		(l->changed_time && set_time(shown, "changedTime", store_int(r->rows, 7)) < 0) ||
		(l->provisioning_state && state && json_set_str(shown, "provisioningState", state) < 0))
		return NULL;
	return TAKE_PTR(shown);
}

// -EACCES, and err untouched, when the caller may not.
static int may_read(struct listing *l, struct row *r, struct err *err) {
	char permission[ARM_NAME_MAX + 8];
	struct access_decision decision;
	if (l->all)
		return 0;
	(void)snprintf(permission, sizeof(permission), "%s/read", store_text(r->rows, 2));
	return access_check(l->call->tx, l->call->caller->oid, store_text(r->rows, 0), permission, false, &decision, err);
}

static int add_row(struct listing *l, struct store_rows *rows, bool *full, struct err *err) {
	_cleanup_(row_free) struct row r = {.rows = rows};
	bool wanted = is_wanted(l, &r);
	int rc = wanted ? may_read(l, &r, err) : 0;
	if (rc < 0)
		return rc == -EACCES ? 0 : rc;
	if (wanted && (int64_t)json_array_size(l->value) == l->page.top) {
		*full = true;
		return 0;
	}
	json_t *shown = wanted ? render(l, &r) : NULL;
	if (r.unreadable)
		return err_set(err, -EINVAL, 500, "InternalServerError", "The stored resource %s cannot be read.", store_text(rows, 1));
	if (!wanted)
		return 0;
	(void)snprintf(l->last, sizeof(l->last), "%s", store_text(rows, 0));
	return json_array_append_new(l->value, shown) < 0 ? err_oom(err) : 0;
}

// In the order of an index, so that a page costs what is on it.
static int open_rows(struct listing *l, struct store_rows **rows, struct err *err) {
	const struct arm_target *t = l->call->target;
	_cleanup_free_ char *subscription = strv_lower(t->subscription);
	_cleanup_free_ char *group = strv_lower(t->group);
	struct arm_target from = {0};
	if (!subscription || !group)
		return err_oom(err);
	if (l->page.after[0] && arm_parse_path(l->page.after, &from, NULL) < 0)
		return err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token of the request is not valid.");
	if (group[0])
		return store_query(l->call->tx, rows, err,
			"SELECT " COLUMNS " FROM resources WHERE subscription_id = $1 AND resource_group = $2 AND id > $3 ORDER BY id", "sss",
			subscription, group, l->page.after);
	return store_query(l->call->tx, rows, err,
		"SELECT " COLUMNS " FROM resources WHERE subscription_id = $1 AND (resource_group, id) > ($2, $3)"
		" ORDER BY resource_group, id",
		"sss", subscription, from.group, l->page.after);
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
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Resources can be listed here.");
	struct listing l = {.call = call, .value = arm_list_answer(call)};
	if (!l.value)
		return err_oom(err);
	struct err refused = {0};
	int rc = arm_authorize(call, call->target->id,
		call->target->group[0] ? "Microsoft.Resources/subscriptions/resourceGroups/resources/read"
				       : "Microsoft.Resources/subscriptions/resources/read",
		&refused);
	l.all = rc == 0;
	_cleanup_resource_ struct resource group = {0};
	if (rc == 0 && call->target->group[0])
		rc = resource_load(call->tx, call->target->id, &group, &refused);
	if (rc < 0 && rc != -EACCES) {
		*err = refused;
		return rc;
	}
	rc = read_filter(&l, err);
	if (rc == 0)
		rc = read_expand(&l, err);
	if (rc == 0)
		rc = arm_page_read(call, PAGE_MAX, &l.page, err);
	if (rc == 0)
		rc = list(&l, err);
	// Whoever may read nothing of it is refused, as where there is nothing.
	if (rc == 0 && !l.all && json_array_size(l.value) == 0) {
		*err = refused;
		return -EACCES;
	}
	return rc;
}

const struct arm_type subscription_resources_type = {.name = "Microsoft.Resources/subscriptions/resources",
	.versions = versions_resources, .container = true, .raw = handle};
const struct arm_type group_resources_type = {
	.name = GROUP_TYPE "/resources", .versions = versions_resources, .container = true, .raw = handle};
