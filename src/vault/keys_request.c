// SPDX-License-Identifier: Apache-2.0
// Bodies of create and update requests.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/keys.h"

// IntDate of 9999-12-31T23:59:59Z, the last second that RFC 3339 can print.
#define INT_DATE_MAX 253402300799

#define bad_parameter(err, ...) err_set(err, -EINVAL, 400, "BadParameter", __VA_ARGS__)

void key_request_free(struct key_request *r) {
	free(r->tags);
	*r = (struct key_request){0};
}
#define _cleanup_request_ _cleanup_(key_request_free)

int key_body_parse(const void *body, size_t len, json_t **out, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	if (json_parse(body, len, "BadParameter", &value, err) < 0 || !json_is_object(value))
		return bad_parameter(err, "The request body must be a JSON object.");
	*out = TAKE_PTR(value);
	return 0;
}

// SDKs print members that are not set as null, which means the same as leaving them out.
static json_t *member(const json_t *object, const char *name) {
	json_t *value = json_object_get(object, name);
	return json_is_null(value) ? NULL : value;
}

static int parse_kty(const json_t *body, struct err *err) {
	const char *kty = json_string_value(member(body, "kty"));
	if (!kty)
		return bad_parameter(err, "Property 'kty' is required.");
	if (strcmp(kty, "RSA-HSM") == 0 || strcmp(kty, "EC-HSM") == 0 || strcmp(kty, "oct-HSM") == 0)
		return bad_parameter(err, "Key type '%s' is not available: this vault has no HSM.", kty);
	if (strcmp(kty, "RSA") != 0)
		return bad_parameter(err, "Property 'kty' has an unsupported value. This vault makes keys of type 'RSA'.");
	return 0;
}

static int parse_bits(const json_t *body, unsigned *bits, struct err *err) {
	const json_t *exponent = member(body, "public_exponent");
	if (exponent && (!json_is_integer(exponent) || json_integer_value(exponent) != 65537))
		return bad_parameter(err, "Property 'public_exponent' must be 65537.");
	const json_t *size = member(body, "key_size");
	const struct key_spec spec = {.kind = KEY_KIND_RSA, .bits = (unsigned)json_integer_value(size)};
	if (size && (!json_is_integer(size) || json_integer_value(size) != (json_int_t)spec.bits || key_spec_check(&spec, NULL) < 0))
		return bad_parameter(err, "Property 'key_size' must be 2048, 3072 or 4096 for a key of type 'RSA'.");
	*bits = size ? (unsigned)json_integer_value(size) : 2048;
	return 0;
}

static int parse_ops(const json_t *body, struct key_request *out, struct err *err) {
	const json_t *ops = member(body, "key_ops");
	if (!ops)
		return 0;
	if (!json_is_array(ops))
		return bad_parameter(err, "Property 'key_ops' must be an array.");
	size_t i;
	const json_t *op;
	unsigned bits = 0;
	json_array_foreach((json_t *)(uintptr_t)ops, i, op) {
		unsigned bit = json_is_string(op) ? key_op_by_name(json_string_value(op)) : 0;
		if (bit == 0)
			return bad_parameter(err, "Property 'key_ops' has an invalid value. Allowed are encrypt, decrypt, sign, verify, "
				"wrapKey, unwrapKey, import, export.");
		bits |= bit;
	}
	out->has_ops = true;
	out->ops = bits;
	return 0;
}

static int parse_date(const json_t *attributes, const char *name, bool *has, int64_t *out, struct err *err) {
	const json_t *value = member(attributes, name);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT_DATE_MAX)
		return bad_parameter(err, "Property 'attributes.%s' must be an integer of seconds since 1970-01-01T00:00:00Z.", name);
	*has = true;
	*out = json_integer_value(value);
	return 0;
}

