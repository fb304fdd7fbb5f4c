// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/resourceGroups.
#include <errno.h>

#include "base/strv.h"
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
	.remove = remove_group,
	.settled = settled,
};
