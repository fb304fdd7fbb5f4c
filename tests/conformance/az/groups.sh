#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What every resource has: group, tags, locks, providers, features, the activity log; managed identities as the resources.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

identities=Microsoft.ManagedIdentity/userAssignedIdentities
group=$subscription/resourceGroups/rg-app

does login

# --- Groups.

prints_all az group create --name rg-app --location westeurope --tags env=test owner=ada <<'EOF'
{
  "id": "/subscriptions/{subscription}/resourceGroups/rg-app",
  "location": "westeurope",
  "managedBy": null,
  "name": "rg-app",
  "properties": {
    "provisioningState": "Succeeded"
  },
  "tags": {
    "env": "test",
    "owner": "ada"
  },
  "type": "Microsoft.Resources/resourceGroups"
}
EOF
prints '' az group create --resource-group rg-other --location northeurope --subscription "$AZURE_SUBSCRIPTION_ID" --output none
prints true az group exists --name rg-app -o tsv
prints false az group exists --name absent -o tsv
prints '"rg-app"' az group show --name rg-app --query name
prints westeurope az group show --name rg-app --query location -o tsv
prints rg-app az group list --query "[?starts_with(name, 'rg-app')].name" -o tsv
prints rg-app az group list --tag env=test --query '[].name' -o tsv
prints 7 az group update -n rg-app --set tags.cost=7 --query tags.cost -o tsv
prints_all az group update -n rg-app --tags env=prod --query tags <<'EOF'
{
  "env": "prod"
}
EOF
prints '' az group wait -n rg-app --exists
fails 3 "ERROR: (ResourceGroupNotFound) Resource group 'absent' could not be found.
Code: ResourceGroupNotFound
Message: Resource group 'absent' could not be found." az group show -n absent
fails 1 "(LocationNotAvailableForResourceType)" az group create -n rg-moon -l moonbase
fails 2 "the following arguments are required: --location/-l" az group create -n rg-app

# --- Managed identities, and what resources have in common.

prints '{guid}' az identity create --name id-app --resource-group rg-app --location westeurope \
	--subscription "$AZURE_SUBSCRIPTION_ID" --query principalId --out tsv
prints_all az identity show --name id-app --resource-group rg-app <<EOF
{
  "clientId": "{guid}",
  "id": "/subscriptions/{subscription}/resourceGroups/rg-app/providers/$identities/id-app",
  "location": "westeurope",
  "name": "id-app",
  "principalId": "{guid}",
  "resourceGroup": "rg-app",
  "tags": null,
  "tenantId": "{tenant}",
  "type": "$identities"
}
EOF
prints '{guid}' az identity show --ids "$group/providers/$identities/id-app" --query principalId -o tsv
prints "$(printf 'id-app\twesteurope')" az identity list --resource-group rg-app \
	--query "[?contains(name, 'id-') && !contains(name, 'id-cc-')].[name, location]" -o tsv
prints '' az identity list --resource-group rg-app --query "[?contains(name, 'umi-') || contains(name, 'uami-')].id | [0]" -o tsv
prints_all az identity federated-credential create --name ci-main --identity-name id-app --resource-group rg-app \
	--issuer https://token.actions.githubusercontent.com --subject repo:octo/orders:ref:refs/heads/main \
	--audiences api://AzureADTokenExchange <<EOF
{
  "audiences": [
    "api://AzureADTokenExchange"
  ],
  "id": "/subscriptions/{subscription}/resourceGroups/rg-app/providers/$identities/id-app/federatedIdentityCredentials/ci-main",
  "issuer": "https://token.actions.githubusercontent.com",
  "name": "ci-main",
  "resourceGroup": "rg-app",
  "subject": "repo:octo/orders:ref:refs/heads/main",
  "type": "$identities/federatedIdentityCredentials"
}
EOF
fails 1 "(Conflict)" az identity federated-credential create --name twin --identity-name id-app --resource-group rg-app \
	--issuer https://token.actions.githubusercontent.com --subject repo:octo/orders:ref:refs/heads/main \
	--audiences api://AzureADTokenExchange
prints ci-main az identity federated-credential list --identity-name id-app -g rg-app --query '[].name' -o tsv
prints '' az identity federated-credential delete --name ci-main --identity-name id-app -g rg-app --yes
fails 3 "(NotFound)" az identity federated-credential show --name ci-main --identity-name id-app -g rg-app
prints id-app az resource list -g rg-app --query '[].name' -o tsv
prints y az resource tag --tags x=y -g rg-app -n id-app --resource-type $identities --query tags.x -o tsv
prints id-app az resource list --tag x=y --query '[].name' -o tsv
prints id-app az resource list --resource-type $identities --query "[?resourceGroup=='rg-app'].name" -o tsv
prints y az resource show --ids "$group/providers/$identities/id-app" --query tags.x -o tsv
prints 1 az resource update --ids "$group/providers/$identities/id-app" --set tags.z=1 --query tags.z -o tsv
fails 1 "(ResourceMoveNotSupported)" az resource move --destination-group rg-other --ids "$group/providers/$identities/id-app"
fails 3 "(ResourceNotFound)" az identity show -g rg-app -n absent

# --- Locks, and what they keep.

