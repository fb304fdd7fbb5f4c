// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "crypto/test-util.h"
#include "crypto/test-vectors-rsa.h"

static struct key *load(const char *der_hex) {
	_cleanup_buf_ struct buf der = test_hex(der_hex);
	struct key *key = NULL;
	struct err err = {0};
	assert_int_equal(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &key, &err), 0);
	return key;
}

static struct key *make(struct key_spec spec) {
	struct key *key = NULL;
	struct err err = {0};
	assert_int_equal(key_make(&spec, &key, &err), 0);
	return key;
}

static struct key *make_curve(enum key_curve curve) {
	return make((struct key_spec){.kind = KEY_KIND_EC, .curve = curve});
}

static struct key *make_oct(unsigned bits) {
	return make((struct key_spec){.kind = KEY_KIND_OCT, .bits = bits});
}

static struct key *public_half(const struct key *key) {
	struct key_public pub;
	struct key *half = NULL;
	struct err err = {0};
	assert_int_equal(key_public_of(key, &pub, &err), 0);
	assert_int_equal(key_from_public(&pub, &half, &err), 0);
	return half;
}

static void expect_refused(int rc, const struct err *err) {
	assert_int_equal(rc, -EINVAL);
	assert_int_equal(err->status, 400);
	assert_string_equal(err->code, "BadParameter");
}

// Encryption that must work. ALG_WRAP is a use of every algorithm that encrypts.
static struct key_output encrypt(struct key *key, enum key_alg alg, const struct key_input *in) {
	struct key_output out = {0};
	struct err err = {0};
	if (key_encrypt(key, alg, ALG_WRAP, in, &out, &err) != 0)
		fail_msg("%s: %s", alg_name(alg), err.message);
	return out;
}

static int decrypt(struct key *key, enum key_alg alg, const void *in, size_t len, struct key_output *out, struct err *err) {
	return key_decrypt(key, alg, ALG_WRAP, &(struct key_input){.value = in, .len = len}, out, err);
}

static void expect_opens(struct key *key, enum key_alg alg, const struct key_input *in, const void *plain, size_t len) {
	_cleanup_key_output_ struct key_output out = {0};
	struct err err = {0};
	if (key_decrypt(key, alg, ALG_WRAP, in, &out, &err) != 0)
		fail_msg("%s: %s", alg_name(alg), err.message);
	assert_int_equal(out.value.len, len);
	assert_memory_equal(out.value.data, len > 0 ? plain : out.value.data, len);
}

static void expect_does_not_open(struct key *key, enum key_alg alg, const struct key_input *in, char refusal[ERR_MESSAGE_MAX]) {
	_cleanup_key_output_ struct key_output out = {0};
	struct err err = {0};
	expect_refused(key_decrypt(key, alg, ALG_WRAP, in, &out, &err), &err);
	assert_null(out.value.data);
	// One message for all of them: the reason would be an oracle.
	if (!refusal[0])
		memcpy(refusal, err.message, ERR_MESSAGE_MAX);
	assert_string_equal(err.message, refusal);
}

// Specifications.

static void test_spec(void **state _unused_) {
	static const struct key_spec good[] = {
		{.kind = KEY_KIND_RSA, .bits = 2048},
		{.kind = KEY_KIND_RSA, .bits = 3072, .exponent = 3},
		{.kind = KEY_KIND_RSA, .bits = 4096, .exponent = UINT32_MAX},
		{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256},
		{.kind = KEY_KIND_EC, .curve = KEY_CURVE_P521, .bits = 7},
		{.kind = KEY_KIND_OCT, .bits = 128},
		{.kind = KEY_KIND_OCT, .bits = 192},
		{.kind = KEY_KIND_OCT, .bits = 256},
	};
	static const struct key_spec bad[] = {
		{.kind = KEY_KIND_NONE},
		{.kind = (enum key_kind)99, .bits = 2048},
		{.kind = KEY_KIND_RSA},
		{.kind = KEY_KIND_RSA, .bits = 1024},
		{.kind = KEY_KIND_RSA, .bits = 2047},
		{.kind = KEY_KIND_RSA, .bits = 2049},
		{.kind = KEY_KIND_RSA, .bits = 8192},
		{.kind = KEY_KIND_RSA, .bits = 2048, .exponent = 1},
		{.kind = KEY_KIND_RSA, .bits = 2048, .exponent = 2},
		{.kind = KEY_KIND_RSA, .bits = 2048, .exponent = 65536},
		{.kind = KEY_KIND_EC},
		{.kind = KEY_KIND_EC, .curve = (enum key_curve)99},
		{.kind = KEY_KIND_OCT},
		{.kind = KEY_KIND_OCT, .bits = 64},
		{.kind = KEY_KIND_OCT, .bits = 512},
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(key_spec_check(&good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct key *key = NULL;
		struct err err = {0};
		expect_refused(key_spec_check(&bad[i], &err), &err);
		expect_refused(key_make(&bad[i], &key, &err), &err);
		assert_null(key);
	}
}

// What each kind of key is after it was made, after it was encoded, and in its public half.

static void expect_same(const struct key *a, const struct key *b) {
	struct key_public one, other;
	assert_int_equal(key_kind(a), key_kind(b));
	assert_int_equal(key_bits(a), key_bits(b));
	assert_int_equal(key_public_of(a, &one, NULL), 0);
	assert_int_equal(key_public_of(b, &other, NULL), 0);
	assert_memory_equal(&one, &other, sizeof(one));
}

static struct key *reencode(const struct key *key) {
	_cleanup_secret_ struct secret encoded = {0};
	struct key *again = NULL;
	struct err err = {0};
	assert_int_equal(key_encode(key, &encoded, &err), 0);
	assert_int_equal(key_from_encoded(key_kind(key), encoded.data, encoded.len, &again, &err), 0);
	expect_same(key, again);
	return again;
}

static void test_make_rsa(void **state _unused_) {
	_cleanup_pkey_ struct key *key = make((struct key_spec){.kind = KEY_KIND_RSA, .bits = 2048});
	_cleanup_pkey_ struct key *again = reencode(key), *public = public_half(key);
	struct key_public pub;
	assert_int_equal(key_public_of(key, &pub, NULL), 0);
	assert_int_equal(pub.kind, KEY_KIND_RSA);
	assert_int_equal(pub.bits, 2048);
	assert_int_equal(pub.n_len, 256);
	assert_true(pub.n[0] & 0x80);
	assert_int_equal(pub.e_len, 3);
	assert_memory_equal(pub.e, "\x01\x00\x01", 3);

	// What the public half wraps, the private half that went through its encoding unwraps.
	_cleanup_key_output_ struct key_output wrapped =
		encrypt(public, KEY_ALG_RSA_OAEP_256, &(struct key_input){.value = "hello", .len = 5});
	const struct key_input in = {.value = wrapped.value.data, .len = wrapped.value.len};
	expect_opens(again, KEY_ALG_RSA_OAEP_256, &in, "hello", 5);
}

static void test_make_exponent(void **state _unused_) {
	_cleanup_pkey_ struct key *three = make((struct key_spec){.kind = KEY_KIND_RSA, .bits = 2048, .exponent = 3});
	_cleanup_pkey_ struct key *large = make((struct key_spec){.kind = KEY_KIND_RSA, .bits = 2048, .exponent = 0xfffffffb});
	struct key_public pub;
	assert_int_equal(key_public_of(three, &pub, NULL), 0);
	assert_int_equal(pub.e_len, 1);
	assert_int_equal(pub.e[0], 3);
	assert_int_equal(key_public_of(large, &pub, NULL), 0);
	assert_int_equal(pub.e_len, 4);
	assert_memory_equal(pub.e, "\xff\xff\xff\xfb", 4);
}

static void test_make_ec(void **state _unused_) {
	static const enum key_curve curves[] = {KEY_CURVE_P256, KEY_CURVE_P256K, KEY_CURVE_P384, KEY_CURVE_P521};
	for (size_t i = 0; i < ARRAY_SIZE(curves); i++) {
		_cleanup_pkey_ struct key *key = make_curve(curves[i]), *again = reencode(key), *public = public_half(key);
		struct key_public pub;
		assert_int_equal(key_public_of(public, &pub, NULL), 0);
		assert_int_equal(pub.kind, KEY_KIND_EC);
		assert_int_equal(pub.curve, curves[i]);
		assert_int_equal(pub.bits, curve_bits(curves[i]));
		expect_same(again, public);
	}
}

static void test_make_oct(void **state _unused_) {
	for (unsigned bits = 128; bits <= 256; bits += 64) {
		_cleanup_pkey_ struct key *key = make_oct(bits), *other = make_oct(bits), *again = reencode(key);
		_cleanup_secret_ struct secret a = {0}, b = {0}, c = {0};
		assert_int_equal(key_encode(key, &a, NULL), 0);
		assert_int_equal(key_encode(other, &b, NULL), 0);
		assert_int_equal(key_encode(again, &c, NULL), 0);
		assert_int_equal(a.len, bits / 8);
		assert_memory_not_equal(a.data, b.data, a.len);
		assert_memory_equal(a.data, c.data, a.len);
		struct key_public pub;
		assert_int_equal(key_public_of(key, &pub, NULL), 0);
		assert_int_equal(pub.kind, KEY_KIND_OCT);
		assert_int_equal(pub.bits, bits);
		struct key *none = NULL;
		struct err err = {0};
		expect_refused(key_from_public(&pub, &none, &err), &err);
		assert_null(none);
	}
}

static void test_counted(void **state _unused_) {
	struct key *key = make_oct(128);
	assert_ptr_equal(key_ref(key), key);
	key_unref(key);
	assert_int_equal(key_bits(key), 128);
	key_unref(key);
	key_unref(NULL);
}

// RSA encryption.

static void test_oaep_sha1_vector(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(pkcs1_oaep_10_key);
	_cleanup_buf_ struct buf message = test_hex(pkcs1_oaep_10_1_message), wrapped = test_hex(pkcs1_oaep_10_1_ciphertext);
	const struct key_input in = {.value = wrapped.data, .len = wrapped.len};
	expect_opens(key, KEY_ALG_RSA_OAEP, &in, message.data, message.len);
	// The same bytes under the other hash are no ciphertext.
	expect_does_not_open(key, KEY_ALG_RSA_OAEP_256, &in, (char[ERR_MESSAGE_MAX]){0});
}

static void test_oaep_sha256_vectors(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(wycheproof_oaep_key);
	char refusal[ERR_MESSAGE_MAX] = "";
	for (size_t i = 0; i < ARRAY_SIZE(wycheproof_oaep); i++) {
		_cleanup_buf_ struct buf wrapped = test_hex(wycheproof_oaep[i].ciphertext);
		const struct key_input in = {.value = wrapped.data, .len = wrapped.len};
		if (!wycheproof_oaep[i].message) {
			expect_does_not_open(key, KEY_ALG_RSA_OAEP_256, &in, refusal);
			continue;
		}
		_cleanup_buf_ struct buf message = test_hex(wycheproof_oaep[i].message);
		expect_opens(key, KEY_ALG_RSA_OAEP_256, &in, message.data, message.len);
	}
}

static void test_rsa_limits(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key);
	static const struct {
		enum key_alg alg;
		size_t max;
	} limits[] = {{KEY_ALG_RSA_OAEP, 214}, {KEY_ALG_RSA_OAEP_256, 190}, {KEY_ALG_RSA1_5, 245}};
	uint8_t in[256];
	memset(in, 7, sizeof(in));
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		size_t max = limits[i].max;
		for (size_t len = 0; len <= max; len += len == 0 ? 1 : max - 1) {
			_cleanup_key_output_ struct key_output wrapped =
				encrypt(key, limits[i].alg, &(struct key_input){.value = len ? in : NULL, .len = len});
			assert_int_equal(wrapped.value.len, 256);
			assert_int_equal(wrapped.iv_len + wrapped.tag_len, 0);
			expect_opens(key, limits[i].alg, &(struct key_input){.value = wrapped.value.data, .len = 256}, in, len);
		}
		_cleanup_key_output_ struct key_output none = {0};
		struct err err = {0};
		const struct key_input too_long = {.value = in, .len = max + 1};
		expect_refused(key_encrypt(key, limits[i].alg, ALG_ENCRYPT, &too_long, &none, &err), &err);
		assert_null(none.value.data);
	}
}

