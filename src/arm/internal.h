// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include <pthread.h>

#include "arm/arm.h"

struct arm {
	struct arm_config config;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t revision;  // as committed; guarded by lock
	bool interrupted;
};

// {"code", "message"}, whatever bytes the message has; NULL when out of memory.
json_t *arm_error_object(const struct err *e);

const struct arm_type *arm_find_type(const struct arm *arm, const char *name);

// GET …/locations/{l}/operations/{id}: status, or with monitor=true the Location form.
int arm_operation_show(struct arm_call *call, struct err *err) _must_check_;
extern const struct arm_type arm_operation_type;

// Before the answer leaves: an operation that waits for nothing ends here.
int arm_operation_settle_idle(struct arm_call *call, struct err *err) _must_check_;

// Merge body.identity into r, making and checking identities. patch: absent means unchanged.
int arm_identity_merge(struct arm_call *call, struct resource *r, const json_t *body, struct err *err) _must_check_;
int arm_identity_remove(struct arm_call *call, const struct resource *r, struct err *err) _must_check_;

int arm_activity_write(struct arm_call *call, const char *operation, const char *status, const char *message,
	struct err *err) _must_check_;
