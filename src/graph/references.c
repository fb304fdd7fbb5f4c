// SPDX-License-Identifier: Apache-2.0
// Owners and members by reference, and the questions of which groups an object is in.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "graph/internal.h"

enum { QUESTIONS_MAX = 20 };  // groups in one question, as Graph limits them

static int load(struct call *c, struct directory_object *o, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	return rc < 0 ? rc : may_write(c, o, err);
}

// The object of the path and the one of the body, both of this tenant.
static int load_pair(struct call *c, struct directory_object *o, struct directory_object *other, struct err *err) {
	char id[ENC_UUID_SIZE];
	int rc = load(c, o, err);
	if (rc == 0)
		rc = call_reference(c, id, err);
	return rc < 0 ? rc : call_any_object(c, DIRECTORY_PRINCIPAL_KINDS, id, other, err);
}

int owner_add(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0}, owner = {0};
	int rc = load_pair(c, &o, &owner, err);
	if (rc == 0 && owner.kind == DIRECTORY_GROUP)
		return call_bad_request(err, "Groups cannot be owners.");
	return rc < 0 ? rc : directory_add_owner(c->tx, o.id, owner.id, err);
}

static int other_id(const struct call *c, char **out, struct err *err) {
	const char *id = route_param(&c->match, "other");
	if (!enc_is_uuid(id))
		return call_bad_request(err, "Invalid object identifier '%.64s'.", id);
	*out = strv_lower(id);
	return *out ? 0 : err_oom(err);
}

int owner_remove(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_free_ char *id = NULL;
	int rc = load(c, &o, err);
	if (rc == 0)
		rc = other_id(c, &id, err);
	return rc < 0 ? rc : directory_remove_owner(c->tx, o.id, id, err);
}

int member_add(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0}, member = {0};
	int rc = load_pair(c, &o, &member, err);
	return rc < 0 ? rc : directory_add_member(c->tx, o.id, member.id, err);
}

int member_remove(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_free_ char *id = NULL;
	int rc = load(c, &o, err);
	if (rc == 0)
		rc = other_id(c, &id, err);
	return rc < 0 ? rc : directory_remove_member(c->tx, o.id, id, err);
}

static int load_for_question(struct call *c, struct directory_object *o, struct err *err) {
	int rc = call_object(c, o, err);
	if (rc == -ENOENT && may_read(c, NULL) < 0)
		return call_denied(err);
	return rc < 0 ? rc : may_read_object(c, o, err);
}

int member_groups(struct call *c, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_json_ json_t *values = json_array();
	const json_t *only = json_object_get(c->body, "securityEnabledOnly");
	int rc = values ? load_for_question(c, &o, err) : err_oom(err);
	if (rc == 0 && only && !json_is_boolean(only))
		rc = call_bad_request(err, "Invalid value specified for property 'securityEnabledOnly'.");
	const struct directory_list groups = {.tenant_id = c->caller.tenant, .kind = DIRECTORY_GROUP,
		.relation = DIRECTORY_ALL_GROUPS, .of = o.id};
	if (rc == 0)
		rc = directory_list_open(c->tx, &groups, &rows, err);
	while (rc >= 0) {
		_cleanup_object_ struct directory_object group = {0};
		rc = directory_list_next(rows, DIRECTORY_GROUP, &group, err);
		if (rc <= 0)
			break;
		if (json_array_append_new(values, json_string(group.id)) < 0)
			rc = err_oom(err);
	}
	return rc < 0 ? rc : answer_values(c, "Collection(Edm.String)", TAKE_PTR(values), err);
}

static int check(struct call *c, const char *list_name, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	_cleanup_json_ json_t *values = json_array();
	const json_t *ids = json_object_get(c->body, list_name);
	int rc = values ? load_for_question(c, &o, err) : err_oom(err);
	if (rc == 0 && (!json_is_array(ids) || json_array_size(ids) == 0 || json_array_size(ids) > QUESTIONS_MAX))
		rc = call_bad_request(err, "Invalid value specified for property '%s': 1 to %d ids are expected.", list_name, QUESTIONS_MAX);
	for (size_t i = 0; rc == 0 && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		bool is = false;
		if (!id || !enc_is_uuid(id))
			return call_bad_request(err, "Invalid object identifier in property '%s'.", list_name);
		_cleanup_free_ char *lower = strv_lower(id);
		rc = lower ? directory_is_member(c->tx, lower, o.id, &is, err) : err_oom(err);
		if (rc == 0 && is && json_array_append_new(values, json_string(lower)) < 0)
			rc = err_oom(err);
	}
	return rc < 0 ? rc : answer_values(c, "Collection(Edm.String)", TAKE_PTR(values), err);
}

int member_check_groups(struct call *c, struct err *err) {
	return check(c, "groupIds", err);
}

int member_check_objects(struct call *c, struct err *err) {
	return check(c, "ids", err);
}
