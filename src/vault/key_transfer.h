// SPDX-License-Identifier: Apache-2.0
// Key transfer blobs, as "bring your own key" sends them: a key under an exchange key of the vault (Key Vault's BYOK
// specification, version 1.0.0).
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "vault/key_url.h"

#define KEY_TRANSFER_MAX 16384  // bytes of the blob's JSON

struct key_transfer {
	struct key_url exchange;  // the exchange key, always with its version
	struct buf ciphertext;    // CKM_RSA_AES_KEY_WRAP; empty when there is no transfer
};
void key_transfer_free(struct key_transfer *t);

// `blob` is the JSON string "key_hsm": base64url of the blob. Every malformed member is 400 BadParameter, named.
int key_transfer_read(const json_t *blob, struct key_transfer *out, struct err *err) _must_check_;
