// SPDX-License-Identifier: Apache-2.0
// Client assertions (RFC 7523 2.2): a JWT that the application signed with the key of one of its certificates, or a token
// of another issuer that a federated credential of the client names (Entra's workload identity federation).
//
// An assertion is dated by the clock of who made it: one of ours by the instance's, every other one by the real time,
// which is also good where the instance's clock was moved. It may be shown again until it ends, as client libraries do.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwt.h"
#include "entra/aadsts.h"
#include "entra/certificate.h"
#include "entra/directory.h"
#include "entra/issuer.h"
#include "entra/login.h"

#define LEEWAY 300             // seconds, for clocks that differ
#define LIFETIME_MAX 86400     // seconds that an assertion may still have
#define EXCHANGE_DOCUMENT "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

struct assertion {
	const char *text;
	size_t len;
	json_t *header, *claims;
	const char *issuer, *subject;
};

static void assertion_free(struct assertion *a) {
	json_decref(a->header);
	json_decref(a->claims);
}

static int malformed(struct err *err, const char *why) {
	return aadsts_set(err, 50027, "JWT token is invalid or malformed. %s", why);
}

static int read_assertion(const char *text, struct assertion *out, struct err *err) {
	struct err why = {0};
	struct assertion a = {.text = text, .len = strlen(text)};
	char quoted[AADSTS_QUOTE_MAX];
	int rc = jwt_peek(text, a.len, &a.header, &a.claims, &why);
	if (rc == -EBADMSG)
		return malformed(err, why.message);
	if (rc < 0) {
		*err = why;
		return rc;
	}
	*out = a;
	out->issuer = json_str(a.claims, "iss");
	out->subject = json_str(a.claims, "sub");
	const char *alg = json_str(a.header, "alg");
	if (!alg || (strcmp(alg, "RS256") != 0 && strcmp(alg, "PS256") != 0))
		return aadsts_set(err, 5002738,
			"Invalid JWT token. '%s' is not a supported signature algorithm. Supported signing algorithms are: 'RS256, PS256'.",
			aadsts_quote(alg ? alg : "", quoted));
	if (!out->issuer || !out->subject || strlen(out->issuer) > DIRECTORY_FEDERATED_TEXT_MAX || strlen(out->subject) > DIRECTORY_FEDERATED_TEXT_MAX)
		return malformed(err, "The claims 'iss' and 'sub' must be there.");
	return 0;
}

// Seconds of a claim, whose fraction is dropped.
static bool read_date(const json_t *claims, const char *name, int64_t *out) {
	const json_t *value = json_object_get(claims, name);
	double number = json_number_value(value);
	if (!json_is_number(value) || number < 0 || number > (double)CLOCK_LATEST)
		return false;
	*out = (int64_t)number;
	return true;
}

static bool is_within(int64_t now, int64_t from, int64_t until) {
	return from <= now + LEEWAY && now - LEEWAY < until && until <= now + LIFETIME_MAX + LEEWAY;
}

static int check_dates(const struct assertion *a, int64_t now, struct err *err) {
	int64_t until, from = 0;
	char now_text[CLOCK_RFC3339_MAX], from_text[CLOCK_RFC3339_MAX], until_text[CLOCK_RFC3339_MAX];
	if (!read_date(a->claims, "exp", &until) ||
		(json_object_get(a->claims, "nbf") && !read_date(a->claims, "nbf", &from)))
		return malformed(err, "The claims 'exp' and 'nbf' must be dates.");
	if (is_within(now, from, until))
		return 0;
	return aadsts_set(err, 700024,
		"Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of "
		"assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
		clock_rfc3339(now, now_text), clock_rfc3339(from, from_text), clock_rfc3339(until, until_text));
}

// `name`'s claim is this text, or a list with it.
static bool has_audience(const struct assertion *a, const char *text) {
	const json_t *aud = json_object_get(a->claims, "aud"), *one;
	size_t i;
	if (json_is_string(aud))
		return strcmp(json_string_value(aud), text) == 0;
	json_array_foreach(aud, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), text) == 0)
			return true;
	return false;
}

// Certificates.

