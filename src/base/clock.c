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

// Not strftime: it may read the system's time zone file on every call, which a sandboxed process cannot.
// A second that no calendar has is printed as the first one there is.
static const char *format(int64_t seconds, const char *fraction, char *out) {
	time_t t = (time_t)seconds;
	struct tm tm;
	if (!gmtime_r(&t, &tm) || tm.tm_year > 9999 - 1900)
		tm = (struct tm){.tm_year = 70, .tm_mday = 1};
	(void)snprintf(out, CLOCK_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%s", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
	return out;
}

const char *clock_rfc3339(int64_t seconds, char out[static CLOCK_RFC3339_MAX]) {
	return format(seconds, "Z", out);
}

const char *clock_rfc3339_ns(int64_t ns, char out[static CLOCK_RFC3339_MAX]) {
	char fraction[16];
	unsigned ticks = (unsigned)(ns % CLOCK_NSEC_PER_SEC / 100) % 10000000u;
	(void)snprintf(fraction, sizeof(fraction), ".%07u+00:00", ticks);
	return format(ns / CLOCK_NSEC_PER_SEC, fraction, out);
}
