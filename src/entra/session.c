// SPDX-License-Identifier: Apache-2.0
// People who are signed in: what they may be given, the tokens, and refresh tokens, which are kept as hashes.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/aadsts.h"
#include "entra/login.h"

#define REFRESH_BYTES 48
#define REFRESH_LIFETIME (90 * 86400LL)
#define REFRESH_GRACE 3600  // seconds that one lives on after it was used: programs that run beside each other share it
#define UPN_MAX 256         // bytes

int entra_user_find(struct store_tx *tx, const char *id_or_upn, struct entra_user *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *key = strv_lower(id_or_upn);
	if (!key)
		return err_oom(err);
	int rc = store_query(tx, &rows, err,
		enc_is_uuid(key) ? "SELECT tenant_id, object_id, upn, display_name, enabled FROM users WHERE object_id = $1"
				 : "SELECT tenant_id, object_id, upn, display_name, enabled FROM users WHERE upn = $1",
		"s", key);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->tenant_id, sizeof(out->tenant_id), "%s", store_text(rows, 0));
	(void)snprintf(out->object_id, sizeof(out->object_id), "%s", store_text(rows, 1));
	(void)snprintf(out->upn, sizeof(out->upn), "%s", store_text(rows, 2));
	(void)snprintf(out->display_name, sizeof(out->display_name), "%s", store_text(rows, 3));
	out->enabled = store_int(rows, 4) != 0;
	return 0;
}

int login_session_user(const struct login_call *c, struct store_tx *tx, const char *id_or_upn, struct login_session *s,
	struct err *err) {
	struct entra_user user;
	struct entra_tenant home, asked;
	int rc = entra_user_find(tx, id_or_upn, &user, err);
	if (rc == -ENOENT)
		return aadsts_set(err, 50034, "The user account does not exist in the directory. To sign into this application, the "
					      "account must be added to the directory.");
	if (rc < 0 || (rc = entra_tenant_find(tx, user.tenant_id, &home, err)) < 0)
		return rc == -ENOENT ? aadsts_set(err, 50034, "The user account does not exist in the directory.") : rc;
	if (!user.enabled)
		return aadsts_set(err, 50057, "The user account is disabled.");
	if (!login_tenant_is_shared(c->tenant)) {
		if ((rc = login_tenant(tx, c->tenant, &asked, err)) < 0)
			return rc;
		if (strcmp(asked.id, home.id) != 0)
			return aadsts_set(err, 50020,
				"User account '%s' from identity provider 'https://sts.windows.net/%s/' does not exist in tenant '%s' and cannot "
				"access the application '%s'(%s) in that tenant. The account needs to be added as an external user in the tenant "
				"first. Sign out and sign in again with a different Azure Active Directory user account.", user.upn, home.id,
				asked.display_name, s->client.sp.ids.app_id, s->client.sp.display_name);
	}
	// An application for several tenants has its service principal in each of them.
	if (strcmp(s->client.sp.ids.tenant_id, home.id) != 0) {
		const struct login_proof same = {.client_id = s->client.sp.ids.app_id};
		struct login_client there;
		if ((rc = login_client_find(tx, &home, &same, &there, err)) < 0)
			return rc;
		if (!there.sp.enabled)
			return aadsts_set(err, 7000112, "Application '%s'(%s) is disabled.", there.sp.ids.app_id, there.sp.display_name);
	}
	s->user = user;
	s->tenant = home;
	return 0;
}

int login_grant_client(const struct login_call *c, const struct login_proof *proof, struct login_session *s, struct err *err) {
	struct entra_tenant tenant;
	bool shared = login_tenant_is_shared(c->tenant);
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
		if (rc < 0 || (!shared && (rc = login_tenant(tx, c->tenant, &tenant, err)) < 0) ||
			(rc = login_client_find(tx, shared ? NULL : &tenant, proof, &s->client, err)) < 0)
			return rc;
	}
	return login_client_prove(c, shared ? NULL : &tenant, &s->client, proof, &s->how, err);
}

// Scopes.

static bool is_sign_in_scope(const char *word, struct login_scopes *s) {
	static const char *const others[] = {"profile", "email"};
	s->openid = s->openid || strcmp(word, "openid") == 0;
	s->offline = s->offline || strcmp(word, "offline_access") == 0;
	if (strcmp(word, "openid") == 0 || strcmp(word, "offline_access") == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(word, others[i]) == 0)
			return true;
	return false;
}

static int invalid_scope(const char *word, struct err *err) {
	char quoted[AADSTS_QUOTE_MAX];
	return aadsts_set(err, 70011,
		"The provided value for the input parameter 'scope' is not valid. The scope '%s' is not valid.",
		aadsts_quote(word, quoted));
}

