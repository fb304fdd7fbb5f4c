// SPDX-License-Identifier: Apache-2.0
// Lambda functions: lambda('a', 'b', body) stands as an argument of the functions here, whose values its body asks for by
// lambdaVariables('a'). Bodies are evaluated where they stand, so the bindings around a call are those around its text.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int lazy_lambda(struct evaluation *ev _unused_, const struct expr *call, json_t **out _unused_, struct err *err) {
	return invalid(err, "The template function '%s' is not expected at this location: a lambda is an argument of filter, groupBy, map, "
		"mapValues, reduce, sort or toObject.", call->function->name);
}

static bool is_name(const struct expr *e) {
	return e->kind == EXPR_LITERAL && json_is_string(e->literal) && json_string_length(e->literal) > 0;
}

// Argument i, which must be a lambda of so many parameters.
static int want_lambda(const struct expr *call, size_t i, size_t min, size_t max, const struct expr **out, struct err *err) {
	const struct expr *lambda = call->parts[i];
	if (lambda->kind != EXPR_CALL || !lambda->function || lambda->function->lazy != lazy_lambda)
		return invalid(err, "The template language function '%s' expects argument %zu to be a lambda.", call->function->name, i + 1);
	size_t parameters = lambda->count - 1;
	if (lambda->count == 0 || parameters < min || parameters > max)
		return invalid(err, "The template language function '%s' expects a lambda with %zu to %zu parameters.", call->function->name,
			min, max);
	for (size_t j = 0; j < parameters; j++)
		if (!is_name(lambda->parts[j]))
			return invalid(err, "The parameters of a lambda must be names in quotes.");
	*out = lambda;
	return 0;
}

enum { PARAMETERS_MAX = 3 };

// With as many of the values as it has parameters.
static int invoke(struct evaluation *ev, const struct expr *lambda, json_t *const values[], json_t **out, struct err *err) {
	struct binding bindings[PARAMETERS_MAX];
	size_t parameters = lambda->count - 1;
	const struct binding *outer = ev->bindings;
	for (size_t i = 0; i < parameters; i++) {
		bindings[i] = (struct binding){ev->bindings, json_string_value(lambda->parts[i]->literal), values[i]};
		ev->bindings = &bindings[i];
	}
	int rc = evaluate(ev, lambda->parts[parameters], out, err);
	ev->bindings = outer;
	return rc;
}

static int invoke_for_text(struct evaluation *ev, const struct expr *lambda, json_t *value, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = NULL;
	int rc = invoke(ev, lambda, &value, &made, err);
	if (rc < 0)
		return rc;
	if (!json_is_string(made))
		return invalid(err, "A lambda that gives the name of a property must give a string; it gave a value of type '%s'.",
			expr_type_name(made));
	*out = TAKE_PTR(made);
	return 0;
}

static int invoke_for_truth(struct evaluation *ev, const struct expr *lambda, json_t *const values[], bool *out,
	struct err *err) {
	_cleanup_json_ json_t *made = NULL;
	int rc = invoke(ev, lambda, values, &made, err);
	if (rc < 0)
		return rc;
	if (!json_is_boolean(made))
		return invalid(err, "A lambda that decides must give a boolean; it gave a value of type '%s'.", expr_type_name(made));
	*out = json_is_true(made);
	return 0;
}

static int compute_lambda_variables(const struct call *c, json_t **out, struct err *err) {
	const char *name;
	int rc = want_string(c, 0, &name, err);
	if (rc < 0)
		return rc;
	for (const struct binding *b = c->ev->bindings; b; b = b->outer)
		if (strv_eq_nocase(b->name, name))
			return deliver_same(b->value, out);
	return invalid(err, "The lambda variable '%.256s' is not defined here.", name);
}

