// SPDX-License-Identifier: Apache-2.0
// Work with a sealed key.
#include <errno.h>

#include "keeper/operations.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"

// The numbers of a use on the wire are those of the type.
_Static_assert(ALG_ENCRYPT == 1 && ALG_WRAP == 2, "the numbers in docs/protocol/keeper.md");

static int parse_key(const struct sealed *s, struct key **key, struct err *err) {
	enum key_kind kind = seal_key_kind(s->kind);
	if (kind == KEY_KIND_NONE)
		return seal_does_not_open(err);
	// The blob was authentic, so what does not parse is our own fault, not a parameter of the caller.
	if (key_from_encoded(kind, s->plain.data, s->plain.len, key, err) < 0)
		return err_set(err, -EBADMSG, 500, "InternalServerError", "a sealed key holds no key of its kind");
	return 0;
}

static int open_key(struct keeper *k, const struct sealed_field *f, struct key **key, unsigned *usage, struct err *err) {
	// Blob and context lie in the request one behind the other, each with its length: just what the cache goes by.
	uint8_t id[HASH_SHA256_SIZE];
	const uint8_t *start = f->blob - sizeof(uint32_t), *end = f->context + f->context_len;
	int rc = hash_sha256(start, (size_t)(end - start), id);
	if (rc < 0)
		return err_errno(err, rc, "cannot look a key up");
	if (cache_get(k->cache, id, key, usage))
		return 0;

	_cleanup_sealed_ struct sealed s = {0};
	rc = seal_open(&k->root, f->blob, f->blob_len, f->context, f->context_len, &s, err);
	if (rc == 0)
		rc = parse_key(&s, key, err);
	if (rc < 0)
		return rc;
	*usage = s.usage;
	cache_put(k->cache, id, *key, s.usage);
	return 0;
}

int operation_key(struct keeper *k, const struct sealed_field *f, unsigned use, struct key **key, struct err *err) {
	_cleanup_pkey_ struct key *opened = NULL;
	unsigned usage = 0;
	int rc = open_key(k, f, &opened, &usage, err);
	if (rc < 0)
		return rc;
	if (!(usage & use))
		return err_set(err, -EPERM, 403, "Forbidden", "The key was not made for this operation.");
	*key = TAKE_PTR(opened);
	return 0;
}

typedef int cipher(struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in, struct key_output *out,
	struct err *err);

static int append_output(struct reply *r, struct key_output *out, struct err *err) {
	// What is encrypted must be short enough to be decrypted again.
	if (out->value.len > KEEPER_INPUT_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "The value is too long: its ciphertext would have more than %d bytes.",
			KEEPER_INPUT_MAX);
	int rc = buf_blob(&r->head, out->iv, out->iv_len);
	if (rc == 0)
		rc = buf_blob(&r->head, out->tag, out->tag_len);
	if (rc == 0)
		rc = operation_append_secret(r, &out->value);
	return rc < 0 ? err_oom(err) : 0;
}

static int answer_cipher(struct keeper *k, struct cursor *c, struct reply *r, cipher *run, const char *what, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	enum key_alg alg = keeper_alg_of_wire(cursor_u8(c));
	unsigned use = cursor_u8(c);
	struct key_input in = {0};
	in.iv = cursor_blob(c, KEY_IV_MAX, &in.iv_len);
	in.aad = cursor_blob(c, KEEPER_INPUT_MAX, &in.aad_len);
	in.tag = cursor_blob(c, KEY_TAG_SIZE, &in.tag_len);
	in.value = cursor_blob(c, KEEPER_INPUT_MAX, &in.len);
	if (!cursor_done(c))
		return operation_malformed(err, what);
	if (use != ALG_ENCRYPT && use != ALG_WRAP)
		return err_set(err, -EINVAL, 400, "BadParameter", "The use %u is not known.", use);
	_cleanup_pkey_ struct key *key = NULL;
	_cleanup_key_output_ struct key_output out = {0};
	int rc = operation_key(k, &f, KEEPER_USE_WRAP, &key, err);
	if (rc == 0)
		rc = run(key, alg, (enum alg_use)use, &in, &out, err);
	return rc < 0 ? rc : append_output(r, &out, err);
}

int keeper_answer_encrypt(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	return answer_cipher(k, c, r, key_encrypt, "encrypt", err);
}

int keeper_answer_decrypt(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	return answer_cipher(k, c, r, key_decrypt, "decrypt", err);
}

int keeper_answer_sign(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	enum key_alg alg = keeper_alg_of_wire(cursor_u8(c));
	size_t len;
	const uint8_t *digest = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	if (!cursor_done(c))
		return operation_malformed(err, "sign");
	_cleanup_pkey_ struct key *key = NULL;
	_cleanup_buf_ struct buf signature = {0};
	int rc = operation_key(k, &f, KEEPER_USE_SIGN, &key, err);
	if (rc == 0)
		rc = key_sign(key, alg, digest, len, &signature, err);
	if (rc < 0)
		return rc;
	return buf_blob(&r->head, signature.data, signature.len) < 0 ? err_oom(err) : 0;
}

int keeper_answer_verify(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	enum key_alg alg = keeper_alg_of_wire(cursor_u8(c));
	size_t len, signature_len;
	const uint8_t *digest = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	const uint8_t *signature = cursor_blob(c, KEEPER_INPUT_MAX, &signature_len);
	if (!cursor_done(c))
		return operation_malformed(err, "verify");
	_cleanup_pkey_ struct key *key = NULL;
	bool valid = false;
	int rc = operation_key(k, &f, KEEPER_USE_SIGN, &key, err);
	if (rc == 0)
		rc = key_verify(key, alg, digest, len, signature, signature_len, &valid, err);
	if (rc < 0)
		return rc;
	return buf_u8(&r->head, valid) < 0 ? err_oom(err) : 0;
}
