// SPDX-License-Identifier: Apache-2.0
#include "keeper/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	uint8_t id[HASH_SHA256_SIZE];
	EVP_PKEY *key;  // NULL while free
	unsigned usage;
	uint64_t used;  // the tick of the last use
};

struct cache {
	pthread_mutex_t lock;
	uint64_t tick;
	struct entry entries[CACHE_KEYS];
};

int cache_new(struct cache **out) {
	struct cache *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	int rc = pthread_mutex_init(&c->lock, NULL);
	if (rc != 0) {
		free(c);
		return -rc;
	}
	*out = c;
	return 0;
}

void cache_free(struct cache *c) {
	if (!c)
		return;
	for (size_t i = 0; i < CACHE_KEYS; i++)
		EVP_PKEY_free(c->entries[i].key);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

int cache_id(const void *blob, size_t len, const void *context, size_t context_len, uint8_t id[static HASH_SHA256_SIZE]) {
	_cleanup_buf_ struct buf both = {0};
	int rc = buf_blob(&both, blob, len);
	if (rc == 0)
		rc = buf_blob(&both, context, context_len);
	return rc < 0 ? rc : hash_sha256(both.data, both.len, id);
}

static struct entry *find(struct cache *c, const uint8_t *id) {
	for (size_t i = 0; i < CACHE_KEYS; i++)
		if (c->entries[i].key && memcmp(c->entries[i].id, id, HASH_SHA256_SIZE) == 0)
			return &c->entries[i];
	return NULL;
}

bool cache_get(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], EVP_PKEY **key, unsigned *usage) {
	(void)pthread_mutex_lock(&c->lock);
	struct entry *e = find(c, id);
	bool found = e && EVP_PKEY_up_ref(e->key) == 1;
	if (found) {
		e->used = ++c->tick;
		*key = e->key;
		*usage = e->usage;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static struct entry *oldest(struct cache *c) {
	struct entry *e = &c->entries[0];
	for (size_t i = 0; i < CACHE_KEYS && e->key; i++)
		if (!c->entries[i].key || c->entries[i].used < e->used)
			e = &c->entries[i];
	return e;
}

void cache_put(struct cache *c, const uint8_t id[static HASH_SHA256_SIZE], EVP_PKEY *key, unsigned usage) {
	EVP_PKEY *dropped = NULL;
	(void)pthread_mutex_lock(&c->lock);
	// Two threads may have opened the same blob at a time; one entry is enough.
	if (!find(c, id) && EVP_PKEY_up_ref(key) == 1) {
		struct entry *e = oldest(c);
		dropped = e->key;
		*e = (struct entry){.key = key, .usage = usage, .used = ++c->tick};
		memcpy(e->id, id, HASH_SHA256_SIZE);
	}
	(void)pthread_mutex_unlock(&c->lock);
	EVP_PKEY_free(dropped);
}