static void test_rsa_takes_no_extras(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key);
	uint8_t zeros[256] = {0};
	const struct key_input bad[] = {
		{.value = zeros, .len = 16, .iv = zeros, .iv_len = 16},
		{.value = zeros, .len = 16, .aad = zeros, .aad_len = 1},
		{.value = zeros, .len = 16, .tag = zeros, .tag_len = 16},
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_key_output_ struct key_output none = {0};
		struct err err = {0};
		expect_refused(key_encrypt(key, KEY_ALG_RSA_OAEP, ALG_WRAP, &bad[i], &none, &err), &err);
		expect_refused(key_decrypt(key, KEY_ALG_RSA_OAEP, ALG_WRAP, &bad[i], &none, &err), &err);
		assert_null(none.value.data);
	}
}

// Where OpenSSL answers a bad padding with random bytes, it opens to others than those.
static void test_rsa1_5_tampered(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key);
	_cleanup_key_output_ struct key_output wrapped =
		encrypt(key, KEY_ALG_RSA1_5, &(struct key_input){.value = "secret bytes", .len = 12});
	for (size_t i = 0; i < 256; i += 17) {
		uint8_t bad[256];
		memcpy(bad, wrapped.value.data, sizeof(bad));
		bad[i] ^= 0x10;
		_cleanup_key_output_ struct key_output out = {0};
		struct err err = {0};
		int rc = decrypt(key, KEY_ALG_RSA1_5, bad, sizeof(bad), &out, &err);
		assert_true(rc == -EINVAL || out.value.len != 12 || memcmp(out.value.data, "secret bytes", 12) != 0);
	}
	char refusal[ERR_MESSAGE_MAX] = "";
	uint8_t large[257] = {0};
	memcpy(large + 1, wrapped.value.data, 256);
	expect_does_not_open(key, KEY_ALG_RSA1_5, &(struct key_input){.value = large, .len = 257}, refusal);
	expect_does_not_open(key, KEY_ALG_RSA1_5, &(struct key_input){.value = wrapped.value.data, .len = 255}, refusal);
	expect_does_not_open(key, KEY_ALG_RSA1_5, &(struct key_input){0}, refusal);
	memset(large, 0xff, sizeof(large));
	expect_does_not_open(key, KEY_ALG_RSA1_5, &(struct key_input){.value = large, .len = 256}, refusal);
}

// RSA signatures.

static bool verifies(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature, size_t n) {
	bool valid = false;
	struct err err = {0};
	if (key_verify(key, alg, digest, len, signature, n, &valid, &err) != 0)
		fail_msg("%s: %s", alg_name(alg), err.message);
	return valid;
}

