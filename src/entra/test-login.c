// SPDX-License-Identifier: Apache-2.0
// What the login face refuses, and what it publishes for its clients.
#include "entra/fixture.h"

#include "base/clock.h"
#include "base/strv.h"

static char *basic_header(const char *id, const char *secret) {
	_cleanup_buf_ struct buf header = {0};
	_cleanup_free_ char *pair = strv_printf("%s:%s", id, secret);
	assert_int_equal(buf_str(&header, "Authorization: Basic "), 0);
	assert_int_equal(enc_base64(&header, pair, strlen(pair)), 0);
	return buf_take_str(&header);
}

static int post_basic(struct fixture *f, const char *header, const char *form, json_t **answer) {
	_cleanup_reply_ struct http_reply reply = {0};
	return fixture_call(f, "POST", TOKEN_URL, (const char *[]){FORM, header, NULL}, form, answer, &reply);
}

static void test_basic(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *good = NULL, *repeated = NULL, *wrong = NULL, *both = NULL, *other = NULL, *bad = NULL;
	_cleanup_free_ char *header = basic_header(f->app.app_id, f->secret);
	_cleanup_free_ char *other_secret = basic_header(f->app.app_id, "nope");
	_cleanup_free_ char *same_id = strv_printf("grant_type=client_credentials&%s&client_id=%s", "scope=" VAULT_SCOPE,
		f->app.app_id);
	static const char form[] = "grant_type=client_credentials&scope=" VAULT_SCOPE;
	assert_int_equal(post_basic(f, header, form, &good), 200);
	assert_int_equal(post_basic(f, header, same_id, &repeated), 200);
	assert_int_equal(post_basic(f, other_secret, form, &wrong), 401);
	assert_int_equal(json_integer_value(json_array_get(json_at(wrong, "error_codes"), 0)), 7000215);
	assert_int_equal(post_basic(f, header, "grant_type=client_credentials&scope=" VAULT_SCOPE "&client_secret=x", &both),
		400);
	assert_int_equal(json_integer_value(json_array_get(json_at(both, "error_codes"), 0)), 9002313);
	assert_int_equal(post_basic(f, header, "grant_type=client_credentials&scope=" VAULT_SCOPE "&client_id=x", &other), 400);
	assert_int_equal(post_basic(f, "Authorization: Basic bm9jb2xvbg==", form, &bad), 400);
	assert_int_equal(json_integer_value(json_array_get(json_at(bad, "error_codes"), 0)), 9002313);
}

#define LOGIN "http://login.microsoftonline.com/"
#define GRANT "grant_type=client_credentials"

