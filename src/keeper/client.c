// SPDX-License-Identifier: Apache-2.0
#include "keeper/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/io.h"
#include "keeper/protocol.h"

// Seconds that one answer may take: an RSA-4096 key on a busy machine takes a few.
enum { TIMEOUT_SECONDS = 60 };

struct keeper_client {
	char *path;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int idle[KEEPER_CLIENT_CONNECTIONS];
	size_t idle_count;
	size_t busy_count;
};

int keeper_client_open(const char *socket_path, struct keeper_client **out, struct err *err) {
	struct keeper_client *k = calloc(1, sizeof(*k));
	if (!k)
		return err_oom(err);
	k->path = strdup(socket_path);
	int rc = k->path ? -pthread_mutex_init(&k->lock, NULL) : -ENOMEM;
	if (rc == 0) {
		rc = -pthread_cond_init(&k->freed, NULL);
		if (rc < 0)
			(void)pthread_mutex_destroy(&k->lock);
	}
	if (rc < 0) {
		free(k->path);
		free(k);
		return err_errno(err, rc, "cannot set a client of the keeper up");
	}
	*out = k;
	return 0;
}

void keeper_client_close(struct keeper_client *k) {
	if (!k)
		return;
	for (size_t i = 0; i < k->idle_count; i++)
		io_closep(&k->idle[i]);
	(void)pthread_cond_destroy(&k->freed);
	(void)pthread_mutex_destroy(&k->lock);
	free(k->path);
	free(k);
}

static int unavailable(struct err *err, int rc) {
	return err_set(err, rc, 503, "ServiceUnavailable", "The key process cannot be reached: %s.", strerror(-rc));
}

static int connect_keeper(struct keeper_client *k) {
	const struct timeval timeout = {.tv_sec = TIMEOUT_SECONDS};
	int rc = io_unix_connect(k->path, SOCK_SEQPACKET, NULL);
	if (rc < 0)
		return rc;
	_cleanup_fd_ int fd = rc;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	// Somebody else's process at the path would be handed keys to wrap.
	if (peer.uid != geteuid())
		return -EACCES;
	return TAKE_FD(fd);
}

// The right to one connection: an idle one, or -1 where the caller may make one.
static int take_connection(struct keeper_client *k) {
	(void)pthread_mutex_lock(&k->lock);
	while (k->idle_count == 0 && k->busy_count == KEEPER_CLIENT_CONNECTIONS)
		(void)pthread_cond_wait(&k->freed, &k->lock);
	int fd = k->idle_count > 0 ? k->idle[--k->idle_count] : -1;
	k->busy_count++;
	(void)pthread_mutex_unlock(&k->lock);
	return fd;
}

// Give the right back, with the connection when it is still good (not negative).
static void give_back(struct keeper_client *k, int fd) {
	(void)pthread_mutex_lock(&k->lock);
	if (fd >= 0)
		k->idle[k->idle_count++] = fd;
	k->busy_count--;
	(void)pthread_cond_signal(&k->freed);
	(void)pthread_mutex_unlock(&k->lock);
}

// A request is sent as head and tail in one record; what is secret in it is the caller's tail.
struct request {
	struct buf head;
	const void *tail;
	size_t tail_len;
};

#define _cleanup_request_ _cleanup_(request_free)
static void request_free(struct request *q) {
	buf_free(&q->head);
}

static int send_request(int fd, const struct request *q) {
	struct iovec parts[] = {
		{.iov_base = q->head.data, .iov_len = q->head.len},
		{.iov_base = (void *)(uintptr_t)q->tail, .iov_len = q->tail_len},
	};
	const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = q->tail_len > 0 ? 2 : 1};
	ssize_t n;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

// One record into room (KEEPER_RECORD_MAX bytes). The length, or -ECONNRESET when the keeper hung up.
static ssize_t receive(int fd, const struct secret *room) {
	int no_fds[1];
	size_t fd_count = 0;
	ssize_t n = io_recv_fds(fd, room->data, room->len, no_fds, 0, &fd_count);
	return n == 0 ? -ECONNRESET : n;
}

static ssize_t exchange(int fd, const struct request *q, const struct secret *room) {
	int rc = send_request(fd, q);
	return rc < 0 ? rc : receive(fd, room);
}

