// SPDX-License-Identifier: Apache-2.0
// The descriptor of a resource type, and the call that its functions work in. A provider is one file that fills a
// descriptor; the engine does everything that all types share: tokens, RBAC, ids, groups, locations, tags, identity,
// storage, operations, the activity log, the forms of answers.
#pragma once

#include <stdbool.h>

#include "access/access.h"
#include "arm/resource.h"
#include "entra/entra.h"
#include "net/http_server.h"
#include "vault/vault.h"

struct arm;

// One request, inside one transaction (for GET a read-only one).
struct arm_call {
	struct arm *arm;
	struct store_tx *tx;
	const struct caller *caller;
	const struct arm_target *target;
	const struct http_request *request;
	struct http_response *response;
	char request_id[ENC_UUID_SIZE], correlation_id[ENC_UUID_SIZE];
	char operation[ENC_UUID_SIZE];  // set by arm_operation_start: the answer points to it
	char advisories[768];           // "; "-separated
	bool hosts_concerned;           // the desired state of a hypervisor changed
	bool jobs_queued;               // an arm_job_enqueue is to be told of after the commit
	bool inner;                     // a request of arm_perform
	bool tried;                     // within a transaction of its caller, which is rolled back
	bool own_subscription;          // the caller is of the tenant of the subscription that is addressed
	void *prepared;                 // of type->look and type->work
	json_t *details;                // owned: an array that goes with the error that the call ends with
};

// {name}/{action}: `method` and name as in the path, `permission` below the type ("start/action"). `run` may set
// response->json and response->status; without them the answer is 200, or 202 when an operation was started.
struct arm_action {
	const char *method, *name, *permission;
	int (*run)(struct arm_call *call, struct resource *r, struct err *err);
	bool data;             // a data action, which not even an owner has without being given it
	bool own_transaction;  // call->tx is NULL and r is a copy: the action waits, and opens transactions itself
};

enum arm_place { ARM_IN_GROUP = 1, ARM_IN_SUBSCRIPTION = 2, ARM_IN_TENANT = 4 };

struct arm_type {
	const char *name;       // "Microsoft.Compute/disks", as Azure spells it
	const char *const *versions;  // API versions that it answers, newest first, ended by NULL; NULL: any of its namespace
	unsigned places;        // of enum arm_place: where it may stand; 0 is a resource group
	int deletion_rank;      // in a group that is deleted, lower ones go first: what is built on others is 0
	bool container;         // addressed without a provider: subscriptions, resource groups
	bool extends;           // may be addressed below any other resource: role assignments
	bool has_location;      // PUT needs a location, the same one each time
	bool has_identity;      // body.identity is understood
	bool accepts;           // PUT and PATCH answer 202 and an operation (as the disk provider does), not 200 or 201

	// Validate body (the request) and bring r (fresh, or as stored) to it. location, tags, sku and identity are
	// already merged; properties are the provider's. PATCH calls it with `patch` true: only what is there changes.
	int (*put)(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err);

	// Complete what GET shows. May be NULL.
	int (*show)(struct arm_call *call, struct resource *r, json_t *shown, struct err *err);

	// Does $filter of the call let a list show r? 1, 0, or a negative errno (400). NULL: there is no filter.
	int (*wanted)(struct arm_call *call, const struct resource *r, struct err *err);

	// Undo what the resource stands for. With an operation started the row stays until `settled` removes it.
	int (*remove)(struct arm_call *call, struct resource *r, struct err *err);

	// An operation on r has ended: failure is NULL, or what went wrong. Runs in the transaction that ends it; saves
	// r itself, or deletes it. May be NULL.
	int (*settled)(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
		struct err *err);

	const struct arm_action *actions;
	size_t action_count;

	// A subscription or group ("/subscriptions/…", lower case) that held what is not kept as resource documents is gone:
	// forget that. May be NULL.
	int (*scope_removed)(struct store_tx *tx, const char *scope, struct err *err);

