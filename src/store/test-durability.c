// SPDX-License-Identifier: Apache-2.0
// What happens to acknowledged writes when the process is killed or the disk is full.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "base/strv.h"
#include "store/store.h"
#include "store/test-scratch.h"

struct fixture {
	struct scratch scratch;
};

static int set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	if (scratch_make(&f->scratch) < 0)
		return -1;
	*state = f;
	return 0;
}

static int tear_down(void **state) {
	struct fixture *f = *state;
	int rc = scratch_remove(&f->scratch);
	free(f);
	return rc;
}

// Two rows a transaction, so that half a transaction would show.
static int put_pair(struct store *s, int64_t n, size_t size, struct err *err) {
	_cleanup_free_ char *filler = calloc(1, size + 1);
	if (!filler)
		return -ENOMEM;
	memset(filler, 'f', size);
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(s, STORE_WRITE, &tx, err);
	for (int half = 0; half < 2 && rc >= 0; half++) {
		_cleanup_free_ char *name = strv_printf("%lld-%d", (long long)n, half);
		rc = store_exec(tx, err, "INSERT INTO settings (name, value) VALUES ($1, $2)", "ss", name, filler);
	}
	return rc < 0 ? rc : store_commit(&tx, err);
}

static int64_t query_int(struct store *s, const char *sql) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	int64_t n = -1;
	assert_int_equal(store_begin(s, STORE_READ, &tx, &err), 0);
	assert_int_equal(store_query_int(tx, &n, &err, sql, ""), 0);
	return n;
}

// Write for ever from n on, telling each acknowledged number on fd.
static void write_until_killed(const char *path, int64_t n, int fd) {
	struct err err = {0};
	struct store *s = NULL;
	if (store_open(path, &s, &err) < 0)
		_exit(1);
	for (;; n++)
		if (put_pair(s, n, 3000, &err) < 0 || io_write_full(fd, &n, sizeof(n)) < 0)
			_exit(1);
}

static int64_t kill_a_writer(const char *path, int64_t first, long delay_ns) {
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(pipe_fds[0]);
		write_until_killed(path, first, pipe_fds[1]);
	}
	(void)close(pipe_fds[1]);
	int64_t acknowledged = first - 1, n;
	// Let it get going, then strike at some moment.
	assert_int_equal(io_read_full(pipe_fds[0], &acknowledged, sizeof(acknowledged)), 0);
	(void)nanosleep(&(struct timespec){.tv_nsec = delay_ns}, NULL);
	assert_int_equal(kill(pid, SIGKILL), 0);
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (io_read_full(pipe_fds[0], &n, sizeof(n)) == 0)
		acknowledged = n;
	(void)close(pipe_fds[0]);
	return acknowledged;
}

static void test_a_kill_loses_nothing_acknowledged(void **state) {
	struct fixture *f = *state;
	int64_t next = 0;
	for (int round = 0; round < 12; round++) {
		int64_t acknowledged = kill_a_writer(f->scratch.path, next, 1700000L * (round % 6) + 130000L * round);
		struct err err = {0};
		struct store *s = NULL;
		assert_int_equal(store_open(f->scratch.path, &s, &err), 0);
		int64_t rows = query_int(s, "SELECT COUNT(*) FROM settings");
		assert_int_equal(rows % 2, 0);
		// The last transaction may have been committed without its acknowledgement having got out.
		assert_true(rows / 2 == acknowledged + 1 || rows / 2 == acknowledged + 2);
		assert_int_equal(query_int(s, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
		store_close(s);
		next = rows / 2;
	}
}

static void limit_file_size(rlim_t bytes) {
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_a_full_disk_is_told_and_survived(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store *s = NULL;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(store_open(f->scratch.path, &s, &err), 0);
	limit_file_size(4 << 20);
	int64_t kept = 0;
	int rc;
	while ((rc = put_pair(s, kept, 30000, &err)) == 0 && kept < 1000)
		kept++;
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(err.status, 500);
	assert_string_equal(err.code, "InternalServerError");
	assert_non_null(strstr(err.message, "full"));
	assert_true(kept > 2);
	// Still so: refused again, and what was acknowledged can be read.
	assert_int_equal(put_pair(s, kept, 30000, &err), -ENOSPC);
	assert_int_equal(query_int(s, "SELECT COUNT(*) FROM settings"), 2 * kept);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(put_pair(s, kept, 30000, &err), 0);
	store_close(s);
	s = NULL;
	assert_int_equal(store_open(f->scratch.path, &s, &err), 0);
	assert_int_equal(query_int(s, "SELECT COUNT(*) FROM settings"), 2 * (kept + 1));
	store_close(s);
}

static void test_a_really_full_disk(void **state) {
	struct fixture *f = *state;
	char dir[80], path[96];
	(void)snprintf(dir, sizeof(dir), "%s/small", f->scratch.folder);
	(void)snprintf(path, sizeof(path), "%s/t.db", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	if (mount("tmpfs", dir, "tmpfs", 0, "size=8m") < 0) {
		assert_int_equal(rmdir(dir), 0);
		skip();
	}
	struct err err = {0};
	struct store *s = NULL;
	int rc = store_open(path, &s, &err);
	int64_t kept = 0;
	while (rc == 0 && kept < 1000 && (rc = put_pair(s, kept, 30000, &err)) == 0)
		kept++;
	int64_t rows = query_int(s, "SELECT COUNT(*) FROM settings");
	store_close(s);
	s = NULL;
	int reopened = store_open(path, &s, &err);
	int64_t rows_after = reopened == 0 ? query_int(s, "SELECT COUNT(*) FROM settings") : -1;
	store_close(s);
	assert_int_equal(umount(dir), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rc, -ENOSPC);
	assert_string_equal(err.message, "the store's disk is full");
	assert_true(kept > 2);
	assert_int_equal(rows, 2 * kept);
	assert_int_equal(reopened, 0);
	assert_int_equal(rows_after, 2 * kept);
}

static void test_a_transaction_the_database_undid_stays_undone(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store *s = NULL;
	assert_int_equal(store_open(f->scratch.path, &s, &err), 0);
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(s, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err, "INSERT INTO settings VALUES ('a', '1')", ""), 1);
	// Rolls the whole transaction back, as SQLite may do by itself after a failed write.
	assert_int_equal(store_exec(tx, &err, "INSERT OR ROLLBACK INTO settings VALUES ('a', '2')", ""), -EEXIST);
	assert_int_equal(store_exec(tx, &err, "INSERT INTO settings VALUES ('b', '1')", ""), -ECANCELED);
	assert_int_equal(store_commit(&tx, &err), -ECANCELED);
	assert_null(tx);
	assert_int_equal(query_int(s, "SELECT COUNT(*) FROM settings"), 0);
	assert_int_equal(put_pair(s, 1, 10, &err), 0);
	store_close(s);
}

static void test_a_database_that_vanished_is_an_error(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	struct store *s = NULL;
	assert_int_equal(store_open(f->scratch.path, &s, &err), 0);
	assert_int_equal(put_pair(s, 1, 10, &err), 0);
	assert_int_equal(unlink(f->scratch.path), 0);
	struct store_tx *tx = NULL;
	assert_true(store_begin(s, STORE_READ, &tx, &err) < 0);
	assert_null(tx);
	assert_int_equal(err.status, 500);
	store_close(s);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_a_kill_loses_nothing_acknowledged),
		T(test_a_full_disk_is_told_and_survived),
		T(test_a_really_full_disk),
		T(test_a_transaction_the_database_undid_stays_undone),
		T(test_a_database_that_vanished_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
