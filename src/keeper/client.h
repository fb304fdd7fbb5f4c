// SPDX-License-Identifier: Apache-2.0
// Talking to the keeper, the one process that holds plaintext keys. docs/protocol/keeper.md is the
// protocol. A client owns a pool of connections and may be used by many threads; a lost connection
// (the keeper was restarted) is made anew and the request repeated once: every request is idempotent
// but for key making, where a repeated request only makes another key that nobody stores.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/alg.h"
#include "crypto/rsa.h"

// What a sealed key may be used for; fixed when it is made and authenticated in its blob.
enum keeper_usage {
	KEEPER_USE_WRAP = 1,  // wrap and unwrap
	KEEPER_USE_SIGN = 2,  // RS256
};

#define KEEPER_CONTEXT_MAX 512     // bytes
#define KEEPER_BLOB_MAX 8192       // bytes of a sealed key
#define KEEPER_INPUT_MAX 4096      // bytes of one input

// The place a sealed key belongs to (for a vault key: vault id, name, version). The blob opens only
// with the context it was sealed under, so a store that swaps two blobs is found out.
struct keeper_key {
	const void *blob;
	size_t blob_len;
	const char *context;
};

struct keeper_client;

int keeper_client_open(const char *socket_path, struct keeper_client **out, struct err *err) _must_check_;
void keeper_client_close(struct keeper_client *k);
static inline void keeper_client_closep(struct keeper_client **k) {
	keeper_client_close(*k);
}

// Make an RSA key (2048, 3072 or 4096 bits): its sealed blob appended to `blob`, its public half in `pub`.
int keeper_make_rsa(struct keeper_client *k, unsigned bits, unsigned usage, const char *context, struct buf *blob,
	struct rsa_public *pub, struct err *err) _must_check_;

// Errors: 400 BadParameter (-EINVAL) for an input the algorithm refuses; 403 Forbidden (-EPERM) for a
// use the key was not made for; 500 (-EBADMSG) for a blob that does not open; 503 (-EIO, -ECONNREFUSED, …)
// ServiceUnavailable when the keeper cannot be reached.
int keeper_wrap(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *in, size_t len,
	struct buf *out, struct err *err) _must_check_;
int keeper_unwrap(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *in, size_t len,
	struct secret *out, struct err *err) _must_check_;
int keeper_sign(struct keeper_client *k, const struct keeper_key *key, const uint8_t digest[static 32],
	struct buf *signature, struct err *err) _must_check_;

// 32 bytes that only this root key and this label give (HKDF); for keys of message authentication
// that the server needs again after a restart.
int keeper_derive(struct keeper_client *k, const char *label, struct secret *out, struct err *err) _must_check_;

// 0 when the keeper answers.
int keeper_ping(struct keeper_client *k, struct err *err) _must_check_;
