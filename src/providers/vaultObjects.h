// SPDX-License-Identifier: Apache-2.0
// What Microsoft.KeyVault/vaults/keys and …/secrets share.
#pragma once

#include "providers/vaults.h"
#include "vault/control.h"

// Authorized for a verb of the type ("read"), in its vault; `out` is about the object that is named, if one is.
int vault_objects_open(struct arm_call *call, const char *verb, const struct object_kind *kind, struct vault_record *vault,
	struct vault_control **out, struct err *err) _must_check_;

// Answer with what was loaded or made.
int vault_objects_answer(struct arm_call *call, const struct vault_record *vault, const struct vault_control *x,
	struct err *err) _must_check_;

// GET of one and of the list; `versions`: of the versions of a key.
int vault_objects_read(struct arm_call *call, const struct object_kind *kind, bool versions, struct err *err) _must_check_;
