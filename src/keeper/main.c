// SPDX-License-Identifier: Apache-2.0
// custodisk-keeper: the one process that holds plaintext keys. A fixed number of threads, each serving
// one connection at a time, so that nothing a client does makes a thread or takes more memory.
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/strv.h"
#include "keeper/answer.h"
#include "keeper/memory.h"
#include "keeper/protocol.h"
#include "keeper/rootkey.h"
#include "keeper/sandbox.h"

// Seconds that a client may leave its reply unread before it is hung up on.
enum { SEND_TIMEOUT_SECONDS = 10 };

struct options {
	const char *socket, *key_file, *make_key_file;
	int ready_fd;
};

struct worker {
	pthread_t thread;
	struct server *server;
	int connection;  // under the server's lock; -1 between connections
};

struct server {
	struct keeper keeper;
	int listener;
	uid_t uid;  // ours; asked for before the sandbox is shut
	pthread_mutex_t lock;
	bool stopping;  // under lock
	pthread_barrier_t start;  // all threads meet here twice: before and after the sandbox is shut
	struct worker workers[KEEPER_WORKERS];
};

static void usage(FILE *to) {
	(void)fputs("usage: custodisk-keeper --socket PATH --key-file PATH [--ready-fd N]\n"
		    "       custodisk-keeper --make-key-file PATH\n",
		to);
}

static bool parse_fd(const char *text, int *fd) {
	int64_t n;
	if (strv_int(text, 3, 65535, &n) < 0)
		return false;
	*fd = (int)n;
	return true;
}

static bool parse_options(int argc, char **argv, struct options *o) {
	static const struct option known[] = {
		{"socket", required_argument, NULL, 's'},
		{"key-file", required_argument, NULL, 'k'},
		{"make-key-file", required_argument, NULL, 'm'},
		{"ready-fd", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	*o = (struct options){.ready_fd = -1};
	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (c) {
		case 's':
			o->socket = optarg;
			break;
		case 'k':
			o->key_file = optarg;
			break;
		case 'm':
			o->make_key_file = optarg;
			break;
		case 'r':
			if (!parse_fd(optarg, &o->ready_fd))
				return false;
			break;
		default:
			return false;
		}
	}
	bool serve = o->socket && o->key_file && !o->make_key_file;
	bool make = o->make_key_file && !o->socket && !o->key_file && o->ready_fd < 0;
	return optind == argc && (serve || make);
}

// Only processes of our own user: the socket's mode says so too, but a mode can be changed.
static bool peer_allowed(const struct server *s, int fd) {
	struct ucred peer;
	socklen_t size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == s->uid)
		return true;
	log_warning("a connection of user %u, process %d was refused", peer.uid, peer.pid);
	return false;
}

static int send_reply(int fd, const struct reply *r) {
	struct iovec parts[] = {
		{.iov_base = r->head.data, .iov_len = r->head.len},
		{.iov_base = r->tail.data, .iov_len = r->tail.len},
	};
	const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};
	ssize_t n;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

// One request and its reply. False when the connection is to be closed.
static bool serve_one(struct server *s, int fd, uint8_t room[static KEEPER_RECORD_MAX]) {
	int no_fds[1];
	size_t fd_count = 0;
	ssize_t n = io_recv_fds(fd, room, KEEPER_RECORD_MAX, no_fds, 0, &fd_count);
	if (n == -EMSGSIZE)
		log_warning("a request was too long or carried descriptors; its connection is closed");
	if (n <= 0)
		return false;
	_cleanup_reply_ struct reply r = {0};
	int rc = keeper_answer(&s->keeper, room, (size_t)n, &r);
	explicit_bzero(room, (size_t)n);
	if (rc < 0) {
		log_error("a request was dropped: %s", strerror(-rc));
		return false;
	}
	if (r.hang_up)
		log_warning("%s; its connection is closed", r.reason);
	return send_reply(fd, &r) == 0 && !r.hang_up;
}

// Make the connection known, so that a stop can end it. False when the keeper is stopping already.
static bool enter_connection(struct worker *w, int fd) {
	(void)pthread_mutex_lock(&w->server->lock);
	bool go_on = !w->server->stopping;
	if (go_on)
		w->connection = fd;
	(void)pthread_mutex_unlock(&w->server->lock);
	return go_on;
}

static void leave_connection(struct worker *w) {
	(void)pthread_mutex_lock(&w->server->lock);
	w->connection = -1;
	(void)pthread_mutex_unlock(&w->server->lock);
}

