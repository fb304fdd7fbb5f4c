// SPDX-License-Identifier: Apache-2.0
// Work that goes on after its answer: rows of the table jobs, taken a step further at a time by a few threads. A thread
// holds no transaction between steps and a job is with one thread at a time, so whoever is killed in the middle finds the
// job in the store as its last step left it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arm/internal.h"
#include "base/clock.h"
#include "base/strv.h"

enum { THREADS = 2, FAILED_STEP_MS = 5000, READ_AGAIN_MS = 500 };

// Whose jobs they are: however many one has, the others' are not behind them all.
struct owner {
	struct owner *next;
	char tenant[ENC_UUID_SIZE];
	int64_t served;    // clock_monotonic_ns of its last step's begin
	unsigned running;  // steps at present
};

struct job {
	struct job *next;
	const struct arm_job_kind *kind;
	struct owner *owner;
	char *id;
	int64_t due;  // clock_monotonic_ns
	bool taken, over;
};

struct arm_jobs {
	struct arm *arm;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first;
	struct owner *owners;  // kept for good: tenants are few
	bool stopping, stale;  // stale: the store may hold jobs that are not in the list
	pthread_t threads[THREADS];
	size_t thread_count;
};

static const struct arm_job_kind *find_kind(const struct arm *arm, const char *name) {
	if (strcmp(name, arm_group_deletion.name) == 0)
		return &arm_group_deletion;
	for (size_t i = 0; i < arm->config.job_count; i++)
		if (strcmp(arm->config.jobs[i]->name, name) == 0)
			return arm->config.jobs[i];
	return NULL;
}

static bool is_listed(const struct arm_jobs *jobs, const char *kind, const char *id) {
	for (const struct job *j = jobs->first; j; j = j->next)
		if (strcmp(j->kind->name, kind) == 0 && strcmp(j->id, id) == 0)
			return true;
	return false;
}

static int find_owner(struct arm_jobs *jobs, const char *caller_text, struct owner **out, struct err *err) {
	_cleanup_json_ json_t *caller = NULL;
	int rc = json_parse(caller_text, strlen(caller_text), "InternalServerError", &caller, err);
	const char *tenant = rc == 0 ? json_str(caller, "tenant") : NULL;
	if (rc < 0)
		return rc;
	for (*out = jobs->owners; *out; *out = (*out)->next)
		if (strcmp((*out)->tenant, tenant ? tenant : "") == 0)
			return 0;
	struct owner *o = calloc(1, sizeof(*o));
	if (!o)
		return err_oom(err);
	(void)snprintf(o->tenant, sizeof(o->tenant), "%s", tenant ? tenant : "");
	o->next = jobs->owners;
	*out = jobs->owners = o;
	return 0;
}

// Called with the lock held.
static int list_job(struct arm_jobs *jobs, const char *kind_name, const char *id, const char *caller, struct err *err) {
	struct owner *owner = NULL;
	const struct arm_job_kind *kind = find_kind(jobs->arm, kind_name);
	if (!kind)
		return err_set(err, -ENOENT, 500, "InternalServerError", "The store holds a job of an unknown kind, '%s'.", kind_name);
	if (is_listed(jobs, kind_name, id))
		return 0;
	int rc = find_owner(jobs, caller, &owner, err);
	if (rc < 0)
		return rc;
	struct job *j = calloc(1, sizeof(*j));
	if (!j)
		return err_oom(err);
	j->kind = kind;
	j->owner = owner;
	j->id = strdup(id);
	if (!j->id) {
		free(j);
		return err_oom(err);
	}
	j->next = jobs->first;
	jobs->first = j;
	return 0;
}

static int load(struct arm_jobs *jobs, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_begin(jobs->arm->config.store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = store_query(tx, &rows, err, "SELECT kind, id, caller FROM jobs ORDER BY created DESC", "");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		pthread_mutex_lock(&jobs->lock);
		rc = list_job(jobs, store_text(rows, 0), store_text(rows, 1), store_text(rows, 2), err);
		pthread_mutex_unlock(&jobs->lock);
	}
	return rc;
}

