// SPDX-License-Identifier: Apache-2.0
// What becomes due over the life of a key or secret: rotation by its policy, the announcement of its expiry, its expiry.
#pragma once

#include "vault/internal.h"

// Work out anew when the scheduler has to look at this object; 0 also when it is not there (any more).
int lifetime_schedule(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) _must_check_;
