// SPDX-License-Identifier: Apache-2.0
// The functions of a template that depend on where it stands: parameters, variables, loops, scopes, resources ("ARM
// template functions", Microsoft Learn).
#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "base/strv.h"
#include "template/template_internal.h"

#define SEE "Please see https://aka.ms/arm-functions for usage details."

struct scope_call {
	const struct template_context *c;
	const char *function;
	json_t *const *args;
	size_t count;
};

static const char *text_at(const struct scope_call *call, size_t i) {
	return i < call->count ? json_string_value(call->args[i]) : NULL;
}

static int bad_argument(const struct scope_call *call, const char *expected, struct err *err) {
	return template_refuse(err, "The arguments of the template function '%s' are not valid: %s. " SEE, call->function, expected);
}

static int not_here(const struct scope_call *call, struct err *err) {
	return template_refuse(err, "The template function '%s' is not expected at this location. " SEE, call->function);
}

static int give_same(const json_t *value, json_t **out) {
	*out = json_incref((json_t *)(uintptr_t)value);
	return 0;
}

// --- Parameters, variables, loops ---

static int call_parameters(const struct scope_call *call, json_t **out, struct err *err) {
	const char *name = text_at(call, 0);
	if (!name)
		return bad_argument(call, "the name of a parameter is expected", err);
	if (!call->c->in_function)
		return template_parameter(call->c->t, name, out, err);
	_cleanup_free_ char *lower = strv_lower(name);
	const json_t *bound = lower ? json_object_get(call->c->arguments, lower) : NULL;
	if (!bound)
		return template_refuse(err, "The template function has no parameter '%.128s'. " SEE, name);
	return give_same(bound, out);
}

static int call_variables(const struct scope_call *call, json_t **out, struct err *err) {
	const char *name = text_at(call, 0);
	return name ? template_variable(call->c->t, name, out, err) :
		bad_argument(call, "the name of a variable is expected", err);
}

static const struct template_loop *find_loop(const struct template_context *c, const char *name) {
	for (const struct template_loop *loop = c->loop; loop; loop = loop->outer)
		if (name ? loop->name && strv_eq_nocase(loop->name, name) : loop->unnamed)
			return loop;
	return NULL;
}

static int call_copy_index(const struct scope_call *call, json_t **out, struct err *err) {
	const char *name = text_at(call, 0);
	const json_t *offset = name ? (call->count == 2 ? call->args[1] : NULL) : (call->count > 0 ? call->args[0] : NULL);
	if ((offset && !json_is_integer(offset)) || (!name && call->count == 2))
		return bad_argument(call, "the name of a loop and an integer offset are expected", err);
	const struct template_loop *loop = find_loop(call->c, name);
	if (!loop)
		return template_refuse(err, "The template function 'copyIndex' is not expected at this location. The function can only be "
			"used in a resource with copy specified. Please see https://aka.ms/arm-copy for usage details.");
	int64_t index;
	if (__builtin_add_overflow(loop->index, (int64_t)json_integer_value(offset), &index))
		return bad_argument(call, "the offset is too large", err);
	*out = json_integer(index);
	return *out ? 0 : err_oom(err);
}

// --- Scopes ---

static int give_scope(const struct scope_call *call, const json_t *value, json_t **out, struct err *err) {
	return value ? give_same(value, out) : not_here(call, err);
}

static int call_subscription(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.subscription, out, err);
}

static int call_resource_group(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.resource_group, out, err);
}

static int call_tenant(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.tenant, out, err);
}

static int call_deployment(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.deployment, out, err);
}

static int call_environment(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.environment, out, err);
}

static int call_deployer(const struct scope_call *call, json_t **out, struct err *err) {
	return give_scope(call, call->c->t->place.deployer, out, err);
}

static int call_management_group(const struct scope_call *call, json_t **out _unused_, struct err *err) {
	return not_here(call, err);
}

