// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"

enum { KID_MAX = 256 };

static int refuse(struct err *err, const char *why) {
	return err_set(err, -EBADMSG, 401, "Unauthorized", "The token is not valid: %s.", why);
}

static int append_json(struct buf *out, const json_t *value) {
	_cleanup_free_ char *text = json_text(value);
	return text ? enc_base64url(out, text, strlen(text)) : -ENOMEM;
}

static json_t *make_header(const char *kid) {
	_cleanup_json_ json_t *header = json_object();
	if (!header || json_set_str(header, "alg", "RS256") < 0 || json_set_str(header, "typ", "JWT") < 0 ||
		json_set_str(header, "kid", kid) < 0 || json_set_str(header, "x5t", kid) < 0)
		return NULL;
	return TAKE_PTR(header);
}

int jwt_sign(const json_t *claims, const char *kid, jwt_signer sign, void *ctx, struct buf *out, struct err *err) {
	_cleanup_json_ json_t *header = make_header(kid);
	_cleanup_buf_ struct buf token = {0}, signature = {0};
	if (!header || append_json(&token, header) < 0 || buf_str(&token, ".") < 0 || append_json(&token, claims) < 0)
		return err_oom(err);
	uint8_t digest[HASH_SHA256_SIZE];
	int rc = hash_sha256(token.data, token.len, digest);
	if (rc < 0)
		return err_errno(err, rc, "cannot hash a token");
	rc = sign(ctx, digest, &signature, err);
	if (rc < 0)
		return rc;
	if (buf_str(&token, ".") < 0 || enc_base64url(&token, signature.data, signature.len) < 0)
		return err_oom(err);
	if (token.len > JWT_MAX_LEN)
		return err_set(err, -E2BIG, 500, "InternalServerError", "a token of %zu characters is longer than %d", token.len,
			JWT_MAX_LEN);
	return buf_append(out, token.data, token.len) < 0 ? err_oom(err) : 0;
}

// The three parts of the compact form, borrowed from the token.
struct parts {
	const char *header, *payload, *signature;
	size_t header_len, payload_len, signature_len;
};

static bool split(const char *token, size_t len, struct parts *parts) {
	const char *end = token + len;
	const char *first = memchr(token, '.', len);
	if (!first)
		return false;
	const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return false;
	*parts = (struct parts){
		.header = token,
		.header_len = (size_t)(first - token),
		.payload = first + 1,
		.payload_len = (size_t)(second - first - 1),
		.signature = second + 1,
		.signature_len = (size_t)(end - second - 1),
	};
	return parts->header_len > 0 && parts->payload_len > 0 && parts->signature_len > 0;
}

static int parse_part(const char *text, size_t len, const char *why, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf bytes = {0};
	int rc = dec_base64url(&bytes, text, len);
	if (rc == -ENOMEM)
		return err_oom(err);
	_cleanup_json_ json_t *value = NULL;
	if (rc < 0 || json_parse(bytes.data, bytes.len, "Unauthorized", &value, NULL) < 0 || !json_is_object(value))
		return refuse(err, why);
	*out = TAKE_PTR(value);
	return 0;
}

// Nothing in a header may choose the algorithm or bring a key along; a critical extension is one that
// we do not understand, since we understand none (RFC 7515 section 4.1.11).
static int check_header(const json_t *header, struct err *err) {
	static const char *const refused[] = {"crit", "jwk", "jku", "x5c", "x5u", "zip", "enc"};
	const char *alg = json_string_value(json_object_get(header, "alg"));
	if (!alg || strcmp(alg, "RS256") != 0)
		return refuse(err, "its algorithm is not RS256");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (json_object_get(header, refused[i]))
			return refuse(err, "its header has a member that is not accepted");
	const json_t *typ = json_object_get(header, "typ");
	if (typ && (!json_is_string(typ) || strcasecmp(json_string_value(typ), "JWT") != 0))
		return refuse(err, "its type is not JWT");
	const json_t *kid = json_object_get(header, "kid");
	if (!json_is_string(kid) || json_string_length(kid) == 0 || json_string_length(kid) > KID_MAX)
		return refuse(err, "its header names no key");
	return 0;
}

