// SPDX-License-Identifier: Apache-2.0
// Values of a template with their expressions evaluated and their loops ("copy") worked out.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

static size_t cost_of(const json_t *value) {
	return json_is_object(value) ? TEMPLATE_COST_OBJECT : json_is_array(value) ? TEMPLATE_COST_ARRAY : TEMPLATE_COST_NODE;
}

// What an expression came to is paid for in full, whatever it shares with others: it will be written out. Nothing may grow
// deeper than what comes from outside.
static int measure(struct template *t, const json_t *value, unsigned depth, struct err *err) {
	if (depth > JSON_DEPTH_MAX)
		return template_refuse(err, "A value of the template is nested deeper than %d levels.", JSON_DEPTH_MAX);
	int rc = template_spend(t, cost_of(value) + json_string_length(value), err);
	json_t *v = (json_t *)(uintptr_t)value, *inner;
	const char *key;
	size_t i;
	json_object_foreach (v, key, inner) {
		if (rc == 0)
			rc = template_spend(t, TEMPLATE_COST_MEMBER + strlen(key), err);
		if (rc == 0)
			rc = measure(t, inner, depth + 1, err);
		if (rc < 0)
			return rc;
	}
	json_array_foreach (v, i, inner)
		if (rc < 0 || (rc = measure(t, inner, depth + 1, err)) < 0)
			return rc;
	return rc;
}

int template_text(const struct template_context *c, const char *text, json_t **out, struct err *err) {
	struct expr_scope scope = {.ctx = (void *)(uintptr_t)c, .call = template_scope_call, .budget = c->t->budget};
	_cleanup_json_ json_t *value = NULL;
	int rc = template_spend(c->t, strlen(text), err);
	if (rc == 0)
		rc = expr_text(text, &scope, &value, err);
	if (rc == 0)
		rc = measure(c->t, value, 0, err);
	if (rc == 0)
		*out = TAKE_PTR(value);
	return rc;
}

// What has been evaluated is not to be evaluated once more where it is read as a template: neither what a client gave as a
// parameter nor what a resource answered is an expression.
static json_t *escaped(const json_t *value);

static json_t *escaped_text(const char *text) {
	size_t len = strlen(text);
	bool reads = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	return reads ? json_sprintf("[%s", text) : json_string(text);
}

static json_t *escaped_members(const json_t *object) {
	_cleanup_json_ json_t *made = json_object();
	json_t *o = (json_t *)(uintptr_t)object, *value;
	const char *key;
	json_object_foreach (o, key, value) {
		_cleanup_json_ json_t *name = escaped_text(key);
		if (!name || json_object_set_new(made, json_string_value(name), escaped(value)) < 0)
			return NULL;
	}
	return TAKE_PTR(made);
}

static json_t *escaped_elements(const json_t *array) {
	_cleanup_json_ json_t *made = json_array();
	for (size_t i = 0; i < json_array_size(array); i++)
		if (json_array_append_new(made, escaped(json_array_get(array, i))) < 0)
			return NULL;
	return TAKE_PTR(made);
}

static json_t *escaped(const json_t *value) {
	if (json_is_string(value))
		return escaped_text(json_string_value(value));
	if (json_is_object(value))
		return escaped_members(value);
	return json_is_array(value) ? escaped_elements(value) : json_incref((json_t *)(uintptr_t)value);
}

static int evaluate_string(const struct template_context *c, const json_t *value, json_t **out, struct err *err) {
	const char *text = json_string_value(value);
	_cleanup_json_ json_t *made = NULL;
	if (text[0] != '[') {
		*out = json_incref((json_t *)(uintptr_t)value);
		return 0;
	}
	int rc = template_text(c, text, &made, err);
	if (rc < 0)
		return rc;
	*out = c->escaping ? escaped(made) : TAKE_PTR(made);
	return *out ? 0 : err_oom(err);
}

static int evaluate_array(const struct template_context *c, const json_t *value, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	if (!made)
		return err_oom(err);
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = NULL;
		int rc = template_value(c, json_array_get(value, i), &element, err);
		if (rc < 0)
			return rc;
		if (json_array_append_new(made, element) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(made);
	return 0;
}

bool template_is_copy(const char *name, const json_t *value) {
	if (!strv_eq_nocase(name, "copy") || !json_is_array(value) || json_array_size(value) == 0)
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		const json_t *loop = json_array_get(value, i);
		if (!template_member(loop, "name") || !template_member(loop, "count"))
			return false;
	}
	return true;
}

int template_copy_count(const struct template_context *c, const json_t *copy, size_t *out, struct err *err) {
	_cleanup_json_ json_t *count = NULL;
	const json_t *written = template_member(copy, "count");
	if (!written)
		return template_refuse(err, "The template 'copy' definition at line '1' and column '1' has no 'count'. Please see "
			"https://aka.ms/arm-resource-loops for usage details.");
	int rc = template_value(c, written, &count, err);
	if (rc < 0)
		return rc;
	json_int_t n = json_integer_value(count);
	if (!json_is_integer(count) || n < 0 || n > TEMPLATE_COPIES_MAX)
		return template_refuse(err, "The template 'copy' definition at line '1' and column '1' has an invalid copy count. The "
			"copy count must be a non-negative integer value and cannot exceed '%d'. Please see "
			"https://aka.ms/arm-resource-loops for usage details.", TEMPLATE_COPIES_MAX);
	*out = (size_t)n;
	return 0;
}

