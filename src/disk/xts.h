// SPDX-License-Identifier: Apache-2.0
// AES-256-XTS over 4096-byte sectors as dm-crypt's aes-xts-plain64 does it (IEEE 1619; the IV is the number of the
// sector's first 512-byte unit, little-endian). One EVP call a sector; contexts are keyed once and only their IV is
// reset. XTS hides data; it does not notice changes to them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

#define XTS_KEY_SIZE 64       // bytes: two AES-256 keys
#define XTS_SECTOR_SIZE 4096  // bytes
#define XTS_IV_UNIT 512       // bytes that one step of the IV stands for

// A keyed cipher. Any number of threads may use it at a time; each call borrows a context of its own.
struct xts;

// A random key whose halves differ.
int xts_make_key(struct secret *key, struct err *err) _must_check_;

// -EINVAL when the key has another size or equal halves (XTS is not secure then, IEEE 1619).
int xts_new(const struct secret *key, struct xts **out, struct err *err) _must_check_;
void xts_free(struct xts *x);  // wipes; nobody may be inside
static inline void xts_freep(struct xts **x) {
	xts_free(*x);
}

// len bytes, a multiple of XTS_SECTOR_SIZE, that belong at `offset` bytes from the start of the data, a multiple of
// XTS_IV_UNIT; -EINVAL otherwise.
// in == out is allowed, any other overlap is not. -EIO when the library fails, -ENOMEM.
int xts_encrypt(struct xts *x, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) _must_check_;
int xts_decrypt(struct xts *x, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) _must_check_;
