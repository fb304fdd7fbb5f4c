// SPDX-License-Identifier: Apache-2.0
// The signing keys: kept sealed in the store, used only inside the keeper.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "crypto/jwk.h"
#include "entra/internal.h"

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

static int load_key(struct entra *e, struct store_rows *rows, struct err *err) {
	struct entra_key *k = &e->keys[e->key_count];
	_cleanup_json_ json_t *jwk = NULL;
	const char *text = store_text(rows, 2);
	int rc = json_parse(text, strlen(text), "InternalServerError", &jwk, err);
	if (rc < 0)
		return rc;
	if ((rc = jwk_to_public(jwk, &k->pub, err)) < 0 || (rc = key_from_public(&k->pub, &k->key, err)) < 0)
		return rc;
	(void)snprintf(k->kid, sizeof(k->kid), "%s", store_text(rows, 0));
	if (e->key_count++ > 0)
		return 0;
	size_t len;
	const void *sealed = store_blob(rows, 1, &len);
	return buf_append(&e->sealed, sealed, len) < 0 ? err_oom(err) : 0;
}

// The keys in the store, newest first.
static int load_keys(struct entra *e, struct store_tx *tx, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT kid, sealed, jwk FROM signing_keys ORDER BY created DESC, kid", "");
	if (rc < 0)
		return rc;
	while ((rc = store_next(rows, err)) > 0) {
		if (e->key_count == ENTRA_KEYS_MAX)
			return err_set(err, -EOVERFLOW, 500, "InternalServerError", "The store holds more than %d signing keys.",
				ENTRA_KEYS_MAX);
		if ((rc = load_key(e, rows, err)) < 0)
			return rc;
	}
	return rc;
}

static int open_keys(struct entra *e, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = load_keys(e, tx, err)) < 0)
		return rc;
	if (e->key_count == 0 && ((rc = make_signing_key(e, tx, err)) < 0 || (rc = load_keys(e, tx, err)) < 0))
		return rc;
	return store_commit(&tx, err);
}

int entra_open(struct store *store, struct keeper_client *keeper, struct entra **out, struct err *err) {
	struct entra *e = calloc(1, sizeof(*e));
	if (!e)
		return err_oom(err);
	e->store = store;
	e->keeper = keeper;
	e->tokens = token_cache_new();
	int rc = e->tokens ? open_keys(e, err) : err_oom(err);
	if (rc == 0)
		rc = keeper_derive(keeper, header_label, &e->header_key, err);
	if (rc < 0) {
		entra_close(e);
		return rc;
	}
	*out = e;
	return 0;
}

void entra_close(struct entra *e) {
	if (!e)
		return;
	for (size_t i = 0; i < e->key_count; i++)
		key_unref(e->keys[i].key);
	buf_free(&e->sealed);
	secret_free(&e->header_key);
	token_cache_free(e->tokens);
	free(e);
}

int entra_key_lookup(void *entra, const char *kid, struct key **key, struct err *err) {
	const struct entra *e = entra;
	for (size_t i = 0; i < e->key_count; i++) {
		if (strcmp(e->keys[i].kid, kid) != 0)
			continue;
		*key = key_ref(e->keys[i].key);
		return 0;
	}
	return err_set(err, -ENOENT, 401, "Unauthorized", "The token is signed with an unknown key.");
}
