// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/delivery.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "diagnostics/storage.h"

enum { HOUR = 3600, LETTERS_LIVE = CLOCK_DAY, BUSY_MAX = 16, TARGET_MAX = WEBHOOK_URL_MAX + 1, ID_MAX = 1024 };

// After so many seconds the first, second, … attempt follows the one that failed; the last holds for all that come.
static const int64_t pauses[] = {10, 30, 60, 300, 600, 1800, HOUR};

struct sink {
	char resource_id[ID_MAX], setting[DIAGNOSTICS_NAME_MAX], vault[VAULT_NAME_MAX + 1], target[TARGET_MAX];
	enum diagnostics_kind kind;
	int64_t position, attempts, failing_since;  // failing_since 0: it does not
};

struct diagnostics {
	struct store *store;
	const char *folder;
	pthread_mutex_t lock;
	struct sink *busy[BUSY_MAX];  // guarded by lock; borrowed from the threads that serve them
};

int diagnostics_open(struct store *store, const char *folder, struct diagnostics **out, struct err *err) {
	struct diagnostics *d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(err);
	d->store = store;
	d->folder = folder;
	(void)pthread_mutex_init(&d->lock, NULL);
	*out = d;
	return 0;
}

void diagnostics_close(struct diagnostics *d) {
	if (!d)
		return;
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

static bool same(const struct sink *a, const struct sink *b) {
	return a->kind == b->kind && strcmp(a->resource_id, b->resource_id) == 0 && strcmp(a->setting, b->setting) == 0;
}

static bool is_busy(const struct diagnostics *d, const struct sink *s) {
	for (size_t i = 0; i < BUSY_MAX; i++)
		if (d->busy[i] && same(d->busy[i], s))
			return true;
	return false;
}

// Mark it as served, in a place that is free; false when there is none.
static bool claim(struct diagnostics *d, struct sink *s) {
	for (size_t i = 0; i < BUSY_MAX; i++)
		if (!d->busy[i]) {
			d->busy[i] = s;
			return true;
		}
	return false;
}

static void release(struct diagnostics *d, const struct sink *s) {
	(void)pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < BUSY_MAX; i++)
		if (d->busy[i] == s)
			d->busy[i] = NULL;
	(void)pthread_mutex_unlock(&d->lock);
}

static int read_sink(struct store_rows *row, enum diagnostics_kind kind, struct sink *out) {
	out->kind = kind;
	out->position = store_int(row, 4);
	out->attempts = store_int(row, 5);
	out->failing_since = store_int(row, 6);
	int rc = strv_copy(out->resource_id, sizeof(out->resource_id), store_text(row, 0));
	if (rc == 0)
		rc = strv_copy(out->setting, sizeof(out->setting), store_text(row, 1));
	if (rc == 0)
		rc = strv_copy(out->vault, sizeof(out->vault), store_text(row, 2));
	return rc < 0 ? rc : strv_copy(out->target, sizeof(out->target), store_text(row, 3));
}

// Those that were served longest ago first, so that a busy vault starves no other. A next attempt that is further away than
// any pause is one of a clock that was set back.
static int find_due(struct diagnostics *d, enum diagnostics_kind kind, struct sink *out, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	int64_t now = clock_now();
	int rc = store_begin(d->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = store_query(tx, &rows, err,
			"SELECT s.resource_id, s.setting, s.vault, s.target, s.position, s.attempts, COALESCE(s.failing_since, 0)"
			" FROM diagnostic_sinks s WHERE s.kind = $1 AND (s.next_try <= $2 OR s.next_try > $3)"
			" AND EXISTS (SELECT 1 FROM audit a WHERE a.vault = s.vault AND a.seq > s.position) ORDER BY s.served",
			"sii", diagnostics_kind_name(kind), now, now + HOUR);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		rc = read_sink(rows, kind, out);
		if (rc < 0)
			return err_errno(err, rc, "a sink of diagnostic settings");
		if (!is_busy(d, out))
			return 1;
	}
	return rc;
}

static int take_due(struct diagnostics *d, enum diagnostics_kind kind, struct sink *out, struct err *err) {
	(void)pthread_mutex_lock(&d->lock);
	int rc = find_due(d, kind, out, err);
	if (rc > 0 && !claim(d, out))
		rc = 0;
	(void)pthread_mutex_unlock(&d->lock);
	return rc;
}

// What is delivered at once: lines of records, of storage those of one hour.
struct batch {
	struct buf text;
	int64_t last, hour;
	size_t count;
};

static void batch_free(struct batch *b) {
	buf_free(&b->text);
}

static int64_t hour_of(int64_t time_ns) {
	int64_t seconds = time_ns / CLOCK_NSEC_PER_SEC;
	return seconds - seconds % HOUR;
}

// The record with its id as the first member.
static int add_record(struct batch *b, enum diagnostics_kind kind, const char *id, const char *record) {
	const char *separator = kind == DIAGNOSTICS_STORAGE ? "" : b->count == 0 ? "{\"records\":[" : ",";
	return buf_printf(&b->text, "%s{\"recordId\":\"%s\",%s%s", separator, id, record + 1,
		kind == DIAGNOSTICS_STORAGE ? "\n" : "");
}

