// SPDX-License-Identifier: Apache-2.0
// Microsoft.OperationalInsights/workspaces. Recorded: nothing is ingested, and nothing can be queried.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/recorded.h"
#include "providers/versions.h"

static int check_name(const char *name, struct err *err) {
	size_t n = strlen(name);
	if (strv_made_of(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 4, 63) && name[0] != '-' && name[n - 1] != '-')
		return 0;
	return err_set(err, -EINVAL, 400, "InvalidWorkspaceName",
		"The workspace name '%s' is not valid: 4 to 63 letters, digits and '-', which does not stand first or last.", name);
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	(void)call;
	char id[ENC_UUID_SIZE], now[CLOCK_RFC3339_MAX];
	const char *had = resource_property(r, "customerId");
	int rc = check_name(r->name, err);
	if (rc == 0 && !had && enc_uuid(id) < 0)
		rc = err_errno(err, -EIO, "no random numbers");
	if (rc == 0 && had)
		rc = strv_copy(id, sizeof(id), had) < 0 ? err_errno(err, -EINVAL, "the workspace's id") : 0;
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc == 0)
		rc = resource_set_property(r, "customerId", id, err);
	int64_t days = json_int(r->body, "properties.retentionInDays", 30);
	if (rc == 0 && (days < 7 || days > 730))
		rc = err_set(err, -EINVAL, 400, "InvalidParameter", "'retentionInDays' property doesn't match the SKU limits: 7 to 730 days.");
	if (rc == 0 && json_set_int(resource_properties(r), "retentionInDays", days) < 0)
		rc = err_oom(err);
	if (rc == 0 && !resource_property(r, "sku.name") &&
		json_set(resource_properties(r), "sku", json_pack("{s:s}", "name", "PerGB2018")) < 0)
		rc = err_oom(err);
	if (rc == 0)
		rc = resource_set_property(r, "createdDate", clock_rfc3339(r->created, now), err);
	return rc < 0 ? rc : resource_set_property(r, "modifiedDate", clock_rfc3339(clock_now(), now), err);
}

static int remove_workspace(struct arm_call *call, struct resource *r, struct err *err) {
	(void)call, (void)r, (void)err;
	return 0;
}

const struct arm_type workspaces_type = {
	.name = "Microsoft.OperationalInsights/workspaces",
	.versions = versions_workspaces,
	.deletion_rank = 7,
	.has_location = true,
	.has_identity = true,
	.put = put,
	.remove = remove_workspace,
};
