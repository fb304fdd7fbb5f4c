// SPDX-License-Identifier: Apache-2.0
// Clients that prove themselves with what they signed, or with another issuer's token.
#include "entra/fixture.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "entra/certificate.h"

#define ASSERTION_TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
#define TOKEN_URL_B "http://login.microsoftonline.com/" TENANT_B "/oauth2/v2.0/token"
#define AUDIENCE "https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token"
#define ISSUER_A "https://login.microsoftonline.com/" TENANT_A "/v2.0"
#define OUTSIDE "https://issuer.invalid"

static EVP_PKEY *pair;
static struct certificate own;
static uint8_t der[2048];
static int der_len;

static void make_certificate(struct fixture *f, int64_t from, int64_t until) {
	X509 *x = X509_new();
	unsigned char *p = der;
	struct err err = {0};
	if (!pair)
		pair = EVP_RSA_gen(2048);
	assert_non_null(x);
	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	(void)ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from);
	(void)ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until);
	assert_int_equal(X509_set_pubkey(x, pair), 1);
	assert_true(X509_sign(x, pair, EVP_sha256()) > 0);
	assert_true(i2d_X509(x, NULL) <= (int)sizeof(der));
	der_len = i2d_X509(x, &p);
	X509_free(x);
	certificate_free(&own);
	assert_int_equal(certificate_read(der, (size_t)der_len, &own, &err), 0);
	struct store_tx *tx = NULL;
	_cleanup_buf_ struct buf sha1 = {0}, sha256 = {0};
	assert_int_equal(enc_hex(&sha1, own.sha1, sizeof(own.sha1)), 0);
	assert_int_equal(enc_hex(&sha256, own.sha256, sizeof(own.sha256)), 0);
	fixture_sql(f, "DELETE FROM application_certificates WHERE app_id = $1", f->app.app_id);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err,
		"INSERT INTO application_certificates (key_id, app_id, thumbprint, thumbprint_sha256, certificate, not_before, not_after)"
		" VALUES ('k', $1, $2, $3, $4, $5, $6)", "sssbii", f->app.app_id, buf_cstr(&sha1), buf_cstr(&sha256), der, (size_t)der_len, from, until), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
}

static void append_json(struct buf *out, json_t *value) {
	_cleanup_free_ char *text = json_text(value);
	assert_non_null(text);
	assert_int_equal(enc_base64url(out, text, strlen(text)), 0);
}

// Takes both.
static char *make_token(json_t *header, json_t *claims, EVP_PKEY *key, bool pss) {
	struct buf token = {0};
	uint8_t signature[512];
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *padding;
	append_json(&token, header);
	assert_int_equal(buf_str(&token, "."), 0);
	append_json(&token, claims);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit(ctx, &padding, EVP_sha256(), NULL, key), 1);
	if (pss) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, token.data, token.len), 1);
	EVP_MD_CTX_free(ctx);
	assert_int_equal(buf_str(&token, "."), 0);
	assert_int_equal(enc_base64url(&token, signature, len), 0);
	json_decref(header);
	json_decref(claims);
	return buf_take_str(&token);
}

static json_t *certificate_header(const char *alg, bool sha256) {
	_cleanup_buf_ struct buf thumbprint = {0};
	assert_int_equal(enc_base64url(&thumbprint, sha256 ? own.sha256 : own.sha1, sha256 ? 32 : 20), 0);
	// The older of the two comes padded from some libraries.
	if (!sha256)
		assert_int_equal(buf_str(&thumbprint, "="), 0);
	return json_pack("{s:s, s:s, s:s}", "alg", alg, "typ", "JWT", sha256 ? "x5t#S256" : "x5t", buf_cstr(&thumbprint));
}

// As MSAL for Python makes them: dates with a fraction, no nbf.
static json_t *own_claims(struct fixture *f) {
	double now = (double)clock_real_now();
	return json_pack("{s:s, s:s, s:s, s:f, s:f, s:s}", "aud", AUDIENCE, "iss", f->app.app_id, "sub", f->app.app_id, "exp",
		now + 600.25, "iat", now + .25, "jti", "0d4f0a37-0000-4000-8000-000000000000");
}

static char *form_of(const char *client_id, const char *assertion) {
	char *form = strv_printf("grant_type=client_credentials&client_id=%s&scope=%s&client_assertion_type=%s&client_assertion=%s",
		client_id, VAULT_SCOPE, ASSERTION_TYPE, assertion);
	assert_non_null(form);
	return form;
}

