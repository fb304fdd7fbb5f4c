// SPDX-License-Identifier: Apache-2.0
// Judging the tokens that other faces are shown.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwt.h"
#include "entra/internal.h"

// The token of "Authorization: Bearer <token>"; NULL when the header is missing or of another scheme.
static const char *bearer_token(const struct http_request *req) {
	static const char scheme[] = "Bearer ";
	const char *value = http_header(req, "Authorization");
	if (!value || !strv_starts_with_nocase(value, scheme))
		return NULL;
	value += sizeof(scheme) - 1;
	return *value ? value : NULL;
}

static bool copy_text(const json_t *claims, const char *name, char *out, size_t size) {
	const char *value = json_str(claims, name);
	if (!value || strlen(value) >= size)
		return false;
	(void)snprintf(out, size, "%s", value);
	return true;
}

static bool copy_id(const json_t *claims, const char *name, char out[static ENC_UUID_SIZE]) {
	return copy_text(claims, name, out, ENC_UUID_SIZE) && enc_is_uuid(out);
}

// What kind of principal an access token speaks for; an ID token does not say it, and so is none.
static bool read_kind(const json_t *claims, struct caller *out) {
	const char *type = json_str(claims, "idtyp");
	if (!type || (strcmp(type, "app") != 0 && strcmp(type, "user") != 0))
		return false;
	out->kind = strcmp(type, "user") == 0 ? CALLER_USER : CALLER_APPLICATION;
	return true;
}

static bool read_claims(const json_t *claims, struct caller *out) {
	// Version 2 tokens call the client azp.
	return read_kind(claims, out) && copy_id(claims, "tid", out->tenant) && copy_id(claims, "oid", out->oid) &&
		(copy_id(claims, "appid", out->appid) || copy_id(claims, "azp", out->appid)) &&
		copy_text(claims, "iss", out->iss, sizeof(out->iss)) &&
		copy_text(claims, "aud", out->audience, sizeof(out->audience));
}

static bool audience_matches(const struct caller *c, const char *const *audiences) {
	for (; *audiences; audiences++)
		if (strcmp(c->audience, *audiences) == 0)
			return true;
	return false;
}

// Both forms name the tenant of the tid claim.
static bool issuer_matches(const struct caller *c) {
	char v1[sizeof(c->iss)], v2[sizeof(c->iss)];
	(void)snprintf(v1, sizeof(v1), "https://sts.windows.net/%s/", c->tenant);
	(void)snprintf(v2, sizeof(v2), "https://login.microsoftonline.com/%s/v2.0", c->tenant);
	return strcmp(c->iss, v1) == 0 || strcmp(c->iss, v2) == 0;
}

static enum entra_refusal judge_found(struct store_rows *rows, struct caller *c) {
	int rc = store_next(rows, NULL);
	if (rc < 0)
		return ENTRA_UNAVAILABLE;
	if (rc == 0)
		return ENTRA_ISSUER;
	// SQL NULL, read as 0, when the tenant has no such principal.
	if (!store_int(rows, 0))
		return ENTRA_INVALID;
	if (c->kind != CALLER_USER && strcmp(store_text(rows, 1), ENTRA_KIND_IDENTITY) == 0)
		c->kind = CALLER_IDENTITY;
	(void)snprintf(c->name, sizeof(c->name), "%s", store_text(rows, 2));
	return ENTRA_OK;
}

static int query_principal(struct store_tx *tx, const struct caller *c, struct store_rows **rows) {
	if (c->kind == CALLER_USER)
		return store_query(tx, rows, NULL,
			"SELECT u.enabled, 'User', u.upn FROM tenants t LEFT JOIN users u ON u.tenant_id = t.id AND u.object_id = $1"
			" WHERE t.id = $2",
			"ss", c->oid, c->tenant);
	return store_query(tx, rows, NULL,
		"SELECT p.enabled, p.kind, p.display_name FROM tenants t LEFT JOIN service_principals p"
		" ON p.tenant_id = t.id AND p.object_id = $1 AND p.app_id = $2 WHERE t.id = $3",
		"sss", c->oid, c->appid, c->tenant);
}

enum entra_refusal entra_judge_principal(struct store_tx *tx, struct caller *caller) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	return query_principal(tx, caller, &rows) < 0 ? ENTRA_UNAVAILABLE : judge_found(rows, caller);
}

static enum entra_refusal check_principal(struct entra *e, struct caller *c) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	if (store_begin(e->store, STORE_READ, &tx, NULL) < 0)
		return ENTRA_UNAVAILABLE;
	return entra_judge_principal(tx, c);
}

static enum entra_refusal judge(struct entra *e, const json_t *claims, const char *const *audiences, struct caller *c) {
	if (!read_claims(claims, c))
		return ENTRA_INVALID;
	if (jwt_check_times(claims, clock_now(), 0, NULL) < 0)
		return ENTRA_EXPIRED;
	if (!audience_matches(c, audiences))
		return ENTRA_AUDIENCE;
	return issuer_matches(c) ? check_principal(e, c) : ENTRA_ISSUER;
}

// The claims of a token whose signature holds, or held when the token was seen before.
static int verified_claims(struct entra *e, const char *token, json_t **out) {
	_cleanup_json_ json_t *claims = NULL;
	uint8_t digest[HASH_SHA256_SIZE];
	size_t len = strlen(token);
	int rc = hash_sha256(token, len, digest);
	if (rc < 0)
		return rc;
	claims = token_cache_get(e->tokens, digest, clock_now());
	if (!claims) {
		rc = jwt_verify(token, len, entra_key_lookup, e, &claims, NULL);
		if (rc < 0)
			return rc;
		token_cache_put(e->tokens, digest, claims);
	}
	*out = TAKE_PTR(claims);
	return 0;
}

enum entra_refusal entra_authenticate(struct entra *e, const struct http_request *req, const char *const *audiences,
	struct caller *caller) {
	_cleanup_json_ json_t *claims = NULL;
	struct caller found = {0};
	const char *token = bearer_token(req);
	if (!token)
		return ENTRA_MISSING;
	int rc = verified_claims(e, token, &claims);
	if (rc < 0)
		return rc == -EBADMSG ? ENTRA_INVALID : ENTRA_UNAVAILABLE;
	enum entra_refusal answer = judge(e, claims, audiences, &found);
	if (answer == ENTRA_OK || answer == ENTRA_AUDIENCE || answer == ENTRA_ISSUER)
		*caller = found;
	return answer;
}
