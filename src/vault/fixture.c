// SPDX-License-Identifier: Apache-2.0
#include "vault/fixture.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"

#define ADMINISTRATOR "00482a5a-887f-4fb3-b363-3b7fe8e74483"
#define CRYPTO_USER "12338af0-0e69-4776-bea7-57ae8d297424"

static struct err err;

#define check(expression) \
	do { \
		if ((expression) < 0) { \
			print_error("%s: %s\n", #expression, err.message); \
			fail(); \
		} \
	} while (0)

static void start_keeper(struct fixture *f) {
	const char *program = getenv("CUSTODISK_KEEPER");
	assert_non_null(program);
	char key_file[96];
	uint8_t root[32];
	(void)snprintf(key_file, sizeof(key_file), "%s/root.key", f->dir);
	assert_int_equal(RAND_bytes(root, sizeof(root)), 1);
	check(io_create_file(key_file, root, sizeof(root), 0600, &err));
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	f->keeper_pid = fork();
	if (f->keeper_pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ready[0]);
		char fd[16];
		(void)snprintf(fd, sizeof(fd), "%d", ready[1]);
		(void)execl(program, program, "--socket", f->keeper_socket, "--key-file", key_file, "--ready-fd", fd, (char *)NULL);
		_exit(127);
	}
	assert_true(f->keeper_pid > 0);
	(void)close(ready[1]);
	char line[6];
	assert_int_equal(io_read_full(ready[0], line, sizeof(line)), 0);
	assert_memory_equal(line, "READY\n", 6);
	(void)close(ready[0]);
	check(keeper_client_open(f->keeper_socket, &f->keeper, &err));
}

static void dispatch(void *ctx, const struct http_request *req, struct http_response *res) {
	struct fixture *f = ctx;
	if (strv_ends_with_nocase(http_host(req), ".vault.azure.net") ||
		strv_ends_with_nocase(http_host(req), ".managedhsm.azure.net"))
		vault_handle(f->vault, req, res);
	else
		entra_login_handle(f->entra, req, res);
}

static void start_server(struct fixture *f) {
	int fd = io_unix_listen(f->http_socket, SOCK_STREAM, &err);
	check(fd);
	check(http_server_start(fd, NULL, 8, dispatch, f, &f->server, &err));
	f->client = fixture_client(f);
}

struct http_client *fixture_client(struct fixture *f) {
	struct http_route route = {.http_socket = f->http_socket};
	struct http_client *client = NULL;
	check(http_client_new(&route, &client, &err));
	return client;
}

static void save_vault(struct store_tx *tx, const char *tenant, const char *name, const char *sku, bool rbac,
	int64_t days, bool protection) {
	struct vault_record v = {
		.rbac = rbac, .retention_days = days, .purge_protection = protection, .created = clock_now(), .location = "westeurope",
	};
	(void)snprintf(v.name, sizeof(v.name), "%s", name);
	(void)snprintf(v.resource_id, sizeof(v.resource_id), VAULT_ID("%s"), name);
	(void)snprintf(v.tenant_id, sizeof(v.tenant_id), "%s", tenant);
	(void)snprintf(v.sku, sizeof(v.sku), "%s", sku);
	check(vault_save(tx, &v, &err));
}

static void assign(struct store_tx *tx, const char *tenant, const char *scope, const char *principal, const char *role) {
	char name[ENC_UUID_SIZE];
	assert_int_equal(enc_uuid(name), 0);
	struct access_assignment a = {
		.tenant = tenant, .scope = scope, .name = name, .principal_id = principal, .principal_type = "ServicePrincipal",
		.role_id = role, .created_by = principal,
	};
	check(access_assign(tx, &a, &err));
}

static char *secrets[4];  // client secrets of admin, nobody, single, foreign

static void add_application(struct store_tx *tx, const char *tenant, const char *name, struct entra_principal *out,
	char **kept) {
	_cleanup_secret_ struct secret secret = {0};
	check(entra_add_application(tx, tenant, name, out, &secret, &err));
	*kept = strndup((const char *)secret.data, secret.len);
	assert_non_null(*kept);
}

