// SPDX-License-Identifier: Apache-2.0
// A template opened where it is deployed: what its functions ask of the control plane is asked as the caller.
#pragma once

#include "arm/type.h"
#include "base/buf.h"
#include "template/template.h"

struct opened {
	struct arm *arm;              // borrowed, as all that has no owner named
	const struct caller *caller;
	struct store_tx *tx;          // NULL: requests have transactions of their own
	json_t *document;             // owned, as the template needs it all its life; likewise the next four
	json_t *parameters;
	json_t *place;
	json_t *deployment, *deployer;
	const json_t *made; // what GET would show of deployments that are only tried out, by id in lower case; or NULL
	json_t *secrets;              // owned: what errors must not say (secrets.h); found while it is opened, or given
	struct expr_budget *budget;   // that it shares with others; or NULL
	json_t *read;                 // owned: ids, in lower case, of what was read; NULL: nobody wants to know
	char scope[ARM_ID_MAX];
	struct template *template;
};
void opened_free(struct opened *o);
#define _cleanup_opened_ _cleanup_(opened_free)

// What subscription(), resourceGroup() and tenant() give at a target. 404 ResourceGroupNotFound, 409 ResourceGroupBeingDeleted.
int opened_place(struct store_tx *tx, const struct arm_target *at, const char *tenant, json_t **out,
	struct err *err) _must_check_;

// "/subscriptions/…[/resourceGroups/…]" of an id below it.
int opened_scope(const char *subscription, const char *group, char out[static ARM_ID_MAX], struct err *err) _must_check_;

// o has everything but scope, deployer, deployment and template. The names are of the deployment.
int opened_open(struct opened *o, const char *subscription, const char *group, const char *name, const char *location,
	bool complete, struct err *err) _must_check_;

// What a request to a resource is sent to; tail may be NULL, without a version it is the newest one.
int opened_target(const struct arm *arm, const char *id, const char *tail, const char *api_version, struct buf *out,
	struct err *err) _must_check_;

// Keeps secrets out of an error, and of its details, which may be NULL.
int opened_strike(const struct opened *o, struct err *why, json_t *details, struct err *err) _must_check_;

// A request to a resource, as the caller.
int opened_request(const struct opened *o, const char *method, const char *id, const char *tail, const char *api_version,
	const json_t *body, struct arm_outcome *out, struct err *err) _must_check_;

// The same where no template is.
int opened_perform(struct arm *arm, const struct caller *caller, struct store_tx *tx, const char *method, const char *id,
	const char *tail, const char *api_version, const json_t *body, struct arm_outcome *out, struct err *err) _must_check_;
