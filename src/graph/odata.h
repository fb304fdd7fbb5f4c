// SPDX-License-Identifier: Apache-2.0
// $filter expressions of OData, as far as the directory understands them: and, or, not, parentheses; eq, ne, gt, ge, lt, le, in;
// startswith, endswith; any() over collections. Text is compared without case.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define ODATA_TEXT_MAX 4096   // bytes of an expression
#define ODATA_NODES_MAX 128   // operators and comparisons in it
#define ODATA_DEPTH_MAX 16    // of parentheses, not and any()
#define ODATA_VALUES_MAX 100  // in one list of `in`

struct odata_filter;

// `properties` is an object of the type with all its properties, of which only those that are text, booleans, numbers, null
// or lists of text can be compared; `type` names it in messages ("Application"). -EINVAL: 400 BadRequest for what is no
// expression and names no property, 400 Request_UnsupportedQuery for what is not understood.
int odata_parse(const char *text, const json_t *properties, const char *type, struct odata_filter **out, struct err *err)
	_must_check_;
void odata_free(struct odata_filter *f);
static inline void odata_freep(struct odata_filter **f) {
	odata_free(*f);
}
#define _cleanup_odata_ _cleanup_(odata_freep)

bool odata_matches(const struct odata_filter *f, const json_t *object);
