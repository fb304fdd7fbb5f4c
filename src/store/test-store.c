// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/strv.h"
#include "store/conn.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/test-scratch.h"

struct fixture {
	struct scratch scratch;
	struct store *store;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	if (scratch_make(&f->scratch) < 0)
		return -1;
	struct err err = {0};
	*state = f;
	return store_open(f->scratch.path, &f->store, &err);
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	store_close(f->store);
	int rc = scratch_remove(&f->scratch);
	free(f);
	return rc;
}

static int put(struct store_tx *tx, const char *name, const char *value, struct err *err) {
	return store_exec(tx, err, "INSERT INTO settings (name, value) VALUES ($1, $2)", "ss", name, value);
}

static int64_t count(struct store_tx *tx) {
	int64_t n = -1;
	struct err err = {0};
	assert_int_equal(store_query_int(tx, &n, &err, "SELECT COUNT(*) FROM settings", ""), 0);
	return n;
}

static int64_t count_now(struct store *s) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(s, STORE_READ, &tx, &err), 0);
	return count(tx);
}

static void test_commit_keeps_and_rollback_undoes(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(put(tx, "a", "1", &err), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_null(tx);
	{
		_cleanup_tx_ struct store_tx *dropped = NULL;
		assert_int_equal(store_begin(f->store, STORE_WRITE, &dropped, &err), 0);
		assert_int_equal(put(dropped, "b", "2", &err), 1);
		assert_int_equal(count(dropped), 2);
	}
	assert_int_equal(count_now(f->store), 1);
	store_rollback(&tx);
}

static void test_values_come_back_as_stored(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err, "CREATE TABLE v (id BIGINT PRIMARY KEY, t TEXT, b BYTEA, n BIGINT)", ""), 0);
	static const uint8_t blob[] = {0, 1, 0, 0xff};
	const char *insert = "INSERT INTO v (id, t, b, n) VALUES ($1, $2, $3, $4)";
	assert_int_equal(store_exec(tx, &err, insert, "isbi", (int64_t)1, "é$2;--", blob, sizeof(blob), INT64_MIN), 1);
	assert_int_equal(store_exec(tx, &err, insert, "isbi", (int64_t)2, (const char *)NULL, (const void *)NULL, (size_t)0, INT64_MAX), 1);

	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_query(tx, &rows, &err, "SELECT t, b, n FROM v ORDER BY id", ""), 0);
	assert_null(store_text(rows, 0));
	assert_int_equal(store_next(rows, &err), 1);
	assert_string_equal(store_text(rows, 0), "é$2;--");
	size_t len;
	const void *data = store_blob(rows, 1, &len);
	assert_int_equal(len, sizeof(blob));
	assert_memory_equal(data, blob, sizeof(blob));
	assert_true(store_int(rows, 2) == INT64_MIN);
	assert_int_equal(store_next(rows, &err), 1);
	assert_null(store_text(rows, 0));
	assert_null(store_blob(rows, 1, &len));
	assert_int_equal(len, 0);
	assert_true(store_int(rows, 2) == INT64_MAX);
	assert_int_equal(store_next(rows, &err), 0);
	assert_int_equal(store_next(rows, &err), 0);
	assert_null(store_text(rows, 0));
}

static void test_a_number_may_be_used_twice(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	int64_t n = 0;
	assert_int_equal(store_query_int(tx, &n, &err, "SELECT $1 * 100 + $2 * 10 + $1", "ii", (int64_t)7, (int64_t)3), 0);
	assert_int_equal(n, 737);
	assert_int_equal(store_query_int(tx, &n, &err, "SELECT $2 * 10 + $1", "ii", (int64_t)1, (int64_t)2), 0);
	assert_int_equal(n, 21);
}

static void test_exec_counts_changed_rows(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(put(tx, "a", "1", &err), 1);
	assert_int_equal(put(tx, "b", "1", &err), 1);
	assert_int_equal(store_exec(tx, &err, "CREATE TABLE other (x BIGINT)", ""), 0);
	assert_int_equal(store_exec(tx, &err, "UPDATE settings SET value = $1", "s", "2"), 2);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = $1", "s", "z"), 0);
}

static void test_constraints(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(put(tx, "a", "1", &err), 1);
	assert_int_equal(put(tx, "a", "hidden value", &err), -EEXIST);
	assert_int_equal(err.status, 409);
	assert_string_equal(err.code, "Conflict");
	assert_null(strstr(err.message, "hidden"));
	err = (struct err){0};
	assert_int_equal(store_exec(tx, &err, "INSERT INTO subscriptions (id, tenant_id, display_name) VALUES ($1, $2, $3)",
		"sss", "s", "missing", "S"), -ENOTEMPTY);
	assert_int_equal(err.status, 409);
	assert_int_equal(put(tx, "c", NULL, &err), -EINVAL);
	assert_int_equal(err.status, 500);
	// Only the statement failed, the transaction goes on.
	assert_int_equal(put(tx, "d", "1", &err), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(count_now(f->store), 2);
}

static void test_statement_misuse_is_refused(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err, "NOT SQL", ""), -EINVAL);
	assert_int_equal(err.status, 500);
	assert_int_equal(store_exec(tx, &err, "", ""), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings; DELETE FROM tenants", ""), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "SELECT 1", ""), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = $1", ""), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = $1", "ss", "a", "b"), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = ?", "s", "a"), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = $2", "s", "a"), -EINVAL);
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = $1", "x", "a"), -EINVAL);
	// A double-quoted word is a column, never a string.
	assert_int_equal(store_exec(tx, &err, "DELETE FROM settings WHERE name = \"a\"", ""), -EINVAL);
	int64_t n = 5;
	assert_int_equal(store_query_int(tx, &n, &err, "SELECT 1 FROM settings", ""), -ENOENT);
	assert_int_equal(n, 5);
	assert_int_equal(put(tx, "a", "1", &err), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
}

