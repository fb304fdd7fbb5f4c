// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/strv.h"

enum { HEADER_LINES_MAX = 65536 };

struct http_client {
	CURL *curl;
	char *https_socket, *http_socket, *ca_file;
	bool (*permits)(void *ctx, const struct sockaddr *address);
	void *permits_ctx;
	size_t body_max;
	bool forbidden;  // the transfer that runs met an address that is not permitted
	char error[CURL_ERROR_SIZE];
};

// What a transfer collects.
struct receiver {
	struct http_reply reply;
	size_t body_max;
	bool too_large;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void initialise(void) {
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool copy(const char *text, char **out) {
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

int http_client_new(const struct http_route *route, struct http_client **out, struct err *err) {
	(void)pthread_once(&once, initialise);
	if (global != CURLE_OK)
		return err_set(err, -EIO, 500, "InternalServerError", "cannot prepare HTTP: %s", curl_easy_strerror(global));
	_cleanup_(http_client_freep) struct http_client *c = calloc(1, sizeof(*c));
	if (!c || !copy(route->https_socket, &c->https_socket) || !copy(route->http_socket, &c->http_socket) ||
		!copy(route->ca_file, &c->ca_file) || !(c->curl = curl_easy_init()))
		return err_oom(err);
	c->permits = route->permits;
	c->permits_ctx = route->permits_ctx;
	c->body_max = route->body_max && route->body_max < HTTP_CLIENT_BODY_MAX ? route->body_max : HTTP_CLIENT_BODY_MAX;
	*out = TAKE_PTR(c);
	return 0;
}

void http_client_free(struct http_client *c) {
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	free(c->https_socket);
	free(c->http_socket);
	free(c->ca_file);
	free(c);
}

void http_reply_free(struct http_reply *r) {
	buf_free(&r->body);
	buf_free(&r->header_lines);
	r->status = 0;
}

static size_t receive(struct receiver *r, struct buf *to, size_t max, const char *data, size_t len) {
	r->too_large = len > max - to->len;
	return r->too_large || buf_append(to, data, len) < 0 ? 0 : len;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg) {
	struct receiver *r = arg;
	return receive(r, &r->reply.body, r->body_max, data, size * count);
}

static size_t on_header(char *data, size_t size, size_t count, void *arg) {
	struct receiver *r = arg;
	size_t len = size * count;
	// A status line: what came before belonged to an interim answer (100).
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
		buf_clear(&r->reply.header_lines);
		return len;
	}
	if (len <= 2)
		return len;
	return receive(r, &r->reply.header_lines, HEADER_LINES_MAX, data, len);
}

int http_reply_header(const struct http_reply *r, const char *name, char *out, size_t size) {
	size_t name_len = strlen(name);
	for (const char *line = buf_cstr(&r->header_lines); *line;) {
		size_t len = strcspn(line, "\r\n");
		if (len > name_len && line[name_len] == ':' && strncasecmp(line, name, name_len) == 0) {
			const char *value = line + name_len + 1, *end = line + len;
			while (value < end && (*value == ' ' || *value == '\t'))
				value++;
			while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			if ((size_t)(end - value) >= size)
				return -ENOSPC;
			memcpy(out, value, (size_t)(end - value));
			out[end - value] = 0;
			return 0;
		}
		line += len;
		line += strspn(line, "\r\n");
	}
	return -ENOENT;
}

static void free_list(struct curl_slist **list) {
	curl_slist_free_all(*list);
}

static bool append_line(struct curl_slist **list, const char *line) {
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer;
}

static int header_list(const char *const *headers, struct curl_slist **out, struct err *err) {
	_cleanup_(free_list) struct curl_slist *list = NULL;
	bool typed = false, ok = true;
	for (; headers && *headers && ok; headers++) {
		if (strpbrk(*headers, "\r\n") || !strchr(*headers, ':'))
			return err_set(err, -EINVAL, 500, "InternalServerError", "a request header is malformed");
		typed = typed || strv_starts_with_nocase(*headers, "Content-Type:");
		ok = append_line(&list, *headers);
	}
	// Names without a value take back what libcurl would send by itself; Expect would cost a round trip.
	ok = ok && append_line(&list, "Expect:") && (typed || append_line(&list, "Content-Type:"));
	if (!ok)
		return err_oom(err);
	*out = TAKE_PTR(list);
	return 0;
}

static const char *socket_for(const struct http_client *c, const char *url) {
	return strv_starts_with_nocase(url, "https://") ? c->https_socket : c->http_socket;
}

static curl_socket_t on_connect(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
	struct http_client *c = arg;
	if (purpose != CURLSOCKTYPE_IPCXN || !c->permits(c->permits_ctx, &a->addr)) {
		c->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

#define SET(option, value) (code = code == CURLE_OK ? curl_easy_setopt(c->curl, option, value) : code)

static CURLcode set_connection(struct http_client *c, const char *url, long timeout_ms) {
	CURLcode code = CURLE_OK;
	SET(CURLOPT_URL, url);
	SET(CURLOPT_UNIX_SOCKET_PATH, socket_for(c, url));
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (c->permits) {
		SET(CURLOPT_OPENSOCKETFUNCTION, on_connect);
		SET(CURLOPT_OPENSOCKETDATA, c);
	}
	if (c->ca_file) {
		SET(CURLOPT_CAINFO, c->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	return code;
}

static bool carries_body(const char *method) {
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static CURLcode set_request(struct http_client *c, const char *method, struct curl_slist *headers, const void *body,
	size_t body_len, struct receiver *r) {
	CURLcode code = CURLE_OK;
	if (strcmp(method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (body || carries_body(method)) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? body_len : 0));
		SET(CURLOPT_POSTFIELDS, body ? body : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, method);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, r);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, r);
	return code;
}

// With NOSIGNAL libcurl leaves SIGPIPE alone, and OpenSSL writes to sockets without MSG_NOSIGNAL: a server that
// went away must not end this process.
static CURLcode perform(CURL *curl) {
	sigset_t pipe_only, before, pending;
	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	CURLcode code = curl_easy_perform(curl);
	if (!sigismember(&pending, SIGPIPE))
		(void)sigtimedwait(&pipe_only, NULL, &(struct timespec){0});
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static int describe(const struct http_client *c, CURLcode code, const struct receiver *r, struct err *err) {
	int rc = -EIO;
	if (code == CURLE_OUT_OF_MEMORY)
		return err_oom(err);
	if (r->too_large)
		return err_set(err, -EMSGSIZE, 503, "ServiceUnavailable", "the answer of the service is too large");
	if (c->forbidden && code == CURLE_COULDNT_CONNECT)
		return err_set(err, -EACCES, 503, "ServiceUnavailable", "the service has an address that may not be reached");
	if (code == CURLE_OPERATION_TIMEDOUT)
		rc = -ETIMEDOUT;
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
		rc = -ECONNREFUSED;
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		rc = -EKEYREJECTED;
	else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT)
		rc = -EINVAL;
	return err_set(err, rc, 503, "ServiceUnavailable", "the service cannot be reached: %s",
		c->error[0] ? c->error : curl_easy_strerror(code));
}

static void receiver_free(struct receiver *r) {
	http_reply_free(&r->reply);
}

int http_client_send(struct http_client *c, const char *method, const char *url, const char *const *headers,
	const void *body, size_t body_len, long timeout_ms, struct http_reply *out, struct err *err) {
	_cleanup_(free_list) struct curl_slist *list = NULL;
	_cleanup_(receiver_free) struct receiver r = {.body_max = c->body_max};
	int rc = header_list(headers, &list, err);
	if (rc < 0)
		return rc;
	// Connections and TLS sessions outlive a reset; options, which may name dead memory, do not.
	curl_easy_reset(c->curl);
	c->error[0] = 0;
	c->forbidden = false;
	CURLcode code = set_connection(c, url, timeout_ms);
	if (code == CURLE_OK)
		code = set_request(c, method, list, body, body_len, &r);
	if (code == CURLE_OK)
		code = perform(c->curl);
	long status = 0;
	if (code == CURLE_OK)
		code = curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		return describe(c, code, &r, err);
	r.reply.status = (int)status;
	*out = r.reply;
	r.reply = (struct http_reply){0};
	return 0;
}
