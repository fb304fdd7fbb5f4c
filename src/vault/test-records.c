// SPDX-License-Identifier: Apache-2.0
// Vaults as the control plane handles them, and what it asks about key URLs. No keeper, no HTTP.
#include "vault/test-rows.h"

#include "base/clock.h"
#include "base/strv.h"

#define MODULUS_2048 342  // characters

static struct vault_record vault_named(const char *name) {
	struct vault_record v = {.resource_id = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/x",
		.tenant_id = "11111111-1111-4111-8111-111111111111", .location = "westeurope", .sku = "standard", .rbac = true,
		.retention_days = 90, .created = 1000};
	(void)snprintf(v.name, sizeof(v.name), "%s", name);
	return v;
}

static void test_save_and_find(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct vault_record v = vault_named("My-Vault1"), found;
	struct err err = {0};
	assert_int_equal(vault_find(tx, "my-vault1", &found, &err), -ENOENT);
	assert_string_equal(err.code, "VaultNotFound");
	assert_int_equal(vault_save(tx, &v, &err), 0);
	assert_int_equal(vault_find(tx, "MY-vault1", &found, &err), 0);
	assert_memory_equal(&found, &v, sizeof(v));
	v.rbac = false;
	v.purge_protection = true;
	(void)snprintf(v.sku, sizeof(v.sku), "premium");
	assert_int_equal(vault_save(tx, &v, &err), 0);
	assert_int_equal(vault_find(tx, "my-vault1", &found, &err), 0);
	assert_memory_equal(&found, &v, sizeof(v));
}

static void test_settings(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct vault_record v = vault_named("vault"), found;
	bool *const flags[] = {&v.for_deployment, &v.for_disk_encryption, &v.for_template_deployment, &v.private_only};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		// On creation (the first time round) and on update; each by itself.
		*flags[i] = true;
		assert_int_equal(vault_save(tx, &v, NULL), 0);
		assert_int_equal(vault_find(tx, "vault", &found, NULL), 0);
		assert_memory_equal(&found, &v, sizeof(v));
		*flags[i] = false;
	}
	assert_int_equal(vault_save(tx, &v, NULL), 0);
	assert_int_equal(vault_find(tx, "vault", &found, NULL), 0);
	assert_memory_equal(&found, &v, sizeof(v));
}

static void test_tiers(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("vault"), found;
	static const char *const tiers[] = {"standard", "premium", "standard", "premium"};
	for (size_t i = 0; i < ARRAY_SIZE(tiers); i++) {
		(void)snprintf(v.sku, sizeof(v.sku), "%s", tiers[i]);
		assert_int_equal(vault_save(tx, &v, &err), 0);
		assert_int_equal(vault_find(tx, "vault", &found, &err), 0);
		assert_int_equal(vault_is_premium(&found), i % 2);
	}
	// A key in an HSM stays in the tier that has one, also while it is deleted.
	_cleanup_object_ struct object k = {.name = "k", .version = "00000000000000000000000000000000", .kty = "RSA-HSM",
		.ops = KEY_OPS_DEFAULT, .enabled = true, .jwk = strdup("{}")};
	assert_int_equal(buf_append(&k.sealed, "x", 1), 0);
	assert_int_equal(object_add_version(tx, "vault", &object_keys, &k, &err), 0);
	assert_int_equal(object_mark(tx, "vault", &object_keys, "k", 1000, 2000, &err), 0);
	(void)snprintf(v.sku, sizeof(v.sku), "standard");
	assert_int_equal(vault_save(tx, &v, &err), -EBUSY);
	assert_int_equal(err.status, 400);
	assert_non_null(strstr(err.message, "sku.name"));
	assert_int_equal(object_remove(tx, "vault", &object_keys, "k", &err), 1);
	assert_int_equal(object_remove(tx, "vault", &object_keys, "k", &err), 0);
	assert_int_equal(vault_save(tx, &v, &err), 0);
}

