// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

static int compute_string(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = append_value(c->ev, &text, c->args[0], err);
	return rc < 0 ? rc : deliver_buf(&text, out, err);
}

static int change_case(const struct call *c, enum text_case to, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *text;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0)
		rc = append_case(c->ev, &made, text, to, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int compute_to_lower(const struct call *c, json_t **out, struct err *err) {
	return change_case(c, TEXT_LOWER, out, err);
}

static int compute_to_upper(const struct call *c, json_t **out, struct err *err) {
	return change_case(c, TEXT_UPPER, out, err);
}

static int compute_trim(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	int rc = want_string(c, 0, &text, err);
	if (rc < 0)
		return rc;
	text += text_blanks(text);
	return deliver_text(c->ev, text, text_trimmed(text, strlen(text)), out, err);
}

// Case ignored.
static int has_at(const struct call *c, bool at_end, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0}, find = {0};
	const char *first, *second;
	int rc = want_two_strings(c, &first, &second, err);
	if (rc == 0)
		rc = append_case(c->ev, &text, first, TEXT_UPPER, err);
	if (rc == 0)
		rc = append_case(c->ev, &find, second, TEXT_UPPER, err);
	if (rc < 0)
		return rc;
	size_t offset = at_end && find.len <= text.len ? text.len - find.len : 0;
	return deliver_bool(find.len <= text.len && memcmp(buf_cstr(&text) + offset, buf_cstr(&find), find.len) == 0, out);
}

static int compute_starts_with(const struct call *c, json_t **out, struct err *err) {
	return has_at(c, false, out, err);
}

static int compute_ends_with(const struct call *c, json_t **out, struct err *err) {
	return has_at(c, true, out, err);
}

