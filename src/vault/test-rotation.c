// SPDX-License-Identifier: Apache-2.0
// Rotation policies, and what becomes due by them.
#include "vault/fixture.h"

#include "base/clock.h"
#include "base/strv.h"
#include "vault/key_rotate.h"

#define V "?api-version=7.4"
#define DAY 86400LL
#define EC "{\"kty\":\"EC\"}"

static json_t *ok(struct fixture *f, const char *method, const char *path, const char *body) {
	return fixture_ok(f, f->admin, method, "alpha", path, body);
}

static void put(struct fixture *f, const char *name, const char *body) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/rotationpolicy" V, name);
	json_decref(ok(f, "PUT", path, body));
}

static void make(struct fixture *f, const char *name, const char *body) {
	_cleanup_free_ char *path = strv_printf("/keys/%s/create" V, name);
	json_decref(ok(f, "POST", path, body));
}

static char *current(struct fixture *f, const char *name) {
	_cleanup_free_ char *path = strv_printf("/keys/%s" V, name);
	_cleanup_json_ json_t *k = ok(f, "GET", path, NULL);
	return strdup(json_str(k, "key.kid"));
}

// How many records of this operation name this object (the beginning of its id).
static int64_t records(struct fixture *f, const char *operation, const char *object) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t n = -1;
	_cleanup_free_ char *like = strv_printf("%%\"id\":\"https://alpha.vault.azure.net/%s%%", object);
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, NULL), 0);
	assert_int_equal(store_query_int(tx, &n, NULL, "SELECT COUNT(*) FROM audit WHERE operation = $1 AND record LIKE $2", "ss",
		operation, like), 0);
	return n;
}

static void move_to(struct fixture *f, int64_t days) {
	clock_set_offset(days * DAY + 60);
	fixture_renew_tokens(f);
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
}

static int back(void **state) {
	clock_set_offset(0);
	fixture_renew_tokens(*state);
	return 0;
}

static void test_a_key_has_a_policy_from_the_beginning(void **state) {
	struct fixture *f = *state;
	make(f, "default", EC);
	_cleanup_json_ json_t *p = ok(f, "GET", "/keys/default/rotationpolicy" V, NULL);
	assert_string_equal(json_str(p, "id"), "https://alpha.vault.azure.net/keys/default/rotationpolicy");
	const json_t *action = json_array_get(json_at(p, "lifetimeActions"), 0);
	assert_string_equal(json_str(action, "action.type"), "Notify");
	assert_string_equal(json_str(action, "trigger.timeBeforeExpiry"), "P30D");
	assert_null(json_at(p, "attributes.created"));
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/nokey/rotationpolicy" V, NULL, 404, "KeyNotFound", "", "nokey");
	fixture_refused(f, f->admin, "GET", "alpha", "/keys/default/rotationpolicy?api-version=7.2", NULL, 400, "BadParameter", "",
		"does not allow");
}

static void test_a_policy_is_kept(void **state) {
	struct fixture *f = *state;
	make(f, "kept", EC);
	_cleanup_json_ json_t *p = ok(f, "PUT", "/keys/kept/rotationpolicy" V,
		"{\"lifetimeActions\":[{\"trigger\":{\"timeAfterCreate\":\"P18M\",\"timeBeforeExpiry\":null},\"action\":{\"type\":\"rotate\"}}],"
		"\"attributes\":{\"expiryTime\":\"P2Y\"}}");
	_cleanup_json_ json_t *got = ok(f, "GET", "/keys/kept/rotationpolicy" V, NULL);
	assert_true(json_equal(got, p));
	assert_int_equal(json_array_size(json_at(p, "lifetimeActions")), 2);
	const json_t *rotate = json_array_get(json_at(p, "lifetimeActions"), 0);
	assert_string_equal(json_str(rotate, "action.type"), "Rotate");
	assert_string_equal(json_str(rotate, "trigger.timeAfterCreate"), "P18M");
	assert_string_equal(json_str(p, "attributes.expiryTime"), "P2Y");
	assert_true(json_int(p, "attributes.created", 0) > 0);
	// The shortest life there is, shorter than the notification that nobody asked for.
	put(f, "kept", "{\"attributes\":{\"expiryTime\":\"P28D\"}}");
	json_decref(p);
	p = ok(f, "GET", "/keys/kept/rotationpolicy" V, NULL);
	// Whoever changes a policy puts back what was got.
	_cleanup_free_ char *text = json_text(p);
	put(f, "kept", text);
	json_decref(p);
	p = ok(f, "GET", "/keys/kept/rotationpolicy" V, NULL);
	assert_string_equal(json_str(p, "attributes.expiryTime"), "P28D");
	// A new version by hand leaves it.
	make(f, "kept", EC);
	_cleanup_json_ json_t *after = ok(f, "GET", "/keys/kept/rotationpolicy" V, NULL);
	assert_true(json_equal(after, p));
}

