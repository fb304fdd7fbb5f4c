// SPDX-License-Identifier: Apache-2.0
// Functions of users: "contoso.unique('x')" ("User-defined functions in ARM templates", Microsoft Learn). They see nothing
// but their own parameters; in language version 2.0 they may call each other, within the depth that expressions may have.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

static int add_function(struct template *t, const char *namespace, const char *member, json_t *definition, struct err *err) {
	_cleanup_free_ char *name = strv_printf("%s.%s", namespace, member);
	_cleanup_free_ char *lower = name ? strv_lower(name) : NULL;
	if (!lower)
		return err_oom(err);
	if (json_object_size(t->functions) == TEMPLATE_FUNCTIONS_MAX)
		return template_invalid(err, "The template has more than '%d' functions.", TEMPLATE_FUNCTIONS_MAX);
	if (!template_member(template_member(definition, "output"), "value"))
		return template_invalid(err, "The template function '%.128s' has no 'output' with a 'value'. Please see "
			"https://aka.ms/arm-syntax for usage details.", name);
	const json_t *parameters = template_member(definition, "parameters");
	for (size_t i = 0; i < json_array_size(parameters); i++) {
		const json_t *parameter = json_array_get(parameters, i);
		const char *called = json_string_value(template_member(parameter, "name"));
		if (!called)
			return template_invalid(err, "A parameter of the template function '%.128s' has no name.", name);
		int rc = template_type_valid(t, parameter, called, err);
		if (rc < 0)
			return rc;
	}
	if (json_object_get(t->functions, lower))
		return template_invalid(err, "The template function '%.128s' is defined more than once.", name);
	return json_object_set(t->functions, lower, definition) < 0 ? err_oom(err) : 0;
}

static int add_namespace(struct template *t, const json_t *part, struct err *err) {
	const char *namespace = json_string_value(template_member(part, "namespace")), *name;
	json_t *members = template_member(part, "members"), *definition;
	if (!namespace || !json_is_object(members))
		return template_invalid(err, "The template 'functions' at line '1' and column '1' must have a 'namespace' and 'members'. "
			"Please see https://aka.ms/arm-syntax for usage details.");
	json_object_foreach (members, name, definition) {
		int rc = add_function(t, namespace, name, definition, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int template_functions_read(struct template *t, struct err *err) {
	const json_t *functions = template_member(t->document, "functions");
	if (functions && !json_is_array(functions))
		return template_invalid(err, "The template 'functions' at line '1' and column '1' must be an array.");
	for (size_t i = 0; i < json_array_size(functions); i++) {
		int rc = add_namespace(t, json_array_get(functions, i), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int bind(struct template *t, const char *function, const json_t *parameters, json_t *const *args, size_t count,
	json_t **out, struct err *err) {
	_cleanup_json_ json_t *bound = json_object();
	size_t expected = json_array_size(parameters);
	if (count != expected)
		return template_refuse(err, "The template function '%.128s' is not valid. The function expects '%zu' argument(s) and is "
			"given '%zu'. Please see https://aka.ms/arm-functions for usage details.", function, expected, count);
	for (size_t i = 0; i < count; i++) {
		const json_t *parameter = json_array_get(parameters, i);
		const char *name = json_string_value(template_member(parameter, "name"));
		_cleanup_free_ char *lower = strv_lower(name);
		int rc = template_type_check(t, parameter, args[i], name, err);
		if (rc < 0)
			return rc;
		if (!lower || !bound || json_object_set(bound, lower, args[i]) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(bound);
	return 0;
}

int template_function_call(const struct template_context *c, const char *name, json_t *const *args, size_t count,
	json_t **out, struct err *err) {
	_cleanup_free_ char *lower = strv_lower(name);
	_cleanup_json_ json_t *arguments = NULL;
	if (!lower)
		return err_oom(err);
	const json_t *definition = json_object_get(c->t->functions, lower);
	if (!definition || !(c->allowed & TEMPLATE_MAY_CALL))
		return -ENOSYS;
	const json_t *output = template_member(definition, "output");
	int rc = template_spend(c->t, TEMPLATE_COST_NODE * (json_object_size(definition) + json_object_size(output)), err);
	if (rc == 0)
		rc = bind(c->t, name, template_member(definition, "parameters"), args, count, &arguments, err);
	if (rc < 0)
		return rc;
	struct template_context inner = {.t = c->t, .allowed = c->t->v2 ? TEMPLATE_MAY_CALL : 0, .arguments = arguments,
		.in_function = true};
	return template_value(&inner, template_member(output, "value"), out, err);
}
