// SPDX-License-Identifier: Apache-2.0
// Talking to the keeper, the one process that holds plaintext keys. docs/protocol/keeper.md is the
// protocol. A client owns a pool of connections and may be used by many threads; a lost connection
// (the keeper was restarted) is made anew and the request repeated once: every request is idempotent
// but for making and sealing, where a repeated request only makes another blob that nobody stores.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/key.h"

// What a sealed key may be used for; fixed when it is made and authenticated in its blob.
enum keeper_usage {
	KEEPER_USE_WRAP = 1,    // encrypt, decrypt, wrap, unwrap
	KEEPER_USE_SIGN = 2,    // sign, verify
	KEEPER_USE_IMPORT = 4,  // open a key transfer blob, and nothing else beside it
};

#define KEEPER_CONTEXT_MAX 512     // bytes
#define KEEPER_BLOB_MAX 28672      // bytes of a sealed key or sealed data
#define KEEPER_INPUT_MAX 8192      // bytes of one input of an algorithm
#define KEEPER_DATA_MAX 26624      // bytes of data that is sealed

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

// Errors of all: 400 BadParameter (-EINVAL) for an input that the algorithm or the rules of keys refuse; 403 Forbidden
// (-EPERM) for a use the key was not made for; 500 (-EBADMSG) for a blob that does not open; 503 (-EIO, -ECONNREFUSED, …)
// ServiceUnavailable when the keeper cannot be reached.

// New keys: the sealed blob is appended to `blob`, the public half is in `pub`. `usage` is of enum keeper_usage.
int keeper_make(struct keeper_client *k, const struct key_spec *spec, unsigned usage, const char *context, struct buf *blob,
	struct key_public *pub, struct err *err) _must_check_;
int keeper_import(struct keeper_client *k, const struct key_private *material, unsigned usage, const char *context,
	struct buf *blob, struct key_public *pub, struct err *err) _must_check_;
// From a key transfer blob (CKM_RSA_AES_KEY_WRAP) under `exchange`, a key of KEEPER_USE_IMPORT.
int keeper_import_transfer(struct keeper_client *k, const struct keeper_key *exchange, enum key_kind kind, const void *in,
	size_t len, unsigned usage, const char *context, struct buf *blob, struct key_public *pub, struct err *err)
	_must_check_;

// As key_encrypt and key_decrypt. `use` is ALG_ENCRYPT or ALG_WRAP.
int keeper_encrypt(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, enum alg_use use,
	const struct key_input *in, struct key_output *out, struct err *err) _must_check_;
int keeper_decrypt(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, enum alg_use use,
	const struct key_input *in, struct key_output *out, struct err *err) _must_check_;

// As key_sign and key_verify.
int keeper_sign(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *digest, size_t len,
	struct buf *signature, struct err *err) _must_check_;
int keeper_verify(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *digest, size_t len,
	const void *signature, size_t signature_len, bool *valid, struct err *err) _must_check_;

// Data of 0 to KEEPER_DATA_MAX bytes that only the keeper can open again, in its context.
int keeper_seal(struct keeper_client *k, const char *context, const void *data, size_t len, struct buf *blob,
	struct err *err) _must_check_;
int keeper_open(struct keeper_client *k, const struct keeper_key *sealed, struct secret *data, struct err *err) _must_check_;

// The same key or data sealed for another place; what it may be used for stays.
int keeper_reseal(struct keeper_client *k, const struct keeper_key *sealed, const char *context, struct buf *blob,
	struct err *err) _must_check_;

// 32 bytes that only this root key and this label give (HKDF); for keys of message authentication
// that the server needs again after a restart.
int keeper_derive(struct keeper_client *k, const char *label, struct secret *out, struct err *err) _must_check_;

// 0 when the keeper answers.
int keeper_ping(struct keeper_client *k, struct err *err) _must_check_;
