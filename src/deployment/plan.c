// SPDX-License-Identifier: Apache-2.0
#include "deployment/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {
	[PLAN_WAITING] = "Waiting",
	[PLAN_RUNNING] = "Running",
	[PLAN_SUCCEEDED] = "Succeeded",
	[PLAN_FAILED] = "Failed",
	[PLAN_SKIPPED] = "Skipped",
	[PLAN_BLOCKED] = "Blocked",
	[PLAN_CANCELED] = "Canceled",
};

const char *plan_state_name(enum plan_state state) {
	return names[state];
}

int plan_state_parse(const char *name, enum plan_state *out, struct err *err) {
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum plan_state)i;
			return 0;
		}
	return err_set(err, -EINVAL, 500, "InternalServerError", "A stored operation has the unknown state '%s'.", name);
}

void plan_free(struct plan *p) {
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i].depends);
	free(p->items);
	*p = (struct plan){0};
}

static bool is_done(enum plan_state state) {
	return state == PLAN_SUCCEEDED || state == PLAN_SKIPPED;
}

static bool is_ready(const struct plan *p, const struct plan_item *item) {
	if (item->state != PLAN_WAITING)
		return false;
	for (size_t i = 0; i < item->depend_count; i++)
		if (!is_done(p->items[item->depends[i]].state))
			return false;
	return true;
}

bool plan_next(const struct plan *p, size_t from, size_t *out) {
	for (size_t n = 0; n < p->count; n++) {
		size_t at = (from + n) % p->count;
		if (is_ready(p, &p->items[at])) {
			*out = at;
			return true;
		}
	}
	return false;
}

static bool is_hopeless(const struct plan *p, const struct plan_item *item) {
	for (size_t i = 0; i < item->depend_count; i++) {
		enum plan_state state = p->items[item->depends[i]].state;
		if (state == PLAN_FAILED || state == PLAN_BLOCKED || state == PLAN_CANCELED)
			return true;
	}
	return false;
}

void plan_block(struct plan *p) {
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < p->count; i++)
			if (p->items[i].state == PLAN_WAITING && is_hopeless(p, &p->items[i])) {
				p->items[i].state = PLAN_BLOCKED;
				changed = true;
			}
	}
}

size_t plan_count(const struct plan *p, enum plan_state state) {
	size_t count = 0;
	for (size_t i = 0; i < p->count; i++)
		count += p->items[i].state == state;
	return count;
}
