// SPDX-License-Identifier: Apache-2.0
// The login face: routes, OpenID Connect discovery (OpenID Connect Discovery 1.0), published keys, and the instance
// discovery that Microsoft's client libraries begin with.
#include "entra/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwk.h"
#include "entra/aadsts.h"
#include "net/router.h"

#define AUTHORITY "https://login.microsoftonline.com"

bool login_tenant_is_shared(const char *segment) {
	return strv_eq_nocase(segment, "common") || strv_eq_nocase(segment, "organizations") ||
		strv_eq_nocase(segment, "consumers");
}

static int tenant_not_found(const char *segment, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	return aadsts_set(err, 90002,
		"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. "
		"Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
		aadsts_quote(segment, quoted));
}

int login_tenant(struct store_tx *tx, const char *segment, struct entra_tenant *out, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	if (!enc_is_uuid(segment) && !strchr(segment, '.'))
		return aadsts_set(err, 900023,
			"Specified tenant identifier '%s' is neither a valid DNS name, nor a valid external domain.",
			aadsts_quote(segment, quoted));
	_cleanup_free_ char *key = strv_lower(segment);
	if (!key)
		return err_oom(err);
	int rc = enc_is_uuid(key) ? entra_tenant_find(tx, key, out, err) : entra_tenant_find_by_domain(tx, key, out, err);
	return rc == -ENOENT ? tenant_not_found(segment, err) : rc;
}

int login_tenant_id(const struct login_call *c, const char *shared, char out[static ENC_UUID_SIZE], struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_tenant tenant;
	if (login_tenant_is_shared(c->tenant)) {
		(void)snprintf(out, ENC_UUID_SIZE, "%s", shared);
		return 0;
	}
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = login_tenant(tx, c->tenant, &tenant, err)) < 0)
		return rc;
	memcpy(out, tenant.id, ENC_UUID_SIZE);
	return 0;
}

static json_t *openid_document(const char *tenant, const char *segment, bool v2) {
	const char *generation = v2 ? "/v2.0" : "";
	_cleanup_free_ char *issuer = strv_printf(v2 ? AUTHORITY "/%s/v2.0" : "https://sts.windows.net/%s/", tenant);
	_cleanup_free_ char *token = strv_printf(AUTHORITY "/%s/oauth2%s/token", segment, generation);
	_cleanup_free_ char *authorize = strv_printf(AUTHORITY "/%s/oauth2%s/authorize", segment, generation);
	_cleanup_free_ char *keys = strv_printf(AUTHORITY "/%s/discovery%s/keys", segment, generation);
	_cleanup_free_ char *device = strv_printf(AUTHORITY "/%s/oauth2%s/devicecode", segment, generation);
	if (!issuer || !token || !authorize || !keys || !device)
		return NULL;
	// authorization_endpoint is required by the standard and by client libraries; signing in with a browser is not
	// offered, and so none of the members that only serve it are listed.
	return json_pack("{s:s, s:[s,s,s], s:s, s:[s], s:[s], s:[s], s:[s,s,s,s], s:s, s:s, s:s,"
			 " s:[s,s,s,s,s,s,s,s,s,s,s,s], s:s, s:s}",
		"token_endpoint", token, "token_endpoint_auth_methods_supported", "client_secret_post", "private_key_jwt",
		"client_secret_basic", "jwks_uri", keys, "subject_types_supported", "pairwise",
		"id_token_signing_alg_values_supported", "RS256", "response_types_supported", "code", "scopes_supported", "openid",
		"profile", "email", "offline_access", "issuer", issuer, "authorization_endpoint", authorize,
		"device_authorization_endpoint", device, "claims_supported", "sub", "iss", "aud", "exp", "iat", "nonce",
		"preferred_username", "name", "tid", "oid", "ver", "idtyp", "cloud_instance_name", "microsoftonline.com",
		"msgraph_host", "graph.microsoft.com");
}

