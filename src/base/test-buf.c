// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include "base/test-util.h"

static void test_empty(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	assert_string_equal(buf_cstr(&b), "");
	buf_clear(&b);
	assert_int_equal(buf_append(&b, NULL, 0), 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_cstr(&b), "");
}

static void test_grow(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	for (unsigned i = 0; i < 10000; i++) {
		assert_int_equal(buf_append(&b, &(uint8_t){(uint8_t)i}, 1), 0);
		assert_true(b.cap > b.len);
		assert_int_equal(b.data[b.len], 0);
	}
	assert_int_equal(b.len, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
}

static void test_extend(void **state _unused_) {
	static const uint8_t want[] = {'x', 0, 7, 0, 'y'};
	_cleanup_buf_ struct buf b = {0};
	uint8_t *at = NULL;
	assert_int_equal(buf_extend(&b, 0, &at), 0);
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_str(&b, "x"), 0);
	assert_int_equal(buf_extend(&b, 3, &at), 0);
	assert_int_equal(b.data[b.len], 0);
	at[1] = 7;
	assert_int_equal(buf_str(&b, "y"), 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	at = NULL;
	assert_int_equal(buf_extend(&b, SIZE_MAX - 2, &at), -EOVERFLOW);
	assert_null(at);
	assert_int_equal(b.len, sizeof(want));
}

static void test_text(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	assert_int_equal(buf_str(&b, "one"), 0);
	assert_int_equal(buf_printf(&b, " %d %s", 2, "three"), 0);
	assert_string_equal(buf_cstr(&b), "one 2 three");
	assert_int_equal(b.len, 11);
}

static void test_integers(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	assert_int_equal(buf_u8(&b, 0xfe), 0);
	assert_int_equal(buf_u16(&b, 0x0102), 0);
	assert_int_equal(buf_u32(&b, 0x03040506), 0);
	assert_int_equal(buf_u64(&b, 0x0708090a0b0c0d0eULL), 0);
	assert_int_equal(buf_blob(&b, "xy", 2), 0);
	static const uint8_t want[] = {0xfe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 0, 0, 2, 'x', 'y'};
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
}

// A size that does not fit is refused before anything is read or written.
static void test_overflow(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	assert_int_equal(buf_str(&b, "text"), 0);
	assert_int_equal(buf_append(&b, "", SIZE_MAX), -EOVERFLOW);
	assert_int_equal(buf_append(&b, "", SIZE_MAX - 4), -EOVERFLOW);
	assert_int_equal(buf_append(&b, "", SIZE_MAX / 2 + 2), -EOVERFLOW);
	assert_int_equal(buf_blob(&b, "", (size_t)UINT32_MAX + 1), -EOVERFLOW);
	assert_string_equal(buf_cstr(&b), "text");
}

static void test_clear_wipes(void **state _unused_) {
	_cleanup_buf_ struct buf b = {0};
	assert_int_equal(buf_str(&b, "a password"), 0);
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	static const uint8_t zeros[10];
	assert_memory_equal(b.data, zeros, sizeof(zeros));
	assert_int_equal(buf_str(&b, "x"), 0);
	assert_string_equal(buf_cstr(&b), "x");
}

static void test_free_is_repeatable(void **state _unused_) {
	struct buf b = {0};
	assert_int_equal(buf_str(&b, "x"), 0);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void test_take(void **state _unused_) {
	struct buf b = {0};
	char *s = buf_take_str(&b);
	assert_string_equal(s, "");
	free(s);
	assert_int_equal(buf_str(&b, "mine"), 0);
	s = buf_take_str(&b);
	assert_string_equal(s, "mine");
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	free(s);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_clear_wipes),
		cmocka_unit_test(test_free_is_repeatable),
		cmocka_unit_test(test_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
