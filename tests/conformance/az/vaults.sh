#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Vaults and pools. Debian lacks the modules of `az keyvault key`, `secret`, `certificate` and `role`: `az rest` makes those
# calls. `private-endpoint-connection list` of this az takes Managed HSMs only.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

officer=14b46e9e-c2b7-41b4-b07b-48a6ebf60603
vault=kv-orders

key() { # method path [body [query]]
	az rest --resource https://vault.azure.net --method "$1" --url "https://$vault.vault.azure.net$2?api-version=7.4" \
		--body "${3:-}" --query "${4:-key.kid}" -o tsv
}

does login
does az group create -n rg-kv -l westeurope
does az identity create -g rg-kv -n id-set --query principalId -o tsv
identity=$output
does az ad sp show --id "$AZURE_CLIENT_ID" --query id -o tsv
me=$output

# --- Vaults that roles guard.

prints_all az keyvault create --name $vault --location westeurope --resource-group rg-kv \
	--subscription "$AZURE_SUBSCRIPTION_ID" --enable-purge-protection true --enable-rbac-authorization true <<'EOF'
{
  "id": "/subscriptions/{subscription}/resourceGroups/rg-kv/providers/Microsoft.KeyVault/vaults/kv-orders",
  "location": "westeurope",
  "name": "kv-orders",
  "properties": {
    "accessPolicies": [],
    "createMode": null,
    "enablePurgeProtection": true,
    "enableRbacAuthorization": true,
    "enableSoftDelete": true,
    "enabledForDeployment": false,
    "enabledForDiskEncryption": false,
    "enabledForTemplateDeployment": false,
    "hsmPoolResourceId": null,
    "networkAcls": {
      "bypass": "AzureServices",
      "defaultAction": "Allow",
      "ipRules": [],
      "virtualNetworkRules": []
    },
    "privateEndpointConnections": null,
    "provisioningState": "Succeeded",
    "publicNetworkAccess": "Enabled",
    "sku": {
      "family": "A",
      "name": "standard"
    },
    "softDeleteRetentionInDays": 90,
    "tenantId": "{tenant}",
    "vaultUri": "https://kv-orders.vault.azure.net/"
  },
  "resourceGroup": "rg-kv",
  "systemData": null,
  "tags": null,
  "type": "Microsoft.KeyVault/vaults"
}
EOF
does az keyvault show --name $vault --query "id" -o tsv
vault_id=$output
gives "$vault_id" az keyvault show --resource-group rg-kv --name $vault --query id --output tsv
fails 3 "(ResourceNotFound)" az keyvault show --resource-group rg-kv --name absent
fails 1 "The Vault 'absent' not found within subscription." az keyvault show --name absent
fails 1 "Cannot set policies to a vault with '--enable-rbac-authorization' specified" \
	az keyvault set-policy -n $vault --spn "$AZURE_CLIENT_ID" --secret-permissions get
fails 1 'The property "enablePurgeProtection" cannot be set to false.' az keyvault update -n $vault --enable-purge-protection false
fails 1 "The specified vault: kv-orders already exists" az keyvault create -n $vault -g rg-kv -l westeurope
prints vault az keyvault private-link-resource list --vault-name $vault --query '[].groupId' -o tsv

# --- Its keys.

fails 1 ForbiddenByRbac key POST /keys/cmk/create '{"kty":"RSA"}'
does assign "$me" ServicePrincipal $officer "$vault_id"
prints "https://kv-orders.vault.azure.net/keys/cmk/{version}" key POST /keys/cmk/create \
	'{"kty":"RSA","key_size":3072,"key_ops":["wrapKey","unwrapKey"]}'
prints RSA key GET /keys/cmk '' key.kty
prints "https://kv-orders.vault.azure.net/keys/cmk/{version}" key POST /keys/cmk/rotate '{}'
prints 2 key GET /keys/cmk/versions '' 'length(value)'
prints "https://kv-orders.vault.azure.net/deletedkeys/cmk" key DELETE /keys/cmk '' recoveryId
fails 1 '"code":"Forbidden"' key DELETE /deletedkeys/cmk
prints "https://kv-orders.vault.azure.net/keys/cmk/{version}" key POST /deletedkeys/cmk/recover

# --- Vaults that access policies guard.

prints true az keyvault create --name kv-old --resource-group rg-kv --location westeurope --enabled-for-disk-encryption \
	--query properties.enabledForDiskEncryption
gives "$me" az keyvault show -n kv-old --query 'properties.accessPolicies[].objectId' -o tsv
prints false az keyvault update --name kv-old --resource-group rg-kv --enabled-for-disk-encryption false \
	--query properties.enabledForDiskEncryption
prints true az keyvault update --name kv-old --resource-group rg-kv --enabled-for-disk-encryption true \
	--query properties.enabledForDiskEncryption
prints "get
unwrapKey
wrapKey" az keyvault set-policy -n kv-old --object-id "$identity" --key-permissions get wrapKey unwrapKey \
	--query "sort(properties.accessPolicies[?objectId=='$identity'].permissions.keys[])" -o tsv
