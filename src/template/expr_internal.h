// SPDX-License-Identifier: Apache-2.0
// Inside the expression language: what the parser makes, what the evaluator and the functions share.
#pragma once

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"
#include "template/expr.h"

struct function;

enum expr_kind { EXPR_LITERAL, EXPR_CALL, EXPR_MEMBER, EXPR_ELEMENT };

struct expr {
	enum expr_kind kind;
	json_t *literal;                  // EXPR_LITERAL
	char *name;                       // EXPR_CALL: with its namespace; EXPR_MEMBER
	const struct function *function;  // EXPR_CALL: NULL for one of the host's
	struct expr **parts;              // arguments of a call; what a member is of; what an element is of, and the index
	size_t count;
};

// Parameters of the lambdas around an expression and their values, innermost first.
struct binding {
	const struct binding *outer;
	const char *name;
	json_t *value;
};

struct evaluation {
	const struct expr_scope *scope;
	const struct binding *bindings;
};

enum { NESTING_MAX = 512 };  // of evaluate, across what the host evaluates in between

int evaluate(struct evaluation *ev, const struct expr *e, json_t **out, struct err *err) _must_check_;

// As "of.name" and "of[index]" do.
int take_member(struct evaluation *ev, const json_t *of, const char *name, json_t **out, struct err *err) _must_check_;
int take_element(const json_t *of, int64_t index, json_t **out, struct err *err) _must_check_;

// One of the functions that only compute, being called: arguments are evaluated, of a permitted number, and borrowed.
struct call {
	struct evaluation *ev;
	const char *name;
	json_t *const *args;
	size_t count;
};

struct function {
	const char *name;    // as Azure spells it
	unsigned min, max;   // number of arguments
	int (*compute)(const struct call *c, json_t **out, struct err *err);
	// Instead, for those that decide themselves what is evaluated:
	int (*lazy)(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err);
};
enum { ANY_COUNT = EXPR_LENGTH_MAX };

// Parts of the list, each ended by an entry without a name.
extern const struct function array_functions[], cidr_functions[], comparison_functions[], date_functions[],
	encoding_functions[], format_functions[], hash_functions[], lambda_functions[], logical_functions[], number_functions[],
	object_functions[], string_functions[];
const struct function *function_find(const char *name);

// --- Errors, all -EINVAL with 400 InvalidTemplate ---

#define invalid(err, ...) err_set(err, -EINVAL, 400, "InvalidTemplate", __VA_ARGS__)
// "The template language function 'name' expects …"
int expects(const struct call *c, struct err *err, const char *fmt, ...) _printf_(3, 4);
// "… was invoked with a parameter that is not valid. The value cannot be converted to the target type."
int not_convertible(const struct call *c, struct err *err);
int wrong_count(const char *name, unsigned min, unsigned max, size_t count, struct err *err);

// --- Cost ---

enum {
	COST_CALL = 16,     // an evaluated call, member or element
	COST_ELEMENT = 16,  // an element or member that is put into a new value: for what it takes of memory
};
int spend(struct evaluation *ev, size_t cost, struct err *err) _must_check_;
int spend_elements(struct evaluation *ev, size_t count, struct err *err) _must_check_;
// For all that is inside; checks the limits too.
int spend_value(struct evaluation *ev, const json_t *value, struct err *err) _must_check_;

// --- Results ---

// What was made of other values: *value is taken over, also on failure (NULL: out of memory), measured and paid for. -EINVAL
// when as JSON it were longer than EXPR_VALUE_MAX or deeper than JSON_DEPTH_MAX.
int deliver(struct evaluation *ev, json_t *value, json_t **out, struct err *err) _must_check_;
int deliver_text(struct evaluation *ev, const char *text, size_t len, json_t **out, struct err *err) _must_check_;
int deliver_buf(const struct buf *text, json_t **out, struct err *err) _must_check_;  // built by append, which was paid
int deliver_bool(bool value, json_t **out) _must_check_;
int deliver_int(int64_t value, json_t **out, struct err *err) _must_check_;
int deliver_same(const json_t *value, json_t **out) _must_check_;  // a new reference

// To a string that is being made: paid for, and never longer than EXPR_VALUE_MAX.
int append(struct evaluation *ev, struct buf *text, const void *data, size_t len, struct err *err) _must_check_;
int append_str(struct evaluation *ev, struct buf *text, const char *s, struct err *err) _must_check_;
int append_times(struct evaluation *ev, struct buf *text, char c, int64_t times, struct err *err) _must_check_;

// To an array or an object that is being made; `value` is borrowed.
int add_element(struct evaluation *ev, json_t *array, json_t *value, struct err *err) _must_check_;
int add_member(struct evaluation *ev, json_t *object, const char *name, json_t *value, struct err *err) _must_check_;

// --- Arguments ---

int want_string(const struct call *c, size_t i, const char **out, struct err *err) _must_check_;
int want_two_strings(const struct call *c, const char **first, const char **second, struct err *err) _must_check_;
int want_int(const struct call *c, size_t i, int64_t *out, struct err *err) _must_check_;
int want_array(const struct call *c, size_t i, struct err *err) _must_check_;
int want_object(const struct call *c, size_t i, struct err *err) _must_check_;
int wrong_type(const struct call *c, size_t i, const char *wanted, struct err *err);

// --- Values ---

// The member of this name, case ignored; an exact match first. *out, borrowed, is NULL when there is none.
int find_member(struct evaluation *ev, const json_t *object, const char *name, json_t **out, struct err *err) _must_check_;
// Deep, with case.
int same_value(struct evaluation *ev, const json_t *a, const json_t *b, bool *out, struct err *err) _must_check_;
// A text of JSON, of any type.
int parse_json(const struct call *c, const char *text, json_t **out, struct err *err) _must_check_;
// As JSON, without blanks.
int append_json(struct evaluation *ev, struct buf *text, const json_t *value, struct err *err) _must_check_;
// What string() gives: texts as they are, numbers, "True" and "False", "" for null, JSON for the others.
int append_value(struct evaluation *ev, struct buf *text, const json_t *value, struct err *err) _must_check_;

// --- Text: positions and lengths are in units of UTF-16, as .NET counts ---

size_t text_length(const char *text);
size_t text_length_of(const char *text, size_t bytes);
// Where unit `units` begins, in bytes; the text's end when it has fewer. A character that is cut in its middle begins there.
size_t text_offset(const char *text, uint64_t units);
// Where the other, which is not empty, first stands in the text; NULL when it does not.
const char *text_find(const char *text, const char *other);
// By units of UTF-16, not of UTF-8.
int text_compare(const char *a, const char *b);
enum text_case { TEXT_LOWER, TEXT_UPPER };
int append_case(struct evaluation *ev, struct buf *out, const char *text, enum text_case to, struct err *err) _must_check_;
size_t text_blanks(const char *text);                  // bytes of white space at the beginning
size_t text_trimmed(const char *text, size_t length);  // length without white space at the end
// For the order of names: case ignored.
int compare_names(const char *a, const char *b);

// --- Time ---

int append_time(struct evaluation *ev, struct buf *out, int64_t seconds, const char *format, struct err *err) _must_check_;
