// SPDX-License-Identifier: Apache-2.0
#include "deployment/jsonc.h"

#include "base/strv.h"
#include "base/test-util.h"

static void reads(const char *text, const char *strict) {
	struct err err = {0};
	_cleanup_json_ json_t *value = NULL;
	if (jsonc_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	_cleanup_free_ char *got = json_text(value);
	assert_string_equal(got, strict);
}

static void refuses(const char *text, size_t len) {
	struct err err = {0};
	json_t *value = NULL;
	assert_int_equal(jsonc_parse(text, len, &value, &err), -EINVAL);
	assert_null(value);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "InvalidRequestContent");
}

static void test_strict_json_is_itself(void **state) {
	(void)state;
	reads("{\"a\": [1, -2.5, true, false, null, \"x\"], \"b\": {}}", "{\"a\":[1,-2.5,true,false,null,\"x\"],\"b\":{}}");
	reads("[\"// no comment\", \"/* neither */\", \"a, }\"]", "[\"// no comment\",\"/* neither */\",\"a, }\"]");
	reads("[\"quote \\\" and \\\\\", \"\\u0041\"]", "[\"quote \\\" and \\\\\",\"A\"]");
}

static void test_what_az_sends(void **state) {
	(void)state;
	reads("{\"properties\": {\"mode\": \"Incremental\", template:{\r\n  \"$schema\": \"x\"}}}",
		"{\"properties\":{\"mode\":\"Incremental\",\"template\":{\"$schema\":\"x\"}}}");
	reads("{$schema : 1, _a/* c */:2}", "{\"$schema\":1,\"_a\":2}");
}

static void test_comments_and_commas(void **state) {
	(void)state;
	reads("// first\n{ \"a\": 1, // one\n \"b\": /* two */ 2, /* last */ }  // end", "{\"a\":1,\"b\":2}");
	reads("[1,2,\n]", "[1,2]");
	reads("\xef\xbb\xbf{}", "{}");
}

static void test_strings_over_lines(void **state) {
	(void)state;
	reads("[\"a\r\n\tb\"]", "[\"a\\r\\n\\tb\"]");
}

static void test_what_is_no_json(void **state) {
	(void)state;
	static const char *const bad[] = {"", "{", "{\"a\": b}", "[1 2]", "{\"a\" 1}", "[tr ue]", "/* no end", "{} x", "{\"a\":1,\"a\":2}",
		"[\"\\q\"]", "[\"no end", "{a b: 1}"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuses(bad[i], strlen(bad[i]));
	refuses("{\"a\0\": 1}", 9);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strict_json_is_itself),
		cmocka_unit_test(test_what_az_sends),
		cmocka_unit_test(test_comments_and_commas),
		cmocka_unit_test(test_strings_over_lines),
		cmocka_unit_test(test_what_is_no_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
