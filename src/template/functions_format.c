// SPDX-License-Identifier: Apache-2.0
// format: .NET's composite format, "{0,-8:N2}" ("Composite formatting", "Standard numeric format strings", "Custom numeric
// format strings") in the invariant culture. Formats concern numbers; other values are shown as they are.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

enum { PRECISION_MAX = 999 };  // digits that a format may ask for

// A number's decimal digits, and where its point stands among them.
struct digits {
	bool negative;
	char whole[512];  // without zeros at the beginning: "" for nothing
	char fraction[PRECISION_MAX + 2];
};

static int refuse_format(const struct call *c, const char *format, struct err *err) {
	return invalid(err, "Unable to evaluate template language function '%s': the format is invalid: '%.128s'.", c->name, format);
}

// Rounded to so many decimals.
static void take_digits(const json_t *value, size_t decimals, struct digits *out) {
	char text[sizeof(out->whole) + sizeof(out->fraction)];
	if (json_is_integer(value)) {
		int64_t number = json_integer_value(value);
		(void)snprintf(text, sizeof(text), "%llu", number < 0 ? -(unsigned long long)number : (unsigned long long)number);
		out->negative = number < 0;
		(void)snprintf(out->fraction, sizeof(out->fraction), "%0*d", (int)decimals, 0);
	} else {
		double number = json_real_value(value);
		(void)snprintf(text, sizeof(text), "%.*f", (int)decimals, number < 0 ? -number : number);
		size_t whole = strcspn(text, ".");
		(void)snprintf(out->fraction, sizeof(out->fraction), "%s", text[whole] ? text + whole + 1 : "");
		text[whole] = 0;
		out->negative = number < 0 && strspn(text, "0") + strspn(out->fraction, "0") < strlen(text) + strlen(out->fraction);
	}
	out->fraction[decimals] = 0;
	(void)snprintf(out->whole, sizeof(out->whole), "%s", text + strspn(text, "0"));
}

static int append_grouped(const struct call *c, struct buf *out, const char *digits, struct err *err) {
	size_t len = strlen(digits), first = len % 3 ? len % 3 : 3;
	int rc = append(c->ev, out, digits, len < first ? len : first, err);
	for (size_t at = first; at < len && rc == 0; at += 3) {
		rc = append_str(c->ev, out, ",", err);
		if (rc == 0)
			rc = append(c->ev, out, digits + at, 3, err);
	}
	return rc;
}

// 1,234.50
static int append_fixed(const struct call *c, struct buf *out, const struct digits *d, bool grouped, struct err *err) {
	const char *whole = *d->whole ? d->whole : "0";
	int rc = grouped ? append_grouped(c, out, whole, err) : append_str(c->ev, out, whole, err);
	if (rc == 0 && *d->fraction)
		rc = append_str(c->ev, out, ".", err);
	return rc < 0 ? rc : append_str(c->ev, out, d->fraction, err);
}

static int append_signed_fixed(const struct call *c, struct buf *out, const json_t *value, size_t decimals, bool grouped,
	struct err *err) {
	struct digits d;
	take_digits(value, decimals, &d);
	int rc = d.negative ? append_str(c->ev, out, "-", err) : 0;
	return rc < 0 ? rc : append_fixed(c, out, &d, grouped, err);
}

static int append_currency(const struct call *c, struct buf *out, const json_t *value, size_t decimals, struct err *err) {
	struct digits d;
	take_digits(value, decimals, &d);
	int rc = append_str(c->ev, out, d.negative ? "(¤" : "¤", err);
	if (rc == 0)
		rc = append_fixed(c, out, &d, true, err);
	return rc < 0 || !d.negative ? rc : append_str(c->ev, out, ")", err);
}

static int append_percent(const struct call *c, struct buf *out, const json_t *value, size_t decimals, struct err *err) {
	double percents = json_number_value(value) * 100;
	if (!isfinite(percents))
		return invalid(err, "The template language function '%s' cannot show this number.", c->name);
	_cleanup_json_ json_t *hundredfold = json_real(percents);
	int rc = hundredfold ? append_signed_fixed(c, out, hundredfold, decimals, true, err) : err_oom(err);
	return rc < 0 ? rc : append_str(c->ev, out, " %", err);
}

