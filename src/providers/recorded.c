// SPDX-License-Identifier: Apache-2.0
#include "providers/recorded.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

int recorded_check_name(const struct resource *r, size_t most, struct err *err) {
	size_t n = strlen(r->name);
	if (strv_made_of(r->name, NAME_CHARACTERS, 1, most) && !strchr("-_.", r->name[0]) && !strchr("-.", r->name[n - 1]))
		return 0;
	return err_set(err, -EINVAL, 400, "InvalidResourceName",
		"Resource name %s is invalid. The name can be up to %zu characters long. It must begin with a word character, and it must "
		"end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.",
		r->name, most);
}

int recorded_keep(struct resource *r, const json_t *body, bool patch, struct err *err) {
	static const char *const answered[] = {"provisioningState", "etag", "resourceGuid"};
	const json_t *given = json_object_get(body, "properties");
	if (json_is_null(given))
		given = NULL;
	if (given && !json_is_object(given))
		return recorded_invalid(err, "The member 'properties' of '%s' must be a JSON object.", r->display_id);
	_cleanup_json_ json_t *kept = patch ? json_deep_copy(json_object_get(r->body, "properties")) : json_object();
	_cleanup_json_ json_t *copy = given ? json_deep_copy(given) : json_object();
	if (!kept || !copy)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(answered); i++)
		(void)json_object_del(copy, answered[i]);
	if ((patch ? json_object_update_recursive(kept, copy) : json_object_update(kept, copy)) < 0 ||
		json_object_set(r->body, "properties", kept) < 0)
		return err_oom(err);
	return resource_set_property(r, "provisioningState", "Succeeded", err);
}

int recorded_keep_members(struct resource *r, const json_t *body, const char *const *names, struct err *err) {
	for (; *names; names++) {
		_cleanup_json_ json_t *copy = json_deep_copy(json_object_get(body, *names));
		if (copy && !json_is_null(copy) && json_object_set(r->body, *names, copy) < 0)
			return err_oom(err);
	}
	return 0;
}

int recorded_require(struct arm_call *call, const struct resource *r, const char *id, const char *type, const char *permission,
	struct resource *out, struct err *err) {
	_cleanup_resource_ struct resource found = {0};
	struct arm_target t;
	int rc = arm_parse_id(id, type, &t, err);
	if (rc == 0 && permission)
		rc = arm_authorize_linked(call, id, permission, err);
	if (rc == 0)
		rc = resource_load(call->tx, id, &found, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 400, "InvalidResourceReference",
			"Resource %s referenced by resource %s was not found. Please make sure that the referenced resource exists, and that "
			"both resources are in the same region.",
			id, r->display_id);
	if (rc < 0)
		return rc;
	const char *there = json_str(found.body, "location"), *here = json_str(r->body, "location");
	if (there && here && strcmp(here, "global") != 0 && strcmp(there, "global") != 0 && strcmp(there, here) != 0)
		return err_set(err, -EINVAL, 400, "InvalidResourceReference",
			"Resource %s referenced by resource %s is in the location %s. Both resources must be in the same region.", id,
			r->display_id, there);
	if (out) {
		*out = found;
		found = (struct resource){0};
	}
	return 0;
}

static int load_part(struct arm_call *call, const struct resource *whole, const struct arm_type *type, const char *name,
	struct resource *out, struct err *err) {
	_cleanup_free_ char *id = strv_printf("%s/%s/%s", whole->display_id, strrchr(type->name, '/') + 1, name);
	struct arm_target t;
	if (!id)
		return err_oom(err);
	int rc = arm_parse_id(id, type->name, &t, err);
	if (rc == 0)
		rc = resource_load(call->tx, id, out, err);
	return rc == -ENOENT ? resource_new(&t, type->name, out, err) : rc;
}

static int write_part(struct arm_call *call, const struct resource *whole, const json_t *element, const struct recorded_parts *parts,
	json_t *names, struct err *err) {
	const char *name = json_str(element, "name");
	_cleanup_resource_ struct resource part = {0};
	if (!name)
		return recorded_invalid(err, "A required property 'name' is missing in an element of '%s'.", whole->display_id);
	_cleanup_free_ char *key = strv_lower(name);
	if (!key || (!json_object_get(names, key) && json_object_set_new(names, key, json_true()) < 0))
		return err_oom(err);
	int rc = load_part(call, whole, parts->type, name, &part, err);
	if (rc == 0)
		rc = parts->put(call, &part, element, false, err);
	return rc < 0 ? rc : resource_save(call->tx, &part, err);
}

struct leftovers {
	struct arm_call *call;
	const struct arm_type *type;
	const json_t *names;  // what stays, in lower case
};

static int remove_unnamed(void *ctx, struct store_tx *tx, struct resource *part, struct err *err) {
	struct leftovers *l = ctx;
	_cleanup_free_ char *key = strv_lower(part->name);
	if (!key)
		return err_oom(err);
	if (json_object_get(l->names, key))
		return 0;
	int rc = l->type->remove(l->call, part, err);
	return rc < 0 ? rc : resource_delete(tx, part, err);
}

int recorded_write_parts(struct arm_call *call, const struct resource *whole, const json_t *given, const struct recorded_parts *parts,
	struct err *err) {
	if (!given || json_is_null(given))
		return 0;
	if (!json_is_array(given) || json_array_size(given) > RECORDED_PARTS_MAX)
		return recorded_invalid(err, "The property '%s' must be an array of at most %d elements.", parts->member, RECORDED_PARTS_MAX);
	_cleanup_json_ json_t *names = json_object();
	if (!names)
		return err_oom(err);
	int rc = 0;
	size_t i;
	json_t *element;
	json_array_foreach((json_t *)(uintptr_t)given, i, element) {
		const char *name = json_str(element, "name");
		_cleanup_free_ char *key = name ? strv_lower(name) : NULL;
		if (key && json_object_get(names, key))
			return recorded_invalid(err, "The name '%s' is in '%s' twice.", name, parts->member);
		rc = write_part(call, whole, element, parts, names, err);
		if (rc < 0)
			return rc;
	}
	struct leftovers leftovers = {.call = call, .type = parts->type, .names = names};
	rc = resource_each_below(call->tx, whole->id, parts->type->name, remove_unnamed, &leftovers, err);
	return rc < 0 ? rc : parts->check(whole, given, err);
}

struct showing {
	struct arm_call *call;
	const struct arm_type *type;
	json_t *list;
};

static int show_part(void *ctx, struct store_tx *tx, struct resource *part, struct err *err) {
	(void)tx;
	struct showing *s = ctx;
	json_t *shown = NULL;
	int rc = resource_show(part, &shown, err);
	if (rc < 0)
		return rc;
	if (json_array_append_new(s->list, shown) < 0)
		return err_oom(err);
	return s->type->show ? s->type->show(s->call, part, shown, err) : 0;
}

int recorded_show_parts(struct arm_call *call, const struct resource *whole, json_t *shown, const struct recorded_parts *parts,
	struct err *err) {
	struct showing s = {.call = call, .type = parts->type, .list = json_array()};
	if (json_set(json_object_get(shown, "properties"), parts->member, s.list) < 0)
		return err_oom(err);
	return resource_each_below(call->tx, whole->id, parts->type->name, show_part, &s, err);
}
