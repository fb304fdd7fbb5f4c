// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa.h"

#include "crypto/hash.h"
#include "crypto/test-util.h"
#include "crypto/test-vectors-rsa.h"

static EVP_PKEY *load(const char *der_hex) {
	_cleanup_buf_ struct buf der = test_hex(der_hex);
	EVP_PKEY *key = NULL;
	struct err err = {0};
	assert_int_equal(rsa_from_private_der(der.data, der.len, &key, &err), 0);
	return key;
}

static void test_sizes(void **state _unused_) {
	assert_true(rsa_bits_allowed(2048) && rsa_bits_allowed(3072) && rsa_bits_allowed(4096));
	static const int64_t refused[] = {-1, 0, 1024, 2047, 2049, 8192, INT64_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_false(rsa_bits_allowed(refused[i]));
	EVP_PKEY *key = NULL;
	struct err err = {0};
	assert_int_equal(rsa_make(1024, &key, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_null(key);
}

static void test_make(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = NULL, *again = NULL, *public = NULL;
	_cleanup_secret_ struct secret der = {0}, plain = {0};
	_cleanup_buf_ struct buf wrapped = {0};
	struct rsa_public pub, same;
	struct err err = {0};
	assert_int_equal(rsa_make(2048, &key, &err), 0);
	assert_int_equal(rsa_public_of(key, &pub, &err), 0);
	assert_int_equal(pub.n_len, 256);
	assert_true(pub.n[0] & 0x80);
	assert_int_equal(pub.e_len, 3);
	assert_memory_equal(pub.e, "\x01\x00\x01", 3);

	assert_int_equal(rsa_private_der(key, &der, &err), 0);
	assert_int_equal(rsa_from_private_der(der.data, der.len, &again, &err), 0);
	assert_int_equal(rsa_public_of(again, &same, &err), 0);
	assert_memory_equal(&pub, &same, sizeof(pub));

	// What the public half wraps, the private half that went through its encoding unwraps.
	assert_int_equal(rsa_from_public(&pub, &public, &err), 0);
	assert_int_equal(rsa_wrap(public, KEY_ALG_RSA_OAEP_256, "hello", 5, &wrapped, &err), 0);
	assert_int_equal(rsa_unwrap(again, KEY_ALG_RSA_OAEP_256, wrapped.data, wrapped.len, &plain, &err), 0);
	assert_int_equal(plain.len, 5);
	assert_memory_equal(plain.data, "hello", 5);
}

static void test_oaep_sha1_vector(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(pkcs1_oaep_10_key);
	_cleanup_buf_ struct buf message = test_hex(pkcs1_oaep_10_1_message), wrapped = test_hex(pkcs1_oaep_10_1_ciphertext);
	_cleanup_secret_ struct secret plain = {0};
	struct err err = {0};
	assert_int_equal(rsa_unwrap(key, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err), 0);
	assert_int_equal(plain.len, message.len);
	assert_memory_equal(plain.data, message.data, message.len);

	// The same bytes under the other hash are no ciphertext.
	_cleanup_secret_ struct secret none = {0};
	assert_int_equal(rsa_unwrap(key, KEY_ALG_RSA_OAEP_256, wrapped.data, wrapped.len, &none, &err), -EINVAL);
	assert_null(none.data);
}

static void test_oaep_sha256_vectors(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(wycheproof_oaep_key);
	char first_refusal[ERR_MESSAGE_MAX] = "";
	for (size_t i = 0; i < ARRAY_SIZE(wycheproof_oaep); i++) {
		_cleanup_buf_ struct buf wrapped = test_hex(wycheproof_oaep[i].ciphertext);
		_cleanup_secret_ struct secret plain = {0};
		struct err err = {0};
		int rc = rsa_unwrap(key, KEY_ALG_RSA_OAEP_256, wrapped.data, wrapped.len, &plain, &err);
		if (wycheproof_oaep[i].message) {
			_cleanup_buf_ struct buf message = test_hex(wycheproof_oaep[i].message);
			assert_int_equal(rc, 0);
			assert_int_equal(plain.len, message.len);
			assert_memory_equal(plain.data, message.len ? message.data : plain.data, message.len);
			continue;
		}
		if (rc != -EINVAL)
			fail_msg("tcId %d (%s) gave %d", wycheproof_oaep[i].tc_id, wycheproof_oaep[i].comment, rc);
		assert_null(plain.data);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, "BadParameter");
		// One message for all of them: the reason would be an oracle.
		if (!first_refusal[0])
			memcpy(first_refusal, err.message, sizeof(first_refusal));
		assert_string_equal(err.message, first_refusal);
	}
}

static void test_wrap_limits(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(rfc7515_a2_key);
	static const enum key_alg algs[] = {KEY_ALG_RSA_OAEP, KEY_ALG_RSA_OAEP_256};
	uint8_t in[256];
	memset(in, 7, sizeof(in));
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		size_t max = alg_max_plaintext(algs[i], 256);
		for (size_t len = 0; len <= max; len += len == 0 ? 1 : max - 1) {
			_cleanup_buf_ struct buf wrapped = {0};
			_cleanup_secret_ struct secret plain = {0};
			struct err err = {0};
			assert_int_equal(rsa_wrap(key, algs[i], in, len, &wrapped, &err), 0);
			assert_int_equal(wrapped.len, 256);
			assert_int_equal(rsa_unwrap(key, algs[i], wrapped.data, wrapped.len, &plain, &err), 0);
			assert_int_equal(plain.len, len);
			assert_memory_equal(plain.data, in, len);
		}
		_cleanup_buf_ struct buf none = {0};
		struct err err = {0};
		assert_int_equal(rsa_wrap(key, algs[i], in, max + 1, &none, &err), -EINVAL);
		assert_string_equal(err.code, "BadParameter");
		assert_int_equal(none.len, 0);
	}
}

static void test_wrap_refuses_other_algorithms(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(rfc7515_a2_key);
	static const enum key_alg algs[] = {KEY_ALG_NONE, KEY_ALG_RS256};
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		_cleanup_buf_ struct buf out = {0};
		_cleanup_secret_ struct secret plain = {0};
		uint8_t in[256] = {0};
		struct err err = {0};
		assert_int_equal(rsa_wrap(key, algs[i], in, 8, &out, &err), -EINVAL);
		assert_int_equal(err.status, 400);
		assert_int_equal(rsa_unwrap(key, algs[i], in, sizeof(in), &plain, &err), -EINVAL);
		assert_null(plain.data);
	}
}

