// SPDX-License-Identifier: Apache-2.0
// Group commit: whoever comes while a commit runs waits for the next one, and shares it. So the cost of making a
// record durable is paid once for all requests in flight.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "vault/audit.h"

struct waiting {
	const struct audit_event *event;
	struct waiting *next;
	sem_t done;
	int rc;
	struct err err;
};

struct audit_writer {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct waiting *first, **end;  // in order of arrival
	bool stopping;
};

static int commit_batch(struct store *store, const struct waiting *batch, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(store, STORE_WRITE, &tx, err);
	for (const struct waiting *w = batch; rc == 0 && w; w = w->next)
		rc = audit_insert(tx, w->event, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static void finish_batch(struct waiting *batch, int rc, const struct err *err) {
	for (struct waiting *w = batch, *next; w; w = next) {
		// Posting gives w back to its owner, whose stack it lives on.
		next = w->next;
		w->rc = rc;
		w->err = *err;
		(void)sem_post(&w->done);
	}
}

// The queue, once there is one; NULL when the writer is to end and nothing is left.
static struct waiting *take_batch(struct audit_writer *w) {
	(void)pthread_mutex_lock(&w->lock);
	while (!w->first && !w->stopping)
		(void)pthread_cond_wait(&w->wake, &w->lock);
	struct waiting *batch = w->first;
	w->first = NULL;
	w->end = &w->first;
	(void)pthread_mutex_unlock(&w->lock);
	return batch;
}

static void *run(void *arg) {
	struct audit_writer *w = arg;
	struct waiting *batch;
	while ((batch = take_batch(w))) {
		struct err err = {0};
		int rc = commit_batch(w->store, batch, &err);
		finish_batch(batch, rc, &err);
	}
	return NULL;
}

int audit_writer_start(struct store *store, struct audit_writer **out, struct err *err) {
	struct audit_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return err_oom(err);
	w->store = store;
	w->end = &w->first;
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	int rc = pthread_create(&w->thread, NULL, run, w);
	if (rc != 0) {
		free(w);
		return err_errno(err, -rc, "start the audit writer");
	}
	*out = w;
	return 0;
}

void audit_writer_stop(struct audit_writer *w) {
	if (!w)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stopping = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

int audit_writer_put(struct audit_writer *w, const struct audit_event *e, struct err *err) {
	struct waiting self = {.event = e};
	(void)sem_init(&self.done, 0, 0);
	(void)pthread_mutex_lock(&w->lock);
	*w->end = &self;
	w->end = &self.next;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	while (sem_wait(&self.done) < 0 && errno == EINTR)
		;
	(void)sem_destroy(&self.done);
	if (self.rc < 0 && err)
		*err = self.err;
	return self.rc;
}
