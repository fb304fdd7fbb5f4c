// SPDX-License-Identifier: Apache-2.0
#include "arm/documents.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/locations.h"
#include "arm/page.h"
#include "base/buf.h"
#include "base/strv.h"

enum { TAGS_MAX = 50, TAG_NAME_MAX = 512, TAG_VALUE_MAX = 256 };

#define GROUP_TYPE "Microsoft.Resources/resourceGroups"

// A resource group's actions are named below its subscription.
static const char *permission_base(const struct arm_type *type) {
	return strcmp(type->name, GROUP_TYPE) == 0 ? "Microsoft.Resources/subscriptions/resourceGroups" : type->name;
}

static int authorize_type(struct arm_call *call, const struct arm_type *type, const char *verb, struct err *err) {
	char permission[256];
	(void)snprintf(permission, sizeof(permission), "%s/%s", permission_base(type), verb);
	return arm_authorize(call, call->target->id, permission, err);
}

// Azure prints "westeurope" for "West Europe".
static int normalise_location(const char *given, char *out, size_t size, struct err *err) {
	size_t n = 0;
	for (const char *p = given; *p; p++) {
		if (*p == ' ')
			continue;
		if (!isalnum((unsigned char)*p) || n + 1 >= size)
			return err_set(err, -EINVAL, 400, "LocationNotAvailableForResourceType",
				"The provided location '%.64s' is not available.", given);
		out[n++] = (char)tolower((unsigned char)*p);
	}
	out[n] = 0;
	return n > 0 ? 0 : err_set(err, -EINVAL, 400, "LocationRequired", "The location property is required for this definition.");
}

// "global" is for what is in no region.
static int check_location(const struct arm_type *type, const char *location, struct err *err) {
	_cleanup_buf_ struct buf known = {0};
	size_t count;
	const struct arm_location *all = arm_locations(&count);
	if (arm_location_find(location) || strcmp(location, "global") == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (buf_printf(&known, "%s%s", i > 0 ? "," : "", all[i].name) < 0)
			return err_oom(err);
	return err_set(err, -EINVAL, 400, "LocationNotAvailableForResourceType",
		"The provided location '%.64s' is not available for resource type '%s'. List of available regions for the resource type "
		"is '%s'.",
		location, type->name, buf_cstr(&known));
}

static int merge_location(struct arm_call *call, const struct arm_type *type, struct resource *r, const json_t *body,
	struct err *err) {
	const char *given = json_str(body, "location");
	const char *stored = json_str(r->body, "location");
	char location[48];
	if (!type->has_location || (!given && stored))
		return 0;
	if (!given)
		return err_set(err, -EINVAL, 400, "LocationRequired", "The location property is required for this definition.");
	int rc = normalise_location(given, location, sizeof(location), err);
	if (rc == 0 && !stored)
		rc = check_location(type, location, err);
	if (rc < 0)
		return rc;
	if (stored && strcmp(stored, location) != 0)
		return err_set(err, -EEXIST, 409, "InvalidResourceLocation",
			"The resource '%s' already exists in location '%s' in resource group '%s'. A resource with the same name "
			"cannot be created in location '%s'. Please select a new resource name.",
			r->name, stored, call->target->group, location);
	return json_set_str(r->body, "location", location) < 0 ? err_oom(err) : 0;
}

// Tags that Azure's own tools leave ("hidden-link:/subscriptions/...") name resources.
static bool has_reserved(const char *name) {
	if (strncmp(name, "hidden-", strlen("hidden-")) == 0)
		return false;
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || strchr("<>%&\\?/", *p))
			return true;
	return false;
}

int arm_check_tags(const json_t *tags, struct err *err) {
	if (!json_is_object(tags) || json_object_size(tags) > TAGS_MAX)
		return err_set(err, -EINVAL, 400, "InvalidTags", "Tags are an object of at most %d members.", TAGS_MAX);
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)tags, name, value) {
		if (strlen(name) > TAG_NAME_MAX || !json_is_string(value) || json_string_length(value) > TAG_VALUE_MAX)
			return err_set(err, -EINVAL, 400, "InvalidTagNameOrValue",
				"A tag name has at most %d characters and its value is a string of at most %d.", TAG_NAME_MAX,
				TAG_VALUE_MAX);
		if (has_reserved(name))
			return err_set(err, -EINVAL, 400, "InvalidTagNameCharacters",
				"The tag names '%s' have reserved characters '<,>,%%,&,\\,?,/' or control characters.", name);
	}
	return 0;
}

