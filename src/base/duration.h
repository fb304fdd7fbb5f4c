// SPDX-License-Identifier: Apache-2.0
// Durations of ISO 8601 as Azure takes them: "P30D", "P1Y2M", "PT36H", "P2W". Years and months have no fixed length, so
// they are kept as such and added by the calendar.
#pragma once

#include <stdint.h>

#include "base/err.h"

struct duration {
	int years, months, days;
	int64_t seconds;
};

// The whole of text: "P", then years (Y), months (M), days (D), then "T", hours (H), minutes (M), seconds (S), in this order,
// at least one of them; or weeks (W) alone, which are seven days each. Whole numbers without a sign; none means more than
// about a thousand years. -EINVAL (400 BadParameter).
int duration_parse(const char *text, struct duration *out, struct err *err) _must_check_;

// The shortest form, weeks as days; "P0D" for nothing. No part may be negative. Returns out.
#define DURATION_TEXT_MAX 64
const char *duration_print(const struct duration *d, char out[static DURATION_TEXT_MAX]);

// The time so much after t (sign 1) or before it (sign -1), in UTC: first years and months, where a day that the month does
// not have becomes its last one, then days and seconds. t and the result are brought into the years 1970 to 9999.
int64_t duration_add(int64_t t, const struct duration *d, int sign);
