// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/backoff.h"

static void waits_double_up_to_a_limit(void **state) {
	(void)state;
	struct backoff b = {0};
	int64_t delay = 0, previous;
	assert_true(backoff_again(&b, 0, &delay));
	assert_int_equal(delay, BACKOFF_FIRST_NS);
	for (unsigned i = 1; i < BACKOFF_FAILURES_MAX; i++) {
		previous = delay;
		assert_true(backoff_again(&b, 0, &delay));
		assert_int_equal(delay, previous * 2 < BACKOFF_LONGEST_NS ? previous * 2 : BACKOFF_LONGEST_NS);
	}
}

static void gives_up_after_quick_failures(void **state) {
	(void)state;
	struct backoff b = {0};
	int64_t delay;
	for (unsigned i = 0; i < BACKOFF_FAILURES_MAX; i++)
		assert_true(backoff_again(&b, BACKOFF_STEADY_NS - 1, &delay));
	delay = -7;
	assert_false(backoff_again(&b, BACKOFF_STEADY_NS - 1, &delay));
	assert_int_equal(delay, -7);
}

static void a_steady_life_forgives(void **state) {
	(void)state;
	struct backoff b = {0};
	int64_t delay;
	for (unsigned i = 0; i < 5 * BACKOFF_FAILURES_MAX; i++) {
		assert_true(backoff_again(&b, 0, &delay));
		assert_true(backoff_again(&b, BACKOFF_STEADY_NS, &delay));
		assert_int_equal(delay, BACKOFF_FIRST_NS);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_double_up_to_a_limit),
		cmocka_unit_test(gives_up_after_quick_failures),
		cmocka_unit_test(a_steady_life_forgives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