static void test_save_refuses(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	static const char *const names[] = {"", "ab", "1abc", "ab-", "a--b", "a_b", "-abc"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct vault_record v = vault_named(names[i]);
		assert_int_equal(vault_save(tx, &v, &err), -EINVAL);
		assert_string_equal(err.code, "VaultNameNotValid");
	}
	struct vault_record v = vault_named("vault");
	v.retention_days = 6;
	assert_int_equal(vault_save(tx, &v, &err), -EINVAL);
	v.retention_days = 91;
	assert_int_equal(vault_save(tx, &v, &err), -EINVAL);
	v = vault_named("vault");
	memset(v.resource_id, 'r', sizeof(v.resource_id) - 1);
	assert_int_equal(vault_save(tx, &v, &err), -EINVAL);

	v = vault_named("vault");
	v.purge_protection = true;
	assert_int_equal(vault_save(tx, &v, &err), 0);
	v.purge_protection = false;
	assert_int_equal(vault_save(tx, &v, &err), -EINVAL);
	assert_non_null(strstr(err.message, "cannot be set to false"));
	v.purge_protection = true;
	v.retention_days = 30;
	assert_int_equal(vault_save(tx, &v, &err), -EINVAL);
	assert_non_null(strstr(err.message, "softDeleteRetentionInDays"));
	v.retention_days = 90;
	v.resource_id[1] = 'x';
	assert_int_equal(vault_save(tx, &v, &err), -EEXIST);
	assert_string_equal(err.code, "VaultAlreadyExists");
}

static void test_delete_recover_purge(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("vault"), found;
	assert_int_equal(vault_delete(tx, "vault", 5000, &err), -ENOENT);
	assert_int_equal(vault_save(tx, &v, &err), 0);
	assert_int_equal(vault_recover(tx, "vault", &err), -ENOENT);
	assert_string_equal(err.code, "DeletedVaultNotFound");
	assert_int_equal(vault_purge(tx, "vault", &err), -ENOENT);
	assert_int_equal(vault_delete(tx, "VAULT", 5000, &err), 0);
	assert_int_equal(vault_delete(tx, "vault", 6000, &err), -ENOENT);
	assert_int_equal(vault_find(tx, "vault", &found, &err), 0);
	assert_int_equal(found.deleted, 5000);
	assert_int_equal(found.purge_at, 5000 + 90 * 86400);
	assert_int_equal(vault_save(tx, &v, &err), -EEXIST);
	assert_string_equal(err.code, "ConflictError");
	assert_int_equal(vault_recover(tx, "vault", &err), 0);
	assert_int_equal(vault_find(tx, "vault", &found, &err), 0);
	assert_memory_equal(&found, &v, sizeof(v));
	assert_int_equal(vault_delete(tx, "vault", clock_now(), &err), 0);
	assert_int_equal(vault_purge(tx, "vault", &err), 0);
	assert_int_equal(vault_find(tx, "vault", &found, &err), -ENOENT);
}

static void test_purge_protection_holds_until_the_end_of_retention(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("vault");
	v.purge_protection = true;
	assert_int_equal(vault_save(tx, &v, &err), 0);
	assert_int_equal(vault_delete(tx, "vault", clock_now(), &err), 0);
	assert_int_equal(vault_purge(tx, "vault", &err), -EPERM);
	clock_set_offset(90 * 86400 + 1);
	assert_int_equal(vault_purge(tx, "vault", &err), 0);
	clock_set_offset(0);
}

static void insert_key(struct store_tx *tx, const char *name, const char *version) {
	char jwk[512];
	char modulus[MODULUS_2048 + 1];
	memset(modulus, 'x', MODULUS_2048);
	// The bits behind the last byte must be zero.
	modulus[MODULUS_2048 - 1] = 'Q';
	modulus[MODULUS_2048] = 0;
	(void)snprintf(jwk, sizeof(jwk), "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"AQAB\"}", modulus);
	struct object row = {.kty = "RSA", .ops = KEY_OP_WRAP, .enabled = true, .nbf = 7, .exp = 8, .jwk = jwk};
	(void)snprintf(row.name, sizeof(row.name), "%s", name);
	(void)snprintf(row.version, sizeof(row.version), "%s", version);
	assert_int_equal(buf_str(&row.sealed, "x"), 0);
	assert_int_equal(object_add_version(tx, "vault", &object_keys, &row, NULL), 0);
	buf_free(&row.sealed);
}

#define VERSION "0123456789abcdef0123456789abcdef"

static void test_key_info(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("Vault");
	struct vault_key_info info;
	assert_int_equal(vault_save(tx, &v, &err), 0);
	insert_key(tx, "Key-1", VERSION);
	assert_int_equal(vault_key_info(tx, "HTTPS://VAULT.vault.azure.net:443/Keys/KEY-1/0123456789ABCDEF0123456789abcdef", &info,
		&err), 0);
	assert_string_equal(info.kid, "https://vault.vault.azure.net/keys/Key-1/" VERSION);
	assert_string_equal(info.vault.name, "Vault");
	assert_string_equal(info.kty, "RSA");
	assert_int_equal(info.bits, 2048);
	assert_true(info.enabled);
	assert_false(info.deleted);
	assert_false(info.exportable);
	assert_int_equal(info.nbf, 7);
	assert_int_equal(info.exp, 8);
	assert_int_equal(vault_key_info(tx, "https://vault.vault.azure.net/keys/key-1", &info, &err), 0);
	assert_string_equal(info.kid, "https://vault.vault.azure.net/keys/Key-1/" VERSION);
	assert_int_equal(object_mark(tx, "vault", &object_keys, "key-1", clock_now(), clock_now() + 100, &err), 0);
	assert_int_equal(vault_key_info(tx, "https://vault.vault.azure.net/keys/key-1/" VERSION, &info, &err), 0);
	assert_true(info.deleted);
}

