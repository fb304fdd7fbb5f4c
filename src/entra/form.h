// SPDX-License-Identifier: Apache-2.0
// Strict reader of application/x-www-form-urlencoded bodies as OAuth uses them (RFC 6749, appendices A and B): every
// field has a name and '=', no name comes twice, and what is encoded is printable ASCII.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define FORM_BODY_MAX 65536  // bytes
#define FORM_FIELDS_MAX 32

struct form {
	struct buf text;  // names and values, NUL after each; wiped on free
	struct {
		size_t name, value;  // offsets into text
	} fields[FORM_FIELDS_MAX];
	size_t count;
};

void form_free(struct form *f);
#define _cleanup_form_ _cleanup_(form_free)

// An empty body has no fields. -EINVAL malformed or over a limit, -EEXIST a name that comes twice; err says which.
int form_parse(const void *body, size_t len, struct form *out, struct err *err) _must_check_;

// NULL when missing. Names are compared exactly. Borrowed.
const char *form_get(const struct form *f, const char *name);

// Append the decoded form of one encoded text. -EINVAL or -ENOMEM; out keeps what was appended before the failure.
int form_decode(const void *text, size_t len, struct buf *out) _must_check_;
