// SPDX-License-Identifier: Apache-2.0
// Tenants, applications and managed identities in the store.
#include "entra/fixture.h"

#include "base/strv.h"
#include "crypto/hash.h"

static void test_secret_is_not_stored(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_buf_ struct buf hash = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	int64_t n;
	struct err err = {0};
	assert_int_equal(hash_sha256(f->secret, 40, digest), 0);
	assert_int_equal(enc_hex(&hash, digest, sizeof(digest)), 0);
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	assert_int_equal(store_query_int(tx, &n, &err,
		"SELECT COUNT(*) FROM application_secrets WHERE app_id = $1 AND secret_hash = $2", "ss", f->app.app_id,
		buf_cstr(&hash)), 0);
	assert_int_equal(n, 1);
}

static void test_directory_refusals(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_secret_ struct secret secret = {0};
	struct entra_principal p = {.app_id = "untouched"};
	struct err err = {0};
	char long_name[300];
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_tenant(tx, TENANT_A, "again", &err), -EEXIST);
	assert_int_equal(entra_add_tenant(tx, "not-a-guid", "x", &err), -EINVAL);
	assert_int_equal(entra_add_tenant(tx, NOBODY, "", &err), -EINVAL);
	assert_int_equal(entra_add_tenant(tx, NOBODY, "\xff", &err), -EINVAL);
	assert_int_equal(entra_add_tenant(tx, NOBODY, long_name, &err), -EINVAL);
	assert_int_equal(entra_add_application(tx, NOBODY, "x", &p, &secret, &err), -ENOENT);
	assert_int_equal(err.status, 404);
	assert_null(secret.data);
	assert_int_equal(entra_add_managed_identity(tx, NOBODY, "/x", "x", &p, &err), -ENOENT);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, "", "x", &p, &err), -EINVAL);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_B, IDENTITY_ID, "x", &p, &err), -EEXIST);
	assert_int_equal(entra_find_managed_identity(tx, "/none", &p, &err), -ENOENT);
	assert_int_equal(err.status, 404);
	assert_string_equal(p.app_id, "untouched");
	assert_int_equal(entra_find_principal(tx, TENANT_A, NOBODY, &err), -ENOENT);
	assert_string_equal(err.code, "PrincipalNotFound");
	assert_int_equal(entra_find_principal(tx, TENANT_B, f->app.object_id, &err), -ENOENT);
	assert_int_equal(entra_find_principal(tx, TENANT_A, "x", &err), -ENOENT);
	assert_int_equal(entra_find_principal(tx, TENANT_A, f->app.object_id, &err), 0);
	assert_int_equal(entra_find_principal(tx, TENANT_A, f->identity.object_id, &err), 0);
}

static void test_managed_identity_is_idempotent(void **state) {
	struct fixture *f = *state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_principal again, found;
	struct err err = {0};
	_cleanup_free_ char *lower = strv_lower(IDENTITY_ID);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, lower, "Disk", &again, &err), 0);
	assert_memory_equal(&again, &f->identity, sizeof(again));
	assert_int_equal(entra_find_managed_identity(tx, lower, &found, &err), 0);
	assert_memory_equal(&found, &f->identity, sizeof(found));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_is_not_stored),
		cmocka_unit_test(test_directory_refusals),
		cmocka_unit_test(test_managed_identity_is_idempotent),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
