// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/strv.h"


enum { YEARS_MAX = 1000, DAYS_MAX = 366 * YEARS_MAX, DIGITS_MAX = 12 };

// A part's designator and how much one of it adds to which member.
struct part {
	char designator;
	int64_t max;
	int64_t unit;
	int64_t *sum;
};

// The parts that stand at the beginning of *text, in their order, each at most once. Moves *text behind them; returns how
// many there were.
static int take_parts(const char **text, const struct part *parts, size_t count) {
	const char *p = *text;
	int taken = 0;
	for (size_t i = 0; i < count; i++) {
		char number[DIGITS_MAX + 1];
		size_t digits = strspn(p, "0123456789");
		if (digits == 0 || digits > DIGITS_MAX || p[digits] != parts[i].designator)
			continue;
		int64_t value;
		memcpy(number, p, digits);
		number[digits] = 0;
		if (strv_int(number, 0, parts[i].max, &value) < 0)
			return -EINVAL;
		*parts[i].sum += value * parts[i].unit;
		p += digits + 1;
		taken++;
	}
	*text = p;
	return taken;
}

static int parse(const char *text, struct duration *out) {
	int64_t years = 0, months = 0, days = 0, seconds = 0;
	const struct part weeks[] = {{'W', DAYS_MAX / 7, 7, &days}};
	const struct part date[] = {{'Y', YEARS_MAX, 1, &years}, {'M', YEARS_MAX * 12, 1, &months}, {'D', DAYS_MAX, 1, &days}};
	const struct part time[] = {{'H', DAYS_MAX * 24LL, 3600, &seconds}, {'M', DAYS_MAX * 1440LL, 60, &seconds},
		{'S', DAYS_MAX * 86400LL, 1, &seconds}};
	if (*text++ != 'P')
		return -EINVAL;
	int taken = take_parts(&text, weeks, ARRAY_SIZE(weeks));
	if (taken == 0) {
		taken = take_parts(&text, date, ARRAY_SIZE(date));
		if (taken >= 0 && *text == 'T') {
			text++;
			taken = take_parts(&text, time, ARRAY_SIZE(time));
		}
	}
	if (taken <= 0 || *text)
		return -EINVAL;
	*out = (struct duration){(int)years, (int)months, (int)days, seconds};
	return 0;
}

int duration_parse(const char *text, struct duration *out, struct err *err) {
	if (parse(text, out) == 0)
		return 0;
	return err_set(err, -EINVAL, 400, "BadParameter",
		"'%.64s' is not a duration of ISO 8601 up to a thousand years, such as P30D, P1Y2M or PT36H", text);
}

static void print_part(char *out, int64_t value, char designator) {
	size_t len = strlen(out);
	if (value > 0)
		(void)snprintf(out + len, DURATION_TEXT_MAX - len, "%lld%c", (long long)value, designator);
}

const char *duration_print(const struct duration *d, char out[static DURATION_TEXT_MAX]) {
	bool nothing = d->years == 0 && d->months == 0 && d->days == 0 && d->seconds == 0;
	(void)snprintf(out, DURATION_TEXT_MAX, nothing ? "P0D" : "P");
	print_part(out, d->years, 'Y');
	print_part(out, d->months, 'M');
	print_part(out, d->days, 'D');
	if (d->seconds > 0) {
		size_t len = strlen(out);
		(void)snprintf(out + len, DURATION_TEXT_MAX - len, "T");
	}
	print_part(out, d->seconds / 3600, 'H');
	print_part(out, d->seconds / 60 % 60, 'M');
	print_part(out, d->seconds % 60, 'S');
	return out;
}

static int days_of_month(int year, int month) {
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month] + (month == 1 && leap);
}

static int64_t within(int64_t t) {
	return t < 0 ? 0 : t > CLOCK_MAX ? CLOCK_MAX : t;
}

int64_t duration_add(int64_t t, const struct duration *d, int sign) {
	time_t from = (time_t)within(t);
	struct tm tm;
	(void)gmtime_r(&from, &tm);  // cannot fail for a year of four digits
	int month = (tm.tm_year + 1900) * 12 + tm.tm_mon + sign * (d->years * 12 + d->months);
	if (month < 0)
		return 0;
	tm.tm_year = month / 12 - 1900;
	tm.tm_mon = month % 12;
	int last = days_of_month(month / 12, tm.tm_mon);
	if (tm.tm_mday > last)
		tm.tm_mday = last;
	return within(timegm(&tm) + sign * (d->days * (int64_t)CLOCK_DAY + d->seconds));
}