	// A type that is not kept as resource documents answers by itself (role assignments, deleted vaults). The
	// permission has not been checked.
	int (*raw)(struct arm_call *call, struct err *err);

	// Before the transaction of a request that changes something, for what takes long (making a key): `look` sees a snapshot
	// and may leave call->prepared, with which `work` goes on without a transaction; `forget` frees it in the end. Without
	// them, as in a call that is only tried, the type finds no call->prepared and does all by itself.
	int (*look)(struct arm_call *call, struct err *err);
	int (*work)(struct arm_call *call, struct err *err);
	void (*forget)(void *prepared);
	bool work_holds;  // `work` has the transaction that writes for long: a tenant does one at a time, and rests after it
};

// Deny by default: 403 AuthorizationFailed (-EACCES) unless the caller may do `permission` ("Microsoft.X/y/write") at
// scope. Linked: 403 LinkedAuthorizationFailed for another resource that the request points to.
int arm_authorize(struct arm_call *call, const char *scope, const char *permission, struct err *err) _must_check_;
int arm_authorize_data(struct arm_call *call, const char *scope, const char *permission, struct err *err) _must_check_;
// For roleAssignments/write and delete of an assignment of this role (NULL when it names none): roles may have a condition.
int arm_authorize_assignment(struct arm_call *call, const char *scope, const char *permission, const char *role_id,
	struct err *err) _must_check_;
int arm_authorize_linked(struct arm_call *call, const char *id, const char *permission, struct err *err) _must_check_;

// Say that Azure would refuse this. An error (400) under --strict; else the call goes on and the answer carries it.
int arm_advise(struct arm_call *call, struct err *err, const char *code, const char *fmt, ...) _printf_(4, 5) _must_check_;

// Request body of the call, parsed; -EINVAL (400) when it is not a JSON object. The caller owns *out.
int arm_body(const struct http_request *request, json_t **out, struct err *err) _must_check_;

// Begin a list as the call's answer, {"value": []}: the array, which is the answer's. NULL when out of memory.
json_t *arm_list_answer(struct arm_call *call) _must_check_;

// 400 InvalidTags, InvalidTagNameOrValue or InvalidTagNameCharacters (-EINVAL).
int arm_check_tags(const json_t *tags, struct err *err) _must_check_;

// Start an asynchronous operation on r; it ends when every wait is met, one fails, or `timeout_seconds` pass. Without
// any arm_operation_wait it ends with the call.
int arm_operation_start(struct arm_call *call, const struct resource *r, const char *kind, int64_t timeout_seconds,
	struct err *err) _must_check_;
int arm_operation_wait(struct arm_call *call, const struct resource *waited_for, struct err *err) _must_check_;

// Does an operation still wait for this resource?
int arm_operation_pending(struct store_tx *tx, const struct resource *r, bool *pending, struct err *err) _must_check_;

// Is an operation that was started on this resource still in progress?
int arm_operation_running(struct store_tx *tx, const struct resource *r, bool *running, struct err *err) _must_check_;

// End what waits for this resource because the call wants something else of it: 409 OperationPreempted. Call it before
// r is changed: the types' `settled` see the resource as stored.
#define ARM_PREEMPTED "OperationPreempted"
int arm_operation_preempt(struct arm_call *call, const struct resource *r, struct err *err) _must_check_;

// The hypervisor has reported `generation` of a resource, in its words or with a failure: ends what waited for it.
int arm_operation_report(struct arm *arm, struct store_tx *tx, const struct resource *r, int64_t generation,
	const struct err *failure, struct err *err) _must_check_;

