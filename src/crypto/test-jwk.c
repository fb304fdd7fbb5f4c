// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
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

// RFC 7515 appendix A.3.
#define RFC7515_A3_PUBLIC                                                             \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define RFC7515_A3_D "\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\""

static json_t *rsa_private_jwk(void) {
	return json_pack("{ss ss ss ss ss ss ss ss ss}", "kty", "RSA", "n", rfc7515_a2_n, "e", "AQAB", "d", rfc7515_a2_d, "p",
		rfc7515_a2_p, "q", rfc7515_a2_q, "dp", rfc7515_a2_dp, "dq", rfc7515_a2_dq, "qi", rfc7515_a2_qi);
}

static struct key *private_key_of(json_t *jwk) {
	struct key_private priv = {0};
	struct key *key = NULL;
	struct err err = {0};
	assert_int_equal(jwk_to_private(jwk, &priv, &err), 0);
	if (key_from_private(&priv, &key, &err) < 0)
		fail_msg("%s", err.message);
	key_private_free(&priv);
	return key;
}

static void test_rsa_private(void **state _unused_) {
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi"};
	_cleanup_buf_ struct buf der = test_hex(rfc7515_a2_key);
	for (int missing = 0; missing < 8; missing++) {
		_cleanup_json_ json_t *jwk = rsa_private_jwk();
		for (int i = 0; i < 3; i++)
			if (missing & 1 << i)
				assert_int_equal(json_object_del(jwk, members[3 + i]), 0);
		_cleanup_pkey_ struct key *key = private_key_of(jwk);
		assert_string_equal(json_str(jwk, "n"), rfc7515_a2_n);

		// What was missing was computed: the encoding is that of the whole key.
		_cleanup_secret_ struct secret encoded = {0};
		assert_int_equal(key_encode(key, &encoded, NULL), 0);
		assert_int_equal(encoded.len, der.len);
		assert_memory_equal(encoded.data, der.data, der.len);
	}
}

static void test_ec_private(void **state _unused_) {
	_cleanup_json_ json_t *jwk = parse("{" RFC7515_A3_PUBLIC "," RFC7515_A3_D "}"), *back = NULL;
	_cleanup_json_ json_t *expected = parse("{" RFC7515_A3_PUBLIC "}");
	_cleanup_pkey_ struct key *key = private_key_of(jwk);
	struct key_public pub;
	assert_int_equal(key_public_of(key, &pub, NULL), 0);
	assert_int_equal(jwk_from_public(&pub, &back, NULL), 0);
	assert_true(json_equal(back, expected));

	_cleanup_buf_ struct buf signature = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	static const char input[] = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
				    "bS9pc19yb290Ijp0cnVlfQ";
	static const char text[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	assert_int_equal(dec_base64url(&signature, text, strlen(text)), 0);
	assert_int_equal(hash_sha256(input, strlen(input), digest), 0);
	bool valid = false;
	assert_int_equal(key_verify(key, KEY_ALG_ES256, digest, sizeof(digest), signature.data, signature.len, &valid, NULL), 0);
	assert_true(valid);
}

static void test_oct(void **state _unused_) {
	// A leading zero octet is part of an oct key.
	_cleanup_json_ json_t *jwk = parse("{\"kty\":\"oct-HSM\",\"k\":\"AAECAwQFBgcICQoLDA0ODw\"}"), *back = NULL;
	struct key_public pub;
	assert_int_equal(jwk_to_public(jwk, &pub, NULL), 0);
	assert_int_equal(pub.kind, KEY_KIND_OCT);
	_cleanup_pkey_ struct key *key = private_key_of(jwk);
	_cleanup_secret_ struct secret bytes = {0};
	assert_int_equal(key_encode(key, &bytes, NULL), 0);
	assert_int_equal(bytes.len, 16);
	assert_memory_equal(bytes.data, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16);
	assert_int_equal(jwk_from_public(&pub, &back, NULL), 0);
	assert_int_equal(json_object_size(back), 1);
	assert_string_equal(json_str(back, "kty"), "oct");
}

static void test_hsm_types(void **state _unused_) {
	static const struct {
		const char *kty;
		enum key_kind kind;
	} types[] = {{"EC", KEY_KIND_EC}, {"EC-HSM", KEY_KIND_EC}, {"oct", KEY_KIND_OCT}, {"oct-HSM", KEY_KIND_OCT}, {"RSA", KEY_KIND_RSA},
		{"RSA-HSM", KEY_KIND_RSA}};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_json_ json_t *jwk = parse("{" RFC7515_A3_PUBLIC ",\"n\":\"qw\",\"e\":\"AQAB\"}");
		assert_int_equal(json_set_str(jwk, "kty", types[i].kty), 0);
		struct key_public pub;
		assert_int_equal(jwk_to_public(jwk, &pub, NULL), 0);
		assert_int_equal(pub.kind, types[i].kind);
	}
}