static void refused_as(struct fixture *f, const char *url, const char *client_id, char *assertion, int status,
	const char *error, int64_t code) {
	_cleanup_free_ char *form = form_of(client_id, assertion);
	fixture_refused(f, url, form, status, error, code);
	free(assertion);
}

static void test_certificate(void **state) {
	struct fixture *f = *state;
	make_certificate(f, clock_now() - 60, clock_now() + 86400);
	for (int i = 0; i < 4; i++) {
		_cleanup_json_ json_t *answer = NULL;
		bool pss = i & 1;
		_cleanup_free_ char *assertion = make_token(certificate_header(pss ? "PS256" : "RS256", i & 2), own_claims(f), pair, pss);
		_cleanup_free_ char *form = form_of(f->app.app_id, assertion);
		assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
		_cleanup_json_ json_t *claims = fixture_claims(json_str(answer, "access_token"));
		assert_string_equal(json_str(claims, "oid"), f->app.object_id);
		assert_string_equal(json_str(claims, "appidacr"), "2");
		assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_OK);
	}
}

static void test_certificate_audiences(void **state) {
	struct fixture *f = *state;
	static const struct {
		const char *aud;
		bool good;
	} table[] = {{"https://login.microsoftonline.com/" TENANT_A "/oauth2/token", true},
		{"https://login.microsoftonline.com/" TENANT_A "/v2.0", true}, {"https://sts.windows.net/" TENANT_A "/", true},
		{"https://login.windows.net/" TENANT_A "/oauth2/token", true},
		{"https://login.microsoftonline.com/" TENANT_B "/oauth2/v2.0/token", false}, {"https://evil.example/", false}};
	make_certificate(f, clock_now() - 60, clock_now() + 86400);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_json_ json_t *answer = NULL, *claims = own_claims(f);
		assert_int_equal(json_set_str(claims, "aud", table[i].aud), 0);
		char *assertion = make_token(certificate_header("RS256", false), json_incref(claims), pair, false);
		if (!table[i].good) {
			refused_as(f, TOKEN_URL, f->app.app_id, assertion, 401, "invalid_client", 700023);
			continue;
		}
		_cleanup_free_ char *form = form_of(f->app.app_id, assertion);
		assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
		free(assertion);
	}
}

static char *with_claim(struct fixture *f, const char *name, json_t *value) {
	json_t *claims = own_claims(f);
	if (value)
		assert_int_equal(json_set(claims, name, value), 0);
	else
		assert_int_equal(json_object_del(claims, name), 0);
	return make_token(certificate_header("RS256", true), claims, pair, false);
}

