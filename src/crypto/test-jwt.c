// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwt.h"

#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "crypto/test-util.h"
#include "crypto/test-vectors-rsa.h"

static struct key *the_key;

static int set_up(void **state _unused_) {
	_cleanup_buf_ struct buf der = test_hex(rfc7515_a2_key);
	return key_from_encoded(KEY_KIND_RSA, der.data, der.len, &the_key, NULL);
}

static int tear_down(void **state _unused_) {
	key_unref(the_key);
	return 0;
}

static int sign(void *ctx _unused_, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	return key_sign(the_key, KEY_ALG_RS256, digest, HASH_SHA256_SIZE, signature, err);
}

// Knows one key; `ctx`, when given, counts the calls.
static int lookup(void *ctx, const char *kid, struct key **key, struct err *err _unused_) {
	if (ctx)
		++*(int *)ctx;
	if (strcmp(kid, "known") != 0)
		return -ENOENT;
	*key = key_ref(the_key);
	return 0;
}

static int broken_lookup(void *ctx _unused_, const char *kid _unused_, struct key **key _unused_, struct err *err) {
	return err_set(err, -EIO, 503, "ServiceUnavailable", "the store is away");
}

// A token with a true signature over whatever header and payload are given.
static char *token_of(const char *header, const char *payload) {
	_cleanup_buf_ struct buf token = {0}, signature = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	assert_int_equal(enc_base64url(&token, header, strlen(header)), 0);
	assert_int_equal(buf_str(&token, "."), 0);
	assert_int_equal(enc_base64url(&token, payload, strlen(payload)), 0);
	assert_int_equal(hash_sha256(token.data, token.len, digest), 0);
	assert_int_equal(sign(NULL, digest, &signature, NULL), 0);
	assert_int_equal(buf_str(&token, "."), 0);
	assert_int_equal(enc_base64url(&token, signature.data, signature.len), 0);
	return buf_take_str(&token);
}

static void expect_refused(const char *token, size_t len) {
	json_t *claims = NULL;
	struct err err = {0};
	if (jwt_verify(token, len, lookup, NULL, &claims, &err) != -EBADMSG)
		fail_msg("accepted: %.*s", (int)len, token);
	assert_int_equal(err.status, 401);
	assert_string_equal(err.code, "Unauthorized");
	assert_null(claims);
}

static const char good_header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"known\"}";

static void test_round_trip(void **state _unused_) {
	_cleanup_json_ json_t *claims = json_pack("{sssI}", "sub", "me", "exp", (json_int_t)17), *back = NULL;
	_cleanup_buf_ struct buf token = {0};
	struct err err = {0};
	assert_int_equal(jwt_sign(claims, "known", sign, NULL, &token, &err), 0);
	assert_int_equal(jwt_verify(buf_cstr(&token), token.len, lookup, NULL, &back, &err), 0);
	assert_true(json_equal(claims, back));

	_cleanup_buf_ struct buf header = {0};
	assert_int_equal(dec_base64url(&header, buf_cstr(&token), strcspn(buf_cstr(&token), ".")), 0);
	assert_string_equal(buf_cstr(&header), "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"known\",\"x5t\":\"known\"}");
}

static int failing_sign(void *ctx _unused_, const uint8_t digest[static 32] _unused_, struct buf *signature _unused_,
	struct err *err) {
	return err_set(err, -ECONNREFUSED, 503, "ServiceUnavailable", "nobody signs");
}

static void test_sign_failures(void **state _unused_) {
	_cleanup_json_ json_t *claims = json_object();
	_cleanup_buf_ struct buf token = {0};
	struct err err = {0};
	assert_int_equal(jwt_sign(claims, "known", failing_sign, NULL, &token, &err), -ECONNREFUSED);
	assert_int_equal(err.status, 503);
	assert_int_equal(token.len, 0);

	char *text = malloc(JWT_MAX_LEN);
	assert_non_null(text);
	memset(text, 'x', JWT_MAX_LEN);
	assert_int_equal(json_set(claims, "long", json_stringn(text, JWT_MAX_LEN)), 0);
	free(text);
	assert_int_equal(jwt_sign(claims, "known", sign, NULL, &token, &err), -E2BIG);
	assert_int_equal(token.len, 0);
}

