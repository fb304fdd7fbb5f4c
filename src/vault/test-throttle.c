// SPDX-License-Identifier: Apache-2.0
// The documented limits, their weighted sum, and the memory that they take.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/macros.h"
#include "vault/throttle.h"

#define S CLOCK_NSEC_PER_SEC
#define START (1000 * S)

static int set_up(void **state) {
	return throttle_new((struct throttle **)state, NULL);
}

static int tear_down(void **state) {
	throttle_free(*state);
	return 0;
}

// How many of a class are let through at one moment, and at most `most`.
static int taken(struct throttle *t, const char *vault, const char *subscription, enum throttle_class class, int64_t now, int most) {
	int64_t retry = 0;
	int n = 0;
	while (n < most && throttle_take_at(t, vault, subscription, class, now, &retry, NULL) == 0)
		n++;
	return n;
}

static void test_the_limit_of_each_class(void **state) {
	static const struct {
		const char *kty;
		unsigned bits;
		bool create;
		int limit;
	} cases[] = {
		{"RSA", 2048, true, 20}, {"RSA", 3072, true, 20}, {"RSA", 4096, true, 20}, {"EC", 256, true, 20},
		{"RSA", 2048, false, 4000}, {"RSA", 3072, false, 1000}, {"RSA", 4096, false, 500}, {"EC", 521, false, 4000},
		{"RSA-HSM", 2048, true, 10}, {"RSA-HSM", 4096, true, 10}, {"EC-HSM", 256, true, 10}, {"oct-HSM", 256, true, 10},
		{"RSA-HSM", 2048, false, 2000}, {"RSA-HSM", 3072, false, 500}, {"RSA-HSM", 4096, false, 250},
		{"EC-HSM", 521, false, 2000}, {"oct-HSM", 256, false, 2000},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t now = START + (int64_t)i * 20 * S;
		enum throttle_class class = throttle_class_of(cases[i].kty, cases[i].bits, cases[i].create);
		assert_int_equal(taken(*state, "v", "s", class, now, 10000), cases[i].limit);
	}
	assert_int_equal(taken(*state, "v", "s", THROTTLE_TRANSACTION, START + 1000 * S, 10000), 4000);
}

// The documentation's own example: 248 of 4096 bits leave room for 16 of 2048.
static void test_shares_add_up(void **state) {
	assert_int_equal(taken(*state, "v", "s", THROTTLE_HSM_4096, START, 248), 248);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_HSM_2048, START, 100), 16);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_TRANSACTION, START, 100), 0);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_HSM_CREATE, START + 10 * S, 9), 9);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_SOFTWARE_CREATE, START + 10 * S, 100), 2);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_TRANSACTION, START + 10 * S, 100), 0);
}

static void test_the_refusal(void **state) {
	int64_t retry = 0;
	struct err err = {0};
	assert_int_equal(taken(*state, "v", "s", THROTTLE_SOFTWARE_CREATE, START, 20), 20);
	assert_int_equal(throttle_take_at(*state, "v", "s", THROTTLE_TRANSACTION, START + S / 2, &retry, &err), -EAGAIN);
	assert_int_equal(err.status, 429);
	assert_string_equal(err.code, "Throttled");
	assert_string_equal(err.inner, "");
	assert_string_equal(err.message,
		"Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached");
	assert_int_equal(retry, 10);
	assert_int_equal(throttle_take_at(*state, "v", "s", THROTTLE_TRANSACTION, START + 7 * S, &retry, &err), -EAGAIN);
	assert_int_equal(retry, 3);
	assert_int_equal(throttle_take_at(*state, "v", "s", THROTTLE_TRANSACTION, START + 10 * S - 1, &retry, &err), -EAGAIN);
	assert_int_equal(retry, 1);
	// Who waits for as long as was said is let in.
	assert_int_equal(throttle_take_at(*state, "v", "s", THROTTLE_SOFTWARE_CREATE, START + 10 * S, &retry, &err), 0);
	// What was refused was not counted: 19 more are there.
	assert_int_equal(taken(*state, "v", "s", THROTTLE_SOFTWARE_CREATE, START + 11 * S, 100), 19);
}

static void test_a_costly_one_waits_while_a_cheap_one_passes(void **state) {
	int64_t retry = 0;
	assert_int_equal(taken(*state, "v", "s", THROTTLE_TRANSACTION, START, 3900), 3900);
	assert_int_equal(throttle_take_at(*state, "v", "s", THROTTLE_SOFTWARE_CREATE, START, &retry, NULL), -EAGAIN);
	assert_int_equal(taken(*state, "v", "s", THROTTLE_TRANSACTION, START, 1000), 100);
}

static void test_vaults_have_budgets_of_their_own_and_their_subscription_that_of_five(void **state) {
	char name[16];
	for (int i = 0; i < 5; i++) {
		(void)snprintf(name, sizeof(name), "v%d", i);
		assert_int_equal(taken(*state, name, "s", THROTTLE_SOFTWARE_CREATE, START, 100), 20);
	}
	int64_t retry = 0;
	assert_int_equal(throttle_take_at(*state, "v5", "s", THROTTLE_TRANSACTION, START + 4 * S, &retry, NULL), -EAGAIN);
	assert_int_equal(retry, 6);
	assert_int_equal(taken(*state, "w", "t", THROTTLE_SOFTWARE_CREATE, START, 100), 20);
	// A vault may have the name of a subscription.
	assert_int_equal(taken(*state, "s", "u", THROTTLE_SOFTWARE_CREATE, START, 100), 20);
	assert_int_equal(taken(*state, "v5", "s", THROTTLE_SOFTWARE_CREATE, START + 10 * S, 100), 20);
}

static void test_idle_vaults_are_forgotten(void **state) {
	char name[32];
	int64_t retry = 0;
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "v%d", i);
		assert_int_equal(throttle_take_at(*state, name, name, THROTTLE_TRANSACTION, START, &retry, NULL), 0);
	}
	assert_int_equal(throttle_count(*state), 10000);
	assert_int_equal(throttle_take_at(*state, "late", "v1", THROTTLE_TRANSACTION, START + 9 * S, &retry, NULL), 0);
	assert_int_equal(throttle_count(*state), 10001);
	assert_int_equal(throttle_take_at(*state, "now", "s", THROTTLE_TRANSACTION, START + 12 * S, &retry, NULL), 0);
	// "late" still counts, and so do "now" and "s".
	assert_int_equal(throttle_count(*state), 3);
}

static void test_a_name_that_is_too_long(void **state) {
	char name[200];
	int64_t retry = 0;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	struct err err = {0};
	assert_int_equal(throttle_take_at(*state, name, "s", THROTTLE_TRANSACTION, START, &retry, &err), -ENOMEM);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		T(test_the_limit_of_each_class),
		T(test_shares_add_up),
		T(test_the_refusal),
		T(test_a_costly_one_waits_while_a_cheap_one_passes),
		T(test_vaults_have_budgets_of_their_own_and_their_subscription_that_of_five),
		T(test_idle_vaults_are_forgotten),
		T(test_a_name_that_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
