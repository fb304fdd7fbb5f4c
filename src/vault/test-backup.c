// SPDX-License-Identifier: Apache-2.0
// Backup and restore: of what, to where, and everything that refuses one.
#include "vault/fixture.h"

#include "base/strv.h"

#define V "?api-version=7.4"
#define PLAIN "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"

static json_t *ok(struct fixture *f, const char *method, const char *host, const char *path, const char *body) {
	return fixture_ok(f, f->admin, method, host, path, body);
}

// {"value": blob}, as restore takes it.
static char *backup(struct fixture *f, const char *host, const char *object) {
	_cleanup_free_ char *path = strv_printf("/%s/backup" V, object);
	_cleanup_json_ json_t *json = ok(f, "POST", host, path, "");
	return json_text(json);
}

static void refused(struct fixture *f, const char *host, const char *path, const char *body, int status, const char *code,
	const char *inner, const char *words) {
	fixture_refused(f, f->admin, "POST", host, path, body, status, code, inner, words);
}

static void save_vault(struct fixture *f, const char *name, const char *subscription, const char *location) {
	struct vault_record v = {.rbac = true, .retention_days = 90, .created = 1, .sku = "premium"};
	(void)snprintf(v.name, sizeof(v.name), "%s", name);
	(void)snprintf(v.resource_id, sizeof(v.resource_id), "/subscriptions/%s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/%s",
		subscription, name);
	(void)snprintf(v.tenant_id, sizeof(v.tenant_id), "%s", f->tenant);
	(void)snprintf(v.location, sizeof(v.location), "%s", location);
	char assignment[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(assignment), 0);
	struct access_assignment a = {.tenant = f->tenant, .scope = v.resource_id, .name = assignment, .principal_id = f->admin_id.object_id,
		.principal_type = "ServicePrincipal", .role_id = "00482a5a-887f-4fb3-b363-3b7fe8e74483", .created_by = "test"};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	assert_int_equal(vault_save(tx, &v, NULL), 0);
	// Over the group already, when the subscription is the fixture's.
	int rc = access_assign(tx, &a, NULL);
	assert_true(rc == 0 || rc == -EEXIST);
	assert_int_equal(store_commit(&tx, NULL), 0);
}

#define SUBSCRIPTION "0f3e7a52-0000-4000-8000-000000000001"

static int set_up(void **state) {
	if (fixture_set_up(state) < 0)
		return -1;
	save_vault(*state, "same", SUBSCRIPTION, "northeurope");
	save_vault(*state, "far", SUBSCRIPTION, "eastus");
	save_vault(*state, "others", "0f3e7a52-0000-4000-8000-000000000002", "westeurope");
	return 0;
}

static void test_a_key_moves_with_all_its_versions(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *one = ok(f, "POST", "alpha", "/keys/Mover/create" V, "{\"kty\":\"RSA\",\"tags\":{\"a\":\"b\"}}");
	_cleanup_json_ json_t *two = ok(f, "POST", "alpha", "/keys/Mover/create" V, "{\"kty\":\"EC\",\"attributes\":{\"exp\":99}}");
	json_decref(ok(f, "PUT", "alpha", "/keys/Mover/rotationpolicy" V,
		"{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P60D\"},\"action\":{\"type\":\"Rotate\"}}]}"));
	const char *old = strrchr(json_str(one, "key.kid"), '/') + 1;
	_cleanup_free_ char *wrap = strv_printf("/keys/Mover/%s/wrapkey" V, old), *unwrap = strv_printf("/keys/Mover/%s/unwrapkey" V, old);
	_cleanup_json_ json_t *wrapped = ok(f, "POST", "alpha", wrap, "{\"alg\":\"RSA-OAEP\",\"value\":\"" PLAIN "\"}");
	_cleanup_free_ char *blob = backup(f, "alpha", "keys/mover");
	// What it holds is not to be read.
	assert_null(strstr(blob, "Mover"));
	refused(f, "alpha", "/keys/restore" V, blob, 409, "Conflict", "", "already exists");

	_cleanup_json_ json_t *restored = ok(f, "POST", "same", "/keys/restore" V, blob);
	_cleanup_free_ char *kid = strv_printf("https://same.vault.azure.net%s", strstr(json_str(two, "key.kid"), "/keys/"));
	assert_string_equal(json_str(restored, "key.kid"), kid);
	assert_string_equal(json_str(restored, "key.x"), json_str(two, "key.x"));
	assert_int_equal(json_int(restored, "attributes.exp", 0), 99);
	assert_int_equal(json_int(restored, "attributes.created", 0), json_int(two, "attributes.created", 1));
	_cleanup_free_ char *body = strv_printf("{\"alg\":\"RSA-OAEP\",\"value\":\"%s\"}", json_str(wrapped, "value"));
	_cleanup_json_ json_t *plain = ok(f, "POST", "same", unwrap, body);
	assert_string_equal(json_str(plain, "value"), PLAIN);
	_cleanup_json_ json_t *policy = ok(f, "GET", "same", "/keys/mover/rotationpolicy" V, NULL);
	assert_int_equal(json_array_size(json_at(policy, "lifetimeActions")), 2);
	// Two copies are independent.
	json_decref(ok(f, "DELETE", "same", "/keys/mover" V, NULL));
	json_decref(ok(f, "POST", "alpha", unwrap, body));
	refused(f, "same", "/keys/restore" V, blob, 409, "Conflict", "ObjectIsDeletedButRecoverable", "recovered or purged");
	assert_int_equal(fixture_call(f, f->admin, "DELETE", "same", "/deletedkeys/mover" V, NULL, NULL), 204);
	json_decref(ok(f, "POST", "same", "/keys/restore" V, blob));
}