static int append_decimal(const struct call *c, struct buf *out, const json_t *value, size_t least, struct err *err) {
	struct digits d;
	take_digits(value, 0, &d);
	const char *whole = *d.whole ? d.whole : "0";
	int rc = d.negative ? append_str(c->ev, out, "-", err) : 0;
	if (rc == 0)
		rc = append_times(c->ev, out, '0', (int64_t)least - (int64_t)strlen(whole), err);
	return rc < 0 ? rc : append_str(c->ev, out, whole, err);
}

static int append_hex(const struct call *c, struct buf *out, const json_t *value, size_t least, bool upper, struct err *err) {
	char text[24];
	int len = snprintf(text, sizeof(text), upper ? "%llX" : "%llx", (unsigned long long)json_integer_value(value));
	int rc = append_times(c->ev, out, '0', (int64_t)least - len, err);
	return rc < 0 ? rc : append_str(c->ev, out, text, err);
}

// 1.234500E+003
static int append_scientific(const struct call *c, struct buf *out, const json_t *value, size_t decimals, bool upper,
	struct err *err) {
	char text[PRECISION_MAX + 32], exponent[16];
	int64_t power;
	(void)snprintf(text, sizeof(text), "%.*e", (int)decimals, json_number_value(value));
	char *e = strchr(text, 'e');
	if (!e || strv_int(e + 2, 0, 9999, &power) < 0)
		return invalid(err, "The template language function '%s' cannot show this number.", c->name);
	(void)snprintf(exponent, sizeof(exponent), "%c%c%03d", upper ? 'E' : 'e', e[1], (int)power);
	*e = 0;
	int rc = append_str(c->ev, out, text, err);
	return rc < 0 ? rc : append_str(c->ev, out, exponent, err);
}

// A letter and how many digits it asks for; -1 for as many as there are.
static int append_standard(const struct call *c, struct buf *out, const json_t *value, const char *format, int digits,
	struct err *err) {
	bool integer = json_is_integer(value), upper = format[0] < 'a';
	size_t two = digits < 0 ? 2 : (size_t)digits, six = digits < 0 ? 6 : (size_t)digits, none = digits < 0 ? 0 : (size_t)digits;
	switch (format[0] | 0x20) {
	case 'c':
		return append_currency(c, out, value, two, err);
	case 'd':
		return integer ? append_decimal(c, out, value, none, err) : refuse_format(c, format, err);
	case 'e':
		return append_scientific(c, out, value, six, upper, err);
	case 'f':
		return append_signed_fixed(c, out, value, two, false, err);
	case 'g':
		return digits <= 0 ? append_value(c->ev, out, value, err) : refuse_format(c, format, err);
	case 'n':
		return append_signed_fixed(c, out, value, two, true, err);
	case 'p':
		return append_percent(c, out, value, two, err);
	case 'r':
		return integer ? refuse_format(c, format, err) : append_value(c->ev, out, value, err);
	case 'x':
		return integer ? append_hex(c, out, value, none, upper, err) : refuse_format(c, format, err);
	default:
		return refuse_format(c, format, err);
	}
}

// A custom format is read twice: what it asks for, then with what is known of the number.
struct custom {
	size_t whole;      // places before the point, from the first '0' on: digits at least
	size_t places;     // all places before the point
	size_t decimals;   // all behind it …
	size_t fixed;      // … up to the last '0': these stay
	bool grouped;
};

// The length of what stands for itself at *at: a quoted text, an escaped character or any other; *from is what is shown.
static size_t literal_at(const char *at, const char **from, size_t *shown) {
	*from = at;
	*shown = 1;
	if (*at == '\'' || *at == '"') {
		const char *end = strchr(at + 1, *at);
		*from = at + 1;
		*shown = end ? (size_t)(end - at - 1) : strlen(at + 1);
		return end ? *shown + 2 : *shown + 1;
	}
	if (*at == '\\' && at[1]) {
		*from = at + 1;
		return 2;
	}
	return 1;
}

