// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/providers: the namespaces, which clients register and look API versions up in before they use them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"

// The newest API version of each type that its provider here was written to; every older one is answered alike.
static const struct {
	const char *space, *type, *version;
} served[] = {
	{"Microsoft.Authorization", "roleAssignments", "2022-04-01"},
	{"Microsoft.Authorization", "roleDefinitions", "2022-04-01"},
	{"Microsoft.Compute", "diskEncryptionSets", "2024-03-02"},
	{"Microsoft.Compute", "disks", "2024-03-02"},
	{"Microsoft.Compute", "virtualMachines", "2024-07-01"},
	{"Microsoft.KeyVault", "checkNameAvailability", "2023-07-01"},
	{"Microsoft.KeyVault", "deletedVaults", "2023-07-01"},
	{"Microsoft.KeyVault", "locations/deletedVaults", "2023-07-01"},
	{"Microsoft.KeyVault", "vaults", "2023-07-01"},
	{"Microsoft.ManagedIdentity", "userAssignedIdentities", "2023-01-31"},
	{"Microsoft.Resources", "providers", "2021-04-01"},
	{"Microsoft.Resources", "resourceGroups", "2024-03-01"},
	{"Microsoft.Resources", "resources", "2021-04-01"},
	{"Microsoft.Resources", "subscriptions", "2022-12-01"},
	{"Microsoft.Resources", "tenants", "2022-12-01"},
};

// Every location is accepted, so none is listed.
static int add_type(json_t *provider, size_t i, struct err *err) {
	json_t *type = json_pack("{s:s, s:[], s:[s], s:s}", "resourceType", served[i].type, "locations", "apiVersions",
		served[i].version, "defaultApiVersion", served[i].version);
	return json_array_append_new(json_object_get(provider, "resourceTypes"), type) < 0 ? err_oom(err) : 0;
}

static json_t *new_provider(const struct arm_call *call, const char *space) {
	_cleanup_free_ char *id = strv_printf("%s/providers/%s", call->target->scope, space);
	if (!id)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:s, s:[]}", "id", id, "namespace", space, "registrationState", "Registered",
		"registrationPolicy", "RegistrationFree", "resourceTypes");
}

// All namespaces, or the one of that name, as an array.
static int collect(const struct arm_call *call, const char *name, json_t *out, struct err *err) {
	json_t *provider = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
		if (name[0] && !strv_eq_nocase(name, served[i].space))
			continue;
		if (!provider || !strv_eq_nocase(json_str(provider, "namespace"), served[i].space)) {
			provider = new_provider(call, served[i].space);
			if (json_array_append_new(out, provider) < 0)
				return err_oom(err);
		}
		int rc = add_type(provider, i, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int show_one(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *found = json_array();
	if (!found)
		return err_oom(err);
	int rc = collect(call, call->target->name, found, err);
	if (rc == 0 && json_array_size(found) == 0)
		rc = err_set(err, -ENOENT, 404, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.",
			call->target->name);
	if (rc < 0)
		return rc;
	call->response->json = json_incref(json_array_get(found, 0));
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	json_t *value = json_array();
	call->response->json = json_pack("{s:o}", "value", value);
	return call->response->json ? collect(call, "", value, err) : err_oom(err);
}

// Everything is registered from the start, so registering only shows it.
static int handle(struct arm_call *call, struct err *err) {
	bool reads = strcmp(http_method(call->request), "GET") == 0 && !call->target->tail[0];
	bool registers = strcmp(http_method(call->request), "POST") == 0 && call->target->tail[0];
	if (!reads && !registers)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed",
			"The namespaces of a subscription can be read and registered.");
	char permission[ARM_NAME_MAX + 32];
	(void)snprintf(permission, sizeof(permission), "%s/register/action", call->target->name);
	int rc = arm_authorize(call, call->target->scope[0] ? call->target->scope : "/",
		reads ? "Microsoft.Resources/subscriptions/providers/read" : permission, err);
	if (rc < 0)
		return rc;
	return call->target->name[0] ? show_one(call, err) : list(call, err);
}

const struct arm_type resource_providers_type = {.name = "Microsoft.Resources/providers", .raw = handle};
