// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "entra/form.h"

static int parse(const char *text, struct form *out) {
	struct err err = {0};
	int rc = form_parse(text, strlen(text), out, &err);
	if (rc < 0) {
		assert_int_equal(err.status, 400);
		assert_true(strlen(err.message) > 0);
	}
	return rc;
}

static void test_fields(void **state) {
	(void)state;
	_cleanup_form_ struct form f = {0};
	assert_int_equal(parse("a=1&scope=https%3A%2F%2Fvault.azure.net%2f.default&b=x+y%2Bz&c=&d=p==", &f), 0);
	assert_int_equal(f.count, 5);
	assert_string_equal(form_get(&f, "a"), "1");
	assert_string_equal(form_get(&f, "scope"), "https://vault.azure.net/.default");
	assert_string_equal(form_get(&f, "b"), "x y+z");
	assert_string_equal(form_get(&f, "c"), "");
	assert_string_equal(form_get(&f, "d"), "p==");
	assert_null(form_get(&f, "A"));
	assert_null(form_get(&f, "1"));
}

static void test_empty(void **state) {
	(void)state;
	_cleanup_form_ struct form f = {0};
	assert_int_equal(parse("", &f), 0);
	assert_int_equal(f.count, 0);
	assert_null(form_get(&f, "a"));
}

static void test_malformed(void **state) {
	(void)state;
	static const char *const bad[] = {"a", "=1", "a=1&", "&a=1", "a=1&&b=2", "a&b=1", "a=%", "a=%4", "a=%zz", "a=%4g",
		"a=%00", "a=%0a", "a=%ff", "a=\x80", "a=\n", "a=1\r\n", "%=1"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct form f = {.count = 77};
		assert_int_equal(parse(bad[i], &f), -EINVAL);
		assert_int_equal(f.count, 77);
		assert_null(f.text.data);
	}
}

static void test_embedded_nul(void **state) {
	(void)state;
	struct form f = {0};
	struct err err = {0};
	assert_int_equal(form_parse("a=b\0c", 5, &f, &err), -EINVAL);
}

static void test_duplicates(void **state) {
	(void)state;
	struct form f = {0};
	struct err err = {0};
	assert_int_equal(parse("a=1&b=2&a=1", &f), -EEXIST);
	assert_int_equal(parse("scope=1&sc%6Fpe=2", &f), -EEXIST);
	assert_int_equal(form_parse("id=1&id=2", 9, &f, &err), -EEXIST);
	assert_string_equal(err.message, "The parameter 'id' is duplicated.");
}

static void test_limits(void **state) {
	(void)state;
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	for (int i = 0; i < FORM_FIELDS_MAX; i++)
		assert_int_equal(buf_printf(&text, "%sf%d=1", i ? "&" : "", i), 0);
	_cleanup_form_ struct form full = {0};
	assert_int_equal(form_parse(text.data, text.len, &full, &err), 0);
	assert_int_equal(full.count, FORM_FIELDS_MAX);
	assert_string_equal(form_get(&full, "f31"), "1");
	assert_int_equal(buf_str(&text, "&more=1"), 0);
	struct form f = {0};
	assert_int_equal(form_parse(text.data, text.len, &f, &err), -EINVAL);

	_cleanup_buf_ struct buf big = {0};
	assert_int_equal(buf_str(&big, "a="), 0);
	while (big.len <= FORM_BODY_MAX)
		assert_int_equal(buf_str(&big, "x"), 0);
	assert_int_equal(form_parse(big.data, big.len, &f, &err), -EINVAL);
	_cleanup_form_ struct form largest = {0};
	assert_int_equal(form_parse(big.data, FORM_BODY_MAX, &largest, &err), 0);
}

static void test_decode(void **state) {
	(void)state;
	_cleanup_buf_ struct buf out = {0};
	assert_int_equal(form_decode("a%20b", 5, &out), 0);
	assert_string_equal(buf_cstr(&out), "a b");
	assert_int_equal(form_decode("a&b", 3, &out), -EINVAL);
	assert_int_equal(form_decode("%1", 2, &out), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_embedded_nul),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_decode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
