// SPDX-License-Identifier: Apache-2.0
// wrapKey and unwrapKey.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"
#include "crypto/jwk.h"

#define V "?api-version=7.4"
#define PLAIN "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"  // 32 bytes

static char *create(struct fixture *f, const char *host, const char *name, const char *members) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/create" V, name);
	_cleanup_free_ char *body = strv_printf("{\"kty\":\"RSA\"%s}", members);
	_cleanup_json_ json_t *k = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", host, path, body, &k), 200);
	char *version = strdup(strrchr(json_str(k, "key.kid"), '/') + 1);
	assert_non_null(version);
	return version;
}

static char *operate(struct fixture *f, const char *host, const char *path, const char *alg, const char *value, int status) {
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"%s\",\"value\":\"%s\"}", alg, value);
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", host, path, body, &json), status);
	char *out = json_str(json, "value") ? strdup(json_str(json, "value")) : NULL;
	return out;
}

static void update(struct fixture *f, const char *name, const char *body) {
	_cleanup_free_ char *path = strv_printf("/keys/%s" V, name);
	assert_int_equal(fixture_call(f, f->admin, "PATCH", "alpha", path, body, NULL), 200);
}

static void test_round_trip_of_every_size_and_algorithm(void **state) {
	struct fixture *f = *state;
	static const char *const sizes[] = {"2048", "3072", "4096"}, *const algs[] = {"RSA-OAEP", "RSA-OAEP-256"};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *name = strv_printf("trip%s", sizes[i]), *members = strv_printf(",\"key_size\":%s", sizes[i]);
		_cleanup_free_ char *version = create(f, "alpha", name, members);
		_cleanup_free_ char *wrap = strv_printf("/keys/%s/%s/wrapkey" V, name, version);
		_cleanup_free_ char *unwrap = strv_printf("/keys/%s/%s/unwrapKey" V, name, version);
		for (size_t k = 0; k < ARRAY_SIZE(algs); k++) {
			_cleanup_free_ char *wrapped = operate(f, "alpha", wrap, algs[k], PLAIN, 200);
			assert_int_equal(strlen(wrapped), (strtoul(sizes[i], NULL, 10) / 8 * 4 + 2) / 3);
			_cleanup_free_ char *plain = operate(f, "alpha", unwrap, algs[k], wrapped, 200);
			assert_string_equal(plain, PLAIN);
			free(operate(f, "alpha", unwrap, algs[1 - k], wrapped, 400));
		}
	}
}

static void test_the_public_key_wraps_what_the_vault_unwraps(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "public", ""));
	_cleanup_json_ json_t *k = NULL;
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys/public" V, NULL, &k), 200);
	struct key_public pub;
	_cleanup_pkey_ struct key *key = NULL;
	_cleanup_key_output_ struct key_output wrapped = {0};
	_cleanup_buf_ struct buf text = {0};
	const struct key_input in = {.value = "made elsewhere", .len = 14};
	assert_int_equal(jwk_to_public(json_at(k, "key"), &pub, NULL), 0);
	assert_int_equal(key_from_public(&pub, &key, NULL), 0);
	assert_int_equal(key_encrypt(key, KEY_ALG_RSA_OAEP_256, ALG_WRAP, &in, &wrapped, NULL), 0);
	assert_int_equal(enc_base64url(&text, wrapped.value.data, wrapped.value.len), 0);
	_cleanup_free_ char *plain = operate(f, "alpha", "/keys/public/unwrapkey" V, "RSA-OAEP-256", buf_cstr(&text), 200);
	assert_string_equal(plain, "bWFkZSBlbHNld2hlcmU");
}

static void test_versionless_means_the_newest(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *one = create(f, "alpha", "newest", "");
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/newest/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	_cleanup_free_ char *two = create(f, "alpha", "newest", "");
	free(operate(f, "alpha", "/keys/newest/unwrapkey" V, "RSA-OAEP", wrapped, 400));
	// The older version goes on unwrapping, and kid says which it was.
	_cleanup_free_ char *path = strv_printf("/keys/newest/%s/unwrapkey" V, one);
	_cleanup_free_ char *plain = operate(f, "alpha", path, "RSA-OAEP", wrapped, 200);
	assert_string_equal(plain, PLAIN);
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/keys/newest//wrapkey" V,
		"{\"alg\":\"RSA-OAEP\",\"value\":\"" PLAIN "\"}", &answer), 200);
	_cleanup_free_ char *kid = strv_printf("https://alpha.vault.azure.net/keys/newest/%s", two);
	assert_string_equal(json_str(answer, "kid"), kid);
	assert_int_equal(json_object_size(answer), 2);
}

