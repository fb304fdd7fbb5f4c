// SPDX-License-Identifier: Apache-2.0
// Types of parameters, outputs and definitions, and whether a value is of one ("Parameters in ARM templates" and "Type
// definitions in ARM templates", Microsoft Learn).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-create-parameter-file for usage details."
#define DEFINITIONS "#/definitions/"

enum kind { KIND_ANY, KIND_STRING, KIND_INT, KIND_BOOL, KIND_OBJECT, KIND_ARRAY };

static const struct type_name {
	const char *name, *shown, *expected;
	enum kind kind;
	bool secure;
} type_names[] = {
	{"string", "String", "String, Uri", KIND_STRING, false},
	{"securestring", "SecureString", "String, Uri", KIND_STRING, true},
	{"int", "Int", "Integer", KIND_INT, false},
	{"bool", "Bool", "Boolean", KIND_BOOL, false},
	{"object", "Object", "Object", KIND_OBJECT, false},
	{"secureObject", "SecureObject", "Object", KIND_OBJECT, true},
	{"array", "Array", "Array", KIND_ARRAY, false},
};

static bool is_of_kind(enum kind kind, const json_t *value) {
	switch (kind) {
	case KIND_STRING:
		return json_is_string(value);
	case KIND_INT:
		return json_is_integer(value);
	case KIND_BOOL:
		return json_is_boolean(value);
	case KIND_OBJECT:
		return json_is_object(value);
	case KIND_ARRAY:
		return json_is_array(value);
	default:
		return true;
	}
}

static const struct type_name *find_name(const char *name) {
	for (size_t i = 0; name && i < ARRAY_SIZE(type_names); i++)
		if (strv_eq_nocase(name, type_names[i].name))
			return &type_names[i];
	return NULL;
}

static const char *type_text(const json_t *type, const char *member) {
	return json_string_value(template_member(type, member));
}

// One step of a JSON pointer (RFC 6901): a member of an object, or an element of an array. NULL when it leads nowhere.
static const json_t *step(const json_t *at, const char *segment, size_t len) {
	char name[256];
	size_t n = 0;
	int64_t index;
	if (len >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < len; i++) {
		bool escaped = segment[i] == '~' && i + 1 < len && (segment[i + 1] == '0' || segment[i + 1] == '1');
		name[n++] = !escaped ? segment[i] : segment[++i] == '0' ? '~' : '/';
	}
	name[n] = 0;
	if (json_is_object(at))
		return json_object_get(at, name);
	return strv_int(name, 0, INT32_MAX, &index) == 0 ? json_array_get(at, (size_t)index) : NULL;
}

// How many segments lead from a type to a part of it that is a type; 0 where there is none. Nothing else is looked at when
// definitions are checked.
static size_t part_segments(const char *segment, size_t len) {
	static const struct {
		const char *name;
		size_t segments;
	} parts[] = {{"properties", 2}, {"items", 1}, {"additionalProperties", 1}, {"prefixItems", 2}, {"discriminator", 3}};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (strlen(parts[i].name) == len && memcmp(parts[i].name, segment, len) == 0)
			return parts[i].segments;
	return 0;
}

// "#/definitions/pet", or a part of one: "#/definitions/pet/properties/name".
static const json_t *definition(const struct template *t, const char *reference) {
	if (strncmp(reference, DEFINITIONS, strlen(DEFINITIONS)) != 0)
		return NULL;
	const json_t *at = template_member(t->document, "definitions");
	size_t due = 1;  // segments until the next type
	for (const char *p = reference + strlen(DEFINITIONS); at;) {
		size_t len = strcspn(p, "/");
		due = due > 0 ? due : part_segments(p, len);
		at = due > 0 ? step(at, p, len) : NULL;
		due -= due > 0;
		if (!p[len])
			break;
		p += len + 1;
	}
	return due == 0 ? at : NULL;
}

// What a chain of references ends at; NULL when it leads nowhere.
static const json_t *resolve(const struct template *t, const json_t *type) {
	for (int hops = 0; hops < TEMPLATE_REFERENCE_HOPS_MAX && json_is_object(type); hops++) {
		const char *reference = type_text(type, "$ref");
		if (!reference)
			return type;
		type = definition(t, reference);
	}
	return NULL;
}

