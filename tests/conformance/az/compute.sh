#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk encryption sets, disks and machines. Debian's `az vm` needs the API profile 2020-09-01-hybrid, and shows with it what
# that version knows: no securityType. `--no-wait false` and `az vm restart` are beyond this az and custodisk.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

group=$subscription/resourceGroups/rg-disks
sets=$group/providers/Microsoft.Compute/diskEncryptionSets

key() { # method path body query
	az rest --resource https://vault.azure.net --method "$1" --url "https://kv-disks.vault.azure.net$2?api-version=7.4" \
		--body "$3" --query "$4" -o tsv
}

power() {
	az vm get-instance-view --resource-group rg-disks --name vm-orders \
		--query "instanceView.statuses[?starts_with(code,'PowerState/')].displayStatus | [0]" -o tsv
}

does login
does az group create -n rg-disks -l westeurope
does az identity create -g rg-disks -n id-set --query principalId -o tsv
identity=$output
identity_id=$group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-set
does az ad sp show --id "$AZURE_CLIENT_ID" --query id -o tsv
me=$output
does az keyvault create -n kv-disks -g rg-disks -l westeurope --sku premium --enable-rbac-authorization true \
	--enable-purge-protection true --query id -o tsv
vault_id=$output
does assign "$identity" ServicePrincipal e147488a-f6f5-4113-8e2d-b22465e65bf6 "$vault_id"
does assign "$me" ServicePrincipal 14b46e9e-c2b7-41b4-b07b-48a6ebf60603 "$vault_id"
does key POST /keys/cmk/create '{"kty":"RSA","key_size":3072,"key_ops":["wrapKey","unwrapKey"]}' key.kid
first=$output

# --- Sets.

prints_all az disk-encryption-set create --resource-group rg-disks --name des-orders --key-url "$first" \
	--source-vault kv-disks --mi-user-assigned "$identity_id" --location westeurope <<'EOF'
{
  "activeKey": {
    "keyUrl": "https://kv-disks.vault.azure.net/keys/cmk/{version}",
    "sourceVault": {
      "id": "/subscriptions/{subscription}/resourceGroups/rg-disks/providers/Microsoft.KeyVault/vaults/kv-disks"
    }
  },
  "autoKeyRotationError": null,
  "encryptionType": "EncryptionAtRestWithCustomerKey",
  "federatedClientId": null,
  "id": "/subscriptions/{subscription}/resourceGroups/rg-disks/providers/Microsoft.Compute/diskEncryptionSets/des-orders",
  "identity": {
    "principalId": null,
    "tenantId": null,
    "type": "UserAssigned",
    "userAssignedIdentities": {
      "/subscriptions/{subscription}/resourceGroups/rg-disks/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-set": {
        "clientId": "{guid}",
        "principalId": "{guid}"
      }
    }
  },
  "lastKeyRotationTimestamp": null,
  "location": "westeurope",
  "name": "des-orders",
  "previousKeys": [],
  "provisioningState": "Succeeded",
  "resourceGroup": "rg-disks",
  "rotationToLatestKeyVersionEnabled": null,
  "tags": null,
  "type": "Microsoft.Compute/diskEncryptionSets"
}
EOF
gives "$sets/des-orders" az disk-encryption-set show --name des-orders --resource-group rg-disks --query "id" -o tsv
prints '' az disk-encryption-set show --name des-orders --resource-group rg-disks --query "properties.activeKey.keyUrl" -o tsv
gives "$sets/des-orders" az disk-encryption-set list --query "[?name=='des-orders'].id | [0]" -o tsv
fails 3 "(ResourceNotFound)" az disk-encryption-set show --name absent --resource-group rg-disks
prints UserAssigned az disk-encryption-set identity show --name des-orders -g rg-disks --query type -o tsv
prints "SystemAssigned, UserAssigned" az disk-encryption-set identity assign --name des-orders -g rg-disks --system-assigned \
	--query type -o tsv
prints ConfidentialVmEncryptedWithCustomerKey az disk-encryption-set create -g rg-disks -n des-cvm --key-url "$first" \
	--mi-user-assigned "$identity_id" --encryption-type ConfidentialVmEncryptedWithCustomerKey --query encryptionType -o tsv

