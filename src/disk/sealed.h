// SPDX-License-Identifier: Apache-2.0
// The sealed disk: a regular file that is a LUKS2 device (LUKS2 On-Disk Format Specification 1.1.1), whose one
// keyslot's passphrase is held in a token, wrapped by the customer's key.
//
//   0        binary header and JSON, 16 KiB, twice
//   32 KiB   keyslot area, 252 KiB (then unused up to the data)
//   1 MiB    data, aes-xts-plain64 in 4096-byte sectors, up to the end of the file
//
// The header is read and written by libcryptsetup and by nothing else; device-mapper is not used. LUKS2 does not
// authenticate its header, so everything in it but the tokens must be exactly what sealed_format() writes, and a MAC
// under the volume key tells whether it is the same header as ever (CVE-2025-59054 is what happens otherwise).
//
// Token: {"type":"custodisk","keyslots":["0"],"gen":1,"key_url":"https://…","alg":"RSA-OAEP-256",
// "wrapped":"<base64url>","disk_encryption_set":"/subscriptions/…"}. Of several the one with the greatest gen is the newest.
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

#define SEALED_DATA_OFFSET (1u << 20)  // bytes
#define SEALED_PASSPHRASE_SIZE 32      // bytes
#define SEALED_TOKENS_MAX 4
#define SEALED_WRAPPED_MAX 512  // bytes: a 4096-bit modulus
#define SEALED_URL_MAX 512
#define SEALED_ID_MAX 512
#define SEALED_MAC_SIZE 44   // base64url of 32 bytes, and a NUL
#define SEALED_UUID_SIZE 37  // with its NUL

struct sealed_token {
	int slot;            // number in the header; ignored by sealed_token_add
	int64_t generation;  // of several tokens the greatest is the newest
	char key_url[SEALED_URL_MAX];  // with version
	char alg[16];                  // "RSA-OAEP" or "RSA-OAEP-256"
	uint8_t wrapped[SEALED_WRAPPED_MAX];
	size_t wrapped_len;
	char disk_encryption_set[SEALED_ID_MAX];
};

// Make path, which exists and has its final size, a sealed disk with no token. The data are not touched.
int sealed_format(const char *path, const struct secret *volume_key, const struct secret *passphrase, struct err *err)
	_must_check_;

// A header in memory. It belongs to one thread.
struct sealed;

// Read and check. -EKEYREJECTED when the file is no sealed disk or its header differs in any way from what
// sealed_format() and sealed_token_add() write; other errors when it cannot be read.
int sealed_load(const char *path, struct sealed **out, struct err *err) _must_check_;
void sealed_free(struct sealed *s);
static inline void sealed_freep(struct sealed **s) {
	sealed_free(*s);
}

uint64_t sealed_data_size(const struct sealed *s);  // bytes, a multiple of 4096
const char *sealed_uuid(const struct sealed *s);

// The tokens, newest first; at most SEALED_TOKENS_MAX. Borrowed until a token is added or removed.
const struct sealed_token *sealed_tokens(const struct sealed *s, size_t *count);

// The volume key, by the keyslot's passphrase. -EKEYREJECTED when it is another one.
int sealed_unlock(struct sealed *s, const struct secret *passphrase, struct secret *volume_key, struct err *err) _must_check_;

// base64url of HMAC-SHA-256, under HKDF(volume key, "custodisk header mac v1"), over the canonical header: its UUID and
// all of its JSON but the tokens, members sorted, no blanks. The same for the life of a disk.
int sealed_mac(const struct sealed *s, const struct secret *volume_key, char out[static SEALED_MAC_SIZE], struct err *err)
	_must_check_;

// Durable when they return 0. -ENOSPC when there is no room for another token.
int sealed_token_add(struct sealed *s, const struct sealed_token *token, struct err *err) _must_check_;
int sealed_token_remove(struct sealed *s, int slot, struct err *err) _must_check_;
