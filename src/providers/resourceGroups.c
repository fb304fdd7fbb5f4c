// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/resourceGroups.
#include <errno.h>

#include "base/strv.h"
#include "providers/providers.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.()"
enum { NAME_MAX_LENGTH = 90 };

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call, (void)body, (void)patch;
	if (!strv_made_of(r->name, NAME_CHARACTERS, 1, NAME_MAX_LENGTH) || strv_ends_with_nocase(r->name, "."))
		return err_set(err, -EINVAL, 400, "InvalidResourceGroup", "The resource group name '%s' is not valid.", r->name);
	return resource_set_property(r, "provisioningState", "Succeeded", err);
}

static int count_member(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx, (void)err;
	if (!strv_eq_nocase(r->type, "Microsoft.Resources/resourceGroups"))
		++*(int *)ctx;
	return 0;
}

static int remove_group(struct arm_call *call, struct resource *r, struct err *err) {
	int members = 0;
	int rc = resource_each(call->tx, r->subscription, r->group, "", count_member, &members, err);
	if (rc < 0 || members == 0)
		return rc;
	return err_set(err, -EBUSY, 409, "ResourceGroupDeletionBlocked",
		"Deletion of resource group '%s' failed as it still holds %d resources. Delete them first.", r->name, members);
}

const struct arm_type resource_groups_type = {
	.name = "Microsoft.Resources/resourceGroups",
	.container = true,
	.has_location = true,
	.put = put,
	.remove = remove_group,
};
