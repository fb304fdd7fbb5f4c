// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/target.h"

static void test_paths_are_decoded(void **state _unused_) {
	static const struct {
		const char *raw, *path;
	} cases[] = {
		{"/", "/"},
		{"/a/b", "/a/b"},
		{"/a/b/", "/a/b/"},
		{"//a", "//a"},
		{"/a%20b/%C3%A9?x", "/a b/é"},
		{"/a+b", "/a+b"},
		{"/%7euser/...", "/~user/..."},
		{"/%25zz", "/%zz"},
		{"/?/../%2f", "/"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_target_ struct target t = {0};
		struct err err = {0};
		assert_int_equal(target_parse(cases[i].raw, &t, &err), 0);
		assert_string_equal(t.path, cases[i].path);
	}
}

static void test_ambiguous_targets_are_refused(void **state _unused_) {
	static const char *const cases[] = {
		"", "*", "a", "http://host/", "/a%2fb", "/a%2Fb", "/%00", "/%", "/%1", "/%1?a", "/%zz", "/%-1", "/% 1",
		"/a/../b", "/a/./b", "/..", "/.", "/%2e%2E/b", "/.%2e", "/a%0d%0ab", "/a%7f", "/%ff", "/%c0%af", "/a#b",
		"/a\x01", "/a?b=%", "/a?b=%0", "/a?%g1=2", "/a?b=%00", "/a?b=%ff", "/a?\x7f=1", "/%ed%a0%80",
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target t = {0};
		struct err err = {0};
		int rc = target_parse(cases[i], &t, &err);
		if (rc != -EINVAL)
			print_error("%s\n", cases[i]);
		assert_int_equal(rc, -EINVAL);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, "BadRequest");
		assert_null(t.path);
	}
}

static void test_queries_are_decoded(void **state _unused_) {
	_cleanup_target_ struct target t = {0};
	struct err err = {0};
	const char *raw = "/a?api-version=7.4&&%24Filter=a+eq%20'%26%3d%2B'&x=1&X=2&empty=&bare&=noname&u=a=b?c/%C3%A9%0A";
	assert_int_equal(target_parse(raw, &t, &err), 0);
	assert_string_equal(t.path, "/a");
	assert_string_equal(target_param(&t, "API-Version"), "7.4");
	assert_string_equal(target_param(&t, "$filter"), "a eq '&=+'");
	assert_string_equal(target_param(&t, "x"), "1");
	assert_string_equal(target_param(&t, "empty"), "");
	assert_string_equal(target_param(&t, "bare"), "");
	assert_string_equal(target_param(&t, ""), "noname");
	assert_string_equal(target_param(&t, "u"), "a=b?c/é\n");
	assert_null(target_param(&t, "missing"));
}

static void test_many_parameters(void **state _unused_) {
	char raw[4 * TARGET_PARAMS_MAX + 16] = "/?";
	for (size_t i = 0; i < TARGET_PARAMS_MAX; i++)
		memcpy(raw + 2 + 2 * i, "a&", 3);
	_cleanup_target_ struct target t = {0};
	struct err err = {0};
	assert_int_equal(target_parse(raw, &t, &err), 0);
	assert_int_equal(t.param_count, TARGET_PARAMS_MAX);
	memcpy(raw + 2 + 2 * TARGET_PARAMS_MAX, "a", 2);
	struct target more = {0};
	assert_int_equal(target_parse(raw, &more, &err), -EINVAL);
}

static void test_hosts(void **state _unused_) {
	static const struct {
		const char *text, *host;
		int port;
	} cases[] = {
		{"Vault.Azure.NET", "vault.azure.net", 443},
		{"a.b.:8443", "a.b", 8443},
		{"169.254.169.254:80", "169.254.169.254", 80},
		{"[::1]:65535", "[::1]", 65535},
		{"[FE80::1]", "[fe80::1]", 443},
		{"a:", "a", 443},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char host[TARGET_HOST_MAX];
		int port = 443;
		struct err err = {0};
		assert_int_equal(target_host(cases[i].text, host, &port, &err), 0);
		assert_string_equal(host, cases[i].host);
		assert_int_equal(port, cases[i].port);
	}
}

static void test_malformed_hosts_are_refused(void **state _unused_) {
	char longest[TARGET_HOST_MAX + 1];
	memset(longest, 'a', sizeof(longest));
	longest[TARGET_HOST_MAX] = 0;
	const char *const cases[] = {
		"", ":80", "a b", "a/b", "a@b", "a,b", "a:0", "a:65536", "a:x", "a:-1", "a:1:2", "[::1", "[]x", "[::1]x",
		"[::g]", "é", "a%41", longest,
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char host[TARGET_HOST_MAX] = "before";
		int port = 443;
		struct err err = {0};
		assert_int_equal(target_host(cases[i], host, &port, &err), -EINVAL);
		assert_int_equal(err.status, 400);
		assert_string_equal(host, "before");
		assert_int_equal(port, 443);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths_are_decoded),
		cmocka_unit_test(test_ambiguous_targets_are_refused),
		cmocka_unit_test(test_queries_are_decoded),
		cmocka_unit_test(test_many_parameters),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_malformed_hosts_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