static int call_id(const struct scope_call *call, json_t **out, struct err *err) {
	return template_resource_id(call->c->t, call->function, call->args, call->count, out, err);
}

// --- Resources ---

static int find_instance(const struct scope_call *call, const char *text, size_t *out, struct err *err) {
	size_t found = template_find(call->c->t, text);
	if (found == TEMPLATE_AMBIGUOUS)
		return template_refuse(err, "The template reference '%.256s' is not valid: more than one resource of the template has this "
			"name. Please see https://aka.ms/arm-function-reference for usage details.", text);
	if (found == TEMPLATE_NONE && text[0] != '/')
		return template_refuse(err, "The template reference '%.256s' is not valid: could not find template resource or resource "
			"copy with this name. Please see https://aka.ms/arm-function-reference for usage details.", text);
	if (found == TEMPLATE_NONE && !template_id_is_plain(text))
		return template_refuse(err, "The template reference '%.256s' is not valid: it is not the id of a resource. Please see "
			"https://aka.ms/arm-function-reference for usage details.", text);
	*out = found;
	return 0;
}

// The id and the API version that a call means by its first two arguments.
static int aim(const struct scope_call *call, const char **id, const char **api_version, struct err *err) {
	const char *text = text_at(call, 0), *version = text_at(call, 1);
	size_t index = TEMPLATE_NONE;
	if (!text || (call->count > 1 && !version))
		return bad_argument(call, "the name or id of a resource and an API version are expected", err);
	int rc = find_instance(call, text, &index, err);
	if (rc < 0)
		return rc;
	const struct template_instance *i = index == TEMPLATE_NONE ? NULL : &call->c->t->instances[index];
	*id = i ? i->id : text;
	*api_version = version ? version : i ? i->api_version : NULL;
	if (!*api_version)
		return template_refuse(err, "The template function '%s' requires the argument 'apiVersion' for the resource '%.512s', "
			"which is not defined in the template. Please see https://aka.ms/arm-function-reference for usage details.",
			call->function, text);
	return template_version_is_plain(*api_version) ? 0 : bad_argument(call, "the API version is not one", err);
}

static int wants_full(const struct scope_call *call, size_t at, bool *full, struct err *err) {
	const char *what = text_at(call, at);
	*full = what && strv_eq_nocase(what, "Full");
	if (call->count > at && !*full && !(what && strv_eq_nocase(what, "Properties")))
		return bad_argument(call, "'Full' or 'Properties' is expected last", err);
	return 0;
}

static int read_resource(const struct scope_call *call, const char *id, const char *api_version, bool full, json_t **out,
	struct err *err) {
	const struct template_place *place = &call->c->t->place;
	return place->reference ? place->reference(place->ctx, id, api_version, full, out, err) : not_here(call, err);
}

static int call_reference(const struct scope_call *call, json_t **out, struct err *err) {
	const char *id, *api_version;
	bool full;
	int rc = aim(call, &id, &api_version, err);
	if (rc == 0)
		rc = wants_full(call, 2, &full, err);
	return rc == 0 ? read_resource(call, id, api_version, full, out, err) : rc;
}

static int call_references(const struct scope_call *call, json_t **out, struct err *err) {
	const char *symbol = text_at(call, 0);
	struct template *t = call->c->t;
	size_t place;
	bool full;
	_cleanup_json_ json_t *all = json_array();
	if (!symbol || !template_names_find(t->symbols, symbol, &place) || !t->definitions[place].loop)
		return bad_argument(call, "the symbolic name of a resource with a copy loop is expected", err);
	int rc = wants_full(call, 1, &full, err);
	const struct template_definition *d = &t->definitions[place];
	for (size_t i = d->first; rc == 0 && i < d->first + d->count; i++) {
		json_t *one = NULL;
		if (t->instances[i].shown.condition)
			continue;
		rc = read_resource(call, t->instances[i].id, t->instances[i].api_version, full, &one, err);
		if (rc == 0 && (!all || json_array_append_new(all, one) < 0))
			rc = err_oom(err);
	}
	if (rc == 0)
		*out = TAKE_PTR(all);
	return rc;
}

