// SPDX-License-Identifier: Apache-2.0
// Logical functions, and coalesce: those of several arguments evaluate no more of them than they need.
#include <errno.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int truth(struct evaluation *ev, const struct expr *call, size_t i, bool *out, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	int rc = evaluate(ev, call->parts[i], &value, err);
	if (rc < 0)
		return rc;
	if (!json_is_boolean(value))
		return invalid(err, "The template language function '%s' expects its parameters to be of type 'Boolean'. The provided "
			"value is of type '%s'.", call->function->name, expr_type_name(value));
	*out = json_is_true(value);
	return 0;
}

// Until one is `decides`.
static int junction(struct evaluation *ev, const struct expr *call, bool decides, json_t **out, struct err *err) {
	bool value = !decides;
	for (size_t i = 0; i < call->count && value != decides; i++) {
		int rc = truth(ev, call, i, &value, err);
		if (rc < 0)
			return rc;
	}
	return deliver_bool(value, out);
}

static int lazy_and(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return junction(ev, call, false, out, err);
}

static int lazy_or(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return junction(ev, call, true, out, err);
}

static int lazy_if(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	bool condition;
	int rc = truth(ev, call, 0, &condition, err);
	return rc < 0 ? rc : evaluate(ev, call->parts[condition ? 1 : 2], out, err);
}

static int lazy_coalesce(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	for (size_t i = 0; i < call->count; i++) {
		_cleanup_json_ json_t *value = NULL;
		int rc = evaluate(ev, call->parts[i], &value, err);
		if (rc < 0)
			return rc;
		if (!json_is_null(value)) {
			*out = TAKE_PTR(value);
			return 0;
		}
	}
	*out = json_null();
	return 0;
}

static int compute_not(const struct call *c, json_t **out, struct err *err) {
	return json_is_boolean(c->args[0]) ? deliver_bool(!json_is_true(c->args[0]), out) : wrong_type(c, 0, "Boolean", err);
}

// A boolean, "true" and "false" in any case, or an integer.
static int compute_bool(const struct call *c, json_t **out, struct err *err) {
	const char *text = json_string_value(c->args[0]);
	if (json_is_boolean(c->args[0]))
		return deliver_same(c->args[0], out);
	if (json_is_integer(c->args[0]))
		return deliver_bool(json_integer_value(c->args[0]) != 0, out);
	if (text && strv_eq_nocase(text, "true"))
		return deliver_bool(true, out);
	if (text && strv_eq_nocase(text, "false"))
		return deliver_bool(false, out);
	return not_convertible(c, err);
}

static int compute_true(const struct call *c _unused_, json_t **out, struct err *err _unused_) {
	return deliver_bool(true, out);
}

static int compute_false(const struct call *c _unused_, json_t **out, struct err *err _unused_) {
	return deliver_bool(false, out);
}

const struct function logical_functions[] = {
	{"and", 2, ANY_COUNT, NULL, lazy_and},
	{"or", 2, ANY_COUNT, NULL, lazy_or},
	{"if", 3, 3, NULL, lazy_if},
	{"coalesce", 1, ANY_COUNT, NULL, lazy_coalesce},
	{"not", 1, 1, compute_not, NULL},
	{"bool", 1, 1, compute_bool, NULL},
	{"true", 0, 0, compute_true, NULL},
	{"false", 0, 0, compute_false, NULL},
	{0},
};
