// SPDX-License-Identifier: Apache-2.0
#include "vault/lifetime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "vault/key_rotate.h"
#include "vault/pool.h"
#include "vault/rotation_policy.h"

#define RETRY_SECONDS 300
// How long the scheduler is kept by one call, whatever is due: it has others to serve, and to stop when it is told to.
#define SLICE_NS CLOCK_NSEC_PER_SEC

// An object as the scheduler sees it. The object is its current version.
struct life {
	const struct object_kind *kind;
	struct object object;
	struct rotation_policy policy;
	bool near_expiry_sent, expired_sent;
	bool pool;  // which tells nobody of events
	bool full;  // has all the versions that it can have
};

enum life_event { LIFE_NONE, LIFE_ROTATE, LIFE_NEAR_EXPIRY, LIFE_EXPIRED };

static void life_free(struct life *l) {
	object_free(&l->object);
}

static int read_sent(struct store_tx *tx, const char *vault, struct life *l, struct err *err) {
	_cleanup_free_ char *name = strv_lower(l->object.name);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = !name ? err_oom(err) : store_query(tx, &rows, err,
		"SELECT near_expiry_sent, expired_sent, ordinal FROM vault_versions WHERE vault = $1 AND kind = $2 AND name = $3"
		" AND version = $4", "ssss", vault, l->kind->collection, name, l->object.version);
	if (rc == 0)
		rc = store_next(rows, err);
	l->near_expiry_sent = store_int(rows, 0) != 0;
	l->expired_sent = store_int(rows, 1) != 0;
	l->full = l->pool && store_int(rows, 2) >= POOL_VERSIONS_MAX;
	return rc < 0 ? rc : 0;
}

// -ENOENT for what is not live.
static int life_load(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct life *out, struct err *err) {
	_cleanup_(life_free) struct life l = {.kind = kind, .pool = vault_name_is_pool(vault)};
	int rc = object_load(tx, vault, kind, name, NULL, OBJECT_LIVE, clock_now(), &l.object, err);
	if (rc == 0)
		rc = rotation_policy_parse(l.object.rotation_policy, &l.policy, err);
	if (rc == 0)
		rc = read_sent(tx, vault, &l, err);
	if (rc < 0)
		return rc;
	*out = l;
	l = (struct life){0};
	return 0;
}

// The time of an event, 0 for one that will not come.
static int64_t time_of(const struct life *l, enum life_event event) {
	const struct object *o = &l->object;
	switch (event) {
	case LIFE_ROTATE:
		if (!l->policy.has_rotate || !o->enabled || l->kind != &object_keys || l->full)
			return 0;
		if (!l->policy.rotate_before_expiry)
			return duration_add(o->created, &l->policy.rotate, 1);
		return o->exp ? duration_add(o->exp, &l->policy.rotate, -1) : 0;
	case LIFE_NEAR_EXPIRY:
		return o->exp && !l->near_expiry_sent && !l->pool ? duration_add(o->exp, &l->policy.notify, -1) : 0;
	case LIFE_EXPIRED:
		return o->exp && !l->expired_sent && !l->pool ? o->exp : 0;
	default:
		return 0;
	}
}

// The next event and when it is; LIFE_NONE with 0 when none will come.
static enum life_event next_event(const struct life *l, int64_t *at) {
	enum life_event next = LIFE_NONE;
	*at = 0;
	for (enum life_event event = LIFE_ROTATE; event <= LIFE_EXPIRED; event++) {
		int64_t time = time_of(l, event);
		if (time != 0 && (next == LIFE_NONE || time < *at)) {
			next = event;
			*at = time;
		}
	}
	return next;
}

int lifetime_schedule(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) {
	_cleanup_(life_free) struct life l = {0};
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	int64_t at = 0;
	int rc = life_load(tx, vault, kind, name, &l, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0)
		(void)next_event(&l, &at);
	rc = store_exec(tx, err, "UPDATE vault_objects SET due_at = NULLIF($1,0) WHERE vault = $2 AND kind = $3 AND name = $4",
		"isss", at, vault, kind->collection, key);
	return rc < 0 ? rc : 0;
}

