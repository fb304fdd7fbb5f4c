// SPDX-License-Identifier: Apache-2.0
// What the files of struct key share: its members, one set of functions a kind, and OpenSSL's scope-bound objects.
#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdatomic.h>

#include "crypto/key.h"

// An operation of a key, for which OpenSSL keeps a context.
enum key_op {
	KEY_OP_ENCRYPT,
	KEY_OP_DECRYPT,
	KEY_OP_SIGN,
	KEY_OP_VERIFY,
	KEY_OP_COUNT,
};

struct key {
	_Atomic unsigned refs;
	enum key_kind kind;
	unsigned bits;
	enum key_curve curve;
	bool is_private;
	EVP_PKEY *pkey;     // RSA and EC
	struct secret oct;  // the bytes of an oct key
	// One context an algorithm that is set up and not in use: to make one costs more than an RSA verification.
	EVP_PKEY_CTX *_Atomic idle[KEY_OP_COUNT][KEY_ALG_COUNT];
};

#define KEY_REFUSE(err, ...) err_set(err, -EINVAL, 400, "BadParameter", __VA_ARGS__)

// OpenSSL's own words stay out of the message: they may differ with the secret. Its queue is emptied so that a later
// failure is not taken for this one.
int key_library_failed(struct err *err, const char *what);

// The one answer to a ciphertext that does not open, whatever the reason.
int key_does_not_open(struct err *err, enum key_alg alg);

// A new key around `pkey`, which is the key's afterwards, also on failure.
int key_new(enum key_kind kind, enum key_curve curve, EVP_PKEY *pkey, bool is_private, struct key **out, struct err *err);

// From the parameters in `builder`. -EINVAL when OpenSSL finds no key in them, or no sound one.
int key_pkey_of_params(const char *type, OSSL_PARAM_BLD *builder, bool is_private, EVP_PKEY **out);
bool key_pkey_is_sound(EVP_PKEY *pkey);  // a private key with all that belongs to it

// A context of `op` and `alg` that is set up with `params`, which may be NULL, and its way back.
EVP_PKEY_CTX *key_ctx_take(struct key *key, enum key_op op, enum key_alg alg, const OSSL_PARAM params[]);
void key_ctx_give(struct key *key, enum key_op op, enum key_alg alg, EVP_PKEY_CTX *ctx);

bool rsa_bits_allowed(unsigned bits);
int rsa_make(const struct key_spec *spec, struct key **out, struct err *err) _must_check_;
int rsa_from_public(const struct key_public *pub, struct key **out, struct err *err) _must_check_;
int rsa_from_private(const struct key_private *priv, struct key **out, struct err *err) _must_check_;
int rsa_from_pkey(EVP_PKEY *pkey, struct key **out, struct err *err) _must_check_;  // pkey as in key_new
// Do its sizes, and the product of its primes, allow a look whether the rest is sound? What comes from outside may have
// numbers of any size, and to prove that one of ten thousand bits is a prime takes minutes.
bool rsa_pkey_is_plausible(const EVP_PKEY *pkey);
int rsa_public_of(const struct key *key, struct key_public *out, struct err *err) _must_check_;
int rsa_encrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err)
	_must_check_;
int rsa_decrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err)
	_must_check_;
int rsa_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err)
	_must_check_;
int rsa_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) _must_check_;

int ec_make(const struct key_spec *spec, struct key **out, struct err *err) _must_check_;
int ec_from_public(const struct key_public *pub, struct key **out, struct err *err) _must_check_;
int ec_from_private(const struct key_private *priv, struct key **out, struct err *err) _must_check_;
int ec_from_pkey(EVP_PKEY *pkey, struct key **out, struct err *err) _must_check_;  // pkey as in key_new
int ec_public_of(const struct key *key, struct key_public *out, struct err *err) _must_check_;
int ec_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err)
	_must_check_;
int ec_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) _must_check_;

bool oct_bits_allowed(size_t bits);
int oct_make(const struct key_spec *spec, struct key **out, struct err *err) _must_check_;
int oct_from_bytes(const void *data, size_t len, struct key **out, struct err *err) _must_check_;
int oct_encrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err)
	_must_check_;
int oct_decrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err)
	_must_check_;
int oct_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err)
	_must_check_;
int oct_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) _must_check_;

#define _cleanup_evp_pkey_ _cleanup_(key_free_evp_pkey)
static inline void key_free_evp_pkey(EVP_PKEY **pkey) {
	EVP_PKEY_free(*pkey);
}

#define _cleanup_pkey_ctx_ _cleanup_(key_free_pkey_ctx)
static inline void key_free_pkey_ctx(EVP_PKEY_CTX **ctx) {
	EVP_PKEY_CTX_free(*ctx);
}

#define _cleanup_bn_ _cleanup_(key_free_bn)
static inline void key_free_bn(BIGNUM **n) {
	BN_clear_free(*n);
}

#define _cleanup_builder_ _cleanup_(key_free_builder)
static inline void key_free_builder(OSSL_PARAM_BLD **builder) {
	OSSL_PARAM_BLD_free(*builder);
}
