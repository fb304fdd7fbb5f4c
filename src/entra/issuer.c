// SPDX-License-Identifier: Apache-2.0
#include "entra/issuer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwk.h"
#include "net/address.h"
#include "net/http_client.h"

#define KID_MAX 256
#define KEEP_NS (3600 * CLOCK_NSEC_PER_SEC)   // what was fetched is good for so long
#define AGAIN_NS (30 * CLOCK_NSEC_PER_SEC)    // an issuer is not asked more often, whatever is shown
#define FETCHES_MAX 8                         // at a time, …
#define FETCHES_OF_TENANT_MAX 2               // … and for one tenant

struct issuer_key {
	char kid[KID_MAX + 1];
	struct key *key;
};

struct issuer {
	char url[ISSUER_MAX + 1];
	char tenant[ENC_UUID_SIZE];  // that it was first asked for
	int64_t fetched_ns, tried_ns;  // on the clock that never jumps; 0 for never
	struct issuer_key keys[ISSUER_KEYS_MAX];
	size_t count;
};

struct issuers {
	pthread_mutex_t lock;  // over everything below but ca_file
	struct issuer *known[ISSUERS_MAX];
	char fetching[FETCHES_MAX][ENC_UUID_SIZE];  // tenants whose issuers are being asked; "" for a free place
	char *ca_file;
};

static void drop_keys(struct issuer *i) {
	for (size_t k = 0; k < i->count; k++)
		key_unref(i->keys[k].key);
	i->count = 0;
}

static void issuer_free(struct issuer **i) {
	if (*i)
		drop_keys(*i);
	free(*i);
	*i = NULL;
}

int issuers_new(struct issuers **out, struct err *err) {
	struct issuers *s = calloc(1, sizeof(*s));
	if (!s)
		return err_oom(err);
	(void)pthread_mutex_init(&s->lock, NULL);
	*out = s;
	return 0;
}

void issuers_free(struct issuers *s) {
	if (!s)
		return;
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		issuer_free(&s->known[i]);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->ca_file);
	free(s);
}

int issuers_trust(struct issuers *s, const char *ca_file, struct err *err) {
	char *copy = strdup(ca_file);
	if (!copy)
		return err_oom(err);
	free(s->ca_file);
	s->ca_file = copy;
	return 0;
}

static bool url_is_plain(const char *url) {
	return strv_starts_with_nocase(url, "https://") && url[strlen("https://")] &&
		strv_made_of(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/%+,;=!", 1, ISSUER_MAX + 64);
}

static int unusable(struct err *err, const char *what) {
	return err_set(err, -EBADMSG, 503, "ServiceUnavailable", "%s", what);
}

static int get_document(struct http_client *http, const char *url, json_t **out, struct err *err) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_json_ json_t *value = NULL;
	static const char *const headers[] = {"Accept: application/json", NULL};
	if (!url_is_plain(url))
		return unusable(err, "the issuer names a URL that is not asked");
	int rc = http_client_send(http, "GET", url, headers, NULL, 0, ISSUER_TIMEOUT_MS, &reply, err);
	if (rc < 0)
		return rc;
	if (reply.status != 200)
		return err_set(err, -EIO, 503, "ServiceUnavailable", "the issuer answers with HTTP status %d", reply.status);
	if (json_parse(reply.body.data, reply.body.len, "ServiceUnavailable", &value, NULL) < 0 || !json_is_object(value))
		return unusable(err, "the issuer's document is not a JSON object");
	*out = TAKE_PTR(value);
	return 0;
}

// Keys of other types or uses are for others.
static int take_key(const json_t *jwk, struct issuer *into, struct err *err) {
	const char *kid = json_str(jwk, "kid"), *kty = json_str(jwk, "kty"), *use = json_str(jwk, "use");
	struct key_public pub;
	struct issuer_key *k = &into->keys[into->count];
	if (into->count == ISSUER_KEYS_MAX || !kid || strv_copy(k->kid, sizeof(k->kid), kid) < 0 || !kty ||
		strcmp(kty, "RSA") != 0 || (use && strcmp(use, "sig") != 0))
		return 0;
	if (jwk_to_public(jwk, &pub, NULL) < 0)
		return 0;
	int rc = key_from_public(&pub, &k->key, err);
	if (rc == 0)
		into->count++;
	return rc == -ENOMEM ? rc : 0;
}