static int call_resource_info(const struct scope_call *call, json_t **out, struct err *err) {
	struct template *t = call->c->t;
	const char *symbol = text_at(call, 0);
	size_t index = symbol && t->laid_out ? template_find_symbol(t, symbol) : TEMPLATE_NONE;
	if (index == TEMPLATE_NONE)
		return bad_argument(call, "the symbolic name of a resource of the template is expected", err);
	int rc = template_instance_ready(t, index, err);
	if (rc < 0)
		return rc;
	const struct template_instance *i = &t->instances[index];
	*out = json_pack("{s:s, s:s, s:s, s:s}", "id", i->id, "name", i->name, "type", i->type, "apiVersion", i->api_version);
	return *out ? 0 : err_oom(err);
}

bool template_is_list(const char *function) {
	return strv_starts_with_nocase(function, "list") && function[4];
}

static int call_list(const struct scope_call *call, json_t **out, struct err *err) {
	const struct template_place *place = &call->c->t->place;
	const char *id, *api_version;
	const json_t *body = call->count > 2 ? call->args[2] : NULL;
	if (call->count < 1 || call->count > 3 || (body && !json_is_object(body) && !json_is_string(body)))
		return bad_argument(call, "the name or id of a resource, an API version and an object are expected", err);
	int rc = aim(call, &id, &api_version, err);
	if (rc < 0)
		return rc;
	return place->list ? place->list(place->ctx, call->function, id, api_version, body, out, err) : not_here(call, err);
}

// --- Providers and zones ---

static int fetch_provider(const struct scope_call *call, json_t **out, struct err *err) {
	const struct template_place *place = &call->c->t->place;
	const char *namespace = text_at(call, 0);
	if (!namespace || !template_version_is_plain(namespace))
		return bad_argument(call, "the namespace of a provider is expected", err);
	return place->provider ? place->provider(place->ctx, namespace, out, err) : not_here(call, err);
}

static json_t *find_type(const json_t *provider, const char *name) {
	const json_t *types = json_object_get(provider, "resourceTypes");
	for (size_t i = 0; name && i < json_array_size(types); i++) {
		json_t *type = json_array_get(types, i);
		const char *called = json_str(type, "resourceType");
		if (called && strv_eq_nocase(called, name))
			return type;
	}
	return NULL;
}

static int no_type(const struct scope_call *call, struct err *err) {
	return template_refuse(err, "The resource type '%.128s' is not one of the provider '%.128s'. " SEE,
		text_at(call, 1) ? text_at(call, 1) : "", text_at(call, 0));
}

static int call_providers(const struct scope_call *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *provider = NULL;
	int rc = fetch_provider(call, &provider, err);
	if (rc < 0)
		return rc;
	const json_t *type = find_type(provider, text_at(call, 1));
	if (call->count > 1 && !type)
		return no_type(call, err);
	return give_same(type ? type : provider, out);
}

// "East US" and "eastus" are one place.
static bool same_location(const char *a, const char *b) {
	for (;; a++, b++) {
		a += strspn(a, " ");
		b += strspn(b, " ");
		if (!*a || !*b)
			return *a == *b;
		if (strncasecmp(a, b, 1) != 0)
			return false;
	}
}

static const json_t *zones_of(const json_t *type, const char *location) {
	const json_t *mappings = json_object_get(type, "zoneMappings");
	for (size_t i = 0; i < json_array_size(mappings); i++) {
		const char *name = json_str(json_array_get(mappings, i), "location");
		if (name && same_location(name, location))
			return json_object_get(json_array_get(mappings, i), "zones");
	}
	return NULL;
}

