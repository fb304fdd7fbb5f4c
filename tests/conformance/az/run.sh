#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian's az against throwaway instances, unchanged. Usage: run.sh PATH-OF-CUSTODISK SCRIPT... The scripts of this folder run
# one after the other on one instance, as its first principal; managed-identity as an identity of it.
set -u
CUSTODISK=$(readlink -f "$1")
EXAMPLES=$(readlink -f "$(dirname "$0")/../../../examples/cmk")
export CUSTODISK EXAMPLES
shift
folder=$(readlink -f "$(dirname "$0")")
data=$(mktemp -d "${TMPDIR:-/tmp}/az-data.XXXXXX") || exit 1
trap 'rm -rf "$data"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

identity() {
	subscription=$(sed -n 's/.*"subscriptionId": *"\([^"]*\)".*/\1/p' "$data/instance.json")
	echo "/subscriptions/$subscription/resourceGroups/rg-identity/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-worker"
}

for script; do
	echo "# $script"
	if [ "$script" = managed-identity ]; then
		set -- --identity "$(identity)"
	else
		set --
	fi
	"$CUSTODISK" run --data-dir "$data" "$@" -- sh "$folder/$script.sh" || exit 1
done
