// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/providers: the namespaces, which clients register and look API versions up in before they use them.
// What they hold is read off the table of types.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/locations.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

// Their use needs no registration, so none can be taken back.
static const char *const registration_free[] = {"Custodisk.Directory", "Custodisk.Host", "Microsoft.Authorization",
	"Microsoft.Features", "Microsoft.Resources", "Microsoft.Subscription"};

static size_t namespace_length(const struct arm_type *type) {
	return strcspn(type->name, "/");
}

static bool in_namespace(const struct arm_type *type, const char *space) {
	size_t n = namespace_length(type);
	return strlen(space) == n && strncasecmp(type->name, space, n) == 0;
}

static bool is_free(const char *space) {
	for (size_t i = 0; i < ARRAY_SIZE(registration_free); i++)
		if (strv_eq_nocase(registration_free[i], space))
			return true;
	return false;
}

static json_t *render_locations(const struct arm_type *type) {
	json_t *out = json_array();
	size_t count;
	const struct arm_location *all = arm_locations(&count);
	for (size_t i = 0; out && type->has_location && i < count; i++)
		if (json_array_append_new(out, json_string(all[i].display_name)) < 0) {
			json_decref(out);
			return NULL;
		}
	return out;
}

static json_t *render_versions(const struct arm_type *type) {
	json_t *out = json_array();
	for (const char *const *v = type->versions; out && v && *v; v++)
		if (json_array_append_new(out, json_string(*v)) < 0) {
			json_decref(out);
			return NULL;
		}
	return out;
}

// The newest one that is not a preview.
static const char *default_version(const struct arm_type *type) {
	for (const char *const *v = type->versions; v && *v; v++)
		if (!strv_ends_with_nocase(*v, "-preview"))
			return *v;
	return type->versions ? type->versions[0] : NULL;
}

static json_t *render_type(const struct arm_type *type) {
	const char *capabilities = !type->has_location ? "None"
		: type->has_identity                   ? "SystemAssignedResourceIdentity, SupportsTags, SupportsLocation"
						       : "SupportsTags, SupportsLocation";
	return json_pack("{s:s, s:o, s:o, s:s*, s:s}", "resourceType", type->name + namespace_length(type) + 1, "locations",
		render_locations(type), "apiVersions", render_versions(type), "defaultApiVersion", default_version(type),
		"capabilities", capabilities);
}

static int read_state(struct arm_call *call, const char *space, bool *registered, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	_cleanup_free_ char *key = strv_lower(space);
	int64_t count = 0;
	if (!subscription || !key)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err,
		"SELECT COUNT(*) FROM unregistered_namespaces WHERE subscription_id = $1 AND namespace = $2", "ss", subscription, key);
	*registered = count == 0;
	return rc;
}

// The state is a subscription's: above all of them there is none.
static int add_state(struct arm_call *call, json_t *provider, const char *space, struct err *err) {
	bool registered = true;
	if (!call->target->subscription[0])
		return 0;
	int rc = read_state(call, space, &registered, err);
	if (rc == 0 && json_set_str(provider, "registrationState", registered ? "Registered" : "NotRegistered") < 0)
		rc = err_oom(err);
	return rc;
}

static int render(struct arm_call *call, const char *space, json_t **out, struct err *err) {
	json_t *types = json_array();
	_cleanup_json_ json_t *provider = json_pack("{s:s+++, s:s, s:s, s:o}", "id", call->target->scope, "/providers/", space, "",
		"namespace", space, "registrationPolicy", is_free(space) ? "RegistrationFree" : "RegistrationRequired",
		"resourceTypes", types);
	if (!provider)
		return err_oom(err);
	for (size_t i = 0; i < provider_type_count; i++)
		if (in_namespace(provider_types[i], space) && json_array_append_new(types, render_type(provider_types[i])) < 0)
			return err_oom(err);
	int rc = add_state(call, provider, space, err);
	if (rc == 0)
		*out = TAKE_PTR(provider);
	return rc;
}

