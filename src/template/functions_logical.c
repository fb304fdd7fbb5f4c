// SPDX-License-Identifier: Apache-2.0
// and, or, if, coalesce evaluate no more of their arguments than they need ("Logical functions for ARM templates").
#include <errno.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int truth(struct evaluation *ev, const struct expr *call, size_t i, bool *out, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	int rc = evaluate(ev, call->parts[i], &value, err);
	return rc < 0 ? rc : want_bool(call->function->name, value, out, err);
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

static int eval_and(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return junction(ev, call, false, out, err);
}

static int eval_or(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return junction(ev, call, true, out, err);
}

static int eval_if(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	bool condition;
	int rc = truth(ev, call, 0, &condition, err);
	return rc < 0 ? rc : evaluate(ev, call->parts[condition ? 1 : 2], out, err);
}

static int eval_coalesce(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	for (size_t i = 0; i < call->count && json_is_null(value ? value : json_null()); i++) {
		json_decref(value);
		value = NULL;
		int rc = evaluate(ev, call->parts[i], &value, err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(value);
	return 0;
}

static int eval_not(struct evaluation *ev _unused_, const char *name, json_t *const *args, size_t count _unused_,
	json_t **out, struct err *err) {
	bool value;
	int rc = want_bool(name, args[0], &value, err);
	return rc < 0 ? rc : deliver_bool(!value, out);
}

// A boolean, "true" and "false" in any case, 0, or another integer.
static int eval_bool(struct evaluation *ev _unused_, const char *name, json_t *const *args, size_t count _unused_,
	json_t **out, struct err *err) {
	const char *text = json_string_value(args[0]);
	if (json_is_boolean(args[0]))
		return deliver_same(args[0], out);
	if (json_is_integer(args[0]))
		return deliver_bool(json_integer_value(args[0]) != 0, out);
	if (text && strv_eq_nocase(text, "true"))
		return deliver_bool(true, out);
	if (text && strv_eq_nocase(text, "false"))
		return deliver_bool(false, out);
	return not_convertible(name, err);
}

static int eval_true(struct evaluation *ev _unused_, const char *name _unused_, json_t *const *args _unused_,
	size_t count _unused_, json_t **out, struct err *err _unused_) {
	return deliver_bool(true, out);
}

static int eval_false(struct evaluation *ev _unused_, const char *name _unused_, json_t *const *args _unused_,
	size_t count _unused_, json_t **out, struct err *err _unused_) {
	return deliver_bool(false, out);
}

const struct function logical_functions[] = {
	{"and", 2, ANY_COUNT, NULL, eval_and},
	{"or", 2, ANY_COUNT, NULL, eval_or},
	{"if", 3, 3, NULL, eval_if},
	{"coalesce", 1, ANY_COUNT, NULL, eval_coalesce},
	{"not", 1, 1, eval_not, NULL},
	{"bool", 1, 1, eval_bool, NULL},
	{"true", 0, 0, eval_true, NULL},
	{"false", 0, 0, eval_false, NULL},
	{0},
};
