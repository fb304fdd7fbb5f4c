// SPDX-License-Identifier: Apache-2.0
// Azure Resource Manager: the face management.azure.com over a table of resource types.
#pragma once

#include "arm/type.h"

struct arm_config {
	struct store *store;  // parts are borrowed
	struct entra *entra;
	struct keeper_client *keeper;
	const char *tenant_id;
	const struct arm_type *const *types;
	size_t type_count;
	const struct arm_job_kind *const *jobs;  // those of the providers
	size_t job_count;
	void (*job_failed)(const char *kind, const char *id, const struct err *err);  // a step that is tried again later
	bool throttle;          // requests are limited as Azure limits them
	bool strict;            // advisories are errors
	bool private_webhooks;  // webhooks of diagnostic settings may be on private addresses
	int64_t cache_seconds;  // how long a disk server may use a key before it asks again
};

int arm_open(const struct arm_config *config, struct arm **out, struct err *err) _must_check_;
void arm_close(struct arm *arm);  // also wakes whoever waits for a revision

void arm_handle(void *arm, const struct http_request *req, struct http_response *res);

// Go on with the jobs that the store holds, and take new ones. arm_close stops them.
int arm_start_jobs(struct arm *arm, struct err *err) _must_check_;

// Fail the operations whose deadline has passed. Called by the scheduler.
int arm_expire_operations(struct arm *arm, struct err *err) _must_check_;

// Drop some of what the activity log has kept for longer than it is kept. Called by the scheduler.
int arm_activity_prune(struct arm *arm, struct err *err) _must_check_;

// Wake everyone in arm_revision_wait and let jobs pause after their step, so that the server can stop without waiting long.
void arm_interrupt(struct arm *arm);
