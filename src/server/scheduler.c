// SPDX-License-Identifier: Apache-2.0
#include "server/scheduler.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

enum { TICK_SECONDS = 1 };

struct scheduler {
	struct arm *arm;
	struct vault_service *vault;
	struct entra *entra;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
};

// Asked at every tick, so that a clock that was moved is followed at once.
static void run_due(struct scheduler *s) {
	struct err err = {0};
	// What fails now is due again at the next tick.
	if (arm_expire_operations(s->arm, &err) < 0)
		log_warning("cannot end operations that are overdue: %s", err.message);
	if (arm_activity_prune(s->arm, &err) < 0)
		log_warning("cannot prune the activity log: %s", err.message);
	if (vault_purge_due(s->vault, &err) < 0)
		log_warning("cannot purge what is due: %s", err.message);
	if (vault_lifetime_due(s->vault, &err) < 0)
		log_warning("cannot rotate keys or announce expiries that are due: %s", err.message);
	if (entra_rotate_due(s->entra, &err) < 0)
		log_warning("cannot rotate the keys that sign tokens: %s", err.message);
}

static void *run(void *ctx) {
	struct scheduler *s = ctx;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		pthread_mutex_unlock(&s->lock);
		run_due(s);
		pthread_mutex_lock(&s->lock);
		int64_t until = clock_monotonic_ns() + TICK_SECONDS * CLOCK_NSEC_PER_SEC;
		const struct timespec deadline = {.tv_sec = until / CLOCK_NSEC_PER_SEC, .tv_nsec = until % CLOCK_NSEC_PER_SEC};
		while (!s->stopping && pthread_cond_timedwait(&s->wake, &s->lock, &deadline) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int scheduler_start(struct arm *arm, struct vault_service *vault, struct entra *entra, struct scheduler **out,
	struct err *err) {
	struct scheduler *s = calloc(1, sizeof(*s));
	if (!s)
		return err_oom(err);
	s->arm = arm;
	s->vault = vault;
	s->entra = entra;
	pthread_condattr_t attributes;
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	int rc = -pthread_create(&s->thread, NULL, run, s);
	if (rc < 0) {
		free(s);
		return err_errno(err, rc, "cannot start a thread");
	}
	*out = s;
	return 0;
}

void scheduler_stop(struct scheduler *s) {
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}
