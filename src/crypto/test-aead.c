// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <limits.h>

#include "crypto/test-util.h"
#include "crypto/test-vectors-gcm.h"

static void test_wycheproof(void **state _unused_) {
	for (size_t i = 0; i < ARRAY_SIZE(wycheproof_gcm); i++) {
		_cleanup_buf_ struct buf key = test_hex(wycheproof_gcm[i].key), nonce = test_hex(wycheproof_gcm[i].nonce),
					 aad = test_hex(wycheproof_gcm[i].aad), message = test_hex(wycheproof_gcm[i].message),
					 want = test_hex(wycheproof_gcm[i].ciphertext), want_tag = test_hex(wycheproof_gcm[i].tag);
		uint8_t out[512], tag[AEAD_TAG_SIZE];
		assert_int_equal(aead_seal(key.data, nonce.data, aad.data, aad.len, message.data, message.len, out, tag), 0);
		assert_memory_equal(out, want.len ? want.data : out, want.len);
		bool same = memcmp(tag, want_tag.data, sizeof(tag)) == 0;
		assert_true(same == wycheproof_gcm[i].valid);

		int rc = aead_open(key.data, nonce.data, aad.data, aad.len, want.data, want.len, out, want_tag.data);
		assert_int_equal(rc, wycheproof_gcm[i].valid ? 0 : -EBADMSG);
		if (rc == 0)
			assert_memory_equal(out, message.len ? message.data : out, message.len);
	}
}

static const uint8_t key[AEAD_KEY_SIZE] = {1, 2, 3};
static const uint8_t nonce[AEAD_NONCE_SIZE] = {4, 5, 6};

static void test_every_bit_counts(void **state _unused_) {
	uint8_t in[40] = "forty bytes of a text that is kept shut", sealed[40], tag[AEAD_TAG_SIZE], aad[5] = "aside", out[40];
	assert_int_equal(aead_seal(key, nonce, aad, sizeof(aad), in, sizeof(in), sealed, tag), 0);
	struct {
		uint8_t *bytes;
		size_t len;
	} parts[] = {{sealed, sizeof(sealed)}, {tag, sizeof(tag)}, {aad, sizeof(aad)}};
	for (size_t p = 0; p < ARRAY_SIZE(parts); p++)
		for (size_t bit = 0; bit < 8 * parts[p].len; bit++) {
			parts[p].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			memset(out, 0xff, sizeof(out));
			assert_int_equal(aead_open(key, nonce, aad, sizeof(aad), sealed, sizeof(sealed), out, tag), -EBADMSG);
			static const uint8_t wiped[sizeof(out)];
			assert_memory_equal(out, wiped, sizeof(out));
			parts[p].bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	assert_int_equal(aead_open(key, nonce, aad, sizeof(aad), sealed, sizeof(sealed), out, tag), 0);
	assert_memory_equal(out, in, sizeof(in));
}

static void test_other_key_and_nonce(void **state _unused_) {
	uint8_t sealed[4], tag[AEAD_TAG_SIZE], out[4];
	assert_int_equal(aead_seal(key, nonce, NULL, 0, "text", 4, sealed, tag), 0);
	const uint8_t other_key[AEAD_KEY_SIZE] = {1, 2, 4}, other_nonce[AEAD_NONCE_SIZE] = {4, 5, 7};
	assert_int_equal(aead_open(other_key, nonce, NULL, 0, sealed, 4, out, tag), -EBADMSG);
	assert_int_equal(aead_open(key, other_nonce, NULL, 0, sealed, 4, out, tag), -EBADMSG);
	assert_int_equal(aead_open(key, nonce, NULL, 0, sealed, 3, out, tag), -EBADMSG);
}

// The library counts in int: a size beyond it is refused before any byte is touched.
static void test_too_long(void **state _unused_) {
	uint8_t out[1] = {0}, tag[AEAD_TAG_SIZE] = {0};
	assert_int_equal(aead_seal(key, nonce, NULL, 0, out, (size_t)INT_MAX + 1, out, tag), -EIO);
	assert_int_equal(aead_open(key, nonce, out, (size_t)INT_MAX + 1, out, 1, out, tag), -EIO);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wycheproof),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_other_key_and_nonce),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
