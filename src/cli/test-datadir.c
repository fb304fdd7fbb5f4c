// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/strv.h"

static void expect_choice(const char *wanted, const char *option, const char *env, uid_t uid, const char *xdg, const char *home) {
	char *path = NULL;
	assert_int_equal(datadir_choose(option, env, uid, xdg, home, &path, NULL), 0);
	assert_string_equal(path, wanted);
	free(path);
}

static void chooses_the_place(void **state) {
	(void)state;
	expect_choice("opt", "opt", "/env", 1000, "/xdg", "/home/u");
	expect_choice("/env", NULL, "/env", 0, "/xdg", "/home/u");
	expect_choice("/var/lib/custodisk", NULL, "", 0, "/xdg", "/root");
	expect_choice("/xdg/custodisk", NULL, NULL, 1000, "/xdg", "/home/u");
	expect_choice("/home/u/.local/share/custodisk", NULL, NULL, 1000, "not/absolute", "/home/u");
	expect_choice("/home/u/.local/share/custodisk", NULL, NULL, 1000, NULL, "/home/u");
	struct err err = {0};
	char *path = NULL;
	assert_int_equal(datadir_choose(NULL, NULL, 1000, NULL, NULL, &path, &err), -ENOENT);
	assert_null(path);
	assert_non_null(strstr(err.message, "--data-dir"));
}

static mode_t mode_of(const char *path) {
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void makes_a_closed_directory(void **state) {
	(void)state;
	_cleanup_free_ char *path = datadir_file(scratch, "a/b/data"), *real = NULL;
	assert_int_equal(datadir_make(path, &real, NULL), 0);
	assert_string_equal(real, path);
	assert_int_equal(mode_of(real), 0700);
	assert_true(datadir_has(real, "run/machines"));
	assert_true(datadir_has(real, "keeper"));
	assert_false(datadir_has(real, "keeper/root.key"));
}

static void keeps_the_clock_that_is_there(void **state) {
	(void)state;
	_cleanup_free_ char *path = datadir_file(scratch, "data"), *clock = datadir_file(scratch, "data/clock"), *real = NULL,
		*again = NULL;
	assert_int_equal(datadir_make(path, &real, NULL), 0);
	assert_int_equal(mode_of(clock), 0600);
	assert_int_equal(clock_move(clock, 0, 1000, NULL), 0);
	assert_int_equal(datadir_make(path, &again, NULL), 0);
	assert_int_equal(clock_move(clock, 1000, 0, NULL), 0);
}

static void closes_an_open_directory_of_its_own(void **state) {
	(void)state;
	_cleanup_free_ char *path = datadir_file(scratch, "data"), *import = datadir_file(scratch, "data/import"), *real = NULL;
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mkdir(import, 0755), 0);
	assert_int_equal(datadir_make(path, &real, NULL), 0);
	assert_int_equal(mode_of(real), 0700);
}

static void refuses_what_is_not_its_own(void **state) {
	(void)state;
	struct err err = {0};
	char *real = NULL;
	put("letter.txt", "dear", 0644);
	assert_int_equal(chmod(scratch, 0755), 0);
	assert_int_equal(datadir_make(scratch, &real, &err), -ENOTEMPTY);
	assert_non_null(strstr(err.message, "letter.txt"));
	assert_int_equal(mode_of(scratch), 0755);
	_cleanup_free_ char *file = datadir_file(scratch, "letter.txt");
	assert_int_equal(datadir_make(file, &real, &err), -ENOTDIR);
	assert_int_equal(datadir_make("", &real, &err), -EINVAL);
	assert_null(real);
}

static void removes_all_but_what_links_lead_to(void **state) {
	(void)state;
	_cleanup_free_ char *path = datadir_file(scratch, "data"), *real = NULL, *link = datadir_file(scratch, "data/disks/link"),
			    *kept = datadir_file(scratch, "kept");
	assert_int_equal(datadir_make(path, &real, NULL), 0);
	assert_int_equal(mkdir(kept, 0700), 0);
	put("kept/file", "x", 0600);
	put("data/disks/file", "x", 0000);
	assert_int_equal(symlink(kept, link), 0);
	assert_int_equal(datadir_remove(real, NULL), 0);
	assert_false(datadir_has(scratch, "data"));
	assert_true(datadir_has(kept, "file"));
	struct err err = {0};
	assert_int_equal(datadir_remove(real, &err), -ENOENT);
}

static void reads_the_principal(void **state) {
	(void)state;
	struct bootstrap b = {.tenant = "untouched"};
	struct err err = {0};
	assert_int_equal(bootstrap_read(scratch, &b, &err), -ENOENT);
	put("bootstrap.json", "{\"tenantId\":\"t\",\"subscriptionId\":\"s\",\"clientId\":\"c\"}", 0600);
	assert_int_equal(bootstrap_read(scratch, &b, &err), -EINVAL);
	assert_non_null(strstr(err.message, "clientSecret"));
	char text[512];
	(void)snprintf(text, sizeof(text), "{\"tenantId\":\"%0100d\",\"subscriptionId\":\"s\",\"clientId\":\"c\",\"clientSecret\":\"x\"}", 1);
	put("bootstrap.json", text, 0600);
	assert_int_equal(bootstrap_read(scratch, &b, &err), -EINVAL);
	assert_string_equal(b.tenant, "untouched");
	put("bootstrap.json", "{\"tenantId\":\"t\",\"subscriptionId\":\"s\",\"clientId\":\"c\",\"clientSecret\":\"x~1\"}", 0600);
	assert_int_equal(bootstrap_read(scratch, &b, &err), 0);
	assert_string_equal(b.tenant, "t");
	assert_string_equal(b.subscription, "s");
	assert_string_equal(b.client_id, "c");
	assert_string_equal(b.client_secret, "x~1");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chooses_the_place),
		cmocka_unit_test_setup_teardown(makes_a_closed_directory, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(keeps_the_clock_that_is_there, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(closes_an_open_directory_of_its_own, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(refuses_what_is_not_its_own, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(removes_all_but_what_links_lead_to, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(reads_the_principal, make_scratch, remove_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
