// SPDX-License-Identifier: Apache-2.0
#include "entra/fixture.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "net/cert.h"

static char *in_dir(struct fixture *f, char out[static 96], const char *name) {
	(void)snprintf(out, 96, "%s/%s", f->dir, name);
	return out;
}

// A resource server that shows what entra_authenticate found.
static void check_handle(struct fixture *f, const struct http_request *req, struct http_response *res) {
	static const char *const audiences[] = {"https://vault.azure.net", "https://other.example", NULL};
	struct caller c = {.iss = "untouched"};
	enum entra_refusal answer = entra_authenticate(f->entra, req, audiences, &c);
	res->json = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:s}", "answer", (int)answer, "tenant", c.tenant, "oid", c.oid, "appid",
		c.appid, "iss", c.iss, "aud", c.audience, "kind", (int)c.kind, "name", c.name);
}

static void face(void *ctx, const struct http_request *req, struct http_response *res) {
	struct fixture *f = ctx;
	if (strcmp(http_host(req), "169.254.169.254") == 0)
		entra_metadata_handle(f->entra, f->resident, req, res);
	else if (strcmp(http_host(req), "check.example") == 0)
		check_handle(f, req, res);
	else
		entra_login_handle(f->entra, req, res);
}

static void start_keeper(struct fixture *f) {
	const char *program = getenv("CUSTODISK_KEEPER");
	assert_non_null(program);
	char socket[96], key[96], fd_text[16];
	int ready[2];
	uint8_t root[32];
	char line[6];
	struct err err = {0};
	memset(root, 0x5a, sizeof(root));
	assert_int_equal(io_create_file(in_dir(f, key, "root.key"), root, sizeof(root), 0600, &err), 0);
	assert_int_equal(pipe(ready), 0);
	(void)snprintf(fd_text, sizeof(fd_text), "%d", ready[1]);
	const char *const argv[] = {program, "--socket", in_dir(f, socket, "keeper.sock"), "--key-file", key, "--ready-fd",
		fd_text, NULL};
	// posix_spawn's argv is not const for reasons of history; it is not written to.
	assert_int_equal(posix_spawn(&f->keeper_pid, program, NULL, NULL, (char *const *)(uintptr_t)argv, environ), 0);
	(void)close(ready[1]);
	assert_int_equal(io_read_full(ready[0], line, sizeof(line)), 0);
	assert_memory_equal(line, "READY\n", 6);
	(void)close(ready[0]);
	assert_int_equal(keeper_client_open(socket, &f->keeper, &err), 0);
}

void fixture_stop_keeper(struct fixture *f) {
	int status;
	if (!f->keeper_pid)
		return;
	assert_int_equal(kill(f->keeper_pid, SIGTERM), 0);
	assert_int_equal(waitpid(f->keeper_pid, &status, 0), f->keeper_pid);
	f->keeper_pid = 0;
}

static void populate(struct fixture *f) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_secret_ struct secret secret = {0}, secret_b = {0};
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	assert_int_equal(entra_add_tenant(tx, TENANT_A, "Contoso", &err), 0);
	assert_int_equal(entra_add_tenant(tx, TENANT_B, "Fabrikam", &err), 0);
	assert_int_equal(entra_add_application(tx, TENANT_A, "robot", &f->app, &secret, &err), 0);
	assert_int_equal(entra_add_application(tx, TENANT_B, "other", &f->app_b, &secret_b, &err), 0);
	assert_int_equal(entra_add_managed_identity(tx, TENANT_A, IDENTITY_ID, "Disk", &f->identity, &err), 0);
	assert_int_equal(store_commit(&tx, &err), 0);
	assert_int_equal(secret.len, 40);
	(void)snprintf(f->secret, sizeof(f->secret), "%.40s", (const char *)secret.data);
	(void)snprintf(f->secret_b, sizeof(f->secret_b), "%.40s", (const char *)secret_b.data);
}

static void start_servers(struct fixture *f) {
	static const char *const names[] = {"169.254.169.254", NULL};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	struct err err = {0};
	int fd = io_unix_listen(in_dir(f, f->http_socket, "http.sock"), SOCK_STREAM, &err);
	assert_true(fd >= 0);
	assert_int_equal(http_server_start(fd, NULL, 2, face, f, &f->plain, &err), 0);
	assert_int_equal(cert_issue(names, clock_now(), 1, &ca, &cert, &key, &err), 0);
	assert_int_equal(io_create_file(in_dir(f, f->ca_file, "ca.pem"), ca.data, ca.len, 0644, &err), 0);
	const struct http_tls tls = {buf_cstr(&cert), buf_cstr(&key)};
	fd = io_unix_listen(in_dir(f, f->https_socket, "https.sock"), SOCK_STREAM, &err);
	assert_true(fd >= 0);
	assert_int_equal(http_server_start(fd, &tls, 1, face, f, &f->tls, &err), 0);
	const struct http_route route = {.https_socket = f->https_socket, .http_socket = f->http_socket, .ca_file = f->ca_file};
	assert_int_equal(http_client_new(&route, &f->client, &err), 0);
}

