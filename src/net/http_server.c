// SPDX-License-Identifier: Apache-2.0
// One libmicrohttpd daemon a listener, one thread a connection: a blocking handler or a slow client holds up nobody
// else, and a kept-alive TLS connection is answered without a hop between threads.
#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "net/target.h"
#include "net/watch.h"

enum {
	STACK_BYTES = 2 << 20,
	// libmicrohttpd keeps the request's head, its own records of it and the answer's head here, and wipes it all for the
	// next request.
	CONNECTION_MEMORY = 2 * HTTP_HEADER_MAX,
	METHOD_MAX = 16,
	WATCH_SECONDS = 5,
	DRAIN_MAX = 2 * HTTP_BODY_MAX,
};

// Forward secrecy and authenticated ciphers only.
static const char tls_priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:+CHACHA20-POLY1305";

struct http_server {
	struct MHD_Daemon *daemon;
	bool tls;
	http_handler handler;
	void *ctx;
	sem_t workers;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t active;  // requests between their first header and the end of their answer
	bool stopping;
	struct watch watch;
	pthread_t watcher;
};

// Refused: the answer is known, the body is still being thrown away.
enum stage { STAGE_HEAD, STAGE_BODY, STAGE_REFUSED };

struct http_request {
	struct http_server *server;
	struct MHD_Connection *connection;
	enum stage stage;
	bool counted;
	char *raw_target;
	struct target target;
	char method[METHOD_MAX];
	char host[TARGET_HOST_MAX];
	int port;
	char peer[INET6_ADDRSTRLEN];
	struct buf body;
	size_t discarded;
	struct err refusal;
};

const char *http_method(const struct http_request *r) {
	return r->method;
}

const char *http_host(const struct http_request *r) {
	return r->host;
}

const char *http_path(const struct http_request *r) {
	return r->target.path;
}

const char *http_target(const struct http_request *r) {
	return r->raw_target;
}

const char *http_query(const struct http_request *r, const char *name) {
	return target_param(&r->target, name);
}

const char *http_header(const struct http_request *r, const char *name) {
	return r->connection ? MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name) : NULL;
}

const void *http_body(const struct http_request *r, size_t *len) {
	*len = r->body.len;
	return buf_cstr(&r->body);
}

const char *http_peer(const struct http_request *r) {
	return r->peer;
}

bool http_is_tls(const struct http_request *r) {
	return !r->server || r->server->tls;
}

int http_port(const struct http_request *r) {
	return r->port;
}

static bool is_token_char(char c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *s, size_t len) {
	for (size_t i = 0; i < len; i++)
		if (!is_token_char(s[i]))
			return false;
	return len > 0 && s[len] == 0;
}

int http_set_header(struct http_response *res, const char *name, const char *fmt, ...) {
	struct http_field field;
	size_t name_len = strlen(name);
	if (name_len >= sizeof(field.name) || !is_token(name, name_len))
		return -EINVAL;
	memcpy(field.name, name, name_len + 1);
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(field.value, sizeof(field.value), fmt, ap);
	va_end(ap);
	if (strpbrk(field.value, "\r\n"))
		return -EINVAL;
	size_t i = 0;
	while (i < res->field_count && !strv_eq_nocase(res->fields[i].name, name))
		i++;
	if (i == ARRAY_SIZE(res->fields))
		return -ENOSPC;
	res->fields[i] = field;
	if (i == res->field_count)
		res->field_count++;
	return 0;
}

static bool is_stopping(struct http_server *s) {
	(void)pthread_mutex_lock(&s->lock);
	bool stopping = s->stopping;
	(void)pthread_mutex_unlock(&s->lock);
	return stopping;
}

static void count(struct http_request *r) {
	(void)pthread_mutex_lock(&r->server->lock);
	r->server->active++;
	r->counted = true;
	(void)pthread_mutex_unlock(&r->server->lock);
}