static void test_a_failed_query_leaves_its_output(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	struct store_rows *rows = NULL;
	assert_int_equal(store_query(tx, &rows, &err, "SELECT nothing FROM nowhere", ""), -EINVAL);
	assert_null(rows);
}

static void test_a_read_cannot_change_anything(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	assert_int_equal(put(tx, "a", "1", &err), -EROFS);
	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_query(tx, &rows, &err, "INSERT INTO settings VALUES ($1, $2) RETURNING name", "ss", "a", "b"), 0);
	assert_int_equal(store_next(rows, &err), -EROFS);
	assert_int_equal(store_next(rows, &err), -EROFS);
}

static void test_a_second_write_of_a_thread_is_refused(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	struct store_tx *second = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &second, &err), -EDEADLK);
	assert_null(second);
}

static void test_rows_end_with_their_transaction(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(put(tx, "a", "1", &err), 1);
	assert_int_equal(put(tx, "b", "1", &err), 1);
	struct store_rows *first = NULL, *second = NULL, *third = NULL;
	assert_int_equal(store_query(tx, &first, &err, "SELECT name FROM settings ORDER BY name", ""), 0);
	assert_int_equal(store_query(tx, &second, &err, "SELECT name FROM settings ORDER BY name", ""), 0);
	assert_int_equal(store_query(tx, &third, &err, "SELECT name FROM settings ORDER BY name", ""), 0);
	assert_int_equal(store_next(first, &err), 1);
	assert_int_equal(store_next(second, &err), 1);
	assert_int_equal(store_next(second, &err), 1);
	assert_string_equal(store_text(first, 0), "a");
	assert_string_equal(store_text(second, 0), "b");
	store_finish(&second);
	assert_null(second);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(store_next(first, &err), -ECANCELED);
	assert_null(store_text(first, 0));
	assert_int_equal(store_next(third, &err), -ECANCELED);
	store_finish(&first);
	store_finish(&third);
	assert_int_equal(count_now(f->store), 2);
}

static void test_more_statements_than_the_cache_holds(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	struct store_rows *open[120] = {NULL};
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 300; i++) {
			char sql[64];
			(void)snprintf(sql, sizeof(sql), "SELECT %d + $1", i);
			int64_t n = 0;
			assert_int_equal(store_query_int(tx, &n, &err, sql, "i", (int64_t)1), 0);
			assert_int_equal(n, i + 1);
		}
	for (int i = 0; i < 120; i++) {
		char sql[64];
		(void)snprintf(sql, sizeof(sql), "SELECT %d + $1", i % 110);
		assert_int_equal(store_query(tx, &open[i], &err, sql, "i", (int64_t)i), 0);
		assert_int_equal(store_next(open[i], &err), 1);
	}
	for (int i = 0; i < 120; i++) {
		assert_int_equal(store_int(open[i], 0), i % 110 + i);
		store_finish(&open[i]);
	}
}

static void test_bound_strings_may_go_before_the_rows(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	char *value = strdup("short-lived");
	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_query(tx, &rows, &err, "SELECT $1", "s", value), 0);
	memset(value, 'x', strlen(value));
	free(value);
	assert_int_equal(store_next(rows, &err), 1);
	assert_string_equal(store_text(rows, 0), "short-lived");
}

static void *write_one(void *arg) {
	struct store *s = arg;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	if (store_begin(s, STORE_WRITE, &tx, &err) < 0 || put(tx, "other", "1", &err) != 1)
		return s;
	return store_commit(&tx, &err) < 0 ? s : NULL;
}

static void test_a_read_sees_one_snapshot(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	// The change comes before this transaction's first query, and is not to be seen all the same.
	pthread_t thread;
	void *failed = NULL;
	assert_int_equal(pthread_create(&thread, NULL, write_one, f->store), 0);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_int_equal(count(tx), 0);
	assert_int_equal(count(tx), 0);
	store_rollback(&tx);
	assert_int_equal(count_now(f->store), 1);
}

enum { THREADS = 12, INCREMENTS = 25 };

