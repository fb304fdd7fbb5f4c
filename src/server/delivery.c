// SPDX-License-Identifier: Apache-2.0
#include "server/delivery.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "diagnostics/delivery.h"

enum { TICK_SECONDS = 1, THREADS = 5 };

struct delivery;

struct worker {
	struct delivery *delivery;
	enum diagnostics_kind kind;
	struct webhook *webhook;
	pthread_t thread;
};

struct delivery {
	struct diagnostics *diagnostics;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;  // guarded by lock
	struct worker workers[THREADS];
	size_t started;
};

static bool stopping(struct delivery *d) {
	(void)pthread_mutex_lock(&d->lock);
	bool yes = d->stopping;
	(void)pthread_mutex_unlock(&d->lock);
	return yes;
}

// Until the next tick, or the end.
static void rest(struct delivery *d) {
	int64_t until = clock_monotonic_ns() + TICK_SECONDS * CLOCK_NSEC_PER_SEC;
	const struct timespec deadline = {.tv_sec = until / CLOCK_NSEC_PER_SEC, .tv_nsec = until % CLOCK_NSEC_PER_SEC};
	(void)pthread_mutex_lock(&d->lock);
	while (!d->stopping && pthread_cond_timedwait(&d->wake, &d->lock, &deadline) != ETIMEDOUT)
		;
	(void)pthread_mutex_unlock(&d->lock);
}

static void *run(void *arg) {
	struct worker *w = arg;
	while (!stopping(w->delivery)) {
		struct err err = {0};
		int rc = diagnostics_deliver(w->delivery->diagnostics, w->kind, w->webhook, &err);
		if (rc < 0)
			log_warning("cannot deliver audit records: %s", err.message);
		if (rc <= 0)
			rest(w->delivery);
	}
	return NULL;
}

static int start_worker(struct delivery *d, bool private_webhooks, struct err *err) {
	struct worker *w = &d->workers[d->started];
	w->delivery = d;
	w->kind = d->started == 0 ? DIAGNOSTICS_STORAGE : DIAGNOSTICS_WEBHOOK;
	int rc = w->kind == DIAGNOSTICS_WEBHOOK ? webhook_new(private_webhooks, &w->webhook, err) : 0;
	if (rc < 0)
		return rc;
	rc = -pthread_create(&w->thread, NULL, run, w);
	if (rc < 0) {
		webhook_free(w->webhook);
		w->webhook = NULL;
		return err_errno(err, rc, "cannot start a thread");
	}
	d->started++;
	return 0;
}

int delivery_start(struct store *store, const char *folder, bool private_webhooks, struct delivery **out, struct err *err) {
	struct delivery *d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(err);
	pthread_condattr_t attributes;
	(void)pthread_mutex_init(&d->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&d->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	int rc = diagnostics_open(store, folder, &d->diagnostics, err);
	while (rc == 0 && d->started < THREADS)
		rc = start_worker(d, private_webhooks, err);
	if (rc < 0) {
		delivery_stop(d);
		return rc;
	}
	*out = d;
	return 0;
}

void delivery_stop(struct delivery *d) {
	if (!d)
		return;
	(void)pthread_mutex_lock(&d->lock);
	d->stopping = true;
	(void)pthread_cond_broadcast(&d->wake);
	(void)pthread_mutex_unlock(&d->lock);
	for (size_t i = 0; i < d->started; i++) {
		(void)pthread_join(d->workers[i].thread, NULL);
		webhook_free(d->workers[i].webhook);
	}
	diagnostics_close(d->diagnostics);
	(void)pthread_cond_destroy(&d->wake);
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}