static void uncount(struct http_request *r) {
	if (!r->counted)
		return;
	(void)pthread_mutex_lock(&r->server->lock);
	if (--r->server->active == 0)
		(void)pthread_cond_broadcast(&r->server->changed);
	(void)pthread_mutex_unlock(&r->server->lock);
}

// Answers often carry keys and tokens, so their memory is wiped.
static void free_body(void *arg) {
	struct buf *body = arg;
	buf_free(body);
	free(body);
}

static struct MHD_Response *response_of(struct buf *body) {
	struct buf *kept = malloc(sizeof(*kept));
	if (!kept)
		return NULL;
	*kept = *body;
	*body = (struct buf){0};
	// buf_cstr would do for an empty one, but is not ours to hand over as non-const.
	static char nothing[1];
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(kept->len,
		kept->data ? (void *)kept->data : nothing, free_body, kept);
	if (!response)
		free_body(kept);
	return response;
}

static bool add_fields(struct MHD_Response *response, const struct http_response *res, bool has_body, bool close) {
	for (size_t i = 0; i < res->field_count; i++)
		if (MHD_add_response_header(response, res->fields[i].name, res->fields[i].value) != MHD_YES)
			return false;
	const char *type = res->content_type ? res->content_type : "application/json; charset=utf-8";
	return (!has_body || MHD_add_response_header(response, "Content-Type", type) == MHD_YES) &&
		(!close || MHD_add_response_header(response, "Connection", "close") == MHD_YES);
}

static int body_text(struct http_response *res, struct buf *out) {
	if (!res->json) {
		*out = res->body;
		res->body = (struct buf){0};
		return 0;
	}
	char *text = json_text(res->json);
	if (!text)
		return -ENOMEM;
	size_t len = strlen(text);
	*out = (struct buf){.data = (uint8_t *)text, .len = len, .cap = len + 1};
	return 0;
}

