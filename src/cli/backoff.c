// SPDX-License-Identifier: Apache-2.0
#include "cli/backoff.h"

bool backoff_again(struct backoff *b, int64_t lived_ns, int64_t *delay_ns) {
	b->failures = lived_ns >= BACKOFF_STEADY_NS ? 1 : b->failures + 1;
	if (b->failures > BACKOFF_FAILURES_MAX)
		return false;
	int64_t delay = BACKOFF_FIRST_NS;
	for (unsigned i = 1; i < b->failures && delay < BACKOFF_LONGEST_NS; i++)
		delay *= 2;
	*delay_ns = delay < BACKOFF_LONGEST_NS ? delay : BACKOFF_LONGEST_NS;
	return true;
}