static void test_certificate_refusals(void **state) {
	struct fixture *f = *state;
	const char *id = f->app.app_id;
	int64_t now = clock_real_now();
	make_certificate(f, clock_now() - 60, clock_now() + 86400);
	EVP_PKEY *other = EVP_RSA_gen(2048);
	refused_as(f, TOKEN_URL, id, strdup("a.b.c"), 400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, strdup("x"), 400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, make_token(certificate_header("RS256", true), own_claims(f), other, false), 401,
		"invalid_client", 700027);
	refused_as(f, TOKEN_URL, id, make_token(certificate_header("PS256", true), own_claims(f), pair, false), 401,
		"invalid_client", 700027);
	refused_as(f, TOKEN_URL, id, make_token(certificate_header("none", true), own_claims(f), pair, false), 400,
		"invalid_request", 5002738);
	refused_as(f, TOKEN_URL, id, make_token(certificate_header("HS256", true), own_claims(f), pair, false), 400,
		"invalid_request", 5002738);
	refused_as(f, TOKEN_URL, id, make_token(json_pack("{s:s}", "alg", "RS256"), own_claims(f), pair, false), 400,
		"invalid_request", 5002723);
	refused_as(f, TOKEN_URL, id, make_token(json_pack("{s:s, s:s}", "alg", "RS256", "x5t", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
		own_claims(f), pair, false), 401, "invalid_client", 700027);
	refused_as(f, TOKEN_URL, id, make_token(json_pack("{s:s, s:[s]}", "alg", "RS256", "crit", "b64"), own_claims(f), pair, false),
		400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, with_claim(f, "sub", json_string(NOBODY)), 401, "invalid_client", 700021);
	refused_as(f, TOKEN_URL, id, with_claim(f, "sub", NULL), 400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, with_claim(f, "exp", NULL), 400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, with_claim(f, "exp", json_string("9999999999")), 400, "invalid_request", 50027);
	refused_as(f, TOKEN_URL, id, with_claim(f, "exp", json_integer(now - 301)), 401, "invalid_client", 700024);
	refused_as(f, TOKEN_URL, id, with_claim(f, "exp", json_integer(now + 2 * 86400)), 401, "invalid_client", 700024);
	refused_as(f, TOKEN_URL, id, with_claim(f, "nbf", json_integer(now + 400)), 401, "invalid_client", 700024);
	// Another tenant's endpoint, and an application that has no such certificate.
	refused_as(f, TOKEN_URL_B, id, with_claim(f, "iat", json_integer(now)), 400, "unauthorized_client", 700016);
	char *foreign = make_token(certificate_header("RS256", true), json_pack("{s:s, s:s, s:s, s:I}", "aud", TOKEN_URL_B, "iss",
		f->app_b.app_id, "sub", f->app_b.app_id, "exp", (json_int_t)now + 60), pair, false);
	refused_as(f, TOKEN_URL_B, f->app_b.app_id, foreign, 401, "invalid_client", 700027);
	EVP_PKEY_free(other);
}

// The certificate ends by the instance's time; the assertion is dated by the client's.
static void test_certificate_and_clock(void **state) {
	struct fixture *f = *state;
	_cleanup_json_ json_t *answer = NULL;
	make_certificate(f, clock_now() - 60, clock_now() + 2 * 86400);
	clock_set_offset(86400);
	char *assertion = with_claim(f, "iat", json_integer(1));
	_cleanup_free_ char *form = form_of(f->app.app_id, assertion);
	assert_int_equal(fixture_post_form(f, TOKEN_URL, form, &answer), 200);
	clock_set_offset(3 * 86400);
	refused_as(f, TOKEN_URL, f->app.app_id, assertion, 401, "invalid_client", 700027);
	clock_set_offset(0);
}

static void test_two_ways(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *both = fixture_credentials(f->app.app_id, f->secret,
		"scope=" VAULT_SCOPE "&client_assertion=x&client_assertion_type=" ASSERTION_TYPE);
	_cleanup_free_ char *type = strv_printf(
		"grant_type=client_credentials&client_id=%s&scope=%s&client_assertion=x&client_assertion_type=saml", f->app.app_id,
		VAULT_SCOPE);
	fixture_refused(f, TOKEN_URL, both, 400, "invalid_request", 9002313);
	fixture_refused(f, TOKEN_URL, type, 400, "invalid_request", 9002313);
}

// Federated credentials.

static void trust(struct fixture *f, const char *owner, const char *issuer, const char *subject, const char *audience) {
	struct store_tx *tx = NULL;
	struct err err = {0};
	char id[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(id), 0);
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(store_exec(tx, &err,
		"INSERT INTO federated_credentials (id, owner, name, issuer, subject, audience, created) VALUES ($1, $2, $3, $4, $5, $6, 0)",
		"ssssss", id, owner, id, issuer, subject, audience), 1);
	assert_int_equal(store_commit(&tx, &err), 0);
}

static char *application_object(struct fixture *f, const char *app_id) {
	struct err err = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	assert_int_equal(store_begin(f->store, STORE_READ, &tx, &err), 0);
	assert_int_equal(store_query(tx, &rows, &err, "SELECT object_id FROM applications WHERE app_id = $1", "s", app_id), 0);
	assert_int_equal(store_next(rows, &err), 1);
	return strdup(store_text(rows, 0));
}

static char *exchange_token(struct fixture *f) {
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *capability = fixture_capability(f, f->identity.app_id);
	const char *const headers[] = {"Metadata: true", capability, NULL};
	assert_int_equal(fixture_metadata(f, "api-version=2018-02-01&resource=api://AzureADTokenExchange", headers, &answer), 200);
	return strdup(json_str(answer, "access_token"));
}

// The application of tenant A, for several tenants, with its service principal in B (the flow of cross-tenant keys).
static void go_multi_tenant(struct fixture *f) {
	fixture_sql(f, "UPDATE applications SET sign_in_audience = 'AzureADMultipleOrgs' WHERE app_id = $1", f->app.app_id);
	fixture_sql(f, "INSERT INTO service_principals (object_id, tenant_id, app_id, kind, display_name, enabled, created)"
		       " VALUES ('33333333-bbbb-4333-8333-333333333333', '" TENANT_B "', $1, 'Application', 'robot', 1, 0)", f->app.app_id);
}

static void go_single_tenant(struct fixture *f) {
	fixture_sql(f, "UPDATE applications SET sign_in_audience = 'AzureADMyOrg' WHERE app_id = $1", f->app.app_id);
	fixture_sql(f, "DELETE FROM service_principals WHERE tenant_id = '" TENANT_B "' AND app_id = $1", f->app.app_id);
	fixture_sql(f, "DELETE FROM federated_credentials", NULL);
}

static void test_managed_identity_across_tenants(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *owner = application_object(f, f->app.app_id), *token = exchange_token(f);
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *form = form_of(f->app.app_id, token);
	trust(f, owner, ISSUER_A, f->identity.object_id, "api://AzureADTokenExchange");
	fixture_refused(f, TOKEN_URL_B, form, 400, "unauthorized_client", 700016);
	go_multi_tenant(f);
	assert_int_equal(fixture_post_form(f, TOKEN_URL_B, form, &answer), 200);
	_cleanup_json_ json_t *claims = fixture_claims(json_str(answer, "access_token"));
	assert_string_equal(json_str(claims, "iss"), "https://sts.windows.net/" TENANT_B "/");
	assert_string_equal(json_str(claims, "aud"), "https://vault.azure.net");
	assert_string_equal(json_str(claims, "appid"), f->app.app_id);
	assert_string_equal(json_str(claims, "oid"), "33333333-bbbb-4333-8333-333333333333");
	assert_string_equal(json_str(claims, "tid"), TENANT_B);
	assert_string_equal(json_str(claims, "idtyp"), "app");
	assert_int_equal(fixture_judge(f, json_str(answer, "access_token")), ENTRA_OK);
	// An application that is for its own tenant alone is unknown in every other, whatever stands there.
	fixture_sql(f, "UPDATE applications SET sign_in_audience = 'AzureADMyOrg' WHERE app_id = $1", f->app.app_id);
	fixture_refused(f, TOKEN_URL_B, form, 400, "unauthorized_client", 700016);
	go_single_tenant(f);
}

static void test_own_tokens_that_do_not_do(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *owner = application_object(f, f->app.app_id), *owner_b = application_object(f, f->app_b.app_id),
			    *token = exchange_token(f);
	const char *id = f->app.app_id;
	// Of an application: only managed identities may.
	char *app_token = fixture_token(f, TENANT_A, id, f->secret, "api%3A%2F%2FAzureADTokenExchange/.default");
	trust(f, owner, ISSUER_A, f->app.object_id, "api://AzureADTokenExchange");
	refused_as(f, TOKEN_URL, id, app_token, 401, "invalid_client", 700236);
	// Of a managed identity of another tenant than the application's.
	trust(f, owner_b, ISSUER_A, f->identity.object_id, "api://AzureADTokenExchange");
	refused_as(f, TOKEN_URL_B, f->app_b.app_id, strdup(token), 401, "invalid_client", 700236);
	// Disabled since.
	trust(f, owner, ISSUER_A, f->identity.object_id, "api://AzureADTokenExchange");
	fixture_sql(f, "UPDATE service_principals SET enabled = 0 WHERE object_id = $1", f->identity.object_id);
	refused_as(f, TOKEN_URL, id, strdup(token), 401, "invalid_client", 700236);
	fixture_sql(f, "UPDATE service_principals SET enabled = 1 WHERE object_id = $1", f->identity.object_id);
	// Outdated by the instance's clock, which has dated it.
	clock_set_offset(86400 + 600);
	refused_as(f, TOKEN_URL, id, strdup(token), 401, "invalid_client", 700024);
	clock_set_offset(0);
	// Signed by somebody else in our name.
	char *forged = make_token(json_pack("{s:s, s:s}", "alg", "RS256", "kid", f->entra->keys[0].kid), fixture_claims(token), pair,
		false);
	refused_as(f, TOKEN_URL, id, forged, 401, "invalid_client", 50013);
	_cleanup_free_ char *good = form_of(id, token);
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(fixture_post_form(f, TOKEN_URL, good, &answer), 200);
	go_single_tenant(f);
}

static json_t *outside_claims(const char *issuer, const char *subject, const char *audience) {
	return json_pack("{s:s, s:s, s:s, s:I}", "iss", issuer, "sub", subject, "aud", audience, "exp",
		(json_int_t)clock_real_now() + 600);
}

static char *outside_token(const char *issuer, const char *subject, const char *audience) {
	return make_token(json_pack("{s:s, s:s}", "alg", "RS256", "kid", "1"), outside_claims(issuer, subject, audience), pair,
		false);
}

static void test_matching_is_exact(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *owner = application_object(f, f->app.app_id);
	const char *id = f->app.app_id;
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE, "s", "a"), 401, "invalid_client", 70025);
	trust(f, owner, OUTSIDE, "repo:a/b", "api://AzureADTokenExchange");
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE "/", "repo:a/b", "api://AzureADTokenExchange"), 401, "invalid_client",
		700211);
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE, "repo:a/c", "api://AzureADTokenExchange"), 401, "invalid_client", 700213);
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE, "Repo:a/b", "api://AzureADTokenExchange"), 401, "invalid_client",
		7002138);
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE, "repo:a/b", "api://azureadtokenexchange"), 401, "invalid_client", 700212);
	// All of it fits: now its keys are asked for, and there is no such host.
	refused_as(f, TOKEN_URL, id, outside_token(OUTSIDE, "repo:a/b", "api://AzureADTokenExchange"), 400, "invalid_request", 50166);
	// Somebody else's credential is of no use.
	refused_as(f, TOKEN_URL_B, f->app_b.app_id, outside_token(OUTSIDE, "repo:a/b", "api://AzureADTokenExchange"), 401,
		"invalid_client", 70025);
	go_single_tenant(f);
}

