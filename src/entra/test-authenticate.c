// SPDX-License-Identifier: Apache-2.0
// What a resource server makes of good, forged, foreign and outdated tokens.
#include "entra/fixture.h"

#include "base/clock.h"
#include "base/strv.h"
#include "crypto/jwt.h"

static void test_authenticate(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_free_ char *header = strv_printf("bearer %s", token);
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(fixture_judged(f, header, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "tenant"), TENANT_A);
	assert_string_equal(json_str(found, "oid"), f->app.object_id);
	assert_string_equal(json_str(found, "appid"), f->app.app_id);
	assert_string_equal(json_str(found, "iss"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(found, "aud"), "https://vault.azure.net");
	assert_int_equal(json_int(found, "kind", -1), CALLER_APPLICATION);
	assert_string_equal(json_str(found, "name"), "robot");
}

static void test_other_tenants_token(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_token(f, TENANT_B, f->app_b.app_id, f->secret_b, VAULT_SCOPE);
	_cleanup_free_ char *header = strv_printf("Bearer %s", token);
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(fixture_judged(f, header, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "tenant"), TENANT_B);
	assert_string_equal(json_str(found, "iss"), "https://sts.windows.net/" TENANT_B "/");
}

static void test_missing_token(void **state) {
	struct fixture *f = *state;
	static const char *const headers[] = {"Basic abc", "Bearer", "Bearer ", "Bearerx y", "PoP abc"};
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		_cleanup_json_ json_t *found = NULL;
		assert_int_equal(fixture_judged(f, headers[i], &found), ENTRA_MISSING);
		assert_string_equal(json_str(found, "iss"), "untouched");
	}
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(fixture_get(f, "http://check.example/", &found), 200);
	assert_int_equal(json_int(found, "answer", -1), ENTRA_MISSING);
}

static void test_malformed_tokens(void **state) {
	struct fixture *f = *state;
	static const char *const tokens[] = {"x", "a.b", "a.b.c", "..", "a.b.c.d", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"};
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		assert_int_equal(fixture_judge(f, tokens[i]), ENTRA_INVALID);
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_free_ char *padded = strv_printf("%s ,", token);
	assert_int_equal(fixture_judge(f, padded), ENTRA_INVALID);
}

static void test_unsigned_token(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_buf_ struct buf forged = {0};
	static const char header[] = "{\"alg\":\"none\",\"typ\":\"JWT\"}";
	const char *payload = strchr(token, '.'), *signature = strrchr(token, '.');
	assert_int_equal(enc_base64url(&forged, header, sizeof(header) - 1), 0);
	assert_int_equal(buf_append(&forged, payload, (size_t)(signature - payload) + 1), 0);
	assert_int_equal(fixture_judge(f, buf_cstr(&forged)), ENTRA_INVALID);  // no signature at all
	assert_int_equal(buf_str(&forged, signature + 1), 0);
	assert_int_equal(fixture_judge(f, buf_cstr(&forged)), ENTRA_INVALID);  // another's signature
}

static void test_changed_token(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_json_ json_t *claims = fixture_claims(token);
	_cleanup_buf_ struct buf forged = {0};
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	assert_int_equal(json_set_str(claims, "oid", f->app_b.object_id), 0);
	_cleanup_free_ char *text = json_text(claims);
	assert_int_equal(buf_append(&forged, token, strcspn(token, ".") + 1), 0);
	assert_int_equal(enc_base64url(&forged, text, strlen(text)), 0);
	assert_int_equal(buf_str(&forged, strrchr(token, '.')), 0);
	assert_int_equal(fixture_judge(f, buf_cstr(&forged)), ENTRA_INVALID);
}

// A token that was good before vouches for itself alone.
static void test_seen_token_changed(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	size_t len = strlen(token), places[] = {0, strcspn(token, ".") + 1, len / 2, len - 1};
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *changed = strdup(token);
		changed[places[i]] = changed[places[i]] == 'A' ? 'B' : 'A';
		assert_int_equal(fixture_judge(f, changed), ENTRA_INVALID);
	}
	for (size_t cut = 1; cut < 40; cut += 13) {
		_cleanup_free_ char *truncated = strndup(token, len - cut);
		assert_int_equal(fixture_judge(f, truncated), ENTRA_INVALID);
	}
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
}

