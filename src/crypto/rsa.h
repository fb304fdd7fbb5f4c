// SPDX-License-Identifier: Apache-2.0
// RSA over OpenSSL EVP: make, serialise, wrap, unwrap, sign, verify (RFC 8017).
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/alg.h"

#define RSA_MAX_BYTES 512  // 4096 bits, the largest modulus accepted

#define _cleanup_pkey_ _cleanup_(rsa_freep)
void rsa_freep(EVP_PKEY **key);

// Big-endian, no leading zero octets.
struct rsa_public {
	uint8_t n[RSA_MAX_BYTES];
	size_t n_len;
	uint8_t e[8];
	size_t e_len;
};

bool rsa_bits_allowed(int64_t bits);  // 2048, 3072, 4096

int rsa_make(unsigned bits, EVP_PKEY **key, struct err *err) _must_check_;
int rsa_public_of(EVP_PKEY *key, struct rsa_public *out, struct err *err) _must_check_;

// A public key from its numbers. Refuses moduli outside 2048..4096 bits, even numbers, and e < 3.
int rsa_from_public(const struct rsa_public *pub, EVP_PKEY **key, struct err *err) _must_check_;

// PKCS#8 DER of the private key, and back.
int rsa_private_der(EVP_PKEY *key, struct secret *der, struct err *err) _must_check_;
int rsa_from_private_der(const void *der, size_t len, EVP_PKEY **key, struct err *err) _must_check_;

// RSA-OAEP or RSA-OAEP-256. -EINVAL with 400 BadParameter when the input does not fit the algorithm
// or does not unwrap; the reason for a failed unwrap is not told apart (Manger's attack).
int rsa_wrap(EVP_PKEY *key, enum key_alg alg, const void *in, size_t len, struct buf *out, struct err *err) _must_check_;
int rsa_unwrap(EVP_PKEY *key, enum key_alg alg, const void *in, size_t len, struct secret *out, struct err *err)
	_must_check_;

// RS256 over a 32-byte SHA-256 digest. verify: 0 when the signature holds, -EBADMSG when not.
int rsa_sign_digest(EVP_PKEY *key, const uint8_t digest[static 32], struct buf *signature, struct err *err) _must_check_;
int rsa_verify_digest(EVP_PKEY *key, const uint8_t digest[static 32], const void *signature, size_t len, struct err *err)
	_must_check_;
