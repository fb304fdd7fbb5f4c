// SPDX-License-Identifier: Apache-2.0
// Objects of any kind, the caller, deleted applications, the tenant itself.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

enum { IDS_MAX = 1000 };

static json_t *render_typed(struct call *c, const struct directory_object *o, struct err *err) {
	_cleanup_json_ json_t *shown = render_object(c, o, true, err);
	_cleanup_json_ json_t *typed = json_pack("{s:o}", "@odata.type", json_sprintf("#microsoft.graph.%s",
		kind_words(o->kind)->type));
	if (!shown)
		return NULL;
	if (!typed || json_object_update(typed, shown) < 0) {
		(void)err_oom(err);
		return NULL;
	}
	return TAKE_PTR(typed);
}

int any_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = call_any_object(c, DIRECTORY_KINDS, route_param(&c->match, "id"), &o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc == 0)
		rc = may_read_object(c, &o, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *json = json_pack("{s:o}", "@odata.context", context_url(c, "directoryObjects/$entity"));
	_cleanup_json_ json_t *typed = render_typed(c, &o, err);
	if (!typed)
		return -EIO;
	if (!json || json_object_update(json, typed) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	return 0;
}

// The kinds that "types" names; all when it names none.
static int wanted_kinds(const struct call *c, unsigned *out, struct err *err) {
	const json_t *types = json_object_get(c->body, "types");
	unsigned kinds = types ? 0 : ~0u;
	if (types && !json_is_null(types) && !json_is_array(types))
		return call_bad_request(err, "Invalid value specified for property 'types'.");
	for (size_t i = 0; i < json_array_size(types); i++) {
		const char *name = json_string_value(json_array_get(types, i));
		if (!name)
			return call_bad_request(err, "Invalid value specified for property 'types'.");
		if (strv_eq_nocase(name, "directoryObject"))
			kinds = ~0u;
		for (int kind = 0; kind < DIRECTORY_KINDS; kind++)
			if (strv_eq_nocase(name, kind_words((enum directory_kind)kind)->type))
				kinds |= KIND_BIT(kind);
	}
	*out = kinds;
	return 0;
}

// What is not there, or of another tenant, is left out.
static int append_by_id(struct call *c, const char *id, unsigned kinds, json_t *values, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = call_any_object(c, DIRECTORY_KINDS, id, &o, err);
	if (rc == -ENOENT || (rc == 0 && !(kinds & KIND_BIT(o.kind))))
		return 0;
	if (rc < 0)
		return rc;
	json_t *typed = render_typed(c, &o, err);
	if (!typed)
		return -EIO;
	return json_array_append_new(values, typed) < 0 ? err_oom(err) : 0;
}

int any_by_ids(struct call *c, struct err *err) {
	_cleanup_json_ json_t *values = json_array();
	const json_t *ids = json_object_get(c->body, "ids");
	unsigned kinds = 0;
	int rc = values ? may_read(c, err) : err_oom(err);
	if (rc == 0)
		rc = wanted_kinds(c, &kinds, err);
	if (rc == 0 && (!json_is_array(ids) || json_array_size(ids) > IDS_MAX))
		rc = call_bad_request(err, "Invalid value specified for property 'ids': up to %d ids are expected.", IDS_MAX);
	for (size_t i = 0; rc == 0 && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		rc = append_by_id(c, id ? id : "", kinds, values, err);
	}
	return rc < 0 ? rc : answer_values(c, "directoryObjects", TAKE_PTR(values), err);
}

static int check_delegated(const struct call *c, struct err *err) {
	if (c->caller_kind == DIRECTORY_USER)
		return 0;
	return err_set(err, -EINVAL, 400, "BadRequest", "/me request is only valid with delegated authentication flow.");
}

int me_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = check_delegated(c, err);
	if (rc == 0)
		rc = directory_get(c->tx, c->caller.tenant, DIRECTORY_USER, c->caller.oid, &o, err);
	if (rc < 0)
		return rc;
	json_t *shown = render_object(c, &o, true, err);
	return shown ? answer_object(c, 200, DIRECTORY_USER, shown, err) : -EIO;
}

int me_owned(struct call *c, struct err *err) {
	int rc = check_delegated(c, err);
	return rc < 0 ? rc : answer_list(c, err);
}

// Deleted applications.

int deleted_list(struct call *c, struct err *err) {
	int rc = may_read(c, err);
	return rc < 0 ? rc : answer_list(c, err);
}

static int load_deleted(struct call *c, struct directory_object *o, struct err *err) {
	int rc = directory_get_deleted(c->tx, c->caller.tenant, route_param(&c->match, "id"), o, err);
	return rc == -ENOENT && may_read(c, NULL) < 0 ? call_denied(err) : rc;
}

static int answer_deleted(struct call *c, const struct directory_object *o, struct err *err) {
	json_t *shown = render_object(c, o, true, err);
	return shown ? answer_object(c, 200, DIRECTORY_APPLICATION, shown, err) : -EIO;
}

int deleted_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load_deleted(c, &o, err);
	if (rc == 0)
		rc = may_read_object(c, &o, err);
	return rc < 0 ? rc : answer_deleted(c, &o, err);
}

int deleted_restore(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0}, restored = {0};
	int rc = load_deleted(c, &o, err);
	if (rc == 0)
		rc = may_write(c, &o, err);
	if (rc == 0)
		rc = directory_restore(c->tx, c->caller.tenant, o.id, &restored, err);
	return rc < 0 ? rc : answer_deleted(c, &restored, err);
}

