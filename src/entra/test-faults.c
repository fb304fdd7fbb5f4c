// SPDX-License-Identifier: Apache-2.0
// The room opened again, and without what it stands on.
#include "entra/fixture.h"

#include "base/strv.h"

static void test_reopen(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f), *before = fixture_capability(f, f->identity.app_id);
	char kid[ENTRA_KID_SIZE];
	struct err err = {0};
	(void)snprintf(kid, sizeof(kid), "%s", f->entra->keys[0].kid);
	entra_close(f->entra);
	f->entra = NULL;
	assert_int_equal(entra_open(f->store, f->keeper, &f->entra, &err), 0);
	assert_int_equal(f->entra->key_count, 1);
	assert_string_equal(f->entra->keys[0].kid, kid);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	_cleanup_free_ char *after = fixture_capability(f, f->identity.app_id);
	assert_string_equal(before, after);
}

// The last one: it breaks what the others need.
static void test_without_keeper(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f), *header = fixture_capability(f, f->identity.app_id);
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	_cleanup_json_ json_t *answer = NULL;
	fixture_stop_keeper(f);
	fixture_refused(f, TOKEN_URL, form, 503, "temporarily_unavailable", 90033);
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, (const char *[]){"Metadata: true", header, NULL}, &answer), 500);
	assert_string_equal(json_str(answer, "error"), "unknown");
	// Verifying needs no private key.
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	fixture_sql(f, "ALTER TABLE service_principals RENAME TO lost", NULL);
	assert_int_equal(fixture_judge(f, token), ENTRA_UNAVAILABLE);
	fixture_refused(f, TOKEN_URL, form, 503, "temporarily_unavailable", 90033);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_without_keeper),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
