// SPDX-License-Identifier: Apache-2.0
#include "disk/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "disk/access.h"
#include "disk/access_errors.h"
#include "disk/report.h"

enum { DENIED_RETRY_SECONDS = 2, CLOCK_LOOK_SECONDS = 1 };

struct watch {
	const struct disk_config *config;
	struct door *door;
	struct azure_client *azure;
	char mac[SEALED_MAC_SIZE];  // of the header that was opened first; "" before
	bool started;
	pthread_t asker;  // talks to the vault
	pthread_t guard;  // shuts the door when the permission ends, also while the asker waits for an answer
	int64_t asked_offset;  // clock_offset() at the last question

	pthread_mutex_t mutex;  // of what follows
	pthread_cond_t changed;
	bool stopping;
	bool open;
	int64_t until_ns;              // end of the permission, clock_monotonic_ns()
	struct err why;                // the last failure since the last yes
	char key_url[SEALED_URL_MAX];  // that opened the disk last

	enum report_state reported;  // what the status file says, when `is_reported`
	bool is_reported;
	char reported_code[ERR_CODE_MAX];
	char reported_key_url[SEALED_URL_MAX];
};

// The status file tells; it does not decide. A full file system must not take the disk away, so a failed write is
// repeated with the next question instead.
static void report(struct watch *w, enum report_state state) {
	const struct err *why = state == REPORT_OPEN ? NULL : &w->why;
	const char *code = why ? why->code : "";
	if (!w->config->status_file || (w->is_reported && w->reported == state && strcmp(w->reported_code, code) == 0 &&
		strcmp(w->reported_key_url, w->key_url) == 0))
		return;
	w->is_reported = report_status(w->config->status_file, state, why, w->key_url, NULL) == 0;
	w->reported = state;
	(void)snprintf(w->reported_code, sizeof(w->reported_code), "%s", code);
	(void)snprintf(w->reported_key_url, sizeof(w->reported_key_url), "%s", w->key_url);
}

// One question: whether the disk opens through its key as its header says now.
static int ask(struct watch *w, struct opened *out, struct err *err) {
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	int rc = sealed_load(w->config->file, &s, err);
	if (rc < 0)
		return rc;
	if (sealed_data_size(s) != w->config->size)
		return err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError",
			"The disk file holds %llu bytes of data instead of %llu.", (unsigned long long)sealed_data_size(s),
			(unsigned long long)w->config->size);
	const char *mac = w->mac[0] ? w->mac : w->config->header_mac;
	return access_open(s, w->azure, mac, w->config->disk_encryption_set, out, err);
}

// After a failure that may pass: every second, or so often that a short permission is not lost to one failure.
static int64_t retry_ns(const struct watch *w) {
	int64_t ns = w->config->cache_seconds * CLOCK_NSEC_PER_SEC / 8;
	return ns < CLOCK_NSEC_PER_SEC ? ns : CLOCK_NSEC_PER_SEC;
}

static void shut(struct watch *w) {
	door_shut(w->door);
	w->open = false;
	report(w, REPORT_DENIED);
}

// Ask, and act on the answer. Returns the time of the next question.
static int64_t ask_and_act(struct watch *w, int *result) {
	_cleanup_opened_ struct opened disk = {0};
	struct err err = {0};
	int64_t asked_at = clock_monotonic_ns();
	w->asked_offset = clock_offset();
	int rc = ask(w, &disk, &err);

	(void)pthread_mutex_lock(&w->mutex);
	int64_t period = w->config->cache_seconds * CLOCK_NSEC_PER_SEC, next;
	if (rc == 0)
		rc = door_open(w->door, &disk.volume_key, asked_at + period, &err);
	if (rc == 0) {
		memcpy(w->mac, disk.mac, sizeof(w->mac));
		memcpy(w->key_url, disk.token.key_url, sizeof(w->key_url));
		w->why = (struct err){0};
		w->open = true;
		w->until_ns = asked_at + period;
		report(w, REPORT_OPEN);
		next = asked_at + period / 4 * 3;
	} else {
		w->why = err;
		bool wait = access_may_pass(rc);
		if (w->mac[0] && (!wait || !w->open))
			shut(w);
		next = clock_monotonic_ns() + (wait ? retry_ns(w) : DENIED_RETRY_SECONDS * CLOCK_NSEC_PER_SEC);
	}
	(void)pthread_cond_broadcast(&w->changed);
	(void)pthread_mutex_unlock(&w->mutex);
	*result = rc;
	return next;
}

