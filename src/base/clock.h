// SPDX-License-Identifier: Apache-2.0
// Time is an input: all code asks this room, and an operator or a test can move it.
#pragma once

#include <stdint.h>

#define CLOCK_NSEC_PER_SEC 1000000000LL

// Seconds since 1970-01-01T00:00:00Z, moved by the offset. What tokens, keys and records are dated with.
int64_t clock_now(void);

// The same in nanoseconds.
int64_t clock_now_ns(void);

// Nanoseconds of a clock that never jumps and that nobody can move. For timeouts and durations only.
int64_t clock_monotonic_ns(void);

// Move clock_now() by this many seconds from the real time.
void clock_set_offset(int64_t seconds);

// "2026-11-22T02:37:36Z" in out (at least CLOCK_RFC3339_MAX bytes). Returns out.
#define CLOCK_RFC3339_MAX 40
const char *clock_rfc3339(int64_t seconds, char out[static CLOCK_RFC3339_MAX]);

// With seven decimals and an offset, as ARM prints operation times: "2026-11-22T02:37:36.1234567+00:00".
const char *clock_rfc3339_ns(int64_t ns, char out[static CLOCK_RFC3339_MAX]);