// What one half of a key signs the other verifies, and nothing near it.
static void expect_signs(struct key *key, struct key *public, enum key_alg alg, size_t signature_len) {
	_cleanup_buf_ struct buf signature = {0};
	struct err err = {0};
	uint8_t digest[65] = {1, 2, 3};
	size_t len = alg_info(alg)->digest ? alg_info(alg)->digest : 51;
	assert_int_equal(key_sign(key, alg, digest, len, &signature, &err), 0);
	assert_int_equal(signature.len, signature_len);
	assert_true(verifies(public, alg, digest, len, signature.data, signature.len));

	assert_false(verifies(public, alg, digest, len, signature.data, signature.len - 1));
	assert_false(verifies(public, alg, digest, len, signature.data, 0));
	assert_int_equal(buf_u8(&signature, 0), 0);
	assert_false(verifies(public, alg, digest, len, signature.data, signature.len));
	signature.data[signature_len / 2] ^= 1;
	assert_false(verifies(public, alg, digest, len, signature.data, signature_len));
	signature.data[signature_len / 2] ^= 1;
	digest[len - 1] ^= 1;
	assert_false(verifies(public, alg, digest, len, signature.data, signature_len));

	if (alg_info(alg)->digest == 0)
		return;
	_cleanup_buf_ struct buf none = {0};
	for (size_t bad = 0; bad <= sizeof(digest); bad += len - 1) {
		bool valid = true;
		expect_refused(key_sign(key, alg, digest, bad, &none, &err), &err);
		expect_refused(key_verify(public, alg, digest, bad, signature.data, signature_len, &valid, &err), &err);
		assert_int_equal(none.len, 0);
		assert_true(valid);
	}
}

static void test_rsa_signatures(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key), *public = public_half(key);
	static const enum key_alg algs[] = {KEY_ALG_RS256, KEY_ALG_RS384, KEY_ALG_RS512, KEY_ALG_PS256, KEY_ALG_PS384, KEY_ALG_PS512,
		KEY_ALG_RSNULL};
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		expect_signs(key, public, algs[i], 256);
}

static void test_rs256_rfc7515(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key);
	_cleanup_buf_ struct buf made = {0}, text = {0};
	struct err err = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	assert_int_equal(hash_sha256(rfc7515_a2_input, strlen(rfc7515_a2_input), digest), 0);
	assert_int_equal(key_sign(key, KEY_ALG_RS256, digest, sizeof(digest), &made, &err), 0);
	assert_int_equal(enc_base64url(&text, made.data, made.len), 0);
	assert_string_equal(buf_cstr(&text), rfc7515_a2_signature);
	assert_false(verifies(key, KEY_ALG_PS256, digest, sizeof(digest), made.data, made.len));

	// A DigestInfo that the caller puts together (RFC 8017 section 9.2) makes RSNULL the same as RS256.
	_cleanup_buf_ struct buf info = test_hex("3031300d060960864801650304020105000420"), raw = {0};
	assert_int_equal(buf_append(&info, digest, sizeof(digest)), 0);
	assert_int_equal(key_sign(key, KEY_ALG_RSNULL, info.data, info.len, &raw, &err), 0);
	assert_int_equal(raw.len, made.len);
	assert_memory_equal(raw.data, made.data, made.len);
	assert_true(verifies(key, KEY_ALG_RSNULL, info.data, info.len, made.data, made.len));
}

static void test_rsnull_limits(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key);
	_cleanup_buf_ struct buf signature = {0}, none = {0};
	uint8_t in[246] = {9};
	struct err err = {0};
	bool valid = true;
	assert_int_equal(key_sign(key, KEY_ALG_RSNULL, in, 245, &signature, &err), 0);
	assert_true(verifies(key, KEY_ALG_RSNULL, in, 245, signature.data, signature.len));
	expect_refused(key_sign(key, KEY_ALG_RSNULL, in, 246, &none, &err), &err);
	expect_refused(key_sign(key, KEY_ALG_RSNULL, in, 0, &none, &err), &err);
	expect_refused(key_verify(key, KEY_ALG_RSNULL, in, 246, signature.data, signature.len, &valid, &err), &err);
	assert_int_equal(none.len, 0);
}

static void test_rs256_wycheproof(void **state _unused_) {
	_cleanup_buf_ struct buf n = test_hex(wycheproof_rs256_n);
	struct key_public pub = {.kind = KEY_KIND_RSA, .n_len = n.len, .e = {1, 0, 1}, .e_len = 3};
	memcpy(pub.n, n.data, n.len);
	_cleanup_pkey_ struct key *key = NULL;
	struct err err = {0};
	assert_int_equal(key_from_public(&pub, &key, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wycheproof_rs256); i++) {
		_cleanup_buf_ struct buf message = test_hex(wycheproof_rs256[i].message);
		_cleanup_buf_ struct buf signature = test_hex(wycheproof_rs256[i].signature);
		uint8_t digest[HASH_SHA256_SIZE];
		assert_int_equal(hash_sha256(message.data, message.len, digest), 0);
		if (verifies(key, KEY_ALG_RS256, digest, sizeof(digest), signature.data, signature.len) != wycheproof_rs256[i].valid)
			fail_msg("tcId %d (%s)", wycheproof_rs256[i].tc_id, wycheproof_rs256[i].comment);
	}
}

// The text of a JOSE example, in its base64url.
static struct buf text_bytes(const char *text) {
	struct buf out = {0};
	assert_int_equal(dec_base64url(&out, text, strlen(text)), 0);
	return out;
}

static void test_ps384_rfc7520(void **state _unused_) {
	_cleanup_buf_ struct buf n = text_bytes(rfc7520_4_2_n), signature = text_bytes(rfc7520_4_2_signature);
	struct key_public pub = {.kind = KEY_KIND_RSA, .n_len = n.len, .e = {1, 0, 1}, .e_len = 3};
	memcpy(pub.n, n.data, n.len);
	_cleanup_pkey_ struct key *key = NULL;
	assert_int_equal(key_from_public(&pub, &key, NULL), 0);
	uint8_t digest[48];
	size_t len = 0;
	assert_int_equal(EVP_Q_digest(NULL, "SHA384", NULL, rfc7520_4_2_input, strlen(rfc7520_4_2_input), digest, &len), 1);
	assert_true(verifies(key, KEY_ALG_PS384, digest, len, signature.data, signature.len));
	assert_false(verifies(key, KEY_ALG_RS384, digest, len, signature.data, signature.len));
	digest[0] ^= 1;
	assert_false(verifies(key, KEY_ALG_PS384, digest, len, signature.data, signature.len));
}

// EC signatures.

static const struct {
	enum key_curve curve;
	enum key_alg alg;
	size_t signature_len;
} ecdsa[] = {
	{KEY_CURVE_P256, KEY_ALG_ES256, 64},
	{KEY_CURVE_P256K, KEY_ALG_ES256K, 64},
	{KEY_CURVE_P384, KEY_ALG_ES384, 96},
	{KEY_CURVE_P521, KEY_ALG_ES512, 132},
};

static void test_ec_signatures(void **state _unused_) {
	for (size_t i = 0; i < ARRAY_SIZE(ecdsa); i++) {
		_cleanup_pkey_ struct key *key = make_curve(ecdsa[i].curve), *public = public_half(key);
		// r and s that begin with a zero octet come by about once in 256.
		for (int n = 0; n < 40; n++)
			expect_signs(key, public, ecdsa[i].alg, ecdsa[i].signature_len);
		uint8_t digest[64] = {5}, zeros[132] = {0}, ones[132];
		memset(ones, 0xff, sizeof(ones));
		size_t len = alg_info(ecdsa[i].alg)->digest;
		assert_false(verifies(public, ecdsa[i].alg, digest, len, zeros, ecdsa[i].signature_len));
		assert_false(verifies(public, ecdsa[i].alg, digest, len, ones, ecdsa[i].signature_len));
	}
}

// r and s lie between 1 and the order less one.
static void test_ec_range(void **state _unused_) {
	_cleanup_pkey_ struct key *key = make_curve(KEY_CURVE_P256);
	_cleanup_buf_ struct buf order = test_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"), signature = {0};
	uint8_t digest[32] = {7};
	assert_int_equal(key_sign(key, KEY_ALG_ES256, digest, 32, &signature, NULL), 0);
	for (size_t at = 0; at < 64; at += 32) {
		uint8_t bad[64];
		memcpy(bad, signature.data, 64);
		memset(bad + at, 0, 32);
		assert_false(verifies(key, KEY_ALG_ES256, digest, 32, bad, 64));
		memcpy(bad + at, order.data, 32);
		assert_false(verifies(key, KEY_ALG_ES256, digest, 32, bad, 64));
		memset(bad + at, 0xff, 32);
		assert_false(verifies(key, KEY_ALG_ES256, digest, 32, bad, 64));
	}
	assert_true(verifies(key, KEY_ALG_ES256, digest, 32, signature.data, 64));
}

