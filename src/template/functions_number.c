// SPDX-License-Identifier: Apache-2.0
// Numbers: 64-bit integers, whose overflow is an error.
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int overflow(const struct call *c, struct err *err) {
	return invalid(err, "The template language function '%s' results in a number that does not fit in 64 bits.", c->name);
}

static int want_operands(const struct call *c, int64_t *a, int64_t *b, struct err *err) {
	int rc = want_int(c, 0, a, err);
	return rc < 0 ? rc : want_int(c, 1, b, err);
}

static int compute_add(const struct call *c, json_t **out, struct err *err) {
	int64_t a, b, sum = 0;
	int rc = want_operands(c, &a, &b, err);
	if (rc == 0 && __builtin_add_overflow(a, b, &sum))
		rc = overflow(c, err);
	return rc < 0 ? rc : deliver_int(sum, out, err);
}

static int compute_sub(const struct call *c, json_t **out, struct err *err) {
	int64_t a, b, difference = 0;
	int rc = want_operands(c, &a, &b, err);
	if (rc == 0 && __builtin_sub_overflow(a, b, &difference))
		rc = overflow(c, err);
	return rc < 0 ? rc : deliver_int(difference, out, err);
}

static int compute_mul(const struct call *c, json_t **out, struct err *err) {
	int64_t a, b, product = 0;
	int rc = want_operands(c, &a, &b, err);
	if (rc == 0 && __builtin_mul_overflow(a, b, &product))
		rc = overflow(c, err);
	return rc < 0 ? rc : deliver_int(product, out, err);
}

static int want_division(const struct call *c, int64_t *a, int64_t *b, struct err *err) {
	int rc = want_operands(c, a, b, err);
	if (rc < 0)
		return rc;
	if (*b == 0)
		return invalid(err, "Attempt to divide an integral or decimal value by zero in function '%s'.", c->name);
	return *a == INT64_MIN && *b == -1 ? overflow(c, err) : 0;
}

static int compute_div(const struct call *c, json_t **out, struct err *err) {
	int64_t a, b;
	int rc = want_division(c, &a, &b, err);
	return rc < 0 ? rc : deliver_int(a / b, out, err);
}

static int compute_mod(const struct call *c, json_t **out, struct err *err) {
	int64_t a, b;
	int rc = want_division(c, &a, &b, err);
	return rc < 0 ? rc : deliver_int(a % b, out, err);
}

static int deliver_rounded(const struct call *c, double value, json_t **out, struct err *err) {
	// Both ends are numbers of a double; the upper is the first that does not fit.
	double rounded = nearbyint(value);
	if (isless(rounded, -0x1p63) || !isless(rounded, 0x1p63))
		return overflow(c, err);
	return deliver_int((int64_t)rounded, out, err);
}

static int compute_int(const struct call *c, json_t **out, struct err *err) {
	const char *text = json_string_value(c->args[0]);
	int64_t value;
	if (json_is_integer(c->args[0]))
		return deliver_same(c->args[0], out);
	if (json_is_real(c->args[0]))
		return deliver_rounded(c, json_real_value(c->args[0]), out, err);
	if (!text)
		return not_convertible(c, err);
	text += text_blanks(text);
	_cleanup_free_ char *number = strndup(text + (text[0] == '+'), text_trimmed(text, strlen(text)) - (text[0] == '+'));
	if (!number)
		return err_oom(err);
	return strv_int(number, INT64_MIN, INT64_MAX, &value) < 0 ? not_convertible(c, err) : deliver_int(value, out, err);
}

static int compute_float(const struct call *c, json_t **out, struct err *err) {
	const char *text = json_string_value(c->args[0]);
	_cleanup_json_ json_t *number = NULL;
	if (text ? parse_json(c, text, &number, NULL) < 0 : deliver_same(c->args[0], &number) < 0)
		return not_convertible(c, err);
	if (!json_is_number(number))
		return not_convertible(c, err);
	json_t *real = json_real(json_number_value(number));
	if (!real)
		return err_oom(err);
	*out = real;
	return 0;
}

// The integers themselves or one array of them; sign -1 for the least, 1 for the greatest.
static int extreme(const struct call *c, int sign, json_t **out, struct err *err) {
	bool is_array = c->count == 1 && json_is_array(c->args[0]);
	size_t count = is_array ? json_array_size(c->args[0]) : c->count;
	int64_t found = 0;
	if (count == 0)
		return expects(c, err, "at least one integer; the array that was provided is empty.");
	int rc = spend(c->ev, count, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		const json_t *value = is_array ? json_array_get(c->args[0], i) : c->args[i];
		if (!json_is_integer(value))
			return expects(c, err, "its parameters to be integers or an array of integers. The provided value is of type '%s'.",
				expr_type_name(value));
		int64_t number = json_integer_value(value);
		if (i == 0 || (sign < 0 ? number < found : number > found))
			found = number;
	}
	return rc < 0 ? rc : deliver_int(found, out, err);
}

static int compute_min(const struct call *c, json_t **out, struct err *err) {
	return extreme(c, -1, out, err);
}

static int compute_max(const struct call *c, json_t **out, struct err *err) {
	return extreme(c, 1, out, err);
}

const struct function number_functions[] = {
	{"add", 2, 2, compute_add, NULL},
	{"sub", 2, 2, compute_sub, NULL},
	{"mul", 2, 2, compute_mul, NULL},
	{"div", 2, 2, compute_div, NULL},
	{"mod", 2, 2, compute_mod, NULL},
	{"int", 1, 1, compute_int, NULL},
	{"float", 1, 1, compute_float, NULL},
	{"min", 1, ANY_COUNT, compute_min, NULL},
	{"max", 1, ANY_COUNT, compute_max, NULL},
	{0},
};
