// SPDX-License-Identifier: Apache-2.0
// networkAcls: what is taken, what is shown, whom the rules cover. No keeper, no HTTP.
#include "vault/test-rows.h"

#include "base/strv.h"

#define SUBNET "/subscriptions/S/resourceGroups/rg1/providers/Microsoft.Network/virtualNetworks/test-vnet/subnets/subnet1"
#define LOWER_SUBNET \
	"/subscriptions/s/resourcegroups/rg1/providers/microsoft.network/virtualnetworks/test-vnet/subnets/subnet1"

static struct vault_record vault = {.name = "Vault", .tenant_id = "11111111-1111-4111-8111-111111111111", .sku = "standard",
	.resource_id = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/Vault", .retention_days = 90,
	.location = "westeurope"};

static void set(struct store_tx *tx, const char *acls) {
	struct err err = {0};
	_cleanup_json_ json_t *value = parsed(acls);
	if (vault_network_set(tx, &vault, value, NULL, &err) < 0)
		fail_msg("%s: %s", acls, err.message);
}

static void expect(struct store_tx *tx, const char *acls, bool deny, bool no_bypass) {
	_cleanup_json_ json_t *wanted = parsed(acls), *got = NULL;
	struct vault_record v;
	assert_int_equal(vault_network_get(tx, "VAULT", &got, NULL), 0);
	_cleanup_free_ char *text = json_text(got);
	if (!json_equal(wanted, got))
		fail_msg("%s is not %s", text, acls);
	assert_int_equal(vault_find(tx, "vault", &v, NULL), 0);
	assert_int_equal(v.network_deny, deny);
	assert_int_equal(v.network_no_bypass, no_bypass);
}

static bool matches(struct store_tx *tx, const char *peer) {
	bool out = false;
	assert_int_equal(network_matches(tx, "vault", peer, &out, NULL), 0);
	return out;
}

static void test_a_vault_without_rules(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	json_t *got = (json_t *)(uintptr_t)1;
	struct vault_record v;
	assert_int_equal(vault_network_get(tx, "vault", &got, NULL), 0);
	assert_null(got);
	assert_int_equal(vault_find(tx, "vault", &v, NULL), 0);
	assert_false(v.network_deny || v.network_no_bypass || v.private_only);
	assert_false(matches(tx, "1.2.3.4"));
}

static void test_rules_as_the_reference_shows_them(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "{\"defaultAction\":\"Deny\",\"bypass\":\"AzureServices\",\"ipRules\":[{\"value\":\"124.56.78.91\"},"
		"{\"value\":\"10.91.4.0/24\"}],\"virtualNetworkRules\":[{\"id\":\"" SUBNET "\"}]}");
	expect(tx, "{\"defaultAction\":\"Deny\",\"bypass\":\"AzureServices\",\"ipRules\":[{\"value\":\"124.56.78.91/32\"},"
		"{\"value\":\"10.91.4.0/24\"}],\"virtualNetworkRules\":[{\"id\":\"" LOWER_SUBNET "\"}]}", true, false);
	// What a later request leaves out, or says with null, stays; a list that is there replaces the other.
	set(tx, "{\"defaultAction\":null,\"bypass\":\"none\",\"ipRules\":[{\"value\":\"1.2.3.4/32\"}]}");
	expect(tx, "{\"defaultAction\":\"Deny\",\"bypass\":\"None\",\"ipRules\":[{\"value\":\"1.2.3.4/32\"}],"
		"\"virtualNetworkRules\":[{\"id\":\"" LOWER_SUBNET "\"}]}", true, true);
	assert_false(matches(tx, "124.56.78.91"));
	assert_true(matches(tx, "1.2.3.4"));
	set(tx, "{\"defaultAction\":\"ALLOW\",\"bypass\":\"azureservices\",\"ipRules\":[],\"virtualNetworkRules\":[{\"id\":\"/a\","
		"\"ignoreMissingVnetServiceEndpoint\":true}]}");
	expect(tx, "{\"defaultAction\":\"Allow\",\"bypass\":\"AzureServices\",\"ipRules\":[],\"virtualNetworkRules\":[{\"id\":\"/a\","
		"\"ignoreMissingVnetServiceEndpoint\":true}]}", false, false);
	assert_false(matches(tx, "1.2.3.4"));
}

