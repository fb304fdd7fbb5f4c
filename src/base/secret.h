// SPDX-License-Identifier: Apache-2.0
// The one type that owns secrets. Memory comes from OpenSSL's secure heap: locked, left out of core
// dumps, between guard pages, wiped on release.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct secret {
	uint8_t *data;  // owned, from the secure heap; NULL while empty
	size_t len;     // bytes
};

#define _cleanup_secret_ _cleanup_(secret_free)

// Call once at process start, before threads and before any key is touched: makes the process
// non-dumpable, forbids core files and sets the secure heap up. `heap` in bytes, a power of two.
// When the memory-lock limit is too small for it the call fails and says so.
int secret_init(size_t heap, struct err *err) _must_check_;

// 0, or -ENOMEM when the secure heap is used up. s must be empty. The bytes are zero.
int secret_alloc(struct secret *s, size_t len) _must_check_;
int secret_copy(struct secret *s, const void *data, size_t len) _must_check_;
int secret_random(struct secret *s, size_t len) _must_check_;

void secret_free(struct secret *s);  // wipes; s is empty afterwards

// Constant time in the contents, for equal lengths.
bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);
