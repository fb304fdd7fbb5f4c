// SPDX-License-Identifier: Apache-2.0
// AES-256-GCM (NIST SP 800-38D) with a 96-bit nonce and a 128-bit tag.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

#define AEAD_KEY_SIZE 32
#define AEAD_NONCE_SIZE 12
#define AEAD_TAG_SIZE 16

// out holds len bytes, tag AEAD_TAG_SIZE. A (key, nonce) pair must never be used twice. 0 or -EIO.
int aead_seal(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE], const void *aad,
	size_t aad_len, const void *in, size_t len, uint8_t *out, uint8_t tag[static AEAD_TAG_SIZE]) _must_check_;

// -EBADMSG when the tag does not hold; out is wiped then. -EIO when the library fails.
int aead_open(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE], const void *aad,
	size_t aad_len, const void *in, size_t len, uint8_t *out, const uint8_t tag[static AEAD_TAG_SIZE]) _must_check_;
