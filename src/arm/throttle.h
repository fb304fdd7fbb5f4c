// SPDX-License-Identifier: Apache-2.0
// How much one principal may ask of the control plane of one subscription, or of a tenant outside of any: token buckets as
// documented ("How Azure Resource Manager throttles requests"). In memory; a bucket that is full again is forgotten.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum arm_throttle_class { ARM_READS, ARM_WRITES, ARM_DELETES, ARM_HOLDS };

struct arm_throttle;

int arm_throttle_new(struct arm_throttle **out, struct err *err) _must_check_;
void arm_throttle_free(struct arm_throttle *t);

// Take one of the bucket; *left is how many remain. -EAGAIN when there is none: *retry_after whole seconds until there is.
// `now_ns` is of clock_monotonic_ns. Safe for use by many threads.
int arm_throttle_take(struct arm_throttle *t, const char *principal, const char *scope, enum arm_throttle_class class,
	int64_t now_ns, int64_t *left, int64_t *retry_after) _must_check_;

// There is one transaction that writes at a time, whoever's it is. A tenant whose change held it for long writes nothing for as
// long afterwards, so that what one asks for cannot keep the others out: -EAGAIN while it has to wait. With `tries`, which is
// for what is tried out and rolled back, also while another of its own is tried out, and 0 begins one.
int arm_throttle_rest(struct arm_throttle *t, const char *tenant, bool tries, int64_t now_ns, int64_t *retry_after) _must_check_;
// It was held, and with `tried` what arm_throttle_rest began is over.
void arm_throttle_held(struct arm_throttle *t, const char *tenant, bool tried, int64_t began_ns, int64_t now_ns);