static int64_t integer_at(const struct scope_call *call, size_t i, int64_t fallback) {
	return i >= call->count ? fallback : json_is_integer(call->args[i]) ? (int64_t)json_integer_value(call->args[i]) : -1;
}

static int call_pick_zones(const struct scope_call *call, json_t **out, struct err *err) {
	_cleanup_json_ json_t *provider = NULL, *picked = json_array();
	const char *location = text_at(call, 2);
	int64_t wanted = integer_at(call, 3, 1), offset = integer_at(call, 4, 0);
	if (!location || !text_at(call, 1) || wanted < 1 || wanted > 3 || offset < 0 || offset > 2)
		return bad_argument(call, "a provider, a type, a location, 1 to 3 zones and an offset of 0 to 2 are expected", err);
	int rc = fetch_provider(call, &provider, err);
	if (rc < 0)
		return rc;
	const json_t *type = find_type(provider, text_at(call, 1));
	if (!type)
		return no_type(call, err);
	const json_t *zones = zones_of(type, location);
	size_t count = json_array_size(zones);
	if (count > 0 && (size_t)(wanted + offset) > count)
		return bad_argument(call, "the location has fewer zones than are asked for", err);
	for (size_t i = 0; count > 0 && i < (size_t)wanted; i++)
		if (!picked || json_array_append(picked, json_array_get(zones, (size_t)offset + i)) < 0)
			return err_oom(err);
	*out = TAKE_PTR(picked);
	return *out ? 0 : err_oom(err);
}

// Every subscription here numbers the zones of a location alike: "eastus-az2" is its zone 2.
static int logical_zone(const struct scope_call *call, const char *location, const char *physical, json_t **out,
	struct err *err) {
	const char *dash = physical ? strrchr(physical, '-') : NULL;
	_cleanup_free_ char *prefix = dash ? strndup(physical, (size_t)(dash - physical)) : NULL;
	if (!prefix || !same_location(prefix, location) || strncmp(dash, "-az", 3) != 0 || strlen(dash) != 4 || dash[3] < '1' ||
		dash[3] > '3')
		return bad_argument(call, "a subscription, a location and a physical zone of it are expected", err);
	*out = json_string(dash + 3);
	return *out ? 0 : err_oom(err);
}

static int physical_zone(const struct scope_call *call, const char *location, const char *logical, json_t **out,
	struct err *err) {
	if (!logical || strlen(logical) != 1 || logical[0] < '1' || logical[0] > '3')
		return bad_argument(call, "a subscription, a location and a zone of it are expected", err);
	*out = json_sprintf("%s-az%s", location, logical);
	return *out ? 0 : err_oom(err);
}

