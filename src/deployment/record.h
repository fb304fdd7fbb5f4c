// SPDX-License-Identifier: Apache-2.0
// Deployments, their operations and what they keep sealed, in the store. A deployment that is made again under its name is
// another run, which takes the place of the one before.
#pragma once

#include "arm/type.h"
#include "deployment/plan.h"

enum deployment_state { DEPLOYMENT_ACCEPTED, DEPLOYMENT_RUNNING, DEPLOYMENT_SUCCEEDED, DEPLOYMENT_FAILED, DEPLOYMENT_CANCELED };
const char *deployment_state_name(enum deployment_state state);
static inline bool deployment_is_active(enum deployment_state state) {
	return state == DEPLOYMENT_ACCEPTED || state == DEPLOYMENT_RUNNING;
}

struct deployment {
	char run[ENC_UUID_SIZE];
	char id[ARM_ID_MAX], display_id[ARM_ID_MAX];  // id in lower case
	char subscription[64], group[ARM_NAME_MAX], name[ARM_NAME_MAX];  // as spelled
	char location[48];  // "" in a resource group
	enum deployment_state state;
	bool complete, cancel;
	char parent[ENC_UUID_SIZE];  // the run that it is nested in, or ""
	int64_t depth;               // 1 for one that is nested in none
	char correlation[ENC_UUID_SIZE];
	json_t *details;  // owned: members of properties that are known from the start, and "tags"
	json_t *place;    // owned: what functions like resourceGroup() give, as it was at the start
	json_t *result;   // owned, NULL until it has ended: "outputs", "outputResources", "error"
	int64_t created_ns, changed_ns, ended_ns;  // ended_ns 0 while active
};
void deployment_free(struct deployment *d);
#define _cleanup_deployment_ _cleanup_(deployment_free)

// By id in any case, or by run. -ENOENT with 404 DeploymentNotFound.
int deployment_load(struct store_tx *tx, const char *id, struct deployment *out, struct err *err) _must_check_;
int deployment_load_run(struct store_tx *tx, const char *run, struct deployment *out, struct err *err) _must_check_;

// A new run; one before of the same id is replaced. Of the oldest that have ended so many are forgotten that the scope has
// no more than DEPLOYMENT_HISTORY_MAX; 409 DeploymentQuotaExceeded (-EDQUOT) where so many have not ended.
#define DEPLOYMENT_HISTORY_MAX 800
int deployment_insert(struct store_tx *tx, const struct deployment *d, struct err *err) _must_check_;
// What changes while it runs: state, result, times. A deployment that ends keeps its template, sealed, unless it was written by
// another one (`parent`), and nothing else that was sealed.
int deployment_update(struct store_tx *tx, const struct deployment *d, struct err *err) _must_check_;
// It, and all that are nested in it, take no further step.
int deployment_cancel(struct store_tx *tx, const char *run, struct err *err) _must_check_;
int deployment_canceled(struct store_tx *tx, const char *run, bool *out, struct err *err) _must_check_;
int deployment_delete(struct store_tx *tx, const struct deployment *d, struct err *err) _must_check_;
// All of a group or subscription that is gone.
int deployment_delete_scope(struct store_tx *tx, const char *scope, struct err *err) _must_check_;

// Those of a scope, newest first, of a state ("" for any), after a place given by the one before (NULL: from the start).
typedef int (*deployment_visitor)(void *ctx, struct deployment *d, struct err *err);
struct deployment_query {
	const char *subscription, *group, *state;
	int64_t before_ns;
	const char *after_id;
	int64_t limit;
};
int deployment_each(struct store_tx *tx, const struct deployment_query *q, deployment_visitor each, void *ctx, struct err *err)
	_must_check_;

// Has this run, or one that is nested in it, made or read the resource (its id in lower case)?
int deployment_names(struct store_tx *tx, const char *run, const char *id, bool *out, struct err *err) _must_check_;

// Does it stand in a group by itself: neither the group, nor a part of another resource, nor what a private endpoint made
// and takes along?
bool deployment_stands_alone(const struct resource *r);

// One step of a run: a resource to be made, read or deleted; outputs.
struct deployment_operation {
	char id[17];
	char kind[32];  // provisioningOperation
	char target[ARM_ID_MAX], type[ARM_NAME_MAX], name[ARM_ID_MAX];  // "" for outputs
	char async[ENC_UUID_SIZE];     // of an operation that it waits for, or ""
	char tracking[ENC_UUID_SIZE];
	int64_t started_ns, ended_ns;  // 0 until then
	int64_t status;                // HTTP
	json_t *error;                 // owned: of what failed
	bool changed;                  // since it was loaded or saved
};

struct deployment_operations {
	struct deployment_operation *list;
	struct plan plan;  // its items are those of the list, with their states
};
void deployment_operations_free(struct deployment_operations *o);
#define _cleanup_operations_ _cleanup_(deployment_operations_free)
int deployment_operations_add(struct deployment_operations *o, const char *kind, const char *target, const char *type,
	const char *name, struct err *err) _must_check_;
int deployment_operations_load(struct store_tx *tx, const char *run, struct deployment_operations *out, struct err *err)
	_must_check_;
// Those that have changed.
int deployment_operations_save(struct store_tx *tx, const char *run, struct deployment_operations *o, struct err *err)
	_must_check_;

// JSON that only the keeper can open again. `part` is "template", "parameters" or "secrets" (secrets.h).
int deployment_seal(struct store_tx *tx, struct keeper_client *keeper, const char *run, const char *part, const json_t *value,
	struct err *err) _must_check_;
// 404 DeploymentTemplateNotFound (-ENOENT) when it is not kept. The caller owns *out.
int deployment_unseal(struct store_tx *tx, struct keeper_client *keeper, const char *run, const char *part, json_t **out,
	struct err *err) _must_check_;
