// SPDX-License-Identifier: Apache-2.0
#include "deployment/diff.h"

#include "base/strv.h"
#include "base/test-util.h"

static json_t *json_of(const char *text) {
	json_error_t at;
	json_t *value = json_loads(text, JSON_DECODE_ANY, &at);
	if (!value)
		fail_msg("%s: %s", text, at.text);
	return value;
}

static void changes(const char *before, const char *after, const char *wanted) {
	struct err err = {0};
	_cleanup_json_ json_t *a = json_of(before), *b = json_of(after), *expected = json_of(wanted), *got = NULL;
	assert_int_equal(diff_members(a, b, &got, &err), 0);
	if (!json_equal(got, expected)) {
		_cleanup_free_ char *text = json_text(got);
		fail_msg("%s -> %s\n got %s\nwant %s", before, after, text, wanted);
	}
}

static void test_nothing(void **state) {
	(void)state;
	changes("{}", "{}", "[]");
	changes("{\"a\":{\"b\":[1,{\"c\":null}]}}", "{\"a\":{\"b\":[1,{\"c\":null}]}}", "[]");
}

static void test_members(void **state) {
	(void)state;
	changes("{\"location\":\"x\",\"properties\":{\"a\":{\"b\":1},\"gone\":true}}",
		"{\"location\":\"x\",\"properties\":{\"a\":{\"b\":2}},\"tags\":{\"k\":\"v\"}}",
		"[{\"path\":\"properties.a.b\",\"propertyChangeType\":\"Modify\",\"before\":1,\"after\":2,\"children\":null},"
		"{\"path\":\"properties.gone\",\"propertyChangeType\":\"Delete\",\"before\":true,\"after\":null,\"children\":null},"
		"{\"path\":\"tags\",\"propertyChangeType\":\"Create\",\"before\":null,\"after\":{\"k\":\"v\"},\"children\":null}]");
}

static void test_another_type_of_value(void **state) {
	(void)state;
	changes("{\"a\":{\"b\":1}}", "{\"a\":[1]}",
		"[{\"path\":\"a\",\"propertyChangeType\":\"Modify\",\"before\":{\"b\":1},\"after\":[1],\"children\":null}]");
	changes("{\"a\":\"1\"}", "{\"a\":1}",
		"[{\"path\":\"a\",\"propertyChangeType\":\"Modify\",\"before\":\"1\",\"after\":1,\"children\":null}]");
}

static void test_elements(void **state) {
	(void)state;
	changes("{\"p\":{\"l\":[\"a\",\"b\",\"c\"]}}", "{\"p\":{\"l\":[\"a\",\"x\"]}}",
		"[{\"path\":\"p.l\",\"propertyChangeType\":\"Array\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"1\",\"propertyChangeType\":\"Modify\",\"before\":\"b\",\"after\":\"x\",\"children\":null},"
		"{\"path\":\"2\",\"propertyChangeType\":\"Delete\",\"before\":\"c\",\"after\":null,\"children\":null}]}]");
	changes("{\"l\":[]}", "{\"l\":[{\"n\":1}]}",
		"[{\"path\":\"l\",\"propertyChangeType\":\"Array\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"0\",\"propertyChangeType\":\"Create\",\"before\":null,\"after\":{\"n\":1},\"children\":null}]}]");
}

static void test_objects_and_arrays_in_arrays(void **state) {
	(void)state;
	changes("{\"l\":[{\"n\":1,\"p\":{\"q\":1}},{\"same\":1}]}", "{\"l\":[{\"n\":1,\"p\":{\"q\":2}},{\"same\":1}]}",
		"[{\"path\":\"l\",\"propertyChangeType\":\"Array\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"0\",\"propertyChangeType\":\"Modify\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"p.q\",\"propertyChangeType\":\"Modify\",\"before\":1,\"after\":2,\"children\":null}]}]}]");
	changes("{\"l\":[[1]]}", "{\"l\":[[2]]}",
		"[{\"path\":\"l\",\"propertyChangeType\":\"Array\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"0\",\"propertyChangeType\":\"Array\",\"before\":null,\"after\":null,\"children\":["
		"{\"path\":\"0\",\"propertyChangeType\":\"Modify\",\"before\":1,\"after\":2,\"children\":null}]}]}]");
}

static void sees(const char *shown, const char *wanted, const char *expected) {
	struct err err = {0};
	_cleanup_json_ json_t *a = json_of(shown), *w = json_of(wanted), *e = json_of(expected), *got = NULL;
	assert_int_equal(diff_visible(a, w, &got, &err), 0);
	if (!json_equal(got, e)) {
		_cleanup_free_ char *text = json_text(got);
		fail_msg("%s\n got %s\nwant %s", shown, text, expected);
	}
}

static void test_what_is_the_platforms_own_is_not_seen(void **state) {
	(void)state;
	sees("{\"etag\":\"1\",\"properties\":{\"provisioningState\":\"Succeeded\",\"principalId\":\"p\",\"a\":1,\"b\":null,"
	     "\"subnets\":[{\"properties\":{\"provisioningState\":\"x\",\"c\":2}}]},"
	     "\"identity\":{\"type\":\"SystemAssigned\",\"principalId\":\"p\",\"userAssignedIdentities\":{\"/a.b/c\":{\"clientId\":\"c\"}}}}",
		"{}",
		"{\"properties\":{\"a\":1,\"subnets\":[{\"properties\":{\"c\":2}}]},\"identity\":{\"type\":\"SystemAssigned\"}}");
	sees("{\"identity\":{\"userAssignedIdentities\":{\"/a.b/c\":{\"clientId\":\"c\"}}}}",
		"{\"identity\":{\"userAssignedIdentities\":{\"/a.b/c\":{}}}}",
		"{\"identity\":{\"userAssignedIdentities\":{\"/a.b/c\":{}}}}");
	sees("{\"a\":{},\"properties\":{\"provisioningState\":\"x\"}}", "{}", "{\"a\":{}}");
}

static void test_what_is_asked_for_is_seen(void **state) {
	(void)state;
	sees("{\"properties\":{\"principalId\":\"p\",\"createdOn\":\"now\"}}", "{\"properties\":{\"PrincipalId\":\"p\"}}",
		"{\"properties\":{\"principalId\":\"p\"}}");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_another_type_of_value),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_objects_and_arrays_in_arrays),
		cmocka_unit_test(test_what_is_the_platforms_own_is_not_seen),
		cmocka_unit_test(test_what_is_asked_for_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
