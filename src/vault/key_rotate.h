// SPDX-License-Identifier: Apache-2.0
// Making key material, and rotating: what a request and the scheduler do alike.
#pragma once

#include "keeper/client.h"
#include "vault/keys.h"

// What a rotation of o makes: a key of the same type and size, for the same operations.
int key_request_like(const struct object *o, struct key_request *out, struct err *err) _must_check_;

// New material for o, which has nothing but a name: version, sealed key, public half, type, operations, times, enabled.
int key_generate(struct keeper_client *keeper, const struct vault_record *vault, const struct key_request *request,
	int64_t now, struct object *o, struct err *err) _must_check_;

// The first of it: version, times, enabled; and the context that the material is to be sealed for, to be freed.
int key_version_begin(const struct vault_record *vault, int64_t now, struct object *o, char **context, struct err *err)
	_must_check_;

// The public half and the type of what the keeper made or imported.
int key_set_public(struct object *o, const struct key_type *type, const struct key_public *pub, struct err *err)
	_must_check_;

// Make `fresh` the current version of its key, with all that a rotation keeps and the expiry that its policy gives. -ENOENT
// with err untouched when the key is not there, -EEXIST with 409 when it has become one of another shape.
int key_rotate_to(struct store_tx *tx, const char *vault, struct object *fresh, struct err *err) _must_check_;
