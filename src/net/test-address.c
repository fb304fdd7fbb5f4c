// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

static bool is_public(const char *text) {
	struct sockaddr_storage s = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(&s, &in, sizeof(in));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		memcpy(&s, &in6, sizeof(in6));
	}
	return address_is_public((const struct sockaddr *)&s);
}

static void test_public(void **state) {
	(void)state;
	static const char *const addresses[] = {"1.1.1.1", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
		"192.167.255.255", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00::1", "2001:4860::8888"};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (!is_public(addresses[i]))
			fail_msg("%s", addresses[i]);
}

static void test_not_public(void **state) {
	(void)state;
	static const char *const addresses[] = {"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.255",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "224.0.0.1",
		"255.255.255.255", "::", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1", "fc00::1", "fd12::1", "ff02::1",
		"2001:db8::1", "2001::1", "2002:a00:1::1"};
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++)
		if (is_public(addresses[i]))
			fail_msg("%s", addresses[i]);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_public), cmocka_unit_test(test_not_public)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