int fixture_set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	char path[96];
	struct err err = {0};
	assert_non_null(f);
	*state = f;  // so that what a failure leaves is torn down too
	assert_int_equal(secret_init(1 << 16, &err), 0);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/test-entra-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	start_keeper(f);
	assert_int_equal(store_open(in_dir(f, path, "t.db"), &f->store, &err), 0);
	assert_int_equal(entra_open(f->store, f->keeper, &f->entra, &err), 0);
	populate(f);
	start_servers(f);
	return 0;
}

int fixture_tear_down(void **state) {
	struct fixture *f = *state;
	if (!f)
		return -1;
	static const char *const files[] = {"root.key", "keeper.sock", "t.db", "t.db-wal", "t.db-shm", "http.sock", "https.sock",
		"ca.pem"};
	char path[96];
	http_client_free(f->client);
	http_server_stop(f->plain, 5);
	http_server_stop(f->tls, 5);
	entra_close(f->entra);
	store_close(f->store);
	keeper_client_close(f->keeper);
	fixture_stop_keeper(f);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlink(in_dir(f, path, files[i]));
	int rc = rmdir(f->dir);
	free(f);
	return rc;
}

int fixture_call(struct fixture *f, const char *method, const char *url, const char *const *headers, const char *body,
	json_t **out, struct http_reply *reply) {
	struct err err = {0};
	int rc = http_client_send(f->client, method, url, headers, body, body ? strlen(body) : 0, 10000, reply, &err);
	if (rc < 0)
		fail_msg("%s %s: %s", method, url, err.message);
	*out = NULL;
	if (reply->body.len > 0)
		assert_int_equal(json_parse(reply->body.data, reply->body.len, "Bad", out, &err), 0);
	return reply->status;
}

int fixture_get(struct fixture *f, const char *url, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	return fixture_call(f, "GET", url, (const char *[]){NULL}, NULL, out, &reply);
}

int fixture_post_form(struct fixture *f, const char *url, const char *body, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	return fixture_call(f, "POST", url, (const char *[]){FORM, NULL}, body, out, &reply);
}

char *fixture_credentials(const char *client_id, const char *secret, const char *rest) {
	char *form = strv_printf("grant_type=client_credentials&client_id=%s&client_secret=%s&%s", client_id, secret, rest);
	assert_non_null(form);
	return form;
}

char *fixture_token(struct fixture *f, const char *tenant, const char *client_id, const char *secret, const char *scope) {
	_cleanup_json_ json_t *answer = NULL;
	_cleanup_free_ char *url = strv_printf("http://login.microsoftonline.com/%s/oauth2/v2.0/token", tenant);
	_cleanup_free_ char *rest = strv_printf("scope=%s", scope);
	_cleanup_free_ char *form = fixture_credentials(client_id, secret, rest);
	assert_int_equal(fixture_post_form(f, url, form, &answer), 200);
	char *token = strdup(json_str(answer, "access_token"));
	assert_non_null(token);
	return token;
}

char *fixture_vault_token(struct fixture *f) {
	return fixture_token(f, TENANT_A, f->app.app_id, f->secret, VAULT_SCOPE);
}

json_t *fixture_claims(const char *token) {
	_cleanup_buf_ struct buf text = {0};
	json_t *claims = NULL;
	struct err err = {0};
	const char *start = strchr(token, '.') + 1;
	assert_int_equal(dec_base64url(&text, start, strcspn(start, ".")), 0);
	assert_int_equal(json_parse(text.data, text.len, "Bad", &claims, &err), 0);
	return claims;
}

int fixture_judged(struct fixture *f, const char *authorization, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *header = strv_printf("Authorization: %s", authorization);
	assert_int_equal(fixture_call(f, "GET", "http://check.example/", (const char *[]){header, NULL}, NULL, out, &reply), 200);
	return (int)json_int(*out, "answer", -1);
}

int fixture_judge(struct fixture *f, const char *token) {
	_cleanup_json_ json_t *found = NULL;
	_cleanup_free_ char *value = strv_printf("Bearer %s", token);
	return fixture_judged(f, value, &found);
}

void fixture_assert_error(const json_t *body, const char *error, int64_t code) {
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

void fixture_refused(struct fixture *f, const char *url, const char *form, int status, const char *error, int64_t code) {
	_cleanup_json_ json_t *body = NULL;
	int got = fixture_post_form(f, url, form, &body);
	if (got != status)
		fail_msg("%s: %d instead of %d for AADSTS%lld", form, got, status, (long long)code);
	assert_non_null(body);
	fixture_assert_error(body, error, code);
}

int fixture_metadata(struct fixture *f, const char *query, const char *const *headers, json_t **out) {
	_cleanup_reply_ struct http_reply reply = {0};
	_cleanup_free_ char *url = strv_printf(METADATA_URL "?%s", query);
	return fixture_call(f, "GET", url, headers, NULL, out, &reply);
}

char *fixture_capability(struct fixture *f, const char *client_id) {
	_cleanup_free_ char *value = NULL;
	struct err err = {0};
	assert_int_equal(entra_identity_header(f->entra, client_id, "disk:0123abcd", &value, &err), 0);
	return strv_printf("X-IDENTITY-HEADER: %s", value);
}

void fixture_sql(struct fixture *f, const char *sql, const char *parameter) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct err err = {0};
	assert_int_equal(store_begin(f->store, STORE_WRITE, &tx, &err), 0);
	if (store_exec(tx, &err, sql, parameter ? "s" : "", parameter) < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_int_equal(store_commit(&tx, &err), 0);
}
