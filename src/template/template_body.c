// SPDX-License-Identifier: Apache-2.0
// What to PUT for a resource: everything it is written with but what says which, when and how often. Of a nested deployment
// with outer scope the inner template is evaluated here ("Use linked and nested templates", Microsoft Learn).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

#define DEPLOYMENT_TYPE "Microsoft.Resources/deployments"

// Of every resource; of an inner one that is left to its own deployment only the loop has been worked out.
const char *const template_not_in_body[] = {"type", "name", "apiVersion", "condition", "dependsOn", "copy", "resources", "scope",
	"existing", "comments", "metadata", "subscriptionId", "resourceGroup", "asserts", NULL};
static const char *const not_in_copies[] = {"copy", NULL};

bool template_is_inner(const struct template *t, const json_t *resource) {
	const char *type = json_string_value(template_member(resource, "type"));
	if (!type || !strv_eq_nocase(type, DEPLOYMENT_TYPE))
		return false;
	const json_t *options = template_member(template_member(resource, "properties"), "expressionEvaluationOptions");
	const char *scope = json_string_value(template_member(options, "scope"));
	return scope && !strv_eq_nocase(scope, "notSpecified") ? strv_eq_nocase(scope, "inner") : t->v2;
}

static int evaluate_resource(const struct template_context *c, const json_t *resource, const char *const *omitted, json_t *out,
	struct err *err);

// --- The inner template, with outer scope ---

struct copies {
	json_t *resources;  // what the inner template's come to
	json_t *names;      // of its loops, in lower case, to arrays of ids
};

static int add_inner(const struct template_context *c, const json_t *resource, json_t *to, json_t **made, struct err *err) {
	_cleanup_json_ json_t *one = json_object();
	if (!one)
		return err_oom(err);
	int rc = evaluate_resource(c, resource, not_in_copies, one, err);
	if (rc == 0 && json_array_append(to, one) < 0)
		rc = err_oom(err);
	if (rc == 0)
		*made = one;  // `to` holds it
	return rc;
}

// A loop of an inner resource is worked out here, since only here is known what its expressions mean; what depended on the
// loop by its name then depends on all that came of it.
static int add_inner_copies(const struct template_context *c, const json_t *resource, const json_t *copy, struct copies *all,
	struct err *err) {
	_cleanup_free_ char *name = NULL, *lower = NULL;
	_cleanup_json_ json_t *ids = json_array();
	size_t count = 0;
	int rc = template_string(c, template_member(copy, "name"), "The name of a 'copy'", &name, err);
	if (rc == 0)
		rc = template_copy_count(c, copy, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct template_loop loop = {.outer = c->loop, .name = name, .index = (int64_t)i, .unnamed = true};
		struct template_context inner = *c;
		_cleanup_free_ char *id = NULL;
		json_t *made = NULL;
		inner.loop = &loop;
		rc = add_inner(&inner, resource, all->resources, &made, err);
		const char *type = json_str(made, "type"), *called = json_str(made, "name");
		if (rc == 0 && type && called)
			rc = template_relative_id(type, called, &id, err);
		if (rc == 0 && id && (!ids || json_array_append_new(ids, json_string(id)) < 0))
			rc = err_oom(err);
	}
	lower = rc == 0 ? strv_lower(name) : NULL;
	if (rc == 0 && (!lower || json_object_set(all->names, lower, ids) < 0))
		rc = err_oom(err);
	return rc;
}

static int replace_loops(json_t *resource, const json_t *loops, struct err *err) {
	const json_t *before = json_object_get(resource, "dependsOn");
	if (!json_is_array(before) || json_object_size(loops) == 0)
		return 0;
	json_t *after = json_array();
	for (size_t i = 0; after && i < json_array_size(before); i++) {
		json_t *one = json_array_get(before, i);
		_cleanup_free_ char *lower = json_is_string(one) ? strv_lower(json_string_value(one)) : NULL;
		json_t *ids = lower ? json_object_get(loops, lower) : NULL;
		if ((ids ? json_array_extend(after, ids) : json_array_append(after, one)) < 0) {
			json_decref(after);
			return err_oom(err);
		}
	}
	return json_set(resource, "dependsOn", after) < 0 ? err_oom(err) : 0;
}

