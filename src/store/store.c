// SPDX-License-Identifier: Apache-2.0
// Connections, transactions and rows; what is particular to the database is behind conn.h.
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "base/strv.h"
#include "store/conn.h"
#include "store/schema.h"

enum { READERS_MAX = 7 };

struct store {
	char *path;
	pthread_mutex_t lock;
	pthread_cond_t changed;  // a connection was given back
	struct conn *writer;     // NULL while in use or not open
	bool writer_taken;
	pthread_t writer_thread;  // valid while writer_taken
	struct conn *idle[READERS_MAX];
	size_t idle_count;
	size_t readers_taken;
};

struct store_tx {
	struct store *store;
	struct conn *conn;
	enum store_mode mode;
	struct store_rows *rows;  // list of those not finished
};

struct store_rows {
	struct store_tx *tx;  // NULL once the transaction is over
	struct stmt *stmt;
	struct store_rows *next;
	int state;  // 1 on a row, 2 before the first, 0 at the end, negative errno after a failure
};

static int open_writer(struct store *s, struct err *err) {
	int rc = conn_create_database(s->path, err);
	if (rc == 0)
		rc = conn_open(s->path, STORE_WRITE, &s->writer, err);
	return rc < 0 ? rc : conn_migrate(s->writer, schema_steps, schema_step_count, err);
}

int store_open(const char *path, struct store **out, struct err *err) {
	struct store *s = calloc(1, sizeof(*s));
	if (!s)
		return err_oom(err);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->changed, NULL);
	s->path = strdup(path);
	int rc = s->path ? open_writer(s, err) : err_oom(err);
	if (rc < 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s) {
	if (!s)
		return;
	assert(!s->writer_taken && s->readers_taken == 0);
	while (s->idle_count > 0)
		conn_close(s->idle[--s->idle_count]);
	// Last, because a writer's close moves the log into the database.
	if (s->writer)
		conn_close(s->writer);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}

