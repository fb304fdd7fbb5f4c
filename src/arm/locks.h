// SPDX-License-Identifier: Apache-2.0
// Management locks: what nobody may change or delete through the control plane, whatever their rights, until the lock is
// removed. Data planes know nothing of them.
#pragma once

#include "arm/internal.h"

#define ARM_LOCK_CAN_NOT_DELETE "CanNotDelete"
#define ARM_LOCK_READ_ONLY "ReadOnly"

// 409 ScopeLocked (-EBUSY) when a lock at or above what the call addresses forbids what the permission is for; for a
// deletion also a lock of what lies below. Nothing is asked for reading, and for removing and making locks.
int arm_locks_check(struct arm_call *call, const char *permission, struct err *err) _must_check_;
