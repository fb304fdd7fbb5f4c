// SPDX-License-Identifier: Apache-2.0
#include "deployment/secrets.h"

#include <string.h>

#include "base/strv.h"

enum { HOPS_MAX = 64 };  // from definition to definition, and into types inside each other

#define MARK "***"
#define DEFINITIONS "#/definitions/"

static json_t *member(const json_t *object, const char *name) {
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (strv_eq_nocase(key, name))
			return value;
	return NULL;
}

static bool is_secure(const json_t *document, const json_t *type, int hops);

static bool has_secure_part(const json_t *document, const json_t *types, int hops) {
	const char *name;
	json_t *type;
	size_t i;
	if (json_is_object(types))
		json_object_foreach((json_t *)(uintptr_t)types, name, type)
			if (is_secure(document, type, hops))
				return true;
	json_array_foreach((json_t *)(uintptr_t)types, i, type)
		if (is_secure(document, type, hops))
			return true;
	return false;
}

// What is nested too deep to tell counts as secure.
static bool is_secure(const json_t *document, const json_t *type, int hops) {
	if (hops == 0)
		return true;
	const char *name = json_string_value(member(type, "type")), *reference = json_string_value(member(type, "$ref"));
	if (name && strv_starts_with_nocase(name, "secure"))
		return true;
	if (reference && strv_starts_with_nocase(reference, DEFINITIONS) &&
		is_secure(document, member(member(document, "definitions"), reference + strlen(DEFINITIONS)), hops - 1))
		return true;
	return has_secure_part(document, member(type, "properties"), hops - 1) ||
		has_secure_part(document, member(type, "prefixItems"), hops - 1) ||
		has_secure_part(document, member(member(type, "discriminator"), "mapping"), hops - 1) ||
		(json_is_object(member(type, "items")) && is_secure(document, member(type, "items"), hops - 1)) ||
		(json_is_object(member(type, "additionalProperties")) &&
			is_secure(document, member(type, "additionalProperties"), hops - 1));
}

int secrets_add(const json_t *value, json_t *list, struct err *err) {
	const char *name;
	json_t *inner;
	size_t i;
	int rc = 0;
	if (json_is_string(value) && json_string_length(value) >= SECRETS_LENGTH_MIN)
		return json_array_append(list, (json_t *)(uintptr_t)value) < 0 ? err_oom(err) : 0;
	if (json_is_object(value))
		json_object_foreach((json_t *)(uintptr_t)value, name, inner)
			rc = rc < 0 ? rc : secrets_add(inner, list, err);
	json_array_foreach((json_t *)(uintptr_t)value, i, inner)
		rc = rc < 0 ? rc : secrets_add(inner, list, err);
	return rc;
}

int secrets_collect(const json_t *document, const json_t *parameters, json_t *list, struct err *err) {
	const json_t *declared = member(document, "parameters");
	const char *name;
	json_t *given;
	int rc = 0;
	json_object_foreach((json_t *)(uintptr_t)parameters, name, given) {
		const json_t *type = member(declared, name);
		if (rc == 0 && type && is_secure(document, type, HOPS_MAX))
			rc = secrets_add(member(given, "value"), list, err);
	}
	return rc;
}

int secrets_hide(const json_t *document, const json_t *parameters, const json_t *list, json_t **out, struct err *err) {
	_cleanup_json_ json_t *shown = json_deep_copy(parameters);
	const json_t *declared = member(document, "parameters");
	const char *name;
	json_t *given;
	if (!shown)
		return err_oom(err);
	json_object_foreach((json_t *)(uintptr_t)parameters, name, given) {
		const json_t *type = member(declared, name);
		// The value of a reference is known by itself; what nothing declares is refused.
		if (type && is_secure(document, type, HOPS_MAX) && json_object_set_new(shown, name, json_object()) < 0)
			return err_oom(err);
	}
	int rc = secrets_strike_json(list, shown, err);
	if (rc == 0)
		*out = TAKE_PTR(shown);
	return rc;
}

static void strike(char *text, const char *secret) {
	size_t length = strlen(secret);
	for (char *at; (at = strstr(text, secret));) {
		memcpy(at, MARK, sizeof(MARK) - 1);
		memmove(at + sizeof(MARK) - 1, at + length, strlen(at + length) + 1);
	}
	size_t left = strlen(text);
	for (size_t n = length - 1; n >= SECRETS_LENGTH_MIN; n--)
		if (n <= left && memcmp(text + left - n, secret, n) == 0) {
			memcpy(text + left - n, MARK, strlen(MARK) + 1);
			return;
		}
}

void secrets_strike_text(const json_t *list, char *text) {
	size_t i;
	json_t *secret;
	json_array_foreach((json_t *)(uintptr_t)list, i, secret)
		if (json_string_length(secret) >= SECRETS_LENGTH_MIN &&
			strlen(json_string_value(secret)) == json_string_length(secret))
			strike(text, json_string_value(secret));
}

void secrets_strike_err(const json_t *list, struct err *e) {
	secrets_strike_text(list, e->message);
}

int secrets_strike_json(const json_t *list, json_t *value, struct err *err) {
	const char *name;
	json_t *inner;
	size_t i;
	int rc = 0;
	if (json_is_string(value)) {
		_cleanup_free_ char *text = strdup(json_string_value(value));
		if (!text)
			return err_oom(err);
		secrets_strike_text(list, text);
		return json_string_set(value, text) < 0 ? err_oom(err) : 0;
	}
	if (json_is_object(value))
		json_object_foreach(value, name, inner)
			rc = rc < 0 ? rc : secrets_strike_json(list, inner, err);
	json_array_foreach(value, i, inner)
		rc = rc < 0 ? rc : secrets_strike_json(list, inner, err);
	return rc;
}
