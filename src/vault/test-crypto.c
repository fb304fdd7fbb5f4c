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
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
