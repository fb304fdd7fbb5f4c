// SPDX-License-Identifier: Apache-2.0
// Lists in pages. A page's token says where it ended; it is no secret, and a forged one only begins elsewhere in the
// list that the caller may read anyway.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

// A list as its token names it, with what the entries are told apart by.
struct list {
	const char *collection;  // "keys", "deletedsecrets", "versions"
	bool (*valid)(const char *position);
	bool versions;
	enum object_state state;
};

static int page_size(const struct call *c, size_t *out, struct err *err) {
	const char *text = http_query(c->req, "maxresults");
	int64_t n = OBJECT_PAGE_MAX;
	if (text && strv_int(text, 1, OBJECT_PAGE_MAX, &n) < 0)
		return err_set(err, -EINVAL, 400, "BadParameter", "The value of 'maxresults' must be between 1 and %d.", OBJECT_PAGE_MAX);
	*out = (size_t)n;
	return 0;
}

// {"NextMarker":"{collection}!{position}","TargetLocation":0} in base64url.
static int encode_token(const struct list *list, const char *position, struct buf *out) {
	_cleanup_free_ char *text = strv_printf("{\"NextMarker\":\"%s!%s\",\"TargetLocation\":0}", list->collection, position);
	return text ? enc_base64url(out, text, strlen(text)) : -ENOMEM;
}

static int parse_token(const struct list *list, const char *token, char *out, size_t size) {
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *object = NULL;
	if (dec_base64url(&text, token, strlen(token)) < 0 || request_parse(text.data, text.len, &object, NULL) < 0)
		return -EINVAL;
	const char *marker = json_str(object, "NextMarker");
	size_t n = strlen(list->collection);
	if (!marker || strncmp(marker, list->collection, n) != 0 || marker[n] != '!' || !list->valid(marker + n + 1))
		return -EINVAL;
	(void)snprintf(out, size, "%s", marker + n + 1);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

static int start_of_page(const struct call *c, const struct list *list, char *out, size_t size, struct err *err) {
	const char *token = http_query(c->req, "$skiptoken");
	out[0] = 0;
	if (!token || parse_token(list, token, out, size) == 0)
		return 0;
	return err_set(err, -EINVAL, 400, "BadParameter", "The value of '$skiptoken' is invalid.");
}

static json_t *next_link(const struct call *c, const struct list *list, const struct object *last, size_t limit) {
	_cleanup_buf_ struct buf token = {0};
	_cleanup_free_ char *position = strv_lower(list->versions ? last->version : last->name);
	if (!position || encode_token(list, position, &token) < 0)
		return NULL;
	_cleanup_free_ char *path = list->versions ? strv_printf("%s/%s/versions", c->op->kind->collection, last->name)
						   : strdup(list->collection);
	if (!path)
		return NULL;
	char base[VAULT_URL_MAX];
	_cleanup_free_ char *url = strv_printf("%s:443/%s?api-version=%s&$skiptoken=%s&maxresults=%zu", vault_url(&c->vault, base),
		path, c->api_version, buf_cstr(&token), limit);
	return url ? json_string(url) : NULL;
}

static int append_items(const struct call *c, const struct list *list, const struct object *rows, size_t count,
	json_t *items) {
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(items, object_item(&c->vault, c->op->kind, &rows[i], list->versions)) < 0)
			return -ENOMEM;
	return 0;
}

// `rows` holds one row more than the page when the list goes on.
static json_t *render(const struct call *c, const struct list *list, const struct object *rows, size_t count,
	size_t limit) {
	_cleanup_json_ json_t *items = json_array();
	bool more = count > limit;
	if (append_items(c, list, rows, more ? limit : count, items) < 0)
		return NULL;
	_cleanup_json_ json_t *page = json_object();
	int rc = json_set(page, "value", TAKE_PTR(items));
	if (rc == 0)
		rc = json_set(page, "nextLink", more ? next_link(c, list, &rows[limit - 1], limit) : json_null());
	return rc < 0 ? NULL : TAKE_PTR(page);
}

static int load(const struct call *c, struct store_tx *tx, const struct list *list, const char *after, size_t limit,
	struct object *rows, struct err *err) {
	if (list->versions)
		return object_version_page(tx, c->vault_key, c->op->kind, c->name, after, limit, rows, err);
	return object_page(tx, c->vault_key, c->op->kind, list->state, after, c->now, limit, rows, err);
}

static int answer_page(struct call *c, struct store_tx *tx, const struct list *list, struct err *err) {
	char after[OBJECT_NAME_MAX + 1];
	size_t limit = OBJECT_PAGE_MAX;
	int rc = page_size(c, &limit, err);
	if (rc == 0)
		rc = start_of_page(c, list, after, sizeof(after), err);
	if (rc < 0)
		return rc;
	struct object rows[OBJECT_PAGE_MAX + 1] = {0};
	int count = load(c, tx, list, after, limit + 1, rows, err);
	if (count < 0)
		return count;
	c->json = render(c, list, rows, (size_t)count, limit);
	for (int i = 0; i < count; i++)
		object_free(&rows[i]);
	return c->json ? 0 : err_oom(err);
}

int objects_list(struct call *c, struct store_tx *tx, struct err *err) {
	struct list live = {c->op->kind->collection, object_name_valid, false, OBJECT_LIVE};
	return answer_page(c, tx, &live, err);
}

int objects_list_deleted(struct call *c, struct store_tx *tx, struct err *err) {
	struct list deleted = {c->op->kind->deleted_collection, object_name_valid, false, OBJECT_DELETED};
	return answer_page(c, tx, &deleted, err);
}

int objects_list_versions(struct call *c, struct store_tx *tx, struct err *err) {
	struct list versions = {"versions", object_version_valid, true, OBJECT_LIVE};
	int rc = call_load(c, tx, err);
	return rc < 0 ? rc : answer_page(c, tx, &versions, err);
}
