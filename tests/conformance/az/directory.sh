#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The directory: `az ad app`, `sp`, `user`, `group`.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

audience=api://AzureADTokenExchange
issuer=https://token.actions.githubusercontent.com

does login

# --- Applications, their federated credentials and secrets.

does az ad app create --display-name orders --sign-in-audience AzureADMultipleOrgs --query id --output tsv
app=$output
does az ad app show --id "$app" --query appId --output tsv
app_id=$output
prints "orders
AzureADMultipleOrgs
custodisk.onmicrosoft.com" az ad app show --id "$app_id" --query '[displayName, signInAudience, publisherDomain]' -o tsv
prints orders az ad app list --display-name ord --query '[].displayName' -o tsv
prints '' az ad app update --id "$app" --identifier-uris "api://$app_id"
prints "api://{guid}" az ad app show --id "api://$app_id" --query 'identifierUris[0]' -o tsv
cat >credential.json <<EOF
{"name": "ci-main", "issuer": "$issuer", "subject": "repo:octo/orders:ref:refs/heads/main",
 "audiences": ["$audience"], "description": "The pipeline"}
EOF
prints_all az ad app federated-credential create --id "$app" --parameters credential.json <<EOF
{
  "@odata.context": "https://graph.microsoft.com/v1.0/\$metadata#applications('{guid}')/federatedIdentityCredentials/\$entity",
  "audiences": [
    "$audience"
  ],
  "description": "The pipeline",
  "id": "{guid}",
  "issuer": "$issuer",
  "name": "ci-main",
  "subject": "repo:octo/orders:ref:refs/heads/main"
}
EOF
prints ci-main az ad app federated-credential list --id "$app" --query '[].name' -o tsv
prints "$issuer" az ad app federated-credential show --id "$app" --federated-credential-id ci-main --query issuer -o tsv
echo '{"subject": "repo:octo/orders:environment:production"}' >credential.json
prints '' az ad app federated-credential update --id "$app" --federated-credential-id ci-main --parameters credential.json
prints repo:octo/orders:environment:production az ad app federated-credential show --id "$app" \
	--federated-credential-id ci-main --query subject -o tsv
prints '' az ad app federated-credential delete --id "$app" --federated-credential-id ci-main
fails 1 "Resource 'ci-main' does not exist" \
	az ad app federated-credential show --id "$app" --federated-credential-id ci-main
does az ad app credential reset --id "$app" --append --display-name deploy --years 1 --query password -o tsv
prints deploy az ad app credential list --id "$app" --query '[].displayName' -o tsv
does az ad app credential list --id "$app" --query '[0].keyId' -o tsv
prints '' az ad app credential delete --id "$app" --key-id "$output"
prints '[]' az ad app credential list --id "$app"

# --- Service principals.

does az ad sp create --id "$app_id" --query id --out tsv
sp=$output
gives "$sp" az ad sp show --id "$app_id" --query id --output tsv
gives "$sp" az ad sp list --display-name orders --query "[0].id" -o tsv
prints '' az ad sp list --display-name none --query "[0].id" -o tsv
prints orders az ad sp show --id "$sp" --query appDisplayName -o tsv
prints "Application" az ad sp list --filter "appId eq '$app_id'" --query '[].servicePrincipalType' -o tsv
fails 3 "does not exist" az ad sp show --id "$(uuid)"
fails 1 "already in use" az ad sp create --id "$app_id"

# --- Users and groups.

prints_all az ad user create --display-name "Ada Lovelace" --user-principal-name ada@custodisk.onmicrosoft.com \
	--password Xk29-lpqz-77aW --query '{name: displayName, upn: userPrincipalName}' <<'EOF'
{
  "name": "Ada Lovelace",
  "upn": "ada@custodisk.onmicrosoft.com"
}
EOF
does az ad user show --id ada@custodisk.onmicrosoft.com --query id -o tsv
ada=$output
prints '' az ad user update --id "$ada" --display-name Ada
prints Ada az ad user list --upn ada@custodisk.onmicrosoft.com --query '[].displayName' -o tsv
fails 1 "already exists" az ad user create --display-name "Other" --password Xk29-lpqz-77aW \
	--user-principal-name ada@custodisk.onmicrosoft.com
does az ad group create --display-name operators --mail-nickname operators --query id -o tsv
prints operators az ad group list --display-name op --query '[].displayName' -o tsv
prints '' az ad group member add --group operators --member-id "$ada"
prints '' az ad group member add --group operators --member-id "$sp"
prints "Ada
orders" az ad group member list --group operators --query 'sort_by([], &displayName)[].displayName' -o tsv
prints true az ad group member check --group operators --member-id "$ada" --query value
prints operators az ad user get-member-groups --id "$ada" --query '[].displayName' -o tsv
prints '' az ad group owner add --group operators --owner-object-id "$ada"
prints Ada az ad group owner list --group operators --query '[].displayName' -o tsv
prints '' az ad group member remove --group operators --member-id "$ada"
prints false az ad group member check --group operators --member-id "$ada" --query value
prints '' az ad group delete --group operators
fails 3 "does not exist" az ad group show --group "$(uuid)"

# --- Whoever is no person has no "me", and az does not ask.

fails 1 "/me request is only valid with delegated authentication flow" az ad signed-in-user show --query id --output tsv
prints custodisk az rest --url https://graph.microsoft.com/v1.0/organization --query 'value[].displayName' -o tsv

# --- The end of each.

prints '' az ad user delete --id "$ada"
prints '' az ad sp delete --id "$sp"
prints '' az ad app delete --id "$app"
fails 3 "does not exist" az ad app show --id "$app"
finish
