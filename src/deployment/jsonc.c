// SPDX-License-Identifier: Apache-2.0
#include "deployment/jsonc.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"

#define CODE "InvalidRequestContent"

struct reader {
	const char *text;
	size_t len, at;
	struct buf out;  // strict JSON
};

static char peek(const struct reader *r, size_t ahead) {
	return r->at + ahead < r->len ? r->text[r->at + ahead] : 0;
}

static bool is_blank(char c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool starts_name(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool continues_name(char c) {
	return starts_name(c) || (c >= '0' && c <= '9');
}

// Past blanks and comments. -EINVAL when a comment does not end.
static int skip(struct reader *r, struct err *err) {
	for (;;) {
		while (r->at < r->len && is_blank(r->text[r->at]))
			r->at++;
		if (peek(r, 0) != '/' || (peek(r, 1) != '/' && peek(r, 1) != '*'))
			return 0;
		bool line = peek(r, 1) == '/';
		const char *from = r->text + r->at + 2;
		size_t left = r->len - r->at - 2;
		const char *end = line ? memchr(from, '\n', left) : memmem(from, left, "*/", 2);
		if (!end && !line)
			return err_set(err, -EINVAL, 400, CODE, "The JSON is not valid: a comment does not end.");
		r->at = end ? (size_t)(end - r->text) + (line ? 1 : 2) : r->len;
	}
}

static int put(struct reader *r, const void *data, size_t len, struct err *err) {
	return buf_append(&r->out, data, len) < 0 ? err_oom(err) : 0;
}

static const char *escape(char c) {
	return c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
}

// A string with its quotes; line ends and tabs in it are as if they were escaped.
static int copy_string(struct reader *r, struct err *err) {
	size_t from = r->at++;
	int rc = 0;
	while (rc == 0 && r->at < r->len && r->text[r->at] != '"') {
		const char *escaped = escape(r->text[r->at]);
		if (escaped) {
			rc = put(r, r->text + from, r->at - from, err);
			if (rc == 0)
				rc = put(r, escaped, 2, err);
			from = r->at + 1;
		} else if (r->text[r->at] == '\\' && r->at + 1 < r->len && !escape(r->text[r->at + 1])) {
			r->at++;
		}
		r->at++;
	}
	if (r->at < r->len)
		r->at++;
	return rc < 0 ? rc : put(r, r->text + from, r->at - from, err);
}

static int copy_word(struct reader *r, struct err *err) {
	size_t from = r->at;
	while (r->at < r->len && continues_name(r->text[r->at]))
		r->at++;
	size_t len = r->at - from;
	int rc = skip(r, err);
	bool name = rc == 0 && peek(r, 0) == ':';
	if (rc == 0 && name)
		rc = put(r, "\"", 1, err);
	if (rc == 0)
		rc = put(r, r->text + from, len, err);
	if (rc == 0)
		rc = put(r, name ? "\"" : " ", 1, err);
	return rc;
}

static int copy_comma(struct reader *r, struct err *err) {
	r->at++;
	int rc = skip(r, err);
	return rc < 0 || peek(r, 0) == '}' || peek(r, 0) == ']' ? rc : put(r, ",", 1, err);
}

static int copy_next(struct reader *r, struct err *err) {
	char c = r->text[r->at];
	if (c == '"')
		return copy_string(r, err);
	if (starts_name(c))
		return copy_word(r, err);
	if (c == ',')
		return copy_comma(r, err);
	r->at++;
	int rc = put(r, &c, 1, err);
	// What stands on both sides of a blank stays apart.
	if (rc == 0 && (is_blank(peek(r, 0)) || peek(r, 0) == '/'))
		rc = put(r, " ", 1, err);
	return rc;
}

int jsonc_parse(const char *text, size_t len, json_t **out, struct err *err) {
	static const char mark[] = "\xef\xbb\xbf";
	struct reader r = {.text = text, .len = len, .at = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0};
	int rc = skip(&r, err);
	while (rc == 0 && r.at < r.len) {
		rc = copy_next(&r, err);
		if (rc == 0)
			rc = skip(&r, err);
	}
	if (rc == 0)
		rc = json_parse(r.out.data, r.out.len, CODE, out, err);
	buf_free(&r.out);
	return rc;
}
