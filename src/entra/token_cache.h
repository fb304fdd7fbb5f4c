// SPDX-License-Identifier: Apache-2.0
// Claims of tokens whose signature held before, so that a client that shows one token again and again pays for its
// signature once. Found by a SHA-256 over the whole token, signature included: a token that differs in one bit is another
// one. Only what can never change about a token is kept; whether it is good now is asked every time. Safe to use from
// many threads.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/macros.h"
#include "crypto/hash.h"

#define TOKEN_CACHE_TOKENS 1024

struct token_cache;

struct token_cache *token_cache_new(void) _must_check_;  // NULL when out of memory
void token_cache_free(struct token_cache *c);

// A reference to the claims, which are shared and must not be changed; NULL when they are not there or have expired.
json_t *token_cache_get(struct token_cache *c, const uint8_t digest[static HASH_SHA256_SIZE], int64_t now) _must_check_;

// Keep a reference of its own to verified claims, until their exp or until their place is wanted for others.
void token_cache_put(struct token_cache *c, const uint8_t digest[static HASH_SHA256_SIZE], json_t *claims);
