// SPDX-License-Identifier: Apache-2.0
// Tokens. The first byte says what the rest is: 't' a token as it comes; 's' header and claims, a line each, which are
// signed here; 'j' the claims of a token that is made by jwt_sign.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/macros.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"
#include "crypto/test-vectors-rsa.h"

enum { NOW = 1700000000, LEEWAY = 300 };

static struct key *the_key;

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	_cleanup_buf_ struct buf der = {0};
	must(dec_hex(&der, rfc7515_a2_key, strlen(rfc7515_a2_key)) == 0);
	must(key_from_encoded(KEY_KIND_RSA, der.data, der.len, &the_key, NULL) == 0);
	return 0;
}

static int sign(void *ctx _unused_, const uint8_t digest[static HASH_SHA256_SIZE], struct buf *signature,
	struct err *err) {
	return key_sign(the_key, KEY_ALG_RS256, digest, HASH_SHA256_SIZE, signature, err);
}

static int lookup(void *ctx _unused_, const char *kid, struct key **key, struct err *err _unused_) {
	if (strcmp(kid, "known") != 0)
		return -ENOENT;
	*key = key_ref(the_key);
	return 0;
}

static int verify(const void *token, size_t len, json_t **claims) {
	struct err err = {0};
	int rc = jwt_verify(token, len, lookup, NULL, claims, &err);
	must(rc == 0 ? json_is_object(*claims) : rc == -EBADMSG && err.status == 401 && !*claims);
	if (rc == 0 && jwt_check_times(*claims, NOW, LEEWAY, &err) == 0)
		must(json_int(*claims, "nbf", INT64_MAX) <= NOW + LEEWAY && json_int(*claims, "exp", 0) > NOW - LEEWAY);
	return rc;
}

static void verify_signed(const char *text, size_t len) {
	const char *end = memchr(text, '\n', len);
	size_t header_len = end ? (size_t)(end - text) : len;
	const char *claims = end ? end + 1 : "{}";
	size_t claims_len = end ? len - header_len - 1 : 2;
	_cleanup_buf_ struct buf token = {0}, signature = {0};
	_cleanup_json_ json_t *got = NULL;
	uint8_t digest[HASH_SHA256_SIZE];
	must(enc_base64url(&token, text, header_len) == 0 && buf_str(&token, ".") == 0);
	must(enc_base64url(&token, claims, claims_len) == 0);
	must(hash_sha256(token.data, token.len, digest) == 0 && sign(NULL, digest, &signature, NULL) == 0);
	must(buf_str(&token, ".") == 0 && enc_base64url(&token, signature.data, signature.len) == 0);
	(void)verify(token.data, token.len, &got);
}

// What is signed comes back.
static void make(const char *text, size_t len) {
	_cleanup_json_ json_t *claims = NULL, *got = NULL;
	_cleanup_buf_ struct buf token = {0};
	struct err err = {0};
	if (json_parse(text, len, "x", &claims, NULL) < 0 || !json_is_object(claims))
		return;
	int rc = jwt_sign(claims, "known", sign, NULL, &token, &err);
	must(rc == 0 || (rc == -E2BIG && token.len == 0));
	if (rc == 0)
		must(verify(token.data, token.len, &got) == 0 && json_equal(claims, got));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_json_ json_t *claims = NULL;
	if (size == 0)
		return 0;
	const char *rest = (const char *)data + 1;
	switch (data[0]) {
	case 't': (void)verify(rest, size - 1, &claims); break;
	case 's': verify_signed(rest, size - 1); break;
	case 'j': make(rest, size - 1); break;
	default: break;
	}
	return 0;
}