static void test_rs256_rfc7515(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(rfc7515_a2_key);
	_cleanup_buf_ struct buf made = {0}, text = {0};
	struct err err = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	assert_int_equal(hash_sha256(rfc7515_a2_input, strlen(rfc7515_a2_input), digest), 0);
	assert_int_equal(rsa_sign_digest(key, digest, &made, &err), 0);
	assert_int_equal(enc_base64url(&text, made.data, made.len), 0);
	assert_string_equal(buf_cstr(&text), rfc7515_a2_signature);

	assert_int_equal(rsa_verify_digest(key, digest, made.data, made.len, &err), 0);
	assert_int_equal(rsa_verify_digest(key, digest, made.data, made.len - 1, &err), -EBADMSG);
	assert_int_equal(err.status, 401);
	digest[0] ^= 1;
	assert_int_equal(rsa_verify_digest(key, digest, made.data, made.len, &err), -EBADMSG);
}

static void test_rs256_wycheproof(void **state _unused_) {
	_cleanup_buf_ struct buf n = test_hex(wycheproof_rs256_n);
	struct rsa_public pub = {.n_len = n.len, .e = {1, 0, 1}, .e_len = 3};
	memcpy(pub.n, n.data, n.len);
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	struct err err = {0};
	assert_int_equal(rsa_from_public(&pub, &key, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wycheproof_rs256); i++) {
		_cleanup_buf_ struct buf message = test_hex(wycheproof_rs256[i].message);
		_cleanup_buf_ struct buf signature = test_hex(wycheproof_rs256[i].signature);
		uint8_t digest[HASH_SHA256_SIZE];
		assert_int_equal(hash_sha256(message.data, message.len, digest), 0);
		int rc = rsa_verify_digest(key, digest, signature.data, signature.len, &err);
		if (rc != (wycheproof_rs256[i].valid ? 0 : -EBADMSG))
			fail_msg("tcId %d (%s) gave %d", wycheproof_rs256[i].tc_id, wycheproof_rs256[i].comment, rc);
	}
}

