// SPDX-License-Identifier: Apache-2.0
// The tokens that the login face issues, and the answers that carry them.
#include "entra/fixture.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/clock.h"
#include "base/strv.h"

static EVP_PKEY *key_from_jwk(const json_t *jwk) {
	_cleanup_buf_ struct buf n = {0}, e = {0};
	const char *n_text = json_str(jwk, "n"), *e_text = json_str(jwk, "e");
	assert_int_equal(dec_base64url(&n, n_text, strlen(n_text)), 0);
	assert_int_equal(dec_base64url(&e, e_text, strlen(e_text)), 0);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *bn_n = BN_bin2bn(n.data, (int)n.len, NULL), *bn_e = BN_bin2bn(e.data, (int)e.len, NULL);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn_n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, bn_e), 1);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(bn_n);
	BN_free(bn_e);
	return key;
}

// RS256 with nothing but OpenSSL.
static bool signature_holds(const char *token, EVP_PKEY *key) {
	_cleanup_buf_ struct buf signature = {0};
	const char *dot = strrchr(token, '.');
	assert_int_equal(dec_base64url(&signature, dot + 1, strlen(dot + 1)), 0);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	int rc = EVP_DigestVerify(ctx, signature.data, signature.len, (const uint8_t *)token, (size_t)(dot - token));
	EVP_MD_CTX_free(ctx);
	return rc == 1;
}

static void test_token_verifies_with_published_key(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_json_ json_t *keys = NULL, *header = NULL;
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	assert_int_equal(fixture_get(f, "http://login.microsoftonline.com/common/discovery/v2.0/keys", &keys), 200);
	json_t *jwk = json_array_get(json_object_get(keys, "keys"), 0);
	assert_string_equal(json_str(jwk, "kty"), "RSA");
	assert_string_equal(json_str(jwk, "use"), "sig");
	assert_null(json_object_get(jwk, "d"));
	assert_int_equal(dec_base64url(&text, token, strcspn(token, ".")), 0);
	assert_int_equal(json_parse(text.data, text.len, "Bad", &header, &err), 0);
	assert_string_equal(json_str(header, "alg"), "RS256");
	assert_string_equal(json_str(header, "kid"), json_str(jwk, "kid"));
	assert_string_equal(json_str(header, "x5t"), json_str(jwk, "x5t"));
	assert_int_equal(strlen(json_str(jwk, "kid")), 27);
	EVP_PKEY *key = key_from_jwk(jwk);
	assert_true(signature_holds(token, key));
	token[strcspn(token, ".") + 5] ^= 1;
	assert_false(signature_holds(token, key));
	EVP_PKEY_free(key);
}

