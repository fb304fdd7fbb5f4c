// SPDX-License-Identifier: Apache-2.0
// The instance metadata face: tokens of managed identities for what the hypervisor runs (docs/protocol/host.md;
// Azure's "How to use managed identities for Azure resources on an Azure VM to acquire an access token").
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "entra/aadsts.h"
#include "entra/internal.h"

#define TOKEN_PATH "/metadata/identity/oauth2/token"
#define APP_SERVICE_PATH "/msi/token"
#define SUBJECT_MAX 128  // characters
#define MAC_MAX 43       // characters: 32 bytes in base64url

static bool subject_is_valid(const char *subject) {
	return strv_made_of(subject, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_", 1, SUBJECT_MAX);
}

// Append the MAC of "{client id}.{subject}".
static int header_mac(const struct entra *e, const char *signed_text, size_t len, struct buf *out, struct err *err) {
	uint8_t mac[HASH_SHA256_SIZE];
	int rc = hash_hmac_sha256(e->header_key.data, e->header_key.len, signed_text, len, mac);
	rc = rc < 0 ? rc : enc_base64url(out, mac, sizeof(mac));
	return rc < 0 ? err_errno(err, rc, "cannot authenticate an identity header") : 0;
}

int entra_identity_header(struct entra *e, const char *client_id, const char *subject, char **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0}, mac = {0};
	_cleanup_free_ char *id = strv_lower(client_id);
	if (!id)
		return err_oom(err);
	if (!enc_is_uuid(id) || !subject_is_valid(subject))
		return err_set(err, -EINVAL, 400, "BadRequest", "The client id or the subject of an identity header is not valid.");
	if (buf_printf(&text, "%s.%s", id, subject) < 0)
		return err_oom(err);
	int rc = header_mac(e, buf_cstr(&text), text.len, &mac, err);
	if (rc < 0)
		return rc;
	char *header = buf_printf(&text, ".%s", buf_cstr(&mac)) == 0 ? buf_take_str(&text) : NULL;
	if (!header)
		return err_oom(err);
	*out = header;
	return 0;
}

static int identity_not_found(struct err *err) {
	return err_set(err, -ENOENT, 400, "invalid_request", "Identity not found");
}

// The client id that a capability speaks for, once its MAC holds.
static int check_header(const struct entra *e, const char *header, char client_id[static ENC_UUID_SIZE], struct err *err) {
	_cleanup_buf_ struct buf expected = {0};
	if (!header || strlen(header) > ENC_UUID_SIZE + SUBJECT_MAX + 1 + MAC_MAX)
		return identity_not_found(err);
	const char *mac = strrchr(header, '.');
	if (!mac)
		return identity_not_found(err);
	int rc = header_mac(e, header, (size_t)(mac - header), &expected, err);
	if (rc < 0)
		return rc;
	if (!secret_equal(mac + 1, strlen(mac + 1), expected.data, expected.len))
		return identity_not_found(err);
	// What carries our MAC was made by entra_identity_header: a UUID, a dot, a subject.
	(void)snprintf(client_id, ENC_UUID_SIZE, "%s", header);
	return 0;
}

static bool agrees(const struct http_request *req, const char *parameter, const char *value) {
	const char *asked = http_query(req, parameter);
	return !asked || strv_eq_nocase(asked, value);
}

// A caller that names an identity gets that one or none.
static bool selectors_agree(const struct http_request *req, const struct entra_service_principal *p) {
	return agrees(req, "client_id", p->ids.app_id) && agrees(req, "object_id", p->ids.object_id) &&
		agrees(req, "msi_res_id", p->resource_id) && agrees(req, "mi_res_id", p->resource_id);
}

// The identity that the caller is: by what it shows, or by where it stands.
static int find_caller(struct entra *e, struct store_tx *tx, const char *resident, const char *header,
	struct entra_service_principal *out, struct err *err) {
	struct entra_principal ids;
	char client_id[ENC_UUID_SIZE];
	int rc;
	if (header || !resident) {
		rc = check_header(e, header, client_id, err);
	} else {
		rc = entra_find_managed_identity(tx, resident, &ids, err);
		if (rc == 0)
			memcpy(client_id, ids.app_id, sizeof(client_id));
	}
	if (rc == 0)
		rc = entra_identity_find(tx, client_id, out, err);
	return rc == -ENOENT ? identity_not_found(err) : rc;
}

static int find_identity(struct entra *e, const char *resident, const struct http_request *req,
	struct entra_service_principal *out, struct entra_tenant *tenant, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_service_principal p;
	int rc = store_begin(e->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = find_caller(e, tx, resident, http_header(req, "X-IDENTITY-HEADER"), &p, err)) < 0)
		return rc;
	if (!p.enabled || !selectors_agree(req, &p))
		return identity_not_found(err);
	rc = entra_tenant_find(tx, p.ids.tenant_id, tenant, err);
	if (rc == -ENOENT)
		return identity_not_found(err);
	if (rc == 0)
		*out = p;
	return rc;
}

