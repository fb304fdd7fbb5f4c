// SPDX-License-Identifier: Apache-2.0
// $select, $filter, $search, $orderby, $top, $count and pages. A page's token says where it ended; it is no secret, and a forged
// one only begins elsewhere in a list that the caller may read anyway.
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 999, SELECT_MAX = 64 };

struct query {
	struct odata_filter *filters[DIRECTORY_KINDS];
	json_t *selects[DIRECTORY_KINDS];
	char search_property[64], search_text[256];
	bool by_name, descending, counted;
	int64_t top;
	unsigned kinds;
	// Where the page before ended.
	json_t *token;
	int from_kind;
};

static void query_free(struct query *q) {
	for (int i = 0; i < DIRECTORY_KINDS; i++) {
		odata_free(q->filters[i]);
		json_decref(q->selects[i]);
	}
	json_decref(q->token);
}

json_t *context_url(const struct call *c, const char *fmt, ...) {
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return json_sprintf("https://graph.microsoft.com/%s/$metadata#%s", c->version, text);
}

static int unknown_property(struct err *err, enum directory_kind kind, const char *name) {
	return err_set(err, -EINVAL, 400, "BadRequest",
		"Parsing OData Select and Expand failed: Could not find a property named '%.64s' on type 'microsoft.graph.%s'.", name,
		kind_words(kind)->type);
}

// A list of several kinds may be asked for properties of only some of them.
static bool known_elsewhere(const struct call *c, const char *name) {
	for (int kind = 0; kind < DIRECTORY_KINDS; kind++)
		if ((c->op->listed & KIND_BIT(kind)) && json_object_get(c->graph->templates[kind], name))
			return true;
	return false;
}

static int add_selected(const struct call *c, enum directory_kind kind, const char *name, json_t *list, struct err *err) {
	if (!json_object_get(c->graph->templates[kind], name))
		return known_elsewhere(c, name) ? 0 : unknown_property(err, kind, name);
	if (json_array_size(list) == SELECT_MAX || json_array_append_new(list, json_string(name)) < 0)
		return err_set(err, -EINVAL, 400, "BadRequest", "Too many properties are selected.");
	return 0;
}

int query_select(const struct call *c, enum directory_kind kind, json_t **out, struct err *err) {
	const char *text = http_query(c->req, "$select");
	_cleanup_json_ json_t *list = json_array();
	if (!list)
		return err_oom(err);
	if (!text && kind != DIRECTORY_USER) {
		*out = NULL;
		return 0;
	}
	int rc = 0;
	for (size_t i = 0; !text && rc == 0 && user_default_properties[i]; i++)
		rc = add_selected(c, kind, user_default_properties[i], list, err);
	for (const char *at = text; at && rc == 0; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		char name[64];
		at += strspn(at, " ");
		size_t n = strcspn(at, ", ");
		if (n == 0 || n >= sizeof(name))
			return unknown_property(err, kind, at);
		memcpy(name, at, n);
		name[n] = 0;
		rc = add_selected(c, kind, name, list, err);
	}
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(list);
	return 0;
}

json_t *query_apply_select(const json_t *shown, const json_t *select) {
	_cleanup_json_ json_t *some = json_object();
	if (!some)
		return NULL;
	if (json_object_get(shown, "@odata.type") &&
		json_object_set(some, "@odata.type", json_object_get(shown, "@odata.type")) < 0)
		return NULL;
	for (size_t i = 0; i < json_array_size(select); i++) {
		const char *name = json_string_value(json_array_get(select, i));
		if (json_object_set(some, name, json_object_get(shown, name)) < 0)
			return NULL;
	}
	return TAKE_PTR(some);
}

static bool eventual(const struct call *c) {
	const char *level = http_header(c->req, "ConsistencyLevel");
	return level && strv_eq_nocase(level, "eventual");
}

static int read_top(const struct call *c, struct query *q, struct err *err) {
	const char *text = http_query(c->req, "$top");
	q->top = PAGE_DEFAULT;
	if (text && strv_int(text, 1, PAGE_MAX, &q->top) < 0)
		return call_unsupported(err, "Invalid page size specified: '%.20s'. Must be between 1 and %d inclusive.", text, PAGE_MAX);
	return 0;
}

