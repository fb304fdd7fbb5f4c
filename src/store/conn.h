// SPDX-License-Identifier: Apache-2.0
// One connection to the database, as store.c needs it: the only part of the room that knows which database
// it is. A connection and its statements belong to one thread at a time.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct conn;
struct stmt;

// Create the database file, mode 0600, when it is missing.
int conn_create_database(const char *path, struct err *err) _must_check_;

// Open an existing database. A STORE_READ connection can never change it.
int conn_open(const char *path, enum store_mode mode, struct conn **out, struct err *err) _must_check_;
void conn_close(struct conn *c);

// Bring the schema to version step_count: steps[N] brings version N to N+1, each in one transaction.
int conn_migrate(struct conn *c, const char *const *steps, size_t step_count, struct err *err) _must_check_;

int conn_begin(struct conn *c, enum store_mode mode, struct err *err) _must_check_;

// Durable on return 0; on failure the transaction is still to be rolled back.
int conn_commit(struct conn *c, struct err *err) _must_check_;

// False when the connection cannot be used any more and must be closed.
bool conn_rollback(struct conn *c) _must_check_;

// A statement with its parameters bound (types as in store.h), to be given back with stmt_release.
// Fails with -ECANCELED when the database has undone the transaction after an earlier error.
int stmt_acquire(struct conn *c, const char *sql, const char *types, va_list values, struct stmt **out,
	struct err *err) _must_check_;
void stmt_release(struct conn *c, struct stmt *s);

int stmt_step(struct conn *c, struct stmt *s, struct err *err) _must_check_;  // 1 a row, 0 the end, negative errno

// Rows changed by a statement that has been stepped to its end since `before` was taken.
int64_t conn_total_changes(struct conn *c);
int conn_changes_since(struct conn *c, int64_t before);

// Columns of the row that stmt_step has reached.
const char *stmt_text(struct stmt *s, int column);
int64_t stmt_int(struct stmt *s, int column);
const void *stmt_blob(struct stmt *s, int column, size_t *len);