// An object that is due.
struct due {
	struct vault_record vault;
	char vault_key[VAULT_NAME_MAX + 1];
	const struct object_kind *kind;
	char name[OBJECT_NAME_MAX + 1];
	struct life life;
	enum life_event event;
};

static void due_free(struct due *d) {
	life_free(&d->life);
}

// The first object that is due, without its life; 1 when there is one.
static int find_due(struct store_tx *tx, int64_t now, struct due *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT o.vault, o.kind, o.name FROM vault_objects o JOIN vaults v ON v.name = o.vault"
		" WHERE o.due_at <= $1 AND v.deleted IS NULL ORDER BY o.due_at LIMIT 1", "i", now);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc;
	(void)snprintf(out->vault_key, sizeof(out->vault_key), "%s", store_text(rows, 0));
	out->kind = object_kind_stored(store_text(rows, 1));
	(void)snprintf(out->name, sizeof(out->name), "%s", store_text(rows, 2));
	rc = vault_find(tx, out->vault_key, &out->vault, err);
	return rc < 0 ? rc : 1;
}

// Its life and what is to be done: nothing when it is not live.
static int load_due(struct store_tx *tx, struct due *d, struct err *err) {
	int64_t at;
	int rc = life_load(tx, d->vault_key, d->kind, d->name, &d->life, err);
	if (rc == 0)
		d->event = next_event(&d->life, &at);
	return rc == -ENOENT ? 0 : rc;
}

// The record that stands for the event, as the service writes it whether or not anybody subscribes.
static int record(struct store_tx *tx, const struct due *d, const char *version, struct err *err) {
	static const char *const suffix[] = {[LIFE_ROTATE] = "RotateIfDue",
		[LIFE_NEAR_EXPIRY] = "NearExpiryEventGridNotification", [LIFE_EXPIRED] = "ExpiredEventGridNotification"};
	char object[OBJECT_ID_MAX], operation[64];
	object_id(&d->vault, d->kind->collection, d->life.object.name, version, object);
	(void)snprintf(operation, sizeof(operation), "%s%s", d->kind->noun, suffix[d->event]);
	struct audit_event e = {
		.time_ns = clock_now_ns(), .vault = d->vault_key, .resource_id = d->vault.resource_id, .operation = operation,
		.status = 200, .object = object,
	};
	int rc = enc_uuid(e.id);
	return rc < 0 ? err_errno(err, rc, "record id") : audit_insert(tx, &e, err);
}

static int finish(struct store_tx **tx, const struct due *d, const char *version, struct err *err) {
	int rc = record(*tx, d, version, err);
	if (rc == 0)
		rc = lifetime_schedule(*tx, d->vault_key, d->kind, d->name, err);
	return rc < 0 ? rc : store_commit(tx, err);
}

static int mark_sent(struct store_tx *tx, const struct due *d, int64_t now, struct err *err) {
	const char *sql = d->event == LIFE_NEAR_EXPIRY
		? "UPDATE vault_versions SET near_expiry_sent = $1 WHERE vault = $2 AND kind = $3 AND name = $4 AND version = $5"
		: "UPDATE vault_versions SET expired_sent = $1 WHERE vault = $2 AND kind = $3 AND name = $4 AND version = $5";
	int rc = store_exec(tx, err, sql, "issss", now, d->vault_key, d->kind->collection, d->name, d->life.object.version);
	return rc < 0 ? rc : 0;
}

