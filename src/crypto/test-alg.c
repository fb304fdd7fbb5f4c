// SPDX-License-Identifier: Apache-2.0
#include "crypto/alg.h"

#include "crypto/test-util.h"

static void test_names(void **state _unused_) {
	assert_int_equal(alg_by_name("RSA-OAEP"), KEY_ALG_RSA_OAEP);
	assert_int_equal(alg_by_name("RSA-OAEP-256"), KEY_ALG_RSA_OAEP_256);
	assert_int_equal(alg_by_name("RS256"), KEY_ALG_RS256);
	assert_string_equal(alg_name(KEY_ALG_RSA_OAEP), "RSA-OAEP");
	assert_string_equal(alg_name(KEY_ALG_RSA_OAEP_256), "RSA-OAEP-256");
	assert_string_equal(alg_name(KEY_ALG_RS256), "RS256");
}

static void test_unknown_names(void **state _unused_) {
	static const char *const unknown[] = {"", "none", "rs256", "RSA-OAEP ", "RSA-OAEP-25", "RSA1_5", "HS256", "A256KW"};
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_int_equal(alg_by_name(unknown[i]), KEY_ALG_NONE);
	assert_string_equal(alg_name(KEY_ALG_NONE), "");
	assert_string_equal(alg_name((enum key_alg)77), "");
}

// RFC 8017 section 7.1.1.
static void test_longest_plaintexts(void **state _unused_) {
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP, 256), 214);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP, 384), 342);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP, 512), 470);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP_256, 256), 190);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP_256, 384), 318);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP_256, 512), 446);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP_256, 66), 0);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RSA_OAEP_256, 0), 0);
	assert_int_equal(alg_max_plaintext(KEY_ALG_RS256, 256), 0);
	assert_int_equal(alg_max_plaintext(KEY_ALG_NONE, 256), 0);
	assert_int_equal(alg_max_plaintext((enum key_alg)77, 256), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_names),
		cmocka_unit_test(test_longest_plaintexts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