// "{resource}/{permission}"; a permission alone is one of Microsoft Graph.
static int take_scope(char *word, const char *tenant, struct login_scopes *s, struct err *err) {
	char audience[ENTRA_AUDIENCE_MAX];
	const struct entra_resource *resource;
	char *slash = strrchr(word, '/');
	if (slash == word || (slash && !slash[1]))
		return invalid_scope(word, err);
	if (slash)
		*slash = 0;
	int rc = login_resource(slash ? word : "https://graph.microsoft.com", tenant, &resource, audience, err);
	if (slash)
		*slash = '/';
	if (rc < 0)
		return rc;
	if (s->resource && strcmp(s->audience, audience) != 0)
		return aadsts_set(err, 28000, "Provided value for the input parameter scope is not valid because it contains more than "
					      "one resource.");
	s->resource = resource;
	(void)snprintf(s->audience, sizeof(s->audience), "%s", audience);
	return 0;
}

int login_scopes_parse(const char *text, const char *tenant, struct login_scopes *out, struct err *err) {
	struct login_scopes s = {0};
	_cleanup_free_ char *copy = NULL;
	char *rest;
	if (strlen(text) > LOGIN_SCOPE_MAX)
		return login_malformed(err, "The scope is too long.");
	copy = strdup(text);
	if (!copy)
		return err_oom(err);
	size_t n = 0;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (is_sign_in_scope(word, &s))
			continue;
		int rc = take_scope(word, tenant, &s, err);
		if (rc < 0)
			return rc;
		n += (size_t)snprintf(s.granted + n, sizeof(s.granted) - n, "%s%s", n ? " " : "", word);
	}
	if (!s.resource)
		s.resource = entra_resource_find("https://graph.microsoft.com", s.audience);
	(void)snprintf(s.granted + n, sizeof(s.granted) - n, "%s%s/%s", n ? " " : "", s.audience, s.resource->permission);
	*out = s;
	return 0;
}

int login_scopes_read(const struct login_call *c, const struct form *form, struct login_scopes *out, struct err *err) {
	if (c->v2) {
		const char *scope = login_required(form, "scope", err);
		return scope ? login_scopes_parse(scope, c->tenant, out, err) : -EACCES;
	}
	// The first generation names a resource, and always signs in.
	const char *uri = login_required(form, "resource", err);
	struct login_scopes s = {.openid = true, .offline = true};
	if (!uri)
		return -EACCES;
	int rc = login_resource(uri, c->tenant, &s.resource, s.audience, err);
	if (rc < 0)
		return rc;
	(void)snprintf(s.granted, sizeof(s.granted), "%s", s.resource->permission);
	*out = s;
	return 0;
}

// Refresh tokens.

static int drop_surplus(struct store_tx *tx, const struct login_session *s, int64_t now, struct err *err) {
	int rc = store_exec(tx, err, "DELETE FROM refresh_tokens WHERE expires <= $1", "i", now);
	if (rc >= 0)
		rc = store_exec(tx, err,
			"DELETE FROM refresh_tokens WHERE user_id = $1 AND client_id = $2 AND hash NOT IN (SELECT hash FROM refresh_tokens"
			" WHERE user_id = $1 AND client_id = $2 ORDER BY created DESC, hash LIMIT 63)",
			"ss", s->user.object_id, s->client.sp.ids.app_id);
	return rc < 0 ? rc : 0;
}

static int store_refresh_token(struct store_tx *tx, const struct login_session *s, const char *token, struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	int64_t now = clock_now();
	int rc = entra_hash_text(token, strlen(token), &hash, err);
	if (rc < 0 || (rc = drop_surplus(tx, s, now, err)) < 0)
		return rc;
	rc = store_exec(tx, err,
		"INSERT INTO refresh_tokens (hash, tenant_id, user_id, client_id, created, expires) VALUES ($1, $2, $3, $4, $5, $6)",
		"ssssii", buf_cstr(&hash), s->tenant.id, s->user.object_id, s->client.sp.ids.app_id, now, now + REFRESH_LIFETIME);
	return rc < 0 ? rc : 0;
}

// The session lasts from here on: what was shown for it is used up.
static int settle(struct entra *e, const struct login_session *s, const char *refresh_token, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	if (rc < 0 || (rc = s->use(tx, s, err)) < 0 ||
		(refresh_token && (rc = store_refresh_token(tx, s, refresh_token, err)) < 0))
		return rc;
	return store_commit(&tx, err);
}

// The answer.

