// SPDX-License-Identifier: Apache-2.0
#include "base/cursor.h"

#include "base/test-util.h"

static const uint8_t bytes[] = {0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static void test_integers(void **state _unused_) {
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	assert_int_equal(cursor_u8(&c), 0xfe);
	assert_int_equal(cursor_u16(&c), 0x0102);
	assert_int_equal(cursor_u32(&c), 0x03040506);
	assert_false(cursor_done(&c));
	assert_true(cursor_u64(&c) == 0x0708090a0b0c0d0eULL);
	assert_true(cursor_done(&c));
}

static void test_high_bits(void **state _unused_) {
	static const uint8_t ones[15] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct cursor c = cursor_of(ones, sizeof(ones));
	assert_int_equal(cursor_u8(&c), UINT8_MAX);
	assert_int_equal(cursor_u16(&c), UINT16_MAX);
	assert_true(cursor_u32(&c) == UINT32_MAX);
	assert_true(cursor_u64(&c) == UINT64_MAX);
	assert_true(cursor_done(&c));
}

// After the first read past the end nothing succeeds again, not even what would have fitted.
static void test_failure_stays(void **state _unused_) {
	struct cursor c = cursor_of(bytes, 3);
	assert_int_equal(cursor_u32(&c), 0);
	assert_true(c.failed);
	assert_int_equal(cursor_u8(&c), 0);
	assert_int_equal(cursor_u16(&c), 0);
	assert_true(cursor_u64(&c) == 0);
	assert_null(cursor_bytes(&c, 1));
	assert_null(cursor_bytes(&c, 0));
	size_t len = 7;
	assert_null(cursor_blob(&c, 100, &len));
	assert_int_equal(len, 0);
	assert_false(cursor_done(&c));
}

static void test_each_width_at_the_end(void **state _unused_) {
	for (size_t have = 0; have < 8; have++) {
		struct cursor c = cursor_of(bytes, have);
		(void)cursor_u64(&c);
		assert_true(c.failed);
		c = cursor_of(bytes, have);
		(void)cursor_u32(&c);
		assert_true(c.failed == (have < 4));
		c = cursor_of(bytes, have);
		(void)cursor_u16(&c);
		assert_true(c.failed == (have < 2));
		c = cursor_of(bytes, have);
		(void)cursor_u8(&c);
		assert_true(c.failed == (have < 1));
	}
}

static void test_bytes(void **state _unused_) {
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	assert_ptr_equal(cursor_bytes(&c, 2), bytes);
	assert_ptr_equal(cursor_bytes(&c, 0), bytes + 2);
	assert_ptr_equal(cursor_bytes(&c, sizeof(bytes) - 2), bytes + 2);
	assert_true(cursor_done(&c));
	assert_non_null(cursor_bytes(&c, 0));
	assert_null(cursor_bytes(&c, 1));
	assert_false(cursor_done(&c));
	c = cursor_of(bytes, sizeof(bytes));
	assert_null(cursor_bytes(&c, SIZE_MAX));
	assert_true(c.failed);
}

static void test_blob(void **state _unused_) {
	static const uint8_t blob[] = {0, 0, 0, 2, 'x', 'y'};
	size_t len;
	struct cursor c = cursor_of(blob, sizeof(blob));
	assert_ptr_equal(cursor_blob(&c, 2, &len), blob + 4);
	assert_int_equal(len, 2);
	assert_true(cursor_done(&c));

	// Longer than the caller accepts, though the bytes are there.
	c = cursor_of(blob, sizeof(blob));
	assert_null(cursor_blob(&c, 1, &len));
	assert_int_equal(len, 0);
	assert_false(cursor_done(&c));

	// Cut short: in the length, in the bytes.
	for (size_t have = 0; have < sizeof(blob); have++) {
		c = cursor_of(blob, have);
		assert_null(cursor_blob(&c, 2, &len));
		assert_int_equal(len, 0);
		assert_false(cursor_done(&c));
	}
}

static void test_huge_blob(void **state _unused_) {
	static const uint8_t blob[] = {0xff, 0xff, 0xff, 0xff, 'x'};
	size_t len;
	struct cursor c = cursor_of(blob, sizeof(blob));
	assert_null(cursor_blob(&c, SIZE_MAX, &len));
	assert_int_equal(len, 0);
	assert_true(c.failed);
}

static void test_nothing(void **state _unused_) {
	struct cursor c = cursor_of(NULL, 0);
	assert_true(cursor_done(&c));
	assert_int_equal(cursor_u8(&c), 0);
	assert_false(cursor_done(&c));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_high_bits),
		cmocka_unit_test(test_failure_stays),
		cmocka_unit_test(test_each_width_at_the_end),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_blob),
		cmocka_unit_test(test_huge_blob),
		cmocka_unit_test(test_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
