// SPDX-License-Identifier: Apache-2.0
// Times as .NET writes them in the invariant culture ("Standard date and time format strings", "Custom date and time
// format strings"). All are in UTC and of whole seconds.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September",
	"October", "November", "December"};

static const char *standard_format(char c) {
	switch (c) {
	case 'd':
		return "MM/dd/yyyy";
	case 'D':
		return "dddd, dd MMMM yyyy";
	case 'f':
		return "dddd, dd MMMM yyyy HH:mm";
	case 'F':
	case 'U':
		return "dddd, dd MMMM yyyy HH:mm:ss";
	case 'g':
		return "MM/dd/yyyy HH:mm";
	case 'G':
		return "MM/dd/yyyy HH:mm:ss";
	case 'm':
	case 'M':
		return "MMMM dd";
	case 'o':
	case 'O':
		return "yyyy-MM-ddTHH:mm:ss.fffffffK";
	case 'r':
	case 'R':
		return "ddd, dd MMM yyyy HH:mm:ss 'GMT'";
	case 's':
		return "yyyy-MM-ddTHH:mm:ss";
	case 't':
		return "HH:mm";
	case 'T':
		return "HH:mm:ss";
	case 'u':
		return "yyyy-MM-dd HH:mm:ssZ";
	case 'y':
	case 'Y':
		return "yyyy MMMM";
	default:
		return NULL;
	}
}

static const char *named(const char *name, size_t repeat, char out[static 16]) {
	(void)snprintf(out, 16, repeat == 3 ? "%.3s" : "%s", name);
	return out;
}

static const char *number(int value, size_t digits, char out[static 16]) {
	(void)snprintf(out, 16, "%0*d", digits > 9 ? 9 : (int)digits, value);
	return out;
}

// What a specifier, repeated so many times, stands for; NULL for a character that is none.
static const char *specified(char c, size_t repeat, const struct tm *tm, char out[static 16]) {
	size_t two = repeat > 1 ? 2 : 1;
	int year = tm->tm_year + 1900;
	switch (c) {
	case 'd':
		return repeat > 2 ? named(days[tm->tm_wday], repeat, out) : number(tm->tm_mday, repeat, out);
	case 'M':
		return repeat > 2 ? named(months[tm->tm_mon], repeat, out) : number(tm->tm_mon + 1, repeat, out);
	case 'y':
		return repeat > 2 ? number(year, repeat, out) : number(year % 100, repeat, out);
	case 'H':
		return number(tm->tm_hour, two, out);
	case 'h':
		return number((tm->tm_hour + 11) % 12 + 1, two, out);
	case 'm':
		return number(tm->tm_min, two, out);
	case 's':
		return number(tm->tm_sec, two, out);
	case 'f':
		return repeat > 7 ? NULL : number(0, repeat, out);
	case 'F':
		return repeat > 7 ? NULL : "";
	case 't':
		return repeat == 1 ? (tm->tm_hour < 12 ? "A" : "P") : (tm->tm_hour < 12 ? "AM" : "PM");
	case 'g':
		return "A.D.";
	case 'K':
		return "Z";
	case 'z':
		return repeat == 1 ? "+0" : repeat == 2 ? "+00" : "+00:00";
	default:
		return NULL;
	}
}

static int refuse_format(const char *format, struct err *err) {
	return invalid(err, "The format '%.128s' is not one for dates and times.", format);
}

static size_t run_of(const char *at) {
	size_t n = 1;
	while (at[n] == at[0])
		n++;
	return n;
}

// One piece of a custom format at *at, which is moved over it. 'whole' is for the message.
static int append_piece(struct evaluation *ev, struct buf *out, const struct tm *tm, const char *whole, const char **at,
	struct err *err) {
	char text[16];
	const char *p = *at, *end;
	if (*p == '\'' || *p == '"') {
		end = strchr(p + 1, *p);
		*at = end ? end + 1 : p;
		return end ? append(ev, out, p + 1, (size_t)(end - p - 1), err) : refuse_format(whole, err);
	}
	if (*p == '\\' || *p == '%') {
		bool literal = *p++ == '\\';
		if (!*p || (!literal && *p == '%'))
			return refuse_format(whole, err);
		const char *single = literal ? NULL : specified(*p, 1, tm, text);
		*at = p + 1;
		return single ? append_str(ev, out, single, err) : append(ev, out, p, 1, err);
	}
	size_t repeat = strchr("dMyHhmsfFtgz", *p) ? run_of(p) : 1;
	const char *made = specified(*p, repeat, tm, text);
	*at = p + repeat;
	if (made)
		return append_str(ev, out, made, err);
	return *p == 'f' || *p == 'F' ? refuse_format(whole, err) : append(ev, out, p, 1, err);
}

int append_time(struct evaluation *ev, struct buf *out, int64_t seconds, const char *format, struct err *err) {
	struct tm tm;
	time_t t = (time_t)seconds;
	const char *at = format;
	if (format[0] && !format[1])
		at = standard_format(format[0]);
	if (!at || !*at || !gmtime_r(&t, &tm))
		return refuse_format(format, err);
	int rc = 0;
	while (*at && rc == 0)
		rc = append_piece(ev, out, &tm, format, &at, err);
	return rc;
}

int expr_time(int64_t seconds, const char *format, const struct expr_scope *scope, json_t **out, struct err *err) {
	struct evaluation ev = {.scope = scope};
	_cleanup_buf_ struct buf text = {0};
	int rc = append_time(&ev, &text, seconds, format, err);
	return rc < 0 ? rc : deliver_buf(&text, out, err);
}