static int load_batch(struct diagnostics *d, const struct sink *s, struct batch *b, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_begin(d->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = store_query(tx, &rows, err,
			"SELECT seq, id, time_ns, record FROM audit WHERE vault = $1 AND seq > $2 ORDER BY seq LIMIT $3", "sii", s->vault,
			s->position, (int64_t)DIAGNOSTICS_BATCH_RECORDS);
	while (rc >= 0 && b->text.len < DIAGNOSTICS_BATCH_BYTES && (rc = store_next(rows, err)) > 0) {
		int64_t hour = hour_of(store_int(rows, 2));
		if (s->kind == DIAGNOSTICS_STORAGE && b->count > 0 && hour != b->hour)
			break;
		if (add_record(b, s->kind, store_text(rows, 1), store_text(rows, 3)) < 0)
			return err_oom(err);
		b->hour = hour;
		b->last = store_int(rows, 0);
		b->count++;
	}
	if (rc >= 0 && b->count > 0 && s->kind == DIAGNOSTICS_WEBHOOK && buf_str(&b->text, "]}") < 0)
		return err_oom(err);
	return rc < 0 ? rc : 0;
}

static int send_batch(struct diagnostics *d, const struct sink *s, const struct batch *b, struct webhook *webhook, struct err *err) {
	if (s->kind == DIAGNOSTICS_STORAGE)
		return storage_append(d->folder, s->target, s->resource_id, b->hour, &b->text, err);
	return webhook_post(webhook, s->target, b->text.data, b->text.len, err);
}

// Only while it stands where it did: the setting may have been replaced meanwhile.
static int move_on(struct store_tx *tx, const struct sink *s, int64_t position, struct err *err) {
	int rc = store_exec(tx, err,
		"UPDATE diagnostic_sinks SET position = $1, served = $2, next_try = 0, attempts = 0, failing_since = NULL, last_error = NULL"
		" WHERE resource_id = $3 AND setting = $4 AND kind = $5 AND position = $6",
		"iisssi", position, clock_now_ns(), s->resource_id, s->setting, diagnostics_kind_name(s->kind), s->position);
	return rc < 0 ? rc : 0;
}

// What is older than a day and could not be delivered for as long, named in a row; the sink goes on behind it.
static int bury(struct store_tx *tx, const struct sink *s, int64_t now, const char *why, struct err *err) {
	int64_t last = 0;
	char id[ENC_UUID_SIZE];
	int rc = store_query_int(tx, &last, err,
		"SELECT COALESCE(MAX(seq), 0) FROM audit WHERE vault = $1 AND seq > $2 AND time_ns <= $3", "sii", s->vault, s->position,
		(now - LETTERS_LIVE) * CLOCK_NSEC_PER_SEC);
	if (rc < 0 || last == 0)
		return rc;
	if (enc_uuid(id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	rc = store_exec(tx, err,
		"INSERT INTO diagnostic_dead_letters (id, vault, resource_id, setting, kind, first_seq, last_seq, error, created)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)", "sssssiisi", id, s->vault, s->resource_id, s->setting,
		diagnostics_kind_name(s->kind), s->position + 1, last, why, now);
	if (rc >= 0)
		rc = store_exec(tx, err,
			"UPDATE diagnostic_sinks SET position = $1 WHERE resource_id = $2 AND setting = $3 AND kind = $4 AND position = $5",
			"isssi", last, s->resource_id, s->setting, diagnostics_kind_name(s->kind), s->position);
	return rc < 0 ? rc : 0;
}

static int put_off(struct store_tx *tx, const struct sink *s, const char *why, struct err *err) {
	int64_t now = clock_now(), since = s->failing_since ? s->failing_since : now;
	size_t n = (size_t)s->attempts < ARRAY_SIZE(pauses) ? (size_t)s->attempts : ARRAY_SIZE(pauses) - 1;
	int rc = store_exec(tx, err,
		"UPDATE diagnostic_sinks SET attempts = attempts + 1, next_try = $1, failing_since = $2, last_error = $3, served = $4"
		" WHERE resource_id = $5 AND setting = $6 AND kind = $7",
		"iisisss", now + pauses[n], since, why, clock_now_ns(), s->resource_id, s->setting, diagnostics_kind_name(s->kind));
	if (rc >= 0 && s->kind == DIAGNOSTICS_WEBHOOK && now - since >= LETTERS_LIVE)
		rc = bury(tx, s, now, why, err);
	return rc < 0 ? rc : 0;
}

static int record_outcome(struct diagnostics *d, const struct sink *s, int64_t last, const char *failure, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(d->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = failure ? put_off(tx, s, failure, err) : move_on(tx, s, last, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static int serve(struct diagnostics *d, const struct sink *s, struct webhook *webhook, struct err *err) {
	_cleanup_(batch_free) struct batch b = {0};
	struct err own = {0};
	int rc = load_batch(d, s, &b, err);
	if (rc < 0 || b.count == 0)
		return rc;
	int sent = send_batch(d, s, &b, webhook, &own);
	rc = record_outcome(d, s, b.last, sent < 0 ? own.message : NULL, err);
	if (rc < 0 || sent == 0)
		return rc;
	return err_set(err, sent, 503, "ServiceUnavailable", "%s of %s: %s", diagnostics_kind_name(s->kind), s->resource_id,
		own.message);
}

int diagnostics_deliver(struct diagnostics *d, enum diagnostics_kind kind, struct webhook *webhook, struct err *err) {
	struct sink s;
	int rc = take_due(d, kind, &s, err);
	if (rc <= 0)
		return rc;
	rc = serve(d, &s, webhook, err);
	release(d, &s);
	return rc < 0 ? rc : 1;
}
