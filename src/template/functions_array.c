// SPDX-License-Identifier: Apache-2.0
// Functions on arrays, among them those that take strings or objects as well.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "template/expr_internal.h"

enum { RANGE_MAX = 10000 };

static int compute_array(const struct call *c, json_t **out, struct err *err) {
	if (json_is_array(c->args[0]))
		return deliver_same(c->args[0], out);
	return deliver(c->ev, json_pack("[O]", c->args[0]), out, err);
}

static int compute_create_array(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	int rc = made ? 0 : err_oom(err);
	for (size_t i = 0; i < c->count && rc == 0; i++)
		rc = add_element(c->ev, made, c->args[i], err);
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

static int add_all(const struct call *c, json_t *array, const json_t *from, struct err *err) {
	size_t i;
	json_t *element;
	int rc = 0;
	json_array_foreach (from, i, element) {
		rc = add_element(c->ev, array, element, err);
		if (rc < 0)
			break;
	}
	return rc;
}

static int concat_arrays(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	int rc = made ? 0 : err_oom(err);
	for (size_t i = 0; i < c->count && rc == 0; i++)
		rc = add_all(c, made, c->args[i], err);
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

static int concat_texts(const struct call *c, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	int rc = 0;
	for (size_t i = 0; i < c->count && rc == 0; i++) {
		if (json_is_object(c->args[i]) || json_is_null(c->args[i]))
			return expects(c, err, "its parameters to be strings, integers, booleans or arrays. The provided value is of type '%s'.",
				expr_type_name(c->args[i]));
		rc = append_value(c->ev, &text, c->args[i], err);
	}
	return rc < 0 ? rc : deliver_buf(&text, out, err);
}

static size_t count_arrays(const struct call *c) {
	size_t arrays = 0;
	for (size_t i = 0; i < c->count; i++)
		arrays += json_is_array(c->args[i]);
	return arrays;
}

static int compute_concat(const struct call *c, json_t **out, struct err *err) {
	size_t arrays = count_arrays(c);
	if (arrays > 0 && arrays < c->count)
		return invalid(err, "The provided parameters for language function '%s' are invalid. Either all or none of the parameters "
			"must be an array.", c->name);
	return arrays > 0 ? concat_arrays(c, out, err) : concat_texts(c, out, err);
}

// Whether an element equals the value: its place, or -1. The last one where `last`.
static int find_element(const struct call *c, bool last, int64_t *out, struct err *err) {
	size_t count = json_array_size(c->args[0]);
	for (size_t i = 0; i < count; i++) {
		size_t at = last ? count - 1 - i : i;
		bool same;
		int rc = same_value(c->ev, json_array_get(c->args[0], at), c->args[1], &same, err);
		if (rc < 0)
			return rc;
		if (same) {
			*out = (int64_t)at;
			return 0;
		}
	}
	*out = -1;
	return 0;
}

static int object_contains(const struct call *c, json_t **out, struct err *err) {
	const char *name;
	json_t *found = NULL;
	int rc = want_string(c, 1, &name, err);
	if (rc == 0)
		rc = find_member(c->ev, c->args[0], name, &found, err);
	return rc < 0 ? rc : deliver_bool(found, out);
}

static int compute_contains(const struct call *c, json_t **out, struct err *err) {
	int64_t at;
	if (json_is_array(c->args[0])) {
		int rc = find_element(c, false, &at, err);
		return rc < 0 ? rc : deliver_bool(at >= 0, out);
	}
	if (json_is_object(c->args[0]))
		return object_contains(c, out, err);
	if (json_is_string(c->args[0]) && json_is_string(c->args[1]))
		return deliver_bool(strstr(json_string_value(c->args[0]), json_string_value(c->args[1])), out);
	return expects(c, err, "its first parameter to be an array, an object, or a string, and of a string a string to find. The provided "
		"values are of type '%s' and '%s'.", expr_type_name(c->args[0]), expr_type_name(c->args[1]));
}

static int compute_empty(const struct call *c, json_t **out, struct err *err) {
	const json_t *value = c->args[0];
	if (json_is_null(value))
		return deliver_bool(true, out);
	if (json_is_string(value))
		return deliver_bool(json_string_length(value) == 0, out);
	if (json_is_array(value))
		return deliver_bool(json_array_size(value) == 0, out);
	if (json_is_object(value))
		return deliver_bool(json_object_size(value) == 0, out);
	return invalid(err, "The template function '%s' expects its parameter to be an object, an array, or a string. The provided value "
		"is of type '%s'.", c->name, expr_type_name(value));
}

static int compute_length(const struct call *c, json_t **out, struct err *err) {
	const json_t *value = c->args[0];
	if (json_is_string(value))
		return deliver_int((int64_t)text_length(json_string_value(value)), out, err);
	if (json_is_array(value))
		return deliver_int((int64_t)json_array_size(value), out, err);
	if (json_is_object(value))
		return deliver_int((int64_t)json_object_size(value), out, err);
	return expects(c, err, "its parameter to be an array, object, or a string. The provided value is of type '%s'.",
		expr_type_name(value));
}

static int refuse_collection(const struct call *c, struct err *err) {
	return expects(c, err, "its parameter be an array or a string. The provided value is of type '%s'.", expr_type_name(c->args[0]));
}

// Null of an array that has none.
static int deliver_element(const json_t *array, size_t at, json_t **out) {
	return at < json_array_size(array) ? deliver_same(json_array_get(array, at), out) : deliver_same(json_null(), out);
}

static int compute_first(const struct call *c, json_t **out, struct err *err) {
	const char *text = json_string_value(c->args[0]);
	if (json_is_array(c->args[0]))
		return deliver_element(c->args[0], 0, out);
	// A pair of surrogates is kept together: half of one is no text.
	return text ? deliver_text(c->ev, text, text_offset(text, (unsigned char)*text >= 0xf0 ? 2 : 1), out, err) :
		refuse_collection(c, err);
}

static int compute_last(const struct call *c, json_t **out, struct err *err) {
	const char *text = json_string_value(c->args[0]);
	if (json_is_array(c->args[0]))
		return deliver_element(c->args[0], json_array_size(c->args[0]) - 1, out);
	if (!text)
		return refuse_collection(c, err);
	size_t at = json_string_length(c->args[0]);
	size_t end = at;
	while (at > 0 && ((unsigned char)text[--at] & 0xc0) == 0x80)
		;
	return deliver_text(c->ev, text + at, end - at, out, err);
}

static int slice(const struct call *c, size_t from, size_t to, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	int rc = made ? 0 : err_oom(err);
	for (size_t i = from; i < to && rc == 0; i++)
		rc = add_element(c->ev, made, json_array_get(c->args[0], i), err);
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

// How many to take or to skip: a count below nothing is nothing, one beyond the end is all.
static int want_portion(const struct call *c, size_t all, size_t *out, struct err *err) {
	int64_t count;
	int rc = want_int(c, 1, &count, err);
	if (rc == 0)
		*out = count < 0 ? 0 : (uint64_t)count > all ? all : (size_t)count;
	return rc;
}

// A string or an array, and how much of it is meant. *text is NULL for an array.
static int want_collection(const struct call *c, const char **text, size_t *portion, struct err *err) {
	*text = json_string_value(c->args[0]);
	if (!*text && !json_is_array(c->args[0]))
		return refuse_collection(c, err);
	return want_portion(c, *text ? json_string_length(c->args[0]) : json_array_size(c->args[0]), portion, err);
}

static int compute_skip(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	size_t portion;
	int rc = want_collection(c, &text, &portion, err);
	if (rc < 0)
		return rc;
	if (!text)
		return slice(c, portion, json_array_size(c->args[0]), out, err);
	text += text_offset(text, portion);
	return deliver_text(c->ev, text, strlen(text), out, err);
}

static int compute_take(const struct call *c, json_t **out, struct err *err) {
	const char *text;
	size_t portion;
	int rc = want_collection(c, &text, &portion, err);
	if (rc < 0)
		return rc;
	return text ? deliver_text(c->ev, text, text_offset(text, portion), out, err) : slice(c, 0, portion, out, err);
}

// Position of a text in another, case ignored, -1 when it is not there; the last one where `last`.
static int find_text(const struct call *c, bool last, int64_t *out, struct err *err) {
	_cleanup_buf_ struct buf text = {0}, find = {0};
	int rc = append_case(c->ev, &text, json_string_value(c->args[0]), TEXT_UPPER, err);
	if (rc == 0)
		rc = append_case(c->ev, &find, json_string_value(c->args[1]), TEXT_UPPER, err);
	if (rc < 0)
		return rc;
	const char *start = buf_cstr(&text), *found = strstr(start, buf_cstr(&find)), *next = found;
	if (last && find.len == 0)
		found = start + text.len;
	while (last && find.len > 0 && next) {
		found = next;
		next = strstr(found + 1, buf_cstr(&find));
		// What is found again and again is looked at each time.
		rc = spend(c->ev, 1 + find.len / 16, err);
		if (rc < 0)
			return rc;
	}
	*out = found ? (int64_t)text_length_of(start, (size_t)(found - start)) : -1;
	return 0;
}

static int position(const struct call *c, bool last, json_t **out, struct err *err) {
	int64_t at;
	int rc;
	if (json_is_array(c->args[0]))
		rc = find_element(c, last, &at, err);
	else if (json_is_string(c->args[0]) && json_is_string(c->args[1]))
		rc = find_text(c, last, &at, err);
	else
		return expects(c, err, "its parameters to be of type string and string. The provided value is of type '%s' and '%s'.",
			expr_type_name(c->args[0]), expr_type_name(c->args[1]));
	return rc < 0 ? rc : deliver_int(at, out, err);
}

static int compute_index_of(const struct call *c, json_t **out, struct err *err) {
	return position(c, false, out, err);
}

static int compute_last_index_of(const struct call *c, json_t **out, struct err *err) {
	return position(c, true, out, err);
}

static int compute_range(const struct call *c, json_t **out, struct err *err) {
	int64_t start, count;
	int rc = want_int(c, 0, &start, err);
	if (rc == 0)
		rc = want_int(c, 1, &count, err);
	if (rc < 0)
		return rc;
	if (count < 0 || count > RANGE_MAX)
		return expects(c, err, "its second parameter to be between 0 and %d. The provided value is '%lld'.", RANGE_MAX,
			(long long)count);
	if (start < INT32_MIN || start + count > INT32_MAX)
		return expects(c, err, "the sum of its parameters to be no greater than %d, and the first to be a number of 32 bits. The "
			"provided values are '%lld' and '%lld'.", INT32_MAX, (long long)start, (long long)count);
	_cleanup_json_ json_t *made = json_array();
	rc = spend_elements(c->ev, (size_t)count, err);
	for (int64_t i = 0; i < count && rc == 0; i++)
		if (json_array_append_new(made, json_integer(start + i)) < 0)
			rc = err_oom(err);
	return rc < 0 ? rc : deliver(c->ev, TAKE_PTR(made), out, err);
}

static int compute_flatten(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array();
	size_t i;
	json_t *inner;
	int rc = made ? want_array(c, 0, err) : err_oom(err);
	if (rc < 0)
		return rc;
	json_array_foreach (c->args[0], i, inner) {
		if (!json_is_array(inner))
			return expects(c, err, "its parameter to be an array of arrays. The provided array has an element of type '%s'.",
				expr_type_name(inner));
		rc = add_all(c, made, inner, err);
		if (rc < 0)
			return rc;
	}
	return deliver(c->ev, TAKE_PTR(made), out, err);
}

// The place `back` from the end, where 1 is the last.
static int from_end(const struct call *c, bool *there, size_t *at, struct err *err) {
	int64_t back;
	int rc = want_array(c, 0, err);
	if (rc == 0)
		rc = want_int(c, 1, &back, err);
	if (rc < 0)
		return rc;
	size_t count = json_array_size(c->args[0]);
	*there = back >= 1 && (uint64_t)back <= count;
	*at = *there ? count - (size_t)back : 0;
	return 0;
}

static int compute_index_from_end(const struct call *c, json_t **out, struct err *err) {
	bool there;
	size_t at;
	int rc = from_end(c, &there, &at, err);
	if (rc < 0)
		return rc;
	if (!there)
		return invalid(err, "The language expression property array index '^%lld' is out of bounds.",
			(long long)json_integer_value(c->args[1]));
	return deliver_element(c->args[0], at, out);
}

static int take_part(const struct call *c, const json_t *of, size_t i, json_t **out, struct err *err) {
	const json_t *key = c->args[i];
	if (json_is_string(key))
		return take_member(c->ev, of, json_string_value(key), out, err);
	if (json_is_integer(key))
		return take_element(of, json_integer_value(key), out, err);
	return wrong_type(c, i, "String or Integer", err);
}

// What further keys name inside of it. Only the first may be missing: "a.?b.c" is tryGet(a, 'b', 'c').
static int take_rest(const struct call *c, const json_t *of, json_t **out, struct err *err) {
	_cleanup_json_ json_t *at = json_incref((json_t *)(uintptr_t)of);
	for (size_t i = 2; i < c->count && !json_is_null(at); i++) {
		json_t *inner;
		int rc = take_part(c, at, i, &inner, err);
		if (rc < 0)
			return rc;
		json_decref(at);
		at = inner;
	}
	*out = TAKE_PTR(at);
	return 0;
}

static int compute_try_index_from_end(const struct call *c, json_t **out, struct err *err) {
	bool there;
	size_t at;
	if (json_is_null(c->args[0]))
		return deliver_same(json_null(), out);
	int rc = from_end(c, &there, &at, err);
	if (rc < 0)
		return rc;
	return there ? take_rest(c, json_array_get(c->args[0], at), out, err) : deliver_same(json_null(), out);
}

static int compute_try_get(const struct call *c, json_t **out, struct err *err) {
	const json_t *of = c->args[0], *key = c->args[1];
	json_t *found = NULL;
	int rc = 0;
	if (json_is_object(of) && json_is_string(key))
		rc = find_member(c->ev, of, json_string_value(key), &found, err);
	else if (json_is_array(of) && json_is_integer(key) && json_integer_value(key) >= 0)
		found = json_array_get(of, (size_t)json_integer_value(key));
	else if (!json_is_null(of) && !(json_is_array(of) && json_is_integer(key)))
		return expects(c, err, "an object and a property name, or an array and an index. The provided values are of type '%s' and "
			"'%s'.", expr_type_name(of), expr_type_name(key));
	if (rc < 0)
		return rc;
	return found ? take_rest(c, found, out, err) : deliver_same(json_null(), out);
}

// An array as a set: members named by the elements' JSON, so that equal elements have one name.
static int add_key(const struct call *c, const json_t *element, struct buf *key, struct err *err) {
	int rc = spend_value(c->ev, element, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *text = json_dumps(element, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	buf_clear(key);
	return text ? append_str(c->ev, key, text, err) : err_oom(err);
}

static int add_distinct(const struct call *c, json_t *array, json_t *seen, json_t *element, struct err *err) {
	_cleanup_buf_ struct buf key = {0};
	int rc = add_key(c, element, &key, err);
	if (rc < 0 || json_object_get(seen, buf_cstr(&key)))
		return rc;
	rc = add_member(c->ev, seen, buf_cstr(&key), json_null(), err);
	return rc < 0 ? rc : add_element(c->ev, array, element, err);
}

static int union_arrays(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array(), *seen = json_object();
	if (!made || !seen)
		return err_oom(err);
	for (size_t i = 0; i < c->count; i++) {
		size_t at;
		json_t *element;
		json_array_foreach (c->args[i], at, element) {
			int rc = add_distinct(c, made, seen, element, err);
			if (rc < 0)
				return rc;
		}
	}
	return deliver(c->ev, TAKE_PTR(made), out, err);
}

static int make_set(const struct call *c, const json_t *array, json_t **out, struct err *err) {
	_cleanup_json_ json_t *set = json_object();
	_cleanup_buf_ struct buf key = {0};
	size_t i;
	json_t *element;
	if (!set)
		return err_oom(err);
	json_array_foreach (array, i, element) {
		int rc = add_key(c, element, &key, err);
		if (rc == 0)
			rc = add_member(c->ev, set, buf_cstr(&key), json_null(), err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(set);
	return 0;
}

// The elements of `array` that the other array has too, each once.
static int intersect_arrays(const struct call *c, const json_t *array, const json_t *other, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_array(), *seen = json_object(), *set = NULL;
	_cleanup_buf_ struct buf key = {0};
	size_t i;
	json_t *element;
	int rc = made && seen ? make_set(c, other, &set, err) : err_oom(err);
	if (rc < 0)
		return rc;
	json_array_foreach (array, i, element) {
		rc = add_key(c, element, &key, err);
		if (rc == 0 && json_object_get(set, buf_cstr(&key)))
			rc = add_distinct(c, made, seen, element, err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(made);
	return 0;
}

static int intersect_objects(const struct call *c, const json_t *object, const json_t *other, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_object();
	const char *name;
	json_t *value;
	if (!made)
		return err_oom(err);
	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		json_t *twin;
		bool same = false;
		int rc = find_member(c->ev, other, name, &twin, err);
		if (rc == 0 && twin)
			rc = same_value(c->ev, value, twin, &same, err);
		if (rc == 0 && same)
			rc = add_member(c->ev, made, name, value, err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(made);
	return 0;
}

static int want_alike(const struct call *c, struct err *err) {
	size_t arrays = count_arrays(c), objects = 0;
	for (size_t i = 0; i < c->count; i++)
		objects += json_is_object(c->args[i]);
	return arrays == c->count || objects == c->count ? 0 :
		expects(c, err, "its parameters to be all arrays or all objects.");
}

static int compute_intersection(const struct call *c, json_t **out, struct err *err) {
	int rc = want_alike(c, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *common = json_incref(c->args[0]);
	for (size_t i = 1; i < c->count; i++) {
		json_t *less = NULL;
		rc = json_is_array(common) ? intersect_arrays(c, common, c->args[i], &less, err) :
			intersect_objects(c, common, c->args[i], &less, err);
		if (rc < 0)
			return rc;
		json_decref(common);
		common = less;
	}
	return deliver(c->ev, TAKE_PTR(common), out, err);
}

static int merge_value(const struct call *c, const json_t *old, json_t *value, json_t **out, struct err *err);

// What `over` has goes over what `under` has; objects inside both are merged. The first spelling of a name stays.
static int merge_objects(const struct call *c, const json_t *under, const json_t *over, json_t **out, struct err *err) {
	_cleanup_json_ json_t *made = json_copy((json_t *)(uintptr_t)under), *spelling = json_object();
	const char *name;
	json_t *value;
	int rc = made && spelling ? spend_elements(c->ev, 2 * json_object_size(under), err) : err_oom(err);
	if (rc < 0)
		return rc;
	json_object_foreach (made, name, value) {
		_cleanup_free_ char *lower = strv_lower(name);
		if (!lower || json_set_str(spelling, lower, name) < 0)
			return err_oom(err);
	}
	json_object_foreach ((json_t *)(uintptr_t)over, name, value) {
		_cleanup_free_ char *lower = strv_lower(name);
		_cleanup_json_ json_t *merged = NULL;
		if (!lower)
			return err_oom(err);
		const char *old = json_string_value(json_object_get(spelling, lower));
		rc = merge_value(c, old ? json_object_get(made, old) : NULL, value, &merged, err);
		if (rc == 0)
			rc = add_member(c->ev, made, old ? old : name, merged, err);
		if (rc < 0)
			return rc;
	}
	*out = TAKE_PTR(made);
	return 0;
}

static int merge_value(const struct call *c, const json_t *old, json_t *value, json_t **out, struct err *err) {
	if (json_is_object(old) && json_is_object(value))
		return merge_objects(c, old, value, out, err);
	return deliver_same(value, out);
}

static int union_objects(const struct call *c, json_t **out, struct err *err) {
	_cleanup_json_ json_t *all = json_incref(c->args[0]);
	for (size_t i = 1; i < c->count; i++) {
		json_t *more = NULL;
		int rc = merge_objects(c, all, c->args[i], &more, err);
		if (rc < 0)
			return rc;
		json_decref(all);
		all = more;
	}
	return deliver(c->ev, TAKE_PTR(all), out, err);
}

static int compute_union(const struct call *c, json_t **out, struct err *err) {
	int rc = want_alike(c, err);
	if (rc < 0)
		return rc;
	return json_is_array(c->args[0]) ? union_arrays(c, out, err) : union_objects(c, out, err);
}

const struct function array_functions[] = {
	{"array", 1, 1, compute_array, NULL},
	{"concat", 1, ANY_COUNT, compute_concat, NULL},
	{"contains", 2, 2, compute_contains, NULL},
	{"createArray", 0, ANY_COUNT, compute_create_array, NULL},
	{"empty", 1, 1, compute_empty, NULL},
	{"first", 1, 1, compute_first, NULL},
	{"flatten", 1, 1, compute_flatten, NULL},
	{"indexFromEnd", 2, 2, compute_index_from_end, NULL},
	{"indexOf", 2, 2, compute_index_of, NULL},
	{"intersection", 2, ANY_COUNT, compute_intersection, NULL},
	{"last", 1, 1, compute_last, NULL},
	{"lastIndexOf", 2, 2, compute_last_index_of, NULL},
	{"length", 1, 1, compute_length, NULL},
	{"range", 2, 2, compute_range, NULL},
	{"skip", 2, 2, compute_skip, NULL},
	{"take", 2, 2, compute_take, NULL},
	{"tryGet", 2, ANY_COUNT, compute_try_get, NULL},
	{"tryIndexFromEnd", 2, ANY_COUNT, compute_try_index_from_end, NULL},
	{"union", 2, ANY_COUNT, compute_union, NULL},
	{0},
};
