// SPDX-License-Identifier: Apache-2.0
// Operations on keys, and everything that refuses one.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"

static json_t *ok(struct fixture *f, const char *method, const char *host, const char *path, const char *body) {
	return fixture_ok(f, f->admin, method, host, path, body);
}

static void refused(struct fixture *f, const char *method, const char *path, const char *body, int status,
	const char *code, const char *inner, const char *words) {
	fixture_refused(f, f->admin, method, "alpha", path, body, status, code, inner, words);
}

static const char *version_of(const json_t *bundle) {
	return strrchr(json_str(bundle, "key.kid"), '/') + 1;
}

static bool has_op(const json_t *bundle, const char *name) {
	size_t i;
	const json_t *op;
	json_array_foreach(json_at(bundle, "key.key_ops"), i, op)
		if (strcmp(json_string_value(op), name) == 0)
			return true;
	return false;
}

static void test_create_gives_a_bundle_with_defaults(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "ALPHA", "/keys/First/create" V, "{\"kty\":\"RSA\"}");
	assert_memory_equal(json_str(k, "key.kid"), "https://alpha.vault.azure.net/keys/First/", 41);
	assert_true(object_version_valid(version_of(k)));
	assert_string_equal(json_str(k, "key.kty"), "RSA");
	assert_string_equal(json_str(k, "key.e"), "AQAB");
	assert_int_equal(strlen(json_str(k, "key.n")), 342);
	assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 6);
	assert_true(has_op(k, "unwrapKey"));
	assert_true(json_is_true(json_at(k, "attributes.enabled")));
	assert_int_equal(json_int(k, "attributes.recoverableDays", 0), 90);
	assert_string_equal(json_str(k, "attributes.recoveryLevel"), "Recoverable+Purgeable");
	assert_int_equal(json_int(k, "attributes.created", 0), json_int(k, "attributes.updated", 1));
	assert_null(json_at(k, "attributes.exp"));
	assert_null(json_at(k, "attributes.nbf"));
	assert_null(json_at(k, "tags"));
	assert_null(json_at(k, "key.d"));
	// Names compare without case; the spelling of the first creation stands.
	_cleanup_json_ json_t *again = ok(f, "GET", "alpha", "/KEYS/fIRST" V, NULL);
	assert_string_equal(json_str(again, "key.kid"), json_str(k, "key.kid"));
}

static void test_create_keeps_what_was_asked(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "alpha", "/keys/asked/create" V,
		"{\"kty\":\"RSA\",\"key_size\":3072,\"public_exponent\":65537,\"key_ops\":[\"wrapKey\",\"unwrapKey\"],\"attributes\":"
		"{\"enabled\":false,\"nbf\":1000,\"exp\":2000,\"exportable\":false},\"tags\":{\"a\":\"b\"},\"release_policy\":null}");
	assert_int_equal(strlen(json_str(k, "key.n")), 512);
	assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 2);
	assert_true(json_is_false(json_at(k, "attributes.enabled")));
	assert_int_equal(json_int(k, "attributes.nbf", 0), 1000);
	assert_int_equal(json_int(k, "attributes.exp", 0), 2000);
	assert_string_equal(json_str(k, "tags.a"), "b");
	// A disabled key can still be read.
	_cleanup_json_ json_t *read = ok(f, "GET", "alpha", "/keys/asked" V, NULL);
	assert_true(json_equal(read, k));
}

static void refused_kty(struct fixture *f, const char *kty) {
	_cleanup_free_ char *body = strv_printf("{\"kty\":\"%s\"}", kty), *words = strv_printf("Invalid kty value: %s", kty);
	refused(f, "POST", "/keys/refused/create" V, body, 400, "BadParameter", "KeyTypeNotSupported", words);
}