// -EINVAL for what this does not know: sections, percents, exponents.
static int read_custom(const char *format, struct custom *out) {
	struct custom f = {0};
	bool point = false, zero = false;
	const char *from;
	size_t shown, step;
	for (const char *at = format; *at; at += step) {
		step = literal_at(at, &from, &shown);
		if (step > 1)
			continue;
		if (strchr(";%Ee", *at) || (unsigned char)*at == 0xe2)
			return -EINVAL;
		if (*at == '.') {
			point = true;
		} else if (*at == ',') {
			f.grouped |= !point && f.places > 0 && strpbrk(at, "0#");
		} else if (*at == '0' || *at == '#') {
			zero |= *at == '0';
			f.places += !point;
			f.whole += !point && zero;
			f.decimals += point;
			if (point && *at == '0')
				f.fixed = f.decimals;
		}
	}
	*out = f;
	return f.places > PRECISION_MAX || f.decimals > PRECISION_MAX ? -EINVAL : 0;
}

// The digits before the point as they shall stand: filled up with zeros, by threes where asked for.
static int append_whole(const struct call *c, struct buf *out, const struct custom *f, const char *whole, struct err *err) {
	_cleanup_buf_ struct buf digits = {0};
	int rc = append_times(c->ev, &digits, '0', (int64_t)f->whole - (int64_t)strlen(whole), err);
	if (rc == 0)
		rc = append_str(c->ev, &digits, whole, err);
	if (rc < 0)
		return rc;
	return f->grouped && digits.len > 0 ? append_grouped(c, out, buf_cstr(&digits), err) :
		append(c->ev, out, digits.data, digits.len, err);
}

static int append_fraction(const struct call *c, struct buf *out, const struct custom *f, const char *fraction, struct err *err) {
	size_t len = strlen(fraction);
	while (len > f->fixed && fraction[len - 1] == '0')
		len--;
	int rc = len > 0 ? append_str(c->ev, out, ".", err) : 0;
	return rc < 0 ? rc : append(c->ev, out, fraction, len, err);
}

// All digits before the point stand at the first place for one, all behind it at the point: texts between the places of one
// side would be taken apart from them.
static int append_custom(const struct call *c, struct buf *out, const json_t *value, const char *format, struct err *err) {
	struct custom f;
	struct digits d;
	const char *from;
	size_t shown, step;
	if (read_custom(format, &f) < 0)
		return refuse_format(c, format, err);
	take_digits(value, f.decimals, &d);
	bool whole = false, point = false;
	int rc = d.negative ? append_str(c->ev, out, "-", err) : 0;
	for (const char *at = format; *at && rc == 0; at += step) {
		step = literal_at(at, &from, &shown);
		bool place = step == 1 && strchr("0#.", *at);
		if (place && !whole) {
			rc = append_whole(c, out, &f, d.whole, err);
			whole = true;
		}
		if (rc == 0 && step == 1 && *at == '.' && !point) {
			rc = append_fraction(c, out, &f, d.fraction, err);
			point = true;
		}
		if (rc == 0 && !place && !(step == 1 && *at == ','))
			rc = append(c->ev, out, from, shown, err);
	}
	return rc;
}

static int append_number(const struct call *c, struct buf *out, const json_t *value, const char *format, struct err *err) {
	int64_t digits = -1;
	bool letter = (format[0] | 0x20) >= 'a' && (format[0] | 0x20) <= 'z';
	if (!letter || format[1 + strspn(format + 1, "0123456789")])
		return append_custom(c, out, value, format, err);
	if (format[1] && strv_int(format + 1, 0, PRECISION_MAX, &digits) < 0)
		return refuse_format(c, format, err);
	return append_standard(c, out, value, format, (int)digits, err);
}

