// SPDX-License-Identifier: Apache-2.0
#include "keeper/answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"

enum { USAGES = KEEPER_USE_WRAP | KEEPER_USE_SIGN };

void reply_free(struct reply *r) {
	buf_free(&r->head);
	secret_free(&r->tail);
}

static int malformed(struct err *err, const char *what) {
	return err_set(err, -EPROTO, 500, "InternalServerError", "%s", what);
}

// A key as wrap, unwrap and sign begin with it.
struct key_fields {
	const uint8_t *blob, *context;
	size_t blob_len, context_len;
	uint8_t alg;
};

static struct key_fields read_key_fields(struct cursor *c) {
	struct key_fields f = {0};
	f.blob = cursor_blob(c, KEEPER_BLOB_MAX, &f.blob_len);
	f.context = cursor_blob(c, KEEPER_CONTEXT_MAX, &f.context_len);
	f.alg = cursor_u8(c);
	return f;
}

static int parse_sealed(const struct secret *der, EVP_PKEY **key, struct err *err) {
	// The blob was authentic, so what does not parse is our own fault, not a parameter of the caller.
	if (rsa_from_private_der(der->data, der->len, key, err) < 0)
		return err_set(err, -EBADMSG, 500, "InternalServerError", "a sealed key holds no RSA key");
	return 0;
}

static int open_key(struct keeper *k, const struct key_fields *f, EVP_PKEY **key, unsigned *usage, struct err *err) {
	uint8_t id[HASH_SHA256_SIZE];
	int rc = cache_id(f->blob, f->blob_len, f->context, f->context_len, id);
	if (rc < 0)
		return err_errno(err, rc, "cannot look a key up");
	if (cache_get(k->cache, id, key, usage))
		return 0;

	_cleanup_secret_ struct secret der = {0};
	unsigned sealed_usage = 0;
	rc = seal_open(&k->root, f->blob, f->blob_len, f->context, f->context_len, &der, &sealed_usage, err);
	if (rc == 0)
		rc = parse_sealed(&der, key, err);
	if (rc < 0)
		return rc;
	*usage = sealed_usage;
	cache_put(k->cache, id, *key, sealed_usage);
	return 0;
}

// The key for one use: opened, and made for it.
static int key_for(struct keeper *k, const struct key_fields *f, unsigned use, EVP_PKEY **key, struct err *err) {
	_cleanup_pkey_ EVP_PKEY *opened = NULL;
	unsigned usage = 0;
	int rc = open_key(k, f, &opened, &usage, err);
	if (rc < 0)
		return rc;
	if (!(usage & use))
		return err_set(err, -EPERM, 403, "Forbidden", "The key was not made for this operation.");
	*key = TAKE_PTR(opened);
	return 0;
}

static int answer_ping(struct keeper *k _unused_, struct cursor *c, struct reply *r _unused_, struct err *err) {
	return cursor_done(c) ? 0 : malformed(err, "a ping carries nothing");
}

static int append_made(const struct buf *blob, const struct rsa_public *pub, struct reply *r) {
	int rc = buf_blob(&r->head, blob->data, blob->len);
	if (rc == 0)
		rc = buf_blob(&r->head, pub->n, pub->n_len);
	return rc < 0 ? rc : buf_blob(&r->head, pub->e, pub->e_len);
}

static int answer_make_rsa(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	unsigned bits = cursor_u16(c), usage = cursor_u8(c);
	size_t context_len;
	const uint8_t *context = cursor_blob(c, KEEPER_CONTEXT_MAX, &context_len);
	if (!cursor_done(c) || context_len == 0)
		return malformed(err, "a request to make a key is malformed");
	if (usage == 0 || (usage & ~(unsigned)USAGES))
		return err_set(err, -EINVAL, 400, "BadParameter", "The key usage %u is not known.", usage);

	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_secret_ struct secret der = {0};
	_cleanup_buf_ struct buf blob = {0};
	struct rsa_public pub;
	int rc = rsa_make(bits, &key, err);
	if (rc == 0)
		rc = rsa_public_of(key, &pub, err);
	if (rc == 0)
		rc = rsa_private_der(key, &der, err);
	if (rc == 0)
		rc = seal_key(&k->root, usage, context, context_len, &der, &blob, err);
	if (rc < 0)
		return rc;
	return append_made(&blob, &pub, r) < 0 ? err_oom(err) : 0;
}

static int answer_wrap(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct key_fields f = read_key_fields(c);
	size_t len;
	const uint8_t *in = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	if (!cursor_done(c))
		return malformed(err, "a request to wrap is malformed");
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_buf_ struct buf wrapped = {0};
	int rc = key_for(k, &f, KEEPER_USE_WRAP, &key, err);
	if (rc == 0)
		rc = rsa_wrap(key, keeper_alg_of_wire(f.alg), in, len, &wrapped, err);
	if (rc < 0)
		return rc;
	return buf_blob(&r->head, wrapped.data, wrapped.len) < 0 ? err_oom(err) : 0;
}

