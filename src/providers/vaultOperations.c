// SPDX-License-Identifier: Apache-2.0
// GET /providers/Microsoft.KeyVault/operations and /providers/Microsoft.ManagedIdentity/operations: the actions that roles can
// give, for those that are served.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/operations.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

#define VAULTS "Microsoft.KeyVault/vaults"
#define IDENTITIES "Microsoft.ManagedIdentity/userAssignedIdentities"

const struct provider_operation vault_operations[] = {
	{"Microsoft.KeyVault/register/action", "Key Vault", "Register the subscription", false},
	{"Microsoft.KeyVault/operations/read", "Key Vault", "List operations", false},
	{"Microsoft.KeyVault/checkNameAvailability/read", "Vault", "Check whether a name is available", false},
	{VAULTS "/read", "Vault", "Read a vault", false},
	{VAULTS "/write", "Vault", "Create or update a vault", false},
	{VAULTS "/delete", "Vault", "Delete a vault", false},
	{VAULTS "/accessPolicies/write", "Access policy", "Change access policies", false},
	{VAULTS "/keys/read", "Key", "List keys, or read one", false},
	{VAULTS "/keys/write", "Key", "Create the first version of a key", false},
	{VAULTS "/keys/versions/read", "Key version", "List versions of a key, or read one", false},
	{VAULTS "/secrets/read", "Secret", "Read the properties of a secret, not its value", false},
	{VAULTS "/secrets/write", "Secret", "Create or update a secret", false},
	{VAULTS "/privateEndpointConnections/read", "Private endpoint connection", "Read connections", false},
	{VAULTS "/privateEndpointConnections/write", "Private endpoint connection", "Approve or reject a connection", false},
	{VAULTS "/privateEndpointConnections/delete", "Private endpoint connection", "Remove a connection", false},
	{VAULTS "/privateEndpointConnectionsApproval/action", "Private endpoint connection", "Approve automatically", false},
	{VAULTS "/privateLinkResources/read", "Private link resource", "Read private link resources", false},
	{"Microsoft.KeyVault/deletedVaults/read", "Deleted vault", "List deleted vaults", false},
	{"Microsoft.KeyVault/locations/deletedVaults/read", "Deleted vault", "Read a deleted vault", false},
	{"Microsoft.KeyVault/locations/deletedVaults/purge/action", "Deleted vault", "Purge a deleted vault", false},
	{"Microsoft.KeyVault/managedHSMs/read", "Managed HSM", "Read a managed HSM", false},
	{"Microsoft.KeyVault/managedHSMs/write", "Managed HSM", "Create or update a managed HSM", false},
	{"Microsoft.KeyVault/managedHSMs/delete", "Managed HSM", "Delete a managed HSM", false},
	{VAULTS "/keys/read", "Key", "Read a key's public half and properties", true},
	{VAULTS "/keys/create/action", "Key", "Create a key", true},
	{VAULTS "/keys/import/action", "Key", "Import a key", true},
	{VAULTS "/keys/update/action", "Key", "Update a key", true},
	{VAULTS "/keys/delete", "Key", "Delete a key", true},
	{VAULTS "/keys/recover/action", "Key", "Recover a key", true},
	{VAULTS "/keys/purge/action", "Key", "Purge a key", true},
	{VAULTS "/keys/backup/action", "Key", "Back up a key", true},
	{VAULTS "/keys/restore/action", "Key", "Restore a key", true},
	{VAULTS "/keys/rotate/action", "Key", "Make a new version of a key", true},
	{VAULTS "/keys/release/action", "Key", "Release a key", true},
	{VAULTS "/keys/encrypt/action", "Key", "Encrypt", true},
	{VAULTS "/keys/decrypt/action", "Key", "Decrypt", true},
	{VAULTS "/keys/wrap/action", "Key", "Wrap a key", true},
	{VAULTS "/keys/unwrap/action", "Key", "Unwrap a key", true},
	{VAULTS "/keys/sign/action", "Key", "Sign", true},
	{VAULTS "/keys/verify/action", "Key", "Verify a signature", true},
	{VAULTS "/keyrotationpolicies/read", "Key rotation policy", "Read a rotation policy", true},
	{VAULTS "/keyrotationpolicies/write", "Key rotation policy", "Change a rotation policy", true},
	{VAULTS "/secrets/getSecret/action", "Secret", "Read a secret's value", true},
	{VAULTS "/secrets/setSecret/action", "Secret", "Set a secret", true},
	{VAULTS "/secrets/readMetadata/action", "Secret", "List secrets, or read properties", true},
	{VAULTS "/secrets/update/action", "Secret", "Update a secret", true},
	{VAULTS "/secrets/delete", "Secret", "Delete a secret", true},
	{VAULTS "/secrets/backup/action", "Secret", "Back up a secret", true},
	{VAULTS "/secrets/restore/action", "Secret", "Restore a secret", true},
	{VAULTS "/secrets/recover/action", "Secret", "Recover a secret", true},
	{VAULTS "/secrets/purge/action", "Secret", "Purge a secret", true},
};

const struct provider_operation identity_operations[] = {
	{"Microsoft.ManagedIdentity/register/action", "Managed identity", "Register the subscription", false},
	{"Microsoft.ManagedIdentity/operations/read", "Managed identity", "List operations", false},
	{"Microsoft.ManagedIdentity/identities/read", "System-assigned identity", "Read the identity of a resource", false},
	{IDENTITIES "/read", "User-assigned identity", "Read an identity", false},
	{IDENTITIES "/write", "User-assigned identity", "Create or update an identity", false},
	{IDENTITIES "/delete", "User-assigned identity", "Delete an identity", false},
	{IDENTITIES "/assign/action", "User-assigned identity", "Give an identity to a resource", false},
	{IDENTITIES "/federatedIdentityCredentials/read", "Federated identity credential", "Read a credential", false},
	{IDENTITIES "/federatedIdentityCredentials/write", "Federated identity credential", "Create or update a credential", false},
	{IDENTITIES "/federatedIdentityCredentials/delete", "Federated identity credential", "Delete a credential", false},
};

const size_t vault_operation_count = ARRAY_SIZE(vault_operations);
const size_t identity_operation_count = ARRAY_SIZE(identity_operations);

// Only a provider that has data actions says which operations are some.
static json_t *render(const char *provider, const struct provider_operation *o, bool with_data) {
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "name", o->name, "display", "provider", provider,
		"resource", o->resource, "operation", o->text, "description", o->text);
	if (!shown || (with_data && json_object_set_new(shown, "isDataAction", json_boolean(o->data)) < 0))
		return NULL;
	return TAKE_PTR(shown);
}

// For every caller who has a token: it says what roles can be made of.
static int list(struct arm_call *call, const char *provider, const struct provider_operation *operations, size_t count,
	bool with_data, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0] || call->target->subscription[0])
		return vaults_method_not_allowed(call, err);
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(value, render(provider, &operations[i], with_data)) < 0)
			return err_oom(err);
	return 0;
}

static int list_vaults(struct arm_call *call, struct err *err) {
	return list(call, "Microsoft Key Vault", vault_operations, vault_operation_count, true, err);
}

static int list_identities(struct arm_call *call, struct err *err) {
	return list(call, "Microsoft Managed Identity", identity_operations, identity_operation_count, false, err);
}

const struct arm_type vault_operations_type = {
	.name = "Microsoft.KeyVault/operations", .versions = versions_vaults, .raw = list_vaults};
const struct arm_type identity_operations_type = {
	.name = "Microsoft.ManagedIdentity/operations", .versions = versions_identities, .raw = list_identities};
