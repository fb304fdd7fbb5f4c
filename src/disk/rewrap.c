// SPDX-License-Identifier: Apache-2.0
#include "disk/rewrap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/strv.h"
#include "disk/access_errors.h"
#include "disk/lock.h"

#define ALGORITHM "RSA-OAEP-256"

static int copy(char *out, size_t size, const char *text, const char *what, struct err *err) {
	if (strlen(text) >= size)
		return err_set(err, -EINVAL, 400, "InvalidParameter", "The %s is longer than %zu characters.", what, size - 1);
	(void)snprintf(out, size, "%s", text);
	return 0;
}

// The vault must give back what the disk needs.
static int try_token(struct azure_client *azure, const struct sealed_token *token, const char *disk_encryption_set,
	const struct secret *passphrase, struct err *err) {
	_cleanup_secret_ struct secret back = {0};
	int rc = access_unwrap(azure, token, disk_encryption_set, &back, err);
	if (rc < 0)
		return rc;
	if (!secret_equal(back.data, back.len, passphrase->data, passphrase->len))
		return err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError",
			"The key vault key '%s' does not unwrap to the disk's key.", token->key_url);
	return 0;
}

int rewrap_make_token(struct azure_client *azure, const char *key_url, const char *disk_encryption_set,
	const struct secret *passphrase, int64_t generation, struct sealed_token *out, struct err *err) {
	struct sealed_token token = {.generation = generation, .alg = ALGORITHM};
	int rc = copy(token.key_url, sizeof(token.key_url), key_url, "key URL", err);
	if (rc == 0)
		rc = copy(token.disk_encryption_set, sizeof(token.disk_encryption_set), disk_encryption_set,
			"disk encryption set's id", err);
	if (rc == 0)
		rc = access_check_key(azure, key_url, disk_encryption_set, err);
	if (rc < 0)
		return rc;
	_cleanup_buf_ struct buf wrapped = {0};
	rc = azure_key_wrap(azure, key_url, ALGORITHM, passphrase, &wrapped, err);
	if (rc < 0)
		return access_error(rc, key_url, disk_encryption_set, err);
	if (wrapped.len == 0 || wrapped.len > sizeof(token.wrapped))
		return err_set(err, -EBADMSG, 502, "BadGateway", "The vault's wrapped key has %zu bytes.", wrapped.len);
	memcpy(token.wrapped, wrapped.data, wrapped.len);
	token.wrapped_len = wrapped.len;
	rc = try_token(azure, &token, disk_encryption_set, passphrase, err);
	if (rc < 0)
		return rc;
	*out = token;
	return 0;
}

// Remove all tokens but one.
static int keep_only(struct sealed *s, const struct sealed_token *kept, struct err *err) {
	for (;;) {
		size_t count, i = 0;
		const struct sealed_token *tokens = sealed_tokens(s, &count);
		while (i < count && tokens[i].slot == kept->slot)
			i++;
		if (i == count)
			return 0;
		int rc = sealed_token_remove(s, tokens[i].slot, err);
		if (rc < 0)
			return rc;
	}
}

static const struct sealed_token *token_of(const struct sealed *s, int64_t generation) {
	size_t count;
	const struct sealed_token *tokens = sealed_tokens(s, &count);
	for (size_t i = 0; i < count; i++)
		if (tokens[i].generation == generation)
			return &tokens[i];
	return NULL;
}

// Write a token for the new key beside the one that opened the disk; its generation in *generation.
static int add_token(const struct rewrap *r, struct sealed *s, const struct opened *now, int64_t *generation,
	struct err *err) {
	size_t count;
	int64_t newest = sealed_tokens(s, &count)[0].generation;
	if (newest == INT64_MAX)
		return err_set(err, -EOVERFLOW, 500, "InternalDiskManagementError", "The disk's tokens cannot be numbered further.");
	struct sealed_token token = {0};
	int rc = rewrap_make_token(r->azure, r->key_url, r->disk_encryption_set, &now->passphrase, newest + 1, &token, err);
	// What an earlier rewrap left behind is of no use and would take the new token's room.
	if (rc == 0)
		rc = keep_only(s, &now->token, err);
	if (rc == 0)
		rc = sealed_token_add(s, &token, err);
	if (rc == 0)
		*generation = token.generation;
	return rc;
}

// Read the header from the disk again and try the wanted token; only then drop the others.
static int finish(const struct rewrap *r, const struct opened *now, int64_t generation, struct opened *out,
	struct err *err) {
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	int rc = sealed_load(r->file, &s, err);
	if (rc < 0)
		return rc;
	const struct sealed_token *found = token_of(s, generation);
	if (!found || !strv_eq_nocase(found->key_url, r->key_url))
		return err_set(err, -EIO, 500, "InternalDiskManagementError", "The disk's new token cannot be read back.");
	_cleanup_opened_ struct opened o = {.token = *found};
	rc = try_token(r->azure, &o.token, r->disk_encryption_set, &now->passphrase, err);
	if (rc == 0)
		rc = sealed_unlock(s, &now->passphrase, &o.volume_key, err);
	if (rc == 0)
		rc = keep_only(s, &o.token, err);
	if (rc == 0 && secret_copy(&o.passphrase, now->passphrase.data, now->passphrase.len) < 0)
		rc = err_oom(err);
	if (rc < 0)
		return rc;
	memcpy(o.mac, now->mac, sizeof(o.mac));
	opened_move(&o, out);
	return 0;
}

int rewrap_disk(const struct rewrap *r, struct opened *out, char uuid[static SEALED_UUID_SIZE], struct err *err) {
	_cleanup_fd_ int lock = disk_open_locked(r->file, DISK_HEADER, err);
	if (lock < 0)
		return lock;
	_cleanup_(sealed_freep) struct sealed *s = NULL;
	int rc = sealed_load(r->file, &s, err);
	if (rc < 0)
		return rc;
	_cleanup_opened_ struct opened now = {0};
	rc = access_open(s, r->azure, r->header_mac, r->disk_encryption_set, &now, err);
	if (rc < 0)
		return rc;
	int64_t generation = now.token.generation;
	if (!strv_eq_nocase(now.token.key_url, r->key_url)) {
		rc = add_token(r, s, &now, &generation, err);
		if (rc < 0)
			return rc;
	}
	rc = finish(r, &now, generation, out, err);
	if (rc == 0)
		memcpy(uuid, sealed_uuid(s), SEALED_UUID_SIZE);
	return rc;
}
