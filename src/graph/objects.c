// SPDX-License-Identifier: Apache-2.0
// What all kinds of objects have in common: list, create, get, change, delete.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

int call_object(struct call *c, struct directory_object *out, struct err *err) {
	static const char by_app[] = "\x1f" "appId=";
	static const char by_name[] = "\x1fuserPrincipalName=";
	const char *id = route_param(&c->match, "id"), *tenant = c->caller.tenant;
	enum directory_kind kind = c->op->kind;
	bool has_app = kind == DIRECTORY_APPLICATION || kind == DIRECTORY_SERVICE_PRINCIPAL;
	// Paths of directoryObjects name any kind of principal.
	if (c->op->listed == KIND_BITS_PRINCIPALS && c->op->relation == DIRECTORY_ALL)
		return directory_find(c->tx, tenant, DIRECTORY_PRINCIPAL_KINDS, id, out, err);
	if (has_app && strncmp(id, by_app, sizeof(by_app) - 1) == 0)
		return directory_get_by_app(c->tx, tenant, kind, id + sizeof(by_app) - 1, out, err);
	if (kind == DIRECTORY_USER && strncmp(id, by_name, sizeof(by_name) - 1) == 0)
		return directory_get_user_by_name(c->tx, tenant, id + sizeof(by_name) - 1, out, err);
	if (id[0] == '\x1f')
		return err_set(err, -EINVAL, 400, "BadRequest", "Resource not found for the segment '%.64s'.", id + 1);
	if (kind == DIRECTORY_USER && !enc_is_uuid(id))
		return directory_get_user_by_name(c->tx, tenant, id, out, err);
	return directory_get(c->tx, tenant, kind, id, out, err);
}

int call_any_object(struct call *c, int kinds, const char *id, struct directory_object *out, struct err *err) {
	return directory_find(c->tx, c->caller.tenant, kinds, id, out, err);
}

int call_reference(const struct call *c, char out[static ENC_UUID_SIZE], struct err *err) {
	static const char prefix[] = "https://graph.microsoft.com/";
	const char *url = json_string_value(json_object_get(c->body, "@odata.id"));
	const char *id = url ? strrchr(url, '/') : NULL;
	if (!url || !id || strncmp(url, prefix, sizeof(prefix) - 1) != 0 || !enc_is_uuid(id + 1))
		return call_bad_request(err, "Invalid URL format specified in payload.");
	for (size_t i = 0; i < ENC_UUID_SIZE; i++)
		out[i] = (char)tolower((unsigned char)id[1 + i]);
	return 0;
}

int entity_list(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	// Lists about an object are seen by who sees the object.
	int rc = c->match.count > 0 ? call_object(c, &o, err) : may_read(c, err);
	if (rc == 0 && c->match.count > 0)
		rc = may_read_object(c, &o, err);
	return rc < 0 ? rc : answer_list(c, err);
}

static int answer_shown(struct call *c, int status, const struct directory_object *o, struct err *err) {
	json_t *shown = render_object(c, o, true, err);
	return shown ? answer_object(c, status, o->kind, shown, err) : -EIO;
}

int entity_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = call_object(c, &o, err);
	// Who may not read does not learn what is not there either.
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc == 0)
		rc = may_read_object(c, &o, err);
	return rc < 0 ? rc : answer_shown(c, 200, &o, err);
}

static char *default_name(const struct call *c) {
	const char *name = json_str(c->body, "displayName");
	return strdup(name ? name : "");
}

