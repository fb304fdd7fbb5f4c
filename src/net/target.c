// SPDX-License-Identifier: Apache-2.0
#include "net/target.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

static int refuse(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadRequest", "The request is not valid: %s.", what);
}

void target_free(struct target *t) {
	free(t->path);
	free(t->text);
	*t = (struct target){0};
}

static int hex_digit(char c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Decode len bytes of percent-encoded text to out, which has room for as many and a NUL. The length written, or
// -EINVAL on a bad escape or an encoded NUL.
static ssize_t decode(const char *in, size_t len, char space, char *out) {
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = in[i];
		if (c == '%') {
			int high = len - i > 2 ? hex_digit(in[i + 1]) : -1, low = high >= 0 ? hex_digit(in[i + 2]) : -1;
			if (low < 0 || (high == 0 && low == 0))
				return -EINVAL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == space) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = 0;
	return (ssize_t)n;
}

static bool is_utf8(const char *text, size_t len) {
	json_t *s = json_stringn(text, len);
	json_decref(s);
	return s;
}

static bool has_control(const char *text, size_t len) {
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return true;
	return false;
}

static int decode_segment(const char *raw, size_t raw_len, char *out, size_t *len, struct err *err) {
	ssize_t n = decode(raw, raw_len, 0, out);
	if (n < 0)
		return refuse(err, "the path has a bad percent escape");
	if (memchr(out, '/', (size_t)n))
		return refuse(err, "the path has an encoded slash");
	if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0)
		return refuse(err, "the path has a dot segment");
	if (has_control(out, (size_t)n) || !is_utf8(out, (size_t)n))
		return refuse(err, "the path is not UTF-8 text");
	*len = (size_t)n;
	return 0;
}

static int parse_path(const char *raw, size_t raw_len, char *out, struct err *err) {
	const char *end = raw + raw_len;
	while (raw < end) {
		*out++ = '/';
		const char *segment = raw + 1;
		const char *slash = memchr(segment, '/', (size_t)(end - segment));
		size_t len;
		int rc = decode_segment(segment, (size_t)((slash ? slash : end) - segment), out, &len, err);
		if (rc < 0)
			return rc;
		out += len;
		raw = slash ? slash : end;
	}
	return 0;
}

// One "name=value" to t->text at *used, both parts with their NUL.
static int parse_param(struct target *t, const char *raw, size_t len, size_t *used, struct err *err) {
	const char *equals = memchr(raw, '=', len);
	size_t name_len = equals ? (size_t)(equals - raw) : len;
	char *name = t->text + *used;
	ssize_t n = decode(raw, name_len, '+', name);
	if (n < 0)
		return refuse(err, "the query has a bad percent escape");
	char *value = name + n + 1;
	value[0] = 0;
	ssize_t m = equals ? decode(equals + 1, len - name_len - 1, '+', value) : 0;
	if (m < 0)
		return refuse(err, "the query has a bad percent escape");
	if (!is_utf8(name, (size_t)n) || !is_utf8(value, (size_t)m))
		return refuse(err, "the query is not UTF-8 text");
	if (t->param_count == TARGET_PARAMS_MAX)
		return refuse(err, "the query has too many parameters");
	t->params[t->param_count].name = name;
	t->params[t->param_count++].value = value;
	*used += (size_t)n + (size_t)m + 2;
	return 0;
}

static int parse_query(struct target *t, const char *raw, struct err *err) {
	// Decoding never lengthens; every parameter adds two NULs and has its '&' or the terminating NUL to spare.
	t->text = malloc(2 * strlen(raw) + 2);
	if (!t->text)
		return err_oom(err);
	size_t used = 0;
	while (*raw) {
		size_t len = strcspn(raw, "&");
		int rc = len > 0 ? parse_param(t, raw, len, &used, err) : 0;
		if (rc < 0)
			return rc;
		raw += len + (raw[len] == '&');
	}
	return 0;
}

int target_parse(const char *raw, struct target *out, struct err *err) {
	if (raw[0] != '/')
		return refuse(err, "the target is not a path");
	if (strchr(raw, '#') || has_control(raw, strlen(raw)))
		return refuse(err, "the target has a character that does not belong there");
	_cleanup_target_ struct target t = {0};
	size_t path_len = strcspn(raw, "?");
	t.path = malloc(path_len + 1);
	if (!t.path)
		return err_oom(err);
	int rc = parse_path(raw, path_len, t.path, err);
	if (rc == 0 && raw[path_len] == '?')
		rc = parse_query(&t, raw + path_len + 1, err);
	if (rc < 0)
		return rc;
	*out = t;
	t = (struct target){0};
	return 0;
}

const char *target_param(const struct target *t, const char *name) {
	for (size_t i = 0; i < t->param_count; i++)
		if (strv_eq_nocase(t->params[i].name, name))
			return t->params[i].value;
	return NULL;
}

// The length of the host part, its port not counted; 0 when it is malformed.
static size_t host_length(const char *text) {
	static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
	static const char address[] = "0123456789abcdefABCDEF:.";
	if (text[0] != '[')
		return strspn(text, name);
	size_t len = strspn(text + 1, address);
	return text[1 + len] == ']' ? len + 2 : 0;
}

int target_host(const char *text, char host[static TARGET_HOST_MAX], int *port, struct err *err) {
	size_t len = host_length(text);
	int64_t number = *port;
	if (len == 0 || len >= TARGET_HOST_MAX || (text[len] != 0 && text[len] != ':'))
		return refuse(err, "the host is malformed");
	if (text[len] == ':' && text[len + 1] != 0 && strv_int(text + len + 1, 1, UINT16_MAX, &number) < 0)
		return refuse(err, "the host's port is malformed");
	if (len > 1 && text[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len; i++)
		host[i] = (char)tolower((unsigned char)text[i]);
	host[len] = 0;
	*port = (int)number;
	return 0;
}
