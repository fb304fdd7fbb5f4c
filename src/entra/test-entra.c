// SPDX-License-Identifier: Apache-2.0
// The whole room through its faces: a real keeper process, a store in a temporary folder, real HTTP over Unix sockets.
// The first argument is the keeper's path.
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"
#include "entra/internal.h"
#include "net/cert.h"
#include "net/http_client.h"

#define TENANT_A "11111111-aaaa-4111-8111-111111111111"
#define TENANT_B "22222222-bbbb-4222-8222-222222222222"
#define NOBODY "99999999-0000-4000-8000-000000000000"
#define IDENTITY_ID "/subscriptions/S/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Disk"
#define FORM "Content-Type: application/x-www-form-urlencoded"
#define VAULT_SCOPE "https%3A%2F%2Fvault.azure.net%2F.default"
#define TOKEN_URL "http://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token"
#define METADATA_URL "http://169.254.169.254/metadata/identity/oauth2/token"

static const char *keeper_path;

static struct world {
	char dir[64];
	pid_t keeper_pid;
	struct keeper_client *keeper;
	struct store *store;
	struct entra *entra;
	struct http_server *plain, *tls;
	struct http_client *client;
	char http_socket[96], https_socket[96], ca_file[96];
	struct entra_principal app, app_b, identity;
	char secret[64], secret_b[64];
} w;

static char *in_dir(char out[static 96], const char *name) {
	(void)snprintf(out, 96, "%s/%s", w.dir, name);
	return out;
}

// A resource server that shows what entra_authenticate found.
static void check_handle(const struct http_request *req, struct http_response *res) {
	static const char *const audiences[] = {"https://vault.azure.net", "https://other.example", NULL};
	struct caller c = {.iss = "untouched"};
	enum entra_refusal answer = entra_authenticate(w.entra, req, audiences, &c);
	res->json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "answer", (int)answer, "tenant", c.tenant, "oid", c.oid, "appid",
		c.appid, "iss", c.iss, "aud", c.audience);
}

static void face(void *ctx, const struct http_request *req, struct http_response *res) {
	(void)ctx;
	if (strcmp(http_host(req), "169.254.169.254") == 0)
		entra_metadata_handle(w.entra, req, res);
	else if (strcmp(http_host(req), "check.example") == 0)
		check_handle(req, res);
	else
		entra_login_handle(w.entra, req, res);
}

