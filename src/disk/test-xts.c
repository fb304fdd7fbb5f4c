// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "disk/xts.h"

// IEEE Std 1619-2007, annex B, vector 10: XTS-AES-256, data unit number ff.
static const char vector_key[] =
	"2718281828459045235360287471352662497757247093699959574966967627"
	"3141592653589793238462643383279502884197169399375105820974944592";
static const char vector_10[] =
	"1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b5d31e276f8fe4a8d66b317f9ac683f44"
	"680a86ac35adfc3345befecb4bb188fd5776926c49a3095eb108fd1098baec70aaa66999a72a82f27d848b21d4a741b0"
	"c5cd4d5fff9dac89aeba122961d03a757123e9870f8acf1000020887891429ca2a3e7a7d7df7b10355165c8b9a6d0a7d"
	"e8b062c4500dc4cd120c0f7418dae3d0b5781c34803fa75421c790dfe1de1834f280d7667b327f6c8cd7557e12ac3a0f"
	"93ec05c52e0493ef31a12d3d9260f79a289d6a379bc70c50841473d1a8cc81ec583e9645e07b8d9670655ba5bbcfecc6"
	"dc3966380ad8fecb17b6ba02469a020a84e18e8f84252070c13e9f1f289be54fbc481457778f616015e1327a02b140f1"
	"505eb309326d68378f8374595c849d84f4c333ec4423885143cb47bd71c5edae9be69a2ffeceb1bec9de244fbe15992b"
	"11b77c040f12bd8f6a975a44a0f90c29a9abc3d4d893927284c58754cce294529f8614dcd2aba991925fedc4ae74ffac"
	"6e333b93eb4aff0479da9a410e4450e0dd7ae4c6e2910900575da401fc07059f645e8b7e9bfdef33943054ff84011493"
	"c27b3429eaedb4ed5376441a77ed43851ad77f16f541dfd269d50d6a5f14fb0aab1cbb4c1550be97f7ab4066193c4caa"
	"773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151";

static struct xts *keyed(const char *hex) {
	struct buf bytes = {0};
	struct secret key = {0};
	struct xts *x = NULL;
	assert_int_equal(dec_hex(&bytes, hex, strlen(hex)), 0);
	assert_int_equal(secret_copy(&key, bytes.data, bytes.len), 0);
	assert_int_equal(xts_new(&key, &x, NULL), 0);
	secret_free(&key);
	buf_free(&bytes);
	return x;
}

// The standard's data units have 512 bytes; the start of a longer unit under the same number is the same.
static void test_published_vector(void **state) {
	(void)state;
	struct xts *x = keyed(vector_key);
	struct buf expected = {0};
	uint8_t sector[XTS_SECTOR_SIZE] = {0}, plain[XTS_SECTOR_SIZE];
	for (size_t i = 0; i < 512; i++)
		sector[i] = (uint8_t)i;
	memcpy(plain, sector, sizeof(plain));
	assert_int_equal(dec_hex(&expected, vector_10, strlen(vector_10)), 0);
	assert_int_equal(expected.len, 512);
	assert_int_equal(xts_encrypt(x, 0xff * XTS_IV_UNIT, sector, sector, sizeof(sector)), 0);
	assert_memory_equal(sector, expected.data, expected.len);
	assert_int_equal(xts_decrypt(x, 0xff * XTS_IV_UNIT, sector, sector, sizeof(sector)), 0);
	assert_memory_equal(sector, plain, sizeof(plain));
	buf_free(&expected);
	xts_free(x);
}

// The second sector of a run is what it is alone: its number is 8 units further.
static void test_sectors_are_numbered_in_512_byte_units(void **state) {
	(void)state;
	struct xts *x = keyed(vector_key);
	uint8_t run[2 * XTS_SECTOR_SIZE] = {0}, alone[XTS_SECTOR_SIZE] = {0};
	assert_int_equal(xts_encrypt(x, 0, run, run, sizeof(run)), 0);
	assert_int_equal(xts_encrypt(x, 4096, alone, alone, sizeof(alone)), 0);
	assert_memory_equal(run + XTS_SECTOR_SIZE, alone, sizeof(alone));
	assert_memory_not_equal(run, alone, sizeof(alone));
	memset(alone, 0, sizeof(alone));
	assert_int_equal(xts_encrypt(x, 8 * XTS_IV_UNIT, alone, alone, sizeof(alone)), 0);
	assert_memory_equal(run + XTS_SECTOR_SIZE, alone, sizeof(alone));
	xts_free(x);
}

static void test_refused_sizes_and_keys(void **state) {
	(void)state;
	struct xts *x = keyed(vector_key);
	uint8_t sector[XTS_SECTOR_SIZE] = {0};
	assert_int_equal(xts_encrypt(x, 100, sector, sector, sizeof(sector)), -EINVAL);
	assert_int_equal(xts_encrypt(x, 0, sector, sector, 512), -EINVAL);
	assert_int_equal(xts_decrypt(x, 0, sector, sector, 4095), -EINVAL);
	xts_free(x);

	struct secret key = {0};
	struct err err = {0};
	assert_int_equal(secret_alloc(&key, XTS_KEY_SIZE), 0);
	assert_int_equal(xts_new(&key, &x, &err), -EINVAL);  // equal halves
	assert_string_equal(err.code, "InternalDiskManagementError");
	secret_free(&key);
	assert_int_equal(secret_random(&key, 32), 0);
	assert_int_equal(xts_new(&key, &x, &err), -EINVAL);
	secret_free(&key);
	assert_int_equal(xts_make_key(&key, &err), 0);
	assert_int_equal(key.len, XTS_KEY_SIZE);
	assert_memory_not_equal(key.data, key.data + 32, 32);
	secret_free(&key);
}

struct worker {
	struct xts *xts;
	uint64_t offset;
	int failures;
};

static void *work(void *ctx) {
	struct worker *w = ctx;
	uint8_t data[4 * XTS_SECTOR_SIZE], expected[sizeof(data)];
	memset(expected, (int)(w->offset >> 14), sizeof(expected));
	for (int i = 0; i < 200; i++) {
		memcpy(data, expected, sizeof(data));
		if (xts_encrypt(w->xts, w->offset, data, data, sizeof(data)) < 0 ||
			memcmp(data, expected, sizeof(data)) == 0 ||
			xts_decrypt(w->xts, w->offset, data, data, sizeof(data)) < 0 || memcmp(data, expected, sizeof(data)) != 0)
			w->failures++;
	}
	return NULL;
}

static void test_threads_do_not_disturb_each_other(void **state) {
	(void)state;
	struct xts *x = keyed(vector_key);
	struct worker workers[4];
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){.xts = x, .offset = (i + 1) << 14};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(workers[i].failures, 0);
	}
	xts_free(x);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vector),
		cmocka_unit_test(test_sectors_are_numbered_in_512_byte_units),
		cmocka_unit_test(test_refused_sizes_and_keys),
		cmocka_unit_test(test_threads_do_not_disturb_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