static void test_a_secret_moves(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "PUT", "alpha", "/secrets/mover" V, "{\"value\":\"one\"}"));
	json_decref(ok(f, "PUT", "alpha", "/secrets/mover" V, "{\"value\":\"two\",\"contentType\":\"t\"}"));
	_cleanup_free_ char *blob = backup(f, "alpha", "secrets/mover");
	_cleanup_json_ json_t *restored = ok(f, "POST", "same", "/secrets/restore" V, blob);
	assert_null(json_at(restored, "value"));
	assert_string_equal(json_str(restored, "contentType"), "t");
	_cleanup_json_ json_t *got = ok(f, "GET", "same", "/secrets/mover" V, NULL);
	assert_string_equal(json_str(got, "value"), "two");
	// A key is no secret.
	refused(f, "same", "/keys/restore" V, blob, 400, "BadParameter", "", "Cannot decrypt backup blob.");
}

// Fifteen tags of 256 characters that JSON has only escaped, six bytes each: the longest that there can be.
static void test_the_longest_tags_come_back(void **state) {
	struct fixture *f = *state;
	_cleanup_buf_ struct buf body = {0};
	assert_int_equal(buf_str(&body, "{\"value\":\"v\",\"tags\":{"), 0);
	for (int i = 0; i < TAGS_MAX; i++) {
		assert_int_equal(buf_printf(&body, "%s\"%02d", i ? "," : "", i), 0);
		for (int part = 2; part < 2 * TAG_CHARS_MAX; part++)
			assert_int_equal(buf_printf(&body, "%s\\u0001", part == TAG_CHARS_MAX ? "\":\"" : ""), 0);
		assert_int_equal(buf_str(&body, "\""), 0);
	}
	assert_int_equal(buf_str(&body, "}}"), 0);
	_cleanup_json_ json_t *set = ok(f, "PUT", "alpha", "/secrets/long" V, buf_cstr(&body));
	_cleanup_free_ char *blob = backup(f, "alpha", "secrets/long");
	_cleanup_json_ json_t *restored = ok(f, "POST", "same", "/secrets/restore" V, blob);
	assert_int_equal(json_object_size(json_at(restored, "tags")), TAGS_MAX);
	assert_true(json_equal(json_at(restored, "tags"), json_at(set, "tags")));
}

static void test_places_that_a_backup_is_not_for(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", "alpha", "/keys/places/create" V, "{\"kty\":\"EC\"}"));
	_cleanup_free_ char *blob = backup(f, "alpha", "keys/places");
	refused(f, "far", "/keys/restore" V, blob, 400, "BadParameter", "", "Cannot decrypt backup blob.");
	refused(f, "others", "/keys/restore" V, blob, 400, "BadParameter", "", "Cannot decrypt backup blob.");
	json_decref(ok(f, "POST", "beta", "/keys/hard/create" V, "{\"kty\":\"EC-HSM\"}"));
	_cleanup_free_ char *hard = backup(f, "beta", "keys/hard");
	refused(f, "alpha", "/keys/restore" V, hard, 400, "BadParameter", "", "not allowed on standard vault");
	json_decref(ok(f, "POST", "same", "/keys/restore" V, hard));
}

