// SPDX-License-Identifier: Apache-2.0
// The instance metadata face and the capability that names an identity to it.
#include "entra/fixture.h"

#include "base/strv.h"

static void test_identity_token(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *header = fixture_capability(f, f->identity.app_id), *client_query = NULL;
	_cleanup_free_ char *bearer = NULL;
	_cleanup_json_ json_t *answer = NULL, *with_client = NULL, *claims = NULL, *found = NULL;
	const char *const headers[] = {"Metadata: true", header, NULL};
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, headers, &answer), 200);
	assert_int_equal(json_object_size(answer), 8);
	assert_string_equal(json_str(answer, "client_id"), f->identity.app_id);
	assert_string_equal(json_str(answer, "expires_in"), "86399");
	assert_string_equal(json_str(answer, "ext_expires_in"), "86399");
	assert_string_equal(json_str(answer, "resource"), "https://vault.azure.net");
	assert_string_equal(json_str(answer, "token_type"), "Bearer");
	claims = fixture_claims(json_str(answer, "access_token"));
	_cleanup_free_ char *on = strv_printf("%lld", (long long)json_int(claims, "exp", 0));
	_cleanup_free_ char *from = strv_printf("%lld", (long long)json_int(claims, "nbf", 0));
	assert_string_equal(json_str(answer, "expires_on"), on);
	assert_string_equal(json_str(answer, "not_before"), from);
	assert_string_equal(json_str(claims, "oid"), f->identity.object_id);
	assert_string_equal(json_str(claims, "appidacr"), "2");
	assert_true(strv_eq_nocase(json_str(claims, "xms_mirid"), IDENTITY_ID));
	bearer = strv_printf("Bearer %s", json_str(answer, "access_token"));
	assert_int_equal(fixture_judged(f, bearer, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "oid"), f->identity.object_id);
	assert_int_equal(json_int(found, "kind", -1), CALLER_IDENTITY);
	client_query = strv_printf("api-version=2018-02-01&resource=https://management.azure.com/&client_id=%s&object_id=%s"
		"&mi_res_id=" IDENTITY_ID, f->identity.app_id, f->identity.object_id);
	assert_int_equal(fixture_metadata(f, client_query, headers, &with_client), 200);
	assert_string_equal(json_str(with_client, "resource"), "https://management.azure.com/");
}

static void assert_metadata_refused(struct fixture *f, const char *query, const char *const *headers, const char *error,
	const char *text) {
	_cleanup_json_ json_t *body = NULL;
	assert_int_equal(fixture_metadata(f, query, headers, &body), 400);
	assert_int_equal(json_object_size(body), 2);
	assert_string_equal(json_str(body, "error"), error);
	assert_string_equal(json_str(body, "error_description"), text);
}

static void test_metadata_request(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *header = fixture_capability(f, f->identity.app_id);
	const char *const good[] = {"Metadata: true", header, NULL}, *const no_mark[] = {header, NULL};
	const char *const false_mark[] = {"Metadata: false", header, NULL};
	const char *const forwarded[] = {"Metadata: True", header, "X-Forwarded-For: 10.0.0.1", NULL};
	assert_metadata_refused(f, IDENTITY_QUERY, no_mark, "invalid_request", "Required metadata header not specified");
	assert_metadata_refused(f, IDENTITY_QUERY, false_mark, "invalid_request", "Required metadata header not specified");
	assert_metadata_refused(f, IDENTITY_QUERY, forwarded, "invalid_request",
		"A request with the X-Forwarded-For header is not accepted");
	assert_metadata_refused(f, "resource=https://vault.azure.net", good, "invalid_request",
		"Required query variable 'api-version' is missing");
	assert_metadata_refused(f, "api-version=2017-01-01&resource=https://vault.azure.net", good, "invalid_request",
		"The api-version is not supported");
	assert_metadata_refused(f, "api-version=2018-02-01", good, "invalid_request",
		"Required query variable 'resource' is missing");
	assert_metadata_refused(f, "api-version=2018-02-01&resource=https://example.com", good, "invalid_resource",
		"AADSTS500011: The resource principal named https://example.com was not found in the tenant named Contoso.");
}

static void test_capability(void **state) {
	struct fixture *f = *state;
	static const char text[] = "Identity not found";
	_cleanup_free_ char *good = fixture_capability(f, f->identity.app_id);
	_cleanup_free_ char *application = fixture_capability(f, f->app.app_id);
	_cleanup_free_ char *nobody = fixture_capability(f, NOBODY);
	const char *const none[] = {"Metadata: true", NULL}, *const of_app[] = {"Metadata: true", application, NULL};
	const char *const of_nobody[] = {"Metadata: true", nobody, NULL};
	const char *const of_identity[] = {"Metadata: true", good, NULL};
	assert_metadata_refused(f, IDENTITY_QUERY, none, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY, of_app, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY, of_nobody, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY "&client_id=" NOBODY, of_identity, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY "&object_id=" NOBODY, of_identity, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY "&mi_res_id=/x", of_identity, "invalid_request", text);
	assert_metadata_refused(f, IDENTITY_QUERY "&msi_res_id=/x", of_identity, "invalid_request", text);
}

