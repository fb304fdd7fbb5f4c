// SPDX-License-Identifier: Apache-2.0
// Azure's built-in roles that matter here, with their public GUIDs, and the one role of our own.
#include "access/access.h"
#include "base/strv.h"

static const struct access_role roles[] = {
	{
		.id = ACCESS_ROLE_OWNER,
		.name = "Owner",
		.description = "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
		.actions = "*",
	},
	{
		.id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
		.name = "Contributor",
		.description = "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.",
		.actions = "*",
		.not_actions = "Microsoft.Authorization/*/Delete Microsoft.Authorization/*/Write "
			       "Microsoft.Authorization/elevateAccess/Action",
	},
	{
		.id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
		.name = "Reader",
		.description = "View all resources, but does not allow you to make any changes.",
		.actions = "*/read",
	},
	{
		.id = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
		.name = "User Access Administrator",
		.description = "Lets you manage user access to Azure resources.",
		.actions = "*/read Microsoft.Authorization/* Microsoft.Support/*",
	},
	{
		.id = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
		.name = "Managed Identity Contributor",
		.description = "Create, Read, Update, and Delete User Assigned Identity.",
		.actions = "Microsoft.ManagedIdentity/userAssignedIdentities/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/write "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/delete Microsoft.Authorization/*/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "f1a07417-d97a-45cb-824c-7a7467783830",
		.name = "Managed Identity Operator",
		.description = "Read and Assign User Assigned Identity.",
		.actions = "Microsoft.ManagedIdentity/userAssignedIdentities/*/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action Microsoft.Authorization/*/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
		.name = "Virtual Machine Contributor",
		.description = "Lets you manage virtual machines, but not access to them.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Compute/virtualMachines/* Microsoft.Compute/locations/* "
			   "Microsoft.Compute/disks/write Microsoft.Compute/disks/read Microsoft.Compute/disks/delete "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "f25e0fa2-a7c8-4377-a976-54943a77a395",
		.name = "Key Vault Contributor",
		.description = "Lets you manage key vaults, but not access to them.",
		.actions = "Microsoft.Authorization/*/read Microsoft.KeyVault/* Microsoft.Resources/subscriptions/resourceGroups/read",
		.not_actions = "Microsoft.KeyVault/locations/deletedVaults/purge/action Microsoft.KeyVault/hsmPools/* "
			       "Microsoft.KeyVault/managedHsms/*",
	},
	{
		.id = "a68e7c17-0ab2-4c09-9a58-125dae29748c",
		.name = "Key Vault Purge Operator",
		.description = "Allows permanent deletion of soft-deleted vaults.",
		.actions = "Microsoft.KeyVault/locations/deletedVaults/read Microsoft.KeyVault/deletedVaults/read "
			   "Microsoft.KeyVault/locations/deletedVaults/purge/action "
			   "Microsoft.KeyVault/locations/operationResults/read",
	},
	{
		.id = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
		.name = "Key Vault Administrator",
		.description = "Perform all data plane operations on a key vault and all objects in it.",
		.actions = "Microsoft.Authorization/*/read Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/*",
	},
	{
		.id = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
		.name = "Key Vault Crypto Officer",
		.description = "Perform any action on the keys of a key vault, except manage permissions.",
		.actions = "Microsoft.Authorization/*/read Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/keys/* Microsoft.KeyVault/vaults/keyrotationpolicies/*",
	},
	{
		.id = "12338af0-0e69-4776-bea7-57ae8d297424",
		.name = "Key Vault Crypto User",
		.description = "Perform cryptographic operations using keys.",
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/update/action "
				"Microsoft.KeyVault/vaults/keys/backup/action Microsoft.KeyVault/vaults/keys/encrypt/action "
				"Microsoft.KeyVault/vaults/keys/decrypt/action Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action Microsoft.KeyVault/vaults/keys/sign/action "
				"Microsoft.KeyVault/vaults/keys/verify/action",
	},
	{
		.id = "e147488a-f6f5-4113-8e2d-b22465e65bf6",
		.name = "Key Vault Crypto Service Encryption User",
		.description = "Read metadata of keys and perform wrap/unwrap operations.",
		.actions = "Microsoft.EventGrid/eventSubscriptions/write Microsoft.EventGrid/eventSubscriptions/read "
			   "Microsoft.EventGrid/eventSubscriptions/delete",
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action",
	},
	{
		.id = "21090545-7ca7-4776-b22c-e363652d74d2",
		.name = "Key Vault Reader",
		.description = "Read metadata of key vaults and its certificates, keys, and secrets.",
		.actions = "Microsoft.Authorization/*/read Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	},
	{
		.id = ACCESS_ROLE_HYPERVISOR,
		.name = "Custodisk Hypervisor",
		.description = "Take the desired state of a hypervisor's disks and machines and report what is.",
		.data_actions = "Custodisk.Host/hypervisors/poll/action",
	},
};

const struct access_role *access_roles(size_t *count) {
	*count = ARRAY_SIZE(roles);
	return roles;
}

const struct access_role *access_role_by_id(const char *guid) {
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strv_eq_nocase(roles[i].id, guid))
			return &roles[i];
	return NULL;
}
