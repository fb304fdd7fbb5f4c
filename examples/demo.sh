#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The life of a customer-managed key around one virtual machine, against Azure's own REST APIs:
#
#   custodisk up --data-dir DIR --listen none --cache-seconds 3
#   DEMO_IMAGE=DIR/import/guest.raw custodisk run --data-dir DIR -- examples/demo.sh
#
# Inside `custodisk run` every name of Azure leads to a local instance and nowhere else, so this script would be the
# same against the real one. It proves each step or stops with the reason.
set -eu

marker=CUSTODISK-DEMO-PLAINTEXT-6b1f0c52a7d94e83
image=${DEMO_IMAGE:?the bootable raw image, inside the import folder}
data=${CUSTODISK_DATA_DIR:?run me with: custodisk run -- examples/demo.sh}
here=$(cd "$(dirname "$0")" && pwd)
PATH=$here/../build:$PATH

arm=https://management.azure.com
subscription=/subscriptions/$AZURE_SUBSCRIPTION_ID
run=$(date +%s)
group=$subscription/resourceGroups/demo-$run
vault=kv-demo-$run
vault_id=$group/providers/Microsoft.KeyVault/vaults/$vault
identity_id=$group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-demo
set_id=$group/providers/Microsoft.Compute/diskEncryptionSets/des-demo
disk_id=$group/providers/Microsoft.Compute/disks/disk-demo
machine=vm-demo-$run
machine_id=$group/providers/Microsoft.Compute/virtualMachines/$machine
serial=$data/serial/$machine.log
key_url=https://$vault.vault.azure.net/keys/cmk
compute=api-version=2024-03-02
machines=api-version=2024-07-01
keys=api-version=7.4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

began=$(date +%s%N)
step_began=$began

milliseconds_since() {
	echo $((($(date +%s%N) - $1) / 1000000))
}

step() {
	step_began=$(date +%s%N)
	printf '\n%s\n' "$*"
}

# A line of what happened, what proves it, how long it took.
proved() {
	took=$(milliseconds_since "$step_began")
	printf '  %-58s %4d.%d s\n      %s\n' "$1" $((took / 1000)) $((took % 1000 / 100)) "$2"
	step_began=$(date +%s%N)
}

fail() {
	printf '\nThe demo stops: %s\n' "$*" >&2
	exit 1
}

# PUT, PATCH and POST of the control plane, waiting for the asynchronous operation; the answer on standard output.
call() {
	custodisk rest --wait "$@" || fail "$1 $2 was refused"
}

# A call that must be refused: prints the service's words; fails when it is not.
refused() {
	if custodisk rest --wait "$@" >"$work/answer" 2>"$work/refusal"; then
		fail "$1 $2 was accepted, but had to be refused"
	fi
	head -n 1 "$work/refusal"
}

get() { # dotted-path url
	custodisk rest -o "$1" GET "$2"
}

set_enabled() { # key-url true|false
	call PATCH "$1?$keys" "{\"attributes\":{\"enabled\":$2}}" >/dev/null
}

console() {
	tr -d '\r' <"$serial" 2>/dev/null
}

report_line() { # boot number
	console | grep -a "^CUSTODISK-GUEST boot=$1 " | tail -n 1
}

wait_for_boot() { # boot number
	for _ in $(seq 900); do
		[ -n "$(report_line "$1")" ] && return
		sleep 0.2
	done
	console | tail -n 5 >&2
	fail "the guest did not report boot $1 on its serial console"
}

last_beat() {
	console | grep -a '^CUSTODISK-GUEST heartbeat ' | tail -n 1
}

wait_for_new_beat() { # previous
	for _ in $(seq 300); do
		[ "$(last_beat)" != "$1" ] && return
		sleep 0.2
	done
	fail "the guest's heartbeat does not go on after '$1'"
}

token_key() {
	custodisk disk inspect "$disk_file" | awk '$1 == "key" { print $2; exit }'
}

echo "custodisk demo: a virtual machine whose disk opens only while its customer's key says so"

step "1  Identity, vault, key, disk encryption set, disk, virtual machine"
call PUT "$arm$group?api-version=2024-03-01" '{"location":"westeurope"}' >/dev/null
call PUT "$arm$identity_id?api-version=2023-01-31" '{"location":"westeurope"}' >/dev/null
principal=$(get properties.principalId "$arm$identity_id?api-version=2023-01-31")
call PUT "$arm$vault_id?api-version=2023-07-01" "{\"location\":\"westeurope\",\"properties\":{\"tenantId\":\"$AZURE_TENANT_ID\",
	\"sku\":{\"family\":\"A\",\"name\":\"premium\"},\"enableRbacAuthorization\":true,\"enableSoftDelete\":true,
	\"softDeleteRetentionInDays\":90,\"enablePurgeProtection\":true}}" >/dev/null
proved "vault $vault, identity id-demo" "RBAC, soft delete and purge protection are on"

