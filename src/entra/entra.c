// SPDX-License-Identifier: Apache-2.0
// The signing keys: kept sealed in the store, used only inside the keeper, rotated.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "entra/internal.h"
#include "entra/issuer.h"

#define SIGNING_BITS 2048
#define THUMBPRINT_SIZE 20  // bytes; as long as the SHA-1 that Entra prints

// Authenticated in the sealed blob: a vault's key cannot be put in the place of this one.
const char entra_signing_context[] = "entra signing key";
static const char header_label[] = "entra identity header v1";

// The JWK thumbprint (RFC 7638) of the key, cut.
static int make_kid(const struct key_public *pub, char out[static ENTRA_KID_SIZE], struct err *err) {
	_cleanup_buf_ struct buf text = {0}, kid = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	int rc = buf_str(&text, "{\"e\":\"");
	rc = rc < 0 ? rc : enc_base64url(&text, pub->e, pub->e_len);
	rc = rc < 0 ? rc : buf_str(&text, "\",\"kty\":\"RSA\",\"n\":\"");
	rc = rc < 0 ? rc : enc_base64url(&text, pub->n, pub->n_len);
	rc = rc < 0 ? rc : buf_str(&text, "\"}");
	rc = rc < 0 ? rc : hash_sha256(text.data, text.len, digest);
	rc = rc < 0 ? rc : enc_base64url(&kid, digest, THUMBPRINT_SIZE);
	if (rc < 0)
		return err_errno(err, rc, "cannot name a signing key");
	(void)snprintf(out, ENTRA_KID_SIZE, "%s", buf_cstr(&kid));
	return 0;
}

static int make_signing_key(struct entra *e, struct store_tx *tx, struct err *err) {
	_cleanup_buf_ struct buf sealed = {0};
	_cleanup_json_ json_t *jwk = NULL;
	struct key_public pub;
	char kid[ENTRA_KID_SIZE];
	const struct key_spec spec = {.kind = KEY_KIND_RSA, .bits = SIGNING_BITS};
	int rc = keeper_make(e->keeper, &spec, KEEPER_USE_SIGN, entra_signing_context, &sealed, &pub, err);
	if (rc < 0)
		return rc;
	if ((rc = make_kid(&pub, kid, err)) < 0 || (rc = jwk_from_public(&pub, &jwk, err)) < 0)
		return rc;
	_cleanup_free_ char *text = json_text(jwk);
	if (!text)
		return err_oom(err);
	rc = store_exec(tx, err, "INSERT INTO signing_keys (kid, sealed, jwk, created) VALUES ($1, $2, $3, $4)", "sbsi", kid,
		sealed.data, sealed.len, text, clock_now());
	return rc < 0 ? rc : 0;
}

// What a set of keys holds; its array is one of struct entra, or one that shall take its place.
struct key_set {
	struct entra_key keys[ENTRA_KEYS_MAX];
	size_t count;
};

static void key_set_free(struct key_set *set) {
	for (size_t i = 0; i < set->count; i++) {
		key_unref(set->keys[i].key);
		buf_free(&set->keys[i].sealed);
	}
	set->count = 0;
}

static int load_key(struct key_set *set, struct store_rows *rows, struct err *err) {
	struct entra_key *k = &set->keys[set->count];
	_cleanup_json_ json_t *jwk = NULL;
	const char *text = store_text(rows, 2);
	int rc = json_parse(text, strlen(text), "InternalServerError", &jwk, err);
	if (rc < 0)
		return rc;
	if ((rc = jwk_to_public(jwk, &k->pub, err)) < 0 || (rc = key_from_public(&k->pub, &k->key, err)) < 0)
		return rc;
	set->count++;
	(void)snprintf(k->kid, sizeof(k->kid), "%s", store_text(rows, 0));
	k->created = store_int(rows, 3);
	size_t len;
	const void *sealed = store_blob(rows, 1, &len);
	return buf_append(&k->sealed, sealed, len) < 0 ? err_oom(err) : 0;
}

// The keys in the store, newest first.
static int load_keys(struct key_set *set, struct store_tx *tx, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT kid, sealed, jwk, created FROM signing_keys ORDER BY created DESC, kid", "");
	if (rc < 0)
		return rc;
	while ((rc = store_next(rows, err)) > 0) {
		if (set->count == ENTRA_KEYS_MAX)
			return err_set(err, -EOVERFLOW, 500, "InternalServerError", "The store holds more than %d signing keys.",
				ENTRA_KEYS_MAX);
		if ((rc = load_key(set, rows, err)) < 0)
			return rc;
	}
	return rc;
}

static void adopt(struct entra *e, struct key_set *set) {
	struct key_set old = {.count = e->key_count};
	(void)pthread_rwlock_wrlock(&e->lock);
	memcpy(old.keys, e->keys, sizeof(old.keys));
	memcpy(e->keys, set->keys, sizeof(e->keys));
	e->key_count = set->count;
	(void)pthread_rwlock_unlock(&e->lock);
	set->count = 0;
	key_set_free(&old);
}

static int open_keys(struct entra *e, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_(key_set_free) struct key_set set = {0};
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = load_keys(&set, tx, err)) < 0)
		return rc;
	if (set.count == 0 && ((rc = make_signing_key(e, tx, err)) < 0 || (rc = load_keys(&set, tx, err)) < 0))
		return rc;
	rc = store_commit(&tx, err);
	if (rc == 0)
		adopt(e, &set);
	return rc;
}