static int evaluate_inner_resources(const struct template_context *c, const json_t *resources, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array(), *names = json_object();
	struct copies all = {made, names};
	int rc = made && names ? 0 : err_oom(err);
	for (size_t i = 0; rc == 0 && i < json_array_size(resources); i++) {
		const json_t *resource = json_array_get(resources, i), *copy = template_member(resource, "copy");
		json_t *one;
		rc = json_is_object(copy) ? add_inner_copies(c, resource, copy, &all, err) : add_inner(c, resource, made, &one, err);
	}
	for (size_t i = 0; rc == 0 && i < json_array_size(made); i++)
		rc = replace_loops(json_array_get(made, i), names, err);
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

// Its parameters and variables are never asked for again: every expression has been answered from those out here.
static int evaluate_template(const struct template_context *outer, const json_t *inner, json_t **out, struct err *err) {
	static const char *const omitted[] = {"$schema", "resources", NULL};
	const json_t *resources = template_member(inner, "resources"), *schema = template_member(inner, "$schema");
	struct template_context c = *outer;
	_cleanup_json_ json_t *made = json_object();
	json_t *list = NULL;
	c.escaping = true;
	if (outer->t->v2)
		return template_refuse(err, "The 'expressionEvaluationOptions' of a deployment in a template of 'languageVersion' '2.0' "
			"must have the scope 'inner'.");
	if (!json_is_array(resources))
		return template_refuse(err, "The inner template of a deployment with outer scope must have an array of resources.");
	int rc = made ? template_members(&c, inner, omitted, made, err) : err_oom(err);
	if (rc == 0)
		rc = evaluate_inner_resources(&c, resources, &list, err);
	if (rc == 0 && json_set(made, "resources", list) < 0)
		rc = err_oom(err);
	if (rc == 0 && schema && json_object_set(made, "$schema", (json_t *)(uintptr_t)schema) < 0)
		rc = err_oom(err);
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

static int evaluate_deployment(const struct template_context *c, const json_t *resource, json_t **out, struct err *err) {
	static const char *const omitted[] = {"template", NULL};
	const json_t *properties = template_member(resource, "properties");
	json_t *inner = template_member(properties, "template"), *evaluated = NULL;
	_cleanup_json_ json_t *made = json_object();
	int rc = made ? template_members(c, properties, omitted, made, err) : err_oom(err);
	if (rc == 0 && json_is_object(inner) && !template_is_inner(c->t, resource))
		rc = evaluate_template(c, inner, &evaluated, err);
	else if (rc == 0)
		evaluated = json_incref(inner);
	if (rc == 0 && evaluated && json_set(made, "template", evaluated) < 0)
		rc = err_oom(err);
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

static bool is_deployment(const json_t *resource) {
	const char *type = json_string_value(template_member(resource, "type"));
	return type && strv_eq_nocase(type, DEPLOYMENT_TYPE) && json_is_object(template_member(resource, "properties"));
}

// `omitted` has room for one more at its end.
static int evaluate_resource(const struct template_context *c, const json_t *resource, const char *const *omitted, json_t *out,
	struct err *err) {
	json_t *properties = NULL;
	if (!is_deployment(resource))
		return template_members(c, resource, omitted, out, err);
	const char *without_properties[ARRAY_SIZE(template_not_in_body) + 1] = {"properties"};
	for (size_t i = 0; omitted[i]; i++)
		without_properties[i + 1] = omitted[i];
	int rc = template_members(c, resource, without_properties, out, err);
	if (rc == 0)
		rc = evaluate_deployment(c, resource, &properties, err);
	if (rc == 0 && json_set(out, "properties", properties) < 0)
		rc = err_oom(err);
	return rc;
}

static int not_processed(const struct template_instance *i, int rc, struct err *err) {
	if (!err || rc != -EINVAL || strcmp(err->code, "InvalidTemplate") != 0)
		return rc;
	char why[ERR_MESSAGE_MAX];
	(void)snprintf(why, sizeof(why), "%s", err->message);
	return template_refuse(err, "Unable to process template language expressions for resource '%.400s' at line '1' and column "
		"'1'. '%.1000s'", i->id, why);
}

int template_resource_body(struct template *t, size_t index, json_t **out, struct err *err) {
	struct template_instance *i = &t->instances[index];
	const json_t *source = t->definitions[i->definition].source;
	struct template_loop loop;
	struct template_context c = template_instance_context(t, index, TEMPLATE_MAY_READ | TEMPLATE_MAY_INSPECT, &loop);
	_cleanup_json_ json_t *made = json_object();
	if (!made)
		return err_oom(err);
	int rc = evaluate_resource(&c, source, template_not_in_body, made, err);
	if (rc < 0)
		return not_processed(i, rc, err);
	// Apart from all that it shares with variables and with other resources: it is the caller's to change.
	*out = json_deep_copy(made);
	return *out ? 0 : err_oom(err);
}
