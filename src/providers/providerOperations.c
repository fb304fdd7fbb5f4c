// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/providerOperations: the actions that this instance asks for, by namespace and resource type.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "providers/authorization.h"
#include "providers/operations.h"
#include "providers/providers.h"

#define AUTHORIZATION "Microsoft.Authorization/"
#define SUBSCRIPTIONS "Microsoft.Resources/subscriptions/"

static const struct provider_operation other_operations[] = {
	{AUTHORIZATION "roleAssignments/read", "Role assignment", "Read a role assignment", false},
	{AUTHORIZATION "roleAssignments/write", "Role assignment", "Create a role assignment", false},
	{AUTHORIZATION "roleAssignments/delete", "Role assignment", "Delete a role assignment", false},
	{AUTHORIZATION "roleDefinitions/read", "Role definition", "Read a role definition", false},
	{AUTHORIZATION "roleDefinitions/write", "Role definition", "Create or update a custom role", false},
	{AUTHORIZATION "roleDefinitions/delete", "Role definition", "Delete a custom role", false},
	{AUTHORIZATION "locks/read", "Management lock", "Read locks", false},
	{AUTHORIZATION "locks/write", "Management lock", "Create or update a lock", false},
	{AUTHORIZATION "locks/delete", "Management lock", "Delete a lock", false},
	{AUTHORIZATION "permissions/read", "Permission", "List what the caller may do", false},
	{AUTHORIZATION "denyAssignments/read", "Deny assignment", "Read deny assignments", false},
	{AUTHORIZATION "classicAdministrators/read", "Classic administrator", "Read the administrators", false},
	{AUTHORIZATION "elevateAccess/action", "Access", "Become User Access Administrator of the tenant", false},
	{SUBSCRIPTIONS "read", "Subscription", "Read a subscription", false},
	{SUBSCRIPTIONS "resourceGroups/read", "Resource group", "Read a resource group", false},
	{SUBSCRIPTIONS "resourceGroups/write", "Resource group", "Create or update a resource group", false},
	{SUBSCRIPTIONS "resourceGroups/delete", "Resource group", "Delete a resource group and what it holds", false},
	{SUBSCRIPTIONS "resources/read", "Resource", "List the resources of a subscription", false},
	{SUBSCRIPTIONS "resourceGroups/resources/read", "Resource", "List the resources of a group", false},
};

// What is asked for: one namespace, or "" for all; and the answer as it grows.
struct listing {
	const char *space;
	json_t *value;
};

static json_t *find_named(json_t *list, const char *name) {
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
		if (strv_eq_nocase(json_str(item, "name"), name))
			return item;
	return NULL;
}

// The member of the list that has the name, made when it is not there; NULL when out of memory.
static json_t *get_named(json_t *list, const char *name, json_t *(*make)(const char *name)) {
	json_t *item = find_named(list, name);
	if (item)
		return item;
	item = make(name);
	return json_array_append_new(list, item) < 0 ? NULL : item;
}

static json_t *make_namespace(const char *space) {
	return json_pack("{s:s++, s:s, s:s, s:s, s:[], s:[]}", "id", "/providers/" AUTHORIZATION "providerOperations/", space, "",
		"name", space, "type", AUTHORIZATION "providerOperations", "displayName", space, "resourceTypes", "operations");
}

static json_t *make_type(const char *name) {
	return json_pack("{s:s, s:s, s:[]}", "name", name, "displayName", name, "operations");
}

// "Microsoft.X" and "y/z" out of "Microsoft.X/y/z/read" or "Microsoft.X/y/z/do/action"; the second is "" for what the
// namespace itself has.
static void split_name(const char *name, char space[static ARM_NAME_MAX], char type[static ARM_NAME_MAX]) {
	size_t n = strcspn(name, "/");
	(void)snprintf(space, ARM_NAME_MAX, "%.*s", (int)n, name);
	(void)snprintf(type, ARM_NAME_MAX, "%s", name[n] ? name + n + 1 : "");
	for (int segments = strv_ends_with_nocase(name, "/action") ? 2 : 1; segments > 0; segments--) {
		char *slash = strrchr(type, '/');
		*(slash ? slash : type) = 0;
	}
}

