// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/roleAssignments and roleDefinitions: extensions of any scope.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"

#define COLUMNS "display_id, name, display_scope, principal_id, principal_type, role_id, description, created, created_by"

static json_t *render(struct arm_call *call, struct store_rows *rows) {
	char created[CLOCK_RFC3339_MAX];
	_cleanup_free_ char *role = strv_printf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/%s",
		call->target->subscription, store_text(rows, 5));
	if (!role)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s?, s:s, s:s}}", "id", store_text(rows, 0), "name",
		store_text(rows, 1), "type", "Microsoft.Authorization/roleAssignments", "properties", "roleDefinitionId", role,
		"principalId", store_text(rows, 3), "principalType", store_text(rows, 4), "scope", store_text(rows, 2),
		"description", store_text(rows, 6), "createdOn", clock_rfc3339(store_int(rows, 7), created), "createdBy",
		store_text(rows, 8));
}

// 0 and the assignment rendered, or -ENOENT.
static int load(struct arm_call *call, json_t **out, struct err *err) {
	_cleanup_free_ char *id = strv_lower(call->target->id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!id)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, "SELECT " COLUMNS " FROM role_assignments WHERE id = $1", "s", id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "RoleAssignmentNotFound", "The role assignment '%s' is not found.",
			call->target->name);
	json_t *shown = render(call, rows);
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}

// NULL when there is no such role.
static const struct access_role *find_role(const char *role_definition_id) {
	const char *slash = role_definition_id ? strrchr(role_definition_id, '/') : NULL;
	return slash ? access_role_by_id(slash + 1) : NULL;
}

static int check_principal(struct arm_call *call, const char *principal, struct err *err) {
	if (!principal || !enc_is_uuid(principal))
		return err_set(err, -EINVAL, 400, "InvalidPrincipalId", "The property principalId must be the object id of a principal.");
	int rc = entra_find_principal(call->tx, call->caller->tenant, principal, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "PrincipalNotFound",
			"Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are "
			"creating this principal and then immediately assigning a role, this error might be related to a replication "
			"delay.",
			principal, call->caller->tenant);
	return rc;
}

static int authorize(struct arm_call *call, const char *permission, const char *role_id, struct err *err) {
	return arm_authorize_assignment(call, call->target->scope[0] ? call->target->scope : "/", permission, role_id, err);
}

// A scope that names a resource must name one that exists; an object inside a vault counts by its vault.
static int check_scope(struct arm_call *call, struct err *err) {
	struct arm_target scope;
	int rc = arm_parse_path(call->target->scope, &scope, err);
	if (rc < 0 || !scope.subscription[0] || strv_eq_nocase(scope.type, "Microsoft.Resources/subscriptions"))
		return rc;
	if (strv_eq_nocase(scope.type, "Microsoft.KeyVault/vaults/keys") ||
		strv_eq_nocase(scope.type, "Microsoft.KeyVault/vaults/secrets")) {
		char vault[ARM_ID_MAX];
		(void)snprintf(vault, sizeof(vault), "%s", scope.id);
		*strrchr(vault, '/') = 0;
		*strrchr(vault, '/') = 0;
		(void)snprintf(scope.id, sizeof(scope.id), "%s", vault);
	}
	_cleanup_resource_ struct resource r = {0};
	return resource_load(call->tx, scope.id, &r, err);
}