static void test_create_refuses(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"", "must be a JSON object"},
		{"[]", "must be a JSON object"},
		{"{\"kty\":\"RSA\"", "must be a JSON object"},
		{"{}", "'kty' is required"},
		{"{\"kty\":\"EC\",\"crv\":\"P-224\"}", "'crv' must be"},
		{"{\"kty\":\"EC\",\"crv\":1}", "'crv' must be"},
		{"{\"kty\":\"EC\",\"crv\":\"P-384\",\"key_size\":256}", "does not fit the curve"},
		{"{\"kty\":\"EC\",\"key_size\":250}", "does not fit the curve"},
		{"{\"kty\":\"EC\",\"key_size\":9223372036854775807}", "does not fit the curve"},
		{"{\"kty\":\"EC\",\"key_ops\":[\"wrapKey\"]}", "does not have"},
		{"{\"kty\":\"RSA-HSM\"}", "not allowed on standard vault"},
		{"{\"kty\":\"EC-HSM\"}", "not allowed on standard vault"},
		{"{\"kty\":\"oct-HSM\"}", "not allowed on standard vault"},
		{"{\"kty\":\"RSA\",\"key_size\":1024}", "2048, 3072 or 4096"},
		{"{\"kty\":\"RSA\",\"key_size\":\"2048\"}", "2048, 3072 or 4096"},
		{"{\"kty\":\"RSA\",\"public_exponent\":4}", "odd number"},
		{"{\"kty\":\"RSA\",\"public_exponent\":1}", "odd number"},
		{"{\"kty\":\"RSA\",\"key_ops\":[\"import\",\"sign\"]}", "mutually exclusive"},
		{"{\"kty\":\"RSA\",\"key_ops\":\"sign\"}", "must be an array"},
		{"{\"kty\":\"RSA\",\"key_ops\":[\"release\"]}", "invalid value"},
		{"{\"kty\":\"RSA\",\"key_ops\":[1]}", "invalid value"},
		{"{\"kty\":\"RSA\",\"attributes\":[]}", "must be an object"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"enabled\":\"true\"}}", "'attributes.enabled' must be a boolean"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"exportable\":1}}", "'attributes.exportable' must be a boolean"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"exp\":-1}}", "'attributes.exp' must be an integer"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"exp\":0}}", "'attributes.exp' must be an integer"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"exp\":253402300800}}", "'attributes.exp' must be an integer"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"nbf\":\"2027-01-01\"}}", "'attributes.nbf' must be an integer"},
		{"{\"kty\":\"RSA\",\"tags\":{\"a\":1}}", "object of strings"},
		{"{\"kty\":\"RSA\",\"tags\":[]}", "object of strings"},
		{"{\"kty\":\"RSA\",\"attributes\":{\"exportable\":true}}", "AKV.SKR.1001"},
		{"{\"kty\":\"RSA\",\"release_policy\":{\"data\":\"e30\"}}", "AKV.SKR.1005"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(f, "POST", "/keys/refused/create" V, cases[i].body, 400, "BadParameter", "", cases[i].words);
	refused_kty(f, "oct");
	refused_kty(f, "DSA");
	static const char exportable[] = "{\"kty\":\"RSA\",\"attributes\":{\"exportable\":true},\"release_policy\":{\"data\":\"e30\"}}";
	fixture_refused(f, f->admin, "POST", "beta", "/keys/refused/create" V, exportable, 400, "BadParameter", "", "AKV.SKR.1006");
	fixture_refused(f, f->admin, "POST", "beta", "/keys/refused/create" V,
		"{\"kty\":\"RSA\",\"attributes\":{\"exportable\":true}}", 400, "BadParameter", "", "AKV.SKR.1004");
	refused(f, "GET", "/keys/refused" V, NULL, 404, "KeyNotFound", "", "(name/id) refused was not found");
}

static void test_tags_have_limits(void **state) {
	struct fixture *f = *state;
	_cleanup_buf_ struct buf many = {0}, lengthy = {0};
	assert_int_equal(buf_str(&many, "{\"kty\":\"RSA\",\"tags\":{\"0\":\"\""), 0);
	for (int i = 1; i <= TAGS_MAX; i++)
		assert_int_equal(buf_printf(&many, ",\"%d\":\"\"", i), 0);
	assert_int_equal(buf_str(&many, "}}"), 0);
	refused(f, "POST", "/keys/tagged/create" V, buf_cstr(&many), 400, "BadParameter", "", "more than 15");
	assert_int_equal(buf_printf(&lengthy, "{\"kty\":\"RSA\",\"tags\":{\"a\":\"%0257d\"}}", 0), 0);
	refused(f, "POST", "/keys/tagged/create" V, buf_cstr(&lengthy), 400, "BadParameter", "", "longer than 256");
}

