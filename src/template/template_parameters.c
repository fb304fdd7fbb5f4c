// SPDX-License-Identifier: Apache-2.0
// Parameters: what the template asks for and what the request gives, checked, and resolved when they are asked for, since a
// default may be made of other parameters.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/strv.h"
#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-create-parameter-file for usage details."

static int add_definition(struct template *t, const char *name, const json_t *definition, struct err *err) {
	struct template_parameter *p = &t->parameters[t->parameter_count];
	bool added = false;
	*p = (struct template_parameter){.name = name, .definition = definition};
	int rc = template_names_add(t->parameter_names, name, t->parameter_count, &added, err);
	if (rc == 0 && !added)
		return template_invalid(err, "The template parameter '%.128s' is defined more than once.", name);
	t->parameter_count++;
	return rc == 0 ? template_type_valid(t, definition, name, err) : rc;
}

static int read_definitions(struct template *t, struct err *err) {
	json_t *definitions = template_member(t->document, "parameters"), *definition;
	const char *name;
	size_t count = json_object_size(definitions);
	if (definitions && !json_is_object(definitions))
		return template_invalid(err, "The template 'parameters' at line '1' and column '1' must be an object.");
	if (count > TEMPLATE_PARAMETERS_MAX)
		return template_invalid(err, "The number of template parameters limit exceeded. Limit: '%d' and actual: '%zu'. Please "
			"see https://aka.ms/arm-template/#parameters for usage details.", TEMPLATE_PARAMETERS_MAX, count);
	t->parameters = calloc(count + 1, sizeof(*t->parameters));
	if (!t->parameters)
		return err_oom(err);
	json_object_foreach (definitions, name, definition) {
		int rc = add_definition(t, name, definition, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int refuse_unknown(struct template *t, const json_t *given, struct err *err) {
	_cleanup_buf_ struct buf unknown = {0}, known = {0};
	json_t *all = (json_t *)(uintptr_t)given, *value;
	const char *name;
	size_t place;
	json_object_foreach (all, name, value)
		if (!template_names_find(t->parameter_names, name, &place) &&
			buf_printf(&unknown, "%s%s", unknown.len > 0 ? ", " : "", name) < 0)
			return err_oom(err);
	if (unknown.len == 0)
		return 0;
	for (size_t i = 0; i < t->parameter_count; i++)
		if (buf_printf(&known, "%s%s", i > 0 ? ", " : "", t->parameters[i].name) < 0)
			return err_oom(err);
	return template_invalid(err, "The template parameters '%.400s' in the parameters file are not valid; they are not present in "
		"the original template and can therefore not be provided at deployment time. The only supported parameters for this "
		"template are '%.600s'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
		buf_cstr(&unknown), buf_cstr(&known));
}

static int give(struct template *t, const char *name, const json_t *given, struct err *err) {
	size_t place;
	if (!template_names_find(t->parameter_names, name, &place))
		return 0;  // refused together with the others
	struct template_parameter *p = &t->parameters[place];
	const json_t *value = template_member(given, "value"), *reference = template_member(given, "reference");
	if (!json_is_object(given) || (value != NULL) == (reference != NULL))
		return template_invalid(err, "The parameter '%.128s' must be an object with either a 'value' or a 'reference'. " SEE, name);
	if (p->given || p->reference)
		return template_invalid(err, "The parameter '%.128s' is given more than once. " SEE, name);
	p->given = value;
	p->reference = reference;
	return 0;
}

static int read_given(struct template *t, const json_t *given, struct err *err) {
	if (given && !json_is_object(given) && !json_is_null(given))
		return template_invalid(err, "The 'parameters' of the deployment must be an object. " SEE);
	json_t *all = (json_t *)(uintptr_t)given, *value;
	const char *name;
	json_object_foreach (all, name, value) {
		int rc = give(t, name, value, err);
		if (rc < 0)
			return rc;
	}
	return refuse_unknown(t, given, err);
}

static int fetch_secret(struct template *t, const struct template_parameter *p, json_t **out, struct err *err) {
	const char *vault = json_str(p->reference, "keyVault.id"), *name = json_str(p->reference, "secretName");
	if (!vault || !name)
		return template_invalid(err, "The 'reference' of the parameter '%.128s' must have 'keyVault.id' and 'secretName'. Please "
			"see https://aka.ms/arm-keyvault for usage details.", p->name);
	if (!t->place.secret)
		return template_invalid(err, "The parameter '%.128s' refers to a secret, which is not supported here.", p->name);
	return t->place.secret(t->place.ctx, vault, name, json_str(p->reference, "secretVersion"), out, err);
}

static int evaluate_default(struct template *t, const json_t *written, json_t **out, struct err *err) {
	struct template_context c = {.t = t, .allowed = TEMPLATE_MAY_INVENT | TEMPLATE_MAY_CALL};
	return template_value(&c, written, out, err);
}

// What is given as null counts as left out.
static int find_value(struct template *t, const struct template_parameter *p, json_t **out, struct err *err) {
	const json_t *written = template_member(p->definition, "defaultValue");
	if (p->reference)
		return fetch_secret(t, p, out, err);
	if (p->given && !json_is_null(p->given)) {
		*out = json_deep_copy(p->given);
		return *out ? 0 : err_oom(err);
	}
	if (written)
		return evaluate_default(t, written, out, err);
	if (!template_type_is_nullable(t, p->definition))
		return template_invalid(err, "The value for the template parameter '%.128s' at line '1' and column '1' is not provided. " SEE,
			p->name);
	*out = json_null();
	return 0;
}

static int resolve(struct template *t, struct template_parameter *p, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	if (p->state == TEMPLATE_BUSY)
		return template_invalid(err, "Circular dependency detected on template parameter '%.128s'. Please see "
			"https://aka.ms/arm-syntax-parameters for usage details.", p->name);
	if (p->state == TEMPLATE_DONE)
		return 0;
	p->state = TEMPLATE_BUSY;
	int rc = find_value(t, p, &value, err);
	if (rc == 0)
		rc = template_type_check(t, p->definition, value, p->name, err);
	p->state = rc == 0 ? TEMPLATE_DONE : TEMPLATE_WAITING;
	if (rc == 0)
		p->value = TAKE_PTR(value);
	return rc < 0 ? template_invalid_at(err, rc, "The template parameter '%.128s' at line '1' and column '1'", p->name) : 0;
}

int template_parameter(struct template *t, const char *name, json_t **out, struct err *err) {
	size_t place;
	if (!template_names_find(t->parameter_names, name, &place))
		return template_refuse(err, "The template parameter '%.128s' is not found. Please see "
			"https://aka.ms/arm-syntax-parameters for usage details.", name);
	int rc = resolve(t, &t->parameters[place], err);
	if (rc == 0)
		*out = json_incref(t->parameters[place].value);
	return rc;
}

static int add_typed(json_t *to, const char *name, const char *type, const char *member, json_t *value, struct err *err) {
	json_t *entry = json_pack("{s:s}", "type", type);
	if (value && (!entry || json_set(entry, member, value) < 0)) {
		json_decref(entry);
		return err_oom(err);
	}
	return json_set(to, name, entry) < 0 ? err_oom(err) : 0;
}

static int add_resolved(struct template *t, const struct template_parameter *p, struct err *err) {
	const char *type = template_type_shown(t, p->definition, p->value);
	int rc = add_typed(t->resolved, p->name, type, "value", json_incref(p->value), err);
	if (rc < 0)
		return rc;
	if (p->reference)
		return add_typed(t->shown, p->name, type, "reference", json_deep_copy(p->reference), err);
	if (template_type_is_secure(t, p->definition))
		return add_typed(t->shown, p->name, type, NULL, NULL, err);
	json_t *value = template_type_redact(t, p->definition, p->value);
	return value ? add_typed(t->shown, p->name, type, "value", value, err) : err_oom(err);
}

int template_parameters_read(struct template *t, const json_t *given, struct err *err) {
	int rc = read_definitions(t, err);
	if (rc == 0)
		rc = read_given(t, given, err);
	return rc;
}

int template_parameters_resolve(struct template *t, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < t->parameter_count; i++)
		rc = resolve(t, &t->parameters[i], err);
	for (size_t i = 0; rc == 0 && i < t->parameter_count; i++)
		rc = add_resolved(t, &t->parameters[i], err);
	return rc;
}

const json_t *template_parameters(const struct template *t) {
	return t->resolved;
}

const json_t *template_shown_parameters(const struct template *t) {
	return t->shown;
}

// A parameter that is given by reference to a secret is one, whatever its type.
bool template_parameter_is_secure(const struct template *t, const char *name) {
	size_t place;
	if (!template_names_find(t->parameter_names, name, &place))
		return false;
	const struct template_parameter *p = &t->parameters[place];
	return p->reference || template_type_is_secure(t, p->definition);
}
