// SPDX-License-Identifier: Apache-2.0
// Helpers over jansson, whose memory is wiped when it is freed: strict parsing with limits, typed optional members,
// scope-bound references.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define _cleanup_json_ _cleanup_(json_decrefp)

// Parse exactly one JSON value (object or array), duplicate member names refused, nesting at most
// `JSON_DEPTH_MAX`. On success the caller owns *out. -EINVAL fills err with 400 `code`.
#define JSON_DEPTH_MAX 64
int json_parse(const void *text, size_t len, const char *code, json_t **out, struct err *err) _must_check_;

// As a compact string, to be freed; NULL when out of memory.
char *json_text(const json_t *value);

// A text that need not be UTF-8 (a message that was cut at a byte, or that repeats what another process sent) as a string:
// where it is none, every byte that is not ASCII becomes '?'. NULL when out of memory.
json_t *json_lossy(const char *text);

// {"code", "message"}, both lossy. NULL when out of memory.
json_t *json_error(const char *code, const char *message);

// The string at a dotted path ("properties.activeKey.keyUrl"), or NULL when missing or not a string. Borrowed.
const char *json_str(const json_t *object, const char *path);

// The value at a dotted path, or NULL. Borrowed.
json_t *json_at(const json_t *object, const char *path);

// The boolean or integer at a dotted path, or the fallback when missing or of another type.
bool json_bool(const json_t *object, const char *path, bool fallback);
int64_t json_int(const json_t *object, const char *path, int64_t fallback);

// Set a member of an object to a new reference (stolen, also on failure). 0 or -ENOMEM, also when value is NULL.
int json_set(json_t *object, const char *name, json_t *value) _must_check_;
int json_set_str(json_t *object, const char *name, const char *value) _must_check_;
int json_set_int(json_t *object, const char *name, int64_t value) _must_check_;
int json_set_bool(json_t *object, const char *name, bool value) _must_check_;