#define ACTION(type, trigger) "{\"trigger\":{" trigger "},\"action\":{\"type\":\"" type "\"}}"
#define POLICY(actions, attributes) "{\"lifetimeActions\":[" actions "],\"attributes\":{" attributes "}}"

static void test_policies_that_are_refused(void **state) {
	struct fixture *f = *state;
	make(f, "refuse", EC);
	static const struct {
		const char *body, *words;
	} cases[] = {
		{"[]", "must be a JSON object"},
		{"{\"lifetimeActions\":{}}", "is a list"},
		{"{\"attributes\":[]}", "an object"},
		{POLICY(ACTION("Delete", "\"timeAfterCreate\":\"P30D\""), ""), "Rotate or Notify"},
		{POLICY(ACTION("Rotate", ""), ""), "either"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\",\"timeBeforeExpiry\":\"P30D\""), ""), "either"},
		{POLICY(ACTION("Notify", "\"timeAfterCreate\":\"P30D\""), ""), "triggered by timeBeforeExpiry"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"30 days\""), ""), "ISO 8601"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":30"), ""), "ISO 8601"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\"") "," ACTION("rotate", "\"timeAfterCreate\":\"P30D\""), ""),
			"at most one"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P6D\""), ""), "7 days after creation"},
		{POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P84D\""), "\"expiryTime\":\"P90D\""), "7 days before expiry"},
		{POLICY(ACTION("Rotate", "\"timeBeforeExpiry\":\"P30D\""), ""), "needs attributes.expiryTime"},
		{POLICY(ACTION("Rotate", "\"timeBeforeExpiry\":\"P6D\""), "\"expiryTime\":\"P90D\""), "7 days before expiry"},
		{POLICY(ACTION("Rotate", "\"timeBeforeExpiry\":\"P84D\""), "\"expiryTime\":\"P90D\""), "7 days after creation"},
		{POLICY("", "\"expiryTime\":\"P27D\""), "at least 28 days"},
		{POLICY("", "\"expiryTime\":\"x\""), "ISO 8601"},
		{POLICY(ACTION("Notify", "\"timeBeforeExpiry\":\"P0D\""), ""), "comes before expiry"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		fixture_refused(f, f->admin, "PUT", "alpha", "/keys/refuse/rotationpolicy" V, cases[i].body, 400, "BadParameter", "",
			cases[i].words);
	fixture_refused(f, f->nobody, "PUT", "alpha", "/keys/refuse/rotationpolicy" V, "{}", 403, "Forbidden", "ForbiddenByRbac",
		"keyrotationpolicies/write");
	_cleanup_json_ json_t *p = ok(f, "GET", "/keys/refuse/rotationpolicy" V, NULL);
	assert_null(json_at(p, "attributes.created"));
}

static void test_a_key_is_rotated_when_due_and_once(void **state) {
	struct fixture *f = *state;
	make(f, "due", "{\"kty\":\"EC\",\"crv\":\"P-384\",\"key_ops\":[\"sign\"],\"tags\":{\"a\":\"b\"}}");
	put(f, "due", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P60D\""), "\"expiryTime\":\"P90D\""));
	_cleanup_free_ char *first = current(f, "due");
	move_to(f, 59);
	_cleanup_free_ char *same = current(f, "due");
	assert_string_equal(same, first);
	move_to(f, 60);
	_cleanup_json_ json_t *k = ok(f, "GET", "/keys/due" V, NULL);
	assert_string_not_equal(json_str(k, "key.kid"), first);
	assert_string_equal(json_str(k, "key.crv"), "P-384");
	assert_int_equal(json_array_size(json_at(k, "key.key_ops")), 1);
	assert_string_equal(json_str(k, "tags.a"), "b");
	assert_int_equal(json_int(k, "attributes.exp", 0), json_int(k, "attributes.created", 0) + 90 * DAY);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/due/"), 1);
	// The version that it followed stays usable, and does not expire.
	_cleanup_free_ char *old = strv_printf("%s" V, strstr(first, "/keys/"));
	_cleanup_json_ json_t *before = ok(f, "GET", old, NULL);
	assert_null(json_at(before, "attributes.exp"));
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	_cleanup_free_ char *second = current(f, "due");
	assert_string_equal(second, json_str(k, "key.kid"));
	// Long asleep, it is rotated once and not for every period that has passed.
	move_to(f, 600);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/due/"), 2);
}

