// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "arm/throttle.h"
#include "base/clock.h"

#define SECOND CLOCK_NSEC_PER_SEC

static int take(struct arm_throttle *t, const char *who, const char *scope, enum arm_throttle_class class, int64_t now) {
	int64_t left = -1, wait = -1;
	return arm_throttle_take(t, who, scope, class, now, &left, &wait);
}

static int set_up(void **state) {
	return arm_throttle_new((struct arm_throttle **)state, NULL);
}

static int tear_down(void **state) {
	arm_throttle_free(*state);
	return 0;
}

static void spend(struct arm_throttle *t, int count, int64_t now) {
	for (int i = 0; i < count; i++)
		assert_int_equal(take(t, "p", "s", ARM_WRITES, now), 0);
}

static void test_a_bucket_is_emptied_and_fills_again(void **state) {
	int64_t left = -1, wait = -1;
	spend(*state, 199, SECOND);
	assert_int_equal(arm_throttle_take(*state, "p", "s", ARM_WRITES, SECOND, &left, &wait), 0);
	assert_int_equal(left, 0);
	assert_int_equal(arm_throttle_take(*state, "p", "s", ARM_WRITES, SECOND, &left, &wait), -EAGAIN);
	assert_int_equal(wait, 1);
	// Ten a second come back.
	spend(*state, 10, 2 * SECOND);
	assert_int_equal(take(*state, "p", "s", ARM_WRITES, 2 * SECOND), -EAGAIN);
	// Never more than the bucket holds.
	spend(*state, 200, 3600 * SECOND);
	assert_int_equal(take(*state, "p", "s", ARM_WRITES, 3600 * SECOND), -EAGAIN);
}

static void test_who_held_the_others_up_rests(void **state) {
	int64_t wait = -1;
	assert_int_equal(arm_throttle_rest(*state, "t", false, SECOND, &wait), 0);
	// What takes no second costs nothing.
	arm_throttle_held(*state, "t", false, SECOND, 2 * SECOND);
	assert_int_equal(arm_throttle_rest(*state, "t", false, 2 * SECOND, &wait), 0);
	arm_throttle_held(*state, "t", false, 2 * SECOND, 10 * SECOND);
	assert_int_equal(arm_throttle_rest(*state, "t", false, 10 * SECOND, &wait), -EAGAIN);
	assert_int_equal(wait, 7);
	assert_int_equal(arm_throttle_rest(*state, "u", false, 10 * SECOND, &wait), 0);
	// What was under way already adds to it.
	arm_throttle_held(*state, "t", false, 10 * SECOND, 12 * SECOND);
	assert_int_equal(arm_throttle_rest(*state, "t", false, 17 * SECOND, &wait), -EAGAIN);
	assert_int_equal(arm_throttle_rest(*state, "t", false, 18 * SECOND, &wait), 0);
}

static void test_one_is_tried_out_at_a_time(void **state) {
	int64_t wait = -1;
	assert_int_equal(arm_throttle_rest(*state, "t", true, SECOND, &wait), 0);
	assert_int_equal(arm_throttle_rest(*state, "t", true, SECOND, &wait), -EAGAIN);
	assert_int_equal(wait, 1);
	assert_int_equal(arm_throttle_rest(*state, "t", false, SECOND, &wait), 0);
	assert_int_equal(arm_throttle_rest(*state, "u", true, SECOND, &wait), 0);
	// However many others ask meanwhile, it is not forgotten.
	for (int i = 0; i < 5000; i++)
		(void)!take(*state, "p", "s", ARM_WRITES, 100 * SECOND);
	assert_int_equal(arm_throttle_rest(*state, "t", true, 100 * SECOND, &wait), -EAGAIN);
	arm_throttle_held(*state, "t", true, SECOND, 4 * SECOND);
	assert_int_equal(arm_throttle_rest(*state, "t", true, 5 * SECOND, &wait), -EAGAIN);
	assert_int_equal(wait, 1);
	assert_int_equal(arm_throttle_rest(*state, "t", true, 6 * SECOND, &wait), 0);
}

static void test_others_have_their_own(void **state) {
	spend(*state, 200, SECOND);
	assert_int_equal(take(*state, "p", "s", ARM_WRITES, SECOND), -EAGAIN);
	assert_int_equal(take(*state, "q", "s", ARM_WRITES, SECOND), 0);
	assert_int_equal(take(*state, "p", "t", ARM_WRITES, SECOND), 0);
	assert_int_equal(take(*state, "p", "s", ARM_READS, SECOND), 0);
	assert_int_equal(take(*state, "p", "s", ARM_DELETES, SECOND), 0);
	// The same subscription however it is spelled.
	assert_int_equal(take(*state, "P", "S", ARM_WRITES, SECOND), -EAGAIN);
}

static void test_what_is_full_is_forgotten_without_harm(void **state) {
	char name[16];
	for (int i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(take(*state, name, "s", ARM_READS, i * SECOND), 0);
	}
	spend(*state, 200, 20000 * SECOND);
	assert_int_equal(take(*state, "p", "s", ARM_WRITES, 20000 * SECOND), -EAGAIN);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_bucket_is_emptied_and_fills_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_who_held_the_others_up_rests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_is_tried_out_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_have_their_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_full_is_forgotten_without_harm, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