static void test_bad_requests(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "bad", ""));
	static const struct {
		const char *operation, *body, *words;
	} cases[] = {
		{"wrapkey", "", "must be a JSON object"},
		{"wrapkey", "{\"value\":\"AAAA\"}", "'alg' is required"},
		{"wrapkey", "{\"alg\":1,\"value\":\"AAAA\"}", "'alg' is required"},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\"}", "'value' is required"},
		{"wrapkey", "{\"alg\":\"A256GCM\",\"value\":\"AAAA\"}", "not for keys of type RSA"},
		{"wrapkey", "{\"alg\":\"rsa-oaep\",\"value\":\"AAAA\"}", "'alg' has an invalid value"},
		{"wrapkey", "{\"alg\":\"RS256\",\"value\":\"AAAA\"}", "'alg' has an invalid value"},
		{"unwrapkey", "{\"alg\":\"A256KW\",\"value\":\"AAAA\"}", ""},
		{"encrypt", "{\"alg\":\"A256KW\",\"value\":\"AAAA\"}", "'alg' has an invalid value"},
		{"sign", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", "'alg' has an invalid value"},
		{"sign", "{\"alg\":\"RS256\",\"value\":\"AAAA\"}", ""},
		{"sign", "{\"alg\":\"ES256\",\"value\":\"" PLAIN "\"}", ""},
		{"verify", "{\"alg\":\"RS256\",\"value\":\"AAAA\"}", "'digest' is required"},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\",\"iv\":1}", "'iv' must be a string"},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\",\"iv\":\"AAAA\"}", ""},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"\"}", "1 to 8192 bytes"},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"+/==\"}", "not base64url"},
		{"wrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAA=\"}", "not base64url"},
		{"unwrapkey", "{\"alg\":\"RSA-OAEP\",\"value\":\"AAAA\"}", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = strv_printf("/keys/bad/%s" V, cases[i].operation);
		fixture_refused(f, f->admin, "POST", "alpha", path, cases[i].body, 400, "BadParameter", "", cases[i].words);
	}
}

// 2048 bits wrap at most 214 bytes with SHA-1 and 190 with SHA-256.
static void test_length_limits(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "length", ""));
	static const struct {
		const char *alg;
		size_t max;
	} cases[] = {{"RSA-OAEP", 214}, {"RSA-OAEP-256", 190}};
	uint8_t bytes[8193] = {0};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf fits = {0}, over = {0};
		assert_int_equal(enc_base64url(&fits, bytes, cases[i].max), 0);
		assert_int_equal(enc_base64url(&over, bytes, cases[i].max + 1), 0);
		free(operate(f, "alpha", "/keys/length/wrapkey" V, cases[i].alg, buf_cstr(&fits), 200));
		free(operate(f, "alpha", "/keys/length/wrapkey" V, cases[i].alg, buf_cstr(&over), 400));
	}
	_cleanup_buf_ struct buf far = {0};
	assert_int_equal(enc_base64url(&far, bytes, sizeof(bytes)), 0);
	free(operate(f, "alpha", "/keys/length/unwrapkey" V, "RSA-OAEP", buf_cstr(&far), 400));
}

static void test_standard_base64_with_the_oldest_version_only(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "ade", ""));
	static const char padded[] = "+/+/MDEyMzQ1Njc4OQ==";
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/ade/wrapkey?api-version=2015-06-01", "RSA-OAEP", padded, 200);
	_cleanup_free_ char *plain = operate(f, "alpha", "/keys/ade/unwrapkey?api-version=2015-06-01", "RSA-OAEP", wrapped, 200);
	assert_string_equal(plain, "-_-_MDEyMzQ1Njc4OQ");
	free(operate(f, "alpha", "/keys/ade/wrapkey?api-version=2016-10-01", "RSA-OAEP", padded, 400));
}

static void refused(struct fixture *f, const char *path, const char *value, const char *inner, const char *words) {
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", value);
	fixture_refused(f, f->admin, "POST", "alpha", path, body, 403, "Forbidden", inner, words);
}

static void test_a_disabled_key_does_nothing(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "disabled", ""));
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/disabled/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	update(f, "disabled", "{\"attributes\":{\"enabled\":false}}");
	refused(f, "/keys/disabled/wrapkey" V, PLAIN, "KeyDisabled", "Operation wrapKey is not allowed on a disabled key.");
	refused(f, "/keys/disabled/unwrapkey" V, wrapped, "KeyDisabled", "Operation unwrapKey is not allowed on a disabled key.");
	update(f, "disabled", "{\"attributes\":{\"enabled\":true}}");
	free(operate(f, "alpha", "/keys/disabled/unwrapkey" V, "RSA-OAEP", wrapped, 200));
}