static void *increment(void *arg) {
	struct store *s = arg;
	for (int i = 0; i < INCREMENTS; i++) {
		struct err err = {0};
		_cleanup_tx_ struct store_tx *tx = NULL;
		int64_t n;
		if (store_begin(s, STORE_WRITE, &tx, &err) < 0 ||
			store_query_int(tx, &n, &err, "SELECT value FROM settings WHERE name = 'n'", "") < 0)
			return s;
		_cleanup_free_ char *value = strv_printf("%lld", (long long)n + 1);
		if (store_exec(tx, &err, "UPDATE settings SET value = $1 WHERE name = 'n'", "s", value) != 1 ||
			store_commit(&tx, &err) < 0)
			return s;
		// Readers outnumber the connections, so some wait.
		if (store_begin(s, STORE_READ, &tx, &err) < 0 ||
			store_query_int(tx, &n, &err, "SELECT value FROM settings WHERE name = 'n'", "") < 0)
			return s;
	}
	return NULL;
}

static void test_writes_of_many_threads_are_serial(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(put(tx, "n", "0", &err), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, increment, f->store), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	_cleanup_tx_ struct store_tx *read = NULL;
	int64_t n = 0;
	assert_int_equal(store_begin(f->store, STORE_READ, &read, &err), 0);
	assert_int_equal(store_query_int(read, &n, &err, "SELECT value FROM settings WHERE name = 'n'", ""), 0);
	assert_int_equal(n, THREADS * INCREMENTS);
}

static void test_files_are_for_the_owner_alone(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	assert_int_equal(chmod(f->scratch.path, 0644), 0);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(store_open(f->scratch.path, &f->store, &err), 0);
	assert_null(write_one(f->store));
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char path[128];
		struct stat st;
		(void)snprintf(path, sizeof(path), "%s%s", f->scratch.path, suffixes[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void test_open_refuses_what_is_not_its_database(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store *other = NULL;
	assert_int_equal(store_open("/nonexistent/folder/t.db", &other, &err), -ENOENT);
	char link[128];
	(void)snprintf(link, sizeof(link), "%s/link.db", f->scratch.folder);
	assert_int_equal(symlink(f->scratch.path, link), 0);
	assert_int_equal(store_open(link, &other, &err), -ELOOP);
	assert_int_equal(unlink(link), 0);

	FILE *text = fopen(link, "w");
	assert_non_null(text);
	for (int i = 0; i < 200; i++)
		(void)fputs("this is no database\n", text);
	(void)fclose(text);
	assert_int_equal(store_open(link, &other, &err), -EUCLEAN);
	assert_null(other);
	assert_int_equal(unlink(link), 0);
}

static void test_a_newer_database_is_refused(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	store_close(f->store);
	f->store = NULL;
	sqlite3 *db = NULL;
	char sql[64];
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %zu", schema_step_count + 1);
	assert_int_equal(sqlite3_open(f->scratch.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(store_open(f->scratch.path, &f->store, &err), -EPROTO);
	assert_null(f->store);
	assert_non_null(strstr(err.message, "schema version"));
}

static void test_each_schema_step_is_whole_or_not_there(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/steps.db", f->scratch.folder);
	static const char *const bad[] = {
		"CREATE TABLE a (x BIGINT); INSERT INTO a VALUES (1)",
		"CREATE TABLE b (x BIGINT); INSERT INTO b VALUES (1); INSERT INTO nowhere VALUES (1)",
	};
	static const char *const good[] = {
		"CREATE TABLE a (x BIGINT); INSERT INTO a VALUES (1)",
		"CREATE TABLE b (x BIGINT); INSERT INTO b SELECT x + 1 FROM a",
		"INSERT INTO b VALUES (3)",
	};
	struct conn *c = NULL;
	assert_int_equal(conn_create_database(path, &err), 0);
	assert_int_equal(conn_open(path, STORE_WRITE, &c, &err), 0);
	assert_int_equal(conn_migrate(c, bad, ARRAY_SIZE(bad), &err), -EINVAL);
	conn_close(c);
	// The first step was kept, the second left nothing: `CREATE TABLE b` works now, and a is not made again.
	assert_int_equal(conn_open(path, STORE_WRITE, &c, &err), 0);
	assert_int_equal(conn_migrate(c, good, ARRAY_SIZE(good), &err), 0);
	assert_int_equal(conn_migrate(c, good, ARRAY_SIZE(good), &err), 0);
	conn_close(c);
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT SUM(x) FROM b", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(s, 0), 5);
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(unlink(path), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_commit_keeps_and_rollback_undoes),
		T(test_values_come_back_as_stored),
		T(test_a_number_may_be_used_twice),
		T(test_exec_counts_changed_rows),
		T(test_constraints),
		T(test_statement_misuse_is_refused),
		T(test_a_failed_query_leaves_its_output),
		T(test_a_read_cannot_change_anything),
		T(test_a_second_write_of_a_thread_is_refused),
		T(test_rows_end_with_their_transaction),
		T(test_more_statements_than_the_cache_holds),
		T(test_bound_strings_may_go_before_the_rows),
		T(test_a_read_sees_one_snapshot),
		T(test_writes_of_many_threads_are_serial),
		T(test_files_are_for_the_owner_alone),
		T(test_open_refuses_what_is_not_its_database),
		T(test_a_newer_database_is_refused),
		T(test_each_schema_step_is_whole_or_not_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
