// SPDX-License-Identifier: Apache-2.0
#include "deployment/plan.h"

#include "base/test-util.h"

enum { ITEMS = 5 };

// 1 and 2 wait for 0, 3 for 1 and 2; 4 for nothing.
static struct plan_item items[ITEMS];
static size_t on_0[] = {0}, on_1_2[] = {1, 2};
static struct plan plan = {items, ITEMS};

static int set_up(void **state) {
	(void)state;
	memset(items, 0, sizeof(items));
	items[1].depends = items[2].depends = on_0;
	items[1].depend_count = items[2].depend_count = 1;
	items[3].depends = on_1_2;
	items[3].depend_count = 2;
	return 0;
}

static void next_is(size_t from, size_t wanted) {
	size_t at = ITEMS;
	assert_true(plan_next(&plan, from, &at));
	assert_int_equal(at, wanted);
}

static void test_what_waits_for_nothing_comes_first(void **state) {
	(void)state;
	next_is(0, 0);
	next_is(1, 4);
	items[4].state = PLAN_RUNNING;
	next_is(1, 0);
	items[0].state = PLAN_RUNNING;
	size_t at;
	assert_false(plan_next(&plan, 0, &at));
}

static void test_what_is_skipped_holds_nothing_up(void **state) {
	(void)state;
	items[0].state = PLAN_SKIPPED;
	next_is(0, 1);
	items[1].state = PLAN_SUCCEEDED;
	items[2].state = PLAN_RUNNING;
	items[4].state = PLAN_SUCCEEDED;
	size_t at;
	assert_false(plan_next(&plan, 0, &at));
	items[2].state = PLAN_SUCCEEDED;
	next_is(4, 3);
}

static void test_a_failure_blocks_what_is_built_on_it_alone(void **state) {
	(void)state;
	items[0].state = PLAN_SUCCEEDED;
	items[1].state = PLAN_FAILED;
	plan_block(&plan);
	assert_int_equal(items[3].state, PLAN_BLOCKED);
	assert_int_equal(plan_count(&plan, PLAN_WAITING), 2);
	items[1].state = PLAN_SUCCEEDED;
	set_up(state);
	items[0].state = PLAN_CANCELED;
	plan_block(&plan);
	assert_int_equal(plan_count(&plan, PLAN_BLOCKED), 3);
	next_is(0, 4);
}

static void test_states_have_names(void **state) {
	(void)state;
	struct err err = {0};
	for (int i = PLAN_WAITING; i <= PLAN_CANCELED; i++) {
		enum plan_state parsed;
		assert_int_equal(plan_state_parse(plan_state_name((enum plan_state)i), &parsed, &err), 0);
		assert_int_equal(parsed, i);
	}
	enum plan_state parsed;
	assert_int_equal(plan_state_parse("waiting", &parsed, &err), -EINVAL);
	assert_int_equal(err.status, 500);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_waits_for_nothing_comes_first, set_up),
		cmocka_unit_test_setup(test_what_is_skipped_holds_nothing_up, set_up),
		cmocka_unit_test_setup(test_a_failure_blocks_what_is_built_on_it_alone, set_up),
		cmocka_unit_test(test_states_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
