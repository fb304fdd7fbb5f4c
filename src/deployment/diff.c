// SPDX-License-Identifier: Apache-2.0
#include "deployment/diff.h"

#include <stdio.h>
#include <string.h>

#include "base/strv.h"

// By dotted path; '*' also stands for several steps.
static const char *const volatile_members[] = {
	"etag", "*.etag", "systemData", "*.provisioningState", "*.resourceGuid", "*.instanceView",
	"identity.principalId", "identity.tenantId", "identity.userAssignedIdentities.*.principalId",
	"identity.userAssignedIdentities.*.clientId", "properties.principalId", "properties.clientId", "properties.uniqueId",
	"properties.vmId", "properties.timeCreated", "properties.createdOn", "properties.updatedOn", "properties.createdBy",
	"properties.updatedBy", "properties.createdDate", "properties.modifiedDate", "properties.creationTime",
	"properties.lastModifiedTime", "properties.lastKeyRotationTimestamp", "properties.attributes.created",
	"properties.attributes.updated", "properties.keyUriWithVersion", "properties.secretUriWithVersion", "properties.customerId",
};

static bool is_volatile(const char *path) {
	for (size_t i = 0; i < ARRAY_SIZE(volatile_members); i++)
		if (strv_glob_nocase(volatile_members[i], path))
			return true;
	return false;
}

static char *join(const char *path, const char *name) {
	return path[0] ? strv_printf("%s.%s", path, name) : strdup(name);
}

static json_t *member_nocase(const json_t *object, const char *name) {
	json_t *found = json_object_get(object, name);
	const char *key;
	json_t *value;
	if (!found)
		json_object_foreach((json_t *)(uintptr_t)object, key, value)
			if (strv_eq_nocase(key, name))
				return value;
	return found;
}

static int visible(const json_t *shown, const json_t *wanted, const char *path, json_t **out, struct err *err);

static int visible_object(const json_t *shown, const json_t *wanted, const char *path, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	const char *name;
	json_t *value;
	if (!made)
		return err_oom(err);
	json_object_foreach((json_t *)(uintptr_t)shown, name, value) {
		_cleanup_free_ char *inner = join(path, name);
		const json_t *asked = member_nocase(wanted, name);
		json_t *kept = NULL;
		if (!inner)
			return err_oom(err);
		if (json_is_null(value) || (!asked && is_volatile(inner)))
			continue;
		int rc = visible(value, asked, inner, &kept, err);
		if (rc < 0)
			return rc;
		// Where nothing but that was, nothing is.
		if (json_is_object(kept) && json_object_size(kept) == 0 && json_object_size(value) > 0 && !asked)
			json_decref(kept);
		else if (json_set(made, name, kept) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(made);
	return 0;
}

static int visible_array(const json_t *shown, const json_t *wanted, const char *path, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	size_t i;
	json_t *value;
	if (!made)
		return err_oom(err);
	json_array_foreach((json_t *)(uintptr_t)shown, i, value) {
		json_t *kept = NULL;
		int rc = visible(value, json_array_get(wanted, i), path, &kept, err);
		if (rc < 0)
			return rc;
		if (json_array_append_new(made, kept) < 0)
			return err_oom(err);
	}
	*out = TAKE_PTR(made);
	return 0;
}

static int visible(const json_t *shown, const json_t *wanted, const char *path, json_t **out, struct err *err) {
	if (json_is_object(shown))
		return visible_object(shown, wanted, path, out, err);
	if (json_is_array(shown))
		return visible_array(shown, wanted, path, out, err);
	json_t *copy = json_copy((json_t *)(uintptr_t)shown);
	if (!copy)
		return err_oom(err);
	*out = copy;
	return 0;
}

int diff_visible(const json_t *shown, const json_t *wanted, json_t **out, struct err *err) {
	return visible(shown, wanted, "", out, err);
}

// `children` is stolen, also on failure.
static int add(json_t *list, const char *path, const char *kind, const json_t *before, const json_t *after, json_t *children,
	struct err *err) {
	json_t *change = json_pack("{s:s, s:s, s:O?, s:O?, s:o?}", "path", path, "propertyChangeType", kind, "before", before, "after",
		after, "children", children);
	return json_array_append_new(list, change) < 0 ? err_oom(err) : 0;
}

static int compare(json_t *list, const char *path, const json_t *before, const json_t *after, struct err *err);

static int compare_members(json_t *list, const char *path, const json_t *before, const json_t *after, struct err *err) {
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)before, name, value) {
		_cleanup_free_ char *inner = join(path, name);
		int rc = inner ? compare(list, inner, value, json_object_get(after, name), err) : err_oom(err);
		if (rc < 0)
			return rc;
	}
	json_object_foreach((json_t *)(uintptr_t)after, name, value) {
		if (json_object_get(before, name))
			continue;
		_cleanup_free_ char *inner = join(path, name);
		int rc = inner ? compare(list, inner, NULL, value, err) : err_oom(err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// The change of one element; what changes inside an object has paths of its own, from the element on.
static int compare_element(json_t *list, size_t place, const json_t *before, const json_t *after, struct err *err) {
	char path[24];
	(void)snprintf(path, sizeof(path), "%zu", place);
	if (!json_is_object(before) || !json_is_object(after))
		return compare(list, path, before, after, err);
	json_t *children = json_array();
	if (!children)
		return err_oom(err);
	int rc = compare_members(children, "", before, after, err);
	if (rc < 0 || json_array_size(children) == 0) {
		json_decref(children);
		return rc;
	}
	return add(list, path, "Modify", NULL, NULL, children, err);
}

static int compare_elements(json_t *list, const char *path, const json_t *before, const json_t *after, struct err *err) {
	json_t *children = json_array();
	size_t had = json_array_size(before), has = json_array_size(after);
	int rc = children ? 0 : err_oom(err);
	for (size_t i = 0; rc == 0 && i < (had > has ? had : has); i++)
		rc = compare_element(children, i, json_array_get(before, i), json_array_get(after, i), err);
	if (rc < 0 || json_array_size(children) == 0) {
		json_decref(children);
		return rc;
	}
	return add(list, path, "Array", NULL, NULL, children, err);
}

static int compare(json_t *list, const char *path, const json_t *before, const json_t *after, struct err *err) {
	if (!before || !after)
		return add(list, path, before ? "Delete" : "Create", before, after, NULL, err);
	if (json_is_object(before) && json_is_object(after))
		return compare_members(list, path, before, after, err);
	if (json_is_array(before) && json_is_array(after))
		return compare_elements(list, path, before, after, err);
	return json_equal(before, after) ? 0 : add(list, path, "Modify", before, after, NULL, err);
}

int diff_members(const json_t *before, const json_t *after, json_t **out, struct err *err) {
	_cleanup_json_ json_t *list = json_array();
	if (!list)
		return err_oom(err);
	int rc = compare_members(list, "", before, after, err);
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(list);
	return 0;
}