# The owner of a subscription may not use keys until a data role says so.
why=$(refused POST "$key_url/create?$keys" '{"kty":"RSA","key_size":3072}')
proved "key creation without a role: refused" "$why"

assign() { # name principal role
	call PUT "$arm$vault_id/providers/Microsoft.Authorization/roleAssignments/$1?api-version=2022-04-01" \
		"{\"properties\":{\"principalId\":\"$2\",\"principalType\":\"ServicePrincipal\",\"roleDefinitionId\":\"$subscription/providers/Microsoft.Authorization/roleDefinitions/$3\"}}"
}
# The object id of whoever runs this stands in the token, as it does in Azure's.
token=$(curl -sS "https://login.microsoftonline.com/$AZURE_TENANT_ID/oauth2/v2.0/token" \
	-d grant_type=client_credentials -d "client_id=$AZURE_CLIENT_ID" --data-urlencode "client_secret=$AZURE_CLIENT_SECRET" \
	-d scope=https://management.azure.com/.default | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
[ -n "$token" ] || fail "no token from login.microsoftonline.com"
me=$(printf %s "$token" | cut -d . -f 2 | tr -- '-_' '+/' | sed 's/$/==/' | base64 -d 2>/dev/null | sed -n 's/.*"oid": *"\([^"]*\)".*/\1/p')
assign 10000000-0000-4000-8000-$(printf %012d "$run") "$me" 14b46e9e-c2b7-41b4-b07b-48a6ebf60603 >/dev/null
assign 20000000-0000-4000-8000-$(printf %012d "$run") "$principal" e147488a-f6f5-4113-8e2d-b22465e65bf6 >/dev/null
first=$(call -o key.kid POST "$key_url/create?$keys" '{"kty":"RSA","key_size":3072,"key_ops":["wrapKey","unwrapKey"]}')
proved "RSA-3072 key; roles for operator and set" "$first"

call PUT "$arm$set_id?$compute" "{\"location\":\"westeurope\",\"identity\":{\"type\":\"UserAssigned\",\"userAssignedIdentities\":{\"$identity_id\":{}}},
	\"properties\":{\"encryptionType\":\"ConfidentialVmEncryptedWithCustomerKey\",\"activeKey\":{\"keyUrl\":\"$first\"}}}" >/dev/null
proved "disk encryption set des-demo" "ConfidentialVmEncryptedWithCustomerKey"

size=$(($(stat -c %s "$image") / 1073741824))
call PUT "$arm$disk_id?$compute" "{\"location\":\"westeurope\",\"properties\":{\"osType\":\"Linux\",\"diskSizeGB\":$size,
	\"creationData\":{\"createOption\":\"Import\",\"sourceUri\":\"file://$image\"},
	\"securityProfile\":{\"securityType\":\"ConfidentialVM_DiskEncryptedWithCustomerKey\",\"secureVMDiskEncryptionSetId\":\"$set_id\"}}}" >/dev/null
disk_file=$data/disks/$(get properties.uniqueId "$arm$disk_id?$compute").luks
proved "disk of $size GiB made from a Debian image" "$disk_file"

call PUT "$arm$machine_id?$machines" "{\"location\":\"westeurope\",\"properties\":{\"hardwareProfile\":{\"vmSize\":\"Standard_DC2as_v5\"},
	\"securityProfile\":{\"securityType\":\"ConfidentialVM\",\"uefiSettings\":{\"vTpmEnabled\":true,\"secureBootEnabled\":true}},
	\"storageProfile\":{\"osDisk\":{\"createOption\":\"Attach\",\"osType\":\"Linux\",\"managedDisk\":{\"id\":\"$disk_id\"}}}}}" >/dev/null
proved "virtual machine $machine runs" "its disk was opened with unwrapKey as id-demo"

step "2  The guest boots from the encrypted disk"
wait_for_boot 1
boot1=$(report_line 1)
sum=$(echo "$boot1" | sed -n 's/.* sha256=\([0-9a-f]*\).*/\1/p')
case $boot1 in *state=ok*) ;; *) fail "the guest reports: $boot1" ;; esac
proved "first boot: a file was written to the root disk" "$boot1"
in_image=$(grep -a -c "$marker" "$image" || true)
in_disk=$(grep -a -c "$marker" "$disk_file" || true)
[ "$in_image" -gt 0 ] && [ "$in_disk" -eq 0 ] || fail "the known plaintext is in $in_image places of the image and $in_disk of the disk"
proved "known plaintext: $in_image in the image, $in_disk in the disk file" "$marker"
cryptsetup luksDump "$disk_file" >"$work/dump" || fail "cryptsetup does not read the disk's header"
proved "cryptsetup luksDump reads it" "$(grep -E 'cipher:|sector:' "$work/dump" | tr -s '\t\n ' ' ')"

