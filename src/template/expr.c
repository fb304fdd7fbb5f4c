// SPDX-License-Identifier: Apache-2.0
#include "template/expr.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "template/expr_internal.h"

int expr_classify(const char *text, bool *is_expression, char **literal, struct err *err) {
	size_t len = strlen(text);
	bool bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';
	bool escaped = bracketed && text[1] == '[';
	if (bracketed && !escaped) {
		*is_expression = true;
		return 0;
	}
	char *copy = strdup(text + escaped);
	if (!copy)
		return err_oom(err);
	*is_expression = false;
	*literal = copy;
	return 0;
}

static void release_all(json_t **values, size_t count) {
	for (size_t i = 0; i < count; i++)
		json_decref(values[i]);
	free((void *)values);
}

// For what a function has to look at, whatever it makes of it.
static int spend_arguments(struct evaluation *ev, json_t *const *args, size_t count, struct err *err) {
	size_t cost = 0;
	for (size_t i = 0; i < count; i++)
		cost += json_string_length(args[i]) / 16 + json_array_size(args[i]) / 4 + json_object_size(args[i]) / 4;
	return spend(ev, cost, err);
}

static int call_host(struct evaluation *ev, const struct expr *call, json_t *const *args, json_t **out, struct err *err) {
	int rc = ev->scope->call(ev->scope->ctx, call->name, args, call->count, out, err);
	return rc == -ENOSYS ? invalid(err, "The template function '%s' is not valid.", call->name) : rc;
}

static int compute(struct evaluation *ev, const struct expr *e, json_t *const *args, json_t **out, struct err *err) {
	const struct call call = {.ev = ev, .name = e->function->name, .args = args, .count = e->count};
	return e->function->compute(&call, out, err);
}

static int evaluate_call(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err) {
	const struct function *f = call->function;
	if (f && (call->count < f->min || call->count > f->max))
		return wrong_count(f->name, f->min, f->max, call->count, err);
	if (f && f->lazy)
		return f->lazy(ev, call, out, err);
	json_t **args = calloc(call->count + 1, sizeof(json_t *));
	if (!args)
		return err_oom(err);
	size_t count = 0;
	int rc = 0;
	while (rc == 0 && count < call->count) {
		rc = evaluate(ev, call->parts[count], &args[count], err);
		count += rc == 0;
	}
	if (rc == 0)
		rc = spend_arguments(ev, args, count, err);
	if (rc == 0)
		rc = f ? compute(ev, call, args, out, err) : call_host(ev, call, args, out, err);
	release_all(args, count);
	return rc;
}

static int no_member(const json_t *object, const char *name, struct err *err) {
	_cleanup_buf_ struct buf names = {0};
	const char *other;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)object, other, value)
		if (names.len < ERR_MESSAGE_MAX && buf_printf(&names, "%s%s", names.len ? ", " : "", other) < 0)
			return err_oom(err);
	return invalid(err, "The language expression property '%.256s' doesn't exist, available properties are '%s'.", name,
		buf_cstr(&names));
}

int take_member(struct evaluation *ev, const json_t *of, const char *name, json_t **out, struct err *err) {
	json_t *found;
	if (!json_is_object(of))
		return invalid(err, "The language expression property '%.256s' can't be evaluated, the value is of type '%s' and has no "
			"properties.", name, expr_type_name(of));
	int rc = find_member(ev, of, name, &found, err);
	if (rc < 0)
		return rc;
	return found ? deliver_same(found, out) : no_member(of, name, err);
}

int take_element(const json_t *of, int64_t index, json_t **out, struct err *err) {
	if (!json_is_array(of))
		return invalid(err, "The language expression property array index '%lld' can't be evaluated, the value is of type '%s' "
			"and not an array.", (long long)index, expr_type_name(of));
	if (index < 0 || (size_t)index >= json_array_size(of))
		return invalid(err, "The language expression property array index '%lld' is out of bounds.", (long long)index);
	return deliver_same(json_array_get(of, (size_t)index), out);
}

static int evaluate_member(struct evaluation *ev, const struct expr *e, json_t **out, struct err *err) {
	_cleanup_json_ json_t *of = NULL;
	int rc = evaluate(ev, e->parts[0], &of, err);
	return rc < 0 ? rc : take_member(ev, of, e->name, out, err);
}

static int evaluate_element(struct evaluation *ev, const struct expr *e, json_t **out, struct err *err) {
	_cleanup_json_ json_t *of = NULL, *index = NULL;
	int rc = evaluate(ev, e->parts[0], &of, err);
	if (rc == 0)
		rc = evaluate(ev, e->parts[1], &index, err);
	if (rc < 0)
		return rc;
	if (json_is_string(index))
		return take_member(ev, of, json_string_value(index), out, err);
	if (json_is_integer(index))
		return take_element(of, json_integer_value(index), out, err);
	return invalid(err, "The language expression property index must be a string or an integer; the provided value is of type "
		"'%s'.", expr_type_name(index));
}

