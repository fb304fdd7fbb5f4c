// SPDX-License-Identifier: Apache-2.0
// Bodies of cryptographic operations (KeyOperationsParameters, KeySignParameters, KeyVerifyParameters).
#pragma once

#include "crypto/key.h"
#include "vault/object.h"

struct key_operation {
	enum key_alg alg;
	struct buf value;      // wiped with the rest: it may be a data key in the clear
	struct buf iv, aad, tag;
	struct buf digest;     // of verify, whose value is the signature
};
void key_operation_free(struct key_operation *o);

// `op` says which members there must be. `padded` lets base64 stand where base64url belongs.
int key_operation_parse(const void *body, size_t len, enum key_op op, bool padded, struct key_operation *out,
	struct err *err) _must_check_;
