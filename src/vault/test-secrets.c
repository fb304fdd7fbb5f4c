// SPDX-License-Identifier: Apache-2.0
// Secrets: values, versions, attributes, and everything that refuses one.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"

static json_t *ok(struct fixture *f, const char *method, const char *path, const char *body) {
	return fixture_ok(f, f->admin, method, "alpha", path, body);
}

static void refused(struct fixture *f, const char *method, const char *path, const char *body, int status,
	const char *code, const char *inner, const char *words) {
	fixture_refused(f, f->admin, method, "alpha", path, body, status, code, inner, words);
}

static const char *version_of(const json_t *bundle) {
	return strrchr(json_str(bundle, "id"), '/') + 1;
}

static void test_set_and_get(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *set = ok(f, "PUT", "/secrets/First" V,
		"{\"value\":\"p\\\"w\\\\\\u0001\\u00e9\\n\",\"contentType\":\"text/plain\",\"tags\":{\"a\":\"b\"},\"attributes\":"
		"{\"exp\":5000}}");
	assert_string_equal(json_str(set, "value"), "p\"w\\\x01\xc3\xa9\n");
	assert_memory_equal(json_str(set, "id"), "https://alpha.vault.azure.net/secrets/First/", 44);
	assert_string_equal(json_str(set, "contentType"), "text/plain");
	assert_string_equal(json_str(set, "tags.a"), "b");
	assert_int_equal(json_int(set, "attributes.exp", 0), 5000);
	assert_string_equal(json_str(set, "attributes.recoveryLevel"), "Recoverable+Purgeable");
	assert_null(json_at(set, "attributes.hsmPlatform"));
	assert_null(json_at(set, "kid"));
	// An expired secret can still be read.
	_cleanup_json_ json_t *got = ok(f, "GET", "/Secrets/fIRST" V, NULL);
	assert_true(json_equal(got, set));
	_cleanup_free_ char *path = strv_printf("/secrets/first/%s" V, version_of(set));
	_cleanup_json_ json_t *exact = ok(f, "GET", path, NULL);
	assert_true(json_equal(exact, set));
}

static void test_values_have_limits(void **state) {
	struct fixture *f = *state;
	_cleanup_buf_ struct buf body = {0};
	assert_int_equal(buf_printf(&body, "{\"value\":\"%025600d\"}", 0), 0);
	json_decref(ok(f, "PUT", "/secrets/large" V, buf_cstr(&body)));
	_cleanup_json_ json_t *got = ok(f, "GET", "/secrets/large" V, NULL);
	assert_int_equal(strlen(json_str(got, "value")), 25600);
	buf_clear(&body);
	assert_int_equal(buf_printf(&body, "{\"value\":\"%025601d\"}", 0), 0);
	refused(f, "PUT", "/secrets/large" V, buf_cstr(&body), 400, "BadParameter", "", "25600");
	json_decref(ok(f, "PUT", "/secrets/empty" V, "{\"value\":\"\"}"));
	_cleanup_json_ json_t *nothing = ok(f, "GET", "/secrets/empty" V, NULL);
	assert_string_equal(json_str(nothing, "value"), "");
}

static void test_set_refuses(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"", "must be a JSON object"},
		{"{}", "'value' is required"},
		{"{\"value\":1}", "'value' is required"},
		{"{\"value\":null}", "'value' is required"},
		{"{\"value\":\"a\",\"contentType\":1}", "'contentType' must be"},
		{"{\"value\":\"a\",\"tags\":{\"a\":1}}", "object of strings"},
		{"{\"value\":\"a\",\"attributes\":{\"enabled\":1}}", "'attributes.enabled' must be a boolean"},
		{"{\"value\":\"a\",\"attributes\":{\"nbf\":\"x\"}}", "'attributes.nbf' must be an integer"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(f, "PUT", "/secrets/refused" V, cases[i].body, 400, "BadParameter", "", cases[i].words);
	refused(f, "PUT", "/secrets/a_b" V, "{\"value\":\"a\"}", 400, "BadParameter", "", "secret name");
	refused(f, "GET", "/secrets/refused" V, NULL, 404, "SecretNotFound", "", "A secret with (name/id) refused was not found");
	_cleanup_buf_ struct buf lengthy = {0};
	assert_int_equal(buf_printf(&lengthy, "{\"value\":\"a\",\"contentType\":\"%0256d\"}", 0), 0);
	refused(f, "PUT", "/secrets/refused" V, buf_cstr(&lengthy), 400, "BadParameter", "", "255");
}

static void test_update_changes_only_what_is_supplied(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "PUT", "/secrets/update" V, "{\"value\":\"one\",\"contentType\":\"a\"}");
	_cleanup_json_ json_t *two = ok(f, "PUT", "/secrets/update" V, "{\"value\":\"two\"}");
	assert_null(json_at(two, "contentType"));
	_cleanup_free_ char *path = strv_printf("/secrets/update/%s" V, version_of(one));
	_cleanup_json_ json_t *updated = ok(f, "PATCH", path, "{\"tags\":{\"x\":\"y\"},\"attributes\":{\"enabled\":false}}");
	assert_null(json_at(updated, "value"));
	assert_string_equal(json_str(updated, "contentType"), "a");
	assert_true(json_is_false(json_at(updated, "attributes.enabled")));
	refused(f, "GET", path, NULL, 403, "Forbidden", "SecretDisabled", "not allowed on a disabled secret");
	_cleanup_json_ json_t *latest = ok(f, "GET", "/secrets/update" V, NULL);
	assert_string_equal(json_str(latest, "value"), "two");
	_cleanup_json_ json_t *bare = ok(f, "PATCH", path, "{\"contentType\":\"\",\"attributes\":{\"enabled\":true}}");
	assert_null(json_at(bare, "contentType"));
	_cleanup_json_ json_t *again = ok(f, "GET", path, NULL);
	assert_string_equal(json_str(again, "value"), "one");
}