static void test_issuers_that_are_not_asked(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *owner = application_object(f, f->app.app_id);
	static const char *const issuers[] = {"http://issuer.example", "https://127.0.0.1:1", "https://[::1]:1", "https://10.0.0.1",
		"https://169.254.169.254", "https://user@issuer.example", "https://issuer.example?x=", "file:///etc/passwd",
		"https://login.microsoftonline.com/" NOBODY "x/v2.0", "https://login.microsoftonline.com/common/v2.0"};
	for (size_t i = 0; i < ARRAY_SIZE(issuers); i++) {
		int64_t before = clock_monotonic_ns();
		trust(f, owner, issuers[i], "s", "a");
		refused_as(f, TOKEN_URL, f->app.app_id, outside_token(issuers[i], "s", "a"), 400, "invalid_request", 50166);
		assert_true(clock_monotonic_ns() - before < CLOCK_NSEC_PER_SEC);
	}
	// A tenant that is not here, by the form of ours: no key of ours has signed it.
	trust(f, owner, "https://login.microsoftonline.com/" NOBODY "/v2.0", "s", "a");
	refused_as(f, TOKEN_URL, f->app.app_id, outside_token("https://login.microsoftonline.com/" NOBODY "/v2.0", "s", "a"), 401,
		"invalid_client", 50013);
	go_single_tenant(f);
}