static void test_a_new_version_leaves_the_old_one_usable(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/versions1/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_json_ json_t *two = ok(f, "POST", "alpha", "/keys/VERSIONS1/create" V, "{\"kty\":\"RSA\"}");
	assert_string_not_equal(version_of(one), version_of(two));
	assert_string_not_equal(json_str(one, "key.n"), json_str(two, "key.n"));
	assert_non_null(strstr(json_str(two, "key.kid"), "/keys/versions1/"));
	_cleanup_json_ json_t *latest = ok(f, "GET", "alpha", "/keys/versions1/" V, NULL);
	assert_true(json_equal(latest, two));
	_cleanup_free_ char *path = strv_printf("/keys/versions1/%s" V, version_of(one));
	_cleanup_json_ json_t *old = ok(f, "GET", "alpha", path, NULL);
	assert_true(json_equal(old, one));
}

static void test_get_refuses(void **state) {
	struct fixture *f = *state;
	refused(f, "GET", "/keys/absent" V, NULL, 404, "KeyNotFound", "", "linkid=2125182");
	refused(f, "GET", "/keys/absent/00000000000000000000000000000000" V, NULL, 404, "KeyNotFound", "",
		"absent/00000000000000000000000000000000");
	refused(f, "GET", "/keys/absent/nonsense" V, NULL, 404, "KeyNotFound", "", "absent/nonsense");
	refused(f, "GET", "/keys/with_underscore" V, NULL, 400, "BadParameter", "", "key name");
	_cleanup_free_ char *lengthy = strv_printf("/keys/%0128d" V, 0);
	refused(f, "GET", lengthy, NULL, 400, "BadParameter", "", "key name");
}

static void test_routes_and_versions_are_checked(void **state) {
	struct fixture *f = *state;
	refused(f, "GET", "/keys", NULL, 400, "BadParameter", "", "'api-version' is required");
	refused(f, "GET", "/keys?api-version=6.0", NULL, 400, "BadParameter", "",
		"The specified version (6.0) is not recognized. Consider using the latest supported version (2026-04-01).");
	refused(f, "GET", "/keys?api-version=7.4-preview", NULL, 400, "BadParameter", "", "not recognized");
	refused(f, "PUT", "/keys/restore" V, "{}", 400, "BadParameter", "", "Method PUT does not allow operation 'restore'");
	refused(f, "POST", "/keys/k/mint" V, "{}", 400, "BadParameter", "", "Method POST does not allow operation 'mint'");
	refused(f, "POST", "/keys/k/rotate?api-version=7.2", "{}", 400, "BadParameter", "", "does not allow operation");
	refused(f, "GET", "/keys?api-version=2025-13-0", NULL, 400, "BadParameter", "", "not recognized");
	refused(f, "GET", "/keys?api-version=2025-07-02", NULL, 400, "BadParameter", "", "not recognized");
	refused(f, "GET", "/keys?api-version=2027-01-01-beta", NULL, 400, "BadParameter", "", "not recognized");
	refused(f, "GET", "/certificates/s%C3%A9%22" V, NULL, 400, "BadParameter", "", "does not allow operation");
	static const char *const versions[] = {
		"2015-06-01", "2016-10-01", "7.0-preview", "7.0", "7.1-preview", "7.1", "7.2-preview", "7.2", "7.3-preview", "7.3",
		"7.4-preview.1", "7.4", "7.5-preview.1", "7.5", "7.6-preview.1", "7.6-preview.2", "7.6", "2025-07-01", "2026-04-01",
		// Later ones are served as the newest that is known.
		"2027-01-01", "2031-12-31-preview",
	};
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		_cleanup_free_ char *path = strv_printf("/keys?api-version=%s", versions[i]);
		json_decref(ok(f, "GET", "alpha", path, NULL));
	}
}

static void test_large_body_is_refused(void **state) {
	struct fixture *f = *state;
	_cleanup_buf_ struct buf body = {0};
	for (int i = 0; i < VAULT_BODY_MAX / 8 + 1; i++)
		assert_int_equal(buf_str(&body, "        "), 0);
	refused(f, "POST", "/keys/large/create" V, buf_cstr(&body), 413, "BadParameter", "", "65536");
}

