// SPDX-License-Identifier: Apache-2.0
// $filter as Azure Resource Manager takes it: comparisons of fields with values, substringof and startswith, joined by
// `and` and `or`, in parentheses. Which fields there are is the caller's to say.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

// Over them the filter is refused.
#define FILTER_TERMS_MAX 32
#define FILTER_DEPTH_MAX 8        // of parentheses
#define FILTER_VALUE_MAX 512
#define FILTER_FIELD_MAX 48

enum filter_test { FILTER_EQ, FILTER_NE, FILTER_GE, FILTER_GT, FILTER_LE, FILTER_LT, FILTER_SUBSTRING_OF, FILTER_STARTS_WITH };

struct filter_term {
	char field[FILTER_FIELD_MAX];  // as given; names are compared without case
	enum filter_test test;
	char value[FILTER_VALUE_MAX];
};

struct filter {
	struct filter_term terms[FILTER_TERMS_MAX];
	size_t term_count;
	// A tree: terms at the leaves, in the order in which they stand in the text.
	struct filter_node {
		enum { FILTER_TERM, FILTER_AND, FILTER_OR } kind;
		size_t left, right;  // of nodes; of a term, left is its number
	} nodes[2 * FILTER_TERMS_MAX];
	size_t node_count;
	size_t root;
};

// -EINVAL with 400 InvalidFilterInQueryString when it is none, or over a limit.
int filter_parse(const char *text, struct filter *out, struct err *err) _must_check_;

// Do all terms stand joined by `and` alone?
bool filter_is_conjunction(const struct filter *f);

// Whether it is true of something, given whether each term is.
typedef bool (*filter_judge)(void *ctx, const struct filter_term *term);
bool filter_holds(const struct filter *f, filter_judge judge, void *ctx);
