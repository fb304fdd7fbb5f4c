// SPDX-License-Identifier: Apache-2.0
// What the types of Managed HSMs know of each other.
#pragma once

#include "arm/type.h"

// 400 BadRequest (-EINVAL).
int managed_hsms_check_name(const char *name, struct err *err) _must_check_;

// The pool of this name, live or deleted. -ENOENT.
int managed_hsms_find(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err) _must_check_;