static void test_update_changes_only_what_is_supplied(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "alpha", "/keys/update/create" V,
		"{\"kty\":\"RSA\",\"attributes\":{\"exp\":9000},\"tags\":{\"a\":\"b\"}}");
	_cleanup_free_ char *path = strv_printf("/keys/update/%s" V, version_of(k));
	_cleanup_json_ json_t *disabled = ok(f, "PATCH", "alpha", path, "{\"attributes\":{\"enabled\":false}}");
	assert_true(json_is_false(json_at(disabled, "attributes.enabled")));
	assert_int_equal(json_int(disabled, "attributes.exp", 0), 9000);
	assert_string_equal(json_str(disabled, "tags.a"), "b");
	assert_int_equal(json_array_size(json_at(disabled, "key.key_ops")), 6);
	_cleanup_json_ json_t *rest = ok(f, "PATCH", "alpha", "/keys/update/" V,
		"{\"key_ops\":[\"unwrapKey\"],\"attributes\":{\"nbf\":5,\"enabled\":null},\"tags\":{\"c\":\"d\"}}");
	assert_true(json_is_false(json_at(rest, "attributes.enabled")));
	assert_int_equal(json_int(rest, "attributes.nbf", 0), 5);
	assert_null(json_at(rest, "tags.a"));
	assert_string_equal(json_str(rest, "tags.c"), "d");
	assert_int_equal(json_array_size(json_at(rest, "key.key_ops")), 1);
	assert_string_equal(json_str(rest, "key.n"), json_str(k, "key.n"));
	_cleanup_json_ json_t *read = ok(f, "GET", "alpha", "/keys/update" V, NULL);
	assert_true(json_equal(read, rest));
	_cleanup_json_ json_t *bare = ok(f, "PATCH", "alpha", path, "{\"tags\":{},\"attributes\":{\"enabled\":true}}");
	assert_null(json_at(bare, "tags"));
	assert_true(json_is_true(json_at(bare, "attributes.enabled")));
}

static void test_update_is_for_one_version(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/update2/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_json_ json_t *two = ok(f, "POST", "alpha", "/keys/update2/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_free_ char *path = strv_printf("/keys/update2/%s" V, version_of(one));
	_cleanup_json_ json_t *updated = ok(f, "PATCH", "alpha", path, "{\"attributes\":{\"enabled\":false}}");
	assert_string_equal(version_of(updated), version_of(one));
	_cleanup_json_ json_t *latest = ok(f, "GET", "alpha", "/keys/update2" V, NULL);
	assert_true(json_equal(latest, two));
}

static void test_update_refuses(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "alpha", "/keys/update3/create" V, "{\"kty\":\"RSA\"}");
	_cleanup_free_ char *path = strv_printf("/keys/update3/%s" V, version_of(k));
	refused(f, "PATCH", path, "{\"attributes\":{\"exportable\":true}}", 400, "BadParameter", "", "AKV.SKR.1014");
	refused(f, "PATCH", path, "{\"release_policy\":{\"data\":\"e30\"}}", 400, "BadParameter", "", "AKV.SKR.1016");
	refused(f, "PATCH", "/keys/update3" V, "{\"release_policy\":{\"data\":\"e30\"}}", 400, "BadParameter", "", "AKV.SKR.1005");
	refused(f, "PATCH", path, "nonsense", 400, "BadParameter", "", "must be a JSON object");
	refused(f, "PATCH", "/keys/absent" V, "{}", 404, "KeyNotFound", "", "absent");
	refused(f, "PATCH", "/keys/update3/00000000000000000000000000000000" V, "{}", 404, "KeyNotFound", "", "update3/0000");
}

static void test_method_override(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", "alpha", "/keys/override/create" V, "{\"kty\":\"RSA\"}"));
	_cleanup_reply_ struct http_reply patched = {0}, bad = {0}, deleted = {0};
	assert_int_equal(fixture_send(f, f->client, f->admin, "POST", "alpha", "/keys/override" V,
		"{\"attributes\":{\"enabled\":false}}", "X-HTTP-METHOD: patch", &patched), 0);
	assert_int_equal(patched.status, 200);
	assert_non_null(strstr(buf_cstr(&patched.body), "\"enabled\":false"));
	assert_int_equal(fixture_send(f, f->client, f->admin, "POST", "alpha", "/keys/override" V, "{}", "X-HTTP-METHOD: TRACE",
		&bad), 0);
	assert_int_equal(bad.status, 400);
	assert_int_equal(fixture_send(f, f->client, f->admin, "POST", "alpha", "/keys/override" V, "", "X-HTTP-METHOD: DELETE",
		&deleted), 0);
	assert_int_equal(deleted.status, 200);
	refused(f, "GET", "/keys/override" V, NULL, 404, "KeyNotFound", "", "override");
}