prints_all az lock create --name keep --lock-type CanNotDelete --resource-group rg-app --notes "do not delete" \
	--query '{level: level, notes: notes}' <<'EOF'
{
  "level": "CanNotDelete",
  "notes": "do not delete"
}
EOF
prints_all az lock list -g rg-app -o table <<'EOF'
Level         Name    Notes          ResourceGroup
------------  ------  -------------  ---------------
CanNotDelete  keep    do not delete  rg-app
EOF
fails 1 "(ScopeLocked) The scope '/subscriptions/{subscription}/resourceGroups/rg-app' cannot perform delete operation because \
following scope(s) are locked: '/subscriptions/{subscription}/resourceGroups/rg-app'. Please remove the lock and try again." \
	az group delete -n rg-app --yes
fails 1 "(ScopeLocked)" az identity delete -g rg-app -n id-app
prints CanNotDelete az lock show --name keep -g rg-app --query level -o tsv
prints '' az lock delete --name keep --resource-group rg-app
prints ReadOnly az lock create --name still --lock-type ReadOnly -g rg-app --resource id-app --resource-type $identities \
	--query level -o tsv
fails 1 "(ScopeLocked)" az resource tag --tags x=z --ids "$group/providers/$identities/id-app"
does az lock list --resource id-app -g rg-app --resource-type $identities --query '[0].id' -o tsv
prints '' az lock delete --ids "$output"
prints '' az identity delete -g rg-app -n id-app
prints '' az lock create --name all --lock-type CanNotDelete --output none
fails 1 "(ScopeLocked)" az group delete -n rg-other --yes
prints '' az lock delete --name all

# --- Tags.

prints team az tag create --name team --query tagName -o tsv
prints blue az tag add-value --name team --value blue --query tagValue -o tsv
prints "env
team" az tag list --query 'sort_by([], &tagName)[].tagName' -o tsv
prints '' az tag remove-value --name team --value blue
prints '' az tag delete --name team --yes
prints_all az tag create --resource-id "$group" --tags a=1 b=2 --query properties.tags <<'EOF'
{
  "a": "1",
  "b": "2"
}
EOF
prints_all az tag update --resource-id "$group" --operation Merge --tags b=3 c=4 --query properties.tags <<'EOF'
{
  "a": "1",
  "b": "3",
  "c": "4"
}
EOF
prints 2 az tag update --resource-id "$group" --operation Delete --tags c=4 --query 'length(properties.tags)'
prints 3 az tag list --resource-id "$group" --query properties.tags.b -o tsv
prints '' az tag delete --resource-id "$group" --yes
prints '' az group show -n rg-app --query 'tags.b' -o tsv

# --- Providers and features.

prints Registered az provider show --namespace Microsoft.Compute --query registrationState -o tsv
prints Microsoft.KeyVault az provider list --query "[?namespace=='Microsoft.KeyVault'].namespace" -o tsv
prints '' az provider register --namespace Microsoft.Compute
prints '' az provider unregister --namespace Microsoft.OperationalInsights
prints NotRegistered az provider show -n Microsoft.OperationalInsights --query registrationState -o tsv
prints '' az provider register --namespace Microsoft.OperationalInsights --wait
fails 3 "(InvalidResourceNamespace)" az provider show -n Microsoft.Nothing
prints Microsoft.KeyVault az provider operation show --namespace Microsoft.KeyVault --query name -o tsv
prints NotRegistered az feature show --namespace Microsoft.Compute --name DCav6Series --query properties.state -o tsv
prints Pending az feature register --namespace Microsoft.Compute --name DCav6Series --query properties.state -o tsv
prints Microsoft.Compute/DCav6Series az feature list --namespace Microsoft.Compute \
	--query "[?properties.state=='Pending'].name" -o tsv
does "$CUSTODISK" feature approve Microsoft.Compute/DCav6Series --subscription "$AZURE_SUBSCRIPTION_ID"
prints Registering az feature show --namespace Microsoft.Compute --name DCav6Series --query properties.state -o tsv
prints Registering az feature register --namespace Microsoft.Compute --name EncryptionAtHost --query properties.state -o tsv
prints Unregistering az feature unregister --namespace Microsoft.Compute --name EncryptionAtHost --query properties.state -o tsv
fails 3 "(FeatureNotFound)" az feature show --namespace Microsoft.Compute --name Nothing

# --- The activity log, and the end.

prints "Microsoft.ManagedIdentity/userAssignedIdentities/delete
Microsoft.ManagedIdentity/userAssignedIdentities/write
Microsoft.ManagedIdentity/userAssignedIdentities/delete
Microsoft.ManagedIdentity/userAssignedIdentities/write
Microsoft.ManagedIdentity/userAssignedIdentities/write
Microsoft.ManagedIdentity/userAssignedIdentities/write" az monitor activity-log list -g rg-app --offset 1h \
	--query "[?contains(operationName.value, 'userAssignedIdentities/') && !contains(operationName.value, 'federated')].operationName.value" -o tsv
prints "Failed" az monitor activity-log list -g rg-app --status Failed --max-events 1 --query '[].status.value' -o tsv
prints Microsoft.Resources/subscriptions/resourceGroups/moveResources/action az monitor activity-log list -g rg-app \
	--query "[?contains(operationName.value, 'moveResources')].operationName.value" -o tsv
prints '' az group delete --name rg-app --yes --no-wait
prints '' az group wait -n rg-app --deleted
prints false az group exists -n rg-app
prints '' az group delete -n rg-other --yes
fails 3 "(ResourceGroupNotFound)" az group delete -n rg-other --yes
finish