// An identity with a federated credential of its own is reached by its client id, in its tenant alone.
static void test_identity_as_client(void **state) {
	struct fixture *f = *state;
	_cleanup_free_ char *owner = strv_lower(IDENTITY_ID);
	trust(f, owner, OUTSIDE, "s", "a");
	refused_as(f, TOKEN_URL, f->identity.app_id, outside_token(OUTSIDE, "t", "a"), 401, "invalid_client", 700213);
	refused_as(f, TOKEN_URL_B, f->identity.app_id, outside_token(OUTSIDE, "s", "a"), 400, "unauthorized_client", 700016);
	// Our own tokens are for applications.
	char *token = exchange_token(f);
	trust(f, owner, ISSUER_A, f->identity.object_id, "api://AzureADTokenExchange");
	refused_as(f, TOKEN_URL, f->identity.app_id, token, 401, "invalid_client", 700236);
	go_single_tenant(f);
}

static void test_certificates_that_are_none(void **state) {
	(void)state;
	struct certificate c = {0};
	struct err err = {0};
	assert_int_equal(certificate_read("", 0, &c, &err), -EINVAL);
	assert_int_equal(certificate_read("garbage", 7, &c, &err), -EINVAL);
	assert_int_equal(certificate_read(der, (size_t)der_len - 1, &c, &err), -EINVAL);
	der[der_len] = 0;
	assert_int_equal(certificate_read(der, (size_t)der_len + 1, &c, &err), -EINVAL);
	assert_null(c.key);
}

static int tear_down(void **state) {
	certificate_free(&own);
	EVP_PKEY_free(pair);
	return fixture_tear_down(state);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_certificate_audiences),
		cmocka_unit_test(test_certificate_refusals),
		cmocka_unit_test(test_certificate_and_clock),
		cmocka_unit_test(test_two_ways),
		cmocka_unit_test(test_managed_identity_across_tenants),
		cmocka_unit_test(test_own_tokens_that_do_not_do),
		cmocka_unit_test(test_matching_is_exact),
		cmocka_unit_test(test_issuers_that_are_not_asked),
		cmocka_unit_test(test_identity_as_client),
		cmocka_unit_test(test_certificates_that_are_none),
	};
	return cmocka_run_group_tests(tests, fixture_set_up, tear_down);
}
