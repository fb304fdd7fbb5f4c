// SPDX-License-Identifier: Apache-2.0
// An argument vector that is built up.
#pragma once

#include "base/err.h"

enum { ARGV_MAX = 512 };

// Zero it first. A failed addition is remembered, so that a builder may add all and ask once.
struct argv {
	char *items[ARGV_MAX + 1];  // owned; NULL-terminated
	size_t count;
	int rc;
};

void argv_add(struct argv *a, const char *fmt, ...) _printf_(2, 3);
int argv_check(const struct argv *a, struct err *err) _must_check_;
void argv_free(struct argv *a);
#define _cleanup_argv_ _cleanup_(argv_free)
