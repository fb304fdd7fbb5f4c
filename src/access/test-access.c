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
#include "store/test-scratch.h"

#define CRYPTO_USER "e147488a-f6f5-4113-8e2d-b22465e65bf6"
#define CONTRIBUTOR "b24988ac-6180-42a0-ab88-20f7382dd24c"
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
		.scope = scope, .name = name, .principal_id = PRINCIPAL, .principal_type = "ServicePrincipal",
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

static void test_the_same_assignment_twice_is_a_conflict(void **state) {
	(void)state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000003", CRYPTO_USER), 0);
	assert_int_equal(assign(tx, VAULT, "a0000000-0000-4000-8000-000000000004", CRYPTO_USER), -EEXIST);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_allowed_without_an_assignment),
		cmocka_unit_test(test_a_data_role_gives_its_data_actions_and_no_more),
		cmocka_unit_test(test_not_actions_take_away),
		cmocka_unit_test(test_scopes_compare_without_case),
		cmocka_unit_test(test_the_same_assignment_twice_is_a_conflict),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