// The application that a new service principal is of: one of this tenant, one that another opened to all, or Microsoft's.
static int adopt_application(struct call *c, struct directory_object *o, struct err *err) {
	_cleanup_object_ struct directory_object app = {0};
	const char *app_id = json_str(c->body, "appId");
	if (!app_id || !enc_is_uuid(app_id))
		return call_invalid_value(err, DIRECTORY_SERVICE_PRINCIPAL, "appId");
	for (size_t i = 0; i < ENC_UUID_SIZE; i++)
		o->app_id[i] = (char)tolower((unsigned char)app_id[i]);
	const struct directory_first_party *first = directory_first_party(app_id);
	int rc = first ? may_create(c, DIRECTORY_SERVICE_PRINCIPAL, err)
		       : directory_get_registration(c->tx, app_id, &app, err);
	bool ours = rc == 0 && !first && strcmp(app.tenant_id, c->caller.tenant) == 0, owner = false;
	if (rc == -ENOENT || (rc == 0 && !first && !ours && strcmp(app.detail, "AzureADMyOrg") == 0))
		return call_bad_request(err, "The appId '%s' of the service principal does not reference a valid application object.",
			o->app_id);
	// The owner of an application may make its service principal at home.
	if (rc == 0 && ours)
		rc = directory_is_owner(c->tx, app.id, c->caller.oid, &owner, err);
	if (rc == 0 && !first && !owner)
		rc = may_create(c, DIRECTORY_SERVICE_PRINCIPAL, err);
	if (rc < 0)
		return rc;
	free(o->display_name);
	o->display_name = strdup(first ? first->display_name : app.display_name);
	return o->display_name ? 0 : err_oom(err);
}

static int prepare(struct call *c, struct directory_object *o, struct err *err) {
	o->enabled = true;
	o->body = json_object();
	o->display_name = default_name(c);
	memcpy(o->tenant_id, c->caller.tenant, sizeof(o->tenant_id));
	if (o->kind == DIRECTORY_APPLICATION)
		o->detail = strdup("AzureADMyOrg");
	else if (o->kind == DIRECTORY_USER)
		o->detail = strdup("");
	if (!o->body || !o->display_name || (!o->detail && (o->kind == DIRECTORY_APPLICATION || o->kind == DIRECTORY_USER)))
		return err_oom(err);
	// Before the properties: names of an application may hold its appId.
	int rc = enc_uuid(o->id);
	if (rc == 0 && o->kind == DIRECTORY_APPLICATION)
		rc = enc_uuid(o->app_id);
	return rc < 0 ? err_errno(err, rc, "cannot make an identifier") : 0;
}

int entity_create(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {.kind = c->op->kind};
	int rc = prepare(c, &o, err);
	if (rc == 0)
		rc = o.kind == DIRECTORY_SERVICE_PRINCIPAL ? adopt_application(c, &o, err) : may_create(c, o.kind, err);
	if (rc == 0)
		rc = properties_apply(c, &o, true, err);
	if (rc == 0)
		rc = directory_add(c->tx, &o, err);
	if (rc == 0)
		rc = credentials_apply(c, &o, err);
	// Who makes an application owns it.
	if (rc == 0 && (o.kind == DIRECTORY_APPLICATION || o.kind == DIRECTORY_SERVICE_PRINCIPAL))
		rc = directory_add_owner(c->tx, o.id, c->caller.oid, err);
	return rc < 0 ? rc : answer_shown(c, 201, &o, err);
}

// What belongs to something else is changed with that alone.
static int check_own(const struct directory_object *o, const char *what, struct err *err) {
	if (o->kind == DIRECTORY_SERVICE_PRINCIPAL && o->detail)
		return call_bad_request(err, "The service principal of a managed identity cannot be %s: it belongs to '%s'.", what,
			o->detail);
	return 0;
}

static int load_for_change(struct call *c, struct directory_object *o, const char *what, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc == 0)
		rc = may_write(c, o, err);
	return rc < 0 ? rc : check_own(o, what, err);
}

int entity_update(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load_for_change(c, &o, "changed", err);
	if (rc == 0)
		rc = properties_apply(c, &o, false, err);
	if (rc == 0)
		rc = directory_save(c->tx, &o, err);
	return rc < 0 ? rc : credentials_apply(c, &o, err);
}

int entity_delete(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load_for_change(c, &o, "deleted", err);
	if (rc == 0 && o.kind == DIRECTORY_SERVICE_PRINCIPAL && directory_first_party(o.app_id) &&
		directory_first_party(o.app_id)->everywhere)
		return call_bad_request(err, "Deleting the service principal of a first party application is not supported.");
	return rc < 0 ? rc : directory_delete(c->tx, &o, err);
}
