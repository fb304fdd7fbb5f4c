// SPDX-License-Identifier: Apache-2.0
// The token endpoint: the client credentials grant (RFC 6749 4.4) with a client secret, in the form or as HTTP Basic.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "entra/aadsts.h"
#include "entra/directory.h"
#include "entra/form.h"
#include "entra/login.h"

#define RESOURCE_MAX 256  // bytes of a resource's URI, with the NUL

struct token_request {
	struct form form;
	struct buf basic;  // client id, NUL, secret; empty without HTTP Basic
	// Borrowed from the two above.
	const char *client_id;
	const char *secret;  // NULL when none came
	char resource[RESOURCE_MAX];
};

static void token_request_free(struct token_request *r) {
	form_free(&r->form);
	buf_free(&r->basic);
}

// NULL, with err filled, when it is missing or empty.
static const char *required(const struct form *form, const char *name, struct err *err) {
	const char *value = form_get(form, name);
	if (value && *value)
		return value;
	(void)aadsts_set(err, 900144, "The request body must contain the following parameter: '%s'.", name);
	return NULL;
}

static int malformed(struct err *err, const char *why) {
	return aadsts_set(err, 9002313, "Invalid request. Request is malformed or invalid. %s", why);
}

static bool is_form(const char *content_type) {
	static const char form_type[] = "application/x-www-form-urlencoded";
	size_t n = sizeof(form_type) - 1;
	return content_type && strncasecmp(content_type, form_type, n) == 0 &&
		(!content_type[n] || strchr("; ", content_type[n]));
}

// A body of another type has no parameters, as Entra sees it.
static int read_form(const struct http_request *req, struct form *out, struct err *err) {
	struct err why;
	size_t len;
	const void *body = http_body(req, &len);
	if (!is_form(http_header(req, "Content-Type")))
		len = 0;
	int rc = form_parse(body, len, out, &why);
	if (rc == -EEXIST)
		return aadsts_set(err, 9000411, "The request is not properly formatted. %s", why.message);
	if (rc == -EINVAL)
		return malformed(err, why.message);
	if (rc < 0)
		*err = why;
	return rc;
}

// "{id}:{secret}" in base64, both form-encoded (RFC 6749 2.3.1).
static int decode_basic(const char *text, struct buf *out) {
	_cleanup_buf_ struct buf pair = {0};
	int rc = dec_base64(&pair, text, strlen(text));
	if (rc < 0)
		return rc;
	const uint8_t *colon = pair.len > 0 ? memchr(pair.data, ':', pair.len) : NULL;
	if (!colon)
		return -EINVAL;
	size_t id_len = (size_t)(colon - pair.data);
	rc = form_decode(pair.data, id_len, out);
	if (rc == 0)
		rc = buf_u8(out, 0);
	return rc < 0 ? rc : form_decode(colon + 1, pair.len - id_len - 1, out);
}

static int read_basic(const char *text, struct token_request *r, struct err *err) {
	int rc = decode_basic(text, &r->basic);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return malformed(err, "The Authorization header is not valid.");
	const char *id = (const char *)r->basic.data, *in_form = form_get(&r->form, "client_id");
	if (form_get(&r->form, "client_secret") || (in_form && !strv_eq_nocase(in_form, id)))
		return malformed(err, "The client authenticates in two ways.");
	r->client_id = id;
	r->secret = id + strlen(id) + 1;
	return 0;
}

static int read_client(const struct http_request *req, struct token_request *r, struct err *err) {
	static const char basic[] = "Basic ";
	const char *authorization = http_header(req, "Authorization");
	if (authorization && strv_starts_with_nocase(authorization, basic))
		return read_basic(authorization + sizeof(basic) - 1, r, err);
	r->secret = form_get(&r->form, "client_secret");
	r->client_id = required(&r->form, "client_id", err);
	return r->client_id ? 0 : -EACCES;
}

// The first generation names the resource; the second asks for the scope "{resource}/.default", whence the double
// slash for a resource that ends with one.
static int read_resource(struct token_request *r, bool v2, struct err *err) {
	static const char suffix[] = "/.default";
	char quoted[AADSTS_QUOTE_MAX];
	const char *value = required(&r->form, v2 ? "scope" : "resource", err);
	if (!value)
		return -EACCES;
	size_t len = strlen(value);
	if (v2 && (strchr(value, ' ') || !strv_ends_with_nocase(value, suffix)))
		return aadsts_set(err, 1002012,
			"The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default "
			"suffixed to the resource identifier (application ID URI).", aadsts_quote(value, quoted));
	if (v2)
		len -= sizeof(suffix) - 1;
	if (len >= sizeof(r->resource))
		return malformed(err, "The resource is too long.");
	memcpy(r->resource, value, len);
	r->resource[len] = 0;
	return 0;
}

static int read_request(const struct login_call *c, struct token_request *r, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	int rc = read_form(c->req, &r->form, err);
	if (rc < 0)
		return rc;
	const char *grant_type = required(&r->form, "grant_type", err);
	if (!grant_type)
		return -EACCES;
	if (strcmp(grant_type, "client_credentials") != 0)
		return aadsts_set(err, 70003, "The app requested an unsupported grant type '%s'.", aadsts_quote(grant_type, quoted));
	rc = read_client(c->req, r, err);
	return rc < 0 ? rc : read_resource(r, c->v2, err);
}

