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

static enum address_kind kind_of(const char *text) {
	struct sockaddr_storage s = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		memcpy(&s, &in, sizeof(in));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		memcpy(&s, &in6, sizeof(in6));
	}
	return address_kind((const struct sockaddr *)&s);
}

static void expect(enum address_kind kind, const char *const *addresses, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (kind_of(addresses[i]) != kind)
			fail_msg("%s", addresses[i]);
}

static void test_public(void **state) {
	(void)state;
	static const char *const addresses[] = {"1.1.1.1", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1",
		"168.63.129.15", "168.63.129.17", "192.167.255.255", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111",
		"2a00::1", "2001:4860::8888", "2001:200::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"};
	expect(ADDRESS_PUBLIC, addresses, ARRAY_SIZE(addresses));
}

static void test_private(void **state) {
	(void)state;
	static const char *const addresses[] = {"10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1",
		"fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"};
	expect(ADDRESS_PRIVATE, addresses, ARRAY_SIZE(addresses));
}

static void test_loopback(void **state) {
	(void)state;
	static const char *const addresses[] = {"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"};
	expect(ADDRESS_LOOPBACK, addresses, ARRAY_SIZE(addresses));
}

static void test_special(void **state) {
	(void)state;
	static const char *const addresses[] = {"0.0.0.0", "0.1.2.3", "100.64.0.1", "100.127.255.255", "168.63.129.16",
		"169.254.169.254", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::7f00:1", "100::1", "fe80::1", "fec0::1", "ff02::1", "4000::1",
		"2001::1", "2001:1ff::1", "2001:db8::1", "2002:a00:1::1", "64:ff9b:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
		"::ffff:169.254.169.254"};
	expect(ADDRESS_SPECIAL, addresses, ARRAY_SIZE(addresses));
	const struct sockaddr local = {.sa_family = AF_UNIX};
	assert_int_equal(address_kind(&local), ADDRESS_SPECIAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_public), cmocka_unit_test(test_private),
		cmocka_unit_test(test_loopback), cmocka_unit_test(test_special)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