prints "get
list" az keyvault set-policy -n kv-old --spn "$AZURE_CLIENT_ID" --secret-permissions get list \
	--query "sort(properties.accessPolicies[?objectId=='$me'].permissions.secrets[])" -o tsv
gives "$identity" az keyvault delete-policy -n kv-old --spn "$AZURE_CLIENT_ID" \
	--query "properties.accessPolicies[].objectId" -o tsv
prints "kv-old
kv-orders" az keyvault list -g rg-kv --query 'sort_by([], &name)[].name' -o tsv

# --- Where requests may come from.

prints 203.0.113.0/24 az keyvault network-rule add -n kv-old -g rg-kv --ip-address 203.0.113.0/24 \
	--query 'properties.networkAcls.ipRules[].value' -o tsv
prints_all az keyvault update -n kv-old --default-action Deny --bypass AzureServices --query properties.networkAcls <<'EOF'
{
  "bypass": "AzureServices",
  "defaultAction": "Deny",
  "ipRules": [
    {
      "value": "203.0.113.0/24"
    }
  ],
  "virtualNetworkRules": []
}
EOF
prints '' az keyvault network-rule remove -n kv-old -g rg-kv --ip-address 203.0.113.0/24 --output none
prints '[]' az keyvault network-rule list -n kv-old -g rg-kv --query ipRules
prints Disabled az keyvault update -n kv-old --public-network-access Disabled --query properties.publicNetworkAccess -o tsv

# --- Audit.

does az storage account create -n staudit -g rg-kv -l westeurope --query id -o tsv
account=$output
prints audit az monitor diagnostic-settings create -n audit --resource "$vault_id" --storage-account "$account" \
	--logs '[{"category": "AuditEvent", "enabled": true}]' --query name -o tsv
prints AuditEvent az monitor diagnostic-settings list --resource "$vault_id" --query '[].logs[].category' -o tsv
prints AuditEvent az monitor diagnostic-settings categories list --resource "$vault_id" \
	--query "value[?name=='AuditEvent'].name" -o tsv
prints '' az monitor diagnostic-settings delete -n audit --resource "$vault_id"

# --- Soft deletion.

prints '' az keyvault delete -n kv-old
prints kv-old az keyvault list-deleted --query "[].name" -o tsv
prints_all az keyvault show-deleted -n kv-old --query properties <<'EOF'
{
  "deletionDate": "{time}",
  "location": "westeurope",
  "purgeProtectionEnabled": false,
  "scheduledPurgeDate": "{time}",
  "tags": null,
  "vaultId": "/subscriptions/{subscription}/resourceGroups/rg-kv/providers/Microsoft.KeyVault/vaults/kv-old"
}
EOF
prints '' az keyvault purge -n kv-old
fails 1 "No deleted Vault or HSM was found with name kv-old" az keyvault show-deleted -n kv-old
prints '' az keyvault delete -n $vault
fails 1 "(ConflictError) A vault with the same name already exists in deleted state." \
	az keyvault create --name $vault --location westeurope --resource-group rg-kv
fails 1 "(MethodNotAllowed) Operation 'DeletedVaultPurge' is not allowed." az keyvault purge -n $vault
prints true az keyvault recover -n $vault --query properties.enablePurgeProtection
# Its role assignments went with the vault.
fails 1 ForbiddenByRbac key GET /keys/cmk
does assign "$me" ServicePrincipal $officer "$vault_id"
prints "https://kv-orders.vault.azure.net/keys/cmk/{version}" key GET /keys/cmk

# --- Managed HSMs.

prints_all az keyvault create --hsm-name hsm-orders -l westeurope -g rg-kv --administrators "$me" --retention-days 7 \
	--query '{uri: properties.hsmUri, state: properties.securityDomainProperties.activationStatus, sku: sku.name}' <<'EOF'
{
  "sku": "Standard_B1",
  "state": "Active",
  "uri": "https://hsm-orders.managedhsm.azure.net/"
}
EOF
prints 7 az keyvault show --hsm-name hsm-orders --query properties.softDeleteRetentionInDays
prints false az keyvault check-name --name hsm-orders --query nameAvailable
prints westeurope az rest --method GET --query "value[?name=='hsm-orders'].location | [0]" -o tsv \
	--uri "https://management.azure.com$subscription/providers/Microsoft.KeyVault/managedHSMs?api-version=2023-07-01"
prints '' az keyvault delete --hsm-name hsm-orders
prints hsm-orders az keyvault list-deleted --resource-type hsm --query '[].name' -o tsv
prints '' az keyvault recover --hsm-name hsm-orders --output none
prints true az keyvault update-hsm --hsm-name hsm-orders --enable-purge-protection true --query properties.enablePurgeProtection
prints '' az keyvault delete --hsm-name hsm-orders
fails 1 "(MethodNotAllowed)" az keyvault purge --hsm-name hsm-orders
finish
