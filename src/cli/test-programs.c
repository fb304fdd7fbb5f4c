// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <errno.h>

#include "base/strv.h"
#include "cli/programs.h"

static void make_folder(const char *name) {
	_cleanup_free_ char *path = datadir_file(scratch, name);
	assert_non_null(path);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void expect_found(const char *wanted) {
	_cleanup_free_ char *folder = datadir_file(scratch, "bin"), *found = NULL, *full = datadir_file(scratch, wanted);
	assert_int_equal(program_find_from(folder, "server", "custodiskd", &found, NULL), 0);
	struct stat a, b;
	assert_int_equal(stat(found, &a), 0);
	assert_int_equal(stat(full, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
}

static void nearest_place_first(void **state) {
	(void)state;
	make_folder("bin");
	make_folder("server");
	make_folder("libexec");
	make_folder("libexec/custodisk");
	_cleanup_free_ char *folder = datadir_file(scratch, "bin");
	char *found = NULL;
	struct err err = {0};
	put("bin/custodiskd", "not executable", 0600);
	assert_int_equal(program_find_from(folder, "server", "custodiskd", &found, &err), -ENOENT);
	assert_null(found);
	assert_non_null(strstr(err.message, "custodiskd"));
	put("server/custodiskd", "build tree", 0700);
	expect_found("server/custodiskd");
	put("libexec/custodisk/custodiskd", "installed", 0700);
	expect_found("libexec/custodisk/custodiskd");
	put("bin/custodiskd", "beside", 0700);
	expect_found("bin/custodiskd");
}

static void searches_the_path(void **state) {
	(void)state;
	make_folder("one");
	make_folder("two");
	put("one/tool-of-this-test", "x", 0600);
	put("two/tool-of-this-test", "x", 0700);
	char path[256];
	(void)snprintf(path, sizeof(path), ":relative:%s/one:%s/two", scratch, scratch);
	_cleanup_free_ char *found = NULL, *wanted = datadir_file(scratch, "two/tool-of-this-test");
	assert_int_equal(program_find_system("tool-of-this-test", path, &found, NULL), 0);
	assert_string_equal(found, wanted);
	char *none = NULL;
	assert_int_equal(program_find_system("tool-of-this-test", NULL, &none, NULL), 0);
	assert_null(none);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nearest_place_first, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(searches_the_path, make_scratch, remove_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