static void test_blobs_that_are_none(void **state) {
	struct fixture *f = *state;
	json_decref(ok(f, "POST", "alpha", "/keys/broken/create" V, "{\"kty\":\"EC\"}"));
	_cleanup_free_ char *blob = backup(f, "alpha", "keys/broken");
	size_t len = strlen(blob);
	// One character in twenty of the value, each changed alone.
	for (size_t i = strlen("{\"value\":\""); i < len - 4; i += 20) {
		_cleanup_free_ char *bad = strdup(blob);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		refused(f, "same", "/keys/restore" V, bad, 400, "BadParameter", "", "Cannot decrypt backup blob.");
	}
	refused(f, "same", "/keys/restore" V, "{\"value\":\"\"}", 400, "BadParameter", "", "Cannot decrypt");
	refused(f, "same", "/keys/restore" V, "{\"value\":\"QUJD\"}", 400, "BadParameter", "", "Cannot decrypt");
	refused(f, "same", "/keys/restore" V, "{\"value\":\"=!\"}", 400, "BadParameter", "", "not base64url");
	refused(f, "same", "/keys/restore" V, "{}", 400, "BadParameter", "", "'value' is required");
	refused(f, "same", "/keys/restore" V, "[]", 400, "BadParameter", "", "JSON object");
	refused(f, "alpha", "/keys/nokey/backup" V, "", 404, "KeyNotFound", "", "nokey");
	fixture_refused(f, f->nobody, "POST", "alpha", "/keys/broken/backup" V, "", 403, "Forbidden", "ForbiddenByRbac",
		"keys/backup/action");
	fixture_refused(f, f->nobody, "POST", "same", "/keys/restore" V, blob, 403, "Forbidden", "ForbiddenByRbac",
		"keys/restore/action");
}

static void insert_versions(struct fixture *f, const char *name, int count, size_t sealed) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	for (int i = 0; i < count; i++) {
		struct object o = {.ops = KEY_OP_SIGN, .enabled = true, .kty = "EC", .jwk = (char *)(uintptr_t)"{\"kty\":\"EC\"}"};
		(void)snprintf(o.name, sizeof(o.name), "%s", name);
		(void)snprintf(o.version, sizeof(o.version), "%032x", i);
		for (size_t n = 0; n < sealed; n++)
			assert_int_equal(buf_u8(&o.sealed, 'x'), 0);
		assert_int_equal(object_add_version(tx, "alpha", &object_keys, &o, NULL), 0);
		buf_free(&o.sealed);
	}
	assert_int_equal(store_commit(&tx, NULL), 0);
}

static void test_too_many_versions(void **state) {
	struct fixture *f = *state;
	insert_versions(f, "crowd", BACKUP_VERSIONS_MAX + 1, 1);
	refused(f, "alpha", "/keys/crowd/backup" V, "", 400, "BadParameter", "", "too many versions");
	insert_versions(f, "heavy", 2, BACKUP_MAX / 2 + 1);
	refused(f, "alpha", "/keys/heavy/backup" V, "", 400, "BadParameter", "", "too many versions");
}

static void test_geographies(void **state) {
	(void)state;
	assert_string_equal(backup_geography("WestEurope"), backup_geography("northeurope"));
	assert_string_not_equal(backup_geography("westeurope"), backup_geography("westus"));
	assert_string_not_equal(backup_geography("uksouth"), backup_geography("westeurope"));
	assert_string_equal(backup_geography("mars"), "mars");
	assert_string_equal(backup_geography("westu"), "westu");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_moves_with_all_its_versions),
		cmocka_unit_test(test_a_secret_moves),
		cmocka_unit_test(test_the_longest_tags_come_back),
		cmocka_unit_test(test_places_that_a_backup_is_not_for),
		cmocka_unit_test(test_blobs_that_are_none),
		cmocka_unit_test(test_too_many_versions),
		cmocka_unit_test(test_geographies),
	};
	return cmocka_run_group_tests(tests, set_up, fixture_tear_down);
}
