// SPDX-License-Identifier: Apache-2.0
#include "arm/resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

#define COLUMNS "display_id, type, subscription_id, resource_group, name, body, hidden, generation, created, changed, etag"

void resource_free(struct resource *r) {
	json_decref(r->body);
	json_decref(r->hidden);
	*r = (struct resource){0};
}

static void copy(char *out, size_t size, const char *in) {
	(void)snprintf(out, size, "%s", in);
}

static int lower(char *out, size_t size, const char *in, struct err *err) {
	_cleanup_free_ char *text = strv_lower(in);
	if (!text)
		return err_oom(err);
	copy(out, size, text);
	return 0;
}

int resource_new(const struct arm_target *t, const char *type, struct resource *out, struct err *err) {
	struct resource r = {.body = json_pack("{s:{}}", "properties"), .hidden = json_object()};
	if (!r.body || !r.hidden || lower(r.id, sizeof(r.id), t->id, err) < 0) {
		resource_free(&r);
		return err_oom(err);
	}
	copy(r.display_id, sizeof(r.display_id), t->id);
	copy(r.type, sizeof(r.type), type);
	copy(r.subscription, sizeof(r.subscription), t->subscription);
	copy(r.group, sizeof(r.group), t->group);
	copy(r.name, sizeof(r.name), t->name);
	r.created = r.changed = clock_now();
	*out = r;
	return 0;
}

static int read_row(struct store_rows *rows, struct resource *out, struct err *err) {
	struct resource r = {.stored = true};
	int rc = lower(r.id, sizeof(r.id), store_text(rows, 0), err);
	if (rc < 0)
		return rc;
	copy(r.display_id, sizeof(r.display_id), store_text(rows, 0));
	copy(r.type, sizeof(r.type), store_text(rows, 1));
	copy(r.subscription, sizeof(r.subscription), store_text(rows, 2));
	copy(r.group, sizeof(r.group), store_text(rows, 3));
	copy(r.name, sizeof(r.name), store_text(rows, 4));
	const char *body = store_text(rows, 5), *hidden = store_text(rows, 6);
	rc = json_parse(body, strlen(body), "InternalServerError", &r.body, err);
	if (rc == 0)
		rc = json_parse(hidden, strlen(hidden), "InternalServerError", &r.hidden, err);
	if (rc < 0) {
		resource_free(&r);
		return err_set(err, rc, 500, "InternalServerError", "The stored resource %s cannot be read.", r.display_id);
	}
	r.generation = store_int(rows, 7);
	r.created = store_int(rows, 8);
	r.changed = store_int(rows, 9);
	copy(r.etag, sizeof(r.etag), store_text(rows, 10));
	*out = r;
	return 0;
}

static int not_found(const char *id, struct err *err) {
	struct arm_target t = {0};
	if (arm_parse_path(id, &t, NULL) < 0)
		copy(t.name, sizeof(t.name), id);
	if (strcmp(t.type, "Microsoft.Resources/resourceGroups") == 0)
		return err_set(err, -ENOENT, 404, "ResourceGroupNotFound", "Resource group '%s' could not be found.", t.name);
	return err_set(err, -ENOENT, 404, "ResourceNotFound",
		"The Resource '%s/%s' under resource group '%s' was not found. For more details please go to "
		"https://aka.ms/ARMResourceNotFoundFix",
		t.type, t.name, t.group);
}

int resource_load(struct store_tx *tx, const char *id, struct resource *out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, "SELECT " COLUMNS " FROM resources WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return read_row(rows, out, err);
	return not_found(id, err);
}

int resource_load_group(struct store_tx *tx, const char *subscription, const char *name, struct resource *out,
	struct err *err) {
	char id[ARM_ID_MAX];
	_cleanup_resource_ struct resource group = {0};
	(void)snprintf(id, sizeof(id), "/subscriptions/%s/resourceGroups/%s", subscription, name);
	int rc = resource_load(tx, id, &group, err);
	if (rc < 0)
		return rc;
	const char *state = resource_property(&group, "provisioningState");
	if (state && strcmp(state, "Deleting") == 0)
		return err_set(err, -EBUSY, 409, "ResourceGroupBeingDeleted",
			"The resource group '%s' is in deprovisioning state and cannot perform this operation.", group.name);
	*out = group;
	group = (struct resource){0};
	return 0;
}

