// SPDX-License-Identifier: Apache-2.0
// Matching a method and a path against a face's table of routes.
//
// A pattern is literal segments, compared without case as Azure does, and `{name}` segments that capture one
// non-empty segment: "/keys/{name}/{version}/unwrapkey". A trailing '/' on the path is ignored. The first route of the
// table that fits wins, so literal segments go before captures. HEAD finds the GET route where it has none of its own.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define ROUTE_PARAMS_MAX 8
#define ROUTE_VALUE_MAX 256

struct route_match {
	size_t index;  // of the route in its table
	struct {
		char name[32];
		char value[ROUTE_VALUE_MAX];
	} params[ROUTE_PARAMS_MAX];
	size_t count;
};

struct route {
	const char *method;   // "GET", …
	const char *pattern;
};

enum route_result { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };

// The table is an array of structs that begin with a struct route; `stride` is the size of one.
enum route_result route_find(const void *table, size_t count, size_t stride, const char *method, const char *path,
	struct route_match *out);

// A captured value; "" when the pattern has no such name.
const char *route_param(const struct route_match *m, const char *name);