static void populate(struct fixture *f) {
	assert_int_equal(enc_uuid(f->tenant), 0);
	assert_int_equal(enc_uuid(f->other_tenant), 0);
	_cleanup_tx_ struct store_tx *tx = NULL;
	check(store_begin(f->store, STORE_WRITE, &tx, &err));
	check(entra_add_tenant(tx, f->tenant, "Home", &err));
	check(entra_add_tenant(tx, f->other_tenant, "Other", &err));
	add_application(tx, f->tenant, "admin", &f->admin_id, &secrets[0]);
	add_application(tx, f->tenant, "nobody", &f->nobody_id, &secrets[1]);
	add_application(tx, f->tenant, "single", &f->single_id, &secrets[2]);
	add_application(tx, f->other_tenant, "foreign", &f->foreign_id, &secrets[3]);
	assign(tx, f->tenant, GROUP, f->admin_id.object_id, ADMINISTRATOR);
	assign(tx, f->other_tenant, GROUP, f->foreign_id.object_id, ADMINISTRATOR);
	assign(tx, f->tenant, VAULT_ID("alpha") "/keys/only", f->single_id.object_id, CRYPTO_USER);
	save_vault(tx, f->tenant, "alpha", "standard", true, 90, false);
	save_vault(tx, f->tenant, "Beta", "premium", true, 7, true);
	save_vault(tx, f->tenant, "policy", "standard", false, 90, false);
	save_vault(tx, f->other_tenant, "foreign", "standard", true, 90, false);
	save_vault(tx, f->tenant, "gone", "standard", true, 90, false);
	check(vault_delete(tx, "GONE", clock_now(), &err));
	check(store_commit(&tx, &err));
}

static char *token_of(struct fixture *f, const char *tenant, const struct entra_principal *p, const char *secret,
	const char *resource) {
	_cleanup_free_ char *url = strv_printf("http://login.microsoftonline.com/%s/oauth2/v2.0/token", tenant);
	_cleanup_free_ char *body = strv_printf("grant_type=client_credentials&client_id=%s&client_secret=%s&scope=%s/.default",
		p->app_id, secret, resource);
	const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", NULL};
	_cleanup_reply_ struct http_reply reply = {0};
	check(http_client_send(f->client, "POST", url, headers, body, strlen(body), 20000, &reply, &err));
	_cleanup_json_ json_t *json = NULL;
	if (reply.status != 200)
		print_error("token: %s\n", buf_cstr(&reply.body));
	assert_int_equal(reply.status, 200);
	check(json_parse(reply.body.data, reply.body.len, "x", &json, &err));
	char *token = strdup(json_str(json, "access_token"));
	assert_non_null(token);
	return token;
}

static void drop_tokens(struct fixture *f) {
	free(f->admin);
	free(f->nobody);
	free(f->single);
	free(f->foreign);
	free(f->arm);
	free(f->admin_hsm);
	free(f->nobody_hsm);
}

void fixture_renew_tokens(struct fixture *f) {
	static const char vault[] = "https://vault.azure.net", hsm[] = "https://managedhsm.azure.net";
	drop_tokens(f);
	f->admin = token_of(f, f->tenant, &f->admin_id, secrets[0], vault);
	f->nobody = token_of(f, f->tenant, &f->nobody_id, secrets[1], vault);
	f->single = token_of(f, f->tenant, &f->single_id, secrets[2], vault);
	f->foreign = token_of(f, f->other_tenant, &f->foreign_id, secrets[3], vault);
	f->arm = token_of(f, f->tenant, &f->admin_id, secrets[0], "https://management.azure.com");
	f->admin_hsm = token_of(f, f->tenant, &f->admin_id, secrets[0], hsm);
	f->nobody_hsm = token_of(f, f->tenant, &f->nobody_id, secrets[1], hsm);
}

int fixture_set_up(void **state) {
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/custodisk-vault-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->keeper_socket, sizeof(f->keeper_socket), "%s/keeper.sock", f->dir);
	(void)snprintf(f->http_socket, sizeof(f->http_socket), "%s/http.sock", f->dir);
	(void)snprintf(f->db, sizeof(f->db), "%s/db", f->dir);
	start_keeper(f);
	check(secret_init(1u << 18, &err));
	check(store_open(f->db, &f->store, &err));
	check(entra_open(f->store, f->keeper, &f->entra, &err));
	check(vault_service_open(f->store, f->keeper, f->entra, &f->vault, &err));
	populate(f);
	start_server(f);
	fixture_renew_tokens(f);
	*state = f;
	return 0;
}