const char *template_type_shown(const struct template *t, const json_t *type, const json_t *value) {
	const struct type_name *name = find_name(type_text(resolve(t, type), "type"));
	for (size_t i = 0; !name && i < ARRAY_SIZE(type_names); i++)
		if (is_of_kind(type_names[i].kind, value))
			name = &type_names[i];
	return name ? name->shown : "Object";
}

// Any link of a chain may say these.
static bool chain_says(const struct template *t, const json_t *type, bool (*says)(const json_t *type)) {
	for (int hops = 0; hops < TEMPLATE_REFERENCE_HOPS_MAX && json_is_object(type); hops++) {
		if (says(type))
			return true;
		const char *reference = type_text(type, "$ref");
		type = reference ? definition(t, reference) : NULL;
	}
	return false;
}

static bool says_nullable(const json_t *type) {
	return json_is_true(template_member(type, "nullable"));
}

static bool says_secure(const json_t *type) {
	const struct type_name *name = find_name(type_text(type, "type"));
	return name && name->secure;
}

static bool says_discriminator(const json_t *type) {
	return template_member(type, "discriminator") != NULL;
}

bool template_type_is_nullable(const struct template *t, const json_t *type) {
	return chain_says(t, type, says_nullable);
}

bool template_type_is_secure(const struct template *t, const json_t *type) {
	return chain_says(t, type, says_secure);
}

// --- Is a type itself well formed? ---

