// SPDX-License-Identifier: Apache-2.0
#include "azure/token.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/reply.h"
#include "base/clock.h"
#include "base/strv.h"

enum {
	TIMEOUT_MS = 15000,
	TOKEN_MAX = 16384,         // characters
	LIFETIME_MAX = 86400 * 7,  // seconds that a token is believed to last at most
	MARGIN_MAX = 300,          // seconds before its end at which a token is no longer used
};

// Percent-encode everything but RFC 3986's unreserved characters.
static int append_escaped(struct buf *out, const char *text) {
	int rc = 0;
	for (const char *p = text; *p && rc == 0; p++) {
		unsigned char ch = (unsigned char)*p;
		if (isascii(ch) && (isalnum(ch) || strchr("-._~", ch)))
			rc = buf_append(out, &ch, 1);
		else
			rc = buf_printf(out, "%%%02X", ch);
	}
	return rc;
}

static int append_field(struct buf *out, const char *name, const char *value) {
	int rc = buf_printf(out, "%s%s=", out->len > 0 ? "&" : "", name);
	return rc < 0 ? rc : append_escaped(out, value);
}

static int ask_login(struct http_client *http, const struct azure_credential *credential, const char *resource,
	struct http_reply *reply, struct err *err) {
	_cleanup_buf_ struct buf url = {0}, form = {0};
	char scope[128];
	(void)snprintf(scope, sizeof(scope), "%s/.default", resource);
	if (buf_str(&url, "https://login.microsoftonline.com/") < 0 || append_escaped(&url, credential->tenant) < 0 ||
		buf_str(&url, "/oauth2/v2.0/token") < 0 ||
		append_field(&form, "grant_type", "client_credentials") < 0 ||
		append_field(&form, "client_id", credential->client_id) < 0 ||
		append_field(&form, "client_secret", credential->client_secret) < 0 ||
		append_field(&form, "scope", scope) < 0)
		return err_oom(err);
	const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json", NULL};
	return http_client_send(http, "POST", buf_cstr(&url), headers, form.data, form.len, TIMEOUT_MS, reply, err);
}

static int ask_identity(struct http_client *http, const struct azure_credential *credential, const char *resource,
	struct http_reply *reply, struct err *err) {
	_cleanup_buf_ struct buf url = {0}, header = {0};
	if (buf_printf(&url, "%s?api-version=2019-08-01&resource=", credential->identity_endpoint) < 0 ||
		append_escaped(&url, resource) < 0)
		return err_oom(err);
	if (credential->identity_client_id && append_field(&url, "client_id", credential->identity_client_id) < 0)
		return err_oom(err);
	if (credential->identity_header && buf_printf(&header, "X-IDENTITY-HEADER: %s", credential->identity_header) < 0)
		return err_oom(err);
	const char *const headers[] = {"Metadata: true", credential->identity_header ? buf_cstr(&header) : NULL, NULL};
	return http_client_send(http, "GET", buf_cstr(&url), headers, NULL, 0, TIMEOUT_MS, reply, err);
}

// A number of seconds as JSON integer (login endpoint) or decimal string (managed identity endpoint).
static int seconds_of(const json_t *value, int64_t max, int64_t *out) {
	if (json_is_string(value))
		return strv_int(json_string_value(value), 0, max, out);
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
		return -EINVAL;
	*out = json_integer_value(value);
	return 0;
}

// How long the token lasts from now. A duration is preferred to a date: it holds whatever the service's clock says.
static int lifetime_of(const json_t *body, int64_t *out) {
	if (seconds_of(json_at(body, "expires_in"), LIFETIME_MAX, out) == 0)
		return 0;
	int64_t expires_on;
	if (seconds_of(json_at(body, "expires_on"), INT64_MAX, &expires_on) < 0)
		return -EINVAL;
	int64_t left = expires_on - clock_now();
	*out = left < 0 ? 0 : left > LIFETIME_MAX ? LIFETIME_MAX : left;
	return 0;
}

// *usable: for how many seconds from the question on it is used.
static int parse_token(const struct http_reply *reply, struct secret *bearer, int64_t *usable, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = reply_object(reply, &body, err);
	if (rc < 0)
		return rc;
	const char *text = json_str(body, "access_token");
	const char *type = json_str(body, "token_type");
	size_t len = text ? strlen(text) : 0;
	if (len == 0 || len > TOKEN_MAX || (type && !strv_eq_nocase(type, "Bearer")))
		return reply_broken(err, "there is no bearer token in it");
	// It becomes a header line: nothing but RFC 6750's characters may get into it.
	for (size_t i = 0; i < len; i++)
		if (!isascii((unsigned char)text[i]) || !(isalnum((unsigned char)text[i]) || strchr("-._~+/=", text[i])))
			return reply_broken(err, "the token has characters that no token has");
	int64_t lifetime;
	if (lifetime_of(body, &lifetime) < 0)
		return reply_broken(err, "it does not say how long the token lasts");
	if (secret_copy(bearer, text, len) < 0)
		return err_oom(err);
	int64_t margin = lifetime / 4 < MARGIN_MAX ? lifetime / 4 : MARGIN_MAX;
	*usable = lifetime - margin;
	return 0;
}

static int fetch(struct http_client *http, const struct azure_credential *credential, const char *resource,
	struct cached_token *token, struct err *err) {
	_cleanup_reply_ struct http_reply reply = {0};
	int64_t asked_at = clock_now();
	int rc = credential->identity_endpoint ? ask_identity(http, credential, resource, &reply, err)
		: ask_login(http, credential, resource, &reply, err);
	if (rc < 0)
		return rc == -ENOMEM ? rc : -EAGAIN;
	if (!reply_is_success(&reply))
		return reply_error(&reply, err);
	struct secret bearer = {0};
	int64_t usable = 0;
	rc = parse_token(&reply, &bearer, &usable, err);
	if (rc < 0)
		return rc;
	secret_free(&token->bearer);
	*token = (struct cached_token){.bearer = bearer, .from = asked_at, .until = asked_at + usable};
	return 0;
}

int token_get(struct token_cache *cache, struct http_client *http, const struct azure_credential *credential,
	enum token_for resource, const struct secret **out, struct err *err) {
	static const char *const resources[TOKEN_FOR_COUNT] = {
		[TOKEN_FOR_VAULT] = AZURE_VAULT_RESOURCE,
		[TOKEN_FOR_HSM] = AZURE_HSM_RESOURCE,
		[TOKEN_FOR_ARM] = AZURE_ARM_RESOURCE,
	};
	struct cached_token *token = &cache->tokens[resource];
	int64_t now = clock_now();
	if (!token->bearer.data || now < token->from || now >= token->until) {
		int rc = fetch(http, credential, resources[resource], token, err);
		if (rc < 0) {
			if (err)
				(void)snprintf(err->inner, sizeof(err->inner), "%s", AZURE_INNER_TOKEN);
			return rc;
		}
	}
	*out = &token->bearer;
	return 0;
}

void token_drop(struct token_cache *cache, enum token_for resource) {
	secret_free(&cache->tokens[resource].bearer);
}

void token_cache_free(struct token_cache *cache) {
	for (size_t i = 0; i < TOKEN_FOR_COUNT; i++)
		secret_free(&cache->tokens[i].bearer);
}