// Reserve the writer; *out is NULL when its connection must be opened.
static int take_writer(struct store *s, struct conn **out, struct err *err) {
	(void)pthread_mutex_lock(&s->lock);
	bool nested = s->writer_taken && pthread_equal(s->writer_thread, pthread_self());
	if (!nested) {
		while (s->writer_taken)
			(void)pthread_cond_wait(&s->changed, &s->lock);
		s->writer_taken = true;
		s->writer_thread = pthread_self();
		*out = TAKE_PTR(s->writer);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return nested ? err_set(err, -EDEADLK, 500, "InternalServerError", "store: a thread began two writes") : 0;
}

static void take_reader(struct store *s, struct conn **out) {
	(void)pthread_mutex_lock(&s->lock);
	while (s->readers_taken == READERS_MAX)
		(void)pthread_cond_wait(&s->changed, &s->lock);
	s->readers_taken++;
	*out = s->idle_count > 0 ? s->idle[--s->idle_count] : NULL;
	(void)pthread_mutex_unlock(&s->lock);
}

static int take(struct store *s, enum store_mode mode, struct conn **out, struct err *err) {
	if (mode == STORE_WRITE)
		return take_writer(s, out, err);
	take_reader(s, out);
	return 0;
}

// Give a reservation back, with its connection or NULL when that could not be opened or is unusable.
static void give_back(struct store *s, enum store_mode mode, struct conn *c) {
	(void)pthread_mutex_lock(&s->lock);
	if (mode == STORE_WRITE) {
		s->writer = c;
		s->writer_taken = false;
	} else {
		if (c)
			s->idle[s->idle_count++] = c;
		s->readers_taken--;
	}
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
}

int store_begin(struct store *s, enum store_mode mode, struct store_tx **out, struct err *err) {
	_cleanup_free_ struct store_tx *tx = calloc(1, sizeof(*tx));
	if (!tx)
		return err_oom(err);
	struct conn *c = NULL;
	int rc = take(s, mode, &c, err);
	if (rc < 0)
		return rc;
	if (!c)
		rc = conn_open(s->path, mode, &c, err);
	if (rc == 0)
		rc = conn_begin(c, mode, err);
	if (rc < 0) {
		give_back(s, mode, c);
		return rc;
	}
	*tx = (struct store_tx){.store = s, .conn = c, .mode = mode};
	*out = TAKE_PTR(tx);
	return 0;
}

static void detach(struct store_rows *rows) {
	stmt_release(rows->tx->conn, rows->stmt);
	rows->tx->rows = rows->next;
	rows->tx = NULL;
	rows->stmt = NULL;
	rows->state = -ECANCELED;
}

static void end(struct store_tx *tx, bool usable) {
	if (!usable)
		conn_close(TAKE_PTR(tx->conn));
	give_back(tx->store, tx->mode, tx->conn);
	free(tx);
}

int store_commit(struct store_tx **txp, struct err *err) {
	struct store_tx *tx = TAKE_PTR(*txp);
	while (tx->rows)
		detach(tx->rows);
	int rc = conn_commit(tx->conn, err);
	end(tx, rc == 0 || conn_rollback(tx->conn));
	return rc;
}

void store_rollback(struct store_tx **txp) {
	struct store_tx *tx = TAKE_PTR(*txp);
	if (!tx)
		return;
	while (tx->rows)
		detach(tx->rows);
	end(tx, conn_rollback(tx->conn));
}

int store_exec(struct store_tx *tx, struct err *err, const char *sql, const char *types, ...) {
	int64_t before = conn_total_changes(tx->conn);
	struct stmt *stmt;
	va_list ap;
	va_start(ap, types);
	int rc = stmt_acquire(tx->conn, sql, types, ap, &stmt, err);
	va_end(ap);
	if (rc < 0)
		return rc;
	rc = stmt_step(tx->conn, stmt, err);
	stmt_release(tx->conn, stmt);
	if (rc > 0)
		return err_set(err, -EINVAL, 500, "InternalServerError", "store: a query where a change was expected");
	return rc < 0 ? rc : conn_changes_since(tx->conn, before);
}

static int query(struct store_tx *tx, struct store_rows **out, struct err *err, const char *sql, const char *types,
	va_list values) {
	_cleanup_free_ struct store_rows *rows = calloc(1, sizeof(*rows));
	if (!rows)
		return err_oom(err);
	int rc = stmt_acquire(tx->conn, sql, types, values, &rows->stmt, err);
	if (rc < 0)
		return rc;
	rows->state = 2;
	rows->tx = tx;
	rows->next = tx->rows;
	tx->rows = rows;
	*out = TAKE_PTR(rows);
	return 0;
}

int store_query(struct store_tx *tx, struct store_rows **out, struct err *err, const char *sql, const char *types,
	...) {
	va_list ap;
	va_start(ap, types);
	int rc = query(tx, out, err, sql, types, ap);
	va_end(ap);
	return rc;
}

int store_next(struct store_rows *rows, struct err *err) {
	if (!rows->tx)
		return err_set(err, -ECANCELED, 500, "InternalServerError", "store: rows read after their transaction");
	// Stepping past the end would run the statement again.
	if (rows->state == 0)
		return 0;
	if (rows->state < 0)
		return err_set(err, rows->state, 500, "InternalServerError", "store: rows read after a failure");
	rows->state = stmt_step(rows->tx->conn, rows->stmt, err);
	return rows->state;
}

void store_finish(struct store_rows **rowsp) {
	struct store_rows *rows = TAKE_PTR(*rowsp);
	if (!rows)
		return;
	if (rows->tx) {
		struct store_rows **link = &rows->tx->rows;
		while (*link != rows)
			link = &(*link)->next;
		*link = rows->next;
		stmt_release(rows->tx->conn, rows->stmt);
	}
	free(rows);
}

const char *store_text(struct store_rows *rows, int column) {
	return rows->state == 1 ? stmt_text(rows->stmt, column) : NULL;
}

int64_t store_int(struct store_rows *rows, int column) {
	return rows->state == 1 ? stmt_int(rows->stmt, column) : 0;
}

const void *store_blob(struct store_rows *rows, int column, size_t *len) {
	*len = 0;
	return rows->state == 1 ? stmt_blob(rows->stmt, column, len) : NULL;
}

int store_query_int(struct store_tx *tx, int64_t *out, struct err *err, const char *sql, const char *types, ...) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	va_list ap;
	va_start(ap, types);
	int rc = query(tx, &rows, err, sql, types, ap);
	va_end(ap);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	*out = store_int(rows, 0);
	return 0;
}
