// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults/accessPolicies: PUT {vault}/accessPolicies/{add|replace|remove} changes the policies of the objects
// it names, and no others.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

static int read_kind(const char *name, enum vault_policy_merge *out, struct err *err) {
	static const char *const kinds[] = {
		[VAULT_POLICY_ADD] = "add", [VAULT_POLICY_REPLACE] = "replace", [VAULT_POLICY_REMOVE] = "remove"};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strv_eq_nocase(kinds[i], name)) {
			*out = (enum vault_policy_merge)i;
			return 0;
		}
	return vaults_bad_request(err, "The operation '%s' on access policies is none of add, replace and remove.", name);
}

static int answer(struct arm_call *call, const struct resource *vault, struct err *err) {
	json_t *policies = NULL;
	int rc = vault_policies_get(call->tx, vault->name, &policies, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:s+, s:s, s:{s:o}}", "id", vault->display_id, "/accessPolicies/", "type",
		"Microsoft.KeyVault/vaults/accessPolicies", "properties", "accessPolicies", policies);
	return call->response->json ? 0 : err_oom(err);
}

static int change_policies(struct arm_call *call, const char *vault_id, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	_cleanup_resource_ struct resource r = {0};
	enum vault_policy_merge how;
	struct vault_record v;
	int rc = arm_authorize(call, vault_id, "Microsoft.KeyVault/vaults/accessPolicies/write", err);
	if (rc == 0)
		rc = read_kind(call->target->name, &how, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = resource_load(call->tx, vault_id, &r, err);
	if (rc == 0)
		rc = vault_find(call->tx, r.name, &v, err);
	if (rc == 0)
		rc = vault_policies_merge(call->tx, &v, how, json_at(body, "properties.accessPolicies"), err);
	if (rc == 0)
		rc = vaults_record(call, &v, "VaultAccessPolicyChangedEventGridNotification", err);
	return rc < 0 ? rc : answer(call, &r, err);
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "PUT") != 0 || !call->target->name[0] || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Access policies are changed with PUT, and read with their vault.");
	char vault_id[ARM_ID_MAX];
	arm_parent_id(call->target->id, vault_id);
	return change_policies(call, vault_id, err);
}

const struct arm_type vault_access_policies_type = {
	.name = "Microsoft.KeyVault/vaults/accessPolicies", .versions = versions_vaults, .raw = handle};
