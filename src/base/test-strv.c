// SPDX-License-Identifier: Apache-2.0
#include "base/strv.h"

#include "base/test-util.h"

static void test_prefixes(void **state _unused_) {
	assert_true(strv_eq_nocase("Microsoft.Compute", "microsoft.compute"));
	assert_false(strv_eq_nocase("a", "ab"));
	assert_true(strv_starts_with_nocase("/Subscriptions/x", "/subscriptions/"));
	assert_true(strv_starts_with_nocase("x", ""));
	assert_false(strv_starts_with_nocase("/sub", "/subscriptions/"));
	assert_true(strv_ends_with_nocase("v.VAULT.azure.net", ".vault.azure.net"));
	assert_true(strv_ends_with_nocase("x", ""));
	assert_false(strv_ends_with_nocase("net", ".azure.net"));
	assert_false(strv_ends_with_nocase(".vault.azure.net.example", ".vault.azure.net"));
}

static void test_lower_and_printf(void **state _unused_) {
	_cleanup_free_ char *lower = strv_lower("ABC-xyz-123/Ä"), *text = strv_printf("%s-%d", "a", 7);
	assert_string_equal(lower, "abc-xyz-123/Ä");
	assert_string_equal(text, "a-7");
}

static void test_copy(void **state _unused_) {
	char out[4] = "old";
	assert_int_equal(strv_copy(out, sizeof(out), "long"), -ENAMETOOLONG);
	assert_int_equal(strv_copy(out, 0, ""), -ENAMETOOLONG);
	assert_string_equal(out, "old");
	assert_int_equal(strv_copy(out, sizeof(out), "new"), 0);
	assert_string_equal(out, "new");
	assert_int_equal(strv_copy(out, 1, ""), 0);
	assert_string_equal(out, "");
}

static void test_int(void **state _unused_) {
	int64_t v = 4711;
	assert_int_equal(strv_int("0", 0, 10, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(strv_int("10", 0, 10, &v), 0);
	assert_int_equal(v, 10);
	assert_int_equal(strv_int("-5", -5, 10, &v), 0);
	assert_int_equal(v, -5);
	assert_int_equal(strv_int("9223372036854775807", 0, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(strv_int("-9223372036854775808", INT64_MIN, 0, &v), 0);
	assert_true(v == INT64_MIN);
}

static void test_int_refused(void **state _unused_) {
	static const char *const malformed[] = {"", "-", "+1", " 1", "1 ", "1x", "x", "0x10", "1.0", "1e3", "--1", "1-", "\n1"};
	int64_t v = 4711;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
		assert_int_equal(strv_int(malformed[i], -100, 100, &v), -EINVAL);
	assert_int_equal(strv_int("-1", 0, 100, &v), -EINVAL);
	assert_int_equal(strv_int("101", 0, 100, &v), -ERANGE);
	assert_int_equal(strv_int("4", 5, 100, &v), -ERANGE);
	assert_int_equal(strv_int("-101", -100, 100, &v), -ERANGE);
	assert_int_equal(strv_int("9223372036854775808", 0, INT64_MAX, &v), -ERANGE);
	assert_int_equal(strv_int("99999999999999999999999999", 0, INT64_MAX, &v), -ERANGE);
	assert_int_equal(strv_int("-9223372036854775809", INT64_MIN, 0, &v), -ERANGE);
	assert_int_equal(v, 4711);
}

static void test_glob(void **state _unused_) {
	static const struct {
		const char *pattern, *s;
		bool match;
	} cases[] = {
		{"*", "", true},
		{"*", "anything/at/all", true},
		{"", "", true},
		{"", "x", false},
		{"a", "A", true},
		{"a", "", false},
		{"Microsoft.Compute/*/read", "microsoft.compute/disks/READ", true},
		{"Microsoft.Compute/*/read", "Microsoft.Compute/disks/write", false},
		{"Microsoft.Compute/*/read", "Microsoft.Compute/read", false},
		{"Microsoft.Compute/*", "Microsoft.Compute", false},
		{"*/read", "a/b/read", true},
		{"*/read", "a/b/reader", false},
		{"*a*b*c", "xxaxxbxxc", true},
		{"*a*b*c", "xxaxxcxxb", false},
		{"a**b", "ab", true},
		{"*aab", "aaaaab", true},
		{"a?c", "abc", false},
		{"a[b]c", "abc", false},
		{"ab", "abc", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (strv_glob_nocase(cases[i].pattern, cases[i].s) != cases[i].match)
			fail_msg("%s on %s", cases[i].pattern, cases[i].s);
}

static void test_squeeze(void **state _unused_) {
	char out[8] = "before";
	assert_int_equal(strv_squeeze(out, sizeof(out), "//a//b/c///", '/'), 0);
	assert_string_equal(out, "/a/b/c/");
	assert_int_equal(strv_squeeze(out, sizeof(out), "/a/b/c/d", '/'), -ENAMETOOLONG);
	assert_string_equal(out, "/a/b/c/");
	assert_int_equal(strv_squeeze(out, sizeof(out), "", '/'), 0);
	assert_string_equal(out, "");
	assert_int_equal(strv_squeeze(out, sizeof(out), "aabb", '/'), 0);
	assert_string_equal(out, "aabb");
}

static void test_made_of(void **state _unused_) {
	assert_true(strv_made_of("abc", "abc", 1, 3));
	assert_false(strv_made_of("abcd", "abcd", 1, 3));
	assert_false(strv_made_of("", "abc", 1, 3));
	assert_true(strv_made_of("", "abc", 0, 3));
	assert_false(strv_made_of("abx", "abc", 1, 3));
	assert_false(strv_made_of("aB", "abc", 1, 3));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_lower_and_printf),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_int_refused),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_squeeze),
		cmocka_unit_test(test_made_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
