// SPDX-License-Identifier: Apache-2.0
// HTTP client over libcurl: one request, one whole response, TLS always verified, redirects never followed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"

#define HTTP_CLIENT_BODY_MAX (16u << 20)  // bytes of a response that are accepted

// How to reach hosts. The first three NULL: the real internet names and the system's trust store. Strings are borrowed.
struct http_route {
	const char *https_socket;  // Unix socket that answers TLS for every https:// host, or NULL
	const char *http_socket;   // Unix socket for every http:// host, or NULL
	const char *ca_file;       // PEM file trusted instead of the system's, or NULL
	// May a connection be made to this address? Asked of every address that a name has, when it is connected to; NULL: to any.
	bool (*permits)(void *ctx, const struct sockaddr *address);
	void *permits_ctx;
	size_t body_max;           // bytes of a response that are accepted; 0: HTTP_CLIENT_BODY_MAX, which is the most
};

// A client keeps connections alive between requests; it belongs to one thread.
struct http_client;

int http_client_new(const struct http_route *route, struct http_client **out, struct err *err) _must_check_;
void http_client_free(struct http_client *c);
static inline void http_client_freep(struct http_client **c) {
	http_client_free(*c);
}

struct http_reply {
	int status;
	struct buf body;          // wiped on free
	struct buf header_lines;  // "Name: value\r\n"…
};
void http_reply_free(struct http_reply *r);
#define _cleanup_reply_ _cleanup_(http_reply_free)

// The value of a response header (first one, name without case) in out, or -ENOENT.
int http_reply_header(const struct http_reply *r, const char *name, char *out, size_t size) _must_check_;

// 0 when an HTTP response of any status came back; negative errno and 503 ServiceUnavailable in err otherwise.
// `headers`: NULL-terminated array of "Name: value"; body may be NULL. Times out after `timeout_ms`.
int http_client_send(struct http_client *c, const char *method, const char *url, const char *const *headers,
	const void *body, size_t body_len, long timeout_ms, struct http_reply *out, struct err *err) _must_check_;
