// SPDX-License-Identifier: Apache-2.0
// Jobs of several tenants, of a kind of the test's own.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "arm/arm.h"
#include "base/clock.h"
#include "store/test-scratch.h"

#define CROWD "11111111-1111-1111-1111-111111111111"
#define ONE "22222222-2222-2222-2222-222222222222"
enum { CROWD_JOBS = 60, STEPS = 10 };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t over;
	int crowd, one, crowd_at_end;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

static int step(struct arm *arm, const char *id, int64_t *again_ms, struct err *err) {
	(void)arm, (void)err;
	const struct timespec work = {.tv_nsec = 2000000};
	(void)nanosleep(&work, NULL);
	pthread_mutex_lock(&seen.lock);
	if (strcmp(id, "one") != 0)
		seen.crowd++;
	else if (++seen.one == STEPS) {
		seen.crowd_at_end = seen.crowd;
		pthread_cond_signal(&seen.over);
	}
	pthread_mutex_unlock(&seen.lock);
	*again_ms = 0;
	return 0;
}

static const struct arm_job_kind kind = {.name = "test", .step = step};
static const struct arm_job_kind *const kinds[] = {&kind};

static void add(struct store_tx *tx, const char *id, const char *tenant) {
	char caller[80];
	(void)snprintf(caller, sizeof(caller), "{\"tenant\":\"%s\"}", tenant);
	assert_true(store_exec(tx, NULL, "INSERT INTO jobs (kind, id, caller, created) VALUES ('test', $1, $2, 0)", "ss", id, caller) >= 0);
}

static void test_one_tenants_many_jobs_do_not_hold_up_another(void **state) {
	(void)state;
	struct scratch scratch;
	struct store *store = NULL;
	struct store_tx *tx = NULL;
	struct arm *arm = NULL;
	char id[16];
	assert_int_equal(scratch_make(&scratch), 0);
	assert_int_equal(store_open(scratch.path, &store, NULL), 0);
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, NULL), 0);
	for (int i = 0; i < CROWD_JOBS; i++) {
		(void)snprintf(id, sizeof(id), "crowd%d", i);
		add(tx, id, CROWD);
	}
	add(tx, "one", ONE);
	assert_int_equal(store_commit(&tx, NULL), 0);
	const struct arm_config config = {.store = store, .jobs = kinds, .job_count = 1};
	assert_int_equal(arm_open(&config, &arm, NULL), 0);
	assert_int_equal(arm_start_jobs(arm, NULL), 0);
	pthread_mutex_lock(&seen.lock);
	while (seen.one < STEPS)
		(void)pthread_cond_wait(&seen.over, &seen.lock);
	pthread_mutex_unlock(&seen.lock);
	arm_close(arm);
	store_close(store);
	// Each in its turn, it would have waited for all the others ten times.
	assert_in_range(seen.crowd_at_end, 1, CROWD_JOBS * STEPS / 4);
	assert_int_equal(scratch_remove(&scratch), 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_tenants_many_jobs_do_not_hold_up_another)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