static void test_rules_alone_shut_everyone_else_out(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "{\"ipRules\":[{\"value\":\"1.2.3.4\"}]}");
	expect(tx, "{\"bypass\":\"AzureServices\",\"defaultAction\":\"Deny\",\"ipRules\":[{\"value\":\"1.2.3.4/32\"}],"
		"\"virtualNetworkRules\":[]}", true, false);
}

static void test_whom_rules_cover(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "{\"ipRules\":[{\"value\":\"124.56.78.0/23\"},{\"value\":\"8.8.8.8\"},{\"value\":\"192.0.0.0/3\"}]}");
	static const char *const covered[] = {"124.56.78.0", "124.56.79.255", "124.56.78.91", "8.8.8.8", "192.0.0.0", "223.255.255.255",
		"::ffff:8.8.8.8", "::ffff:124.56.79.1"};
	static const char *const others[] = {"124.56.77.255", "124.56.80.0", "8.8.8.7", "8.8.8.9", "191.255.255.255", "224.0.0.0",
		"::ffff:8.8.8.9", "::8.8.8.8", "2001:db8::808:808", "::1", "local", "127.0.0.1", "", "8.8.8.8x"};
	for (size_t i = 0; i < ARRAY_SIZE(covered); i++)
		if (!matches(tx, covered[i]))
			fail_msg("%s is not covered", covered[i]);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (matches(tx, others[i]))
			fail_msg("%s is covered", others[i]);
	set(tx, "{\"ipRules\":[{\"value\":\"127.0.0.1\"}]}");
	assert_true(matches(tx, "local"));
	set(tx, "{\"ipRules\":[{\"value\":\"0.0.0.0/0\"}]}");
	assert_true(matches(tx, "255.255.255.255"));
	assert_true(matches(tx, "0.0.0.0"));
	assert_false(matches(tx, "::1"));
}

static void test_reserved_ranges_are_told(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	static const char *const reserved[] = {"10.0.0.0/8", "172.31.255.255", "192.168.1.0/24", "127.0.0.1", "169.254.1.1", "240.0.0.0/8"};
	static const char *const usual[] = {"11.0.0.0/8", "172.32.0.0/16", "192.169.0.0/16", "8.8.8.8/32"};
	for (size_t i = 0; i < ARRAY_SIZE(reserved) + ARRAY_SIZE(usual); i++) {
		const char *value = i < ARRAY_SIZE(reserved) ? reserved[i] : usual[i - ARRAY_SIZE(reserved)], *told = NULL;
		_cleanup_json_ json_t *acls = json_pack("{s:[{s:s},{s:s}]}", "ipRules", "value", "1.1.1.1", "value", value);
		assert_int_equal(vault_network_set(tx, &vault, acls, &told, NULL), 0);
		if (i < ARRAY_SIZE(reserved))
			assert_string_equal(told, value);
		else
			assert_null(told);
		// Rules that stay as they are were told of before.
		told = NULL;
		_cleanup_json_ json_t *others = json_pack("{s:s}", "defaultAction", "Allow");
		assert_int_equal(vault_network_set(tx, &vault, others, &told, NULL), 0);
		assert_null(told);
	}
}

static void refuse(struct store_tx *tx, json_t *acls, const char *words) {
	_cleanup_json_ json_t *owned = acls;
	struct err err = {0};
	assert_non_null(owned);
	assert_int_equal(vault_network_set(tx, &vault, owned, NULL, &err), -EINVAL);
	assert_int_equal(err.status, 400);
	assert_string_equal(err.code, "BadRequest");
	if (!strstr(err.message, words))
		fail_msg("%s", err.message);
}

