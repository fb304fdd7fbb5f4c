// SPDX-License-Identifier: Apache-2.0
// The resources of a template: each that is written, children included, its loop counted, and each that comes of it named.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-syntax-resources for usage details."
#define DEPLOYMENT_TYPE "Microsoft.Resources/deployments"

// --- As they are written ---

static int add_resources(struct template *t, json_t *resources, size_t parent, struct err *err);

static int refuse_unsupported(const json_t *source, struct err *err) {
	static const char *const unsupported[] = {"import", "extension", "@options"};
	for (size_t i = 0; i < ARRAY_SIZE(unsupported); i++)
		if (template_member(source, unsupported[i]))
			return template_invalid(err, "A template resource at line '1' and column '1' has '%s', which is not supported here.",
				unsupported[i]);
	return 0;
}

static int add_resource(struct template *t, const char *symbol, json_t *source, size_t parent, struct err *err) {
	if (!json_is_object(source))
		return template_invalid(err, "A template resource at line '1' and column '1' is not an object. " SEE);
	if (t->definition_count == TEMPLATE_RESOURCES_MAX)
		return template_invalid(err, "The number of template resources limit exceeded. Limit: '%d'. Please see "
			"https://aka.ms/arm-template/#resources for usage details.", TEMPLATE_RESOURCES_MAX);
	int rc = refuse_unsupported(source, err);
	if (rc < 0)
		return rc;
	size_t place = t->definition_count++;
	bool added = true;
	t->definitions[place] = (struct template_definition){.symbol = symbol, .source = source, .parent = parent};
	if (symbol)
		rc = template_names_add(t->symbols, symbol, place, &added, err);
	if (rc == 0 && !added)
		return template_invalid(err, "The symbolic name '%.128s' is used by more than one template resource. " SEE, symbol);
	return rc == 0 ? add_resources(t, template_member(source, "resources"), place, err) : rc;
}

