// SPDX-License-Identifier: Apache-2.0
// What the control plane does with keys and secrets, next to the data plane that has the same ones.
#include "vault/control.h"

#include "base/strv.h"
#include "vault/fixture.h"

#define V "?api-version=7.4"
#define RSA "{\"properties\":{\"kty\":\"RSA\",\"keyOps\":[\"wrapKey\",\"unwrapKey\"]},\"tags\":{\"a\":\"b\"}}"

static struct http_request *request(void) {
	struct http_request *r = NULL;
	assert_int_equal(http_request_inner("PUT", "management.azure.com", "/x?api-version=2023-07-01", "", 0, &r, NULL), 0);
	return r;
}

static struct store_tx *begin(struct fixture *f) {
	struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	return tx;
}

static struct vault_control *open_control(struct fixture *f, struct store_tx *tx, const struct http_request *http,
	const struct object_kind *kind, const char *name) {
	struct vault_record v;
	struct vault_control *x = NULL;
	const struct caller caller = {.oid = "oid", .appid = "app", .tenant = "tenant"};
	assert_int_equal(vault_find(tx, "alpha", &v, NULL), 0);
	const struct vault_control_request from = {
		.keeper = f->keeper, .vault = &v, .kind = kind, .name = name, .http = http, .caller = &caller};
	assert_int_equal(vault_control_open(&from, &x, NULL), 0);
	return x;
}

static json_t *parsed(const char *text) {
	json_t *value = NULL;
	assert_int_equal(json_parse(text, strlen(text), "x", &value, NULL), 0);
	return value;
}

static void test_a_key_is_the_data_planes(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_(http_request_freep) struct http_request *http = request();
	_cleanup_tx_ struct store_tx *tx = begin(f);
	_cleanup_control_ struct vault_control *x = open_control(f, tx, http, &object_keys, "Cmk");
	_cleanup_json_ json_t *body = parsed(RSA);
	assert_int_equal(vault_control_load(x, tx, &err), -ENOENT);
	assert_string_equal(err.code, "KeyNotFound");
	assert_int_equal(vault_control_key_read(x, body, &err), 0);
	store_rollback(&tx);
	assert_int_equal(vault_control_key_make(x, &err), 0);
	tx = begin(f);
	assert_int_equal(vault_control_key_add(x, tx, &err), 0);
	_cleanup_json_ json_t *shown = vault_control_show(x);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_string_equal(json_str(shown, "name"), "Cmk");
	assert_string_equal(json_str(shown, "tags.a"), "b");
	_cleanup_json_ json_t *bundle = fixture_ok(f, f->admin, "GET", "alpha", "/keys/cmk" V, NULL);
	assert_string_equal(json_str(bundle, "key.kid"), json_str(shown, "properties.keyUriWithVersion"));
	_cleanup_json_ json_t *wrapped =
		fixture_ok(f, f->admin, "POST", "alpha", "/keys/cmk/wrapkey" V, "{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAAA\"}");
	assert_non_null(json_str(wrapped, "value"));
}

// A vault of the name that is another one by now gets no key that was sealed for the first.
static void test_a_key_is_for_the_vault_it_was_made_for(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_(http_request_freep) struct http_request *http = request();
	_cleanup_tx_ struct store_tx *tx = begin(f);
	_cleanup_control_ struct vault_control *x = open_control(f, tx, http, &object_keys, "late");
	_cleanup_json_ json_t *body = parsed(RSA);
	assert_int_equal(vault_control_key_read(x, body, &err), 0);
	assert_int_equal(vault_control_key_make(x, &err), 0);
	static const char *const changes[] = {"UPDATE vaults SET created = created + 1 WHERE name = 'alpha'",
		"UPDATE vaults SET deleted = 5 WHERE name = 'alpha'",
		"UPDATE vaults SET resource_id = '/subscriptions/other' WHERE name = 'alpha'"};
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		store_rollback(&tx);
		tx = begin(f);
		assert_int_equal(store_exec(tx, &err, changes[i], ""), 1);
		assert_int_equal(vault_control_key_add(x, tx, &err), -ENOENT);
		assert_int_equal(err.status, 404);
	}
}

