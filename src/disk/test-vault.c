// SPDX-License-Identifier: Apache-2.0
#include "disk/test-vault.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/key.h"
#include "net/cert.h"
#include "net/http_server.h"

struct running {
	struct test_vault vault;
	struct key *keys[TEST_KEYS];
	struct http_server *https, *http;
};

static void check(bool ok, const char *what) {
	if (ok)
		return;
	(void)fprintf(stderr, "test vault: %s failed\n", what);
	exit(99);
}

static void fail(struct http_response *res, int status, const char *code, const char *inner, const char *message) {
	res->status = status;
	res->json = inner ? json_pack("{s:{s:s, s:s, s:{s:s}}}", "error", "code", code, "message", message, "innererror", "code", inner)
		: json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
}

static void identity(void *ctx, const struct http_request *req, struct http_response *res) {
	struct running *r = ctx;
	const char *capability = http_header(req, "X-IDENTITY-HEADER");
	if (atomic_load(&r->vault.mode) == TEST_NO_TOKEN || !capability || strcmp(capability, "capability") != 0 ||
		!http_header(req, "Metadata")) {
		res->status = 400;
		res->json = json_pack("{s:s, s:s}", "error", "invalid_request", "error_description", "Identity not found");
		return;
	}
	// Short-lived, so that every question asks for one.
	res->json = json_pack("{s:s, s:s, s:s}", "access_token", "token", "token_type", "Bearer", "expires_in", "0");
}

static void operate(struct running *r, unsigned n, bool unwrap, const struct http_request *req, struct http_response *res) {
	size_t len;
	const void *body = http_body(req, &len);
	_cleanup_json_ json_t *json = NULL;
	_cleanup_buf_ struct buf in = {0}, text = {0};
	const char *value, *alg;
	if (json_parse(body, len, "BadParameter", &json, NULL) < 0 || !(value = json_str(json, "value")) ||
		!(alg = json_str(json, "alg")) || dec_base64url(&in, value, strlen(value)) < 0) {
		fail(res, 400, "BadParameter", NULL, "The request is malformed.");
		return;
	}
	_cleanup_key_output_ struct key_output out = {0};
	const struct key_input input = {.value = in.data, .len = in.len};
	int rc = (unwrap ? key_decrypt : key_encrypt)(r->keys[n], alg_by_name(alg), ALG_WRAP, &input, &out, NULL);
	if (rc < 0 || enc_base64url(&text, out.value.data, out.value.len) < 0)
		fail(res, 400, "BadParameter", NULL, "The parameter is incorrect.");
	else
		res->json = json_pack("{s:s, s:s}", "kid", test_key_url(n), "value", buf_cstr(&text));
}

static void describe(struct running *r, unsigned n, struct http_response *res) {
	json_t *attributes = json_pack("{s:b}", "enabled", (int)atomic_load(&r->vault.keys[n].enabled));
	int64_t nbf = atomic_load(&r->vault.keys[n].nbf), exp = atomic_load(&r->vault.keys[n].exp);
	check(!nbf || json_set_int(attributes, "nbf", nbf) == 0, "JSON");
	check(!exp || json_set_int(attributes, "exp", exp) == 0, "JSON");
	res->json = json_pack("{s:{s:s, s:s}, s:o}", "key", "kid", test_key_url(n), "kty", "RSA", "attributes", attributes);
}

static void answer(struct running *r, const struct http_request *req, struct http_response *res) {
	const char *authorization = http_header(req, "Authorization");
	if (!authorization || strcmp(authorization, "Bearer token") != 0) {
		fail(res, 401, "Unauthorized", NULL, "AKV10000: Request is missing a Bearer or PoP token.");
		return;
	}
	for (unsigned n = 0; n < TEST_KEYS; n++) {
		const char *path = strstr(test_key_url(n), "/keys/");
		if (strncmp(http_path(req), path, strlen(path)) != 0)
			continue;
		const char *operation = http_path(req) + strlen(path);
		int64_t exp = atomic_load(&r->vault.keys[n].exp);
		if (atomic_load(&r->vault.keys[n].deleted))
			break;
		if (!*operation)
			describe(r, n, res);
		else if (!atomic_load(&r->vault.keys[n].enabled))
			fail(res, 403, "Forbidden", "KeyDisabled", "Operation is not allowed on a disabled key.");
		else if (strcmp(operation, "/unwrapkey") == 0)
			operate(r, n, true, req, res);
		else if (exp && clock_now() >= exp)
			fail(res, 403, "Forbidden", "KeyExpired", "Operation wrapKey is not allowed on an expired key.");
		else
			operate(r, n, false, req, res);
		return;
	}
	fail(res, 404, "KeyNotFound", NULL, "A key with (name/id) k was not found in this key vault.");
}

static void vault(void *ctx, const struct http_request *req, struct http_response *res) {
	struct running *r = ctx;
	int number = atomic_fetch_add(&r->vault.requests, 1), fail_after = atomic_load(&r->vault.fail_after);
	int hang_ms = atomic_load(&r->vault.hang_ms);
	enum test_mode mode = atomic_load(&r->vault.mode);
	const struct timespec pause = {.tv_sec = hang_ms / 1000, .tv_nsec = hang_ms % 1000 * 1000000L};
	if (mode == TEST_HANG)
		(void)nanosleep(&pause, NULL);
	if (mode == TEST_UNAVAILABLE || (fail_after >= 0 && number >= fail_after))
		fail(res, 503, "ServiceUnavailable", NULL, "The service is busy.");
	else if (mode == TEST_FORBIDDEN)
		fail(res, 403, "Forbidden", "ForbiddenByRbac", "Caller is not authorized to perform action on resource.");
	else
		answer(r, req, res);
}