static void test_changed_capability(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *good = fixture_capability(f, f->identity.app_id);
	size_t start = strlen("X-IDENTITY-HEADER: ");
	// One character of each part: the client id, the subject, the MAC; a cut MAC; no MAC; nothing; too much.
	const size_t places[] = {start, start + 20, start + 40, strlen(good) - 10};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *changed = strdup(good);
		changed[places[i]] = changed[places[i]] == '0' ? '1' : '0';
		assert_metadata_refused(f, IDENTITY_QUERY, (const char *[]){"Metadata: true", changed, NULL}, "invalid_request",
			"Identity not found");
	}
	_cleanup_free_ char *cut = strndup(good, strlen(good) - 1), *bare = strndup(good, start + 36);
	_cleanup_free_ char *no_mac = strndup(good, (size_t)(strrchr(good, '.') - good) + 1);
	_cleanup_free_ char *more = strv_printf("%s%s", good, "A"), *huge = strv_printf("%s%0500d", good, 0);
	const char *const bad[] = {cut, bare, no_mac, more, huge, "X-IDENTITY-HEADER: .", "X-IDENTITY-HEADER: x"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_metadata_refused(f, IDENTITY_QUERY, (const char *[]){"Metadata: true", bad[i], NULL}, "invalid_request",
			"Identity not found");
}

static void test_header_arguments(void **state) {
	struct fixture *f = *state;
	static const char *const subjects[] = {"", "a.b", "a b", "a\nb"};
	struct err err = {0};
	char *out = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		assert_int_equal(entra_identity_header(f->entra, f->identity.app_id, subjects[i], &out, &err), -EINVAL);
	assert_int_equal(entra_identity_header(f->entra, "x", "disk:1", &out, &err), -EINVAL);
	assert_null(out);
}

static void test_removed_identity(void **state) {
	struct fixture *f = *state;
	static const char id[] = "/subscriptions/s/providers/x/TEMPORARY";
	struct entra_principal p;
	struct store_tx *tx = NULL;
	struct err err = {0};
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, id, "temporary", &p, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	_cleanup_free_ char *header = fixture_capability(f, p.app_id);
	const char *const headers[] = {"Metadata: true", header, NULL};
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, headers, &answer), 200);
	assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_OK);
	fixture_sql(f, "UPDATE service_principals SET enabled = 0 WHERE object_id = $1", p.object_id);
	assert_metadata_refused(f, IDENTITY_QUERY, headers, "invalid_request", "Identity not found");
	fixture_sql(f, "UPDATE service_principals SET enabled = 1 WHERE object_id = $1", p.object_id);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_remove_managed_identity(tx, id, &err), 0);
	assert_int_equal(entra_remove_managed_identity(tx, id, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_metadata_refused(f, IDENTITY_QUERY, headers, "invalid_request", "Identity not found");
	assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_INVALID);
}

static void test_metadata_elsewhere(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *header = fixture_capability(f, f->identity.app_id);
	const char *const headers[] = {"Metadata: true", header, NULL};
	_cleanup_reply_ struct http_reply tls = {0}, post = {0}, path = {0};
	_cleanup_json_ json_t *a = NULL, *b = NULL, *c = NULL;
	assert_int_equal(fixture_call(f, "GET", "https://169.254.169.254/metadata/identity/oauth2/token?" IDENTITY_QUERY, headers,
		NULL, &a, &tls), 404);
	assert_int_equal(fixture_call(f, "POST", METADATA_URL "?" IDENTITY_QUERY, headers, "", &b, &post), 405);
	assert_int_equal(fixture_call(f, "GET", "http://169.254.169.254/metadata/instance?api-version=2021-02-01", headers,
		NULL, &c, &path), 404);
	assert_string_equal(json_str(c, "error"), "Not found");
}

// Where a listener is reached by one identity alone, that one needs no header.
static void test_resident(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *nobody = NULL, *token = NULL, *bare = NULL, *forged = NULL, *other = NULL;
	const char *const plain[] = {"Metadata: true", NULL}, *const none[] = {NULL},
		*const wrong[] = {"Metadata: true", "X-IDENTITY-HEADER: " NOBODY ".run:1.AAAA", NULL};
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, plain, &nobody), 400);
	f->resident = IDENTITY_ID;
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, plain, &token), 200);
	assert_string_equal(json_str(token, "client_id"), f->identity.app_id);
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, none, &bare), 400);
	// One that shows a header is what the header says, or nobody.
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, wrong, &forged), 400);
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY "&client_id=" NOBODY, plain, &other), 400);
	f->resident = IDENTITY_ID "-gone";
	_cleanup_json_ json_t *gone = NULL;
	assert_int_equal(fixture_metadata(f, IDENTITY_QUERY, plain, &gone), 400);
	f->resident = NULL;
}

static int app_service(struct fixture *f, const char *query, const char *header, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *url = strv_printf("http://169.254.169.254/msi/token?%s", query);
	return fixture_call(f, "GET", url, (const char *[]){header, NULL}, NULL, out, &reply);
}

static void test_app_service(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *capability = fixture_capability(f, f->identity.app_id);
	_cleanup_json_ json_t *good = NULL, *none = NULL, *version = NULL, *resident = NULL;
	assert_int_equal(app_service(f, IDENTITY_QUERY, capability, &good), 200);
	assert_string_equal(json_str(good, "client_id"), f->identity.app_id);
	assert_int_equal(app_service(f, "api-version=2018-02-01&resource=https://vault.azure.net", capability, &version), 400);
	assert_int_equal(app_service(f, IDENTITY_QUERY, NULL, &none), 401);
	f->resident = IDENTITY_ID;  // which is for the other form
	assert_int_equal(app_service(f, IDENTITY_QUERY, NULL, &resident), 401);
	f->resident = NULL;
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity_token),
		cmocka_unit_test(test_metadata_request),
		cmocka_unit_test(test_capability),
		cmocka_unit_test(test_changed_capability),
		cmocka_unit_test(test_header_arguments),
		cmocka_unit_test(test_removed_identity),
		cmocka_unit_test(test_metadata_elsewhere),
		cmocka_unit_test(test_resident),
		cmocka_unit_test(test_app_service),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
