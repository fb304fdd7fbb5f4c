// SPDX-License-Identifier: Apache-2.0
#include "server/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/strv.h"
#include "entra/entra.h"

enum { WORKERS = 32, OWN_MAX = 3, HANDED_MAX = 16, STOP_SECONDS = 3, IDENTITY_MAX = 512 };

// The faces of a handed socket, with who its visitors are.
struct visit {
	struct faces faces;
	char identity[IDENTITY_MAX];  // ARM id, "" for nobody
};

struct handed {
	int connection;
	struct http_server *server;
	struct visit *visit;  // owned
};

struct listeners {
	struct listeners_config config;
	struct faces faces;
	struct http_server *own[OWN_MAX];
	size_t own_count;
	int control, wake[2];  // closing the pipe's end ends the control thread
	pthread_t thread;
	struct handed handed[HANDED_MAX];
	size_t handed_count;
};

static int serve(struct listeners *l, struct faces *faces, int fd, bool tls, struct http_server **out, struct err *err) {
	const struct http_tls pem = {.certificate_pem = l->config.pem, .key_pem = l->config.pem};
	return http_server_start(fd, tls ? &pem : NULL, WORKERS, faces_handle, faces, out, err);
}

// Takes fd over, also on failure.
static int serve_own(struct listeners *l, int fd, bool tls, struct err *err) {
	_cleanup_fd_ int held = fd;
	int rc = fd < 0 ? fd : serve(l, &l->faces, fd, tls, &l->own[l->own_count], err);
	if (rc < 0)
		return rc;
	(void)TAKE_FD(held);
	l->own_count++;
	return 0;
}

static int listen_tcp(const char *where, struct err *err) {
	const char *colon = strrchr(where, ':');
	_cleanup_free_ char *address = colon ? strndup(where, (size_t)(colon - where)) : NULL;
	int64_t port;
	if (!address || strv_int(colon + 1, 0, 65535, &port) < 0)
		return err_set(err, -EINVAL, 500, "InvalidParameter", "'%s' is not an ADDR:PORT to listen at.", where);
	size_t n = strlen(address);
	char *bare = n > 1 && address[0] == '[' && address[n - 1] == ']' ? (address[n - 1] = 0, address + 1) : address;
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	if (getaddrinfo(bare, colon + 1, &hints, &found) != 0)
		return err_set(err, -EINVAL, 500, "InvalidParameter", "'%s' is not a numeric address.", bare);
	_cleanup_fd_ int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;
	int rc = fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
			bind(fd, found->ai_addr, found->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0
		? -errno
		: 0;
	freeaddrinfo(found);
	return rc < 0 ? err_errno(err, rc, "cannot listen at %s", where) : TAKE_FD(fd);
}

static int listen_unix(const struct listeners *l, const char *name, int type, struct err *err) {
	_cleanup_free_ char *path = strv_printf("%s/run/%s", l->config.data_dir, name);
	return path ? io_unix_listen(path, type, err) : err_oom(err);
}

static void reply(int connection, const char *text) {
	// A sender that does not wait for its answer hangs up, which is seen next.
	ssize_t sent = send(connection, text, strlen(text), MSG_NOSIGNAL);
	(void)sent;
}

// What a message asks for: "https", "http", or "http {identity}".
static int read_request(const char *message, const struct listeners *l, bool *https, struct visit **out, struct err *err) {
	struct visit *v = calloc(1, sizeof(*v));
	if (!v)
		return err_oom(err);
	v->faces = l->faces;
	*https = strcmp(message, "https") == 0;
	bool named = strncmp(message, "http /", 6) == 0;
	if (*https || strcmp(message, "http") == 0 ||
		(named && strv_copy(v->identity, sizeof(v->identity), message + 5) == 0)) {
		v->faces.resident = named ? v->identity : NULL;
		*out = v;
		return 0;
	}
	free(v);
	return err_set(err, -EINVAL, 400, "BadRequest", "expected https, or http and perhaps an identity, with one listening socket");
}

static bool is_listening(int fd) {
	int listening = 0;
	socklen_t size = sizeof(listening);
	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening;
}

// A header for the identity, for who asks with one: it must exist. NULL without an identity.
static int make_header(struct entra *e, struct store *store, const char *identity, char **out, struct err *err) {
	struct entra_principal principal;
	char subject[4 + 2 * 16 + 1] = "run:";
	if (!identity[0])
		return 0;
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		int rc = store_begin(store, STORE_READ, &tx, err);
		if (rc < 0 || (rc = entra_find_managed_identity(tx, identity, &principal, err)) < 0)
			return rc;
	}
	if (enc_random_hex(subject + 4, 16) < 0)
		return err_errno(err, -EIO, "no random numbers");
	return entra_identity_header(e, principal.app_id, subject, out, err);
}

