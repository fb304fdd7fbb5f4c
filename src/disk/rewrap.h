// SPDX-License-Identifier: Apache-2.0
// Bring a disk's token under another key without a moment at which the disk does not open: the new token is written
// beside the old one, made durable, read back and tried through the vault before the old one is removed. A rewrap that
// was cut short is finished by the next one. Data are never touched, so it costs the same for every size of disk.
#pragma once

#include "disk/access.h"

struct rewrap {
	struct azure_client *azure;
	const char *file;
	const char *key_url;  // versioned; the one that the disk shall have
	const char *disk_encryption_set;
	const char *header_mac;  // as recorded, or NULL
};

// *out is the disk as it opens afterwards, through key_url. A disk that is under key_url already is only tidied up.
// Errors are those of access_open(), for the old key or the new one; -EBUSY when another rewrap runs.
int rewrap_disk(const struct rewrap *r, struct opened *out, char uuid[static SEALED_UUID_SIZE], struct err *err) _must_check_;

// Wrap the passphrase under key_url (RSA-OAEP-256), and see that the vault unwraps it again.
int rewrap_make_token(struct azure_client *azure, const char *key_url, const char *disk_encryption_set,
	const struct secret *passphrase, int64_t generation, struct sealed_token *out, struct err *err) _must_check_;