static void test_expiry_is_announced(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *body = strv_printf("{\"kty\":\"EC\",\"attributes\":{\"exp\":%lld}}", (long long)(clock_now() + 100 * DAY));
	make(f, "near", body);
	_cleanup_free_ char *secret = strv_printf("{\"value\":\"v\",\"attributes\":{\"exp\":%lld}}", (long long)(clock_now() + 100 * DAY));
	json_decref(ok(f, "PUT", "/secrets/near" V, secret));
	put(f, "near", POLICY(ACTION("Notify", "\"timeBeforeExpiry\":\"P10D\""), ""));
	move_to(f, 69);
	assert_int_equal(records(f, "SecretNearExpiryEventGridNotification", "secrets/near/"), 0);
	move_to(f, 71);
	assert_int_equal(records(f, "SecretNearExpiryEventGridNotification", "secrets/near/"), 1);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/near/"), 0);
	move_to(f, 91);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/near/"), 1);
	assert_int_equal(records(f, "KeyExpiredEventGridNotification", "keys/near/"), 0);
	move_to(f, 101);
	move_to(f, 102);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/near/"), 1);
	assert_int_equal(records(f, "KeyExpiredEventGridNotification", "keys/near/"), 1);
	assert_int_equal(records(f, "SecretExpiredEventGridNotification", "secrets/near/"), 1);
}

static void test_rotation_comes_before_expiry(void **state) {
	struct fixture *f = *state;
	make(f, "before", EC);
	put(f, "before", POLICY(ACTION("Rotate", "\"timeBeforeExpiry\":\"P30D\""), "\"expiryTime\":\"P90D\""));
	// The first version has no expiry, so nothing comes before it.
	move_to(f, 365);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/before/"), 0);
	json_decref(ok(f, "POST", "/keys/before/rotate" V, ""));
	move_to(f, 365 + 59);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/before/"), 0);
	move_to(f, 365 + 61);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/before/"), 1);
}

static void test_what_is_deleted_or_disabled_is_left_alone(void **state) {
	struct fixture *f = *state;
	make(f, "asleep", EC);
	make(f, "off", EC);
	put(f, "asleep", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\""), ""));
	put(f, "off", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\""), ""));
	json_decref(ok(f, "DELETE", "/keys/asleep" V, NULL));
	json_decref(ok(f, "PATCH", "/keys/off" V, "{\"attributes\":{\"enabled\":false}}"));
	move_to(f, 31);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/asleep/"), 0);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/off/"), 0);
	json_decref(ok(f, "POST", "/deletedkeys/asleep/recover" V, ""));
	json_decref(ok(f, "PATCH", "/keys/off" V, "{\"attributes\":{\"enabled\":true}}"));
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/asleep/"), 1);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/off/"), 1);
}

static void execute(struct fixture *f, const char *sql) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err, sql, ""), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
}

// One damaged key among many: the others are rotated, it is told of, and it is not tried at every tick.
static void test_a_damaged_key_holds_up_nobody(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	make(f, "damaged", EC);
	make(f, "sound", EC);
	put(f, "damaged", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\""), ""));
	put(f, "sound", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P31D\""), ""));
	execute(f, "UPDATE vault_versions SET jwk = '{}' WHERE name = 'damaged'");
	clock_set_offset(32 * DAY);
	assert_true(vault_lifetime_due(f->vault, &err) < 0);
	assert_non_null(strstr(err.message, "alpha/keys/damaged"));
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/sound/"), 1);
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	clock_set_offset(33 * DAY);
	assert_true(vault_lifetime_due(f->vault, NULL) < 0);
	execute(f, "UPDATE vault_objects SET rotation_policy = '{\"lifetimeActions\":1}' WHERE name = 'damaged'");
	clock_set_offset(34 * DAY);
	assert_true(vault_lifetime_due(f->vault, NULL) < 0);
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	execute(f, "UPDATE vault_objects SET due_at = NULL WHERE name = 'damaged'");
}

// A store of an earlier release has every key due at once, deleted ones as well.
static void test_a_deleted_key_that_is_due_holds_up_nobody(void **state) {
	struct fixture *f = *state;
	make(f, "gone", EC);
	make(f, "after", EC);
	put(f, "after", POLICY(ACTION("Rotate", "\"timeAfterCreate\":\"P30D\""), ""));
	json_decref(ok(f, "DELETE", "/keys/gone" V, NULL));
	execute(f, "UPDATE vault_objects SET due_at = 0 WHERE name = 'gone'");
	move_to(f, 31);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/after/"), 1);
	assert_int_equal(records(f, "KeyRotateIfDue", "keys/gone/"), 0);
}

