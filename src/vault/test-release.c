// SPDX-License-Identifier: Apache-2.0
// What needs attestation: release of keys, and the attestation of keys. Random bytes are not for vaults at all.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"
#define NEW "?api-version=2025-07-01"

// {"version":"1.0.0","anyOf":[{"authority":"https://a/","allOf":[{"claim":"c","equals":"v"}]}]}
#define POLICY \
	"eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9yaXR5IjoiaHR0cHM6Ly9hLyIsImFsbE9mIjpbeyJjbGFpbSI6ImMiLCJlcXVhbHMi" \
	"OiJ2In1dfV19"
#define RELEASABLE(more) \
	"{\"kty\":\"RSA-HSM\",\"attributes\":{\"exportable\":true" more "},\"release_policy\":{\"data\":\"" POLICY "\"}}"
#define BODY "{\"target\":\"eyJhbGciOiJub25lIn0.e30.\"}"

static json_t *create(struct fixture *f, const char *host, const char *name, const char *body) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/create" V, name);
	return fixture_ok(f, f->admin, "POST", host, path, body);
}

static void refused(struct fixture *f, const char *host, const char *path, const char *body, int status, const char *inner,
	const char *words) {
	fixture_refused(f, f->admin, "POST", host, path, body, status, status == 400 ? "BadParameter" : "Forbidden", inner, words);
}

static void never(struct fixture *f, const char *path, const char *body) {
	refused(f, "beta", path, body, 403, "AccessDenied", "Target environment attestation statement cannot be verified.");
}

static void test_no_statement_releases_a_key(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = create(f, "beta", "exportable", RELEASABLE(""));
	assert_true(json_bool(k, "attributes.exportable", false));
	_cleanup_free_ char *versioned = strv_printf("/keys/exportable/%s/release" V, strrchr(json_str(k, "key.kid"), '/') + 1);
	never(f, "/keys/exportable/release" V, BODY);
	never(f, "/keys/exportable//release" V, BODY);
	never(f, versioned, BODY);
	never(f, "/keys/exportable/release" V, "{\"target\":\"x\",\"nonce\":\"n\",\"enc\":\"CKM_RSA_AES_KEY_WRAP\"}");
	never(f, "/keys/exportable/release" V, "{\"target\":\"x\",\"nonce\":null,\"enc\":\"RSA_AES_KEY_WRAP_256\"}");
	never(f, "/keys/exportable/release" V, "{\"target\":\"x\",\"enc\":\"RSA_AES_KEY_WRAP_384\"}");
	_cleanup_json_ json_t *record = fixture_last_record(f, "beta");
	assert_string_equal(json_str(record, "operationName"), "KeyRelease");
	assert_string_equal(json_str(record, "resultSignature"), "Forbidden");
}

static void test_release_is_judged_the_same_outside_the_window(void **state) {
	struct fixture *f = *state;
	json_decref(create(f, "beta", "expired", RELEASABLE(",\"exp\":1000")));
	json_decref(create(f, "beta", "early", RELEASABLE(",\"nbf\":9000000000")));
	never(f, "/keys/expired/release" V, BODY);
	never(f, "/keys/early/release" V, BODY);
}

static void test_release_refuses_malformed_bodies(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"", "must be a JSON object"},
		{"[]", "must be a JSON object"},
		{"{}", "'target' is required"},
		{"{\"target\":null}", "'target' is required"},
		{"{\"target\":\"\"}", "'target' is required"},
		{"{\"target\":7}", "'target' is required"},
		{"{\"target\":\"x\",\"nonce\":7}", "'nonce' must be a string"},
		{"{\"target\":\"x\",\"enc\":7}", "'enc' must be"},
		{"{\"target\":\"x\",\"enc\":\"\"}", "'enc' must be"},
		{"{\"target\":\"x\",\"enc\":\"RSA-OAEP\"}", "'enc' must be"},
	};
	json_decref(create(f, "beta", "bodies", RELEASABLE("")));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(f, "beta", "/keys/bodies/release" V, cases[i].body, 400, "", cases[i].words);
}