static void test_lists_show_no_values(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *set = ok(f, "PUT", "/secrets/listed" V, "{\"value\":\"v\",\"contentType\":\"t\"}");
	_cleanup_json_ json_t *versions = ok(f, "GET", "/secrets/listed/versions" V, NULL);
	const json_t *item = json_array_get(json_at(versions, "value"), 0);
	assert_string_equal(json_str(item, "id"), json_str(set, "id"));
	assert_string_equal(json_str(item, "contentType"), "t");
	assert_null(json_at(item, "value"));
	_cleanup_json_ json_t *list = ok(f, "GET", "/secrets" V, NULL);
	assert_null(strchr(strstr(json_str(json_array_get(json_at(list, "value"), 0), "id"), "/secrets/") + 9, '/'));
	// A key of the same name is another thing.
	refused(f, "GET", "/keys/listed" V, NULL, 404, "KeyNotFound", "", "(name/id) listed");
}

static void test_delete_recover_purge(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "PUT", "/secrets/gone" V, "{\"value\":\"v\"}"));
	_cleanup_json_ json_t *deleted = ok(f, "DELETE", "/secrets/gone" V, NULL);
	assert_string_equal(json_str(deleted, "recoveryId"), "https://alpha.vault.azure.net/deletedsecrets/gone");
	assert_null(json_at(deleted, "value"));
	assert_int_equal(json_int(deleted, "scheduledPurgeDate", 0) - json_int(deleted, "deletedDate", 0), 90 * 86400);
	refused(f, "PUT", "/secrets/gone" V, "{\"value\":\"v\"}", 409, "Conflict", "ObjectIsDeletedButRecoverable",
		"Secret gone is currently in a deleted but recoverable state");
	refused(f, "GET", "/secrets/gone" V, NULL, 404, "SecretNotFound", "", "gone");
	_cleanup_json_ json_t *read = ok(f, "GET", "/deletedsecrets/gone" V, NULL);
	assert_true(json_equal(read, deleted));
	_cleanup_json_ json_t *recovered = ok(f, "POST", "/deletedsecrets/gone/recover" V, "");
	assert_null(json_at(recovered, "recoveryId"));
	_cleanup_json_ json_t *got = ok(f, "GET", "/secrets/gone" V, NULL);
	assert_string_equal(json_str(got, "value"), "v");
	json_decref(ok(f, "DELETE", "/secrets/gone" V, NULL));
	assert_int_equal(fixture_call(f, f->admin, "DELETE", "alpha", "/deletedsecrets/gone" V, NULL, NULL), 204);
	refused(f, "GET", "/deletedsecrets/gone" V, NULL, 404, "SecretNotFound", "", "Deleted Secret not found: gone");
}

static void test_what_a_certificate_manages_is_left_alone(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "PUT", "/secrets/managed" V, "{\"value\":\"v\"}"));
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
		assert_true(store_exec(tx, NULL, "UPDATE vault_objects SET managed = 1 WHERE name = 'managed'", "") == 1);
		assert_int_equal(store_commit(&tx, NULL), 0);
	}
	_cleanup_json_ json_t *got = ok(f, "GET", "/secrets/managed" V, NULL);
	assert_true(json_is_true(json_at(got, "managed")));
	refused(f, "PUT", "/secrets/managed" V, "{\"value\":\"w\"}", 403, "Forbidden", "", "managed by a certificate");
	refused(f, "PATCH", "/secrets/managed" V, "{}", 403, "Forbidden", "", "managed by a certificate");
	refused(f, "DELETE", "/secrets/managed" V, NULL, 403, "Forbidden", "", "managed by a certificate");
}

static void test_records_hold_no_value(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *set = ok(f, "PUT", "/secrets/audited" V, "{\"value\":\"hunter2hunter2\"}");
	_cleanup_json_ json_t *record = fixture_last_record(f, "alpha");
	assert_string_equal(json_str(record, "operationName"), "SecretSet");
	assert_string_equal(json_str(record, "properties.id"), json_str(set, "id"));
	_cleanup_free_ char *text = json_text(record);
	assert_null(strstr(text, "hunter2"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_get),
		cmocka_unit_test(test_values_have_limits),
		cmocka_unit_test(test_set_refuses),
		cmocka_unit_test(test_update_changes_only_what_is_supplied),
		cmocka_unit_test(test_lists_show_no_values),
		cmocka_unit_test(test_delete_recover_purge),
		cmocka_unit_test(test_what_a_certificate_manages_is_left_alone),
		cmocka_unit_test(test_records_hold_no_value),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
