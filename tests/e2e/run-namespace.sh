#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# custodisk run, up, status and down as a user meets them. Usage: run-namespace.sh [PATH-OF-CUSTODISK]
# One line a check, "ok" or "not ok"; exit status 1 when any is not.
set -u

custodisk=${1:-$(dirname "$0")/../../build/custodisk}
custodisk=$(readlink -f "$custodisk") || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/run-namespace.XXXXXX") || exit 1
chmod 0755 "$work"
data=$work/data
number=0
failed=0

finish() {
	"$custodisk" down --data-dir "$data" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT
unset CUSTODISK_DATA_DIR CUSTODISK_RUN

# check NAME COMMAND...: the command must succeed; its output is shown when it does not.
check() {
	name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/output"
		failed=$((failed + 1))
	fi
}

# exits STATUS COMMAND...: the command must end with this status.
exits() {
	wanted=$1
	shift
	"$@"
	got=$?
	[ "$got" -eq "$wanted" ] || { echo "exit status $got, not $wanted"; return 1; }
}

# says TEXT COMMAND...: the output must hold the text.
says() {
	wanted=$1
	shift
	"$@" >"$work/said" 2>&1
	grep -qF -e "$wanted" "$work/said" || { echo "no '$wanted' in:"; cat "$work/said"; return 1; }
}

not() {
	! "$@"
}

# until_true SECONDS COMMAND...
until_true() {
	tries=$(($1 * 10))
	shift
	while [ "$tries" -gt 0 ]; do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
		tries=$((tries - 1))
	done
	echo "never true: $*"
	return 1
}

inside() {
	"$custodisk" run --data-dir "$data" -- "$@"
}

# as_nobody COMMAND...: as a user without any privilege.
as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all env HOME=/nonexistent "$@"
}

status_of() {
	"$custodisk" status --json --data-dir "$data" | python3 -c '
import json, sys
process = [p for p in json.load(sys.stdin)["processes"] if p["name"] == sys.argv[1]][0]
print(process[sys.argv[2]])' "$1" "$2"
}

# A command that is killed must be back under another number, and everything must serve again.
comes_back() {
	old=$(status_of "$1" pid)
	kill "-$2" "$old" || return 1
	until_true 15 sh -c "'$custodisk' status --json --data-dir '$data' | grep -qv '\"pid\":$old,'" || return 1
	until_true 15 "$custodisk" status --data-dir "$data" || return 1
	[ "$(status_of "$1" restarts)" -ge 1 ]
}

# No process has the text among its arguments.
gone() {
	for file in /proc/[0-9]*/cmdline; do
		if tr '\0' ' ' <"$file" 2>/dev/null | grep -F -e "$1"; then
			return 1
		fi
	done
}

system_files() {
	cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/ssl/certs/ca-certificates.crt 2>/dev/null | cksum
}

# --- A running instance.

before=$(system_files)

check "up starts an instance" "$custodisk" up --data-dir "$data" --listen none
[ "$failed" -eq 0 ] || exit 1
check "the data directory is closed to others" [ "$(stat -c %a "$data")" = 700 ]
check "the bootstrap principal is kept closed to others" [ "$(stat -c %a "$data/bootstrap.json")" = 600 ]
check "the root key is kept closed to others" [ "$(stat -c %a "$data/keeper/root.key")" = 600 ]
check "status says that all serve" "$custodisk" status --data-dir "$data"
check "a second up is refused" exits 1 "$custodisk" up --data-dir "$data" --listen none
check "and names the first" says "already running on $data (process $(cat "$data/run/supervisor.pid"))" \
	"$custodisk" up --data-dir "$data" --listen none
check "up refuses a folder of something else" exits 1 "$custodisk" up --data-dir "$(dirname "$custodisk")" --listen none

# --- Names, reachability, trust.