// Somebody was faster: look again at what is due.
static int reschedule(struct vault_service *v, const struct due *d, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(v->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = lifetime_schedule(tx, d->vault_key, d->kind, d->name, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

// What is due may have changed since it was found: it is done only while it is still the same. -ENOENT when it is not.
static int still_due(struct store_tx *tx, const struct due *d, int64_t now, struct err *err) {
	_cleanup_(life_free) struct life l = {0};
	int rc = life_load(tx, d->vault_key, d->kind, d->name, &l, err);
	if (rc < 0)
		return rc;
	int64_t at = time_of(&l, d->event);
	return strcmp(l.object.version, d->life.object.version) == 0 && at != 0 && at <= now ? 0 : -ENOENT;
}

static int announce(struct vault_service *v, const struct due *d, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(v->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = still_due(tx, d, now, err);
	if (rc == 0)
		rc = mark_sent(tx, d, now, err);
	if (rc == -ENOENT) {
		store_rollback(&tx);
		return reschedule(v, d, err);
	}
	return rc < 0 ? rc : finish(&tx, d, d->life.object.version, err);
}

static int rotate(struct vault_service *v, const struct due *d, int64_t now, struct err *err) {
	_cleanup_object_ struct object fresh = {0};
	_cleanup_(key_request_free) struct key_request like = {0};
	int rc = key_request_like(&d->life.object, &like, err);
	(void)snprintf(fresh.name, sizeof(fresh.name), "%s", d->life.object.name);
	// Made before the write transaction begins, which never waits for RSA.
	if (rc == 0)
		rc = key_generate(v->keeper, &d->vault, &like, now, &fresh, err);
	if (rc < 0)
		return rc;
	_cleanup_tx_ struct store_tx *tx = NULL;
	rc = store_begin(v->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = still_due(tx, d, now, err);
	if (rc == 0)
		rc = key_rotate_to(tx, d->vault_key, &fresh, err);
	if (rc == -ENOENT || rc == -EEXIST) {
		store_rollback(&tx);
		return reschedule(v, d, err);
	}
	return rc < 0 ? rc : finish(&tx, d, fresh.version, err);
}

static int carry_out(struct vault_service *v, struct due *d, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(v->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = load_due(tx, d, err);
	store_rollback(&tx);
	if (rc < 0)
		return rc;
	return d->event == LIFE_ROTATE ? rotate(v, d, now, err)
		: d->event == LIFE_NONE ? reschedule(v, d, err)
					: announce(v, d, now, err);
}

// What fails comes again later, and holds up nobody meanwhile.
static int postpone(struct vault_service *v, const struct due *d, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(v->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = store_exec(tx, err, "UPDATE vault_objects SET due_at = $1 WHERE vault = $2 AND kind = $3 AND name = $4", "isss",
			now + RETRY_SECONDS, d->vault_key, d->kind->collection, d->name);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static int tell_of(const struct due *d, int rc, const struct err *own, struct err *err) {
	return err_set(err, rc, 500, "InternalServerError", "%s/%s/%s: %s", d->vault_key, d->kind->collection, d->name,
		own->status ? own->message : strerror(-rc));
}

// 1 when something was done, 0 when nothing is due. A failure of one object is put into *failed, with its err.
static int do_one(struct vault_service *v, int64_t now, int *failed, struct err *err) {
	_cleanup_(due_free) struct due d = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err own = {0};
	int rc = store_begin(v->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = find_due(tx, now, &d, err);
	store_rollback(&tx);
	if (rc <= 0)
		return rc;
	rc = carry_out(v, &d, now, &own);
	if (rc == 0)
		return 1;
	rc = tell_of(&d, rc, &own, err);
	// Without a keeper or a store nobody can be rotated.
	if (own.status == 503)
		return rc;
	*failed = rc;
	rc = postpone(v, &d, now, err);
	return rc < 0 ? rc : 1;
}

int vault_lifetime_due(struct vault_service *v, struct err *err) {
	int64_t now = clock_now(), until = clock_monotonic_ns() + SLICE_NS;
	int failed = 0, rc;
	while ((rc = do_one(v, now, &failed, err)) > 0 && clock_monotonic_ns() < until)
		;
	return rc < 0 ? rc : failed;
}
