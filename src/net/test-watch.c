// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/watch.h"

enum { CONNECTIONS = 4 };

struct fixture {
	struct watch watch;
	int near[CONNECTIONS], far[CONNECTIONS];
	struct watched *watched[CONNECTIONS];
};

static void set_up(struct fixture *f) {
	watch_init(&f->watch);
	for (int i = 0; i < CONNECTIONS; i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		f->near[i] = pair[0];
		f->far[i] = pair[1];
		assert_int_equal(watch_add(&f->watch, f->near[i], 100 + i, &f->watched[i]), 0);
	}
}

static void tear_down(struct fixture *f) {
	for (int i = 0; i < CONNECTIONS; i++) {
		if (f->watched[i])
			watch_remove(&f->watch, f->watched[i]);
		(void)close(f->near[i]);
		(void)close(f->far[i]);
	}
	assert_null(f->watch.first);
	watch_destroy(&f->watch);
}

static bool is_cut(const struct fixture *f, int i) {
	char c;
	return recv(f->far[i], &c, 1, MSG_DONTWAIT) == 0;
}

static void test_the_overdue_are_cut(void **state _unused_) {
	struct fixture f = {0};
	set_up(&f);
	assert_int_equal(watch_cut(&f.watch, 100), 0);
	assert_int_equal(watch_cut(&f.watch, 102), 2);
	assert_true(is_cut(&f, 0));
	assert_true(is_cut(&f, 1));
	assert_false(is_cut(&f, 2));
	assert_false(is_cut(&f, 3));
	tear_down(&f);
}

static void test_the_servers_own_time_does_not_count(void **state _unused_) {
	struct fixture f = {0};
	set_up(&f);
	watch_pause(&f.watch, f.watched[1]);
	assert_int_equal(watch_cut(&f.watch, 1000), 3);
	assert_false(is_cut(&f, 1));
	watch_resume(&f.watch, f.watched[1], 1000);
	(void)watch_cut(&f.watch, 1000);
	assert_false(is_cut(&f, 1));
	(void)watch_cut(&f.watch, 1001);
	assert_true(is_cut(&f, 1));
	tear_down(&f);
}

static void test_the_removed_are_left_alone(void **state _unused_) {
	struct fixture f = {0};
	set_up(&f);
	// First, middle and last of the list.
	static const int order[] = {3, 1, 0};
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		watch_remove(&f.watch, f.watched[order[i]]);
		f.watched[order[i]] = NULL;
	}
	assert_int_equal(watch_cut(&f.watch, 1000), 1);
	assert_false(is_cut(&f, 0));
	assert_false(is_cut(&f, 1));
	assert_true(is_cut(&f, 2));
	assert_false(is_cut(&f, 3));
	tear_down(&f);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_overdue_are_cut),
		cmocka_unit_test(test_the_servers_own_time_does_not_count),
		cmocka_unit_test(test_the_removed_are_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
