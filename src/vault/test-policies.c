// SPDX-License-Identifier: Apache-2.0
// Access policies: what is taken, what is kept, what a change leaves, whom they let in. No keeper, no HTTP.
#include "vault/test-rows.h"

#include "base/strv.h"

#define TENANT "11111111-1111-4111-8111-111111111111"
#define ALICE "aaaaaaaa-0000-4000-8000-00000000000a"
#define BOB "bbbbbbbb-0000-4000-8000-00000000000b"
#define APP "cccccccc-0000-4000-8000-00000000000c"
#define OTHER_APP "dddddddd-0000-4000-8000-00000000000d"
#define ENTRY(object, permissions) "{\"tenantId\":\"" TENANT "\",\"objectId\":\"" object "\",\"permissions\":" permissions "}"

static struct vault_record vault = {.name = "Vault", .tenant_id = TENANT, .location = "westeurope", .sku = "standard",
	.resource_id = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/Vault", .retention_days = 90};

static void set(struct store_tx *tx, const char *list) {
	struct err err = {0};
	_cleanup_json_ json_t *value = parsed(list);
	if (vault_policies_set(tx, &vault, value, &err) < 0)
		fail_msg("%s: %s", list, err.message);
}

static void merge(struct store_tx *tx, enum vault_policy_merge how, const char *list) {
	struct err err = {0};
	_cleanup_json_ json_t *value = parsed(list);
	if (vault_policies_merge(tx, &vault, how, value, &err) < 0)
		fail_msg("%s: %s", list, err.message);
}

static void expect(struct store_tx *tx, const char *list) {
	_cleanup_json_ json_t *wanted = parsed(list), *got = NULL;
	assert_int_equal(vault_policies_get(tx, "VAULT", &got, NULL), 0);
	_cleanup_free_ char *text = json_text(got);
	if (!json_equal(wanted, got))
		fail_msg("%s is not %s", text, list);
}

static int check(struct store_tx *tx, const char *object, const char *application, const char *collection, const char *permission) {
	struct caller c = {0};
	struct err err = {0};
	(void)snprintf(c.oid, sizeof(c.oid), "%s", object);
	(void)snprintf(c.appid, sizeof(c.appid), "%s", application);
	int rc = vault_policies_check(tx, "vault", &c, collection, permission, &err);
	assert_int_equal(err.status, 0);
	return rc;
}

static void test_nobody_is_let_in_without_a_policy(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), -EACCES);
	expect(tx, "[]");
	set(tx, "[]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), -EACCES);
}

static void test_a_policy_gives_what_it_says(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	// Shown as it was sent, in any spelling; what the reference does not know is not kept.
	set(tx, "[{\"tenantId\":\"" TENANT "\",\"objectId\":\"AAAAAAAA-0000-4000-8000-00000000000A\",\"applicationId\":null,\"x\":1,"
		"\"permissions\":{\"keys\":[\"Get\",\"WRAPKEY\"],\"secrets\":[\"list\"],\"storage\":null,\"y\":[]}}]");
	expect(tx, "[{\"tenantId\":\"" TENANT "\",\"objectId\":\"AAAAAAAA-0000-4000-8000-00000000000A\","
		"\"permissions\":{\"keys\":[\"Get\",\"WRAPKEY\"],\"secrets\":[\"list\"]}}]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), 0);
	assert_int_equal(check(tx, ALICE, APP, "keys", "wrapKey"), 0);
	assert_int_equal(check(tx, ALICE, APP, "secrets", "list"), 0);
	static const char *const refused[][2] = {{"keys", "unwrapKey"}, {"keys", "list"}, {"secrets", "get"}, {"keys", "nonsense"},
		{"keys", ""}, {"keys", "all"}, {"certificates", "get"}, {"nonsense", "get"}};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(check(tx, ALICE, APP, refused[i][0], refused[i][1]), -EACCES);
	assert_int_equal(check(tx, BOB, APP, "keys", "get"), -EACCES);
	// Another vault has policies of its own.
	struct caller alice = {.oid = ALICE, .appid = APP};
	assert_int_equal(vault_policies_check(tx, "vault2", &alice, "keys", "get", NULL), -EACCES);
}

static void test_every_name_of_the_reference(void **state) {
	(void)state;
	static const char *const keys[] = {"encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify", "get", "list", "create",
		"update", "import", "delete", "backup", "restore", "recover", "purge", "release", "rotate", "getrotationpolicy",
		"setrotationpolicy"};
	static const char *const secrets[] = {"get", "list", "set", "delete", "backup", "restore", "recover", "purge"};
	for (size_t i = 0; i < ARRAY_SIZE(keys) + ARRAY_SIZE(secrets); i++) {
		_cleanup_tx_ struct store_tx *tx = begin(&vault);
		const char *area = i < ARRAY_SIZE(keys) ? "keys" : "secrets";
		const char *name = i < ARRAY_SIZE(keys) ? keys[i] : secrets[i - ARRAY_SIZE(keys)];
		_cleanup_free_ char *list = strv_printf("[" ENTRY(ALICE, "{\"%s\":[\"%s\"]}") "]", area, name);
		set(tx, list);
		for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
			assert_int_equal(check(tx, ALICE, APP, "keys", keys[j]),
				i < ARRAY_SIZE(keys) && i == j ? 0 : -EACCES);
		for (size_t j = 0; j < ARRAY_SIZE(secrets); j++)
			assert_int_equal(check(tx, ALICE, APP, "secrets", secrets[j]), i == ARRAY_SIZE(keys) + j ? 0 : -EACCES);
	}
	// Served by nothing yet, but valid.
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"certificates\":[\"manageissuers\",\"all\"],\"storage\":[\"regeneratekey\"]}") "]");
}

