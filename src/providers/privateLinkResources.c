// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults/privateLinkResources: what a private endpoint can be made to.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

#define TYPE "Microsoft.KeyVault/vaults/privateLinkResources"

static int handle(struct arm_call *call, struct err *err) {
	struct vault_record v;
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0] || call->target->tail[0])
		return vaults_method_not_allowed(call, err);
	int rc = arm_authorize(call, call->target->id, TYPE "/read", err);
	if (rc == 0)
		rc = vaults_parent(call, &v, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:[{s:s+, s:s, s:s, s:{s:s, s:[s], s:[s]}}]}", "value", "id", v.resource_id,
		"/privateLinkResources/vault", "name", "vault", "type", TYPE, "properties", "groupId", "vault", "requiredMembers",
		"default", "requiredZoneNames", "privatelink.vaultcore.azure.net");
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type vault_link_resources_type = {.name = TYPE, .versions = versions_vaults, .raw = handle};
