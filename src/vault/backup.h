// SPDX-License-Identifier: Apache-2.0
// A key or secret with all its versions as one opaque blob. The blob is encrypted and authenticated under a key that only
// this instance's keeper gives, together with the subscription and the geography that it may be restored in. What is
// secret in it is sealed by the keeper for this one backup, so that neither the blob nor its key opens it elsewhere.
//
//   0   4   "CDBK"
//   4   1   format version (1)
//   5   32  salt, random: HKDF makes the blob's own key of it
//   37  12  nonce, random
//   49  …   ciphertext of the content: cursor fields, see backup.c
//   …   16  tag
#pragma once

#include "vault/object.h"

#define BACKUP_MAX ((3u << 20) - 4096)  // bytes of a blob: its base64url fits a request, with some JSON around it
#define BACKUP_VERSIONS_MAX 512
#define BACKUP_ID_LEN 32

struct backup {
	char id[BACKUP_ID_LEN + 1];   // random; part of the context that its blobs are sealed in
	struct object *versions;      // owned; the oldest first, the current one last
	size_t count;
};
void backup_free(struct backup *b);
#define _cleanup_backup_ _cleanup_(backup_free)

// Where a version's sealed blob belongs inside a backup; to be freed. NULL when out of memory.
char *backup_context(const struct backup *b, const struct object_kind *kind, const struct object *o);

// The geography of a location: "westeurope" is in "europe". An unknown location is one of its own.
const char *backup_geography(const char *location);

// Append the blob. `key` is of 32 bytes. 400 when there are more versions or bytes than a backup can hold.
int backup_encode(const struct backup *b, const struct object_kind *kind, const struct secret *key,
	const struct vault_record *vault, struct buf *out, struct err *err) _must_check_;

// 400 BadParameter "Cannot decrypt backup blob." for anything that is no backup of this kind of object, made in the
// subscription and geography of this vault by this instance; of a pool in a pool alone.
int backup_decode(const void *blob, size_t len, const struct object_kind *kind, const struct secret *key,
	const struct vault_record *vault, struct backup *out, struct err *err) _must_check_;
