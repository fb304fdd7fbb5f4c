// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "access/access.h"
#include "base/enc.h"
#include "store/test-scratch.h"

#define CRYPTO_USER "e147488a-f6f5-4113-8e2d-b22465e65bf6"
#define CONTRIBUTOR "b24988ac-6180-42a0-ab88-20f7382dd24c"
#define SECRETS_USER "4633458b-17de-408a-b874-0445c86b69e6"
#define DATA_ACCESS_ADMINISTRATOR "8b54135c-b56d-4d72-a534-26097cfdc8d8"
#define TENANT "99999999-9999-4999-8999-999999999999"
#define PRINCIPAL "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"
#define VAULT "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"

static struct store *store;
static struct scratch scratch;

static int set_up(void **state) {
	(void)state;
	struct err err = {0};
	return scratch_make(&scratch) < 0 ? -1 : store_open(scratch.path, &store, &err);
}

static int tear_down(void **state) {
	(void)state;
	store_close(store);
	return scratch_remove(&scratch);
}

static int assign(struct store_tx *tx, const char *scope, const char *name, const char *role) {
	struct err err = {0};
	const struct access_assignment a = {
		.tenant = TENANT, .scope = scope, .name = name, .principal_id = PRINCIPAL, .principal_type = "ServicePrincipal",
		.role_id = role, .created_by = OTHER};
	return access_assign(tx, &a, &err);
}

static int check(struct store_tx *tx, const char *principal, const char *scope, const char *action, bool data) {
	struct err err = {0};
	struct access_decision decision = {0};
	return access_check(tx, principal, scope, action, data, &decision, &err);
}

static void test_nothing_is_allowed_without_an_assignment(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_READ, &tx, &err), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/read", false), -EACCES);
}

static void test_a_data_role_gives_its_data_actions_and_no_more(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000001", CRYPTO_USER), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT "/keys/k", "Microsoft.KeyVault/vaults/keys/unwrap/action", true), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT "/keys/k", "Microsoft.KeyVault/vaults/keys/delete", true), -EACCES);
	// The same text as a control plane action is another permission.
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/keys/unwrap/action", false), -EACCES);
	assert_int_equal(check(tx, OTHER, VAULT "/keys/k", "Microsoft.KeyVault/vaults/keys/unwrap/action", true), -EACCES);
	// A sibling whose name begins alike is not below the scope.
	assert_int_equal(check(tx, PRINCIPAL, VAULT "2/keys/k", "Microsoft.KeyVault/vaults/keys/unwrap/action", true), -EACCES);
}

static void test_not_actions_take_away(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, "/subscriptions/s", "a0000000-0000-4000-8000-000000000002", CONTRIBUTOR), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/write", false), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.Authorization/roleAssignments/write", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/keys/read", true), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, "/subscriptions/s2", "Microsoft.KeyVault/vaults/write", false), -EACCES);
}

static void test_scopes_compare_without_case(void **state) {
	(void)state;
	assert_true(access_scope_within("/Subscriptions/S/resourcegroups/RG", "/subscriptions/s"));
	assert_true(access_scope_within("/subscriptions/s", "/"));
	assert_true(access_scope_within("/subscriptions/s", "/subscriptions/s/"));
	assert_false(access_scope_within("/subscriptions/s", "/subscriptions/s/resourceGroups/rg"));
	assert_false(access_scope_within("/subscriptions/s2", "/subscriptions/s"));
}

