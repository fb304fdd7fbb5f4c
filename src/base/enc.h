// SPDX-License-Identifier: Apache-2.0
// Text encodings of bytes: base64url without padding (RFC 7515), base64 (RFC 4648), lower-case hex,
// and random identifiers built on them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

// Append the encoding of data to out. 0 or -ENOMEM.
int enc_base64url(struct buf *out, const void *data, size_t len) _must_check_;
int enc_base64(struct buf *out, const void *data, size_t len) _must_check_;
int enc_hex(struct buf *out, const void *data, size_t len) _must_check_;

// Append the bytes that text encodes to out. -EINVAL on any character outside the alphabet, wrong
// padding, or non-zero trailing bits; nothing is appended then.
int dec_base64url(struct buf *out, const char *text, size_t len) _must_check_;
int dec_base64(struct buf *out, const char *text, size_t len) _must_check_;
int dec_hex(struct buf *out, const char *text, size_t len) _must_check_;

// A random version 4 UUID, lower case, with its NUL. 0 or negative errno.
#define ENC_UUID_SIZE 37
int enc_uuid(char out[static ENC_UUID_SIZE]) _must_check_;
bool enc_is_uuid(const char *text);  // 8-4-4-4-12 hex digits of either case

// `bytes` random bytes as hex into out, which holds 2 * bytes + 1. At most 64 bytes.
int enc_random_hex(char *out, size_t bytes) _must_check_;
