// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/router.h"

struct face_route {
	struct route route;
	int id;
};

static const struct face_route table[] = {
	{{"GET", "/"}, 1},
	{{"GET", "/keys"}, 2},
	{{"POST", "/keys/{name}/create"}, 3},
	{{"POST", "/keys/{name}/{version}/unwrapkey"}, 4},
	{{"GET", "/keys/{name}/{version}"}, 5},
	{{"DELETE", "/keys/{name}"}, 6},
	{{"HEAD", "/both"}, 7},
	{{"GET", "/both"}, 8},
	{{"GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}"}, 9},
};

static enum route_result find(const char *method, const char *path, struct route_match *m) {
	return route_find(table, ARRAY_SIZE(table), sizeof(table[0]), method, path, m);
}

static int id_of(const char *method, const char *path) {
	struct route_match m;
	return find(method, path, &m) == ROUTE_FOUND ? table[m.index].id : 0;
}

static void test_literals_and_captures(void **state _unused_) {
	struct route_match m;
	assert_int_equal(id_of("GET", "/"), 1);
	assert_int_equal(id_of("GET", "/keys"), 2);
	assert_int_equal(id_of("GET", "/KEYS/"), 2);
	assert_int_equal(find("POST", "/Keys/MyKey/0123/UnwrapKey", &m), ROUTE_FOUND);
	assert_int_equal(table[m.index].id, 4);
	assert_string_equal(route_param(&m, "name"), "MyKey");
	assert_string_equal(route_param(&m, "version"), "0123");
	assert_string_equal(route_param(&m, "other"), "");
	assert_int_equal(m.count, 2);
	assert_int_equal(id_of("GET", "/1/2/3/4/5/6/7/8"), 9);
}

static void test_method_and_path_are_told_apart(void **state _unused_) {
	struct route_match m = {.index = 77};
	assert_int_equal(find("PUT", "/keys", &m), ROUTE_NO_METHOD);
	assert_int_equal(find("get", "/keys", &m), ROUTE_NO_METHOD);
	assert_int_equal(find("GET", "/key", &m), ROUTE_NO_PATH);
	assert_int_equal(find("GET", "/keyss", &m), ROUTE_NO_PATH);
	assert_int_equal(find("GET", "keys", &m), ROUTE_NO_PATH);
	assert_int_equal(find("GET", "", &m), ROUTE_NO_PATH);
	assert_int_equal(m.index, 77);
	// The path belongs to a later route although an earlier one refuses the method.
	assert_int_equal(id_of("GET", "/keys/a/create"), 5);
	assert_int_equal(id_of("DELETE", "/keys/a"), 6);
}

static void test_captures_are_never_empty_or_many(void **state _unused_) {
	struct route_match m;
	assert_int_equal(find("DELETE", "/keys//", &m), ROUTE_NO_PATH);
	assert_int_equal(find("POST", "/keys//create", &m), ROUTE_NO_PATH);
	assert_int_equal(find("DELETE", "/keys/a//", &m), ROUTE_NO_PATH);
	assert_int_equal(find("GET", "/keys/a/b/c", &m), ROUTE_NO_PATH);
	assert_int_equal(find("GET", "//", &m), ROUTE_NO_PATH);
}

static void test_long_values_do_not_match(void **state _unused_) {
	char path[ROUTE_VALUE_MAX + 16] = "/keys/";
	memset(path + 6, 'k', ROUTE_VALUE_MAX - 1);
	struct route_match m;
	assert_int_equal(find("DELETE", path, &m), ROUTE_FOUND);
	assert_int_equal(strlen(route_param(&m, "name")), ROUTE_VALUE_MAX - 1);
	path[6 + ROUTE_VALUE_MAX - 1] = 'k';
	assert_int_equal(find("DELETE", path, &m), ROUTE_NO_PATH);
}

static void test_head_falls_back_to_get(void **state _unused_) {
	assert_int_equal(id_of("HEAD", "/keys"), 2);
	assert_int_equal(id_of("HEAD", "/both"), 7);
	assert_int_equal(id_of("GET", "/both"), 8);
	struct route_match m;
	assert_int_equal(find("HEAD", "/keys/a", &m), ROUTE_NO_METHOD);
	assert_int_equal(find("HEAD", "/nothing", &m), ROUTE_NO_PATH);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals_and_captures),
		cmocka_unit_test(test_method_and_path_are_told_apart),
		cmocka_unit_test(test_captures_are_never_empty_or_many),
		cmocka_unit_test(test_long_values_do_not_match),
		cmocka_unit_test(test_head_falls_back_to_get),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
