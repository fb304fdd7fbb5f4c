// SPDX-License-Identifier: Apache-2.0
#include "deployment/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/strv.h"
#include "keeper/client.h"

static const char *const state_names[] = {
	[DEPLOYMENT_ACCEPTED] = "Accepted",
	[DEPLOYMENT_RUNNING] = "Running",
	[DEPLOYMENT_SUCCEEDED] = "Succeeded",
	[DEPLOYMENT_FAILED] = "Failed",
	[DEPLOYMENT_CANCELED] = "Canceled",
};

const char *deployment_state_name(enum deployment_state state) {
	return state_names[state];
}

static int parse_state(const char *name, enum deployment_state *out, struct err *err) {
	for (size_t i = 0; i < ARRAY_SIZE(state_names); i++)
		if (strcmp(state_names[i], name) == 0) {
			*out = (enum deployment_state)i;
			return 0;
		}
	return err_set(err, -EINVAL, 500, "InternalServerError", "A stored deployment has the unknown state '%s'.", name);
}

void deployment_free(struct deployment *d) {
	json_decref(d->details);
	json_decref(d->place);
	json_decref(d->result);
	*d = (struct deployment){0};
}

static void copy(char *out, size_t size, const char *in) {
	(void)snprintf(out, size, "%s", in ? in : "");
}

static int lower(char *out, size_t size, const char *in, struct err *err) {
	_cleanup_free_ char *text = strv_lower(in);
	if (!text)
		return err_oom(err);
	copy(out, size, text);
	return 0;
}

static int read_json(struct store_rows *rows, int column, json_t **out, struct err *err) {
	const char *text = store_text(rows, column);
	return text ? json_parse(text, strlen(text), "InternalServerError", out, err) : 0;
}

#define COLUMNS \
	"run, id, display_id, subscription_id, resource_group, name, location, state, complete, cancel, parent, depth, correlation," \
	" details, place, result, created_ns, changed_ns, ended_ns"

static int read_row(struct store_rows *rows, struct deployment *out, struct err *err) {
	_cleanup_deployment_ struct deployment d = {.complete = store_int(rows, 8) != 0, .cancel = store_int(rows, 9) != 0,
		.depth = store_int(rows, 11), .created_ns = store_int(rows, 16), .changed_ns = store_int(rows, 17),
		.ended_ns = store_int(rows, 18)};
	copy(d.run, sizeof(d.run), store_text(rows, 0));
	copy(d.id, sizeof(d.id), store_text(rows, 1));
	copy(d.display_id, sizeof(d.display_id), store_text(rows, 2));
	copy(d.subscription, sizeof(d.subscription), store_text(rows, 3));
	copy(d.group, sizeof(d.group), store_text(rows, 4));
	copy(d.name, sizeof(d.name), store_text(rows, 5));
	copy(d.location, sizeof(d.location), store_text(rows, 6));
	copy(d.parent, sizeof(d.parent), store_text(rows, 10));
	copy(d.correlation, sizeof(d.correlation), store_text(rows, 12));
	int rc = parse_state(store_text(rows, 7), &d.state, err);
	if (rc == 0)
		rc = read_json(rows, 13, &d.details, err);
	if (rc == 0)
		rc = read_json(rows, 14, &d.place, err);
	if (rc == 0)
		rc = read_json(rows, 15, &d.result, err);
	if (rc < 0)
		return rc;
	*out = d;
	d = (struct deployment){0};
	return 0;
}

static int load(struct store_tx *tx, const char *sql, const char *key, const char *name, struct deployment *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, sql, "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "DeploymentNotFound", "Deployment '%s' could not be found.", name);
	return rc < 0 ? rc : read_row(rows, out, err);
}

int deployment_load(struct store_tx *tx, const char *id, struct deployment *out, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	if (!key)
		return err_oom(err);
	const char *name = strrchr(id, '/');
	return load(tx, "SELECT " COLUMNS " FROM deployments WHERE id = $1", key, name ? name + 1 : id, out, err);
}

int deployment_load_run(struct store_tx *tx, const char *run, struct deployment *out, struct err *err) {
	return load(tx, "SELECT " COLUMNS " FROM deployments WHERE run = $1", run, run, out, err);
}

static int forget_run(struct store_tx *tx, const char *run, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM deployment_operations WHERE run = $1", "s", run);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM deployment_sealed WHERE run = $1", "s", run);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM deployments WHERE run = $1", "s", run);
	return rc < 0 ? rc : 0;
}

