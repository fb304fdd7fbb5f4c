// SPDX-License-Identifier: Apache-2.0
#include "base/strv.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool strv_starts_with_nocase(const char *s, const char *prefix) {
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

bool strv_ends_with_nocase(const char *s, const char *suffix) {
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && strcasecmp(s + n - m, suffix) == 0;
}

int strv_copy(char *out, size_t size, const char *in) {
	size_t n = strlen(in);
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(out, in, n + 1);
	return 0;
}

int strv_squeeze(char *out, size_t size, const char *in, char c) {
	size_t n = 0;
	for (const char *p = in; *p; p++)
		n += *p != c || p == in || p[-1] != c;
	if (n >= size)
		return -ENAMETOOLONG;
	for (const char *p = in; *p; p++)
		if (*p != c || p == in || p[-1] != c)
			*out++ = *p;
	*out = 0;
	return 0;
}

char *strv_lower(const char *s) {
	char *copy = strdup(s);
	for (char *p = copy; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

char *strv_printf(const char *fmt, ...) {
	char *s = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

int strv_int(const char *text, int64_t min, int64_t max, int64_t *out) {
	bool negative = text[0] == '-' && min < 0;
	const char *digits = negative ? text + 1 : text;
	if (!digits[0] || strlen(digits) != strspn(digits, "0123456789"))
		return -EINVAL;
	errno = 0;
	long long v = strtoll(text, NULL, 10);
	if (errno != 0 || v < min || v > max)
		return -ERANGE;
	*out = v;
	return 0;
}

bool strv_glob_nocase(const char *pattern, const char *s) {
	// Linear in practice: remember only the last star and where its run began.
	const char *star = NULL, *resume = NULL;
	while (*s) {
		if (*pattern == '*') {
			star = pattern++;
			resume = s;
		} else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*s)) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star + 1;
			s = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

bool strv_made_of(const char *s, const char *allowed, size_t min, size_t max) {
	size_t n = strlen(s);
	return n >= min && n <= max && strspn(s, allowed) == n;
}