static int openid_configuration(const struct login_call *c, json_t **answer, struct err *err) {
	char tenant[ENC_UUID_SIZE];
	int rc = login_tenant_id(c, "{tenantid}", tenant, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *segment = login_tenant_is_shared(c->tenant) ? strv_lower(c->tenant) : strdup(tenant);
	json_t *document = segment ? openid_document(tenant, segment, c->v2) : NULL;
	if (!document)
		return err_oom(err);
	*answer = document;
	return 0;
}

static int published_key(const struct entra_published *key, const char *issuer, json_t *keys, struct err *err) {
	json_t *jwk = NULL;
	int rc = jwk_from_public(&key->pub, &jwk, err);
	if (rc < 0)
		return rc;
	// The array takes the reference even when it fails.
	if (json_array_append_new(keys, jwk) < 0 || json_set_str(jwk, "use", "sig") < 0 ||
		json_set_str(jwk, "kid", key->kid) < 0 || json_set_str(jwk, "x5t", key->kid) < 0 ||
		json_set_str(jwk, "cloud_instance_name", "microsoftonline.com") < 0 ||
		(issuer && json_set_str(jwk, "issuer", issuer) < 0))
		return err_oom(err);
	return 0;
}

static int discovery_keys(const struct login_call *c, json_t **answer, struct err *err) {
	char tenant[ENC_UUID_SIZE];
	int rc = login_tenant_id(c, "{tenantid}", tenant, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *issuer = strv_printf(AUTHORITY "/%s/v2.0", tenant);
	_cleanup_json_ json_t *keys = json_array();
	_cleanup_free_ struct entra_published *published = NULL;
	size_t count;
	if (!issuer || !keys)
		return err_oom(err);
	if ((rc = entra_published_keys(c->entra, &published, &count, err)) < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		if ((rc = published_key(&published[i], c->v2 ? issuer : NULL, keys, err)) < 0)
			return rc;
	json_t *document = json_pack("{s:O}", "keys", keys);
	if (!document)
		return err_oom(err);
	*answer = document;
	return 0;
}

// All names of the one cloud that is served here, the first being preferred.
static const char *const instance_hosts[] = {
	"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"};

// "https://{known host}/{tenant}/…": true, with the tenant and whether the second generation is meant.
static bool split_authorize_url(const char *url, const char **host, char tenant[static 128], bool *v2) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	static const char scheme[] = "https://";
	if (!strv_starts_with_nocase(url, scheme))
		return false;
	url += sizeof(scheme) - 1;
	for (size_t i = 0; i < ARRAY_SIZE(instance_hosts); i++) {
		size_t n = strlen(instance_hosts[i]);
		if (strncasecmp(url, instance_hosts[i], n) != 0 || url[n] != '/')
			continue;
		const char *rest = url + n + 1;
		(void)snprintf(tenant, 128, "%.*s", (int)strcspn(rest, "/"), rest);
		*host = instance_hosts[i];
		*v2 = strstr(rest, "/v2.0") != NULL;
		return strv_made_of(tenant, allowed, 1, 127);
	}
	return false;
}

static json_t *cloud_metadata(void) {
	return json_pack("[{s:s, s:s, s:[s,s,s,s]}]", "preferred_network", instance_hosts[0], "preferred_cache",
		instance_hosts[1], "aliases", instance_hosts[0], instance_hosts[1], instance_hosts[2], instance_hosts[3]);
}

static int instance_document(const char *endpoint, const char *version, json_t **answer, struct err *err) {
	_cleanup_json_ json_t *document = json_object();
	if (!document || json_set_str(document, "tenant_discovery_endpoint", endpoint) < 0)
		return err_oom(err);
	// Version 1.0 knows neither of these.
	if (strcmp(version, "1.1") == 0 &&
		(json_set_str(document, "api-version", version) < 0 || json_set(document, "metadata", cloud_metadata()) < 0))
		return err_oom(err);
	*answer = TAKE_PTR(document);
	return 0;
}

static int discovery_instance(const struct login_call *c, json_t **answer, struct err *err) {
	const char *version = http_query(c->req, "api-version"), *url = http_query(c->req, "authorization_endpoint");
	const char *host;
	char tenant[128], quoted[AADSTS_QUOTE_MAX];
	bool v2;
	if (!version || !url)
		return aadsts_set(err, 900144, "The request body must contain the following parameter: '%s'.",
			version ? "authorization_endpoint" : "api-version");
	if (strcmp(version, "1.0") != 0 && strcmp(version, "1.1") != 0)
		return aadsts_set(err, 9002313, "Invalid request. The api-version '%s' is not supported.",
			aadsts_quote(version, quoted));
	if (!split_authorize_url(url, &host, tenant, &v2))
		return aadsts_set(err, 50049, "Unknown or invalid instance.");
	_cleanup_free_ char *endpoint = strv_printf("https://%s/%s%s/.well-known/openid-configuration", host, tenant,
		v2 ? "/v2.0" : "");
	return endpoint ? instance_document(endpoint, version, answer, err) : err_oom(err);
}

static const struct login_route {
	struct route route;
	int (*handle)(const struct login_call *c, json_t **answer, struct err *err);
	bool v2;
	const char *cache;  // Cache-Control
	// In the place of `handle`: answers by itself.
	void (*serve)(struct entra *e, const struct http_request *req, struct http_response *res);
} routes[] = {
	{{"POST", "/{tenant}/oauth2/v2.0/token"}, login_token, true, "no-store, no-cache", NULL},
	{{"POST", "/{tenant}/oauth2/token"}, login_token, false, "no-store, no-cache", NULL},
	{{"POST", "/{tenant}/oauth2/v2.0/devicecode"}, login_device_code, true, "no-store, no-cache", NULL},
	{{"POST", "/{tenant}/oauth2/devicecode"}, login_device_code, false, "no-store, no-cache", NULL},
	{{"GET", "/{tenant}/oauth2/deviceauth"}, NULL, false, NULL, login_device_page},
	{{"POST", "/{tenant}/oauth2/deviceauth"}, NULL, false, NULL, login_device_page},
	{{"POST", "/custodisk/devicecodes"}, NULL, false, NULL, login_device_operator},
	{{"GET", "/{tenant}/v2.0/.well-known/openid-configuration"}, openid_configuration, true, "max-age=86400, private", NULL},
	{{"GET", "/{tenant}/.well-known/openid-configuration"}, openid_configuration, false, "max-age=86400, private", NULL},
	{{"GET", "/{tenant}/discovery/v2.0/keys"}, discovery_keys, true, "max-age=86400, private", NULL},
	{{"GET", "/{tenant}/discovery/keys"}, discovery_keys, false, "max-age=86400, private", NULL},
	{{"GET", "/common/discovery/instance"}, discovery_instance, false, "max-age=86400, private", NULL},
	// The parameter is not a tenant here, but the user's name.
	{{"GET", "/common/userrealm/{tenant}"}, login_user_realm, false, "no-store, no-cache", NULL},
};

struct ids {
	char trace[ENC_UUID_SIZE];
	char correlation[ENC_UUID_SIZE];
};

static int make_ids(const struct http_request *req, struct ids *out) {
	const char *given = http_header(req, "client-request-id");
	int rc = enc_uuid(out->trace);
	if (rc < 0)
		return rc;
	if (!given || !enc_is_uuid(given))
		return enc_uuid(out->correlation);
	(void)snprintf(out->correlation, sizeof(out->correlation), "%s", given);
	return 0;
}

static int set_headers(const struct http_request *req, const struct ids *ids, const char *cache, struct http_response *res) {
	const char *echo = http_header(req, "return-client-request-id");
	int rc = http_set_header(res, "Cache-Control", "%s", cache);
	if (rc == 0 && strncmp(cache, "no-store", 8) == 0)
		rc = http_set_header(res, "Pragma", "no-cache");
	if (rc == 0 && strncmp(cache, "no-store", 8) == 0)
		rc = http_set_header(res, "Expires", "-1");
	if (rc == 0)
		rc = http_set_header(res, "Strict-Transport-Security", "max-age=31536000; includeSubDomains");
	if (rc == 0)
		rc = http_set_header(res, "X-Content-Type-Options", "nosniff");
	if (rc == 0)
		rc = http_set_header(res, "x-ms-request-id", "%s", ids->trace);
	if (rc == 0 && echo && strv_eq_nocase(echo, "true"))
		rc = http_set_header(res, "client-request-id", "%s", ids->correlation);
	return rc;
}

// Takes the answer. Nothing but a lack of memory stands behind a bare 500.
static void reply(const struct http_request *req, const struct ids *ids, const char *cache, int status, json_t *answer,
	struct http_response *res) {
	res->json = answer;
	res->status = answer && set_headers(req, ids, cache, res) == 0 ? status : 500;
}

static void refuse(const struct http_request *req, const struct ids *ids, struct err *err, struct http_response *res) {
	// Whatever is not a refusal of ours is the service's own trouble.
	if (!err->inner[0])
		aadsts_transient(err);
	reply(req, ids, "no-store, no-cache", err->status,
		aadsts_body(err, ids->trace, ids->correlation, clock_now()), res);
}

void entra_login_handle(void *entra, const struct http_request *req, struct http_response *res) {
	struct route_match match;
	struct ids ids;
	struct err err = {0};
	json_t *answer = NULL;
	enum route_result found =
		route_find(routes, ARRAY_SIZE(routes), sizeof(routes[0]), http_method(req), http_path(req), &match);
	if (found == ROUTE_NO_PATH || make_ids(req, &ids) < 0) {
		res->status = found == ROUTE_NO_PATH ? 404 : 500;
		return;
	}
	if (found == ROUTE_NO_METHOD) {
		bool posts = strcmp(http_method(req), "GET") == 0;
		(void)aadsts_set(&err, 900561, "The endpoint only accepts %s requests. Received a %s request.",
			posts ? "POST" : "GET", http_method(req));
		refuse(req, &ids, &err, res);
		return;
	}
	const struct login_route *route = &routes[match.index];
	if (route->serve) {
		route->serve(entra, req, res);
		return;
	}
	const struct login_call call = {entra, req, route_param(&match, "tenant"), route->v2};
	if (route->handle(&call, &answer, &err) < 0)
		refuse(req, &ids, &err, res);
	else
		reply(req, &ids, route->cache, 200, answer, res);
}