int deployment_delete(struct store_tx *tx, const struct deployment *d, struct err *err) {
	return forget_run(tx, d->run, err);
}

static int forget_all(struct store_tx *tx, const json_t *runs, struct err *err) {
	size_t i;
	json_t *run;
	int rc = 0;
	json_array_foreach((json_t *)(uintptr_t)runs, i, run)
		if (rc == 0)
			rc = forget_run(tx, json_string_value(run), err);
	return rc;
}

static int collect_runs(struct store_rows *rows, json_t *runs, struct err *err) {
	int rc;
	while ((rc = store_next(rows, err)) > 0)
		if (json_array_append_new(runs, json_string(store_text(rows, 0))) < 0)
			return err_oom(err);
	return rc;
}

int deployment_delete_scope(struct store_tx *tx, const char *scope, struct err *err) {
	_cleanup_json_ json_t *runs = json_array();
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!runs)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, "SELECT run FROM deployments WHERE substr(id, 1, length($1) + 1) = $1 || '/'", "s", scope);
	if (rc == 0)
		rc = collect_runs(rows, runs, err);
	return rc < 0 ? rc : forget_all(tx, runs, err);
}

// The oldest that have ended, as many as the scope has too many once another one is there.
static int keep_history_short(struct store_tx *tx, const char *subscription, const char *group, struct err *err) {
	_cleanup_json_ json_t *runs = json_array();
	_cleanup_rows_ struct store_rows *rows = NULL;
	int64_t count = 0;
	if (!runs)
		return err_oom(err);
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM deployments WHERE subscription_id = $1 AND resource_group = $2",
		"ss", subscription, group);
	if (rc < 0 || count < DEPLOYMENT_HISTORY_MAX)
		return rc;
	int64_t many = count - DEPLOYMENT_HISTORY_MAX + 1;
	rc = store_query(tx, &rows, err,
		"SELECT run FROM deployments WHERE subscription_id = $1 AND resource_group = $2 AND ended_ns IS NOT NULL"
		" ORDER BY created_ns LIMIT $3",
		"ssi", subscription, group, many);
	if (rc == 0)
		rc = collect_runs(rows, runs, err);
	if (rc == 0 && (int64_t)json_array_size(runs) < many)
		return err_set(err, -EDQUOT, 409, "DeploymentQuotaExceeded",
			"Creating the deployment would exceed the quota of '%d': so many deployments are active here.",
			DEPLOYMENT_HISTORY_MAX);
	return rc < 0 ? rc : forget_all(tx, runs, err);
}

static int forget_before(struct store_tx *tx, const char *id, struct err *err) {
	_cleanup_json_ json_t *runs = json_array();
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!runs)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, "SELECT run FROM deployments WHERE id = $1", "s", id);
	if (rc == 0)
		rc = collect_runs(rows, runs, err);
	return rc < 0 ? rc : forget_all(tx, runs, err);
}

int deployment_insert(struct store_tx *tx, const struct deployment *d, struct err *err) {
	char subscription[sizeof(d->subscription)], group[sizeof(d->group)];
	_cleanup_free_ char *details = json_text(d->details);
	_cleanup_free_ char *place = json_text(d->place);
	if (!details || !place)
		return err_oom(err);
	int rc = lower(subscription, sizeof(subscription), d->subscription, err);
	if (rc == 0)
		rc = lower(group, sizeof(group), d->group, err);
	if (rc == 0)
		rc = forget_before(tx, d->id, err);
	if (rc == 0)
		rc = keep_history_short(tx, subscription, group, err);
	if (rc < 0)
		return rc;
	rc = store_exec(tx, err,
		"INSERT INTO deployments (run, id, display_id, subscription_id, resource_group, name, location, state, complete, cancel,"
		" parent, depth, correlation, details, place, created_ns, changed_ns)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,0,$10,$11,$12,$13,$14,$15,$16)",
		"ssssssssisisssii", d->run, d->id, d->display_id, subscription, group, d->name, d->location,
		state_names[d->state], (int64_t)d->complete, d->parent, d->depth, d->correlation, details, place,
		d->created_ns, d->changed_ns);
	return rc < 0 ? rc : 0;
}

