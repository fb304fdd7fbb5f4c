// SPDX-License-Identifier: Apache-2.0
// What values cost, what they are asked for, and what is wrong with them.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "template/expr_internal.h"

int invalid(struct err *err, const char *fmt, ...) {
	char message[ERR_MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	return err_set(err, -EINVAL, 400, "InvalidTemplate", "%s", message);
}

int expects(struct err *err, const char *name, const char *fmt, ...) {
	char what[ERR_MESSAGE_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return invalid(err, "The template language function '%s' expects %s", name, what);
}

const char *type_name(const json_t *value) {
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
	const json_t *inner;
	json_array_foreach (value, i, inner)
		if (!measure(inner, depth + 1, size))
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
	if (!measure(value, 0, &size))
		return size.depth > JSON_DEPTH_MAX ? invalid(err, "A value of the template's language expressions is nested deeper than "
			"%d levels.", JSON_DEPTH_MAX) : too_large(err);
	return spend(ev, size.cost, err);
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

int deliver_text(struct evaluation *ev, const char *text, size_t len, json_t **out, struct err *err) {
	if (len > EXPR_VALUE_MAX)
		return too_large(err);
	int rc = spend(ev, len, err);
	if (rc < 0)
		return rc;
	json_t *value = memchr(text, 0, len) ? NULL : json_stringn(text, len);
	if (!value)
		return invalid(err, "A string of the template's language expressions is not UTF-8 or has a character U+0000.");
	*out = value;
	return 0;
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

int deliver_same(json_t *value, json_t **out) {
	*out = json_incref(value);
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

static int wrong_type(struct err *err, const char *name, const char *wanted, const json_t *value) {
	return expects(err, name, "its parameter to be %s. The provided value is of type '%s'.", wanted, type_name(value));
}

int not_convertible(const char *name, struct err *err) {
	return invalid(err, "The template language function '%s' was invoked with a parameter that is not valid. The value cannot be "
		"converted to the target type.", name);
}

int want_string(const char *name, const json_t *value, const char **out, struct err *err) {
	if (!json_is_string(value))
		return wrong_type(err, name, "a string", value);
	*out = json_string_value(value);
	return 0;
}

int want_int(const char *name, const json_t *value, int64_t *out, struct err *err) {
	if (!json_is_integer(value))
		return wrong_type(err, name, "an integer", value);
	*out = json_integer_value(value);
	return 0;
}

int want_bool(const char *name, const json_t *value, bool *out, struct err *err) {
	if (!json_is_boolean(value))
		return wrong_type(err, name, "a boolean", value);
	*out = json_is_true(value);
	return 0;
}

int want_array(const char *name, const json_t *value, struct err *err) {
	return json_is_array(value) ? 0 : wrong_type(err, name, "an array", value);
}

int want_object(const char *name, const json_t *value, struct err *err) {
	return json_is_object(value) ? 0 : wrong_type(err, name, "an object", value);
}

int find_member(struct evaluation *ev, const json_t *object, const char *name, json_t **out, struct err *err) {
	json_t *found = json_object_get(object, name), *value;
	const char *other;
	if (!found) {
		int rc = spend(ev, json_object_size(object), err);
		if (rc < 0)
			return rc;
		json_object_foreach ((json_t *)(uintptr_t)object, other, value)
			if (!found && strcasecmp(other, name) == 0)
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
