// SPDX-License-Identifier: Apache-2.0
// Answers: headers of every one, error bodies.
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

#define CLIENT_REQUEST_ID_MAX 128

// Clients' own words can stand in a message, and need not be UTF-8: what is not printable ASCII becomes '?'.
static void make_printable(char *s) {
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\r' && *s != '\n') || (unsigned char)*s > 0x7e)
			*s = '?';
}

static json_t *error_object(const char *code, const char *inner, const char *message) {
	if (inner[0])
		return json_pack("{s:{s:s,s:s,s:{s:s}}}", "error", "code", code, "message", message, "innererror", "code", inner);
	return json_pack("{s:{s:s,s:s}}", "error", "code", code, "message", message);
}

// A pool ends its messages with the request's id, and says of release policies what vaults say without their numbers.
static json_t *pool_error_body(const struct call *c, const struct err *err) {
	const char *message = err->message;
	size_t n = strlen(message);
	if (strv_starts_with_nocase(message, "AKV.SKR.") && strstr(message, ": ")) {
		message = strstr(message, ": ") + 2;
		n = strlen(message);
		n -= n > 0 && message[n - 1] == '.';
	}
	_cleanup_free_ char *text = strv_printf("%.*s (Activity ID: %s)", (int)n, message, c->id);
	return text ? error_object(err->code, err->inner, text) : NULL;
}

// A server's own failure is told in full to the audit log, and not to the client.
static json_t *error_body(const struct call *c, const struct err *err) {
	if (err->status != 500) {
		struct err shown = *err;
		make_printable(shown.message);
		return c->pool ? pool_error_body(c, &shown) : error_object(shown.code, shown.inner, shown.message);
	}
	_cleanup_free_ char *message = strv_printf("An internal error has occurred. Request id: %s", c->id);
	return message ? error_object("InternalServerError", "", message) : NULL;
}

static int set_network_info(const struct call *c, struct http_response *res) {
	const char *peer = http_peer(c->req);
	bool six = strchr(peer, ':');
	const char *family = c->pool ? (six ? "Ipv6" : "Ipv4") : (six ? "InterNetworkV6" : "InterNetwork");
	return http_set_header(res, "x-ms-keyvault-network-info", "conn_type=%s;addr=%s;act_addr_fam=%s;", six ? "Ipv6" : "Ipv4",
		strcmp(peer, "local") == 0 ? "127.0.0.1" : peer, family);
}

static int set_client_request_id(const struct call *c, struct http_response *res) {
	const char *id = http_header(c->req, "x-ms-client-request-id");
	if (!id || strlen(id) > CLIENT_REQUEST_ID_MAX)
		return 0;
	return http_set_header(res, "x-ms-client-request-id", "%s", id);
}

static int set_vault_headers(const struct call *c, int status, struct http_response *res) {
	if (!c->vault.name[0])
		return 0;
	int rc = http_set_header(res, "x-ms-keyvault-region", "%s", c->vault.location);
	if (rc == 0 && status == 401) {
		char challenge[256];
		rc = http_set_header(res, "WWW-Authenticate", "%s", call_challenge(c, challenge, sizeof(challenge)));
	}
	if (rc == 0 && status == 429)
		rc = http_set_header(res, "Retry-After", "%" PRId64, c->retry_after);
	const char *assignment = strrchr(c->decision.assignment_id, '/');
	if (rc == 0 && assignment)
		rc = http_set_header(res, "x-ms-keyvault-rbac-assignment-id", "%s", assignment + 1);
	return rc;
}

struct field {
	const char *name, *value;
};

static int set_fields(const struct field *fields, size_t count, struct http_response *res) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = http_set_header(res, fields[i].name, "%s", fields[i].value);
	return rc;
}

// The two services are of different make: what they say of every answer differs, down to the case of the names.
static int set_service_headers(const struct call *c, struct http_response *res) {
	static const struct field of_vault[] = {
		{"Cache-Control", "no-cache"},
		{"Pragma", "no-cache"},
		{"Expires", "-1"},
		{"x-ms-keyvault-service-version", CUSTODISK_VERSION},
		{"Strict-Transport-Security", "max-age=31536000;includeSubDomains"},
		{"X-Content-Type-Options", "nosniff"},
	};
	static const struct field of_pool[] = {
		{"cache-control", "no-cache"},
		{"x-ms-build-version", CUSTODISK_VERSION},
		{"strict-transport-security", "max-age=31536000; includeSubDomains"},
		{"x-content-type-options", "nosniff"},
		{"x-frame-options", "SAMEORIGIN"},
		{"content-security-policy", "default-src 'self'"},
	};
	if (!c->pool)
		return set_fields(of_vault, ARRAY_SIZE(of_vault), res);
	int rc = set_fields(of_pool, ARRAY_SIZE(of_pool), res);
	return rc < 0 ? rc : http_set_header(res, "x-ms-server-latency", "%lld",
		(long long)((clock_monotonic_ns() - c->started) / 1000000));
}

static int set_headers(const struct call *c, int status, struct http_response *res) {
	int rc = set_service_headers(c, res);
	if (rc == 0)
		rc = http_set_header(res, "x-ms-request-id", "%s", c->id);
	if (rc == 0)
		rc = set_client_request_id(c, res);
	if (rc == 0)
		rc = set_network_info(c, res);
	return rc < 0 ? rc : set_vault_headers(c, status, res);
}

static void answer(const struct call *c, int status, json_t *json, struct http_response *res) {
	res->status = status;
	res->json = json;
	if (set_headers(c, status, res) == 0)
		return;
	// A header that cannot be set leaves an answer without its body rather than one that is half described.
	json_decref(res->json);
	res->json = NULL;
	buf_free(&res->body);
	res->field_count = 0;
	res->status = 500;
}

void call_respond(struct call *c, const struct err *err, struct http_response *res) {
	// A pool's challenge has no body.
	if (err && c->pool && err->status == 401) {
		answer(c, err->status, NULL, res);
		return;
	}
	if (err) {
		json_t *body = error_body(c, err);
		answer(c, body ? err->status : 500, body, res);
		return;
	}
	if (!c->json) {
		res->body = c->body;
		c->body = (struct buf){0};
	}
	answer(c, c->status, TAKE_PTR(c->json), res);
}

void call_respond_withheld(struct call *c, const struct err *err, struct http_response *res) {
	_cleanup_free_ char *message = strv_printf("The audit record of this request could not be written, so its outcome is "
		"withheld: %s", err->message);
	json_t *body = message ? error_object("InternalServerError", "", message) : NULL;
	answer(c, 500, body, res);
}