static int sign_with(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	return key_sign(ctx, KEY_ALG_RS256, digest, 32, signature, err);
}

static void test_another_key(void **state) {
	struct fixture *f = *state;
	_cleanup_pkey_ struct key *key = NULL;
	const struct key_spec spec = {.kind = KEY_KIND_RSA, .bits = 2048};
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_json_ json_t *claims = fixture_claims(token);
	_cleanup_buf_ struct buf same_kid = {0}, own_kid = {0};
	struct err err = {0};
	assert_int_equal(key_make(&spec, &key, &err), 0);
	assert_int_equal(jwt_sign(claims, f->entra->keys[0].kid, sign_with, key, &same_kid, &err), 0);
	assert_int_equal(jwt_sign(claims, "mine", sign_with, key, &own_kid, &err), 0);
	assert_int_equal(fixture_judge(f, buf_cstr(&same_kid)), ENTRA_INVALID);
	assert_int_equal(fixture_judge(f, buf_cstr(&own_kid)), ENTRA_INVALID);
}

static int sign_in_keeper(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	struct fixture *f = ctx;
	const struct keeper_key key = {f->entra->keys[0].sealed.data, f->entra->keys[0].sealed.len, entra_signing_context};
	return keeper_sign(f->keeper, &key, KEY_ALG_RS256, digest, 32, signature, err);
}

// A good token with one claim set to another value, or removed (NULL), and signed by the right key.
static enum entra_refusal judge_claim(struct fixture *f, const char *name, json_t *value) {
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_json_ json_t *claims = fixture_claims(token);
	_cleanup_buf_ struct buf changed = {0};
	struct err err = {0};
	if (value)
		assert_int_equal(json_set(claims, name, value), 0);
	else
		assert_int_equal(json_object_del(claims, name), 0);
	assert_int_equal(jwt_sign(claims, f->entra->keys[0].kid, sign_in_keeper, f, &changed, &err), 0);
	return (enum entra_refusal)fixture_judge(f, buf_cstr(&changed));
}

static void test_signed_but_wrong(void **state) {
	struct fixture *f = *state;
	int64_t now = clock_now();
	assert_int_equal(judge_claim(f, "ver", json_string("1.0")), ENTRA_OK);
	assert_int_equal(judge_claim(f, "iss", json_string("https://sts.windows.net/" TENANT_B "/")), ENTRA_ISSUER);
	assert_int_equal(judge_claim(f, "iss", json_string("https://login.microsoftonline.com/" TENANT_A "/v2.0")), ENTRA_OK);
	assert_int_equal(judge_claim(f, "iss", json_string("https://sts.windows.net/" TENANT_A)), ENTRA_ISSUER);
	assert_int_equal(judge_claim(f, "tid", json_string(TENANT_B)), ENTRA_ISSUER);
	assert_int_equal(judge_claim(f, "tid", json_string("x")), ENTRA_INVALID);
	assert_int_equal(judge_claim(f, "oid", json_string(NOBODY)), ENTRA_INVALID);
	assert_int_equal(judge_claim(f, "appid", json_string(f->app_b.app_id)), ENTRA_INVALID);
	assert_int_equal(judge_claim(f, "nbf", json_integer(now + 60)), ENTRA_EXPIRED);
	assert_int_equal(judge_claim(f, "exp", json_integer(now - 1)), ENTRA_EXPIRED);
	assert_int_equal(judge_claim(f, "exp", json_string("9999999999")), ENTRA_EXPIRED);
	assert_int_equal(judge_claim(f, "aud", json_string("https://other.example")), ENTRA_OK);
	assert_int_equal(judge_claim(f, "aud", json_pack("[s]", "https://vault.azure.net")), ENTRA_INVALID);
	static const char *const needed[] = {"tid", "oid", "appid", "iss", "aud", "idtyp"};
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_int_equal(judge_claim(f, needed[i], NULL), ENTRA_INVALID);
	assert_int_equal(judge_claim(f, "exp", NULL), ENTRA_EXPIRED);
}

