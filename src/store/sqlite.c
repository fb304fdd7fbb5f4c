// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "store/conn.h"

enum {
	BUSY_TIMEOUT_MS = 10000,  // for other processes; threads of this one wait in store.c
	CACHED_STATEMENTS = 96,
	PARAMETERS_MAX = 32,
};

struct stmt {
	sqlite3_stmt *handle;
	uint64_t last_used;
	bool in_use;
	bool cached;  // lives in conn.cache; others are freed on release
};

struct conn {
	sqlite3 *db;
	uint64_t tick;
	struct stmt *cache[CACHED_STATEMENTS];
};

// Describe what the last call on db failed with. Bound values never appear in SQLite's messages.
static int fail(sqlite3 *db, int code, struct err *err) {
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
	switch (code) {
	case SQLITE_FULL:
		return err_set(err, -ENOSPC, 500, "InternalServerError", "the store's disk is full");
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_SHMSIZE:
		// A quota or a file size limit arrives here, and SQLite keeps no errno that would tell it from a bad disk.
		return err_set(err, -ENOSPC, 500, "InternalServerError", "the store's disk is full or failing: %s", text);
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return err_set(err, -EEXIST, 409, "Conflict", "there is such a record already: %s", text);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return err_set(err, -ENOTEMPTY, 409, "Conflict", "another record refers to this one, or the one it "
			"refers to is missing");
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(err, -EBUSY, 503, "ServiceUnavailable", "the store is in use by another process");
	case SQLITE_NOMEM:
		return err_oom(err);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, -EUCLEAN, 500, "InternalServerError", "the store is damaged: %s", text);
	case SQLITE_READONLY:
		return err_set(err, -EROFS, 500, "InternalServerError", "store: %s", text);
	case SQLITE_TOOBIG:
		return err_set(err, -E2BIG, 500, "InternalServerError", "store: %s", text);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return err_set(err, -EIO, 500, "InternalServerError", "store: %s", text);
	default:
		return err_set(err, -EINVAL, 500, "InternalServerError", "store: %s", text);
	}
}

static int misuse(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 500, "InternalServerError", "store: %s", what);
}

static int run_script(struct conn *c, const char *sql, struct err *err) {
	int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : fail(c->db, code, err);
}

