// SPDX-License-Identifier: Apache-2.0
#include "providers/providers.h"

const struct arm_type *const provider_types[] = {
	&tenants_type,
	&subscriptions_type,
	&resource_providers_type,
	&subscription_resources_type,
	&group_resources_type,
	&resource_groups_type,
	&user_assigned_identities_type,
	&role_assignments_type,
	&role_definitions_type,
	&vaults_type,
	&vault_access_policies_type,
	&deleted_vaults_type,
	&deleted_vaults_list_type,
	&vault_names_type,
	&managed_hsms_type,
	&deleted_managed_hsms_type,
	&deleted_managed_hsms_list_type,
	&managed_hsm_names_type,
	&disk_encryption_sets_type,
	&disks_type,
	&virtual_machines_type,
	&hypervisors_type,
};
const size_t provider_type_count = ARRAY_SIZE(provider_types);