// {"uid", "utid"} in base64url: the account, as client libraries keep it.
static int add_client_info(json_t *answer, const struct login_session *s) {
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *info = json_pack("{s:s, s:s}", "uid", s->user.object_id, "utid", s->tenant.id);
	_cleanup_free_ char *plain = info ? json_text(info) : NULL;
	if (!plain || enc_base64url(&text, plain, strlen(plain)) < 0)
		return -ENOMEM;
	return json_set_str(answer, "client_info", buf_cstr(&text));
}

static json_t *base_answer(const struct entra_grant *g, const struct login_session *s, bool v2) {
	json_int_t in = g->lifetime - 1;
	if (v2)
		return json_pack("{s:s, s:s, s:I, s:I}", "token_type", "Bearer", "scope", s->scopes.granted, "expires_in", in,
			"ext_expires_in", in);
	char in_text[24], on[24], from[24];
	(void)snprintf(in_text, sizeof(in_text), "%" JSON_INTEGER_FORMAT, in);
	(void)snprintf(on, sizeof(on), "%" PRId64, g->now + g->lifetime);
	(void)snprintf(from, sizeof(from), "%" PRId64, g->now - ENTRA_BACKDATE);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "token_type", "Bearer", "scope", s->scopes.granted, "expires_in",
		in_text, "ext_expires_in", in_text, "expires_on", on, "not_before", from, "resource", g->audience);
}

struct tokens {
	struct buf access, id, refresh;
};

static void tokens_free(struct tokens *t) {
	buf_free(&t->access);
	buf_free(&t->id);
	buf_free(&t->refresh);
}

static int make_tokens(const struct login_call *c, const struct login_session *s, const struct entra_grant *g, struct tokens *t,
	struct err *err) {
	int rc = entra_issue(c->entra, g, &t->access, err);
	if (rc == 0 && s->scopes.openid)
		rc = entra_issue_id(c->entra, g, c->v2, NULL, &t->id, err);
	// The digit tells formats apart, should there ever be another one.
	if (rc == 0 && s->scopes.offline)
		rc = buf_str(&t->refresh, "1.") < 0 ? err_oom(err) : entra_random_text(REFRESH_BYTES, &t->refresh, err);
	return rc;
}

int login_session_answer(const struct login_call *c, const struct login_session *s, const struct form *form, json_t **answer,
	struct err *err) {
	_cleanup_(tokens_free) struct tokens t = {0};
	const struct entra_grant g = {.tenant_id = s->tenant.id, .client_id = s->client.sp.ids.app_id, .proof = s->how,
		.user = &s->user, .resource = s->scopes.resource, .audience = s->scopes.audience, .now = clock_now(),
		.lifetime = ENTRA_LIFETIME};
	const char *info = form_get(form, "client_info");
	// Signing waits for the keeper, and nothing is used up when it does not answer.
	int rc = make_tokens(c, s, &g, &t, err);
	if (rc < 0 || (rc = settle(c->entra, s, s->scopes.offline ? buf_cstr(&t.refresh) : NULL, err)) < 0)
		return rc;
	_cleanup_json_ json_t *json = base_answer(&g, s, c->v2);
	if (!json || json_set_str(json, "access_token", buf_cstr(&t.access)) < 0 ||
		(s->scopes.offline && json_set_str(json, "refresh_token", buf_cstr(&t.refresh)) < 0) ||
		(s->scopes.openid && json_set_str(json, "id_token", buf_cstr(&t.id)) < 0) ||
		(info && strcmp(info, "1") == 0 && add_client_info(json, s) < 0))
		return err_oom(err);
	*answer = TAKE_PTR(json);
	return 0;
}

// The refresh token grant.

static int refused_refresh(struct err *err) {
	return aadsts_set(err, 70000,
		"Provided grant is invalid or malformed. The refresh token is unknown, was revoked or was issued to another client.");
}

struct refresh_row {
	char user[ENC_UUID_SIZE], client[ENC_UUID_SIZE];
	int64_t expires;
};

static int find_refresh_token(struct store_tx *tx, const char *hash, struct refresh_row *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT user_id, client_id, expires FROM refresh_tokens WHERE hash = $1", "s", hash);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->user, sizeof(out->user), "%s", store_text(rows, 0));
	(void)snprintf(out->client, sizeof(out->client), "%s", store_text(rows, 1));
	out->expires = store_int(rows, 2);
	return 0;
}