static int read_issuer(struct http_client *http, struct issuer *into, struct err *err) {
	_cleanup_json_ json_t *configuration = NULL, *keys = NULL;
	size_t len = strlen(into->url), i;
	_cleanup_free_ char *url = strv_printf("%.*s/.well-known/openid-configuration",
		(int)(len - (into->url[len - 1] == '/')), into->url);
	if (!url)
		return err_oom(err);
	int rc = get_document(http, url, &configuration, err);
	if (rc < 0)
		return rc;
	const char *named = json_str(configuration, "issuer"), *keys_url = json_str(configuration, "jwks_uri");
	if (!named || strcmp(named, into->url) != 0 || !keys_url)
		return unusable(err, "the issuer's configuration is another's, or names no keys");
	if ((rc = get_document(http, keys_url, &keys, err)) < 0)
		return rc;
	const json_t *jwk;
	json_array_foreach(json_object_get(keys, "keys"), i, jwk)
		if ((rc = take_key(jwk, into, err)) < 0)
			return rc;
	return 0;
}

static bool permits(void *ctx, const struct sockaddr *address) {
	(void)ctx;
	return address_kind(address) == ADDRESS_PUBLIC;
}

static int fetch_with(const struct http_route *route, struct issuer *into, struct err *err) {
	_cleanup_(http_client_freep) struct http_client *http = NULL;
	int rc = http_client_new(route, &http, err);
	return rc < 0 ? rc : read_issuer(http, into, err);
}

static int fetch(const struct issuers *s, struct issuer *into, struct err *err) {
	const struct http_route own = {.ca_file = s->ca_file, .body_max = ISSUER_DOCUMENT_MAX};
	const struct http_route system = {.permits = permits, .body_max = ISSUER_DOCUMENT_MAX};
	if (s->ca_file && access(s->ca_file, R_OK) == 0) {
		if (fetch_with(&own, into, err) == 0)
			return 0;
		drop_keys(into);
	}
	return fetch_with(&system, into, err);
}

static size_t count_of(const struct issuers *s, const char *tenant) {
	size_t count = 0;
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		count += s->known[i] && strcmp(s->known[i]->tenant, tenant) == 0;
	return count;
}

static struct issuer **find_place(struct issuers *s, const char *url) {
	for (size_t i = 0; i < ISSUERS_MAX; i++)
		if (s->known[i] && strcmp(s->known[i]->url, url) == 0)
			return &s->known[i];
	return NULL;
}

// The place of an issuer, or the one to put it in: a free one, else of those of who has most that which was asked longest ago.
static struct issuer **place_of(struct issuers *s, const char *url) {
	struct issuer **found = find_place(s, url);
	size_t most = 0;
	for (size_t i = 0; !found && i < ISSUERS_MAX; i++)
		if (!s->known[i])
			return &s->known[i];
	for (size_t i = 0; !found && i < ISSUERS_MAX; i++) {
		size_t count = count_of(s, s->known[i]->tenant);
		most = count > most ? count : most;
	}
	for (size_t i = 0; most > 0 && i < ISSUERS_MAX; i++)
		if (count_of(s, s->known[i]->tenant) == most && (!found || s->known[i]->tried_ns < (*found)->tried_ns))
			found = &s->known[i];
	return found;
}

static struct issuer *make_issuer(const char *tenant, const char *url) {
	struct issuer *fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return NULL;
	(void)snprintf(fresh->url, sizeof(fresh->url), "%s", url);
	(void)snprintf(fresh->tenant, sizeof(fresh->tenant), "%s", tenant);
	return fresh;
}

static int reserve(struct issuers *s, const char *tenant, const char *url, struct issuer **out, struct err *err) {
	struct issuer **place = place_of(s, url);
	if (*place && strcmp((*place)->url, url) == 0) {
		*out = *place;
		return 0;
	}
	struct issuer *fresh = make_issuer(tenant, url);
	if (!fresh)
		return err_oom(err);
	issuer_free(place);
	*out = *place = fresh;
	return 0;
}