static void test_key_ops_are_kept_to(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "ops", ",\"key_ops\":[\"wrapKey\"]"));
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/ops/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	refused(f, "/keys/ops/unwrapkey" V, wrapped, "KeyOperationForbidden", "Operation unwrapKey is not permitted on this key.");
	update(f, "ops", "{\"key_ops\":[\"unwrapKey\"]}");
	free(operate(f, "alpha", "/keys/ops/unwrapkey" V, "RSA-OAEP", wrapped, 200));
	refused(f, "/keys/ops/wrapkey" V, PLAIN, "KeyOperationForbidden", "Operation wrapKey is not permitted on this key.");
}

static void test_outside_the_window_only_unwrapping_goes_on(void **state) {
	struct fixture *f = *state;
	free(create(f, "alpha", "window", ""));
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/window/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	int64_t now = clock_now();
	_cleanup_free_ char *expired = strv_printf("{\"attributes\":{\"exp\":%lld}}", (long long)now);
	update(f, "window", expired);
	refused(f, "/keys/window/wrapkey" V, PLAIN, "", "Operation wrapKey is not allowed on an expired key.");
	free(operate(f, "alpha", "/keys/window/unwrapkey" V, "RSA-OAEP", wrapped, 200));
	_cleanup_free_ char *early = strv_printf("{\"attributes\":{\"nbf\":%lld,\"exp\":%lld}}", (long long)now + 900, (long long)now + 1800);
	update(f, "window", early);
	refused(f, "/keys/window/wrapkey" V, PLAIN, "", "not yet valid");
	free(operate(f, "alpha", "/keys/window/unwrapkey" V, "RSA-OAEP", wrapped, 200));
	clock_set_offset(1000);
	free(operate(f, "alpha", "/keys/window/wrapkey" V, "RSA-OAEP", PLAIN, 200));
	clock_set_offset(0);
}

static void test_keys_of_one_name_in_two_vaults_are_two_keys(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *a = create(f, "alpha", "twin", "");
	free(create(f, "beta", "twin", ""));
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/twin/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	free(operate(f, "beta", "/keys/twin/unwrapkey" V, "RSA-OAEP", wrapped, 400));
	_cleanup_free_ char *path = strv_printf("/keys/twin/%s/unwrapkey" V, a);
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", wrapped);
	fixture_refused(f, f->admin, "POST", "beta", path, body, 404, "KeyNotFound", "", "twin");
	// Deleting one leaves the other.
	assert_int_equal(fixture_call(f, f->admin, "DELETE", "beta", "/keys/twin" V, NULL, NULL), 200);
	free(operate(f, "alpha", "/keys/twin/unwrapkey" V, "RSA-OAEP", wrapped, 200));
}

static void test_deleted_keys_do_nothing(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *version = create(f, "alpha", "dead", "");
	_cleanup_free_ char *wrapped = operate(f, "alpha", "/keys/dead/wrapkey" V, "RSA-OAEP", PLAIN, 200);
	_cleanup_free_ char *path = strv_printf("/keys/dead/%s/unwrapkey" V, version);
	assert_int_equal(fixture_call(f, f->admin, "DELETE", "alpha", "/keys/dead" V, NULL, NULL), 200);
	free(operate(f, "alpha", path, "RSA-OAEP", wrapped, 404));
	assert_int_equal(fixture_call(f, f->admin, "POST", "alpha", "/deletedkeys/dead/recover" V, NULL, NULL), 200);
	free(operate(f, "alpha", path, "RSA-OAEP", wrapped, 200));
}

// POST and what it answers, as admin.
static json_t *post(struct fixture *f, const char *host, const char *name, const char *operation, int status,
	const char *fmt, ...) _printf_(6, 7);
static json_t *post(struct fixture *f, const char *host, const char *name, const char *operation, int status,
	const char *fmt, ...) {
	char body[2048];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(body, sizeof(body), fmt, ap);
	va_end(ap);
	_cleanup_free_ char *path = strv_printf("/keys/%s/%s?api-version=7.6", name, operation);
	json_t *json = NULL;
	int got = fixture_call(f, f->admin, "POST", host, path, body, &json);
	if (got != status)
		print_error("%s: %d %s\n", path, got, json_str(json, "error.message"));
	assert_int_equal(got, status);
	return json;
}

