// SPDX-License-Identifier: Apache-2.0
// Key Vault and Managed HSM: keys (REST reference 7.4, reference A.1 to A.4).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/call.h"
#include "azure/reply.h"
#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"

#define API_VERSION "api-version=7.4"
#define URL_MAX 512

// Which service a key URL belongs to. Only the services' own host names get the services' tokens.
static int resource_of(const char *key_url, enum token_for *resource, struct err *err) {
	static const char scheme[] = "https://";
	static const char label[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
	static const char path[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/";
	static const struct {
		const char *suffix;
		enum token_for resource;
	} services[] = {
		{".vault.azure.net/keys/", TOKEN_FOR_VAULT},
		{".managedhsm.azure.net/keys/", TOKEN_FOR_HSM},
	};
	const char *host = key_url + sizeof(scheme) - 1;
	if (strlen(key_url) < URL_MAX && strv_starts_with_nocase(key_url, scheme)) {
		size_t name = strspn(host, label);
		for (size_t i = 0; name > 0 && i < ARRAY_SIZE(services); i++) {
			if (!strv_starts_with_nocase(host + name, services[i].suffix))
				continue;
			if (!strv_made_of(host + name + strlen(services[i].suffix), path, 1, URL_MAX))
				break;
			*resource = services[i].resource;
			return 0;
		}
	}
	return err_set(err, -EINVAL, 400, "BadParameter", "The key URL is not one of a vault or a managed HSM: %.200s", key_url);
}

// Identifiers compare without case; a trailing slash is an empty version.
static bool same_key(const char *kid, const char *key_url) {
	size_t len = strlen(key_url);
	while (len > 0 && key_url[len - 1] == '/')
		len--;
	return strncasecmp(kid, key_url, len) == 0 && kid[len] == 0;
}

static bool has_version(const char *key_url) {
	const char *name = strstr(key_url, "/keys/");
	const char *version = name ? strchr(name + strlen("/keys/"), '/') : NULL;
	return version && version[1];
}

static int call_key(struct azure_client *c, const char *method, const char *key_url, const char *operation,
	const json_t *request, json_t **reply, struct err *err) {
	enum token_for resource = TOKEN_FOR_VAULT;
	int rc = resource_of(key_url, &resource, err);
	if (rc < 0)
		return rc;
	char url[URL_MAX + 64];
	(void)snprintf(url, sizeof(url), "%s%s?" API_VERSION, key_url, operation);
	_cleanup_reply_ struct http_reply http = {0};
	rc = call_send(c, resource, method, url, request, &http, err);
	return rc < 0 ? rc : reply_object(&http, reply, err);
}

int azure_key_get(struct azure_client *c, const char *key_url, struct azure_key *out, struct err *err) {
	_cleanup_json_ json_t *bundle = NULL;
	int rc = call_key(c, "GET", key_url, "", NULL, &bundle, err);
	if (rc < 0)
		return rc;
	struct azure_key key = {0};
	const char *kid = json_str(bundle, "key.kid");
	const json_t *attributes = json_at(bundle, "attributes");
	if (!kid || strlen(kid) >= sizeof(key.kid) || (has_version(key_url) && !same_key(kid, key_url)))
		return reply_broken(err, "it is about another key");
	// Absent means the documented default; present with another type means that nothing can be said of the key.
	const json_t *enabled = json_at(attributes, "enabled"), *nbf = json_at(attributes, "nbf"),
				 *exp = json_at(attributes, "exp");
	if (!json_is_object(attributes) || (enabled && !json_is_boolean(enabled)) || (nbf && !json_is_integer(nbf)) ||
		(exp && !json_is_integer(exp)))
		return reply_broken(err, "it has no key attributes");
	(void)snprintf(key.kid, sizeof(key.kid), "%s", kid);
	key.enabled = enabled ? json_is_true(enabled) : true;
	key.nbf = nbf ? json_integer_value(nbf) : 0;
	key.exp = exp ? json_integer_value(exp) : 0;
	*out = key;
	return 0;
}

// wrapkey or unwrapkey: {"alg","value"} to {"kid","value"}; *reply holds the value that the caller decodes.
static int key_operation(struct azure_client *c, const char *key_url, const char *operation, const char *alg,
	const void *input, size_t len, json_t **reply, struct err *err) {
	if (!has_version(key_url))
		return err_set(err, -EINVAL, 400, "BadParameter", "The key URL has no version: %.200s", key_url);
	_cleanup_buf_ struct buf value = {0};
	if (enc_base64url(&value, input, len) < 0)
		return err_oom(err);
	_cleanup_json_ json_t *request = json_object();
	if (!request || json_set_str(request, "alg", alg) < 0 || json_set_str(request, "value", buf_cstr(&value)) < 0)
		return err_oom(err);
	_cleanup_json_ json_t *answer = NULL;
	int rc = call_key(c, "POST", key_url, operation, request, &answer, err);
	// jansson does not wipe: on a wrap this string encodes the plaintext.
	char *sent = (char *)(uintptr_t)json_str(request, "value");
	explicit_bzero(sent, strlen(sent));
	if (rc < 0)
		return rc;
	const char *kid = json_str(answer, "kid");
	if (!kid || !same_key(kid, key_url))
		return reply_broken(err, "it is about another key");
	if (!json_str(answer, "value"))
		return reply_broken(err, "it has no value");
	*reply = TAKE_PTR(answer);
	return 0;
}

int azure_key_wrap(struct azure_client *c, const char *key_url, const char *alg, const struct secret *plaintext,
	struct buf *wrapped, struct err *err) {
	_cleanup_json_ json_t *answer = NULL;
	int rc = key_operation(c, key_url, "/wrapkey", alg, plaintext->data, plaintext->len, &answer, err);
	if (rc < 0)
		return rc;
	const char *value = json_str(answer, "value");
	rc = dec_base64url(wrapped, value, strlen(value));
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc < 0 ? reply_broken(err, "its value is not base64url") : 0;
}

int azure_key_unwrap(struct azure_client *c, const char *key_url, const char *alg, const void *wrapped, size_t len,
	struct secret *plaintext, struct err *err) {
	_cleanup_json_ json_t *answer = NULL;
	int rc = key_operation(c, key_url, "/unwrapkey", alg, wrapped, len, &answer, err);
	if (rc < 0)
		return rc;
	char *value = (char *)(uintptr_t)json_str(answer, "value");
	_cleanup_buf_ struct buf decoded = {0};
	rc = dec_base64url(&decoded, value, strlen(value));
	explicit_bzero(value, strlen(value));
	if (rc == 0)
		rc = secret_copy(plaintext, decoded.data, decoded.len);
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc < 0 ? reply_broken(err, "its value is not base64url") : 0;
}
