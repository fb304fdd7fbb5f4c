// SPDX-License-Identifier: Apache-2.0
// The one way to parse bytes from outside: a bounds-checked reader of big-endian fields.
//
// The first read past the end makes the cursor fail for good; every later read fails too and yields
// zero, so a parser may read all its fields and check once with cursor_done().
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct cursor {
	const uint8_t *next;  // borrowed
	size_t left;
	bool failed;
};

struct cursor cursor_of(const void *data, size_t len);

uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

// len bytes, borrowed from the input; NULL on failure.
const uint8_t *cursor_bytes(struct cursor *c, size_t len);

// A u32 length and that many bytes; fails when the length exceeds max. *len is 0 on failure.
const uint8_t *cursor_blob(struct cursor *c, size_t max, size_t *len);

// True when nothing failed and nothing is left over.
bool cursor_done(const struct cursor *c) _must_check_;
