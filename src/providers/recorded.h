// SPDX-License-Identifier: Apache-2.0
// What the types that are recorded, not enacted, share (docs/fidelity.md says which they are): properties kept as they came,
// references that must lead somewhere, and lists of properties whose elements are resources of their own.
#pragma once

#include "arm/type.h"

// The request's properties in the place of the stored ones (with `patch`, over them), Succeeded. Members that only an answer
// has ("provisioningState", "etag", "resourceGuid") are not taken from a request.
int recorded_keep(struct resource *r, const json_t *body, bool patch, struct err *err) _must_check_;

// Other members of the body beside properties ("sku", "kind"), as they came. `names` ends with NULL.
int recorded_keep_members(struct resource *r, const json_t *body, const char *const *names, struct err *err) _must_check_;

// A resource that this one points to: of this type, there, in the same location where it has one, and the caller may do
// `permission` with it (may be NULL). `out` NULL: only asked for. 400 InvalidResourceReference, 403 LinkedAuthorizationFailed.
int recorded_require(struct arm_call *call, const struct resource *r, const char *id, const char *type, const char *permission,
	struct resource *out, struct err *err) _must_check_;

// 400 InvalidRequestFormat, in the words of the network provider.
#define recorded_invalid(err, ...) err_set(err, -EINVAL, 400, "InvalidRequestFormat", __VA_ARGS__)

enum { RECORDED_PARTS_MAX = 1000 };

// properties.{member}: an array of {"name", "properties"}, each a resource of `type` below the whole. What is given is made or
// changed, what is left out of a given array is removed; without the array all stay.
//
// What an element may be beside the others is asked of all at once, in less than a look from each at each: `put` takes one in
// the place of type->put without asking, `check` (of what was given, when all are there) asks.
struct recorded_parts {
	const char *member;
	const struct arm_type *type;
	int (*put)(struct arm_call *call, struct resource *part, const json_t *body, bool patch, struct err *err);
	int (*check)(const struct resource *whole, const json_t *given, struct err *err);
};
int recorded_write_parts(struct arm_call *call, const struct resource *whole, const json_t *given, const struct recorded_parts *parts,
	struct err *err) _must_check_;
int recorded_show_parts(struct arm_call *call, const struct resource *whole, json_t *shown, const struct recorded_parts *parts,
	struct err *err) _must_check_;

// A name of 1 to `most` letters, digits, '.', '_' and '-', with a letter or digit first and none of ".-" last.
int recorded_check_name(const struct resource *r, size_t most, struct err *err) _must_check_;
