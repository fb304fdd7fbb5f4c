// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Grow by copying rather than realloc, so that the old bytes can be wiped.
static int reserve(struct buf *b, size_t extra) {
	size_t need;
	if (__builtin_add_overflow(b->len, extra, &need) || __builtin_add_overflow(need, 1, &need))
		return -EOVERFLOW;
	if (need <= b->cap)
		return 0;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		if (__builtin_mul_overflow(cap, 2, &cap))
			return -EOVERFLOW;
	uint8_t *data = malloc(cap);
	if (!data)
		return -ENOMEM;
	if (b->data) {
		memcpy(data, b->data, b->len);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	b->data = data;
	b->cap = cap;
	return 0;
}

void buf_free(struct buf *b) {
	if (b->data) {
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	*b = (struct buf){0};
}

void buf_clear(struct buf *b) {
	if (b->data) {
		explicit_bzero(b->data, b->len);
		b->data[0] = 0;
	}
	b->len = 0;
}

int buf_append(struct buf *b, const void *data, size_t len) {
	int rc = reserve(b, len);
	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buf_extend(struct buf *b, size_t len, uint8_t **at) {
	int rc = reserve(b, len);
	if (rc < 0)
		return rc;
	*at = b->data + b->len;
	memset(*at, 0, len + 1);
	b->len += len;
	return 0;
}

int buf_str(struct buf *b, const char *s) {
	return buf_append(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *fmt, ...) {
	char *s = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	int rc = buf_append(b, s, (size_t)n);
	free(s);
	return rc;
}

static int append_be(struct buf *b, uint64_t v, size_t width) {
	uint8_t bytes[8];
	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	return buf_append(b, bytes, width);
}

int buf_u8(struct buf *b, uint8_t v) {
	return append_be(b, v, 1);
}

int buf_u16(struct buf *b, uint16_t v) {
	return append_be(b, v, 2);
}

int buf_u32(struct buf *b, uint32_t v) {
	return append_be(b, v, 4);
}

int buf_u64(struct buf *b, uint64_t v) {
	return append_be(b, v, 8);
}

int buf_blob(struct buf *b, const void *data, size_t len) {
	if (len > UINT32_MAX)
		return -EOVERFLOW;
	int rc = buf_u32(b, (uint32_t)len);
	return rc < 0 ? rc : buf_append(b, data, len);
}

const char *buf_cstr(const struct buf *b) {
	return b->data ? (const char *)b->data : "";
}

char *buf_take_str(struct buf *b) {
	if (!b->data && buf_append(b, "", 0) < 0)
		return NULL;
	char *s = (char *)b->data;
	*b = (struct buf){0};
	return s;
}