static void test_an_expiry_that_was_moved_is_announced_again(void **state) {
	struct fixture *f = *state;
	int64_t exp = clock_now() + 40 * DAY;
	_cleanup_free_ char *body = strv_printf("{\"kty\":\"EC\",\"attributes\":{\"exp\":%lld}}", (long long)exp);
	_cleanup_free_ char *same = strv_printf("{\"tags\":{},\"attributes\":{\"exp\":%lld}}", (long long)exp);
	_cleanup_free_ char *later = strv_printf("{\"attributes\":{\"exp\":%lld}}", (long long)(exp + 100 * DAY));
	make(f, "moved", body);
	move_to(f, 41);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/moved/"), 1);
	assert_int_equal(records(f, "KeyExpiredEventGridNotification", "keys/moved/"), 1);
	json_decref(ok(f, "PATCH", "/keys/moved" V, same));
	assert_int_equal(vault_lifetime_due(f->vault, NULL), 0);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/moved/"), 1);
	json_decref(ok(f, "PATCH", "/keys/moved" V, later));
	move_to(f, 141);
	assert_int_equal(records(f, "KeyNearExpiryEventGridNotification", "keys/moved/"), 2);
	assert_int_equal(records(f, "KeyExpiredEventGridNotification", "keys/moved/"), 2);
}

// An imported key may have an exponent longer than those that keys are made with here.
static void test_a_key_with_a_long_exponent_can_be_rotated(void **state) {
	(void)state;
	char modulus[343];
	memset(modulus, '_', 341);
	memcpy(modulus + 341, "w", 2);
	static const struct {
		const char *e;
		uint32_t exponent;
	} cases[] = {{"AQAB", 65537}, {"Aw", 3}, {"_____w", UINT32_MAX}, {"AQAAAAE", 0}, {"AQAAAAM", 0}, {"_________w8", 0}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *jwk = strv_printf("{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", modulus, cases[i].e);
		struct object o = {.kty = "RSA", .ops = KEY_OP_SIGN, .jwk = jwk};
		struct key_request request = {0};
		assert_int_equal(key_request_like(&o, &request, NULL), 0);
		assert_int_equal(request.spec.exponent, cases[i].exponent);
		assert_int_equal(key_spec_check(&request.spec, NULL), 0);
	}
}

// Between the making of the new version and its commit somebody made an exchange key of the name: the keeper sealed the
// one for other uses than the other has.
static void test_an_exchange_key_is_not_followed_by_another(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_json_ json_t *k = NULL;
	struct err err = {0};
	assert_int_equal(fixture_call(f, f->admin, "POST", "beta", "/keys/exchange/create" V,
		"{\"kty\":\"RSA-HSM\",\"key_ops\":[\"import\"]}", &k), 200);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, NULL), 0);
	static const unsigned ops[] = {KEY_OPS_DEFAULT, KEY_OP_IMPORT};
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		_cleanup_object_ struct object fresh = {0};
		_cleanup_(key_request_free) struct key_request like = {0};
		struct vault_record vault;
		assert_int_equal(vault_find(tx, "beta", &vault, NULL), 0);
		assert_int_equal(object_load(tx, "beta", &object_keys, "exchange", NULL, OBJECT_LIVE, 0, &fresh, NULL), 0);
		assert_int_equal(key_request_like(&fresh, &like, NULL), 0);
		like.ops = ops[i];
		object_free(&fresh);
		(void)snprintf(fresh.name, sizeof(fresh.name), "exchange");
		assert_int_equal(key_generate(f->keeper, &vault, &like, clock_now(), &fresh, NULL), 0);
		assert_int_equal(key_rotate_to(tx, "beta", &fresh, &err), i == 0 ? -EEXIST : 0);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_has_a_policy_from_the_beginning),
		cmocka_unit_test(test_a_policy_is_kept),
		cmocka_unit_test(test_policies_that_are_refused),
		cmocka_unit_test_teardown(test_a_key_is_rotated_when_due_and_once, back),
		cmocka_unit_test_teardown(test_expiry_is_announced, back),
		cmocka_unit_test_teardown(test_rotation_comes_before_expiry, back),
		cmocka_unit_test_teardown(test_what_is_deleted_or_disabled_is_left_alone, back),
		cmocka_unit_test_teardown(test_a_damaged_key_holds_up_nobody, back),
		cmocka_unit_test_teardown(test_a_deleted_key_that_is_due_holds_up_nobody, back),
		cmocka_unit_test_teardown(test_an_expiry_that_was_moved_is_announced_again, back),
		cmocka_unit_test(test_an_exchange_key_is_not_followed_by_another),
		cmocka_unit_test(test_a_key_with_a_long_exponent_can_be_rotated),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