static int application_not_found(const char *client_id, const struct entra_tenant *tenant, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	return aadsts_set(err, 700016,
		"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not "
		"been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your "
		"authentication request to the wrong tenant.", aadsts_quote(client_id, quoted), tenant->display_name);
}

static int find_client(struct store_tx *tx, const struct entra_tenant *tenant, const char *client_id,
	struct entra_service_principal *out, struct err *err) {
	_cleanup_free_ char *id = strv_lower(client_id);
	if (!id)
		return err_oom(err);
	int rc = entra_application_find(tx, tenant->id, id, out, err);
	return rc == -ENOENT ? application_not_found(client_id, tenant, err) : rc;
}

static int check_secret(struct store_tx *tx, const struct token_request *r, const struct entra_service_principal *app,
	struct err *err) {
	const char *id = app->ids.app_id;
	if (!r->secret && form_get(&r->form, "client_assertion"))
		return aadsts_set(err, 70025, "The client '%s'(%s) has no configured federated identity credentials.", id,
			app->display_name);
	if (!r->secret || !*r->secret)
		return aadsts_set(err, 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
	int rc = directory_check_secret(tx, &app->ids, r->secret, clock_now(), err);
	if (rc == -EACCES)
		return aadsts_set(err, 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the "
			"client secret ID, for a secret added to app '%s'.", id);
	if (rc == -ETIME)
		return aadsts_set(err, 7000222,
			"The provided client secret keys for app '%s' are expired. Visit the Azure portal to create new keys for your "
			"app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
			"https://aka.ms/certCreds.", id);
	return rc;
}

// Who asks: known in the tenant, proven, enabled.
static int authenticate_client(struct store_tx *tx, const struct entra_tenant *tenant, const struct token_request *r,
	struct entra_service_principal *out, struct err *err) {
	struct entra_service_principal app = {0};
	int rc = find_client(tx, tenant, r->client_id, &app, err);
	if (rc < 0 || (rc = check_secret(tx, r, &app, err)) < 0)
		return rc;
	// Only told to one who holds the secret.
	if (!app.enabled)
		return aadsts_set(err, 7000112, "Application '%s'(%s) is disabled.", app.ids.app_id, app.display_name);
	*out = app;
	return 0;
}

static int find_resource(const char *uri, const struct entra_tenant *tenant, const struct entra_resource **out,
	char audience[static ENTRA_AUDIENCE_MAX], struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	*out = entra_resource_find(uri, audience);
	if (*out)
		return 0;
	return aadsts_set(err, 500011,
		"The resource principal named %s was not found in the tenant named %s. This can happen if the application has not "
		"been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent "
		"your authentication request to the wrong tenant.", aadsts_quote(uri, quoted), tenant->display_name);
}

// Numbers in the second generation, strings in the first, which tells more.
static json_t *token_answer(const struct entra_grant *g, const char *token, bool v2) {
	json_int_t expires_in = g->lifetime - 1;
	if (v2)
		return json_pack("{s:s, s:I, s:I, s:s}", "token_type", "Bearer", "expires_in", expires_in, "ext_expires_in",
			expires_in, "access_token", token);
	char in[24], on[24], from[24];
	(void)snprintf(in, sizeof(in), "%" JSON_INTEGER_FORMAT, expires_in);
	(void)snprintf(on, sizeof(on), "%" PRId64, g->now + g->lifetime);
	(void)snprintf(from, sizeof(from), "%" PRId64, g->now - ENTRA_BACKDATE);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "token_type", "Bearer", "expires_in", in, "ext_expires_in", in,
		"expires_on", on, "not_before", from, "resource", g->audience, "access_token", token);
}

static int give_token(const struct login_call *c, const struct entra_grant *g, json_t **answer, struct err *err) {
	_cleanup_buf_ struct buf token = {0};
	int rc = entra_issue(c->entra, g, &token, err);
	if (rc < 0)
		return rc;
	json_t *json = token_answer(g, buf_cstr(&token), c->v2);
	if (!json)
		return err_oom(err);
	*answer = json;
	return 0;
}

int login_token(const struct login_call *c, json_t **answer, struct err *err) {
	_cleanup_(token_request_free) struct token_request r = {0};
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_tenant tenant;
	struct entra_service_principal app;
	const struct entra_resource *resource;
	char audience[ENTRA_AUDIENCE_MAX];
	if (login_tenant_is_shared(c->tenant))
		return aadsts_set(err, 50059,
			"No tenant-identifying information found in either the request or implied by any provided credentials.");
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = login_tenant(tx, c->tenant, &tenant, err)) < 0 || (rc = read_request(c, &r, err)) < 0 ||
		(rc = authenticate_client(tx, &tenant, &r, &app, err)) < 0 ||
		(rc = find_resource(r.resource, &tenant, &resource, audience, err)) < 0)
		return rc;
	// Signing waits for the keeper; a connection to the store is not held meanwhile.
	store_rollback(&tx);
	const struct entra_grant grant = {&app, resource, audience, clock_now(), ENTRA_LIFETIME};
	return give_token(c, &grant, answer, err);
}