struct thumbprint {
	uint8_t bytes[HASH_SHA256_SIZE];
	size_t len;
};

// A thumbprint in base64url; some libraries pad it.
static bool read_thumbprint(const char *text, size_t wanted, struct thumbprint *out) {
	_cleanup_buf_ struct buf bytes = {0};
	size_t len = text ? strlen(text) : 0;
	while (len > 0 && text[len - 1] == '=')
		len--;
	if (len == 0 || dec_base64url(&bytes, text, len) < 0 || bytes.len != wanted)
		return false;
	memcpy(out->bytes, bytes.data, wanted);
	out->len = wanted;
	return true;
}

static bool find_thumbprint(const struct assertion *a, struct thumbprint *out) {
	return read_thumbprint(json_string_value(json_object_get(a->header, "x5t#S256")), HASH_SHA256_SIZE, out) ||
		read_thumbprint(json_string_value(json_object_get(a->header, "x5t")), CERTIFICATE_SHA1_SIZE, out);
}

static int bad_signature(const struct thumbprint *t, const char *reason, struct err *err) {
	_cleanup_buf_ struct buf hex = {0};
	if (enc_hex(&hex, t->bytes, t->len) < 0)
		return err_oom(err);
	return aadsts_set(err, 700027,
		"Client assertion contains an invalid signature. [Reason - %s, Thumbprint of key used by client: '%s']", reason,
		buf_cstr(&hex));
}

// -ENOENT with err untouched when neither the application nor its service principal has a certificate of this thumbprint.
static int find_certificate(struct entra *e, const struct entra_principal *p, const struct thumbprint *t,
	struct certificate *out, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_buf_ struct buf der = {0};
	int64_t from, until;
	int rc = store_begin(e->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = directory_find_certificate(tx, p, t->bytes, t->len, &der, &from, &until, err)) < 0)
		return rc;
	rc = certificate_read(der.data, der.len, out, err);
	return rc < 0 ? rc : out->key ? 0 : -ENOENT;
}

// The endpoints and issuers by which the tenant may be meant: by its id or by the name in the request's path.
static bool names_tenant(const struct assertion *a, const char *tenant) {
	static const char *const hosts[] = {"login.microsoftonline.com", "login.windows.net", "sts.windows.net"};
	static const char *const paths[] = {"/oauth2/token", "/oauth2/v2.0/token", "/v2.0", "/"};
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(paths); k++) {
			char url[256];
			(void)snprintf(url, sizeof(url), "https://%s/%s%s", hosts[i], tenant, paths[k]);
			if (has_audience(a, url))
				return true;
		}
	}
	return false;
}