static enum MHD_Result send_response(struct http_request *r, struct http_response *res, bool close) {
	_cleanup_buf_ struct buf body = {0};
	unsigned status = res->status ? (unsigned)res->status : 200;
	if (body_text(res, &body) < 0)
		return MHD_NO;
	if (status == 204 || status == 304)
		buf_free(&body);
	bool has_body = body.len > 0;
	struct MHD_Response *response = response_of(&body);
	if (!response)
		return MHD_NO;
	enum MHD_Result result = MHD_NO;
	if (add_fields(response, res, has_body, close || is_stopping(r->server)))
		result = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

void http_response_free(struct http_response *res) {
	json_decref(res->json);
	buf_free(&res->body);
}

// Answer a request that no handler gets to see, and end its connection: what follows on it may be anything.
static enum MHD_Result refuse(struct http_request *r) {
	_cleanup_(http_response_free) struct http_response res = {.status = r->refusal.status};
	res.json = json_pack("{s:{s:s,s:s}}", "error", "code", r->refusal.code, "message", r->refusal.message);
	return res.json ? send_response(r, &res, true) : MHD_NO;
}

static int bad_request(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadRequest", "The request is not valid: %s.", what);
}

static int too_large(struct err *err) {
	return err_set(err, -EMSGSIZE, 413, "RequestEntityTooLarge", "The body is larger than %u bytes.", HTTP_BODY_MAX);
}

// What the header lines add up to.
struct head {
	size_t bytes, lines, hosts, lengths, encodings;
	const char *host, *length, *encoding;
	bool malformed;
};

static void note(size_t *seen, const char **first, const char *value) {
	if ((*seen)++ == 0)
		*first = value;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind _unused_, const char *name, size_t name_len,
	const char *value, size_t value_len) {
	struct head *h = arg;
	h->lines++;
	h->bytes += name_len + value_len + 4;
	h->malformed = h->malformed || !value || !is_token(name, name_len);
	for (size_t i = 0; i < value_len; i++)
		h->malformed = h->malformed || ((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f;
	if (strv_eq_nocase(name, "Host"))
		note(&h->hosts, &h->host, value);
	else if (strv_eq_nocase(name, "Content-Length"))
		note(&h->lengths, &h->length, value);
	else if (strv_eq_nocase(name, "Transfer-Encoding"))
		note(&h->encodings, &h->encoding, value);
	return MHD_YES;
}

// Whoever reads a request with two lengths or two hosts reads another one than the proxy before him did.
static int check_framing(const struct head *h, struct err *err) {
	if (h->malformed)
		return bad_request(err, "a header is malformed");
	if (h->hosts > 1)
		return bad_request(err, "more than one Host");
	if (h->lengths + h->encodings > 1)
		return bad_request(err, "more than one length");
	if (h->encodings && !strv_eq_nocase(h->encoding, "chunked"))
		return bad_request(err, "an unknown Transfer-Encoding");
	return 0;
}

static int check_size(const struct head *h, const struct http_request *r, struct err *err) {
	size_t target_len = strlen(r->raw_target);
	if (target_len > HTTP_TARGET_MAX)
		return err_set(err, -EMSGSIZE, 414, "RequestUriTooLong", "The URL is longer than %d bytes.",
			HTTP_TARGET_MAX);
	if (h->lines > HTTP_HEADER_COUNT_MAX || h->bytes + target_len > HTTP_HEADER_MAX)
		return err_set(err, -EMSGSIZE, 431, "RequestHeaderFieldsTooLarge",
			"The headers are more than %d or larger than %d bytes.", HTTP_HEADER_COUNT_MAX, HTTP_HEADER_MAX);
	int64_t length;
	if (h->lengths && strv_int(h->length, 0, HTTP_BODY_MAX, &length) < 0)
		return too_large(err);
	return 0;
}

static int set_method(struct http_request *r, const char *method, struct err *err) {
	size_t len = strlen(method);
	if (len == 0 || len >= sizeof(r->method) || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != len)
		return bad_request(err, "the method is malformed");
	memcpy(r->method, method, len + 1);
	return 0;
}

// A client that is still sending may miss an answer that comes before its end, because closing a connection with bytes
// unread resets it: throw the body away first. Not where the client waits for leave to send it, where its end is far
// or cannot be told.
static bool is_drainable(const struct http_request *r, const struct head *h) {
	int64_t length;
	return !http_header(r, "Expect") && (!h->lengths || strv_int(h->length, 0, DRAIN_MAX, &length) == 0);
}

static int read_head(struct http_request *r, const char *method, bool *drain, struct err *err) {
	struct head h = {0};
	(void)MHD_get_connection_values_n(r->connection, MHD_HEADER_KIND, on_header, &h);
	int rc = check_framing(&h, err);
	*drain = rc == 0 && is_drainable(r, &h);
	if (rc == 0)
		rc = check_size(&h, r, err);
	if (rc == 0)
		rc = set_method(r, method, err);
	if (rc == 0)
		rc = target_parse(r->raw_target, &r->target, err);
	r->port = r->server->tls ? 443 : 80;
	if (rc == 0 && h.hosts)
		rc = target_host(h.host, r->host, &r->port, err);
	return rc;
}

static void set_peer(struct http_request *r) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	const void *bytes = NULL;
	if (address && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address && address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	if (!bytes || !inet_ntop(address->sa_family, bytes, r->peer, sizeof(r->peer)))
		(void)snprintf(r->peer, sizeof(r->peer), "local");
}

static enum MHD_Result begin_request(struct http_request *r, const char *method) {
	bool drain;
	count(r);
	set_peer(r);
	int rc = read_head(r, method, &drain, &r->refusal);
	r->stage = rc < 0 ? STAGE_REFUSED : STAGE_BODY;
	return rc < 0 && !drain ? refuse(r) : MHD_YES;
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t *size) {
	size_t len = *size;
	*size = 0;
	if (r->stage == STAGE_BODY && len <= HTTP_BODY_MAX - r->body.len)
		return buf_append(&r->body, data, len) < 0 ? MHD_NO : MHD_YES;
	if (r->stage == STAGE_BODY) {
		(void)too_large(&r->refusal);
		r->stage = STAGE_REFUSED;
		r->discarded = r->body.len;
		buf_free(&r->body);
	}
	r->discarded += len;
	return r->discarded > DRAIN_MAX ? MHD_NO : MHD_YES;
}

static void call_handler(struct http_request *r, struct http_response *res) {
	struct http_server *s = r->server;
	while (sem_wait(&s->workers) < 0)
		;
	s->handler(s->ctx, r, res);
	(void)sem_post(&s->workers);
}

static struct watched *watched_of(struct MHD_Connection *connection) {
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static enum MHD_Result answer(struct http_request *r) {
	if (r->stage == STAGE_REFUSED)
		return refuse(r);
	struct watched *watched = watched_of(r->connection);
	if (!watched)
		return MHD_NO;
	_cleanup_(http_response_free) struct http_response res = {0};
	watch_pause(&r->server->watch, watched);
	call_handler(r, &res);
	watch_resume(&r->server->watch, watched, clock_monotonic_ns());
	return send_response(r, &res, false);
}

static enum MHD_Result on_request(void *arg _unused_, struct MHD_Connection *connection _unused_,
	const char *url _unused_, const char *method, const char *version _unused_, const char *data, size_t *size,
	void **state) {
	struct http_request *r = *state;
	if (!r)
		return MHD_NO;
	if (r->stage == STAGE_HEAD)
		return begin_request(r, method);
	return *size > 0 ? take_body(r, data, size) : answer(r);
}

static void request_free(struct http_request *r) {
	if (r->server)
		uncount(r);
	target_free(&r->target);
	buf_free(&r->body);
	free(r->raw_target);
	free(r);
}

int http_request_inner(const char *method, const char *host, const char *raw_target, const void *body, size_t len,
	struct http_request **out, struct err *err) {
	_cleanup_(http_request_freep) struct http_request *r = calloc(1, sizeof(*r));
	if (!r)
		return err_oom(err);
	r->port = 443;
	(void)snprintf(r->peer, sizeof(r->peer), "local");
	r->raw_target = strdup(raw_target);
	if (!r->raw_target || buf_append(&r->body, body, len) < 0)
		return err_oom(err);
	int rc = strv_copy(r->host, sizeof(r->host), host) < 0 ? bad_request(err, "the host is too long") : 0;
	if (rc == 0 && strlen(raw_target) > HTTP_TARGET_MAX)
		rc = bad_request(err, "the URL is too long");
	if (rc == 0)
		rc = set_method(r, method, err);
	if (rc == 0)
		rc = target_parse(r->raw_target, &r->target, err);
	if (rc == 0)
		*out = TAKE_PTR(r);
	return rc;
}

void http_request_free(struct http_request *r) {
	if (r)
		request_free(r);
}

// The one place where libmicrohttpd shows the target as it was sent. NULL (out of memory) ends the connection.
static void *on_target(void *arg, const char *raw, struct MHD_Connection *connection) {
	struct http_request *r = calloc(1, sizeof(*r));
	char *copy = raw ? strdup(raw) : NULL;
	if (!r || !copy) {
		free(r);
		free(copy);
		return NULL;
	}
	r->server = arg;
	r->connection = connection;
	r->raw_target = copy;
	return r;
}

static void on_completed(void *arg _unused_, struct MHD_Connection *connection _unused_, void **state,
	enum MHD_RequestTerminationCode code _unused_) {
	if (*state)
		request_free(*state);
	*state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code) {
	struct http_server *s = arg;
	struct watched *watched = *context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED && watched) {
		watch_remove(&s->watch, watched);
	} else if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		// Out of memory leaves no context, and answer() ends a connection that has none.
		*context = watch_add(&s->watch, fd, clock_monotonic_ns(), &watched) < 0 ? NULL : watched;
	}
}

// target.c decodes, strictly.
static size_t leave_escaped(void *arg _unused_, struct MHD_Connection *connection _unused_, char *text) {
	return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd, const struct http_tls *tls) {
	struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)(uintptr_t)tls->certificate_pem : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)tls->key_pem : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ITC;
	return MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, s,
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_ARRAY, tls ? tls_options : tls_options + ARRAY_SIZE(tls_options) - 1,
		MHD_OPTION_END);
}

