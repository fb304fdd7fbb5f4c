// SPDX-License-Identifier: Apache-2.0
// SHA-256, HMAC-SHA-256 and HKDF-SHA-256 (RFC 5869), all from OpenSSL.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define HASH_SHA256_SIZE 32

// 0 or -EIO when the library fails.
int hash_sha256(const void *data, size_t len, uint8_t out[static HASH_SHA256_SIZE]) _must_check_;
int hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t out[static HASH_SHA256_SIZE])
	_must_check_;

// `label` is HKDF's info as a C string. out_len at most 255 * 32.
int hash_hkdf_sha256(const void *key, size_t key_len, const void *salt, size_t salt_len, const char *label, uint8_t *out,
	size_t out_len) _must_check_;