static int take_over(struct listeners *l, int connection, struct handed *h, char **header, struct err *err) {
	char message[IDENTITY_MAX + 8] = "";
	int fds[1];
	size_t count = 0;
	bool https;
	struct visit *visit = NULL;
	ssize_t n = io_recv_fds(connection, message, sizeof(message) - 1, fds, 1, &count);
	if (n < 0)
		return err_errno(err, (int)n, "cannot receive a socket");
	_cleanup_fd_ int fd = count == 1 ? fds[0] : -1;
	if (!is_listening(fd))
		return err_set(err, -EINVAL, 400, "BadRequest", "expected one listening socket");
	int rc = read_request(message, l, &https, &visit, err);
	if (rc < 0)
		return rc;
	rc = make_header(l->faces.entra, l->config.store, visit->identity, header, err);
	if (rc == 0)
		rc = serve(l, &visit->faces, fd, https, &h->server, err);
	if (rc < 0) {
		free(visit);
		return rc;
	}
	(void)TAKE_FD(fd);
	h->visit = visit;
	return 0;
}

static void accept_control(struct listeners *l) {
	_cleanup_fd_ int connection = accept4(l->control, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		return;
	struct err err = {0};
	struct handed h = {.connection = -1};
	// Whoever connects says at once what it wants: one that does not may not hold up the others.
	const struct timeval patience = {.tv_sec = 2};
	(void)setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	_cleanup_free_ char *header = NULL;
	int rc = l->handed_count < HANDED_MAX
		? take_over(l, connection, &h, &header, &err)
		: err_set(&err, -EBUSY, 503, "ServiceUnavailable", "%d sockets are served already", HANDED_MAX);
	if (rc < 0) {
		char text[ERR_MESSAGE_MAX + 16];
		(void)snprintf(text, sizeof(text), "error: %s", err.message);
		reply(connection, text);
		return;
	}
	_cleanup_free_ char *answer = header ? strv_printf("ok %s", header) : NULL;
	reply(connection, answer ? answer : "ok");
	h.connection = TAKE_FD(connection);
	l->handed[l->handed_count++] = h;
}

static void drop(struct listeners *l, size_t i) {
	http_server_stop(l->handed[i].server, STOP_SECONDS);
	io_closep(&l->handed[i].connection);
	free(l->handed[i].visit);
	l->handed[i] = l->handed[--l->handed_count];
}

static void *watch_control(void *ctx) {
	struct listeners *l = ctx;
	for (;;) {
		struct pollfd fds[2 + HANDED_MAX] = {{.fd = l->wake[0], .events = POLLIN}, {.fd = l->control, .events = POLLIN}};
		size_t served = l->handed_count;
		for (size_t i = 0; i < served; i++)
			fds[2 + i] = (struct pollfd){.fd = l->handed[i].connection, .events = POLLIN};
		if (poll(fds, (nfds_t)(2 + served), -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		// From the end, since dropping moves the last one forward. Anything that happens there is the end of it.
		for (size_t i = served; i > 0; i--)
			if (fds[1 + i].revents)
				drop(l, i - 1);
		if (fds[1].revents)
			accept_control(l);
	}
}

int listeners_start(const struct listeners_config *config, struct listeners **out, struct err *err) {
	struct listeners *l = calloc(1, sizeof(*l));
	if (!l)
		return err_oom(err);
	*l = (struct listeners){.config = *config, .faces = *config->faces, .control = -1, .wake = {-1, -1}};
	int rc = serve_own(l, listen_unix(l, "https.sock", SOCK_STREAM, err), true, err);
	if (rc == 0)
		rc = serve_own(l, listen_unix(l, "http.sock", SOCK_STREAM, err), false, err);
	if (rc == 0 && config->listen)
		rc = serve_own(l, listen_tcp(config->listen, err), true, err);
	if (rc == 0)
		rc = l->control = listen_unix(l, "control.sock", SOCK_SEQPACKET, err);
	if (rc >= 0)
		rc = pipe2(l->wake, O_CLOEXEC) < 0 ? err_errno(err, -errno, "cannot make a pipe") : 0;
	if (rc == 0) {
		rc = -pthread_create(&l->thread, NULL, watch_control, l);
		if (rc < 0)
			(void)err_errno(err, rc, "cannot start a thread");
	}
	if (rc < 0) {
		io_closep(&l->wake[1]);
		io_closep(&l->wake[0]);
		io_closep(&l->control);
		for (size_t i = 0; i < l->own_count; i++)
			http_server_stop(l->own[i], 0);
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void listeners_stop(struct listeners *l) {
	if (!l)
		return;
	io_closep(&l->wake[1]);
	(void)pthread_join(l->thread, NULL);
	while (l->handed_count > 0)
		drop(l, l->handed_count - 1);
	for (size_t i = 0; i < l->own_count; i++)
		http_server_stop(l->own[i], STOP_SECONDS);
	io_closep(&l->wake[0]);
	io_closep(&l->control);
	free(l);
}
