// SPDX-License-Identifier: Apache-2.0
// Opened keys, ready for use: at most CACHE_KEYS of them, and fewer while locked memory is short; the least recently
// used one goes first. Found by a SHA-256 over blob and context with their lengths, so that a hit stands for a blob that has opened with
// just this context before. Safe to use from many threads.
#pragma once

#include <stdbool.h>

#include "crypto/hash.h"
#include "crypto/key.h"

#define CACHE_KEYS 128

struct cache;

// A key grows as it is used: one of RSA-4096 from 3 KiB of the locked heap to 24, with the contexts of all algorithms.
// While more than `memory` bytes of the heap are in use, each key that is used costs the place of another. 0 or -ENOMEM.
int cache_new(size_t memory, struct cache **out) _must_check_;
void cache_free(struct cache *c);

// True when the key is there: a new reference in *key, for key_unref, and its usage.
bool cache_get(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], struct key **key, unsigned *usage);

// Keep a reference of its own to the key.
void cache_put(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], struct key *key, unsigned usage);
