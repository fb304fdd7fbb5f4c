// SPDX-License-Identifier: Apache-2.0
#include "crypto/alg.h"

#include "crypto/test-util.h"

// RFC 7518, RFC 8812 and Key Vault's own.
static const char *const names[] = {"RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "RS256", "RS384", "RS512", "RSNULL", "PS256", "PS384",
	"PS512", "ES256", "ES256K", "ES384", "ES512", "A128KW", "A192KW", "A256KW", "A128GCM", "A192GCM", "A256GCM", "A128CBC",
	"A192CBC", "A256CBC", "A128CBCPAD", "A192CBCPAD", "A256CBCPAD", "CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD", "HS256",
	"HS384", "HS512"};

static void test_names(void **state _unused_) {
	assert_int_equal(ARRAY_SIZE(names), KEY_ALG_COUNT - 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		enum key_alg alg = alg_by_name(names[i]);
		assert_int_not_equal(alg, KEY_ALG_NONE);
		assert_string_equal(alg_name(alg), names[i]);
		assert_int_not_equal(alg_info(alg)->uses, 0);
		assert_int_not_equal(alg_info(alg)->kind, KEY_KIND_NONE);
	}
	assert_int_equal(alg_by_name("RSA-OAEP"), KEY_ALG_RSA_OAEP);
	assert_int_equal(alg_by_name("RS256"), KEY_ALG_RS256);
	assert_int_equal(alg_by_name("HS512"), KEY_ALG_HS512);
}

static void test_unknown_names(void **state _unused_) {
	static const char *const unknown[] = {"", "none", "rs256", "RSA-OAEP ", "RSA-OAEP-25", "RSA-OAEP-384", "ES256k", "A128CBC-HS256",
		"EdDSA", "A512KW", "HS1"};
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(alg_by_name(unknown[i]), KEY_ALG_NONE);
	assert_string_equal(alg_name(KEY_ALG_NONE), "");
	assert_string_equal(alg_name(KEY_ALG_COUNT), "");
	assert_string_equal(alg_name((enum key_alg)-1), "");
	assert_int_equal(alg_info(KEY_ALG_COUNT)->uses, 0);
}

static void test_info(void **state _unused_) {
	const struct alg_info *es = alg_info(KEY_ALG_ES512);
	assert_int_equal(es->kind, KEY_KIND_EC);
	assert_int_equal(es->uses, ALG_SIGN);
	assert_int_equal(es->digest, 64);
	assert_int_equal(es->curve, KEY_CURVE_P521);
	assert_int_equal(alg_info(KEY_ALG_RSA1_5)->uses, ALG_ENCRYPT | ALG_WRAP);
	assert_int_equal(alg_info(KEY_ALG_RSNULL)->digest, 0);
	assert_int_equal(alg_info(KEY_ALG_A192KW)->uses, ALG_WRAP);
	assert_int_equal(alg_info(KEY_ALG_A192KW)->bits, 192);
	assert_int_equal(alg_info(KEY_ALG_AES_KEY_WRAP)->bits, 0);
}

static void test_curves(void **state _unused_) {
	static const struct {
		const char *name;
		enum key_curve curve;
		unsigned bits;
		size_t bytes;
	} curves[] = {
		{"P-256", KEY_CURVE_P256, 256, 32},
		{"P-256K", KEY_CURVE_P256K, 256, 32},
		{"P-384", KEY_CURVE_P384, 384, 48},
		{"P-521", KEY_CURVE_P521, 521, 66},
	};
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		assert_int_equal(curve_by_name(curves[i].name), curves[i].curve);
		assert_string_equal(curve_name(curves[i].curve), curves[i].name);
		assert_int_equal(curve_bits(curves[i].curve), curves[i].bits);
		assert_int_equal(curve_bytes(curves[i].curve), curves[i].bytes);
	}
	static const char *const unknown[] = {"", "p-256", "P256", "secp256k1", "P-521 ", "P-224"};
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(curve_by_name(unknown[i]), KEY_CURVE_NONE);
	assert_string_equal(curve_name(KEY_CURVE_NONE), "");
	assert_string_equal(curve_name((enum key_curve)99), "");
	assert_int_equal(curve_bytes(KEY_CURVE_NONE), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_curves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