int resource_save(struct store_tx *tx, struct resource *r, struct err *err) {
	_cleanup_free_ char *body = json_text(r->body);
	_cleanup_free_ char *hidden = json_text(r->hidden);
	_cleanup_free_ char *subscription = strv_lower(r->subscription);
	_cleanup_free_ char *group = strv_lower(r->group);
	if (!body || !hidden || !subscription || !group)
		return err_oom(err);
	if (strlen(body) + strlen(hidden) > RESOURCE_SIZE_MAX)
		return err_set(err, -EMSGSIZE, 413, "RequestEntityTooLarge", "The resource '%s' would be larger than %d bytes.", r->display_id,
			RESOURCE_SIZE_MAX);
	if (enc_uuid(r->etag) < 0)
		return err_errno(err, -EIO, "no random numbers");
	r->changed = clock_now();
	int rc = r->stored
		? store_exec(tx, err, "UPDATE resources SET body = $1, hidden = $2, generation = $3, changed = $4, etag = $5 WHERE id = $6",
			  "ssiiss", body, hidden, r->generation, r->changed, r->etag, r->id)
		: store_exec(tx, err,
			  "INSERT INTO resources (id, display_id, type, subscription_id, resource_group, name, body, hidden,"
			  " generation, created, changed, etag) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)",
			  "ssssssssiiis", r->id, r->display_id, r->type, subscription, group, r->name, body, hidden,
			  r->generation, r->created, r->changed, r->etag);
	if (rc < 0)
		return rc;
	r->stored = true;
	return 0;
}

int resource_delete(struct store_tx *tx, const struct resource *r, struct err *err) {
	// Ids below it lie between "{id}/" and "{id}0", the character after the slash: a range of the index.
	int rc = store_exec(tx, err, "DELETE FROM resources WHERE id = $1 OR (id > $1 || '/' AND id < $1 || '0')", "s", r->id);
	// Else they would hold for whoever makes another resource of this id.
	if (rc >= 0)
		rc = store_exec(tx, err,
			"DELETE FROM role_assignments WHERE scope = $1 OR (scope > $1 || '/' AND scope < $1 || '0')", "s", r->id);
	if (rc >= 0)
		rc = store_exec(tx, err,
			"DELETE FROM management_locks WHERE scope = $1 OR (scope > $1 || '/' AND scope < $1 || '0')", "s", r->id);
	return rc < 0 ? rc : 0;
}

enum { CHUNK = 256 };

struct chunk {
	struct resource *at;
	size_t count;
};

static void chunk_free(struct chunk *c) {
	for (size_t i = 0; i < c->count; i++)
		resource_free(&c->at[i]);
	free(c->at);
}

// The statement that an index serves: only what is asked for stands in it.
static char *chunk_statement(const char *subscription, const char *group, const char *type) {
	int n = 2;  // after $1, the id to begin behind
	_cleanup_buf_ struct buf sql = {0};
	int rc = buf_printf(&sql, "SELECT " COLUMNS " FROM resources WHERE id > $1");
	if (rc == 0 && subscription[0])
		rc = buf_printf(&sql, " AND subscription_id = $%d", n++);
	if (rc == 0 && group[0])
		rc = buf_printf(&sql, " AND resource_group = $%d", n++);
	if (rc == 0 && type[0])
		rc = buf_printf(&sql, " AND type = $%d", n++);
	if (rc == 0)
		rc = buf_printf(&sql, " ORDER BY id LIMIT %d", CHUNK + 1);
	return rc < 0 ? NULL : buf_take_str(&sql);
}

static int query_chunk(struct store_tx *tx, const char *sql, const char *from, const char *const *given, size_t count,
	struct store_rows **rows, struct err *err) {
	switch (count) {
	case 0:
		return store_query(tx, rows, err, sql, "s", from);
	case 1:
		return store_query(tx, rows, err, sql, "ss", from, given[0]);
	case 2:
		return store_query(tx, rows, err, sql, "sss", from, given[0], given[1]);
	default:
		return store_query(tx, rows, err, sql, "ssss", from, given[0], given[1], given[2]);
	}
}