static json_t *repeated(size_t count, const char *member, const char *value) {
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		assert_int_equal(json_array_append_new(list, json_pack("{s:s}", member, value)), 0);
	return list;
}

static void test_what_is_wrong_in_rules(void **state) {
	(void)state;
	static const char *const values[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/", "/24",
		"1.2.3.4/24", "1.2.3.4/32/32", " 1.2.3.4", "1.2.3.4 ", "'10.91.4.0/24'", "::1", "::ffff:1.2.3.4", "example.com",
		"111.111.111.111111111111111111111111"};
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		refuse(tx, json_pack("{s:[{s:s},{s:s}]}", "ipRules", "value", "1.1.1.1", "value", values[i]),
			"Invalid value found at properties.networkAcls.ipRules[1].value");
	refuse(tx, json_pack("{s:[{}]}", "ipRules"), "ipRules[0]");
	refuse(tx, json_pack("{s:[s]}", "ipRules", "1.1.1.1"), "ipRules[0]");
	refuse(tx, json_pack("{s:s}", "ipRules", "1.1.1.1"), "networkAcls.ipRules");
	refuse(tx, json_pack("{s:s}", "defaultAction", "Maybe"), "networkAcls.defaultAction");
	refuse(tx, json_pack("{s:b}", "defaultAction", 1), "networkAcls.defaultAction");
	refuse(tx, json_pack("{s:s}", "bypass", "Everyone"), "networkAcls.bypass");
	refuse(tx, json_pack("{s:{}}", "virtualNetworkRules"), "networkAcls.virtualNetworkRules");
	refuse(tx, json_pack("{s:[{}]}", "virtualNetworkRules"), "virtualNetworkRules[0]");
	refuse(tx, json_pack("{s:[{s:s}]}", "virtualNetworkRules", "id", "subnet"), "virtualNetworkRules[0]");
	refuse(tx, json_pack("{s:[{s:s, s:i}]}", "virtualNetworkRules", "id", SUBNET, "ignoreMissingVnetServiceEndpoint", 1),
		"virtualNetworkRules[0]");
	refuse(tx, json_array(), "networkAcls");
	refuse(tx, json_pack("{s:o}", "ipRules", repeated(VAULT_IP_RULES_MAX + 1, "value", "1.1.1.1")), "at most 1000");
	refuse(tx, json_pack("{s:o}", "virtualNetworkRules", repeated(VAULT_NETWORK_RULES_MAX + 1, "id", "/s")), "at most 200");
	_cleanup_json_ json_t *most = json_pack("{s:o}", "ipRules", repeated(VAULT_IP_RULES_MAX, "value", "1.1.1.1"));
	assert_int_equal(vault_network_set(tx, &vault, most, NULL, NULL), 0);
}

static void test_rules_end_with_their_vault(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(&vault);
	set(tx, "{\"ipRules\":[{\"value\":\"1.2.3.4\"}]}");
	assert_int_equal(vault_save(tx, &vault, NULL), 0);
	assert_true(matches(tx, "1.2.3.4"));
	assert_int_equal(vault_delete(tx, "vault", 5000, NULL), 0);
	assert_int_equal(vault_recover(tx, "vault", NULL), 0);
	assert_true(matches(tx, "1.2.3.4"));
	assert_int_equal(vault_delete(tx, "vault", 5000, NULL), 0);
	assert_int_equal(vault_purge(tx, "vault", NULL), 0);
	assert_int_equal(vault_save(tx, &vault, NULL), 0);
	assert_false(matches(tx, "1.2.3.4"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_vault_without_rules),
		cmocka_unit_test(test_rules_as_the_reference_shows_them),
		cmocka_unit_test(test_rules_alone_shut_everyone_else_out),
		cmocka_unit_test(test_whom_rules_cover),
		cmocka_unit_test(test_reserved_ranges_are_told),
		cmocka_unit_test(test_what_is_wrong_in_rules),
		cmocka_unit_test(test_rules_end_with_their_vault),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
