// SPDX-License-Identifier: Apache-2.0
// What values cost, what they are asked for, and what is wrong with them.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

int expects(const struct call *c, struct err *err, const char *fmt, ...) {
	char what[ERR_MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return invalid(err, "The template language function '%s' expects %s", c->name, what);
}

int not_convertible(const struct call *c, struct err *err) {
	return invalid(err, "The template language function '%s' was invoked with a parameter that is not valid. The value cannot be "
		"converted to the target type.", c->name);
}

int wrong_count(const char *name, unsigned min, unsigned max, size_t count, struct err *err) {
	char wanted[64];
	if (max == ANY_COUNT && min == 1)
		return invalid(err, "Unable to evaluate template language function '%s'. At least one parameter should be provided.",
			name);
	if (min == max)
		(void)snprintf(wanted, sizeof(wanted), "%u", min);
	else if (max == ANY_COUNT)
		(void)snprintf(wanted, sizeof(wanted), "at least %u", min);
	else
		(void)snprintf(wanted, sizeof(wanted), "between %u and %u", min, max);
	return invalid(err, "Unable to evaluate template language function '%s': function requires %s argument(s) while %zu were "
		"provided.", name, wanted, count);
}

const char *expr_type_name(const json_t *value) {
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "Object";
	case JSON_ARRAY:
		return "Array";
	case JSON_STRING:
		return "String";
	case JSON_INTEGER:
		return "Integer";
	case JSON_REAL:
		return "Float";
	case JSON_TRUE:
	case JSON_FALSE:
		return "Boolean";
	case JSON_NULL:
		break;
	}
	return "Null";
}

int spend(struct evaluation *ev, size_t cost, struct err *err) {
	struct expr_budget *budget = ev->scope->budget;
	if (budget->left <= 0 || cost >= (uint64_t)budget->left) {
		budget->left = 0;
		return invalid(err, "The evaluation of the template's language expressions takes more than is allowed.");
	}
	budget->left -= (int64_t)cost;
	return 0;
}

static int too_large(struct err *err) {
	return invalid(err, "A value of the template's language expressions is larger than %u bytes.", EXPR_VALUE_MAX);
}

int spend_elements(struct evaluation *ev, size_t count, struct err *err) {
	return count > EXPR_VALUE_MAX ? too_large(err) : spend(ev, count * COST_ELEMENT, err);
}

struct size {
	size_t bytes;  // about what it has as JSON
	size_t cost;
	unsigned depth;
};

static void count_text(struct size *size, size_t len) {
	size->bytes += len + 3;
	size->cost += len / 16;
}

// Adds up; false, with the rest left out, as soon as it is too large or too deep.
static bool measure(const json_t *value, unsigned depth, struct size *size) {
	size->cost++;
	size->bytes += 2;
	if (depth > size->depth)
		size->depth = depth;
	if (size->bytes > EXPR_VALUE_MAX || depth > JSON_DEPTH_MAX)
		return false;
	if (json_is_string(value))
		count_text(size, json_string_length(value));
	size_t i;
	const char *name;
	const json_t *element;
	json_t *inner;
	json_array_foreach (value, i, element)
		if (!measure(element, depth + 1, size))
			return false;
	// json_object_foreach wants to be able to change the object.
	json_object_foreach ((json_t *)(uintptr_t)value, name, inner) {
		count_text(size, strlen(name));
		if (!measure(inner, depth + 1, size))
			return false;
	}
	return size->bytes <= EXPR_VALUE_MAX;
}

int spend_value(struct evaluation *ev, const json_t *value, struct err *err) {
	struct size size = {0};
	if (measure(value, 1, &size))
		return spend(ev, size.cost, err);
	if (size.depth > JSON_DEPTH_MAX)
		return invalid(err, "A value of the template's language expressions is nested deeper than %d levels.", JSON_DEPTH_MAX);
	return too_large(err);
}

int deliver(struct evaluation *ev, json_t *value, json_t **out, struct err *err) {
	_cleanup_json_ json_t *mine = value;
	if (!mine)
		return err_oom(err);
	int rc = spend_value(ev, mine, err);
	if (rc == 0)
		*out = TAKE_PTR(mine);
	return rc;
}