// The data actions below Microsoft.KeyVault/vaults/ of each role, and some that it has not.
static void test_the_roles_of_key_vault(void **state) {
	(void)state;
	static const struct {
		const char *id, *name;
		const char *allowed[4], *refused[6];
	} cases[] = {
		{"00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator",
			{"keys/purge/action", "secrets/getSecret/action", "keyrotationpolicies/write"}, {NULL}},
		{"14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer",
			{"keys/purge/action", "keyrotationpolicies/write", "keyrotationpolicies/read"}, {"secrets/readMetadata/action"}},
		{"12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User",
			{"keys/sign/action", "keys/backup/action", "keys/update/action"},
			{"keys/create/action", "keys/delete", "keys/release/action", "keyrotationpolicies/read", "keys/rotate/action"}},
		{"e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User",
			{"keys/read", "keys/wrap/action", "keys/unwrap/action"}, {"keys/sign/action", "keys/encrypt/action"}},
		{"08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User", {"keys/release/action"},
			{"keys/read", "keys/unwrap/action"}},
		{"b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer",
			{"secrets/getSecret/action", "secrets/setSecret/action", "secrets/purge/action", "secrets/delete"}, {"keys/read"}},
		{SECRETS_USER, "Key Vault Secrets User", {"secrets/getSecret/action", "secrets/readMetadata/action"},
			{"secrets/setSecret/action", "secrets/delete", "secrets/backup/action", "keys/read"}},
		{"a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer", {"certificates/create/action"},
			{"keys/read", "secrets/getSecret/action"}},
		{"db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User",
			{"certificates/read", "secrets/getSecret/action", "keys/read"}, {"certificates/delete", "keys/unwrap/action"}},
		{"21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", {"keys/read", "secrets/readMetadata/action"},
			{"secrets/getSecret/action", "keys/unwrap/action", "keys/backup/action"}},
		{"f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor", {NULL}, {"keys/read", "secrets/getSecret/action"}},
		{"a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator", {NULL}, {"keys/purge/action"}},
	};
	struct err err = {0};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_tx_ struct store_tx *tx = NULL;
		char action[96];
		assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
		assert_string_equal(access_role_by_id(cases[i].id)->name, cases[i].name);
		assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000005", cases[i].id), 0);
		for (size_t j = 0; j < ARRAY_SIZE(cases[i].allowed) && cases[i].allowed[j]; j++) {
			(void)snprintf(action, sizeof(action), "Microsoft.KeyVault/vaults/%s", cases[i].allowed[j]);
			assert_int_equal(check(tx, PRINCIPAL, VAULT "/keys/k", action, true), 0);
		}
		for (size_t j = 0; j < ARRAY_SIZE(cases[i].refused) && cases[i].refused[j]; j++) {
			(void)snprintf(action, sizeof(action), "Microsoft.KeyVault/vaults/%s", cases[i].refused[j]);
			assert_int_equal(check(tx, PRINCIPAL, VAULT "/keys/k", action, true), -EACCES);
		}
	}
}

static void test_scopes_of_one_object(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	static const char get[] = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, VAULT "/secrets/S", "a0000000-0000-4000-8000-000000000006", SECRETS_USER), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT "/secrets/s", get, true), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT "/secrets/s2", get, true), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT "/keys/s", get, true), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, get, true), -EACCES);
}

static int check_assignment(struct store_tx *tx, const char *verb, const char *role) {
	char action[64];
	struct err err = {0};
	struct access_decision decision = {0};
	(void)snprintf(action, sizeof(action), "Microsoft.Authorization/roleAssignments/%s", verb);
	return access_check_assignment(tx, PRINCIPAL, VAULT, action, role, &decision, &err);
}

static void test_the_condition_of_a_role_limits_what_it_assigns(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	static const char *const verbs[] = {"write", "delete"};
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000007", DATA_ACCESS_ADMINISTRATOR), 0);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		assert_int_equal(check_assignment(tx, verbs[i], CRYPTO_USER), 0);
		assert_int_equal(check_assignment(tx, verbs[i], "4633458B-17DE-408A-B874-0445C86B69E6"), 0);
		// Itself, what is above it, and what the condition does not list.
		assert_int_equal(check_assignment(tx, verbs[i], DATA_ACCESS_ADMINISTRATOR), -EACCES);
		assert_int_equal(check_assignment(tx, verbs[i], ACCESS_ROLE_OWNER), -EACCES);
		assert_int_equal(check_assignment(tx, verbs[i], "08bbd89e-9f13-488c-ac41-acfcb10c90ab"), -EACCES);
		assert_int_equal(check_assignment(tx, verbs[i], NULL), -EACCES);
	}
	// Where no role is named, there is no right to assign at all; reading is without condition.
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.Authorization/roleAssignments/write", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.Authorization/roleAssignments/read", false), 0);
	// An owner is bound by no condition.
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000008", ACCESS_ROLE_OWNER), 0);
	assert_int_equal(check_assignment(tx, "write", ACCESS_ROLE_OWNER), 0);
}

static bool holds(struct store_tx *tx, const char *principal, const char *type, const char *ancestor) {
	bool out = false;
	struct err err = {0};
	assert_int_equal(access_holds_role(tx, principal, ACCESS_ROLE_HYPERVISOR, type, ancestor, &out, &err), 0);
	return out;
}

