// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <time.h>

#include "base/test-util.h"

static void test_format(void **state _unused_) {
	char out[CLOCK_RFC3339_MAX];
	assert_string_equal(clock_rfc3339(0, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_rfc3339(951782400, out), "2000-02-29T00:00:00Z");
	assert_string_equal(clock_rfc3339(1795315056, out), "2026-11-22T02:37:36Z");
	assert_string_equal(clock_rfc3339(253402300799, out), "9999-12-31T23:59:59Z");
	assert_string_equal(clock_rfc3339(INT64_MAX, out), "1970-01-01T00:00:00Z");
	assert_string_equal(clock_rfc3339(253402300800, out), "1970-01-01T00:00:00Z");
}

static void test_format_ns(void **state _unused_) {
	char out[CLOCK_RFC3339_MAX];
	assert_string_equal(clock_rfc3339_ns(1795315056LL * CLOCK_NSEC_PER_SEC + 123456789, out),
		"2026-11-22T02:37:36.1234567+00:00");
	assert_string_equal(clock_rfc3339_ns(99, out), "1970-01-01T00:00:00.0000000+00:00");
	assert_string_equal(clock_rfc3339_ns(CLOCK_NSEC_PER_SEC - 1, out), "1970-01-01T00:00:00.9999999+00:00");
}

static void test_offset(void **state _unused_) {
	int64_t real = (int64_t)time(NULL), steady = clock_monotonic_ns();
	assert_true(clock_now() - real <= 1);
	clock_set_offset(365 * 86400);
	assert_in_range(clock_now() - real, 365 * 86400, 365 * 86400 + 5);
	assert_in_range(clock_now_ns() / CLOCK_NSEC_PER_SEC - real, 365 * 86400, 365 * 86400 + 5);
	// Timeouts do not move with it.
	assert_in_range(clock_monotonic_ns() - steady, 0, 5 * CLOCK_NSEC_PER_SEC);
	clock_set_offset(-86400);
	assert_in_range(real - clock_now(), 86400 - 5, 86400);
	clock_set_offset(0);
	assert_true(clock_now() - real <= 5);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_format_ns),
		cmocka_unit_test(test_offset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
