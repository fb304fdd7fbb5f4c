// SPDX-License-Identifier: Apache-2.0
// Strict reading of what a request line and a Host header name (RFC 3986, RFC 9110 section 7.1): one spelling, one
// meaning. Refused are bad escapes, NUL, control characters, encoded slashes, dot segments and text that is no UTF-8.
#pragma once

#include <stddef.h>

#include "base/err.h"

#define TARGET_PARAMS_MAX 64
#define TARGET_HOST_MAX 256  // with its NUL

struct target {
	char *path;  // decoded, begins with '/'
	struct {
		const char *name, *value;  // decoded, inside `text`
	} params[TARGET_PARAMS_MAX];
	size_t param_count;
	char *text;
};

void target_free(struct target *t);
#define _cleanup_target_ _cleanup_(target_free)

// Parse an origin-form target ("/path?query"). -EINVAL with 400 BadRequest, or -ENOMEM.
int target_parse(const char *raw, struct target *out, struct err *err) _must_check_;

// The value of a query parameter (first one, name without case), or NULL.
const char *target_param(const struct target *t, const char *name);

// "Host.Example.:8443" gives "host.example" and 8443; *port stays as it is when none is named. "[::1]" keeps its
// brackets. -EINVAL with 400 BadRequest.
int target_host(const char *text, char host[static TARGET_HOST_MAX], int *port, struct err *err) _must_check_;
