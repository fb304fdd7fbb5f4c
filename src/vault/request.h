// SPDX-License-Identifier: Apache-2.0
// What bodies of requests for keys and for secrets have in common.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "vault/object.h"

#define TAGS_MAX 15
#define TAG_CHARS_MAX 256    // of a name or a value

#define bad_parameter(err, ...) err_set(err, -EINVAL, 400, "BadParameter", __VA_ARGS__)

struct common_request {
	bool has_enabled, enabled, has_nbf, has_exp, has_tags;
	int64_t nbf, exp;
	char *tags;               // owned JSON text, or NULL
};
void common_request_free(struct common_request *r);

// Parse a request body that must be an object. Parser errors are reduced to one sentence, because the parser's own
// would repeat a part of the body.
int request_parse(const void *body, size_t len, json_t **out, struct err *err) _must_check_;

// SDKs print members that are not set as null, which means the same as leaving them out: NULL for both.
json_t *request_member(const json_t *object, const char *name);

// attributes.enabled, nbf, exp, and tags of a body.
int request_common(const json_t *body, struct common_request *out, struct err *err) _must_check_;

// Whatever the request says replaces what the row has; its tags are taken.
void request_apply(struct object *o, struct common_request *r);

// Length in characters of UTF-8, which jansson has checked.
size_t request_characters(const char *s);
