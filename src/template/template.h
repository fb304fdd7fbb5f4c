// SPDX-License-Identifier: Apache-2.0
// A deployment template at one place: parameters checked and resolved, variables, loops, conditions and symbolic names
// worked out into a list of resources with what each depends on; the body of each is evaluated when those are there.
// Language versions 1.0 and 2.0 (what Bicep compiles to).
#pragma once

#include "template/expr.h"

#define TEMPLATE_PARAMETERS_MAX 256   // Azure's limits ("Template limits")
#define TEMPLATE_VARIABLES_MAX 256
#define TEMPLATE_OUTPUTS_MAX 64
#define TEMPLATE_RESOURCES_MAX 800    // resource definitions, copies counted once …
#define TEMPLATE_COPIES_MAX 800       // … iterations of one loop
#define TEMPLATE_INSTANCES_MAX 5000   // … and resources in all that a template may come to
#define TEMPLATE_SIZE_MAX (4u << 20)  // bytes
#define TEMPLATE_COST_MAX 50000000    // of struct expr_budget, for a whole deployment's evaluation

// Where a deployment stands and what it can ask. JSON is borrowed for the life of the template.
struct template_place {
	const char *scope;          // "/subscriptions/{s}/resourceGroups/{g}" or "/subscriptions/{s}"
	const json_t *subscription; // what subscription() gives; likewise the others
	const json_t *resource_group;  // NULL at subscription scope: resourceGroup() is an error there
	const json_t *tenant;
	const json_t *deployment;   // deployment(): name, properties, location
	const json_t *environment;
	const json_t *deployer;     // objectId, tenantId
	int64_t now;                // utcNow(), seconds
	// What evaluation may still cost, for templates that are worked out one after the other in one go, as nested ones are when
	// a deployment is tried out; NULL: TEMPLATE_COST_MAX for this one.
	struct expr_budget *budget;

	void *ctx;
	// The resource as GET shows it: whole (full) or its properties. Ids and API versions have nothing in them that means more
	// in a request's target than a name; api_version is that of the template's resource where the call has none.
	int (*reference)(void *ctx, const char *id, const char *api_version, bool full, json_t **out, struct err *err);
	// listKeys and the like, POSTed to the resource with what body there is: an object, a string, or NULL.
	int (*list)(void *ctx, const char *function, const char *id, const char *api_version, const json_t *body, json_t **out,
		struct err *err);
	// What providers() gives of a namespace: "resourceTypes" with "locations", "apiVersions", and "zoneMappings" for pickZones.
	// May be NULL, as each of these: what needs it is an error then.
	int (*provider)(void *ctx, const char *name, json_t **out, struct err *err);
	// A secret for a parameter that is given as {"reference": {"keyVault": {"id"}, "secretName", "secretVersion"}}.
	int (*secret)(void *ctx, const char *vault_id, const char *name, const char *version, json_t **out, struct err *err);
};

struct template;

// `parameters` is {"name": {"value": …} | {"reference": …}}; NULL for none. Checks everything that can be known without
// asking for a resource. 400 InvalidTemplate (or InvalidTemplateDeployment, InvalidDeploymentParameterValue, … as Azure
// says it) with the place in the template.
int template_open(const json_t *document, const json_t *parameters, const struct template_place *place, struct template **out,
	struct err *err) _must_check_;
void template_close(struct template *t);
static inline void template_closep(struct template **t) {
	template_close(*t);
}

// The parameters as resolved, defaults included (newGuid and utcNow are settled then): {"name": {"type", "value"}}, to be
// given to template_open again after a restart ({"name": {"value"}}); and as they may be shown, without the values of
// secure ones. Both borrowed.
const json_t *template_parameters(const struct template *t);
const json_t *template_shown_parameters(const struct template *t);
bool template_parameter_is_secure(const struct template *t, const char *name);

struct template_resource {
	const char *symbol;       // "vm" or "vm[3]"; NULL in templates without symbolic names
	const char *id;           // full resource id
	const char *type, *name, *api_version;  // name as in the id's segments: "vault/key" for a child
	const char *condition;    // NULL, or why it is left out
	bool existing;            // only read
	bool nested;              // Microsoft.Resources/deployments
	const size_t *depends;    // places of resources in the list, no repetition, never a cycle
	size_t depend_count;
	int64_t batch;            // of a serial loop ("mode": "serial"): the dependencies say the order already
};

// Nested children stand in the list by themselves, after their parents.
size_t template_resource_count(const struct template *t);
const struct template_resource *template_resource_at(const struct template *t, size_t index);

// What to PUT, evaluated; may call reference, list and secret. For a nested deployment with outer scope its inner
// template is evaluated, with inner scope left as it is. The caller owns *out.
int template_resource_body(struct template *t, size_t index, json_t **out, struct err *err) _must_check_;

// {"name": {"type", "value"}}, secure ones without a value; outputs whose condition is false are left out.
int template_outputs(struct template *t, json_t **out, struct err *err) _must_check_;
