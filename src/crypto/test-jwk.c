// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include "base/json.h"
#include "base/strv.h"
#include "crypto/test-util.h"
#include "crypto/test-vectors-rsa.h"

static json_t *parse(const char *text) {
	json_t *value = NULL;
	struct err err = {0};
	assert_int_equal(json_parse(text, strlen(text), "BadParameter", &value, &err), 0);
	return value;
}

static void test_rfc7515_key(void **state _unused_) {
	_cleanup_json_ json_t *jwk = json_pack("{ssssss}", "kty", "RSA", "n", rfc7515_a2_n, "e", "AQAB"), *back = NULL;
	struct key_public pub;
	struct err err = {0};
	assert_int_equal(jwk_to_public(jwk, &pub, &err), 0);
	assert_int_equal(pub.n_len, 256);
	assert_int_equal(pub.e_len, 3);

	_cleanup_buf_ struct buf der = test_hex(rfc7515_a2_key);
	_cleanup_pkey_ struct key *key = NULL;
	struct key_public of_private;
	assert_int_equal(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &key, &err), 0);
	assert_int_equal(key_public_of(key, &of_private, &err), 0);
	assert_memory_equal(&pub, &of_private, sizeof(pub));

	assert_int_equal(jwk_from_public(&pub, &back, &err), 0);
	assert_true(json_equal(jwk, back));
}

// A premium vault prints the exponent as AAEAAQ.
static void test_leading_zeros(void **state _unused_) {
	_cleanup_json_ json_t *jwk = parse("{\"kty\":\"RSA\",\"n\":\"AACr\",\"e\":\"AAEAAQ\"}");
	struct key_public pub;
	struct err err = {0};
	assert_int_equal(jwk_to_public(jwk, &pub, &err), 0);
	assert_int_equal(pub.e_len, 3);
	assert_memory_equal(pub.e, "\x01\x00\x01", 3);
	assert_int_equal(pub.n_len, 1);
	assert_int_equal(pub.n[0], 0xab);
}

static void test_refused(void **state _unused_) {
	static const char *const refused[] = {
		"{}",
		"[]",
		"{\"n\":\"qw\",\"e\":\"AQAB\"}",
		"{\"kty\":\"rsa\",\"n\":\"qw\",\"e\":\"AQAB\"}",
		"{\"kty\":\"EC\",\"n\":\"qw\",\"e\":\"AQAB\"}",
		"{\"kty\":1,\"n\":\"qw\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\"}",
		"{\"kty\":\"RSA\",\"n\":171,\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AA\"}",
		"{\"kty\":\"RSA\",\"n\":\"q+\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw==\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qx\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAAAAAAAAAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AAAAAAAAAAAAAQAB\"}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_json_ json_t *jwk = parse(refused[i]);
		struct key_public pub = {.n_len = 4711};
		struct err err = {0};
		if (jwk_to_public(jwk, &pub, &err) != -EINVAL)
			fail_msg("accepted: %s", refused[i]);
		assert_int_equal(err.status, 400);
		assert_int_equal(pub.n_len, 4711);
	}
}

static void test_too_long(void **state _unused_) {
	char n[2 * KEY_RSA_MAX_BYTES];
	memset(n, 'B', sizeof(n) - 1);
	n[sizeof(n) - 1] = 0;
	for (size_t len = 684; len < sizeof(n); len += 339) {  // 513 bytes, then one character short of the buffer
		_cleanup_json_ json_t *jwk = json_pack("{ssss}", "kty", "RSA", "e", "AQAB");
		assert_int_equal(json_set(jwk, "n", json_stringn(n, len)), 0);
		struct key_public pub;
		struct err err = {0};
		assert_int_equal(jwk_to_public(jwk, &pub, &err), -EINVAL);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc7515_key),
		cmocka_unit_test(test_leading_zeros),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