// JSON with single quotes around its texts.
static int append_quoted(const struct call *c, struct buf *out, const json_t *value, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = append_json(c->ev, &text, value, err);
	const char *at = buf_cstr(&text);
	while (rc == 0 && *at) {
		size_t plain = strcspn(at, "\\'\"");
		rc = append(c->ev, out, at, plain, err);
		at += plain;
		if (rc < 0 || !*at)
			break;
		if (*at == '"')
			rc = append_str(c->ev, out, "'", err);
		else if (*at == '\'')
			rc = append_str(c->ev, out, "\\'", err);
		else if (at[1] == '"')
			rc = append_str(c->ev, out, "\"", err);
		else
			rc = append(c->ev, out, at, 2, err);
		at += *at == '\\' ? 2 : 1;
	}
	return rc;
}

static int append_argument(const struct call *c, struct buf *out, const json_t *value, const char *format, struct err *err) {
	if (json_is_object(value) || json_is_array(value))
		return append_quoted(c, out, value, err);
	return json_is_number(value) && *format ? append_number(c, out, value, format, err) : append_value(c->ev, out, value, err);
}

// "{index[,alignment][:format]}"
struct hole {
	int64_t index, alignment;
	char format[64];
};

// A number with blanks around it at *at, which is moved over it.
static int take_number(const char **at, int64_t min, int64_t max, int64_t *out) {
	char text[24];
	*at += strspn(*at, " ");
	size_t len = (**at == '-' && min < 0) + strspn(*at + (**at == '-'), "0123456789");
	if (len >= sizeof(text))
		return -ERANGE;
	memcpy(text, *at, len);
	text[len] = 0;
	*at += len;
	*at += strspn(*at, " ");
	return strv_int(text, min, max, out);
}

static int parse_hole(const struct call *c, const char **at, struct hole *out, struct err *err) {
	const char *whole = *at;
	struct hole hole = {0};
	(*at)++;
	int rc = take_number(at, 0, EXPR_LENGTH_MAX, &hole.index);
	if (rc == 0 && **at == ',') {
		(*at)++;
		rc = take_number(at, -(int64_t)EXPR_VALUE_MAX, EXPR_VALUE_MAX, &hole.alignment);
	}
	if (rc == 0 && **at == ':') {
		size_t len = strcspn(++*at, "{}");
		rc = len < sizeof(hole.format) ? 0 : -ERANGE;
		if (rc == 0)
			memcpy(hole.format, *at, len);
		*at += len;
	}
	if (rc < 0 || **at != '}')
		return refuse_format(c, whole, err);
	if ((uint64_t)hole.index + 1 >= c->count)
		return invalid(err, "Unable to evaluate template language function '%s': the format is invalid: 'Index (zero based) must be greater "
			"than or equal to zero and less than the size of the argument list.'.", c->name);
	(*at)++;
	*out = hole;
	return 0;
}

static int append_hole(const struct call *c, struct buf *out, const struct hole *hole, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = append_argument(c, &text, c->args[hole->index + 1], hole->format, err);
	if (rc < 0)
		return rc;
	int64_t length = (int64_t)text_length(buf_cstr(&text));
	rc = append_times(c->ev, out, ' ', hole->alignment - length, err);
	if (rc == 0)
		rc = append(c->ev, out, text.data, text.len, err);
	return rc < 0 ? rc : append_times(c->ev, out, ' ', -hole->alignment - length, err);
}

static int compute_format(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *at;
	int rc = want_string(c, 0, &at, err);
	while (rc == 0 && *at) {
		size_t plain = strcspn(at, "{}");
		bool doubled = at[plain] && at[plain + 1] == at[plain];
		struct hole hole;
		rc = append(c->ev, &made, at, plain + doubled, err);
		at += plain + (doubled ? 2 : 0);
		if (rc < 0 || doubled || !*at)
			continue;
		rc = *at == '{' ? parse_hole(c, &at, &hole, err) : refuse_format(c, at, err);
		if (rc == 0)
			rc = append_hole(c, &made, &hole, err);
	}
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

const struct function format_functions[] = {
	{"format", 1, ANY_COUNT, compute_format, NULL},
	{0},
};