int template_iterate(const struct template_context *c, const char *name, const json_t *copy, const char *member, bool unnamed,
	json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	const json_t *input = template_member(copy, member);
	size_t count = 0;
	if (!made)
		return err_oom(err);
	if (!input)
		return template_refuse(err, "The template 'copy' definition '%.128s' has no '%s'. Please see "
			"https://aka.ms/arm-resource-loops for usage details.", name, member);
	int rc = template_copy_count(c, copy, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct template_loop loop = {.outer = c->loop, .name = name, .index = (int64_t)i, .unnamed = unnamed};
		struct template_context inner = *c;
		inner.loop = &loop;
		json_t *element = NULL;
		rc = template_value(&inner, input, &element, err);
		if (rc == 0 && json_array_append_new(made, element) < 0)
			rc = err_oom(err);
	}
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

static int add_member(json_t *object, const char *name, json_t *value, struct err *err) {
	if (json_object_get(object, name)) {
		json_decref(value);
		return template_refuse(err, "The member '%.128s' of an object is given more than once.", name);
	}
	return json_set(object, name, value) < 0 ? err_oom(err) : 0;
}

static int add_copies(const struct template_context *c, const json_t *copies, json_t *out, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(copies); i++) {
		const json_t *copy = json_array_get(copies, i);
		_cleanup_free_ char *name = NULL;
		json_t *array = NULL;
		rc = template_spend(c->t, TEMPLATE_COST_NODE * json_object_size(copy), err);
		if (rc == 0)
			rc = template_string(c, template_member(copy, "name"), "The name of a 'copy'", &name, err);
		if (rc == 0)
			rc = template_iterate(c, name, copy, "input", false, &array, err);
		if (rc == 0)
			rc = add_member(out, name, array, err);
	}
	return rc;
}

bool template_is_omitted(const char *const *omitted, const char *name) {
	for (; omitted && *omitted; omitted++)
		if (strv_eq_nocase(*omitted, name))
			return true;
	return false;
}

static int add_evaluated(const struct template_context *c, const char *key, const json_t *value, json_t *out, struct err *err) {
	_cleanup_free_ char *name = NULL;
	json_t *member = NULL;
	int rc = 0;
	if (key[0] == '[') {
		_cleanup_json_ json_t *text = json_string(key);
		rc = text ? template_string(c, text, "The name of a member", &name, err) : err_oom(err);
	}
	if (rc == 0)
		rc = template_value(c, value, &member, err);
	if (rc == 0)
		rc = add_member(out, name ? name : key, member, err);
	return rc;
}

int template_members(const struct template_context *c, const json_t *object, const char *const *omitted, json_t *out,
	struct err *err) {
	json_t *o = (json_t *)(uintptr_t)object, *value;
	const char *key;
	json_object_foreach (o, key, value) {
		if (template_is_omitted(omitted, key))
			continue;
		int rc = template_spend(c->t, TEMPLATE_COST_MEMBER, err);
		if (rc < 0)
			return rc;
		if (template_is_copy(key, value))
			rc = add_copies(c, value, out, err);
		else
			rc = add_evaluated(c, key, value, out, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int evaluate_object(const struct template_context *c, const json_t *value, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	if (!made)
		return err_oom(err);
	int rc = template_members(c, value, NULL, made, err);
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

static int evaluate_kind(const struct template_context *c, const json_t *value, json_t **out, struct err *err) {
	if (json_is_string(value))
		return evaluate_string(c, value, out, err);
	if (json_is_array(value))
		return evaluate_array(c, value, out, err);
	if (json_is_object(value))
		return evaluate_object(c, value, out, err);
	*out = json_incref((json_t *)(uintptr_t)value);
	return 0;
}

// Variables lead to variables, and each to its own depth: together they stay within what a stack can hold.
int template_value(const struct template_context *c, const json_t *value, json_t **out, struct err *err) {
	struct expr_budget *budget = c->t->budget;
	if (budget->depth >= TEMPLATE_NESTING_MAX)
		return template_refuse(err, "The values of the template lead to each other deeper than %d levels.", TEMPLATE_NESTING_MAX);
	int rc = template_spend(c->t, cost_of(value), err);
	if (rc < 0)
		return rc;
	budget->depth++;
	rc = evaluate_kind(c, value, out, err);
	budget->depth--;
	return rc;
}

int template_string(const struct template_context *c, const json_t *value, const char *what, char **out, struct err *err) {
	_cleanup_json_ json_t *made = NULL;
	int rc = value ? template_value(c, value, &made, err) : 0;
	if (rc < 0)
		return rc;
	if (!json_is_string(made))
		return template_refuse(err, "%s must be a string.", what);
	*out = strdup(json_string_value(made));
	return *out ? 0 : err_oom(err);
}
