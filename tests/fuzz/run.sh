#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# One fuzzer: first its corpus as it is, then on from there for CUSTODISK_FUZZ_SECONDS. What it finds on the way is kept
# below the build directory, and the next run begins with it; an input that fails is left there as artifacts/NAME-….
#
#   run.sh PROGRAM FOLDER NAME [OPTION...]
set -eu
program=$1 folder=$2 name=$3
shift 3
seconds=${CUSTODISK_FUZZ_SECONDS:-10}
work=$(dirname "$program")
found=$work/found/$name
mkdir -p "$found" "$work/artifacts"
# Freed memory that is kept to find who uses it yet; ours are small.
export ASAN_OPTIONS=quarantine_size_mb=32
# Their own exit status for a failure is what Meson takes for a test that was skipped.
set -- "$@" -artifact_prefix="$work/artifacts/$name-" -timeout=25 -max_len=16384 -error_exitcode=1 -timeout_exitcode=1
[ ! -e "$folder/$name.dict" ] || set -- "$@" -dict="$folder/$name.dict"
"$program" "$@" -runs=0 "$folder/corpus/$name"
exec "$program" "$@" -max_total_time="$seconds" "$found" "$folder/corpus/$name"