int deleted_purge(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load_deleted(c, &o, err);
	if (rc == 0)
		rc = may_write(c, &o, err);
	return rc < 0 ? rc : directory_purge(c->tx, c->caller.tenant, o.id, err);
}

// The tenant.

static int render_organization(struct call *c, json_t **out, struct err *err) {
	struct entra_tenant tenant;
	int rc = directory_tenant(c->tx, c->caller.tenant, &tenant, err);
	if (rc < 0)
		return rc;
	*out = json_pack("{s:s, s:n, s:s, s:o, s:s, s:[{s:s, s:b, s:b, s:s, s:s}]}", "id", c->caller.tenant, "deletedDateTime",
		"displayName", tenant.display_name, "createdDateTime", render_time(tenant.created), "tenantType", "AAD",
		"verifiedDomains", "capabilities", "Email, OfficeCommunicationsOnline", "isDefault", 1, "isInitial", 1, "name",
		tenant.domain, "type", "Managed");
	return *out ? 0 : err_oom(err);
}

// What $select leaves of the tenant or a domain.
static int apply_select(const struct call *c, json_t **shown, struct err *err) {
	const char *text = http_query(c->req, "$select");
	_cleanup_json_ json_t *names = json_array();
	for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		char name[64];
		at += strspn(at, " ");
		size_t n = strcspn(at, ", ");
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, at);
		if (!json_object_get(*shown, name))
			return err_set(err, -EINVAL, 400, "BadRequest",
				"Parsing OData Select and Expand failed: Could not find a property named '%.64s'.", name);
		if (json_array_append_new(names, json_string(name)) < 0)
			return err_oom(err);
	}
	json_t *some = text ? query_apply_select(*shown, names) : json_incref(*shown);
	if (!some)
		return err_oom(err);
	json_decref(*shown);
	*shown = some;
	return 0;
}

int organization_list(struct call *c, struct err *err) {
	_cleanup_json_ json_t *organization = NULL;
	int rc = may_read(c, err);
	if (rc == 0)
		rc = render_organization(c, &organization, err);
	if (rc == 0)
		rc = apply_select(c, &organization, err);
	return rc < 0 ? rc : answer_values(c, "organization", json_pack("[O]", organization), err);
}

static int answer_entity(struct call *c, const char *collection, json_t *shown, struct err *err) {
	_cleanup_json_ json_t *own = shown;
	_cleanup_json_ json_t *json = json_pack("{s:o}", "@odata.context", context_url(c, "%s/$entity", collection));
	if (!json || json_object_update(json, own) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	return 0;
}

static int not_found(const char *id, struct err *err) {
	return err_set(err, -ENOENT, 404, "Request_ResourceNotFound",
		"Resource '%.128s' does not exist or one of its queried reference-property objects are not present.", id);
}

int organization_get(struct call *c, struct err *err) {
	_cleanup_json_ json_t *organization = NULL;
	const char *id = route_param(&c->match, "id");
	int rc = may_read(c, err);
	if (rc == 0 && !strv_eq_nocase(id, c->caller.tenant))
		return not_found(id, err);
	if (rc == 0)
		rc = render_organization(c, &organization, err);
	if (rc == 0)
		rc = apply_select(c, &organization, err);
	return rc < 0 ? rc : answer_entity(c, "organization", TAKE_PTR(organization), err);
}

static int render_domain(struct call *c, json_t **out, struct err *err) {
	struct entra_tenant tenant;
	int rc = directory_tenant(c->tx, c->caller.tenant, &tenant, err);
	if (rc < 0)
		return rc;
	*out = json_pack("{s:s, s:s, s:n, s:b, s:b, s:b, s:b, s:b, s:[s, s]}", "id", tenant.domain, "authenticationType", "Managed",
		"availabilityStatus", "isAdminManaged", 1, "isDefault", 1, "isInitial", 1, "isRoot", 1, "isVerified", 1,
		"supportedServices", "Email", "OfficeCommunicationsOnline");
	return *out ? 0 : err_oom(err);
}

int domain_list(struct call *c, struct err *err) {
	_cleanup_json_ json_t *domain = NULL;
	int rc = may_read(c, err);
	if (rc == 0)
		rc = render_domain(c, &domain, err);
	if (rc == 0)
		rc = apply_select(c, &domain, err);
	return rc < 0 ? rc : answer_values(c, "domains", json_pack("[O]", domain), err);
}

int domain_get(struct call *c, struct err *err) {
	_cleanup_json_ json_t *domain = NULL;
	const char *id = route_param(&c->match, "id");
	int rc = may_read(c, err);
	if (rc == 0)
		rc = render_domain(c, &domain, err);
	if (rc == 0 && !strv_eq_nocase(id, json_str(domain, "id")))
		return not_found(id, err);
	if (rc == 0)
		rc = apply_select(c, &domain, err);
	return rc < 0 ? rc : answer_entity(c, "domains", TAKE_PTR(domain), err);
}

// Permissions of Graph itself are not given here: directory roles are.
int empty_list(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = c->match.count > 0 ? call_object(c, &o, err) : may_read(c, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc == 0 && c->match.count > 0)
		rc = may_read_object(c, &o, err);
	const char *last = strrchr(c->op->route.pattern, '/') + 1;
	return rc < 0 ? rc : answer_values(c, last, json_array(), err);
}
