// SPDX-License-Identifier: Apache-2.0
#include "disk/access_errors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/azure.h"

#define FORBIDDEN "KeyVaultAccessForbidden"

bool access_may_pass(int rc) {
	return rc == -EAGAIN || rc == -EBADMSG || rc == -ENOMEM || rc == -EIO || rc == -EINTR;
}

int access_not_enabled(const char *key_url, const char *disk_encryption_set, struct err *err) {
	return err_set(err, -EACCES, 403, "KeyVaultKeyNotEnabled",
		"The key vault key '%s' used for disk encryption set '%s' must be enabled state", key_url, disk_encryption_set);
}

int access_expired(const char *key_url, struct err *err) {
	return err_set(err, -EACCES, 403, FORBIDDEN, "Unable to access key '%s'. Key is expired.", key_url);
}

int access_not_yet_valid(const char *key_url, struct err *err) {
	return err_set(err, -EACCES, 403, FORBIDDEN, "Unable to access key '%s'. Key is not yet valid.", key_url);
}

int access_error(int rc, const char *key_url, const char *disk_encryption_set, struct err *err) {
	if (access_may_pass(rc) || !err)
		return rc;
	struct err why = *err;
	if (strcmp(why.inner, AZURE_INNER_TOKEN) == 0)
		return err_set(err, rc, 403, "KeyVaultAccessTokenCannotBeAcquired",
			"An access token for the identity of disk encryption set '%s' cannot be acquired: %.900s", disk_encryption_set,
			why.message);
	if (rc == -EACCES && strcmp(why.inner, "KeyDisabled") == 0)
		return access_not_enabled(key_url, disk_encryption_set, err);
	if (rc == -EACCES)
		return err_set(err, rc, 403, FORBIDDEN,
			"Unable to access key vault resource '%s' to enable encryption at rest. Please grant get, wrap and unwrap key "
			"permissions to disk encryption set '%s'. Please visit https://aka.ms/keyvaultaccessssecmk for more information.",
			key_url, disk_encryption_set);
	if (rc == -ENOENT)
		return err_set(err, rc, 403, FORBIDDEN,
			"Unable to access key vault resource '%s' to enable encryption at rest. The key used for disk encryption set '%s' "
			"was not found. A deleted key can be recovered while its vault retains it.",
			key_url, disk_encryption_set);
	return err_set(err, rc, 400, "InternalDiskManagementError",
		"The key vault key '%s' cannot be used for disk encryption set '%s': %.800s", key_url, disk_encryption_set, why.message);
}