// It is replaced by the one that is given now.
static int use_refresh_token(struct store_tx *tx, const struct login_session *s, struct err *err) {
	int64_t until = clock_now() + REFRESH_GRACE;
	int rc = store_exec(tx, err, "UPDATE refresh_tokens SET expires = CASE WHEN expires < $1 THEN expires ELSE $1 END WHERE"
				     " hash = $2",
		"is", until, s->shown);
	if (rc < 0)
		return rc;
	return rc > 0 ? 0 : refused_refresh(err);
}

static int load_refresh_session(const struct login_call *c, struct login_session *s, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct refresh_row row;
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	rc = find_refresh_token(tx, s->shown, &row, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(row.client, s->client.sp.ids.app_id) != 0))
		return refused_refresh(err);
	if (rc < 0)
		return rc;
	if (row.expires <= clock_now())
		return aadsts_set(err, 700082, "The refresh token has expired due to inactivity.");
	return login_session_user(c, tx, row.user, s, err);
}

int login_grant_refresh(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
	struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	struct login_session s = {.use = use_refresh_token};
	const char *token = login_required(form, "refresh_token", err);
	int rc = token ? login_grant_client(c, proof, &s, err) : -EACCES;
	if (rc < 0 || (rc = login_scopes_read(c, form, &s.scopes, err)) < 0 ||
		(rc = entra_hash_text(token, strlen(token), &hash, err)) < 0)
		return rc;
	s.shown = buf_cstr(&hash);
	s.scopes.offline = true;
	if ((rc = load_refresh_session(c, &s, err)) < 0)
		return rc;
	return login_session_answer(c, &s, form, answer, err);
}

// The password grant: with a temporary access pass in the password's place.

// The same words for whoever does not exist, is disabled, or has no such pass.
static int refused_password(struct err *err) {
	return aadsts_set(err, 50126, "Error validating credentials due to invalid username or password.");
}

static int use_pass(struct store_tx *tx, const struct login_session *s, struct err *err) {
	int rc = entra_pass_use(tx, s->user.object_id, s->shown, err);
	return rc == -EACCES ? refused_password(err) : rc;
}

// Whether the pass is good is asked before anything is signed for it, and again when it is used.
static int check_pass(struct entra *e, const struct login_session *s, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(e->store, STORE_WRITE, &tx, err);
	return rc < 0 ? rc : use_pass(tx, s, err);  // rolled back: it is not used yet
}

static int load_password_session(const struct login_call *c, const char *user, struct login_session *s, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_user found;
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	rc = entra_user_find(tx, user, &found, err);
	if (rc == -ENOENT || (rc == 0 && !found.enabled))
		return refused_password(err);
	s->user = found;
	return rc;
}

int login_grant_password(const struct login_call *c, const struct form *form, const struct login_proof *proof, json_t **answer,
	struct err *err) {
	struct login_session s = {.use = use_pass};
	const char *user = login_required(form, "username", err);
	s.shown = user ? login_required(form, "password", err) : NULL;
	int rc = s.shown ? login_grant_client(c, proof, &s, err) : -EACCES;
	if (rc < 0 || (rc = login_scopes_read(c, form, &s.scopes, err)) < 0)
		return rc;
	if (strlen(user) > UPN_MAX)
		return refused_password(err);
	if ((rc = load_password_session(c, user, &s, err)) < 0 || (rc = check_pass(c->entra, &s, err)) < 0)
		return rc;
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		if ((rc = store_begin(c->entra->store, STORE_READ, &tx, err)) < 0 ||
			(rc = login_session_user(c, tx, s.user.object_id, &s, err)) < 0)
			return rc;
	}
	return login_session_answer(c, &s, form, answer, err);
}

int login_user_realm(const struct login_call *c, json_t **answer, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct entra_tenant tenant;
	// Of the name only the domain matters: whether there is such a user is not told.
	const char *at = strrchr(c->tenant, '@');
	int rc = store_begin(c->entra->store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	struct err why = {0};
	rc = at && strchr(at, '.') ? login_tenant(tx, at + 1, &tenant, &why) : -EACCES;
	if (rc < 0 && rc != -EACCES) {
		*err = why;
		return rc;
	}
	*answer = rc == 0
		? json_pack("{s:s, s:s, s:s, s:s, s:s}", "ver", "1.0", "account_type", "Managed", "domain_name", at + 1,
			  "cloud_instance_name", "microsoftonline.com", "cloud_audience_urn", "urn:federation:MicrosoftOnline")
		: json_pack("{s:s, s:s, s:s, s:s}", "ver", "1.0", "account_type", "Unknown", "cloud_instance_name",
			  "microsoftonline.com", "cloud_audience_urn", "urn:federation:MicrosoftOnline");
	return *answer ? 0 : err_oom(err);
}
