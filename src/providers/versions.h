// SPDX-License-Identifier: Apache-2.0
// The API versions that resource types answer, newest first, ended by NULL: for struct arm_type.
#pragma once

extern const char *const versions_resources[];
extern const char *const versions_features[];
extern const char *const versions_subscription[];
extern const char *const versions_activity_log[];
extern const char *const versions_identities[];
extern const char *const versions_federated_credentials[];
extern const char *const versions_vaults[];
extern const char *const versions_managed_hsms[];
extern const char *const versions_diagnostics[];
extern const char *const versions_machines[];
extern const char *const versions_skus[];
extern const char *const versions_disks[];
extern const char *const versions_disk_encryption_sets[];
extern const char *const versions_network[];
extern const char *const versions_private_dns[];
extern const char *const versions_workspaces[];
extern const char *const versions_storage[];
extern const char *const versions_own[];
