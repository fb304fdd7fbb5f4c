// SPDX-License-Identifier: Apache-2.0
#include "arm/throttle.h"

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define HOLD_FREE_NS CLOCK_NSEC_PER_SEC  // so long a change may take at no cost

enum { ROWS = 1024, NAME_SIZE = 80, SWEEP_EVERY = 4096 };

static const struct limit {
	int64_t size, per_second;
} limits[] = {[ARM_READS] = {250, 25}, [ARM_WRITES] = {200, 10}, [ARM_DELETES] = {200, 10}};

struct bucket {
	struct bucket *next;
	char name[NAME_SIZE];
	enum arm_throttle_class class;
	int64_t full_at;  // when it is whole again
	bool tried;       // of ARM_HOLDS: something is tried out at present
};

struct arm_throttle {
	pthread_mutex_t lock;
	struct bucket *rows[ROWS];
	unsigned taken;
};

int arm_throttle_new(struct arm_throttle **out, struct err *err) {
	struct arm_throttle *t = calloc(1, sizeof(*t));
	if (!t)
		return err_oom(err);
	(void)pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

static void sweep(struct arm_throttle *t, int64_t now_ns) {
	for (size_t i = 0; i < ROWS; i++)
		for (struct bucket **link = &t->rows[i]; *link;) {
			struct bucket *b = *link;
			if (b->full_at > now_ns || b->tried) {
				link = &b->next;
				continue;
			}
			*link = b->next;
			free(b);
		}
}

void arm_throttle_free(struct arm_throttle *t) {
	if (!t)
		return;
	for (size_t i = 0; i < ROWS; i++)
		for (struct bucket *b = t->rows[i]; b; b = b->next)
			b->tried = false;
	sweep(t, INT64_MAX);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static size_t row_of(const char *name, enum arm_throttle_class class) {
	uint32_t hash = 2166136261u + (uint32_t)class;
	for (const char *p = name; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return hash % ROWS;
}

// The bucket of that name, made when it is not there; NULL when out of memory.
static struct bucket *find(struct arm_throttle *t, const char *name, enum arm_throttle_class class) {
	struct bucket **row = &t->rows[row_of(name, class)];
	for (struct bucket *b = *row; b; b = b->next)
		if (b->class == class && strcmp(b->name, name) == 0)
			return b;
	struct bucket *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	(void)snprintf(b->name, sizeof(b->name), "%s", name);
	b->class = class;
	b->next = *row;
	*row = b;
	return b;
}

int arm_throttle_take(struct arm_throttle *t, const char *principal, const char *scope, enum arm_throttle_class class,
	int64_t now_ns, int64_t *left, int64_t *retry_after) {
	const struct limit *limit = &limits[class];
	const int64_t cost = CLOCK_NSEC_PER_SEC / limit->per_second, whole = cost * limit->size;
	char name[NAME_SIZE];
	(void)snprintf(name, sizeof(name), "%.36s %.36s", principal, scope);
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	pthread_mutex_lock(&t->lock);
	if (++t->taken % SWEEP_EVERY == 0)
		sweep(t, now_ns);
	struct bucket *b = find(t, name, class);
	// Whoever cannot be counted for want of memory is turned away.
	int64_t full_at = b && b->full_at > now_ns ? b->full_at : now_ns;
	bool enough = b && full_at + cost - now_ns <= whole;
	if (enough) {
		b->full_at = full_at + cost;
		*left = (whole - (b->full_at - now_ns)) / cost;
	} else {
		int64_t wait = full_at + cost - now_ns - whole;
		*retry_after = wait > 0 ? (wait + CLOCK_NSEC_PER_SEC - 1) / CLOCK_NSEC_PER_SEC : 1;
	}
	pthread_mutex_unlock(&t->lock);
	return enough ? 0 : -EAGAIN;
}

static int64_t seconds_until(int64_t then_ns, int64_t now_ns) {
	return then_ns > now_ns ? (then_ns - now_ns + CLOCK_NSEC_PER_SEC - 1) / CLOCK_NSEC_PER_SEC : 1;
}

int arm_throttle_rest(struct arm_throttle *t, const char *tenant, bool tries, int64_t now_ns, int64_t *retry_after) {
	pthread_mutex_lock(&t->lock);
	struct bucket *b = find(t, tenant, ARM_HOLDS);
	bool refused = !b || b->full_at > now_ns || (tries && b->tried);
	if (refused)
		*retry_after = b ? seconds_until(b->full_at, now_ns) : 1;
	else if (tries)
		b->tried = true;
	pthread_mutex_unlock(&t->lock);
	return refused ? -EAGAIN : 0;
}

void arm_throttle_held(struct arm_throttle *t, const char *tenant, bool tried, int64_t began_ns, int64_t now_ns) {
	int64_t long_ns = now_ns - began_ns - HOLD_FREE_NS;
	if (!tried && long_ns <= 0)
		return;
	pthread_mutex_lock(&t->lock);
	struct bucket *b = find(t, tenant, ARM_HOLDS);
	if (b && tried)
		b->tried = false;
	if (b && long_ns > 0)
		b->full_at = (b->full_at > now_ns ? b->full_at : now_ns) + long_ns;
	pthread_mutex_unlock(&t->lock);
}
