// SPDX-License-Identifier: Apache-2.0
#include "vault/throttle.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

#define WINDOW_NS (10 * CLOCK_NSEC_PER_SEC)
enum {
	BUDGET = 4000,  // every limit divides it, so that a transaction's share is a whole number
	SUBSCRIPTION_VAULTS = 5,
	BUCKETS = 1024,
	NAME_SIZE = 64,
};

// Transactions in ten seconds (Azure Key Vault service limits).
static const int64_t limits[] = {
	[THROTTLE_TRANSACTION] = 4000,
	[THROTTLE_SOFTWARE_CREATE] = 20,
	[THROTTLE_SOFTWARE_2048] = 4000,
	[THROTTLE_SOFTWARE_3072] = 1000,
	[THROTTLE_SOFTWARE_4096] = 500,
	[THROTTLE_HSM_CREATE] = 10,
	[THROTTLE_HSM_2048] = 2000,
	[THROTTLE_HSM_3072] = 500,
	[THROTTLE_HSM_4096] = 250,
};

// A budget that began with its first transaction, and is whole again when the window has ended.
struct account {
	struct account *next;
	char name[NAME_SIZE];
	int64_t began, spent;
};

struct throttle {
	pthread_mutex_t lock;
	struct account *vaults[BUCKETS], *subscriptions[BUCKETS];
	int64_t swept;
	size_t count;
};

enum throttle_class throttle_class_of(const char *kty, unsigned bits, bool create) {
	bool hsm = strv_ends_with_nocase(kty, "-HSM");
	if (create)
		return hsm ? THROTTLE_HSM_CREATE : THROTTLE_SOFTWARE_CREATE;
	if (strv_starts_with_nocase(kty, "RSA") && bits > 3072)
		return hsm ? THROTTLE_HSM_4096 : THROTTLE_SOFTWARE_4096;
	if (strv_starts_with_nocase(kty, "RSA") && bits > 2048)
		return hsm ? THROTTLE_HSM_3072 : THROTTLE_SOFTWARE_3072;
	return hsm ? THROTTLE_HSM_2048 : THROTTLE_SOFTWARE_2048;
}

int throttle_new(struct throttle **out, struct err *err) {
	struct throttle *t = calloc(1, sizeof(*t));
	if (!t)
		return err_oom(err);
	(void)pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

// Drop the accounts that have ended by `now`; all of them when it is negative.
static void sweep(struct throttle *t, struct account **table, int64_t now) {
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct account **link = &table[i]; *link;) {
			struct account *a = *link;
			if (now >= 0 && now - a->began < WINDOW_NS) {
				link = &a->next;
				continue;
			}
			*link = a->next;
			free(a);
			t->count--;
		}
	}
}

void throttle_free(struct throttle *t) {
	if (!t)
		return;
	sweep(t, t->vaults, -1);
	sweep(t, t->subscriptions, -1);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static size_t bucket_of(const char *name) {
	uint32_t hash = 2166136261;  // FNV-1a
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619;
	return hash % BUCKETS;
}

// The account of a name, with what has ended forgotten. NULL when out of memory.
static struct account *account_of(struct throttle *t, struct account **table, const char *name, int64_t now) {
	struct account **first = &table[bucket_of(name)], *a = *first;
	while (a && strcmp(a->name, name) != 0)
		a = a->next;
	if (!a) {
		a = calloc(1, sizeof(*a));
		if (!a || strv_copy(a->name, sizeof(a->name), name) < 0) {
			free(a);
			return NULL;
		}
		a->next = *first;
		a->began = now;
		*first = a;
		t->count++;
	}
	if (now - a->began >= WINDOW_NS) {
		a->began = now;
		a->spent = 0;
	}
	return a;
}

// Nanoseconds until the account has room for so much; 0 when it has.
static int64_t wait_for(const struct account *a, int64_t budget, int64_t cost, int64_t now) {
	return a->spent + cost <= budget ? 0 : a->began + WINDOW_NS - now;
}

// 0 when it was counted, nanoseconds to wait, or -ENOMEM.
static int64_t count(struct throttle *t, const char *vault, const char *subscription, int64_t cost, int64_t now) {
	if (now - t->swept >= WINDOW_NS) {
		sweep(t, t->vaults, now);
		sweep(t, t->subscriptions, now);
		t->swept = now;
	}
	struct account *v = account_of(t, t->vaults, vault, now);
	struct account *s = account_of(t, t->subscriptions, subscription, now);
	if (!v || !s)
		return -ENOMEM;
	int64_t wait = wait_for(v, BUDGET, cost, now), also = wait_for(s, BUDGET * SUBSCRIPTION_VAULTS, cost, now);
	if (wait > 0 || also > 0)
		return wait > also ? wait : also;
	v->spent += cost;
	s->spent += cost;
	return 0;
}

int throttle_take_at(struct throttle *t, const char *vault, const char *subscription, enum throttle_class class,
	int64_t now_ns, int64_t *retry_after, struct err *err) {
	(void)pthread_mutex_lock(&t->lock);
	int64_t wait = count(t, vault, subscription, BUDGET / limits[class], now_ns);
	(void)pthread_mutex_unlock(&t->lock);
	if (wait < 0)
		return err_oom(err);
	if (wait == 0)
		return 0;
	*retry_after = (wait + CLOCK_NSEC_PER_SEC - 1) / CLOCK_NSEC_PER_SEC;
	return err_set(err, -EAGAIN, 429, "Throttled",
		"Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached");
}

int throttle_take(struct throttle *t, const char *vault, const char *subscription, enum throttle_class class,
	int64_t *retry_after, struct err *err) {
	return throttle_take_at(t, vault, subscription, class, clock_monotonic_ns(), retry_after, err);
}

size_t throttle_count(const struct throttle *t) {
	return t->count;
}
