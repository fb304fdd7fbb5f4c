#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Templates, those of examples/cmk above all, and what they make: networks, which Debian's `az network` manages in part, and
# with the API profile 2020-09-01-hybrid only (it lacks modules of the latest, and those of `nic show` and `nic delete`).
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

does login
does az group create -n rg-cmk -l westeurope

# --- Tried, deployed, looked at.

prints Succeeded az deployment group validate --resource-group rg-cmk --template-file "$EXAMPLES/network.json" \
	--parameters prefix=orders --query properties.provisioningState -o tsv
run az deployment group what-if --resource-group rg-cmk --template-file "$EXAMPLES/network.json" --parameters prefix=orders
succeeded
grep -qx 'Resource changes: 6 to create.' "$work/output" || stop "expected: Resource changes: 6 to create."
prints_all az deployment group create --resource-group rg-cmk --name CMK-Net-1 --template-file "$EXAMPLES/network.json" \
	--parameters prefix=orders --mode Incremental --no-prompt true -o json \
	--query 'properties.{state: provisioningState, mode: mode, subnet: outputs.hostSubnetId.value}' <<'EOF'
{
  "mode": "Incremental",
  "state": "Succeeded",
  "subnet": "/subscriptions/{subscription}/resourceGroups/rg-cmk/providers/Microsoft.Network/virtualNetworks/vnet-orders/subnets/hosts"
}
EOF
prints "$(printf 'CMK-Net-1\tSucceeded')" az deployment group list -g rg-cmk --query '[].[name, properties.provisioningState]' -o tsv
prints '[]' az deployment operation group list --resource-group rg-cmk --name CMK-Net-1 \
	--query "[?properties.provisioningState=='Failed'].properties.statusMessage.error" --output json
prints "nsg-orders-hosts" az deployment operation group list --resource-group rg-cmk --name CMK-Net-1 -o tsv \
	--query "[?properties.targetResource.resourceType=='Microsoft.Network/networkSecurityGroups'].properties.targetResource.resourceName"
prints NoChange az deployment group what-if --resource-group rg-cmk --name CMK-Net-1 --template-file "$EXAMPLES/network.json" \
	--parameters prefix=orders --result-format FullResourcePayloads --no-prompt true --no-pretty-print \
	--query 'changes[0].changeType' -o tsv
run az deployment group export -g rg-cmk -n CMK-Net-1
succeeded
grep -qF '"name": "[format('"'nsg-{0}-hosts', parameters('prefix'))]"'",' "$work/output" || stop "expected: the template's expressions"
fails 1 "Length of the value should be greater than or equal to '2'" az deployment group create -g rg-cmk \
	--template-file "$EXAMPLES/network.json" --parameters prefix=a

# --- The stages that follow, from outputs of those before.

for input in endpointSubnetId privateDnsZoneId workspaceId logAccountId hostSubnetId; do
	does az deployment group show -g rg-cmk -n CMK-Net-1 --query "properties.outputs.$input.value" -o tsv
	eval "$input=\$output"
done
cat >vault.parameters.json <<EOF
{"\$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#", "contentVersion": "1.0.0.0",
 "parameters": {"prefix": {"value": "orders"}, "endpointSubnetId": {"value": "${endpointSubnetId:?}"},
  "privateDnsZoneId": {"value": "${privateDnsZoneId:?}"}, "workspaceId": {"value": "${workspaceId:?}"},
  "logAccountId": {"value": "${logAccountId:?}"}}}
EOF
does az deployment group create --resource-group rg-cmk --name CMK-KV-1 --template-file "$EXAMPLES/vault.json" \
	--parameters vault.parameters.json --parameters keySize=2048 --query properties.outputs.keyUrl.value -o tsv
key=$output
does az deployment group show -g rg-cmk -n CMK-KV-1 --query properties.outputs.identityId.value -o tsv
identity=$output
does az deployment group create --resource-group rg-cmk --name CMK-DES-1 --template-file "$EXAMPLES/set.json" \
	--parameters prefix=orders identityId="$identity" keyUrl="$key" --query properties.outputs.diskEncryptionSetId.value -o tsv
set_id=$output
prints '"10.40.1.4"' az deployment group create --resource-group rg-cmk --name Deploy-Hosts-1 --template-file "$EXAMPLES/host.json" \
	--parameters "@$EXAMPLES/host.parameters.json" --parameters prefix=orders diskEncryptionSetId="$set_id" \
	subnetId="${hostSubnetId:?}" --query 'properties.outputs.hosts.value[0].address'