static bool version_is_known(const char *version) {
	// The versions that the metadata service lists, from the first that had identities.
	static const char *const known[] = {"2018-02-01", "2018-04-02", "2018-10-01", "2019-02-01", "2019-03-11", "2019-04-30",
		"2019-06-01", "2019-06-04", "2019-08-01", "2019-08-15", "2019-11-01", "2020-06-01", "2020-07-15", "2020-09-01",
		"2020-10-01", "2020-12-01", "2021-01-01", "2021-02-01", "2021-03-01", "2021-05-01", "2021-10-01", "2021-11-01",
		"2021-11-15", "2021-12-13", "2023-07-01", "2023-11-15", "2024-03-15", "2024-07-17", "2025-04-07"};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(version, known[i]) == 0)
			return true;
	return false;
}

static int bad_request(struct err *err, const char *description) {
	return err_set(err, -EINVAL, 400, "invalid_request", "%s", description);
}

// The marks of a request that was made on purpose: a browser or a proxy tricked into it cannot give them. App Service's
// form has the identity header itself for one.
static int check_request(const struct http_request *req, bool app_service, struct err *err) {
	const char *mark = http_header(req, "Metadata"), *version = http_query(req, "api-version");
	if (app_service && !http_header(req, "X-IDENTITY-HEADER"))
		return err_set(err, -EACCES, 401, "invalid_request", "Required X-IDENTITY-HEADER header not specified");
	if (!app_service && (!mark || !strv_eq_nocase(mark, "true")))
		return bad_request(err, "Required metadata header not specified");
	if (http_header(req, "X-Forwarded-For"))
		return bad_request(err, "A request with the X-Forwarded-For header is not accepted");
	if (!version)
		return bad_request(err, "Required query variable 'api-version' is missing");
	if (app_service ? strcmp(version, "2019-08-01") != 0 : !version_is_known(version))
		return bad_request(err, "The api-version is not supported");
	if (!http_query(req, "resource"))
		return bad_request(err, "Required query variable 'resource' is missing");
	return 0;
}

// Every value a string, as the metadata service prints them.
static json_t *token_answer(const struct entra_grant *g, const char *token) {
	char in[24], on[24], from[24];
	(void)snprintf(in, sizeof(in), "%" PRId64, g->lifetime - 1);
	(void)snprintf(on, sizeof(on), "%" PRId64, g->now + g->lifetime);
	(void)snprintf(from, sizeof(from), "%" PRId64, g->now - ENTRA_BACKDATE);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "access_token", token, "client_id",
		g->principal->ids.app_id, "expires_in", in, "expires_on", on, "ext_expires_in", in, "not_before", from, "resource",
		g->audience, "token_type", "Bearer");
}

static int give_token(struct entra *e, const char *resident, const struct http_request *req, bool app_service,
	json_t **answer, struct err *err) {
	_cleanup_buf_ struct buf token = {0};
	struct entra_service_principal identity;
	struct entra_tenant tenant;
	char audience[ENTRA_AUDIENCE_MAX], quoted[AADSTS_QUOTE_MAX];
	int rc = check_request(req, app_service, err);
	if (rc < 0 || (rc = find_identity(e, resident, req, &identity, &tenant, err)) < 0)
		return rc;
	const struct entra_resource *resource = entra_resource_find(http_query(req, "resource"), audience);
	if (!resource)
		return err_set(err, -EINVAL, 400, "invalid_resource",
			"AADSTS500011: The resource principal named %s was not found in the tenant named %s.",
			aadsts_quote(http_query(req, "resource"), quoted), tenant.display_name);
	const struct entra_grant grant = {.tenant_id = tenant.id, .client_id = identity.ids.app_id,
		.proof = ENTRA_PROOF_ASSERTION, .principal = &identity, .resource = resource, .audience = audience,
		.now = clock_now(), .lifetime = ENTRA_LIFETIME_IDENTITY};
	if ((rc = entra_issue(e, &grant, &token, err)) < 0)
		return rc;
	json_t *json = token_answer(&grant, buf_cstr(&token));
	if (!json)
		return err_oom(err);
	*answer = json;
	return 0;
}

static void refuse(const struct err *err, struct http_response *res) {
	// The documented answer for trouble behind the endpoint is 500 "unknown", which clients try again.
	bool own = err->status >= 500;
	res->status = own ? 500 : err->status;
	res->json = json_pack("{s:s, s:s}", "error", own ? "unknown" : err->code, "error_description", err->message);
}

void entra_metadata_handle(struct entra *e, const char *resident, const struct http_request *req,
	struct http_response *res) {
	struct err err = {0};
	bool app_service = strv_eq_nocase(http_path(req), APP_SERVICE_PATH);
	// The address is link-local and has no certificate: whoever comes over TLS came another way.
	if (http_is_tls(req) || (!app_service && !strv_eq_nocase(http_path(req), TOKEN_PATH))) {
		res->status = 404;
		res->json = json_pack("{s:s}", "error", "Not found");
		return;
	}
	if (strcmp(http_method(req), "GET") != 0) {
		res->status = 405;
		res->json = json_pack("{s:s}", "error", "Method not allowed");
		return;
	}
	if (give_token(e, resident, req, app_service, &res->json, &err) < 0)
		refuse(&err, res);
	if (http_set_header(res, "Cache-Control", "no-store, no-cache") < 0)
		res->status = 500;
}
