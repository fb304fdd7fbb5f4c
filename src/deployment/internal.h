// SPDX-License-Identifier: Apache-2.0
// What the files of this room share.
#pragma once

#include "deployment/deployment.h"
#include "deployment/opened.h"

// What GET shows from the start: templateHash, parameters, mode, providers, dependencies, …
int deployment_describe(const struct deployment_request *q, const struct template *t, json_t **out,
	struct err *err) _must_check_;

// {"code", "target", "message", "details"}; target may be NULL, details NULL or empty. NULL when out of memory.
json_t *deployment_error(const struct err *why, const char *target, const json_t *details);

// The operations of a template's resources, in its order.
int deployment_plan(const struct template *t, struct deployment_operations *out, struct err *err) _must_check_;

// {"name": {"value"}} of all parameters as they were resolved.
int deployment_resolved(const struct template *t, json_t **out, struct err *err) _must_check_;

// A nested deployment: its mode is Incremental, and `depth` is not too deep.
int deployment_check_nested(const json_t *body, int64_t depth, struct err *err) _must_check_;