static void test_a_role_held_at_one_resource(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	static const char host[] = "Custodisk.Host/hypervisors";
	static const char *const elsewhere[] = {"/", "/subscriptions/s", "/subscriptions/s/resourceGroups/rg",
		"/subscriptions/s/resourceGroups/rg/providers/Custodisk.Host/hypervisors2/h",
		"/subscriptions/s/resourceGroups/rg/providers/Custodisk.Host/hypervisors/h/parts/p",
		"/subscriptions/s/resourceGroups/rg/providers/A.B/c/d/providers/Custodisk.Host/hypervisors/h", VAULT};
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		char name[ENC_UUID_SIZE];
		assert_int_equal(enc_uuid(name), 0);
		assert_int_equal(assign(tx, elsewhere[i], name, ACCESS_ROLE_HYPERVISOR), 0);
		assert_false(holds(tx, PRINCIPAL, host, "/subscriptions/s"));
	}
	assert_int_equal(assign(tx, "/subscriptions/S/resourceGroups/g/providers/Custodisk.Host/hypervisors/H",
		"a0000000-0000-4000-8000-000000000009", CRYPTO_USER), 0);
	assert_false(holds(tx, PRINCIPAL, host, "/subscriptions/s"));
	assert_int_equal(assign(tx, "/subscriptions/S/resourceGroups/g/providers/Custodisk.Host/hypervisors/H",
		"a0000000-0000-4000-8000-00000000000a", ACCESS_ROLE_HYPERVISOR), 0);
	assert_true(holds(tx, PRINCIPAL, host, "/subscriptions/s"));
	assert_false(holds(tx, OTHER, host, "/subscriptions/s"));
	assert_false(holds(tx, PRINCIPAL, host, "/subscriptions/t"));
}

static void test_the_same_assignment_twice_is_a_conflict(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000003", CRYPTO_USER), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000004", CRYPTO_USER), -EEXIST);
}

#define CUSTOM "33333333-3333-4333-8333-333333333333"
#define NESTED 8

static void run(struct store_tx *tx, const char *sql, const char *a, const char *b) {
	struct err err = {0};
	assert_true(store_exec(tx, &err, sql, "ss", a, b) >= 0);
}

static void add_group(struct store_tx *tx, const char *id, const char *member) {
	run(tx, "INSERT INTO tenants (id, display_name, created) VALUES ($1, $2, 0) ON CONFLICT (id) DO NOTHING", TENANT, "Home");
	run(tx, "INSERT INTO groups (object_id, tenant_id, display_name, created, body) VALUES ($1, $2, 'g', 0, '{}')"
		" ON CONFLICT (object_id) DO NOTHING", id, TENANT);
	run(tx, "INSERT INTO group_members (group_id, member_id) VALUES ($1, $2)", id, member);
}

static int assign_to(struct store_tx *tx, const char *tenant, const char *principal, const char *scope, const char *role) {
	struct err err = {0};
	char name[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(name), 0);
	const struct access_assignment a = {.tenant = tenant, .scope = scope, .name = name, .principal_id = principal,
		.principal_type = "Group", .role_id = role, .created_by = OTHER};
	return access_assign(tx, &a, &err);
}

static void test_groups_count_however_deep(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	static const char read[] = "Microsoft.KeyVault/vaults/read";
	char groups[NESTED][ENC_UUID_SIZE];
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	for (size_t i = 0; i < NESTED; i++) {
		assert_int_equal(enc_uuid(groups[i]), 0);
		add_group(tx, groups[i], i == 0 ? PRINCIPAL : groups[i - 1]);
	}
	assert_int_equal(check(tx, PRINCIPAL, VAULT, read, false), -EACCES);
	assert_int_equal(assign_to(tx, TENANT, groups[NESTED - 1], VAULT, ACCESS_ROLE_OWNER), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, read, false), 0);
	assert_int_equal(check(tx, groups[3], VAULT, read, false), 0);
	// Who is in none of them, and who is only above.
	assert_int_equal(check(tx, OTHER, VAULT, read, false), -EACCES);
	run(tx, "DELETE FROM group_members WHERE group_id = $1 AND member_id = $2", groups[4], groups[3]);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, read, false), -EACCES);
	assert_int_equal(check(tx, groups[4], VAULT, read, false), 0);
}

