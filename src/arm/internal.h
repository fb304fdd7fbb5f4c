// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include <pthread.h>

#include "arm/arm.h"

struct arm_jobs;

struct arm {
	struct arm_config config;
	struct arm_throttle *throttle;  // NULL: nobody is throttled
	struct arm_jobs *jobs;  // NULL until arm_start_jobs
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t revision;  // as committed; guarded by lock
	bool interrupted;
};

// {"code", "message"} and "details" where there are some (an array, borrowed), whatever bytes the message has; NULL when
// out of memory.
json_t *arm_error_object(const struct err *e, const json_t *details);

// From the request of call to the type that answers, in a transaction of its own or, not NULL, in `outer`, which is neither
// committed nor undone. Fills call->response but for the headers that every answer has.
int arm_request_run(struct arm_call *call, struct store_tx *outer, struct err *err) _must_check_;

// The version that a request would be made with where nothing says another one.
const char *arm_type_version(const struct arm_type *type);

const struct arm_type *arm_find_type(const struct arm *arm, const char *name);

// GET …/locations/{l}/operations/{id}: status, or with monitor=true the Location form.
int arm_operation_show(struct arm_call *call, struct err *err) _must_check_;
extern const struct arm_type arm_operation_type;

// Before the answer leaves: an operation that waits for nothing ends here.
int arm_operation_settle_idle(struct arm_call *call, struct err *err) _must_check_;

// Merge body.identity into r, making and checking identities. patch: absent means unchanged.
int arm_identity_merge(struct arm_call *call, struct resource *r, const json_t *body, struct err *err) _must_check_;
int arm_identity_remove(struct arm_call *call, const struct resource *r, struct err *err) _must_check_;

// As if everything that the operation waits for had gone well.
int arm_operation_assume(struct arm *arm, struct store_tx *tx, const char *id, struct err *err) _must_check_;

// The operation of the call ends with a job.
int arm_operation_wait_job(struct arm_call *call, const char *kind, const char *id, struct err *err) _must_check_;
int arm_operation_end_job(struct arm *arm, struct store_tx *tx, const char *kind, const char *id, const struct err *failure,
	const json_t *details, struct err *err) _must_check_;

// After the commit of an arm_job_enqueue: let a worker take it.
void arm_jobs_wake(struct arm *arm);
void arm_jobs_stop(struct arm *arm);

// Deletes what a resource group holds, then the group.
extern const struct arm_job_kind arm_group_deletion;

int arm_activity_write(struct arm_call *call, const char *operation, const char *status, const char *message,
	struct err *err) _must_check_;

// 404, 401 or 409 when the subscription that is addressed, if any, does not let this request go on: of another tenant, or
// for what changes something disabled or not registered for the namespace. Sets call->own_subscription.
int arm_subscription_check(struct arm_call *call, bool changes, struct err *err) _must_check_;
// Whoever asked earlier than now: -EACCES (403 AuthorizationFailed) when they are gone or disabled since. caller is brought up
// to what the directory says.
int arm_caller_check(struct store_tx *tx, struct caller *caller, struct err *err) _must_check_;