// The next ones behind `after`: read before any is visited, so that the visitor may write while it walks.
static int read_chunk(struct store_tx *tx, const char *subscription, const char *group, const char *type, const char *after,
	size_t limit, struct chunk *out, struct err *err) {
	_cleanup_free_ char *sub = strv_lower(subscription);
	_cleanup_free_ char *rg = strv_lower(group);
	_cleanup_free_ char *from = strv_lower(after);
	_cleanup_free_ char *sql = chunk_statement(subscription, group, type);
	_cleanup_rows_ struct store_rows *rows = NULL;
	out->at = calloc(limit, sizeof(*out->at));
	if (!sub || !rg || !from || !sql || !out->at)
		return err_oom(err);
	const char *given[3];
	size_t count = 0;
	for (size_t i = 0; i < 3; i++) {
		const char *value = i == 0 ? sub : i == 1 ? rg : type;
		if (value[0])
			given[count++] = value;
	}
	int rc = query_chunk(tx, sql, from, given, count, &rows, err);
	while (rc >= 0 && out->count < limit && (rc = store_next(rows, err)) > 0) {
		rc = read_row(rows, &out->at[out->count], err);
		out->count += rc == 0;
	}
	return rc;
}

int resource_page(struct store_tx *tx, const char *subscription, const char *group, const char *type, const char *after,
	int64_t limit, resource_visitor each, void *ctx, bool *more, struct err *err) {
	char last[ARM_ID_MAX];
	copy(last, sizeof(last), after);
	*more = true;
	while (limit > 0) {
		_cleanup_(chunk_free) struct chunk chunk = {0};
		size_t wanted = limit < CHUNK ? (size_t)limit : CHUNK;
		// One more than is visited tells whether there are others.
		int rc = read_chunk(tx, subscription, group, type, last, wanted + 1, &chunk, err);
		for (size_t i = 0; rc == 0 && i < chunk.count && i < wanted; i++) {
			copy(last, sizeof(last), chunk.at[i].id);
			rc = each(ctx, tx, &chunk.at[i], err);
		}
		if (rc < 0)
			return rc;
		*more = chunk.count > wanted;
		if (!*more)
			break;
		limit -= (int64_t)wanted;
	}
	return 0;
}

int resource_each_below(struct store_tx *tx, const char *id, const char *type, resource_visitor each, void *ctx,
	struct err *err) {
	_cleanup_free_ char *parent = strv_lower(id);
	_cleanup_(chunk_free) struct chunk chunk = {0};
	if (!parent)
		return err_oom(err);
	{
		_cleanup_rows_ struct store_rows *rows = NULL;
		int rc = store_query(tx, &rows, err,
			"SELECT " COLUMNS " FROM resources WHERE id > $1 || '/' AND id < $1 || '0' AND type = $2 ORDER BY id", "ss", parent,
			type);
		while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
			// Twice as many whenever the number is a power of two.
			if ((chunk.count & (chunk.count - 1)) == 0) {
				struct resource *grown = reallocarray(chunk.at, chunk.count ? 2 * chunk.count : 1, sizeof(*grown));
				if (!grown)
					return err_oom(err);
				chunk.at = grown;
			}
			rc = read_row(rows, &chunk.at[chunk.count], err);
			chunk.count += rc == 0;
		}
		if (rc < 0)
			return rc;
	}
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < chunk.count; i++)
		rc = each(ctx, tx, &chunk.at[i], err);
	return rc < 0 ? rc : 0;
}

int resource_each(struct store_tx *tx, const char *subscription, const char *group, const char *type,
	resource_visitor each, void *ctx, struct err *err) {
	bool more;
	return resource_page(tx, subscription, group, type, "", INT64_MAX, each, ctx, &more, err);
}

int resource_show(const struct resource *r, json_t **out, struct err *err) {
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:s, s:s}", "id", r->display_id, "name", r->name, "type", r->type);
	_cleanup_json_ json_t *body = json_deep_copy(r->body);
	if (!shown || !body || json_object_update(shown, body) < 0)
		return err_oom(err);
	*out = TAKE_PTR(shown);
	return 0;
}

json_t *resource_properties(struct resource *r) {
	json_t *properties = json_object_get(r->body, "properties");
	if (!json_is_object(properties)) {
		properties = json_object();
		if (json_set(r->body, "properties", properties) < 0)
			return NULL;
	}
	return properties;
}

const char *resource_property(const struct resource *r, const char *path) {
	return json_str(json_object_get(r->body, "properties"), path);
}

const char *resource_hidden(const struct resource *r, const char *path) {
	return json_str(r->hidden, path);
}

int resource_set_property(struct resource *r, const char *name, const char *value, struct err *err) {
	json_t *properties = resource_properties(r);
	return properties && json_set_str(properties, name, value) == 0 ? 0 : err_oom(err);
}

int resource_set_hidden(struct resource *r, const char *name, const char *value, struct err *err) {
	return json_set_str(r->hidden, name, value) == 0 ? 0 : err_oom(err);
}