static void test_headers(void **state _unused_) {
	static const char *const refused[] = {
		"{\"alg\":\"none\",\"kid\":\"known\"}",
		"{\"alg\":\"None\",\"kid\":\"known\"}",
		"{\"alg\":\"HS256\",\"kid\":\"known\"}",
		"{\"alg\":\"RS384\",\"kid\":\"known\"}",
		"{\"alg\":\"PS256\",\"kid\":\"known\"}",
		"{\"alg\":\"rs256\",\"kid\":\"known\"}",
		"{\"alg\":[\"RS256\"],\"kid\":\"known\"}",
		"{\"kid\":\"known\"}",
		"{\"alg\":\"RS256\"}",
		"{\"alg\":\"RS256\",\"kid\":\"\"}",
		"{\"alg\":\"RS256\",\"kid\":7}",
		"{\"alg\":\"RS256\",\"kid\":\"unknown\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\\u0000\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"crit\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"jwk\":{}}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"jku\":\"https://example.com\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"x5u\":\"https://example.com\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"x5c\":[]}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"zip\":\"DEF\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"typ\":\"JWE\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"typ\":null}",
		"{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"known\"}",
		"{\"alg\":\"RS256\",\"alg\":\"RS256\",\"kid\":\"known\"}",
		"[{\"alg\":\"RS256\",\"kid\":\"known\"}]",
		"{\"alg\":\"RS256\",\"kid\":\"known\"",
		"{\"alg\":\"RS256\",\"kid\":\"known\"}{}",
		"\"RS256\"",
	};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_free_ char *token = token_of(refused[i], "{}");
		expect_refused(token, strlen(token));
	}
	static const char *const accepted[] = {good_header, "{\"alg\":\"RS256\",\"kid\":\"known\"}",
		"{\"alg\":\"RS256\",\"kid\":\"known\",\"typ\":\"jwt\",\"x5t\":\"other\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(accepted); i++) {
		_cleanup_free_ char *token = token_of(accepted[i], "{}");
		_cleanup_json_ json_t *claims = NULL;
		assert_int_equal(jwt_verify(token, strlen(token), lookup, NULL, &claims, NULL), 0);
	}
}

static void test_long_kid(void **state _unused_) {
	char kid[300], header[400];
	memset(kid, 'k', sizeof(kid));
	(void)snprintf(header, sizeof(header), "{\"alg\":\"RS256\",\"kid\":\"%.257s\"}", kid);
	_cleanup_free_ char *token = token_of(header, "{}");
	int calls = 0;
	json_t *claims = NULL;
	assert_int_equal(jwt_verify(token, strlen(token), lookup, &calls, &claims, NULL), -EBADMSG);
	assert_int_equal(calls, 0);
}

static void test_payloads(void **state _unused_) {
	static const char *const refused[] = {"[]", "\"x\"", "{", "{\"a\":1,\"a\":2}", "{} {}", "7", "{\"a\":\"\\u0000\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_free_ char *token = token_of(good_header, refused[i]);
		expect_refused(token, strlen(token));
	}
}

// Every other spelling of a good token: cut short anywhere, one character changed anywhere, padded.
static void test_tampered(void **state _unused_) {
	_cleanup_free_ char *token = token_of(good_header, "{\"sub\":\"me\"}");
	size_t len = strlen(token);
	for (size_t cut = 0; cut < len; cut++)
		expect_refused(token, cut);
	for (size_t i = 0; i < len; i++) {
		char was = token[i];
		token[i] = was == 'A' ? 'B' : 'A';
		expect_refused(token, len);
		token[i] = '+';
		expect_refused(token, len);
		token[i] = was;
	}
	_cleanup_json_ json_t *claims = NULL;
	assert_int_equal(jwt_verify(token, len, lookup, NULL, &claims, NULL), 0);
}

static void test_forms(void **state _unused_) {
	_cleanup_free_ char *token = token_of(good_header, "{\"sub\":\"me\"}");
	static const char *const formats[] = {"%s=", "%s==", "%s.", ".%s", "%s.x", " %s", "%s ", "%s\n"};
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		_cleanup_buf_ struct buf other = {0};
		const char *at = strstr(formats[i], "%s");
		assert_int_equal(buf_append(&other, formats[i], (size_t)(at - formats[i])), 0);
		assert_int_equal(buf_str(&other, token), 0);
		assert_int_equal(buf_str(&other, at + 2), 0);
		expect_refused(buf_cstr(&other), other.len);
	}
	static const char *const forms[] = {"", ".", "..", "...", "a.b.c", "e30.e30.", "e30..e30", ".e30.e30"};
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		expect_refused(forms[i], strlen(forms[i]));
}

// The last character of a 256-byte signature carries two unused bits: its other spellings are refused.
static void test_non_canonical(void **state _unused_) {
	_cleanup_free_ char *token = token_of(good_header, "{}");
	size_t last = strlen(token) - 1;
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = strchr(alphabet, token[last]);
	assert_non_null(at);
	assert_int_equal((at - alphabet) % 16, 0);
	token[last] = at[1];
	expect_refused(token, last + 1);
}

static void test_oversize(void **state _unused_) {
	size_t len = JWT_MAX_LEN + 1;
	_cleanup_free_ char *token = malloc(len);
	assert_non_null(token);
	memset(token, 'A', len);
	token[10] = token[20] = '.';
	expect_refused(token, len);
}