static void test_ec_curve_must_match(void **state _unused_) {
	uint8_t digest[64] = {0}, signature[132] = {0};
	for (size_t k = 0; k < ARRAY_SIZE(ecdsa); k++) {
		_cleanup_pkey_ struct key *key = make_curve(ecdsa[k].curve);
		for (size_t a = 0; a < ARRAY_SIZE(ecdsa); a++) {
			if (a == k)
				continue;
			_cleanup_buf_ struct buf none = {0};
			bool valid = true;
			struct err err = {0};
			size_t len = alg_info(ecdsa[a].alg)->digest;
			expect_refused(key_sign(key, ecdsa[a].alg, digest, len, &none, &err), &err);
			int rc = key_verify(key, ecdsa[a].alg, digest, len, signature, ecdsa[a].signature_len, &valid, &err);
			expect_refused(rc, &err);
			assert_int_equal(none.len, 0);
			assert_true(valid);
		}
	}
}

// AES.

static const struct {
	enum key_alg alg;
	unsigned bits;
} aes_algs[] = {
	{KEY_ALG_A128KW, 128}, {KEY_ALG_A192KW, 192}, {KEY_ALG_A256KW, 256}, {KEY_ALG_A128GCM, 128}, {KEY_ALG_A192GCM, 192},
	{KEY_ALG_A256GCM, 256}, {KEY_ALG_A128CBC, 128}, {KEY_ALG_A192CBC, 192}, {KEY_ALG_A256CBC, 256}, {KEY_ALG_A128CBCPAD, 128},
	{KEY_ALG_A192CBCPAD, 192}, {KEY_ALG_A256CBCPAD, 256},
};

static void test_aes_sizes_must_match(void **state _unused_) {
	uint8_t zeros[32] = {0};
	for (unsigned bits = 128; bits <= 256; bits += 64) {
		_cleanup_pkey_ struct key *key = make_oct(bits);
		for (size_t i = 0; i < ARRAY_SIZE(aes_algs); i++) {
			if (aes_algs[i].bits == bits)
				continue;
			_cleanup_key_output_ struct key_output none = {0};
			struct err err = {0};
			const struct key_input in = {.value = zeros, .len = 32, .iv = zeros, .iv_len = 16};
			expect_refused(key_encrypt(key, aes_algs[i].alg, ALG_WRAP, &in, &none, &err), &err);
			assert_non_null(strstr(err.message, "key size is incorrect"));
			expect_refused(key_decrypt(key, aes_algs[i].alg, ALG_WRAP, &in, &none, &err), &err);
			assert_null(none.value.data);
		}
	}
}

static bool is_cbc(enum key_alg alg) {
	return alg >= KEY_ALG_A128CBC && alg <= KEY_ALG_A256CBCPAD;
}

static void test_aes_round_trips(void **state _unused_) {
	static const size_t lengths[] = {0, 1, 7, 8, 15, 16, 24, 31, 32, 33, 1000, 8192};
	static uint8_t in[8192], iv[16];
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	for (size_t a = 0; a < ARRAY_SIZE(aes_algs) + 2; a++) {
		enum key_alg alg = a < ARRAY_SIZE(aes_algs)    ? aes_algs[a].alg
				   : a == ARRAY_SIZE(aes_algs) ? KEY_ALG_AES_KEY_WRAP
							       : KEY_ALG_AES_KEY_WRAP_PAD;
		bool gcm = alg >= KEY_ALG_A128GCM && alg <= KEY_ALG_A256GCM;
		bool kw = alg <= KEY_ALG_A256KW || alg == KEY_ALG_AES_KEY_WRAP;
		bool cbc = alg >= KEY_ALG_A128CBC && alg <= KEY_ALG_A256CBC;
		_cleanup_pkey_ struct key *key = make_oct(a < ARRAY_SIZE(aes_algs) ? aes_algs[a].bits : 192);
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			size_t len = lengths[i];
			const struct key_input plain = {.value = in, .len = len, .iv = iv, .iv_len = is_cbc(alg) ? 16 : 0, .aad = "aad",
				.aad_len = gcm ? 3 : 0};
			bool fits = kw	  ? len >= 16 && len % 8 == 0
				    : cbc ? len > 0 && len % 16 == 0
					  : alg != KEY_ALG_AES_KEY_WRAP_PAD || len > 0;
			if (!fits) {
				_cleanup_key_output_ struct key_output none = {0};
				struct err err = {0};
				expect_refused(key_encrypt(key, alg, ALG_WRAP, &plain, &none, &err), &err);
				assert_null(none.value.data);
				continue;
			}
			_cleanup_key_output_ struct key_output made = encrypt(key, alg, &plain);
			assert_int_equal(made.value.len, gcm || cbc    ? len
							 : kw	       ? len + 8
							 : is_cbc(alg) ? len / 16 * 16 + 16
								       : (len + 7) / 8 * 8 + 8);
			assert_int_equal(made.iv_len, gcm ? 12 : is_cbc(alg) ? 16 : 0);
			assert_int_equal(made.tag_len, gcm ? 16 : 0);
			struct key_input sealed = {.value = made.value.data, .len = made.value.len, .iv = made.iv, .iv_len = made.iv_len,
				.aad = plain.aad, .aad_len = plain.aad_len, .tag = made.tag, .tag_len = made.tag_len};
			expect_opens(key, alg, &sealed, in, len);
		}
	}
}

// Whatever is changed of what GCM authenticates.
static void test_gcm_tampered(void **state _unused_) {
	_cleanup_pkey_ struct key *key = make_oct(256);
	_cleanup_key_output_ struct key_output made =
		encrypt(key, KEY_ALG_A256GCM, &(struct key_input){.value = "plaintext", .len = 9, .aad = "aad", .aad_len = 3});
	_cleanup_key_output_ struct key_output other =
		encrypt(key, KEY_ALG_A256GCM, &(struct key_input){.value = "plaintext", .len = 9});
	assert_memory_not_equal(made.iv, other.iv, 12);
	const struct key_input good = {.value = made.value.data, .len = 9, .iv = made.iv, .iv_len = 12, .aad = "aad", .aad_len = 3,
		.tag = made.tag, .tag_len = 16};
	expect_opens(key, KEY_ALG_A256GCM, &good, "plaintext", 9);

	char refusal[ERR_MESSAGE_MAX] = "";
	uint8_t *parts[] = {made.value.data, made.iv, made.tag, made.tag + 15};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		*parts[i] ^= 1;
		expect_does_not_open(key, KEY_ALG_A256GCM, &good, refusal);
		*parts[i] ^= 1;
	}
	struct key_input bad = good;
	bad.aad = "aae";
	expect_does_not_open(key, KEY_ALG_A256GCM, &bad, refusal);
	bad = good, bad.aad_len = 0;
	expect_does_not_open(key, KEY_ALG_A256GCM, &bad, refusal);
	bad = good, bad.len = 8;
	expect_does_not_open(key, KEY_ALG_A256GCM, &bad, refusal);
}