// Coordinates that lack their leading zero octets are padded, and printed in full.
static void test_short_coordinate(void **state _unused_) {
	_cleanup_json_ json_t *jwk = parse("{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"qw\",\"y\":\"AKs\"}"), *back = NULL;
	struct key_public pub;
	assert_int_equal(jwk_to_public(jwk, &pub, NULL), 0);
	assert_int_equal(pub.bits, 521);
	assert_int_equal(pub.x[65], 0xab);
	assert_int_equal(pub.y[65], 0xab);
	for (size_t i = 0; i < 65; i++)
		assert_int_equal(pub.x[i] | pub.y[i], 0);
	assert_int_equal(jwk_from_public(&pub, &back, NULL), 0);
	assert_int_equal(strlen(json_str(back, "x")), 88);
}

static void test_no_key(void **state _unused_) {
	json_t *jwk = NULL;
	struct err err = {0};
	assert_int_equal(jwk_from_public(&(struct key_public){0}, &jwk, &err), -EINVAL);
	assert_null(jwk);
}

static void test_private_refused(void **state _unused_) {
	static const char *const refused[] = {
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\",\"p\":\"qw\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\",\"p\":\"qw\",\"q\":\"!!\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\",\"p\":\"qw\",\"q\":\"qw\",\"qi\":\"\"}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\",\"p\":\"qw\",\"q\":\"qw\",\"dp\":7}",
		"{\"kty\":\"RSA\",\"n\":\"qw\",\"e\":\"AQAB\",\"d\":\"qw\",\"p\":\"qw\",\"q\":\"qw\",\"oth\":[]}",
		"{\"kty\":\"dsa\",\"d\":\"qw\"}",
		"{" RFC7515_A3_PUBLIC "}",
		"{" RFC7515_A3_PUBLIC ",\"d\":\"\"}",
		"{" RFC7515_A3_PUBLIC ",\"d\":\"AAAA\"}",
		"{" RFC7515_A3_PUBLIC ",\"d\":\"_____________________________________________w\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"qw\",\"d\":\"qw\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"qw\",\"d\":\"qw\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"qw\",\"y\":\"_____________________________________________w\",\"d\":\"qw\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-255\",\"x\":\"qw\",\"y\":\"qw\",\"d\":\"qw\"}",
		"{\"kty\":\"EC\",\"x\":\"qw\",\"y\":\"qw\",\"d\":\"qw\"}",
		"{\"kty\":\"oct\"}",
		"{\"kty\":\"oct\",\"k\":\"\"}",
		"{\"kty\":\"oct\",\"k\":[\"qw\"]}",
		"{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_json_ json_t *jwk = parse(refused[i]);
		struct key_private priv = {.pub.n_len = 4711};
		struct err err = {0};
		if (jwk_to_private(jwk, &priv, &err) != -EINVAL)
			fail_msg("accepted: %s", refused[i]);
		assert_int_equal(err.status, 400);
		assert_int_equal(priv.pub.n_len, 4711);
		assert_null(priv.d.data);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rsa_private),
		cmocka_unit_test(test_ec_private),
		cmocka_unit_test(test_oct),
		cmocka_unit_test(test_hsm_types),
		cmocka_unit_test(test_short_coordinate),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_private_refused),
		cmocka_unit_test(test_rfc7515_key),
		cmocka_unit_test(test_leading_zeros),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