for host in login.microsoftonline.com management.azure.com graph.microsoft.com some.vault.azure.net \
	some.managedhsm.azure.net some.attest.azure.net; do
	check "$host resolves" says 127.0.0.1 inside getent ahostsv4 "$host"
	check "$host answers over TLS that is trusted" inside curl -sS -o /dev/null "https://$host/"
	check "$host answers on port 80" inside curl -sS -o /dev/null "http://$host/"
done
check "169.254.169.254 answers" inside curl -sS -o /dev/null http://169.254.169.254/
check "another name does not resolve" exits 2 inside getent hosts deb.debian.org
check "an alias of a name does not resolve" exits 2 inside getent hosts x.management.azure.com
check "an address outside cannot be reached" exits 7 inside curl -sS -m 5 http://192.0.2.1/
check "a host's resolver is not asked" not inside sh -c '[ -S /run/systemd/resolve/io.systemd.Resolve ] || [ -S /run/nscd/socket ]'
check "there is no interface but loopback" inside sh -c '[ "$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " ")" = lo ]'
check "there is no route" inside sh -c '[ -z "$(tail -n +2 /proc/net/route)" ]'
check "python3 trusts it" inside python3 -c '
import urllib.request, urllib.error
try:
    urllib.request.urlopen("https://management.azure.com/")
except urllib.error.HTTPError:
    pass'
check "openssl trusts it" inside sh -c \
	'openssl s_client -connect login.microsoftonline.com:443 -verify_return_error -verify_hostname login.microsoftonline.com </dev/null'
check "the system bundle alone is enough" inside env -u SSL_CERT_FILE -u CURL_CA_BUNDLE -u SSL_CERT_DIR \
	curl -sS -o /dev/null https://management.azure.com/
check "the system's own authorities are kept" inside sh -c '[ "$(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt)" -gt 1 ]'
check "nothing of this shows outside" [ "$(system_files)" = "$before" ]
check "no mount is left outside" not grep -q "$data" /proc/self/mountinfo

# --- Environment.

secret=$(sed -n 's/.*"clientSecret": *"\([^"]*\)".*/\1/p' "$data/bootstrap.json")
client=$(sed -n 's/.*"clientId": *"\([^"]*\)".*/\1/p' "$data/bootstrap.json")
tenant=$(sed -n 's/.*"tenantId": *"\([^"]*\)".*/\1/p' "$data/bootstrap.json")
subscription=$(sed -n 's/.*"subscriptionId": *"\([^"]*\)".*/\1/p' "$data/bootstrap.json")
check "AZURE_TENANT_ID" says "$tenant" inside printenv AZURE_TENANT_ID
check "AZURE_CLIENT_ID" says "$client" inside printenv AZURE_CLIENT_ID
check "AZURE_CLIENT_SECRET" says "$secret" inside printenv AZURE_CLIENT_SECRET
check "AZURE_SUBSCRIPTION_ID" says "$subscription" inside printenv AZURE_SUBSCRIPTION_ID
check "CUSTODISK_DATA_DIR" says "$data" inside printenv CUSTODISK_DATA_DIR
for variable in REQUESTS_CA_BUNDLE SSL_CERT_FILE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS; do
	check "$variable names a file with the authority in it" inside sh -c "
		openssl crl2pkcs7 -nocrl -certfile \"\$$variable\" | openssl pkcs7 -print_certs -outform PEM |
			grep -qF \"\$(sed -n 2p '$data/ca.pem')\""
done
check "proxies are removed" exits 1 env https_proxy=http://192.0.2.1:1 HTTPS_PROXY=http://192.0.2.1:1 \
	"$custodisk" run --data-dir "$data" -- printenv https_proxy HTTPS_PROXY
check "the caller's other credentials are removed" exits 1 env AZURE_AUTHORITY_HOST=https://login.example \
	"$custodisk" run --data-dir "$data" -- printenv AZURE_AUTHORITY_HOST
check "the folder is the caller's" says "$work" sh -c "cd '$work' && '$custodisk' run --data-dir '$data' -- pwd"
check "standard input is the caller's" says hello sh -c "echo hello | '$custodisk' run --data-dir '$data' -- cat"

