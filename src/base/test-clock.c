// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/test-util.h"

static char path[] = "/tmp/test-clock-XXXXXX/clock";

static int make_folder(void **state _unused_) {
	path[sizeof("/tmp/test-clock-XXXXXX") - 1] = 0;
	bool made = mkdtemp(path) != NULL;
	path[sizeof("/tmp/test-clock-XXXXXX") - 1] = '/';
	return made ? 0 : -1;
}

static int remove_folder(void **state _unused_) {
	clock_set_offset(0);
	(void)remove(path);
	path[sizeof("/tmp/test-clock-XXXXXX") - 1] = 0;
	int rc = rmdir(path);
	memcpy(path, "/tmp/test-clock-XXXXXX", sizeof("/tmp/test-clock-XXXXXX") - 1);
	path[sizeof("/tmp/test-clock-XXXXXX") - 1] = '/';
	return rc;
}

static void test_format(void **state _unused_) {
	char out[CLOCK_RFC3339_MAX];
	assert_string_equal(clock_rfc3339(0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_rfc3339(951782400, out), "2000-02-29T00:00:00Z");
	assert_string_equal(clock_rfc3339(1795315056, out), "2026-11-22T02:37:36Z");
	assert_string_equal(clock_rfc3339(253402300799, out), "9999-12-31T23:59:59Z");
	assert_string_equal(clock_rfc3339(INT64_MAX, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_rfc3339(253402300800, out), "1970-01-01T00:00:00Z");
}

static void test_format_ns(void **state _unused_) {
	char out[CLOCK_RFC3339_MAX];
	assert_string_equal(clock_rfc3339_ns(1795315056LL * CLOCK_NSEC_PER_SEC + 123456789, out),
		"2026-11-22T02:37:36.1234567+00:00");
	assert_string_equal(clock_rfc3339_ns(99, out), "1970-01-01T00:00:00.0000000+00:00");
	assert_string_equal(clock_rfc3339_ns(CLOCK_NSEC_PER_SEC - 1, out), "1970-01-01T00:00:00.9999999+00:00");
}

static void test_offset(void **state _unused_) {
	int64_t real = (int64_t)time(NULL), steady = clock_monotonic_ns();
	assert_true(clock_now() - real <= 1);
	clock_set_offset(365 * 86400);
	assert_in_range(clock_now() - real, 365 * 86400, 365 * 86400 + 5);
	assert_in_range(clock_now_ns() / CLOCK_NSEC_PER_SEC - real, 365 * 86400, 365 * 86400 + 5);
	// Timeouts do not move with it.
	assert_in_range(clock_monotonic_ns() - steady, 0, 5 * CLOCK_NSEC_PER_SEC);
	clock_set_offset(-86400);
	assert_in_range(real - clock_now(), 86400 - 5, 86400);
	clock_set_offset(0);
	assert_true(clock_now() - real <= 5);
}

static void test_a_move_is_seen_by_every_process(void **state _unused_) {
	int64_t real = clock_real_now();
	int to_child[2], to_parent[2];
	char byte = 0;
	assert_int_equal(clock_make(path, NULL), 0);
	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(to_parent), 0);
	pid_t child = fork();
	if (child == 0) {
		bool good = clock_follow(path, NULL) == 0 && clock_offset() == 0 && write(to_parent[1], &byte, 1) == 1 &&
			read(to_child[0], &byte, 1) == 1 && clock_offset() == 86400 && clock_now() - real >= 86400;
		_exit(good ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(clock_follow(path, NULL), 0);
	assert_int_equal(clock_offset(), 0);
	assert_int_equal(read(to_parent[0], &byte, 1), 1);
	assert_int_equal(clock_move(path, 0, 86400, NULL), 0);
	assert_int_equal(write(to_child[1], &byte, 1), 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(clock_offset(), 86400);
	assert_in_range(clock_now() - real, 86400, 86405);
	assert_in_range(clock_now_ns() / CLOCK_NSEC_PER_SEC - real, 86400, 86405);
	assert_in_range(clock_real_now() - real, 0, 5);
	// A test's own offset takes its place.
	clock_set_offset(7);
	assert_int_equal(clock_move(path, 86400, -60, NULL), 0);
	assert_int_equal(clock_offset(), 7);
	assert_int_equal(clock_follow(path, NULL), 0);
	assert_int_equal(clock_offset(), -60);
	for (int i = 0; i < 2; i++) {
		(void)close(to_child[i]);
		(void)close(to_parent[i]);
	}
}

static void test_a_clock_is_kept(void **state _unused_) {
	struct stat st;
	assert_int_equal(clock_make(path, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 16);
	assert_int_equal(clock_move(path, 0, 5, NULL), 0);
	assert_int_equal(clock_make(path, NULL), 0);
	assert_int_equal(clock_follow(path, NULL), 0);
	assert_int_equal(clock_offset(), 5);
	_cleanup_buf_ struct buf text = {0};
	assert_int_equal(io_read_file(path, 16, &text, NULL), 0);
	assert_memory_equal(text.data, "cdclock1", 8);
	clock_set_offset(0);
	struct err err = {0};
	assert_int_equal(clock_make("/nonexistent/clock", &err), -ENOENT);
	assert_non_null(strstr(err.message, "/nonexistent/clock"));
}

static void test_what_a_move_refuses(void **state _unused_) {
	struct err err = {0};
	int64_t real = clock_real_now();
	assert_int_equal(clock_make(path, NULL), 0);
	assert_int_equal(clock_move(path, 5, 10, &err), -EAGAIN);
	assert_int_equal(clock_move(path, 0, CLOCK_LATEST + 60 - real, &err), -ERANGE);
	assert_non_null(strstr(err.message, "2199-12-31T23:59:59Z"));
	assert_int_equal(clock_move(path, 0, CLOCK_EARLIEST - 60 - real, &err), -ERANGE);
	assert_non_null(strstr(err.message, "2000-01-01T00:00:00Z"));
	assert_int_equal(clock_move(path, 0, INT64_MAX, &err), -ERANGE);
	assert_int_equal(clock_move(path, 0, INT64_MIN, &err), -ERANGE);
	assert_int_equal(clock_follow(path, NULL), 0);
	assert_int_equal(clock_offset(), 0);
	assert_int_equal(clock_move(path, 0, CLOCK_LATEST - 60 - real, NULL), 0);
	assert_true(clock_now_ns() > 0);
	assert_int_equal(clock_move(path, CLOCK_LATEST - 60 - real, CLOCK_EARLIEST + 60 - real, NULL), 0);
	char out[CLOCK_RFC3339_MAX];
	assert_memory_equal(clock_rfc3339(clock_now(), out), "2000-01-01T00:0", 15);
}

static void refused(int wanted, const char *said) {
	struct err err = {0};
	assert_int_equal(clock_follow(path, &err), wanted);
	assert_non_null(strstr(err.message, path));
	assert_non_null(strstr(err.message, said));
	err = (struct err){0};
	assert_true(clock_move(path, 0, 1, &err) < 0);
	assert_true(err.status > 0);
	assert_int_equal(clock_offset(), 0);
}

static void put(const void *data, size_t len, mode_t mode) {
	assert_int_equal(io_replace_file(path, data, len, mode, NULL), 0);
}

static void test_what_is_not_followed(void **state _unused_) {
	static const char good[16] = "cdclock1";
	char text[17] = "cdclock1";
	refused(-ENOENT, "");
	put(good, 15, 0600);
	refused(-EINVAL, "not the clock");
	put(text, 17, 0600);
	refused(-EINVAL, "not the clock");
	put("", 0, 0600);
	refused(-EINVAL, "not the clock");
	put("cdclock2\0\0\0\0\0\0\0\0", 16, 0600);
	refused(-EINVAL, "not the clock");
	put("cdclock1\0\0\0\0\0\0\0\1", 16, 0600);  // an offset that no clock has
	refused(-EINVAL, "not the clock");
	put(good, 16, 0620);
	refused(-EPERM, "others");
	put(good, 16, 0602);
	refused(-EPERM, "others");
	put(good, 16, 0600);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 0), 0);
		refused(-EPERM, "another user");
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	refused(-ELOOP, "");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(-EINVAL, "not the clock");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(-EINVAL, "not the clock");
}

static void test_parse(void **state _unused_) {
	static const struct {
		const char *text;
		int64_t t;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2000-02-29T00:00:00Z", 951782400},
		{"2026-11-22T02:37:36Z", 1795315056},
		{"2026-11-22T02:37:36.1234567Z", 1795315056},
		{"2026-11-22T02:37:36.1234567+00:00", 1795315056},
		{"2026-11-22T04:37:36+02:00", 1795315056},
		{"2026-11-21T21:07:36-05:30", 1795315056},
		{"9999-12-31T23:59:59Z", 253402300799},
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t t = -1;
		assert_int_equal(clock_parse(good[i].text, &t), 0);
		assert_int_equal(t, good[i].t);
	}
	static const char *const bad[] = {"", "2026", "2026-11-22", "2026-11-22T02:37:36", "2026-11-22 02:37:36Z",
		"2026-11-22t02:37:36z", "2026-11-22T02:37Z", "26-11-22T02:37:36Z", "2026-1-22T02:37:36Z", "2026-00-22T02:37:36Z",
		"2026-13-22T02:37:36Z", "2026-11-00T02:37:36Z", "2026-11-31T02:37:36Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
		"2026-11-22T24:00:00Z", "2026-11-22T02:60:36Z", "2026-11-22T02:37:60Z", "2026-11-22T02:37:36.Z", "2026-11-22T02:37:36,5Z",
		"2026-11-22T02:37:36+0200", "2026-11-22T02:37:36+24:00", "2026-11-22T02:37:36+02:60", "2026-11-22T02:37:36 Z",
		"2026-11-22T02:37:36Zx", "2026-11-22T02:37:36ZZ", " 2026-11-22T02:37:36Z", "+026-11-22T02:37:36Z", "2026--1-22T02:37:36Z",
		"2026-11-22T-2:37:36Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t t = 42;
		if (clock_parse(bad[i], &t) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(t, 42);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_ns),
		cmocka_unit_test(test_offset),
		cmocka_unit_test(test_parse),
		cmocka_unit_test_setup_teardown(test_a_move_is_seen_by_every_process, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_a_clock_is_kept, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_what_a_move_refuses, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_what_is_not_followed, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