static void make(struct fixture *f, const char *host, const char *name, const char *body) {
	json_decref(post(f, host, name, "create", 200, "%s", body));
}

// Digests of 32, 48 and 64 bytes.
#define DIGEST_256 "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
#define DIGEST_384 "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
#define DIGEST_512 "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqg"

static void test_every_signature(void **state) {
	struct fixture *f = *state;
	make(f, "alpha", "sign-rsa", "{\"kty\":\"RSA\"}");
	make(f, "alpha", "sign-p256", "{\"kty\":\"EC\"}");
	make(f, "alpha", "sign-p256k", "{\"kty\":\"EC\",\"crv\":\"P-256K\"}");
	make(f, "alpha", "sign-p384", "{\"kty\":\"EC\",\"crv\":\"P-384\"}");
	make(f, "alpha", "sign-p521", "{\"kty\":\"EC\",\"crv\":\"P-521\"}");
	static const struct {
		const char *key, *alg, *digest;
		size_t bytes;
	} cases[] = {
		{"sign-rsa", "RS256", DIGEST_256, 256}, {"sign-rsa", "RS384", DIGEST_384, 256}, {"sign-rsa", "RS512", DIGEST_512, 256},
		{"sign-rsa", "PS256", DIGEST_256, 256}, {"sign-rsa", "PS384", DIGEST_384, 256}, {"sign-rsa", "PS512", DIGEST_512, 256},
		{"sign-rsa", "RSNULL", DIGEST_256, 256}, {"sign-p256", "ES256", DIGEST_256, 64}, {"sign-p256k", "ES256K", DIGEST_256, 64},
		{"sign-p384", "ES384", DIGEST_384, 96}, {"sign-p521", "ES512", DIGEST_512, 132},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *signature = post(f, "alpha", cases[i].key, "sign", 200, "{\"alg\":\"%s\",\"value\":\"%s\"}",
			cases[i].alg, cases[i].digest);
		const char *value = json_str(signature, "value");
		assert_int_equal(strlen(value), (cases[i].bytes * 4 + 2) / 3);
		_cleanup_json_ json_t *holds = post(f, "alpha", cases[i].key, "verify", 200,
			"{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", cases[i].alg, cases[i].digest, value);
		assert_true(json_is_true(json_at(holds, "value")));
		assert_int_equal(json_object_size(holds), 1);
		_cleanup_free_ char *other = strdup(cases[i].digest);
		other[0] = 'r';
		_cleanup_json_ json_t *fails = post(f, "alpha", cases[i].key, "verify", 200,
			"{\"alg\":\"%s\",\"digest\":\"%s\",\"value\":\"%s\"}", cases[i].alg, other, value);
		assert_true(json_is_false(json_at(fails, "value")));
		json_decref(post(f, "alpha", cases[i].key, "sign", strcmp(cases[i].alg, "RSNULL") ? 400 : 200,
			"{\"alg\":\"%s\",\"value\":\"AAAA\"}", cases[i].alg));
	}
	// An algorithm of another curve or kind.
	json_decref(post(f, "alpha", "sign-p256", "sign", 400, "{\"alg\":\"ES256K\",\"value\":\"" DIGEST_256 "\"}"));
	json_decref(post(f, "alpha", "sign-p256", "sign", 400, "{\"alg\":\"RS256\",\"value\":\"" DIGEST_256 "\"}"));
	json_decref(post(f, "alpha", "sign-rsa", "sign", 400, "{\"alg\":\"ES256\",\"value\":\"" DIGEST_256 "\"}"));
	json_decref(post(f, "alpha", "sign-p256", "wrapkey", 403, "{\"alg\":\"RSA-OAEP\",\"value\":\"" PLAIN "\"}"));
}

static void test_encryption_with_rsa(void **state) {
	struct fixture *f = *state;
	static const char *const algs[] = {"RSA1_5", "RSA-OAEP", "RSA-OAEP-256"};
	make(f, "beta", "encrypt", "{\"kty\":\"RSA-HSM\",\"public_exponent\":3}");
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		_cleanup_json_ json_t *sealed = post(f, "beta", "encrypt", "encrypt", 200, "{\"alg\":\"%s\",\"value\":\"" PLAIN "\"}", algs[i]);
		_cleanup_json_ json_t *plain = post(f, "beta", "encrypt", "decrypt", 200, "{\"alg\":\"%s\",\"value\":\"%s\"}", algs[i],
			json_str(sealed, "value"));
		assert_string_equal(json_str(plain, "value"), PLAIN);
		assert_int_equal(json_object_size(plain), 2);
	}
}