static void test_delete_recover_purge(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/Cycle/create" V, "{\"kty\":\"RSA\",\"tags\":{\"a\":\"b\"}}");
	_cleanup_json_ json_t *two = ok(f, "POST", "alpha", "/keys/Cycle/create" V, "{\"kty\":\"RSA\"}");
	refused(f, "GET", "/deletedkeys/cycle" V, NULL, 404, "KeyNotFound", "", "Deleted Key not found: cycle");
	_cleanup_json_ json_t *deleted = ok(f, "DELETE", "alpha", "/keys/cycle" V, NULL);
	assert_string_equal(json_str(deleted, "recoveryId"), "https://alpha.vault.azure.net/deletedkeys/Cycle");
	assert_int_equal(json_int(deleted, "scheduledPurgeDate", 0) - json_int(deleted, "deletedDate", 0), 90 * 86400);
	assert_string_equal(json_str(deleted, "key.kid"), json_str(two, "key.kid"));
	_cleanup_free_ char *old = strv_printf("/keys/cycle/%s" V, version_of(one));
	refused(f, "GET", "/keys/cycle" V, NULL, 404, "KeyNotFound", "", "cycle");
	refused(f, "GET", old, NULL, 404, "KeyNotFound", "", "cycle");
	refused(f, "GET", "/keys/cycle/versions" V, NULL, 404, "KeyNotFound", "", "cycle");
	refused(f, "DELETE", "/keys/cycle" V, NULL, 404, "KeyNotFound", "", "cycle");
	refused(f, "PATCH", "/keys/cycle" V, "{}", 404, "KeyNotFound", "", "cycle");
	refused(f, "POST", "/keys/cycle/rotate" V, "", 404, "KeyNotFound", "", "cycle");
	refused(f, "POST", "/keys/cycle/create" V, "{\"kty\":\"RSA\"}", 409, "Conflict", "ObjectIsDeletedButRecoverable",
		"Key Cycle is currently in a deleted but recoverable state");
	_cleanup_json_ json_t *read = ok(f, "GET", "alpha", "/deletedkeys/cycle" V, NULL);
	assert_true(json_equal(read, deleted));
	_cleanup_json_ json_t *recovered = ok(f, "POST", "alpha", "/deletedkeys/cycle/recover" V, "");
	assert_true(json_equal(recovered, two));
	_cleanup_json_ json_t *restored = ok(f, "GET", "alpha", old, NULL);
	assert_true(json_equal(restored, one));
	refused(f, "POST", "/deletedkeys/cycle/recover" V, "", 404, "KeyNotFound", "", "Deleted Key not found");
	refused(f, "DELETE", "/deletedkeys/cycle" V, NULL, 404, "KeyNotFound", "", "Deleted Key not found");
	json_decref(ok(f, "DELETE", "alpha", "/keys/cycle" V, NULL));
	_cleanup_json_ json_t *nothing = NULL;
	assert_int_equal(fixture_call(f, f->admin, "DELETE", "alpha", "/deletedkeys/cycle" V, NULL, &nothing), 204);
	assert_null(nothing);
	refused(f, "GET", "/deletedkeys/cycle" V, NULL, 404, "KeyNotFound", "", "Deleted Key not found");
	_cleanup_json_ json_t *anew = ok(f, "POST", "alpha", "/keys/cycle/create" V, "{\"kty\":\"RSA\"}");
	assert_non_null(strstr(json_str(anew, "key.kid"), "/keys/cycle/"));
	refused(f, "GET", old, NULL, 404, "KeyNotFound", "", "cycle");
}

static void test_purge_protection(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "beta", "/keys/kept/create" V, "{\"kty\":\"RSA\"}");
	assert_string_equal(json_str(k, "attributes.recoveryLevel"), "CustomizedRecoverable");
	assert_int_equal(json_int(k, "attributes.recoverableDays", 0), 7);
	json_decref(ok(f, "DELETE", "beta", "/keys/kept" V, NULL));
	fixture_refused(f, f->admin, "DELETE", "beta", "/deletedkeys/kept" V, NULL, 403, "Forbidden", "",
		"Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will "
		"automatically purge it after the retention period has passed.\nVault: Beta;location=westeurope");
	json_decref(ok(f, "POST", "beta", "/deletedkeys/kept/recover" V, ""));
	json_decref(ok(f, "DELETE", "beta", "/keys/kept" V, NULL));

	// Before the end of the retention nothing is purged; after it the service does.
	struct err err = {0};
	clock_set_offset(7 * 86400 - 60);
	assert_int_equal(vault_purge_due(f->vault, &err), 0);
	fixture_renew_tokens(f);
	json_decref(ok(f, "GET", "beta", "/deletedkeys/kept" V, NULL));
	clock_set_offset(7 * 86400 + 60);
	fixture_refused(f, f->admin, "GET", "beta", "/deletedkeys/kept" V, NULL, 404, "KeyNotFound", "", "Deleted Key not found");
	assert_int_equal(vault_purge_due(f->vault, &err), 0);
	_cleanup_json_ json_t *record = fixture_last_record(f, "beta");
	assert_string_equal(json_str(record, "operationName"), "KeyPurge");
	assert_string_equal(json_str(record, "resultDescription"), "The retention period has ended.");
	_cleanup_json_ json_t *anew = ok(f, "POST", "beta", "/keys/kept/create" V, "{\"kty\":\"RSA\"}");
	assert_string_not_equal(json_str(anew, "key.kid"), json_str(k, "key.kid"));
	clock_set_offset(0);
	fixture_renew_tokens(f);
}

