// SPDX-License-Identifier: Apache-2.0
#include "entra/form.h"

#include <errno.h>
#include <string.h>

#include "base/cursor.h"

void form_free(struct form *f) {
	buf_free(&f->text);
	f->count = 0;
}

const char *form_get(const struct form *f, const char *name) {
	for (size_t i = 0; i < f->count; i++)
		if (strcmp((const char *)f->text.data + f->fields[i].name, name) == 0)
			return (const char *)f->text.data + f->fields[i].value;
	return NULL;
}

static int hex_digit(uint8_t c) {
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_escape(struct cursor *in) {
	int hi = hex_digit(cursor_u8(in));
	int lo = hex_digit(cursor_u8(in));
	return hi < 0 || lo < 0 ? -EINVAL : hi << 4 | lo;
}

// Decode up to the first of two stop characters or the end; *stop is the character, 0 at the end.
static int decode_until(struct cursor *in, char stop_a, char stop_b, struct buf *out, char *stop) {
	while (in->left > 0) {
		int c = cursor_u8(in);
		if (c == stop_a || c == stop_b) {
			*stop = (char)c;
			return 0;
		}
		if (c == '+')
			c = ' ';
		else if (c == '%')
			c = decode_escape(in);
		if (c < 0x20 || c > 0x7e)
			return -EINVAL;
		int rc = buf_u8(out, (uint8_t)c);
		if (rc < 0)
			return rc;
	}
	*stop = 0;
	return 0;
}

int form_decode(const void *text, size_t len, struct buf *out) {
	struct cursor in = cursor_of(text, len);
	char stop;
	// '&' separates fields, so inside one text it can only be encoded.
	int rc = decode_until(&in, '&', '&', out, &stop);
	return rc == 0 && stop ? -EINVAL : rc;
}

static int malformed(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "invalid_request", "The form %s.", what);
}

static int parse_field(struct cursor *in, struct form *f, char *stop, struct err *err) {
	if (f->count == FORM_FIELDS_MAX)
		return malformed(err, "has too many fields");
	size_t name = f->text.len;
	int rc = decode_until(in, '=', '&', &f->text, stop);
	if (rc == 0 && (*stop != '=' || f->text.len == name))
		return malformed(err, "has a field without a name or without a value");
	if (rc == 0)
		rc = buf_u8(&f->text, 0);
	size_t value = f->text.len;
	if (rc == 0)
		rc = decode_until(in, '&', '&', &f->text, stop);
	if (rc == 0)
		rc = buf_u8(&f->text, 0);
	if (rc == -EINVAL)
		return malformed(err, "has a character or an escape that is not allowed");
	if (rc < 0)
		return err_oom(err);
	const char *spelt = (const char *)f->text.data + name;
	if (form_get(f, spelt))
		return err_set(err, -EEXIST, 400, "invalid_request", "The parameter '%.64s' is duplicated.", spelt);
	f->fields[f->count].name = name;
	f->fields[f->count].value = value;
	f->count++;
	return 0;
}

int form_parse(const void *body, size_t len, struct form *out, struct err *err) {
	if (len > FORM_BODY_MAX)
		return malformed(err, "is too large");
	_cleanup_form_ struct form f = {0};
	struct cursor in = cursor_of(body, len);
	// A trailing '&' announces a field that is not there, hence the look at the separator.
	for (char stop = len > 0 ? '&' : 0; stop == '&';) {
		int rc = parse_field(&in, &f, &stop, err);
		if (rc < 0)
			return rc;
	}
	*out = f;
	f = (struct form){0};
	return 0;
}
