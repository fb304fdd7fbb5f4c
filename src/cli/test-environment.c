// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include "cli/environment.h"

static void drops_proxies(void **state) {
	(void)state;
	assert_int_equal(setenv("https_proxy", "http://p", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://p", 1), 0);
	assert_int_equal(setenv("no_proxy", "*", 1), 0);
	environment_drop_proxies();
	assert_null(getenv("https_proxy"));
	assert_null(getenv("ALL_PROXY"));
	assert_null(getenv("no_proxy"));
}

static void names_the_instance_and_nothing_else(void **state) {
	(void)state;
	const struct bootstrap b = {.tenant = "t", .subscription = "s", .client_id = "c", .client_secret = "x"};
	assert_int_equal(setenv("HTTPS_PROXY", "http://p", 1), 0);
	assert_int_equal(setenv("AZURE_CLIENT_ID", "mine", 1), 0);
	assert_int_equal(setenv("AZURE_AUTHORITY_HOST", "https://login.example", 1), 0);
	assert_int_equal(setenv("AZURE_FEDERATED_TOKEN_FILE", "/token", 1), 0);
	assert_int_equal(setenv("IDENTITY_ENDPOINT", "http://identity", 1), 0);
	assert_int_equal(setenv("SSL_CERT_FILE", "/other.pem", 1), 0);
	assert_int_equal(setenv("KEPT", "yes", 1), 0);
	assert_int_equal(environment_enter(&b, NULL, "/data", "/bundle.pem", NULL), 0);
	const char *const wanted[][2] = {
		{"AZURE_TENANT_ID", "t"}, {"AZURE_CLIENT_ID", "c"}, {"AZURE_CLIENT_SECRET", "x"}, {"AZURE_SUBSCRIPTION_ID", "s"},
		{"CUSTODISK_DATA_DIR", "/data"}, {"CUSTODISK_RUN", "1"}, {"REQUESTS_CA_BUNDLE", "/bundle.pem"},
		{"SSL_CERT_FILE", "/bundle.pem"}, {"CURL_CA_BUNDLE", "/bundle.pem"}, {"NODE_EXTRA_CA_CERTS", "/bundle.pem"},
		{"KEPT", "yes"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_non_null(getenv(wanted[i][0]));
		assert_string_equal(getenv(wanted[i][0]), wanted[i][1]);
	}
	assert_null(getenv("HTTPS_PROXY"));
	assert_null(getenv("AZURE_AUTHORITY_HOST"));
	assert_null(getenv("AZURE_FEDERATED_TOKEN_FILE"));
	assert_null(getenv("IDENTITY_ENDPOINT"));
}

static void gives_an_identity_instead_of_the_principal(void **state) {
	(void)state;
	const struct bootstrap b = {.tenant = "t", .subscription = "s", .client_id = "c", .client_secret = "x"};
	assert_int_equal(setenv("AZURE_CLIENT_ID", "mine", 1), 0);
	assert_int_equal(setenv("AZURE_CLIENT_SECRET", "mine", 1), 0);
	assert_int_equal(setenv("IDENTITY_HEADER", "mine", 1), 0);
	assert_int_equal(environment_enter(&b, "header", "/data", "/bundle.pem", NULL), 0);
	assert_null(getenv("AZURE_CLIENT_ID"));
	assert_null(getenv("AZURE_CLIENT_SECRET"));
	assert_string_equal(getenv("AZURE_TENANT_ID"), "t");
	assert_string_equal(getenv("AZURE_SUBSCRIPTION_ID"), "s");
	assert_string_equal(getenv("IDENTITY_ENDPOINT"), "http://169.254.169.254/msi/token");
	assert_string_equal(getenv("IDENTITY_HEADER"), "header");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_proxies),
		cmocka_unit_test(names_the_instance_and_nothing_else),
		cmocka_unit_test(gives_an_identity_instead_of_the_principal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
