// SPDX-License-Identifier: Apache-2.0
// A template's life, and what holds of the document as a whole ("Understand the structure and syntax of ARM templates",
// Microsoft Learn).
#include "template/template.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

static int parse_failed(const char *member, struct err *err) {
	return err_set(err, -EINVAL, 400, "InvalidTemplate", "Deployment template parse failed: 'Required property '%s' not found in "
		"JSON. Path '', line 1, position 1.'.", member);
}

static int check_members(const json_t *document, struct err *err) {
	static const char *const members[] = {"$schema", "contentVersion", "languageVersion", "apiProfile", "definitions", "metadata",
		"parameters", "variables", "functions", "resources", "outputs", "imports", "extensions", "asserts"};
	static const char *const required[] = {"$schema", "contentVersion", "resources"};
	json_t *all = (json_t *)(uintptr_t)document, *value;
	const char *name;
	json_object_foreach (all, name, value) {
		bool known = false;
		for (size_t i = 0; !known && i < ARRAY_SIZE(members); i++)
			known = strv_eq_nocase(name, members[i]);
		if (!known)
			return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The request content was invalid and could not be "
				"deserialized: 'Could not find member '%.128s' on object of type 'Template'. Path '%.128s', line 1, position 1.'.",
				name, name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (!template_member(document, required[i]))
			return parse_failed(required[i], err);
	return 0;
}

// "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", of any date.
static int check_schema(const struct template *t, struct err *err) {
	const char *schema = json_string_value(template_member(t->document, "$schema"));
	const char *host = !schema ? NULL : strv_starts_with_nocase(schema, "https://") ? schema + 8 :
		strv_starts_with_nocase(schema, "http://") ? schema + 7 : NULL;
	const char *file = host && strv_starts_with_nocase(host, "schema.management.azure.com/schemas/") ? strrchr(host, '/') + 1 : "";
	bool for_group = strv_eq_nocase(file, "deploymentTemplate.json#") || strv_eq_nocase(file, "deploymentTemplate.json");
	bool for_subscription = strv_eq_nocase(file, "subscriptionDeploymentTemplate.json#") ||
		strv_eq_nocase(file, "subscriptionDeploymentTemplate.json");
	bool in_group = t->place.resource_group != NULL;
	if (in_group ? for_group : for_subscription)
		return 0;
	if (for_group || for_subscription)
		return template_invalid(err, "The template schema '%.256s' is not that of a deployment at %s scope. Please see "
			"https://aka.ms/arm-template for usage details.", schema, in_group ? "resource group" : "subscription");
	return template_invalid(err, "The template schema '%.256s' is not supported. Please see https://aka.ms/arm-template for usage "
		"details.", schema ? schema : "");
}

static int check_language(struct template *t, struct err *err) {
	const json_t *version = template_member(t->document, "languageVersion");
	const char *text = json_string_value(version);
	if (!json_is_string(template_member(t->document, "contentVersion")))
		return template_invalid(err, "The template 'contentVersion' is not a string. Please see https://aka.ms/arm-template for "
			"usage details.");
	if (template_member(t->document, "apiProfile"))
		return template_invalid(err, "The template has an 'apiProfile', which is not supported here: each resource must have its "
			"'apiVersion'.");
	if (json_object_size(template_member(t->document, "imports")) > 0 ||
		json_object_size(template_member(t->document, "extensions")) > 0)
		return template_invalid(err, "The template uses extensions, which are not supported here.");
	if (json_object_size(template_member(t->document, "asserts")) > 0)
		return template_invalid(err, "The template has 'asserts', which are not supported here.");
	// What Bicep says of templates whose experimental parts are refused one by one.
	t->v2 = text && (strcmp(text, "2.0") == 0 || strcmp(text, "2.1-experimental") == 0);
	if (version && !t->v2 && !(text && strcmp(text, "1.0") == 0))
		return template_invalid(err, "The template 'languageVersion' '%.64s' is not supported. The supported versions are '1.0, "
			"2.0'.", text ? text : "");
	return 0;
}

static int check_definitions(struct template *t, struct err *err) {
	json_t *definitions = template_member(t->document, "definitions"), *definition;
	const char *name;
	if (definitions && (!t->v2 || !json_is_object(definitions)))
		return template_invalid(err, "The template 'definitions' at line '1' and column '1' must be an object and need "
			"'languageVersion' '2.0'.");
	json_object_foreach (definitions, name, definition) {
		int rc = template_type_valid(t, definition, name, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_document(struct template *t, struct err *err) {
	if (!json_is_object(t->document))
		return err_set(err, -EINVAL, 400, "InvalidTemplate", "Deployment template parse failed: 'The template is not an object.'.");
	size_t size = json_dumpb(t->document, NULL, 0, JSON_COMPACT);
	if (size > TEMPLATE_SIZE_MAX)
		return template_invalid(err, "The template has '%zu' bytes; it may have '%u'. Please see https://aka.ms/arm-template for "
			"usage details.", size, TEMPLATE_SIZE_MAX);
	int rc = check_members(t->document, err);
	if (rc == 0)
		rc = check_schema(t, err);
	if (rc == 0)
		rc = check_language(t, err);
	return rc == 0 ? check_definitions(t, err) : rc;
}

static int make_indexes(struct template *t, struct err *err) {
	json_t **const all[] = {&t->parameter_names, &t->resolved, &t->shown, &t->variable_names, &t->functions, &t->symbols, &t->loops,
		&t->instance_symbols, &t->ids, &t->relative_ids, &t->names};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!(*all[i] = json_object()))
			return err_oom(err);
	return 0;
}

static int inspect_resources(struct template *t, struct err *err) {
	for (size_t i = 0; i < t->definition_count; i++) {
		struct template_definition *d = &t->definitions[i];
		int rc = template_inspect_resource(t, d, err);
		if (rc < 0)
			return template_invalid_at(err, rc, "The template resource '%.256s' at line '1' and column '1'",
				d->count > 0 ? t->instances[d->first].written_name : d->symbol ? d->symbol : "");
	}
	return 0;
}

static int read_all(struct template *t, const json_t *parameters, struct err *err) {
	int rc = make_indexes(t, err);
	if (rc == 0)
		rc = check_document(t, err);
	if (rc == 0)
		rc = template_functions_read(t, err);
	if (rc == 0)
		rc = template_parameters_read(t, parameters, err);
	if (rc == 0)
		rc = template_parameters_resolve(t, err);
	if (rc == 0)
		rc = template_variables_read(t, err);
	if (rc == 0)
		rc = template_resources_read(t, err);
	if (rc == 0)
		rc = inspect_resources(t, err);
	if (rc == 0)
		rc = template_depends_read(t, err);
	return rc == 0 ? template_outputs_read(t, err) : rc;
}

int template_open(const json_t *document, const json_t *parameters, const struct template_place *place, struct template **out,
	struct err *err) {
	struct template *t = calloc(1, sizeof(*t));
	if (!t)
		return err_oom(err);
	t->place = *place;
	t->document = json_incref((json_t *)(uintptr_t)document);
	t->own_budget = (struct expr_budget){.left = TEMPLATE_COST_MAX};
	t->budget = place->budget ? place->budget : &t->own_budget;
	int rc = read_all(t, parameters, err);
	if (rc < 0)
		template_close(t);
	else
		*out = t;
	return rc;
}

static void free_instance(struct template_instance *i) {
	char *const texts[] = {i->symbol, i->id, i->relative_id, i->type, i->name, i->api_version, i->written_type, i->written_name,
		i->base};
	for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
		free(texts[n]);
	free(i->depends);
}

void template_close(struct template *t) {
	if (!t)
		return;
	for (size_t i = 0; i < t->parameter_count; i++)
		json_decref(t->parameters[i].value);
	for (size_t i = 0; i < t->variable_count; i++)
		json_decref(t->variables[i].value);
	for (size_t i = 0; i < t->definition_count; i++)
		template_definition_free(&t->definitions[i]);
	for (size_t i = 0; t->instances && i < t->instance_count; i++)
		free_instance(&t->instances[i]);
	json_t *const values[] = {t->document, t->parameter_names, t->resolved, t->shown, t->variable_names, t->functions, t->symbols,
		t->loops, t->instance_symbols, t->ids, t->relative_ids, t->names};
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		json_decref(values[i]);
	free(t->parameters);
	free(t->variables);
	free(t->definitions);
	free(t->instances);
	free(t);
}