// Even if it were committed, nobody could use it; and it looks as the key would.
static void test_a_sketch_is_no_key(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_(http_request_freep) struct http_request *http = request();
	_cleanup_tx_ struct store_tx *tx = begin(f);
	_cleanup_control_ struct vault_control *x = open_control(f, tx, http, &object_keys, "sketch");
	_cleanup_json_ json_t *body = parsed("{\"properties\":{\"kty\":\"RSA\",\"keySize\":4096}}");
	assert_int_equal(vault_control_key_read(x, body, &err), 0);
	assert_int_equal(vault_control_key_sketch(x, &err), 0);
	assert_int_equal(vault_control_key_add(x, tx, &err), 0);
	_cleanup_json_ json_t *shown = vault_control_show(x);
	assert_int_equal(json_int(shown, "properties.keySize", 0), 4096);
	assert_int_equal(json_array_size(json_at(shown, "properties.keyOps")), 6);
	assert_int_equal(store_commit(&tx, &err), 0);
	_cleanup_json_ json_t *answer = NULL;
	int status = fixture_call(f, f->admin, "POST", "alpha", "/keys/sketch/decrypt" V,
		"{\"alg\":\"RSA-OAEP-256\",\"value\":\"AAAA\"}", &answer);
	assert_true(status >= 400);
}

static void test_secrets_keep_what_a_patch_does_not_say(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	bool created = false;
	_cleanup_(http_request_freep) struct http_request *http = request();
	_cleanup_tx_ struct store_tx *tx = begin(f);
	_cleanup_control_ struct vault_control *first = open_control(f, tx, http, &object_secrets, "word");
	_cleanup_control_ struct vault_control *second = open_control(f, tx, http, &object_secrets, "word");
	_cleanup_json_ json_t *body = parsed("{\"properties\":{\"value\":\"one\",\"contentType\":\"t\",\"attributes\":{\"enabled\":false}}}");
	_cleanup_json_ json_t *patch = parsed("{\"properties\":{\"value\":\"two\"}}");
	assert_int_equal(vault_control_secret_patch(second, tx, patch, &err), -ENOENT);
	assert_string_equal(err.code, "SecretNotFound");
	assert_int_equal(vault_control_secret_set(first, tx, body, &created, &err), 0);
	assert_true(created);
	assert_int_equal(vault_control_secret_patch(second, tx, patch, &err), 0);
	_cleanup_json_ json_t *shown = vault_control_show(second);
	_cleanup_free_ char *text = json_text(shown);
	assert_string_equal(json_str(shown, "properties.contentType"), "t");
	assert_true(json_is_false(json_at(shown, "properties.attributes.enabled")));
	assert_null(strstr(text, "two"));
	assert_null(json_at(shown, "properties.value"));
}

static void test_names(void **state) {
	struct fixture *f = *state;
	struct vault_record v;
	struct vault_control *x = NULL;
	struct err err = {0};
	const struct caller caller = {0};
	_cleanup_(http_request_freep) struct http_request *http = request();
	_cleanup_tx_ struct store_tx *tx = begin(f);
	assert_int_equal(vault_find(tx, "alpha", &v, NULL), 0);
	static const char *const names[][2] = {{"", NULL}, {"a_b", NULL}, {"a/b", NULL}, {"a", "x"}, {"a", ""}};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct vault_control_request from = {.keeper = f->keeper, .vault = &v, .kind = &object_keys, .name = names[i][0],
			.version = names[i][1], .http = http, .caller = &caller};
		assert_int_equal(vault_control_open(&from, &x, &err), -EINVAL);
		assert_string_equal(err.code, "BadParameter");
		assert_null(x);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_is_the_data_planes),
		cmocka_unit_test(test_a_key_is_for_the_vault_it_was_made_for),
		cmocka_unit_test(test_a_sketch_is_no_key),
		cmocka_unit_test(test_secrets_keep_what_a_patch_does_not_say),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