// A place among those who fetch, NULL when there is none for the tenant.
static char *fetching_place(struct issuers *s, const char *tenant) {
	char *place = NULL;
	size_t own = 0;
	for (size_t i = 0; i < FETCHES_MAX; i++) {
		own += strcmp(s->fetching[i], tenant) == 0;
		if (!s->fetching[i][0])
			place = s->fetching[i];
	}
	return own < FETCHES_OF_TENANT_MAX ? place : NULL;
}

static void stop_fetching(struct issuers *s, const char *tenant) {
	size_t i = 0;
	while (i < FETCHES_MAX && strcmp(s->fetching[i], tenant) != 0)
		i++;
	if (i < FETCHES_MAX)
		s->fetching[i][0] = 0;
}

static struct key *find_key(const struct issuer *i, const char *kid) {
	for (size_t k = 0; k < i->count; k++)
		if (strcmp(i->keys[k].kid, kid) == 0)
			return key_ref(i->keys[k].key);
	return NULL;
}

enum look { LOOK_FOUND, LOOK_ABSENT, LOOK_FETCH, LOOK_BUSY, LOOK_FAILED };

// Whether what is kept answers; LOOK_FETCH counts the caller among those who fetch.
static enum look look_up(struct issuers *s, const char *tenant, const char *url, const char *kid, struct key **out,
	struct err *err) {
	struct issuer **place = find_place(s, url), *i = place ? *place : NULL;
	int64_t now = clock_monotonic_ns();
	bool fresh = i && i->fetched_ns && now - i->fetched_ns < KEEP_NS;
	*out = fresh ? find_key(i, kid) : NULL;
	if (*out)
		return LOOK_FOUND;
	if (i && i->tried_ns && now - i->tried_ns < AGAIN_NS)
		return fresh ? LOOK_ABSENT : LOOK_BUSY;
	// Only what is going to be asked takes a place from another.
	char *fetching = fetching_place(s, tenant);
	if (!fetching)
		return LOOK_BUSY;
	if (reserve(s, tenant, url, &i, err) < 0)
		return LOOK_FAILED;
	(void)snprintf(fetching, ENC_UUID_SIZE, "%s", tenant);
	i->tried_ns = now;
	return LOOK_FETCH;
}

static void keep(struct issuers *s, struct issuer **fetched) {
	struct issuer **place = place_of(s, (*fetched)->url);
	(*fetched)->fetched_ns = (*fetched)->tried_ns = clock_monotonic_ns();
	issuer_free(place);
	*place = TAKE_PTR(*fetched);
}

static int refresh(struct issuers *s, const char *tenant, const char *url, const char *kid, struct key **out,
	struct err *err) {
	_cleanup_(issuer_free) struct issuer *fetched = make_issuer(tenant, url);
	int rc = fetched ? fetch(s, fetched, err) : err_oom(err);
	(void)pthread_mutex_lock(&s->lock);
	stop_fetching(s, tenant);
	if (rc == 0) {
		*out = find_key(fetched, kid);
		keep(s, &fetched);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return rc < 0 || *out ? rc : -ENOENT;
}

int issuers_key(struct issuers *s, const char *tenant, const char *issuer, const char *kid, struct key **out, struct err *err) {
	struct key *found = NULL;
	if (strlen(issuer) > ISSUER_MAX || !url_is_plain(issuer))
		return unusable(err, "the issuer is not an https URL that can be asked");
	(void)pthread_mutex_lock(&s->lock);
	enum look look = look_up(s, tenant, issuer, kid, &found, err);
	(void)pthread_mutex_unlock(&s->lock);
	int rc = 0;
	if (look == LOOK_FETCH)
		rc = refresh(s, tenant, issuer, kid, &found, err);
	else if (look == LOOK_BUSY)
		rc = unusable(err, "the issuer could not be asked a moment ago, or too many are being asked");
	else if (look == LOOK_ABSENT)
		rc = -ENOENT;
	else if (look == LOOK_FAILED)
		rc = -ENOMEM;
	if (rc == 0)
		*out = found;
	return rc;
}