// With the mutex held: until the time, or a change, or for as long as nothing changes when the time is INT64_MAX.
static void wait_until(struct watch *w, int64_t ns) {
	if (ns == INT64_MAX) {
		(void)pthread_cond_wait(&w->changed, &w->mutex);
		return;
	}
	struct timespec at = {.tv_sec = ns / CLOCK_NSEC_PER_SEC, .tv_nsec = ns % CLOCK_NSEC_PER_SEC};
	(void)pthread_cond_timedwait(&w->changed, &w->mutex, &at);
}

static void *run_asker(void *ctx) {
	const int64_t look = CLOCK_LOOK_SECONDS * CLOCK_NSEC_PER_SEC;
	struct watch *w = ctx;
	int64_t next = w->until_ns - w->config->cache_seconds * CLOCK_NSEC_PER_SEC / 4;
	for (;;) {
		int64_t now;
		(void)pthread_mutex_lock(&w->mutex);
		while (!w->stopping && (now = clock_monotonic_ns()) < next && clock_offset() == w->asked_offset)
			wait_until(w, next - now < look ? next : now + look);
		bool stopping = w->stopping;
		(void)pthread_mutex_unlock(&w->mutex);
		if (stopping)
			return NULL;
		int result;
		next = ask_and_act(w, &result);
	}
}

static void *run_guard(void *ctx) {
	struct watch *w = ctx;
	(void)pthread_mutex_lock(&w->mutex);
	while (!w->stopping) {
		if (w->open && clock_monotonic_ns() >= w->until_ns) {
			if (!w->why.code[0])
				(void)err_set(&w->why, -EAGAIN, 503, "ServiceUnavailable",
					"The key vault did not answer before the permission to use key '%s' ended.", w->key_url);
			shut(w);
		}
		wait_until(w, w->open ? w->until_ns : INT64_MAX);
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static int init_sync(struct watch *w) {
	pthread_condattr_t attr;
	int rc = -pthread_condattr_init(&attr);
	if (rc < 0)
		return rc;
	rc = -pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = -pthread_cond_init(&w->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	if (rc < 0)
		return rc;
	rc = -pthread_mutex_init(&w->mutex, NULL);
	if (rc < 0)
		(void)pthread_cond_destroy(&w->changed);
	return rc;
}

int watch_open(const struct disk_config *config, struct door *door, struct watch **out, struct err *err) {
	struct watch *w = calloc(1, sizeof(*w));
	if (!w)
		return err_oom(err);
	*w = (struct watch){.config = config, .door = door};
	int rc = init_sync(w);
	if (rc < 0) {
		free(w);
		return err_errno(err, rc, "cannot make a lock");
	}
	rc = azure_client_new(&config->route, &config->credential, &w->azure, err);
	if (rc == 0)
		(void)ask_and_act(w, &rc);
	if (rc < 0) {
		if (err && w->azure)
			*err = w->why;
		watch_free(w);
		return rc;
	}
	*out = w;
	return 0;
}

int watch_start(struct watch *w, struct err *err) {
	int rc = -pthread_create(&w->guard, NULL, run_guard, w);
	if (rc < 0)
		return err_errno(err, rc, "cannot start a thread");
	rc = -pthread_create(&w->asker, NULL, run_asker, w);
	if (rc < 0) {
		(void)pthread_mutex_lock(&w->mutex);
		w->stopping = true;
		(void)pthread_cond_broadcast(&w->changed);
		(void)pthread_mutex_unlock(&w->mutex);
		(void)pthread_join(w->guard, NULL);
		return err_errno(err, rc, "cannot start a thread");
	}
	w->started = true;
	return 0;
}

void watch_free(struct watch *w) {
	if (!w)
		return;
	door_shut(w->door);
	if (w->started) {
		(void)pthread_mutex_lock(&w->mutex);
		w->stopping = true;
		(void)pthread_cond_broadcast(&w->changed);
		(void)pthread_mutex_unlock(&w->mutex);
		(void)pthread_join(w->asker, NULL);
		(void)pthread_join(w->guard, NULL);
		door_shut(w->door);
	}
	azure_client_free(w->azure);
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->mutex);
	free(w);
}
