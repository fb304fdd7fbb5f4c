// SPDX-License-Identifier: Apache-2.0
// The token endpoint: what a request is made of, and the client credentials grant (RFC 6749 4.4) with a client secret, in
// the form or as HTTP Basic, or with a client assertion.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "entra/aadsts.h"
#include "entra/login.h"

#define RESOURCE_MAX 256  // bytes of a resource's URI, with the NUL

const char *login_required(const struct form *form, const char *name, struct err *err) {
	const char *value = form_get(form, name);
	if (value && *value)
		return value;
	(void)aadsts_set(err, 900144, "The request body must contain the following parameter: '%s'.", name);
	return NULL;
}

int login_malformed(struct err *err, const char *why) {
	return aadsts_set(err, 9002313, "Invalid request. Request is malformed or invalid. %s", why);
}

static bool is_form(const char *content_type) {
	static const char form_type[] = "application/x-www-form-urlencoded";
	size_t n = sizeof(form_type) - 1;
	return content_type && strncasecmp(content_type, form_type, n) == 0 &&
		(!content_type[n] || strchr("; ", content_type[n]));
}

int login_read_form(const struct http_request *req, struct form *out, struct err *err) {
	struct err why;
	size_t len;
	const void *body = http_body(req, &len);
	if (!is_form(http_header(req, "Content-Type")))
		len = 0;
	int rc = form_parse(body, len, out, &why);
	if (rc == -EEXIST)
		return aadsts_set(err, 9000411, "The request is not properly formatted. %s", why.message);
	if (rc == -EINVAL)
		return login_malformed(err, why.message);
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

static int read_basic(const char *text, const struct form *form, struct buf *basic, struct login_proof *out, struct err *err) {
	int rc = decode_basic(text, basic);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return login_malformed(err, "The Authorization header is not valid.");
	const char *id = buf_cstr(basic), *in_form = form_get(form, "client_id");
	if (out->secret || (in_form && !strv_eq_nocase(in_form, id)))
		return login_malformed(err, "The client authenticates in two ways.");
	out->client_id = id;
	out->secret = id + strlen(id) + 1;
	return 0;
}

int login_read_proof(const struct http_request *req, const struct form *form, struct buf *basic, struct login_proof *out,
	struct err *err) {
	static const char scheme[] = "Basic ";
	const char *authorization = http_header(req, "Authorization");
	out->secret = form_get(form, "client_secret");
	out->assertion = form_get(form, "client_assertion");
	out->assertion_type = form_get(form, "client_assertion_type");
	if (authorization && strv_starts_with_nocase(authorization, scheme))
		return read_basic(authorization + sizeof(scheme) - 1, form, basic, out, err);
	out->client_id = login_required(form, "client_id", err);
	return out->client_id ? 0 : -EACCES;
}

// The first generation names the resource; the second asks for the scope "{resource}/.default", whence the double
// slash for a resource that ends with one.
static int read_resource(const struct form *form, bool v2, char out[static RESOURCE_MAX], struct err *err) {
	static const char suffix[] = "/.default";
	char quoted[AADSTS_QUOTE_MAX];
	const char *value = login_required(form, v2 ? "scope" : "resource", err);
	if (!value)
		return -EACCES;
	size_t len = strlen(value);
	if (v2 && (strchr(value, ' ') || !strv_ends_with_nocase(value, suffix)))
		return aadsts_set(err, 1002012,
			"The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default "
			"suffixed to the resource identifier (application ID URI).", aadsts_quote(value, quoted));
	if (v2)
		len -= sizeof(suffix) - 1;
	if (len >= RESOURCE_MAX)
		return login_malformed(err, "The resource is too long.");
	memcpy(out, value, len);
	out[len] = 0;
	return 0;
}

int login_resource(const char *uri, const char *tenant, const struct entra_resource **out,
	char audience[static ENTRA_AUDIENCE_MAX], struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	*out = entra_resource_find(uri, audience);
	if (*out)
		return 0;
	return aadsts_set(err, 500011,
		"The resource principal named %s was not found in the tenant named %s. This can happen if the application has not "
		"been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent "
		"your authentication request to the wrong tenant.", aadsts_quote(uri, quoted), tenant);
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

static int find_client(const struct login_call *c, const struct login_proof *proof, struct entra_tenant *tenant,
	struct login_client *client, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = login_tenant(tx, c->tenant, tenant, err)) < 0)
		return rc;
	return login_client_find(tx, tenant, proof, client, err);
}

