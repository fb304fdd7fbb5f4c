// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "disk/door.h"

#define LONG_FROM_NOW (clock_monotonic_ns() + 1000 * CLOCK_NSEC_PER_SEC)

static struct door *new_door(void) {
	struct door *d = NULL;
	assert_int_equal(door_new(&d, NULL), 0);
	return d;
}

static void new_key(struct secret *key) {
	assert_int_equal(xts_make_key(key, NULL), 0);
}

static int use(struct door *d) {
	uint8_t sector[XTS_SECTOR_SIZE] = {0};
	int rc = door_encrypt(d, 0, sector, sector, sizeof(sector));
	return rc < 0 ? rc : door_decrypt(d, 0, sector, sector, sizeof(sector));
}

static void test_shut_until_opened_and_after_shutting(void **state) {
	(void)state;
	_cleanup_secret_ struct secret key = {0};
	struct door *d = new_door();
	new_key(&key);
	assert_int_equal(use(d), -EACCES);
	assert_int_equal(door_open(d, &key, LONG_FROM_NOW, NULL), 0);
	assert_int_equal(use(d), 0);
	door_shut(d);
	assert_int_equal(use(d), -EACCES);
	assert_int_equal(door_open(d, &key, LONG_FROM_NOW, NULL), 0);
	assert_int_equal(use(d), 0);
	door_free(d);
}

static void test_permission_ends_by_itself_and_is_extended(void **state) {
	(void)state;
	_cleanup_secret_ struct secret key = {0};
	struct door *d = new_door();
	new_key(&key);
	assert_int_equal(door_open(d, &key, clock_monotonic_ns() - 1, NULL), 0);
	assert_int_equal(use(d), -EACCES);
	assert_int_equal(door_open(d, &key, LONG_FROM_NOW, NULL), 0);
	assert_int_equal(use(d), 0);
	door_free(d);
}

static void test_another_key_shuts_the_door(void **state) {
	(void)state;
	_cleanup_secret_ struct secret key = {0}, other = {0};
	struct err err = {0};
	struct door *d = new_door();
	new_key(&key);
	new_key(&other);
	assert_int_equal(door_open(d, &key, LONG_FROM_NOW, &err), 0);
	assert_int_equal(door_open(d, &other, LONG_FROM_NOW, &err), -EKEYREJECTED);
	assert_int_equal(use(d), -EACCES);
	door_free(d);
}

struct crowd {
	struct door *door;
	atomic_bool stop;
	atomic_int wrong;
};

static void *pass(void *ctx) {
	struct crowd *c = ctx;
	while (!atomic_load(&c->stop)) {
		int rc = use(c->door);
		if (rc != 0 && rc != -EACCES)
			atomic_fetch_add(&c->wrong, 1);
	}
	return NULL;
}

// Shutting gets through while users never pause, and never pulls the key from under one.
static void test_shuts_under_load(void **state) {
	(void)state;
	_cleanup_secret_ struct secret key = {0};
	struct crowd c = {.door = new_door()};
	pthread_t threads[3];
	new_key(&key);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass, &c), 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(door_open(c.door, &key, LONG_FROM_NOW, NULL), 0);
		door_shut(c.door);
	}
	atomic_store(&c.stop, true);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&c.wrong), 0);
	door_free(c.door);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shut_until_opened_and_after_shutting),
		cmocka_unit_test(test_permission_ends_by_itself_and_is_extended),
		cmocka_unit_test(test_another_key_shuts_the_door),
		cmocka_unit_test(test_shuts_under_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
