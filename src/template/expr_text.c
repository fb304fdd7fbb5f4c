// SPDX-License-Identifier: Apache-2.0
// Text as .NET sees it. All text is well-formed UTF-8 here: jansson has checked it.
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

#include "template/expr_internal.h"

// The character at text and how many bytes it has.
static uint32_t decode(const char *text, size_t *bytes) {
	const unsigned char *s = (const unsigned char *)text;
	if (s[0] < 0x80) {
		*bytes = 1;
		return s[0];
	}
	*bytes = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t c = s[0] & (0xffU >> (*bytes + 1));
	for (size_t i = 1; i < *bytes; i++)
		c = c << 6 | (s[i] & 0x3fU);
	return c;
}

static size_t encode(uint32_t c, char out[static 4]) {
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t bytes = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = bytes - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(0xf00U >> bytes | c);
	return bytes;
}

size_t text_length_of(const char *text, size_t bytes) {
	size_t units = 0;
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		// A character beyond the basic plane has two units and four bytes.
		units += (c & 0xc0) != 0x80;
		units += c >= 0xf0;
	}
	return units;
}

size_t text_length(const char *text) {
	return text_length_of(text, strlen(text));
}

size_t text_offset(const char *text, uint64_t units) {
	size_t at = 0, bytes;
	while (units > 0 && text[at]) {
		uint64_t needs = decode(text + at, &bytes) >= 0x10000 ? 2 : 1;
		if (needs > units)
			break;
		units -= needs;
		at += bytes;
	}
	return at;
}

const char *text_find(const char *text, const char *other) {
	// Looked for again and again in what is left of a text. For every strstr a sanitizer looks at all of that.
	return other[1] ? strstr(text, other) : strchr(text, other[0]);
}

int text_compare(const char *a, const char *b) {
	while (*a && *a == *b) {
		a++;
		b++;
	}
	unsigned char x = (unsigned char)*a, y = (unsigned char)*b;
	// The surrogates (four bytes in UTF-8) stand before U+E000 to U+FFFF there.
	if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
		return x >= 0xf0 ? -1 : 1;
	return x < y ? -1 : x > y;
}

static locale_t unicode;

static void find_unicode(void) {
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

// Letters of all scripts, whatever the process's locale. NULL where the C library has no such table: then only ASCII.
static locale_t unicode_locale(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, find_unicode);
	return unicode;
}

static uint32_t to_case(uint32_t c, enum text_case to) {
	locale_t locale = unicode_locale();
	if (locale)
		return (uint32_t)(to == TEXT_LOWER ? towlower_l((wint_t)c, locale) : towupper_l((wint_t)c, locale));
	if (to == TEXT_LOWER)
		return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	return c >= 'a' && c <= 'z' ? c & ~0x20U : c;
}

int append_case(struct evaluation *ev, struct buf *out, const char *text, enum text_case to, struct err *err) {
	char chunk[256];
	size_t used = 0, bytes;
	int rc = 0;
	for (; *text && rc == 0; text += bytes) {
		used += encode(to_case(decode(text, &bytes), to), chunk + used);
		if (used + 4 > sizeof(chunk)) {
			rc = append(ev, out, chunk, used, err);
			used = 0;
		}
	}
	return rc < 0 ? rc : append(ev, out, chunk, used, err);
}

// char.IsWhiteSpace
static bool is_blank(uint32_t c) {
	return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
		c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

size_t text_blanks(const char *text) {
	size_t at = 0, bytes;
	while (text[at] && is_blank(decode(text + at, &bytes)))
		at += bytes;
	return at;
}

size_t text_trimmed(const char *text, size_t length) {
	while (length > 0) {
		size_t start = length - 1, bytes;
		while (start > 0 && ((unsigned char)text[start] & 0xc0) == 0x80)
			start--;
		if (!is_blank(decode(text + start, &bytes)))
			break;
		length = start;
	}
	return length;
}

static unsigned char upper_ascii(char c) {
	return (unsigned char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
}

int compare_names(const char *a, const char *b) {
	while (*a && upper_ascii(*a) == upper_ascii(*b)) {
		a++;
		b++;
	}
	unsigned char x = upper_ascii(*a), y = upper_ascii(*b);
	return x < y ? -1 : x > y;
}