static int check_signature(const char *token, const struct parts *parts, struct key *key, enum key_alg alg,
	struct err *err) {
	_cleanup_buf_ struct buf signature = {0};
	int rc = dec_base64url(&signature, parts->signature, parts->signature_len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return refuse(err, "its signature is not base64url");
	uint8_t digest[HASH_SHA256_SIZE];
	rc = hash_sha256(token, parts->header_len + 1 + parts->payload_len, digest);
	if (rc < 0)
		return err_errno(err, rc, "cannot hash a token");
	bool valid = false;
	rc = key_verify(key, alg, digest, sizeof(digest), signature.data, signature.len, &valid, err);
	// -EINVAL: the key of that name is of another kind.
	return rc == -EINVAL || (rc == 0 && !valid) ? refuse(err, "its signature does not hold") : rc;
}

static int read_parts(const char *token, size_t len, struct parts *parts, json_t **header, struct err *err) {
	if (len > JWT_MAX_LEN)
		return refuse(err, "it is too long");
	if (!split(token, len, parts))
		return refuse(err, "it does not have three parts");
	return parse_part(parts->header, parts->header_len, "its header is not a JSON object in base64url", header, err);
}

int jwt_verify(const char *token, size_t len, jwt_key_lookup lookup, void *ctx, json_t **claims, struct err *err) {
	struct parts parts;
	_cleanup_json_ json_t *header = NULL, *payload = NULL;
	int rc = read_parts(token, len, &parts, &header, err);
	if (rc == 0)
		rc = check_header(header, err);
	if (rc < 0)
		return rc;

	_cleanup_pkey_ struct key *key = NULL;
	rc = lookup(ctx, json_str(header, "kid"), &key, err);
	if (rc == -ENOENT)
		return refuse(err, "the key it was signed with is not known");
	if (rc == 0)
		rc = check_signature(token, &parts, key, KEY_ALG_RS256, err);
	// The claims are not even parsed before the signature holds.
	if (rc == 0)
		rc = parse_part(parts.payload, parts.payload_len, "its claims are not a JSON object in base64url", &payload, err);
	if (rc < 0)
		return rc;
	*claims = TAKE_PTR(payload);
	return 0;
}

int jwt_peek(const char *token, size_t len, json_t **header, json_t **claims, struct err *err) {
	_cleanup_json_ json_t *head = NULL, *payload = NULL;
	struct parts parts;
	int rc = read_parts(token, len, &parts, &head, err);
	if (rc < 0)
		return rc;
	if (json_object_get(head, "crit"))
		return refuse(err, "its header has a member that is not accepted");
	rc = parse_part(parts.payload, parts.payload_len, "its claims are not a JSON object in base64url", &payload, err);
	if (rc < 0)
		return rc;
	*header = TAKE_PTR(head);
	*claims = TAKE_PTR(payload);
	return 0;
}

int jwt_check_signature(const char *token, size_t len, struct key *key, struct err *err) {
	_cleanup_json_ json_t *header = NULL;
	struct parts parts;
	int rc = read_parts(token, len, &parts, &header, err);
	if (rc < 0)
		return rc;
	const char *alg = json_str(header, "alg");
	if (!alg || (strcmp(alg, "RS256") != 0 && strcmp(alg, "PS256") != 0))
		return refuse(err, "its algorithm is neither RS256 nor PS256");
	return check_signature(token, &parts, key, alg_by_name(alg), err);
}

int jwt_check_times(const json_t *claims, int64_t now, int64_t leeway, struct err *err) {
	const json_t *nbf = json_object_get(claims, "nbf"), *exp = json_object_get(claims, "exp");
	if (!json_is_integer(nbf) || !json_is_integer(exp))
		return refuse(err, "it lacks nbf or exp");
	if (now + leeway < json_integer_value(nbf))
		return refuse(err, "its lifetime has not begun");
	if (now - leeway >= json_integer_value(exp))
		return refuse(err, "its lifetime is over");
	return 0;
}
