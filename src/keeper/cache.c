// SPDX-License-Identifier: Apache-2.0
#include "keeper/cache.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint8_t id[HASH_SHA256_SIZE];
	struct key *key;  // NULL while free
	unsigned usage;
	uint64_t used;  // the tick of the last use
};

struct cache {
	pthread_mutex_t lock;
	size_t memory;
	uint64_t tick;
	struct entry entries[CACHE_KEYS];
};

int cache_new(size_t memory, struct cache **out) {
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	int rc = pthread_mutex_init(&c->lock, NULL);
	if (rc != 0) {
		free(c);
		return -rc;
	}
	c->memory = memory;
	*out = c;
	return 0;
}

void cache_free(struct cache *c) {
	if (!c)
		return;
	for (size_t i = 0; i < CACHE_KEYS; i++)
		key_unref(c->entries[i].key);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct entry *find(struct cache *c, const uint8_t *id) {
	for (size_t i = 0; i < CACHE_KEYS; i++)
		if (c->entries[i].key && memcmp(c->entries[i].id, id, HASH_SHA256_SIZE) == 0)
			return &c->entries[i];
	return NULL;
}

static struct entry *oldest(struct cache *c) {
	struct entry *e = &c->entries[0];
	for (size_t i = 0; i < CACHE_KEYS && e->key; i++)
		if (!c->entries[i].key || c->entries[i].used < e->used)
			e = &c->entries[i];
	return e;
}

// The key whose place goes to `used` for want of memory, or NULL. The caller drops it outside the lock.
static struct key *give_up(struct cache *c, const struct entry *used) {
	if (CRYPTO_secure_used() <= c->memory)
		return NULL;
	struct entry *least = NULL;
	for (size_t i = 0; i < CACHE_KEYS; i++) {
		struct entry *e = &c->entries[i];
		if (e->key && e != used && (!least || e->used < least->used))
			least = e;
	}
	return least ? TAKE_PTR(least->key) : NULL;
}

bool cache_get(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], struct key **key, unsigned *usage) {
	struct key *dropped = NULL;
	(void)pthread_mutex_lock(&c->lock);
	struct entry *e = find(c, id);
	if (e) {
		e->used = ++c->tick;
		*key = key_ref(e->key);
		*usage = e->usage;
		dropped = give_up(c, e);
	}
	(void)pthread_mutex_unlock(&c->lock);
	key_unref(dropped);
	return e != NULL;
}

void cache_put(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], struct key *key, unsigned usage) {
	struct key *replaced = NULL, *dropped = NULL;
	(void)pthread_mutex_lock(&c->lock);
	// Two threads may have opened the same blob at a time; one entry is enough.
	if (!find(c, id)) {
		struct entry *e = oldest(c);
		replaced = e->key;
		*e = (struct entry){.key = key_ref(key), .usage = usage, .used = ++c->tick};
		memcpy(e->id, id, HASH_SHA256_SIZE);
		dropped = give_up(c, e);
	}
	(void)pthread_mutex_unlock(&c->lock);
	key_unref(replaced);
	key_unref(dropped);
}
