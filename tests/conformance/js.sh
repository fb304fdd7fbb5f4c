#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Azure's SDK for JavaScript against a throwaway instance. Usage: js.sh PATH-OF-CUSTODISK
# The packages of the lock file are fetched once; later runs ask no registry.
set -eu
custodisk=$(readlink -f "$1")
cd "$(dirname "$0")/js"
for program in node npm; do
	command -v $program >/dev/null || {
		echo "$program is missing: scripts/install-packages check installs it" >&2
		exit 1
	}
done
# npm writes this file when it is done.
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts
exec "$custodisk" run -- node --test azure.test.mjs