static int check_claims(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const struct assertion *a, struct err *err) {
	if (!strv_eq_nocase(a->subject, client->sp.ids.app_id))
		return aadsts_set(err, 700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
	if (!(tenant && names_tenant(a, tenant->id)) && !names_tenant(a, c->tenant))
		return aadsts_set(err, 700023, "Client assertion audience claim does not match Realm issuer.");
	return check_dates(a, clock_real_now(), err);
}

static int check_by_certificate(const struct login_call *c, const struct entra_tenant *tenant,
	const struct login_client *client, const struct assertion *a, struct err *err) {
	_cleanup_certificate_ struct certificate certificate = {0};
	struct thumbprint t;
	if (!find_thumbprint(a, &t))
		return aadsts_set(err, 5002723,
			"Invalid JWT token. No certificate thumbprint found in the token header: 'x5t' or 'x5t#S256' must be there.");
	int rc = find_certificate(c->entra, &client->sp.ids, &t, &certificate, err);
	if (rc == -ENOENT)
		return bad_signature(&t, "The key was not found.", err);
	if (rc < 0)
		return rc;
	rc = jwt_check_signature(a->text, a->len, certificate.key, err);
	if (rc == -EBADMSG)
		return bad_signature(&t, "The provided signature value did not match the expected signature value.", err);
	if (rc < 0)
		return rc;
	// By the instance's time: that an application's certificate ends can be rehearsed.
	int64_t now = clock_now();
	if (now >= certificate.not_after || now < certificate.not_before)
		return bad_signature(&t, "The key used is expired.", err);
	return check_claims(c, tenant, client, a, err);
}

// Federated credentials.

struct match {
	bool any, issuer, subject, subject_nocase, whole;
};

static void compare(const struct assertion *a, const char *issuer, const char *subject, const char *audience,
	struct match *m) {
	m->any = true;
	if (strcmp(a->issuer, issuer) != 0)
		return;
	m->issuer = true;
	m->subject_nocase = m->subject_nocase || strv_eq_nocase(a->subject, subject);
	if (strcmp(a->subject, subject) != 0)
		return;
	m->subject = true;
	m->whole = m->whole || has_audience(a, audience);
}

static int find_credential(struct entra *e, const char *owner, const struct assertion *a, struct match *out,
	struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_free_ struct directory_federated *all = NULL;
	size_t count = 0;
	int rc = store_begin(e->store, STORE_READ, &tx, err);
	if (rc < 0 || (rc = directory_federated_list(tx, owner, &all, &count, err)) < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		compare(a, all[i].issuer, all[i].subject, all[i].audience, out);
	return 0;
}

static int no_match(const struct assertion *a, const struct match *m, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	const json_t *aud = json_object_get(a->claims, "aud");
	const char *audience = json_string_value(json_is_array(aud) ? json_array_get(aud, 0) : aud);
	if (m->issuer && m->subject_nocase && !m->subject)
		return aadsts_set(err, 7002138,
			"No matching federated identity record found for presented assertion subject '%s'. The subject matches with "
			"case-insensitive comparison, but not with case-sensitive comparison. " EXCHANGE_DOCUMENT,
			aadsts_quote(a->subject, quoted));
	unsigned code = !m->issuer ? 700211 : !m->subject ? 700213 : 700212;
	const char *what = !m->issuer ? "issuer" : !m->subject ? "subject" : "audience";
	const char *value = !m->issuer ? a->issuer : !m->subject ? a->subject : audience ? audience : "";
	return aadsts_set(err, code,
		"No matching federated identity record found for presented assertion %s '%s'. Please check your federated identity "
		"credential Subject, Audience and Issuer against the presented assertion. " EXCHANGE_DOCUMENT, what,
		aadsts_quote(value, quoted));
}

// The tenant of an issuer that is Entra's own: "" for one that only looks like it. False for everybody else's.
static bool own_issuer(const char *issuer, char tenant[static ENC_UUID_SIZE]) {
	static const char v2[] = "https://login.microsoftonline.com/", v1[] = "https://sts.windows.net/";
	bool second = strv_starts_with_nocase(issuer, v2);
	if (!second && !strv_starts_with_nocase(issuer, v1))
		return false;
	const char *rest = issuer + (second ? sizeof(v2) : sizeof(v1)) - 1;
	size_t len = ENC_UUID_SIZE - 1;
	tenant[0] = 0;
	if (strlen(rest) > len && strcmp(rest + len, second ? "/v2.0" : "/") == 0) {
		(void)snprintf(tenant, ENC_UUID_SIZE, "%.*s", (int)len, rest);
		if (!enc_is_uuid(tenant))
			tenant[0] = 0;
	}
	return true;
}

static int not_a_managed_identity(const struct assertion *a, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	return aadsts_set(err, 700236,
		"Entra ID tokens issued by issuer '%s' may not be used for federated identity credential flows for applications or "
		"managed identities registered in this tenant, unless they are a managed identity's of the same tenant.",
		aadsts_quote(a->issuer, quoted));
}

// Of our own tokens only a user-assigned identity's will do, and only for an application of the same tenant.
static int check_identity(struct entra *e, const char *tenant, const char *owner, const struct assertion *a,
	struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_service_principal p;
	int64_t same = 0;
	const char *client_id = json_str(a->claims, "azp"), *type = json_str(a->claims, "idtyp");
	if (!type || strcmp(type, "app") != 0)
		return aadsts_set(err, 700229,
			"Forbidden token type. Only app-only tokens may be used as Federated Identity Credentials for AAD issuer.");
	if (!client_id)
		client_id = json_str(a->claims, "appid");
	int rc = store_begin(e->store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	rc = client_id ? entra_identity_find(tx, client_id, &p, err) : -ENOENT;
	if (rc == -ENOENT || (rc == 0 && (!p.enabled || strcmp(p.ids.object_id, a->subject) != 0 ||
						 strcmp(p.ids.tenant_id, tenant) != 0)))
		return not_a_managed_identity(a, err);
	if (rc < 0)
		return rc;
	rc = store_query_int(tx, &same, err,
		"SELECT COUNT(*) FROM applications WHERE tenant_id = $1 AND object_id = $2", "ss", tenant, owner);
	if (rc == 0 && !same)
		return not_a_managed_identity(a, err);
	return rc;
}

static int check_own_token(struct entra *e, const char *tenant, const char *owner, const struct assertion *a,
	struct err *err) {
	_cleanup_json_ json_t *claims = NULL;
	struct err why;
	if (!tenant[0])
		return aadsts_set(err, 50166, "Request to External OIDC endpoint failed.");
	int rc = jwt_verify(a->text, a->len, entra_key_lookup, e, &claims, &why);
	if (rc == -EBADMSG)
		return aadsts_set(err, 50013, "Assertion failed signature validation. [Reason - %s]", why.message);
	if (rc < 0) {
		*err = why;
		return rc;
	}
	rc = check_dates(a, clock_now(), err);
	return rc < 0 ? rc : check_identity(e, tenant, owner, a, err);
}

static int check_outside_token(struct entra *e, const char *tenant, const struct assertion *a, struct err *err) {
	_cleanup_pkey_ struct key *key = NULL;
	char quoted[AADSTS_QUOTE_MAX], quoted_issuer[AADSTS_QUOTE_MAX];
	const char *kid = json_str(a->header, "kid");
	struct err why = {0};
	int rc = kid ? issuers_key(e->issuers, tenant, a->issuer, kid, &key, &why) : -ENOENT;
	if (rc == -ENOENT)
		return aadsts_set(err, 7000272,
			"The certificate with identifier %s used to sign the federated credential could not be found in the metadata of "
			"identity provider %s. Please validate that your Identity Provider's metadata exposes the key used to sign the "
			"incoming token.", aadsts_quote(kid ? kid : "", quoted), aadsts_quote(a->issuer, quoted_issuer));
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return aadsts_set(err, 50166, "Request to External OIDC endpoint failed. (%.256s)", why.message);
	rc = jwt_check_signature(a->text, a->len, key, &why);
	if (rc == -EBADMSG)
		return aadsts_set(err, 50013, "Assertion failed signature validation. [Reason - %s]", why.message);
	return rc < 0 ? rc : check_dates(a, clock_real_now(), err);
}

static int check_by_federation(const struct login_call *c, const struct login_client *client, const struct assertion *a,
	struct err *err) {
	struct match m = {0};
	char tenant[ENC_UUID_SIZE];
	int rc = find_credential(c->entra, client->owner, a, &m, err);
	if (rc < 0)
		return rc;
	if (!m.any)
		return aadsts_set(err, 70025, "The client '%s'(%s) has no configured federated identity credentials.",
			client->sp.ids.app_id, client->sp.display_name);
	// Nobody is asked for keys, and nothing is verified, before the client's owner has said that this issuer is trusted.
	if (!m.whole)
		return no_match(a, &m, err);
	return own_issuer(a->issuer, tenant) ? check_own_token(c->entra, tenant, client->owner, a, err)
					     : check_outside_token(c->entra, client->sp.ids.tenant_id, a, err);
}

int login_assertion_check(const struct login_call *c, const struct entra_tenant *tenant, const struct login_client *client,
	const char *assertion, struct err *err) {
	_cleanup_(assertion_free) struct assertion a = {0};
	int rc = read_assertion(assertion, &a, err);
	if (rc < 0)
		return rc;
	// What the application says of itself it signs itself.
	return strv_eq_nocase(a.issuer, client->sp.ids.app_id) ? check_by_certificate(c, tenant, client, &a, err)
								: check_by_federation(c, client, &a, err);
}
