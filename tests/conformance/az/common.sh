#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the scripts of `az` commands share: each command's output and exit status are compared with what is expected, and
# the first difference ends the script, for what follows builds on what came before.
#
# Run inside `custodisk run`, on an instance of its own: names are plain.
#
# In what is compared, {subscription}, {tenant} and {client} stand for the instance's own ids, {guid} for any other, {version}
# for a key's version, {time} for a time.
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
export HOME="$work" AZURE_CONFIG_DIR="$work/config" AZURE_CORE_COLLECT_TELEMETRY=0 AZURE_CORE_NO_COLOR=1
cd "$work" || exit 1

subscription=/subscriptions/$AZURE_SUBSCRIPTION_ID
number=0
hex='[0-9a-f]'

normalise() {
	sed -E -e "s/$AZURE_SUBSCRIPTION_ID/{subscription}/g; s/$AZURE_TENANT_ID/{tenant}/g" \
		-e "s/${AZURE_CLIENT_ID:-none at all}/{client}/g" \
		-e "s/$hex{8}-$hex{4}-$hex{4}-$hex{4}-$hex{12}/{guid}/g; s/\/$hex{32}/\/{version}/g" \
		-e 's/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|\+00:00)/{time}/g'
}

# The command is told by its first words: bodies are long.
command_line() {
	echo "$*" | tr '\n\t' '  ' | normalise | cut -c 1-120
}

run() {
	number=$((number + 1))
	command=$(command_line "$@")
	"$@" >"$work/output" 2>"$work/errors"
	status=$?
	output=$(cat "$work/output")
}

# stop REASON: say what is wrong, and what was printed.
stop() {
	echo "not ok $number - $command"
	echo "# $1"
	head -n 60 "$work/output" | sed 's/^/# standard output: /'
	tail -n 30 "$work/errors" | sed 's/^/# standard error: /'
	exit 1
}

succeeded() {
	[ "$status" -eq 0 ] || stop "exit status $status"
}

compare() { # file with what is expected
	normalise <"$work/output" >"$work/normal"
	diff "$1" "$work/normal" >"$work/difference" || {
		sed 's/^/# /' "$work/difference"
		stop "expected (<) and printed (>) differ"
	}
	echo "ok $number - $command"
}

# does COMMAND...: it must succeed; what it printed is left in $output.
does() {
	run "$@"
	succeeded
	echo "ok $number - $command"
}

# prints TEXT COMMAND...: it must succeed and print TEXT and nothing else.
prints() {
	printf '%s' "${1:+$1
}" >"$work/expected"
	shift
	run "$@"
	succeeded
	compare "$work/expected"
}

# gives TEXT COMMAND...: likewise, compared as it is.
gives() {
	wanted=$1
	shift
	run "$@"
	succeeded
	[ "$output" = "$wanted" ] || stop "expected: $wanted"
	echo "ok $number - $command"
}

# prints_all COMMAND... <<EOF: likewise, for more than a line.
prints_all() {
	cat >"$work/expected"
	run "$@"
	succeeded
	compare "$work/expected"
}

# fails STATUS TEXT COMMAND...: it must end with that exit status, print nothing and say TEXT on standard error.
fails() {
	wanted=$1
	text=$2
	shift 2
	run "$@"
	[ "$status" -eq "$wanted" ] || stop "exit status $status, expected $wanted"
	[ -z "$output" ] || stop "it printed something"
	normalise <"$work/errors" | grep -qF -e "$text" || stop "expected: $text"
	echo "ok $number - $command"
}

# comes_to TEXT COMMAND...: it must print TEXT within half a minute.
comes_to() {
	text=$1
	shift
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		run "$@"
		number=$((number - 1))
		[ "$status" -ne 0 ] || [ "$output" != "$text" ] || break
		sleep 2
	done
	number=$((number + 1))
	[ "$output" = "$text" ] || stop "expected: $text"
	echo "ok $number - $command"
}

login() {
	az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID" --output none
}

uuid() {
	cat /proc/sys/kernel/random/uuid
}

# assign PRINCIPAL TYPE ROLE SCOPE: Debian's `az role assignment` ends in Python before it sends anything.
assign() {
	az rest --method PUT --url "$4/providers/Microsoft.Authorization/roleAssignments/$(uuid)?api-version=2022-04-01" \
		--body "{\"properties\":{\"principalId\":\"$1\",\"principalType\":\"$2\",
			\"roleDefinitionId\":\"$subscription/providers/Microsoft.Authorization/roleDefinitions/$3\"}}" --output none
}

finish() {
	echo "1..$number"
}
