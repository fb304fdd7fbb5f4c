// SPDX-License-Identifier: Apache-2.0
// Durable state: transactions over one SQL schema. Today on SQLite (WAL, synchronous=FULL: what was
// committed survives power loss). SQL is written in the subset that SQLite and PostgreSQL share, with
// numbered parameters $1, $2, … each used in order of first appearance.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;
struct store_tx;
struct store_rows;

// Open, or create, the database and bring its schema to the newest version (one transaction a
// version; a database newer than the program is refused). Safe for use by many threads.
int store_open(const char *path, struct store **out, struct err *err) _must_check_;
void store_close(struct store *s);
static inline void store_closep(struct store **s) {
	store_close(*s);
}

// Begin a transaction on a connection of its own; blocks while all connections are taken. A STORE_READ
// transaction sees one snapshot, that of its begin, and cannot change anything (-EROFS). STORE_WRITE
// transactions are serialised. A thread must not hold two (-EDEADLK where that would block for ever).
enum store_mode { STORE_READ, STORE_WRITE };
int store_begin(struct store *s, enum store_mode mode, struct store_tx **out, struct err *err) _must_check_;

// Durable on return 0. The transaction is over and freed either way; *tx becomes NULL.
int store_commit(struct store_tx **tx, struct err *err) _must_check_;

// Undo and free; NULL is fine, so `_cleanup_tx_ struct store_tx *tx = NULL;` rolls back what was not committed.
void store_rollback(struct store_tx **tx);
#define _cleanup_tx_ _cleanup_(store_rollback)

// Run a statement. `types` has one letter a parameter: 's' const char * (NULL is SQL NULL), 'i' int64_t,
// 'b' const void * and size_t (two arguments). Returns 0 or more: the number of rows changed; -EEXIST on a
// uniqueness violation, -ENOTEMPTY on a violated reference (both 409 Conflict in err), -ENOSPC on a full
// disk, -EBUSY when another process holds the database, other negative errno. After any other failure than
// the 409s the transaction may have been undone; everything on it fails with -ECANCELED then.
int store_exec(struct store_tx *tx, struct err *err, const char *sql, const char *types, ...) _must_check_;

// Run a query; read it with store_next until it returns 0. The end of the transaction ends its rows too:
// store_next fails then, and only store_finish is left to be called.
int store_query(struct store_tx *tx, struct store_rows **out, struct err *err, const char *sql, const char *types, ...)
	_must_check_;
int store_next(struct store_rows *rows, struct err *err) _must_check_;  // 1 a row, 0 the end, negative errno
void store_finish(struct store_rows **rows);
#define _cleanup_rows_ _cleanup_(store_finish)

// Columns of the current row, from 0. Text and blobs are borrowed until the next store_next. SQL NULL and an
// empty blob are both NULL with length 0.
const char *store_text(struct store_rows *rows, int column);  // NULL for SQL NULL
int64_t store_int(struct store_rows *rows, int column);
const void *store_blob(struct store_rows *rows, int column, size_t *len);

// One row of one integer, e.g. a COUNT; -ENOENT when no row (err untouched).
int store_query_int(struct store_tx *tx, int64_t *out, struct err *err, const char *sql, const char *types, ...)
	_must_check_;
