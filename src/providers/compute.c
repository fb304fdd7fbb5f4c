// SPDX-License-Identifier: Apache-2.0
#include "providers/compute.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

int compute_check_quota(struct arm_call *call, const char *type, int64_t most, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM resources WHERE type = $1", "s", type);
	if (rc < 0)
		return rc;
	return count < most ? 0
			    : compute_not_allowed(err, "Operation could not be completed as it results in exceeding the quota of %lld "
						       "resources of type %s.", (long long)most, type);
}

const char *compute_disk_set(const struct resource *disk) {
	const char *id = resource_property(disk, "securityProfile.secureVMDiskEncryptionSetId");
	return id ? id : resource_property(disk, "encryption.diskEncryptionSetId");
}

const char *compute_disk_current_key(const struct resource *disk) {
	return resource_hidden(disk, "currentKeyUrl");
}

bool compute_disk_confidential(const struct resource *disk) {
	const char *type = resource_property(disk, "securityProfile.securityType");
	return type && strv_starts_with_nocase(type, "ConfidentialVM");
}

int compute_disk_owner(struct store_tx *tx, const struct resource *disk, struct resource *machine, struct err *err) {
	const char *owner = json_str(disk->body, "managedBy");
	return owner ? resource_load(tx, owner, machine, err) : -ENOENT;
}

bool compute_machine_deallocated(const struct resource *machine) {
	const char *desired = resource_hidden(machine, "desired"), *power = resource_hidden(machine, "power");
	return desired && power && strcmp(desired, "deallocated") == 0 && strcmp(power, "deallocated") == 0;
}

int compute_set_identity(struct store_tx *tx, const struct resource *set, char client_id[static ENC_UUID_SIZE],
	struct err *err) {
	const json_t *assigned = json_at(set->body, "identity.userAssignedIdentities");
	void *first = json_object_iter((json_t *)(uintptr_t)assigned);
	_cleanup_free_ char *id = strv_lower(first ? json_object_iter_key(first) : set->id);
	if (!id)
		return err_oom(err);
	struct entra_principal principal;
	int rc = entra_find_managed_identity(tx, id, &principal, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 403, "KeyVaultAccessTokenCannotBeAcquired",
			"The identity '%s' of disk encryption set '%s' does not exist.", id, set->display_id);
	return rc < 0 ? rc : strv_copy(client_id, ENC_UUID_SIZE, principal.app_id);
}