// SQLite counts all its memory under one lock, and nobody here asks for the count.
static void stop_counting_memory(void) {
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int conn_create_database(const char *path, struct err *err) {
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	// SQLite gives its side files the mode of the database.
	if (fchmod(fd, 0600) < 0)
		return err_errno(err, -errno, "cannot set the mode of %s", path);
	int rc = io_sync_parent(path);
	return rc < 0 ? err_errno(err, rc, "cannot make %s durable", path) : 0;
}

static int configure(struct conn *c, enum store_mode mode, struct err *err) {
	static const struct {
		int option, value;
	} options[] = {
		{SQLITE_DBCONFIG_ENABLE_FKEY, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		int code = sqlite3_db_config(c->db, options[i].option, options[i].value, NULL);
		if (code != SQLITE_OK)
			return fail(c->db, code, err);
	}
	int code = sqlite3_busy_timeout(c->db, BUSY_TIMEOUT_MS);
	if (code != SQLITE_OK)
		return fail(c->db, code, err);
	int rc = run_script(c, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", err);
	if (rc == 0 && mode == STORE_READ)
		rc = run_script(c, "PRAGMA query_only = ON", err);
	return rc;
}

static int pragma_int(struct conn *c, const char *sql, int64_t *out, struct err *err) {
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	int rc = 0;
	if (code == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	else
		rc = fail(c->db, code, err);
	(void)sqlite3_finalize(s);
	return rc;
}

// What makes a commit durable must be in force, whatever the file said before or SQLite was built with.
static int check_durability(struct conn *c, struct err *err) {
	int64_t wal, synchronous, foreign_keys;
	int rc = pragma_int(c, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, err);
	if (rc == 0)
		rc = pragma_int(c, "PRAGMA synchronous", &synchronous, err);
	if (rc == 0)
		rc = pragma_int(c, "PRAGMA foreign_keys", &foreign_keys, err);
	if (rc < 0)
		return rc;
	return wal == 1 && synchronous == 2 && foreign_keys == 1 ? 0
		: misuse(err, "the file system does not allow a durable database (write-ahead log)");
}

int conn_open(const char *path, enum store_mode mode, struct conn **out, struct err *err) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, stop_counting_memory);
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return err_oom(err);
	int code = sqlite3_open_v2(path, &c->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);
	int rc = code == SQLITE_OK ? configure(c, mode, err) : fail(c->db, code, err);
	if (rc == 0)
		rc = check_durability(c, err);
	if (rc < 0) {
		conn_close(c);
		return rc;
	}
	*out = c;
	return 0;
}

static void stmt_free(struct stmt *s) {
	(void)sqlite3_finalize(s->handle);
	free(s);
}

void conn_close(struct conn *c) {
	for (size_t i = 0; i < CACHED_STATEMENTS; i++)
		if (c->cache[i])
			stmt_free(c->cache[i]);
	(void)sqlite3_close(c->db);
	free(c);
}

static int migrate_one(struct conn *c, const char *const *steps, size_t step_count, bool *done, struct err *err) {
	int64_t version;
	int rc = pragma_int(c, "PRAGMA user_version", &version, err);
	if (rc < 0)
		return rc;
	if (version < 0 || (uint64_t)version > step_count)
		return err_set(err, -EPROTO, 500, "InternalServerError",
			"the store has schema version %lld, this program knows versions up to %zu", (long long)version,
			step_count);
	*done = (size_t)version == step_count;
	if (*done)
		return 0;
	rc = run_script(c, steps[version], err);
	if (rc < 0)
		return rc;
	char set[64];
	(void)snprintf(set, sizeof(set), "PRAGMA user_version = %lld", (long long)version + 1);
	return run_script(c, set, err);
}

int conn_migrate(struct conn *c, const char *const *steps, size_t step_count, struct err *err) {
	// The version is read inside the transaction: another process may be at the same work.
	for (bool done = false; !done;) {
		int rc = conn_begin(c, STORE_WRITE, err);
		if (rc < 0)
			return rc;
		rc = migrate_one(c, steps, step_count, &done, err);
		if (rc == 0)
			rc = conn_commit(c, err);
		if (rc < 0) {
			(void)!conn_rollback(c);
			return rc;
		}
	}
	return 0;
}

static int undone(struct err *err) {
	return err_set(err, -ECANCELED, 500, "InternalServerError",
		"the store has undone the transaction after an earlier error");
}

static int prepare(struct conn *c, const char *sql, struct stmt **out, struct err *err) {
	struct stmt *s = calloc(1, sizeof(*s));
	if (!s)
		return err_oom(err);
	const char *tail = NULL;
	int code = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, &tail);
	int rc = code == SQLITE_OK ? 0 : fail(c->db, code, err);
	if (rc == 0 && !s->handle)
		rc = misuse(err, "an empty statement");
	if (rc == 0 && tail[strspn(tail, " \t\r\n;")] != 0)
		rc = misuse(err, "more than one statement");
	if (rc < 0) {
		stmt_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

// The slot for a new statement: a free one or that of the statement unused for longest; NULL when all are in use.
static struct stmt **cache_slot(struct conn *c) {
	struct stmt **oldest = NULL;
	for (size_t i = 0; i < CACHED_STATEMENTS; i++) {
		if (!c->cache[i])
			return &c->cache[i];
		if (!c->cache[i]->in_use && (!oldest || c->cache[i]->last_used < (*oldest)->last_used))
			oldest = &c->cache[i];
	}
	return oldest;
}

static struct stmt *cache_find(struct conn *c, const char *sql) {
	for (size_t i = 0; i < CACHED_STATEMENTS && c->cache[i]; i++)
		if (!c->cache[i]->in_use && strcmp(sqlite3_sql(c->cache[i]->handle), sql) == 0)
			return c->cache[i];
	return NULL;
}

static int find_or_prepare(struct conn *c, const char *sql, struct stmt **out, struct err *err) {
	struct stmt *s = cache_find(c, sql);
	if (!s) {
		int rc = prepare(c, sql, &s, err);
		if (rc < 0)
			return rc;
		struct stmt **slot = cache_slot(c);
		if (slot) {
			if (*slot)
				stmt_free(*slot);
			*slot = s;
			s->cached = true;
		}
	}
	s->in_use = true;
	s->last_used = ++c->tick;
	*out = s;
	return 0;
}

// A statement without parameters to its end, or to its first row. Those that every transaction needs are not worth
// preparing anew each time.
static int run(struct conn *c, const char *sql, struct err *err) {
	struct stmt *s;
	int rc = find_or_prepare(c, sql, &s, err);
	if (rc < 0)
		return rc;
	rc = stmt_step(c, s, err);
	stmt_release(c, s);
	return rc < 0 ? rc : 0;
}

int conn_begin(struct conn *c, enum store_mode mode, struct err *err) {
	if (mode == STORE_WRITE)
		return run(c, "BEGIN IMMEDIATE", err);
	int rc = run(c, "BEGIN", err);
	if (rc < 0)
		return rc;
	// SQLite takes the snapshot at the first read, so read at once.
	rc = run(c, "SELECT 1 FROM sqlite_schema LIMIT 1", err);
	if (rc < 0)
		(void)!conn_rollback(c);
	return rc;
}

int conn_commit(struct conn *c, struct err *err) {
	return sqlite3_get_autocommit(c->db) ? undone(err) : run(c, "COMMIT", err);
}

bool conn_rollback(struct conn *c) {
	return sqlite3_get_autocommit(c->db) || run(c, "ROLLBACK", NULL) == 0;
}

static int bind_one(sqlite3_stmt *h, int index, char type, va_list *values) {
	if (type == 'i')
		return sqlite3_bind_int64(h, index, va_arg(*values, int64_t));
	// Values are copied: rows are read after the caller's strings may be gone.
	if (type == 's')
		return sqlite3_bind_text(h, index, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
	const void *data = va_arg(*values, const void *);
	size_t len = va_arg(*values, size_t);
	return sqlite3_bind_blob64(h, index, data, len, SQLITE_TRANSIENT);
}

static int bind(struct conn *c, struct stmt *s, const char *types, va_list *values, struct err *err) {
	size_t count = strlen(types);
	if (count > PARAMETERS_MAX || strspn(types, "sib") != count)
		return misuse(err, "wrong parameter types");
	if (sqlite3_bind_parameter_count(s->handle) != (int)count)
		return misuse(err, "the statement has another number of parameters");
	for (size_t i = 0; i < count; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "$%zu", i + 1);
		int index = sqlite3_bind_parameter_index(s->handle, name);
		if (index == 0)
			return misuse(err, "parameters are not named $1, $2, …");
		int code = bind_one(s->handle, index, types[i], values);
		if (code != SQLITE_OK)
			return fail(c->db, code, err);
	}
	return 0;
}

int stmt_acquire(struct conn *c, const char *sql, const char *types, va_list values, struct stmt **out,
	struct err *err) {
	// Without this a statement after a failed write would run, and commit, on its own.
	if (sqlite3_get_autocommit(c->db))
		return undone(err);
	struct stmt *s;
	int rc = find_or_prepare(c, sql, &s, err);
	if (rc < 0)
		return rc;
	va_list copy;
	va_copy(copy, values);
	rc = bind(c, s, types, &copy, err);
	va_end(copy);
	if (rc < 0) {
		stmt_release(c, s);
		return rc;
	}
	*out = s;
	return 0;
}

void stmt_release(struct conn *c, struct stmt *s) {
	// What reset returns is the failure that stmt_step has reported already.
	(void)sqlite3_reset(s->handle);
	(void)sqlite3_clear_bindings(s->handle);
	s->in_use = false;
	s->last_used = ++c->tick;
	if (!s->cached)
		stmt_free(s);
}

int stmt_step(struct conn *c, struct stmt *s, struct err *err) {
	int code = sqlite3_step(s->handle);
	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : fail(c->db, code, err);
}

int64_t conn_total_changes(struct conn *c) {
	return sqlite3_total_changes64(c->db);
}

int conn_changes_since(struct conn *c, int64_t before) {
	// sqlite3_changes keeps the count of an earlier statement when the last one was not a change.
	if (sqlite3_total_changes64(c->db) == before)
		return 0;
	int64_t n = sqlite3_changes64(c->db);
	return n > INT_MAX ? INT_MAX : (int)n;
}

const char *stmt_text(struct stmt *s, int column) {
	return (const char *)sqlite3_column_text(s->handle, column);
}

int64_t stmt_int(struct stmt *s, int column) {
	return sqlite3_column_int64(s->handle, column);
}

const void *stmt_blob(struct stmt *s, int column, size_t *len) {
	const void *data = sqlite3_column_blob(s->handle, column);
	*len = (size_t)sqlite3_column_bytes(s->handle, column);
	return data;
}
