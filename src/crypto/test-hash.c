// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include "crypto/test-util.h"

static void expect(const uint8_t *bytes, size_t len, const char *hex) {
	_cleanup_buf_ struct buf want = test_hex(hex);
	assert_int_equal(want.len, len);
	assert_memory_equal(bytes, want.data, len);
}

// FIPS 180-4 example values for SHA-256.
static void test_sha256(void **state _unused_) {
	uint8_t out[HASH_SHA256_SIZE];
	assert_int_equal(hash_sha256("abc", 3, out), 0);
	expect(out, sizeof(out), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(hash_sha256("", 0, out), 0);
	expect(out, sizeof(out), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(hash_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out), 0);
	expect(out, sizeof(out), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

// RFC 4231 sections 4.2, 4.3, 4.4 and 4.7.
static void test_hmac(void **state _unused_) {
	static const struct {
		const char *key, *data, *mac;
	} cases[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
			"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
	};
	uint8_t out[HASH_SHA256_SIZE];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf key = test_hex(cases[i].key), data = test_hex(cases[i].data);
		assert_int_equal(hash_hmac_sha256(key.data, key.len, data.data, data.len, out), 0);
		expect(out, sizeof(out), cases[i].mac);
	}
	uint8_t long_key[131];
	memset(long_key, 0xaa, sizeof(long_key));
	const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
	assert_int_equal(hash_hmac_sha256(long_key, sizeof(long_key), text, strlen(text), out), 0);
	expect(out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// An empty key and empty data: HMAC_SHA256("", ""), as RFC 5869's extract step with neither would give.
static void test_hmac_empty(void **state _unused_) {
	uint8_t out[HASH_SHA256_SIZE];
	assert_int_equal(hash_hmac_sha256(NULL, 0, "", 0, out), 0);
	expect(out, sizeof(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

// RFC 5869 appendix A.1 and A.3.
static void test_hkdf(void **state _unused_) {
	_cleanup_buf_ struct buf key = test_hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	_cleanup_buf_ struct buf salt = test_hex("000102030405060708090a0b0c");
	uint8_t out[42];
	assert_int_equal(hash_hkdf_sha256(key.data, key.len, salt.data, salt.len, "\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9", out,
				 sizeof(out)),
		0);
	expect(out, sizeof(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	assert_int_equal(hash_hkdf_sha256(key.data, key.len, "", 0, "", out, sizeof(out)), 0);
	expect(out, sizeof(out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

static void test_hkdf_separates(void **state _unused_) {
	uint8_t key[32] = {1}, a[32], b[32];
	assert_int_equal(hash_hkdf_sha256(key, sizeof(key), "s", 1, "one", a, sizeof(a)), 0);
	assert_int_equal(hash_hkdf_sha256(key, sizeof(key), "s", 1, "two", b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(hash_hkdf_sha256(key, sizeof(key), "t", 1, "one", b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_hkdf_too_long(void **state _unused_) {
	static uint8_t out[255 * HASH_SHA256_SIZE + 1];
	uint8_t key[32] = {1};
	assert_int_equal(hash_hkdf_sha256(key, sizeof(key), "s", 1, "l", out, sizeof(out) - 1), 0);
	assert_int_equal(hash_hkdf_sha256(key, sizeof(key), "s", 1, "l", out, sizeof(out)), -EIO);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hmac_empty),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_hkdf_separates),
		cmocka_unit_test(test_hkdf_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
