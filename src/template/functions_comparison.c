// SPDX-License-Identifier: Apache-2.0
#include "template/expr_internal.h"

static int compute_equals(const struct call *c, json_t **out, struct err *err) {
	bool same;
	int rc = same_value(c->ev, c->args[0], c->args[1], &same, err);
	return rc < 0 ? rc : deliver_bool(same, out);
}

// Two integers or two strings: -1, 0 or 1.
static int compare(const struct call *c, int *out, struct err *err) {
	const json_t *a = c->args[0], *b = c->args[1];
	if (json_is_integer(a) && json_is_integer(b)) {
		int64_t x = json_integer_value(a), y = json_integer_value(b);
		*out = x < y ? -1 : x > y;
		return 0;
	}
	if (json_is_string(a) && json_is_string(b)) {
		*out = text_compare(json_string_value(a), json_string_value(b));
		return 0;
	}
	if (json_typeof(a) != json_typeof(b))
		return expects(c, err, "two parameter of matching types. The function was invoked with values of type '%s' and '%s' that do "
			"not match.", expr_type_name(a), expr_type_name(b));
	return expects(c, err, "its parameters to be integers or strings. The provided value is of type '%s'.", expr_type_name(a));
}

static int compute_less(const struct call *c, json_t **out, struct err *err) {
	int order, rc = compare(c, &order, err);
	return rc < 0 ? rc : deliver_bool(order < 0, out);
}

static int compute_less_or_equals(const struct call *c, json_t **out, struct err *err) {
	int order, rc = compare(c, &order, err);
	return rc < 0 ? rc : deliver_bool(order <= 0, out);
}

static int compute_greater(const struct call *c, json_t **out, struct err *err) {
	int order, rc = compare(c, &order, err);
	return rc < 0 ? rc : deliver_bool(order > 0, out);
}

static int compute_greater_or_equals(const struct call *c, json_t **out, struct err *err) {
	int order, rc = compare(c, &order, err);
	return rc < 0 ? rc : deliver_bool(order >= 0, out);
}

const struct function comparison_functions[] = {
	{"equals", 2, 2, compute_equals, NULL},
	{"less", 2, 2, compute_less, NULL},
	{"lessOrEquals", 2, 2, compute_less_or_equals, NULL},
	{"greater", 2, 2, compute_greater, NULL},
	{"greaterOrEquals", 2, 2, compute_greater_or_equals, NULL},
	{0},
};