static void test_aes_parameters(void **state _unused_) {
	_cleanup_pkey_ struct key *key = make_oct(128);
	static const uint8_t zeros[32] = {0};
#define WITH(alg, ...) {alg, {.value = zeros, .len = 32, __VA_ARGS__}}
	static const struct {
		enum key_alg alg;
		struct key_input in;
	} encrypting[] = {
		WITH(KEY_ALG_A128GCM, .iv = zeros, .iv_len = 12),
		WITH(KEY_ALG_A128GCM, .tag = zeros, .tag_len = 16),
		WITH(KEY_ALG_A128CBC, .iv_len = 0),
		WITH(KEY_ALG_A128CBC, .iv = zeros, .iv_len = 12),
		WITH(KEY_ALG_A128CBC, .iv = zeros, .iv_len = 17),
		WITH(KEY_ALG_A128CBC, .iv = zeros, .iv_len = 16, .aad = zeros, .aad_len = 1),
		WITH(KEY_ALG_A128CBCPAD, .iv = zeros, .iv_len = 16, .tag = zeros, .tag_len = 16),
		WITH(KEY_ALG_A128CBCPAD, .iv_len = 0),
		WITH(KEY_ALG_A128KW, .iv = zeros, .iv_len = 8),
		WITH(KEY_ALG_A128KW, .aad = zeros, .aad_len = 8),
		WITH(KEY_ALG_AES_KEY_WRAP, .tag = zeros, .tag_len = 16),
		WITH(KEY_ALG_AES_KEY_WRAP_PAD, .iv = zeros, .iv_len = 4),
	}, decrypting[] = {
		WITH(KEY_ALG_A128GCM, .iv = zeros, .iv_len = 12),
		WITH(KEY_ALG_A128GCM, .tag = zeros, .tag_len = 16),
		WITH(KEY_ALG_A128GCM, .iv = zeros, .iv_len = 12, .tag = zeros, .tag_len = 12),
		WITH(KEY_ALG_A128GCM, .iv = zeros, .iv_len = 12, .tag = zeros, .tag_len = 17),
		WITH(KEY_ALG_A128GCM, .iv = zeros, .iv_len = 16, .tag = zeros, .tag_len = 16),
		WITH(KEY_ALG_A128CBC, .iv = zeros, .iv_len = 15),
		WITH(KEY_ALG_A128CBCPAD, .iv_len = 0),
		WITH(KEY_ALG_A128KW, .iv = zeros, .iv_len = 8),
		WITH(KEY_ALG_AES_KEY_WRAP_PAD, .aad = zeros, .aad_len = 1),
	};
#undef WITH
	for (size_t i = 0; i < ARRAY_SIZE(encrypting); i++) {
		_cleanup_key_output_ struct key_output none = {0};
		struct err err = {0};
		expect_refused(key_encrypt(key, encrypting[i].alg, ALG_WRAP, &encrypting[i].in, &none, &err), &err);
		assert_null(none.value.data);
	}
	for (size_t i = 0; i < ARRAY_SIZE(decrypting); i++) {
		_cleanup_key_output_ struct key_output none = {0};
		struct err err = {0};
		expect_refused(key_decrypt(key, decrypting[i].alg, ALG_WRAP, &decrypting[i].in, &none, &err), &err);
		assert_null(none.value.data);
	}
}

// Every byte changed and every length cut reads the same.
static void test_key_wrap_tampered(void **state _unused_) {
	static const enum key_alg algs[] = {KEY_ALG_A256KW, KEY_ALG_AES_KEY_WRAP, KEY_ALG_AES_KEY_WRAP_PAD};
	_cleanup_pkey_ struct key *key = make_oct(256);
	for (size_t a = 0; a < ARRAY_SIZE(algs); a++) {
		_cleanup_key_output_ struct key_output made =
			encrypt(key, algs[a], &(struct key_input){.value = "0123456789abcdef", .len = 16});
		char refusal[ERR_MESSAGE_MAX] = "";
		for (size_t len = 0; len < made.value.len; len++)
			expect_does_not_open(key, algs[a], &(struct key_input){.value = made.value.data, .len = len}, refusal);
		for (size_t i = 0; i < made.value.len; i++) {
			const struct key_input bad = {.value = made.value.data, .len = made.value.len};
			made.value.data[i] ^= 0x80;
			expect_does_not_open(key, algs[a], &bad, refusal);
			made.value.data[i] ^= 0x80;
		}
	}
}

// Padding that PKCS #7 (RFC 5652 section 6.3) does not make: CBC without padding writes it.
static void test_cbc_padding(void **state _unused_) {
	static const uint8_t iv[16] = {1};
	static const struct {
		uint8_t last[4];
		size_t opens_to;  // bytes, SIZE_MAX when it does not open
	} blocks[] = {
		{{0, 0, 0, 1}, 31},
		{{0, 0, 2, 2}, 30},
		{{4, 4, 4, 4}, 28},
		{{0, 0, 0, 0}, SIZE_MAX},
		{{0, 0, 1, 2}, SIZE_MAX},
		{{4, 4, 5, 4}, SIZE_MAX},
		{{0, 0, 0, 16}, SIZE_MAX},
		{{0, 0, 0, 17}, SIZE_MAX},
		{{255, 255, 255, 255}, SIZE_MAX},
	};
	_cleanup_pkey_ struct key *key = make_oct(256);
	char refusal[ERR_MESSAGE_MAX] = "";
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		uint8_t plain[32] = {0};
		memcpy(plain + 28, blocks[i].last, 4);
		_cleanup_key_output_ struct key_output made =
			encrypt(key, KEY_ALG_A256CBC, &(struct key_input){.value = plain, .len = 32, .iv = iv, .iv_len = 16});
		struct key_input in = {.value = made.value.data, .len = 32, .iv = made.iv, .iv_len = 16};
		if (blocks[i].opens_to == SIZE_MAX)
			expect_does_not_open(key, KEY_ALG_A256CBCPAD, &in, refusal);
		else
			expect_opens(key, KEY_ALG_A256CBCPAD, &in, plain, blocks[i].opens_to);
		in.len = 31;
		expect_does_not_open(key, KEY_ALG_A256CBCPAD, &in, refusal);
		in.len = 0;
		expect_does_not_open(key, KEY_ALG_A256CBCPAD, &in, refusal);
	}
}

static void test_hmac(void **state _unused_) {
	static const enum key_alg algs[] = {KEY_ALG_HS256, KEY_ALG_HS384, KEY_ALG_HS512};
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		_cleanup_pkey_ struct key *key = make_oct(256);
		expect_signs(key, key, algs[i], alg_info(algs[i])->digest);
	}
	// Bytes 0, 1, 2, … as key and as digest; computed with Python's hmac.
	static const char *const expected[] = {
		"e8499be4f1980d68f13222a418df5cbd97d53fddf590c2108e22d40005b70713",
		"77a8d06f03fdf10e07163368848560ab01a2526748bf6b5eb28a06a09ebaada19e8c1e6792f64336281af75a0f879074",
		("2592ee5d893826f1be2d666a5a1a7e1c7f8aa2ba275ad3151bfdf182659b64a5a277c2b501164bfddc5d236e29c3e6304a1907c68ffea24b"
		 "44f54819d9ca5c45"),
	};
	uint8_t bytes[64];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	_cleanup_pkey_ struct key *key = NULL;
	assert_int_equal(key_from_encoded(KEY_KIND_OCT, bytes, 32, &key, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		_cleanup_buf_ struct buf mac = {0}, wanted = test_hex(expected[i]);
		assert_int_equal(key_sign(key, algs[i], bytes, alg_info(algs[i])->digest, &mac, NULL), 0);
		assert_int_equal(mac.len, wanted.len);
		assert_memory_equal(mac.data, wanted.data, wanted.len);
	}
}

// Which algorithm is for which key and use.

