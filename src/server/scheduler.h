// SPDX-License-Identifier: Apache-2.0
// One thread that owns everything that is due at a time: operations that nobody ended, retentions that are over,
// rotations of keys and of the keys that sign tokens, expiries.
#pragma once

#include "arm/arm.h"

struct scheduler;

int scheduler_start(struct arm *arm, struct vault_service *vault, struct entra *entra, struct scheduler **out,
	struct err *err) _must_check_;
void scheduler_stop(struct scheduler *s);
