#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may do what. Debian's `az role` creates and updates definitions; every other command of it ends in Python ("object has
# no attribute 'config'") before it sends anything, so `az rest` makes those calls.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

api='?api-version=2022-04-01'
reader=acdd72a7-3385-48ef-bd42-f606fba81ae7
definitions=$subscription/providers/Microsoft.Authorization/roleDefinitions
group=$subscription/resourceGroups/rg-roles
assignments=$group/providers/Microsoft.Authorization/roleAssignments

as_worker() {
	AZURE_CONFIG_DIR="$work/worker" "$@"
}

worker_login() {
	as_worker az login --service-principal -u "$app" -p "$secret" --tenant "$AZURE_TENANT_ID" "$@"
}

does login
does az group create -n rg-roles -l westeurope
does az ad app create --display-name worker --query appId -o tsv
app=$output
does az ad sp create --id "$app" --query id -o tsv
worker=$output
run az ad app credential reset --id "$app" --query password -o tsv
succeeded
secret=$output

# --- Built-in roles.

prints "Key Vault Crypto Officer
BuiltInRole" az rest --url "$definitions/14b46e9e-c2b7-41b4-b07b-48a6ebf60603$api" --query 'properties.[roleName, type]' -o tsv
prints "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}" \
	az rest --url "$definitions$api&\$filter=roleName eq 'Key Vault Crypto Service Encryption User'" --query 'value[].id' -o tsv

# --- Nothing without a role; the roles of a group of people and programs count.

fails 1 "No subscriptions found for" worker_login
does az ad group create --display-name readers --mail-nickname readers --query id -o tsv
readers=$output
prints '' az ad group member add --group readers --member-id "$worker"
prints "/subscriptions/{subscription}/resourceGroups/rg-roles" az rest --method PUT --url "$assignments/$(uuid)$api" --body "{
	\"properties\": {\"principalId\": \"$readers\", \"principalType\": \"Group\", \"description\": \"who looks\",
	\"roleDefinitionId\": \"$definitions/$reader\"}}" --query properties.scope -o tsv
does worker_login
gives rg-roles as_worker az group list --query '[].name' -o tsv
fails 1 "(AuthorizationFailed) The client '{guid}' with object id '{guid}' does not have authorization to perform action \
'Microsoft.Resources/subscriptions/resourceGroups/write' over scope '/subscriptions/{subscription}/resourceGroups/rg-roles' or \
the scope is invalid. If access was recently granted, please refresh your credentials." \
	as_worker az group update -n rg-roles --set tags.a=b
prints "who looks" az rest --url "$assignments$api&\$filter=assignedTo('$worker')" --query 'value[].properties.description' -o tsv
prints '' az rest --url "$assignments$api&\$filter=principalId eq '$worker'" --query 'value[].id' -o tsv
does az rest --url "$assignments$api&\$filter=atScope()" \
	--query "value[?properties.principalId=='$readers'].id | [0]" -o tsv
assignment=$output
fails 1 "RoleAssignmentExists" az rest --method PUT --url "$assignments/$(uuid)$api" --body "{\"properties\":
	{\"principalId\": \"$readers\", \"principalType\": \"Group\", \"roleDefinitionId\": \"$definitions/$reader\"}}"
fails 1 "PrincipalNotFound" az rest --method PUT --url "$assignments/$(uuid)$api" --body "{\"properties\":
	{\"principalId\": \"$(uuid)\", \"principalType\": \"User\", \"roleDefinitionId\": \"$definitions/$reader\"}}"

# --- A role of one's own.

cat >role.json <<EOF
{"Name": "Group tagger", "Description": "Tags groups", "AssignableScopes": ["$subscription"],
 "Actions": ["Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/resourceGroups/write"]}
EOF
prints_all az role definition create --role-definition role.json <<'EOF'
{
  "assignableScopes": [
    "/subscriptions/{subscription}"
  ],
  "description": "Tags groups",
  "id": "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}",
  "name": "{guid}",
  "permissions": [
    {
      "actions": [
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "Microsoft.Resources/subscriptions/resourceGroups/write"
      ],
      "dataActions": [],
      "notActions": [],
      "notDataActions": []
    }
  ],
  "roleName": "Group tagger",
  "roleType": "CustomRole",
  "type": "Microsoft.Authorization/roleDefinitions"
}
EOF
does az rest --url "$definitions$api&\$filter=roleName eq 'Group tagger'" --query 'value[0].id' -o tsv
role=$output
does assign "$worker" ServicePrincipal "${role##*/}" "$group"
prints b as_worker az group update -n rg-roles --set tags.a=b --query tags.a -o tsv
sed -i "s|\"Name\": \"Group tagger\"|\"id\": \"$role\", \"roleName\": \"Group tagger\"|; s|, \"Microsoft[^\"]*/write\"||" role.json
prints Microsoft.Resources/subscriptions/resourceGroups/read az role definition update --role-definition role.json \
	--query 'permissions[].actions[]' -o tsv
fails 1 "(AuthorizationFailed)" as_worker az group update -n rg-roles --set tags.a=c
fails 1 "RoleDefinitionHasAssignments" az rest --method DELETE --url "$role$api"

# --- Gone with its assignment, at once.

prints '' az role assignment delete --ids "$assignment"
does az rest --url "$assignments$api&\$filter=principalId eq '$worker'" --query 'value[0].id' -o tsv
prints '' az role assignment delete --ids "$output"
fails 1 "(AuthorizationFailed)" as_worker az group show -n rg-roles
prints '' az rest --method DELETE --url "$role$api" --output none
prints '[]' az role assignment list-changelogs
prints '' az group delete -n rg-roles --yes
finish