static void test_all_is_all_but_purge(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"All\"]}") "," ENTRY(BOB, "{\"keys\":[\"all\",\"purge\"]}") "]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "setrotationpolicy"), 0);
	assert_int_equal(check(tx, ALICE, APP, "keys", "encrypt"), 0);
	assert_int_equal(check(tx, ALICE, APP, "keys", "purge"), -EACCES);
	assert_int_equal(check(tx, ALICE, APP, "secrets", "get"), -EACCES);
	assert_int_equal(check(tx, BOB, APP, "keys", "purge"), 0);
}

static void test_a_policy_through_an_application(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"get\"]}") ",{\"tenantId\":\"" TENANT "\",\"objectId\":\"" ALICE
		"\",\"applicationId\":\"CCCCCCCC-0000-4000-8000-00000000000C\",\"permissions\":{\"keys\":[\"list\"]}}]");
	assert_int_equal(check(tx, ALICE, OTHER_APP, "keys", "get"), 0);
	assert_int_equal(check(tx, ALICE, OTHER_APP, "keys", "list"), -EACCES);
	assert_int_equal(check(tx, ALICE, APP, "keys", "list"), 0);
	assert_int_equal(check(tx, BOB, APP, "keys", "list"), -EACCES);
}

static void refuse(struct store_tx *tx, const char *list, const char *words) {
	struct err err = {0};
	_cleanup_json_ json_t *value = parsed(list);
	assert_int_equal(vault_policies_set(tx, &vault, value, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "BadRequest");
	if (!strstr(err.message, words))
		fail_msg("%s: %s", list, err.message);
}

static void test_what_is_wrong_in_a_list(void **state) {
	(void)state;
	static const char invalid[] = "An invalid value was provided for 'accessPolicies'.";
	static const char *const lists[] = {
		"{}", "[1]", "[null]", "[{}]", "[" ENTRY(ALICE, "null") "]", "[" ENTRY(ALICE, "[]") "]",
		"[" ENTRY(ALICE, "{\"keys\":\"get\"}") "]", "[" ENTRY(ALICE, "{\"keys\":[1]}") "]",
		"[" ENTRY(ALICE, "{\"keys\":[\"get \"]}") "]", "[" ENTRY(ALICE, "{\"keys\":[\"set\"]}") "]",
		"[" ENTRY(ALICE, "{\"secrets\":[\"wrapKey\"]}") "]", "[" ENTRY(ALICE, "{\"certificates\":[\"sign\"]}") "]",
		"[" ENTRY(ALICE, "{\"storage\":[\"sign\"]}") "]", "[" ENTRY(ALICE, "{\"keys\":[\"\"]}") "]",
		"[{\"tenantId\":\"" ALICE "\",\"objectId\":\"" ALICE "\",\"permissions\":{}}]",
		"[{\"objectId\":\"" ALICE "\",\"permissions\":{}}]", "[{\"tenantId\":\"" TENANT "\",\"permissions\":{}}]",
		"[{\"tenantId\":\"" TENANT "\",\"objectId\":\"" ALICE "\",\"applicationId\":\"x\",\"permissions\":{}}]",
		"[" ENTRY(ALICE, "{}") "," ENTRY("AAAAAAAA-0000-4000-8000-00000000000A", "{}") "]",
	};
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		refuse(tx, lists[i], invalid);
	refuse(tx, "[" ENTRY(ALICE, "{}") "," ENTRY("not-an-id", "{}") "]", "Invalid value found at accessPolicies[1].ObjectId: not-an-id");

	_cleanup_json_ json_t *many = json_array(), *names = json_array();
	for (int i = 0; i <= VAULT_POLICIES_MAX; i++)
		assert_int_equal(json_array_append_new(many, json_pack("{s:s, s:o, s:{}}", "tenantId", TENANT, "objectId",
			json_sprintf("%08x-0000-4000-8000-000000000000", (unsigned)i), "permissions")), 0);
	struct err err = {0};
	assert_int_equal(vault_policies_set(tx, &vault, many, &err), -EINVAL);
	assert_non_null(strstr(err.message, "1024"));
	assert_int_equal(json_array_remove(many, 0), 0);
	assert_int_equal(vault_policies_set(tx, &vault, many, &err), 0);
	// Full: what is there can be changed, and nothing more comes in.
	merge(tx, VAULT_POLICY_ADD, "[" ENTRY("00000001-0000-4000-8000-000000000000", "{\"keys\":[\"get\"]}") "]");
	_cleanup_json_ json_t *one = parsed("[" ENTRY(ALICE, "{}") "]");
	assert_int_equal(vault_policies_merge(tx, &vault, VAULT_POLICY_ADD, one, &err), -EINVAL);
	assert_non_null(strstr(err.message, "1024"));
	for (int i = 0; i < 65; i++)
		assert_int_equal(json_array_append_new(names, json_string("get")), 0);
	_cleanup_json_ json_t *long_list = json_pack("[{s:s, s:s, s:{s:O}}]", "tenantId", TENANT, "objectId", ALICE, "permissions",
		"keys", names);
	assert_int_equal(vault_policies_set(tx, &vault, long_list, &err), -EINVAL);
}

static void test_add(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"Get\"]}") "," ENTRY(BOB, "{\"keys\":[\"sign\"]}") "]");
	merge(tx, VAULT_POLICY_ADD, "[" ENTRY(ALICE, "{\"keys\":[\"get\",\"list\"],\"secrets\":[\"set\"]}") "]");
	expect(tx, "[" ENTRY(ALICE, "{\"keys\":[\"Get\",\"list\"],\"secrets\":[\"set\"]}") "," ENTRY(BOB, "{\"keys\":[\"sign\"]}") "]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "list"), 0);
	assert_int_equal(check(tx, ALICE, APP, "secrets", "set"), 0);
	merge(tx, VAULT_POLICY_ADD, "[" ENTRY(APP, "{\"keys\":[\"verify\"]}") "]");
	assert_int_equal(check(tx, APP, APP, "keys", "verify"), 0);
	assert_int_equal(check(tx, BOB, APP, "keys", "sign"), 0);
}

