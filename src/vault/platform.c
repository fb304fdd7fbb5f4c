// SPDX-License-Identifier: Apache-2.0
// What a vault with access policies opens to the platform's own compute service, the host agent: enabledForDeployment and
// enabledForDiskEncryption (Azure REST reference, VaultProperties; Azure Disk Encryption wraps a secret that it writes).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"

static const struct {
	const char *collection, *permission;
	bool deployment;  // with enabledForDeployment too
} disk_encryption[] = {
	{"keys", "get", false},
	{"keys", "wrapKey", false},
	{"keys", "unwrapKey", false},
	{"secrets", "get", true},
	{"secrets", "set", false},
};

static bool opened(const struct vault_record *v, const char *collection, const char *permission) {
	for (size_t i = 0; i < ARRAY_SIZE(disk_encryption); i++)
		if (strcmp(disk_encryption[i].collection, collection) == 0 &&
			strv_eq_nocase(disk_encryption[i].permission, permission))
			return v->for_disk_encryption || (v->for_deployment && disk_encryption[i].deployment);
	return false;
}

int platform_calls(const struct call *c, struct store_tx *tx, bool *out, struct err *err) {
	char subscription[ENC_UUID_SIZE], scope[sizeof("/subscriptions/") + ENC_UUID_SIZE];
	*out = false;
	// Without its id the scope would be that of all subscriptions.
	if (!vault_subscription(&c->vault, subscription)[0])
		return 0;
	(void)snprintf(scope, sizeof(scope), "/subscriptions/%s", subscription);
	return access_holds_role(tx, c->caller.oid, ACCESS_ROLE_HYPERVISOR, "Custodisk.Host/hypervisors", scope, out, err);
}

int platform_check(const struct call *c, struct store_tx *tx, const char *collection, struct err *err) {
	bool platform = false;
	if (!opened(&c->vault, collection, c->op->permission))
		return -EACCES;
	int rc = platform_calls(c, tx, &platform, err);
	return rc < 0 ? rc : platform ? 0 : -EACCES;
}
