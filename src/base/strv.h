// SPDX-License-Identifier: Apache-2.0
// Small string helpers: case-insensitive matching of Azure identifiers, strict number parsing,
// scope-bound strings.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <strings.h>

#include "base/macros.h"

#define _cleanup_free_ _cleanup_(strv_freep)
static inline void strv_freep(void *p) {
	free(*(void **)p);
}

static inline bool strv_eq_nocase(const char *a, const char *b) {
	return strcasecmp(a, b) == 0;
}

bool strv_starts_with_nocase(const char *s, const char *prefix);
bool strv_ends_with_nocase(const char *s, const char *suffix);

// The whole of `in` into out; -ENAMETOOLONG, and out untouched, when it does not fit.
int strv_copy(char *out, size_t size, const char *in) _must_check_;

// The same without the repetitions of `c`; -ENAMETOOLONG, and out untouched, when that does not fit.
int strv_squeeze(char *out, size_t size, const char *in, char c) _must_check_;

// malloc'd lower-case copy (ASCII); NULL when out of memory.
char *strv_lower(const char *s);

// malloc'd formatted string; NULL when out of memory.
char *strv_printf(const char *fmt, ...) _printf_(1, 2);

// The whole of text as a decimal integer in [min, max]; no sign unless min < 0, no blanks. -EINVAL or -ERANGE.
int strv_int(const char *text, int64_t min, int64_t max, int64_t *out) _must_check_;

// Wildcard match as Azure role actions use it: '*' stands for any run of characters, case ignored.
bool strv_glob_nocase(const char *pattern, const char *s);

// Every character of s is one of `allowed`, and its length lies in [min, max].
bool strv_made_of(const char *s, const char *allowed, size_t min, size_t max);