// The newest key that has been published for long enough; the first of all signs at once, for there is no other.
static const struct entra_key *signing_key(const struct entra *e, int64_t now) {
	for (size_t i = 0; i < e->key_count; i++)
		if (e->keys[i].created + ENTRA_KEY_PUBLISHED <= now)
			return &e->keys[i];
	return &e->keys[e->key_count - 1];
}

int entra_signing_key(struct entra *e, char kid[static ENTRA_KID_SIZE], struct buf *sealed, struct err *err) {
	(void)pthread_rwlock_rdlock(&e->lock);
	const struct entra_key *k = signing_key(e, clock_now());
	int rc = buf_append(sealed, k->sealed.data, k->sealed.len);
	if (rc == 0)
		memcpy(kid, k->kid, ENTRA_KID_SIZE);
	(void)pthread_rwlock_unlock(&e->lock);
	return rc < 0 ? err_oom(err) : 0;
}

int entra_published_keys(struct entra *e, struct entra_published **out, size_t *count, struct err *err) {
	struct entra_published *all = calloc(ENTRA_KEYS_MAX, sizeof(*all));
	if (!all)
		return err_oom(err);
	(void)pthread_rwlock_rdlock(&e->lock);
	for (size_t i = 0; i < e->key_count; i++) {
		memcpy(all[i].kid, e->keys[i].kid, sizeof(all[i].kid));
		all[i].pub = e->keys[i].pub;
	}
	*count = e->key_count;
	(void)pthread_rwlock_unlock(&e->lock);
	*out = all;
	return 0;
}

// A key signs until its successor does, and is needed for as long again as the longest token lives.
static bool is_needed(const struct entra_key *successor, int64_t now) {
	return now < successor->created + ENTRA_KEY_PUBLISHED + ENTRA_LIFETIME_IDENTITY + ENTRA_BACKDATE;
}

static int drop_keys(struct store_tx *tx, const struct key_set *set, int64_t now, struct err *err) {
	for (size_t i = 1; i < set->count; i++) {
		if (is_needed(&set->keys[i - 1], now))
			continue;
		int rc = store_exec(tx, err, "DELETE FROM signing_keys WHERE kid = $1", "s", set->keys[i].kid);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// What is due of a set of keys: a new one, or the end of an old one.
static bool is_due(const struct entra_key *keys, size_t count, int64_t now) {
	if (count > 0 && keys[0].created + ENTRA_KEY_LIFETIME <= now)
		return true;
	for (size_t i = 1; i < count; i++)
		if (!is_needed(&keys[i - 1], now))
			return true;
	return false;
}

static int rotate(struct entra *e, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_(key_set_free) struct key_set before = {0}, after = {0};
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = load_keys(&before, tx, err)) < 0)
		return rc;
	if (before.count > 0 && before.keys[0].created + ENTRA_KEY_LIFETIME <= now &&
		(rc = make_signing_key(e, tx, err)) < 0)
		return rc;
	if ((rc = drop_keys(tx, &before, now, err)) < 0 || (rc = load_keys(&after, tx, err)) < 0 ||
		(rc = store_commit(&tx, err)) < 0)
		return rc;
	adopt(e, &after);
	return 0;
}

int entra_rotate_due(struct entra *e, struct err *err) {
	int64_t now = clock_now();
	(void)pthread_rwlock_rdlock(&e->lock);
	bool due = is_due(e->keys, e->key_count, now);
	(void)pthread_rwlock_unlock(&e->lock);
	return due ? rotate(e, now, err) : 0;
}

int entra_open(struct store *store, struct keeper_client *keeper, struct entra **out, struct err *err) {
	struct entra *e = calloc(1, sizeof(*e));
	if (!e)
		return err_oom(err);
	e->store = store;
	e->keeper = keeper;
	(void)pthread_rwlock_init(&e->lock, NULL);
	e->tokens = token_cache_new();
	int rc = e->tokens ? issuers_new(&e->issuers, err) : err_oom(err);
	if (rc == 0)
		rc = open_keys(e, err);
	if (rc == 0)
		rc = keeper_derive(keeper, header_label, &e->header_key, err);
	if (rc < 0) {
		entra_close(e);
		return rc;
	}
	*out = e;
	return 0;
}

int entra_trust_issuers(struct entra *e, const char *ca_file, struct err *err) {
	return issuers_trust(e->issuers, ca_file, err);
}

void entra_close(struct entra *e) {
	if (!e)
		return;
	for (size_t i = 0; i < e->key_count; i++) {
		key_unref(e->keys[i].key);
		buf_free(&e->keys[i].sealed);
	}
	secret_free(&e->header_key);
	token_cache_free(e->tokens);
	issuers_free(e->issuers);
	(void)pthread_rwlock_destroy(&e->lock);
	free(e);
}

int entra_key_lookup(void *entra, const char *kid, struct key **key, struct err *err) {
	struct entra *e = entra;
	struct key *found = NULL;
	(void)pthread_rwlock_rdlock(&e->lock);
	for (size_t i = 0; i < e->key_count && !found; i++)
		if (strcmp(e->keys[i].kid, kid) == 0)
			found = key_ref(e->keys[i].key);
	(void)pthread_rwlock_unlock(&e->lock);
	if (!found)
		return err_set(err, -ENOENT, 401, "Unauthorized", "The token is signed with an unknown key.");
	*key = found;
	return 0;
}

int entra_hash_text(const void *text, size_t len, struct buf *hex, struct err *err) {
	uint8_t digest[HASH_SHA256_SIZE];
	int rc = hash_sha256(text, len, digest);
	rc = rc < 0 ? rc : enc_hex(hex, digest, sizeof(digest));
	return rc < 0 ? err_errno(err, rc, "cannot hash a secret") : 0;
}