// A request that the control plane makes of itself, for a caller and with that caller's rights alone: PUT, PATCH, GET,
// DELETE or POST of a target ("/subscriptions/…?api-version=…"). Within `tx` (a write transaction, for what is tried out and
// rolled back: an operation that it starts is taken as done), or with NULL in a transaction of its own, which the caller of
// this must then not be in. A refusal comes back as an error, worded as the client would have got it; *out is filled then too.
struct arm_outcome {
	int status;
	json_t *json;                   // owned; NULL for an answer without a body
	char operation[ENC_UUID_SIZE];  // an asynchronous operation that was started, or ""
	json_t *details;                // owned: of an error, as its answer would have them; else NULL
};
void arm_outcome_free(struct arm_outcome *o);
int arm_perform(struct arm *arm, const struct caller *caller, struct store_tx *tx, const char *method, const char *target,
	const json_t *body, struct arm_outcome *out, struct err *err) _must_check_;

// The API version for a request to a resource where nothing says another one: the newest of its type.
const char *arm_api_version(const struct arm *arm, const char *id);

// How an operation that arm_perform started stands: 1 it runs, 0 it succeeded, negative and err (and *details, NULL or to be
// freed) how it failed.
int arm_operation_state(struct store_tx *tx, const char *id, json_t **details, struct err *err) _must_check_;

// Work that goes on after the answer (docs/architecture.md, "Long operations"): a row in the store that worker threads take
// a step further at a time, so that it goes on where it was after a restart. A kind is registered in arm_config.
struct arm_job_kind {
	const char *name;
	// Runs without a transaction. Sets *again_ms: milliseconds until the next step, or ARM_JOB_OVER. A failure here is one
	// of the machine (no memory, no disk): it is logged and the step repeated later.
	int (*step)(struct arm *arm, const char *id, int64_t *again_ms, struct err *err);
};
#define ARM_JOB_OVER (-1)
// `id` is the job's own, unique among its kind; what it needs to know is its kind's to keep in the store. The operation that
// the call has started ends with the job. 409 OperationInProgress (-EEXIST) when there is such a job already.
int arm_job_enqueue(struct arm_call *call, const char *kind, const char *id, struct err *err) _must_check_;
// How it went: ends the operation (with failure and details, or NULL) and takes the job out of the store, in the transaction
// of its last change. Its step says ARM_JOB_OVER then.
int arm_job_end(struct arm *arm, struct store_tx *tx, const char *kind, const char *id, const struct err *failure,
	const json_t *details, struct err *err) _must_check_;
// Who asked for it, as the directory has them now. -EACCES (403 AuthorizationFailed) when they are gone or disabled: then the
// job ends refused.
int arm_job_caller(struct store_tx *tx, const char *kind, const char *id, struct caller *out, struct err *err) _must_check_;

// What a resource group holds is deleted, as the caller; the operation that the call has started ends with it.
int arm_group_delete(struct arm_call *call, const struct resource *group, struct err *err) _must_check_;
// Every type forgets what it kept there.
int arm_scope_removed(struct arm *arm, struct store_tx *tx, const char *scope, struct err *err) _must_check_;

// Parts of the instance, for providers.
struct keeper_client *arm_keeper(struct arm *arm);
struct entra *arm_entra(struct arm *arm);
struct store *arm_store(struct arm *arm);
const char *arm_home_tenant(const struct arm *arm);  // the instance's first one, whose administrators operate it
int64_t arm_cache_seconds(struct arm *arm);
bool arm_private_webhooks(struct arm *arm);

// The revision of what hypervisors shall do: arm_revision_bump in the transaction that changes it (the engine does so
// when call->hosts_concerned), arm_revision_wait returns when it is no longer `seen` or after so many seconds.
int arm_revision_bump(struct arm *arm, struct store_tx *tx, struct err *err) _must_check_;
int64_t arm_revision_wait(struct arm *arm, int64_t seen, int64_t seconds);
int arm_revision_read(struct store_tx *tx, int64_t *out, struct err *err) _must_check_;  // 0 before the first change
void arm_revision_publish(struct arm *arm);  // after the commit of a bump: wake the waiting
