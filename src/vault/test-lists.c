// SPDX-License-Identifier: Apache-2.0
// Pages of keys, versions and deleted keys.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

#define V "?api-version=7.4"

// Keys that are only looked at need no material.
static void insert(struct store_tx *tx, const char *name, const char *version) {
	struct object row = {.ops = KEY_OPS_DEFAULT, .enabled = true, .created = 1000, .updated = 1000,
		.jwk = (char *)(uintptr_t)"{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}", .kty = "RSA"};
	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	(void)snprintf(row.version, sizeof(row.version), "%s", version);
	assert_int_equal(buf_str(&row.sealed, "x"), 0);
	assert_int_equal(object_add_version(tx, "alpha", &object_keys, &row, NULL), 0);
	buf_free(&row.sealed);
}

static int populate(void **state) {
	if (fixture_set_up(state) < 0)
		return -1;
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	char name[64], version[OBJECT_VERSION_LEN + 1];
	for (int i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "Key-%02d", i);
		(void)snprintf(version, sizeof(version), "%032x", i + 1);
		insert(tx, name, version);
	}
	for (int i = 0; i < 60; i++) {
		// Neither in the order of their making nor in that of their ids.
		(void)snprintf(version, sizeof(version), "%032x", 7919 * (i + 1) % 4096 + 1);
		insert(tx, "many", version);
	}
	for (int i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "Dead-%02d", i);
		insert(tx, name, "000000000000000000000000000000aa");
		assert_int_equal(object_mark(tx, "alpha", &object_keys, name, clock_now(), clock_now() + 86400 * 90, NULL), 0);
	}
	assert_int_equal(store_commit(&tx, NULL), 0);
	return 0;
}

// Follow nextLinks as a client does; the number of items seen, each once and in order.
static int walk(struct fixture *f, const char *first, int page, const char *id_member, int *pages) {
	_cleanup_free_ char *path = strdup(first);
	_cleanup_free_ char *last = strdup("");
	int count = 0;
	*pages = 0;
	while (path) {
		_cleanup_json_ json_t *json = NULL;
		assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", path, NULL, &json), 200);
		const json_t *items = json_at(json, "value"), *item;
		assert_true((int)json_array_size(items) <= page);
		size_t i;
		json_array_foreach((json_t *)(uintptr_t)items, i, item) {
			const char *id = json_str(item, id_member);
			assert_true(strcasecmp(id, last) > 0);
			assert_null(json_at(item, "key"));
			free(last);
			last = strdup(id);
			count++;
		}
		(*pages)++;
		assert_true(*pages < 100);
		assert_true(json_object_get(json, "nextLink") != NULL);
		const char *next = json_str(json, "nextLink");
		static const char origin[] = "https://alpha.vault.azure.net:443/";
		assert_true(!next || strncmp(next, origin, sizeof(origin) - 1) == 0);
		assert_true(!next || strstr(next, "api-version=7.4&$skiptoken="));
		char *rest = next ? strdup(next + sizeof(origin) - 2) : NULL;
		free(path);
		path = rest;
	}
	return count;
}

static void test_keys(void **state) {
	struct fixture *f = *state;
	int pages;
	assert_int_equal(walk(f, "/keys" V, 25, "kid", &pages), 61);
	assert_int_equal(pages, 3);
	assert_int_equal(walk(f, "/keys" V "&maxresults=7", 7, "kid", &pages), 61);
	assert_int_equal(pages, 9);
	assert_int_equal(walk(f, "/keys" V "&maxresults=1", 1, "kid", &pages), 61);
	assert_int_equal(pages, 61);
}

static void test_an_item(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/keys" V "&maxresults=1", NULL, &json), 200);
	const json_t *item = json_array_get(json_at(json, "value"), 0);
	assert_string_equal(json_str(item, "kid"), "https://alpha.vault.azure.net/keys/Key-00");
	assert_int_equal(json_int(item, "attributes.created", 0), 1000);
	assert_null(json_at(item, "tags"));
	assert_null(json_at(item, "recoveryId"));
	assert_int_equal(json_object_size(item), 2);
}

static void test_versions(void **state) {
	struct fixture *f = *state;
	int pages;
	assert_int_equal(walk(f, "/keys/MANY/versions" V, 25, "kid", &pages), 60);
	assert_int_equal(pages, 3);
	assert_int_equal(walk(f, "/keys/Key-07/versions" V, 25, "kid", &pages), 1);
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/absent/versions" V, NULL, 404, "KeyNotFound", "", "absent");
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/Dead-01/versions" V, NULL, 404, "KeyNotFound", "", "Dead-01");
}

static void test_deleted(void **state) {
	struct fixture *f = *state;
	int pages;
	assert_int_equal(walk(f, "/deletedkeys" V "&maxresults=10", 10, "recoveryId", &pages), 30);
	assert_int_equal(pages, 3);
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "GET", "alpha", "/deletedkeys" V, NULL, &json), 200);
	const json_t *item = json_array_get(json_at(json, "value"), 0);
	assert_string_equal(json_str(item, "kid"), "https://alpha.vault.azure.net/keys/Dead-00");
	assert_string_equal(json_str(item, "recoveryId"), "https://alpha.vault.azure.net/deletedkeys/Dead-00");
	assert_int_equal(json_int(item, "scheduledPurgeDate", 0) - json_int(item, "deletedDate", 0), 86400 * 90);
}

static void test_an_empty_list(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *json = NULL;
	assert_int_equal(fixture_call(f, f->admin, "GET", "beta", "/keys" V, NULL, &json), 200);
	_cleanup_free_ char *text = json_text(json);
	assert_string_equal(text, "{\"value\":[],\"nextLink\":null}");
}

static void test_bad_page_sizes_and_tokens(void **state) {
	struct fixture *f = *state;
	static const char *const sizes[] = {"0", "26", "-1", "x", "", "1e1"};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *path = strv_printf("/keys" V "&maxresults=%s", sizes[i]);
		fixture_refused(f, f->admin, "GET", "alpha", path, NULL, 400, "BadParameter", "", "'maxresults'");
	}
	static const char *const texts[] = {"", "x", "{}", "[]", "{\"NextMarker\":1}", "{\"NextMarker\":\"keys\"}",
		"{\"NextMarker\":\"keys!\"}", "{\"NextMarker\":\"keys!a/b\"}", "{\"NextMarker\":\"deletedkeys!a\"}",
		"{\"NextMarker\":\"versions!000000000000000000000000000000aa\"}", "{\"NextMarker\":\"keysx!a\"}"};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct buf token = {0};
		assert_int_equal(enc_base64url(&token, texts[i], strlen(texts[i])), 0);
		_cleanup_free_ char *path = strv_printf("/keys" V "&$skiptoken=%s", buf_cstr(&token));
		fixture_refused(f, f->admin, "GET", "alpha", path, NULL, 400, "BadParameter", "", "'$skiptoken'");
	}
	fixture_refused(f, f->admin, "GET", "alpha", "/keys" V "&$skiptoken=%21", NULL, 400, "BadParameter", "", "'$skiptoken'");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_an_item),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_deleted),
		cmocka_unit_test(test_an_empty_list),
		cmocka_unit_test(test_bad_page_sizes_and_tokens),
	};
	return cmocka_run_group_tests(tests, populate, fixture_tear_down);
}
