// SPDX-License-Identifier: Apache-2.0
// STAGES.json: templates that are deployed one after the other, the outputs of one being parameters of the next.
//
//   {"location": "westeurope", "parameters": {"prefix": "cmk"},
//    "stages": [{"name": "vault", "resourceGroup": "rg-cmk", "template": "vault.json", "parameters": "vault.parameters.json"},
//               {"name": "set", "resourceGroup": "rg-cmk", "template": "set.json",
//                "parameters": {"tier": "prod"}, "inputs": {"keyVaultId": "vault.keyVaultId"}}]}
//
// A stage without a resource group is deployed to the subscription. File names are relative to STAGES.json. A parameter comes
// from the stage's inputs, its own parameters, or the common ones where its template has a parameter of that name.
#pragma once

#include <jansson.h>

#include "base/err.h"

enum { STAGES_MAX = 64 };

struct stage {
	const char *name, *group;  // group NULL: the subscription; borrowed from the document
	const json_t *inputs;      // {"parameter": "stage.output"}, may be NULL; borrowed
	json_t *document, *parameters;  // owned: the template; {"name": {"value"}} but for inputs
};

struct stages {
	json_t *document;
	const char *location;
	struct stage at[STAGES_MAX];
	size_t count;
};
void stages_free(struct stages *s);
#define _cleanup_stages_ _cleanup_(stages_free)

// Reads all files and checks what can be known before anything is asked: names, inputs that an earlier stage gives, parameters
// that the template has, none missing. -EINVAL.
int stages_read(const char *path, struct stages *out, struct err *err) _must_check_;

// The parameters of a stage with its inputs taken from `outputs`: {"stage": {"output": {"type", "value"}}}. The caller owns
// *out. -ENOENT when an output is not there.
int stage_parameters(const struct stage *s, const json_t *outputs, json_t **out, struct err *err) _must_check_;
