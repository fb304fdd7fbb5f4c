// SPDX-License-Identifier: Apache-2.0
// Azure's built-in roles that can be of use here, with their public GUIDs and permissions, and the one role of our own.
#include "access/access.h"
#include "base/strv.h"

static const struct access_role roles[] = {
	// Privileged, and whole subscriptions.
	{
		.id = ACCESS_ROLE_OWNER,
		.name = "Owner",
		.description = "Grants full access to manage all resources, including the ability to assign roles in "
			       "Azure RBAC.",
		.actions = "*",
	},
	{
		.id = "b24988ac-6180-42a0-ab88-20f7382dd24c",
		.name = "Contributor",
		.description = "Grants full access to manage all resources, but does not allow you to assign roles in "
			       "Azure RBAC, manage assignments in Azure Blueprints, or share image galleries.",
		.actions = "*",
		.not_actions = "Microsoft.Authorization/*/Delete Microsoft.Authorization/*/Write "
			       "Microsoft.Authorization/elevateAccess/Action "
			       "Microsoft.Blueprint/blueprintAssignments/write "
			       "Microsoft.Blueprint/blueprintAssignments/delete "
			       "Microsoft.Compute/galleries/share/action Microsoft.Purview/consents/write "
			       "Microsoft.Purview/consents/delete "
			       "Microsoft.Resources/deploymentStacks/manageDenySetting/action "
			       "Microsoft.Subscription/cancel/action Microsoft.Subscription/enable/action",
	},
	{
		.id = "acdd72a7-3385-48ef-bd42-f606fba81ae7",
		.name = "Reader",
		.description = "View all resources, but does not allow you to make any changes.",
		.actions = "*/read",
	},
	{
		.id = ACCESS_ROLE_USER_ACCESS_ADMINISTRATOR,
		.name = "User Access Administrator",
		.description = "Lets you manage user access to Azure resources.",
		.actions = "*/read Microsoft.Authorization/* Microsoft.Support/*",
	},
	{
		.id = "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
		.name = "Role Based Access Control Administrator",
		.description = "Manage access to Azure resources by assigning roles using Azure RBAC. This role does "
			       "not allow you to manage access using other ways, such as Azure Policy.",
		.actions = "Microsoft.Authorization/roleAssignments/write "
			   "Microsoft.Authorization/roleAssignments/delete */read Microsoft.Support/*",
	},
	{
		.id = "28bf596f-4eb7-45ce-b5bc-6cf482fec137",
		.name = "Locks Contributor",
		.description = "Can Manage Locks Operations.",
		.actions = "Microsoft.Authorization/locks/read Microsoft.Authorization/locks/write "
			   "Microsoft.Authorization/locks/delete",
	},
	{
		.id = "36243c78-bf99-498c-9df9-86d9f8d28608",
		.name = "Resource Policy Contributor",
		.description = "Users with rights to create/modify resource policy, create support ticket and read "
			       "resources/hierarchy.",
		.actions = "*/read Microsoft.Authorization/policyassignments/* "
			   "Microsoft.Authorization/policydefinitions/* Microsoft.Authorization/policyexemptions/* "
			   "Microsoft.Authorization/policyenrollments/* "
			   "Microsoft.Authorization/policysetdefinitions/* Microsoft.PolicyInsights/* "
			   "Microsoft.Resources/deployments/* Microsoft.Support/*",
	},
	{
		.id = "4a9ae827-6dc8-4573-8ac7-8239d42aa03f",
		.name = "Tag Contributor",
		.description = "Lets you manage tags on entities, without providing access to the entities "
			       "themselves.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/resources/read "
			   "Microsoft.Resources/subscriptions/resources/read Microsoft.Resources/deployments/* "
			   "Microsoft.Insights/alertRules/* Microsoft.Support/* Microsoft.Resources/tags/*",
	},
	{
		.id = "cfd33db0-3dd1-45e3-aa9d-cdbdf3b6f24e",
		.name = "Support Request Contributor",
		.description = "Lets you create and manage Support requests",
		.actions = "Microsoft.Authorization/*/read Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/*",
	},
	{
		.id = "1c9b6475-caf0-4164-b5a1-2142a7116f4b",
		.name = "Template Spec Contributor",
		.description = "Allows full access to Template Spec operations at the assigned scope.",
		.actions = "Microsoft.Resources/templateSpecs/* Microsoft.Authorization/*/read "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "392ae280-861d-42bd-9ea5-08ee6d83b80e",
		.name = "Template Spec Reader",
		.description = "Allows read access to Template Specs at the assigned scope.",
		.actions = "Microsoft.Resources/templateSpecs/*/read",
	},
	{
		.id = "fa23ad8b-c56e-40d8-ac0c-ce449e1d2c64",
		.name = "Billing Reader",
		.description = "Allows read access to billing data",
		.actions = "Microsoft.Authorization/*/read Microsoft.Billing/*/read Microsoft.Commerce/*/read "
			   "Microsoft.Consumption/*/read Microsoft.Management/managementGroups/read "
			   "Microsoft.CostManagement/*/read Microsoft.Support/*",
	},
	{
		.id = "434105ed-43f6-45c7-a02f-909b2ba83430",
		.name = "Cost Management Contributor",
		.description = "Can view costs and manage cost configuration (e.g. budgets, exports)",
		.actions = "Microsoft.Consumption/* Microsoft.CostManagement/* Microsoft.Billing/billingPeriods/read "
			   "Microsoft.Resources/subscriptions/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
			   "Microsoft.Advisor/configurations/read Microsoft.Advisor/recommendations/read "
			   "Microsoft.Management/managementGroups/read Microsoft.Billing/billingProperty/read",
	},
	{
		.id = "72fafb9e-0641-4937-9268-a91bfd8191a3",
		.name = "Cost Management Reader",
		.description = "Can view cost data and configuration (e.g. budgets, exports)",
		.actions = "Microsoft.Consumption/*/read Microsoft.CostManagement/*/read "
			   "Microsoft.Billing/billingPeriods/read Microsoft.Resources/subscriptions/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
			   "Microsoft.Advisor/configurations/read Microsoft.Advisor/recommendations/read "
			   "Microsoft.Management/managementGroups/read Microsoft.Billing/billingProperty/read",
	},
	{
		.id = "fb1c8493-542b-48eb-b624-b4c8fea62acd",
		.name = "Security Admin",
		.description = "Security Admin Role",
		.actions = "Microsoft.Authorization/*/read Microsoft.Authorization/policyAssignments/* "
			   "Microsoft.Authorization/policyDefinitions/* Microsoft.Authorization/policyExemptions/* "
			   "Microsoft.Authorization/policySetDefinitions/* Microsoft.Insights/alertRules/* "
			   "Microsoft.Management/managementGroups/read "
			   "Microsoft.operationalInsights/workspaces/*/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Security/* "
			   "Microsoft.IoTSecurity/* Microsoft.IoTFirmwareDefense/* Microsoft.Support/*",
	},
	{
		.id = "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
		.name = "Security Reader",
		.description = "Security Reader Role",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/read "
			   "Microsoft.operationalInsights/workspaces/*/read Microsoft.Resources/deployments/*/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Security/*/read "
			   "Microsoft.IoTSecurity/*/read Microsoft.Support/*/read "
			   "Microsoft.Security/iotDefenderSettings/packageDownloads/action "
			   "Microsoft.Security/iotDefenderSettings/downloadManagerActivation/action "
			   "Microsoft.Security/iotSensors/downloadResetPassword/action "
			   "Microsoft.IoTSecurity/defenderSettings/packageDownloads/action "
			   "Microsoft.IoTSecurity/defenderSettings/downloadManagerActivation/action "
			   "Microsoft.Management/managementGroups/read",
	},
	// Identities.
	{
		.id = "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
		.name = "Managed Identity Contributor",
		.description = "Create, Read, Update, and Delete User Assigned Identity",
		.actions = "Microsoft.ManagedIdentity/userAssignedIdentities/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/write "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/delete "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Support/*",
	},
	{
		.id = "f1a07417-d97a-45cb-824c-7a7467783830",
		.name = "Managed Identity Operator",
		.description = "Read and Assign User Assigned Identity",
		.actions = "Microsoft.ManagedIdentity/userAssignedIdentities/*/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Support/*",
	},
	{
		.id = "7e559ce2-48d7-4b27-9128-fa1b247f1308",
		.name = "Managed Identity Federated Identity Credential Contributor",
		.description = "Create, Read, Update, and Delete User Assigned Identity Federated Identity "
			       "Credentials(FIC)",
		.actions = "Microsoft.ManagedIdentity/userAssignedIdentities/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read "
			   "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/*",
	},
	// Key Vault and Managed HSM.
	{
		.id = "00482a5a-887f-4fb3-b363-3b7fe8e74483",
		.name = "Key Vault Administrator",
		.description = "Perform all data plane operations on a key vault and all objects in it, including "
			       "certificates, keys, and secrets. Cannot manage key vault resources or manage role "
			       "assignments. Only works for key vaults that use the 'Azure role-based access control' "
			       "permission model.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/* Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/*",
	},
	{
		.id = "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
		.name = "Key Vault Certificate User",
		.description = "Read certificate contents. Only works for key vaults that use the 'Azure role-based "
			       "access control' permission model.",
		.data_actions = "Microsoft.KeyVault/vaults/certificates/read "
				"Microsoft.KeyVault/vaults/secrets/getSecret/action "
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action "
				"Microsoft.KeyVault/vaults/keys/read",
	},
	{
		.id = "a4417e6f-fecd-4de8-b567-7b0420556985",
		.name = "Key Vault Certificates Officer",
		.description = "Perform any action on the certificates of a key vault, except manage permissions. "
			       "Only works for key vaults that use the 'Azure role-based access control' permission "
			       "model.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/* Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/certificatecas/* Microsoft.KeyVault/vaults/certificates/* "
				"Microsoft.KeyVault/vaults/certificatecontacts/write",
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
		.id = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
		.name = "Key Vault Crypto Officer",
		.description = "Perform any action on the keys of a key vault, except manage permissions. Only works "
			       "for key vaults that use the 'Azure role-based access control' permission model.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/* Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/keys/* Microsoft.KeyVault/vaults/keyrotationpolicies/*",
	},
	{
		.id = "e147488a-f6f5-4113-8e2d-b22465e65bf6",
		.name = "Key Vault Crypto Service Encryption User",
		.description = "Read metadata of keys and perform wrap/unwrap operations. Only works for key vaults "
			       "that use the 'Azure role-based access control' permission model.",
		.actions = "Microsoft.EventGrid/eventSubscriptions/write Microsoft.EventGrid/eventSubscriptions/read "
			   "Microsoft.EventGrid/eventSubscriptions/delete",
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action",
	},
	{
		.id = "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
		.name = "Key Vault Crypto Service Release User",
		.description = "Release keys. Only works for key vaults that use the 'Azure role-based access "
			       "control' permission model.",
		.data_actions = "Microsoft.KeyVault/vaults/keys/release/action",
	},
	{
		.id = "12338af0-0e69-4776-bea7-57ae8d297424",
		.name = "Key Vault Crypto User",
		.description = "Perform cryptographic operations using keys. Only works for key vaults that use the "
			       "'Azure role-based access control' permission model.",
		.data_actions = "Microsoft.KeyVault/vaults/keys/read Microsoft.KeyVault/vaults/keys/update/action "
				"Microsoft.KeyVault/vaults/keys/backup/action "
				"Microsoft.KeyVault/vaults/keys/encrypt/action "
				"Microsoft.KeyVault/vaults/keys/decrypt/action "
				"Microsoft.KeyVault/vaults/keys/wrap/action "
				"Microsoft.KeyVault/vaults/keys/unwrap/action "
				"Microsoft.KeyVault/vaults/keys/sign/action "
				"Microsoft.KeyVault/vaults/keys/verify/action",
	},
	{
		.id = "8b54135c-b56d-4d72-a534-26097cfdc8d8",
		.name = "Key Vault Data Access Administrator",
		.description = "Manage access to Azure Key Vault by adding or removing role assignments for the Key "
			       "Vault Administrator, Key Vault Certificates Officer, Key Vault Crypto Officer, Key "
			       "Vault Crypto Service Encryption User, Key Vault Crypto User, Key Vault Reader, Key "
			       "Vault Secrets Officer, or Key Vault Secrets User roles. Includes an ABAC condition to "
			       "constrain role assignments.",
		.actions = "Microsoft.Authorization/roleAssignments/write "
			   "Microsoft.Authorization/roleAssignments/delete Microsoft.Authorization/*/read "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/subscriptions/read Microsoft.Management/managementGroups/read "
			   "Microsoft.Resources/deployments/* Microsoft.Support/* Microsoft.KeyVault/vaults/*/read",
		.assignable = "00482a5a-887f-4fb3-b363-3b7fe8e74483 a4417e6f-fecd-4de8-b567-7b0420556985 "
			      "14b46e9e-c2b7-41b4-b07b-48a6ebf60603 e147488a-f6f5-4113-8e2d-b22465e65bf6 "
			      "12338af0-0e69-4776-bea7-57ae8d297424 21090545-7ca7-4776-b22c-e363652d74d2 "
			      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7 4633458b-17de-408a-b874-0445c86b69e6",
	},
	{
		.id = "a68e7c17-0ab2-4c09-9a58-125dae29748c",
		.name = "Key Vault Purge Operator",
		.description = "Allows permanent deletion of soft-deleted vaults.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/deletedVaults/read "
			   "Microsoft.KeyVault/locations/deletedVaults/purge/action "
			   "Microsoft.KeyVault/locations/operationResults/read",
	},
	{
		.id = "21090545-7ca7-4776-b22c-e363652d74d2",
		.name = "Key Vault Reader",
		.description = "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read "
			       "sensitive values such as secret contents or key material. Only works for key vaults "
			       "that use the 'Azure role-based access control' permission model.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
			   "Microsoft.KeyVault/checkNameAvailability/read Microsoft.KeyVault/deletedVaults/read "
			   "Microsoft.KeyVault/locations/*/read Microsoft.KeyVault/vaults/*/read "
			   "Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/*/read "
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
	},
	{
		.id = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
		.name = "Key Vault Secrets Officer",
		.description = "Perform any action on the secrets of a key vault, except manage permissions. Only "
			       "works for key vaults that use the 'Azure role-based access control' permission model.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/* Microsoft.KeyVault/checkNameAvailability/read "
			   "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read "
			   "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
		.data_actions = "Microsoft.KeyVault/vaults/secrets/*",
	},
	{
		.id = "4633458b-17de-408a-b874-0445c86b69e6",
		.name = "Key Vault Secrets User",
		.description = "Read secret contents. Only works for key vaults that use the 'Azure role-based access "
			       "control' permission model.",
		.data_actions = "Microsoft.KeyVault/vaults/secrets/getSecret/action "
				"Microsoft.KeyVault/vaults/secrets/readMetadata/action",
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
		.id = "bbf86eb8-f7b4-4cce-96e4-18cddf81d86e",
		.name = "Attestation Contributor",
		.description = "Can read write or delete the attestation provider instance",
		.actions = "Microsoft.Attestation/attestationProviders/attestation/read "
			   "Microsoft.Attestation/attestationProviders/attestation/write "
			   "Microsoft.Attestation/attestationProviders/attestation/delete",
	},
	{
		.id = "fd1bd22b-8476-40bc-a0bc-69b95687b9f3",
		.name = "Attestation Reader",
		.description = "Can read the attestation provider properties",
		.actions = "Microsoft.Attestation/attestationProviders/attestation/read "
			   "Microsoft.Attestation/attestationProviders/read",
	},
	// Compute and disks.
	{
		.id = "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
		.name = "Virtual Machine Contributor",
		.description = "Lets you manage virtual machines, but not access to them, and not the virtual network "
			       "or storage account they're connected to.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Compute/availabilitySets/* "
			   "Microsoft.Compute/locations/* Microsoft.Compute/virtualMachines/* "
			   "Microsoft.Compute/virtualMachineScaleSets/* Microsoft.Compute/cloudServices/* "
			   "Microsoft.Compute/disks/write Microsoft.Compute/disks/read Microsoft.Compute/disks/delete "
			   "Microsoft.Compute/hostgroups/write Microsoft.Compute/hostgroups/hosts/write "
			   "Microsoft.DevTestLab/schedules/* Microsoft.Insights/alertRules/* "
			   "Microsoft.Network/applicationGateways/backendAddressPools/join/action "
			   "Microsoft.Network/loadBalancers/backendAddressPools/join/action "
			   "Microsoft.Network/loadBalancers/inboundNatPools/join/action "
			   "Microsoft.Network/loadBalancers/inboundNatRules/join/action "
			   "Microsoft.Network/loadBalancers/probes/join/action Microsoft.Network/loadBalancers/read "
			   "Microsoft.Network/locations/* Microsoft.Network/networkInterfaces/* "
			   "Microsoft.Network/networkSecurityGroups/join/action "
			   "Microsoft.Network/networkSecurityGroups/read "
			   "Microsoft.Network/publicIPAddresses/join/action Microsoft.Network/publicIPAddresses/read "
			   "Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/virtualNetworks/subnets/join/action "
			   "Microsoft.RecoveryServices/locations/* "
			   "Microsoft.RecoveryServices/Vaults/backupFabrics/backupProtectionIntent/write "
			   "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/*/read "
			   "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/read "
			   "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/write "
			   "Microsoft.RecoveryServices/Vaults/backupPolicies/read "
			   "Microsoft.RecoveryServices/Vaults/backupPolicies/write "
			   "Microsoft.RecoveryServices/Vaults/read Microsoft.RecoveryServices/Vaults/usages/read "
			   "Microsoft.RecoveryServices/Vaults/write "
			   "Microsoft.ResourceHealth/availabilityStatuses/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.SerialConsole/serialPorts/connect/action Microsoft.SqlVirtualMachine/* "
			   "Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Storage/storageAccounts/read "
			   "Microsoft.Support/*",
	},
	{
		.id = "1c0163c0-47e6-4577-8991-ea5c82e286e4",
		.name = "Virtual Machine Administrator Login",
		.description = "View Virtual Machines in the portal and login as administrator",
		.actions = "Microsoft.Network/publicIPAddresses/read Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/loadBalancers/read Microsoft.Network/networkInterfaces/read "
			   "Microsoft.Compute/virtualMachines/*/read Microsoft.HybridCompute/machines/*/read "
			   "Microsoft.HybridConnectivity/endpoints/listCredentials/action",
		.data_actions = "Microsoft.Compute/virtualMachines/login/action "
				"Microsoft.Compute/virtualMachines/loginAsAdmin/action "
				"Microsoft.HybridCompute/machines/login/action "
				"Microsoft.HybridCompute/machines/loginAsAdmin/action",
	},
	{
		.id = "fb879df8-f326-4884-b1cf-06f3ad86be52",
		.name = "Virtual Machine User Login",
		.description = "View Virtual Machines in the portal and login as a regular user.",
		.actions = "Microsoft.Network/publicIPAddresses/read Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/loadBalancers/read Microsoft.Network/networkInterfaces/read "
			   "Microsoft.Compute/virtualMachines/*/read Microsoft.HybridCompute/machines/*/read "
			   "Microsoft.HybridConnectivity/endpoints/listCredentials/action",
		.data_actions = "Microsoft.Compute/virtualMachines/login/action "
				"Microsoft.HybridCompute/machines/login/action",
	},
	{
		.id = "602da2ba-a5c2-41da-b01d-5360126ab525",
		.name = "Virtual Machine Local User Login",
		.description = "View Virtual Machines in the portal and login as a local user configured on the arc "
			       "server",
		.actions = "Microsoft.HybridCompute/machines/*/read "
			   "Microsoft.HybridConnectivity/endpoints/listCredentials/action",
	},
	{
		.id = "66f75aeb-eabe-4b70-9f1e-c350c4c9ad04",
		.name = "Virtual Machine Data Access Administrator (preview)",
		.description = "Manage access to Virtual Machines by adding or removing role assignments for the "
			       "Virtual Machine Administrator Login and Virtual Machine User Login roles. Includes an "
			       "ABAC condition to constrain role assignments.",
		.actions = "Microsoft.Authorization/roleAssignments/write "
			   "Microsoft.Authorization/roleAssignments/delete Microsoft.Authorization/*/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/subscriptions/read Microsoft.Management/managementGroups/read "
			   "Microsoft.Network/publicIPAddresses/read Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/loadBalancers/read Microsoft.Network/networkInterfaces/read "
			   "Microsoft.Compute/virtualMachines/*/read Microsoft.HybridCompute/machines/*/read "
			   "Microsoft.Resources/deployments/* Microsoft.Support/*",
		.assignable = "1c0163c0-47e6-4577-8991-ea5c82e286e4 fb879df8-f326-4884-b1cf-06f3ad86be52",
	},
	{
		.id = "3e5e47e6-65f7-47ef-90b5-e5dd4d455f24",
		.name = "Disk Backup Reader",
		.description = "Provides permission to backup vault to perform disk backup.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Compute/disks/read "
			   "Microsoft.Compute/disks/beginGetAccess/action",
	},
	{
		.id = "136d308c-0937-4a49-9bd7-edfb42adbffc",
		.name = "Disk Encryption Set Operator for Managed Disks",
		.description = "Provides permissions to read, write or delete disk encryption sets which are used for "
			       "encrypting managed disks with customer managed keys",
		.actions = "Microsoft.Compute/diskEncryptionSets/*",
	},
	{
		.id = "60fc6e62-5479-42d4-8bf4-67625fcc2840",
		.name = "Disk Pool Operator",
		.description = "Used by the StoragePool Resource Provider to manage Disks added to a Disk Pool.",
		.actions = "Microsoft.Compute/disks/write Microsoft.Compute/disks/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "b50d9833-a0cb-478e-945f-707fcc997c13",
		.name = "Disk Restore Operator",
		.description = "Provides permission to backup vault to perform disk restore.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Compute/disks/write Microsoft.Compute/disks/read "
			   "Microsoft.Compute/disks/beginGetAccess/action Microsoft.Compute/disks/endGetAccess/action",
	},
	{
		.id = "7efff54f-a5b4-42b5-a1c5-5411624893ce",
		.name = "Disk Snapshot Contributor",
		.description = "Provides permission to backup vault to manage disk snapshots.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Compute/snapshots/delete Microsoft.Compute/snapshots/write "
			   "Microsoft.Compute/snapshots/read Microsoft.Compute/snapshots/beginGetAccess/action "
			   "Microsoft.Compute/snapshots/endGetAccess/action "
			   "Microsoft.Compute/disks/beginGetAccess/action "
			   "Microsoft.Storage/storageAccounts/listkeys/action Microsoft.Storage/storageAccounts/write "
			   "Microsoft.Storage/storageAccounts/read Microsoft.Storage/storageAccounts/delete",
	},
	{
		.id = "959f8984-c045-4866-89c7-12bf9737be2e",
		.name = "Data Operator for Managed Disks",
		.description = "Provides permissions to upload data to empty managed disks, read, or export data of "
			       "managed disks (not attached to running VMs) and snapshots using SAS URIs and Azure AD "
			       "authentication.",
		.data_actions = "Microsoft.Compute/disks/download/action Microsoft.Compute/disks/upload/action "
				"Microsoft.Compute/snapshots/download/action "
				"Microsoft.Compute/snapshots/upload/action",
	},
	{
		.id = "dfce8971-25e3-42e3-ba33-6055438e3080",
		.name = "VM Restore Operator",
		.description = "Create and Delete resources during VM Restore. This role is in preview and subject to "
			       "change.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Compute/disks/read Microsoft.Compute/disks/write "
			   "Microsoft.Compute/disks/delete Microsoft.Compute/disks/beginGetAccess/action "
			   "Microsoft.Compute/disks/endGetAccess/action "
			   "Microsoft.Compute/locations/diskOperations/read Microsoft.Compute/virtualMachines/read "
			   "Microsoft.Compute/virtualMachines/write Microsoft.Compute/virtualMachines/delete "
			   "Microsoft.Compute/virtualMachines/instanceView/read "
			   "Microsoft.Compute/virtualMachines/extensions/read "
			   "Microsoft.Compute/virtualMachines/extensions/write "
			   "Microsoft.Compute/virtualMachines/extensions/delete Microsoft.Insights/alertRules/* "
			   "Microsoft.Network/locations/operationResults/read "
			   "Microsoft.Network/locations/operations/read Microsoft.Network/locations/usages/read "
			   "Microsoft.Network/networkInterfaces/delete "
			   "Microsoft.Network/networkInterfaces/ipconfigurations/read "
			   "Microsoft.Network/networkInterfaces/join/action Microsoft.Network/networkInterfaces/read "
			   "Microsoft.Network/networkInterfaces/write Microsoft.Network/networkSecurityGroups/read "
			   "Microsoft.Network/networkSecurityGroups/securityRules/read "
			   "Microsoft.Network/publicIPAddresses/delete "
			   "Microsoft.Network/publicIPAddresses/join/action Microsoft.Network/publicIPAddresses/read "
			   "Microsoft.Network/publicIPAddresses/write Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/virtualNetworks/subnets/join/action "
			   "Microsoft.Network/virtualNetworks/subnets/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Storage/checkNameAvailability/read "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/delete "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/read "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/write "
			   "Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Storage/storageAccounts/read "
			   "Microsoft.Storage/storageAccounts/write",
		.data_actions = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
	},
	{
		.id = "85a2d0d9-2eba-4c9c-b355-11c2cc0788ab",
		.name = "Compute Gallery Artifacts Publisher",
		.description = "This is the role for publishing gallery artifacts.",
		.actions = "Microsoft.Compute/galleries/* Microsoft.Compute/locations/capsOperations/read "
			   "Microsoft.Compute/locations/communityGalleries/* "
			   "Microsoft.Compute/locations/sharedGalleries/* Microsoft.Compute/images/* "
			   "Microsoft.Compute/virtualMachines/write Microsoft.Compute/disks/write "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read",
		.not_actions = "Microsoft.Compute/galleries/share/action",
	},
	{
		.id = "cf7c76d2-98a3-4358-a134-615aa78bf44d",
		.name = "Compute Gallery Image Reader",
		.description = "This is the role for reading gallery images.",
		.actions = "Microsoft.Compute/galleries/images/read Microsoft.Compute/galleries/images/versions/read",
	},
	{
		.id = "1ef6a3be-d0ac-425d-8c01-acb62866290b",
		.name = "Compute Gallery Sharing Admin",
		.description = "This role allows user to share gallery to another subscription/tenant or share it to "
			       "the public.",
		.actions = "Microsoft.Compute/galleries/share/action",
	},
	{
		.id = "b67fe603-310e-4889-b9ee-8257d09d353d",
		.name = "Scheduled Events Contributor",
		.description = "Provides access to scheduled event actions",
		.actions = "Microsoft.Maintenance/scheduledevents/acknowledge/action "
			   "Microsoft.Compute/VirtualMachines/read Microsoft.Compute/VirtualMachineScaleSets/read "
			   "Microsoft.Compute/AvailabilitySets/read",
	},
	// Desktop Virtualization.
	{
		.id = "97dfb3ce-e936-462c-9425-9cdb67e66d45",
		.name = "Desktop Virtualization App Attach Contributor",
		.description = "Provide permission to manage app attach resources",
		.actions = "Microsoft.DesktopVirtualization/hostpools/read Microsoft.Resources/subscriptions/read "
			   "Microsoft.DesktopVirtualization/appattachpackages/read "
			   "Microsoft.DesktopVirtualization/appattachpackages/write "
			   "Microsoft.DesktopVirtualization/appattachpackages/delete Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "86240b0e-9422-4c43-887b-b61143f32ba8",
		.name = "Desktop Virtualization Application Group Contributor",
		.description = "Contributor of the Desktop Virtualization Application Group.",
		.actions = "Microsoft.DesktopVirtualization/applicationgroups/* "
			   "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "aebf23d0-b568-4e86-b8f9-fe83a2c6ab55",
		.name = "Desktop Virtualization Application Group Reader",
		.description = "Reader of the Desktop Virtualization Application Group.",
		.actions = "Microsoft.DesktopVirtualization/applicationgroups/*/read "
			   "Microsoft.DesktopVirtualization/applicationgroups/read "
			   "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/deployments/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/read Microsoft.Support/*",
	},
	{
		.id = "082f0a83-3be5-4ba1-904c-961cca79b387",
		.name = "Desktop Virtualization Contributor",
		.description = "Contributor of Desktop Virtualization.",
		.actions = "Microsoft.DesktopVirtualization/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/deployments/* Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "e307426c-f9b6-4e81-87de-d99efb3c32bc",
		.name = "Desktop Virtualization Host Pool Contributor",
		.description = "Contributor of the Desktop Virtualization Host Pool.",
		.actions = "Microsoft.DesktopVirtualization/hostpools/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "ceadfde2-b300-400a-ab7b-6143895aa822",
		.name = "Desktop Virtualization Host Pool Reader",
		.description = "Reader of the Desktop Virtualization Host Pool.",
		.actions = "Microsoft.DesktopVirtualization/hostpools/*/read "
			   "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/deployments/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/read Microsoft.Support/*",
	},
	{
		.id = "489581de-a3bd-480d-9518-53dea7416b33",
		.name = "Desktop Virtualization Power On Contributor",
		.description = "Provide permission to the Azure Virtual Desktop Resource Provider to start virtual "
			       "machines.",
		.actions = "Microsoft.Compute/virtualMachines/start/action Microsoft.Compute/virtualMachines/read "
			   "Microsoft.Compute/virtualMachines/instanceView/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.HybridCompute/machines/read Microsoft.HybridCompute/operations/read "
			   "Microsoft.HybridCompute/locations/operationresults/read "
			   "Microsoft.HybridCompute/locations/operationstatus/read "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/read "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/start/action "
			   "Microsoft.AzureStackHCI/operations/read",
	},
	{
		.id = "40c5ff49-9181-41f8-ae61-143b0e78555e",
		.name = "Desktop Virtualization Power On Off Contributor",
		.description = "Provide permission to the Azure Virtual Desktop Resource Provider to start and stop "
			       "virtual machines.",
		.actions = "Microsoft.Authorization/*/read Microsoft.AzureStackHCI/operations/read "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/read "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/restart/action "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/start/action "
			   "Microsoft.AzureStackHCI/virtualMachineInstances/stop/action "
			   "Microsoft.Compute/virtualMachines/deallocate/action "
			   "Microsoft.Compute/virtualMachines/instanceView/read "
			   "Microsoft.Compute/virtualMachines/powerOff/action Microsoft.Compute/virtualMachines/read "
			   "Microsoft.Compute/virtualMachines/restart/action "
			   "Microsoft.Compute/virtualMachines/start/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesCancelOperations/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesExecuteDeallocate/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesExecuteHibernate/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesExecuteStart/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesGetOperationErrors/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesGetOperationStatus/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesSubmitDeallocate/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesSubmitHibernate/action "
			   "Microsoft.ComputeSchedule/locations/virtualMachinesSubmitStart/action "
			   "Microsoft.ComputeSchedule/register/action Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/delete "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/sendMessage/action "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/write "
			   "Microsoft.DesktopVirtualization/hostpools/write "
			   "Microsoft.HybridCompute/locations/operationresults/read "
			   "Microsoft.HybridCompute/locations/operationstatus/read "
			   "Microsoft.HybridCompute/machines/read Microsoft.HybridCompute/operations/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Insights/eventtypes/values/read "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	{
		.id = "49a72310-ab8d-41df-bbb0-79b649203868",
		.name = "Desktop Virtualization Reader",
		.description = "Reader of Desktop Virtualization.",
		.actions = "Microsoft.DesktopVirtualization/*/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/deployments/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/read Microsoft.Support/*",
	},
	{
		.id = "2ad6aaab-ead9-4eaa-8ac5-da422f562408",
		.name = "Desktop Virtualization Session Host Operator",
		.description = "Operator of the Desktop Virtualization Session Host.",
		.actions = "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "1d18fff3-a72a-46b5-b4a9-0b38a3cd7e63",
		.name = "Desktop Virtualization User",
		.description = "Allows user to use the applications in an application group.",
		.data_actions = "Microsoft.DesktopVirtualization/applicationGroups/useApplications/action "
				"Microsoft.DesktopVirtualization/appAttachPackages/useApplications/action",
	},
	{
		.id = "ea4bfff8-7fb4-485a-aadd-d4129a0ffaa6",
		.name = "Desktop Virtualization User Session Operator",
		.description = "Operator of the Desktop Virtualization User Session.",
		.actions = "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "a959dbd1-f747-45e3-8ba6-dd80f235f97c",
		.name = "Desktop Virtualization Virtual Machine Contributor",
		.description = "This role is in preview and subject to change. Provide permission to the Azure "
			       "Virtual Desktop Resource Provider to create, delete, update, start, and stop virtual "
			       "machines.",
		.actions = "Microsoft.DesktopVirtualization/hostpools/read "
			   "Microsoft.DesktopVirtualization/hostpools/write "
			   "Microsoft.DesktopVirtualization/hostpools/retrieveRegistrationToken/action "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/write "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/delete "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/read "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/disconnect/action "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/sendMessage/action "
			   "Microsoft.DesktopVirtualization/hostpools/sessionHostConfigurations/read "
			   "Microsoft.DesktopVirtualization/hostpools/doNotUseInternalAPI/action "
			   "Microsoft.DesktopVirtualization/hostpools/sessionhosts/retryprovisioning/action "
			   "Microsoft.Compute/availabilitySets/read Microsoft.Compute/availabilitySets/write "
			   "Microsoft.Compute/availabilitySets/vmSizes/read Microsoft.Compute/disks/read "
			   "Microsoft.Compute/disks/write Microsoft.Compute/disks/delete "
			   "Microsoft.Compute/galleries/read Microsoft.Compute/galleries/images/read "
			   "Microsoft.Compute/galleries/images/versions/read Microsoft.Compute/images/read "
			   "Microsoft.Compute/locations/usages/read Microsoft.Compute/locations/vmSizes/read "
			   "Microsoft.Compute/operations/read Microsoft.Compute/skus/read "
			   "Microsoft.Compute/virtualMachines/read Microsoft.Compute/virtualMachines/write "
			   "Microsoft.Compute/virtualMachines/delete Microsoft.Compute/virtualMachines/start/action "
			   "Microsoft.Compute/virtualMachines/powerOff/action "
			   "Microsoft.Compute/virtualMachines/restart/action "
			   "Microsoft.Compute/virtualMachines/deallocate/action "
			   "Microsoft.Compute/virtualMachines/runCommand/action "
			   "Microsoft.Compute/virtualMachines/extensions/read "
			   "Microsoft.Compute/virtualMachines/extensions/write "
			   "Microsoft.Compute/virtualMachines/extensions/delete "
			   "Microsoft.Compute/virtualMachines/runCommands/read "
			   "Microsoft.Compute/virtualMachines/runCommands/write "
			   "Microsoft.Compute/virtualMachines/vmSizes/read "
			   "Microsoft.Network/networkSecurityGroups/read Microsoft.Network/networkInterfaces/write "
			   "Microsoft.Network/networkInterfaces/read Microsoft.Network/networkInterfaces/join/action "
			   "Microsoft.Network/networkInterfaces/delete Microsoft.Network/virtualNetworks/subnets/read "
			   "Microsoft.Network/virtualNetworks/subnets/join/action "
			   "Microsoft.Network/virtualNetworks/usages/read Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/networkSecurityGroups/read "
			   "Microsoft.Marketplace/offerTypes/publishers/offers/plans/agreements/read "
			   "Microsoft.KeyVault/vaults/deploy/action Microsoft.Storage/storageAccounts/read "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.DesktopVirtualization/scalingPlans/read "
			   "Microsoft.DesktopVirtualization/scalingPlans/write",
	},
	{
		.id = "21efdde3-836f-432b-bf3d-3e8e734d4b2b",
		.name = "Desktop Virtualization Workspace Contributor",
		.description = "Contributor of the Desktop Virtualization Workspace.",
		.actions = "Microsoft.DesktopVirtualization/workspaces/* "
			   "Microsoft.DesktopVirtualization/applicationgroups/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Resources/deployments/* "
			   "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Support/*",
	},
	{
		.id = "0fa44ee9-7a7d-466b-9bb2-2bf446b1204d",
		.name = "Desktop Virtualization Workspace Reader",
		.description = "Reader of the Desktop Virtualization Workspace.",
		.actions = "Microsoft.DesktopVirtualization/workspaces/read "
			   "Microsoft.DesktopVirtualization/applicationgroups/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Resources/deployments/read Microsoft.Authorization/*/read "
			   "Microsoft.Insights/alertRules/read Microsoft.Support/*",
	},
	// Networks.
	{
		.id = "4d97b98b-1d4f-4787-a291-c67834d212e7",
		.name = "Network Contributor",
		.description = "Lets you manage networks, but not access to them.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Network/* "
			   "Microsoft.ResourceHealth/availabilityStatuses/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/*",
	},
	{
		.id = "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
		.name = "Private DNS Zone Contributor",
		.description = "Lets you manage private DNS zone resources, but not the virtual networks they are "
			       "linked to.",
		.actions = "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
			   "Microsoft.Network/privateDnsZones/* Microsoft.Network/privateDnsOperationResults/* "
			   "Microsoft.Network/privateDnsOperationStatuses/* Microsoft.Network/virtualNetworks/read "
			   "Microsoft.Network/virtualNetworks/join/action Microsoft.Authorization/*/read",
	},
	{
		.id = "befefa01-2a29-4197-83a8-272ff33ce314",
		.name = "DNS Zone Contributor",
		.description = "Lets you manage DNS zones and record sets in Azure DNS, but does not let you control "
			       "who has access to them.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Network/dnsZones/* Microsoft.ResourceHealth/availabilityStatuses/read "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/*",
	},
	// Storage.
	{
		.id = "17d1049b-9a84-46fb-8f53-869881c3d3ab",
		.name = "Storage Account Contributor",
		.description = "Lets you manage storage accounts, including accessing storage account keys which "
			       "provide full access to storage account data.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Insights/diagnosticSettings/* "
			   "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action "
			   "Microsoft.ResourceHealth/availabilityStatuses/read Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Storage/storageAccounts/* "
			   "Microsoft.Support/*",
	},
	{
		.id = "81a9662b-bebf-436f-a333-f67b29880f12",
		.name = "Storage Account Key Operator Service Role",
		.description = "Storage Account Key Operators are allowed to list and regenerate keys on Storage "
			       "Accounts",
		.actions = "Microsoft.Storage/storageAccounts/listkeys/action "
			   "Microsoft.Storage/storageAccounts/regeneratekey/action",
	},
	{
		.id = "e5e2a7ff-d759-4cd2-bb51-3152d37e2eb1",
		.name = "Storage Account Backup Contributor",
		.description = "Lets you perform backup and restore operations using Azure Backup on the storage "
			       "account.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Authorization/locks/read "
			   "Microsoft.Authorization/locks/write Microsoft.Authorization/locks/delete "
			   "Microsoft.Features/features/read Microsoft.Features/providers/features/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Storage/operations/read "
			   "Microsoft.Storage/storageAccounts/objectReplicationPolicies/delete "
			   "Microsoft.Storage/storageAccounts/objectReplicationPolicies/read "
			   "Microsoft.Storage/storageAccounts/objectReplicationPolicies/write "
			   "Microsoft.Storage/storageAccounts/objectReplicationPolicies/restorePointMarkers/write "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/read "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/write "
			   "Microsoft.Storage/storageAccounts/blobServices/read "
			   "Microsoft.Storage/storageAccounts/blobServices/write "
			   "Microsoft.Storage/storageAccounts/read "
			   "Microsoft.Storage/storageAccounts/restoreBlobRanges/action",
	},
	{
		.id = "c12c1c16-33a1-487b-954d-41c89c60f349",
		.name = "Reader and Data Access",
		.description = "Lets you view everything but will not let you delete or create a storage account or "
			       "contained resource. It will also allow read/write access to all data contained in a "
			       "storage account via access to storage account keys.",
		.actions = "Microsoft.Storage/storageAccounts/listKeys/action "
			   "Microsoft.Storage/storageAccounts/ListAccountSas/action "
			   "Microsoft.Storage/storageAccounts/read",
	},
	{
		.id = "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
		.name = "Storage Blob Data Contributor",
		.description = "Allows for read, write and delete access to Azure Storage blob containers and data",
		.actions = "Microsoft.Storage/storageAccounts/blobServices/containers/delete "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/read "
			   "Microsoft.Storage/storageAccounts/blobServices/containers/write "
			   "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
		.data_actions = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action "
				"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
	},
	{
		.id = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
		.name = "Storage Blob Data Owner",
		.description = "Allows for full access to Azure Storage blob containers and data, including assigning "
			       "POSIX access control.",
		.actions = "Microsoft.Storage/storageAccounts/blobServices/containers/* "
			   "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
		.data_actions = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",
	},
	{
		.id = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
		.name = "Storage Blob Data Reader",
		.description = "Allows for read access to Azure Storage blob containers and data",
		.actions = "Microsoft.Storage/storageAccounts/blobServices/containers/read "
			   "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
		.data_actions = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
	},
	{
		.id = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a",
		.name = "Storage Blob Delegator",
		.description = "Allows for generation of a user delegation key which can be used to sign SAS tokens",
		.actions = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
	},
	{
		.id = "69566ab7-960f-475b-8e7c-b3118f30c6bd",
		.name = "Storage File Data Privileged Contributor",
		.description = "Customer has read, write, delete and modify NTFS permission access on Azure Storage "
			       "file shares.",
		.data_actions = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/modifypermissions/action "
				"Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action "
				"Microsoft.Storage/storageAccounts/fileServices/writeFileBackupSemantics/action",
	},
	{
		.id = "b8eda974-7b85-4f76-af95-65846b26df6d",
		.name = "Storage File Data Privileged Reader",
		.description = "Customer has read access on Azure Storage file shares.",
		.data_actions = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read "
				"Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action",
	},
	{
		.id = "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb",
		.name = "Storage File Data SMB Share Contributor",
		.description = "Allows for read, write, and delete access in Azure Storage file shares over SMB",
		.data_actions = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete",
	},
	{
		.id = "a7264617-510b-434b-a828-9731dc254ea7",
		.name = "Storage File Data SMB Share Elevated Contributor",
		.description = "Allows for read, write, delete and modify NTFS permission access in Azure Storage "
			       "file shares over SMB",
		.data_actions = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete "
				"Microsoft.Storage/storageAccounts/fileServices/fileshares/files/modifypermissions/action",
	},
	{
		.id = "aba4ae5f-2193-4029-9191-0cb91df5e314",
		.name = "Storage File Data SMB Share Reader",
		.description = "Allows for read access to Azure File Share over SMB",
		.data_actions = "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read",
	},
	{
		.id = "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
		.name = "Storage Queue Data Contributor",
		.description = "Allows for read, write, and delete access to Azure Storage queues and queue messages",
		.actions = "Microsoft.Storage/storageAccounts/queueServices/queues/delete "
			   "Microsoft.Storage/storageAccounts/queueServices/queues/read "
			   "Microsoft.Storage/storageAccounts/queueServices/queues/write",
		.data_actions = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/delete "
				"Microsoft.Storage/storageAccounts/queueServices/queues/messages/read "
				"Microsoft.Storage/storageAccounts/queueServices/queues/messages/write "
				"Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action",
	},
	{
		.id = "8a0f0c08-91a1-4084-bc3d-661d67233fed",
		.name = "Storage Queue Data Message Processor",
		.description = "Allows for peek, receive, and delete access to Azure Storage queue messages",
		.data_actions = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read "
				"Microsoft.Storage/storageAccounts/queueServices/queues/messages/process/action",
	},
	{
		.id = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
		.name = "Storage Queue Data Message Sender",
		.description = "Allows for sending of Azure Storage queue messages",
		.data_actions = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action",
	},
	{
		.id = "19e7f393-937e-4f77-808e-94535e297925",
		.name = "Storage Queue Data Reader",
		.description = "Allows for read access to Azure Storage queues and queue messages",
		.actions = "Microsoft.Storage/storageAccounts/queueServices/queues/read",
		.data_actions = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
	},
	{
		.id = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
		.name = "Storage Table Data Contributor",
		.description = "Allows for read, write and delete access to Azure Storage tables and entities",
		.actions = "Microsoft.Storage/storageAccounts/tableServices/tables/read "
			   "Microsoft.Storage/storageAccounts/tableServices/tables/write "
			   "Microsoft.Storage/storageAccounts/tableServices/tables/delete",
		.data_actions = "Microsoft.Storage/storageAccounts/tableServices/tables/entities/read "
				"Microsoft.Storage/storageAccounts/tableServices/tables/entities/write "
				"Microsoft.Storage/storageAccounts/tableServices/tables/entities/delete "
				"Microsoft.Storage/storageAccounts/tableServices/tables/entities/add/action "
				"Microsoft.Storage/storageAccounts/tableServices/tables/entities/update/action",
	},
	{
		.id = "76199698-9eea-4c19-bc75-cec21354c6b6",
		.name = "Storage Table Data Reader",
		.description = "Allows for read access to Azure Storage tables and entities",
		.actions = "Microsoft.Storage/storageAccounts/tableServices/tables/read",
		.data_actions = "Microsoft.Storage/storageAccounts/tableServices/tables/entities/read",
	},
	// Monitoring, logs and events.
	{
		.id = "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
		.name = "Monitoring Contributor",
		.description = "Can read all monitoring data and update monitoring settings.",
		.actions = "*/read Microsoft.AlertsManagement/alerts/* Microsoft.AlertsManagement/alertsSummary/* "
			   "Microsoft.AlertsManagement/issues/* Microsoft.Insights/actiongroups/* "
			   "Microsoft.Insights/activityLogAlerts/* Microsoft.Insights/AlertRules/* "
			   "Microsoft.Insights/components/* Microsoft.Insights/createNotifications/* "
			   "Microsoft.Insights/dataCollectionEndpoints/* Microsoft.Insights/dataCollectionRules/* "
			   "Microsoft.Insights/dataCollectionRuleAssociations/* "
			   "Microsoft.Insights/DiagnosticSettings/* Microsoft.Insights/eventtypes/* "
			   "Microsoft.Insights/LogDefinitions/* Microsoft.Insights/metricalerts/* "
			   "Microsoft.Insights/MetricDefinitions/* Microsoft.Insights/Metrics/* "
			   "Microsoft.Insights/notificationStatus/* Microsoft.Insights/Register/Action "
			   "Microsoft.Insights/scheduledqueryrules/* Microsoft.Insights/webtests/* "
			   "Microsoft.Insights/workbooks/* Microsoft.Insights/workbooktemplates/* "
			   "Microsoft.Insights/privateLinkScopes/* "
			   "Microsoft.Insights/privateLinkScopeOperationStatuses/* Microsoft.Monitor/accounts/* "
			   "Microsoft.Monitor/settings/* Microsoft.OperationalInsights/workspaces/write "
			   "Microsoft.OperationalInsights/workspaces/intelligencepacks/* "
			   "Microsoft.OperationalInsights/workspaces/savedSearches/* "
			   "Microsoft.OperationalInsights/workspaces/search/action "
			   "Microsoft.OperationalInsights/workspaces/sharedKeys/action "
			   "Microsoft.OperationalInsights/workspaces/sharedKeys/read "
			   "Microsoft.OperationalInsights/workspaces/storageinsightconfigs/* "
			   "Microsoft.OperationalInsights/locations/workspaces/failover/action "
			   "Microsoft.OperationalInsights/workspaces/failback/action Microsoft.Support/* "
			   "Microsoft.AlertsManagement/smartDetectorAlertRules/* "
			   "Microsoft.AlertsManagement/actionRules/* Microsoft.AlertsManagement/smartGroups/* "
			   "Microsoft.AlertsManagement/migrateFromSmartDetection/* "
			   "Microsoft.AlertsManagement/investigations/* "
			   "Microsoft.AlertsManagement/prometheusRuleGroups/* Microsoft.Monitor/investigations/* "
			   "Microsoft.Resources/deployments/*",
	},
	{
		.id = "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
		.name = "Monitoring Reader",
		.description = "Can read all monitoring data.",
		.actions = "*/read Microsoft.OperationalInsights/workspaces/search/action Microsoft.Support/*",
	},
	{
		.id = "3913510d-42f4-4e42-8a64-420c390055eb",
		.name = "Monitoring Metrics Publisher",
		.description = "Enables publishing metrics against Azure resources",
		.actions = "Microsoft.Insights/Register/Action Microsoft.Support/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
		.data_actions = "Microsoft.Insights/Metrics/Write Microsoft.Insights/Telemetry/Write",
	},
	{
		.id = "b0d8363b-8ddd-447d-831f-62ca05bff136",
		.name = "Monitoring Data Reader",
		.description = "Can access the data in an Azure Monitor Workspace.",
		.data_actions = "Microsoft.Monitor/accounts/data/metrics/read",
	},
	{
		.id = "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
		.name = "Log Analytics Contributor",
		.description = "Log Analytics Contributor can read all monitoring data and edit monitoring settings. "
			       "Editing monitoring settings includes adding the VM extension to VMs; reading storage "
			       "account keys to be able to configure collection of logs from Azure Storage; adding "
			       "solutions; and configuring Azure diagnostics on all Azure resources.",
		.actions = "*/read Microsoft.ClassicCompute/virtualMachines/extensions/* "
			   "Microsoft.ClassicStorage/storageAccounts/listKeys/action "
			   "Microsoft.Compute/virtualMachines/extensions/* "
			   "Microsoft.HybridCompute/machines/extensions/write Microsoft.Insights/alertRules/* "
			   "Microsoft.Insights/diagnosticSettings/* Microsoft.OperationalInsights/* "
			   "Microsoft.OperationsManagement/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourcegroups/deployments/* "
			   "Microsoft.Storage/storageAccounts/listKeys/action Microsoft.Support/*",
		.data_actions = "Microsoft.OperationalInsights/workspaces/jobs/export/action",
	},
	{
		.id = "73c42c96-874c-492b-b04d-ab87d138a893",
		.name = "Log Analytics Reader",
		.description = "Log Analytics Reader can view and search all monitoring data as well as and view "
			       "monitoring settings, including viewing the configuration of Azure diagnostics on all "
			       "Azure resources.",
		.actions = "*/read Microsoft.OperationalInsights/workspaces/analytics/query/action "
			   "Microsoft.OperationalInsights/workspaces/search/action Microsoft.Support/*",
		.not_actions = "Microsoft.OperationalInsights/workspaces/sharedKeys/read",
		.data_actions = "Microsoft.OperationalInsights/workspaces/jobs/export/action",
	},
	{
		.id = "3b03c2da-16b3-4a49-8834-0f8130efdd3b",
		.name = "Log Analytics Data Reader",
		.description = "Log Analytics Data Reader can query and search the logs it is allowed to view over "
			       "Log Analytics workspaces and tables",
		.actions = "Microsoft.OperationalInsights/workspaces/query/read "
			   "Microsoft.OperationalInsights/workspaces/read",
		.data_actions = "Microsoft.OperationalInsights/workspaces/tables/data/read",
	},
	{
		.id = "e8ddcd69-c73f-4f9f-9844-4100522f16ad",
		.name = "Workbook Contributor",
		.description = "Can save shared workbooks.",
		.actions = "Microsoft.Insights/workbooks/write Microsoft.Insights/workbooks/delete "
			   "Microsoft.Insights/workbooks/read Microsoft.Insights/workbooks/revisions/read "
			   "Microsoft.Insights/workbooktemplates/write Microsoft.Insights/workbooktemplates/delete "
			   "Microsoft.Insights/workbooktemplates/read",
	},
	{
		.id = "b279062a-9be3-42a0-92ae-8b3cf002ec4d",
		.name = "Workbook Reader",
		.description = "Can read workbooks.",
		.actions = "microsoft.insights/workbooks/read microsoft.insights/workbooks/revisions/read "
			   "microsoft.insights/workbooktemplates/read",
	},
	{
		.id = "1e241071-0855-49ea-94dc-649edcd759de",
		.name = "EventGrid Contributor",
		.description = "Lets you manage EventGrid operations.",
		.actions = "Microsoft.Authorization/*/read Microsoft.EventGrid/* Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/*",
	},
	{
		.id = "d5a91429-5739-47e2-a06b-3470a27159e7",
		.name = "EventGrid Data Sender",
		.description = "Allows send access to event grid events.",
		.actions = "Microsoft.Authorization/*/read Microsoft.EventGrid/topics/read "
			   "Microsoft.EventGrid/domains/read Microsoft.EventGrid/partnerNamespaces/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.EventGrid/namespaces/read",
		.data_actions = "Microsoft.EventGrid/events/send/action",
	},
	{
		.id = "428e0ff0-5e57-4d9c-a221-2c70d0e0a443",
		.name = "EventGrid EventSubscription Contributor",
		.description = "Lets you manage EventGrid event subscription operations.",
		.actions = "Microsoft.Authorization/*/read Microsoft.EventGrid/eventSubscriptions/* "
			   "Microsoft.EventGrid/topicTypes/eventSubscriptions/read "
			   "Microsoft.EventGrid/locations/eventSubscriptions/read "
			   "Microsoft.EventGrid/locations/topicTypes/eventSubscriptions/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/*",
	},
	{
		.id = "2414bbcf-6497-4faf-8c65-045460748405",
		.name = "EventGrid EventSubscription Reader",
		.description = "Lets you read EventGrid event subscriptions.",
		.actions = "Microsoft.Authorization/*/read Microsoft.EventGrid/eventSubscriptions/read "
			   "Microsoft.EventGrid/topicTypes/eventSubscriptions/read "
			   "Microsoft.EventGrid/locations/eventSubscriptions/read "
			   "Microsoft.EventGrid/locations/topicTypes/eventSubscriptions/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read",
	},
	// What rotates keys from outside.
	{
		.id = "f353d9bd-d4a6-484e-a77a-8050b599b867",
		.name = "Automation Contributor",
		.description = "Manage azure automation resources and other resources using azure automation.",
		.actions = "Microsoft.Automation/automationAccounts/* Microsoft.Authorization/*/read "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/* Microsoft.Insights/ActionGroups/* "
			   "Microsoft.Insights/ActivityLogAlerts/* Microsoft.Insights/MetricAlerts/* "
			   "Microsoft.Insights/ScheduledQueryRules/* Microsoft.Insights/diagnosticSettings/* "
			   "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
	},
	{
		.id = "4fe576fe-1146-4730-92eb-48519fa6bf9f",
		.name = "Automation Job Operator",
		.description = "Create and Manage Jobs using Automation Runbooks.",
		.actions = "Microsoft.Authorization/*/read "
			   "Microsoft.Automation/automationAccounts/hybridRunbookWorkerGroups/read "
			   "Microsoft.Automation/automationAccounts/jobs/read "
			   "Microsoft.Automation/automationAccounts/jobs/resume/action "
			   "Microsoft.Automation/automationAccounts/jobs/stop/action "
			   "Microsoft.Automation/automationAccounts/jobs/streams/read "
			   "Microsoft.Automation/automationAccounts/jobs/suspend/action "
			   "Microsoft.Automation/automationAccounts/jobs/write "
			   "Microsoft.Automation/automationAccounts/jobs/output/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Resources/deployments/* Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Support/*",
	},
	{
		.id = "d3881f73-407a-4167-8283-e981cbba0404",
		.name = "Automation Operator",
		.description = "Automation Operators are able to start, stop, suspend, and resume jobs",
		.actions = "Microsoft.Authorization/*/read "
			   "Microsoft.Automation/automationAccounts/hybridRunbookWorkerGroups/read "
			   "Microsoft.Automation/automationAccounts/jobs/read "
			   "Microsoft.Automation/automationAccounts/jobs/resume/action "
			   "Microsoft.Automation/automationAccounts/jobs/stop/action "
			   "Microsoft.Automation/automationAccounts/jobs/streams/read "
			   "Microsoft.Automation/automationAccounts/jobs/suspend/action "
			   "Microsoft.Automation/automationAccounts/jobs/write "
			   "Microsoft.Automation/automationAccounts/jobSchedules/read "
			   "Microsoft.Automation/automationAccounts/jobSchedules/write "
			   "Microsoft.Automation/automationAccounts/linkedWorkspace/read "
			   "Microsoft.Automation/automationAccounts/read "
			   "Microsoft.Automation/automationAccounts/runbooks/read "
			   "Microsoft.Automation/automationAccounts/schedules/read "
			   "Microsoft.Automation/automationAccounts/schedules/write Microsoft.Insights/alertRules/* "
			   "Microsoft.ResourceHealth/availabilityStatuses/read Microsoft.Resources/deployments/* "
			   "Microsoft.Automation/automationAccounts/jobs/output/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/*",
	},
	{
		.id = "5fb5aef8-1081-4b8e-bb16-9d5d0385bab5",
		.name = "Automation Runbook Operator",
		.description = "Read Runbook properties - to be able to create Jobs of the runbook.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Automation/automationAccounts/runbooks/read "
			   "Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/*",
	},
	{
		.id = "87a39d53-fc1b-424a-814c-f7e04687dc9e",
		.name = "Logic App Contributor",
		.description = "Lets you manage logic app, but not access to them.",
		.actions = "Microsoft.Authorization/*/read Microsoft.ClassicStorage/storageAccounts/listKeys/action "
			   "Microsoft.ClassicStorage/storageAccounts/read Microsoft.Insights/alertRules/* "
			   "Microsoft.Insights/metricAlerts/* Microsoft.Insights/diagnosticSettings/* "
			   "Microsoft.Insights/logdefinitions/* Microsoft.Insights/metricDefinitions/* "
			   "Microsoft.Logic/* Microsoft.Resources/deployments/* "
			   "Microsoft.Resources/subscriptions/operationresults/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read "
			   "Microsoft.Storage/storageAccounts/listkeys/action Microsoft.Storage/storageAccounts/read "
			   "Microsoft.Support/* Microsoft.Web/connectionGateways/* Microsoft.Web/connections/* "
			   "Microsoft.Web/customApis/* Microsoft.Web/serverFarms/join/action "
			   "Microsoft.Web/serverFarms/read Microsoft.Web/sites/functions/listSecrets/action",
	},
	{
		.id = "515c2055-d9d4-4321-b1b9-bd0c9a0f79fe",
		.name = "Logic App Operator",
		.description = "Lets you read, enable and disable logic app.",
		.actions = "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/*/read "
			   "Microsoft.Insights/metricAlerts/*/read Microsoft.Insights/diagnosticSettings/*/read "
			   "Microsoft.Insights/metricDefinitions/*/read Microsoft.Logic/*/read "
			   "Microsoft.Logic/workflows/disable/action Microsoft.Logic/workflows/enable/action "
			   "Microsoft.Logic/workflows/validate/action Microsoft.Resources/deployments/operations/read "
			   "Microsoft.Resources/subscriptions/operationresults/read "
			   "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
			   "Microsoft.Web/connectionGateways/*/read Microsoft.Web/connections/*/read "
			   "Microsoft.Web/customApis/*/read Microsoft.Web/serverFarms/read",
	},
	// Our own.
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
