// SPDX-License-Identifier: Apache-2.0
// Sets of a few places each. The digest chooses the set, so nothing is searched and nothing grows.
#include "entra/token_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

enum { PLACES = 8, SETS = TOKEN_CACHE_TOKENS / PLACES };

struct place {
	json_t *claims;  // NULL when empty
	int64_t exp;     // 0 when empty
	uint8_t digest[HASH_SHA256_SIZE];
};

struct token_cache {
	pthread_mutex_t lock;
	struct place sets[SETS][PLACES];
};

static void empty(struct place *p) {
	json_decref(p->claims);
	*p = (struct place){0};
}

struct token_cache *token_cache_new(void) {
	struct token_cache *c = calloc(1, sizeof(*c));
	if (c)
		(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void token_cache_free(struct token_cache *c) {
	if (!c)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < PLACES; j++)
			empty(&c->sets[i][j]);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct place *set_of(struct token_cache *c, const uint8_t *digest) {
	return c->sets[(digest[0] << 8 | digest[1]) % SETS];
}

static struct place *find(struct place *set, const uint8_t *digest) {
	for (size_t i = 0; i < PLACES; i++)
		if (set[i].claims && memcmp(set[i].digest, digest, HASH_SHA256_SIZE) == 0)
			return &set[i];
	return NULL;
}

// Empty places first.
static struct place *soonest_to_expire(struct place *set) {
	struct place *soonest = set;
	for (size_t i = 1; i < PLACES; i++)
		if (set[i].exp < soonest->exp)
			soonest = &set[i];
	return soonest;
}

json_t *token_cache_get(struct token_cache *c, const uint8_t digest[static HASH_SHA256_SIZE], int64_t now) {
	json_t *claims = NULL;
	(void)pthread_mutex_lock(&c->lock);
	struct place *p = find(set_of(c, digest), digest);
	if (p && now >= p->exp)
		empty(p);
	else if (p)
		claims = json_incref(p->claims);
	(void)pthread_mutex_unlock(&c->lock);
	return claims;
}

void token_cache_put(struct token_cache *c, const uint8_t digest[static HASH_SHA256_SIZE], json_t *claims) {
	int64_t exp = json_int(claims, "exp", 0);
	if (exp <= 0)
		return;
	(void)pthread_mutex_lock(&c->lock);
	struct place *set = set_of(c, digest);
	// Another thread may have verified the same token meanwhile.
	if (!find(set, digest)) {
		struct place *p = soonest_to_expire(set);
		empty(p);
		p->claims = json_incref(claims);
		p->exp = exp;
		memcpy(p->digest, digest, HASH_SHA256_SIZE);
	}
	(void)pthread_mutex_unlock(&c->lock);
}