static void test_replace(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"get\"],\"secrets\":[\"get\"]}") "," ENTRY(BOB, "{\"keys\":[\"sign\"]}") "]");
	merge(tx, VAULT_POLICY_REPLACE, "[" ENTRY(ALICE, "{\"keys\":[\"list\"]}") "]");
	expect(tx, "[" ENTRY(ALICE, "{\"keys\":[\"list\"]}") "," ENTRY(BOB, "{\"keys\":[\"sign\"]}") "]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), -EACCES);
	assert_int_equal(check(tx, ALICE, APP, "secrets", "get"), -EACCES);
	assert_int_equal(check(tx, ALICE, APP, "keys", "list"), 0);
}

static void test_remove(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"Get\",\"list\"],\"secrets\":[\"get\"]}") "," ENTRY(BOB, "{\"keys\":[\"all\"]}") "]");
	merge(tx, VAULT_POLICY_REMOVE, "[" ENTRY(ALICE, "{\"keys\":[\"LIST\"]}") "," ENTRY(APP, "{\"keys\":[\"get\"]}") "]");
	expect(tx, "[" ENTRY(ALICE, "{\"keys\":[\"Get\"],\"secrets\":[\"get\"]}") "," ENTRY(BOB, "{\"keys\":[\"all\"]}") "]");
	assert_int_equal(check(tx, ALICE, APP, "keys", "list"), -EACCES);
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), 0);
	// One of "all" taken away is taken away.
	merge(tx, VAULT_POLICY_REMOVE, "[" ENTRY(BOB, "{\"keys\":[\"decrypt\"]}") "]");
	assert_int_equal(check(tx, BOB, APP, "keys", "decrypt"), -EACCES);
	assert_int_equal(check(tx, BOB, APP, "keys", "encrypt"), 0);
	assert_int_equal(check(tx, BOB, APP, "keys", "purge"), -EACCES);
	// A policy that allows nothing more is no policy.
	merge(tx, VAULT_POLICY_REMOVE, "[" ENTRY(BOB, "{\"keys\":[\"all\"]}") "]");
	expect(tx, "[" ENTRY(ALICE, "{\"keys\":[\"Get\"],\"secrets\":[\"get\"]}") "]");
	assert_int_equal(check(tx, BOB, APP, "keys", "encrypt"), -EACCES);
}

static void test_policies_end_with_their_vault(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "[" ENTRY(ALICE, "{\"keys\":[\"get\"]}") "]");
	assert_int_equal(vault_delete(tx, "vault", 5000, NULL), 0);
	assert_int_equal(vault_recover(tx, "vault", NULL), 0);
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), 0);
	assert_int_equal(vault_delete(tx, "vault", 5000, NULL), 0);
	assert_int_equal(vault_purge(tx, "vault", NULL), 0);
	assert_int_equal(vault_save(tx, &vault, NULL), 0);
	assert_int_equal(check(tx, ALICE, APP, "keys", "get"), -EACCES);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_let_in_without_a_policy),
		cmocka_unit_test(test_a_policy_gives_what_it_says),
		cmocka_unit_test(test_every_name_of_the_reference),
		cmocka_unit_test(test_all_is_all_but_purge),
		cmocka_unit_test(test_a_policy_through_an_application),
		cmocka_unit_test(test_what_is_wrong_in_a_list),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_policies_end_with_their_vault),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
