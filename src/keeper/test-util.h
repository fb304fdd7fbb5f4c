// SPDX-License-Identifier: Apache-2.0
// What every test of this room needs: cmocka with its prerequisites, and a throwaway folder.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/strv.h"

// Makes a folder and goes there; leave_folder removes it with the files in it.
static inline char *enter_folder(void) {
	char *folder = strdup("/tmp/custodisk-test-XXXXXX");
	assert_non_null(folder);
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	return folder;
}

static inline void leave_folder(char *folder, const char *const *files, size_t count) {
	for (size_t i = 0; i < count; i++)
		(void)unlink(files[i]);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

static inline void write_test_file(const char *path, const void *data, size_t len, mode_t mode) {
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}