static void serve_connection(struct worker *w, int fd, uint8_t room[static KEEPER_RECORD_MAX]) {
	const struct timeval timeout = {.tv_sec = SEND_TIMEOUT_SECONDS};
	if (!peer_allowed(w->server, fd) || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return;
	while (serve_one(w->server, fd, room))
		;
}

static bool stopping(struct server *s) {
	(void)pthread_mutex_lock(&s->lock);
	bool is = s->stopping;
	(void)pthread_mutex_unlock(&s->lock);
	return is;
}

static void *work(void *arg) {
	struct worker *w = arg;
	uint8_t room[KEEPER_RECORD_MAX];  // for requests; the stack is locked
	// A new thread makes system calls that the sandbox knows nothing of, so it is shut once all have begun;
	// and nobody is served before it is.
	(void)pthread_barrier_wait(&w->server->start);
	(void)pthread_barrier_wait(&w->server->start);
	while (!stopping(w->server)) {
		_cleanup_fd_ int fd = accept4(w->server->listener, NULL, NULL, SOCK_CLOEXEC);
		// A client that has gone again, or a descriptor limit: the next one may do better.
		if (fd < 0 || !enter_connection(w, fd))
			continue;
		serve_connection(w, fd, room);
		leave_connection(w);
	}
	return NULL;
}

static int start_workers(struct server *s, struct err *err) {
	if (pthread_mutex_init(&s->lock, NULL) != 0 || pthread_barrier_init(&s->start, NULL, KEEPER_WORKERS + 1) != 0)
		return err_oom(err);
	for (size_t i = 0; i < KEEPER_WORKERS; i++) {
		struct worker *w = &s->workers[i];
		*w = (struct worker){.server = s, .connection = -1};
		int rc = memory_start_thread(&w->thread, work, w, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Requests under way are answered; idle connections end at once.
static void stop_workers(struct server *s) {
	(void)pthread_mutex_lock(&s->lock);
	s->stopping = true;
	(void)shutdown(s->listener, SHUT_RDWR);
	for (size_t i = 0; i < KEEPER_WORKERS; i++)
		if (s->workers[i].connection >= 0)
			(void)shutdown(s->workers[i].connection, SHUT_RD);
	(void)pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < KEEPER_WORKERS; i++)
		(void)pthread_join(s->workers[i].thread, NULL);
}

static int tell_ready(int *fd, struct err *err) {
	if (*fd < 0)
		return 0;
	int rc = io_write_full(*fd, "READY\n", 6);
	io_closep(fd);
	return rc < 0 ? err_errno(err, rc, "cannot write to the descriptor of --ready-fd") : 0;
}

static int prepare(struct server *s, const struct options *o, struct err *err) {
	int rc = rootkey_load(o->key_file, &s->keeper.root, err);
	if (rc < 0)
		return rc;
	if (cache_new(MEMORY_KEYS, &s->keeper.cache) < 0)
		return err_oom(err);
	s->uid = geteuid();
	s->listener = io_unix_listen(o->socket, SOCK_SEQPACKET, err);
	if (s->listener < 0)
		return s->listener;
	return start_workers(s, err);
}

static int serve(struct options *o, const sigset_t *stop, struct err *err) {
	static struct server s;
	int rc = prepare(&s, o, err);
	if (rc < 0)
		return rc;
	(void)pthread_barrier_wait(&s.start);
	rc = sandbox_enter(o->ready_fd, err);
	if (rc < 0)
		return rc;
	(void)pthread_barrier_wait(&s.start);
	rc = tell_ready(&o->ready_fd, err);
	if (rc < 0)
		return rc;
	log_info("serving at %s", o->socket);

	int signal_number;
	do
		signal_number = sigwaitinfo(stop, NULL);
	while (signal_number < 0);
	stop_workers(&s);
	cache_free(s.keeper.cache);
	secret_free(&s.keeper.root);
	log_info("stopped");
	return 0;
}

int main(int argc, char **argv) {
	struct options o;
	struct err err = {0};
	log_init("custodisk-keeper", LOG_LEVEL_INFO);
	if (!parse_options(argc, argv, &o)) {
		usage(stderr);
		return 2;
	}
	// Blocked before there are threads, so that only the main thread takes them.
	sigset_t stop;
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigaddset(&stop, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &stop, NULL);

	int rc = memory_lock_openssl(&err);
	if (rc == 0)
		rc = secret_init(MEMORY_HEAP, &err);
	if (rc == 0)
		rc = o.make_key_file ? rootkey_make(o.make_key_file, &err) : serve(&o, &stop, &err);
	if (rc < 0)
		log_error("%s", err.message);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
