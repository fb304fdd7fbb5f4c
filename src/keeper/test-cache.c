// SPDX-License-Identifier: Apache-2.0
#include "keeper/cache.h"

#include "keeper/test-util.h"

static EVP_PKEY *key, *other_key;
static struct cache *cache;

static int set_up_keys(void **state _unused_) {
	return rsa_make(2048, &key, NULL) < 0 || rsa_make(2048, &other_key, NULL) < 0;
}

static int tear_down_keys(void **state _unused_) {
	rsa_freep(&key);
	rsa_freep(&other_key);
	return 0;
}

static int set_up(void **state _unused_) {
	return cache_new(&cache);
}

static int tear_down(void **state _unused_) {
	cache_free(cache);
	return 0;
}

static void number_id(unsigned n, uint8_t id[static HASH_SHA256_SIZE]) {
	assert_int_equal(cache_id(&n, sizeof(n), "c", 1, id), 0);
}

static void put(unsigned n, EVP_PKEY *k, unsigned usage) {
	uint8_t id[HASH_SHA256_SIZE];
	number_id(n, id);
	cache_put(cache, id, k, usage);
}

static bool has(unsigned n, EVP_PKEY *want, unsigned want_usage) {
	uint8_t id[HASH_SHA256_SIZE];
	number_id(n, id);
	_cleanup_pkey_ EVP_PKEY *found = NULL;
	unsigned usage = 0;
	if (!cache_get(cache, id, &found, &usage))
		return false;
	assert_ptr_equal(found, want);
	assert_int_equal(usage, want_usage);
	return true;
}

static void test_get_and_put(void **state _unused_) {
	assert_false(has(1, key, 1));
	put(1, key, 1);
	put(2, other_key, 2);
	assert_true(has(1, key, 1));
	assert_true(has(2, other_key, 2));
	assert_false(has(3, key, 1));
	// The first one stays: both came from the same blob.
	put(1, other_key, 2);
	assert_true(has(1, key, 1));
}

static void test_oldest_goes(void **state _unused_) {
	for (unsigned n = 0; n < CACHE_KEYS; n++)
		put(n, key, 1);
	for (unsigned n = 0; n < CACHE_KEYS; n++)
		assert_true(has(n, key, 1));
	assert_true(has(0, key, 1));
	put(1000, other_key, 2);
	assert_false(has(1, key, 1));
	assert_true(has(0, key, 1));
	assert_true(has(1000, other_key, 2));
	put(1001, other_key, 2);
	assert_false(has(2, key, 1));
}

// Where the blob ends and the context begins is part of the identity.
static void test_identity(void **state _unused_) {
	uint8_t a[HASH_SHA256_SIZE], b[HASH_SHA256_SIZE];
	assert_int_equal(cache_id("ab", 2, "c", 1, a), 0);
	assert_int_equal(cache_id("a", 1, "bc", 2, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cache_id("ab", 2, "d", 1, b), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(cache_id("ab", 2, "c", 1, b), 0);
	assert_memory_equal(a, b, sizeof(a));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get_and_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_oldest_goes, set_up, tear_down),
		cmocka_unit_test(test_identity),
	};
	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