static void test_claims(void **state) {
	struct fixture *f = *state;
	int64_t before = clock_now();
	_cleanup_free_ char *token = fixture_vault_token(f);
	_cleanup_json_ json_t *c = fixture_claims(token);
	assert_string_equal(json_str(c, "aud"), "https://vault.azure.net");
	assert_string_equal(json_str(c, "iss"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(c, "idp"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(c, "appid"), f->app.app_id);
	assert_string_equal(json_str(c, "appidacr"), "1");
	assert_string_equal(json_str(c, "idtyp"), "app");
	assert_string_equal(json_str(c, "oid"), f->app.object_id);
	assert_string_equal(json_str(c, "sub"), f->app.object_id);
	assert_string_equal(json_str(c, "tid"), TENANT_A);
	assert_string_equal(json_str(c, "ver"), "1.0");
	assert_int_equal(strlen(json_str(c, "uti")), 22);
	assert_non_null(json_str(c, "aio"));
	assert_null(json_object_get(c, "xms_mirid"));
	assert_null(json_object_get(c, "azp"));
	int64_t exp = json_int(c, "exp", 0), nbf = json_int(c, "nbf", 0);
	assert_in_range(exp, before + 3600, clock_now() + 3600);
	assert_int_equal(exp - nbf, 3900);
	assert_int_equal(json_int(c, "iat", 0), nbf);
}

static void test_two_tokens_differ(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *one = fixture_vault_token(f), *two = fixture_vault_token(f);
	_cleanup_json_ json_t *a = fixture_claims(one), *b = fixture_claims(two);
	assert_string_not_equal(json_str(a, "uti"), json_str(b, "uti"));
	assert_string_not_equal(json_str(a, "aio"), json_str(b, "aio"));
}

static void test_audiences(void **state) {
	struct fixture *f = *state;
	static const char *const table[][2] = {
		{"https://management.azure.com/.default", "https://management.azure.com"},
		{"https://management.azure.com//.default", "https://management.azure.com/"},
		{"https://management.core.windows.net//.default", "https://management.core.windows.net/"},
		{"https://vault.azure.net//.default", "https://vault.azure.net/"},
		{"https://VAULT.azure.net/.default", "https://vault.azure.net"},
		{"https://graph.microsoft.com/.default", "https://graph.microsoft.com"},
		{"https://managedhsm.azure.net/.default", "https://managedhsm.azure.net"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *token = fixture_token(f, TENANT_A, f->app.app_id, f->secret, table[i][0]);
		_cleanup_json_ json_t *c = fixture_claims(token);
		assert_string_equal(json_str(c, "aud"), table[i][1]);
		assert_string_equal(json_str(c, "ver"), "1.0");
	}
}

static void test_exchange_token_is_version_2(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *token = fixture_token(f, TENANT_A, f->app.app_id, f->secret,
		"api%3A%2F%2FAzureADTokenExchange/.default");
	_cleanup_json_ json_t *c = fixture_claims(token);
	assert_string_equal(json_str(c, "aud"), "api://AzureADTokenExchange");
	assert_string_equal(json_str(c, "iss"), "https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_string_equal(json_str(c, "ver"), "2.0");
	assert_string_equal(json_str(c, "azp"), f->app.app_id);
	assert_null(json_object_get(c, "appid"));
	assert_null(json_object_get(c, "idp"));
}

static void test_answer_v2(void **state) {
	struct fixture *f = *state;
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	const char *const headers[] = {FORM "; charset=utf-8", "client-request-id: " NOBODY,
		"return-client-request-id: true", NULL};
	char value[128];
	assert_int_equal(fixture_call(f, "POST", TOKEN_URL, headers, form, &answer, &reply), 200);
	assert_int_equal(json_object_size(answer), 4);
	assert_string_equal(json_str(answer, "token_type"), "Bearer");
	assert_int_equal(json_int(answer, "expires_in", 0), 3599);
	assert_int_equal(json_int(answer, "ext_expires_in", 0), 3599);
	assert_int_equal(http_reply_header(&reply, "Cache-Control", value, sizeof(value)), 0);
	assert_string_equal(value, "no-store, no-cache");
	assert_int_equal(http_reply_header(&reply, "Pragma", value, sizeof(value)), 0);
	assert_string_equal(value, "no-cache");
	assert_int_equal(http_reply_header(&reply, "client-request-id", value, sizeof(value)), 0);
	assert_string_equal(value, NOBODY);
	assert_int_equal(http_reply_header(&reply, "x-ms-request-id", value, sizeof(value)), 0);
	assert_true(enc_is_uuid(value));
}

static void test_answer_v1(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret,
		"resource=https%3A%2F%2Fmanagement.azure.com%2F");
	assert_int_equal(fixture_post_form(f, "http://login.windows.net/" TENANT_A "/oauth2/token", form, &answer), 200);
	assert_string_equal(json_str(answer, "token_type"), "Bearer");
	assert_string_equal(json_str(answer, "expires_in"), "3599");
	assert_string_equal(json_str(answer, "ext_expires_in"), "3599");
	assert_string_equal(json_str(answer, "resource"), "https://management.azure.com/");
	_cleanup_json_ json_t *c = fixture_claims(json_str(answer, "access_token"));
	assert_string_equal(json_str(c, "aud"), "https://management.azure.com/");
	int64_t on;
	assert_int_equal(strv_int(json_str(answer, "expires_on"), 0, INT64_MAX, &on), 0);
	assert_int_equal(on, json_int(c, "exp", 0));
	assert_int_equal(strv_int(json_str(answer, "not_before"), 0, INT64_MAX, &on), 0);
	assert_int_equal(on, json_int(c, "nbf", 0));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_verifies_with_published_key),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_two_tokens_differ),
		cmocka_unit_test(test_audiences),
		cmocka_unit_test(test_exchange_token_is_version_2),
		cmocka_unit_test(test_answer_v2),
		cmocka_unit_test(test_answer_v1),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