// Over the given connection (a new one when negative), and when that is lost once more over a new one.
// *fd is the connection to keep, negative when there is none.
static ssize_t exchange_again(struct keeper_client *k, int *fd, const struct request *q, const struct secret *room) {
	ssize_t n = 0;
	for (int attempt = 0; attempt < 2; attempt++) {
		if (*fd < 0)
			*fd = connect_keeper(k);
		n = *fd < 0 ? *fd : exchange(*fd, q, room);
		if (n >= 0)
			return n;
		io_closep(fd);
		if (n != -ECONNRESET && n != -EPIPE)
			return n;
	}
	return n;
}

static int malformed_reply(struct err *err) {
	return err_errno(err, -EPROTO, "the keeper answered what is no reply");
}

static int failure(uint8_t status, struct cursor *c, struct err *err) {
	size_t len;
	const char *text = (const char *)cursor_blob(c, KEEPER_TEXT_MAX, &len);
	if (!cursor_done(c))
		return malformed_reply(err);
	int n = (int)len;
	switch (status) {
	case KEEPER_BAD_PARAMETER:
		return err_set(err, -EINVAL, 400, "BadParameter", "%.*s", n, text);
	case KEEPER_FORBIDDEN:
		return err_set(err, -EPERM, 403, "Forbidden", "%.*s", n, text);
	case KEEPER_BAD_BLOB:
		return err_set(err, -EBADMSG, 500, "InternalServerError", "%.*s", n, text);
	case KEEPER_INTERNAL:
		return err_set(err, -EIO, 500, "InternalServerError", "%.*s", n, text);
	default:
		return err_set(err, -EPROTO, 500, "InternalServerError", "the keeper answered: %.*s", n, text);
	}
}