static int make_text(const char *text, size_t len, json_t **out, struct err *err) {
	json_t *value = memchr(text, 0, len) ? NULL : json_stringn(text, len);
	if (!value)
		return invalid(err, "A string of the template's language expressions is not UTF-8 or has a character U+0000.");
	*out = value;
	return 0;
}

int deliver_text(struct evaluation *ev, const char *text, size_t len, json_t **out, struct err *err) {
	int rc = len > EXPR_VALUE_MAX ? too_large(err) : spend(ev, len, err);
	return rc < 0 ? rc : make_text(text, len, out, err);
}

int deliver_buf(const struct buf *text, json_t **out, struct err *err) {
	return make_text(buf_cstr(text), text->len, out, err);
}

int deliver_bool(bool value, json_t **out) {
	*out = json_boolean(value);
	return 0;
}

int deliver_int(int64_t value, json_t **out, struct err *err) {
	json_t *made = json_integer(value);
	if (!made)
		return err_oom(err);
	*out = made;
	return 0;
}

int deliver_same(const json_t *value, json_t **out) {
	*out = json_incref((json_t *)(uintptr_t)value);
	return 0;
}

int append(struct evaluation *ev, struct buf *text, const void *data, size_t len, struct err *err) {
	if (len > EXPR_VALUE_MAX || text->len + len > EXPR_VALUE_MAX)
		return too_large(err);
	int rc = spend(ev, len, err);
	if (rc == 0 && buf_append(text, data, len) < 0)
		rc = err_oom(err);
	return rc;
}

int append_str(struct evaluation *ev, struct buf *text, const char *s, struct err *err) {
	return append(ev, text, s, strlen(s), err);
}

int append_times(struct evaluation *ev, struct buf *text, char c, int64_t times, struct err *err) {
	uint8_t *at;
	if (times <= 0)
		return 0;
	if (times > EXPR_VALUE_MAX || text->len + (size_t)times > EXPR_VALUE_MAX)
		return too_large(err);
	int rc = spend(ev, (size_t)times, err);
	if (rc < 0)
		return rc;
	if (buf_extend(text, (size_t)times, &at) < 0)
		return err_oom(err);
	memset(at, c, (size_t)times);
	return 0;
}

int add_element(struct evaluation *ev, json_t *array, json_t *value, struct err *err) {
	int rc = spend(ev, COST_ELEMENT, err);
	if (rc == 0 && json_array_append(array, value) < 0)
		rc = err_oom(err);
	return rc;
}

int add_member(struct evaluation *ev, json_t *object, const char *name, json_t *value, struct err *err) {
	int rc = spend(ev, COST_ELEMENT + strlen(name), err);
	if (rc == 0 && json_object_set(object, name, value) < 0)
		rc = err_oom(err);
	return rc;
}

int wrong_type(const struct call *c, size_t i, const char *wanted, struct err *err) {
	static const char *const ordinals[] = {"first", "second", "third", "fourth", "fifth"};
	const char *type = expr_type_name(c->args[i]);
	if (c->count == 1)
		return expects(c, err, "its parameter to be of type '%s'. The provided value is of type '%s'.", wanted, type);
	if (i < ARRAY_SIZE(ordinals))
		return expects(c, err, "its %s parameter to be of type '%s'. The provided value is of type '%s'.", ordinals[i], wanted,
			type);
	return expects(c, err, "its parameters to be of type '%s'. Value %zu that was provided is of type '%s'.", wanted, i + 1, type);
}

int want_string(const struct call *c, size_t i, const char **out, struct err *err) {
	if (!json_is_string(c->args[i]))
		return wrong_type(c, i, "String", err);
	*out = json_string_value(c->args[i]);
	return 0;
}

int want_two_strings(const struct call *c, const char **first, const char **second, struct err *err) {
	if (!json_is_string(c->args[0]) || !json_is_string(c->args[1]))
		return expects(c, err, "its parameters to be of type string and string. The provided value is of type '%s' and '%s'.",
			expr_type_name(c->args[0]), expr_type_name(c->args[1]));
	*first = json_string_value(c->args[0]);
	*second = json_string_value(c->args[1]);
	return 0;
}