# --- Disks.

prints Succeeded az disk create -g rg-disks -n disk-orders --size-gb 1 --os-type Linux --sku Standard_LRS \
	--encryption-type EncryptionAtRestWithCustomerKey --disk-encryption-set des-orders --query provisioningState -o tsv
prints Standard_LRS az disk show --resource-group rg-disks --name disk-orders --query "sku.name" -o tsv
prints disk-orders az disk list -g rg-disks --query '[].name' -o tsv
prints b az disk update --resource-group rg-disks --name disk-orders --set tags.a=b --query tags.a -o tsv
prints Premium_LRS az disk update --resource-group rg-disks --name disk-orders --set sku.name=Premium_LRS --query sku.name -o tsv
fails 1 "(InvalidParameter)" az disk update --resource-group rg-disks --name disk-orders --set sku.name=Fast_LRS
fails 3 "(ResourceNotFound)" az disk show -g rg-disks -n absent
gives "$group/providers/Microsoft.Compute/disks/disk-orders" az disk-encryption-set list-associated-resources \
	-g rg-disks -n des-orders -o tsv
fails 1 "(OperationNotAllowed)" az disk-encryption-set delete -g rg-disks -n des-orders
does key POST /keys/cmk/rotate '{}' key.kid
second=$output
gives "$second" az disk-encryption-set update --name des-orders --resource-group rg-disks --key-url "$second" \
	--source-vault kv-disks --query activeKey.keyUrl -o tsv

# --- A machine, from a template.

cat >vm.json <<'EOF'
{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"disk": {"type": "string"}},
  "resources": [{
    "type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-07-01", "name": "vm-orders",
    "location": "[resourceGroup().location]", "identity": {"type": "SystemAssigned"},
    "properties": {
      "hardwareProfile": {"vmSize": "Standard_B1ls"},
      "storageProfile": {"osDisk": {"createOption": "Attach", "osType": "Linux",
        "managedDisk": {"id": "[resourceId('Microsoft.Compute/disks', parameters('disk'))]"}}}
    }
  }]
}
EOF
prints Succeeded az deployment group create -g rg-disks -n vm --template-file vm.json --parameters disk=disk-orders \
	--query properties.provisioningState -o tsv
prints '' az cloud set -n AzureCloud --profile 2020-09-01-hybrid
prints_all az vm list --resource-group rg-disks \
	--query "[?starts_with(name, 'vm-')].{name:name, provisioningState:provisioningState}" --output json <<'EOF'
[
  {
    "name": "vm-orders",
    "provisioningState": "Succeeded"
  }
]
EOF
prints '"vm-orders"' az vm show --resource-group rg-disks --name vm-orders --query "name"
prints disk-orders az vm show --resource-group rg-disks --name vm-orders --query "storageProfile.osDisk.name" -o tsv
prints "VM running" power
prints Replaced az vm update --resource-group rg-disks --name vm-orders \
	--set tags.ReplacementStatus="Replaced" tags.CleanupDelayDays=7 --query tags.ReplacementStatus -o tsv
prints '' az vm stop --resource-group rg-disks --name vm-orders --skip-shutdown
prints "VM stopped" power
prints '' az vm deallocate --resource-group rg-disks --name vm-orders --no-wait
comes_to "VM deallocated" power
prints false key PATCH /keys/cmk '{"attributes":{"enabled":false}}' attributes.enabled
fails 1 KeyVaultKeyNotEnabled az vm start -g rg-disks -n vm-orders
prints true key PATCH /keys/cmk '{"attributes":{"enabled":true}}' attributes.enabled
prints '' az vm start --resource-group rg-disks --name vm-orders --no-wait
comes_to "VM running" power
prints '' az vm delete --resource-group rg-disks --name vm-orders --yes --force-deletion true
fails 3 "(ResourceNotFound)" az vm show --resource-group rg-disks --name vm-orders --output json
prints '' az cloud set -n AzureCloud --profile latest

# --- The end of each.

prints '' az disk delete --resource-group rg-disks --name disk-orders --yes
prints '' az disk-encryption-set delete -g rg-disks -n des-orders
prints '' az resource delete --ids "$sets/des-cvm"
prints '' az group delete -n rg-disks --yes
finish
