// SPDX-License-Identifier: Apache-2.0
// Federated identity credentials of applications.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

static int load(struct call *c, bool write, struct directory_object *o, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	if (rc < 0)
		return rc;
	return write ? may_write(c, o, err) : may_read_object(c, o, err);
}

static json_t *render(const struct directory_federated *f) {
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:[s]}", "id", f->id, "name", f->name, "issuer", f->issuer, "subject", f->subject,
		"description", f->description[0] ? json_string(f->description) : json_null(), "audiences", f->audience);
}

static int answer_one(struct call *c, int status, const struct directory_object *o, const struct directory_federated *f,
	struct err *err) {
	_cleanup_json_ json_t *json = json_object();
	_cleanup_json_ json_t *shown = render(f);
	json_t *context = context_url(c, "applications('%s')/federatedIdentityCredentials/$entity", o->id);
	if (json_set(json, "@odata.context", context) < 0 || !shown || json_object_update(json, shown) < 0)
		return err_oom(err);
	c->json = TAKE_PTR(json);
	c->status = status;
	return 0;
}

static int property_error(struct err *err, const char *property, const char *why) {
	return err_set(err, -EINVAL, 400, "Request_BadRequest", "Invalid value specified for property '%s' of resource "
		"'FederatedIdentityCredential'. %s", property, why);
}

static int read_text(const json_t *body, const char *name, char *out, size_t size, struct err *err) {
	const json_t *value = json_object_get(body, name);
	if (!value)
		return 0;
	if (json_is_null(value) && strcmp(name, "description") == 0) {
		out[0] = 0;
		return 0;
	}
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value) ||
		strv_copy(out, size, json_string_value(value)) < 0)
		return property_error(err, name, "It must be text within the length limit.");
	return 0;
}

static int read_audience(const json_t *body, struct directory_federated *f, struct err *err) {
	const json_t *list = json_object_get(body, "audiences");
	if (!list)
		return 0;
	const char *only = json_string_value(json_array_get(list, 0));
	if (!json_is_array(list) || json_array_size(list) != 1 || !only)
		return property_error(err, "audiences", "Exactly one audience is required.");
	if (strv_copy(f->audience, sizeof(f->audience), only) < 0)
		return property_error(err, "audiences", "It must be text within the length limit.");
	return 0;
}

static int read_body(const struct call *c, struct directory_federated *f, struct err *err) {
	static const char *const known[] = {"name", "issuer", "subject", "description", "audiences", "id"};
	const char *name;
	json_t *value;
	// json_object_foreach takes no const object; nothing is changed.
	json_object_foreach((json_t *)(uintptr_t)c->body, name, value) {
		bool found = strchr(name, '@') != NULL;
		for (size_t i = 0; i < ARRAY_SIZE(known); i++)
			found = found || strcmp(name, known[i]) == 0;
		if (!found)
			return call_bad_request(err, "Invalid property '%.128s'.", name);
	}
	int rc = read_text(c->body, "issuer", f->issuer, sizeof(f->issuer), err);
	if (rc == 0)
		rc = read_text(c->body, "subject", f->subject, sizeof(f->subject), err);
	if (rc == 0)
		rc = read_text(c->body, "description", f->description, sizeof(f->description), err);
	return rc < 0 ? rc : read_audience(c->body, f, err);
}

int federated_list(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_free_ struct directory_federated *list = NULL;
	_cleanup_json_ json_t *values = json_array();
	_cleanup_json_ json_t *sample = json_pack("{s:n, s:n, s:n, s:n, s:n, s:[]}", "id", "name", "issuer", "subject", "description",
		"audiences");
	_cleanup_odata_ struct odata_filter *filter = NULL;
	const char *text = http_query(c->req, "$filter");
	size_t count = 0;
	int rc = values && sample ? load(c, false, &o, err) : err_oom(err);
	if (rc == 0 && text)
		rc = odata_parse(text, sample, "FederatedIdentityCredential", &filter, err);
	if (rc == 0)
		rc = directory_federated_list(c->tx, o.id, &list, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		_cleanup_json_ json_t *shown = render(&list[i]);
		if (!shown || ((!filter || odata_matches(filter, shown)) && json_array_append(values, shown) < 0))
			rc = err_oom(err);
	}
	if (rc < 0)
		return rc;
	char context[128];
	(void)snprintf(context, sizeof(context), "applications('%s')/federatedIdentityCredentials", o.id);
	return answer_values(c, context, TAKE_PTR(values), err);
}

int federated_get(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	struct directory_federated f;
	int rc = load(c, false, &o, err);
	if (rc == 0)
		rc = directory_federated_get(c->tx, o.id, route_param(&c->match, "other"), &f, err);
	return rc < 0 ? rc : answer_one(c, 200, &o, &f, err);
}

int federated_create(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	struct directory_federated f = {0};
	static const char *const needed[] = {"name", "issuer", "subject", "audiences"};
	int rc = load(c, true, &o, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(needed); i++)
		if (!json_object_get(c->body, needed[i]))
			rc = call_bad_request(err, "A value is required for property '%s' of resource 'FederatedIdentityCredential'.",
				needed[i]);
	if (rc == 0)
		rc = read_text(c->body, "name", f.name, sizeof(f.name), err);
	if (rc == 0)
		rc = read_body(c, &f, err);
	if (rc == 0)
		rc = directory_federated_add(c->tx, o.id, &f, err);
	return rc < 0 ? rc : answer_one(c, 201, &o, &f, err);
}

int federated_update(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	struct directory_federated f;
	const char *name = json_str(c->body, "name");
	int rc = load(c, true, &o, err);
	if (rc == 0)
		rc = directory_federated_get(c->tx, o.id, route_param(&c->match, "other"), &f, err);
	if (rc == 0 && name && strcmp(name, f.name) != 0)
		return property_error(err, "name", "The name of a federated identity credential cannot be changed.");
	if (rc == 0)
		rc = read_body(c, &f, err);
	return rc < 0 ? rc : directory_federated_save(c->tx, o.id, &f, err);
}

int federated_delete(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = load(c, true, &o, err);
	return rc < 0 ? rc : directory_federated_remove(c->tx, o.id, route_param(&c->match, "other"), err);
}
