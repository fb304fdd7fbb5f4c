// SPDX-License-Identifier: Apache-2.0
#include "azure/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "azure/reply.h"

enum { TIMEOUT_MS = 30000 };

int azure_client_new(const struct http_route *route, const struct azure_credential *credential, struct azure_client **out,
	struct err *err) {
	bool secret = credential->tenant && credential->client_id && credential->client_secret;
	if (!secret && !credential->identity_endpoint)
		return err_set(err, -EINVAL, 500, "InternalServerError",
			"no credential: neither a client secret nor a managed identity endpoint is configured");
	struct azure_client *c = calloc(1, sizeof(*c));
	if (!c)
		return err_oom(err);
	int rc = http_client_new(route, &c->http, err);
	if (rc < 0) {
		free(c);
		return rc;
	}
	c->credential = *credential;
	*out = c;
	return 0;
}

void azure_client_free(struct azure_client *c) {
	if (!c)
		return;
	token_cache_free(&c->cache);
	http_client_free(c->http);
	free(c);
}

static int send_once(struct azure_client *c, enum token_for resource, const char *method, const char *url,
	const struct buf *body, struct http_reply *out, struct err *err) {
	const struct secret *bearer;
	int rc = token_get(&c->cache, c->http, &c->credential, resource, &bearer, err);
	if (rc < 0)
		return rc;
	_cleanup_buf_ struct buf authorization = {0};
	if (buf_str(&authorization, "Authorization: Bearer ") < 0 ||
		buf_append(&authorization, bearer->data, bearer->len) < 0)
		return err_oom(err);
	const char *const headers[] = {buf_cstr(&authorization), "Accept: application/json",
		body->len > 0 ? "Content-Type: application/json" : NULL, NULL};
	rc = http_client_send(c->http, method, url, headers, body->len > 0 ? body->data : NULL, body->len, TIMEOUT_MS, out,
		err);
	return rc < 0 && rc != -ENOMEM ? -EAGAIN : rc;
}

int call_send(struct azure_client *c, enum token_for resource, const char *method, const char *url, const json_t *body,
	struct http_reply *out, struct err *err) {
	// The body may hold a plaintext key: it is moved into a buffer that is wiped.
	_cleanup_buf_ struct buf text = {0};
	if (body) {
		char *dumped = json_text(body);
		int rc = dumped ? buf_str(&text, dumped) : -ENOMEM;
		if (dumped)
			explicit_bzero(dumped, strlen(dumped));
		free(dumped);
		if (rc < 0)
			return err_oom(err);
	}
	_cleanup_reply_ struct http_reply reply = {0};
	int rc = send_once(c, resource, method, url, &text, &reply, err);
	if (rc == 0 && reply.status == 401) {
		token_drop(&c->cache, resource);
		http_reply_free(&reply);
		reply = (struct http_reply){0};
		rc = send_once(c, resource, method, url, &text, &reply, err);
	}
	if (rc < 0)
		return rc;
	if (!reply_is_success(&reply))
		return reply_error(&reply, err);
	*out = reply;
	reply = (struct http_reply){0};
	return 0;
}