step "3  Rotate offline: deallocate, new version, update the set, start"
call POST "$arm$machine_id/deallocate?$machines" >/dev/null
second=$(call -o key.kid POST "$key_url/rotate?$keys")
head -c 1048576 "$disk_file" >"$work/header"
before=$(tail -c +1048577 "$disk_file" | sha256sum)
step_began=$(date +%s%N)
call PATCH "$arm$set_id?$compute" "{\"properties\":{\"activeKey\":{\"keyUrl\":\"$second\"}}}" >/dev/null
[ "$(token_key)" = "$second" ] || fail "the disk's token holds $(token_key)"
proved "the set and its disk are under the new version" "$second"
head -c 1048576 "$disk_file" | cmp -l "$work/header" - >"$work/changed" || true
[ "$before" = "$(tail -c +1048577 "$disk_file" | sha256sum)" ] || fail "the rotation touched the data area"
changed=$(wc -l <"$work/changed")
proved "the rotation changed $changed bytes of $(stat -c %s "$disk_file")" "all of them in the header; the data area is identical"
call POST "$arm$machine_id/start?$machines" >/dev/null
wait_for_boot 2
boot2=$(report_line 2)
case $boot2 in *"sha256=$sum state=ok"*) ;; *) fail "after the rotation the guest reports: $boot2" ;; esac
proved "second boot: same file, same SHA-256" "$boot2"
third=$(call -o key.kid POST "$key_url/rotate?$keys")
call PATCH "$arm$set_id?$compute" "{\"properties\":{\"activeKey\":{\"keyUrl\":\"$third\"}}}" >/dev/null
previous=$(get properties.previousKeys.0.keyUrl "$arm$set_id?$compute")
[ "$previous" = "$second" ] && [ "$(token_key)" = "$second" ] || fail "the set was updated under a running machine: $previous"
proved "update while it runs: no disk gets the key" "$(get properties.autoKeyRotationError.message "$arm$set_id?$compute")"

step "4  Disable the key while the machine runs"
beat=$(last_beat)
wait_for_new_beat "$beat"
set_enabled "$second" false
for _ in $(seq 150); do
	state=$(get disks.0.statuses.0.code "$arm$machine_id/instanceView?$machines")
	[ "$state" = DiskIO/failed ] && break
	sleep 0.2
done
[ "$state" = DiskIO/failed ] ||
	fail "the disk still serves 30 seconds after its key was disabled; was the instance started with --cache-seconds 3?"
sleep 2
beat=$(last_beat)
sleep 3
[ "$beat" = "$(last_beat)" ] || fail "the guest still writes although its key is disabled"
proved "the guest's I/O fails and it stands still at '${beat#CUSTODISK-GUEST }'" \
	"$(get disks.0.statuses.0.message "$arm$machine_id/instanceView?$machines")"
set_enabled "$second" true
wait_for_new_beat "$beat"
proved "enabled: it goes on by itself" "$(last_beat)"
call POST "$arm$machine_id/deallocate?$machines" >/dev/null
call PATCH "$arm$set_id?$compute" "{\"properties\":{\"activeKey\":{\"keyUrl\":\"$third\"}}}" >/dev/null
[ "$(token_key)" = "$third" ] || fail "the repeated update did not reach the disk: $(token_key)"
proved "deallocated, the held-back update repeated" "$third"
set_enabled "$third" false
why=$(refused POST "$arm$machine_id/start?$machines")
case $why in *KeyVaultKeyNotEnabled*) ;; *) fail "the start was refused for another reason: $why" ;; esac
proved "start with a disabled key: refused" "$why"
set_enabled "$third" true

step "5  Delete the key, recover it"
call DELETE "$key_url?$keys" >/dev/null
why=$(refused POST "$arm$machine_id/start?$machines")
proved "start with a deleted key: refused" "$why"
why=$(refused DELETE "https://$vault.vault.azure.net/deletedkeys/cmk?$keys")
proved "purge under purge protection: refused" "$why"
call POST "https://$vault.vault.azure.net/deletedkeys/cmk/recover?$keys" >/dev/null
call POST "$arm$machine_id/start?$machines" >/dev/null
wait_for_boot 3
boot3=$(report_line 3)
case $boot3 in *"sha256=$sum state=ok"*) ;; *) fail "after the recovery the guest reports: $boot3" ;; esac
proved "recovered: it boots again, same SHA-256" "$boot3"
call POST "$arm$machine_id/deallocate?$machines" >/dev/null

total=$(milliseconds_since "$began")
cat <<END

All steps held, in $((total / 1000)) seconds.
  The disk    $disk_file
              LUKS2; its passphrase is wrapped by $third
  The guest   $serial
  The audit   $(custodisk status >/dev/null 2>&1 && echo "every use of the key is recorded in the vault's audit log")
The key opened the disk while it was enabled, and nothing else did: rotating it rewrote $changed bytes.
END