// The store is asked first: the list may have been read just before the job ended.
static int is_there(struct arm *arm, const struct job *j, bool *there, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t count = 0;
	int rc = store_begin(arm->config.store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM jobs WHERE kind = $1 AND id = $2", "ss", j->kind->name, j->id);
	*there = count > 0;
	return rc;
}

static void take_step(struct arm *arm, struct job *j) {
	int64_t again_ms = ARM_JOB_OVER;
	bool there = false;
	struct err err = {0};
	int rc = is_there(arm, j, &there, &err);
	if (rc == 0 && there)
		rc = j->kind->step(arm, j->id, &again_ms, &err);
	if (rc < 0) {
		again_ms = FAILED_STEP_MS;
		if (arm->config.job_failed)
			arm->config.job_failed(j->kind->name, j->id, &err);
	}
	j->over = again_ms == ARM_JOB_OVER;
	j->due = clock_monotonic_ns() + again_ms * (CLOCK_NSEC_PER_SEC / 1000);
}

static bool goes_before(const struct job *a, const struct job *b, int64_t now) {
	bool due = a->due <= now;
	if (!due || b->due > now)
		return a->due < b->due;
	if (a->owner->running != b->owner->running)
		return a->owner->running < b->owner->running;
	return a->owner->served != b->owner->served ? a->owner->served < b->owner->served : a->due < b->due;
}

// Of those that are due, one of who has waited longest for a turn; where none is, the one that will be first.
static struct job *next_job(const struct arm_jobs *jobs, int64_t now) {
	struct job *found = NULL;
	for (struct job *j = jobs->first; j; j = j->next)
		if (!j->taken && (!found || goes_before(j, found, now)))
			found = j;
	return found;
}

static void unlist(struct arm_jobs *jobs, struct job *j) {
	struct job **link = &jobs->first;
	while (*link != j)
		link = &(*link)->next;
	*link = j->next;
	free(j->id);
	free(j);
}

static void wait_until(struct arm_jobs *jobs, const struct job *j) {
	if (!j) {
		(void)pthread_cond_wait(&jobs->wake, &jobs->lock);
		return;
	}
	const struct timespec deadline = {.tv_sec = j->due / CLOCK_NSEC_PER_SEC, .tv_nsec = j->due % CLOCK_NSEC_PER_SEC};
	(void)pthread_cond_timedwait(&jobs->wake, &jobs->lock, &deadline);
}

static void refresh(struct arm_jobs *jobs) {
	jobs->stale = false;
	pthread_mutex_unlock(&jobs->lock);
	int rc = load(jobs, NULL);
	pthread_mutex_lock(&jobs->lock);
	if (rc == 0)
		return;
	// Somebody's job may be among what could not be read: it is read again soon, but not in a busy loop.
	jobs->stale = true;
	const struct job soon = {.due = clock_monotonic_ns() + READ_AGAIN_MS * (CLOCK_NSEC_PER_SEC / 1000)};
	wait_until(jobs, &soon);
}

static void *work(void *ctx) {
	struct arm_jobs *jobs = ctx;
	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		if (jobs->stale)
			refresh(jobs);
		int64_t now = clock_monotonic_ns();
		struct job *j = next_job(jobs, now);
		if (!j || j->due > now) {
			if (!jobs->stale)
				wait_until(jobs, j);
			continue;
		}
		j->taken = true;
		j->owner->served = now;
		j->owner->running++;
		pthread_mutex_unlock(&jobs->lock);
		take_step(jobs->arm, j);
		pthread_mutex_lock(&jobs->lock);
		j->taken = false;
		j->owner->running--;
		if (j->over)
			unlist(jobs, j);
		else
			pthread_cond_signal(&jobs->wake);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

int arm_start_jobs(struct arm *arm, struct err *err) {
	struct arm_jobs *jobs = calloc(1, sizeof(*jobs));
	if (!jobs)
		return err_oom(err);
	jobs->arm = arm;
	pthread_condattr_t attributes;
	(void)pthread_mutex_init(&jobs->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&jobs->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	arm->jobs = jobs;
	int rc = load(jobs, err);
	while (rc == 0 && jobs->thread_count < THREADS) {
		rc = -pthread_create(&jobs->threads[jobs->thread_count], NULL, work, jobs);
		if (rc == 0)
			jobs->thread_count++;
		else
			rc = err_errno(err, rc, "cannot start a thread");
	}
	return rc;
}

void arm_jobs_wake(struct arm *arm) {
	struct arm_jobs *jobs = arm->jobs;
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stale = true;
	pthread_cond_broadcast(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
}

void arm_jobs_stop(struct arm *arm) {
	struct arm_jobs *jobs = arm->jobs;
	if (!jobs)
		return;
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	for (size_t i = 0; i < jobs->thread_count; i++)
		(void)pthread_join(jobs->threads[i], NULL);
	while (jobs->first)
		unlist(jobs, jobs->first);
	while (jobs->owners) {
		struct owner *o = jobs->owners;
		jobs->owners = o->next;
		free(o);
	}
	(void)pthread_cond_destroy(&jobs->wake);
	(void)pthread_mutex_destroy(&jobs->lock);
	free(jobs);
	arm->jobs = NULL;
}

static json_t *caller_json(const struct caller *c) {
	return json_pack("{s:s, s:s, s:s, s:i, s:s}", "tenant", c->tenant, "oid", c->oid, "appid", c->appid, "kind", (int)c->kind,
		"name", c->name);
}

static int read_caller(const json_t *value, struct caller *out, struct err *err) {
	struct caller c = {.kind = (enum caller_kind)json_int(value, "kind", CALLER_APPLICATION)};
	const char *tenant = json_str(value, "tenant"), *oid = json_str(value, "oid"), *appid = json_str(value, "appid"),
		   *name = json_str(value, "name");
	if (!tenant || !oid || !appid || (name && strv_copy(c.name, sizeof(c.name), name) < 0) || strv_copy(c.tenant, sizeof(c.tenant), tenant) < 0 ||
		strv_copy(c.oid, sizeof(c.oid), oid) < 0 || strv_copy(c.appid, sizeof(c.appid), appid) < 0)
		return err_set(err, -EINVAL, 500, "InternalServerError", "The caller of a job in the store cannot be read.");
	*out = c;
	return 0;
}

int arm_job_enqueue(struct arm_call *call, const char *kind, const char *id, struct err *err) {
	_cleanup_json_ json_t *caller = caller_json(call->caller);
	_cleanup_free_ char *text = caller ? json_text(caller) : NULL;
	int rc = text ? store_exec(call->tx, err, "INSERT INTO jobs (kind, id, caller, created) VALUES ($1,$2,$3,$4)", "sssi", kind, id,
				text, clock_now())
		      : err_oom(err);
	if (rc == -EEXIST)
		return err_set(err, rc, 409, "OperationInProgress", "Another operation of this kind is in progress.");
	if (rc < 0)
		return rc;
	call->jobs_queued = true;
	return arm_operation_wait_job(call, kind, id, err);
}

int arm_job_end(struct arm *arm, struct store_tx *tx, const char *kind, const char *id, const struct err *failure,
	const json_t *details, struct err *err) {
	int rc = arm_operation_end_job(arm, tx, kind, id, failure, details, err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM jobs WHERE kind = $1 AND id = $2", "ss", kind, id);
	return rc < 0 ? rc : 0;
}

int arm_job_caller(struct store_tx *tx, const char *kind, const char *id, struct caller *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_json_ json_t *caller = NULL;
	int rc = store_query(tx, &rows, err, "SELECT caller FROM jobs WHERE kind = $1 AND id = $2", "ss", kind, id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 500, "InternalServerError", "The job '%s' is not in the store.", id);
	const char *text = store_text(rows, 0);
	struct caller found;
	rc = json_parse(text, strlen(text), "InternalServerError", &caller, err);
	if (rc == 0)
		rc = read_caller(caller, &found, err);
	if (rc == 0)
		rc = arm_caller_check(tx, &found, err);
	if (rc == 0)
		*out = found;
	return rc;
}
