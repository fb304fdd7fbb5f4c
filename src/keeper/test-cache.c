// SPDX-License-Identifier: Apache-2.0
#include "keeper/cache.h"

#include "keeper/test-util.h"

enum { HEAP = 1 << 18 };

static struct key *key, *other_key;
static struct cache *cache;

static int set_up_keys(void **state _unused_) {
	const struct key_spec rsa = {.kind = KEY_KIND_RSA, .bits = 2048}, oct = {.kind = KEY_KIND_OCT, .bits = 256};
	return key_make(&rsa, &key, NULL) < 0 || key_make(&oct, &other_key, NULL) < 0;
}

static int tear_down_keys(void **state _unused_) {
	key_unref(key);
	key_unref(other_key);
	return 0;
}

static int set_up(void **state _unused_) {
	return cache_new(SIZE_MAX, &cache);
}

static int tear_down(void **state _unused_) {
	cache_free(cache);
	return 0;
}

static void number_id(unsigned n, uint8_t id[static HASH_SHA256_SIZE]) {
	assert_int_equal(hash_sha256(&n, sizeof(n), id), 0);
}

static void put(unsigned n, struct key *k, unsigned usage) {
	uint8_t id[HASH_SHA256_SIZE];
	number_id(n, id);
	cache_put(cache, id, k, usage);
}

static bool has(unsigned n, struct key *want, unsigned want_usage) {
	uint8_t id[HASH_SHA256_SIZE];
	number_id(n, id);
	_cleanup_pkey_ struct key *found = NULL;
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

// With more locked memory in use than keys may fill, the key that is used stays and one other goes.
static void test_memory_is_short(void **state _unused_) {
	struct cache *plenty = cache;
	_cleanup_secret_ struct secret filling = {0};
	assert_int_equal(secret_alloc(&filling, HEAP / 4), 0);
	assert_int_equal(cache_new(HEAP / 4 - 1, &cache), 0);
	put(1, key, 1);
	assert_true(has(1, key, 1));
	put(2, other_key, 2);
	assert_false(has(1, key, 1));
	assert_true(has(2, other_key, 2));
	secret_free(&filling);
	put(3, key, 1);
	put(4, key, 1);
	assert_true(has(2, other_key, 2));
	assert_int_equal(secret_alloc(&filling, HEAP / 4), 0);
	assert_true(has(2, other_key, 2));
	assert_false(has(3, key, 1));
	assert_true(has(4, key, 1));
	assert_false(has(2, other_key, 2));
	cache_free(cache);
	cache = plenty;
}

int main(void) {
	if (secret_init(HEAP, NULL) < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_get_and_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_oldest_goes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_is_short, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
