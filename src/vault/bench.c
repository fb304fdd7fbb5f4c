// SPDX-License-Identifier: Apache-2.0
// Not a test: how many unwrapKey requests a second a vault answers over HTTPS, each audited, for eight clients that keep
// their connections. The clients share the machine's cores with the server and the keeper.
//   bench-vault BITS SECONDS   prints the number alone
#include "vault/fixture.h"

#include <pthread.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "net/cert.h"

#define CLIENTS 8
#define PATH "/keys/bench/%s?api-version=7.4"

struct bench {
	struct fixture *f;
	struct http_route route;
	char body[1024], authorization[4096], url[256];
	int64_t until;  // monotonic nanoseconds
};

struct client {
	pthread_t thread;
	const struct bench *bench;
	int64_t done;
};

static void handle(void *ctx, const struct http_request *req, struct http_response *res) {
	vault_handle(ctx, req, res);
}

static void *ask(void *arg) {
	struct client *c = arg;
	const struct bench *b = c->bench;
	struct http_client *http = NULL;
	const char *const headers[] = {"Content-Type: application/json", b->authorization, NULL};
	assert_int_equal(http_client_new(&b->route, &http, NULL), 0);
	while (clock_monotonic_ns() < b->until) {
		_cleanup_reply_ struct http_reply reply = {0};
		int rc = http_client_send(http, "POST", b->url, headers, b->body, strlen(b->body), 10000, &reply, NULL);
		if (rc < 0 || reply.status != 200)
			break;
		c->done++;
	}
	http_client_free(http);
	return NULL;
}

static struct http_server *serve(struct fixture *f, const char *socket_path, const char *ca_path) {
	static const char *const names[] = {"*.vault.azure.net", NULL};
	_cleanup_buf_ struct buf ca = {0}, cert = {0}, key = {0};
	struct http_server *server = NULL;
	assert_int_equal(cert_issue(names, clock_now(), 30, &ca, &cert, &key, NULL), 0);
	assert_int_equal(io_replace_file(ca_path, ca.data, ca.len, 0600, NULL), 0);
	int fd = io_unix_listen(socket_path, SOCK_STREAM, NULL);
	assert_true(fd >= 0);
	struct http_tls tls = {.certificate_pem = buf_cstr(&cert), .key_pem = buf_cstr(&key)};
	assert_int_equal(http_server_start(fd, &tls, CLIENTS, handle, f->vault, &server, NULL), 0);
	return server;
}

static void make_key(struct bench *b, const char *bits) {
	char path[128], body[128];
	_cleanup_json_ json_t *wrapped = NULL;
	(void)snprintf(path, sizeof(path), PATH, "create");
	(void)snprintf(body, sizeof(body), "{\"kty\":\"RSA\",\"key_size\":%s}", bits);
	assert_int_equal(fixture_call(b->f, b->f->admin, "POST", "alpha", path, body, NULL), 200);
	(void)snprintf(path, sizeof(path), PATH, "wrapkey");
	assert_int_equal(fixture_call(b->f, b->f->admin, "POST", "alpha", path,
		"{\"alg\":\"RSA-OAEP-256\",\"value\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"}", &wrapped), 200);
	(void)snprintf(b->body, sizeof(b->body), "{\"alg\":\"RSA-OAEP-256\",\"value\":\"%s\"}", json_str(wrapped, "value"));
	(void)snprintf(b->url, sizeof(b->url), "%s/unwrapkey?api-version=7.4", json_str(wrapped, "kid"));
	(void)snprintf(b->authorization, sizeof(b->authorization), "Authorization: Bearer %s", b->f->admin);
}

static double measure(struct bench *b, int64_t seconds) {
	struct client clients[CLIENTS] = {0};
	int64_t start = clock_monotonic_ns(), total = 0;
	b->until = start + seconds * CLOCK_NSEC_PER_SEC;
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i].bench = b;
		assert_int_equal(pthread_create(&clients[i].thread, NULL, ask, &clients[i]), 0);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
		total += clients[i].done;
	}
	return (double)total * (double)CLOCK_NSEC_PER_SEC / (double)(clock_monotonic_ns() - start);
}

int main(int argc, char **argv) {
	int64_t seconds;
	if (argc != 3 || strv_int(argv[2], 1, 3600, &seconds) < 0) {
		(void)fputs("usage: bench-vault BITS SECONDS\n", stderr);
		return 2;
	}
	void *state = NULL;
	(void)fixture_set_up(&state);
	struct fixture *f = state;
	char socket_path[128], ca_path[128];
	(void)snprintf(socket_path, sizeof(socket_path), "%s/https.sock", f->dir);
	(void)snprintf(ca_path, sizeof(ca_path), "%s/ca.pem", f->dir);
	struct http_server *server = serve(f, socket_path, ca_path);
	struct bench b = {.f = f, .route = {.https_socket = socket_path, .ca_file = ca_path}};
	make_key(&b, argv[1]);
	(void)printf("%.1f\n", measure(&b, seconds));
	http_server_stop(server, 5);
	(void)unlink(socket_path);
	(void)unlink(ca_path);
	return fixture_tear_down(&state);
}