static void test_key_info_refuses(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("vault");
	struct vault_key_info info;
	assert_int_equal(vault_save(tx, &v, &err), 0);
	insert_key(tx, "key", VERSION);
	static const char *const malformed[] = {
		"", "http://vault.vault.azure.net/keys/key/" VERSION, "https://vault.vault.azure.net/keys/key/", "https://vault.vault.azure.net/keys/key/" VERSION "/",
		"https://vault.vault.azure.net/keys/key/" VERSION "0", "https://vault.vault.azure.net/keys/key/xyz",
		"https://vault.vault.azure.net/secrets/key/" VERSION, "https://vault.vault.azure.net:444/keys/key/" VERSION,
		"https://vault.vault.azure.net:4433/keys/key/" VERSION, "https://vault.vault.azure.net.evil/keys/key/" VERSION,
		"https://vault.evil/keys/key/" VERSION, "https://.vault.azure.net/keys/key/" VERSION,
		"https://vault.vault.azure.net/keys//" VERSION, "https://vault.vault.azure.net/keys/k_y/" VERSION,
		"https://vault.vault.azure.net/keys/key/" VERSION "?a=b", "https://user@vault.vault.azure.net/keys/key/" VERSION,
		"https://a-name-that-is-longer-than-any-vault.vault.azure.net/keys/key/" VERSION,
	};
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		int rc = vault_key_info(tx, malformed[i], &info, &err);
		if (rc != -EINVAL)
			print_error("%s\n", malformed[i]);
		assert_int_equal(rc, -EINVAL);
	}
	assert_int_equal(vault_key_info(tx, "https://other.vault.azure.net/keys/key/" VERSION, &info, &err), -ENOENT);
	assert_string_equal(err.code, "VaultNotFound");
	assert_int_equal(vault_key_info(tx, "https://vault.vault.azure.net/keys/nokey/" VERSION, &info, &err), -ENOENT);
	assert_string_equal(err.code, "KeyNotFound");
	assert_int_equal(vault_key_info(tx, "https://vault.vault.azure.net/keys/key/00000000000000000000000000000000", &info, &err),
		-ENOENT);
}

static void test_purging_a_vault_takes_its_keys_only(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = begin(NULL);
	struct err err = {0};
	struct vault_record v = vault_named("vault"), other = vault_named("other");
	int64_t count;
	assert_int_equal(vault_save(tx, &v, &err), 0);
	assert_int_equal(vault_save(tx, &other, &err), 0);
	insert_key(tx, "key", VERSION);
	assert_int_equal(vault_delete(tx, "other", clock_now(), &err), 0);
	assert_int_equal(vault_purge(tx, "other", &err), 0);
	assert_int_equal(store_query_int(tx, &count, &err, "SELECT COUNT(*) FROM vault_versions", ""), 0);
	assert_int_equal(count, 1);
	assert_int_equal(vault_delete(tx, "vault", clock_now(), &err), 0);
	assert_int_equal(vault_purge(tx, "vault", &err), 0);
	assert_int_equal(store_query_int(tx, &count, &err, "SELECT COUNT(*) FROM vault_versions", ""), 0);
	assert_int_equal(count, 0);
}

static void test_contexts_tell_everything_apart(void **state) {
	(void)state;
	struct vault_record v = vault_named("vault");
	_cleanup_free_ char *context = object_context(&v, &object_keys, "KEY", VERSION);
	assert_string_equal(context,
		"/subscriptions/s/resourcegroups/rg/providers/microsoft.keyvault/vaults/x/keys/key/" VERSION);
	assert_true(strlen(context) <= KEEPER_CONTEXT_MAX);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_save_and_find),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_tiers),
		cmocka_unit_test(test_save_refuses),
		cmocka_unit_test(test_delete_recover_purge),
		cmocka_unit_test(test_purge_protection_holds_until_the_end_of_retention),
		cmocka_unit_test(test_key_info),
		cmocka_unit_test(test_key_info_refuses),
		cmocka_unit_test(test_purging_a_vault_takes_its_keys_only),
		cmocka_unit_test(test_contexts_tell_everything_apart),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