static void test_groups_that_hold_each_other_end(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	static const char a[] = "aaaaaaaa-0000-4000-8000-000000000001", b[] = "aaaaaaaa-0000-4000-8000-000000000002";
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	add_group(tx, a, PRINCIPAL);
	add_group(tx, b, a);
	add_group(tx, a, b);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/read", false), -EACCES);
	assert_int_equal(assign_to(tx, TENANT, b, "/subscriptions/s", ACCESS_ROLE_OWNER), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.KeyVault/vaults/read", false), 0);
}

static void test_scopes_that_begin_alike_are_others(void **state) {
	(void)state;
	struct err err = {0};
	static const struct {
		const char *at, *scope;
		int rc;
	} cases[] = {
		{"/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourceGroups/a", 0},
		{"/subscriptions/s/resourceGroups/a", "/SUBSCRIPTIONS/S/resourcegroups/A/providers/X.Y/z/n", 0},
		{"/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourceGroups/ab", -EACCES},
		{"/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourceGroups/ab/providers/X.Y/z/n", -EACCES},
		{"/subscriptions/s/resourceGroups/ab", "/subscriptions/s/resourceGroups/a", -EACCES},
		{"/subscriptions/s/resourceGroups/a", "/subscriptions/s", -EACCES},
		{"/subscriptions/s/resourceGroups/a", "/subscriptions/s/resourceGroups/b", -EACCES},
		{"/subscriptions/s", "/subscriptions/s/providers/Microsoft.KeyVault/vaults", 0},
		{"/subscriptions/s", "/", -EACCES},
		{"/subscriptions/s", "/subscriptions/ss", -EACCES},
		{VAULT, VAULT "/keys/k", 0},
		{VAULT, VAULT "s/keys/k", -EACCES},
		{VAULT "/keys/k", VAULT "/keys/k2", -EACCES},
		{VAULT "/keys/k", VAULT "/secrets/k", -EACCES},
		{VAULT, VAULT "/providers/Microsoft.Authorization/locks/l", 0},
		{"/", "/", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_tx_ struct store_tx *tx = NULL;
		assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
		assert_int_equal(assign_to(tx, TENANT, PRINCIPAL, cases[i].at, ACCESS_ROLE_OWNER), 0);
		assert_int_equal(check(tx, PRINCIPAL, cases[i].scope, "Microsoft.X/y/read", false), cases[i].rc);
	}
}

static void test_the_root_is_a_tenants_own(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	run(tx, "INSERT INTO tenants (id, display_name, created) VALUES ($1, $2, 0)", TENANT, "Home");
	run(tx, "INSERT INTO tenants (id, display_name, created) VALUES ($1, $2, 0)", OTHER, "Other");
	run(tx, "INSERT INTO subscriptions (id, tenant_id, display_name) VALUES ($1, $2, 's')", "home", TENANT);
	run(tx, "INSERT INTO subscriptions (id, tenant_id, display_name) VALUES ($1, $2, 's')", "other", OTHER);
	assert_int_equal(assign_to(tx, TENANT, PRINCIPAL, "/", ACCESS_ROLE_OWNER), 0);
	assert_int_equal(check(tx, PRINCIPAL, "/subscriptions/Home/resourceGroups/g", "Microsoft.X/y/read", false), 0);
	assert_int_equal(check(tx, PRINCIPAL, "/", "Microsoft.X/y/read", false), 0);
	assert_int_equal(check(tx, PRINCIPAL, "/subscriptions/other/resourceGroups/g", "Microsoft.X/y/read", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, "/subscriptions/nobodys", "Microsoft.X/y/read", false), -EACCES);
}

static int save_custom(struct store_tx *tx, const char *tenant, const char *id, const char *name, const char *actions) {
	struct err err = {0};
	const struct access_role role = {.id = id, .name = name, .description = "", .actions = actions,
		.not_actions = "Microsoft.X/y/delete", .data_actions = "Microsoft.X/y/open/action", .not_data_actions = "",
		.scopes = "/subscriptions/s", .created_by = OTHER, .updated_by = OTHER};
	run(tx, "INSERT INTO tenants (id, display_name, created) VALUES ($1, $2, 0) ON CONFLICT (id) DO NOTHING", tenant, "T");
	return access_role_save(tx, tenant, &role, &err);
}

static void test_custom_roles(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(save_custom(tx, TENANT, CUSTOM, "Mine", "Microsoft.X/*"), 0);
	assert_int_equal(assign_to(tx, TENANT, PRINCIPAL, "/subscriptions/s", CUSTOM), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/write", false), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/delete", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/open/action", true), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/write", true), -EACCES);
	// A change counts at once.
	assert_int_equal(save_custom(tx, TENANT, CUSTOM, "Mine", "*/read Microsoft.Z/write"), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/write", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/read", false), 0);
	// What one role takes away another one gives.
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/delete", false), -EACCES);
	assert_int_equal(assign_to(tx, TENANT, PRINCIPAL, VAULT, ACCESS_ROLE_OWNER), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/delete", false), 0);
	// Without its definition it gives nothing.
	assert_int_equal(access_role_delete(tx, TENANT, CUSTOM, &err), 0);
	assert_int_equal(check(tx, PRINCIPAL, "/subscriptions/s", "Microsoft.X/y/read", false), -EACCES);
}

static void test_custom_roles_of_another_tenant(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role role;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(save_custom(tx, OTHER, CUSTOM, "Theirs", "*"), 0);
	assert_int_equal(access_role_find(tx, TENANT, CUSTOM, &hold, &role, &err), -ENOENT);
	assert_int_equal(assign_to(tx, TENANT, PRINCIPAL, "/subscriptions/s", CUSTOM), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/write", false), -EACCES);
	// The same GUID and the same name are another role there.
	assert_int_equal(save_custom(tx, TENANT, CUSTOM, "Theirs", "*/read"), 0);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/write", false), -EACCES);
	assert_int_equal(check(tx, PRINCIPAL, VAULT, "Microsoft.X/y/read", false), 0);
}

static void test_names_of_custom_roles_are_unique(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role role;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(save_custom(tx, TENANT, CUSTOM, "Mine", "*"), 0);
	assert_int_equal(save_custom(tx, TENANT, "44444444-4444-4444-8444-444444444444", "mINE", "*"), -EEXIST);
	assert_int_equal(save_custom(tx, TENANT, "44444444-4444-4444-8444-444444444444", "owner", "*"), -EEXIST);
	assert_int_equal(save_custom(tx, TENANT, CUSTOM, "Renamed", "*"), 0);
	assert_int_equal(access_role_find(tx, TENANT, CUSTOM, &hold, &role, &err), 0);
	assert_string_equal(role.name, "Renamed");
	assert_string_equal(role.scopes, "/subscriptions/s");
	assert_true(access_scopes_cover(role.scopes, "/Subscriptions/S/resourceGroups/g"));
	assert_true(access_scopes_cover("/subscriptions/t /subscriptions/s", "/subscriptions/s"));
	assert_false(access_scopes_cover("/subscriptions/t /subscriptions/s", "/subscriptions/ss"));
	assert_false(access_scopes_cover(role.scopes, "/"));
	assert_false(access_scopes_cover("", "/subscriptions/s"));
}

static void test_what_the_directory_has(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	static const char group[] = "aaaaaaaa-0000-4000-8000-000000000003", user[] = "aaaaaaaa-0000-4000-8000-000000000004";
	const char *type = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	add_group(tx, group, PRINCIPAL);
	run(tx, "INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body)"
		" VALUES ($1, $2, 'a@b', 'a', 1, 0, '{}')", user, TENANT);
	run(tx, "INSERT INTO service_principals (object_id, tenant_id, app_id, kind, display_name, enabled, created)"
		" VALUES ($1, $2, 'app', 'Application', 'p', 1, 0)", PRINCIPAL, TENANT);
	run(tx, "INSERT INTO applications (app_id, object_id, tenant_id, display_name, created) VALUES ('app', $1, $2, 'p', 0)",
		OTHER, TENANT);
	assert_int_equal(access_principal_type(tx, TENANT, "AAAAAAAA-0000-4000-8000-000000000003", &type, &err), 0);
	assert_string_equal(type, "Group");
	assert_int_equal(access_principal_type(tx, TENANT, user, &type, &err), 0);
	assert_string_equal(type, "User");
	assert_int_equal(access_principal_type(tx, TENANT, PRINCIPAL, &type, &err), 0);
	assert_string_equal(type, "ServicePrincipal");
	assert_int_equal(access_principal_type(tx, TENANT, OTHER, &type, &err), 0);
	assert_string_equal(type, "Application");
	assert_int_equal(access_principal_type(tx, CUSTOM, user, &type, &err), -ENOENT);
	assert_int_equal(access_principal_type(tx, TENANT, CUSTOM, &type, &err), -ENOENT);
	assert_string_equal(type, "Application");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_allowed_without_an_assignment),
		cmocka_unit_test(test_a_data_role_gives_its_data_actions_and_no_more),
		cmocka_unit_test(test_not_actions_take_away),
		cmocka_unit_test(test_scopes_compare_without_case),
		cmocka_unit_test(test_the_roles_of_key_vault),
		cmocka_unit_test(test_scopes_of_one_object),
		cmocka_unit_test(test_the_condition_of_a_role_limits_what_it_assigns),
		cmocka_unit_test(test_a_role_held_at_one_resource),
		cmocka_unit_test(test_the_same_assignment_twice_is_a_conflict),
		cmocka_unit_test(test_groups_count_however_deep),
		cmocka_unit_test(test_groups_that_hold_each_other_end),
		cmocka_unit_test(test_scopes_that_begin_alike_are_others),
		cmocka_unit_test(test_the_root_is_a_tenants_own),
		cmocka_unit_test(test_custom_roles),
		cmocka_unit_test(test_custom_roles_of_another_tenant),
		cmocka_unit_test(test_names_of_custom_roles_are_unique),
		cmocka_unit_test(test_what_the_directory_has),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