static void test_public_refused(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(rfc7515_a2_key), *none = NULL;
	struct rsa_public good;
	struct err err = {0};
	assert_int_equal(rsa_public_of(key, &good, &err), 0);

	struct rsa_public bad[8];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].n_len = 128;                // 1024 bits
	bad[1].n[255] &= 0xfe;             // even modulus
	bad[2].e[2] = 0;                   // even exponent
	bad[3].e[0] = 1, bad[3].e_len = 1; // exponent 1
	bad[4].e_len = 0;                  // no exponent
	bad[5].n_len = 0;
	bad[6].n_len = RSA_MAX_BYTES + 1;
	bad[7].e_len = sizeof(good.e) + 1;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = (struct err){0};
		assert_int_equal(rsa_from_public(&bad[i], &none, &err), -EINVAL);
		assert_int_equal(err.status, 400);
		assert_null(none);
	}
}

static void test_private_refused(void **state _unused_) {
	_cleanup_buf_ struct buf der = test_hex(rfc7515_a2_key);
	_cleanup_pkey_ EVP_PKEY *none = NULL;
	struct err err = {0};
	assert_int_equal(rsa_from_private_der("", 0, &none, &err), -EINVAL);
	assert_int_equal(rsa_from_private_der("garbage", 7, &none, &err), -EINVAL);
	assert_int_equal(rsa_from_private_der(der.data, der.len - 1, &none, &err), -EINVAL);
	assert_int_equal(buf_u8(&der, 0), 0);
	assert_int_equal(rsa_from_private_der(der.data, der.len, &none, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_null(none);
}

// A well-formed PKCS#8 key of another kind: Ed25519, RFC 8410 section 10.3.
static void test_private_of_another_kind(void **state _unused_) {
	_cleanup_buf_ struct buf der =
		test_hex("302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842");
	_cleanup_pkey_ EVP_PKEY *none = NULL;
	struct err err = {0};
	assert_int_equal(rsa_from_private_der(der.data, der.len, &none, &err), -EINVAL);
	assert_null(none);
}

static void test_public_key_does_not_unwrap(void **state _unused_) {
	_cleanup_pkey_ EVP_PKEY *key = load(rfc7515_a2_key), *public = NULL;
	struct rsa_public pub;
	struct err err = {0};
	assert_int_equal(rsa_public_of(key, &pub, &err), 0);
	assert_int_equal(rsa_from_public(&pub, &public, &err), 0);
	_cleanup_buf_ struct buf wrapped = {0}, signature = {0};
	_cleanup_secret_ struct secret plain = {0}, der = {0};
	const uint8_t digest[32] = {0};
	assert_int_equal(rsa_wrap(public, KEY_ALG_RSA_OAEP, "x", 1, &wrapped, &err), 0);
	assert_true(rsa_unwrap(public, KEY_ALG_RSA_OAEP, wrapped.data, wrapped.len, &plain, &err) < 0);
	assert_null(plain.data);
	assert_int_equal(rsa_sign_digest(public, digest, &signature, &err), -EIO);
	assert_int_equal(signature.len, 0);
	assert_int_equal(rsa_private_der(public, &der, &err), -EIO);
	assert_null(der.data);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_make),
		cmocka_unit_test(test_oaep_sha1_vector),
		cmocka_unit_test(test_oaep_sha256_vectors),
		cmocka_unit_test(test_wrap_limits),
		cmocka_unit_test(test_wrap_refuses_other_algorithms),
		cmocka_unit_test(test_rs256_rfc7515),
		cmocka_unit_test(test_rs256_wycheproof),
		cmocka_unit_test(test_public_refused),
		cmocka_unit_test(test_private_refused),
		cmocka_unit_test(test_private_of_another_kind),
		cmocka_unit_test(test_public_key_does_not_unwrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