static int create(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = arm_body(call->request, &body, err);
	const char *role_id = json_str(body, "properties.roleDefinitionId");
	const struct access_role *role = find_role(role_id);
	if (rc == 0)
		rc = authorize(call, "Microsoft.Authorization/roleAssignments/write", role ? role->id : NULL, err);
	if (rc == 0 && !enc_is_uuid(call->target->name))
		rc = err_set(err, -EINVAL, 400, "InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role "
			"assignment ID must be a GUID.", call->target->name);
	if (rc == 0)
		rc = check_scope(call, err);
	if (rc == 0 && !role)
		rc = err_set(err, -EINVAL, 400, "RoleDefinitionDoesNotExist",
			"The specified role definition with ID '%.200s' does not exist.", role_id ? role_id : "");
	// Left out of the decision, it would grant more than was asked for.
	if (rc == 0 && json_at(body, "properties.condition") && !json_is_null(json_at(body, "properties.condition")))
		rc = err_set(err, -EINVAL, 400, "InvalidCondition", "Role assignments with a condition of their own are not supported.");
	if (rc == 0)
		rc = check_principal(call, json_str(body, "properties.principalId"), err);
	if (rc < 0)
		return rc;

	_cleanup_json_ json_t *existing = NULL;
	rc = load(call, &existing, NULL);
	if (rc == 0) {
		if (!strv_eq_nocase(json_str(existing, "properties.principalId"), json_str(body, "properties.principalId")) ||
			!strv_ends_with_nocase(json_str(existing, "properties.roleDefinitionId"), role->id))
			return err_set(err, -EEXIST, 409, "RoleAssignmentUpdateNotPermitted",
				"Tenant ID, application ID, principal ID, and scope are not allowed to be updated.");
		call->response->json = TAKE_PTR(existing);
		return 0;
	}
	const struct access_assignment a = {.scope = call->target->scope[0] ? call->target->scope : "/",
		.name = call->target->name, .principal_id = json_str(body, "properties.principalId"),
		.principal_type = "ServicePrincipal", .role_id = role->id, .description = json_str(body, "properties.description"),
		.created_by = call->caller->oid};
	rc = access_assign(call->tx, &a, err);
	if (rc == 0)
		rc = load(call, &call->response->json, err);
	call->response->status = 201;
	return rc;
}

static int remove_assignment(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *found = NULL;
	int rc = load(call, &found, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	const struct access_role *role = find_role(json_str(found, "properties.roleDefinitionId"));
	rc = authorize(call, "Microsoft.Authorization/roleAssignments/delete", role ? role->id : NULL, err);
	if (rc < 0)
		return rc;
	if (!found) {
		call->response->status = 204;
		return 0;
	}
	call->response->json = TAKE_PTR(found);
	_cleanup_free_ char *id = strv_lower(call->target->id);
	rc = id ? store_exec(call->tx, err, "DELETE FROM role_assignments WHERE id = $1", "s", id) : err_oom(err);
	return rc < 0 ? rc : 0;
}

// "principalId eq '{guid}'" and "atScope()" alone or joined by "and"; anything else is refused.
static int read_filter(struct arm_call *call, char *principal, size_t size, bool *at_scope, struct err *err) {
	const char *filter = http_query(call->request, "$filter");
	principal[0] = 0;
	*at_scope = false;
	if (!filter)
		return 0;
	char quoted[40] = "";
	if (strv_starts_with_nocase(filter, "atScope()")) {
		*at_scope = true;
		filter += strlen("atScope()");
		if (strv_starts_with_nocase(filter, " and "))
			filter += strlen(" and ");
	}
	if (sscanf(filter, "principalId eq '%39[0-9a-fA-F-]'", quoted) == 1 ||
		sscanf(filter, "assignedTo('%39[0-9a-fA-F-]')", quoted) == 1)
		filter = "";
	if (*filter)
		return err_set(err, -EINVAL, 400, "UnsupportedQuery", "The filter '%.200s' is not supported.", filter);
	(void)snprintf(principal, size, "%s", quoted);
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	char principal[40];
	bool at_scope;
	int rc = read_filter(call, principal, sizeof(principal), &at_scope, err);
	json_t *value = json_array();
	call->response->json = json_pack("{s:o}", "value", value);
	if (!call->response->json)
		return err_oom(err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, "SELECT " COLUMNS " FROM role_assignments ORDER BY id", "");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		const char *scope = store_text(rows, 2);
		bool above = access_scope_within(call->target->scope, scope);
		bool below = !at_scope && access_scope_within(scope, call->target->scope);
		if ((!above && !below) || (principal[0] && !strv_eq_nocase(principal, store_text(rows, 3))))
			continue;
		if (json_array_append_new(value, render(call, rows)) < 0)
			return err_oom(err);
	}
	return rc;
}

