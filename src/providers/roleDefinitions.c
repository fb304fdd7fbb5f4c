// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/roleDefinitions: the built-in roles, and those that a tenant makes itself.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "providers/authorization.h"
#include "providers/providers.h"

enum { NAME_MAX_BYTES = 512, DESCRIPTION_MAX = 2048, PATTERNS_MAX = 2048, SCOPES_MAX = 100, TENANT_MAX = 5000 };

#define WRITE "Microsoft.Authorization/roleDefinitions/write"
#define DELETE "Microsoft.Authorization/roleDefinitions/delete"

static json_t *split(const char *words) {
	json_t *out = json_array();
	for (const char *p = words ? words : ""; out && *p;) {
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

// Conditions of roles came with the latest version.
static bool shows_conditions(const struct arm_call *call) {
	const char *version = http_query(call->request, "api-version");
	return version && strcmp(version, "2022-05-01") >= 0;
}

json_t *authorization_permissions(const struct arm_call *call, const struct access_role *role) {
	_cleanup_json_ json_t *shown = json_pack("{s:o, s:o, s:o, s:o}", "actions", split(role->actions), "notActions",
		split(role->not_actions), "dataActions", split(role->data_actions), "notDataActions", split(role->not_data_actions));
	if (!shown || !role->assignable || !shows_conditions(call))
		return TAKE_PTR(shown);
	_cleanup_free_ char *condition = condition_text(role);
	if (!condition || json_set_str(shown, "condition", condition) < 0 || json_set_str(shown, "conditionVersion", "2.0") < 0)
		return NULL;
	return TAKE_PTR(shown);
}

static int add_history(json_t *properties, const struct access_role *role) {
	char created[CLOCK_RFC3339_MAX], updated[CLOCK_RFC3339_MAX];
	if (json_set_str(properties, "createdOn", clock_rfc3339(role->created, created)) < 0 ||
		json_set_str(properties, "updatedOn", clock_rfc3339(role->updated, updated)) < 0 ||
		json_set_str(properties, "createdBy", role->created_by) < 0 ||
		json_set_str(properties, "updatedBy", role->updated_by) < 0)
		return -ENOMEM;
	return 0;
}

static json_t *render(const struct arm_call *call, const struct access_role *role) {
	_cleanup_free_ char *id = authorization_role_id(call, role->id);
	_cleanup_json_ json_t *shown = !id ? NULL : json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:o, s:[o]}}", "id", id, "name",
		role->id, "type", "Microsoft.Authorization/roleDefinitions", "properties", "roleName", role->name, "type",
		role->scopes ? "CustomRole" : "BuiltInRole", "description", role->description, "assignableScopes",
		split(role->scopes ? role->scopes : "/"), "permissions", authorization_permissions(call, role));
	if (!shown || (role->scopes && add_history(json_object_get(shown, "properties"), role) < 0))
		return NULL;
	return TAKE_PTR(shown);
}

