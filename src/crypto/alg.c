// SPDX-License-Identifier: Apache-2.0
#include "crypto/alg.h"

#include <string.h>

#include "base/macros.h"

enum { ENCRYPT_OR_WRAP = ALG_ENCRYPT | ALG_WRAP };

static const struct {
	const char *name;
	unsigned bits;
} curves[] = {
	[KEY_CURVE_NONE] = {"", 0},
	[KEY_CURVE_P256] = {"P-256", 256},
	[KEY_CURVE_P256K] = {"P-256K", 256},
	[KEY_CURVE_P384] = {"P-384", 384},
	[KEY_CURVE_P521] = {"P-521", 521},
};

static const struct alg_info algs[KEY_ALG_COUNT] = {
	[KEY_ALG_NONE] = {.name = ""},
	[KEY_ALG_RSA_OAEP] = {"RSA-OAEP", KEY_KIND_RSA, ENCRYPT_OR_WRAP, .digest = 0},
	[KEY_ALG_RSA_OAEP_256] = {"RSA-OAEP-256", KEY_KIND_RSA, ENCRYPT_OR_WRAP, .digest = 0},
	[KEY_ALG_RSA1_5] = {"RSA1_5", KEY_KIND_RSA, ENCRYPT_OR_WRAP, .digest = 0},
	[KEY_ALG_RS256] = {"RS256", KEY_KIND_RSA, ALG_SIGN, .digest = 32},
	[KEY_ALG_RS384] = {"RS384", KEY_KIND_RSA, ALG_SIGN, .digest = 48},
	[KEY_ALG_RS512] = {"RS512", KEY_KIND_RSA, ALG_SIGN, .digest = 64},
	[KEY_ALG_RSNULL] = {"RSNULL", KEY_KIND_RSA, ALG_SIGN, .digest = 0},
	[KEY_ALG_PS256] = {"PS256", KEY_KIND_RSA, ALG_SIGN, .digest = 32},
	[KEY_ALG_PS384] = {"PS384", KEY_KIND_RSA, ALG_SIGN, .digest = 48},
	[KEY_ALG_PS512] = {"PS512", KEY_KIND_RSA, ALG_SIGN, .digest = 64},
	[KEY_ALG_ES256] = {"ES256", KEY_KIND_EC, ALG_SIGN, .digest = 32, .curve = KEY_CURVE_P256},
	[KEY_ALG_ES256K] = {"ES256K", KEY_KIND_EC, ALG_SIGN, .digest = 32, .curve = KEY_CURVE_P256K},
	[KEY_ALG_ES384] = {"ES384", KEY_KIND_EC, ALG_SIGN, .digest = 48, .curve = KEY_CURVE_P384},
	[KEY_ALG_ES512] = {"ES512", KEY_KIND_EC, ALG_SIGN, .digest = 64, .curve = KEY_CURVE_P521},
	[KEY_ALG_A128KW] = {"A128KW", KEY_KIND_OCT, ALG_WRAP, .bits = 128},
	[KEY_ALG_A192KW] = {"A192KW", KEY_KIND_OCT, ALG_WRAP, .bits = 192},
	[KEY_ALG_A256KW] = {"A256KW", KEY_KIND_OCT, ALG_WRAP, .bits = 256},
	[KEY_ALG_A128GCM] = {"A128GCM", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 128},
	[KEY_ALG_A192GCM] = {"A192GCM", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 192},
	[KEY_ALG_A256GCM] = {"A256GCM", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 256},
	[KEY_ALG_A128CBC] = {"A128CBC", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 128},
	[KEY_ALG_A192CBC] = {"A192CBC", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 192},
	[KEY_ALG_A256CBC] = {"A256CBC", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 256},
	[KEY_ALG_A128CBCPAD] = {"A128CBCPAD", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 128},
	[KEY_ALG_A192CBCPAD] = {"A192CBCPAD", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 192},
	[KEY_ALG_A256CBCPAD] = {"A256CBCPAD", KEY_KIND_OCT, ENCRYPT_OR_WRAP, .bits = 256},
	[KEY_ALG_AES_KEY_WRAP] = {"CKM_AES_KEY_WRAP", KEY_KIND_OCT, ALG_WRAP, .bits = 0},
	[KEY_ALG_AES_KEY_WRAP_PAD] = {"CKM_AES_KEY_WRAP_PAD", KEY_KIND_OCT, ALG_WRAP, .bits = 0},
	[KEY_ALG_HS256] = {"HS256", KEY_KIND_OCT, ALG_SIGN, .digest = 32},
	[KEY_ALG_HS384] = {"HS384", KEY_KIND_OCT, ALG_SIGN, .digest = 48},
	[KEY_ALG_HS512] = {"HS512", KEY_KIND_OCT, ALG_SIGN, .digest = 64},
};

enum key_curve curve_by_name(const char *name) {
	for (size_t i = KEY_CURVE_NONE + 1; i < ARRAY_SIZE(curves); i++)
		if (strcmp(curves[i].name, name) == 0)
			return (enum key_curve)i;
	return KEY_CURVE_NONE;
}

const char *curve_name(enum key_curve curve) {
	return (size_t)curve < ARRAY_SIZE(curves) ? curves[curve].name : "";
}

unsigned curve_bits(enum key_curve curve) {
	return (size_t)curve < ARRAY_SIZE(curves) ? curves[curve].bits : 0;
}

size_t curve_bytes(enum key_curve curve) {
	return (curve_bits(curve) + 7) / 8;
}

enum key_alg alg_by_name(const char *name) {
	for (size_t i = KEY_ALG_NONE + 1; i < ARRAY_SIZE(algs); i++)
		if (strcmp(algs[i].name, name) == 0)
			return (enum key_alg)i;
	return KEY_ALG_NONE;
}

const struct alg_info *alg_info(enum key_alg alg) {
	return &algs[(size_t)alg < ARRAY_SIZE(algs) ? alg : KEY_ALG_NONE];
}

const char *alg_name(enum key_alg alg) {
	return alg_info(alg)->name;
}
