// SPDX-License-Identifier: Apache-2.0
// The order in which the parts of a deployment come: each as soon as everything that it depends on is there.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum plan_state {
	PLAN_WAITING,
	PLAN_RUNNING,
	PLAN_SUCCEEDED,
	PLAN_FAILED,
	PLAN_SKIPPED,   // its condition is false: what depends on it goes on
	PLAN_BLOCKED,   // something that it depends on failed
	PLAN_CANCELED,
};
const char *plan_state_name(enum plan_state state);
int plan_state_parse(const char *name, enum plan_state *out, struct err *err) _must_check_;

struct plan_item {
	enum plan_state state;
	size_t *depends;  // owned: places in the plan
	size_t depend_count;
};

struct plan {
	struct plan_item *items;  // owned
	size_t count;
};
void plan_free(struct plan *p);

// The first from `from` on, around the end, that waits for nothing more. False when there is none.
bool plan_next(const struct plan *p, size_t from, size_t *out);

// Whatever waits for something that failed, and will wait for ever, is blocked.
void plan_block(struct plan *p);

size_t plan_count(const struct plan *p, enum plan_state state);
