// SPDX-License-Identifier: Apache-2.0
// Directory roles: definitions, and assignments in the whole tenant.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

static json_t *render_role(const struct directory_role *r) {
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s, s:[s]}", "id", r->id, "displayName", r->name, "description",
		r->description, "isBuiltIn", 1, "isEnabled", 1, "templateId", r->id, "version", "1", "resourceScopes", "/");
}

static json_t *render_assignment(const struct directory_role_assignment *a) {
	return json_pack("{s:s, s:s, s:s, s:s}", "id", a->id, "principalId", a->principal_id, "directoryScopeId", "/",
		"roleDefinitionId", a->role_id);
}

// The request's filter over objects with the sample's members.
static int read_filter(const struct call *c, json_t *sample, const char *type, struct odata_filter **out, struct err *err) {
	_cleanup_json_ json_t *own = sample;
	const char *text = http_query(c->req, "$filter");
	if (!own)
		return err_oom(err);
	return text ? odata_parse(text, own, type, out, err) : 0;
}

static int append_matching(json_t *values, const struct odata_filter *filter, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *own = shown;
	if (!own || ((!filter || odata_matches(filter, own)) && json_array_append(values, own) < 0))
		return err_oom(err);
	return 0;
}

static int answer_entity(struct call *c, int status, const char *collection, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *own = shown;
	_cleanup_json_ json_t *json = json_pack("{s:o}", "@odata.context", context_url(c, "%s/$entity", collection));
	if (!own || !json || json_object_update(json, own) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	c->status = status;
	return 0;
}

static int not_found(const char *id, struct err *err) {
	return err_set(err, -ENOENT, 404, "Request_ResourceNotFound",
		"Resource '%.128s' does not exist or one of its queried reference-property objects are not present.", id);
}

int role_list(struct call *c, struct err *err) {
	size_t count;
	const struct directory_role *roles = directory_roles(&count);
	_cleanup_json_ json_t *values = json_array();
	_cleanup_odata_ struct odata_filter *filter = NULL;
	int rc = values ? may_read(c, err) : err_oom(err);
	if (rc == 0)
		rc = read_filter(c, render_role(&roles[0]), "UnifiedRoleDefinition", &filter, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = append_matching(values, filter, render_role(&roles[i]), err);
	return rc < 0 ? rc : answer_values(c, "roleManagement/directory/roleDefinitions", TAKE_PTR(values), err);
}

int role_get(struct call *c, struct err *err) {
	const char *id = route_param(&c->match, "id");
	const struct directory_role *role = directory_role_by_id(id);
	int rc = may_read(c, err);
	if (rc == 0 && !role)
		return not_found(id, err);
	return rc < 0 ? rc : answer_entity(c, 200, "roleManagement/directory/roleDefinitions", render_role(role), err);
}

int role_assignment_list(struct call *c, struct err *err) {
	_cleanup_free_ struct directory_role_assignment *list = NULL;
	_cleanup_json_ json_t *values = json_array();
	_cleanup_odata_ struct odata_filter *filter = NULL;
	const struct directory_role_assignment sample = {0};
	size_t count = 0;
	int rc = values ? may_read(c, err) : err_oom(err);
	if (rc == 0)
		rc = read_filter(c, render_assignment(&sample), "UnifiedRoleAssignment", &filter, err);
	if (rc == 0)
		rc = directory_role_assignments(c->tx, c->caller.tenant, NULL, NULL, &list, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = append_matching(values, filter, render_assignment(&list[i]), err);
	return rc < 0 ? rc : answer_values(c, "roleManagement/directory/roleAssignments", TAKE_PTR(values), err);
}

static int find(struct call *c, struct directory_role_assignment *out, struct err *err) {
	_cleanup_free_ struct directory_role_assignment *list = NULL;
	_cleanup_free_ char *id = strv_lower(route_param(&c->match, "id"));
	size_t count = 0;
	int rc = id ? directory_role_assignments(c->tx, c->caller.tenant, NULL, id, &list, &count, err) : err_oom(err);
	if (rc < 0)
		return rc;
	if (count == 0)
		return not_found(route_param(&c->match, "id"), err);
	*out = list[0];
	return 0;
}

int role_assignment_get(struct call *c, struct err *err) {
	struct directory_role_assignment a;
	int rc = may_read(c, err);
	if (rc == 0)
		rc = find(c, &a, err);
	return rc < 0 ? rc : answer_entity(c, 200, "roleManagement/directory/roleAssignments", render_assignment(&a), err);
}

// Nobody gives or takes more than they have.
static int check_role(const struct call *c, const char *role_id, struct err *err) {
	const struct directory_role *role = directory_role_by_id(role_id);
	if (!(c->rights & DIRECTORY_WRITE_ROLES))
		return call_denied(err);
	if (!role)
		return call_bad_request(err, "The role definition '%.64s' does not exist.", role_id);
	return (role->rights & ~c->rights) == 0 ? 0 : call_denied(err);
}

int role_assignment_create(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object principal = {0};
	struct directory_role_assignment a = {0};
	const char *to = json_str(c->body, "principalId"), *role_id = json_str(c->body, "roleDefinitionId"),
		   *scope = json_str(c->body, "directoryScopeId");
	int rc = check_role(c, role_id ? role_id : "", err);
	if (rc == 0 && !to)
		rc = call_bad_request(err, "A value is required for property 'principalId'.");
	if (rc == 0 && (!scope || strcmp(scope, "/") != 0))
		rc = call_bad_request(err, "Only the scope of the whole directory is served: directoryScopeId must be '/'.");
	if (rc == 0)
		rc = call_any_object(c, DIRECTORY_PRINCIPAL_KINDS, to, &principal, err);
	if (rc == 0 && principal.kind == DIRECTORY_GROUP)
		rc = call_bad_request(err, "Directory roles are given to users and service principals alone.");
	if (rc < 0)
		return rc;
	memcpy(a.principal_id, principal.id, sizeof(a.principal_id));
	(void)snprintf(a.role_id, sizeof(a.role_id), "%s", directory_role_by_id(role_id)->id);
	rc = directory_assign_role(c->tx, c->caller.tenant, &a, err);
	return rc < 0 ? rc : answer_entity(c, 201, "roleManagement/directory/roleAssignments", render_assignment(&a), err);
}

int role_assignment_delete(struct call *c, struct err *err) {
	struct directory_role_assignment a;
	if (!(c->rights & DIRECTORY_WRITE_ROLES))
		return call_denied(err);
	int rc = find(c, &a, err);
	if (rc == 0)
		rc = check_role(c, a.role_id, err);
	return rc < 0 ? rc : directory_unassign_role(c->tx, c->caller.tenant, a.id, err);
}