static int add(struct listing *l, const struct provider_operation *o, struct err *err) {
	char space[ARM_NAME_MAX], type[ARM_NAME_MAX];
	split_name(o->name, space, type);
	if (l->space[0] && !strv_eq_nocase(l->space, space))
		return 0;
	json_t *holder = get_named(l->value, space, make_namespace);
	if (holder && type[0])
		holder = get_named(json_object_get(holder, "resourceTypes"), type, make_type);
	json_t *operations = json_object_get(holder, "operations");
	if (!operations)
		return err_oom(err);
	json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:b}", "name", o->name, "displayName", o->text, "description", o->text,
		"origin", "user,system", "isDataAction", o->data);
	return json_array_append_new(operations, one) < 0 ? err_oom(err) : 0;
}

static int add_all(struct listing *l, const struct provider_operation *operations, size_t count, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add(l, &operations[i], err);
	return rc;
}

// Does a list of its own say what the namespace has?
static bool is_listed(const struct arm_type *type) {
	return type->container || strv_starts_with_nocase(type->name, "Microsoft.KeyVault/vaults") ||
		strv_starts_with_nocase(type->name, "Microsoft.KeyVault/managedHSMs") ||
		strv_starts_with_nocase(type->name, "Microsoft.ManagedIdentity/");
}

// What documents.c asks for.
static int add_type(struct listing *l, const struct arm_type *type, struct err *err) {
	static const struct {
		const char *verb, *text;
	} verbs[] = {{"read", "Read"}, {"write", "Create or update"}, {"delete", "Delete"}};
	char name[256], text[256];
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(verbs); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", type->name, verbs[i].verb);
		(void)snprintf(text, sizeof(text), "%s %s", verbs[i].text, strchr(type->name, '/') + 1);
		const struct provider_operation o = {name, type->name, text, false};
		rc = add(l, &o, err);
	}
	for (size_t i = 0; rc == 0 && i < type->action_count; i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", type->name, type->actions[i].permission);
		(void)snprintf(text, sizeof(text), "%s of %s", type->actions[i].name, strchr(type->name, '/') + 1);
		const struct provider_operation o = {name, type->name, text, type->actions[i].data};
		rc = add(l, &o, err);
	}
	return rc;
}

static int collect(struct listing *l, struct err *err) {
	int rc = add_all(l, other_operations, ARRAY_SIZE(other_operations), err);
	if (rc == 0)
		rc = add_all(l, vault_operations, vault_operation_count, err);
	if (rc == 0)
		rc = add_all(l, identity_operations, identity_operation_count, err);
	for (size_t i = 0; rc == 0 && i < provider_type_count; i++)
		if (!provider_types[i]->raw && !is_listed(provider_types[i]))
			rc = add_type(l, provider_types[i], err);
	return rc;
}

// For every caller who has a token: it says what roles can be made of, and nothing of any tenant.
static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0] || call->target->scope[0])
		return authorization_refuse_method(call, err);
	_cleanup_json_ json_t *value = json_array();
	struct listing l = {.space = call->target->name, .value = value};
	if (!value)
		return err_oom(err);
	int rc = collect(&l, err);
	if (rc == 0 && l.space[0] && json_array_size(value) == 0)
		return err_set(err, -ENOENT, 404, "ProviderNotFound", "Provider '%s' not found.", l.space);
	if (rc < 0)
		return rc;
	call->response->json = l.space[0] ? json_incref(json_array_get(value, 0)) : json_pack("{s:O}", "value", value);
	return call->response->json ? 0 : err_oom(err);
}

static const char *const versions[] = {"2022-05-01-preview", "2022-04-01", "2018-07-01", "2018-01-01-preview",
	"2017-05-01", "2016-07-01", "2015-07-01-preview", "2015-07-01", "2015-06-01", NULL};

const struct arm_type provider_operations_type = {
	.name = "Microsoft.Authorization/providerOperations", .versions = versions, .raw = handle};