static int evaluate_kind(struct evaluation *ev, const struct expr *e, json_t **out, struct err *err) {
	switch (e->kind) {
	case EXPR_CALL:
		return evaluate_call(ev, e, out, err);
	case EXPR_MEMBER:
		return evaluate_member(ev, e, out, err);
	case EXPR_ELEMENT:
		return evaluate_element(ev, e, out, err);
	case EXPR_LITERAL:
		break;
	}
	return deliver_same(e->literal, out);
}

int evaluate(struct evaluation *ev, const struct expr *e, json_t **out, struct err *err) {
	struct expr_budget *budget = ev->scope->budget;
	if (budget->depth >= NESTING_MAX)
		return invalid(err, "The template's language expressions are nested deeper than %d levels.", NESTING_MAX);
	int rc = spend(ev, COST_CALL, err);
	if (rc < 0)
		return rc;
	budget->depth++;
	rc = evaluate_kind(ev, e, out, err);
	budget->depth--;
	return rc;
}

int expr_evaluate(const struct expr *e, const struct expr_scope *scope, json_t **out, struct err *err) {
	struct evaluation ev = {.scope = scope};
	return evaluate(&ev, e, out, err);
}

int expr_text(const char *text, const struct expr_scope *scope, json_t **out, struct err *err) {
	_cleanup_free_ char *literal = NULL;
	_cleanup_expr_ struct expr *e = NULL;
	struct evaluation ev = {.scope = scope};
	bool is_expression;
	int rc = expr_classify(text, &is_expression, &literal, err);
	if (rc < 0)
		return rc;
	if (!is_expression)
		return deliver_text(&ev, literal, strlen(literal), out, err);
	rc = spend(&ev, strlen(text), err);
	if (rc == 0)
		rc = expr_parse(text, &e, err);
	return rc < 0 ? rc : expr_evaluate(e, scope, out, err);
}

static int json_inside(const json_t *value, const struct expr_scope *scope, unsigned depth, json_t **out, struct err *err);

static int array_inside(const json_t *value, const struct expr_scope *scope, unsigned depth, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	size_t i;
	const json_t *inner;
	json_array_foreach (value, i, inner) {
		json_t *element;
		int rc = json_inside(inner, scope, depth, &element, err);
		if (rc < 0)
			return rc;
		if (json_array_append_new(made, element) < 0)
			return err_oom(err);
	}
	if (!made)
		return err_oom(err);
	*out = TAKE_PTR(made);
	return 0;
}

// The name of a member, which may be an expression too.
static int name_inside(const char *name, const struct expr_scope *scope, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = NULL;
	int rc = expr_text(name, scope, &made, err);
	if (rc < 0)
		return rc;
	if (!json_is_string(made))
		return invalid(err, "The property name '%.256s' must come to a string; it is of type '%s'.", name, expr_type_name(made));
	*out = TAKE_PTR(made);
	return 0;
}

static int object_inside(const json_t *value, const struct expr_scope *scope, unsigned depth, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	const char *name;
	json_t *inner;
	json_object_foreach ((json_t *)(uintptr_t)value, name, inner) {
		_cleanup_json_ json_t *key = NULL, *member = NULL;
		int rc = name_inside(name, scope, &key, err);
		if (rc == 0)
			rc = json_inside(inner, scope, depth, &member, err);
		if (rc < 0)
			return rc;
		if (json_object_get(made, json_string_value(key)))
			return invalid(err, "The property '%.256s' stands more than once in an object.", json_string_value(key));
		if (json_set(made, json_string_value(key), TAKE_PTR(member)) < 0)
			return err_oom(err);
	}
	if (!made)
		return err_oom(err);
	*out = TAKE_PTR(made);
	return 0;
}

static int json_inside(const json_t *value, const struct expr_scope *scope, unsigned depth, json_t **out, struct err *err) {
	struct evaluation ev = {.scope = scope};
	int rc = spend(&ev, COST_ELEMENT, err);
	if (rc < 0)
		return rc;
	if (depth >= JSON_DEPTH_MAX)
		return invalid(err, "A value of the template is nested deeper than %d levels.", JSON_DEPTH_MAX);
	if (json_is_string(value))
		return expr_text(json_string_value(value), scope, out, err);
	if (json_is_array(value))
		return array_inside(value, scope, depth + 1, out, err);
	if (json_is_object(value))
		return object_inside(value, scope, depth + 1, out, err);
	return deliver_same(value, out);
}

int expr_json(const json_t *value, const struct expr_scope *scope, json_t **out, struct err *err) {
	json_t *made = NULL;
	struct evaluation ev = {.scope = scope};
	int rc = json_inside(value, scope, 0, &made, err);
	return rc < 0 ? rc : deliver(&ev, made, out, err);
}

int expr_each_call(const struct expr *e, expr_visitor each, void *ctx, struct err *err) {
	int rc = 0;
	if (e->kind == EXPR_CALL) {
		const struct expr_call call = {e->name, e->count, (const struct expr *const *)e->parts};
		rc = each(ctx, &call, err);
	}
	for (size_t i = 0; i < e->count && rc >= 0; i++)
		rc = expr_each_call(e->parts[i], each, ctx, err);
	return rc < 0 ? rc : 0;
}
