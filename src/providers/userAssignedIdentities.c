// SPDX-License-Identifier: Apache-2.0
// Microsoft.ManagedIdentity/userAssignedIdentities.
#include <errno.h>

#include "base/strv.h"
#include "entra/directory.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)body, (void)patch;
	struct entra_principal principal;
	if (!strv_made_of(r->name, NAME_CHARACTERS, 3, 128))
		return err_set(err, -EINVAL, 400, "InvalidResourceName",
			"The identity name '%s' must have 3 to 128 letters, digits, hyphens and underscores.", r->name);
	int rc = entra_add_managed_identity(call->tx, call->caller->tenant, r->id, r->name, &principal, err);
	if (rc == 0)
		rc = resource_set_property(r, "tenantId", principal.tenant_id, err);
	if (rc == 0)
		rc = resource_set_property(r, "principalId", principal.object_id, err);
	if (rc == 0)
		rc = resource_set_property(r, "clientId", principal.app_id, err);
	return rc;
}

static int remove_identity(struct arm_call *call, struct resource *r, struct err *err) {
	// Whoever they let in was let in as this identity.
	int rc = directory_federated_remove_all(call->tx, r->id, err);
	return rc < 0 ? rc : entra_remove_managed_identity(call->tx, r->id, err);
}

const struct arm_type user_assigned_identities_type = {
	.name = "Microsoft.ManagedIdentity/userAssignedIdentities",
	.versions = versions_identities,
	.deletion_rank = 6,
	.has_location = true,
	.put = put,
	.remove = remove_identity,
};
