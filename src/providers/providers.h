// SPDX-License-Identifier: Apache-2.0
// The resource types. A new one is a new file with a descriptor, and its line in the table of providers.c.
#pragma once

#include "arm/type.h"

extern const struct arm_type resource_groups_type, subscriptions_type, user_assigned_identities_type, vaults_type,
	deleted_vaults_type, role_assignments_type, role_definitions_type, locks_type, permissions_type,
	provider_operations_type, deny_assignments_type,
	classic_administrators_type, elevate_access_type, disk_encryption_sets_type, disks_type,
	virtual_machines_type, hypervisors_type, tenants_type, resource_providers_type, subscription_resources_type,
	group_resources_type, vault_names_type, deleted_vaults_list_type, vault_access_policies_type,
	vault_keys_type, vault_key_versions_type, vault_secrets_type, vault_connections_type, vault_link_resources_type,
	diagnostic_settings_type, diagnostic_categories_type, vault_operations_type, identity_operations_type,
	federated_identity_credentials_type, system_assigned_identities_type,
	managed_hsms_type, managed_hsm_names_type, deleted_managed_hsms_type, deleted_managed_hsms_list_type,
	subscription_locations_type, deployments_type, deployment_operations_type, template_hash_type, group_export_type,
	subscription_rename_type, subscription_cancel_type, subscription_enable_type,
	subscription_aliases_type, tags_type, tag_names_type, tag_values_type, move_resources_type,
	validate_move_resources_type, resource_names_type, activity_log_type, features_type, all_features_type,
	directory_tenants_type, feature_requests_type, approve_feature_type,
	compute_usages_type, compute_sizes_type, compute_skus_type;

// Recorded.
extern const struct arm_type virtual_networks_type, subnets_type, network_security_groups_type, security_rules_type,
	network_interfaces_type, private_endpoints_type, private_dns_zone_groups_type, private_dns_zones_type,
	private_dns_zone_links_type, workspaces_type, storage_accounts_type, storage_names_type;

extern const struct arm_type *const provider_types[];
extern const size_t provider_type_count;

extern const struct arm_job_kind *const provider_jobs[];
extern const size_t provider_job_count;