// The first argument, evaluated, of the given type.
static int evaluate_input(struct evaluation *ev, const struct expr *call, json_type type, json_t **out, struct err *err) {
	_cleanup_json_ json_t *input = NULL;
	int rc = evaluate(ev, call->parts[0], &input, err);
	if (rc < 0)
		return rc;
	if (json_typeof(input) != type)
		return invalid(err, "The template language function '%s' expects its first parameter to be of type '%s'. The provided value is of "
			"type '%s'.", call->function->name, type == JSON_ARRAY ? "Array" : "Object", expr_type_name(input));
	*out = TAKE_PTR(input);
	return 0;
}

// What is done with each element: `state` is the function's own.
struct walk {
	struct evaluation *ev;
	const struct expr *lambda, *value_lambda;
	json_t *made;
};
typedef int (*walker)(struct walk *w, json_t *element, json_t *index, struct err *err);

static int each_element(struct walk *w, const json_t *array, walker step, struct err *err) {
	size_t i;
	json_t *element;
	json_array_foreach (array, i, element) {
		_cleanup_json_ json_t *index = json_integer((json_int_t)i);
		int rc = index ? step(w, element, index, err) : err_oom(err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// A function of an array and one lambda, whose result is made element by element.
static int walk_array(struct evaluation *ev, const struct expr *call, size_t parameters_max, json_t *made, walker step,
	json_t **out, struct err *err) {
	_cleanup_json_ json_t *input = NULL, *mine = made;
	struct walk w = {.ev = ev, .made = made};
	int rc = mine ? want_lambda(call, 1, 1, parameters_max, &w.lambda, err) : err_oom(err);
	if (rc == 0 && call->count > 2)
		rc = want_lambda(call, 2, 1, 1, &w.value_lambda, err);
	if (rc == 0)
		rc = evaluate_input(ev, call, JSON_ARRAY, &input, err);
	if (rc == 0)
		rc = each_element(&w, input, step, err);
	return rc < 0 ? rc : deliver(ev, TAKE_PTR(mine), out, err);
}

static int filter_element(struct walk *w, json_t *element, json_t *index, struct err *err) {
	bool keep;
	int rc = invoke_for_truth(w->ev, w->lambda, (json_t *[]){element, index}, &keep, err);
	return rc < 0 || !keep ? rc : add_element(w->ev, w->made, element, err);
}

static int lazy_filter(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return walk_array(ev, call, 2, json_array(), filter_element, out, err);
}

static int map_element(struct walk *w, json_t *element, json_t *index, struct err *err) {
	_cleanup_json_ json_t *mapped = NULL;
	int rc = invoke(w->ev, w->lambda, (json_t *[]){element, index}, &mapped, err);
	return rc < 0 ? rc : add_element(w->ev, w->made, mapped, err);
}

static int lazy_map(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return walk_array(ev, call, 2, json_array(), map_element, out, err);
}

// The element itself where there is no lambda for values.
static int value_of(struct walk *w, json_t *element, json_t **out, struct err *err) {
	return w->value_lambda ? invoke(w->ev, w->value_lambda, &element, out, err) : deliver_same(element, out);
}

static int name_element(struct walk *w, json_t *element, json_t *index _unused_, struct err *err) {
	_cleanup_json_ json_t *name = NULL, *value = NULL;
	int rc = invoke_for_text(w->ev, w->lambda, element, &name, err);
	if (rc == 0)
		rc = value_of(w, element, &value, err);
	return rc < 0 ? rc : add_member(w->ev, w->made, json_string_value(name), value, err);
}

static int lazy_to_object(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return walk_array(ev, call, 1, json_object(), name_element, out, err);
}

static int group_element(struct walk *w, json_t *element, json_t *index _unused_, struct err *err) {
	_cleanup_json_ json_t *name = NULL, *value = NULL, *fresh = NULL;
	int rc = invoke_for_text(w->ev, w->lambda, element, &name, err);
	if (rc == 0)
		rc = value_of(w, element, &value, err);
	if (rc < 0)
		return rc;
	json_t *group = json_object_get(w->made, json_string_value(name));
	if (!group) {
		group = fresh = json_array();
		rc = fresh ? add_member(w->ev, w->made, json_string_value(name), fresh, err) : err_oom(err);
	}
	return rc < 0 ? rc : add_element(w->ev, group, value, err);
}

static int lazy_group_by(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	return walk_array(ev, call, 1, json_object(), group_element, out, err);
}

static int lazy_map_values(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *input = NULL, *made = json_object();
	const struct expr *lambda;
	const char *name;
	json_t *value;
	int rc = made ? want_lambda(call, 1, 1, 1, &lambda, err) : err_oom(err);
	if (rc == 0)
		rc = evaluate_input(ev, call, JSON_OBJECT, &input, err);
	if (rc < 0)
		return rc;
	json_object_foreach (input, name, value) {
		_cleanup_json_ json_t *mapped = NULL;
		rc = invoke(ev, lambda, &value, &mapped, err);
		if (rc == 0)
			rc = add_member(ev, made, name, mapped, err);
		if (rc < 0)
			return rc;
	}
	return deliver(ev, TAKE_PTR(made), out, err);
}

static int reduce_element(struct walk *w, json_t *element, json_t *index, struct err *err) {
	json_t *next;
	int rc = invoke(w->ev, w->lambda, (json_t *[]){w->made, element, index}, &next, err);
	if (rc < 0)
		return rc;
	json_decref(w->made);
	w->made = next;
	return 0;
}

static int lazy_reduce(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *input = NULL;
	struct walk w = {.ev = ev};
	int rc = want_lambda(call, 2, 2, 3, &w.lambda, err);
	if (rc == 0)
		rc = evaluate_input(ev, call, JSON_ARRAY, &input, err);
	if (rc == 0)
		rc = evaluate(ev, call->parts[1], &w.made, err);
	if (rc == 0)
		rc = each_element(&w, input, reduce_element, err);
	if (rc == 0)
		*out = TAKE_PTR(w.made);
	json_decref(w.made);
	return rc;
}

// Merge sort, in place with room for as many: stable, and of few comparisons, each of which is an evaluation.
static int sort_items(struct evaluation *ev, const struct expr *lambda, json_t **items, json_t **spare, size_t count,
	struct err *err) {
	size_t half = count / 2, left = 0, right = half;
	if (count < 2)
		return 0;
	int rc = sort_items(ev, lambda, items, spare, half, err);
	if (rc == 0)
		rc = sort_items(ev, lambda, items + half, spare, count - half, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		bool right_first = left == half;
		if (left < half && right < count)
			rc = invoke_for_truth(ev, lambda, (json_t *[]){items[right], items[left]}, &right_first, err);
		spare[i] = right_first ? items[right++] : items[left++];
	}
	if (rc == 0)
		memcpy((void *)items, (void *)spare, count * sizeof(json_t *));
	return rc;
}

static int lazy_sort(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *input = NULL, *made = json_array();
	const struct expr *lambda;
	int rc = made ? want_lambda(call, 1, 2, 2, &lambda, err) : err_oom(err);
	if (rc == 0)
		rc = evaluate_input(ev, call, JSON_ARRAY, &input, err);
	if (rc < 0)
		return rc;
	size_t count = json_array_size(input);
	_cleanup_free_ json_t **items = calloc(2 * count + 1, sizeof(json_t *));
	if (!items)
		return err_oom(err);
	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(input, i);
	rc = sort_items(ev, lambda, items, items + count, count, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = add_element(ev, made, items[i], err);
	return rc < 0 ? rc : deliver(ev, TAKE_PTR(made), out, err);
}

const struct function lambda_functions[] = {
	{"filter", 2, 2, NULL, lazy_filter},
	{"groupBy", 2, 3, NULL, lazy_group_by},
	{"lambda", 1, ANY_COUNT, NULL, lazy_lambda},
	{"lambdaVariables", 1, 1, compute_lambda_variables, NULL},
	{"map", 2, 2, NULL, lazy_map},
	{"mapValues", 2, 2, NULL, lazy_map_values},
	{"reduce", 3, 3, NULL, lazy_reduce},
	{"sort", 2, 2, NULL, lazy_sort},
	{"toObject", 2, 3, NULL, lazy_to_object},
	{0},
};
