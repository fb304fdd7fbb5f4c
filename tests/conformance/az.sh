#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's az against an instance, unchanged: run inside `custodisk run`. One line a check, "ok" or "not ok"; exit status 1
# when any is not.
#
# Debian 12 packages az without parts that some commands need: `az role`, `az keyvault key` end with a Python traceback
# before they send anything, and `az vm` works under an API profile only. Keys and roles go through `az rest` here.
set -u

[ "${CUSTODISK_RUN:-}" = 1 ] || {
	echo "not inside custodisk run: this must never reach the real Azure" >&2
	exit 2
}
work=$(mktemp -d "${TMPDIR:-/tmp}/az.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
export AZURE_CONFIG_DIR="$work/config" AZURE_CORE_COLLECT_TELEMETRY=0 AZURE_CORE_NO_COLOR=1 AZURE_CORE_ONLY_SHOW_ERRORS=1
export AZURE_CORE_OUTPUT=tsv

number=0
failed=0
suffix=$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
group=rg-az-$suffix
vault=kv-az-$suffix
machine=vm-az-$suffix
group_id=/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$group
roles=/subscriptions/$AZURE_SUBSCRIPTION_ID/providers/Microsoft.Authorization/roleDefinitions
crypto_officer=14b46e9e-c2b7-41b4-b07b-48a6ebf60603
encryption_user=e147488a-f6f5-4113-8e2d-b22465e65bf6

report() { # status name
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' "$work/output" "$work/errors"
		failed=$((failed + 1))
	fi
}

# check NAME COMMAND...: the command must succeed; what it printed is left in $output.
check() {
	name=$1
	shift
	"$@" >"$work/output" 2>"$work/errors"
	status=$?
	output=$(cat "$work/output")
	report "$status" "$name"
}

# gives TEXT NAME COMMAND...: the command must succeed and print exactly this.
gives() {
	wanted=$1
	name=$2
	shift 2
	"$@" >"$work/output" 2>"$work/errors"
	status=$?
	output=$(cat "$work/output")
	[ "$status" -ne 0 ] || [ "$output" = "$wanted" ] || {
		echo "wanted: $wanted" >>"$work/errors"
		status=1
	}
	report "$status" "$name"
}

# refused TEXT NAME COMMAND...: the command must fail and say this.
refused() {
	wanted=$1
	name=$2
	shift 2
	if "$@" >"$work/output" 2>"$work/errors"; then
		echo "it was accepted" >>"$work/errors"
		report 1 "$name"
	else
		grep -qF -e "$wanted" "$work/errors"
		report $? "$name"
	fi
}

key() { # method path [body]
	az rest --resource https://vault.azure.net --method "$1" --url "https://$vault.vault.azure.net$2?api-version=7.4" \
		${3:+--body "$3"} --query "${query:-key.kid}"
}

assign() { # principal role
	az rest --method PUT --query name --url \
		"https://management.azure.com$vault_id/providers/Microsoft.Authorization/roleAssignments/$(cat /proc/sys/kernel/random/uuid)?api-version=2022-04-01" \
		--body "{\"properties\":{\"principalId\":\"$1\",\"principalType\":\"ServicePrincipal\",\"roleDefinitionId\":\"$roles/$2\"}}"
}

# The object id of whoever is signed in stands in the token.
my_object_id() {
	az account get-access-token --query accessToken | cut -d . -f 2 | tr -- '-_' '+/' | sed 's/$/==/' | base64 -d 2>/dev/null |
		sed -n 's/.*"oid": *"\([^"]*\)".*/\1/p'
}

power() {
	az vm get-instance-view -g "$group" -n "$machine" --query "instanceView.statuses[?starts_with(code, 'PowerState/')].code"
}

# --- Signing in, groups, namespaces.

check "az login --service-principal" az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" \
	--tenant "$AZURE_TENANT_ID"
[ "$failed" -eq 0 ] || exit 1
gives "$AZURE_SUBSCRIPTION_ID" "az account show" az account show --query id
gives "$AZURE_TENANT_ID" "az account tenant" az rest --url "https://management.azure.com/tenants?api-version=2020-01-01" \
	--query 'value[].tenantId'
refused AADSTS7000215 "az login with a wrong secret" az login --service-principal -u "$AZURE_CLIENT_ID" -p wrong \
	--tenant "$AZURE_TENANT_ID"
gives "$group_id" "az group create" az group create -n "$group" -l westeurope --query id
gives true "az group exists" az group exists -n "$group"
gives false "az group exists of none" az group exists -n absent
gives b "az group update" az group update -n "$group" --set tags.a=b --query tags.a
gives Registered "az provider show" az provider show -n Microsoft.Compute --query registrationState
check "az provider register" az provider register -n Microsoft.KeyVault

# --- Identity, vault, roles, key.

check "az identity create" az identity create -g "$group" -n id-az --query id
identity=$output
check "az identity show" az identity show -g "$group" -n id-az --query principalId
principal=$output
gives "https://$vault.vault.azure.net/" "az keyvault create" az keyvault create -g "$group" -n "$vault" --sku premium \
	--enable-rbac-authorization true --enable-purge-protection true --retention-days 7 --query properties.vaultUri
check "az keyvault show by name" az keyvault show -n "$vault" --query id
vault_id=$output
gives "$group_id/providers/Microsoft.KeyVault/vaults/$vault" "an id is spelled as Azure does" echo "$vault_id"
gives "$vault" "az keyvault list" az keyvault list -g "$group" --query '[].name'
gives true "az keyvault update" az keyvault update -g "$group" -n "$vault" --set tags.a=b --query properties.enablePurgeProtection
refused Forbidden "no key without a role" key POST /keys/cmk/create '{"kty":"RSA"}'
check "the crypto officer's role" assign "$(my_object_id)" $crypto_officer
check "the set's role" assign "$principal" $encryption_user
check "a key" key POST /keys/cmk/create '{"kty":"RSA","key_size":3072,"key_ops":["wrapKey","unwrapKey"]}'
first=$output

# --- Disk encryption sets and disks.

gives EncryptionAtRestWithCustomerKey "az disk-encryption-set create" az disk-encryption-set create -g "$group" -n des-az \
	--key-url "$first" --source-vault "$vault" --mi-user-assigned "$identity" \
	--encryption-type EncryptionAtRestWithCustomerKey --query encryptionType
gives ConfidentialVmEncryptedWithCustomerKey "az disk-encryption-set create, confidential" az disk-encryption-set create \
	-g "$group" -n des-cvm --key-url "$first" --mi-user-assigned "$identity" \
	--encryption-type ConfidentialVmEncryptedWithCustomerKey --query encryptionType
check "az disk-encryption-set show" az disk-encryption-set show -g "$group" -n des-az --query id
set_id=$output
gives des-az "az disk-encryption-set list" az disk-encryption-set list -g "$group" --query "[?name=='des-az'].name"
gives Succeeded "az disk create" az disk create -g "$group" -n disk-az --size-gb 1 --os-type Linux --sku Standard_LRS \
	--encryption-type EncryptionAtRestWithCustomerKey --disk-encryption-set "$set_id" --query provisioningState
gives Unattached "az disk show" az disk show -g "$group" -n disk-az --query diskState
disk_id=$group_id/providers/Microsoft.Compute/disks/disk-az
gives "$disk_id" "az disk-encryption-set list-associated-resources" az disk-encryption-set list-associated-resources \
	-g "$group" -n des-az
refused OperationNotAllowed "a set in use is not deleted" az disk-encryption-set delete -g "$group" -n des-az
check "rotation of the key" key POST /keys/cmk/rotate '{}'
second=$output
gives "$second" "az disk-encryption-set update" az disk-encryption-set update -g "$group" -n des-az --key-url "$second" \
	--source-vault "$vault" --query activeKey.keyUrl

# --- A virtual machine. Creating one with `az vm create` needs networks.

check "a virtual machine" az rest --method PUT \
	--url "https://management.azure.com$group_id/providers/Microsoft.Compute/virtualMachines/$machine?api-version=2024-07-01" \
	--body "{\"location\":\"westeurope\",\"properties\":{\"hardwareProfile\":{\"vmSize\":\"Standard_B1ls\"},
		\"storageProfile\":{\"osDisk\":{\"createOption\":\"Attach\",\"osType\":\"Linux\",\"managedDisk\":{\"id\":\"$disk_id\"}}}}}"
check "az resource wait" az resource wait -g "$group" -n "$machine" --resource-type Microsoft.Compute/virtualMachines \
	--created --interval 1 --timeout 60
check "az cloud set --profile" az cloud set -n AzureCloud --profile 2020-09-01-hybrid
gives "$machine" "az vm list" az vm list -g "$group" --query '[].name'
gives PowerState/running "az vm get-instance-view" power
check "az vm stop --skip-shutdown" az vm stop -g "$group" -n "$machine" --skip-shutdown
gives PowerState/stopped "and it is stopped" power
check "az vm deallocate" az vm deallocate -g "$group" -n "$machine"
gives PowerState/deallocated "and it is deallocated" power
query=attributes.enabled
gives false "the key disabled" key PATCH /keys/cmk '{"attributes":{"enabled":false}}'
refused KeyVaultKeyNotEnabled "az vm start under a disabled key" az vm start -g "$group" -n "$machine"
gives true "the key enabled" key PATCH /keys/cmk '{"attributes":{"enabled":true}}'
check "az vm start" az vm start -g "$group" -n "$machine"
gives PowerState/running "and it runs" power
check "az vm stop" az vm stop -g "$group" -n "$machine" --skip-shutdown
check "az vm delete" az vm delete -g "$group" -n "$machine" --yes
check "az cloud set --profile latest" az cloud set -n AzureCloud --profile latest

# --- The end of each.

check "az disk delete" az disk delete -g "$group" -n disk-az --yes
check "az disk-encryption-set delete" az disk-encryption-set delete -g "$group" -n des-az
check "az resource delete" az resource delete --ids "$group_id/providers/Microsoft.Compute/diskEncryptionSets/des-cvm"
query=recoveryId
gives "https://$vault.vault.azure.net/deletedkeys/cmk" "the key deleted" key DELETE /keys/cmk
refused purge "no purge under purge protection" key DELETE /deletedkeys/cmk
query=
gives "$second" "the key recovered" key POST /deletedkeys/cmk/recover
check "az keyvault delete" az keyvault delete -g "$group" -n "$vault"
gives "$vault" "az keyvault list-deleted" az keyvault list-deleted --resource-type vault --query "[?name=='$vault'].name"
refused DeletedVaultPurge "az keyvault purge under purge protection" az keyvault purge -n "$vault"
check "az keyvault recover" az keyvault recover -n "$vault" -g "$group" -l westeurope
gives true "with its settings" az keyvault show -g "$group" -n "$vault" --query properties.enablePurgeProtection
gives "id-az
$vault" "az resource list" az resource list -g "$group" --query 'sort_by([], &name)[].name'
check "az keyvault delete again" az keyvault delete -g "$group" -n "$vault"
check "az identity delete" az identity delete -g "$group" -n id-az
check "az group delete" az group delete -n "$group" --yes
gives false "and it is gone" az group exists -n "$group"

echo "1..$number"
[ "$failed" -eq 0 ] || {
	echo "# $failed of $number failed"
	exit 1
}
