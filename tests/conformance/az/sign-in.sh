#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever az may be: an application by secret, certificate or federated token, a person by the code of a device. What the
# managed identity of managed-identity.sh needs is made here.
# shellcheck source=SCRIPTDIR/common.sh
. "$(dirname "$0")/common.sh"

by_secret() { # tenant secret
	az login --service-principal -u "$AZURE_CLIENT_ID" -p "$2" --tenant "$1"
}

# Only who reads the code that az shows can go on: custodisk sign-in stands for the person at the browser.
by_device_code() { # person
	az login --use-device-code --tenant "$AZURE_TENANT_ID" >"$work/signed-in" 2>"$work/prompt" &
	az=$!
	code=
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		code=$(sed -n 's/.*enter the code \([A-Z0-9]*\) to authenticate.*/\1/p' "$work/prompt")
		[ -z "$code" ] || break
		sleep 1
	done
	[ -z "$code" ] || "$CUSTODISK" sign-in "$code" --user "$1" >&2
	wait "$az" || cat "$work/prompt" >&2
	cat "$work/signed-in"
}

person=ada@custodisk.onmicrosoft.com

# --- An application by its secret.

fails 1 AADSTS7000215 by_secret "$AZURE_TENANT_ID" wrong
fails 1 AADSTS90002 by_secret "$(uuid)" wrong
fails 1 "Please run 'az login' to setup account." az account show
run by_secret "$AZURE_TENANT_ID" "$AZURE_CLIENT_SECRET"
command="az login by secret"
succeeded
cat >"$work/expected" <<'EOF'
[
  {
    "cloudName": "AzureCloud",
    "homeTenantId": "{tenant}",
    "id": "{subscription}",
    "isDefault": true,
    "managedByTenants": [],
    "name": "custodisk",
    "state": "Enabled",
    "tenantId": "{tenant}",
    "user": {
      "name": "{client}",
      "type": "servicePrincipal"
    }
  }
]
EOF
compare "$work/expected"

# --- What az knows of the account.

prints '"2.45.0"' az version --query '"azure-cli"'
prints '' az account set --subscription "$AZURE_SUBSCRIPTION_ID"
prints '{subscription}' az account show --query id -o tsv
prints_all az account show --query "{name:name, id:id}" -o json <<'EOF'
{
  "id": "{subscription}",
  "name": "custodisk"
}
EOF
prints '{subscription}' az account list --query "[].id" -o tsv
prints '{subscription}' az account list --query "[?name=='custodisk'].id" -o tsv
fails 1 "doesn't exist in cloud 'AzureCloud'" az account set --subscription none
prints "West Europe" az account list-locations --query "[?name=='westeurope'].displayName" -o tsv
prints '{tenant}' az rest --url '/tenants?api-version=2022-12-01' --query 'value[].tenantId' -o tsv
prints "{tenant}
{subscription}
Bearer" az account get-access-token --query '[tenant, subscription, tokenType]' -o tsv
prints Bearer az account get-access-token --resource https://vault.azure.net --query tokenType -o tsv
prints Bearer az account get-access-token --scope https://graph.microsoft.com/.default --query tokenType -o tsv
fails 1 AADSTS500011 az account get-access-token --resource https://nothing.example

# --- Another subscription.

does "$CUSTODISK" subscription create --name second
prints '' az account list --refresh --output none
prints "custodisk
second" az account list --query 'sort_by([], &name)[].name' -o tsv
prints '' az account set --subscription second
prints second az account show --query name -o tsv
prints false az group exists -n none --subscription custodisk
prints '' az account set --subscription custodisk

# --- An application by its certificate, and by a token of others.

does az ad app create --display-name deployer --query appId -o tsv
app=$output
does az ad sp create --id "$app" --query id -o tsv
does assign "$output" ServicePrincipal acdd72a7-3385-48ef-bd42-f606fba81ae7 "$subscription"
does az ad app credential reset --id "$app" --create-cert --query fileWithCertAndPrivateKey -o tsv
certificate=$output
prints AsymmetricX509Cert az ad app credential list --id "$app" --cert --query '[].type' -o tsv
prints '{subscription}' az login --service-principal -u "$app" -p "$certificate" --tenant "$AZURE_TENANT_ID" \
	--query '[].id' -o tsv
gives "$app" az account show --query user.name -o tsv
fails 1 AuthorizationFailed az group create -n rg-none -l westeurope
openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 1 -subj /CN=other 2>/dev/null
cat other.key other.pem >both.pem
fails 1 AADSTS700027 az login --service-principal -u "$app" -p both.pem --tenant "$AZURE_TENANT_ID"
fails 1 AADSTS50027 az login --service-principal -u "$app" --federated-token a.b.c --tenant "$AZURE_TENANT_ID"

# --- A person, by the code of a device.

does login
does az ad user create --display-name Ada --user-principal-name $person --password Xk29-lpqz-77aW --query id -o tsv
ada=$output
does assign "$ada" User b24988ac-6180-42a0-ab88-20f7382dd24c "$subscription"

# The identity that another script logs in as.
does az group create -n rg-identity -l westeurope
does az identity create -g rg-identity -n id-worker --query principalId -o tsv
does assign "$output" ServicePrincipal acdd72a7-3385-48ef-bd42-f606fba81ae7 "$subscription/resourceGroups/rg-identity"

prints '' az logout
prints '[]' az account list
does by_device_code $person
prints "$person
user" az account show --query '[user.name, user.type]' -o tsv
gives "$ada" az ad signed-in-user show --query id --output tsv
prints true az group create -n rg-ada -l westeurope --query "properties.provisioningState=='Succeeded'"
prints "$person" az monitor activity-log list -g rg-ada --query '[0].caller' -o tsv
fails 1 AuthorizationFailed assign "$ada" User b24988ac-6180-42a0-ab88-20f7382dd24c "$subscription"
prints '' az group delete -n rg-ada --yes
prints '' az logout --username $person
fails 1 "Please run 'az login' to setup account." az account show
finish