static void test_release_refuses_keys_that_are_not_for_it(void **state) {
	struct fixture *f = *state;
	json_decref(create(f, "beta", "kept", "{\"kty\":\"RSA-HSM\"}"));
	refused(f, "beta", "/keys/kept/release" V, BODY, 403, "KeyOperationForbidden", "Operation release is not permitted");
	json_decref(create(f, "alpha", "kept", "{\"kty\":\"RSA\"}"));
	refused(f, "alpha", "/keys/kept/release" V, BODY, 403, "KeyOperationForbidden", "Operation release is not permitted");
	json_decref(create(f, "beta", "off", RELEASABLE(",\"enabled\":false")));
	refused(f, "beta", "/keys/off/release" V, BODY, 403, "KeyDisabled", "Operation release is not allowed on a disabled key");
	fixture_refused(f, f->admin, "POST", "beta", "/keys/absent/release" V, BODY, 404, "KeyNotFound", "", "absent");
	fixture_refused(f, f->admin, "POST", "beta", "/keys/kept/0123/release" V, BODY, 404, "KeyNotFound", "", "kept/0123");
	refused(f, "beta", "/keys/kept/release?api-version=7.2", BODY, 400, "", "release");
}

static void test_release_needs_its_permission(void **state) {
	struct fixture *f = *state;
	fixture_refused(f, f->nobody, "POST", "beta", "/keys/exportable/release" V, BODY, 403, "Forbidden", "ForbiddenByRbac",
		"keys/release/action");
	fixture_refused(f, f->admin, "POST", "policy", "/keys/exportable/release" V, BODY, 403, "Forbidden", "ForbiddenByPolicy",
		"keys release permission");
}

static void test_attestation_shows_the_key_of_an_hsm(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = create(f, "beta", "attested", "{\"kty\":\"RSA-HSM\"}");
	const char *version = strrchr(json_str(k, "key.kid"), '/') + 1;
	_cleanup_free_ char *versioned = strv_printf("/keys/attested/%s/attestation" NEW, version);
	const char *const paths[] = {
		"/keys/attested/attestation" NEW, versioned, "/keys/attested/attestation?api-version=7.6-preview.2",
	};
	_cleanup_json_ json_t *bundle = NULL;
	assert_int_equal(fixture_call(f, f->admin, "GET", "beta", "/keys/attested" NEW, NULL, &bundle), 200);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_json_ json_t *json = NULL;
		assert_int_equal(fixture_call(f, f->admin, "GET", "beta", paths[i], NULL, &json), 200);
		assert_true(json_equal(json, bundle));
		assert_null(json_at(json, "attributes.attestation"));
	}
}

static void test_attestation_refuses(void **state) {
	struct fixture *f = *state;
	json_decref(create(f, "beta", "software", "{\"kty\":\"RSA\"}"));
	fixture_refused(f, f->admin, "GET", "beta", "/keys/software/attestation" NEW, NULL, 400, "BadParameter", "",
		"only available for keys that an HSM holds");
	fixture_refused(f, f->admin, "GET", "beta", "/keys/software/attestation" V, NULL, 400, "BadParameter", "", "attestation");
	fixture_refused(f, f->admin, "GET", "beta", "/keys/absent/attestation" NEW, NULL, 404, "KeyNotFound", "", "absent");
	fixture_refused(f, f->nobody, "GET", "beta", "/keys/software/attestation" NEW, NULL, 403, "Forbidden", "ForbiddenByRbac",
		"keys/read");
}

static void test_vaults_give_no_random_bytes(void **state) {
	struct fixture *f = *state;
	refused(f, "beta", "/rng" V, "{\"count\":8}", 400, "", "Method POST does not allow operation 'rng'");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_statement_releases_a_key),
		cmocka_unit_test(test_release_is_judged_the_same_outside_the_window),
		cmocka_unit_test(test_release_refuses_malformed_bodies),
		cmocka_unit_test(test_release_refuses_keys_that_are_not_for_it),
		cmocka_unit_test(test_release_needs_its_permission),
		cmocka_unit_test(test_attestation_shows_the_key_of_an_hsm),
		cmocka_unit_test(test_attestation_refuses),
		cmocka_unit_test(test_vaults_give_no_random_bytes),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