static void test_algorithms_of_keys(void **state _unused_) {
	struct key *keys[] = {load(rfc7515_a2_key), make_curve(KEY_CURVE_P256), make_oct(256)};
	static const uint8_t zeros[512] = {0};
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		for (int alg = -1; alg <= KEY_ALG_COUNT; alg++) {
			const struct alg_info *info = alg_info((enum key_alg)alg);
			static const enum alg_use uses[] = {ALG_ENCRYPT, ALG_WRAP, ALG_SIGN};
			for (size_t u = 0; u < ARRAY_SIZE(uses); u++) {
				bool mine = info->kind == key_kind(keys[k]) && info->uses & uses[u];
				if (mine && uses[u] != ALG_SIGN)
					continue;
				_cleanup_key_output_ struct key_output none = {0};
				struct err err = {0};
				const struct key_input in = {.value = zeros, .len = 32};
				assert_int_equal(key_encrypt(keys[k], (enum key_alg)alg, uses[u], &in, &none, &err), -EINVAL);
				assert_int_equal(key_decrypt(keys[k], (enum key_alg)alg, uses[u], &in, &none, &err), -EINVAL);
				assert_null(none.value.data);
			}
			if (info->uses & ALG_SIGN && info->kind == key_kind(keys[k]))
				continue;
			_cleanup_buf_ struct buf none = {0};
			bool valid = true;
			struct err err = {0};
			expect_refused(key_sign(keys[k], (enum key_alg)alg, zeros, 32, &none, &err), &err);
			expect_refused(key_verify(keys[k], (enum key_alg)alg, zeros, 32, zeros, 64, &valid, &err), &err);
			assert_int_equal(none.len, 0);
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		key_unref(keys[k]);
}

static void test_public_half_has_no_private_one(void **state _unused_) {
	_cleanup_pkey_ struct key *rsa = load(rfc7515_a2_key), *public = public_half(rsa);
	_cleanup_pkey_ struct key *ec = make_curve(KEY_CURVE_P384), *ec_public = public_half(ec);
	_cleanup_key_output_ struct key_output wrapped =
		encrypt(public, KEY_ALG_RSA_OAEP, &(struct key_input){.value = "x", .len = 1}), none = {0};
	_cleanup_buf_ struct buf signature = {0};
	_cleanup_secret_ struct secret der = {0};
	const uint8_t digest[48] = {0};
	struct err err = {0};
	assert_int_equal(decrypt(public, KEY_ALG_RSA_OAEP, wrapped.value.data, wrapped.value.len, &none, &err), -EIO);
	assert_int_equal(key_sign(public, KEY_ALG_RS256, digest, 32, &signature, &err), -EIO);
	assert_int_equal(key_sign(ec_public, KEY_ALG_ES384, digest, 48, &signature, &err), -EIO);
	assert_int_equal(key_encode(public, &der, &err), -EIO);
	assert_int_equal(key_encode(ec_public, &der, &err), -EIO);
	assert_null(none.value.data);
	assert_null(der.data);
	assert_int_equal(signature.len, 0);
}

// Loading what is not sound.

static void test_public_refused(void **state _unused_) {
	_cleanup_pkey_ struct key *key = load(rfc7515_a2_key), *ec = make_curve(KEY_CURVE_P256), *none = NULL;
	struct key_public good, point;
	struct err err = {0};
	assert_int_equal(key_public_of(key, &good, &err), 0);
	assert_int_equal(key_public_of(ec, &point, &err), 0);

	struct key_public bad[16];
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = i < 10 ? good : point;
	bad[0].n_len = 128;                // 1024 bits
	bad[1].n[255] &= 0xfe;             // even modulus
	bad[2].e[2] = 0;                   // even exponent
	bad[3].e[0] = 1, bad[3].e_len = 1; // exponent 1
	bad[4].e_len = 0;                  // no exponent
	bad[5].n_len = 0;
	bad[6].n_len = KEY_RSA_MAX_BYTES + 1;
	bad[7].e_len = sizeof(good.e) + 1;
	bad[8].n_len = 257, bad[8].n[256] = 1;  // 2056 bits
	bad[9].kind = KEY_KIND_NONE;
	bad[10].y[31] ^= 1;  // off the curve
	memset(bad[11].x, 0, 32), memset(bad[11].y, 0, 32);
	bad[12].curve = KEY_CURVE_P256K;
	bad[13].curve = KEY_CURVE_NONE;
	bad[14].curve = (enum key_curve)99;
	memset(bad[15].x, 0xff, 32);  // not a number of the field
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = (struct err){0};
		expect_refused(key_from_public(&bad[i], &none, &err), &err);
		assert_null(none);
	}
}

static void test_encoded_refused(void **state _unused_) {
	_cleanup_buf_ struct buf der = test_hex(rfc7515_a2_key);
	_cleanup_pkey_ struct key *none = NULL;
	struct err err = {0};
	static const enum key_kind others[] = {KEY_KIND_NONE, KEY_KIND_EC, KEY_KIND_OCT};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		expect_refused(key_from_encoded(others[i], der.data, der.len, &none, &err), &err);
	expect_refused(key_from_encoded(KEY_KIND_RSA, "", 0, &none, &err), &err);
	expect_refused(key_from_encoded(KEY_KIND_RSA, "garbage", 7, &none, &err), &err);
	expect_refused(key_from_encoded(KEY_KIND_RSA, der.data, der.len - 1, &none, &err), &err);
	assert_int_equal(buf_u8(&der, 0), 0);
	expect_refused(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &none, &err), &err);
	static const size_t lengths[] = {0, 1, 15, 17, 31, 33, 64, 65};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		expect_refused(key_from_encoded(KEY_KIND_OCT, der.data, lengths[i], &none, &err), &err);
	assert_null(none);
}

// Well-formed PKCS#8 keys of other kinds: Ed25519 (RFC 8410 section 10.3), P-224.
static void test_encoded_of_another_kind(void **state _unused_) {
	static const char *const others[] = {
		"302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842",
		("303a020100301006072a8648ce3d020106052b8104002104233021020101041c"
		 "00000000000000000000000000000000000000000000000000000001"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		_cleanup_buf_ struct buf der = test_hex(others[i]);
		_cleanup_pkey_ struct key *none = NULL;
		struct err err = {0};
		expect_refused(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &none, &err), &err);
		expect_refused(key_from_encoded(KEY_KIND_EC, der.data, der.len, &none, &err), &err);
		assert_null(none);
	}
}

// Private numbers.

static struct key_private rsa_numbers(void) {
	json_t *jwk = json_pack("{ss ss ss ss ss ss ss ss ss}", "kty", "RSA", "n", rfc7515_a2_n, "e", "AQAB", "d", rfc7515_a2_d, "p",
		rfc7515_a2_p, "q", rfc7515_a2_q, "dp", rfc7515_a2_dp, "dq", rfc7515_a2_dq, "qi", rfc7515_a2_qi);
	struct key_private priv = {0};
	assert_int_equal(jwk_to_private(jwk, &priv, NULL), 0);
	json_decref(jwk);
	return priv;
}

static void expect_private_refused(struct key_private *priv) {
	struct key *none = NULL;
	struct err err = {0};
	expect_refused(key_from_private(priv, &none, &err), &err);
	assert_null(none);
	key_private_free(priv);
}

static void test_rsa_private_refused(void **state _unused_) {
	const size_t members[] = {offsetof(struct key_private, d), offsetof(struct key_private, p), offsetof(struct key_private, q),
		offsetof(struct key_private, dp), offsetof(struct key_private, dq), offsetof(struct key_private, qi)};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct key_private priv = rsa_numbers();
		struct secret *member = (struct secret *)((char *)&priv + members[i]);
		member->data[member->len - 1] ^= 2;
		expect_private_refused(&priv);
		priv = rsa_numbers();
		member->len--;
		expect_private_refused(&priv);
		if (i < 3) {
			priv = rsa_numbers();
			secret_free(member);
			expect_private_refused(&priv);
		}
	}
	struct key_private priv = rsa_numbers();
	priv.pub.n[100] ^= 1;
	expect_private_refused(&priv);
	priv = rsa_numbers();
	priv.pub.e[2] = 3;
	expect_private_refused(&priv);
	priv = rsa_numbers();
	priv.pub.e[2] = 0;
	expect_private_refused(&priv);
	priv = rsa_numbers();
	priv.pub.kind = KEY_KIND_NONE;
	expect_private_refused(&priv);
	priv = rsa_numbers();
	secret_free(&priv.p);
	assert_int_equal(secret_alloc(&priv.p, KEY_RSA_MAX_BYTES + 1), 0);
	expect_private_refused(&priv);
}