static int parse_attributes(const json_t *body, struct key_request *out, bool *exportable, struct err *err) {
	const json_t *attributes = member(body, "attributes");
	if (attributes && !json_is_object(attributes))
		return bad_parameter(err, "Property 'attributes' must be an object.");
	const json_t *enabled = member(attributes, "enabled"), *exported = member(attributes, "exportable");
	if ((enabled && !json_is_boolean(enabled)) || (exported && !json_is_boolean(exported)))
		return bad_parameter(err, "Property 'attributes.%s' must be a boolean.",
			enabled && !json_is_boolean(enabled) ? "enabled" : "exportable");
	out->has_enabled = enabled;
	out->enabled = json_is_true(enabled);
	*exportable = json_is_true(exported);
	int rc = parse_date(attributes, "nbf", &out->has_nbf, &out->nbf, err);
	return rc < 0 ? rc : parse_date(attributes, "exp", &out->has_exp, &out->exp, err);
}

// Length in characters of UTF-8, which jansson has checked.
static size_t characters(const char *s) {
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int parse_tags(const json_t *body, struct key_request *out, struct err *err) {
	json_t *tags = member(body, "tags");
	if (!tags)
		return 0;
	if (!json_is_object(tags))
		return bad_parameter(err, "Property 'tags' must be an object of strings.");
	if (json_object_size(tags) > KEY_TAGS_MAX)
		return bad_parameter(err, "Property 'tags' has more than %d members.", KEY_TAGS_MAX);
	const char *name;
	json_t *value;
	json_object_foreach(tags, name, value) {
		if (!json_is_string(value))
			return bad_parameter(err, "Property 'tags' must be an object of strings.");
		if (characters(name) > KEY_TAG_CHARS_MAX || characters(json_string_value(value)) > KEY_TAG_CHARS_MAX)
			return bad_parameter(err, "A tag name or value is longer than %d characters.", KEY_TAG_CHARS_MAX);
	}
	out->has_tags = true;
	if (json_object_size(tags) == 0)
		return 0;
	out->tags = json_text(tags);
	return out->tags ? 0 : err_oom(err);
}

static int parse_common(const json_t *body, struct key_request *out, bool *exportable, struct err *err) {
	int rc = parse_ops(body, out, err);
	if (rc == 0)
		rc = parse_attributes(body, out, exportable, err);
	return rc < 0 ? rc : parse_tags(body, out, err);
}

// Secure key release needs keys that an HSM holds; reference I.6 has the words.
static int refuse_release(const struct vault_record *vault, bool exportable, bool policy, struct err *err) {
	if (exportable && strv_eq_nocase(vault->sku, "standard"))
		return bad_parameter(err, "AKV.SKR.1001: The exportable attribute is only supported with premium vaults and "
			"API version '7.3-preview' and above.");
	if (!exportable && policy)
		return bad_parameter(err, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
	if (exportable && !policy)
		return bad_parameter(err, "AKV.SKR.1004: Exportable keys must have release policy.");
	if (exportable)
		return bad_parameter(err, "AKV.SKR.1006: The exportable attribute is not supported for a software key.");
	return 0;
}

int key_request_create(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	_cleanup_request_ struct key_request r = {0};
	bool exportable = false;
	int rc = key_body_parse(body, len, &parsed, err);
	if (rc == 0)
		rc = parse_kty(parsed, err);
	if (rc == 0)
		rc = parse_bits(parsed, &r.bits, err);
	if (rc == 0)
		rc = parse_common(parsed, &r, &exportable, err);
	if (rc == 0)
		rc = refuse_release(vault, exportable, member(parsed, "release_policy"), err);
	if (rc < 0)
		return rc;
	*out = r;
	r = (struct key_request){0};
	return 0;
}

int key_request_update(const void *body, size_t len, bool versioned, struct key_request *out, struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	_cleanup_request_ struct key_request r = {0};
	bool exportable = false;
	int rc = key_body_parse(body, len, &parsed, err);
	if (rc == 0)
		rc = parse_common(parsed, &r, &exportable, err);
	if (rc < 0)
		return rc;
	if (exportable)
		return bad_parameter(err, "AKV.SKR.1014: Cannot modify the exportable state of a key.");
	if (member(parsed, "release_policy"))
		return versioned ? bad_parameter(err, "AKV.SKR.1016: Key Release Policy can only be set on versionless key.")
				 : bad_parameter(err, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
	*out = r;
	r = (struct key_request){0};
	return 0;
}