int fixture_tear_down(void **state) {
	struct fixture *f = *state;
	if (!f)
		return -1;
	http_client_free(f->client);
	http_server_stop(f->server, 5);
	vault_service_close(f->vault);
	entra_close(f->entra);
	keeper_client_close(f->keeper);
	store_close(f->store);
	(void)kill(f->keeper_pid, SIGTERM);
	int status = 0;
	assert_int_equal(waitpid(f->keeper_pid, &status, 0), f->keeper_pid);
	drop_tokens(f);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		free(secrets[i]);
	static const char *const files[] = {"root.key", "keeper.sock", "http.sock", "db", "db-wal", "db-shm"};
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		(void)unlink(path);
	}
	int rc = rmdir(f->dir);
	free(f);
	return rc;
}

int fixture_send(struct fixture *f, struct http_client *client, const char *token, const char *method, const char *host,
	const char *path, const char *body, const char *extra, struct http_reply *reply) {
	(void)f;
	_cleanup_free_ char *url = strv_printf("http://%s%s%s", host, strchr(host, '.') ? ".azure.net" : ".vault.azure.net", path);
	_cleanup_free_ char *authorization = token ? strv_printf("Authorization: Bearer %s", token) : NULL;
	const char *headers[4] = {"Content-Type: application/json"};
	size_t n = 1;
	if (authorization)
		headers[n++] = authorization;
	if (extra)
		headers[n++] = extra;
	struct err e = {0};
	int rc = http_client_send(client, method, url, headers, body, body ? strlen(body) : 0, 60000, reply, &e);
	if (rc < 0)
		print_error("%s %s: %s\n", method, url, e.message);
	return rc;
}

int fixture_call(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body, json_t **json) {
	_cleanup_reply_ struct http_reply reply = {0};
	assert_int_equal(fixture_send(f, f->client, token, method, host, path, body, NULL, &reply), 0);
	if (json)
		*json = NULL;
	if (json && reply.body.len > 0)
		check(json_parse(reply.body.data, reply.body.len, "x", json, &err));
	return reply.status;
}

json_t *fixture_ok(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body) {
	json_t *json = NULL;
	int status = fixture_call(f, token, method, host, path, body, &json);
	if (status != 200)
		print_error("%s %s: %d %s\n", method, path, status, json ? json_str(json, "error.message") : "-");
	assert_int_equal(status, 200);
	assert_non_null(json);
	return json;
}

void fixture_refused(struct fixture *f, const char *token, const char *method, const char *host, const char *path,
	const char *body, int status, const char *code, const char *inner, const char *words) {
	_cleanup_json_ json_t *json = NULL;
	int got = fixture_call(f, token, method, host, path, body, &json);
	const char *message = json_str(json, "error.message"), *got_inner = json_str(json, "error.innererror.code");
	if (got != status || !message || !strstr(message, words))
		print_error("%s %s %s: %d %s\n", method, host, path, got, message ? message : "-");
	assert_int_equal(got, status);
	assert_string_equal(json_str(json, "error.code"), code);
	assert_string_equal(got_inner ? got_inner : "", inner);
	assert_non_null(strstr(message, words));
	// An answer that has nothing to add has no innererror at all.
	assert_true(inner[0] || !json_at(json, "error.innererror"));
}

json_t *fixture_last_record(struct fixture *f, const char *vault) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_rows_ struct store_rows *rows = NULL;
	check(store_begin(f->store, STORE_READ, &tx, &err));
	// In the order of insertion: tests move the clock.
	check(store_query(tx, &rows, &err, "SELECT record FROM audit WHERE vault = $1 ORDER BY rowid DESC LIMIT 1", "s", vault));
	assert_int_equal(store_next(rows, &err), 1);
	json_t *record = NULL;
	const char *text = store_text(rows, 0);
	check(json_parse(text, strlen(text), "x", &record, &err));
	return record;
}

int64_t fixture_record_count(struct fixture *f, const char *vault) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t count = -1;
	check(store_begin(f->store, STORE_READ, &tx, &err));
	check(store_query_int(tx, &count, &err, "SELECT COUNT(*) FROM audit WHERE vault = $1", "s", vault));
	return count;
}