static void test_lookup_failure_is_not_a_bad_token(void **state _unused_) {
	_cleanup_free_ char *token = token_of(good_header, "{}");
	json_t *claims = NULL;
	struct err err = {0};
	assert_int_equal(jwt_verify(token, strlen(token), broken_lookup, NULL, &claims, &err), -EIO);
	assert_int_equal(err.status, 503);
	assert_null(claims);
}

static int lookup_of_another_kind(void *ctx _unused_, const char *kid _unused_, struct key **key, struct err *err) {
	return key_make(&(struct key_spec){.kind = KEY_KIND_EC, .curve = KEY_CURVE_P256}, key, err);
}

static void test_key_of_another_kind(void **state _unused_) {
	_cleanup_free_ char *token = token_of(good_header, "{}");
	json_t *claims = NULL;
	struct err err = {0};
	assert_int_equal(jwt_verify(token, strlen(token), lookup_of_another_kind, NULL, &claims, &err), -EBADMSG);
	assert_int_equal(err.status, 401);
	assert_null(claims);
}

static void test_peek(void **state _unused_) {
	json_t *header = NULL, *claims = NULL;
	_cleanup_free_ char *token = token_of("{\"alg\":\"none\",\"x5c\":[\"x\"]}", "{\"iss\":\"somebody\"}"),
			    *critical = token_of("{\"alg\":\"RS256\",\"crit\":[\"b64\"]}", "{}"), *list = token_of("{}", "[]");
	assert_int_equal(jwt_peek(token, strlen(token), &header, &claims, NULL), 0);
	assert_string_equal(json_str(header, "alg"), "none");
	assert_string_equal(json_str(claims, "iss"), "somebody");
	json_decref(header);
	json_decref(claims);
	const char *const refused[] = {critical, list, "a.b", "..", "x", ""};
	header = claims = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(jwt_peek(refused[i], strlen(refused[i]), &header, &claims, NULL), -EBADMSG);
	assert_null(header);
	assert_null(claims);
}

// By the algorithm that the header names, of two.
static void test_signature_alone(void **state _unused_) {
	_cleanup_free_ char *good = token_of(good_header, "{}"), *pss = token_of("{\"alg\":\"PS256\"}", "{}"),
			    *none = token_of("{\"alg\":\"none\"}", "{}"), *other = token_of("{\"alg\":\"RS512\"}", "{}");
	assert_int_equal(jwt_check_signature(good, strlen(good), the_key, NULL), 0);
	assert_int_equal(jwt_check_signature(good, strlen(good) - 3, the_key, NULL), -EBADMSG);
	// Signed as RS256, whatever they say.
	assert_int_equal(jwt_check_signature(pss, strlen(pss), the_key, NULL), -EBADMSG);
	assert_int_equal(jwt_check_signature(none, strlen(none), the_key, NULL), -EBADMSG);
	assert_int_equal(jwt_check_signature(other, strlen(other), the_key, NULL), -EBADMSG);
}

static void test_times(void **state _unused_) {
	_cleanup_json_ json_t *claims = json_pack("{sIsI}", "nbf", (json_int_t)1000, "exp", (json_int_t)2000);
	struct err err = {0};
	assert_int_equal(jwt_check_times(claims, 1000, 0, &err), 0);
	assert_int_equal(jwt_check_times(claims, 1999, 0, &err), 0);
	assert_int_equal(jwt_check_times(claims, 999, 0, &err), -EBADMSG);
	assert_int_equal(jwt_check_times(claims, 2000, 0, &err), -EBADMSG);
	assert_int_equal(err.status, 401);
	assert_int_equal(jwt_check_times(claims, 700, 300, &err), 0);
	assert_int_equal(jwt_check_times(claims, 699, 300, &err), -EBADMSG);
	assert_int_equal(jwt_check_times(claims, 2299, 300, &err), 0);
	assert_int_equal(jwt_check_times(claims, 2300, 300, &err), -EBADMSG);
}

static void test_times_missing(void **state _unused_) {
	static const char *const refused[] = {"{}", "{\"nbf\":0}", "{\"exp\":99}", "{\"nbf\":0,\"exp\":99.5}", "{\"nbf\":0,\"exp\":\"99\"}",
		"{\"nbf\":null,\"exp\":99}", "{\"nbf\":true,\"exp\":99}"};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_json_ json_t *claims = json_loads(refused[i], 0, NULL);
		assert_non_null(claims);
		struct err err = {0};
		assert_int_equal(jwt_check_times(claims, 50, 0, &err), -EBADMSG);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sign_failures),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_long_kid),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_non_canonical),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_lookup_failure_is_not_a_bad_token),
		cmocka_unit_test(test_key_of_another_kind),
		cmocka_unit_test(test_peek),
		cmocka_unit_test(test_signature_alone),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_times_missing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