// Numbers that multiply to n and are no primes: 1 and n itself.
static void test_rsa_trivial_factors(void **state _unused_) {
	struct key_private priv = rsa_numbers();
	secret_free(&priv.p);
	secret_free(&priv.q);
	assert_int_equal(secret_copy(&priv.p, priv.pub.n, priv.pub.n_len), 0);
	assert_int_equal(secret_copy(&priv.q, "\x01", 1), 0);
	secret_free(&priv.dp);
	secret_free(&priv.dq);
	secret_free(&priv.qi);
	expect_private_refused(&priv);
}

static void test_ec_private_refused(void **state _unused_) {
	_cleanup_pkey_ struct key *key = make_curve(KEY_CURVE_P384);
	struct key_private good = {0};
	assert_int_equal(key_public_of(key, &good.pub, NULL), 0);
	static const size_t lengths[] = {0, 1, 48, 49};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct key_private priv = good;
		assert_int_equal(secret_alloc(&priv.d, lengths[i]), 0);
		if (lengths[i] > 0)
			priv.d.data[lengths[i] - 1] = 5;
		expect_private_refused(&priv);
	}
	// d of zero; of the order.
	struct key_private priv = good;
	assert_int_equal(secret_alloc(&priv.d, 48), 0);
	expect_private_refused(&priv);
	_cleanup_buf_ struct buf order = test_hex(
		"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973");
	priv = good;
	assert_int_equal(secret_copy(&priv.d, order.data, order.len), 0);
	expect_private_refused(&priv);
	priv = good;
	priv.pub.curve = KEY_CURVE_NONE;
	assert_int_equal(secret_copy(&priv.d, "\x05", 1), 0);
	expect_private_refused(&priv);
}

// d = 1 belongs to the curve's generator, in as few bytes as it takes.
static void test_ec_private_generator(void **state _unused_) {
	_cleanup_buf_ struct buf x = test_hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
	_cleanup_buf_ struct buf y = test_hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
	struct key_private priv = {.pub = {.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256}};
	memcpy(priv.pub.x, x.data, 32);
	memcpy(priv.pub.y, y.data, 32);
	assert_int_equal(secret_copy(&priv.d, "\x01", 1), 0);
	_cleanup_pkey_ struct key *key = NULL;
	assert_int_equal(key_from_private(&priv, &key, NULL), 0);
	key_private_free(&priv);
	expect_signs(key, key, KEY_ALG_ES256, 64);
}

static void test_oct_private_refused(void **state _unused_) {
	static const size_t lengths[] = {0, 15, 17, 64};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct key_private priv = {.pub = {.kind = KEY_KIND_OCT}};
		assert_int_equal(secret_alloc(&priv.k, lengths[i]), 0);
		expect_private_refused(&priv);
	}
	struct key_private none = {.pub = {.kind = KEY_KIND_OCT}};
	expect_private_refused(&none);
}

// Key transfer.

// CKM_RSA_AES_KEY_WRAP of `bytes`, with an AES key of `bits`.
static struct buf make_transfer(struct key *exchange, unsigned bits, const void *bytes, size_t len) {
	_cleanup_pkey_ struct key *aes = make_oct(bits);
	_cleanup_secret_ struct secret aes_bytes = {0};
	assert_int_equal(key_encode(aes, &aes_bytes, NULL), 0);
	_cleanup_key_output_ struct key_output
		first = encrypt(exchange, KEY_ALG_RSA_OAEP, &(struct key_input){.value = aes_bytes.data, .len = aes_bytes.len}),
		second = encrypt(aes, KEY_ALG_AES_KEY_WRAP_PAD, &(struct key_input){.value = bytes, .len = len});
	struct buf blob = {0};
	assert_int_equal(buf_append(&blob, first.value.data, first.value.len), 0);
	assert_int_equal(buf_append(&blob, second.value.data, second.value.len), 0);
	return blob;
}

static void expect_transfer_refused(struct key *exchange, enum key_kind kind, const void *in, size_t len,
	char refusal[ERR_MESSAGE_MAX]) {
	struct key *none = NULL;
	struct err err = {0};
	expect_refused(key_unwrap_transfer(exchange, kind, in, len, &none, &err), &err);
	assert_null(none);
	if (!refusal)
		return;
	if (!refusal[0])
		memcpy(refusal, err.message, ERR_MESSAGE_MAX);
	assert_string_equal(err.message, refusal);
}