static int forget_sealed(struct store_tx *tx, const struct deployment *d, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM deployment_sealed WHERE run = $1 AND (part <> 'template' OR $2 <> '')", "ss", d->run,
		d->parent);
	return rc < 0 ? rc : 0;
}

int deployment_update(struct store_tx *tx, const struct deployment *d, struct err *err) {
	_cleanup_free_ char *result = d->result ? json_text(d->result) : NULL;
	if (d->result && !result)
		return err_oom(err);
	int rc = d->ended_ns
		? store_exec(tx, err,
			  "UPDATE deployments SET state = $1, result = $2, changed_ns = $3, ended_ns = $4 WHERE run = $5",
			  "ssiis", state_names[d->state], result, d->changed_ns, d->ended_ns, d->run)
		: store_exec(tx, err, "UPDATE deployments SET state = $1, changed_ns = $2 WHERE run = $3", "sis",
			  state_names[d->state], d->changed_ns, d->run);
	return rc < 0 || !d->ended_ns ? (rc < 0 ? rc : 0) : forget_sealed(tx, d, err);
}

int deployment_cancel(struct store_tx *tx, const char *run, struct err *err) {
	_cleanup_json_ json_t *runs = json_pack("[s]", run);
	if (!runs)
		return err_oom(err);
	// The list grows while it is walked: by those nested in the ones before.
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const char *one = json_string_value(json_array_get(runs, i));
		_cleanup_rows_ struct store_rows *rows = NULL;
		int rc = store_exec(tx, err, "UPDATE deployments SET cancel = 1 WHERE run = $1", "s", one);
		if (rc >= 0)
			rc = store_query(tx, &rows, err, "SELECT run FROM deployments WHERE parent = $1 AND ended_ns IS NULL", "s", one);
		if (rc >= 0)
			rc = collect_runs(rows, runs, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int deployment_canceled(struct store_tx *tx, const char *run, bool *out, struct err *err) {
	int64_t cancel = 0;
	int rc = store_query_int(tx, &cancel, err, "SELECT cancel FROM deployments WHERE run = $1", "s", run);
	if (rc == -ENOENT)
		return err_set(err, rc, 500, "InternalServerError", "The deployment %s is gone.", run);
	*out = cancel != 0;
	return rc;
}

int deployment_each(struct store_tx *tx, const struct deployment_query *q, deployment_visitor each, void *ctx, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(q->subscription);
	_cleanup_free_ char *group = strv_lower(q->group);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!subscription || !group)
		return err_oom(err);
	int rc = store_query(tx, &rows, err,
		"SELECT " COLUMNS
		" FROM deployments WHERE subscription_id = $1 AND resource_group = $2 AND ($3 = '' OR state = $3)"
		" AND ($4 = 0 OR created_ns < $4 OR (created_ns = $4 AND id > $5)) ORDER BY created_ns DESC, id LIMIT $6",
		"sssisi", subscription, group, q->state, q->before_ns, q->after_id ? q->after_id : "", q->limit);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		_cleanup_deployment_ struct deployment d = {0};
		rc = read_row(rows, &d, err);
		if (rc == 0)
			rc = each(ctx, &d, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int deployment_names(struct store_tx *tx, const char *run, const char *id, bool *out, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"WITH RECURSIVE tree (run) AS (SELECT run FROM deployments WHERE run = $1"
		" UNION ALL SELECT d.run FROM deployments d JOIN tree ON d.parent = tree.run)"
		" SELECT COUNT(*) FROM deployment_operations o JOIN tree ON o.run = tree.run WHERE lower(o.target) = $2"
		" AND (o.kind = 'Read' OR (o.kind = 'Create' AND o.state = 'Succeeded'))",
		"ss", run, id);
	if (rc == 0)
		*out = count > 0;
	return rc;
}

bool deployment_stands_alone(const struct resource *r) {
	const char *slash = strchr(r->type, '/');
	const char *first = strstr(r->id, "/providers/");
	return slash && !strchr(slash + 1, '/') && first && !strstr(first + 1, "/providers/") && !resource_property(r, "privateEndpoint.id");
}

void deployment_operations_free(struct deployment_operations *o) {
	for (size_t i = 0; i < o->plan.count; i++)
		json_decref(o->list[i].error);
	free(o->list);
	plan_free(&o->plan);
	*o = (struct deployment_operations){0};
}

// Another one at the end, all zero.
static int extend(struct deployment_operations *o, struct err *err) {
	size_t count = o->plan.count;
	// Doubled at each power of two.
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * count : 1;
		struct deployment_operation *list = reallocarray(o->list, room, sizeof(*list));
		if (!list)
			return err_oom(err);
		o->list = list;
		struct plan_item *items = reallocarray(o->plan.items, room, sizeof(*items));
		if (!items)
			return err_oom(err);
		o->plan.items = items;
	}
	o->list[count] = (struct deployment_operation){0};
	o->plan.items[count] = (struct plan_item){0};
	o->plan.count++;
	return 0;
}

int deployment_operations_add(struct deployment_operations *o, const char *kind, const char *target, const char *type,
	const char *name, struct err *err) {
	int rc = extend(o, err);
	if (rc < 0)
		return rc;
	struct deployment_operation *op = &o->list[o->plan.count - 1];
	if (enc_random_hex(op->id, 8) < 0 || enc_uuid(op->tracking) < 0)
		return err_errno(err, -EIO, "no random numbers");
	for (char *c = op->id; *c; c++)
		if (*c >= 'a')
			*c = (char)(*c - 'a' + 'A');
	copy(op->kind, sizeof(op->kind), kind);
	copy(op->target, sizeof(op->target), target);
	copy(op->type, sizeof(op->type), type);
	copy(op->name, sizeof(op->name), name);
	op->changed = true;
	return 0;
}

static int read_depends(struct store_rows *rows, int column, struct plan_item *item, struct err *err) {
	_cleanup_json_ json_t *list = NULL;
	int rc = read_json(rows, column, &list, err);
	size_t count = json_array_size(list);
	if (rc < 0 || count == 0)
		return rc;
	item->depends = reallocarray(NULL, count, sizeof(*item->depends));
	if (!item->depends)
		return err_oom(err);
	item->depend_count = count;
	for (size_t i = 0; i < count; i++)
		item->depends[i] = (size_t)json_integer_value(json_array_get(list, i));
	return 0;
}

static int read_operation(struct store_rows *rows, struct deployment_operation *op, struct plan_item *item, struct err *err) {
	copy(op->id, sizeof(op->id), store_text(rows, 0));
	copy(op->kind, sizeof(op->kind), store_text(rows, 1));
	copy(op->target, sizeof(op->target), store_text(rows, 2));
	copy(op->type, sizeof(op->type), store_text(rows, 3));
	copy(op->name, sizeof(op->name), store_text(rows, 4));
	copy(op->async, sizeof(op->async), store_text(rows, 7));
	copy(op->tracking, sizeof(op->tracking), store_text(rows, 8));
	op->started_ns = store_int(rows, 9);
	op->ended_ns = store_int(rows, 10);
	op->status = store_int(rows, 11);
	int rc = plan_state_parse(store_text(rows, 6), &item->state, err);
	if (rc == 0)
		rc = read_depends(rows, 5, item, err);
	return rc < 0 ? rc : read_json(rows, 12, &op->error, err);
}

int deployment_operations_load(struct store_tx *tx, const char *run, struct deployment_operations *out, struct err *err) {
	_cleanup_operations_ struct deployment_operations o = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT id, kind, target, type, name, depends, state, async, tracking, started_ns, ended_ns, status, error"
		" FROM deployment_operations WHERE run = $1 ORDER BY ordinal",
		"s", run);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		rc = extend(&o, err);
		if (rc == 0)
			rc = read_operation(rows, &o.list[o.plan.count - 1], &o.plan.items[o.plan.count - 1], err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < o.plan.count; i++)
		for (size_t j = 0; j < o.plan.items[i].depend_count; j++)
			if (o.plan.items[i].depends[j] >= o.plan.count)
				return err_set(err, -EINVAL, 500, "InternalServerError", "The stored operations of %s are not whole.", run);
	*out = o;
	o = (struct deployment_operations){0};
	return 0;
}

