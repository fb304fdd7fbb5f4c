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

// Bytes of a reply. Any may be an error's text instead, or hold an RSA ciphertext with what stands beside it; a new key
// is a sealed key and its public half; a blob is so much longer than what is in it.
enum { REPLY_ROOM = 640, NEW_KEY_ROOM = 6 << 10, SEALING_ADDS = 128 };

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

// A request is sent as head and tail in one record; what is secret in it is the tail, in the caller's own memory.
struct request {
	struct buf head;
	struct iovec tail[KEEPER_NUMBERS];
	size_t tail_count;
};

static void add_tail(struct request *q, const void *data, size_t len) {
	q->tail[q->tail_count++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
}

#define _cleanup_request_ _cleanup_(request_free)
static void request_free(struct request *q) {
	buf_free(&q->head);
}

static int send_request(int fd, const struct request *q) {
	struct iovec parts[1 + KEEPER_NUMBERS] = {{.iov_base = q->head.data, .iov_len = q->head.len}};
	memcpy(parts + 1, q->tail, sizeof(q->tail));
	const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 1 + q->tail_count};
	ssize_t n;
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

// One record into room. The length, or -ECONNRESET when the keeper hung up.
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

// Send the request and leave the cursor at the fields of the reply, which lie in room. They have at most `expected`
// bytes beside the few that every reply has; locked memory is scarce, so the room is no larger than that.
static int ask(struct keeper_client *k, const struct request *q, size_t expected, struct secret *room,
	struct cursor *fields, struct err *err) {
	int fd = take_connection(k);
	ssize_t n = secret_alloc(room, REPLY_ROOM + expected);
	if (n == 0)
		n = exchange_again(k, &fd, q, room);
	give_back(k, fd);
	if (n == -ENOMEM)
		return err_oom(err);
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

static int bad_parameter(struct err *err, const char *what, size_t len, size_t max) {
	return err_set(err, -EINVAL, 400, "BadParameter", "The %s is %zu bytes long; at most %zu are accepted.", what, len, max);
}

static int check_context(const char *context, struct err *err) {
	size_t len = strlen(context);
	if (len == 0 || len > KEEPER_CONTEXT_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The place of a key has 1 to %d bytes.", KEEPER_CONTEXT_MAX);
	return 0;
}

static int append_context(struct request *q, const char *context) {
	return buf_blob(&q->head, context, strlen(context));
}

// Make and import: what the new key may be used for and where it belongs.
static int append_new_key(struct request *q, unsigned usage, const char *context) {
	// A usage that does not fit its field is none that the keeper knows.
	int rc = buf_u8(&q->head, usage <= UINT8_MAX ? (uint8_t)usage : 0);
	return rc < 0 ? rc : append_context(q, context);
}

// A request about something sealed: the operation, the blob, its place.
static int begin_with_sealed(struct request *q, enum keeper_op op, const struct keeper_key *key, struct err *err) {
	int rc = check_context(key->context, err);
	if (rc < 0)
		return rc;
	if (key->blob_len == 0 || key->blob_len > KEEPER_BLOB_MAX)
		return err_set(err, -EBADMSG, 500, "InternalServerError", "a sealed blob of %zu bytes does not open", key->blob_len);
	if (begin(q, op) < 0 || buf_blob(&q->head, key->blob, key->blob_len) < 0 || append_context(q, key->context) < 0)
		return err_oom(err);
	return 0;
}

static int begin_with_alg(struct request *q, enum keeper_op op, const struct keeper_key *key, enum key_alg alg,
	struct err *err) {
	uint8_t wire = keeper_wire_of_alg(alg);
	if (wire == 0)
		return err_set(err, -EINVAL, 400, "BadParameter", "The algorithm is not known.");
	int rc = begin_with_sealed(q, op, key, err);
	if (rc < 0)
		return rc;
	return buf_u8(&q->head, wire) < 0 ? err_oom(err) : 0;
}

// The bytes of the reply's only field, which lie in room.
static int ask_for_field(struct keeper_client *k, const struct request *q, size_t max, struct secret *room,
	const uint8_t **bytes, size_t *len, struct err *err) {
	struct cursor c;
	int rc = ask(k, q, max, room, &c, err);
	if (rc < 0)
		return rc;
	*bytes = cursor_blob(&c, max, len);
	return cursor_done(&c) ? 0 : malformed_reply(err);
}

static int ask_for_blob(struct keeper_client *k, const struct request *q, size_t max, struct buf *out, struct err *err) {
	_cleanup_secret_ struct secret room = {0};
	const uint8_t *bytes;
	size_t len;
	int rc = ask_for_field(k, q, max, &room, &bytes, &len, err);
	if (rc < 0)
		return rc;
	return buf_append(out, bytes, len) < 0 ? err_oom(err) : 0;
}

static int ask_for_secret(struct keeper_client *k, const struct request *q, size_t max, struct secret *out, struct err *err) {
	_cleanup_secret_ struct secret room = {0};
	const uint8_t *bytes;
	size_t len;
	int rc = ask_for_field(k, q, max, &room, &bytes, &len, err);
	if (rc < 0)
		return rc;
	return secret_copy(out, bytes, len) < 0 ? err_oom(err) : 0;
}

static int ask_for_new_key(struct keeper_client *k, const struct request *q, struct buf *blob, struct key_public *pub,
	struct err *err) {
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = ask(k, q, NEW_KEY_ROOM, &room, &c, err);
	if (rc < 0)
		return rc;
	size_t len;
	const uint8_t *sealed = cursor_blob(&c, KEEPER_BLOB_MAX, &len);
	struct key_public made;
	if (!keeper_read_public(&c, &made) || !cursor_done(&c))
		return malformed_reply(err);
	if (buf_append(blob, sealed, len) < 0)
		return err_oom(err);
	*pub = made;
	return 0;
}

static int append_spec(struct request *q, const struct key_spec *spec) {
	int rc = buf_u8(&q->head, keeper_wire_of_kind(spec->kind));
	if (rc == 0)
		rc = buf_u16(&q->head, (uint16_t)spec->bits);
	if (rc == 0)
		rc = buf_u32(&q->head, spec->exponent);
	return rc < 0 ? rc : buf_u8(&q->head, keeper_wire_of_curve(spec->curve));
}

int keeper_make(struct keeper_client *k, const struct key_spec *spec, unsigned usage, const char *context, struct buf *blob,
	struct key_public *pub, struct err *err) {
	_cleanup_request_ struct request q = {0};
	// Checked here too, so that each number fits its field.
	int rc = key_spec_check(spec, err);
	if (rc == 0)
		rc = check_context(context, err);
	if (rc < 0)
		return rc;
	if (begin(&q, KEEPER_OP_MAKE) < 0 || append_spec(&q, spec) < 0 || append_new_key(&q, usage, context) < 0)
		return err_oom(err);
	return ask_for_new_key(k, &q, blob, pub, err);
}

// The lengths of all numbers, then their bytes.
static int append_numbers(struct request *q, const struct key_private *key, struct err *err) {
	// Only read through these pointers.
	struct secret *numbers[KEEPER_NUMBERS];
	keeper_numbers((struct key_private *)(uintptr_t)key, numbers);
	for (size_t i = 0; i < KEEPER_NUMBERS; i++) {
		if (numbers[i]->len > KEY_RSA_MAX_BYTES)
			return bad_parameter(err, "number of a key", numbers[i]->len, KEY_RSA_MAX_BYTES);
		if (buf_u16(&q->head, (uint16_t)numbers[i]->len) < 0)
			return err_oom(err);
		add_tail(q, numbers[i]->data, numbers[i]->len);
	}
	return 0;
}

int keeper_import(struct keeper_client *k, const struct key_private *material, unsigned usage, const char *context,
	struct buf *blob, struct key_public *pub, struct err *err) {
	_cleanup_request_ struct request q = {0};
	int rc = check_context(context, err);
	if (rc < 0)
		return rc;
	if (begin(&q, KEEPER_OP_IMPORT) < 0 || append_new_key(&q, usage, context) < 0)
		return err_oom(err);
	rc = keeper_append_public(&q.head, &material->pub);
	if (rc == -EINVAL)
		return err_set(err, rc, 400, "BadParameter", "The key is of no known kind or size.");
	if (rc < 0)
		return err_oom(err);
	rc = append_numbers(&q, material, err);
	return rc < 0 ? rc : ask_for_new_key(k, &q, blob, pub, err);
}

int keeper_import_transfer(struct keeper_client *k, const struct keeper_key *exchange, enum key_kind kind, const void *in,
	size_t len, unsigned usage, const char *context, struct buf *blob, struct key_public *pub, struct err *err) {
	if (len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "key transfer blob", len, KEEPER_INPUT_MAX);
	_cleanup_request_ struct request q = {0};
	int rc = check_context(context, err);
	if (rc == 0)
		rc = begin_with_sealed(&q, KEEPER_OP_IMPORT_TRANSFER, exchange, err);
	if (rc < 0)
		return rc;
	if (buf_u8(&q.head, keeper_wire_of_kind(kind)) < 0 || append_new_key(&q, usage, context) < 0 ||
		buf_u32(&q.head, (uint32_t)len) < 0)
		return err_oom(err);
	add_tail(&q, in, len);
	return ask_for_new_key(k, &q, blob, pub, err);
}

static int check_input(const struct key_input *in, struct err *err) {
	if (in->len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "value", in->len, KEEPER_INPUT_MAX);
	if (in->aad_len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "additional data", in->aad_len, KEEPER_INPUT_MAX);
	if (in->iv_len > KEY_IV_MAX)
		return bad_parameter(err, "iv", in->iv_len, KEY_IV_MAX);
	if (in->tag_len > KEY_TAG_SIZE)
		return bad_parameter(err, "tag", in->tag_len, KEY_TAG_SIZE);
	return 0;
}

static int read_output(struct cursor *c, struct key_output *out, struct err *err) {
	struct key_output read = {0};
	const uint8_t *iv = cursor_blob(c, sizeof(read.iv), &read.iv_len);
	const uint8_t *tag = cursor_blob(c, sizeof(read.tag), &read.tag_len);
	size_t len;
	const uint8_t *value = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	if (!cursor_done(c))
		return malformed_reply(err);
	memcpy(read.iv, iv, read.iv_len);
	memcpy(read.tag, tag, read.tag_len);
	if (secret_copy(&read.value, value, len) < 0)
		return err_oom(err);
	*out = read;
	return 0;
}

static int run_cipher(struct keeper_client *k, enum keeper_op op, const struct keeper_key *key, enum key_alg alg,
	enum alg_use use, const struct key_input *in, struct key_output *out, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = check_input(in, err);
	if (rc == 0)
		rc = begin_with_alg(&q, op, key, alg, err);
	if (rc < 0)
		return rc;
	if (buf_u8(&q.head, (uint8_t)use) < 0 || buf_blob(&q.head, in->iv, in->iv_len) < 0 ||
		buf_blob(&q.head, in->aad, in->aad_len) < 0 || buf_blob(&q.head, in->tag, in->tag_len) < 0 ||
		buf_u32(&q.head, (uint32_t)in->len) < 0)
		return err_oom(err);
	add_tail(&q, in->value, in->len);
	// What symmetric algorithms add is small; what RSA makes fits into the room of every reply.
	rc = ask(k, &q, in->len, &room, &c, err);
	return rc < 0 ? rc : read_output(&c, out, err);
}

int keeper_encrypt(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, enum alg_use use,
	const struct key_input *in, struct key_output *out, struct err *err) {
	return run_cipher(k, KEEPER_OP_ENCRYPT, key, alg, use, in, out, err);
}

int keeper_decrypt(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, enum alg_use use,
	const struct key_input *in, struct key_output *out, struct err *err) {
	return run_cipher(k, KEEPER_OP_DECRYPT, key, alg, use, in, out, err);
}

int keeper_sign(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *digest, size_t len,
	struct buf *signature, struct err *err) {
	if (len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "digest", len, KEEPER_INPUT_MAX);
	_cleanup_request_ struct request q = {0};
	int rc = begin_with_alg(&q, KEEPER_OP_SIGN, key, alg, err);
	if (rc < 0)
		return rc;
	if (buf_blob(&q.head, digest, len) < 0)
		return err_oom(err);
	return ask_for_blob(k, &q, KEY_RSA_MAX_BYTES, signature, err);
}

int keeper_verify(struct keeper_client *k, const struct keeper_key *key, enum key_alg alg, const void *digest, size_t len,
	const void *signature, size_t signature_len, bool *valid, struct err *err) {
	if (len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "digest", len, KEEPER_INPUT_MAX);
	if (signature_len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "signature", signature_len, KEEPER_INPUT_MAX);
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	int rc = begin_with_alg(&q, KEEPER_OP_VERIFY, key, alg, err);
	if (rc < 0)
		return rc;
	if (buf_blob(&q.head, digest, len) < 0 || buf_blob(&q.head, signature, signature_len) < 0)
		return err_oom(err);
	rc = ask(k, &q, 0, &room, &c, err);
	if (rc < 0)
		return rc;
	uint8_t answer = cursor_u8(&c);
	if (!cursor_done(&c) || answer > 1)
		return malformed_reply(err);
	*valid = answer == 1;
	return 0;
}

int keeper_seal(struct keeper_client *k, const char *context, const void *data, size_t len, struct buf *blob,
	struct err *err) {
	if (len > KEEPER_DATA_MAX)
		return bad_parameter(err, "value", len, KEEPER_DATA_MAX);
	_cleanup_request_ struct request q = {0};
	int rc = check_context(context, err);
	if (rc < 0)
		return rc;
	if (begin(&q, KEEPER_OP_SEAL) < 0 || append_context(&q, context) < 0 || buf_u32(&q.head, (uint32_t)len) < 0)
		return err_oom(err);
	add_tail(&q, data, len);
	return ask_for_blob(k, &q, len + SEALING_ADDS, blob, err);
}

int keeper_open(struct keeper_client *k, const struct keeper_key *sealed, struct secret *data, struct err *err) {
	_cleanup_request_ struct request q = {0};
	int rc = begin_with_sealed(&q, KEEPER_OP_OPEN, sealed, err);
	return rc < 0 ? rc : ask_for_secret(k, &q, sealed->blob_len, data, err);
}

int keeper_reseal(struct keeper_client *k, const struct keeper_key *sealed, const char *context, struct buf *blob,
	struct err *err) {
	_cleanup_request_ struct request q = {0};
	int rc = check_context(context, err);
	if (rc == 0)
		rc = begin_with_sealed(&q, KEEPER_OP_RESEAL, sealed, err);
	if (rc < 0)
		return rc;
	if (append_context(&q, context) < 0)
		return err_oom(err);
	return ask_for_blob(k, &q, sealed->blob_len, blob, err);
}

int keeper_derive(struct keeper_client *k, const char *label, struct secret *out, struct err *err) {
	size_t len = strlen(label);
	if (len == 0 || len > KEEPER_LABEL_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "A label has 1 to %d bytes.", KEEPER_LABEL_MAX);
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret derived = {0};
	if (begin(&q, KEEPER_OP_DERIVE) < 0 || buf_blob(&q.head, label, len) < 0)
		return err_oom(err);
	int rc = ask_for_secret(k, &q, KEEPER_DERIVED_SIZE, &derived, err);
	if (rc < 0)
		return rc;
	if (derived.len != KEEPER_DERIVED_SIZE)
		return malformed_reply(err);
	*out = derived;
	derived = (struct secret){0};
	return 0;
}

int keeper_ping(struct keeper_client *k, struct err *err) {
	_cleanup_request_ struct request q = {0};
	_cleanup_secret_ struct secret room = {0};
	struct cursor c;
	if (begin(&q, KEEPER_OP_PING) < 0)
		return err_oom(err);
	int rc = ask(k, &q, 0, &room, &c, err);
	if (rc < 0)
		return rc;
	return cursor_done(&c) ? 0 : malformed_reply(err);
}
