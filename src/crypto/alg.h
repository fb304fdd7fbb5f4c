// SPDX-License-Identifier: Apache-2.0
// The algorithms this program knows, by their JOSE names (RFC 7518, RFC 8812, Key Vault REST reference). A name that is
// not in the table does not exist.
#pragma once

#include <stddef.h>

enum key_kind {
	KEY_KIND_NONE,
	KEY_KIND_RSA,
	KEY_KIND_EC,
	KEY_KIND_OCT,  // AES
};

enum key_curve {
	KEY_CURVE_NONE,
	KEY_CURVE_P256,
	KEY_CURVE_P256K,  // secp256k1
	KEY_CURVE_P384,
	KEY_CURVE_P521,
};

// By Key Vault's names: "P-256", "P-256K" (secp256k1 in RFC 8812), "P-384", "P-521".
enum key_curve curve_by_name(const char *name);  // exact; KEY_CURVE_NONE when unknown
const char *curve_name(enum key_curve curve);    // "" for KEY_CURVE_NONE
unsigned curve_bits(enum key_curve curve);       // 256, 256, 384, 521
size_t curve_bytes(enum key_curve curve);        // of a coordinate: 32, 32, 48, 66

enum key_alg {
	KEY_ALG_NONE,
	KEY_ALG_RSA_OAEP,      // "RSA-OAEP": RSAES-OAEP, SHA-1 and MGF1-SHA-1 (RFC 8017)
	KEY_ALG_RSA_OAEP_256,  // "RSA-OAEP-256": SHA-256 and MGF1-SHA-256
	KEY_ALG_RSA1_5,        // "RSA1_5": RSAES-PKCS1-v1_5
	KEY_ALG_RS256, KEY_ALG_RS384, KEY_ALG_RS512,  // RSASSA-PKCS1-v1_5
	KEY_ALG_RSNULL,        // "RSNULL": PKCS #1 type 1 padding over the bytes as they are, without a DigestInfo
	KEY_ALG_PS256, KEY_ALG_PS384, KEY_ALG_PS512,  // RSASSA-PSS, MGF1 and salt of the digest's hash
	KEY_ALG_ES256, KEY_ALG_ES256K, KEY_ALG_ES384, KEY_ALG_ES512,  // ECDSA, signature r || s
	KEY_ALG_A128KW, KEY_ALG_A192KW, KEY_ALG_A256KW,               // AES Key Wrap (RFC 3394)
	KEY_ALG_A128GCM, KEY_ALG_A192GCM, KEY_ALG_A256GCM,            // 96-bit iv made by us, 128-bit tag
	KEY_ALG_A128CBC, KEY_ALG_A192CBC, KEY_ALG_A256CBC,            // whole blocks, zero bytes never added
	KEY_ALG_A128CBCPAD, KEY_ALG_A192CBCPAD, KEY_ALG_A256CBCPAD,   // PKCS #7 padding
	KEY_ALG_AES_KEY_WRAP,      // "CKM_AES_KEY_WRAP": as AxxxKW, the size being that of the key
	KEY_ALG_AES_KEY_WRAP_PAD,  // "CKM_AES_KEY_WRAP_PAD": RFC 5649
	KEY_ALG_HS256, KEY_ALG_HS384, KEY_ALG_HS512,  // HMAC of the digest that is given, as Key Vault signs with oct keys
	KEY_ALG_COUNT,
};

// What an algorithm can do.
enum alg_use {
	ALG_ENCRYPT = 1 << 0,  // encrypt and decrypt
	ALG_WRAP = 1 << 1,     // wrapKey and unwrapKey
	ALG_SIGN = 1 << 2,     // sign and verify
};

struct alg_info {
	const char *name;
	enum key_kind kind;
	unsigned uses;          // enum alg_use bits
	size_t digest;          // bytes that sign takes; 0 when it takes any or does not sign
	enum key_curve curve;   // of an EC algorithm
	unsigned bits;          // of the one AES key size it works with; 0 for any
};

// Exact, case-sensitive match as in JOSE; KEY_ALG_NONE when unknown.
enum key_alg alg_by_name(const char *name);
const char *alg_name(enum key_alg alg);
const struct alg_info *alg_info(enum key_alg alg);  // of KEY_ALG_NONE and unknown numbers: one without uses
