// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 server glue over libmicrohttpd: whole requests in, whole responses out, everything a client
// controls limited. Handlers are plain blocking functions, run on a bounded number of threads.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

// Limits: over them the answer is 431 (headers), 413 (body), 414 (URL), and connections are closed. So they are after
// every other request that is refused (400) before it reaches the handler: malformed headers, two lengths or hosts,
// and what net/target.h refuses.
#define HTTP_HEADER_MAX 32768       // bytes of request line and headers together
#define HTTP_HEADER_COUNT_MAX 100
#define HTTP_BODY_MAX (4u << 20)    // bytes
#define HTTP_TARGET_MAX 8192        // bytes of path and query
#define HTTP_IDLE_SECONDS 60        // a connection that sends nothing for so long is closed
#define HTTP_EXCHANGE_SECONDS 180   // so is one that takes longer to receive an answer and send its next request
#define HTTP_CONNECTIONS_MAX 512    // a listener

struct http_request;

// Of the current request; all strings borrowed until the handler returns.
const char *http_method(const struct http_request *r);  // upper case; the body of an answer to HEAD is not sent
const char *http_host(const struct http_request *r);    // Host header, lower-cased, port and trailing dot removed; "" when missing
const char *http_path(const struct http_request *r);    // percent-decoded UTF-8, always starts with '/'; see net/target.h
const char *http_target(const struct http_request *r);  // path and query as sent, for logs and nextLinks
const char *http_query(const struct http_request *r, const char *name);   // decoded value, NULL when missing; names case-insensitive
const char *http_header(const struct http_request *r, const char *name);  // NULL when missing; the first of several
const void *http_body(const struct http_request *r, size_t *len);
const char *http_peer(const struct http_request *r);    // textual client address, "local" on a Unix socket
bool http_is_tls(const struct http_request *r);
int http_port(const struct http_request *r);            // port of the Host header, or the default one (443 or 80)

// A request that a face makes of itself, as if it had come over TLS, without headers. To be freed.
int http_request_inner(const char *method, const char *host, const char *raw_target, const void *body, size_t len,
	struct http_request **out, struct err *err) _must_check_;
void http_request_free(struct http_request *r);
static inline void http_request_freep(struct http_request **r) {
	http_request_free(*r);
}

// What to answer. Zero status means 200. `json` is owned; `body` is used when json is NULL.
struct http_response {
	int status;
	json_t *json;
	struct buf body;
	const char *content_type;  // static string; "application/json; charset=utf-8" when NULL and there is a body
	struct http_field {
		char name[64];
		char value[1024];
	} fields[24];
	size_t field_count;
};

// Set or replace a header. The value is cut at the field's size; CR, LF and a name that is no token are refused with
// -EINVAL, more headers than `fields` holds with -ENOSPC.
int http_set_header(struct http_response *res, const char *name, const char *fmt, ...) _printf_(3, 4) _must_check_;

void http_response_free(struct http_response *res);

// Returns nothing: a handler turns its own errors into the body its face documents.
typedef void (*http_handler)(void *ctx, const struct http_request *req, struct http_response *res);

struct http_tls {
	const char *certificate_pem;  // chain, leaf first
	const char *key_pem;
};

struct http_server;

// Serve on a listening socket (TCP or Unix, ownership passes on success). tls NULL for plain HTTP.
// `workers` bounds how many handlers run at a time; more requests wait.
int http_server_start(int listen_fd, const struct http_tls *tls, unsigned workers, http_handler handler, void *ctx,
	struct http_server **out, struct err *err) _must_check_;

// Stop accepting, let running requests finish, free. Connections are cut after `seconds`, but a handler that still
// runs is waited for: whoever stops a server first tells its handlers to come to an end.
void http_server_stop(struct http_server *s, unsigned seconds);
