// SPDX-License-Identifier: Apache-2.0
// Inside the expression language: what the parser makes, what the evaluator and the functions share.
#pragma once

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

// Names of a lambda's parameters and their values, innermost first.
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

// One of the functions that only compute. Its name as Azure spells it.
struct function {
	const char *name;
	unsigned min, max;  // arguments
	// Either takes evaluated arguments, or, where it decides itself what is evaluated, the parts.
	int (*compute)(struct evaluation *ev, const char *name, json_t *const *args, size_t count, json_t **out, struct err *err);
	int (*lazy)(struct evaluation *ev, const struct expr *call, json_t **out, struct err *err);
};
enum { ANY_COUNT = EXPR_LENGTH_MAX };

// A room's part of the list: ended by an entry without a name.
extern const struct function array_functions[], cidr_functions[], date_functions[], lambda_functions[], logical_functions[],
	number_functions[], object_functions[], string_functions[], uri_functions[];
const struct function *function_find(const char *name);

// --- Errors, all -EINVAL with 400 InvalidTemplate ---

int invalid(struct err *err, const char *fmt, ...) _printf_(2, 3);
// "The template language function 'name' expects …"
int expects(struct err *err, const char *name, const char *fmt, ...) _printf_(3, 4);
int not_convertible(const char *name, struct err *err);  // "… was invoked with a parameter that is not valid. …"
const char *type_name(const json_t *value);  // "String", "Integer", "Boolean", "Null", "Array", "Object", "Float"

// --- Cost ---

enum {
	COST_CALL = 16,     // an evaluated call, member or element
	COST_ELEMENT = 16,  // an element or member that is put into a new value: what it takes of memory decides
};
int spend(struct evaluation *ev, size_t cost, struct err *err) _must_check_;
int spend_elements(struct evaluation *ev, size_t count, struct err *err) _must_check_;
int spend_value(struct evaluation *ev, const json_t *value, struct err *err) _must_check_;  // all that is inside, and its limits

// A value that was made of others: *value is taken over, also on failure (NULL: out of memory), measured and paid for.
// -EINVAL when as JSON it were longer than EXPR_VALUE_MAX or deeper than JSON_DEPTH_MAX.
int deliver(struct evaluation *ev, json_t *value, json_t **out, struct err *err) _must_check_;
// A string of `len` bytes that is known to be UTF-8 or shall be checked to be.
int deliver_text(struct evaluation *ev, const char *text, size_t len, json_t **out, struct err *err) _must_check_;
int deliver_bool(bool value, json_t **out) _must_check_;
int deliver_int(int64_t value, json_t **out, struct err *err) _must_check_;
int deliver_same(json_t *value, json_t **out) _must_check_;  // a new reference
// To a string that is made, paid for, and never longer than EXPR_VALUE_MAX.
int append(struct evaluation *ev, struct buf *text, const void *data, size_t len, struct err *err) _must_check_;

// --- Arguments ---

int want_string(const char *name, const json_t *value, const char **out, struct err *err) _must_check_;
int want_int(const char *name, const json_t *value, int64_t *out, struct err *err) _must_check_;
int want_bool(const char *name, const json_t *value, bool *out, struct err *err) _must_check_;
int want_array(const char *name, const json_t *value, struct err *err) _must_check_;
int want_object(const char *name, const json_t *value, struct err *err) _must_check_;

// --- Values ---

// The member of this name, case ignored; an exact match first. *out, borrowed, is NULL when there is none. Costs what is
// looked at.
int find_member(struct evaluation *ev, const json_t *object, const char *name, json_t **out, struct err *err) _must_check_;
// Deep, with case; costs what is looked at.
int same_value(struct evaluation *ev, const json_t *a, const json_t *b, bool *out, struct err *err) _must_check_;
