// SPDX-License-Identifier: Apache-2.0
#include "disk/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "disk/access_errors.h"

int access_check_key(struct azure_client *azure, const char *key_url, const char *disk_encryption_set, struct err *err) {
	struct azure_key key;
	int rc = azure_key_get(azure, key_url, &key, err);
	if (rc < 0)
		return access_error(rc, key_url, disk_encryption_set, err);
	if (!key.enabled)
		return access_not_enabled(key_url, disk_encryption_set, err);
	int64_t now = clock_now();
	if (key.exp && now >= key.exp)
		return access_expired(key_url, err);
	if (key.nbf && now < key.nbf)
		return access_not_yet_valid(key_url, err);
	return 0;
}

int access_unwrap(struct azure_client *azure, const struct sealed_token *token, const char *disk_encryption_set,
	struct secret *passphrase, struct err *err) {
	int rc = access_check_key(azure, token->key_url, disk_encryption_set, err);
	if (rc < 0)
		return rc;
	_cleanup_secret_ struct secret unwrapped = {0};
	rc = azure_key_unwrap(azure, token->key_url, token->alg, token->wrapped, token->wrapped_len, &unwrapped, err);
	if (rc < 0)
		return access_error(rc, token->key_url, disk_encryption_set, err);
	if (unwrapped.len != SEALED_PASSPHRASE_SIZE)
		return err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError",
			"The disk's token does not hold a key of this program.");
	*passphrase = unwrapped;
	unwrapped = (struct secret){0};
	return 0;
}

void opened_free(struct opened *o) {
	secret_free(&o->passphrase);
	secret_free(&o->volume_key);
	*o = (struct opened){0};
}

static int open_with(struct sealed *s, struct azure_client *azure, const struct sealed_token *token,
	const char *header_mac, const char *disk_encryption_set, struct opened *out, struct err *err) {
	_cleanup_opened_ struct opened o = {.token = *token};
	int rc = access_unwrap(azure, token, disk_encryption_set, &o.passphrase, err);
	if (rc == 0)
		rc = sealed_unlock(s, &o.passphrase, &o.volume_key, err);
	if (rc == 0)
		rc = sealed_mac(s, &o.volume_key, o.mac, err);
	if (rc < 0)
		return rc;
	if (header_mac && !secret_equal(header_mac, strlen(header_mac), o.mac, strlen(o.mac)))
		return err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError",
			"The header of the disk is refused: it is not the one that was recorded when the disk was made.");
	opened_move(&o, out);
	return 0;
}

int access_open(struct sealed *s, struct azure_client *azure, const char *header_mac, const char *disk_encryption_set,
	struct opened *out, struct err *err) {
	size_t count;
	const struct sealed_token *tokens = sealed_tokens(s, &count);
	int first = err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError", "The disk's header has no token.");
	for (size_t i = 0; i < count; i++) {
		struct err why = {0};
		int rc = open_with(s, azure, &tokens[i], header_mac, disk_encryption_set, out, &why);
		if (rc == 0)
			return 0;
		if (i == 0 || (!access_may_pass(first) && access_may_pass(rc))) {
			first = rc;
			if (err)
				*err = why;
		}
	}
	return first;
}
