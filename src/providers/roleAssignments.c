// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/roleAssignments: an extension of any scope.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/clock.h"
#include "providers/authorization.h"
#include "providers/providers.h"

enum { PAGE = 1000, SUBSCRIPTION_MAX = 4000, DESCRIPTION_MAX = 1024 };

#define COLUMNS \
	"SELECT display_id, display_scope, principal_id, principal_type, role_id, description, created, created_by, updated," \
	" updated_by, id FROM role_assignments "

static json_t *render(const struct arm_call *call, struct store_rows *rows) {
	char created[CLOCK_RFC3339_MAX], updated[CLOCK_RFC3339_MAX];
	_cleanup_free_ char *role = authorization_role_id(call, store_text(rows, 4));
	const char *id = store_text(rows, 0);
	if (!role)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:n, s:n, s:s, s:s, s:s, s:s, s:n, s:s?}}", "id", id, "name",
		strrchr(id, '/') + 1, "type", "Microsoft.Authorization/roleAssignments", "properties", "roleDefinitionId", role,
		"principalId", store_text(rows, 2), "principalType", store_text(rows, 3), "scope", store_text(rows, 1), "condition",
		"conditionVersion", "createdOn", clock_rfc3339(store_int(rows, 6), created), "updatedOn",
		clock_rfc3339(store_int(rows, 8), updated), "createdBy", store_text(rows, 7), "updatedBy", store_text(rows, 9),
		"delegatedManagedIdentityResourceId", "description", store_text(rows, 5));
}

// The assignment that the call names, at its first row. -ENOENT in Azure's words.
static int load(struct arm_call *call, struct store_rows **out, struct err *err) {
	_cleanup_free_ char *id = strv_lower(call->target->id);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!id)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, COLUMNS "WHERE tenant_id = $1 AND id = $2", "ss", call->caller->tenant, id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "RoleAssignmentNotFound", "The role assignment '%s' is not found.",
			call->target->name);
	*out = TAKE_PTR(rows);
	return 0;
}

static int show(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = load(call, &rows, err);
	if (rc < 0)
		return rc;
	call->response->json = render(call, rows);
	return call->response->json ? 0 : err_oom(err);
}

// The GUID at the end of a role definition's id, which may be given alone; NULL when it is none.
static const char *role_guid(const char *role_definition_id) {
	const char *slash = role_definition_id ? strrchr(role_definition_id, '/') : NULL;
	const char *guid = slash ? slash + 1 : role_definition_id;
	return guid && enc_is_uuid(guid) ? guid : NULL;
}

static int authorize(struct arm_call *call, const char *permission, const char *role_id, struct err *err) {
	return arm_authorize_assignment(call, authorization_scope(call), permission, role_id, err);
}

static int malformed(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadRequestFormat", "The request was incorrectly formatted: %s.", what);
}

static bool is_set(const json_t *value) {
	return value && !json_is_null(value) && !(json_is_string(value) && !*json_string_value(value));
}

static int check_members(const json_t *body, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const json_t *description = json_object_get(properties, "description");
	const json_t *type = json_object_get(properties, "principalType");
	if (!json_is_object(properties))
		return malformed(err, "'properties' is missing");
	// Left out of the decision, it would grant more than was asked for.
	if (is_set(json_object_get(properties, "condition")) || is_set(json_object_get(properties, "conditionVersion")))
		return err_set(err, -EINVAL, 400, "InvalidCondition", "Role assignments with a condition of their own are not supported.");
	if (is_set(json_object_get(properties, "delegatedManagedIdentityResourceId")))
		return err_set(err, -EINVAL, 400, "DelegatedManagedIdentityNotSupported",
			"The property delegatedManagedIdentityResourceId is not supported: no tenant is managed by another one.");
	if (is_set(description) && (!json_is_string(description) || json_string_length(description) > DESCRIPTION_MAX))
		return malformed(err, "'description' is a text of at most 1024 bytes");
	if (is_set(type) && !json_is_string(type))
		return malformed(err, "'principalType' is a text");
	return 0;
}

static int check_principal(struct arm_call *call, const json_t *body, const char **type, struct err *err) {
	const char *principal = json_str(body, "properties.principalId"), *given = json_str(body, "properties.principalType");
	const char *found = NULL;
	if (!principal || !enc_is_uuid(principal))
		return err_set(err, -EINVAL, 400, "InvalidPrincipalId", "The property principalId must be the object id of a principal.");
	int rc = access_principal_type(call->tx, call->caller->tenant, principal, &found, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "PrincipalNotFound",
			"Principal %s does not exist in the directory %s. Check that you have the correct principal ID. If you are "
			"creating this principal and then immediately assigning a role, this error might be related to a replication "
			"delay. In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or "
			"Group.",
			principal, call->caller->tenant);
	if (rc < 0)
		return rc;
	if (strcmp(found, "Application") == 0)
		return err_set(err, -EINVAL, 400, "PrincipalTypeNotSupported",
			"Principals of type Application cannot validly be used in role assignments.");
	if (given && *given && !strv_eq_nocase(given, found))
		return err_set(err, -EINVAL, 400, "UnmatchedPrincipalType",
			"The PrincipalId '%s' has type '%s' , which is different from specified PrinciaplType '%.32s'.", principal, found,
			given);
	*type = found;
	return 0;
}

