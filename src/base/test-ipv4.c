// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/ipv4.h"
#include "base/macros.h"

static void test_ranges(void **state) {
	(void)state;
	struct ipv4_range r;
	assert_true(ipv4_range("10.1.2.0/24", &r));
	assert_int_equal(r.first, 0x0a010200);
	assert_int_equal(r.last, 0x0a0102ff);
	assert_true(ipv4_range("0.0.0.0/0", &r));
	assert_int_equal(r.last, 0xffffffff);
	assert_true(ipv4_range("255.255.255.255", &r));
	assert_int_equal(r.first, r.last);
	static const char *const bad[] = {"", "10.1.2.1/24", "10.1.2/24", "10.1.2.0/33", "10.1.2.0/-1", "10.1.2.0/", "10.1.2.0/2a",
		"::1", "10.1.2.0/24/1", "1000000000000000000000.1.2.3"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(ipv4_range(bad[i], &r));
}

static void test_relations(void **state) {
	(void)state;
	struct ipv4_range net, inside, across;
	assert_true(ipv4_range("10.0.0.0/16", &net) && ipv4_range("10.0.255.0/24", &inside) && ipv4_range("10.0.0.0/15", &across));
	assert_true(ipv4_within(&inside, &net));
	assert_false(ipv4_within(&across, &net));
	assert_true(ipv4_overlap(&across, &net));
	assert_true(ipv4_range("10.1.0.0/16", &across));
	assert_false(ipv4_overlap(&across, &net));
}

static void test_text(void **state) {
	(void)state;
	char text[IPV4_TEXT_MAX];
	assert_string_equal(ipv4_text(0xfffefdfc, text), "255.254.253.252");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges), cmocka_unit_test(test_relations), cmocka_unit_test(test_text)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
