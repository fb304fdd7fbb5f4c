// SPDX-License-Identifier: Apache-2.0
#include "keeper/seal.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/cursor.h"
#include "base/strv.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "keeper/protocol.h"

enum { FORMAT_VERSION = 1, SALT_SIZE = 32 };

static const char magic[4] = {'C', 'D', 'S', 'K'};

// HKDF's info keeps the two uses of the root key apart.
#define SEAL_INFO "custodisk keeper seal 1"
#define DERIVE_INFO "custodisk keeper derive 1: "

static int sealing_key(const struct secret *root, const uint8_t salt[static SALT_SIZE], struct secret *key) {
	_cleanup_secret_ struct secret made = {0};
	int rc = secret_alloc(&made, AEAD_KEY_SIZE);
	if (rc == 0)
		rc = hash_hkdf_sha256(root->data, root->len, salt, SALT_SIZE, SEAL_INFO, made.data, made.len);
	if (rc < 0)
		return rc;
	*key = made;
	made = (struct secret){0};
	return 0;
}

enum seal_kind seal_kind_of(enum key_kind kind) {
	switch (kind) {
	case KEY_KIND_RSA:
		return SEAL_RSA;
	case KEY_KIND_EC:
		return SEAL_EC;
	case KEY_KIND_OCT:
		return SEAL_OCT;
	default:
		return SEAL_DATA;
	}
}

enum key_kind seal_key_kind(enum seal_kind kind) {
	switch (kind) {
	case SEAL_RSA:
		return KEY_KIND_RSA;
	case SEAL_EC:
		return KEY_KIND_EC;
	case SEAL_OCT:
		return KEY_KIND_OCT;
	default:
		return KEY_KIND_NONE;
	}
}

void sealed_free(struct sealed *s) {
	secret_free(&s->plain);
}

static bool length_allowed(enum seal_kind kind, size_t len) {
	return kind == SEAL_DATA ? len <= KEEPER_DATA_MAX : len > 0 && len <= SEAL_KEY_MAX;
}

static int append_header(struct buf *out, enum seal_kind kind, unsigned usage) {
	int rc = buf_append(out, magic, sizeof(magic));
	if (rc == 0)
		rc = buf_u8(out, FORMAT_VERSION);
	if (rc == 0)
		rc = buf_u8(out, (uint8_t)kind);
	return rc < 0 ? rc : buf_u8(out, (uint8_t)usage);
}

// What is authenticated beside the contents: the header, and the context with its length.
static int additional_data(enum seal_kind kind, unsigned usage, const void *context, size_t context_len, struct buf *out) {
	int rc = append_header(out, kind, usage);
	return rc < 0 ? rc : buf_blob(out, context, context_len);
}

int seal(const struct secret *root, enum seal_kind kind, unsigned usage, const void *context, size_t context_len,
	const void *plain, size_t len, struct buf *blob, struct err *err) {
	uint8_t salt[SALT_SIZE], nonce[AEAD_NONCE_SIZE], tag[AEAD_TAG_SIZE], ciphertext[KEEPER_DATA_MAX];
	if (!length_allowed(kind, len))
		return err_set(err, -EINVAL, 400, "BadParameter", "What has %zu bytes cannot be sealed.", len);
	if (RAND_bytes(salt, sizeof(salt)) != 1 || RAND_bytes(nonce, sizeof(nonce)) != 1)
		return err_errno(err, -EIO, "cannot draw random bytes");

	_cleanup_secret_ struct secret key = {0};
	_cleanup_buf_ struct buf aad = {0}, out = {0};
	int rc = sealing_key(root, salt, &key);
	if (rc == 0)
		rc = additional_data(kind, usage, context, context_len, &aad);
	if (rc == 0)
		rc = aead_seal(key.data, nonce, aad.data, aad.len, plain, len, ciphertext, tag);
	if (rc == 0)
		rc = append_header(&out, kind, usage);
	if (rc == 0)
		rc = buf_append(&out, salt, sizeof(salt));
	if (rc == 0)
		rc = buf_append(&out, nonce, sizeof(nonce));
	if (rc == 0)
		rc = buf_blob(&out, ciphertext, len);
	if (rc == 0)
		rc = buf_append(&out, tag, sizeof(tag));
	if (rc == 0)
		rc = buf_append(blob, out.data, out.len);
	return rc < 0 ? err_errno(err, rc, "cannot seal") : 0;
}

struct parts {
	enum seal_kind kind;
	unsigned usage;
	const uint8_t *salt, *nonce, *ciphertext, *tag;
	size_t len;
};

static bool parse(const void *blob, size_t len, struct parts *out) {
	struct cursor c = cursor_of(blob, len);
	const uint8_t *start = cursor_bytes(&c, sizeof(magic));
	uint8_t version = cursor_u8(&c), kind = cursor_u8(&c);
	out->kind = (enum seal_kind)kind;
	out->usage = cursor_u8(&c);
	out->salt = cursor_bytes(&c, SALT_SIZE);
	out->nonce = cursor_bytes(&c, AEAD_NONCE_SIZE);
	out->ciphertext = cursor_blob(&c, KEEPER_DATA_MAX, &out->len);
	out->tag = cursor_bytes(&c, AEAD_TAG_SIZE);
	return cursor_done(&c) && memcmp(start, magic, sizeof(magic)) == 0 && version == FORMAT_VERSION && kind >= SEAL_RSA &&
		kind <= SEAL_DATA && length_allowed(out->kind, out->len);
}

int seal_does_not_open(struct err *err) {
	return err_set(err, -EBADMSG, 500, "InternalServerError",
		"a sealed blob does not open: it is damaged, belongs to another place, or was sealed under another root key");
}

int seal_open(const struct secret *root, const void *blob, size_t len, const void *context, size_t context_len,
	struct sealed *out, struct err *err) {
	struct parts parts;
	if (!parse(blob, len, &parts))
		return seal_does_not_open(err);
	_cleanup_secret_ struct secret key = {0}, plain = {0};
	_cleanup_buf_ struct buf aad = {0};
	int rc = sealing_key(root, parts.salt, &key);
	if (rc == 0)
		rc = additional_data(parts.kind, parts.usage, context, context_len, &aad);
	if (rc == 0)
		rc = secret_alloc(&plain, parts.len);
	if (rc == 0)
		rc = aead_open(key.data, parts.nonce, aad.data, aad.len, parts.ciphertext, parts.len, plain.data, parts.tag);
	if (rc == -EBADMSG)
		return seal_does_not_open(err);
	if (rc < 0)
		return err_errno(err, rc, "cannot open a sealed blob");
	*out = (struct sealed){.kind = parts.kind, .usage = parts.usage, .plain = plain};
	plain = (struct secret){0};
	return 0;
}

int seal_derive(const struct secret *root, const char *label, struct secret *out, struct err *err) {
	_cleanup_free_ char *info = strv_printf("%s%s", DERIVE_INFO, label);
	_cleanup_secret_ struct secret made = {0};
	if (!info || secret_alloc(&made, KEEPER_DERIVED_SIZE) < 0)
		return err_oom(err);
	int rc = hash_hkdf_sha256(root->data, root->len, "", 0, info, made.data, made.len);
	if (rc < 0)
		return err_errno(err, rc, "cannot derive a key");
	*out = made;
	made = (struct secret){0};
	return 0;
}
