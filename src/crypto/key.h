// SPDX-License-Identifier: Apache-2.0
// A key of any kind over OpenSSL EVP: make, load, show, encrypt, wrap, sign (RFC 8017, FIPS 186-5, SP 800-38A/D/F).
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/alg.h"

#define KEY_RSA_MAX_BYTES 512      // 4096 bits, the largest modulus accepted
#define KEY_COORDINATE_MAX 66      // bytes of a P-521 coordinate
#define KEY_OCT_MAX_BYTES 64
#define KEY_IV_MAX 16
#define KEY_TAG_SIZE 16            // of GCM

// What to make. Members that the kind does not have are not looked at.
struct key_spec {
	enum key_kind kind;
	unsigned bits;        // RSA: 2048, 3072, 4096; oct: 128, 192, 256
	uint32_t exponent;    // RSA: odd and at least 3; 0 means 65537
	enum key_curve curve; // EC
};
// 400 BadParameter for what is not on the lists above.
int key_spec_check(const struct key_spec *spec, struct err *err) _must_check_;

// The public half. RSA numbers are big-endian without leading zero octets, coordinates of the curve's full length. An oct
// key has none: only kind and bits are set.
struct key_public {
	enum key_kind kind;
	unsigned bits;  // RSA modulus, oct key; of an EC key those of its curve
	uint8_t n[KEY_RSA_MAX_BYTES];
	size_t n_len;
	uint8_t e[8];
	size_t e_len;
	enum key_curve curve;
	uint8_t x[KEY_COORDINATE_MAX], y[KEY_COORDINATE_MAX];
};

// A private key in numbers, as a JWK has it: RSA d, p, q, dp, dq, qi (dp, dq, qi may be missing and are computed; p and q
// may not); EC d; oct k.
struct key_private {
	struct key_public pub;
	struct secret d, p, q, dp, dq, qi, k;
};
void key_private_free(struct key_private *key);

struct key;  // counted; safe for use by many threads

int key_make(const struct key_spec *spec, struct key **out, struct err *err) _must_check_;

// 400 BadParameter for numbers that make no sound key: sizes off the lists, a point off the curve, halves that do not
// belong together, primes that do not multiply to n.
int key_from_public(const struct key_public *pub, struct key **out, struct err *err) _must_check_;
int key_from_private(const struct key_private *priv, struct key **out, struct err *err) _must_check_;

// PKCS#8 DER, or the bytes of an oct key. `kind` says which of them it must be.
int key_from_encoded(enum key_kind kind, const void *data, size_t len, struct key **out, struct err *err) _must_check_;
int key_encode(const struct key *key, struct secret *out, struct err *err) _must_check_;

struct key *key_ref(struct key *key);
void key_unref(struct key *key);
static inline void key_unrefp(struct key **key) {
	key_unref(*key);
}
#define _cleanup_pkey_ _cleanup_(key_unrefp)

enum key_kind key_kind(const struct key *key);
unsigned key_bits(const struct key *key);
int key_public_of(const struct key *key, struct key_public *out, struct err *err) _must_check_;

// What an operation works on. iv, aad and tag are for the AES modes that take them (CBC: iv of 16 bytes both ways; GCM: iv
// of 12 bytes and tag on decryption alone, aad both ways) and are refused elsewhere.
struct key_input {
	const void *value, *iv, *aad, *tag;
	size_t len, iv_len, aad_len, tag_len;
};

struct key_output {
	struct secret value;
	uint8_t iv[KEY_IV_MAX], tag[KEY_TAG_SIZE];  // of encryption under GCM (both) and CBC (iv, as given)
	size_t iv_len, tag_len;
};
void key_output_free(struct key_output *out);
#define _cleanup_key_output_ _cleanup_(key_output_free)

// `use` is ALG_ENCRYPT or ALG_WRAP. -EINVAL with 400 BadParameter when the algorithm is not for this key or use, when the
// input does not fit it, and when a ciphertext does not open; the reason for that is not told apart (Manger, Vaudenay).
int key_encrypt(struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in, struct key_output *out,
	struct err *err) _must_check_;
int key_decrypt(struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in, struct key_output *out,
	struct err *err) _must_check_;

// Over a digest, never a message. A digest of another length than the algorithm's is 400 BadParameter.
int key_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err)
	_must_check_;
// 0 with *valid; a signature of any length or content only makes it false.
int key_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) _must_check_;

// CKM_RSA_AES_KEY_WRAP (PKCS #11 2.40): RSA-OAEP(SHA-1) of an AES-256 key, then RFC 5649 of the PKCS#8 of a key of
// `kind` (the bytes themselves of an oct one). `key` is an RSA key.
int key_unwrap_transfer(struct key *key, enum key_kind kind, const void *in, size_t len, struct key **out, struct err *err)
	_must_check_;
