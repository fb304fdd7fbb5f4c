// SPDX-License-Identifier: Apache-2.0
// graph.microsoft.com: from the request to the operation, in one transaction, and the forms of answers and errors.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "graph/internal.h"

// As tokens name Graph: by its URL, with and without a slash, and by its application.
static const char *const audiences[] = {"https://graph.microsoft.com", "https://graph.microsoft.com/",
	"00000003-0000-0000-c000-000000000000", NULL};

// Stands before the argument of a function in a path, where no request can put it.
#define ARGUMENT '\x1f'

void graph_close(struct graph *g) {
	if (!g)
		return;
	for (int i = 0; i < DIRECTORY_KINDS; i++)
		json_decref(g->templates[i]);
	free(g);
}

int graph_open(struct store *store, struct entra *entra, struct graph **out, struct err *err) {
	struct graph *g = calloc(1, sizeof(*g));
	if (!g)
		return err_oom(err);
	g->store = store;
	g->entra = entra;
	for (int i = 0; i < DIRECTORY_KINDS; i++) {
		g->templates[i] = properties_template((enum directory_kind)i);
		if (!g->templates[i]) {
			graph_close(g);
			return err_oom(err);
		}
	}
	*out = g;
	return 0;
}

int call_denied(struct err *err) {
	return err_set(err, -EACCES, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
}

int call_invalid_value(struct err *err, enum directory_kind kind, const char *property) {
	return call_bad_request(err, "Invalid value specified for property '%s' of resource '%s'.", property,
		kind_words(kind)->resource);
}

// The path behind the version, where "/applications(appId='x')" is "/applications/{mark}appId=x" and "/users('x')" is
// "/users/x". -EINVAL when a function's argument does not end.
static int read_path(struct call *c, char *out, size_t size, struct err *err) {
	const char *path = http_path(c->req);
	if (strncmp(path, "/v1.0/", 6) == 0)
		c->version = "v1.0";
	else if (strncmp(path, "/beta/", 6) == 0)
		c->version = "beta";
	else
		return err_set(err, -EINVAL, 400, "BadRequest", "Invalid version: the path begins with /v1.0/ or /beta/.");
	path += 5;
	size_t n = 0;
	while (*path && n + 2 < size) {
		const char *end = *path == '(' ? strstr(path, "')") : NULL;
		if (*path != '(') {
			out[n++] = *path++;
			continue;
		}
		const char *quote = strchr(path, '\'');
		size_t name = quote ? (size_t)(quote - path) - 1 : 0;
		if (!end || !quote || quote >= end || (end[2] && end[2] != '/') || n + (size_t)(end - path) + 2 >= size)
			return err_set(err, -EINVAL, 400, "BadRequest", "Resource not found for the segment '%.64s'.", path);
		out[n++] = '/';
		if (name > 0)
			out[n++] = ARGUMENT;
		memcpy(out + n, path + 1, name);
		n += name;
		memcpy(out + n, quote + 1, (size_t)(end - quote) - 1);
		n += (size_t)(end - quote) - 1;
		path = end + 2;
	}
	if (*path)
		return err_set(err, -EINVAL, 400, "BadRequest", "The path of the request is too long.");
	out[n] = 0;
	return 0;
}

static int find_operation(struct call *c, struct err *err) {
	char path[1024];
	int rc = read_path(c, path, sizeof(path), err);
	if (rc < 0)
		return rc;
	switch (route_find(operations, operation_count, sizeof(operations[0]), http_method(c->req), path, &c->match)) {
	case ROUTE_FOUND:
		c->op = &operations[c->match.index];
		return 0;
	case ROUTE_NO_METHOD:
		return err_set(err, -EINVAL, 405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.");
	case ROUTE_NO_PATH:
		break;
	}
	return err_set(err, -ENOENT, 400, "BadRequest", "Resource not found for the segment '%.128s'.", path + 1);
}

static int unauthenticated(struct err *err, const char *why) {
	return err_set(err, -EACCES, 401, "InvalidAuthenticationToken", "%s", why);
}

static int authenticate(struct call *c, struct err *err) {
	switch (entra_authenticate(c->graph->entra, c->req, audiences, &c->caller)) {
	case ENTRA_OK:
		return 0;
	case ENTRA_MISSING:
		return unauthenticated(err, "Access token is empty.");
	case ENTRA_EXPIRED:
		return unauthenticated(err, "Lifetime validation failed, the token is expired.");
	case ENTRA_AUDIENCE:
		return unauthenticated(err, "Access token validation failure. Invalid audience.");
	case ENTRA_ISSUER:
		return unauthenticated(err, "Access token validation failure. Invalid issuer.");
	case ENTRA_INVALID:
		return unauthenticated(err, "Access token validation failure.");
	case ENTRA_UNAVAILABLE:
		break;
	}
	return err_set(err, -EAGAIN, 503, "ServiceUnavailable", "The access token cannot be judged at this time. Try again.");
}

// Who calls, as the directory knows it.
static int identify(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object self = {0};
	int rc = directory_find(c->tx, c->caller.tenant, DIRECTORY_PRINCIPAL_KINDS, c->caller.oid, &self, err);
	if (rc == -ENOENT)
		return unauthenticated(err, "Access token validation failure. The principal is not in the directory.");
	if (rc == 0)
		rc = directory_rights(c->tx, c->caller.tenant, self.id, &c->rights, err);
	c->caller_kind = self.kind;
	return rc;
}

static int read_body(struct call *c, json_t **out, struct err *err) {
	size_t len;
	const void *text = http_body(c->req, &len);
	const char *method = http_method(c->req);
	if (strcmp(method, "POST") != 0 && strcmp(method, "PATCH") != 0)
		return 0;
	_cleanup_json_ json_t *body = NULL;
	// A function without arguments may be called without a body.
	if (len == 0)
		body = json_object();
	int rc = len == 0 ? (body ? 0 : err_oom(err)) : json_parse(text, len, "BadRequest", &body, err);
	if (rc < 0)
		return rc;
	if (!json_is_object(body))
		return err_set(err, -EINVAL, 400, "BadRequest", "The request body must be a JSON object.");
	*out = TAKE_PTR(body);
	return 0;
}

static bool reads_only(const struct call *c) {
	return strcmp(http_method(c->req), "GET") == 0 || strcmp(http_method(c->req), "HEAD") == 0;
}

static int run(struct call *c, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = authenticate(c, err);
	if (rc < 0 || (rc = find_operation(c, err)) < 0 || (rc = read_body(c, &body, err)) < 0)
		return rc;
	c->body = body;
	rc = store_begin(c->graph->store, reads_only(c) ? STORE_READ : STORE_WRITE, &tx, err);
	if (rc < 0)
		return rc;
	c->tx = tx;
	rc = identify(c, err);
	if (rc == 0)
		rc = c->op->run(c, err);
	if (rc == 0 && !reads_only(c))
		rc = store_commit(&tx, err);
	c->tx = NULL;
	c->body = NULL;
	return rc;
}

// "2026-11-22T10:00:00", without a zone, as errors have it.
static json_t *error_date(void) {
	char text[CLOCK_RFC3339_MAX];
	return json_stringn(clock_rfc3339(clock_now(), text), 19);
}

static const char *client_id(const struct call *c) {
	const char *id = http_header(c->req, "client-request-id");
	return id && enc_is_uuid(id) ? id : c->id;
}

// A server's own failure is not told to the client.
static json_t *error_body(const struct call *c, const struct err *e) {
	bool own = e->status == 0 || e->status == 500;
	_cleanup_json_ json_t *error =
		own ? json_error("UnknownError", "An internal error has occurred.") : json_error(e->code, e->message);
	_cleanup_json_ json_t *inner = json_pack("{s:o, s:s, s:s}", "date", error_date(), "request-id", c->id, "client-request-id",
		client_id(c));
	if (!error || !inner || json_set(error, "innerError", TAKE_PTR(inner)) < 0)
		return NULL;
	return json_pack("{s:O}", "error", error);
}

static int set_headers(struct call *c, const struct err *failure, struct err *err) {
	struct http_response *res = c->res;
	if (http_set_header(res, "request-id", "%s", c->id) < 0 ||
		http_set_header(res, "client-request-id", "%s", client_id(c)) < 0 ||
		http_set_header(res, "Cache-Control", "no-cache") < 0 || http_set_header(res, "OData-Version", "4.0") < 0 ||
		http_set_header(res, "Strict-Transport-Security", "max-age=31536000") < 0 ||
		http_set_header(res, "X-Content-Type-Options", "nosniff") < 0)
		return err_oom(err);
	if (failure && failure->status == 401 &&
		http_set_header(res, "WWW-Authenticate", "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/"
			"common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"") < 0)
		return err_oom(err);
	return 0;
}

void graph_handle(void *graph, const struct http_request *req, struct http_response *res) {
	struct call c = {.graph = graph, .req = req, .res = res};
	struct err err = {0};
	int rc = enc_uuid(c.id);
	if (rc == 0)
		rc = run(&c, &err);
	if (rc == 0) {
		res->status = c.status ? c.status : c.json || res->body.len > 0 ? 200 : 204;
		res->json = TAKE_PTR(c.json);
		if (res->json)
			res->content_type = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
					    "charset=utf-8";
	} else {
		res->json = error_body(&c, &err);
		res->status = err.status ? err.status : 500;
	}
	json_decref(c.json);
	if (set_headers(&c, rc < 0 ? &err : NULL, NULL) < 0)
		res->status = 500;
}
