// SPDX-License-Identifier: Apache-2.0
// The operations behind keeper_answer. Each takes the fields of its request from c and appends those of an OK reply
// to r. -EPROTO when the request is malformed; the other errors are those of keeper/client.h.
#pragma once

#include "base/cursor.h"
#include "keeper/answer.h"

typedef int keeper_operation(struct keeper *k, struct cursor *c, struct reply *r, struct err *err);

// Of new keys, in operations_make.c.
keeper_operation keeper_answer_make, keeper_answer_import, keeper_answer_import_transfer;
// With a key, in operations_use.c.
keeper_operation keeper_answer_encrypt, keeper_answer_decrypt, keeper_answer_sign, keeper_answer_verify;
// With what is sealed, whatever it is, and with the root key; in operations_seal.c.
keeper_operation keeper_answer_seal, keeper_answer_open, keeper_answer_reseal, keeper_answer_derive;

// -EPROTO: "a request to <what> is malformed".
int operation_malformed(struct err *err, const char *what);

// Something sealed and its place, as most requests begin with it.
struct sealed_field {
	const uint8_t *blob, *context;
	size_t blob_len, context_len;
};
struct sealed_field operation_read_sealed(struct cursor *c);

// The place of a new blob; the cursor fails when it is empty.
const uint8_t *operation_read_context(struct cursor *c, size_t *len);

// The key of f, if it was made for this use: a new reference, for key_unref.
int operation_key(struct keeper *k, const struct sealed_field *f, unsigned use, struct key **key, struct err *err)
	_must_check_;

// A u32 length in the head, the bytes themselves in the tail; the secret is empty afterwards.
int operation_append_secret(struct reply *r, struct secret *secret) _must_check_;
