#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run a client of Azure against a throwaway instance, then hold every response that it recorded, of vaults and of the control
# plane, to Azure's own API descriptions. Usage: recorded.sh PATH-OF-CUSTODISK js|python|examples
# The packages of the lock file are fetched once; later runs ask no registry.
set -eu
custodisk=$(readlink -f "$1")
cd "$(dirname "$0")"
for program in node npm; do
	command -v $program >/dev/null || {
		echo "$program is missing: scripts/install-packages check installs it" >&2
		exit 1
	}
done
# npm writes this file when it is done.
[ js/node_modules/.package-lock.json -nt js/package-lock.json ] || (cd js && npm ci --ignore-scripts --include=dev)

CONFORMANCE_RECORD=$(mktemp)
export CONFORMANCE_RECORD
data=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")
finish() {
	"$custodisk" down --data-dir "$data" >/dev/null 2>&1 || :
	rm -rf "$CONFORMANCE_RECORD" "$data"
}
trap finish EXIT
# The SDK counts on a global of later releases; that of Debian 12 has it behind this option.
NODE_OPTIONS=--experimental-global-webcrypto
export NODE_OPTIONS

# The clock of an instance is everybody's: who moves it has one of its own.
js() {
	cd js
	"$custodisk" run --no-throttling -- node --test azure.test.mjs access.test.mjs backup.test.mjs contract.test.mjs \
		crypto.test.mjs deployments.test.mjs errors.test.mjs graph.test.mjs hsm.test.mjs keys.test.mjs lifecycle.test.mjs paging.test.mjs \
		providers.test.mjs resources.test.mjs rotation.test.mjs secrets.test.mjs
	"$custodisk" run -- node --test throttle.test.mjs
	CUSTODISK=$custodisk "$custodisk" run --no-throttling -- node --test clock.test.mjs
	"$custodisk" up --data-dir "$data" --listen none >/dev/null
	CONFORMANCE_IDENTITY=$("$custodisk" run --data-dir "$data" -- node managed.setup.mjs)
	export CONFORMANCE_IDENTITY
	"$custodisk" run --data-dir "$data" --identity "$CONFORMANCE_IDENTITY" -- node --test managed.test.mjs
}

case $2 in
js) (js) ;;
# Debian's packages for Python are of its own interpreter.
python) "$custodisk" run --no-throttling -- /usr/bin/python3 test_python_sdk.py ;;
# Tells with its status, 77, that it skipped.
examples) CUSTODISK=$custodisk python3 test_examples.py ;;
*)
	echo "usage: recorded.sh PATH-OF-CUSTODISK js|python|examples" >&2
	exit 2
	;;
esac
node js/contract.mjs "$CONFORMANCE_RECORD"
