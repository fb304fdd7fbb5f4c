// SPDX-License-Identifier: Apache-2.0
// Opening a sealed disk through the customer's key: is the key usable, unwrap, unlock, is it the recorded disk.
// Errors are those of access_errors.h; -EKEYREJECTED when the disk itself is refused.
#pragma once

#include "azure/azure.h"
#include "disk/sealed.h"

// The platform's own judgement of a key (reference D.6): it must be there, enabled, and inside of its nbf and exp,
// although Key Vault itself would unwrap with an expired one.
int access_check_key(struct azure_client *azure, const char *key_url, const char *disk_encryption_set, struct err *err)
	_must_check_;

// The keyslot's passphrase out of a token: access_check_key, then unwrapKey.
int access_unwrap(struct azure_client *azure, const struct sealed_token *token, const char *disk_encryption_set,
	struct secret *passphrase, struct err *err) _must_check_;

// A disk whose key is at hand.
struct opened {
	struct secret passphrase;
	struct secret volume_key;
	char mac[SEALED_MAC_SIZE];
	struct sealed_token token;  // the one that opened it
};
void opened_free(struct opened *o);
#define _cleanup_opened_ _cleanup_(opened_free)

// Hand over to memory that holds none.
static inline void opened_move(struct opened *from, struct opened *to) {
	*to = *from;
	*from = (struct opened){0};
}

// Try the tokens, newest first. header_mac is the recorded one, or NULL. When none opens, the error is the newest
// token's, unless that is a definite no and another token's error may pass.
int access_open(struct sealed *s, struct azure_client *azure, const char *header_mac, const char *disk_encryption_set,
	struct opened *out, struct err *err) _must_check_;
