// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: cmocka with its headers, and a scratch folder.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/datadir.h"

static char scratch[64];

static inline int make_scratch(void **state) {
	(void)state;
	memcpy(scratch, "/tmp/custodisk-test.XXXXXX", sizeof("/tmp/custodisk-test.XXXXXX"));
	return mkdtemp(scratch) ? 0 : -1;
}

static inline int remove_scratch(void **state) {
	(void)state;
	return datadir_remove(scratch, NULL);
}

// A file below the scratch folder.
static inline void put(const char *name, const char *text, mode_t mode) {
	char *path = datadir_file(scratch, name);
	assert_non_null(path);
	assert_int_equal(io_replace_file(path, text, strlen(text), mode, NULL), 0);
	free(path);
}
