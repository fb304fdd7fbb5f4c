// SPDX-License-Identifier: Apache-2.0
// Azure's built-in roles that matter here, with their public GUIDs, and the one role of our own.
#include "access/access.h"
#include "base/strv.h"

// What the roles on the objects of a vault share.
#define RBAC_ONLY "Only works for key vaults that use the 'Azure role-based access control' permission model."
#define VAULT_READS \
	"Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* " \
	"Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* " \
	"Microsoft.KeyVault/checkNameAvailability/read Microsoft.KeyVault/deletedVaults/read " \
	"Microsoft.KeyVault/locations/*/read Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read"

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
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.KeyVault/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/*",
		.not_actions = "Microsoft.KeyVault/locations/deletedVaults/purge/action Microsoft.KeyVault/hsmPools/* "
			       "Microsoft.KeyVault/managedHsms/*",
	},
	{
		.id = "18500a29-7fe2-46b2-a342-b16a415e101d",
		.name = "Managed HSM contributor",
		.description = "Lets you manage managed HSM pools, but not access to them.",
		.actions = "Microsoft.KeyVault/managedHSMs/* Microsoft.KeyVault/deletedManagedHsms/read "
			   "Microsoft.KeyVault/locations/deletedManagedHsms/read "
			   "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action "
			   "Microsoft.KeyVault/locations/managedHsmOperationResults/read",
	},
	{
		.id = "a68e7c17-0ab2-4c09-9a58-125dae29748c",
		.name = "Key Vault Purge Operator",
		.description = "Allows permanent deletion of soft-deleted vaults.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.KeyVault/deletedVaults/read "
			   "Microsoft.KeyVault/locations/deletedVaults/read "
			   "Microsoft.KeyVault/locations/deletedVaults/purge/action "
			   "Microsoft.KeyVault/locations/operationResults/read",
	},
	{
		.id = "8b54135c-b56d-4d72-a534-26097cfdc8d8",
		.name = "Key Vault Data Access Administrator",
		.description = "Manage access to Azure Key Vault by adding or removing role assignments for the Key Vault "
			       "Administrator, Key Vault Certificates Officer, Key Vault Crypto Officer, Key Vault Crypto Service "
			       "Encryption User, Key Vault Crypto User, Key Vault Reader, Key Vault Secrets Officer, or Key Vault "
			       "Secrets User roles. Includes an ABAC condition to constrain role assignments.",
		.actions = "Microsoft.Authorization/roleAssignments/write Microsoft.Authorization/roleAssignments/delete "
			   "Microsoft.Authorization/*/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/subscriptions/read "
			   "Microsoft.Management/managementGroups/read Microsoft.Support/* Microsoft.KeyVault/vaults/*/read",
		.assignable = "00482a5a-887f-4fb3-b363-3b7fe8e74483 a4417e6f-fecd-4de8-b567-7b0420556985 "
			      "14b46e9e-c2b7-41b4-b07b-48a6ebf60603 e147488a-f6f5-4113-8e2d-b22465e65bf6 "
			      "12338af0-0e69-4776-bea7-57ae8d297424 21090545-7ca7-4776-b22c-e363652d74d2 "
			      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7 4633458b-17de-408a-b874-0445c86b69e6",
	},
	{
		.id = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
		.name = "Key Vault Administrator",
		.description = "Perform all data plane operations on a key vault and all objects in it, including certificates, keys, "
			       "and secrets. Cannot manage key vault resources or manage role assignments. " RBAC_ONLY,
		.actions = VAULT_READS,
		.data_actions = "Microsoft.KeyVault/vaults/*",
	},
	{
		.id = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
		.name = "Key Vault Crypto Officer",
		.description = "Perform any action on the keys of a key vault, except manage permissions. " RBAC_ONLY,
		.actions = VAULT_READS,
		.data_actions = "Microsoft.KeyVault/vaults/keys/* Microsoft.KeyVault/vaults/keyrotationpolicies/*",
	},
	{
		.id = "12338af0-0e69-4776-bea7-57ae8d297424",
		.name = "Key Vault Crypto User",
		.description = "Perform cryptographic operations using keys. " RBAC_ONLY,
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/update/action "
				"Microsoft.KeyVault/vaults/keys/backup/action Microsoft.KeyVault/vaults/keys/encrypt/action "
				"Microsoft.KeyVault/vaults/keys/decrypt/action Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action Microsoft.KeyVault/vaults/keys/sign/action "
				"Microsoft.KeyVault/vaults/keys/verify/action",
	},
	{
		.id = "e147488a-f6f5-4113-8e2d-b22465e65bf6",
		.name = "Key Vault Crypto Service Encryption User",
		.description = "Read metadata of keys and perform wrap/unwrap operations. " RBAC_ONLY,
		.actions = "Microsoft.EventGrid/eventSubscriptions/write Microsoft.EventGrid/eventSubscriptions/read "
			   "Microsoft.EventGrid/eventSubscriptions/delete",
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action",
	},
	{
		.id = "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
		.name = "Key Vault Crypto Service Release User",
		.description = "Release keys. " RBAC_ONLY,
		.data_actions = "Microsoft.KeyVault/vaults/keys/release/action",
	},
	{
		.id = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
		.name = "Key Vault Secrets Officer",
		.description = "Perform any action on the secrets of a key vault, except manage permissions. " RBAC_ONLY,
		.actions = VAULT_READS,
		.data_actions = "Microsoft.KeyVault/vaults/secrets/*",
	},
	{
		.id = "4633458b-17de-408a-b874-0445c86b69e6",
		.name = "Key Vault Secrets User",
		.description = "Read secret contents. " RBAC_ONLY,
		.data_actions = "Microsoft.KeyVault/vaults/secrets/getSecret/action "
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	},
	{
		.id = "a4417e6f-fecd-4de8-b567-7b0420556985",
		.name = "Key Vault Certificates Officer",
		.description = "Perform any action on the certificates of a key vault, except manage permissions. " RBAC_ONLY,
		.actions = VAULT_READS,
		.data_actions = "Microsoft.KeyVault/vaults/certificatecas/* Microsoft.KeyVault/vaults/certificates/* "
				"Microsoft.KeyVault/vaults/certificatecontacts/write",
	},
	{
		.id = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
		.name = "Key Vault Certificate User",
		.description = "Read certificate contents. " RBAC_ONLY,
		.data_actions = "Microsoft.KeyVault/vaults/certificates/read Microsoft.KeyVault/vaults/secrets/getSecret/action "
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action Microsoft.KeyVault/vaults/keys/read",
	},
	{
		.id = "21090545-7ca7-4776-b22c-e363652d74d2",
		.name = "Key Vault Reader",
		.description = "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read sensitive values such "
			       "as secret contents or key material. " RBAC_ONLY,
		.actions = VAULT_READS,
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