#define IV_16 "AAAAAAAAAAAAAAAAAAAAAA"

static void test_symmetric_keys(void **state) {
	struct fixture *f = *state;
	make(f, "beta", "oct", "{\"kty\":\"oct-HSM\",\"key_size\":256}");
	_cleanup_json_ json_t *gcm = post(f, "beta", "oct", "encrypt", 200,
		"{\"alg\":\"A256GCM\",\"value\":\"" PLAIN "\",\"aad\":\"YWFk\"}");
	assert_int_equal(strlen(json_str(gcm, "iv")), 16);
	assert_int_equal(strlen(json_str(gcm, "tag")), 22);
	assert_string_equal(json_str(gcm, "aad"), "YWFk");
	_cleanup_json_ json_t *opened = post(f, "beta", "oct", "decrypt", 200,
		"{\"alg\":\"A256GCM\",\"value\":\"%s\",\"iv\":\"%s\",\"tag\":\"%s\",\"aad\":\"YWFk\"}", json_str(gcm, "value"),
		json_str(gcm, "iv"), json_str(gcm, "tag"));
	assert_string_equal(json_str(opened, "value"), PLAIN);
	json_decref(post(f, "beta", "oct", "decrypt", 400,
		"{\"alg\":\"A256GCM\",\"value\":\"%s\",\"iv\":\"%s\",\"tag\":\"%s\",\"aad\":\"YWFl\"}", json_str(gcm, "value"),
		json_str(gcm, "iv"), json_str(gcm, "tag")));
	_cleanup_json_ json_t *cbc = post(f, "beta", "oct", "encrypt", 200,
		"{\"alg\":\"A256CBCPAD\",\"value\":\"YWJj\",\"iv\":\"" IV_16 "\"}");
	_cleanup_json_ json_t *text = post(f, "beta", "oct", "decrypt", 200,
		"{\"alg\":\"A256CBCPAD\",\"value\":\"%s\",\"iv\":\"" IV_16 "\"}", json_str(cbc, "value"));
	assert_string_equal(json_str(text, "value"), "YWJj");
	_cleanup_json_ json_t *wrapped = post(f, "beta", "oct", "wrapkey", 200, "{\"alg\":\"A256KW\",\"value\":\"" PLAIN "\"}");
	_cleanup_json_ json_t *plain = post(f, "beta", "oct", "unwrapkey", 200, "{\"alg\":\"A256KW\",\"value\":\"%s\"}",
		json_str(wrapped, "value"));
	assert_string_equal(json_str(plain, "value"), PLAIN);
	json_decref(post(f, "beta", "oct", "wrapkey", 400, "{\"alg\":\"A128KW\",\"value\":\"" PLAIN "\"}"));
	json_decref(post(f, "beta", "oct", "wrapkey", 400, "{\"alg\":\"RSA-OAEP\",\"value\":\"" PLAIN "\"}"));
	json_decref(post(f, "beta", "oct", "encrypt", 400, "{\"alg\":\"A256CBC\",\"value\":\"YWJj\",\"iv\":\"" IV_16 "\"}"));
	// A rotation makes one of the same size; what is shown of it tells nothing.
	_cleanup_json_ json_t *rotated = post(f, "beta", "oct", "rotate", 200, "%s", "{}");
	assert_int_equal(json_object_size(json_at(rotated, "key")), 3);
	json_decref(post(f, "beta", "oct", "wrapkey", 200, "{\"alg\":\"A256KW\",\"value\":\"" PLAIN "\"}"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip_of_every_size_and_algorithm),
		cmocka_unit_test(test_the_public_key_wraps_what_the_vault_unwraps),
		cmocka_unit_test(test_versionless_means_the_newest),
		cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_length_limits),
		cmocka_unit_test(test_standard_base64_with_the_oldest_version_only),
		cmocka_unit_test(test_a_disabled_key_does_nothing),
		cmocka_unit_test(test_key_ops_are_kept_to),
		cmocka_unit_test(test_outside_the_window_only_unwrapping_goes_on),
		cmocka_unit_test(test_keys_of_one_name_in_two_vaults_are_two_keys),
		cmocka_unit_test(test_deleted_keys_do_nothing),
		cmocka_unit_test(test_every_signature),
		cmocka_unit_test(test_encryption_with_rsa),
		cmocka_unit_test(test_symmetric_keys),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