static void test_transfer(void **state _unused_) {
	_cleanup_pkey_ struct key *exchange = load(rfc7515_a2_key);
	struct key *keys[] = {load(wycheproof_oaep_key), make_curve(KEY_CURVE_P521), make_oct(192)};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_secret_ struct secret encoded = {0};
		assert_int_equal(key_encode(keys[i], &encoded, NULL), 0);
		_cleanup_buf_ struct buf blob = make_transfer(exchange, 256, encoded.data, encoded.len);
		_cleanup_pkey_ struct key *came = NULL;
		_cleanup_secret_ struct secret again = {0};
		assert_int_equal(key_unwrap_transfer(exchange, key_kind(keys[i]), blob.data, blob.len, &came, NULL), 0);
		expect_same(keys[i], came);
		assert_int_equal(key_encode(came, &again, NULL), 0);
		assert_true(secret_equal(encoded.data, encoded.len, again.data, again.len));

		// Another kind of key than was said, and another exchange key.
		enum key_kind other = key_kind(keys[(i + 1) % ARRAY_SIZE(keys)]);
		expect_transfer_refused(exchange, other, blob.data, blob.len, NULL);
		expect_transfer_refused(exchange, KEY_KIND_NONE, blob.data, blob.len, NULL);
		expect_transfer_refused(keys[0], key_kind(keys[i]), blob.data, blob.len, NULL);
		expect_transfer_refused(keys[1], key_kind(keys[i]), blob.data, blob.len, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		key_unref(keys[i]);
}

static void test_transfer_refused(void **state _unused_) {
	_cleanup_pkey_ struct key *exchange = load(rfc7515_a2_key);
	uint8_t bytes[32] = {0};
	_cleanup_buf_ struct buf good = make_transfer(exchange, 256, bytes, sizeof(bytes));
	_cleanup_buf_ struct buf small = make_transfer(exchange, 128, bytes, sizeof(bytes));
	char refusal[ERR_MESSAGE_MAX] = "";
	static const size_t lengths[] = {0, 1, 255, 256, 257, 264, 288, 295};
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		expect_transfer_refused(exchange, KEY_KIND_OCT, good.data, lengths[i], refusal);
	expect_transfer_refused(exchange, KEY_KIND_OCT, small.data, small.len, refusal);
	for (size_t i = 0; i < good.len; i += 31) {
		good.data[i] ^= 4;
		expect_transfer_refused(exchange, KEY_KIND_OCT, good.data, good.len, refusal);
		good.data[i] ^= 4;
	}
}

// What opens is not believed: a PKCS#8 key whose numbers do not belong together.
static void test_transfer_of_unsound_key(void **state _unused_) {
	_cleanup_pkey_ struct key *exchange = load(rfc7515_a2_key), *ec = make_curve(KEY_CURVE_P256);
	_cleanup_secret_ struct secret rsa_bytes = {0}, ec_bytes = {0};
	assert_int_equal(key_encode(exchange, &rsa_bytes, NULL), 0);
	assert_int_equal(key_encode(ec, &ec_bytes, NULL), 0);
	rsa_bytes.data[rsa_bytes.len - 1] ^= 1;  // qi
	ec_bytes.data[ec_bytes.len - 1] ^= 1;    // y
	_cleanup_buf_ struct buf rsa_blob = make_transfer(exchange, 256, rsa_bytes.data, rsa_bytes.len);
	_cleanup_buf_ struct buf ec_blob = make_transfer(exchange, 256, ec_bytes.data, ec_bytes.len);
	expect_transfer_refused(exchange, KEY_KIND_RSA, rsa_blob.data, rsa_blob.len, NULL);
	expect_transfer_refused(exchange, KEY_KIND_EC, ec_blob.data, ec_blob.len, NULL);
}

static void expect_transferred_refused(struct key *exchange, const void *bytes, size_t len) {
	_cleanup_buf_ struct buf blob = make_transfer(exchange, 256, bytes, len);
	expect_transfer_refused(exchange, KEY_KIND_RSA, blob.data, blob.len, NULL);
}

// A length in two bytes is enough for all here, and as good as the shortest to who reads it.
static void add_der(struct buf *out, uint8_t tag, const void *content, size_t len) {
	assert_int_equal(buf_u8(out, tag), 0);
	assert_int_equal(buf_u8(out, 0x82), 0);
	assert_int_equal(buf_u16(out, (uint16_t)len), 0);
	assert_int_equal(buf_append(out, content, len), 0);
}

// To find out that 2^19937 - 1 is a prime, as it is, would take minutes.
static void test_transfer_of_large_factor(void **state _unused_) {
	static const uint8_t head[] = {2, 1, 0, 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0};
	_cleanup_pkey_ struct key *exchange = load(rfc7515_a2_key);
	_cleanup_buf_ struct buf n = {0}, prime = {0}, numbers = {0}, sequence = {0}, info = {0}, encoded = {0};
	assert_int_equal(buf_u8(&n, 0), 0);
	assert_int_equal(dec_base64url(&n, rfc7515_a2_n, strlen(rfc7515_a2_n)), 0);
	assert_int_equal(buf_u8(&prime, 1), 0);
	while (prime.len < 1 + 19937 / 8)
		assert_int_equal(buf_u8(&prime, 0xff), 0);
	// Version, n, e, d, p, q and the three others.
	add_der(&numbers, 2, "", 1);
	add_der(&numbers, 2, n.data, n.len);
	add_der(&numbers, 2, "\x01\x00\x01", 3);
	add_der(&numbers, 2, "\x01", 1);
	add_der(&numbers, 2, prime.data, prime.len);
	for (int i = 0; i < 4; i++)
		add_der(&numbers, 2, "\x01", 1);
	add_der(&sequence, 0x30, numbers.data, numbers.len);
	assert_int_equal(buf_append(&info, head, sizeof(head)), 0);
	add_der(&info, 4, sequence.data, sequence.len);
	add_der(&encoded, 0x30, info.data, info.len);
	expect_transferred_refused(exchange, encoded.data, encoded.len);
}

// Sound, but of an exponent that no public half has room for.
static void test_transfer_of_large_exponent(void **state _unused_) {
	_cleanup_pkey_ struct key *exchange = load(rfc7515_a2_key);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = NULL;
	EVP_PKEY *made = NULL;
	assert_int_equal(BN_hex2bn(&e, "1000000000000000D"), 17);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &made), 1);
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(made);
	uint8_t *encoded = NULL;
	int len = i2d_PKCS8_PRIV_KEY_INFO(info, &encoded);
	assert_true(len > 0);
	expect_transferred_refused(exchange, encoded, (size_t)len);
	OPENSSL_free(encoded);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(made);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
}

// Threads.

struct shared {
	struct key *rsa, *ec, *aes;
	const struct key_output *wrapped;
	_Atomic unsigned wrong;
};

static void *use_keys(void *arg) {
	struct shared *s = arg;
	for (int i = 0; i < 50; i++) {
		struct key *rsa = key_ref(s->rsa);
		_cleanup_key_output_ struct key_output plain = {0}, sealed = {0};
		_cleanup_buf_ struct buf rs = {0}, es = {0};
		uint8_t digest[32] = {(uint8_t)i};
		bool rs_valid = false, es_valid = false;
		const struct key_input in = {.value = s->wrapped->value.data, .len = s->wrapped->value.len};
		const struct key_input small = {.value = digest, .len = sizeof(digest)};
		if (key_decrypt(rsa, KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &plain, NULL) < 0 || plain.value.len != 6 ||
			memcmp(plain.value.data, "shared", 6) != 0 || key_sign(rsa, KEY_ALG_PS256, digest, 32, &rs, NULL) < 0 ||
			key_verify(rsa, KEY_ALG_PS256, digest, 32, rs.data, rs.len, &rs_valid, NULL) < 0 || !rs_valid ||
			key_sign(s->ec, KEY_ALG_ES256, digest, 32, &es, NULL) < 0 ||
			key_verify(s->ec, KEY_ALG_ES256, digest, 32, es.data, es.len, &es_valid, NULL) < 0 || !es_valid ||
			key_encrypt(s->aes, KEY_ALG_A256KW, ALG_WRAP, &small, &sealed, NULL) < 0)
			s->wrong++;
		key_unref(rsa);
	}
	return NULL;
}

static void test_threads(void **state _unused_) {
	_cleanup_pkey_ struct key *rsa = load(rfc7515_a2_key), *ec = make_curve(KEY_CURVE_P256), *aes = make_oct(256);
	_cleanup_key_output_ struct key_output wrapped =
		encrypt(rsa, KEY_ALG_RSA_OAEP_256, &(struct key_input){.value = "shared", .len = 6});
	struct shared s = {.rsa = rsa, .ec = ec, .aes = aes, .wrapped = &wrapped};
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_keys, &s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(s.wrong, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_make_rsa),
		cmocka_unit_test(test_make_exponent),
		cmocka_unit_test(test_make_ec),
		cmocka_unit_test(test_make_oct),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_oaep_sha1_vector),
		cmocka_unit_test(test_oaep_sha256_vectors),
		cmocka_unit_test(test_rsa_limits),
		cmocka_unit_test(test_rsa_takes_no_extras),
		cmocka_unit_test(test_rsa1_5_tampered),
		cmocka_unit_test(test_rsa_signatures),
		cmocka_unit_test(test_rs256_rfc7515),
		cmocka_unit_test(test_rsnull_limits),
		cmocka_unit_test(test_rs256_wycheproof),
		cmocka_unit_test(test_ps384_rfc7520),
		cmocka_unit_test(test_ec_signatures),
		cmocka_unit_test(test_ec_range),
		cmocka_unit_test(test_ec_curve_must_match),
		cmocka_unit_test(test_aes_sizes_must_match),
		cmocka_unit_test(test_aes_round_trips),
		cmocka_unit_test(test_gcm_tampered),
		cmocka_unit_test(test_aes_parameters),
		cmocka_unit_test(test_key_wrap_tampered),
		cmocka_unit_test(test_cbc_padding),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_algorithms_of_keys),
		cmocka_unit_test(test_public_half_has_no_private_one),
		cmocka_unit_test(test_public_refused),
		cmocka_unit_test(test_encoded_refused),
		cmocka_unit_test(test_encoded_of_another_kind),
		cmocka_unit_test(test_rsa_private_refused),
		cmocka_unit_test(test_rsa_trivial_factors),
		cmocka_unit_test(test_ec_private_refused),
		cmocka_unit_test(test_ec_private_generator),
		cmocka_unit_test(test_oct_private_refused),
		cmocka_unit_test(test_transfer),
		cmocka_unit_test(test_transfer_refused),
		cmocka_unit_test(test_transfer_of_unsound_key),
		cmocka_unit_test(test_transfer_of_large_factor),
		cmocka_unit_test(test_transfer_of_large_exponent),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
