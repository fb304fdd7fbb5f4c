// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/test-util.h"
#include "diagnostics/webhook.h"

static bool permits(const char *text, bool private_allowed, bool loopback) {
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return webhook_permits((const struct sockaddr *)&v4, private_allowed, loopback);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return webhook_permits((const struct sockaddr *)&v6, private_allowed, loopback);
}

static void internet_is_permitted(void **state) {
	(void)state;
	const char *const addresses[] = {"1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "192.167.255.255", "169.253.255.255",
		"100.63.255.255", "100.128.0.1", "223.255.255.255", "2606:4700::1", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8",
		"2001:200::1"};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_true(permits(addresses[i], false, false));
		assert_true(permits(addresses[i], true, false));
		assert_false(permits(addresses[i], true, true));
	}
}

static void own_networks_are_for_operators_to_open(void **state) {
	(void)state;
	const char *const addresses[] = {"127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255",
		"192.168.0.1", "::1", "fc00::1", "fd12::1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::a00:1"};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_false(permits(addresses[i], false, false));
		assert_true(permits(addresses[i], true, false));
	}
}

static void special_ranges_are_never_permitted(void **state) {
	(void)state;
	const char *const addresses[] = {"0.0.0.0", "0.1.2.3", "169.254.169.254", "169.254.0.1", "100.64.0.1", "100.127.255.255",
		"168.63.129.16", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
		"239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "fe80::1", "febf::1", "fec0::1", "ff02::1", "2002:7f00:1::",
		"2001::1", "2001:db8::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "::7f00:1", "4000::1"};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_false(permits(addresses[i], false, false));
		assert_false(permits(addresses[i], true, false));
	}
	const struct sockaddr local = {.sa_family = AF_UNIX};
	assert_false(webhook_permits(&local, true, false));
}

static void plain_http_is_for_this_machine(void **state) {
	(void)state;
	assert_true(permits("127.0.0.1", true, true));
	assert_true(permits("::1", true, true));
	assert_true(permits("::ffff:127.0.0.1", true, true));
	assert_false(permits("10.0.0.1", true, true));
	assert_false(permits("fd00::1", true, true));
	assert_false(permits("127.0.0.1", false, true));
	assert_false(permits("::1", false, true));
}

static void urls(void **state) {
	(void)state;
	struct err err = {0};
	const char *const good[] = {"https://example.net/", "https://example.net", "HTTPS://example.net:8443/a?b=c%20d", "https://[::1]/x"};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(webhook_check_url(good[i], false, &err), 0);
	const char *const bad[] = {"", "https", "ftp://x/", "file:///etc/passwd", "https://", "https:///x", "https://?x", "https://:1/",
		"https://a@b/", "https://a:b@c", "https://a/#b", "https://a/ b", "https://a/\n", "https://a\\b/", "https://\xc3\xa9/",
		"gopher://x", "//x"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = (struct err){0};
		assert_int_equal(webhook_check_url(bad[i], true, &err), -EINVAL);
		assert_int_equal(err.status, 400);
		assert_string_equal(err.code, "BadRequest");
	}
	assert_int_equal(webhook_check_url("http://localhost:1/", false, &err), -EINVAL);
	assert_int_equal(webhook_check_url("http://localhost:1/", true, &err), 0);
	char lengthy[WEBHOOK_URL_MAX + 2] = "https://a/";
	memset(lengthy + strlen(lengthy), 'a', sizeof(lengthy) - 1 - strlen(lengthy));
	assert_int_equal(webhook_check_url(lengthy, false, &err), -EINVAL);
	lengthy[WEBHOOK_URL_MAX] = 0;
	assert_int_equal(webhook_check_url(lengthy, false, &err), 0);
}

// What may not be reached is not: a connection that would be refused by its machine is refused here before.
static void forbidden_addresses_are_not_connected_to(void **state) {
	(void)state;
	struct err err = {0};
	struct webhook *w = NULL;
	assert_int_equal(webhook_new(false, &w, &err), 0);
	const char *const urls_of_ours[] = {"https://127.0.0.1:1/", "https://[::1]:1/", "https://localhost:1/", "https://2130706433:1/"};
	for (size_t i = 0; i < ARRAY_SIZE(urls_of_ours); i++) {
		assert_int_equal(webhook_post(w, urls_of_ours[i], "{}", 2, &err), -EACCES);
		assert_non_null(strstr(err.message, "may not be reached"));
	}
	assert_int_equal(webhook_post(w, "http://127.0.0.1:1/", "{}", 2, &err), -EINVAL);
	webhook_free(w);
	assert_int_equal(webhook_new(true, &w, &err), 0);
	assert_int_equal(webhook_post(w, "http://127.0.0.1:1/", "{}", 2, &err), -ECONNREFUSED);
	assert_int_equal(webhook_post(w, "http://169.254.169.254:1/", "{}", 2, &err), -EACCES);
	webhook_free(w);
	webhook_free(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(internet_is_permitted),
		cmocka_unit_test(own_networks_are_for_operators_to_open),
		cmocka_unit_test(special_ranges_are_never_permitted),
		cmocka_unit_test(plain_http_is_for_this_machine),
		cmocka_unit_test(urls),
		cmocka_unit_test(forbidden_addresses_are_not_connected_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
