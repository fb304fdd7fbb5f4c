// SPDX-License-Identifier: Apache-2.0
// When to start a process again that ended by itself, and when to stop trying.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BACKOFF_FAILURES_MAX 10                    // quick failures in a row that are put up with
#define BACKOFF_STEADY_NS (10 * 1000000000LL)      // a process that lived so long was not a quick failure
#define BACKOFF_FIRST_NS (50 * 1000000LL)          // wait before the first new start, doubled each time
#define BACKOFF_LONGEST_NS (2 * 1000000000LL)

struct backoff {
	unsigned failures;  // quick ones in a row
};

// A process that ran for `lived_ns` ended. True: start it again after *delay_ns. False: give up.
bool backoff_again(struct backoff *b, int64_t lived_ns, int64_t *delay_ns);