static int handle_assignments(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0] && !call->target->tail[0];
	if (named && strcmp(method, "PUT") == 0)
		return create(call, err);
	if (named && strcmp(method, "DELETE") == 0)
		return remove_assignment(call, err);
	if (strcmp(method, "GET") != 0 || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
	int rc = authorize(call, "Microsoft.Authorization/roleAssignments/read", NULL, err);
	if (rc < 0)
		return rc;
	return named ? load(call, &call->response->json, err) : list(call, err);
}

const struct arm_type role_assignments_type = {
	.name = "Microsoft.Authorization/roleAssignments", .extends = true, .raw = handle_assignments};

static json_t *split_patterns(const char *patterns) {
	json_t *out = json_array();
	for (const char *p = patterns ? patterns : ""; out && *p;) {
		size_t n = strcspn(p, " ");
		(void)json_array_append_new(out, json_stringn(p, n));
		p += n + (p[n] == ' ');
	}
	return out;
}

// A role's condition as Azure writes it: the same list for what is to be written and for what is to be deleted.
static char *condition_text(const struct access_role *role) {
	_cleanup_buf_ struct buf ids = {0};
	for (const char *p = role->assignable; *p;) {
		size_t n = strcspn(p, " ");
		if (buf_printf(&ids, "%s%.*s", ids.len ? ", " : "", (int)n, p) < 0)
			return NULL;
		p += n + (p[n] == ' ');
	}
	return strv_printf("((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
			   "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{%s})) AND "
			   "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR "
			   "(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{%s}))",
		buf_cstr(&ids), buf_cstr(&ids));
}

static json_t *render_permissions(const struct access_role *role) {
	_cleanup_json_ json_t *shown = json_pack("{s:o, s:o, s:o, s:o}", "actions", split_patterns(role->actions), "notActions",
		split_patterns(role->not_actions), "dataActions", split_patterns(role->data_actions), "notDataActions",
		split_patterns(role->not_data_actions));
	if (!shown || !role->assignable)
		return TAKE_PTR(shown);
	_cleanup_free_ char *condition = condition_text(role);
	if (!condition || json_set_str(shown, "condition", condition) < 0 || json_set_str(shown, "conditionVersion", "2.0") < 0)
		return NULL;
	return TAKE_PTR(shown);
}

static json_t *render_role(struct arm_call *call, const struct access_role *role) {
	return json_pack("{s:s+++, s:s, s:s, s:{s:s, s:s, s:s, s:[s], s:[o]}}", "id",
		call->target->subscription[0] ? "/subscriptions/" : "", call->target->subscription,
		"/providers/Microsoft.Authorization/roleDefinitions/", role->id, "name", role->id, "type",
		"Microsoft.Authorization/roleDefinitions", "properties", "roleName", role->name, "type", "BuiltInRole",
		"description", role->description, "assignableScopes", "/", "permissions", render_permissions(role));
}

static int handle_definitions(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Role definitions can only be read.");
	int rc = arm_authorize(call, call->target->scope[0] ? call->target->scope : "/",
		"Microsoft.Authorization/roleDefinitions/read", err);
	if (rc < 0)
		return rc;
	if (call->target->name[0]) {
		const struct access_role *role = access_role_by_id(call->target->name);
		if (!role)
			return err_set(err, -ENOENT, 404, "RoleDefinitionDoesNotExist",
				"The specified role definition with ID '%s' does not exist.", call->target->name);
		call->response->json = render_role(call, role);
		return call->response->json ? 0 : err_oom(err);
	}
	const char *filter = http_query(call->request, "$filter");
	char wanted[96] = "";
	if (filter && sscanf(filter, "roleName eq '%95[^']'", wanted) != 1)
		return err_set(err, -EINVAL, 400, "UnsupportedQuery", "The filter '%.200s' is not supported.", filter);
	json_t *value = json_array();
	call->response->json = json_pack("{s:o}", "value", value);
	size_t count;
	const struct access_role *roles = access_roles(&count);
	for (size_t i = 0; call->response->json && i < count; i++)
		if ((!wanted[0] || strv_eq_nocase(wanted, roles[i].name)) &&
			json_array_append_new(value, render_role(call, &roles[i])) < 0)
			return err_oom(err);
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type role_definitions_type = {
	.name = "Microsoft.Authorization/roleDefinitions", .extends = true, .raw = handle_definitions};
