// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

static void wipe_and_free(void *p) {
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

// Bodies hold secrets and private keys, of which the parser makes copies on its way. Before there are threads, since
// jansson keeps its functions without a lock.
__attribute__((constructor)) static void wipe_what_jansson_frees(void) {
	json_set_alloc_funcs(malloc, wipe_and_free);
}

// jansson's own nesting limit is 2048; count brackets outside strings to hold ours before parsing.
static bool too_deep(const char *text, size_t len) {
	size_t depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

// jansson quotes the input after its reason ("… near '…'"), and the input may hold a secret.
static int reason_length(const char *text) {
	const char *quote = strstr(text, " near ");
	return quote ? (int)(quote - text) : (int)strlen(text);
}

int json_parse(const void *text, size_t len, const char *code, json_t **out, struct err *err) {
	if (len == 0)
		return err_set(err, -EINVAL, 400, code, "The request body is empty; a JSON value is expected.");
	if (too_deep(text, len))
		return err_set(err, -EINVAL, 400, code, "The JSON is nested deeper than %d levels.", JSON_DEPTH_MAX);
	json_error_t at;
	json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
	if (!value)
		return err_set(err, -EINVAL, 400, code, "The JSON is not valid: %.*s (line %d, column %d).", reason_length(at.text),
			at.text, at.line, at.column);
	*out = value;
	return 0;
}

char *json_text(const json_t *value) {
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

json_t *json_lossy(const char *text) {
	json_t *value = json_string(text);
	_cleanup_free_ char *ascii = value ? NULL : strdup(text);
	if (!ascii)
		return value;
	for (char *p = ascii; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(ascii);
}

json_t *json_error(const char *code, const char *message) {
	return json_pack("{s:o, s:o}", "code", json_lossy(code), "message", json_lossy(message));
}

json_t *json_at(const json_t *object, const char *path) {
	const json_t *at = object;
	while (at && *path) {
		size_t n = strcspn(path, ".");
		char name[128];
		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = 0;
		at = json_object_get(at, name);
		path += n + (path[n] == '.');
	}
	return (json_t *)(uintptr_t)at;
}

const char *json_str(const json_t *object, const char *path) {
	return json_string_value(json_at(object, path));
}

bool json_bool(const json_t *object, const char *path, bool fallback) {
	const json_t *v = json_at(object, path);
	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

int64_t json_int(const json_t *object, const char *path, int64_t fallback) {
	const json_t *v = json_at(object, path);
	return json_is_integer(v) ? (int64_t)json_integer_value(v) : fallback;
}

int json_set(json_t *object, const char *name, json_t *value) {
	// Fails for a NULL value too: a constructor that ran out of memory.
	return json_object_set_new(object, name, value) < 0 ? -ENOMEM : 0;
}

int json_set_str(json_t *object, const char *name, const char *value) {
	return json_set(object, name, json_string(value));
}

int json_set_int(json_t *object, const char *name, int64_t value) {
	return json_set(object, name, json_integer(value));
}

int json_set_bool(json_t *object, const char *name, bool value) {
	return json_set(object, name, json_boolean(value));
}
