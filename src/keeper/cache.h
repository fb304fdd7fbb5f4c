// SPDX-License-Identifier: Apache-2.0
// Opened keys, ready for use: at most CACHE_KEYS of them, the least recently used one goes first.
// Found by a SHA-256 over blob and context, so that a hit stands for a blob that has opened with just
// this context before. Safe to use from many threads.
#pragma once

#include <stdbool.h>

#include "crypto/hash.h"
#include "crypto/rsa.h"

#define CACHE_KEYS 128  // an RSA-4096 key takes some 12 KiB of the locked heap

struct cache;

int cache_new(struct cache **out) _must_check_;  // 0 or -ENOMEM
void cache_free(struct cache *c);

// The identity of a blob in its context. 0 or -EIO, -ENOMEM.
int cache_id(const void *blob, size_t len, const void *context, size_t context_len, uint8_t id[static HASH_SHA256_SIZE])
	_must_check_;

// True when the key is there: a new reference in *key, to be freed, and its usage.
bool cache_get(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], EVP_PKEY **key, unsigned *usage);

// Keep a reference of its own to the key.
void cache_put(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], EVP_PKEY *key, unsigned usage);