// The role that is to be assigned, which must be assignable here.
static int find_role(struct arm_call *call, const char *given, struct store_rows **hold, struct access_role *out,
	struct err *err) {
	const char *guid = role_guid(given), *scope = authorization_scope(call);
	struct access_role role;
	int rc = guid ? access_role_find(call->tx, call->caller->tenant, guid, hold, &role, err) : -ENOENT;
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "RoleDefinitionDoesNotExist",
			"The specified role definition with ID '%.200s' does not exist.", given ? given : "");
	if (rc < 0)
		return rc;
	if (role.scopes && !access_scopes_cover(role.scopes, scope))
		return err_set(err, -EINVAL, 400, "RoleAssignmentScopeNotAssignableToRoleDefinition",
			"The scope '%s' is not among the assignable scopes of the role definition '%s'.", scope, role.id);
	*out = role;
	return 0;
}

static int check_limit(struct arm_call *call, struct err *err) {
	if (!call->target->subscription[0])
		return 0;
	_cleanup_free_ char *scope = strv_printf("/subscriptions/%s", call->target->subscription);
	_cleanup_free_ char *key = scope ? strv_lower(scope) : NULL;
	int64_t count;
	if (!key)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err,
		"SELECT COUNT(*) FROM role_assignments WHERE tenant_id = $1 AND (scope = $2 OR (scope > $2 || '/' AND scope < $2 || '0'))",
		"ss", call->caller->tenant, key);
	if (rc == 0 && count >= SUBSCRIPTION_MAX)
		return err_set(err, -EDQUOT, 400, "RoleAssignmentLimitExceeded",
			"The role assignment limit is exceeded: no more role assignments can be created.");
	return rc;
}

// A name is one assignment's in the tenant, whatever the scope: its description alone can change.
static int update(struct arm_call *call, struct store_rows *found, const json_t *body, const char *role_id, struct err *err) {
	if (!strv_eq_nocase(store_text(found, 0), call->target->id) ||
		!strv_eq_nocase(store_text(found, 2), json_str(body, "properties.principalId")) ||
		!strv_eq_nocase(store_text(found, 4), role_id))
		return err_set(err, -EEXIST, 409, "RoleAssignmentUpdateNotPermitted",
			"Tenant ID, application ID, principal ID, and scope are not allowed to be updated.");
	_cleanup_free_ char *id = strv_lower(call->target->id);
	if (!id)
		return err_oom(err);
	int rc = store_exec(call->tx, err,
		"UPDATE role_assignments SET description = $1, updated = $2, updated_by = $3 WHERE tenant_id = $4 AND id = $5", "sisss",
		json_str(body, "properties.description"), clock_now(), call->caller->oid, call->caller->tenant, id);
	call->response->status = 200;
	return rc < 0 ? rc : 0;
}

static int insert(struct arm_call *call, const json_t *body, const struct access_role *role, const char *principal_type,
	struct err *err) {
	const struct access_assignment a = {.tenant = call->caller->tenant, .scope = authorization_scope(call),
		.name = call->target->name, .principal_id = json_str(body, "properties.principalId"),
		.principal_type = principal_type, .role_id = role->id, .description = json_str(body, "properties.description"),
		.created_by = call->caller->oid};
	int rc = check_limit(call, err);
	if (rc == 0)
		rc = access_assign(call->tx, &a, err);
	call->response->status = 201;
	return rc;
}

static int save(struct arm_call *call, const json_t *body, const struct access_role *role, const char *principal_type,
	struct err *err) {
	_cleanup_free_ char *name = strv_lower(call->target->name);
	_cleanup_rows_ struct store_rows *found = NULL;
	if (!name)
		return err_oom(err);
	int rc = store_query(call->tx, &found, err, COLUMNS "WHERE tenant_id = $1 AND name = $2", "ss", call->caller->tenant, name);
	if (rc == 0)
		rc = store_next(found, err);
	if (rc < 0)
		return rc;
	return rc > 0 ? update(call, found, body, role->id, err) : insert(call, body, role, principal_type, err);
}

// A hypervisor is given the keys of every tenant's disks: that is not a subscription owner's to grant.
static int check_hypervisor(struct arm_call *call, const struct access_role *role, struct err *err) {
	bool is_operator = false;
	if (!strv_eq_nocase(role->id, ACCESS_ROLE_HYPERVISOR))
		return 0;
	int rc = entra_is_operator(call->tx, call->caller, call->caller->tenant, &is_operator, err);
	if (rc < 0 || is_operator)
		return rc;
	return err_set(err, -EACCES, 403, "AuthorizationFailed",
		"The role '%s' is assigned by the operator of the instance alone.", role->name);
}