// The first type of a namespace in the table; NULL when there is none.
static const struct arm_type *first_of(const char *space) {
	for (size_t i = 0; i < provider_type_count; i++)
		if (in_namespace(provider_types[i], space))
			return provider_types[i];
	return NULL;
}

static void spell_namespace(const struct arm_type *type, char out[static ARM_NAME_MAX]) {
	(void)snprintf(out, ARM_NAME_MAX, "%.*s", (int)namespace_length(type), type->name);
}

static int list(struct arm_call *call, struct err *err) {
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	for (size_t i = 0; i < provider_type_count; i++) {
		char space[ARM_NAME_MAX];
		json_t *provider = NULL;
		spell_namespace(provider_types[i], space);
		if (first_of(space) != provider_types[i])
			continue;
		int rc = render(call, space, &provider, err);
		if (rc < 0)
			return rc;
		if (json_array_append_new(value, provider) < 0)
			return err_oom(err);
	}
	return 0;
}

static int resources_remain(struct arm_call *call, const char *subscription, const char *space, struct err *err) {
	_cleanup_free_ char *below = strv_printf("%s/", space);
	int64_t count = 0;
	if (!below)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err,
		"SELECT COUNT(*) FROM resources WHERE subscription_id = $1 AND substr(type, 1, length($2)) = $2", "ss", subscription,
		below);
	if (rc < 0 || count == 0)
		return rc;
	return err_set(err, -EBUSY, 409, "CannotUnregisterResourceProvider",
		"The namespace '%s' cannot be unregistered: subscription '%s' holds %lld resources of it.", space, subscription,
		(long long)count);
}

static int change_registration(struct arm_call *call, const char *space, bool registers, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	_cleanup_free_ char *key = strv_lower(space);
	if (!subscription || !key)
		return err_oom(err);
	int rc = store_exec(call->tx, err, "DELETE FROM unregistered_namespaces WHERE subscription_id = $1 AND namespace = $2", "ss",
		subscription, key);
	if (rc < 0 || registers)
		return rc < 0 ? rc : 0;
	if (is_free(space))
		return err_set(err, -EINVAL, 400, "InvalidResourceNamespace",
			"The namespace '%s' needs no registration and cannot be unregistered.", space);
	rc = resources_remain(call, subscription, space, err);
	if (rc == 0)
		rc = store_exec(call->tx, err, "INSERT INTO unregistered_namespaces (subscription_id, namespace) VALUES ($1,$2)", "ss",
			subscription, key);
	return rc < 0 ? rc : 0;
}

static int authorize(struct arm_call *call, const char *space, bool reads, struct err *err) {
	char permission[ARM_NAME_MAX + 80];
	// Whoever has a token sees what the platform has above all subscriptions.
	if (reads && !call->target->subscription[0])
		return 0;
	(void)snprintf(permission, sizeof(permission), "%s/%s/action", space, call->target->tail);
	return arm_authorize(call, call->target->scope, reads ? "Microsoft.Resources/subscriptions/providers/read" : permission,
		err);
}

static int handle(struct arm_call *call, struct err *err) {
	const struct arm_target *t = call->target;
	bool reads = strcmp(http_method(call->request), "GET") == 0 && !t->tail[0];
	bool changes = strcmp(http_method(call->request), "POST") == 0 && t->tail[0] && t->subscription[0];
	if (!reads && !changes)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed",
			"The namespaces of a subscription can be read, registered and unregistered.");
	int rc = authorize(call, t->name, reads, err);
	if (rc < 0)
		return rc;
	if (!t->name[0])
		return list(call, err);
	const struct arm_type *first = first_of(t->name);
	char space[ARM_NAME_MAX];
	if (!first)
		return err_set(err, -ENOENT, 404, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", t->name);
	spell_namespace(first, space);
	if (changes)
		rc = change_registration(call, space, strv_eq_nocase(t->tail, "register"), err);
	return rc < 0 ? rc : render(call, space, &call->response->json, err);
}

const struct arm_type resource_providers_type = {
	.name = "Microsoft.Resources/providers", .versions = versions_resources, .raw = handle};