static bool is_below(const char *scopes, const char *scope) {
	for (const char *p = scopes; *p;) {
		char one[ARM_ID_MAX];
		size_t n = strcspn(p, " ");
		(void)snprintf(one, sizeof(one), "%.*s", (int)n, p);
		if (access_scope_within(one, scope))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

// Is the role there for the scope: assignable at it, or (`below`) in some place below it?
static bool is_at(const struct access_role *role, const char *scope, bool below) {
	return !role->scopes || access_scopes_cover(role->scopes, scope) || (below && is_below(role->scopes, scope));
}

// 0, or -ENOENT with err untouched.
static int find(struct arm_call *call, struct store_rows **hold, struct access_role *out, struct err *err) {
	struct access_role role;
	int rc = access_role_find(call->tx, call->caller->tenant, call->target->name, hold, &role, err);
	if (rc == 0 && !is_at(&role, authorization_scope(call), true))
		return -ENOENT;
	if (rc == 0)
		*out = role;
	return rc;
}

static int show(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role role;
	int rc = find(call, &hold, &role, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "RoleDefinitionDoesNotExist",
			"The specified role definition with ID '%s' does not exist.", call->target->name);
	if (rc < 0)
		return rc;
	call->response->json = render(call, &role);
	return call->response->json ? 0 : err_oom(err);
}

static int add(struct arm_call *call, const struct authorization_filter *f, const struct access_role *role, struct err *err) {
	if ((f->role_name[0] && !strv_eq_nocase(f->role_name, role->name)) ||
		(f->type[0] && !strv_eq_nocase(f->type, role->scopes ? "CustomRole" : "BuiltInRole")) ||
		!is_at(role, authorization_scope(call), f->at_scope_and_below))
		return 0;
	json_t *value = json_object_get(call->response->json, "value");
	return json_array_append_new(value, render(call, role)) < 0 ? err_oom(err) : 0;
}

static int list(struct arm_call *call, struct err *err) {
	struct authorization_filter f;
	size_t count;
	const struct access_role *built_in = access_roles(&count);
	int rc = authorization_read_filter(call, "atScopeAndBelow roleName type", &f, err);
	if (rc == 0 && !arm_list_answer(call))
		rc = err_oom(err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add(call, &f, &built_in[i], err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (rc == 0)
		rc = access_custom_roles(call->tx, call->caller->tenant, &rows, err);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		struct access_role role;
		access_role_read(rows, &role);
		rc = add(call, &f, &role, err);
	}
	return rc;
}

// A definition as it is asked for: what is to be stored, and the texts it points to.
struct request {
	json_t *body;
	struct buf actions, not_actions, data_actions, not_data_actions, scopes;
	size_t patterns;
	struct access_role role;
};

static void request_free(struct request *r) {
	json_decref(r->body);
	buf_free(&r->actions);
	buf_free(&r->not_actions);
	buf_free(&r->data_actions);
	buf_free(&r->not_data_actions);
	buf_free(&r->scopes);
}

static int malformed(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadRequestFormat", "The request was incorrectly formatted: %s.", what);
}

// "*", "*/read", "{namespace}/{type}/…/{verb}", with any part of it a "*".
static bool is_pattern(const char *p) {
	static const char parts[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-*/$";
	size_t n = strlen(p);
	return strcmp(p, "*") == 0 || (n < ACCESS_PATTERN_MAX && strv_made_of(p, parts, 3, n) && strchr(p, '/') && p[0] != '/' &&
		p[n - 1] != '/' && !strstr(p, "//") && !strstr(p, "**"));
}

static int read_patterns(struct request *r, const json_t *permission, const char *member, struct buf *out, struct err *err) {
	const json_t *list = json_object_get(permission, member);
	size_t i;
	json_t *item;
	if (!list || json_is_null(list))
		return buf_str(out, "") < 0 ? err_oom(err) : 0;
	if (!json_is_array(list))
		return malformed(err, "a permission's members are arrays of texts");
	json_array_foreach(list, i, item) {
		const char *pattern = json_string_value(item);
		if (!pattern)
			return malformed(err, "a permission's members are arrays of texts");
		if (!is_pattern(pattern))
			return err_set(err, -EINVAL, 400, "InvalidActionOrNotAction",
				"'%.256s' does not match any of the actions supported by the providers.", pattern);
		if (++r->patterns > PATTERNS_MAX)
			return err_set(err, -EINVAL, 400, "RoleDefinitionTooLarge",
				"A role definition has at most %d actions altogether.", PATTERNS_MAX);
		if (buf_printf(out, "%s%s", out->len ? " " : "", pattern) < 0)
			return err_oom(err);
	}
	return buf_str(out, "") < 0 ? err_oom(err) : 0;
}

static int read_permissions(struct request *r, struct err *err) {
	const json_t *permissions = json_at(r->body, "properties.permissions");
	const json_t *one = json_array_get(permissions, 0);
	if (!json_is_object(one))
		return err_set(err, -EINVAL, 400, "InvalidRoleDefinition", "The role definition needs a permission.");
	if (json_array_size(permissions) > 1)
		return err_set(err, -EINVAL, 400, "InvalidRoleDefinition", "A custom role has one permission.");
	if (json_at(one, "condition") && !json_is_null(json_at(one, "condition")))
		return err_set(err, -EINVAL, 400, "InvalidCondition", "Custom roles with a condition are not supported.");
	int rc = read_patterns(r, one, "actions", &r->actions, err);
	if (rc == 0)
		rc = read_patterns(r, one, "notActions", &r->not_actions, err);
	if (rc == 0)
		rc = read_patterns(r, one, "dataActions", &r->data_actions, err);
	if (rc == 0)
		rc = read_patterns(r, one, "notDataActions", &r->not_data_actions, err);
	if (rc == 0 && !r->actions.len && !r->data_actions.len)
		return err_set(err, -EINVAL, 400, "InvalidRoleDefinition", "The role definition has neither actions nor dataActions.");
	return rc;
}

// The scope as Azure spells it, without a trailing slash; a subscription or a group, which authorization_check_scope looks for.
static int read_scope(struct arm_call *call, struct request *r, const char *scope, struct err *err) {
	struct arm_target t;
	if (!scope || arm_parse_path(scope, &t, NULL) < 0 || strpbrk(scope, " *") || t.tail[0] ||
		(!strv_eq_nocase(t.type, "Microsoft.Resources/subscriptions") &&
			!strv_eq_nocase(t.type, "Microsoft.Resources/resourceGroups")))
		return err_set(err, -EINVAL, 400, "InvalidAssignableScope",
			"The assignable scope '%.300s' is not valid: it must be a subscription or a resource group.", scope ? scope : "");
	char subscription[ARM_ID_MAX];
	(void)snprintf(subscription, sizeof(subscription), "/subscriptions/%s", t.subscription);
	int rc = authorization_check_scope(call, subscription, false, err);
	// Who has no right in a group is not told whether there is one.
	if (rc == 0)
		rc = arm_authorize_linked(call, t.id, "Microsoft.Authorization/roleDefinitions/write", err);
	if (rc == 0)
		rc = authorization_check_scope(call, t.id, false, err);
	if (rc == 0 && buf_printf(&r->scopes, "%s%s", r->scopes.len ? " " : "", t.id) < 0)
		return err_oom(err);
	return rc;
}

static int read_scopes(struct arm_call *call, struct request *r, struct err *err) {
	const json_t *scopes = json_at(r->body, "properties.assignableScopes");
	size_t i;
	json_t *item;
	if (!json_is_array(scopes) || json_array_size(scopes) == 0)
		return err_set(err, -EINVAL, 400, "InvalidAssignableScope", "The role definition needs an assignable scope.");
	if (json_array_size(scopes) > SCOPES_MAX)
		return err_set(err, -EINVAL, 400, "InvalidAssignableScope", "A role has at most %d assignable scopes.", SCOPES_MAX);
	json_array_foreach(scopes, i, item) {
		int rc = read_scope(call, r, json_string_value(item), err);
		if (rc < 0)
			return rc;
	}
	if (!access_scopes_cover(buf_cstr(&r->scopes), authorization_scope(call)))
		return err_set(err, -EINVAL, 400, "InvalidAssignableScope",
			"The assignable scopes of the role definition do not include '%s', where it is written.", authorization_scope(call));
	return 0;
}

static int read_request(struct arm_call *call, struct request *r, struct err *err) {
	int rc = arm_body(call->request, &r->body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(r->body, "properties.roleName"), *type = json_str(r->body, "properties.type");
	const json_t *description = json_at(r->body, "properties.description");
	if (!name || !*name || strlen(name) > NAME_MAX_BYTES)
		return err_set(err, -EINVAL, 400, "InvalidRoleDefinitionName", "The role definition needs a roleName of 1 to %d bytes.",
			NAME_MAX_BYTES);
	if (type && !strv_eq_nocase(type, "CustomRole"))
		return err_set(err, -EINVAL, 400, "InvalidRoleDefinitionType", "The type of a role definition that is written is CustomRole.");
	if (description && !json_is_null(description) &&
		(!json_is_string(description) || json_string_length(description) > DESCRIPTION_MAX))
		return malformed(err, "'description' is a text of at most 2048 bytes");
	rc = read_permissions(r, err);
	if (rc == 0)
		rc = read_scopes(call, r, err);
	if (rc < 0)
		return rc;
	int64_t now = clock_now();
	r->role = (struct access_role){.id = call->target->name, .name = name,
		.description = json_is_string(description) ? json_string_value(description) : "", .actions = buf_cstr(&r->actions),
		.not_actions = buf_cstr(&r->not_actions), .data_actions = buf_cstr(&r->data_actions),
		.not_data_actions = buf_cstr(&r->not_data_actions), .scopes = buf_cstr(&r->scopes), .created = now, .updated = now,
		.created_by = call->caller->oid, .updated_by = call->caller->oid};
	return 0;
}

// Whoever changes a role changes what its holders may do in all of its scopes.
static int authorize_all(struct arm_call *call, const char *scopes, const char *permission, struct err *err) {
	int rc = 0;
	for (const char *p = scopes; rc == 0 && *p;) {
		char scope[ARM_ID_MAX];
		size_t n = strcspn(p, " ");
		(void)snprintf(scope, sizeof(scope), "%.*s", (int)n, p);
		rc = arm_authorize_linked(call, scope, permission, err);
		p += n + (p[n] == ' ');
	}
	return rc;
}

static int has_assignments(struct store_rows *rows, struct err *err) {
	return err_set(err, -EBUSY, 400, "RoleDefinitionHasAssignments",
		"There are existing role assignments referencing role (code: RoleDefinitionHasAssignments): %s.", store_text(rows, 0));
}

// No assignment of the role may be left outside of `scopes` ("" when none may be left at all).
static int check_assignments(struct arm_call *call, const char *guid, const char *scopes, struct err *err) {
	_cleanup_free_ char *id = strv_lower(guid);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!id)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err,
		"SELECT display_id, scope FROM role_assignments WHERE role_id = $1 AND tenant_id = $2", "ss", id, call->caller->tenant);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (!access_scopes_cover(scopes, store_text(rows, 1)))
			return has_assignments(rows, err);
	return rc;
}

static int check_limit(struct arm_call *call, struct err *err) {
	int64_t count;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM role_definitions WHERE tenant_id = $1", "s",
		call->caller->tenant);
	if (rc == 0 && count >= TENANT_MAX)
		return err_set(err, -EDQUOT, 400, "RoleDefinitionLimitExceeded",
			"Role definition limit exceeded. No more role definitions can be created.");
	return rc;
}

static int refuse_built_in(const struct access_role *role, struct err *err) {
	return err_set(err, -EACCES, 403, "RoleDefinitionNotWritable", "The built-in role '%s' cannot be changed or deleted.",
		role->name);
}

static int save(struct arm_call *call, struct request *r, struct err *err) {
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role before = {0};
	int rc = access_role_find(call->tx, call->caller->tenant, call->target->name, &hold, &before, err);
	if (rc == 0 && !before.scopes)
		return refuse_built_in(&before, err);
	bool created = rc == -ENOENT;
	if (created)
		rc = check_limit(call, err);
	else if (rc == 0)
		rc = authorize_all(call, before.scopes, WRITE, err);
	if (rc == 0 && !created)
		rc = check_assignments(call, r->role.id, r->role.scopes, err);
	return rc < 0 ? rc : access_role_save(call->tx, call->caller->tenant, &r->role, err);
}

static int write_definition(struct arm_call *call, struct err *err) {
	_cleanup_(request_free) struct request r = {0};
	int rc = arm_authorize(call, authorization_scope(call), WRITE, err);
	if (rc == 0 && !enc_is_uuid(call->target->name))
		rc = err_set(err, -EINVAL, 400, "InvalidRoleDefinitionId", "The role definition ID '%s' is not valid. The role "
			"definition ID must be a GUID.", call->target->name);
	if (rc == 0)
		rc = read_request(call, &r, err);
	if (rc == 0)
		rc = authorize_all(call, r.role.scopes, WRITE, err);
	if (rc == 0)
		rc = save(call, &r, err);
	if (rc == 0)
		rc = show(call, err);
	call->response->status = 201;
	return rc;
}

static int delete_definition(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *hold = NULL;
	struct access_role role = {0};
	int rc = arm_authorize(call, authorization_scope(call), DELETE, err);
	if (rc == 0)
		rc = find(call, &hold, &role, err);
	if (rc == -ENOENT) {
		call->response->status = 204;
		return 0;
	}
	if (rc < 0)
		return rc;
	if (!role.scopes)
		return refuse_built_in(&role, err);
	rc = authorize_all(call, role.scopes, DELETE, err);
	if (rc == 0)
		rc = check_assignments(call, role.id, "", err);
	if (rc < 0)
		return rc;
	call->response->json = render(call, &role);
	if (!call->response->json)
		return err_oom(err);
	return access_role_delete(call->tx, call->caller->tenant, call->target->name, err);
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0] != 0;
	if (named && !call->target->tail[0] && strcmp(method, "PUT") == 0)
		return write_definition(call, err);
	if (named && !call->target->tail[0] && strcmp(method, "DELETE") == 0)
		return delete_definition(call, err);
	if (strcmp(method, "GET") != 0 || call->target->tail[0])
		return authorization_refuse_method(call, err);
	int rc = arm_authorize(call, authorization_scope(call), "Microsoft.Authorization/roleDefinitions/read", err);
	if (rc < 0)
		return rc;
	return named ? show(call, err) : list(call, err);
}

static const char *const versions[] = {"2022-05-01-preview", "2022-04-01", "2018-07-01", "2018-01-01-preview",
	"2017-10-01-preview", "2017-09-01", "2017-05-01", "2016-07-01", "2015-07-01", "2015-06-01", "2015-05-01-preview",
	"2014-10-01-preview", "2014-07-01-preview", "2014-04-01-preview", NULL};

const struct arm_type role_definitions_type = {
	.name = "Microsoft.Authorization/roleDefinitions", .versions = versions, .extends = true, .raw = handle};
