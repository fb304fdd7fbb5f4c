// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <errno.h>

#include "base/json.h"
#include "base/strv.h"
#include "cli/target.h"

static void paths_are_below_arm(void **state) {
	(void)state;
	char *url = NULL;
	assert_int_equal(target_url("/subscriptions/s?api-version=1", &url, NULL), 0);
	assert_string_equal(url, "https://management.azure.com/subscriptions/s?api-version=1");
	free(url);
	assert_int_equal(target_url("https://v.vault.azure.net/keys", &url, NULL), 0);
	assert_string_equal(url, "https://v.vault.azure.net/keys");
	free(url);
	const char *const refused[] = {"", "subscriptions", "http://management.azure.com/", "https://", "ftp://x/"};
	struct err err;
	url = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(target_url(refused[i], &url, &err), -EINVAL);
	assert_null(url);
}

static void tokens_go_to_known_hosts_only(void **state) {
	(void)state;
	assert_string_equal(target_resource("https://management.azure.com/x"), "https://management.azure.com");
	assert_string_equal(target_resource("https://MANAGEMENT.azure.com:443"), "https://management.azure.com");
	assert_string_equal(target_resource("https://a.vault.azure.net/keys"), "https://vault.azure.net");
	assert_string_equal(target_resource("https://a.managedhsm.azure.net?x"), "https://managedhsm.azure.net");
	assert_string_equal(target_resource("https://a.weu.attest.azure.net/"), "https://attest.azure.net");
	assert_string_equal(target_resource("https://graph.microsoft.com/v1.0/"), "https://graph.microsoft.com");
	assert_string_equal(target_resource("https://login.microsoftonline.com/t"), "");
	const char *const refused[] = {
		"https://example.com/", "https://vault.azure.net/", "https://.vault.azure.net/", "https://avault.azure.net.example/",
		"https://example.com/.vault.azure.net", "https://example.com?.vault.azure.net", "https://example.com#.vault.azure.net",
		"https://example.com\\.vault.azure.net", "https://a.vault.azure.net@example.com/", "https://management.azure.com@x/",
		"https://management.azure.com:8443/", "https://x@a.vault.azure.net/", "http://management.azure.com/", "https:///x",
	};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_null(target_resource(refused[i]));
}

static void operations_stay_on_their_host(void **state) {
	(void)state;
	assert_true(target_same_host("https://a.example/x", "https://A.example:443/y?z"));
	assert_false(target_same_host("https://a.example/x", "https://b.example/x"));
	assert_false(target_same_host("https://a.example/x", "https://a.example:8443/x"));
	assert_false(target_same_host("https://a.example/x", "http://a.example/x"));
	assert_false(target_same_host("https://a.example/x", "/x"));
}

static char *selected(const json_t *value, const char *path) {
	const json_t *found = target_select(value, path);
	return found ? target_print(found) : NULL;
}

static void selects_members(void **state) {
	(void)state;
	static const char text[] = "{\"value\":[{\"id\":\"/a\"},{\"id\":\"/b\",\"n\":3,\"on\":true}],\"empty\":null}";
	_cleanup_json_ json_t *value = NULL;
	assert_int_equal(json_parse(text, strlen(text), "X", &value, NULL), 0);
	const char *const wanted[][2] = {
		{"value.1.id", "/b"}, {"value.1.n", "3"}, {"value.1.on", "true"}, {"value.0", "{\"id\":\"/a\"}"}, {"empty", "null"}};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		_cleanup_free_ char *got = selected(value, wanted[i][0]);
		assert_non_null(got);
		assert_string_equal(got, wanted[i][1]);
	}
	const char *const missing[] = {"value.2", "value.x", "value.-1", "nothing", "value.0.id.x", "value.1.n.0"};
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++)
		assert_null(target_select(value, missing[i]));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_below_arm),
		cmocka_unit_test(tokens_go_to_known_hosts_only),
		cmocka_unit_test(operations_stay_on_their_host),
		cmocka_unit_test(selects_members),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
