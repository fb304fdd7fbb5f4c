// SPDX-License-Identifier: Apache-2.0
// Variables: evaluated when they are asked for, and once.
#include <errno.h>

#include "template/template_internal.h"

static int add_variable(struct template *t, const char *name, const json_t *definition, bool copied, struct err *err) {
	bool added = false;
	if (!name || t->variable_count == TEMPLATE_VARIABLES_MAX)
		return template_invalid(err, "The template variables at line '1' and column '1' are not valid: a 'copy' has no name, or "
			"there are more than '%d'. Please see https://aka.ms/arm-syntax-variables for usage details.", TEMPLATE_VARIABLES_MAX);
	t->variables[t->variable_count] =
		(struct template_variable){.name = name, .definition = definition, .copied = copied};
	int rc = template_names_add(t->variable_names, name, t->variable_count, &added, err);
	if (rc == 0 && !added)
		return template_invalid(err, "The template variable '%.128s' is defined more than once.", name);
	t->variable_count++;
	return rc;
}

static int add_copies(struct template *t, const json_t *copies, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < json_array_size(copies); i++) {
		const json_t *copy = json_array_get(copies, i);
		rc = add_variable(t, json_string_value(template_member(copy, "name")), copy, true, err);
	}
	return rc;
}

static int inspect_all(struct template *t, struct err *err) {
	for (size_t i = 0; i < t->variable_count; i++) {
		int rc = template_inspect(t, t->variables[i].definition, NULL, err);
		if (rc < 0)
			return template_invalid_at(err, rc, "The template variable '%.128s'", t->variables[i].name);
	}
	return 0;
}

int template_variables_read(struct template *t, struct err *err) {
	json_t *variables = template_member(t->document, "variables"), *definition;
	const char *name;
	if (variables && !json_is_object(variables))
		return template_invalid(err, "The template 'variables' at line '1' and column '1' must be an object.");
	t->variables = calloc(TEMPLATE_VARIABLES_MAX, sizeof(*t->variables));
	if (!t->variables)
		return err_oom(err);
	json_object_foreach (variables, name, definition) {
		int rc;
		if (template_is_copy(name, definition))
			rc = add_copies(t, definition, err);
		else
			rc = add_variable(t, name, definition, false, err);
		if (rc < 0)
			return rc;
	}
	return inspect_all(t, err);
}

static int evaluate_variable(struct template *t, const struct template_variable *v, json_t **out, struct err *err) {
	struct template_context c = {.t = t, .allowed = TEMPLATE_MAY_USE_VARIABLES | TEMPLATE_MAY_CALL};
	int rc = v->copied ? template_iterate(&c, v->name, v->definition, "input", false, out, err) :
		template_value(&c, v->definition, out, err);
	return rc < 0 ? template_invalid_at(err, rc, "The template variable '%.128s'", v->name) : 0;
}

int template_variable(struct template *t, const char *name, json_t **out, struct err *err) {
	size_t place;
	if (!template_names_find(t->variable_names, name, &place))
		return template_refuse(err, "The template variable '%.128s' is not found. Please see https://aka.ms/arm-syntax-variables "
			"for usage details.", name);
	struct template_variable *v = &t->variables[place];
	if (v->state == TEMPLATE_BUSY)
		return template_invalid(err, "Circular dependency detected on template variable '%.128s'. Please see "
			"https://aka.ms/arm-syntax-variables for usage details.", v->name);
	if (v->state == TEMPLATE_WAITING) {
		v->state = TEMPLATE_BUSY;
		int rc = evaluate_variable(t, v, &v->value, err);
		v->state = rc == 0 ? TEMPLATE_DONE : TEMPLATE_WAITING;
		if (rc < 0)
			return rc;
	}
	*out = json_incref(v->value);
	return 0;
}
