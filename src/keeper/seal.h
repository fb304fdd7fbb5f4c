// SPDX-License-Identifier: Apache-2.0
// Sealed keys: a private key as anybody may store it. AES-256-GCM under a key of its own, which HKDF
// makes of the root key and a random salt; kind, usage and context are authenticated. The layout is
// in docs/protocol/keeper.md.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define SEAL_ROOT_SIZE 32

// Append the sealed form of a private key (PKCS#8 DER) to blob.
int seal_key(const struct secret *root, unsigned usage, const void *context, size_t context_len, const struct secret *der,
	struct buf *blob, struct err *err) _must_check_;

// -EBADMSG for anything that is not a blob sealed under this root key and this context; the reasons
// are not told apart.
int seal_open(const struct secret *root, const void *blob, size_t len, const void *context, size_t context_len,
	struct secret *der, unsigned *usage, struct err *err) _must_check_;

// KEEPER_DERIVED_SIZE bytes that only this root key and this label give. The label holds no NUL.
int seal_derive(const struct secret *root, const char *label, struct secret *out, struct err *err) _must_check_;
