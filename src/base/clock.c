// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t offset_seconds;

static int64_t read_ns(clockid_t id) {
	struct timespec ts;
	// Cannot fail for the two clocks used here.
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_NSEC_PER_SEC + ts.tv_nsec;
}

int64_t clock_now_ns(void) {
	return read_ns(CLOCK_REALTIME) + atomic_load(&offset_seconds) * CLOCK_NSEC_PER_SEC;
}

int64_t clock_now(void) {
	return clock_now_ns() / CLOCK_NSEC_PER_SEC;
}

int64_t clock_monotonic_ns(void) {
	return read_ns(CLOCK_MONOTONIC);
}

void clock_set_offset(int64_t seconds) {
	atomic_store(&offset_seconds, seconds);
}

static void format(int64_t seconds, char *out, size_t size) {
	time_t t = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		(void)snprintf(out, size, "1970-01-01T00:00:00");
}

const char *clock_rfc3339(int64_t seconds, char out[static CLOCK_RFC3339_MAX]) {
	char text[24];
	format(seconds, text, sizeof(text));
	(void)snprintf(out, CLOCK_RFC3339_MAX, "%sZ", text);
	return out;
}

const char *clock_rfc3339_ns(int64_t ns, char out[static CLOCK_RFC3339_MAX]) {
	char text[24];
	format(ns / CLOCK_NSEC_PER_SEC, text, sizeof(text));
	unsigned ticks = (unsigned)(ns % CLOCK_NSEC_PER_SEC / 100) % 10000000u;
	(void)snprintf(out, CLOCK_RFC3339_MAX, "%s.%07u+00:00", text, ticks);
	return out;
}