static void test_a_name_is_free_at_the_end_of_retention_though_nothing_ran(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *k = ok(f, "POST", "beta", "/keys/late/create" V, "{\"kty\":\"RSA\"}");
	json_decref(ok(f, "DELETE", "beta", "/keys/late" V, NULL));
	clock_set_offset(8 * 86400);
	fixture_renew_tokens(f);
	int64_t records = fixture_record_count(f, "beta");
	json_decref(ok(f, "POST", "beta", "/keys/late/create" V, "{\"kty\":\"RSA\"}"));
	// That the old one is gone for good is on record too.
	assert_int_equal(fixture_record_count(f, "beta"), records + 2);
	_cleanup_free_ char *old = strv_printf("/keys/late/%s" V, version_of(k));
	fixture_refused(f, f->admin, "GET", "beta", old, NULL, 404, "KeyNotFound", "", "late");
	clock_set_offset(0);
	fixture_renew_tokens(f);
}

static void test_rotate_copies(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/rotate1/create" V,
		"{\"kty\":\"RSA\",\"key_size\":3072,\"key_ops\":[\"wrapKey\",\"unwrapKey\"],\"attributes\":{\"enabled\":false,\"exp\":9},"
		"\"tags\":{\"a\":\"b\"}}");
	_cleanup_json_ json_t *two = ok(f, "POST", "alpha", "/keys/rotate1/rotate" V, NULL);
	assert_string_not_equal(version_of(one), version_of(two));
	assert_int_equal(strlen(json_str(two, "key.n")), 512);
	assert_true(json_equal(json_at(one, "key.key_ops"), json_at(two, "key.key_ops")));
	assert_string_equal(json_str(two, "tags.a"), "b");
	assert_true(json_is_true(json_at(two, "attributes.enabled")));
	assert_null(json_at(two, "attributes.exp"));
	_cleanup_json_ json_t *latest = ok(f, "GET", "alpha", "/keys/rotate1" V, NULL);
	assert_true(json_equal(latest, two));
	refused(f, "POST", "/keys/absent/rotate" V, NULL, 404, "KeyNotFound", "", "absent");
}

static void test_vault_not_found(void **state) {
	struct fixture *f = *state;
	fixture_refused(f, f->admin, "GET", "nowhere", "/keys" V, NULL, 404, "VaultNotFound", "", "nowhere");
	fixture_refused(f, f->admin, "GET", "gone", "/keys" V, NULL, 404, "VaultNotFound", "", "gone");
	fixture_refused(f, f->admin, "GET", "a-name-that-is-longer-than-any-vault", "/keys" V, NULL, 404, "VaultNotFound", "", "");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_gives_a_bundle_with_defaults),
		cmocka_unit_test(test_create_keeps_what_was_asked),
		cmocka_unit_test(test_create_refuses),
		cmocka_unit_test(test_tags_have_limits),
		cmocka_unit_test(test_a_new_version_leaves_the_old_one_usable),
		cmocka_unit_test(test_get_refuses),
		cmocka_unit_test(test_routes_and_versions_are_checked),
		cmocka_unit_test(test_large_body_is_refused),
		cmocka_unit_test(test_update_changes_only_what_is_supplied),
		cmocka_unit_test(test_update_is_for_one_version),
		cmocka_unit_test(test_update_refuses),
		cmocka_unit_test(test_method_override),
		cmocka_unit_test(test_delete_recover_purge),
		cmocka_unit_test(test_purge_protection),
		cmocka_unit_test(test_a_name_is_free_at_the_end_of_retention_though_nothing_ran),
		cmocka_unit_test(test_rotate_copies),
		cmocka_unit_test(test_vault_not_found),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