static int map_zones(const struct scope_call *call,
	int (*map)(const struct scope_call *, const char *, const char *, json_t **, struct err *), json_t **out, struct err *err) {
	const char *location = text_at(call, 1);
	_cleanup_json_ json_t *mapped = json_array();
	if (!text_at(call, 0) || !location)
		return bad_argument(call, "a subscription, a location and zones are expected", err);
	if (!json_is_array(call->args[2]))
		return map(call, location, text_at(call, 2), out, err);
	for (size_t i = 0; i < json_array_size(call->args[2]); i++) {
		json_t *zone = NULL;
		int rc = map(call, location, json_string_value(json_array_get(call->args[2], i)), &zone, err);
		if (rc < 0)
			return rc;
		if (!mapped || json_array_append_new(mapped, zone) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(mapped);
	return *out ? 0 : err_oom(err);
}

static int call_to_logical(const struct scope_call *call, json_t **out, struct err *err) {
	return map_zones(call, logical_zone, out, err);
}

static int call_to_physical(const struct scope_call *call, json_t **out, struct err *err) {
	return map_zones(call, physical_zone, out, err);
}

// --- What is new each time ---

static int call_new_guid(const struct scope_call *call _unused_, json_t **out, struct err *err) {
	char uuid[ENC_UUID_SIZE];
	int rc = enc_uuid(uuid);
	if (rc < 0)
		return err_errno(err, rc, "cannot make a random identifier");
	*out = json_string(uuid);
	return *out ? 0 : err_oom(err);
}

static int call_utc_now(const struct scope_call *call, json_t **out, struct err *err) {
	const struct expr_scope scope = {.budget = call->c->t->budget};
	const char *format = call->count > 0 ? text_at(call, 0) : "yyyyMMddTHHmmssZ";
	if (!format)
		return bad_argument(call, "a format is expected", err);
	return expr_time(call->c->t->place.now, format, &scope, out, err);
}

// --- All of them ---

static const struct scope_function {
	const char *name;
	size_t min, max;
	unsigned needs;  // of enum template_allowance
	int (*call)(const struct scope_call *call, json_t **out, struct err *err);
} functions[] = {
	{"parameters", 1, 1, 0, call_parameters},
	{"variables", 1, 1, TEMPLATE_MAY_USE_VARIABLES, call_variables},
	{"copyIndex", 0, 2, 0, call_copy_index},
	{"resourceId", 2, SIZE_MAX, 0, call_id},
	{"subscriptionResourceId", 2, SIZE_MAX, 0, call_id},
	{"tenantResourceId", 2, SIZE_MAX, 0, call_id},
	{"extensionResourceId", 3, SIZE_MAX, 0, call_id},
	{"managementGroupResourceId", 2, SIZE_MAX, 0, call_management_group},
	{"managementGroup", 0, 1, 0, call_management_group},
	{"resourceGroup", 0, 0, 0, call_resource_group},
	{"subscription", 0, 0, 0, call_subscription},
	{"tenant", 0, 0, 0, call_tenant},
	{"deployment", 0, 0, 0, call_deployment},
	{"environment", 0, 0, 0, call_environment},
	{"deployer", 0, 0, 0, call_deployer},
	{"reference", 1, 3, TEMPLATE_MAY_READ, call_reference},
	{"references", 1, 2, TEMPLATE_MAY_READ, call_references},
	{"resourceInfo", 1, 1, TEMPLATE_MAY_INSPECT, call_resource_info},
	{"providers", 1, 2, 0, call_providers},
	{"pickZones", 3, 5, 0, call_pick_zones},
	{"toLogicalZone", 3, 3, 0, call_to_logical},
	{"toLogicalZones", 3, 3, 0, call_to_logical},
	{"toPhysicalZone", 3, 3, 0, call_to_physical},
	{"toPhysicalZones", 3, 3, 0, call_to_physical},
	{"newGuid", 0, 0, TEMPLATE_MAY_INVENT, call_new_guid},
	{"utcNow", 0, 1, TEMPLATE_MAY_INVENT, call_utc_now},
};
static const struct scope_function list_function = {"list*", 1, 3, TEMPLATE_MAY_READ, call_list};

static const struct scope_function *find_function(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strv_eq_nocase(functions[i].name, name))
			return &functions[i];
	return template_is_list(name) && !strchr(name, '.') ? &list_function : NULL;
}

bool template_scope_knows(const struct template *t, const char *function) {
	_cleanup_free_ char *lower = strv_lower(function);
	return find_function(function) || (lower && json_object_get(t->functions, lower));
}

int template_scope_call(void *ctx, const char *function, json_t *const *args, size_t count, json_t **out, struct err *err) {
	const struct template_context *c = ctx;
	const struct scope_function *f = find_function(function);
	struct scope_call call = {.c = c, .function = function, .args = args, .count = count};
	if (!f)
		return template_function_call(c, function, args, count, out, err);
	if (f->needs & ~c->allowed)
		return not_here(&call, err);
	if (count < f->min || count > f->max)
		return bad_argument(&call, "their number is wrong", err);
	return f->call(&call, out, err);
}