static void test_errors_of_the_request(void **state) {
	struct fixture *f = *state;
	static const char whole[] = GRANT "&client_id=" NOBODY "&client_secret=x&scope=" VAULT_SCOPE;
	static const struct {
		const char *url, *form;
		int status;
		const char *error;
		int64_t code;
	} table[] = {
		{LOGIN NOBODY "/oauth2/v2.0/token", whole, 400, "invalid_request", 90002},
		{LOGIN NOBODY "/oauth2/token", whole, 400, "invalid_request", 90002},
		{LOGIN "northwind.onmicrosoft.com/oauth2/v2.0/token", whole, 400, "invalid_request", 90002},
		{LOGIN "contoso/oauth2/v2.0/token", whole, 400, "invalid_request", 900023},
		{LOGIN "caf%C3%A9/oauth2/v2.0/token", whole, 400, "invalid_request", 900023},
		{LOGIN "common/oauth2/v2.0/token", whole, 400, "invalid_request", 50059},
		{LOGIN "organizations/oauth2/v2.0/token", whole, 400, "invalid_request", 50059},
		{TOKEN_URL, "", 400, "invalid_request", 900144},
		{TOKEN_URL, "grant_type=", 400, "invalid_request", 900144},
		{TOKEN_URL, GRANT "&client_secret=x&scope=" VAULT_SCOPE, 400, "invalid_request", 900144},
		{TOKEN_URL, GRANT "&client_id=" NOBODY "&client_secret=x", 400, "invalid_request", 900144},
		{LOGIN TENANT_A "/oauth2/token", whole, 400, "invalid_request", 900144},
		{TOKEN_URL, "grant_type=implicit&client_id=x", 400, "unsupported_grant_type", 70003},
		{TOKEN_URL, "grant_type=%3Cscript%3E&client_id=x", 400, "unsupported_grant_type", 70003},
		{TOKEN_URL, GRANT "&client_id=x&client_secret=x&scope=https%3A%2F%2Fvault.azure.net", 400, "invalid_scope", 1002012},
		{TOKEN_URL, GRANT "&client_id=x&client_secret=x&scope=" VAULT_SCOPE "+openid", 400, "invalid_scope", 1002012},
		{TOKEN_URL, GRANT "&client_id=x&client_secret=x&scope=openid+" VAULT_SCOPE, 400, "invalid_scope", 1002012},
		{TOKEN_URL, whole, 400, "unauthorized_client", 700016},
		{TOKEN_URL, GRANT "&client_id=x&client_secret=x&scope=" VAULT_SCOPE, 400, "unauthorized_client", 700016},
		{TOKEN_URL, GRANT "&" GRANT, 400, "invalid_request", 9000411},
		{TOKEN_URL, GRANT "&scope=%zz", 400, "invalid_request", 9002313},
		{TOKEN_URL, GRANT "&client_id", 400, "invalid_request", 9002313},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		fixture_refused(f, table[i].url, table[i].form, table[i].status, table[i].error, table[i].code);
}

static void test_errors_of_the_client(void **state) {
	struct fixture *f = *state;
	static const char scope[] = "scope=" VAULT_SCOPE;
	_cleanup_free_ char *wrong = fixture_credentials(f->app.app_id, "wrong", scope);
	_cleanup_free_ char *others = fixture_credentials(f->app.app_id, f->secret_b, scope);
	_cleanup_free_ char *empty = fixture_credentials(f->app.app_id, "", scope);
	_cleanup_free_ char *foreign = fixture_credentials(f->app_b.app_id, f->secret_b, scope);
	_cleanup_free_ char *identity = fixture_credentials(f->identity.app_id, "x", scope);
	_cleanup_free_ char *none = strv_printf(GRANT "&client_id=%s&%s", f->app.app_id, scope);
	_cleanup_free_ char *assertion = strv_printf(GRANT "&client_id=%s&client_assertion=a.b.c&%s", f->app.app_id,
		scope);
	_cleanup_free_ char *resource = fixture_credentials(f->app.app_id, f->secret,
		"scope=https%3A%2F%2Fexample.com%2F.default");
	_cleanup_free_ char *prefix = fixture_credentials(f->app.app_id, f->secret,
		"scope=https%3A%2F%2Fvault.azure.net.evil%2F.default");
	fixture_refused(f, TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	fixture_refused(f, TOKEN_URL, others, 401, "invalid_client", 7000215);
	fixture_refused(f, TOKEN_URL, empty, 401, "invalid_client", 7000218);
	fixture_refused(f, TOKEN_URL, none, 401, "invalid_client", 7000218);
	fixture_refused(f, TOKEN_URL, assertion, 400, "invalid_request", 900144);
	fixture_refused(f, TOKEN_URL, foreign, 400, "unauthorized_client", 700016);
	fixture_refused(f, TOKEN_URL, identity, 400, "unauthorized_client", 700016);
	fixture_refused(f, TOKEN_URL, resource, 400, "invalid_resource", 500011);
	fixture_refused(f, TOKEN_URL, prefix, 400, "invalid_resource", 500011);
}

static void test_expired_secret(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	_cleanup_free_ char *wrong = fixture_credentials(f->app.app_id, "wrong", "scope=" VAULT_SCOPE);
	clock_set_offset(2 * 365 * 86400LL + 60);
	fixture_refused(f, TOKEN_URL, form, 401, "invalid_client", 7000222);
	fixture_refused(f, TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	clock_set_offset(-3600);  // before it was made
	fixture_refused(f, TOKEN_URL, form, 401, "invalid_client", 7000215);
	clock_set_offset(0);
}

static void test_unbound_secret(void **state) {
	struct fixture *f = *state;
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_unbind_secrets(tx, f->app_b.app_id, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	const int64_t offsets[] = {-20 * 365 * 86400LL, 100 * 365 * 86400LL};
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		clock_set_offset(offsets[i]);
		free(fixture_token(f, TENANT_B, f->app_b.app_id, f->secret_b, VAULT_SCOPE));
	}
	// Nobody else's.
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	fixture_refused(f, TOKEN_URL, form, 401, "invalid_client", 7000222);
	clock_set_offset(0);
}

static void test_other_content_type(void **state) {
	struct fixture *f = *state;
	static const char *const types[] = {"Content-Type: application/json", "Content-Type: application/x-www-form-urlencodedx"};
	_cleanup_free_ char *form = fixture_credentials(f->app.app_id, f->secret, "scope=" VAULT_SCOPE);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_reply_ struct http_reply reply = {0};
		_cleanup_json_ json_t *body = NULL;
		assert_int_equal(fixture_call(f, "POST", TOKEN_URL, (const char *[]){types[i], NULL}, form, &body, &reply), 400);
		fixture_assert_error(body, "invalid_request", 900144);
	}
}

static void test_unknown_paths_and_methods(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *missing = NULL, *method = NULL;
	assert_int_equal(fixture_get(f, LOGIN TENANT_A "/oauth2/v3.0/token", &missing), 404);
	assert_int_equal(fixture_get(f, TOKEN_URL, &method), 405);
	fixture_assert_error(method, "invalid_request", 900561);
}

static void test_openid_configuration(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *v2 = NULL, *v1 = NULL, *common = NULL, *unknown = NULL;
	assert_int_equal(fixture_get(f, LOGIN TENANT_A "/v2.0/.well-known/openid-configuration", &v2), 200);
	assert_string_equal(json_str(v2, "issuer"), "https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_string_equal(json_str(v2, "token_endpoint"), "https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token");
	assert_string_equal(json_str(v2, "authorization_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/authorize");
	assert_string_equal(json_str(v2, "jwks_uri"), "https://login.microsoftonline.com/" TENANT_A "/discovery/v2.0/keys");
	assert_int_equal(fixture_get(f, "http://sts.windows.net/" TENANT_A "/.well-known/openid-configuration", &v1), 200);
	assert_string_equal(json_str(v1, "issuer"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(v1, "token_endpoint"), "https://login.microsoftonline.com/" TENANT_A "/oauth2/token");
	assert_int_equal(fixture_get(f, LOGIN "common/v2.0/.well-known/openid-configuration", &common), 200);
	assert_string_equal(json_str(common, "issuer"), "https://login.microsoftonline.com/{tenantid}/v2.0");
	assert_string_equal(json_str(common, "token_endpoint"), "https://login.microsoftonline.com/common/oauth2/v2.0/token");
	assert_int_equal(fixture_get(f, LOGIN NOBODY "/v2.0/.well-known/openid-configuration", &unknown), 400);
	fixture_assert_error(unknown, "invalid_request", 90002);
}

static void test_keys(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *tenant = NULL, *v1 = NULL, *unknown = NULL;
	assert_int_equal(fixture_get(f, LOGIN TENANT_A "/discovery/v2.0/keys", &tenant), 200);
	assert_int_equal(json_array_size(json_object_get(tenant, "keys")), 1);
	assert_string_equal(json_str(json_array_get(json_object_get(tenant, "keys"), 0), "issuer"),
		"https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_int_equal(fixture_get(f, LOGIN "common/discovery/keys", &v1), 200);
	assert_null(json_object_get(json_array_get(json_object_get(v1, "keys"), 0), "issuer"));
	assert_int_equal(fixture_get(f, LOGIN NOBODY "/discovery/keys", &unknown), 400);
}

#define INSTANCE LOGIN "common/discovery/instance?api-version="
#define ENDPOINT "&authorization_endpoint=https://"

static void test_instance_discovery(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *v11 = NULL, *v10 = NULL;
	assert_int_equal(fixture_get(f,
		INSTANCE "1.1" ENDPOINT "login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/authorize", &v11), 200);
	assert_string_equal(json_str(v11, "tenant_discovery_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/v2.0/.well-known/openid-configuration");
	assert_string_equal(json_str(v11, "api-version"), "1.1");
	json_t *cloud = json_array_get(json_object_get(v11, "metadata"), 0);
	assert_string_equal(json_str(cloud, "preferred_network"), "login.microsoftonline.com");
	assert_string_equal(json_str(cloud, "preferred_cache"), "login.windows.net");
	assert_int_equal(json_array_size(json_object_get(cloud, "aliases")), 4);
	assert_int_equal(fixture_get(f, INSTANCE "1.0" ENDPOINT "login.windows.net/common/oauth2/authorize", &v10), 200);
	assert_string_equal(json_str(v10, "tenant_discovery_endpoint"),
		"https://login.windows.net/common/.well-known/openid-configuration");
	assert_null(json_object_get(v10, "metadata"));
}

static void test_instance_discovery_refusals(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *url, *error;
		int64_t code;
	} table[] = {
		{INSTANCE "1.1", "invalid_request", 900144},
		{LOGIN "common/discovery/instance", "invalid_request", 900144},
		{INSTANCE "2.0" ENDPOINT "login.microsoftonline.com/common/oauth2/authorize", "invalid_request", 9002313},
		{INSTANCE "1.1" ENDPOINT "login.evil.example/common/oauth2/authorize", "invalid_instance", 50049},
		{INSTANCE "1.1" ENDPOINT "login.microsoftonline.com.evil.example/common/x", "invalid_instance", 50049},
		{INSTANCE "1.1" ENDPOINT "login.microsoftonline.com/", "invalid_instance", 50049},
		{INSTANCE "1.1" ENDPOINT "login.microsoftonline.com/a%3Fb/x", "invalid_instance", 50049},
		{INSTANCE "1.1&authorization_endpoint=http://login.microsoftonline.com/common/x", "invalid_instance", 50049},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_json_ json_t *body = NULL;
		assert_int_equal(fixture_get(f, table[i].url, &body), 400);
		fixture_assert_error(body, table[i].error, table[i].code);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_errors_of_the_request),
		cmocka_unit_test(test_errors_of_the_client),
		cmocka_unit_test(test_expired_secret),
		cmocka_unit_test(test_unbound_secret),
		cmocka_unit_test(test_other_content_type),
		cmocka_unit_test(test_unknown_paths_and_methods),
		cmocka_unit_test(test_openid_configuration),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_instance_discovery),
		cmocka_unit_test(test_instance_discovery_refusals),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
