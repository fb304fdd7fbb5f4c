// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"
#include "template/expr_internal.h"

// What a date is shown in where no format is given.
static const char default_format[] = "yyyy-MM-ddTHH:mm:ssZ";

struct stamp {
	int year, month, day, hour, minute, second;
	char zone[16];  // "Z" or "+hh:mm"
};

// From min to max digits at *at, which is moved over them.
static bool take_number(const char **at, size_t min, size_t max, int *out) {
	size_t digits = strspn(*at, "0123456789");
	if (digits > max)
		digits = max;
	if (digits < min)
		return false;
	*out = 0;
	for (size_t i = 0; i < digits; i++)
		*out = *out * 10 + ((*at)[i] - '0');
	*at += digits;
	return true;
}

static bool take_char(const char **at, char c) {
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool take_fraction(const char **at) {
	if (!take_char(at, '.'))
		return true;
	size_t digits = strspn(*at, "0123456789");
	*at += digits;
	return digits > 0;
}

// "Z", "+02:00", "-0500", or nothing: then it is UTC as well.
static bool take_zone(const char **at, struct stamp *s) {
	int hours, minutes;
	while (take_char(at, ' '))
		;
	char sign = **at;
	if (sign != '+' && sign != '-') {
		(void)take_char(at, 'Z');
		(void)snprintf(s->zone, sizeof(s->zone), "Z");
		return true;
	}
	(*at)++;
	if (!take_number(at, 2, 2, &hours))
		return false;
	(void)take_char(at, ':');
	if (!take_number(at, 2, 2, &minutes))
		return false;
	(void)snprintf(s->zone, sizeof(s->zone), "%c%02d:%02d", sign, hours % 100, minutes % 100);
	return true;
}

// "14:53:14.5", "14:53"
static bool take_time(const char **at, struct stamp *s) {
	if (!take_number(at, 1, 2, &s->hour) || !take_char(at, ':') || !take_number(at, 2, 2, &s->minute))
		return false;
	return !take_char(at, ':') || (take_number(at, 2, 2, &s->second) && take_fraction(at));
}

// "2020-04-07T14:53:14Z", "2020-04-07 14:53:14Z", "2020-04-07"
static bool is_extended(const char *at, struct stamp *s) {
	if (!take_number(&at, 4, 4, &s->year) || !take_char(&at, '-') || !take_number(&at, 2, 2, &s->month) ||
		!take_char(&at, '-') || !take_number(&at, 2, 2, &s->day))
		return false;
	if ((take_char(&at, 'T') || take_char(&at, ' ')) && !take_time(&at, s))
		return false;
	return take_zone(&at, s) && !*at;
}

// "20200407T145314Z", as utcNow() gives it
static bool is_basic(const char *at, struct stamp *s) {
	return take_number(&at, 4, 4, &s->year) && take_number(&at, 2, 2, &s->month) && take_number(&at, 2, 2, &s->day) &&
		take_char(&at, 'T') && take_number(&at, 2, 2, &s->hour) && take_number(&at, 2, 2, &s->minute) &&
		take_number(&at, 2, 2, &s->second) && take_fraction(&at) && take_zone(&at, s) && !*at;
}

// "04/07/2020 14:53:14", "4/7/2020 2:53:14 PM"
static bool is_american(const char *at, struct stamp *s) {
	if (!take_number(&at, 1, 2, &s->month) || !take_char(&at, '/') || !take_number(&at, 1, 2, &s->day) || !take_char(&at, '/') ||
		!take_number(&at, 4, 4, &s->year))
		return false;
	if (*at && (!take_char(&at, ' ') || !take_time(&at, s)))
		return false;
	if (strcmp(at, " AM") == 0 || strcmp(at, " PM") == 0) {
		if (s->hour < 1 || s->hour > 12)
			return false;
		s->hour = s->hour % 12 + (at[1] == 'P' ? 12 : 0);
		at += 3;
	}
	return take_zone(&at, s) && !*at;
}

static int parse_time(const char *text, int64_t *out) {
	static bool (*const forms[])(const char *at, struct stamp *s) = {is_extended, is_basic, is_american};
	char written[64];
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct stamp s = {0};
		if (!forms[i](text, &s))
			continue;
		(void)snprintf(written, sizeof(written), "%04d-%02d-%02dT%02d:%02d:%02d%s", s.year, s.month, s.day, s.hour, s.minute,
			s.second, s.zone);
		return clock_parse(written, out);
	}
	return -EINVAL;
}

static int want_time(const struct call *c, size_t i, int64_t *out, struct err *err) {
	const char *text;
	int rc = want_string(c, i, &text, err);
	if (rc == 0 && parse_time(text, out) < 0)
		return expects(c, err, "its first parameter to be a date and time in ISO 8601 format, from 1970 to 9999. The provided value is "
			"'%.64s'.", text);
	return rc;
}

// In seconds: here a year has 365 days and a month 30 (the remarks on dateTimeAdd).
static int want_duration(const struct call *c, size_t i, int64_t *out, struct err *err) {
	const char *text;
	struct duration d;
	int rc = want_string(c, i, &text, err);
	if (rc < 0)
		return rc;
	bool minus = *text == '-';
	if (duration_parse(text + minus, &d, NULL) < 0)
		return expects(c, err, "its second parameter to be a duration in ISO 8601 format. The provided value is '%.64s'.", text);
	int64_t seconds = (d.years * 365LL + d.months * 30LL + d.days) * CLOCK_DAY + d.seconds;
	*out = minus ? -seconds : seconds;
	return 0;
}

static int deliver_time(const struct call *c, int64_t seconds, const char *format, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	if (seconds < 0 || seconds > CLOCK_MAX)
		return invalid(err, "The template language function '%s' results in a time outside the years 1970 to 9999.", c->name);
	int rc = append_time(c->ev, &text, seconds, format, err);
	return rc < 0 ? rc : deliver_buf(&text, out, err);
}

static int compute_date_time_add(const struct call *c, json_t **out, struct err *err) {
	const char *format = default_format;
	int64_t base, more = 0;
	int rc = want_time(c, 0, &base, err);
	if (rc == 0)
		rc = want_duration(c, 1, &more, err);
	if (rc == 0 && c->count > 2)
		rc = want_string(c, 2, &format, err);
	return rc < 0 ? rc : deliver_time(c, base + more, format, out, err);
}

static int compute_date_time_from_epoch(const struct call *c, json_t **out, struct err *err) {
	int64_t seconds;
	int rc = want_int(c, 0, &seconds, err);
	return rc < 0 ? rc : deliver_time(c, seconds, default_format, out, err);
}

static int compute_date_time_to_epoch(const struct call *c, json_t **out, struct err *err) {
	int64_t seconds;
	int rc = want_time(c, 0, &seconds, err);
	return rc < 0 ? rc : deliver_int(seconds, out, err);
}

const struct function date_functions[] = {
	{"dateTimeAdd", 2, 3, compute_date_time_add, NULL},
	{"dateTimeFromEpoch", 1, 1, compute_date_time_from_epoch, NULL},
	{"dateTimeToEpoch", 1, 1, compute_date_time_to_epoch, NULL},
	{0},
};