static char *depends_text(const struct plan_item *item) {
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; list && i < item->depend_count; i++)
		if (json_array_append_new(list, json_integer((json_int_t)item->depends[i])) < 0)
			return NULL;
	return list ? json_text(list) : NULL;
}

static int save_one(struct store_tx *tx, const char *run, size_t ordinal, const struct deployment_operation *op,
	const struct plan_item *item, struct err *err) {
	_cleanup_free_ char *depends = depends_text(item);
	_cleanup_free_ char *error = op->error ? json_text(op->error) : NULL;
	if (!depends || (op->error && !error))
		return err_oom(err);
	int rc = store_exec(tx, err,
		"INSERT INTO deployment_operations (run, ordinal, id, kind, target, type, name, depends, state, async, tracking,"
		" started_ns, ended_ns, status, error) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)"
		" ON CONFLICT (run, ordinal) DO UPDATE SET kind = excluded.kind, state = excluded.state, async = excluded.async,"
		" started_ns = excluded.started_ns, ended_ns = excluded.ended_ns, status = excluded.status, error = excluded.error",
		"sisssssssssiiis", run, (int64_t)ordinal, op->id, op->kind, op->target, op->type, op->name, depends,
		plan_state_name(item->state), op->async, op->tracking, op->started_ns, op->ended_ns, op->status, error);
	return rc < 0 ? rc : 0;
}

