// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/resourceGroups.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/filter.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.()"
#define DELETE_KIND "Microsoft.Resources/resourceGroups/delete"
enum { NAME_MAX_LENGTH = 90, DELETE_TIMEOUT = 7200 };

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call, (void)body, (void)patch;
	if (!strv_made_of(r->name, NAME_CHARACTERS, 1, NAME_MAX_LENGTH) || strv_ends_with_nocase(r->name, "."))
		return err_set(err, -EINVAL, 400, "InvalidResourceGroup", "The resource group name '%s' is not valid.", r->name);
	return resource_set_property(r, "provisioningState", "Succeeded", err);
}

// tagName eq 'n' and tagValue eq 'v', or the first of them.
static bool is_by_tag(const struct filter *f) {
	for (size_t i = 0; i < f->term_count; i++)
		if (f->terms[i].test != FILTER_EQ || !strv_eq_nocase(f->terms[i].field, i == 0 ? "tagName" : "tagValue"))
			return false;
	return f->term_count <= 2 && filter_is_conjunction(f);
}

static bool has_tag(const struct resource *r, const char *wanted, const char *wanted_value) {
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(r->body, "tags"), name, value) {
		if (strv_eq_nocase(name, wanted) && (!wanted_value || strcmp(json_string_value(value), wanted_value) == 0))
			return true;
	}
	return false;
}

static int wanted(struct arm_call *call, const struct resource *r, struct err *err) {
	const char *text = http_query(call->request, "$filter");
	struct filter f;
	if (!text || !*text)
		return 1;
	int rc = filter_parse(text, &f, err);
	if (rc == 0 && !is_by_tag(&f))
		rc = err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
			"Invalid $filter '%.200s' specified in the query string.", text);
	return rc < 0 ? rc : has_tag(r, f.terms[0].value, f.term_count == 2 ? f.terms[1].value : NULL);
}

static int remove_group(struct arm_call *call, struct resource *r, struct err *err) {
	int rc = arm_operation_start(call, r, DELETE_KIND, DELETE_TIMEOUT, err);
	if (rc == 0)
		rc = arm_group_delete(call, r, err);
	return rc < 0 ? rc : resource_set_property(r, "provisioningState", "Deleting", err);
}

static int settled(struct arm *arm, struct store_tx *tx, struct resource *r, const char *kind, const struct err *failure,
	struct err *err) {
	(void)kind;
	if (!failure) {
		int rc = arm_scope_removed(arm, tx, r->id, err);
		return rc < 0 ? rc : resource_delete(tx, r, err);
	}
	int rc = resource_set_property(r, "provisioningState", "Succeeded", err);
	return rc < 0 ? rc : resource_save(tx, r, err);
}

const struct arm_type resource_groups_type = {
	.name = "Microsoft.Resources/resourceGroups",
	.versions = versions_resources,
	.container = true,
	.has_location = true,
	.put = put,
	.wanted = wanted,
	.remove = remove_group,
	.settled = settled,
};