static void start_keeper(void) {
	char socket[96], key[96], fd_text[16];
	int ready[2];
	uint8_t root[32];
	char line[6];
	struct err err = {0};
	memset(root, 0x5a, sizeof(root));
	assert_int_equal(io_create_file(in_dir(key, "root.key"), root, sizeof(root), 0600, &err), 0);
	assert_int_equal(pipe(ready), 0);
	(void)snprintf(fd_text, sizeof(fd_text), "%d", ready[1]);
	const char *const argv[] = {keeper_path, "--socket", in_dir(socket, "keeper.sock"), "--key-file", key, "--ready-fd", fd_text,
		NULL};
	// posix_spawn's argv is not const for reasons of history; it is not written to.
	assert_int_equal(posix_spawn(&w.keeper_pid, keeper_path, NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	(void)close(ready[1]);
	assert_int_equal(io_read_full(ready[0], line, sizeof(line)), 0);
	assert_memory_equal(line, "READY\n", 6);
	(void)close(ready[0]);
	assert_int_equal(keeper_client_open(socket, &w.keeper, &err), 0);
}

static void stop_keeper(void) {
	int status;
	if (!w.keeper_pid)
		return;
	assert_int_equal(kill(w.keeper_pid, SIGTERM), 0);
	assert_int_equal(waitpid(w.keeper_pid, &status, 0), w.keeper_pid);
	w.keeper_pid = 0;
}

static void populate(void) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_secret_ struct secret secret = {0}, secret_b = {0};
	struct err err = {0};
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_tenant(tx, TENANT_A, "Contoso", &err), 0);
	assert_int_equal(entra_add_tenant(tx, TENANT_B, "Fabrikam", &err), 0);
	assert_int_equal(entra_add_application(tx, TENANT_A, "robot", &w.app, &secret, &err), 0);
	assert_int_equal(entra_add_application(tx, TENANT_B, "other", &w.app_b, &secret_b, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, IDENTITY_ID, "Disk", &w.identity, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(secret.len, 40);
	(void)snprintf(w.secret, sizeof(w.secret), "%.40s", (const char *)secret.data);
	(void)snprintf(w.secret_b, sizeof(w.secret_b), "%.40s", (const char *)secret_b.data);
}

static void start_servers(void) {
	static const char *const names[] = {"169.254.169.254", NULL};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	struct err err = {0};
	int fd = io_unix_listen(in_dir(w.http_socket, "http.sock"), SOCK_STREAM, &err);
	assert_true(fd >= 0);
	assert_int_equal(http_server_start(fd, NULL, 2, face, NULL, &w.plain, &err), 0);
	assert_int_equal(cert_issue(names, clock_now(), 1, &ca, &cert, &key, &err), 0);
	assert_int_equal(io_create_file(in_dir(w.ca_file, "ca.pem"), ca.data, ca.len, 0644, &err), 0);
	const struct http_tls tls = {buf_cstr(&cert), buf_cstr(&key)};
	fd = io_unix_listen(in_dir(w.https_socket, "https.sock"), SOCK_STREAM, &err);
	assert_true(fd >= 0);
	assert_int_equal(http_server_start(fd, &tls, 1, face, NULL, &w.tls, &err), 0);
	const struct http_route route = {w.https_socket, w.http_socket, w.ca_file};
	assert_int_equal(http_client_new(&route, &w.client, &err), 0);
}

static int set_up(void **state) {
	(void)state;
	char path[96];
	struct err err = {0};
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/test-entra-XXXXXX");
	assert_non_null(mkdtemp(w.dir));
	start_keeper();
	assert_int_equal(store_open(in_dir(path, "t.db"), &w.store, &err), 0);
	assert_int_equal(entra_open(w.store, w.keeper, &w.entra, &err), 0);
	populate();
	start_servers();
	return 0;
}

static int tear_down(void **state) {
	(void)state;
	static const char *const files[] = {"root.key", "keeper.sock", "t.db", "t.db-wal", "t.db-shm", "http.sock", "https.sock",
		"ca.pem"};
	char path[96];
	http_client_free(w.client);
	http_server_stop(w.plain, 5);
	http_server_stop(w.tls, 5);
	entra_close(w.entra);
	store_close(w.store);
	keeper_client_close(w.keeper);
	stop_keeper();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlink(in_dir(path, files[i]));
	return rmdir(w.dir);
}

// One request; the body of the answer parsed, NULL when it has none.
static int call(const char *method, const char *url, const char *const *headers, const char *body, json_t **out,
	struct http_reply *reply) {
	struct err err = {0};
	int rc = http_client_send(w.client, method, url, headers, body, body ? strlen(body) : 0, 10000, reply, &err);
	if (rc < 0)
		fail_msg("%s %s: %s", method, url, err.message);
	*out = NULL;
	if (reply->body.len > 0)
		assert_int_equal(json_parse(reply->body.data, reply->body.len, "Bad", out, &err), 0);
	return reply->status;
}

static int get(const char *url, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	return call("GET", url, (const char *[]){NULL}, NULL, out, &reply);
}

static int post_form(const char *url, const char *body, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	return call("POST", url, (const char *[]){FORM, NULL}, body, out, &reply);
}

static char *credentials_form(const char *client_id, const char *secret, const char *rest) {
	char *form = strv_printf("grant_type=client_credentials&client_id=%s&client_secret=%s&%s", client_id, secret, rest);
	assert_non_null(form);
	return form;
}

static char *token_of(const char *tenant, const char *client_id, const char *secret, const char *scope) {
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *url = strv_printf("http://login.microsoftonline.com/%s/oauth2/v2.0/token", tenant);
	_cleanup_free_ char *rest = strv_printf("scope=%s", scope);
	_cleanup_free_ char *form = credentials_form(client_id, secret, rest);
	assert_int_equal(post_form(url, form, &answer), 200);
	char *token = strdup(json_str(answer, "access_token"));
	assert_non_null(token);
	return token;
}

static char *vault_token(void) {
	return token_of(TENANT_A, w.app.app_id, w.secret, VAULT_SCOPE);
}

static json_t *claims_of(const char *token) {
	_cleanup_buf_ struct buf text = {0};
	json_t *claims = NULL;
	struct err err = {0};
	const char *start = strchr(token, '.') + 1;
	assert_int_equal(dec_base64url(&text, start, strcspn(start, ".")), 0);
	assert_int_equal(json_parse(text.data, text.len, "Bad", &claims, &err), 0);
	return claims;
}

// What a resource server makes of an Authorization header.
static int judged(const char *authorization, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *header = strv_printf("Authorization: %s", authorization);
	assert_int_equal(call("GET", "http://check.example/", (const char *[]){header, NULL}, NULL, out, &reply), 200);
	return (int)json_int(*out, "answer", -1);
}

static int judge_token(const char *token) {
	_cleanup_json_ json_t *found = NULL;
	_cleanup_free_ char *value = strv_printf("Bearer %s", token);
	return judged(value, &found);
}

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
	(void)state;
	_cleanup_free_ char *token = vault_token();
	_cleanup_json_ json_t *keys = NULL, *header = NULL;
	_cleanup_buf_ struct buf text = {0};
	struct err err = {0};
	assert_int_equal(get("http://login.microsoftonline.com/common/discovery/v2.0/keys", &keys), 200);
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
	_cleanup_pkey_ EVP_PKEY *key = key_from_jwk(jwk);
	assert_true(signature_holds(token, key));
	token[strcspn(token, ".") + 5] ^= 1;
	assert_false(signature_holds(token, key));
}

static void test_claims(void **state) {
	(void)state;
	int64_t before = clock_now();
	_cleanup_free_ char *token = vault_token();
	_cleanup_json_ json_t *c = claims_of(token);
	assert_string_equal(json_str(c, "aud"), "https://vault.azure.net");
	assert_string_equal(json_str(c, "iss"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(c, "idp"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(c, "appid"), w.app.app_id);
	assert_string_equal(json_str(c, "appidacr"), "1");
	assert_string_equal(json_str(c, "idtyp"), "app");
	assert_string_equal(json_str(c, "oid"), w.app.object_id);
	assert_string_equal(json_str(c, "sub"), w.app.object_id);
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
	(void)state;
	_cleanup_free_ char *one = vault_token(), *two = vault_token();
	_cleanup_json_ json_t *a = claims_of(one), *b = claims_of(two);
	assert_string_not_equal(json_str(a, "uti"), json_str(b, "uti"));
	assert_string_not_equal(json_str(a, "aio"), json_str(b, "aio"));
}

static void test_audiences(void **state) {
	(void)state;
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
		_cleanup_free_ char *token = token_of(TENANT_A, w.app.app_id, w.secret, table[i][0]);
		_cleanup_json_ json_t *c = claims_of(token);
		assert_string_equal(json_str(c, "aud"), table[i][1]);
		assert_string_equal(json_str(c, "ver"), "1.0");
	}
}

static void test_exchange_token_is_version_2(void **state) {
	(void)state;
	_cleanup_free_ char *token = token_of(TENANT_A, w.app.app_id, w.secret, "api%3A%2F%2FAzureADTokenExchange/.default");
	_cleanup_json_ json_t *c = claims_of(token);
	assert_string_equal(json_str(c, "aud"), "api://AzureADTokenExchange");
	assert_string_equal(json_str(c, "iss"), "https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_string_equal(json_str(c, "ver"), "2.0");
	assert_string_equal(json_str(c, "azp"), w.app.app_id);
	assert_null(json_object_get(c, "appid"));
	assert_null(json_object_get(c, "idp"));
}

static void test_answer_v2(void **state) {
	(void)state;
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *form = credentials_form(w.app.app_id, w.secret, "scope=" VAULT_SCOPE);
	const char *const headers[] = {FORM "; charset=utf-8", "client-request-id: " NOBODY, "return-client-request-id: true", NULL};
	char value[128];
	assert_int_equal(call("POST", TOKEN_URL, headers, form, &answer, &reply), 200);
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
	(void)state;
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *form = credentials_form(w.app.app_id, w.secret, "resource=https%3A%2F%2Fmanagement.azure.com%2F");
	assert_int_equal(post_form("http://login.windows.net/" TENANT_A "/oauth2/token", form, &answer), 200);
	assert_string_equal(json_str(answer, "token_type"), "Bearer");
	assert_string_equal(json_str(answer, "expires_in"), "3599");
	assert_string_equal(json_str(answer, "ext_expires_in"), "3599");
	assert_string_equal(json_str(answer, "resource"), "https://management.azure.com/");
	_cleanup_json_ json_t *c = claims_of(json_str(answer, "access_token"));
	assert_string_equal(json_str(c, "aud"), "https://management.azure.com/");
	int64_t on;
	assert_int_equal(strv_int(json_str(answer, "expires_on"), 0, INT64_MAX, &on), 0);
	assert_int_equal(on, json_int(c, "exp", 0));
	assert_int_equal(strv_int(json_str(answer, "not_before"), 0, INT64_MAX, &on), 0);
	assert_int_equal(on, json_int(c, "nbf", 0));
}

static char *basic_header(const char *id, const char *secret) {
	_cleanup_buf_ struct buf header = {0};
	_cleanup_free_ char *pair = strv_printf("%s:%s", id, secret);
	assert_int_equal(buf_str(&header, "Authorization: Basic "), 0);
	assert_int_equal(enc_base64(&header, pair, strlen(pair)), 0);
	return buf_take_str(&header);
}

static int post_basic(const char *header, const char *form, json_t **answer) {
	_cleanup_reply_ struct http_reply reply = {0};
	return call("POST", TOKEN_URL, (const char *[]){FORM, header, NULL}, form, answer, &reply);
}

static void test_basic(void **state) {
	(void)state;
	_cleanup_json_ json_t *good = NULL, *repeated = NULL, *wrong = NULL, *both = NULL, *other = NULL, *bad = NULL;
	_cleanup_free_ char *header = basic_header(w.app.app_id, w.secret), *other_secret = basic_header(w.app.app_id, "nope");
	_cleanup_free_ char *same_id = strv_printf("grant_type=client_credentials&%s&client_id=%s", "scope=" VAULT_SCOPE, w.app.app_id);
	static const char form[] = "grant_type=client_credentials&scope=" VAULT_SCOPE;
	assert_int_equal(post_basic(header, form, &good), 200);
	assert_int_equal(post_basic(header, same_id, &repeated), 200);
	assert_int_equal(post_basic(other_secret, form, &wrong), 401);
	assert_int_equal(json_integer_value(json_array_get(json_at(wrong, "error_codes"), 0)), 7000215);
	assert_int_equal(post_basic(header, "grant_type=client_credentials&scope=" VAULT_SCOPE "&client_secret=x", &both), 400);
	assert_int_equal(json_integer_value(json_array_get(json_at(both, "error_codes"), 0)), 9002313);
	assert_int_equal(post_basic(header, "grant_type=client_credentials&scope=" VAULT_SCOPE "&client_id=x", &other), 400);
	assert_int_equal(post_basic("Authorization: Basic bm9jb2xvbg==", form, &bad), 400);
	assert_int_equal(json_integer_value(json_array_get(json_at(bad, "error_codes"), 0)), 9002313);
}

static void assert_error(const json_t *body, const char *error, int64_t code) {
	_cleanup_free_ char *prefix = strv_printf("AADSTS%lld: ", (long long)code);
	_cleanup_free_ char *suffix = strv_printf(" Trace ID: %s Correlation ID: %s Timestamp: %s", json_str(body, "trace_id"),
		json_str(body, "correlation_id"), json_str(body, "timestamp"));
	_cleanup_free_ char *uri = strv_printf("https://login.microsoftonline.com/error?code=%lld", (long long)code);
	const char *text = json_str(body, "error_description");
	assert_string_equal(json_str(body, "error"), error);
	assert_int_equal(json_array_size(json_at(body, "error_codes")), 1);
	assert_int_equal(json_integer_value(json_array_get(json_at(body, "error_codes"), 0)), code);
	assert_true(strv_starts_with_nocase(text, prefix));
	assert_true(strv_ends_with_nocase(text, suffix));
	assert_string_equal(json_str(body, "error_uri"), uri);
	assert_true(enc_is_uuid(json_str(body, "trace_id")));
	assert_true(enc_is_uuid(json_str(body, "correlation_id")));
	assert_int_equal(strlen(json_str(body, "timestamp")), 20);
	assert_int_equal(json_str(body, "timestamp")[10], ' ');
	assert_int_equal(json_object_size(body), 7);
}

static void assert_refused(const char *url, const char *form, int status, const char *error, int64_t code) {
	_cleanup_json_ json_t *body = NULL;
	int got = post_form(url, form, &body);
	if (got != status)
		fail_msg("%s: %d instead of %d for AADSTS%lld", form, got, status, (long long)code);
	assert_non_null(body);
	assert_error(body, error, code);
}

#define LOGIN "http://login.microsoftonline.com/"
#define GRANT "grant_type=client_credentials"

static void test_errors_of_the_request(void **state) {
	(void)state;
	static const char whole[] = GRANT "&client_id=" NOBODY "&client_secret=x&scope=" VAULT_SCOPE;
	static const struct {
		const char *url, *form;
		int status;
		const char *error;
		int64_t code;
	} table[] = {
		{LOGIN NOBODY "/oauth2/v2.0/token", whole, 400, "invalid_request", 90002},
		{LOGIN NOBODY "/oauth2/token", whole, 400, "invalid_request", 90002},
		{LOGIN "contoso.onmicrosoft.com/oauth2/v2.0/token", whole, 400, "invalid_request", 90002},
		{LOGIN "contoso/oauth2/v2.0/token", whole, 400, "invalid_request", 900023},
		{LOGIN "caf%C3%A9/oauth2/v2.0/token", whole, 400, "invalid_request", 900023},
		{LOGIN "common/oauth2/v2.0/token", whole, 400, "invalid_request", 50059},
		{LOGIN "organizations/oauth2/v2.0/token", whole, 400, "invalid_request", 50059},
		{TOKEN_URL, "", 400, "invalid_request", 900144},
		{TOKEN_URL, "grant_type=", 400, "invalid_request", 900144},
		{TOKEN_URL, GRANT "&client_secret=x&scope=" VAULT_SCOPE, 400, "invalid_request", 900144},
		{TOKEN_URL, GRANT "&client_id=" NOBODY "&client_secret=x", 400, "invalid_request", 900144},
		{LOGIN TENANT_A "/oauth2/token", whole, 400, "invalid_request", 900144},
		{TOKEN_URL, "grant_type=password&client_id=x", 400, "unsupported_grant_type", 70003},
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
		assert_refused(table[i].url, table[i].form, table[i].status, table[i].error, table[i].code);
}

static void test_errors_of_the_client(void **state) {
	(void)state;
	static const char scope[] = "scope=" VAULT_SCOPE;
	_cleanup_free_ char *wrong = credentials_form(w.app.app_id, "wrong", scope);
	_cleanup_free_ char *others = credentials_form(w.app.app_id, w.secret_b, scope);
	_cleanup_free_ char *empty = credentials_form(w.app.app_id, "", scope);
	_cleanup_free_ char *foreign = credentials_form(w.app_b.app_id, w.secret_b, scope);
	_cleanup_free_ char *identity = credentials_form(w.identity.app_id, "x", scope);
	_cleanup_free_ char *none = strv_printf(GRANT "&client_id=%s&%s", w.app.app_id, scope);
	_cleanup_free_ char *assertion = strv_printf(GRANT "&client_id=%s&client_assertion=a.b.c&%s", w.app.app_id, scope);
	_cleanup_free_ char *resource = credentials_form(w.app.app_id, w.secret, "scope=https%3A%2F%2Fexample.com%2F.default");
	_cleanup_free_ char *prefix = credentials_form(w.app.app_id, w.secret, "scope=https%3A%2F%2Fvault.azure.net.evil%2F.default");
	assert_refused(TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	assert_refused(TOKEN_URL, others, 401, "invalid_client", 7000215);
	assert_refused(TOKEN_URL, empty, 401, "invalid_client", 7000218);
	assert_refused(TOKEN_URL, none, 401, "invalid_client", 7000218);
	assert_refused(TOKEN_URL, assertion, 401, "invalid_client", 70025);
	assert_refused(TOKEN_URL, foreign, 400, "unauthorized_client", 700016);
	assert_refused(TOKEN_URL, identity, 400, "unauthorized_client", 700016);
	assert_refused(TOKEN_URL, resource, 400, "invalid_resource", 500011);
	assert_refused(TOKEN_URL, prefix, 400, "invalid_resource", 500011);
}

static void test_expired_secret(void **state) {
	(void)state;
	_cleanup_free_ char *form = credentials_form(w.app.app_id, w.secret, "scope=" VAULT_SCOPE);
	_cleanup_free_ char *wrong = credentials_form(w.app.app_id, "wrong", "scope=" VAULT_SCOPE);
	clock_set_offset(2 * 365 * 86400LL + 60);
	assert_refused(TOKEN_URL, form, 401, "invalid_client", 7000222);
	assert_refused(TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	clock_set_offset(-3600);  // before it was made
	assert_refused(TOKEN_URL, form, 401, "invalid_client", 7000215);
	clock_set_offset(0);
}

static void test_other_content_type(void **state) {
	(void)state;
	static const char *const types[] = {"Content-Type: application/json", "Content-Type: application/x-www-form-urlencodedx"};
	_cleanup_free_ char *form = credentials_form(w.app.app_id, w.secret, "scope=" VAULT_SCOPE);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		_cleanup_reply_ struct http_reply reply = {0};
		_cleanup_json_ json_t *body = NULL;
		assert_int_equal(call("POST", TOKEN_URL, (const char *[]){types[i], NULL}, form, &body, &reply), 400);
		assert_error(body, "invalid_request", 900144);
	}
}

static void test_unknown_paths_and_methods(void **state) {
	(void)state;
	_cleanup_json_ json_t *missing = NULL, *method = NULL;
	assert_int_equal(get(LOGIN TENANT_A "/oauth2/v3.0/token", &missing), 404);
	assert_int_equal(get(TOKEN_URL, &method), 405);
	assert_error(method, "invalid_request", 900561);
}

static void test_openid_configuration(void **state) {
	(void)state;
	_cleanup_json_ json_t *v2 = NULL, *v1 = NULL, *common = NULL, *unknown = NULL;
	assert_int_equal(get(LOGIN TENANT_A "/v2.0/.well-known/openid-configuration", &v2), 200);
	assert_string_equal(json_str(v2, "issuer"), "https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_string_equal(json_str(v2, "token_endpoint"), "https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/token");
	assert_string_equal(json_str(v2, "authorization_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/authorize");
	assert_string_equal(json_str(v2, "jwks_uri"), "https://login.microsoftonline.com/" TENANT_A "/discovery/v2.0/keys");
	assert_int_equal(get("http://sts.windows.net/" TENANT_A "/.well-known/openid-configuration", &v1), 200);
	assert_string_equal(json_str(v1, "issuer"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(v1, "token_endpoint"), "https://login.microsoftonline.com/" TENANT_A "/oauth2/token");
	assert_int_equal(get(LOGIN "common/v2.0/.well-known/openid-configuration", &common), 200);
	assert_string_equal(json_str(common, "issuer"), "https://login.microsoftonline.com/{tenantid}/v2.0");
	assert_string_equal(json_str(common, "token_endpoint"), "https://login.microsoftonline.com/common/oauth2/v2.0/token");
	assert_int_equal(get(LOGIN NOBODY "/v2.0/.well-known/openid-configuration", &unknown), 400);
	assert_error(unknown, "invalid_request", 90002);
}

static void test_keys(void **state) {
	(void)state;
	_cleanup_json_ json_t *tenant = NULL, *v1 = NULL, *unknown = NULL;
	assert_int_equal(get(LOGIN TENANT_A "/discovery/v2.0/keys", &tenant), 200);
	assert_int_equal(json_array_size(json_object_get(tenant, "keys")), 1);
	assert_string_equal(json_str(json_array_get(json_object_get(tenant, "keys"), 0), "issuer"),
		"https://login.microsoftonline.com/" TENANT_A "/v2.0");
	assert_int_equal(get(LOGIN "common/discovery/keys", &v1), 200);
	assert_null(json_object_get(json_array_get(json_object_get(v1, "keys"), 0), "issuer"));
	assert_int_equal(get(LOGIN NOBODY "/discovery/keys", &unknown), 400);
}

#define INSTANCE LOGIN "common/discovery/instance?api-version="
#define ENDPOINT "&authorization_endpoint=https://"

static void test_instance_discovery(void **state) {
	(void)state;
	_cleanup_json_ json_t *v11 = NULL, *v10 = NULL;
	assert_int_equal(get(INSTANCE "1.1" ENDPOINT "login.microsoftonline.com/" TENANT_A "/oauth2/v2.0/authorize", &v11), 200);
	assert_string_equal(json_str(v11, "tenant_discovery_endpoint"),
		"https://login.microsoftonline.com/" TENANT_A "/v2.0/.well-known/openid-configuration");
	assert_string_equal(json_str(v11, "api-version"), "1.1");
	json_t *cloud = json_array_get(json_object_get(v11, "metadata"), 0);
	assert_string_equal(json_str(cloud, "preferred_network"), "login.microsoftonline.com");
	assert_string_equal(json_str(cloud, "preferred_cache"), "login.windows.net");
	assert_int_equal(json_array_size(json_object_get(cloud, "aliases")), 4);
	assert_int_equal(get(INSTANCE "1.0" ENDPOINT "login.windows.net/common/oauth2/authorize", &v10), 200);
	assert_string_equal(json_str(v10, "tenant_discovery_endpoint"),
		"https://login.windows.net/common/.well-known/openid-configuration");
	assert_null(json_object_get(v10, "metadata"));
}

static void test_instance_discovery_refusals(void **state) {
	(void)state;
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
		assert_int_equal(get(table[i].url, &body), 400);
		assert_error(body, table[i].error, table[i].code);
	}
}

static void test_authenticate(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token();
	_cleanup_free_ char *header = strv_printf("bearer %s", token);
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(judged(header, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "tenant"), TENANT_A);
	assert_string_equal(json_str(found, "oid"), w.app.object_id);
	assert_string_equal(json_str(found, "appid"), w.app.app_id);
	assert_string_equal(json_str(found, "iss"), "https://sts.windows.net/" TENANT_A "/");
	assert_string_equal(json_str(found, "aud"), "https://vault.azure.net");
}

static void test_other_tenants_token(void **state) {
	(void)state;
	_cleanup_free_ char *token = token_of(TENANT_B, w.app_b.app_id, w.secret_b, VAULT_SCOPE);
	_cleanup_free_ char *header = strv_printf("Bearer %s", token);
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(judged(header, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "tenant"), TENANT_B);
	assert_string_equal(json_str(found, "iss"), "https://sts.windows.net/" TENANT_B "/");
}

static void test_missing_token(void **state) {
	(void)state;
	static const char *const headers[] = {"Basic abc", "Bearer", "Bearer ", "Bearerx y", "PoP abc"};
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		_cleanup_json_ json_t *found = NULL;
		assert_int_equal(judged(headers[i], &found), ENTRA_MISSING);
		assert_string_equal(json_str(found, "iss"), "untouched");
	}
	_cleanup_json_ json_t *found = NULL;
	assert_int_equal(get("http://check.example/", &found), 200);
	assert_int_equal(json_int(found, "answer", -1), ENTRA_MISSING);
}

static void test_malformed_tokens(void **state) {
	(void)state;
	static const char *const tokens[] = {"x", "a.b", "a.b.c", "..", "a.b.c.d", "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"};
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		assert_int_equal(judge_token(tokens[i]), ENTRA_INVALID);
	_cleanup_free_ char *token = vault_token();
	_cleanup_free_ char *padded = strv_printf("%s ,", token);
	assert_int_equal(judge_token(padded), ENTRA_INVALID);
}

static void test_unsigned_token(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token();
	_cleanup_buf_ struct buf forged = {0};
	static const char header[] = "{\"alg\":\"none\",\"typ\":\"JWT\"}";
	const char *payload = strchr(token, '.'), *signature = strrchr(token, '.');
	assert_int_equal(enc_base64url(&forged, header, sizeof(header) - 1), 0);
	assert_int_equal(buf_append(&forged, payload, (size_t)(signature - payload) + 1), 0);
	assert_int_equal(judge_token(buf_cstr(&forged)), ENTRA_INVALID);  // no signature at all
	assert_int_equal(buf_str(&forged, signature + 1), 0);
	assert_int_equal(judge_token(buf_cstr(&forged)), ENTRA_INVALID);  // another's signature
}

static void test_changed_token(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token();
	_cleanup_json_ json_t *claims = claims_of(token);
	_cleanup_buf_ struct buf forged = {0};
	assert_int_equal(json_set_str(claims, "oid", w.app_b.object_id), 0);
	_cleanup_free_ char *text = json_text(claims);
	assert_int_equal(buf_append(&forged, token, strcspn(token, ".") + 1), 0);
	assert_int_equal(enc_base64url(&forged, text, strlen(text)), 0);
	assert_int_equal(buf_str(&forged, strrchr(token, '.')), 0);
	assert_int_equal(judge_token(buf_cstr(&forged)), ENTRA_INVALID);
}

static int sign_with(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	return rsa_sign_digest(ctx, digest, signature, err);
}

static void test_another_key(void **state) {
	(void)state;
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_free_ char *token = vault_token();
	_cleanup_json_ json_t *claims = claims_of(token);
	_cleanup_buf_ struct buf same_kid = {0}, own_kid = {0};
	struct err err = {0};
	assert_int_equal(rsa_make(2048, &key, &err), 0);
	assert_int_equal(jwt_sign(claims, w.entra->keys[0].kid, sign_with, key, &same_kid, &err), 0);
	assert_int_equal(jwt_sign(claims, "mine", sign_with, key, &own_kid, &err), 0);
	assert_int_equal(judge_token(buf_cstr(&same_kid)), ENTRA_INVALID);
	assert_int_equal(judge_token(buf_cstr(&own_kid)), ENTRA_INVALID);
}

static int sign_in_keeper(void *ctx, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	(void)ctx;
	const struct keeper_key key = {w.entra->sealed.data, w.entra->sealed.len, entra_signing_context};
	return keeper_sign(w.keeper, &key, digest, signature, err);
}

// A good token with one claim set to another value, or removed (NULL), and signed by the right key.
static enum entra_refusal judge_claim(const char *name, json_t *value) {
	_cleanup_free_ char *token = vault_token();
	_cleanup_json_ json_t *claims = claims_of(token);
	_cleanup_buf_ struct buf changed = {0};
	struct err err = {0};
	if (value)
		assert_int_equal(json_set(claims, name, value), 0);
	else
		assert_int_equal(json_object_del(claims, name), 0);
	assert_int_equal(jwt_sign(claims, w.entra->keys[0].kid, sign_in_keeper, NULL, &changed, &err), 0);
	return (enum entra_refusal)judge_token(buf_cstr(&changed));
}

static void test_signed_but_wrong(void **state) {
	(void)state;
	int64_t now = clock_now();
	assert_int_equal(judge_claim("ver", json_string("1.0")), ENTRA_OK);
	assert_int_equal(judge_claim("iss", json_string("https://sts.windows.net/" TENANT_B "/")), ENTRA_ISSUER);
	assert_int_equal(judge_claim("iss", json_string("https://login.microsoftonline.com/" TENANT_A "/v2.0")), ENTRA_OK);
	assert_int_equal(judge_claim("iss", json_string("https://sts.windows.net/" TENANT_A)), ENTRA_ISSUER);
	assert_int_equal(judge_claim("tid", json_string(TENANT_B)), ENTRA_ISSUER);
	assert_int_equal(judge_claim("tid", json_string("x")), ENTRA_INVALID);
	assert_int_equal(judge_claim("oid", json_string(NOBODY)), ENTRA_INVALID);
	assert_int_equal(judge_claim("appid", json_string(w.app_b.app_id)), ENTRA_INVALID);
	assert_int_equal(judge_claim("nbf", json_integer(now + 60)), ENTRA_EXPIRED);
	assert_int_equal(judge_claim("exp", json_integer(now - 1)), ENTRA_EXPIRED);
	assert_int_equal(judge_claim("exp", json_string("9999999999")), ENTRA_EXPIRED);
	assert_int_equal(judge_claim("aud", json_string("https://other.example")), ENTRA_OK);
	assert_int_equal(judge_claim("aud", json_pack("[s]", "https://vault.azure.net")), ENTRA_INVALID);
	static const char *const needed[] = {"tid", "oid", "appid", "iss", "aud"};
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		assert_int_equal(judge_claim(needed[i], NULL), ENTRA_INVALID);
	assert_int_equal(judge_claim("exp", NULL), ENTRA_EXPIRED);
}

static void test_wrong_audience(void **state) {
	(void)state;
	static const char *const scopes[] = {"https://management.azure.com/.default", "https://vault.azure.net//.default"};
	static const char *const found_audience[] = {"https://management.azure.com", "https://vault.azure.net/"};
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		_cleanup_free_ char *token = token_of(TENANT_A, w.app.app_id, w.secret, scopes[i]);
		_cleanup_free_ char *header = strv_printf("Bearer %s", token);
		_cleanup_json_ json_t *found = NULL;
		assert_int_equal(judged(header, &found), ENTRA_AUDIENCE);
		assert_string_equal(json_str(found, "aud"), found_audience[i]);
	}
}

static void test_expired_token(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token();
	clock_set_offset(3590);
	assert_int_equal(judge_token(token), ENTRA_OK);
	clock_set_offset(3601);
	assert_int_equal(judge_token(token), ENTRA_EXPIRED);
	clock_set_offset(-310);
	assert_int_equal(judge_token(token), ENTRA_EXPIRED);
	clock_set_offset(0);
	assert_int_equal(judge_token(token), ENTRA_OK);
}

static void run_sql(const char *sql, const char *parameter) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	if (store_exec(tx, &err, sql, parameter ? "s" : "", parameter) < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_int_equal(store_commit(&tx, &err), 0);
}

static void test_disabled_principal(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token();
	_cleanup_free_ char *good = credentials_form(w.app.app_id, w.secret, "scope=" VAULT_SCOPE);
	_cleanup_free_ char *wrong = credentials_form(w.app.app_id, "wrong", "scope=" VAULT_SCOPE);
	run_sql("UPDATE service_principals SET enabled = 0 WHERE object_id = $1", w.app.object_id);
	assert_int_equal(judge_token(token), ENTRA_INVALID);
	assert_refused(TOKEN_URL, good, 400, "unauthorized_client", 7000112);
	assert_refused(TOKEN_URL, wrong, 401, "invalid_client", 7000215);
	run_sql("UPDATE service_principals SET enabled = 1 WHERE object_id = $1", w.app.object_id);
	assert_int_equal(judge_token(token), ENTRA_OK);
}

static void test_deleted_tenant(void **state) {
	(void)state;
	static const char tenant[] = "33333333-cccc-4333-8333-333333333333";
	struct entra_principal app;
	_cleanup_secret_ struct secret secret = {0};
	struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_tenant(tx, tenant, "Gone", &err), 0);
	assert_int_equal(entra_add_application(tx, tenant, "gone", &app, &secret, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	_cleanup_free_ char *text = strv_printf("%.40s", (const char *)secret.data);
	_cleanup_free_ char *token = token_of(tenant, app.app_id, text, VAULT_SCOPE);
	assert_int_equal(judge_token(token), ENTRA_OK);
	run_sql("DELETE FROM application_secrets WHERE app_id = $1", app.app_id);
	run_sql("DELETE FROM applications WHERE app_id = $1", app.app_id);
	run_sql("DELETE FROM service_principals WHERE app_id = $1", app.app_id);
	assert_int_equal(judge_token(token), ENTRA_INVALID);
	run_sql("DELETE FROM tenants WHERE id = $1", tenant);
	assert_int_equal(judge_token(token), ENTRA_ISSUER);
}

static void test_secret_is_not_stored(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_buf_ struct buf hash = {0};
	uint8_t digest[HASH_SHA256_SIZE];
	int64_t n;
	struct err err = {0};
	assert_int_equal(hash_sha256(w.secret, 40, digest), 0);
	assert_int_equal(enc_hex(&hash, digest, sizeof(digest)), 0);
	assert_int_equal(store_begin(w.store, STORE_READ, &tx, &err), 0);
	assert_int_equal(store_query_int(tx, &n, &err,
		"SELECT COUNT(*) FROM application_secrets WHERE app_id = $1 AND secret_hash = $2", "ss", w.app.app_id,
		buf_cstr(&hash)), 0);
	assert_int_equal(n, 1);
}

static void test_directory_refusals(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_secret_ struct secret secret = {0};
	struct entra_principal p = {.app_id = "untouched"};
	struct err err = {0};
	char long_name[300];
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
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
	assert_int_equal(entra_find_principal(tx, TENANT_B, w.app.object_id, &err), -ENOENT);
	assert_int_equal(entra_find_principal(tx, TENANT_A, "x", &err), -ENOENT);
	assert_int_equal(entra_find_principal(tx, TENANT_A, w.app.object_id, &err), 0);
	assert_int_equal(entra_find_principal(tx, TENANT_A, w.identity.object_id, &err), 0);
}

static void test_managed_identity_is_idempotent(void **state) {
	(void)state;
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_principal again, found;
	struct err err = {0};
	_cleanup_free_ char *lower = strv_lower(IDENTITY_ID);
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, lower, "Disk", &again, &err), 0);
	assert_memory_equal(&again, &w.identity, sizeof(again));
	assert_int_equal(entra_find_managed_identity(tx, lower, &found, &err), 0);
	assert_memory_equal(&found, &w.identity, sizeof(found));
}

// The metadata face: the extra headers and the query decide.
static int metadata(const char *query, const char *const *headers, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *url = strv_printf(METADATA_URL "?%s", query);
	return call("GET", url, headers, NULL, out, &reply);
}

static char *capability(const char *client_id) {
	_cleanup_free_ char *value = NULL;
	struct err err = {0};
	assert_int_equal(entra_identity_header(w.entra, client_id, "disk:0123abcd", &value, &err), 0);
	return strv_printf("X-IDENTITY-HEADER: %s", value);
}

#define IDENTITY_QUERY "api-version=2019-08-01&resource=https://vault.azure.net"

static void test_identity_token(void **state) {
	(void)state;
	_cleanup_free_ char *header = capability(w.identity.app_id), *client_query = NULL;
	_cleanup_free_ char *bearer = NULL;
	_cleanup_json_ json_t *answer = NULL, *with_client = NULL, *claims = NULL, *found = NULL;
	const char *const headers[] = {"Metadata: true", header, NULL};
	assert_int_equal(metadata(IDENTITY_QUERY, headers, &answer), 200);
	assert_int_equal(json_object_size(answer), 8);
	assert_string_equal(json_str(answer, "client_id"), w.identity.app_id);
	assert_string_equal(json_str(answer, "expires_in"), "86399");
	assert_string_equal(json_str(answer, "ext_expires_in"), "86399");
	assert_string_equal(json_str(answer, "resource"), "https://vault.azure.net");
	assert_string_equal(json_str(answer, "token_type"), "Bearer");
	claims = claims_of(json_str(answer, "access_token"));
	_cleanup_free_ char *on = strv_printf("%lld", (long long)json_int(claims, "exp", 0));
	_cleanup_free_ char *from = strv_printf("%lld", (long long)json_int(claims, "nbf", 0));
	assert_string_equal(json_str(answer, "expires_on"), on);
	assert_string_equal(json_str(answer, "not_before"), from);
	assert_string_equal(json_str(claims, "oid"), w.identity.object_id);
	assert_string_equal(json_str(claims, "appidacr"), "2");
	assert_true(strv_eq_nocase(json_str(claims, "xms_mirid"), IDENTITY_ID));
	bearer = strv_printf("Bearer %s", json_str(answer, "access_token"));
	assert_int_equal(judged(bearer, &found), ENTRA_OK);
	assert_string_equal(json_str(found, "oid"), w.identity.object_id);
	client_query = strv_printf("api-version=2018-02-01&resource=https://management.azure.com/&client_id=%s&object_id=%s"
		"&mi_res_id=" IDENTITY_ID, w.identity.app_id, w.identity.object_id);
	assert_int_equal(metadata(client_query, headers, &with_client), 200);
	assert_string_equal(json_str(with_client, "resource"), "https://management.azure.com/");
}

static void assert_metadata_refused(const char *query, const char *const *headers, const char *error, const char *text) {
	_cleanup_json_ json_t *body = NULL;
	assert_int_equal(metadata(query, headers, &body), 400);
	assert_int_equal(json_object_size(body), 2);
	assert_string_equal(json_str(body, "error"), error);
	assert_string_equal(json_str(body, "error_description"), text);
}

static void test_metadata_request(void **state) {
	(void)state;
	_cleanup_free_ char *header = capability(w.identity.app_id);
	const char *const good[] = {"Metadata: true", header, NULL}, *const no_mark[] = {header, NULL};
	const char *const false_mark[] = {"Metadata: false", header, NULL};
	const char *const forwarded[] = {"Metadata: True", header, "X-Forwarded-For: 10.0.0.1", NULL};
	assert_metadata_refused(IDENTITY_QUERY, no_mark, "invalid_request", "Required metadata header not specified");
	assert_metadata_refused(IDENTITY_QUERY, false_mark, "invalid_request", "Required metadata header not specified");
	assert_metadata_refused(IDENTITY_QUERY, forwarded, "invalid_request",
		"A request with the X-Forwarded-For header is not accepted");
	assert_metadata_refused("resource=https://vault.azure.net", good, "invalid_request",
		"Required query variable 'api-version' is missing");
	assert_metadata_refused("api-version=2017-01-01&resource=https://vault.azure.net", good, "invalid_request",
		"The api-version is not supported");
	assert_metadata_refused("api-version=2018-02-01", good, "invalid_request",
		"Required query variable 'resource' is missing");
	assert_metadata_refused("api-version=2018-02-01&resource=https://example.com", good, "invalid_resource",
		"AADSTS500011: The resource principal named https://example.com was not found in the tenant named Contoso.");
}

static void test_capability(void **state) {
	(void)state;
	static const char text[] = "Identity not found";
	_cleanup_free_ char *good = capability(w.identity.app_id), *application = capability(w.app.app_id);
	_cleanup_free_ char *nobody = capability(NOBODY);
	const char *const none[] = {"Metadata: true", NULL}, *const of_app[] = {"Metadata: true", application, NULL};
	const char *const of_nobody[] = {"Metadata: true", nobody, NULL};
	const char *const of_identity[] = {"Metadata: true", good, NULL};
	assert_metadata_refused(IDENTITY_QUERY, none, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY, of_app, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY, of_nobody, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY "&client_id=" NOBODY, of_identity, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY "&object_id=" NOBODY, of_identity, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY "&mi_res_id=/x", of_identity, "invalid_request", text);
	assert_metadata_refused(IDENTITY_QUERY "&msi_res_id=/x", of_identity, "invalid_request", text);
}

static void test_changed_capability(void **state) {
	(void)state;
	_cleanup_free_ char *good = capability(w.identity.app_id);
	size_t start = strlen("X-IDENTITY-HEADER: ");
	// One character of each part: the client id, the subject, the MAC; a cut MAC; no MAC; nothing; too much.
	const size_t places[] = {start, start + 20, start + 40, strlen(good) - 10};
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *changed = strdup(good);
		changed[places[i]] = changed[places[i]] == '0' ? '1' : '0';
		assert_metadata_refused(IDENTITY_QUERY, (const char *[]){"Metadata: true", changed, NULL}, "invalid_request",
			"Identity not found");
	}
	_cleanup_free_ char *cut = strndup(good, strlen(good) - 1), *bare = strndup(good, start + 36);
	_cleanup_free_ char *no_mac = strndup(good, (size_t)(strrchr(good, '.') - good) + 1);
	_cleanup_free_ char *more = strv_printf("%s%s", good, "A"), *huge = strv_printf("%s%0500d", good, 0);
	const char *const bad[] = {cut, bare, no_mac, more, huge, "X-IDENTITY-HEADER: .", "X-IDENTITY-HEADER: x"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_metadata_refused(IDENTITY_QUERY, (const char *[]){"Metadata: true", bad[i], NULL}, "invalid_request",
			"Identity not found");
}

static void test_header_arguments(void **state) {
	(void)state;
	static const char *const subjects[] = {"", "a.b", "a b", "a\nb"};
	struct err err = {0};
	char *out = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		assert_int_equal(entra_identity_header(w.entra, w.identity.app_id, subjects[i], &out, &err), -EINVAL);
	assert_int_equal(entra_identity_header(w.entra, "x", "disk:1", &out, &err), -EINVAL);
	assert_null(out);
}

static void test_removed_identity(void **state) {
	(void)state;
	static const char id[] = "/subscriptions/s/providers/x/TEMPORARY";
	struct entra_principal p;
	struct store_tx *tx = NULL;
	struct err err = {0};
	_cleanup_json_ json_t *answer = NULL;
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, id, "temporary", &p, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	_cleanup_free_ char *header = capability(p.app_id);
	const char *const headers[] = {"Metadata: true", header, NULL};
	assert_int_equal(metadata(IDENTITY_QUERY, headers, &answer), 200);
	assert_int_equal(judge_token(json_str(answer, "access_token")), ENTRA_OK);
	run_sql("UPDATE service_principals SET enabled = 0 WHERE object_id = $1", p.object_id);
	assert_metadata_refused(IDENTITY_QUERY, headers, "invalid_request", "Identity not found");
	run_sql("UPDATE service_principals SET enabled = 1 WHERE object_id = $1", p.object_id);
	assert_int_equal(store_begin(w.store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_remove_managed_identity(tx, id, &err), 0);
	assert_int_equal(entra_remove_managed_identity(tx, id, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_metadata_refused(IDENTITY_QUERY, headers, "invalid_request", "Identity not found");
	assert_int_equal(judge_token(json_str(answer, "access_token")), ENTRA_INVALID);
}

static void test_metadata_elsewhere(void **state) {
	(void)state;
	_cleanup_free_ char *header = capability(w.identity.app_id);
	const char *const headers[] = {"Metadata: true", header, NULL};
	_cleanup_reply_ struct http_reply tls = {0}, post = {0}, path = {0};
	_cleanup_json_ json_t *a = NULL, *b = NULL, *c = NULL;
	assert_int_equal(call("GET", "https://169.254.169.254/metadata/identity/oauth2/token?" IDENTITY_QUERY, headers, NULL, &a,
		&tls), 404);
	assert_int_equal(call("POST", METADATA_URL "?" IDENTITY_QUERY, headers, "", &b, &post), 405);
	assert_int_equal(call("GET", "http://169.254.169.254/metadata/instance?api-version=2021-02-01", headers, NULL, &c, &path),
		404);
	assert_string_equal(json_str(c, "error"), "Not found");
}

static void test_reopen(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token(), *before = capability(w.identity.app_id);
	char kid[ENTRA_KID_SIZE];
	struct err err = {0};
	(void)snprintf(kid, sizeof(kid), "%s", w.entra->keys[0].kid);
	entra_close(w.entra);
	w.entra = NULL;
	assert_int_equal(entra_open(w.store, w.keeper, &w.entra, &err), 0);
	assert_int_equal(w.entra->key_count, 1);
	assert_string_equal(w.entra->keys[0].kid, kid);
	assert_int_equal(judge_token(token), ENTRA_OK);
	_cleanup_free_ char *after = capability(w.identity.app_id);
	assert_string_equal(before, after);
}

// The last ones break what the others need.
static void test_without_keeper(void **state) {
	(void)state;
	_cleanup_free_ char *token = vault_token(), *header = capability(w.identity.app_id);
	_cleanup_free_ char *form = credentials_form(w.app.app_id, w.secret, "scope=" VAULT_SCOPE);
	_cleanup_json_ json_t *answer = NULL;
	stop_keeper();
	assert_refused(TOKEN_URL, form, 503, "temporarily_unavailable", 90033);
	assert_int_equal(metadata(IDENTITY_QUERY, (const char *[]){"Metadata: true", header, NULL}, &answer), 500);
	assert_string_equal(json_str(answer, "error"), "unknown");
	// Verifying needs no private key.
	assert_int_equal(judge_token(token), ENTRA_OK);
	run_sql("ALTER TABLE service_principals RENAME TO lost", NULL);
	assert_int_equal(judge_token(token), ENTRA_UNAVAILABLE);
	assert_refused(TOKEN_URL, form, 503, "temporarily_unavailable", 90033);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_verifies_with_published_key),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_two_tokens_differ),
		cmocka_unit_test(test_audiences),
		cmocka_unit_test(test_exchange_token_is_version_2),
		cmocka_unit_test(test_answer_v2),
		cmocka_unit_test(test_answer_v1),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_errors_of_the_request),
		cmocka_unit_test(test_errors_of_the_client),
		cmocka_unit_test(test_expired_secret),
		cmocka_unit_test(test_other_content_type),
		cmocka_unit_test(test_unknown_paths_and_methods),
		cmocka_unit_test(test_openid_configuration),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_instance_discovery),
		cmocka_unit_test(test_instance_discovery_refusals),
		cmocka_unit_test(test_authenticate),
		cmocka_unit_test(test_other_tenants_token),
		cmocka_unit_test(test_missing_token),
		cmocka_unit_test(test_malformed_tokens),
		cmocka_unit_test(test_unsigned_token),
		cmocka_unit_test(test_changed_token),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_signed_but_wrong),
		cmocka_unit_test(test_wrong_audience),
		cmocka_unit_test(test_expired_token),
		cmocka_unit_test(test_disabled_principal),
		cmocka_unit_test(test_deleted_tenant),
		cmocka_unit_test(test_secret_is_not_stored),
		cmocka_unit_test(test_directory_refusals),
		cmocka_unit_test(test_managed_identity_is_idempotent),
		cmocka_unit_test(test_identity_token),
		cmocka_unit_test(test_metadata_request),
		cmocka_unit_test(test_capability),
		cmocka_unit_test(test_changed_capability),
		cmocka_unit_test(test_header_arguments),
		cmocka_unit_test(test_removed_identity),
		cmocka_unit_test(test_metadata_elsewhere),
		cmocka_unit_test(test_reopen),
		cmocka_unit_test(test_without_keeper),
	};
	struct err err = {0};
	if (argc != 2 || secret_init(1 << 16, &err) < 0) {
		(void)fprintf(stderr, "usage: test-entra KEEPER; %s\n", err.message);
		return 1;
	}
	keeper_path = argv[1];
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