static int merge_tags(struct resource *r, const json_t *body, bool patch, struct err *err) {
	json_t *tags = json_object_get(body, "tags");
	if (!tags || json_is_null(tags)) {
		if (!patch)
			(void)json_object_del(r->body, "tags");
		return 0;
	}
	int rc = arm_check_tags(tags, err);
	if (rc < 0)
		return rc;
	return json_object_set(r->body, "tags", tags) < 0 ? err_oom(err) : 0;
}

// What every type takes from the request in the same way; then the provider's own part.
static int apply(struct arm_call *call, const struct arm_type *type, struct resource *r, const json_t *body, bool patch,
	struct err *err) {
	int rc = merge_location(call, type, r, body, err);
	if (rc == 0)
		rc = merge_tags(r, body, patch, err);
	if (rc == 0 && type->has_identity)
		rc = arm_identity_merge(call, r, body, err);
	if (rc == 0)
		rc = type->put(call, r, body, patch, err);
	return rc;
}

static int group_must_exist(struct arm_call *call, const struct arm_type *type, struct err *err) {
	if (strcmp(type->name, GROUP_TYPE) == 0 || (!call->target->group[0] && (type->places & ~(unsigned)ARM_IN_GROUP)))
		return 0;
	_cleanup_resource_ struct resource group = {0};
	return resource_load_group(call->tx, call->target->subscription, call->target->group, &group, err);
}

static bool is_part(const struct arm_type *type) {
	const char *slash = strchr(type->name, '/');
	return strchr(slash + 1, '/') != NULL;
}

// The resource that this one is a part or an extension of; -ENOENT when there is none, which is not told apart here.
static int check_parent(struct arm_call *call, const struct arm_type *type, struct err *err) {
	char id[ARM_ID_MAX];
	if (is_part(type))
		arm_parent_id(call->target->id, id);
	else if (call->target->providers < 2)
		return 0;
	else
		(void)snprintf(id, sizeof(id), "%s", call->target->scope);
	struct arm_target parent;
	_cleanup_resource_ struct resource r = {0};
	int rc = arm_parse_path(id, &parent, err);
	const struct arm_type *parent_type = rc == 0 ? arm_find_type(call->arm, parent.type) : NULL;
	if (rc < 0 || (parent_type && parent_type->raw))
		return rc;
	rc = resource_load(call->tx, id, &r, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "ParentResourceNotFound",
			"Failed to perform 'write' on resource(s) of type '%s', because the parent resource '%s' could not be found.",
			strchr(type->name, '/') + 1, id);
	return rc;
}

// RFC 9110, 13.1: the etag of what the request is about, as the client saw it, or * for whatever there is.
static bool names_etag(const char *header, const struct resource *r) {
	char quoted[ENC_UUID_SIZE + 2];
	(void)snprintf(quoted, sizeof(quoted), "\"%s\"", r->etag);
	return strcmp(header, "*") == 0 ? r->stored : r->stored && (strstr(header, quoted) || strcmp(header, r->etag) == 0);
}

static int check_preconditions(const struct arm_call *call, const struct resource *r, struct err *err) {
	const char *match = http_header(call->request, "If-Match"), *none = http_header(call->request, "If-None-Match");
	if ((!match || names_etag(match, r)) && (!none || !names_etag(none, r)))
		return 0;
	return err_set(err, -EEXIST, 412, "PreconditionFailed",
		"The condition '%.100s' of the request on the etag of '%s' does not hold.", match ? match : none, r->display_id);
}

static int tell_etag(struct arm_call *call, const struct resource *r, struct err *err) {
	return r->etag[0] && http_set_header(call->response, "ETag", "\"%s\"", r->etag) < 0 ? err_oom(err) : 0;
}

static int show(struct arm_call *call, const struct arm_type *type, struct resource *r, json_t **out, struct err *err) {
	_cleanup_json_ json_t *shown = NULL;
	int rc = resource_show(r, &shown, err);
	if (rc == 0 && type->show)
		rc = type->show(call, r, shown, err);
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(shown);
	return 0;
}