const char *test_key_url(unsigned key) {
	static const char *const urls[TEST_KEYS] = {
		"https://v.vault.azure.net/keys/k/11111111111111111111111111111111",
		"https://v.vault.azure.net/keys/k/22222222222222222222222222222222",
		"https://v.vault.azure.net/keys/k/33333333333333333333333333333333",
	};
	return urls[key];
}

void test_vault_reset(struct test_vault *v) {
	atomic_store(&v->mode, TEST_OK);
	atomic_store(&v->requests, 0);
	atomic_store(&v->fail_after, -1);
	atomic_store(&v->hang_ms, 0);
	for (unsigned i = 0; i < TEST_KEYS; i++) {
		atomic_store(&v->keys[i].enabled, true);
		atomic_store(&v->keys[i].deleted, false);
		atomic_store(&v->keys[i].nbf, 0);
		atomic_store(&v->keys[i].exp, 0);
	}
}

static struct http_server *serve(struct running *r, const char *name, const struct http_tls *tls, http_handler handler) {
	char path[128];
	struct http_server *server = NULL;
	(void)snprintf(path, sizeof(path), "%s/%s", r->vault.folder, name);
	int fd = io_unix_listen(path, SOCK_STREAM, NULL);
	check(fd >= 0 && http_server_start(fd, tls, 4, handler, r, &server, NULL) == 0, "listening");
	return server;
}

struct test_vault *test_vault_start(void) {
	static const char *const names[] = {"*.vault.azure.net", NULL};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	char path[128];
	struct running *r = calloc(1, sizeof(*r));
	check(r, "memory");
	(void)snprintf(r->vault.folder, sizeof(r->vault.folder), "/tmp/test-disk-XXXXXX");
	check(mkdtemp(r->vault.folder), "making a folder");
	check(cert_issue(names, clock_now(), 2, &ca, &cert, &key, NULL) == 0, "making a certificate");
	(void)snprintf(path, sizeof(path), "%s/ca.pem", r->vault.folder);
	check(io_replace_file(path, ca.data, ca.len, 0600, NULL) == 0, "writing the certificate");
	(void)snprintf(path, sizeof(path), "%s/import", r->vault.folder);
	check(io_mkdir(path, 0700, NULL) == 0, "making a folder");
	const struct key_spec spec = {.kind = KEY_KIND_RSA, .bits = 2048};
	for (unsigned i = 0; i < TEST_KEYS; i++)
		check(key_make(&spec, &r->keys[i], NULL) == 0, "making a key");
	test_vault_reset(&r->vault);
	const struct http_tls tls = {.certificate_pem = buf_cstr(&cert), .key_pem = buf_cstr(&key)};
	r->https = serve(r, "https", &tls, vault);
	r->http = serve(r, "http", NULL, identity);
	return &r->vault;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void test_vault_stop(struct test_vault *v) {
	struct running *r = (struct running *)v;
	http_server_stop(r->https, 1);
	http_server_stop(r->http, 1);
	for (unsigned i = 0; i < TEST_KEYS; i++)
		key_unref(r->keys[i]);
	check(nftw(v->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "removing the folder");
	free(r);
}

void test_config(struct test_vault *v, const char *name, unsigned key, uint64_t size, const char *source, const char *mac,
	int64_t cache_seconds, char path[static 128]) {
	char https[128], http[128], ca[128], file[128], import_dir[128], status[140], uri[256];
	(void)snprintf(https, sizeof(https), "%s/https", v->folder);
	(void)snprintf(http, sizeof(http), "%s/http", v->folder);
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", v->folder);
	(void)snprintf(file, sizeof(file), "%s/%s", v->folder, name);
	(void)snprintf(status, sizeof(status), "%s.status", file);
	(void)snprintf(import_dir, sizeof(import_dir), "%s/import", v->folder);
	(void)snprintf(uri, sizeof(uri), "file://%s/%s", import_dir, source ? source : "");
	json_t *json = json_pack(
		"{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s, s:I, s:s, s:s*, s:s*}, s:I, s:s}", "environment",
		"httpsSocket", https, "httpSocket", http, "caFile", ca, "identity", "endpoint",
		"http://169.254.169.254/metadata/identity/oauth2/token", "header", "capability", "clientId", "id", "disk", "id", name,
		"file", file, "diskEncryptionSetId", TEST_ENCRYPTION_SET, "keyUrl", test_key_url(key), "sizeBytes", (json_int_t)size,
		"importDir", import_dir, "source", source ? uri : NULL, "headerMac", mac, "cacheSeconds", (json_int_t)cache_seconds,
		"statusFile", status);
	_cleanup_free_ char *text = json ? json_text(json) : NULL;
	if (!text) {
		check(false, "making a configuration");
		return;
	}
	json_decref(json);
	(void)snprintf(path, 128, "%s/%s.json", v->folder, name);
	check(io_replace_file(path, text, strlen(text), 0600, NULL) == 0, "writing a configuration");
}