int want_int(const struct call *c, size_t i, int64_t *out, struct err *err) {
	if (!json_is_integer(c->args[i]))
		return wrong_type(c, i, "Integer", err);
	*out = json_integer_value(c->args[i]);
	return 0;
}

int want_array(const struct call *c, size_t i, struct err *err) {
	return json_is_array(c->args[i]) ? 0 : wrong_type(c, i, "Array", err);
}

int want_object(const struct call *c, size_t i, struct err *err) {
	return json_is_object(c->args[i]) ? 0 : wrong_type(c, i, "Object", err);
}

int find_member(struct evaluation *ev, const json_t *object, const char *name, json_t **out, struct err *err) {
	json_t *found = json_object_get(object, name), *value;
	const char *other;
	if (!found) {
		int rc = spend(ev, json_object_size(object), err);
		if (rc < 0)
			return rc;
		json_object_foreach ((json_t *)(uintptr_t)object, other, value)
			if (!found && strv_eq_nocase(other, name))
				found = value;
	}
	*out = found;
	return 0;
}

int same_value(struct evaluation *ev, const json_t *a, const json_t *b, bool *out, struct err *err) {
	bool same = false;
	if (json_typeof(a) == json_typeof(b)) {
		int rc = spend_value(ev, a, err);
		if (rc < 0)
			return rc;
		same = json_equal(a, b);
	}
	*out = same;
	return 0;
}

// All that is inside is new, and takes of memory what elements that are made do.
static int deliver_parsed(struct evaluation *ev, const json_t *value, json_t **out, struct err *err) {
	int64_t before = ev->scope->budget->left;
	int rc = spend_value(ev, value, err);
	if (rc == 0)
		rc = spend(ev, (size_t)(before - ev->scope->budget->left) * COST_ELEMENT, err);
	return rc < 0 ? rc : deliver_same(value, out);
}

int parse_json(const struct call *c, const char *text, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf wrapped = {0};
	_cleanup_json_ json_t *array = NULL;
	struct err reason = {0};
	// In an array, since a value alone may be of any type here.
	int rc = append_str(c->ev, &wrapped, "[", err);
	if (rc == 0)
		rc = append_str(c->ev, &wrapped, text, err);
	if (rc == 0)
		rc = append_str(c->ev, &wrapped, "]", err);
	if (rc < 0)
		return rc;
	rc = json_parse(wrapped.data, wrapped.len, "InvalidTemplate", &array, &reason);
	if (rc == 0 && json_array_size(array) == 1)
		return deliver_parsed(c->ev, json_array_get(array, 0), out, err);
	return invalid(err, "The template language function '%s' parameter is not valid. The provided value is not a valid JSON.%s%s",
		c->name, *reason.message ? " " : "", reason.message);
}

int append_json(struct evaluation *ev, struct buf *text, const json_t *value, struct err *err) {
	int rc = spend_value(ev, value, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *dumped = json_text(value);
	return dumped ? append_str(ev, text, dumped, err) : err_oom(err);
}

// .NET shows no fraction where there is none; JSON does, to tell it from an integer.
static int append_real(struct evaluation *ev, struct buf *text, const json_t *value, struct err *err) {
	_cleanup_buf_ struct buf shown = {0};
	int rc = append_json(ev, &shown, value, err);
	if (rc < 0)
		return rc;
	bool whole = shown.len > 2 && memcmp(shown.data + shown.len - 2, ".0", 2) == 0;
	return append(ev, text, shown.data, shown.len - (whole ? 2 : 0), err);
}

int append_value(struct evaluation *ev, struct buf *text, const json_t *value, struct err *err) {
	if (json_is_string(value))
		return append(ev, text, json_string_value(value), json_string_length(value), err);
	if (json_is_boolean(value))
		return append_str(ev, text, json_is_true(value) ? "True" : "False", err);
	if (json_is_real(value))
		return append_real(ev, text, value, err);
	return json_is_null(value) ? 0 : append_json(ev, text, value, err);
}