prints '{guid}' az monitor log-analytics workspace show --workspace-name log-orders --resource-group rg-cmk \
	--query customerId -o tsv
prints StorageV2 az storage account list --resource-group rg-cmk --query "[].kind" -o tsv

# --- Networks.

prints '' az cloud set -n AzureCloud --profile 2020-09-01-hybrid
prints vnet-orders az network vnet list -g rg-cmk --query '[].name' -o tsv
gives "$subscription/resourceGroups/rg-cmk/providers/Microsoft.Network/networkSecurityGroups/nsg-orders-hosts" \
	az network vnet subnet show --resource-group rg-cmk --vnet-name vnet-orders --name hosts --query "networkSecurityGroup.id" -o tsv
prints privatelink.vaultcore.azure.net az network private-dns zone list -g rg-cmk --query '[].name' -o tsv
prints link-orders az network private-dns link vnet list -g rg-cmk -z privatelink.vaultcore.azure.net --query '[].name' -o tsv
prints AllowAzureImageBuilderAccess az network nsg rule create --resource-group rg-cmk --nsg-name nsg-orders-hosts \
	--name 'AllowAzureImageBuilderAccess' --priority 400 --access Allow --direction Inbound --protocol Tcp \
	--source-address-prefixes AzureLoadBalancer --source-port-ranges '*' --destination-address-prefixes VirtualNetwork \
	--destination-port-ranges 60000-60001 --description "The image builder" --query name -o tsv
prints 10.40.1.5 az network nic create -g rg-cmk -n nic-spare --vnet-name vnet-orders --subnet hosts \
	--query 'NewNIC.ipConfigurations[0].privateIpAddress' -o tsv
prints v2 az network vnet create -g rg-cmk -n v2 --address-prefix 10.9.0.0/16 --subnet-name s --subnet-prefix 10.9.0.0/24 \
	--query newVNet.name -o tsv
prints '' az network vnet delete -g rg-cmk -n v2
fails 1 "(InUseSubnetCannotBeDeleted)" az network vnet delete -g rg-cmk -n vnet-orders
prints '' az cloud set -n AzureCloud --profile latest
prints '' az resource delete -g rg-cmk -n nic-spare --resource-type Microsoft.Network/networkInterfaces

# --- Subscriptions, with a module.

cat >sub.json <<'EOF'
{
  "$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"group": {"type": "string"}},
  "resources": [
    {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "2024-03-01", "name": "[parameters('group')]",
     "location": "[deployment().location]"},
    {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "module",
     "resourceGroup": "[parameters('group')]",
     "dependsOn": ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', parameters('group'))]"],
     "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"},
      "parameters": {"name": {"value": "id-module"}},
      "template": {
       "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
       "contentVersion": "1.0.0.0", "parameters": {"name": {"type": "string"}},
       "resources": [{"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "2023-01-31",
        "name": "[parameters('name')]", "location": "[resourceGroup().location]"}]}}}
  ]
}
EOF
prints Create az deployment sub what-if --location westeurope --template-file sub.json --parameters group=rg-module \
	--no-pretty-print --query 'changes[0].changeType' -o tsv
prints Succeeded az deployment sub validate --location westeurope --template-file sub.json --parameters group=rg-module \
	--query properties.provisioningState -o tsv
prints Succeeded az deployment sub create --location westeurope --name sub-1 --template-file sub.json \
	--parameters group=rg-module --no-prompt true --query properties.provisioningState -o tsv
prints id-module az identity list -g rg-module --query '[].name' -o tsv
prints module az deployment group list -g rg-module --query '[].name' -o tsv
prints sub-1 az deployment sub list --query '[].name' -o tsv
prints westeurope az deployment sub show -n sub-1 --query location -o tsv
prints '' az deployment sub delete -n sub-1
fails 3 "(DeploymentNotFound)" az deployment sub show -n sub-1

# --- Complete mode removes what the template does not name.

echo '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
 "contentVersion": "1.0.0.0", "resources": []}' >empty.json
prints Delete az deployment group what-if -g rg-module --template-file empty.json --mode Complete --no-pretty-print \
	--query 'changes[].changeType' -o tsv
prints Succeeded az deployment group create -g rg-module -n none --template-file empty.json --mode Complete \
	--query properties.provisioningState -o tsv
prints '[]' az resource list -g rg-module
prints '' az deployment group delete -g rg-module -n none
prints '' az group delete -n rg-module --yes
finish
