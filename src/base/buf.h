// SPDX-License-Identifier: Apache-2.0
// A growable byte buffer, also used to build strings: data is always followed by a NUL byte once
// anything has been appended.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

struct buf {
	uint8_t *data;  // owned; NULL while empty
	size_t len;     // bytes used, the trailing NUL not counted
	size_t cap;
};

#define _cleanup_buf_ _cleanup_(buf_free)

void buf_free(struct buf *b);   // wipes before it frees: buffers often carry ciphertext next to plaintext
void buf_clear(struct buf *b);  // len = 0, memory kept, contents wiped

// All return 0 or -ENOMEM, or -EOVERFLOW on a size that does not fit.
int buf_append(struct buf *b, const void *data, size_t len) _must_check_;
int buf_extend(struct buf *b, size_t len, uint8_t **at) _must_check_;  // by zeros at *at, for the caller to write over
int buf_str(struct buf *b, const char *s) _must_check_;
int buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3) _must_check_;

// Big-endian integers and length-prefixed byte strings, the writing side of base/cursor.h.
int buf_u8(struct buf *b, uint8_t v) _must_check_;
int buf_u16(struct buf *b, uint16_t v) _must_check_;
int buf_u32(struct buf *b, uint32_t v) _must_check_;
int buf_u64(struct buf *b, uint64_t v) _must_check_;
int buf_blob(struct buf *b, const void *data, size_t len) _must_check_;  // u32 length, then the bytes

// The contents as a C string: "" while empty. Borrowed, valid until the buffer changes.
const char *buf_cstr(const struct buf *b);

// Take the contents as a malloc'd C string; the buffer is empty afterwards. NULL when out of memory.
char *buf_take_str(struct buf *b);
