// SPDX-License-Identifier: Apache-2.0
// What `custodisk rest` makes of its arguments: where a request goes, whose token it carries, which member of the
// answer is wanted.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

// The https URL for an argument: itself, or a path ("/subscriptions/…") below https://management.azure.com.
// -EINVAL for anything else. The caller frees *out.
int target_url(const char *argument, char **out, struct err *err) _must_check_;

// The resource whose token a URL's host takes ("https://vault.azure.net"), "" for a host that is asked without one,
// NULL for a host that is none of Azure's: no token ever goes there.
const char *target_resource(const char *url);

// Whether two URLs have the same host and port.
bool target_same_host(const char *a, const char *b);

// The value at a dotted path; a number picks an element of an array ("value.0.id"). Borrowed, NULL when missing.
const json_t *target_select(const json_t *value, const char *path);

// A value as a script wants it: strings bare, everything else as compact JSON. To be freed; NULL when out of memory.
char *target_print(const json_t *value);
