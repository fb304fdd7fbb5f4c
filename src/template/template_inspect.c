// SPDX-License-Identifier: Apache-2.0
// What can be said of expressions before they are evaluated: that they are well formed, that what they name is there, and
// which resources they ask for.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

struct inspection {
	struct template *t;
	struct template_definition *into;  // NULL where nothing may be asked for
	const struct template_copy *copies;
	struct expr *expression;  // until the first referral of it owns it
};

void template_definition_free(struct template_definition *d) {
	for (size_t i = 0; i < d->referral_count; i++)
		expr_free(d->referrals[i].expression);
	free(d->referrals);
	while (d->copies) {
		struct template_copy *next = d->copies->next;
		free(d->copies);
		d->copies = next;
	}
	free(d->loop);
}

static int no_function(void *ctx _unused_, const char *function _unused_, json_t *const *args _unused_, size_t count _unused_,
	json_t **out _unused_, struct err *err _unused_) {
	return -ENOSYS;
}

// The argument where it is the same wherever the call stands.
static json_t *constant(struct template *t, const struct expr *argument) {
	struct expr_scope scope = {.call = no_function, .budget = t->budget};
	json_t *value = NULL;
	return expr_evaluate(argument, &scope, &value, NULL) == 0 ? value : NULL;
}

static int inspect_name(struct template *t, const json_t *names, const char *kind, const struct expr_call *call, struct err *err) {
	size_t place;
	_cleanup_json_ json_t *name = call->argument_count == 1 ? constant(t, call->arguments[0]) : NULL;
	if (!json_is_string(name) || template_names_find(names, json_string_value(name), &place))
		return 0;
	return template_refuse(err, "The template %s '%.128s' is not found. Please see https://aka.ms/arm-syntax-%ss for usage "
		"details.", kind, json_string_value(name), kind);
}

static bool refers(const struct expr_call *call) {
	return call->argument_count > 0 && (strv_eq_nocase(call->function, "reference") ||
		strv_eq_nocase(call->function, "references") || template_is_list(call->function));
}

static int add_referral(struct inspection *in, const struct expr_call *call, struct err *err) {
	struct template_definition *d = in->into;
	struct template_referral *more = reallocarray(d->referrals, d->referral_count + 1, sizeof(*more));
	if (!more)
		return err_oom(err);
	d->referrals = more;
	more[d->referral_count++] = (struct template_referral){.expression = TAKE_PTR(in->expression),
		.argument = call->arguments[0], .function = call->function, .copies = in->copies};
	return 0;
}

static int inspect_call(void *ctx, const struct expr_call *call, struct err *err) {
	struct inspection *in = ctx;
	if (!expr_is_function(call->function) && !template_scope_knows(in->t, call->function))
		return template_refuse(err, "The template function '%.128s' is not valid. Please see https://aka.ms/arm-functions for "
			"usage details.", call->function);
	if (strv_eq_nocase(call->function, "parameters"))
		return inspect_name(in->t, in->t->parameter_names, "parameter", call, err);
	if (strv_eq_nocase(call->function, "variables"))
		return inspect_name(in->t, in->t->variable_names, "variable", call, err);
	return in->into && refers(call) ? add_referral(in, call, err) : 0;
}

static int inspect_text(struct inspection *in, const char *text, struct err *err) {
	_cleanup_free_ char *literal = NULL;
	_cleanup_expr_ struct expr *e = NULL;
	bool is_expression = false;
	if (text[0] != '[')
		return 0;
	int rc = template_spend(in->t, strlen(text), err);
	if (rc == 0)
		rc = expr_classify(text, &is_expression, &literal, err);
	if (rc < 0 || !is_expression)
		return rc;
	rc = expr_parse(text, &e, err);
	if (rc < 0)
		return rc;
	in->expression = e;
	rc = expr_each_call(e, inspect_call, in, err);
	if (!in->expression)
		e = NULL;  // a referral has it
	in->expression = NULL;
	return rc;
}

static int inspect_value(struct inspection *in, const json_t *value, struct err *err);

static int inspect_copy(struct inspection *in, const json_t *copy, struct err *err) {
	const struct template_copy *outer = in->copies;
	int rc = inspect_value(in, template_member(copy, "count"), err);
	if (rc < 0 || !in->into)
		return rc < 0 ? rc : inspect_value(in, template_member(copy, "input"), err);
	struct template_copy *c = calloc(1, sizeof(*c));
	if (!c)
		return err_oom(err);
	*c = (struct template_copy){.next = in->into->copies, .outer = outer, .copy = copy};
	in->into->copies = c;
	in->copies = c;
	rc = inspect_value(in, template_member(copy, "input"), err);
	in->copies = outer;
	return rc;
}

static int inspect_member(struct inspection *in, const char *name, const json_t *value, struct err *err) {
	int rc = inspect_text(in, name, err);
	if (!template_is_copy(name, value))
		return rc < 0 ? rc : inspect_value(in, value, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++)
		rc = inspect_copy(in, json_array_get(value, i), err);
	return rc;
}

static int inspect_members(struct inspection *in, const json_t *object, const char *const *omitted, struct err *err) {
	json_t *o = (json_t *)(uintptr_t)object, *value;
	const char *name;
	json_object_foreach (o, name, value) {
		int rc = template_is_omitted(omitted, name) ? 0 : inspect_member(in, name, value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// Whatever looks like a deployment with inner scope keeps its template to itself.
static int inspect_object(struct inspection *in, const json_t *object, const char *const *omitted, struct err *err) {
	static const char *const inner[] = {"template", NULL};
	static const char *const properties[] = {"properties", NULL};
	const json_t *of = template_member(object, "properties");
	if (!json_is_object(of) || !template_is_inner(in->t, object))
		return inspect_members(in, object, omitted, err);
	int rc = inspect_members(in, of, inner, err);
	return rc == 0 ? inspect_members(in, object, properties, err) : rc;
}

static int inspect_value(struct inspection *in, const json_t *value, struct err *err) {
	int rc = 0;
	if (json_is_string(value))
		return inspect_text(in, json_string_value(value), err);
	if (json_is_object(value))
		return inspect_object(in, value, NULL, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(value); i++)
		rc = inspect_value(in, json_array_get(value, i), err);
	return rc;
}

int template_inspect(struct template *t, const json_t *value, struct template_definition *into, struct err *err) {
	struct inspection in = {.t = t, .into = into};
	return inspect_value(&in, value, err);
}

int template_inspect_resource(struct template *t, struct template_definition *d, struct err *err) {
	struct inspection in = {.t = t, .into = d};
	return inspect_object(&in, d->source, template_not_in_body, err);
}