static int read_order(const struct call *c, struct query *q, struct err *err) {
	const char *text = http_query(c->req, "$orderby");
	if (!text)
		return 0;
	q->by_name = true;
	if (strcmp(text, "displayName desc") == 0)
		q->descending = true;
	else if (strcmp(text, "displayName") != 0 && strcmp(text, "displayName asc") != 0)
		return call_unsupported(err, "Sorting not supported for current query: '%.64s'.", text);
	return 0;
}

// "property:text", in quotes.
static int read_search(const struct call *c, struct query *q, struct err *err) {
	static const char *const known[] = {"displayName", "description", "mail", "userPrincipalName"};
	const char *text = http_query(c->req, "$search"), *colon = text ? strchr(text, ':') : NULL;
	if (!text)
		return 0;
	if (!eventual(c))
		return call_unsupported(err, "Request with $search query parameter only works through MSGraph with a special request "
			"header: 'ConsistencyLevel: eventual'");
	size_t n = strlen(text);
	if (n < 4 || text[0] != '"' || text[n - 1] != '"' || !colon || memchr(text + 1, '"', n - 2) ||
		n - (size_t)(colon - text) >= sizeof(q->search_text))
		return call_unsupported(err, "$search takes one clause of the form \"property:value\".");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == (size_t)(colon - text) - 1 && strncmp(text + 1, known[i], strlen(known[i])) == 0)
			(void)snprintf(q->search_property, sizeof(q->search_property), "%s", known[i]);
	if (!q->search_property[0])
		return call_unsupported(err, "The property of this $search cannot be searched.");
	(void)snprintf(q->search_text, sizeof(q->search_text), "%.*s", (int)(n - (size_t)(colon - text) - 2), colon + 1);
	return 0;
}

static int expired_token(struct err *err) {
	return err_set(err, -EINVAL, 400, "Directory_ExpiredPageToken",
		"The specified page token value has expired and can no longer be included in your request.");
}

static int read_token(const struct call *c, struct query *q, struct err *err) {
	const char *text = http_query(c->req, "$skiptoken");
	_cleanup_buf_ struct buf plain = {0};
	if (!text)
		return 0;
	if (dec_base64url(&plain, text, strlen(text)) < 0 || json_parse(plain.data, plain.len, "BadRequest", &q->token, NULL) < 0)
		return expired_token(err);
	const char *id = json_str(q->token, "id");
	int64_t kind = json_int(q->token, "kind", -1);
	if (!id || !enc_is_uuid(id) || !json_str(q->token, "name") || kind < 0 || kind >= DIRECTORY_KINDS)
		return expired_token(err);
	q->from_kind = (int)kind;
	return 0;
}

static int read_for_kind(const struct call *c, struct query *q, enum directory_kind kind, struct err *err) {
	const char *filter = http_query(c->req, "$filter");
	int rc = query_select(c, kind, &q->selects[kind], err);
	if (rc == 0 && filter)
		rc = odata_parse(filter, c->graph->templates[kind], kind_words(kind)->resource, &q->filters[kind], err);
	return rc;
}