static int add_resources(struct template *t, json_t *resources, size_t parent, struct err *err) {
	json_t *source;
	const char *symbol;
	if (resources && !(t->symbolic ? json_is_object(resources) : json_is_array(resources)))
		return template_invalid(err, "The template 'resources' at line '1' and column '1' must be %s. " SEE,
			t->symbolic ? "objects throughout" : "an array; an object of symbolic names needs 'languageVersion' '2.0'");
	for (size_t i = 0; i < json_array_size(resources); i++) {
		int rc = add_resource(t, NULL, json_array_get(resources, i), parent, err);
		if (rc < 0)
			return rc;
	}
	json_object_foreach (resources, symbol, source) {
		int rc = add_resource(t, symbol, source, parent, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// --- Loops ---

static int read_mode(const struct template_context *c, struct template_definition *d, const json_t *copy, struct err *err) {
	const json_t *mode = template_member(copy, "mode"), *written = template_member(copy, "batchSize");
	_cleanup_json_ json_t *batch = NULL;
	const char *text = mode ? json_string_value(mode) : "parallel";
	if (!text || !(strv_eq_nocase(text, "serial") || strv_eq_nocase(text, "parallel")))
		return template_refuse(err, "The 'mode' of the 'copy' '%.128s' must be 'serial' or 'parallel'.", d->loop);
	d->serial = strv_eq_nocase(text, "serial");
	if (!d->serial)
		return 0;
	int rc = written ? template_value(c, written, &batch, err) : 0;
	d->batch = batch ? (int64_t)json_integer_value(batch) : 1;
	if (rc == 0 && d->batch < 1)
		return template_refuse(err, "The 'batchSize' of the 'copy' '%.128s' must be a positive integer.", d->loop);
	return rc;
}

static int read_loop(const struct template_context *c, struct template_definition *d, const json_t *copy, struct err *err) {
	bool added = false;
	const json_t *name = template_member(copy, "name");
	if (!json_is_object(copy) || (!name && !d->symbol))
		return template_refuse(err, "The 'copy' must be an object with a 'name' and a 'count'.");
	if (d->parent != TEMPLATE_NONE)
		return template_refuse(err, "A child that stands inside its parent can have no 'copy': write it at the top.");
	int rc = name ? template_string(c, name, "The name of a 'copy'", &d->loop, err) : 0;
	if (rc == 0 && !name && !(d->loop = strdup(d->symbol)))
		return err_oom(err);
	if (rc == 0)
		rc = template_copy_count(c, copy, &d->count, err);
	if (rc == 0)
		rc = read_mode(c, d, copy, err);
	if (rc == 0)
		rc = template_names_add(c->t->loops, d->loop, (size_t)(d - c->t->definitions), &added, err);
	if (rc == 0 && !added)
		return template_refuse(err, "The 'copy' name '%.128s' is used by more than one resource.", d->loop);
	return rc;
}

static const char *written_name(const struct template_definition *d) {
	const char *name = d->symbol ? d->symbol : json_string_value(template_member(d->source, "name"));
	return name ? name : "";
}

static int count_instances(struct template *t, struct template_definition *d, struct err *err) {
	struct template_context c = {.t = t, .allowed = TEMPLATE_MAY_USE_VARIABLES | TEMPLATE_MAY_CALL};
	const json_t *copy = template_member(d->source, "copy");
	d->count = d->parent == TEMPLATE_NONE ? 1 : t->definitions[d->parent].count;
	int rc = copy ? read_loop(&c, d, copy, err) : 0;
	if (rc < 0)
		return template_invalid_at(err, rc, "The template resource '%.256s' at line '1' and column '1'", written_name(d));
	d->first = t->instance_count;
	t->instance_count += d->count;
	if (t->instance_count > TEMPLATE_INSTANCES_MAX)
		return template_invalid(err, "The template comes to more than '%d' resources. Please see "
			"https://aka.ms/arm-template/#resources for usage details.", TEMPLATE_INSTANCES_MAX);
	return 0;
}

static int place_instance(struct template *t, size_t definition, size_t iteration, struct err *err) {
	const struct template_definition *d = &t->definitions[definition];
	size_t index = d->first + iteration;
	struct template_instance *i = &t->instances[index];
	bool added = false;
	i->definition = definition;
	i->iteration = (int64_t)iteration;
	i->parent = d->parent == TEMPLATE_NONE ? TEMPLATE_NONE : t->definitions[d->parent].first + iteration;
	if (!d->symbol)
		return 0;
	i->symbol = d->loop ? strv_printf("%s[%zu]", d->symbol, iteration) : strdup(d->symbol);
	return i->symbol ? template_names_add(t->instance_symbols, i->symbol, index, &added, err) : err_oom(err);
}

static int lay_out(struct template *t, struct err *err) {
	for (size_t i = 0; i < t->definition_count; i++) {
		int rc = count_instances(t, &t->definitions[i], err);
		if (rc < 0)
			return rc;
	}
	t->instances = calloc(t->instance_count + 1, sizeof(*t->instances));
	if (!t->instances)
		return err_oom(err);
	for (size_t i = 0; i < t->definition_count; i++)
		for (size_t n = 0; n < t->definitions[i].count; n++) {
			int rc = place_instance(t, i, n, err);
			if (rc < 0)
				return rc;
		}
	return 0;
}

struct template_context template_instance_context(struct template *t, size_t index, unsigned allowed,
	struct template_loop *loop) {
	const struct template_definition *d = &t->definitions[t->instances[index].definition];
	while (!d->loop && d->parent != TEMPLATE_NONE)
		d = &t->definitions[d->parent];
	struct template_context c = {.t = t, .allowed = allowed | TEMPLATE_MAY_USE_VARIABLES | TEMPLATE_MAY_CALL};
	if (d->loop) {
		*loop = (struct template_loop){.name = d->loop, .index = t->instances[index].iteration, .unnamed = true};
		c.loop = loop;
	}
	return c;
}

// --- Scopes ---

static bool is_deployment(const struct template_instance *i) {
	return strv_eq_nocase(i->written_type, DEPLOYMENT_TYPE);
}

static size_t count_slashes(const char *text) {
	size_t n = 0;
	for (; *text; text++)
		n += *text == '/';
	return n;
}

static bool in_group(const char *scope) {
	return strcasestr(scope, "/resourceGroups/") != NULL;
}

static int relative_scope(const struct template *t, const char *text, char **out, struct err *err) {
	_cleanup_free_ char *absolute = strv_printf("%s/providers/%s", t->place.scope, text);
	if (!absolute)
		return err_oom(err);
	size_t slashes = count_slashes(text);
	if (slashes < 2 || slashes % 2 != 0 || !template_id_is_plain(absolute))
		return template_refuse(err, "The 'scope' '%.256s' is neither the id of a resource nor a type with its names.", text);
	*out = TAKE_PTR(absolute);
	return 0;
}

static int given_scope(const struct template *t, const struct template_instance *i, char *text, char **out, struct err *err) {
	size_t len = strlen(text);
	while (len > 0 && text[len - 1] == '/')
		text[--len] = 0;
	if (is_deployment(i) && !strv_starts_with_nocase(text, "/subscriptions/"))
		return template_refuse(err, "The 'scope' '%.256s' of a deployment is not supported here: it must be a subscription or a "
			"resource group.", text);
	if (strv_starts_with_nocase(text, "Microsoft.Management/managementGroups/"))
		return template_refuse(err, "The 'scope' '%.256s' is a management group, which is not supported here.", text);
	if (len > 0 && text[0] != '/')
		return relative_scope(t, text, out, err);
	if (len > 0 && !template_id_is_plain(text))
		return template_refuse(err, "The 'scope' '%.256s' is not the id of a resource.", text);
	*out = strdup(text);
	return *out ? 0 : err_oom(err);
}

static int group_scope(const struct template_context *c, const struct template_instance *i, const json_t *source, bool existing,
	char **out, struct err *err) {
	const json_t *group = template_member(source, "resourceGroup"), *subscription = template_member(source, "subscriptionId");
	_cleanup_free_ char *group_name = NULL, *id = NULL;
	if (!existing && !is_deployment(i))
		return template_refuse(err, "Only deployments and existing resources can have 'resourceGroup' or 'subscriptionId'.");
	int rc = group ? template_string(c, group, "The 'resourceGroup'", &group_name, err) : 0;
	if (rc == 0 && subscription)
		rc = template_string(c, subscription, "The 'subscriptionId'", &id, err);
	if (rc < 0)
		return rc;
	const char *own = json_str(c->t->place.subscription, "subscriptionId");
	bool in_own = !(id && *id) && !(group_name && *group_name);  // what is empty says nothing
	_cleanup_free_ char *scope = in_own ? strdup(c->t->place.scope) : strv_printf("/subscriptions/%s%s%s",
		id && *id ? id : own ? own : "", group_name && *group_name ? "/resourceGroups/" : "", group_name ? group_name : "");
	if (!scope)
		return err_oom(err);
	if (!template_id_is_plain(scope))
		return template_refuse(err, "The 'resourceGroup' or the 'subscriptionId' is not a name.");
	*out = TAKE_PTR(scope);
	return 0;
}

static int read_scope(const struct template_context *c, struct template_instance *i, const json_t *source, struct err *err) {
	const json_t *scope = template_member(source, "scope");
	if (scope) {
		_cleanup_free_ char *text = NULL;
		int rc = template_string(c, scope, "The 'scope'", &text, err);
		return rc == 0 ? given_scope(c->t, i, text, &i->base, err) : rc;
	}
	if (template_member(source, "resourceGroup") || template_member(source, "subscriptionId"))
		return group_scope(c, i, source, i->shown.existing, &i->base, err);
	i->base = strdup(i->parent == TEMPLATE_NONE ? c->t->place.scope : c->t->instances[i->parent].base);
	return i->base ? 0 : err_oom(err);
}

// --- Names ---

// "Microsoft.KeyVault/vaults/providers/diagnosticSettings", "vault/Microsoft.Insights/log": what extends a resource, as it was
// written before there was "scope". The type and the name are those behind the last "providers".
static int resolve_extension(struct template_instance *i, struct err *err) {
	const char *type = i->written_type + strcspn(i->written_type, "/"), *name = i->written_name;
	const char *extension = NULL, *of = NULL, *called = NULL;
	while (*type == '/') {
		size_t t = strcspn(type + 1, "/"), n = strcspn(name, "/");
		if (t == strlen("providers") && strncasecmp(type + 1, "providers", t) == 0) {
			of = name;
			extension = type + 1 + t;
			called = name + n + (name[n] == '/');
		}
		type += 1 + t;
		name += n + (name[n] == '/');
	}
	i->type = extension ? strv_printf("%.*s%s", (int)strcspn(of, "/"), of, extension) : strdup(i->written_type);
	i->name = strdup(extension ? called : i->written_name);
	if (!i->type || !i->name)
		return err_oom(err);
	return extension ? template_name_check(i->type, i->name, err) : 0;
}

static int read_version(const struct template_context *c, struct template_instance *i, const json_t *source, struct err *err) {
	const json_t *version = template_member(source, "apiVersion");
	if (!version)
		return template_refuse(err, "The template resource '%.256s' of type '%.128s' has no 'apiVersion', which is required. " SEE,
			i->name, i->type);
	int rc = template_string(c, version, "The 'apiVersion'", &i->api_version, err);
	if (rc == 0 && !template_version_is_plain(i->api_version))
		return template_refuse(err, "The 'apiVersion' '%.128s' is not one. " SEE, i->api_version);
	return rc;
}

static int read_condition(const struct template_context *c, struct template_instance *i, const json_t *source, struct err *err) {
	const json_t *written = template_member(source, "condition");
	_cleanup_json_ json_t *value = NULL;
	int rc = written ? template_value(c, written, &value, err) : 0;
	if (rc < 0)
		return rc;
	if (value && !json_is_boolean(value))
		return template_refuse(err, "The 'condition' must be a boolean.");
	i->shown.condition = value && json_is_false(value) ? "The condition of the resource is false." : NULL;
	return 0;
}

static int read_ids(struct template_instance *i, struct err *err) {
	int rc = template_name_check(i->written_type, i->written_name, err);
	if (rc == 0)
		rc = resolve_extension(i, err);
	if (rc == 0)
		rc = template_id(i->base, i->written_type, i->written_name, &i->id, err);
	if (rc == 0)
		rc = template_relative_id(i->written_type, i->written_name, &i->relative_id, err);
	if (rc < 0)
		return rc;
	if (strlen(i->id) >= TEMPLATE_ID_MAX)
		return template_refuse(err, "The id of the template resource '%.256s' is longer than %d characters.", i->name,
			TEMPLATE_ID_MAX - 1);
	if (strv_eq_nocase(i->type, "Microsoft.Resources/resourceGroups") && in_group(i->base))
		return template_refuse(err, "The template resource '%.256s' is a resource group, which can be deployed at subscription "
			"scope only.", i->name);
	return 0;
}

// A child inside its parent may be written with its whole type, and then with its whole name too.
static int read_names(const struct template_context *c, struct template_instance *i, const json_t *source,
	const struct template_instance *parent, struct err *err) {
	_cleanup_free_ char *type = NULL, *name = NULL;
	int rc = template_string(c, template_member(source, "type"), "The 'type' of a resource", &type, err);
	if (rc == 0)
		rc = template_string(c, template_member(source, "name"), "The 'name' of a resource", &name, err);
	if (rc < 0)
		return rc;
	size_t len = parent ? strlen(parent->written_type) : 0;
	bool whole_type = !parent || (strv_starts_with_nocase(type, parent->written_type) && type[len] == '/');
	i->written_type = whole_type ? TAKE_PTR(type) : strv_printf("%s/%s", parent->written_type, type);
	if (!i->written_type)
		return err_oom(err);
	bool whole_name = whole_type && (!parent || count_slashes(name) + 1 == count_slashes(i->written_type));
	i->written_name = whole_name ? TAKE_PTR(name) : strv_printf("%s/%s", parent->written_name, name);
	return i->written_name ? 0 : err_oom(err);
}

static int name_instance(struct template *t, size_t index, struct err *err) {
	struct template_instance *i = &t->instances[index];
	const json_t *source = t->definitions[i->definition].source;
	const struct template_instance *parent = i->parent == TEMPLATE_NONE ? NULL : &t->instances[i->parent];
	struct template_loop loop;
	struct template_context c = template_instance_context(t, index, TEMPLATE_MAY_INSPECT, &loop);
	// Members are looked for in any case, among all there are.
	int rc = template_spend(t, TEMPLATE_COST_NODE * json_object_size(source), err);
	if (rc == 0 && parent)
		rc = template_instance_ready(t, i->parent, err);
	i->shown.existing = json_is_true(template_member(source, "existing"));
	if (rc == 0)
		rc = read_names(&c, i, source, parent, err);
	if (rc == 0)
		rc = read_scope(&c, i, source, err);
	if (rc == 0)
		rc = read_ids(i, err);
	if (rc == 0)
		rc = read_version(&c, i, source, err);
	return rc == 0 ? read_condition(&c, i, source, err) : rc;
}

static void show(struct template *t, struct template_instance *i) {
	i->shown.symbol = i->symbol;
	i->shown.id = i->id;
	i->shown.type = i->type;
	i->shown.name = i->name;
	i->shown.api_version = i->api_version;
	i->shown.nested = is_deployment(i);
	i->shown.batch = t->definitions[i->definition].batch;
}

int template_instance_ready(struct template *t, size_t index, struct err *err) {
	struct template_instance *i = &t->instances[index];
	const struct template_definition *d = &t->definitions[i->definition];
	if (i->state == TEMPLATE_DONE)
		return 0;
	if (i->state == TEMPLATE_BUSY)
		return template_invalid(err, "Circular dependency detected on resource: '%.256s'. " SEE, written_name(d));
	i->state = TEMPLATE_BUSY;
	int rc = name_instance(t, index, err);
	if (rc < 0)
		return template_invalid_at(err, rc, "The template resource '%.256s' at line '1' and column '1'",
			i->written_name ? i->written_name : written_name(d));
	i->state = TEMPLATE_DONE;
	show(t, i);
	return 0;
}

// --- Finding them ---

static int register_id(struct template *t, size_t index, struct err *err) {
	const struct template_instance *i = &t->instances[index];
	bool added = false;
	size_t before;
	int rc = template_names_add(t->ids, i->id, index, &added, err);
	if (rc < 0 || added || i->shown.existing)
		return rc;
	// What is deployed goes before what is only read.
	_cleanup_free_ char *lower = strv_lower(i->id);
	if (!lower)
		return err_oom(err);
	if (template_names_find(t->ids, i->id, &before) && !t->instances[before].shown.existing)
		return template_invalid(err, "The resource '%.512s' at line '1' and column '1' is defined multiple times in a template. "
			"Please see https://aka.ms/arm-template/#resources for usage details.", i->relative_id);
	return json_set_int(t->ids, lower, (int64_t)index) < 0 ? err_oom(err) : 0;
}

// A name may be that of several resources, of different types; then it means none of them.
static int register_name(struct template *t, size_t index, struct err *err) {
	const struct template_instance *i = &t->instances[index];
	bool added = false;
	int rc = template_names_add(t->names, i->written_name, index, &added, err);
	if (rc < 0 || added)
		return rc;
	_cleanup_free_ char *lower = strv_lower(i->written_name);
	return !lower || json_set_int(t->names, lower, (int64_t)TEMPLATE_AMBIGUOUS) < 0 ? err_oom(err) : 0;
}

static int register_instance(struct template *t, size_t index, struct err *err) {
	const struct template_instance *i = &t->instances[index];
	bool added = false;
	int rc = register_id(t, index, err);
	if (rc == 0)
		rc = register_name(t, index, err);
	if (rc == 0 && !i->shown.existing && strcmp(i->base, t->place.scope) == 0)
		rc = template_names_add(t->relative_ids, i->relative_id, index, &added, err);
	return rc;
}

size_t template_find_symbol(const struct template *t, const char *symbol) {
	size_t found;
	return template_names_find(t->instance_symbols, symbol, &found) ? found : TEMPLATE_NONE;
}

size_t template_find(const struct template *t, const char *text) {
	const json_t *const all[] = {t->instance_symbols, t->ids, t->relative_ids, t->names};
	size_t found;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (template_names_find(all[i], text, &found))
			return found;
	return TEMPLATE_NONE;
}

size_t template_resource_count(const struct template *t) {
	return t->instance_count;
}

const struct template_resource *template_resource_at(const struct template *t, size_t index) {
	return index < t->instance_count ? &t->instances[index].shown : NULL;
}

int template_resources_read(struct template *t, struct err *err) {
	json_t *resources = template_member(t->document, "resources");
	t->symbolic = t->v2 && json_is_object(resources);
	t->definitions = calloc(TEMPLATE_RESOURCES_MAX, sizeof(*t->definitions));
	if (!t->definitions)
		return err_oom(err);
	int rc = add_resources(t, resources, TEMPLATE_NONE, err);
	if (rc == 0)
		rc = lay_out(t, err);
	t->laid_out = rc == 0;
	for (size_t i = 0; rc == 0 && i < t->instance_count; i++)
		rc = template_instance_ready(t, i, err);
	for (size_t i = 0; rc == 0 && i < t->instance_count; i++)
		rc = register_instance(t, i, err);
	return rc;
}
