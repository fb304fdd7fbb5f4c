// SPDX-License-Identifier: Apache-2.0
#include "keeper/rootkey.h"

#include "keeper/test-util.h"

static char *folder;

static int set_up(void **state _unused_) {
	folder = enter_folder();
	return 0;
}

static int tear_down(void **state _unused_) {
	static const char *const files[] = {"key", "link", "fifo", "second"};
	leave_folder(folder, files, ARRAY_SIZE(files));
	return 0;
}

static const uint8_t bytes[40] = {1, 2, 3};

static void expect_refused(const char *path, int rc, const char *why) {
	struct secret root = {0};
	struct err err = {0};
	assert_int_equal(rootkey_load(path, &root, &err), rc);
	assert_null(root.data);
	if (!strstr(err.message, why))
		fail_msg("the message says: %s", err.message);
}

static void test_make_and_load(void **state _unused_) {
	_cleanup_secret_ struct secret root = {0}, again = {0}, second = {0};
	struct err err = {0};
	struct stat st;
	assert_int_equal(rootkey_make("key", &err), 0);
	assert_int_equal(stat("key", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(rootkey_load("key", &root, &err), 0);
	assert_int_equal(root.len, 32);
	assert_int_equal(rootkey_make("second", &err), 0);
	assert_int_equal(rootkey_load("second", &second, &err), 0);
	assert_false(secret_equal(root.data, root.len, second.data, second.len));

	// A key that is there is never replaced.
	assert_int_equal(rootkey_make("key", &err), -EEXIST);
	assert_int_equal(rootkey_load("key", &again, &err), 0);
	assert_true(secret_equal(root.data, root.len, again.data, again.len));
}

static void test_sizes(void **state _unused_) {
	static const size_t sizes[] = {0, 31, 33, 40};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		write_test_file("key", bytes, sizes[i], 0600);
		expect_refused("key", -EINVAL, "not 32");
	}
}

static void test_modes(void **state _unused_) {
	static const mode_t modes[] = {0640, 0604, 0660, 0644, 0610, 0601, 0777};
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		write_test_file("key", bytes, 32, modes[i]);
		expect_refused("key", -EPERM, "only its owner");
	}
	_cleanup_secret_ struct secret root = {0};
	write_test_file("key", bytes, 32, 0400);
	assert_int_equal(rootkey_load("key", &root, NULL), 0);
	assert_memory_equal(root.data, bytes, 32);
}

static void test_kinds(void **state _unused_) {
	write_test_file("key", bytes, 32, 0600);
	assert_int_equal(symlink("key", "link"), 0);
	expect_refused("link", -ELOOP, "cannot open");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	expect_refused("fifo", -EINVAL, "regular");
	expect_refused(".", -EINVAL, "regular");
	expect_refused("missing", -ENOENT, "cannot open");
}

static void test_owner(void **state _unused_) {
	if (geteuid() != 0)
		skip();
	write_test_file("key", bytes, 32, 0600);
	assert_int_equal(chown("key", 65534, 65534), 0);
	expect_refused("key", -EPERM, "belongs to user 65534");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make_and_load, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_modes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
