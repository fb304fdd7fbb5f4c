// SPDX-License-Identifier: Apache-2.0
// Group commit: whoever comes while a commit runs waits for the next one, and shares it. So the cost of making a
// record durable is paid once for all requests in flight. There is no thread for it: of those who wait, the first commits
// for all, since a request that is alone would else be passed to another thread and back.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vault/audit.h"

struct waiting {
	const struct audit_event *event;
	struct waiting *next;
	sem_t woken;
	bool committed;  // or failed; what is woken without it commits next
	int rc;
	struct err err;
};

struct audit_writer {
	struct store *store;
	pthread_mutex_t lock;
	bool committing;               // somebody is, and will wake the first of the queue
	struct waiting *first, **end;  // in order of arrival
};

int audit_writer_new(struct store *store, struct audit_writer **out, struct err *err) {
	struct audit_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return err_oom(err);
	w->store = store;
	w->end = &w->first;
	(void)pthread_mutex_init(&w->lock, NULL);
	*out = w;
	return 0;
}

void audit_writer_free(struct audit_writer *w) {
	if (!w)
		return;
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

// True when the caller is to commit, at once or after its turn to wait.
static bool enter_queue(struct audit_writer *w, struct waiting *self) {
	(void)pthread_mutex_lock(&w->lock);
	*w->end = self;
	w->end = &self->next;
	bool first = !w->committing;
	w->committing = true;
	(void)pthread_mutex_unlock(&w->lock);
	if (first)
		return true;
	while (sem_wait(&self->woken) < 0 && errno == EINTR)
		;
	return !self->committed;
}

static struct waiting *take_batch(struct audit_writer *w) {
	(void)pthread_mutex_lock(&w->lock);
	struct waiting *batch = w->first;
	w->first = NULL;
	w->end = &w->first;
	(void)pthread_mutex_unlock(&w->lock);
	return batch;
}

static int commit_batch(struct store *store, const struct waiting *batch, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(store, STORE_WRITE, &tx, err);
	for (const struct waiting *w = batch; rc == 0 && w; w = w->next)
		rc = audit_insert(tx, w->event, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

// Let the first of those who came meanwhile commit.
static void hand_over(struct audit_writer *w) {
	(void)pthread_mutex_lock(&w->lock);
	w->committing = w->first;
	if (w->first)
		(void)sem_post(&w->first->woken);
	(void)pthread_mutex_unlock(&w->lock);
}

static void finish_batch(struct waiting *batch, int rc, const struct err *err) {
	for (struct waiting *w = batch, *next; w; w = next) {
		// Posting gives w back to its owner, whose stack it lives on.
		next = w->next;
		w->committed = true;
		w->rc = rc;
		w->err = *err;
		(void)sem_post(&w->woken);
	}
}

int audit_writer_put(struct audit_writer *w, const struct audit_event *e, struct err *err) {
	struct waiting self = {.event = e};
	(void)sem_init(&self.woken, 0, 0);
	if (enter_queue(w, &self)) {
		struct waiting *batch = take_batch(w);
		struct err outcome = {0};
		int rc = commit_batch(w->store, batch, &outcome);
		hand_over(w);
		finish_batch(batch, rc, &outcome);
	}
	(void)sem_destroy(&self.woken);
	if (self.rc < 0 && err)
		*err = self.err;
	return self.rc;
}