// Send the request and leave the cursor at the fields of the reply, which lie in room.
static int ask(struct keeper_client *k, const struct request *q, struct secret *room, struct cursor *fields,
	struct err *err) {
	if (q->head.len + q->tail_len > KEEPER_RECORD_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The request is too long.");
	if (secret_alloc(room, KEEPER_RECORD_MAX) < 0)
		return err_oom(err);
	int fd = take_connection(k);
	ssize_t n = exchange_again(k, &fd, q, room);
	give_back(k, fd);
	if (n < 0)
		return unavailable(err, (int)n);

	struct cursor c = cursor_of(room->data, (size_t)n);
	uint8_t version = cursor_u8(&c), status = cursor_u8(&c);
	if (c.failed || version != KEEPER_PROTOCOL_VERSION)
		return malformed_reply(err);
	if (status != KEEPER_OK)
		return failure(status, &c, err);
	*fields = c;
	return 0;
}

static int begin(struct request *q, enum keeper_op op) {
	int rc = buf_u8(&q->head, KEEPER_PROTOCOL_VERSION);
	return rc < 0 ? rc : buf_u8(&q->head, (uint8_t)op);
}

static int check_context(const char *context, struct err *err) {
	size_t len = strlen(context);
	if (len == 0 || len > KEEPER_CONTEXT_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The context of a key has 1 to %d bytes.", KEEPER_CONTEXT_MAX);
	return 0;
}

int keeper_make_rsa(struct keeper_client *k, unsigned bits, unsigned usage, const char *context, struct buf *blob,
	struct rsa_public *pub, struct err *err) {
	if (!rsa_bits_allowed(bits))
		return err_set(err, -EINVAL, 400, "BadParameter", "The RSA key size %u is not supported; use 2048, 3072 or 4096.", bits);
	if (usage == 0 || usage > UINT8_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The key usage %u is not known.", usage);
	int rc = check_context(context, err);
	if (rc < 0)
		return rc;
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	if (begin(&q, KEEPER_OP_MAKE_RSA) < 0 || buf_u16(&q.head, (uint16_t)bits) < 0 ||
		buf_u8(&q.head, (uint8_t)usage) < 0 || buf_blob(&q.head, context, strlen(context)) < 0)
		return err_oom(err);
	rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;

	size_t blob_len;
	struct rsa_public made = {0};
	const uint8_t *sealed = cursor_blob(&c, KEEPER_BLOB_MAX, &blob_len);
	const uint8_t *n = cursor_blob(&c, sizeof(made.n), &made.n_len);
	const uint8_t *e = cursor_blob(&c, sizeof(made.e), &made.e_len);
	if (!cursor_done(&c))
		return malformed_reply(err);
	memcpy(made.n, n, made.n_len);
	memcpy(made.e, e, made.e_len);
	if (buf_append(blob, sealed, blob_len) < 0)
		return err_oom(err);
	*pub = made;
	return 0;
}

// A request that works with a key: its fields, the algorithm, then `in` as a blob or as it is.
static int begin_with_key(struct request *q, enum keeper_op op, const struct keeper_key *key, enum key_alg alg,
	struct err *err) {
	int rc = check_context(key->context, err);
	if (rc < 0)
		return rc;
	if (key->blob_len == 0 || key->blob_len > KEEPER_BLOB_MAX)
		return err_set(err, -EBADMSG, 500, "InternalServerError", "a sealed key of %zu bytes does not open", key->blob_len);
	uint8_t wire = keeper_wire_of_alg(alg);
	if (wire == 0)
		return err_set(err, -EINVAL, 400, "BadParameter", "The algorithm is not known.");
	if (begin(q, op) < 0 || buf_blob(&q->head, key->blob, key->blob_len) < 0 ||
		buf_blob(&q->head, key->context, strlen(key->context)) < 0 || buf_u8(&q->head, wire) < 0)
		return err_oom(err);
	return 0;
}

static int begin_with_input(struct request *q, enum keeper_op op, const struct keeper_key *key, enum key_alg alg,
	const void *in, size_t len, struct err *err) {
	if (len > KEEPER_INPUT_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The value is %zu bytes long; at most %d are accepted.", len,
			KEEPER_INPUT_MAX);
	int rc = begin_with_key(q, op, key, alg, err);
	if (rc < 0)
		return rc;
	if (buf_u32(&q->head, (uint32_t)len) < 0)
		return err_oom(err);
	q->tail = in;
	q->tail_len = len;
	return 0;
}

int keeper_wrap(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *in, size_t len,
	struct buf *out, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = begin_with_input(&q, KEEPER_OP_WRAP, key, alg, in, len, err);
	if (rc == 0)
		rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;
	size_t n;
	const uint8_t *wrapped = cursor_blob(&c, KEEPER_INPUT_MAX, &n);
	if (!cursor_done(&c))
		return malformed_reply(err);
	return buf_append(out, wrapped, n) < 0 ? err_oom(err) : 0;
}

int keeper_unwrap(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *in, size_t len,
	struct secret *out, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = begin_with_input(&q, KEEPER_OP_UNWRAP, key, alg, in, len, err);
	if (rc == 0)
		rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;
	size_t n;
	const uint8_t *plain = cursor_blob(&c, KEEPER_INPUT_MAX, &n);
	if (!cursor_done(&c))
		return malformed_reply(err);
	return secret_copy(out, plain, n) < 0 ? err_oom(err) : 0;
}

int keeper_sign(struct keeper_client *k, const struct keeper_key *key, const uint8_t digest[static 32],
	struct buf *signature, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = begin_with_key(&q, KEEPER_OP_SIGN, key, KEY_ALG_RS256, err);
	if (rc == 0 && buf_append(&q.head, digest, KEEPER_DIGEST_SIZE) < 0)
		rc = err_oom(err);
	if (rc == 0)
		rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;
	size_t n;
	const uint8_t *made = cursor_blob(&c, RSA_MAX_BYTES, &n);
	if (!cursor_done(&c))
		return malformed_reply(err);
	return buf_append(signature, made, n) < 0 ? err_oom(err) : 0;
}

int keeper_derive(struct keeper_client *k, const char *label, struct secret *out, struct err *err) {
	size_t len = strlen(label);
	if (len == 0 || len > KEEPER_LABEL_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "A label has 1 to %d bytes.", KEEPER_LABEL_MAX);
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	if (begin(&q, KEEPER_OP_DERIVE) < 0 || buf_blob(&q.head, label, len) < 0)
		return err_oom(err);
	int rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;
	size_t n;
	const uint8_t *derived = cursor_blob(&c, KEEPER_DERIVED_SIZE, &n);
	if (!cursor_done(&c) || n != KEEPER_DERIVED_SIZE)
		return malformed_reply(err);
	return secret_copy(out, derived, n) < 0 ? err_oom(err) : 0;
}

int keeper_ping(struct keeper_client *k, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	if (begin(&q, KEEPER_OP_PING) < 0)
		return err_oom(err);
	int rc = ask(k, &q, &room, &c, err);
	if (rc < 0)
		return rc;
	return cursor_done(&c) ? 0 : malformed_reply(err);
}
