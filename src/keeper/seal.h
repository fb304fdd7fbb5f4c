// SPDX-License-Identifier: Apache-2.0
// What the keeper lets out sealed, for anybody to store: keys and data. AES-256-GCM under a key of its own, which
// HKDF makes of the root key and a random salt; kind, usage and context are authenticated. The layout is in
// docs/protocol/keeper.md.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "crypto/alg.h"

#define SEAL_ROOT_SIZE 32
#define SEAL_KEY_MAX 4096  // bytes of an encoded key

enum seal_kind {
	SEAL_RSA = 1,   // PKCS#8 DER
	SEAL_EC = 2,    // PKCS#8 DER
	SEAL_OCT = 3,   // the bytes of the key
	SEAL_DATA = 4,  // no key
};
enum seal_kind seal_kind_of(enum key_kind kind);
enum key_kind seal_key_kind(enum seal_kind kind);  // KEY_KIND_NONE of what is no key

struct sealed {
	enum seal_kind kind;
	unsigned usage;  // 0 of data
	struct secret plain;
};
#define _cleanup_sealed_ _cleanup_(sealed_free)
void sealed_free(struct sealed *s);

// Append the sealed form of s to blob. A key has 1 to SEAL_KEY_MAX bytes, data up to KEEPER_DATA_MAX.
int seal(const struct secret *root, enum seal_kind kind, unsigned usage, const void *context, size_t context_len,
	const void *plain, size_t len, struct buf *blob, struct err *err) _must_check_;

// -EBADMSG for anything that is not a blob sealed under this root key and this context; the reasons
// are not told apart.
int seal_open(const struct secret *root, const void *blob, size_t len, const void *context, size_t context_len,
	struct sealed *out, struct err *err) _must_check_;
int seal_does_not_open(struct err *err);  // fills err as seal_open does; -EBADMSG

// KEEPER_DERIVED_SIZE bytes that only this root key and this label give. The label holds no NUL.
int seal_derive(const struct secret *root, const char *label, struct secret *out, struct err *err) _must_check_;