// Clients print a member that is not set as null, which means the same as leaving it out.
static int check_properties(json_t *body, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	if (json_is_null(properties))
		(void)json_object_del(body, "properties");
	else if (properties && !json_is_object(properties))
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The member 'properties' must be a JSON object.");
	return 0;
}

static int write_resource(struct arm_call *call, const struct arm_type *type, bool patch, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = authorize_type(call, type, "write", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = check_properties(body, err);
	if (rc == 0)
		rc = group_must_exist(call, type, err);
	if (rc < 0)
		return rc;

	_cleanup_resource_ struct resource r = {0};
	rc = resource_load(call->tx, call->target->id, &r, err);
	if (rc == -ENOENT && !patch)
		rc = resource_new(call->target, type->name, &r, err);
	if (rc == 0 && !r.stored)
		rc = check_parent(call, type, err);
	if (rc == 0)
		rc = check_preconditions(call, &r, err);
	if (rc < 0)
		return rc;
	bool created = !r.stored;
	rc = apply(call, type, &r, body, patch, err);
	if (rc == 0)
		rc = resource_save(call->tx, &r, err);
	if (rc == 0)
		rc = arm_operation_settle_idle(call, err);
	if (rc < 0)
		return rc;
	// The answer shows the resource as the request left it, before an operation that had nothing to wait for settled.
	rc = show(call, type, &r, &call->response->json, err);
	if (rc == 0)
		rc = tell_etag(call, &r, err);
	if (rc == 0 && call->response->status == 0)
		call->response->status = call->operation[0] && type->accepts ? 202 : created ? 201 : 200;
	return rc;
}

// HEAD: is it there?
static int check_existence(struct arm_call *call, const struct arm_type *type, struct err *err) {
	int rc = authorize_type(call, type, "read", err);
	_cleanup_resource_ struct resource r = {0};
	if (rc == 0)
		rc = resource_load(call->tx, call->target->id, &r, err);
	call->response->status = 204;
	return rc;
}

static int read_resource(struct arm_call *call, const struct arm_type *type, struct err *err) {
	int rc = authorize_type(call, type, "read", err);
	_cleanup_resource_ struct resource r = {0};
	if (rc == 0)
		rc = resource_load(call->tx, call->target->id, &r, err);
	if (rc == 0)
		rc = tell_etag(call, &r, err);
	return rc < 0 ? rc : show(call, type, &r, &call->response->json, err);
}

enum { PAGE_MAX = 1000 };

struct listing {
	struct arm_call *call;
	const struct arm_type *type;
	bool all;  // the caller may read the whole collection; else only what it may read by itself
	json_t *value;
	char last[ARM_ID_MAX];
};

// A collection of parts or extensions is that of the resource it is addressed below.
static bool is_member(const struct listing *l, const struct resource *r) {
	const struct arm_target *t = l->call->target;
	if (!is_part(l->type) && t->providers < 2)
		return true;
	return access_scope_within(r->id, is_part(l->type) ? t->id : t->scope);
}

static int may_read(struct listing *l, const struct resource *r, struct err *err) {
	char permission[256];
	if (l->all)
		return 0;
	struct err refused = {0};
	(void)snprintf(permission, sizeof(permission), "%s/read", permission_base(l->type));
	int rc = arm_authorize(l->call, r->id, permission, &refused);
	if (rc < 0 && rc != -EACCES)
		*err = refused;
	return rc;
}

static int add_to_listing(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx;
	struct listing *l = ctx;
	json_t *shown = NULL;
	(void)snprintf(l->last, sizeof(l->last), "%s", r->id);
	int rc = is_member(l, r) ? may_read(l, r, err) : -EACCES;
	if (rc == -EACCES)
		return 0;
	if (rc == 0 && l->type->wanted) {
		rc = l->type->wanted(l->call, r, err);
		if (rc <= 0)
			return rc;
	}
	if (rc >= 0)
		rc = show(l->call, l->type, r, &shown, err);
	if (rc < 0)
		return rc;
	return json_array_append_new(l->value, shown) < 0 ? err_oom(err) : 0;
}

static int list_resources(struct arm_call *call, const struct arm_type *type, struct err *err) {
	struct listing l = {.call = call, .type = type, .value = arm_list_answer(call)};
	struct arm_page page;
	bool more = false;
	if (!l.value)
		return err_oom(err);
	struct err refused = {0};
	int rc = authorize_type(call, type, "read", &refused);
	l.all = rc == 0;
	if (rc < 0 && rc != -EACCES) {
		*err = refused;
		return rc;
	}
	rc = arm_page_read(call, PAGE_MAX, &page, err);
	if (rc == 0)
		rc = resource_page(call->tx, call->target->subscription, call->target->group, type->name, page.after, page.top,
			add_to_listing, &l, &more, err);
	if (rc < 0)
		return rc;
	// Whoever may read nothing of it is refused, as where there is nothing.
	if (!l.all && json_array_size(l.value) == 0 && !more) {
		*err = refused;
		return -EACCES;
	}
	return more ? arm_page_next(call, call->response->json, l.last, err) : 0;
}

static int delete_resource(struct arm_call *call, const struct arm_type *type, struct err *err) {
	int rc = authorize_type(call, type, "delete", err);
	_cleanup_resource_ struct resource r = {0};
	if (rc == 0)
		rc = resource_load(call->tx, call->target->id, &r, err);
	if (rc == -ENOENT && strcmp(type->name, GROUP_TYPE) != 0) {
		call->response->status = 204;
		return 0;
	}
	if (rc == 0)
		rc = check_preconditions(call, &r, err);
	if (rc == 0)
		rc = type->remove(call, &r, err);
	if (rc < 0)
		return rc;
	if (call->operation[0]) {
		call->response->status = 202;
		rc = resource_save(call->tx, &r, err);
		return rc < 0 ? rc : arm_operation_settle_idle(call, err);
	}
	call->response->status = 200;
	if (type->has_identity)
		rc = arm_identity_remove(call, &r, err);
	return rc < 0 ? rc : resource_delete(call->tx, &r, err);
}

const struct arm_action *arm_documents_action(const struct arm_type *type, const char *method, const char *tail) {
	for (size_t i = 0; i < type->action_count; i++)
		if (strcmp(type->actions[i].method, method) == 0 && strv_eq_nocase(type->actions[i].name, tail))
			return &type->actions[i];
	return NULL;
}

int arm_documents_load_for(struct arm_call *call, const struct arm_type *type, const struct arm_action *action,
	struct resource *out, struct err *err) {
	char permission[256];
	(void)snprintf(permission, sizeof(permission), "%s/%s", type->name, action->permission);
	int rc = action->data ? arm_authorize_data(call, call->target->id, permission, err)
			      : authorize_type(call, type, action->permission, err);
	return rc < 0 ? rc : resource_load(call->tx, call->target->id, out, err);
}

static int run_action(struct arm_call *call, const struct arm_type *type, struct err *err) {
	const struct arm_action *action = arm_documents_action(type, http_method(call->request), call->target->tail);
	if (!action)
		return err_set(err, -ENOENT, 404, "InvalidResourceType",
			"The resource type '%s' has no operation '%s' for method %s.", type->name, call->target->tail,
			http_method(call->request));
	_cleanup_resource_ struct resource r = {0};
	int rc = arm_documents_load_for(call, type, action, &r, err);
	if (rc == 0)
		rc = action->run(call, &r, err);
	if (rc == 0)
		rc = arm_operation_settle_idle(call, err);
	if (rc == 0 && call->response->status == 0 && call->operation[0])
		call->response->status = 202;
	return rc;
}

int arm_documents_dispatch(struct arm_call *call, const struct arm_type *type, struct err *err) {
	const char *method = http_method(call->request);
	if (call->target->tail[0])
		return run_action(call, type, err);
	if (strcmp(method, "GET") == 0)
		return call->target->name[0] ? read_resource(call, type, err) : list_resources(call, type, err);
	if (call->target->name[0] && strcmp(method, "HEAD") == 0)
		return check_existence(call, type, err);
	if (call->target->name[0] && strcmp(method, "PUT") == 0)
		return write_resource(call, type, false, err);
	if (call->target->name[0] && strcmp(method, "PATCH") == 0)
		return write_resource(call, type, true, err);
	if (call->target->name[0] && strcmp(method, "DELETE") == 0)
		return delete_resource(call, type, err);
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
}
