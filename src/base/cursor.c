// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"

struct cursor cursor_of(const void *data, size_t len) {
	return (struct cursor){.next = data, .left = len};
}

const uint8_t *cursor_bytes(struct cursor *c, size_t len) {
	if (c->failed || len > c->left) {
		c->failed = true;
		return NULL;
	}
	const uint8_t *p = c->next;
	if (len > 0)
		c->next += len;
	c->left -= len;
	return p;
}

static uint64_t read_be(struct cursor *c, size_t width) {
	const uint8_t *p = cursor_bytes(c, width);
	uint64_t v = 0;
	for (size_t i = 0; p && i < width; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t cursor_u8(struct cursor *c) {
	return (uint8_t)read_be(c, 1);
}

uint16_t cursor_u16(struct cursor *c) {
	return (uint16_t)read_be(c, 2);
}

uint32_t cursor_u32(struct cursor *c) {
	return (uint32_t)read_be(c, 4);
}

uint64_t cursor_u64(struct cursor *c) {
	return read_be(c, 8);
}

const uint8_t *cursor_blob(struct cursor *c, size_t max, size_t *len) {
	size_t n = cursor_u32(c);
	if (n > max)
		c->failed = true;
	const uint8_t *p = cursor_bytes(c, n);
	*len = c->failed ? 0 : n;
	return p;
}

bool cursor_done(const struct cursor *c) {
	return !c->failed && c->left == 0;
}
