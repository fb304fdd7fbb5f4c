// SPDX-License-Identifier: Apache-2.0
// Deployments of templates: accepted, carried out by a job, tried out. The provider of Microsoft.Resources/deployments is the
// face of this room.
#pragma once

#include "deployment/record.h"

#define DEPLOYMENT_TYPE "Microsoft.Resources/deployments"
#define DEPLOYMENT_NAME_MAX 64
#define DEPLOYMENT_DEPTH_MAX 5  // deployments inside each other
#define DEPLOYMENT_PARENT "parent"  // in the query of an inner request: the run that a deployment is nested in

// What a client asks for (Deployment, DeploymentWhatIf of the REST reference).
struct deployment_request {
	json_t *body;       // owned; the others but `template` and `parameters` are parts of it
	json_t *template;   // owned: an object
	json_t *parameters; // owned: an object, or NULL
	const json_t *tags, *debug;
	const char *location;  // NULL in a resource group
	bool complete;
	bool ids_only;      // resultFormat of a what-if
};
void deployment_request_free(struct deployment_request *q);

// 400 in Azure's words for what is none. `at` is the deployment that is addressed.
int deployment_request_read(const void *text, size_t len, const struct arm_target *at, struct deployment_request *out,
	struct err *err) _must_check_;

// In the transaction of the call: checks the template and leaves the deployment for the job; the call's operation ends with
// it. Whoever may not write deployments was refused before. 400 InvalidTemplate, 409 DeploymentActive,
// InvalidDeploymentLocation. *created: there was none of this name.
int deployment_accept(struct arm_call *call, const struct deployment_request *q, struct deployment *out, bool *created,
	struct err *err) _must_check_;

// Carries a deployment out: id is its run.
extern const struct arm_job_kind deployment_job;

// All that a deployment would do is done in a transaction that is rolled back. What would be refused is
// InvalidTemplateDeployment with *details, an array; a template that is none fails at once.
struct deployment_trial {
	json_t *changes;   // owned: of a what-if (WhatIfChange)
	json_t *touched;   // owned: [{"id"}] of what would be written
	json_t *known;     // owned: members of properties that are known from the start
};
void deployment_trial_free(struct deployment_trial *t);
int deployment_try(struct arm *arm, const struct caller *caller, const struct arm_target *at,
	const struct deployment_request *q, struct deployment_trial *out, json_t **details, struct err *err) _must_check_;

// Forms of answers. The caller owns *out.
int deployment_show(const struct deployment *d, json_t **out, struct err *err) _must_check_;
int deployment_operation_show(const struct deployment *d, const struct deployment_operations *o, size_t at, json_t **out,
	struct err *err) _must_check_;
// Has it begun? Others are not shown.
bool deployment_operation_is_shown(const struct deployment_operations *o, size_t at);
int deployment_template_hash(const json_t *template, char out[static 24], char **minified, struct err *err) _must_check_;
