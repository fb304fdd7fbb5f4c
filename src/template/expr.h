// SPDX-License-Identifier: Apache-2.0
// Expressions of Azure Resource Manager templates: "[concat(parameters('a'), 'x')]", read and evaluated within limits
// ("ARM template functions" and "Understand the structure and syntax of ARM templates", Microsoft Learn). Values are
// JSON: string, integer, boolean, null, array, object; names of functions and members are compared without case.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define EXPR_LENGTH_MAX 24576          // characters, as Azure Resource Manager has it
#define EXPR_DEPTH_MAX 64              // calls, members and elements inside each other
#define EXPR_VALUE_MAX (4u << 20)      // bytes that a value has as JSON, with all that is inside; Azure's limit of a template

// What evaluation may still cost, over all expressions of a template: it is counted down for each call and for each byte
// and element that is made or compared; at 0 evaluation ends with 400 InvalidTemplate. `depth`, 0 at first, is how deep
// evaluation is nested at present, across what scope->call evaluates with the same budget.
struct expr_budget {
	int64_t left;
	unsigned depth;
};

struct expr;

// A string of a template: *is_expression tells whether the text is one ("[…]", but not "[[…]" and not "[…]…"). Where it is
// not, *literal gets its text, that of "[[…]" without the first bracket, to be freed.
int expr_classify(const char *text, bool *is_expression, char **literal, struct err *err) _must_check_;

// `text` with its brackets. -EINVAL (400 InvalidTemplate, with the position) for what is not well formed.
int expr_parse(const char *text, struct expr **out, struct err *err) _must_check_;
void expr_free(struct expr *e);
static inline void expr_freep(struct expr **e) {
	expr_free(*e);
}
#define _cleanup_expr_ _cleanup_(expr_freep)

// What is known where an expression stands. The functions that only compute are built in; every other name is asked for
// here: parameters, variables, reference, resourceId and its family, copyIndex, resourceGroup, subscription, deployment,
// list*, utcNow, newGuid, user functions ("contoso.unique"), …
struct expr_scope {
	void *ctx;
	// Arguments are evaluated and borrowed; *out is the caller's. -ENOSYS (err untouched) when there is no such function
	// here: 400 InvalidTemplate then names it.
	int (*call)(void *ctx, const char *function, json_t *const *args, size_t count, json_t **out, struct err *err);
	struct expr_budget *budget;
};

// -EINVAL with 400 InvalidTemplate: unknown function, wrong count or type of arguments, missing member, index outside.
// What scope->call fails with is passed on.
int expr_evaluate(const struct expr *e, const struct expr_scope *scope, json_t **out, struct err *err) _must_check_;

// Parse and evaluate a string of a template, or take it literally.
int expr_text(const char *text, const struct expr_scope *scope, json_t **out, struct err *err) _must_check_;

// A whole JSON value of a template: every string in it evaluated, names of members too. *out is new.
int expr_json(const json_t *value, const struct expr_scope *scope, json_t **out, struct err *err) _must_check_;

// Calls of functions inside an expression, outermost first: for what must be known before anything can be evaluated
// (what a resource refers to). `argument` gives the i-th argument as a part of its own, valid as long as e is.
struct expr_call {
	const char *function;
	size_t argument_count;
	const struct expr *const *arguments;
};
typedef int (*expr_visitor)(void *ctx, const struct expr_call *call, struct err *err);  // negative ends the walk
int expr_each_call(const struct expr *e, expr_visitor each, void *ctx, struct err *err) _must_check_;

// A time as utcNow(format) and dateTimeAdd show it: .NET's standard and custom format strings. The host's utcNow() without
// one is "yyyyMMddTHHmmssZ".
int expr_time(int64_t seconds, const char *format, const struct expr_scope *scope, json_t **out, struct err *err) _must_check_;

// "String", "Integer", "Boolean", "Null", "Array", "Object" or "Float", as errors call the types of values.
const char *expr_type_name(const json_t *value);

// Is there a built-in function of this name?
bool expr_is_function(const char *name);
