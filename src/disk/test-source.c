// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "disk/source.h"

// <top>/import/{image.raw,sub/with space.raw,fifo,empty,out (link to ../secret),dirlink (link to ..)} and <top>/secret.
static char top[] = "/tmp/test-source-XXXXXX";
static char *import_dir;

static void in_top(const char *name, char out[static 256]) {
	assert_true(snprintf(out, 256, "%s/%s", top, name) < 256);
}

static void make_file(const char *name, const char *text) {
	char path[256];
	in_top(name, path);
	assert_int_equal(io_create_file(path, text, strlen(text), 0600, NULL), 0);
}

static int set_up(void **state) {
	(void)state;
	char path[256];
	assert_non_null(mkdtemp(top));
	import_dir = strv_printf("%s/import", top);
	in_top("import", path);
	assert_int_equal(mkdir(path, 0700), 0);
	in_top("import/sub", path);
	assert_int_equal(mkdir(path, 0700), 0);
	in_top("import-other", path);
	assert_int_equal(mkdir(path, 0700), 0);
	make_file("secret", "secret");
	make_file("import/image.raw", "image");
	make_file("import/sub/with space.raw", "spaced");
	make_file("import/empty", "");
	make_file("import-other/image.raw", "other");
	in_top("import/fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	in_top("import/out", path);
	assert_int_equal(symlink("../secret", path), 0);
	in_top("import/dirlink", path);
	assert_int_equal(symlink("..", path), 0);
	in_top("import/inner", path);
	assert_int_equal(symlink("image.raw", path), 0);
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	static const char *const names[] = {"import/inner", "import/dirlink", "import/out", "import/fifo", "import/empty",
		"import/sub/with space.raw", "import/image.raw", "import-other/image.raw", "secret", "import/sub", "import",
		"import-other"};
	char path[256];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		in_top(names[i], path);
		(void)remove(path);
	}
	free(import_dir);
	return rmdir(top);
}

static int open_uri(const char *inside, uint64_t *size, struct err *err) {
	char uri[512];
	(void)snprintf(uri, sizeof(uri), "file://%s/%s", top, inside);
	return source_open(uri, import_dir, size, err);
}

static void accepted(const char *inside, const char *contents) {
	uint64_t size = 0;
	char text[32] = "";
	struct err err = {0};
	int fd = open_uri(inside, &size, &err);
	assert_true(fd >= 0);
	assert_int_equal(size, strlen(contents));
	assert_int_equal(read(fd, text, sizeof(text)), strlen(contents));
	assert_memory_equal(text, contents, strlen(contents));
	(void)close(fd);
}

static void refused(const char *inside) {
	uint64_t size = 0;
	struct err err = {0};
	assert_int_equal(open_uri(inside, &size, &err), -EINVAL);
	assert_string_equal(err.code, "InvalidParameter");
	assert_int_equal(err.status, 400);
}

static void test_files_inside(void **state) {
	(void)state;
	accepted("import/image.raw", "image");
	accepted("import//image.raw", "image");
	accepted("import/sub/with%20space.raw", "spaced");
}

static void test_nothing_outside_and_nothing_special(void **state) {
	(void)state;
	refused("secret");
	refused("import/../secret");
	refused("import/%2e%2e/secret");
	refused("import/out");
	refused("import/inner");
	refused("import/dirlink/secret");
	refused("import/dirlink/import/image.raw");
	refused("import-other/image.raw");
	refused("import/missing");
	refused("import/fifo");
	refused("import/sub");
	refused("import/empty");
	refused("import/image.raw%00");
	refused("import/image.raw%2");
	refused("import/image.raw%zz");
	refused("import/image.raw?x=1");
	refused("import/image.raw#x");
	refused("import");
}

static void test_other_uris(void **state) {
	(void)state;
	static const char *const uris[] = {"", "file:image.raw", "file://host/image.raw", "https://host/image.raw", "/etc/passwd",
		"file:///etc/passwd"};
	for (size_t i = 0; i < ARRAY_SIZE(uris); i++) {
		uint64_t size;
		struct err err = {0};
		assert_int_equal(source_open(uris[i], import_dir, &size, &err), -EINVAL);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_inside),
		cmocka_unit_test(test_nothing_outside_and_nothing_special),
		cmocka_unit_test(test_other_uris),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