static int compute_replace(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *text, *old, *new, *next;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0)
		rc = want_string(c, 1, &old, err);
	if (rc == 0)
		rc = want_string(c, 2, &new, err);
	if (rc < 0)
		return rc;
	if (!*old)
		return expects(c, err, "its second parameter not to be empty.");
	while (rc == 0 && (next = text_find(text, old))) {
		rc = append(c->ev, &made, text, (size_t)(next - text), err);
		if (rc == 0)
			rc = append_str(c->ev, &made, new, err);
		text = next + strlen(old);
	}
	if (rc == 0)
		rc = append_str(c->ev, &made, text, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int compute_substring(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	int64_t start, length = 0;
	int rc = want_string(c, 0, &text, err);
	if (rc == 0)
		rc = want_int(c, 1, &start, err);
	if (rc == 0 && c->count == 3)
		rc = want_int(c, 2, &length, err);
	if (rc < 0)
		return rc;
	int64_t all = (int64_t)text_length(text);
	if (start < 0 || length < 0 || start > all || length > all - start)
		return invalid(err, "The template language function '%s' parameters are out of range: 'start index' and 'length' must be "
			"non-negative integers and their sum must be no larger than the length of the string. The string has length '%lld', the "
			"start index is '%lld', the length '%lld'.", c->name, (long long)all, (long long)start, (long long)length);
	text += text_offset(text, (uint64_t)start);
	return deliver_text(c->ev, text, c->count == 3 ? text_offset(text, (uint64_t)length) : strlen(text), out, err);
}

static int refuse_delimiters(const struct call *c, struct err *err) {
	return expects(c, err, "its second parameter to be of type 'String or Array of Strings'. The provided value is of type '%s'.",
		expr_type_name(c->args[1]));
}

// The first place of one of the delimiters; at the same place the one that stands first among them. NULL when there is
// none. Empty ones are no delimiters.
static const char *find_delimiter(const char *text, const json_t *delimiters, size_t *length) {
	const char *found = NULL;
	size_t i;
	const json_t *delimiter;
	json_array_foreach (delimiters, i, delimiter) {
		const char *at = json_string_length(delimiter) ? text_find(text, json_string_value(delimiter)) : NULL;
		if (at && (!found || at < found)) {
			found = at;
			*length = json_string_length(delimiter);
		}
	}
	return found;
}

static int add_text(const struct call *c, json_t *array, const char *text, size_t length, struct err *err) {
	json_t *part;
	int rc = spend_elements(c->ev, 1, err);
	if (rc == 0)
		rc = deliver_text(c->ev, text, length, &part, err);
	return rc == 0 && json_array_append_new(array, part) < 0 ? err_oom(err) : rc;
}

static int split(const struct call *c, const char *text, const json_t *delimiters, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	size_t length = 0;
	const char *next;
	int rc = made ? 0 : err_oom(err);
	for (bool more = true; rc == 0 && more; text = more ? next + length : text) {
		// Each delimiter may be looked for up to the end, whichever stands first.
		rc = json_array_size(delimiters) > 1 ? spend(c->ev, (1 + strlen(text) / 16) * json_array_size(delimiters), err) : 0;
		if (rc < 0)
			break;
		next = find_delimiter(text, delimiters, &length);
		more = next;
		rc = add_text(c, made, text, more ? (size_t)(next - text) : strlen(text), err);
	}
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

static int compute_split(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	size_t i;
	const json_t *delimiter;
	int rc = want_string(c, 0, &text, err);
	if (rc < 0)
		return rc;
	if (!json_is_string(c->args[1]) && !json_is_array(c->args[1]))
		return refuse_delimiters(c, err);
	json_array_foreach (c->args[1], i, delimiter)
		if (!json_is_string(delimiter))
			return refuse_delimiters(c, err);
	_cleanup_json_ json_t *delimiters = json_is_array(c->args[1]) ? json_incref(c->args[1]) : json_pack("[O]", c->args[1]);
	return delimiters ? split(c, text, delimiters, out, err) : err_oom(err);
}

static int compute_join(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf made = {0};
	const char *delimiter;
	size_t i;
	const json_t *element;
	int rc = want_array(c, 0, err);
	if (rc == 0)
		rc = want_string(c, 1, &delimiter, err);
	if (rc < 0)
		return rc;
	json_array_foreach (c->args[0], i, element) {
		rc = i > 0 ? append_str(c->ev, &made, delimiter, err) : 0;
		if (rc == 0)
			rc = append_value(c->ev, &made, element, err);
		if (rc < 0)
			return rc;
	}
	return deliver_buf(&made, out, err);
}

#define PAD_SYNTAX "The syntax is padLeft(string, totalWidth [, paddingChar])."
enum { PAD_WIDTH_MAX = 16 };

static int want_width(const struct call *c, int64_t *out, struct err *err) {
	int64_t width = json_integer_value(c->args[1]);
	if (!json_is_integer(c->args[1]) || width < 1 || width > PAD_WIDTH_MAX) {
		_cleanup_buf_ struct buf shown = {0};
		int rc = append_value(c->ev, &shown, c->args[1], err);
		return rc < 0 ? rc : invalid(err, "Unable to evaluate template language function '%s': the second parameter is invalid. Total "
			"width must be a positive integer value and not greater than '%d', while '%.64s' was provided. " PAD_SYNTAX, c->name,
			PAD_WIDTH_MAX, buf_cstr(&shown));
	}
	*out = width;
	return 0;
}

static int want_padding(const struct call *c, const char **out, struct err *err) {
	if (c->count < 3)
		return 0;
	const char *text = json_string_value(c->args[2]);
	if (!text)
		return invalid(err, "Unable to evaluate template language function '%s': the third parameter is invalid. The padding character "
			"must be a string type, while '%s' was provided. " PAD_SYNTAX, c->name, expr_type_name(c->args[2]));
	if (text_length(text) != 1)
		return invalid(err, "Unable to evaluate template language function '%s': the third parameter is invalid. The padding character "
			"must be a single character, while '%.64s' was provided. " PAD_SYNTAX, c->name, text);
	*out = text;
	return 0;
}

static int compute_pad_left(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0}, made = {0};
	const char *padding = " ";
	int64_t width;
	if (!json_is_string(c->args[0]) && !json_is_integer(c->args[0]))
		return invalid(err, "Unable to evaluate template language function '%s': the first parameter is invalid. The source string must "
			"be a String or integer type, while '%s' was provided. " PAD_SYNTAX, c->name, expr_type_name(c->args[0]));
	int rc = want_width(c, &width, err);
	if (rc == 0)
		rc = want_padding(c, &padding, err);
	if (rc == 0)
		rc = append_value(c->ev, &text, c->args[0], err);
	for (int64_t i = (int64_t)text_length(buf_cstr(&text)); i < width && rc == 0; i++)
		rc = append_str(c->ev, &made, padding, err);
	if (rc == 0)
		rc = append(c->ev, &made, text.data, text.len, err);
	return rc < 0 ? rc : deliver_buf(&made, out, err);
}

static int compute_fail(const struct call *c, json_t **out _unused_, struct err *err) {
	const char *message;
	int rc = want_string(c, 0, &message, err);
	return rc < 0 ? rc : invalid(err, "%s", message);
}

const struct function string_functions[] = {
	{"endsWith", 2, 2, compute_ends_with, NULL},
	{"fail", 1, 1, compute_fail, NULL},
	{"join", 2, 2, compute_join, NULL},
	{"padLeft", 2, 3, compute_pad_left, NULL},
	{"replace", 3, 3, compute_replace, NULL},
	{"split", 2, 2, compute_split, NULL},
	{"startsWith", 2, 2, compute_starts_with, NULL},
	{"string", 1, 1, compute_string, NULL},
	{"substring", 2, 3, compute_substring, NULL},
	{"toLower", 1, 1, compute_to_lower, NULL},
	{"toUpper", 1, 1, compute_to_upper, NULL},
	{"trim", 1, 1, compute_trim, NULL},
	{0},
};
