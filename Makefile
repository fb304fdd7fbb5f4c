# SPDX-License-Identifier: Apache-2.0
# A thin front of Meson: `make` leaves the command at build/custodisk.
MESON_TEST = meson test -C build --print-errorlogs

build: build/build.ninja
	@ninja -C build --quiet
	@ln -sf src/cli/custodisk build/custodisk

build/build.ninja:
	@meson setup build >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }; mv build.log build/setup.log

check-unit: build
	$(MESON_TEST) --suite unit

check-e2e: build
	$(MESON_TEST) --suite e2e --num-processes 2

check-fault: build
	$(MESON_TEST) --suite fault --num-processes 1

check-conformance: build
	$(MESON_TEST) --suite conformance --num-processes 2

check-sanitize:
	@[ -e build-sanitize/build.ninja ] || CC=clang meson setup build-sanitize -Db_sanitize=address,undefined -Db_lundef=false
	@ninja -C build-sanitize --quiet
	meson test -C build-sanitize --print-errorlogs --suite unit

# CUSTODISK_FUZZ_SECONDS is how long each target is fuzzed.
check-fuzz:
	@[ -e build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
	meson test -C build-fuzz --print-errorlogs --suite fuzz

check-analysis: build
	scripts/analyse

check: check-unit check-e2e check-conformance check-fault check-sanitize check-fuzz check-analysis

bench: build
	bench/disk
	bench/vault

bench-scale: build
	bench/scale
	bench/arm

install: build
	meson install -C build

clean:
	rm -rf build build-sanitize build-fuzz

.DEFAULT_GOAL := build
.PHONY: build check check-unit check-e2e check-conformance check-fault check-sanitize check-fuzz check-analysis bench bench-scale install clean
