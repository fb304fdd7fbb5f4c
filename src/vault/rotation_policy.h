// SPDX-License-Identifier: Apache-2.0
// Rotation policies of keys: when a key is rotated by itself, when its expiry is announced, how long new versions live.
#pragma once

#include <jansson.h>

#include "base/duration.h"
#include "vault/object.h"

struct rotation_policy {
	bool has_rotate, rotate_before_expiry;  // else so long after the version's creation
	struct duration rotate;
	bool has_notify;
	struct duration notify;                 // before expiry
	bool has_expiry;
	struct duration expiry;                 // of versions that rotation makes
};

// Read what the store has; a NULL text is the default policy: notify 30 days before expiry.
int rotation_policy_parse(const char *text, struct rotation_policy *out, struct err *err) _must_check_;

// Check a PUT body, and make what the store keeps of it; `old` is what it has (or NULL). The caller frees *text, which is
// NULL when an empty policy takes away that of a pool's key.
int rotation_policy_request(const struct vault_record *vault, const void *body, size_t len, int64_t now, const char *old,
	char **text, struct err *err) _must_check_;

// The same of a body that was parsed.
int rotation_policy_read(const struct vault_record *vault, const json_t *wire, int64_t now, const char *old, char **text,
	struct err *err) _must_check_;

// The KeyRotationPolicy that the wire shows of a stored text or NULL. NULL when out of memory.
json_t *rotation_policy_json(const struct vault_record *vault, const char *name, const char *text);