int deployment_operations_save(struct store_tx *tx, const char *run, struct deployment_operations *o, struct err *err) {
	for (size_t i = 0; i < o->plan.count; i++) {
		if (!o->list[i].changed)
			continue;
		int rc = save_one(tx, run, i, &o->list[i], &o->plan.items[i], err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < o->plan.count; i++)
		o->list[i].changed = false;
	return 0;
}

static char *seal_context(const char *run, const char *part, int64_t ordinal) {
	return strv_printf("deployment/%s/%s/%lld", run, part, (long long)ordinal);
}

static int seal_chunk(struct store_tx *tx, struct keeper_client *keeper, const char *run, const char *part, int64_t ordinal,
	const char *text, size_t len, struct err *err) {
	_cleanup_free_ char *context = seal_context(run, part, ordinal);
	_cleanup_buf_ struct buf blob = {0};
	if (!context)
		return err_oom(err);
	int rc = keeper_seal(keeper, context, text, len, &blob, err);
	if (rc == 0)
		rc = store_exec(tx, err, "INSERT INTO deployment_sealed (run, part, ordinal, sealed) VALUES ($1,$2,$3,$4)", "ssib", run, part,
			ordinal, blob.data, blob.len);
	return rc < 0 ? rc : 0;
}

int deployment_seal(struct store_tx *tx, struct keeper_client *keeper, const char *run, const char *part, const json_t *value,
	struct err *err) {
	_cleanup_free_ char *text = json_text(value);
	if (!text)
		return err_oom(err);
	size_t len = strlen(text);
	int rc = 0;
	int64_t ordinal = 0;
	for (size_t at = 0; rc == 0 && at < len; at += KEEPER_DATA_MAX)
		rc = seal_chunk(tx, keeper, run, part, ordinal++, text + at, len - at < KEEPER_DATA_MAX ? len - at : KEEPER_DATA_MAX, err);
	explicit_bzero(text, len);
	return rc;
}

static int unseal_chunk(struct keeper_client *keeper, const char *run, const char *part, int64_t ordinal, const void *blob, size_t len,
	struct buf *text, struct err *err) {
	_cleanup_free_ char *context = seal_context(run, part, ordinal);
	_cleanup_secret_ struct secret data = {0};
	if (!context)
		return err_oom(err);
	const struct keeper_key sealed = {.blob = blob, .blob_len = len, .context = context};
	int rc = keeper_open(keeper, &sealed, &data, err);
	if (rc == 0 && buf_append(text, data.data, data.len) < 0)
		rc = err_oom(err);
	return rc;
}

int deployment_unseal(struct store_tx *tx, struct keeper_client *keeper, const char *run, const char *part, json_t **out,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_buf_ struct buf text = {0};
	int64_t ordinal = 0;
	int rc = store_query(tx, &rows, err, "SELECT sealed FROM deployment_sealed WHERE run = $1 AND part = $2 ORDER BY ordinal", "ss", run,
		part);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		size_t len;
		const void *blob = store_blob(rows, 0, &len);
		rc = unseal_chunk(keeper, run, part, ordinal++, blob, len, &text, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return rc;
	if (ordinal == 0)
		return err_set(err, -ENOENT, 404, "DeploymentTemplateNotFound",
			"The %s of this deployment is not kept: it was written by another deployment, or it has ended.", part);
	return json_parse(text.data, text.len, "InternalServerError", out, err);
}