static int create(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role role = {0};
	const char *principal_type = NULL;
	int rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *given = json_str(body, "properties.roleDefinitionId");
	rc = authorize(call, "Microsoft.Authorization/roleAssignments/write", role_guid(given), err);
	if (rc == 0 && !enc_is_uuid(call->target->name))
		rc = err_set(err, -EINVAL, 400, "InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role "
			"assignment ID must be a GUID.", call->target->name);
	if (rc == 0)
		rc = authorization_check_scope(call, authorization_scope(call), true, err);
	if (rc == 0)
		rc = check_members(body, err);
	if (rc == 0)
		rc = find_role(call, given, &hold, &role, err);
	if (rc == 0)
		rc = check_hypervisor(call, &role, err);
	if (rc == 0)
		rc = check_principal(call, body, &principal_type, err);
	if (rc == 0)
		rc = save(call, body, &role, principal_type, err);
	return rc < 0 ? rc : show(call, err);
}

static int remove_assignment(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = load(call, &rows, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	bool found = rc == 0;
	rc = authorize(call, "Microsoft.Authorization/roleAssignments/delete", found ? store_text(rows, 4) : NULL, err);
	if (rc < 0)
		return rc;
	if (!found) {
		call->response->status = 204;
		return 0;
	}
	_cleanup_free_ char *id = strv_lower(call->target->id);
	call->response->json = render(call, rows);
	if (!id || !call->response->json)
		return err_oom(err);
	rc = store_exec(call->tx, err, "DELETE FROM role_assignments WHERE tenant_id = $1 AND id = $2", "ss",
		call->caller->tenant, id);
	return rc < 0 ? rc : 0;
}

// Those at the scope and above it, and below it unless atScope() keeps them out.
static int query(struct arm_call *call, const struct authorization_filter *f, const char *after, struct store_rows **rows,
	struct err *err) {
	_cleanup_free_ char *scope = strv_lower(call->target->scope);
	_cleanup_free_ char *principal = strv_lower(f->principal_id);
	_cleanup_free_ char *assigned = strv_lower(f->assigned_to);
	if (!scope || !principal || !assigned)
		return err_oom(err);
	return store_query(call->tx, rows, err,
		"WITH RECURSIVE principals(id) AS (SELECT CAST($1 AS TEXT) UNION"
		" SELECT m.group_id FROM group_members m JOIN principals p ON m.member_id = p.id) " COLUMNS
		"WHERE tenant_id = $2 AND id > $3 AND (scope = '/' OR substr($4 || '/', 1, length(scope) + 1) = scope || '/'"
		" OR ($5 = 0 AND substr(scope, 1, length($4) + 1) = $4 || '/')) AND ($6 = '' OR principal_id = $6)"
		" AND ($1 = '' OR principal_id IN (SELECT id FROM principals)) ORDER BY id",
		"ssssis", assigned, call->caller->tenant, after, scope, (int64_t)f->at_scope, principal);
}

static int list(struct arm_call *call, struct err *err) {
	struct authorization_filter f;
	struct arm_page page;
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = authorization_read_filter(call, "atScope principalId assignedTo", &f, err);
	if (rc == 0)
		rc = arm_page_read(call, PAGE, &page, err);
	if (rc == 0)
		rc = query(call, &f, page.after, &rows, err);
	if (rc < 0)
		return rc;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	_cleanup_free_ char *last = NULL;
	while ((rc = store_next(rows, err)) > 0) {
		if (json_array_size(value) == (size_t)page.top)
			return arm_page_next(call, call->response->json, last, err);
		free(last);
		last = strdup(store_text(rows, 10));
		if (!last || json_array_append_new(value, render(call, rows)) < 0)
			return err_oom(err);
	}
	return rc;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0] && !call->target->tail[0];
	if (named && strcmp(method, "PUT") == 0)
		return create(call, err);
	if (named && strcmp(method, "DELETE") == 0)
		return remove_assignment(call, err);
	if (strcmp(method, "GET") != 0 || call->target->tail[0])
		return authorization_refuse_method(call, err);
	int rc = authorize(call, "Microsoft.Authorization/roleAssignments/read", NULL, err);
	if (rc < 0)
		return rc;
	return named ? show(call, err) : list(call, err);
}

static const char *const versions[] = {"2022-04-01", "2020-10-01-preview", "2020-08-01-preview", "2020-04-01-preview",
	"2020-03-01-preview", "2019-04-01-preview", "2018-12-01-preview", "2018-09-01-preview", "2018-07-01",
	"2018-01-01-preview", "2017-10-01-preview", "2017-09-01", "2017-05-01", "2016-07-01", "2015-07-01", "2015-06-01",
	"2015-05-01-preview", "2014-10-01-preview", "2014-07-01-preview", "2014-04-01-preview", NULL};

const struct arm_type role_assignments_type = {
	.name = "Microsoft.Authorization/roleAssignments", .versions = versions, .extends = true, .raw = handle};