static void test_wrong_audience(void **state) {
	struct fixture *f = *state;
	static const char *const scopes[] = {"https://management.azure.com/.default", "https://vault.azure.net//.default"};
	static const char *const found_audience[] = {"https://management.azure.com", "https://vault.azure.net/"};
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		_cleanup_free_ char *token = fixture_token(f, TENANT_A, f->app.app_id, f->secret, scopes[i]);
		_cleanup_free_ char *header = strv_printf("Bearer %s", token);
		_cleanup_json_ json_t *found = NULL;
		assert_int_equal(fixture_judged(f, header, &found), ENTRA_AUDIENCE);
		assert_string_equal(json_str(found, "aud"), found_audience[i]);
		_cleanup_json_ json_t *again = NULL;
		assert_int_equal(fixture_judged(f, header, &again), ENTRA_AUDIENCE);
		assert_string_equal(json_str(again, "aud"), found_audience[i]);
	}
}

static void test_expired_token(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	clock_set_offset(3590);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	clock_set_offset(3601);
	assert_int_equal(fixture_judge(f, token), ENTRA_EXPIRED);
	clock_set_offset(-310);
	assert_int_equal(fixture_judge(f, token), ENTRA_EXPIRED);
	clock_set_offset(0);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	clock_set_offset(-310);  // before its nbf, and seen already
	assert_int_equal(fixture_judge(f, token), ENTRA_EXPIRED);
	clock_set_offset(3601);
	assert_int_equal(fixture_judge(f, token), ENTRA_EXPIRED);
	clock_set_offset(0);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
}

static void test_disabled_principal(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_free_ char *good = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	_cleanup_free_ char *wrong = fixture_credentials(f->app.app_id, "wrong", "scope=" VAULT_SCOPE);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	fixture_sql(f, "UPDATE service_principals SET enabled = 0 WHERE object_id = $1", f->app.object_id);
	assert_int_equal(fixture_judge(f, token), ENTRA_INVALID);
	fixture_refused(f, TOKEN_URL, good, 400, "unauthorized_client", 7000112);
	fixture_refused(f, TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	fixture_sql(f, "UPDATE service_principals SET enabled = 1 WHERE object_id = $1", f->app.object_id);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
}

static void test_deleted_tenant(void **state) {
	struct fixture *f = *state;
	static const char tenant[] = "33333333-cccc-4333-8333-333333333333";
	struct entra_principal app;
	_cleanup_secret_ struct secret secret = {0};
	struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_tenant(tx, tenant, "Gone", &err), 0);
	assert_int_equal(entra_add_application(tx, tenant, "gone", &app, &secret, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	_cleanup_free_ char *text = strv_printf("%.40s", (const char *)secret.data);
	_cleanup_free_ char *token = fixture_token(f, tenant, app.app_id, text, VAULT_SCOPE);
	assert_int_equal(fixture_judge(f, token), ENTRA_OK);
	fixture_sql(f, "DELETE FROM application_secrets WHERE app_id = $1", app.app_id);
	fixture_sql(f, "DELETE FROM applications WHERE app_id = $1", app.app_id);
	fixture_sql(f, "DELETE FROM service_principals WHERE tenant_id = $1", tenant);
	assert_int_equal(fixture_judge(f, token), ENTRA_INVALID);
	fixture_sql(f, "DELETE FROM tenants WHERE id = $1", tenant);
	assert_int_equal(fixture_judge(f, token), ENTRA_ISSUER);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authenticate),
		cmocka_unit_test(test_other_tenants_token),
		cmocka_unit_test(test_missing_token),
		cmocka_unit_test(test_malformed_tokens),
		cmocka_unit_test(test_unsigned_token),
		cmocka_unit_test(test_changed_token),
		cmocka_unit_test(test_seen_token_changed),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_signed_but_wrong),
		cmocka_unit_test(test_wrong_audience),
		cmocka_unit_test(test_expired_token),
		cmocka_unit_test(test_disabled_principal),
		cmocka_unit_test(test_deleted_tenant),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
