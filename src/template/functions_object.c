// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int compute_create_object(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	if (!made)
		return err_oom(err);
	if (c->count % 2 != 0)
		return expects(c, err, "an even number of parameters. The function was invoked with '%zu' parameters.", c->count);
	for (size_t i = 0; i < c->count; i += 2) {
		const char *name;
		int rc = want_string(c, i, &name, err);
		if (rc == 0)
			rc = add_member(c->ev, made, name, c->args[i + 1], err);
		if (rc < 0)
			return rc;
	}
	return deliver(c->ev, TAKE_PTR(made), out, err);
}

static int compute_json(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	int rc = want_string(c, 0, &text, err);
	return rc < 0 ? rc : parse_json(c, text, out, err);
}

static int compute_null(const struct call *c _unused_, json_t **out, struct err *err _unused_) {
	return deliver_same(json_null(), out);
}

static int by_name(const void *a, const void *b) {
	return compare_names(*(const char *const *)a, *(const char *const *)b);
}

// The names of an object's members in alphabetical order; those that differ in case only stay as they stand.
static int sorted_names(const struct call *c, const char ***out, struct err *err) {
	size_t count = json_object_size(c->args[0]), i = 0;
	int rc = spend_elements(c->ev, count, err);
	if (rc < 0)
		return rc;
	const char **names = calloc(count + 1, sizeof(char *));
	const char *name;
	json_t *value;
	if (!names)
		return err_oom(err);
	json_object_foreach (c->args[0], name, value)
		names[i++] = name;
	// glibc's qsort is a merge sort, which is stable, as long as there is memory for it.
	qsort((void *)names, count, sizeof(char *), by_name);
	*out = names;
	return 0;
}

static int add_item(const struct call *c, json_t *array, const char *name, struct err *err) {
	json_t *item = json_pack("{s:s, s:O}", "key", name, "value", json_object_get(c->args[0], name));
	int rc = item ? spend_elements(c->ev, 3, err) : err_oom(err);
	if (rc < 0) {
		json_decref(item);
		return rc;
	}
	return json_array_append_new(array, item) < 0 ? err_oom(err) : 0;
}

static int add_name(const struct call *c, json_t *array, const char *name, struct err *err) {
	int rc = spend_elements(c->ev, 1, err);
	return rc == 0 && json_array_append_new(array, json_string(name)) < 0 ? err_oom(err) : rc;
}

static int each_name(const struct call *c, int (*add)(const struct call *c, json_t *array, const char *name, struct err *err),
	json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	_cleanup_free_ const char **names = NULL;
	int rc = made ? want_object(c, 0, err) : err_oom(err);
	if (rc == 0)
		rc = sorted_names(c, &names, err);
	for (size_t i = 0; rc == 0 && names[i]; i++)
		rc = add(c, made, names[i], err);
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

static int compute_items(const struct call *c, json_t **out, struct err *err) {
	return each_name(c, add_item, out, err);
}

static int compute_object_keys(const struct call *c, json_t **out, struct err *err) {
	return each_name(c, add_name, out, err);
}

static int add_members(const struct call *c, json_t *object, const json_t *from, struct err *err) {
	const char *name;
	json_t *value;
	int rc = 0;
	json_object_foreach ((json_t *)(uintptr_t)from, name, value) {
		rc = add_member(c->ev, object, name, value, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int compute_shallow_merge(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	size_t i;
	json_t *entry;
	int rc = made ? want_array(c, 0, err) : err_oom(err);
	if (rc < 0)
		return rc;
	json_array_foreach (c->args[0], i, entry) {
		if (!json_is_object(entry))
			return expects(c, err, "its parameter to be an array of objects. The provided array has an element of type '%s'.",
				expr_type_name(entry));
		rc = add_members(c, made, entry, err);
		if (rc < 0)
			return rc;
	}
	return deliver(c->ev, TAKE_PTR(made), out, err);
}

const struct function object_functions[] = {
	{"createObject", 0, ANY_COUNT, compute_create_object, NULL},
	{"items", 1, 1, compute_items, NULL},
	{"json", 1, 1, compute_json, NULL},
	{"null", 0, 0, compute_null, NULL},
	{"objectKeys", 1, 1, compute_object_keys, NULL},
	{"shallowMerge", 1, 1, compute_shallow_merge, NULL},
	{0},
};