# --- Exit status and signals.

check "exit status passes through" exits 7 inside sh -c 'exit 7'
check "death by a signal is told as a shell does" exits 137 inside sh -c 'kill -9 $$'
check "a command that is not there" exits 127 inside no-such-command
check "a command that cannot be executed" exits 126 inside /etc/passwd
check "no command" exits 2 "$custodisk" run --data-dir "$data"
check "an unknown option" exits 2 "$custodisk" run --no-such-option true

cat >"$work/signals.py" <<'EOF'
import os, pty, select, signal, subprocess, sys, time

run = [sys.argv[1], "run", "--data-dir", sys.argv[2], "--"]
trap = """import os, signal, time
count = []
signal.signal(%d, lambda *_: count.append(1))
print("up", flush=True)
while not count: time.sleep(0.01)
time.sleep(0.5)
os._exit(40 + len(count))"""

def forwarded(number):
    process = subprocess.Popen(run + ["python3", "-c", trap % number], stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(number)
    return process.wait()

def typed():
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(run[0], run + ["python3", "-c", trap % signal.SIGINT])
    seen = b""
    while b"up" not in seen:
        seen += os.read(fd, 100)
    os.write(fd, b"\x03")
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
    status = forwarded(number)
    assert status == 41, f"{number!r}: {status}"
status = typed()
assert status == 41, f"Ctrl-C on a terminal: {status}"
EOF
check "signals reach the command, Ctrl-C once" python3 "$work/signals.py" "$custodisk" "$data"

# --- What ends is started again, also while a command runs.

for process in keeper server host; do
	check "a killed $process comes back" comes_back "$process" KILL
done
check "a server that ended in order comes back" comes_back server TERM
server=$(status_of server pid)
check "a command survives a killed server" inside sh -c "
	kill -9 $server
	curl -sS -o /dev/null --retry 20 --retry-delay 1 --retry-all-errors https://management.azure.com/"
server=$(status_of server pid)
check "a command survives a stopped server" inside sh -c "
	kill -TERM $server
	sleep 0.3
	curl -sS -o /dev/null --retry 20 --retry-delay 1 --retry-all-errors https://management.azure.com/"
check "a command survives a killed name server" inside sh -c '
	for child in $(cat /proc/$PPID/task/$PPID/children); do
		[ "$(cat /proc/$child/comm)" = dnsmasq ] && kill -9 $child && killed=1
	done
	[ "$killed" = 1 ] || exit 1
	sleep 1
	getent hosts management.azure.com'

# --- A throwaway instance.

throwaway=$work/throwaway
mkdir "$throwaway"
check "run without a data directory" env TMPDIR="$throwaway" "$custodisk" run -- \
	curl -sS -o /dev/null https://login.microsoftonline.com/
check "leaves nothing behind" [ -z "$(ls -A "$throwaway")" ]
check "not even when its command fails" exits 3 env TMPDIR="$throwaway" "$custodisk" run -- sh -c 'exit 3'
check "nothing left after a failure" [ -z "$(ls -A "$throwaway")" ]
TMPDIR=$throwaway "$custodisk" run -- sh -c "touch '$work/started'; exec sleep 1000" &
until_true 30 [ -e "$work/started" ]
kill -9 $!
wait $! 2>/dev/null
check "a killed run leaves no process" until_true 30 gone "$throwaway"
check "a killed run leaves no files" until_true 30 rmdir "$throwaway"
mkdir "$throwaway"

# --- Without privilege.

mkdir -m 0777 "$work/nobody"
if as_nobody unshare -Urn true 2>/dev/null && as_nobody test -x "$custodisk"; then
	check "works without privilege" as_nobody env TMPDIR="$work/nobody" "$custodisk" run -- \
		curl -sS -o /dev/null https://login.microsoftonline.com/
	check "as the user that called" says 65534 as_nobody env TMPDIR="$work/nobody" "$custodisk" run -- id -u
	check "without any capability" says "CapEff:	0000000000000000" \
		as_nobody env TMPDIR="$work/nobody" "$custodisk" run -- cat /proc/self/status
	check "leaves nothing behind without privilege" [ -z "$(ls -A "$work/nobody")" ]
else
	echo "# skipped: no unprivileged user namespaces here, or nobody may not execute $custodisk"
fi

# Where namespaces are not allowed: a user namespace that allows no further ones, and a root in it without capabilities.
if unshare -Ur true 2>/dev/null; then
	cat >"$work/forbidden.sh" <<EOF
echo 0 >/proc/sys/user/max_user_namespaces || exit 99
export TMPDIR='$throwaway'
exec setpriv --bounding-set=-all --inh-caps=-all '$custodisk' run -- true
EOF
	check "says what forbids namespaces" says user.max_user_namespaces unshare -Ur sh "$work/forbidden.sh"
	check "fails with its own status then" exits 125 unshare -Ur sh "$work/forbidden.sh"
	check "leaves nothing behind then" [ -z "$(ls -A "$throwaway")" ]
fi

# --- In a chroot, whose root is no mount: as root only, whom alone the kernel lets make namespaces there.

# beneath_chroot COMMAND...: with all of this system's folders, in a namespace that takes the mounts away again.
cat >"$work/beneath-chroot.sh" <<'EOF'
root=$1
shift
for entry in /*; do
	if [ -h "$entry" ]; then
		cp -P "$entry" "$root/"
	elif [ -d "$entry" ]; then
		mkdir "$root$entry" && mount --rbind "$entry" "$root$entry"
	fi || exit 99
done
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"
EOF
beneath_chroot() {
	root=$(mktemp -d "$work/root.XXXXXX") && chmod 0755 "$root" || return 99
	unshare -m sh "$work/beneath-chroot.sh" "$root" "$@"
}
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	check "works in a chroot" beneath_chroot "$custodisk" run --data-dir "$data" -- \
		curl -sS -o /dev/null https://management.azure.com/
	check "in the caller's folder" says "$PWD" beneath_chroot "$custodisk" run --data-dir "$data" -- pwd
	check "nothing of a run in a chroot shows outside" [ "$(system_files)" = "$before" ]
fi

# --- The end.

supervisor=$(cat "$data/run/supervisor.pid")
check "SIGTERM stops all" sh -c "kill $supervisor"
check "no process is left" until_true 30 gone "$data"
check "in order" [ "$(sed -n 's/.*the \(.*\) has stopped/\1/p' "$data/log/supervisor.log" | tr '\n' ' ')" = "host server keeper " ]
check "status says so" exits 3 "$custodisk" status --data-dir "$data"
check "down of a stopped instance is fine" "$custodisk" down --data-dir "$data"

check "it starts again" "$custodisk" up --data-dir "$data" --listen none
check "with the same principal" says "$client" inside printenv AZURE_CLIENT_ID
supervisor=$(cat "$data/run/supervisor.pid")
kill -9 "$supervisor"
check "a killed supervisor takes everything along" until_true 30 gone "$data"
check "and the next one starts" "$custodisk" up --data-dir "$data" --listen none
check "down stops it" "$custodisk" down --data-dir "$data"
check "no process is left after down" gone "$data"

mv "$data/keeper/root.key" "$work/root.key"
check "a store without its root key is refused" says "put the root key back" \
	"$custodisk" up --data-dir "$data" --listen none
check "and no new one is made" [ ! -e "$data/keeper/root.key" ]
mv "$work/root.key" "$data/keeper/root.key"

if inside sh -c "[ \"\$AZURE_CLIENT_ID\" = '$client' ]"; then
	check "run started a stopped instance, and stopped it" exits 3 "$custodisk" status --data-dir "$data"
else
	check "run starts a stopped instance" false
fi

echo "1..$number"
[ "$failed" -eq 0 ] || { echo "# $failed of $number failed"; exit 1; }