static int refuse_others(const struct call *c, struct err *err) {
	static const char *const names[] = {"$expand", "$skip", "$apply", "$compute", "$format"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (http_query(c->req, names[i]))
			return call_unsupported(err, "'%s' is not supported for the resource.", names[i]);
	return 0;
}

static int read_query(const struct call *c, struct query *q, struct err *err) {
	const char *count = http_query(c->req, "$count");
	q->kinds = c->op->listed ? c->op->listed : KIND_BIT(c->op->kind);
	q->counted = count && strcmp(count, "true") == 0 && eventual(c);
	int rc = refuse_others(c, err);
	if (rc < 0 || (rc = read_top(c, q, err)) < 0 || (rc = read_order(c, q, err)) < 0 || (rc = read_search(c, q, err)) < 0 ||
		(rc = read_token(c, q, err)) < 0)
		return rc;
	q->counted = q->counted && !q->token;
	for (int kind = 0; rc == 0 && kind < DIRECTORY_KINDS; kind++)
		if (q->kinds & KIND_BIT(kind))
			rc = read_for_kind(c, q, (enum directory_kind)kind, err);
	return rc;
}

static bool passes(const struct query *q, enum directory_kind kind, const json_t *shown) {
	if (q->filters[kind] && !odata_matches(q->filters[kind], shown))
		return false;
	if (!q->search_property[0])
		return true;
	const char *value = json_str(shown, q->search_property);
	return value && strcasestr(value, q->search_text);
}

struct page {
	json_t *values;
	struct directory_object last;
	bool more;
	int64_t count;
};

static void page_free(struct page *p) {
	json_decref(p->values);
	directory_object_free(&p->last);
}

// As a page shows it.
static int append(struct call *c, const struct query *q, struct page *p, struct directory_object *o, json_t *shown,
	struct err *err) {
	_cleanup_json_ json_t *item = shown;
	const json_t *select = q->selects[o->kind];
	int rc = render_credentials(c, o, item, err);
	if (rc < 0)
		return rc;
	if (c->op->listed) {
		_cleanup_json_ json_t *typed = json_pack("{s:o}", "@odata.type", json_sprintf("#microsoft.graph.%s",
			kind_words(o->kind)->type));
		if (!typed || json_object_update(typed, item) < 0)
			return err_oom(err);
		json_decref(item);
		item = TAKE_PTR(typed);
	}
	if (json_array_append_new(p->values, select ? query_apply_select(item, select) : json_incref(item)) < 0)
		return err_oom(err);
	directory_object_free(&p->last);
	p->last = *o;
	*o = (struct directory_object){0};
	return 0;
}

static int take_row(struct call *c, const struct query *q, struct page *p, struct directory_object *o, struct err *err) {
	_cleanup_json_ json_t *shown = render_object(c, o, false, err);
	if (!shown)
		return -EIO;
	if (!passes(q, o->kind, shown))
		return 0;
	p->count++;
	if ((int64_t)json_array_size(p->values) == q->top) {
		p->more = true;
		return 0;
	}
	return append(c, q, p, o, TAKE_PTR(shown), err);
}

static int walk_kind(struct call *c, const struct query *q, enum directory_kind kind, const char *of, struct page *p,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	bool go_on = q->token && q->from_kind == (int)kind;
	const struct directory_list l = {.tenant_id = c->caller.tenant, .kind = kind, .relation = c->op->relation, .of = of,
		.by_name = q->by_name, .descending = q->descending, .after_name = go_on ? json_str(q->token, "name") : NULL,
		.after_id = go_on ? json_str(q->token, "id") : NULL};
	int rc = directory_list_open(c->tx, &l, &rows, err);
	while (rc >= 0 && (!p->more || q->counted)) {
		_cleanup_object_ struct directory_object o = {0};
		rc = directory_list_next(rows, kind, &o, err);
		if (rc <= 0)
			break;
		rc = take_row(c, q, p, &o, err);
	}
	return rc < 0 ? rc : 0;
}

static int walk(struct call *c, const struct query *q, const char *of, struct page *p, struct err *err) {
	int rc = 0;
	p->values = json_array();
	if (!p->values)
		return err_oom(err);
	for (int kind = q->token ? q->from_kind : 0; rc == 0 && kind < DIRECTORY_KINDS; kind++)
		if (q->kinds & KIND_BIT(kind))
			rc = walk_kind(c, q, (enum directory_kind)kind, of, p, err);
	return rc;
}

// The request's own URL with another $skiptoken.
static json_t *next_link(const struct call *c, const struct directory_object *last) {
	_cleanup_json_ json_t *position = json_pack("{s:i, s:s, s:s}", "kind", (int)last->kind, "name", last->display_name, "id",
		last->id);
	_cleanup_free_ char *plain = position ? json_text(position) : NULL;
	_cleanup_buf_ struct buf token = {0}, url = {0};
	const char *target = http_target(c->req);
	size_t path = strcspn(target, "?");
	if (!plain || enc_base64url(&token, plain, strlen(plain)) < 0 ||
		buf_printf(&url, "https://graph.microsoft.com%.*s?", (int)path, target) < 0)
		return NULL;
	for (const char *at = target[path] ? target + path + 1 : ""; *at; at += strcspn(at, "&"), at += *at == '&')
		if (!strv_starts_with_nocase(at, "$skiptoken=") && !strv_starts_with_nocase(at, "%24skiptoken=") &&
			buf_printf(&url, "%.*s&", (int)strcspn(at, "&"), at) < 0)
			return NULL;
	if (buf_printf(&url, "$skiptoken=%s", buf_cstr(&token)) < 0)
		return NULL;
	return json_string(buf_cstr(&url));
}

static json_t *list_context(const struct call *c) {
	const char *collection = c->op->listed ? "directoryObjects" : kind_words(c->op->kind)->collection;
	const char *select = http_query(c->req, "$select");
	return select ? context_url(c, "%s(%.512s)", collection, select) : context_url(c, "%s", collection);
}

static int finish(struct call *c, const struct query *q, struct page *p, struct err *err) {
	_cleanup_json_ json_t *json = json_object();
	int rc = json_set(json, "@odata.context", list_context(c));
	if (rc == 0 && q->counted)
		rc = json_set_int(json, "@odata.count", p->count);
	if (rc == 0 && p->more)
		rc = json_set(json, "@odata.nextLink", next_link(c, &p->last));
	if (rc == 0)
		rc = json_set(json, "value", TAKE_PTR(p->values));
	if (rc < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	return 0;
}

int answer_list(struct call *c, struct err *err) {
	_cleanup_(query_free) struct query q = {0};
	_cleanup_(page_free) struct page p = {0};
	_cleanup_object_ struct directory_object of = {0};
	int rc = read_query(c, &q, err);
	bool related = c->op->relation != DIRECTORY_ALL && c->op->relation != DIRECTORY_DELETED;
	if (rc == 0 && related && c->match.count > 0)
		rc = call_object(c, &of, err);
	if (rc == 0)
		rc = walk(c, &q, related ? (of.id[0] ? of.id : c->caller.oid) : NULL, &p, err);
	return rc < 0 ? rc : finish(c, &q, &p, err);
}

int answer_values(struct call *c, const char *context, json_t *values, struct err *err) {
	c->json = json_pack("{s:o, s:o}", "@odata.context", context_url(c, "%s", context), "value", values);
	return c->json ? 0 : err_oom(err);
}

int answer_object(struct call *c, int status, enum directory_kind kind, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *own = shown;
	_cleanup_json_ json_t *select = NULL;
	_cleanup_json_ json_t *json = json_object();
	const char *text = http_query(c->req, "$select");
	int rc = refuse_others(c, err);
	if (rc == 0)
		rc = query_select(c, kind, &select, err);
	if (rc < 0)
		return rc;
	if (select) {
		json_t *some = query_apply_select(own, select);
		json_decref(own);
		own = some;
	}
	const char *collection = kind_words(kind)->collection;
	json_t *context = text ? context_url(c, "%s(%.512s)/$entity", collection, text) : context_url(c, "%s/$entity", collection);
	if (!own || json_set(json, "@odata.context", context) < 0 || json_object_update(json, own) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	c->status = status;
	return 0;
}

int entity_count(struct call *c, struct err *err) {
	_cleanup_(query_free) struct query q = {0};
	_cleanup_(page_free) struct page p = {0};
	int rc = may_read(c, err);
	if (rc == 0 && !eventual(c))
		rc = call_unsupported(err, "$count is not currently supported without the header 'ConsistencyLevel: eventual'.");
	if (rc == 0)
		rc = read_query(c, &q, err);
	q.counted = true;
	if (rc == 0)
		rc = walk(c, &q, NULL, &p, err);
	if (rc == 0 && buf_printf(&c->res->body, "%lld", (long long)p.count) < 0)
		rc = err_oom(err);
	if (rc < 0)
		return rc;
	c->res->content_type = "text/plain";
	return 0;
}
