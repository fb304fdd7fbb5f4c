// SPDX-License-Identifier: Apache-2.0
#include "deployment/secrets.h"

#include "base/strv.h"
#include "base/test-util.h"

static json_t *json_of(const char *text) {
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	if (!value)
		fail_msg("%s", text);
	return value;
}

static void collects(const char *document, const char *parameters, const char *wanted) {
	struct err err = {0};
	_cleanup_json_ json_t *d = json_of(document), *p = json_of(parameters), *list = json_array();
	assert_int_equal(secrets_collect(d, p, list, &err), 0);
	_cleanup_free_ char *got = json_text(list);
	assert_string_equal(got, wanted);
}

static void test_what_is_secure(void **state) {
	(void)state;
	collects("{\"parameters\":{\"a\":{\"type\":\"SecureString\"},\"b\":{\"type\":\"string\"},\"c\":{\"type\":\"secureobject\"}}}",
		"{\"A\":{\"value\":\"hidden\"},\"b\":{\"value\":\"public\"},\"c\":{\"value\":{\"x\":[\"deep-1\",{\"y\":\"deep-2\"},7]}},\"z\":{\"value\":\"nobody\"}}",
		"[\"hidden\",\"deep-1\",\"deep-2\"]");
	collects("{\"parameters\":{\"a\":{\"type\":\"securestring\"}}}", "{\"a\":{\"value\":\"abc\"}}", "[]");
	collects("{\"parameters\":{}}", "null", "[]");
}

static void test_what_has_a_secure_part(void **state) {
	(void)state;
	collects("{\"definitions\":{\"t\":{\"type\":\"object\",\"properties\":{\"p\":{\"$ref\":\"#/definitions/s\"}}},\"s\":{\"type\":\"securestring\"},"
		 "\"u\":{\"type\":\"string\"},\"loop\":{\"$ref\":\"#/definitions/loop\"}},"
		 "\"parameters\":{\"a\":{\"$ref\":\"#/definitions/t\"},\"b\":{\"$ref\":\"#/definitions/u\"},"
		 "\"c\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/definitions/s\"}},\"d\":{\"$ref\":\"#/definitions/loop\"}}}",
		"{\"a\":{\"value\":{\"p\":\"one-1\"}},\"b\":{\"value\":\"two-2\"},\"c\":{\"value\":[\"three-3\"]},\"d\":{\"value\":\"four-4\"}}",
		"[\"one-1\",\"three-3\",\"four-4\"]");
}

static void strikes(const char *text, const char *wanted) {
	_cleanup_json_ json_t *list = json_of("[\"hidden\",\"aaaa\",\"abc\"]");
	struct err e = {0};
	(void)snprintf(e.message, sizeof(e.message), "%s", text);
	secrets_strike_err(list, &e);
	assert_string_equal(e.message, wanted);
}

static void test_texts(void **state) {
	(void)state;
	strikes("", "");
	strikes("nothing", "nothing");
	strikes("'hidden' and hiddenhidden.", "'***' and ******.");
	strikes("cut: 'hidd", "cut: '***");
	strikes("cut: 'hid", "cut: 'hid");
	strikes("aaaaaaaaa abc", "******a abc");
}

static void test_json(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_json_ json_t *list = json_of("[\"hidden\"]");
	_cleanup_json_ json_t *value = json_of("[{\"message\":\"is hidden\",\"details\":[{\"message\":\"hidden\",\"n\":1}]}]");
	assert_int_equal(secrets_strike_json(list, value, &err), 0);
	_cleanup_free_ char *got = json_text(value);
	assert_string_equal(got, "[{\"message\":\"is ***\",\"details\":[{\"message\":\"***\",\"n\":1}]}]");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_secure),
		cmocka_unit_test(test_what_has_a_secure_part),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