static int grant_client(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
	struct err *err) {
	struct entra_tenant tenant;
	struct login_client client;
	char uri[RESOURCE_MAX], audience[ENTRA_AUDIENCE_MAX];
	const char *how;
	const struct entra_resource *resource;
	int rc = read_resource(form, c->v2, uri, err);
	if (rc < 0 || (rc = find_client(c, proof, &tenant, &client, err)) < 0 ||
		(rc = login_client_prove(c, &tenant, &client, proof, &how, err)) < 0)
		return rc;
	// What anybody can say of itself is no ground for acting as an application.
	if (strcmp(how, ENTRA_PROOF_NONE) == 0)
		return aadsts_set(err, 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
	if ((rc = login_resource(uri, tenant.display_name, &resource, audience, err)) < 0)
		return rc;
	const struct entra_grant grant = {.tenant_id = tenant.id, .client_id = client.sp.ids.app_id, .proof = how,
		.principal = &client.sp, .resource = resource, .audience = audience, .now = clock_now(),
		.lifetime = client.sp.resource_id[0] ? ENTRA_LIFETIME_IDENTITY : ENTRA_LIFETIME};
	return give_token(c, &grant, answer, err);
}

static const struct grant_kind {
	const char *name;
	bool of_people;
	int (*give)(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
		struct err *err);
} grants[] = {
	{"client_credentials", false, grant_client},
	{"urn:ietf:params:oauth:grant-type:device_code", true, login_grant_device},
	{"device_code", true, login_grant_device},  // of the first generation
	{"refresh_token", true, login_grant_refresh},
	{"password", true, login_grant_password},
};

static int find_grant(const struct form *form, const struct grant_kind **out, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	const char *name = login_required(form, "grant_type", err);
	if (!name)
		return -EACCES;
	for (size_t i = 0; i < ARRAY_SIZE(grants); i++) {
		if (strcmp(name, grants[i].name) != 0)
			continue;
		*out = &grants[i];
		return 0;
	}
	return aadsts_set(err, 70003, "The app requested an unsupported grant type '%s'.", aadsts_quote(name, quoted));
}

// The path names a tenant that is here, or any where the grant is a person's, who has one.
static int check_tenant(const struct login_call *c, bool of_people, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_tenant tenant;
	if (login_tenant_is_shared(c->tenant) && (!of_people || strv_eq_nocase(c->tenant, "consumers")))
		return aadsts_set(err, 50059,
			"No tenant-identifying information found in either the request or implied by any provided credentials.");
	if (login_tenant_is_shared(c->tenant))
		return 0;
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	return rc < 0 ? rc : login_tenant(tx, c->tenant, &tenant, err);
}

int login_token(const struct login_call *c, json_t **answer, struct err *err) {
	_cleanup_form_ struct form form = {0};
	_cleanup_buf_ struct buf basic = {0};
	struct login_proof proof = {0};
	const struct grant_kind *grant = NULL;
	int rc = login_read_form(c->req, &form, err);
	if (rc < 0)
		return rc;
	const char *name = form_get(&form, "grant_type");
	// The tenant is looked at before the rest of the request, as Entra does.
	if ((rc = check_tenant(c, name && strcmp(name, "client_credentials") != 0, err)) < 0 ||
		(rc = find_grant(&form, &grant, err)) < 0 || (rc = login_read_proof(c->req, &form, &basic, &proof, err)) < 0)
		return rc;
	return grant->give(c, &form, &proof, answer, err);
}