// A u32 length in the head, the bytes themselves in the tail.
static int append_secret(struct reply *r, struct secret *secret) {
	int rc = buf_u32(&r->head, (uint32_t)secret->len);
	if (rc < 0)
		return rc;
	r->tail = *secret;
	*secret = (struct secret){0};
	return 0;
}

static int answer_unwrap(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct key_fields f = read_key_fields(c);
	size_t len;
	const uint8_t *in = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	if (!cursor_done(c))
		return malformed(err, "a request to unwrap is malformed");
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_secret_ struct secret plain = {0};
	int rc = key_for(k, &f, KEEPER_USE_WRAP, &key, err);
	if (rc == 0)
		rc = rsa_unwrap(key, keeper_alg_of_wire(f.alg), in, len, &plain, err);
	if (rc < 0)
		return rc;
	return append_secret(r, &plain) < 0 ? err_oom(err) : 0;
}

static int answer_sign(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct key_fields f = read_key_fields(c);
	const uint8_t *digest = cursor_bytes(c, KEEPER_DIGEST_SIZE);
	if (!cursor_done(c))
		return malformed(err, "a request to sign is malformed");
	if (keeper_alg_of_wire(f.alg) != KEY_ALG_RS256)
		return err_set(err, -EINVAL, 400, "BadParameter", "The algorithm cannot sign.");
	_cleanup_pkey_ EVP_PKEY *key = NULL;
	_cleanup_buf_ struct buf signature = {0};
	int rc = key_for(k, &f, KEEPER_USE_SIGN, &key, err);
	if (rc == 0)
		rc = rsa_sign_digest(key, digest, &signature, err);
	if (rc < 0)
		return rc;
	return buf_blob(&r->head, signature.data, signature.len) < 0 ? err_oom(err) : 0;
}

static int answer_derive(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	size_t len;
	const uint8_t *bytes = cursor_blob(c, KEEPER_LABEL_MAX, &len);
	if (!cursor_done(c) || len == 0 || memchr(bytes, 0, len))
		return malformed(err, "a request to derive a key is malformed");
	char label[KEEPER_LABEL_MAX + 1] = {0};
	memcpy(label, bytes, len);
	_cleanup_secret_ struct secret derived = {0};
	int rc = seal_derive(&k->root, label, &derived, err);
	if (rc < 0)
		return rc;
	return append_secret(r, &derived) < 0 ? err_oom(err) : 0;
}

// Every request there is. What is not in the table does not exist.
static const struct {
	enum keeper_op op;
	int (*answer)(struct keeper *k, struct cursor *c, struct reply *r, struct err *err);
} permitted[] = {
	{KEEPER_OP_PING, answer_ping},
	{KEEPER_OP_MAKE_RSA, answer_make_rsa},
	{KEEPER_OP_WRAP, answer_wrap},
	{KEEPER_OP_UNWRAP, answer_unwrap},
	{KEEPER_OP_SIGN, answer_sign},
	{KEEPER_OP_DERIVE, answer_derive},
};

static int dispatch(struct keeper *k, const void *request, size_t len, struct reply *r, struct err *err) {
	struct cursor c = cursor_of(request, len);
	uint8_t version = cursor_u8(&c), op = cursor_u8(&c);
	if (c.failed || version != KEEPER_PROTOCOL_VERSION)
		return malformed(err, "a request is of another version of the protocol");
	if (buf_u8(&r->head, KEEPER_PROTOCOL_VERSION) < 0 || buf_u8(&r->head, KEEPER_OK) < 0)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(permitted); i++)
		if (permitted[i].op == op)
			return permitted[i].answer(k, &c, r, err);
	return malformed(err, "a request is none that is permitted");
}

static enum keeper_status status_of(int rc) {
	switch (rc) {
	case -EINVAL:
		return KEEPER_BAD_PARAMETER;
	case -EPERM:
		return KEEPER_FORBIDDEN;
	case -EBADMSG:
		return KEEPER_BAD_BLOB;
	case -EPROTO:
		return KEEPER_BAD_REQUEST;
	default:
		return KEEPER_INTERNAL;
	}
}

static int refuse(struct reply *r, int failure, const struct err *err) {
	reply_free(r);
	*r = (struct reply){.hang_up = failure == -EPROTO};
	(void)snprintf(r->reason, sizeof(r->reason), "%.*s", (int)sizeof(r->reason) - 1, err->message);
	int rc = buf_u8(&r->head, KEEPER_PROTOCOL_VERSION);
	if (rc == 0)
		rc = buf_u8(&r->head, (uint8_t)status_of(failure));
	return rc < 0 ? rc : buf_blob(&r->head, err->message, strnlen(err->message, KEEPER_TEXT_MAX));
}

int keeper_answer(struct keeper *k, const void *request, size_t len, struct reply *r) {
	struct err err = {0};
	int rc = dispatch(k, request, len, r, &err);
	return rc < 0 ? refuse(r, rc, &err) : 0;
}