static int valid_members(const struct template *t, const json_t *types, const char *path, struct err *err) {
	json_t *all = (json_t *)(uintptr_t)types, *type;
	const char *key;
	json_object_foreach (all, key, type) {
		char inner[256];
		(void)snprintf(inner, sizeof(inner), "%.180s.%.60s", path, key);
		int rc = template_type_valid(t, type, inner, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int valid_constraint(const json_t *type, const char *name, bool (*is)(const json_t *value), const char *path,
	struct err *err) {
	const json_t *value = template_member(type, name);
	return !value || is(value) ? 0 : template_invalid(err, "The '%s' of '%s' at line '1' and column '1' is not valid. Please "
		"see https://aka.ms/arm-syntax-parameters for usage details.", name, path);
}

static bool is_integer(const json_t *value) {
	return json_is_integer(value);
}
static bool is_length(const json_t *value) {
	return json_is_integer(value) && json_integer_value(value) >= 0;
}
static bool is_array(const json_t *value) {
	return json_is_array(value);
}
static bool is_object(const json_t *value) {
	return json_is_object(value);
}
static bool is_boolean(const json_t *value) {
	return json_is_boolean(value);
}
static bool is_type_or_boolean(const json_t *value) {
	return json_is_object(value) || json_is_boolean(value);
}

static int valid_constraints(const json_t *type, const char *path, struct err *err) {
	static const struct {
		const char *name;
		bool (*is)(const json_t *value);
	} constraints[] = {
		{"minLength", is_length}, {"maxLength", is_length}, {"minValue", is_integer}, {"maxValue", is_integer},
		{"allowedValues", is_array}, {"nullable", is_boolean}, {"properties", is_object}, {"prefixItems", is_array},
		{"items", is_type_or_boolean}, {"additionalProperties", is_type_or_boolean}, {"discriminator", is_object},
	};
	for (size_t i = 0; i < ARRAY_SIZE(constraints); i++) {
		int rc = valid_constraint(type, constraints[i].name, constraints[i].is, path, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int valid_discriminator(const struct template *t, const json_t *type, const char *path, struct err *err) {
	const json_t *discriminator = template_member(type, "discriminator");
	if (!discriminator)
		return 0;
	const json_t *mapping = template_member(discriminator, "mapping");
	if (!type_text(discriminator, "propertyName") || !json_is_object(mapping))
		return template_invalid(err, "The 'discriminator' of '%s' at line '1' and column '1' must have a 'propertyName' and a "
			"'mapping'. Please see https://aka.ms/arm-syntax-parameters for usage details.", path);
	json_t *variants = (json_t *)(uintptr_t)mapping, *variant;
	const char *key;
	// A variant that has variants of its own could lead back to where it came from.
	json_object_foreach (variants, key, variant)
		if (chain_says(t, variant, says_discriminator))
			return template_invalid(err, "The 'discriminator' of '%s' at line '1' and column '1' leads from '%.128s' to another "
				"one. Please see https://aka.ms/arm-syntax-parameters for usage details.", path, key);
	return valid_members(t, mapping, path, err);
}

static int valid_parts(const struct template *t, const json_t *type, const char *path, struct err *err) {
	int rc = valid_members(t, template_member(type, "properties"), path, err);
	const json_t *more = template_member(type, "additionalProperties"), *items = template_member(type, "items");
	if (rc == 0 && json_is_object(more))
		rc = template_type_valid(t, more, path, err);
	if (rc == 0 && json_is_object(items))
		rc = template_type_valid(t, items, path, err);
	const json_t *prefix = template_member(type, "prefixItems");
	for (size_t i = 0; rc == 0 && i < json_array_size(prefix); i++)
		rc = template_type_valid(t, json_array_get(prefix, i), path, err);
	return rc == 0 ? valid_discriminator(t, type, path, err) : rc;
}

int template_type_valid(const struct template *t, const json_t *type, const char *path, struct err *err) {
	const char *name = type_text(type, "type"), *reference = type_text(type, "$ref");
	if (!json_is_object(type))
		return template_invalid(err, "The type of '%s' at line '1' and column '1' is not an object.", path);
	if (reference && !t->v2)
		return template_invalid(err, "The '$ref' of '%s' at line '1' and column '1' needs 'languageVersion' '2.0'.", path);
	if (reference && !resolve(t, type))
		return template_invalid(err, "The '$ref' '%.128s' of '%s' at line '1' and column '1' does not lead to a definition of "
			"the template.", reference, path);
	if (name ? !find_name(name) : !t->v2)
		return template_invalid(err, "The type '%.64s' of '%s' at line '1' and column '1' is not valid. The supported types are "
			"'string, securestring, int, bool, object, secureObject, array'. Please see "
			"https://aka.ms/arm-syntax-parameters for usage details.", name ? name : "", path);
	int rc = valid_constraints(type, path, err);
	return rc == 0 && t->v2 ? valid_parts(t, type, path, err) : rc;
}

// --- Is a value of a type? ---

static int is_among(struct template *t, const json_t *allowed, const json_t *value, bool *out, struct err *err) {
	int rc = template_spend(t, TEMPLATE_COST_NODE * (1 + json_array_size(allowed)), err);
	*out = false;
	for (size_t i = 0; rc == 0 && !*out && i < json_array_size(allowed); i++)
		*out = json_equal(json_array_get(allowed, i), value);
	return rc;
}

// Of an array each element may be one of the allowed values instead.
static int is_allowed(struct template *t, const json_t *allowed, const json_t *value, bool *out, struct err *err) {
	int rc = is_among(t, allowed, value, out, err);
	if (rc < 0 || *out || !json_is_array(value))
		return rc;
	*out = true;
	for (size_t i = 0; rc == 0 && *out && i < json_array_size(value); i++)
		rc = is_among(t, allowed, json_array_get(value, i), out, err);
	return rc;
}

static char *joined(const json_t *values) {
	_cleanup_free_ char *text = strdup("");
	for (size_t i = 0; text && i < json_array_size(values) && strlen(text) < 512; i++) {
		const json_t *value = json_array_get(values, i);
		_cleanup_free_ char *one = json_is_string(value) ? strdup(json_string_value(value)) : json_text(value);
		char *more = one ? strv_printf("%s%s%s", text, i > 0 ? "," : "", one) : NULL;
		free(text);
		text = more;
	}
	return TAKE_PTR(text);
}

static int check_allowed(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err) {
	const json_t *allowed = template_member(type, "allowedValues");
	bool is = true;
	int rc = allowed ? is_allowed(t, allowed, value, &is, err) : 0;
	if (rc < 0 || is)
		return rc;
	_cleanup_free_ char *list = joined(allowed);
	// A secure value is in no message.
	bool shown = !template_type_is_secure(t, type) && (json_is_string(value) || json_is_integer(value));
	_cleanup_free_ char *text = !shown ? strdup("") : json_is_string(value) ?
		strv_printf(" '%s'", json_string_value(value)) : strv_printf(" '%lld'", (long long)json_integer_value(value));
	if (!list || !text)
		return err_oom(err);
	return template_invalid(err, "The provided value%.256s for the template parameter '%s' is not valid. The parameter value "
		"is not part of the allowed value(s): '%.640s'.", text, path, list);
}

// Characters, not bytes.
static size_t text_length(const char *text) {
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int check_bounds(const json_t *type, int64_t n, const char *what, const char *min, const char *max, const char *path,
	struct err *err) {
	const json_t *low = template_member(type, min), *high = template_member(type, max);
	if (low && n < json_integer_value(low))
		return template_invalid(err, "The provided value for the template parameter '%s' is not valid. %s should be greater "
			"than or equal to '%lld'. " SEE, path, what, (long long)json_integer_value(low));
	if (high && n > json_integer_value(high))
		return template_invalid(err, "The provided value for the template parameter '%s' is not valid. %s should be less than "
			"or equal to '%lld'. " SEE, path, what, (long long)json_integer_value(high));
	return 0;
}

static int check_size(const json_t *type, const json_t *value, const char *path, struct err *err) {
	static const char length[] = "Length of the value";
	if (json_is_string(value))
		return check_bounds(type, (int64_t)text_length(json_string_value(value)), length, "minLength", "maxLength", path, err);
	if (json_is_array(value))
		return check_bounds(type, (int64_t)json_array_size(value), length, "minLength", "maxLength", path, err);
	if (json_is_integer(value))
		return check_bounds(type, (int64_t)json_integer_value(value), "The value", "minValue", "maxValue", path, err);
	return 0;
}

static int check_elements(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err) {
	const json_t *prefix = template_member(type, "prefixItems"), *items = template_member(type, "items");
	size_t fixed = json_array_size(prefix), count = json_array_size(value);
	if (count < fixed || (json_is_false(items) && count > fixed))
		return template_invalid(err, "The provided value for the template parameter '%s' is not valid. Expected an array of '%zu' "
			"element(s). Actual '%zu'. " SEE, path, fixed, count);
	for (size_t i = 0; i < count; i++) {
		const json_t *of = i < fixed ? json_array_get(prefix, i) : items;
		char inner[256];
		(void)snprintf(inner, sizeof(inner), "%.220s[%zu]", path, i);
		int rc = json_is_object(of) ? template_type_check(t, of, json_array_get(value, i), inner, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

// A member whose name may be in another case is looked for among all: that is paid for.
static int find_paid(struct template *t, const json_t *object, const char *name, const json_t **out, struct err *err) {
	*out = json_object_get(object, name);
	int rc = *out ? 0 : template_spend(t, json_object_size(object), err);
	if (rc == 0 && !*out)
		*out = template_member(object, name);
	return rc;
}

static int check_present(struct template *t, const json_t *properties, const json_t *value, const char *path,
	struct err *err) {
	json_t *all = (json_t *)(uintptr_t)properties, *type;
	const json_t *found;
	const char *key;
	json_object_foreach (all, key, type) {
		int rc = find_paid(t, value, key, &found, err);
		if (rc < 0)
			return rc;
		if (!found && !template_type_is_nullable(t, type))
			return template_invalid(err, "The provided value for the template parameter '%s' is not valid. The required "
				"property '%.128s' is not provided. " SEE, path, key);
	}
	return 0;
}

static int check_member(struct template *t, const json_t *type, const char *key, const json_t *value, const char *path,
	struct err *err) {
	const json_t *own, *more = template_member(type, "additionalProperties");
	int rc = find_paid(t, template_member(type, "properties"), key, &own, err);
	if (rc < 0)
		return rc;
	const char *tag = type_text(template_member(type, "discriminator"), "propertyName");
	char inner[256];
	(void)snprintf(inner, sizeof(inner), "%.180s.%.60s", path, key);
	if (own)
		return template_type_check(t, own, value, inner, err);
	if (json_is_false(more) && !(tag && strv_eq_nocase(tag, key)))
		return template_invalid(err, "The provided value for the template parameter '%s' is not valid. The property '%.128s' is "
			"not permitted. " SEE, path, key);
	return json_is_object(more) ? template_type_check(t, more, value, inner, err) : 0;
}

// The type that a tagged object says it is of; NULL where there is no tag to look at.
static int discriminated(const json_t *type, const json_t *value, const char *path, const json_t **out, struct err *err) {
	const json_t *discriminator = template_member(type, "discriminator");
	const char *tag = type_text(discriminator, "propertyName");
	*out = NULL;
	if (!tag)
		return 0;
	const char *says = json_string_value(template_member(value, tag));
	*out = says ? json_object_get(template_member(discriminator, "mapping"), says) : NULL;
	if (!*out)
		return template_invalid(err, "The provided value for the template parameter '%s' is not valid. The discriminator "
			"property '%.128s' is not one of those of the type. " SEE, path, tag);
	return 0;
}

static int check_members(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err) {
	const json_t *variant = NULL;
	int rc = discriminated(type, value, path, &variant, err);
	if (rc == 0 && variant)
		return template_type_check(t, variant, value, path, err);
	if (rc == 0)
		rc = check_present(t, template_member(type, "properties"), value, path, err);
	json_t *object = (json_t *)(uintptr_t)value, *member;
	const char *key;
	json_object_foreach (object, key, member)
		if (rc < 0 || (rc = check_member(t, type, key, member, path, err)) < 0)
			return rc;
	return rc;
}

static int check_one(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err) {
	const struct type_name *name = find_name(type_text(type, "type"));
	if (name && !is_of_kind(name->kind, value))
		return template_invalid(err, "Template parameter JToken type is not valid. Expected '%s'. Actual '%s'. The parameter is "
			"'%s'. " SEE, name->expected, expr_type_name(value), path);
	int rc = template_spend(t, TEMPLATE_COST_NODE * (1 + json_object_size(type)), err);
	if (rc == 0)
		rc = check_allowed(t, type, value, path, err);
	if (rc == 0)
		rc = check_size(type, value, path, err);
	if (rc == 0 && t->v2 && json_is_array(value))
		rc = check_elements(t, type, value, path, err);
	if (rc == 0 && t->v2 && json_is_object(value))
		rc = check_members(t, type, value, path, err);
	return rc;
}

// Every link of a chain of references may narrow what the next allows.
int template_type_check(struct template *t, const json_t *type, const json_t *value, const char *path, struct err *err) {
	if (json_is_null(value) && template_type_is_nullable(t, type))
		return 0;
	for (int hops = 0; hops < TEMPLATE_REFERENCE_HOPS_MAX && json_is_object(type); hops++) {
		int rc = check_one(t, type, value, path, err);
		if (rc < 0)
			return rc;
		const char *reference = type_text(type, "$ref");
		type = reference ? definition(t, reference) : NULL;
	}
	return 0;
}

// --- What may be shown of a value ---

static json_t *redact_members(const struct template *t, const json_t *type, const json_t *value) {
	const json_t *variant = NULL;
	if (discriminated(type, value, "", &variant, NULL) == 0 && variant)
		return template_type_redact(t, variant, value);
	json_t *shown = json_object();
	json_t *object = (json_t *)(uintptr_t)value, *member;
	const char *key;
	json_object_foreach (object, key, member) {
		const json_t *of = template_member(template_member(type, "properties"), key);
		if (!of)
			of = template_member(type, "additionalProperties");
		if (json_is_object(of) && template_type_is_secure(t, of))
			continue;
		if (!shown || json_set(shown, key, template_type_redact(t, of, member)) < 0) {
			json_decref(shown);
			return NULL;
		}
	}
	return shown;
}

static json_t *redact_elements(const struct template *t, const json_t *type, const json_t *value) {
	const json_t *prefix = template_member(type, "prefixItems"), *items = template_member(type, "items");
	json_t *shown = json_array();
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *of = i < json_array_size(prefix) ? json_array_get(prefix, i) : items;
		if (!shown || json_array_append_new(shown, template_type_redact(t, of, json_array_get(value, i))) < 0) {
			json_decref(shown);
			return NULL;
		}
	}
	return shown;
}

json_t *template_type_redact(const struct template *t, const json_t *type, const json_t *value) {
	if (template_type_is_secure(t, type))
		return json_null();
	const json_t *end = resolve(t, type);
	if (end && json_is_object(value))
		return redact_members(t, end, value);
	if (end && json_is_array(value))
		return redact_elements(t, end, value);
	return json_deep_copy(value);
}