static struct timespec in_seconds(unsigned seconds) {
	int64_t end = clock_monotonic_ns() + (int64_t)seconds * CLOCK_NSEC_PER_SEC;
	return (struct timespec){.tv_sec = end / CLOCK_NSEC_PER_SEC, .tv_nsec = end % CLOCK_NSEC_PER_SEC};
}

static void *watch_connections(void *arg) {
	struct http_server *s = arg;
	(void)pthread_mutex_lock(&s->lock);
	while (!s->stopping) {
		struct timespec deadline = in_seconds(WATCH_SECONDS);
		if (pthread_cond_timedwait(&s->changed, &s->lock, &deadline) == ETIMEDOUT)
			(void)watch_cut(&s->watch, clock_monotonic_ns() - HTTP_EXCHANGE_SECONDS * CLOCK_NSEC_PER_SEC);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void init_changed(pthread_cond_t *changed) {
	pthread_condattr_t attributes;
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

static struct http_server *server_new(bool tls, unsigned workers, http_handler handler, void *ctx) {
	struct http_server *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct http_server){.tls = tls, .handler = handler, .ctx = ctx};
	(void)sem_init(&s->workers, 0, workers);
	(void)pthread_mutex_init(&s->lock, NULL);
	init_changed(&s->changed);
	watch_init(&s->watch);
	return s;
}

static void server_free(struct http_server *s) {
	watch_destroy(&s->watch);
	(void)pthread_cond_destroy(&s->changed);
	(void)pthread_mutex_destroy(&s->lock);
	(void)sem_destroy(&s->workers);
	free(s);
}

// Tell the watcher to end and new answers to close their connections.
static void begin_stop(struct http_server *s) {
	(void)pthread_mutex_lock(&s->lock);
	s->stopping = true;
	(void)pthread_cond_broadcast(&s->changed);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->watcher, NULL);
}

static int start_threads(struct http_server *s, int listen_fd, const struct http_tls *tls) {
	// libmicrohttpd closes its listener when it cannot start, so it gets one of its own.
	int fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int rc = -pthread_create(&s->watcher, NULL, watch_connections, s);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	s->daemon = start_daemon(s, fd, tls);
	if (s->daemon)
		return 0;
	begin_stop(s);
	return -EINVAL;
}

int http_server_start(int listen_fd, const struct http_tls *tls, unsigned workers, http_handler handler, void *ctx,
	struct http_server **out, struct err *err) {
	struct http_server *s = server_new(tls, workers, handler, ctx);
	if (!s)
		return err_oom(err);
	int rc = start_threads(s, listen_fd, tls);
	if (rc < 0) {
		server_free(s);
		return err_errno(err, rc, "cannot serve HTTP%s", tls ? "S with this certificate and key" : "");
	}
	(void)close(listen_fd);
	*out = s;
	return 0;
}

static void wait_until_idle(struct http_server *s, unsigned seconds) {
	struct timespec deadline = in_seconds(seconds);
	(void)pthread_mutex_lock(&s->lock);
	int rc = 0;
	while (s->active > 0 && rc == 0)
		rc = pthread_cond_timedwait(&s->changed, &s->lock, &deadline);
	(void)pthread_mutex_unlock(&s->lock);
}

void http_server_stop(struct http_server *s, unsigned seconds) {
	if (!s)
		return;
	int fd = MHD_quiesce_daemon(s->daemon);
	begin_stop(s);
	wait_until_idle(s, seconds);
	MHD_stop_daemon(s->daemon);
	io_closep(&fd);
	server_free(s);
}
