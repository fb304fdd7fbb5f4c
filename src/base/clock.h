// SPDX-License-Identifier: Apache-2.0
// Time is an input: all code asks this room, and an operator or a test can move it.
//
// An instance's processes share one offset from the real time, in a small file that each of them maps: a move is seen
// by all of them at once, without a message, and survives restarts. Its 16 bytes are the text "cdclock1" and the offset
// in seconds, in this machine's byte order.
//
// The file is written in place, never replaced or cut: who maps it would miss the move, or be ended by SIGBUS.
#pragma once

#include <stdint.h>

#include "base/err.h"

#define CLOCK_NSEC_PER_SEC 1000000000LL
#define CLOCK_DAY 86400             // seconds
#define CLOCK_MAX 253402300799LL    // 9999-12-31T23:59:59Z, the last second that RFC 3339 can print

// Seconds since 1970-01-01T00:00:00Z, moved by the offset. What tokens, keys and records are dated with.
int64_t clock_now(void);

// The same in nanoseconds.
int64_t clock_now_ns(void);

// The real time, which nobody can move. For what others judge by it: TLS certificates, the log.
int64_t clock_real_now(void);

// Seconds by which clock_now() is ahead of the real time. Who keeps an answer compares it to notice a move.
int64_t clock_offset(void);

// Nanoseconds of a clock that never jumps and that nobody can move. For timeouts and durations only.
int64_t clock_monotonic_ns(void);

// Follow the instance's clock at path from now on, until the process ends. The file must be a regular one of ours that
// nobody else can write, whole and of this form (-EPERM, -EINVAL).
int clock_follow(const char *path, struct err *err) _must_check_;

// Make the file, at the real time, unless it is there.
int clock_make(const char *path, struct err *err) _must_check_;

// Move the instance's clock, durably, from an offset to another: -EAGAIN when it was not at `from`, -ERANGE when it would
// show a time before CLOCK_EARLIEST or after CLOCK_LATEST.
int clock_move(const char *path, int64_t from, int64_t to, struct err *err) _must_check_;
#define CLOCK_EARLIEST 946684800LL  // 2000-01-01T00:00:00Z
#define CLOCK_LATEST 7258118399LL   // 2199-12-31T23:59:59Z; nanoseconds still fit

// For tests: move this process alone by so many seconds from the real time. It follows no file any more.
void clock_set_offset(int64_t seconds);

// "2026-11-22T02:37:36Z" in out (at least CLOCK_RFC3339_MAX bytes). Returns out.
#define CLOCK_RFC3339_MAX 40
const char *clock_rfc3339(int64_t seconds, char out[static CLOCK_RFC3339_MAX]);

// With seven decimals and an offset, as ARM prints operation times: "2026-11-22T02:37:36.1234567+00:00".
const char *clock_rfc3339_ns(int64_t ns, char out[static CLOCK_RFC3339_MAX]);

// The whole of text as a time of RFC 3339 in the years 1970 to 9999; what is less than a second is dropped. -EINVAL when
// it is none, a day that the month does not have and a leap second included.
int clock_parse(const char *text, int64_t *out) _must_check_;
