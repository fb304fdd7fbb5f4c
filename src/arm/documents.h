// SPDX-License-Identifier: Apache-2.0
// What all resource types that are kept as documents share: PUT, PATCH, GET, list, DELETE, actions.
#pragma once

#include "arm/internal.h"

int arm_documents_dispatch(struct arm_call *call, const struct arm_type *type, struct err *err) _must_check_;

// The action that a path's tail names, or NULL.
const struct arm_action *arm_documents_action(const struct arm_type *type, const char *method, const char *tail);

// Load the resource of an action after its permission was checked.
int arm_documents_load_for(struct arm_call *call, const struct arm_type *type, const struct arm_action *action,
	struct resource *out, struct err *err) _must_check_;
