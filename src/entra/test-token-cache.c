// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "entra/token_cache.h"

static void freep(struct token_cache **c) {
	token_cache_free(*c);
}
#define _cleanup_cache_ _cleanup_(freep)

// What the digest of token n may look like: the first two bytes choose its set.
static void digest_of(unsigned n, uint8_t out[static HASH_SHA256_SIZE]) {
	memset(out, 0, HASH_SHA256_SIZE);
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
}

static void put(struct token_cache *c, const uint8_t *digest, const char *oid, int64_t exp) {
	_cleanup_json_ json_t *claims = json_pack("{s:s, s:I}", "oid", oid, "exp", (json_int_t)exp);
	assert_non_null(claims);
	token_cache_put(c, digest, claims);
}

static bool has(struct token_cache *c, const uint8_t *digest, const char *oid, int64_t now) {
	_cleanup_json_ json_t *claims = token_cache_get(c, digest, now);
	if (claims)
		assert_string_equal(json_str(claims, "oid"), oid);
	return claims;
}

static void test_get(void **state) {
	(void)state;
	_cleanup_cache_ struct token_cache *c = token_cache_new();
	uint8_t one[HASH_SHA256_SIZE], two[HASH_SHA256_SIZE];
	digest_of(1, one);
	digest_of(1, two);
	two[HASH_SHA256_SIZE - 1] ^= 1;
	assert_false(has(c, one, "a", 10));
	put(c, one, "a", 100);
	assert_true(has(c, one, "a", 10));
	assert_false(has(c, two, "a", 10));
	put(c, two, "b", 100);
	assert_true(has(c, one, "a", 10));
	assert_true(has(c, two, "b", 10));
}

// The claims outlive their place.
static void test_reference(void **state) {
	(void)state;
	struct token_cache *c = token_cache_new();
	uint8_t digest[HASH_SHA256_SIZE];
	digest_of(1, digest);
	put(c, digest, "a", 100);
	_cleanup_json_ json_t *claims = token_cache_get(c, digest, 10);
	token_cache_free(c);
	assert_string_equal(json_str(claims, "oid"), "a");
	assert_int_equal(claims->refcount, 1);
}

static void test_expiry(void **state) {
	(void)state;
	_cleanup_cache_ struct token_cache *c = token_cache_new();
	uint8_t digest[HASH_SHA256_SIZE];
	digest_of(1, digest);
	put(c, digest, "a", 100);
	assert_true(has(c, digest, "a", 99));
	assert_false(has(c, digest, "a", 100));
	assert_false(has(c, digest, "a", 99));  // gone for good, also when the clock goes back
}

static void test_no_expiry(void **state) {
	(void)state;
	_cleanup_cache_ struct token_cache *c = token_cache_new();
	_cleanup_json_ json_t *claims = json_pack("{s:s}", "oid", "a");
	uint8_t digest[HASH_SHA256_SIZE];
	digest_of(1, digest);
	token_cache_put(c, digest, claims);
	assert_false(has(c, digest, "a", 0));
	put(c, digest, "a", -1);
	assert_false(has(c, digest, "a", -2));
}

static void test_bound(void **state) {
	(void)state;
	_cleanup_cache_ struct token_cache *c = token_cache_new();
	uint8_t digest[HASH_SHA256_SIZE];
	size_t kept = 0;
	for (unsigned n = 0; n < 3 * TOKEN_CACHE_TOKENS; n++) {
		digest_of(n, digest);
		put(c, digest, "a", 1000 + n);
		assert_true(has(c, digest, "a", 10));
	}
	for (unsigned n = 0; n < 3 * TOKEN_CACHE_TOKENS; n++) {
		digest_of(n, digest);
		kept += has(c, digest, "a", 10);
	}
	assert_int_equal(kept, TOKEN_CACHE_TOKENS);
}

// What lives longest stays when places are wanted.
static void test_soonest_goes(void **state) {
	(void)state;
	_cleanup_cache_ struct token_cache *c = token_cache_new();
	uint8_t lasting[HASH_SHA256_SIZE], other[HASH_SHA256_SIZE];
	digest_of(0, lasting);
	put(c, lasting, "lasting", 1000000);
	for (unsigned n = 0; n < 100; n++) {
		digest_of(0, other);
		other[2] = (uint8_t)(n + 1);
		put(c, other, "other", 1000 + n);
	}
	assert_true(has(c, lasting, "lasting", 10));
	assert_true(has(c, other, "other", 10));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_no_expiry),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_soonest_goes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
