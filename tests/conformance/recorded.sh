#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Run a client of Azure against a throwaway instance, then hold every response of a vault that it recorded to Azure's own
# API descriptions. Usage: recorded.sh PATH-OF-CUSTODISK js|python
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
trap 'rm -f "$CONFORMANCE_RECORD"' EXIT
# The SDK counts on a global of later releases; that of Debian 12 has it behind this option.
NODE_OPTIONS=--experimental-global-webcrypto
export NODE_OPTIONS

case $2 in
js) (cd js && "$custodisk" run -- node --test azure.test.mjs) ;;
# Debian's packages for Python are of its own interpreter.
python) "$custodisk" run -- /usr/bin/python3 test_python_sdk.py ;;
*)
	echo "usage: recorded.sh PATH-OF-CUSTODISK js|python" >&2
	exit 2
	;;
esac
node js/contract.mjs "$CONFORMANCE_RECORD"
