// SPDX-License-Identifier: Apache-2.0
// New keys: made here, or imported.
#include <errno.h>

#include "keeper/operations.h"
#include "keeper/protocol.h"
#include "keeper/seal.h"

// Where a new key goes and what it may be used for, as requests end or begin with it.
struct new_key {
	unsigned usage;
	const uint8_t *context;
	size_t context_len;
};

static struct new_key read_new_key(struct cursor *c) {
	struct new_key n = {.usage = cursor_u8(c)};
	n.context = operation_read_context(c, &n.context_len);
	return n;
}

// A key that opens transfer blobs does nothing else: whoever could decrypt with it would see the keys in them.
static int check_usage(unsigned usage, enum key_kind kind, struct err *err) {
	if (usage == KEEPER_USE_IMPORT && kind != KEY_KIND_RSA)
		return err_set(err, -EINVAL, 400, "BadParameter", "Only an RSA key can be made for importing other keys.");
	if (usage != KEEPER_USE_IMPORT && (usage == 0 || (usage & ~(unsigned)(KEEPER_USE_WRAP | KEEPER_USE_SIGN))))
		return err_set(err, -EINVAL, 400, "BadParameter", "The key usage %u is not known.", usage);
	return 0;
}

// The reply: the sealed key and its public half.
static int append_new_key(struct keeper *k, const struct new_key *n, const struct key *key, struct reply *r, struct err *err) {
	_cleanup_secret_ struct secret encoded = {0};
	_cleanup_buf_ struct buf blob = {0};
	struct key_public pub;
	int rc = key_public_of(key, &pub, err);
	if (rc == 0)
		rc = key_encode(key, &encoded, err);
	if (rc == 0)
		rc = seal(&k->root, seal_kind_of(key_kind(key)), n->usage, n->context, n->context_len, encoded.data, encoded.len,
			&blob, err);
	if (rc < 0)
		return rc;
	rc = buf_blob(&r->head, blob.data, blob.len);
	if (rc == 0)
		rc = keeper_append_public(&r->head, &pub);
	return rc < 0 ? err_errno(err, rc, "cannot answer with a new key") : 0;
}

int keeper_answer_make(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct key_spec spec = {.kind = keeper_kind_of_wire(cursor_u8(c)), .bits = cursor_u16(c), .exponent = cursor_u32(c)};
	spec.curve = keeper_curve_of_wire(cursor_u8(c));
	struct new_key n = read_new_key(c);
	if (!cursor_done(c))
		return operation_malformed(err, "make a key");
	_cleanup_pkey_ struct key *key = NULL;
	int rc = check_usage(n.usage, spec.kind, err);
	if (rc == 0)
		rc = key_make(&spec, &key, err);
	return rc < 0 ? rc : append_new_key(k, &n, key, r, err);
}

#define _cleanup_private_ _cleanup_(key_private_free)

// The lengths of all numbers, then their bytes. False when memory is used up; c fails when they are malformed.
static bool read_numbers(struct cursor *c, struct key_private *key) {
	struct secret *numbers[KEEPER_NUMBERS];
	size_t lengths[KEEPER_NUMBERS];
	keeper_numbers(key, numbers);
	for (size_t i = 0; i < KEEPER_NUMBERS; i++)
		lengths[i] = cursor_u16(c);
	for (size_t i = 0; i < KEEPER_NUMBERS; i++) {
		const uint8_t *bytes = cursor_bytes(c, lengths[i]);
		if (!c->failed && lengths[i] > 0 && secret_copy(numbers[i], bytes, lengths[i]) < 0)
			return false;
	}
	return true;
}

int keeper_answer_import(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct new_key n = read_new_key(c);
	_cleanup_private_ struct key_private material = {0};
	if (!keeper_read_public(c, &material.pub))
		return operation_malformed(err, "import a key");
	if (!read_numbers(c, &material))
		return err_oom(err);
	if (!cursor_done(c))
		return operation_malformed(err, "import a key");
	_cleanup_pkey_ struct key *key = NULL;
	int rc = check_usage(n.usage, material.pub.kind, err);
	if (rc == 0)
		rc = key_from_private(&material, &key, err);
	return rc < 0 ? rc : append_new_key(k, &n, key, r, err);
}

int keeper_answer_import_transfer(struct keeper *k, struct cursor *c, struct reply *r, struct err *err) {
	struct sealed_field f = operation_read_sealed(c);
	enum key_kind kind = keeper_kind_of_wire(cursor_u8(c));
	struct new_key n = read_new_key(c);
	size_t len;
	const uint8_t *in = cursor_blob(c, KEEPER_INPUT_MAX, &len);
	if (!cursor_done(c))
		return operation_malformed(err, "import a key from a transfer blob");
	_cleanup_pkey_ struct key *exchange = NULL, *key = NULL;
	int rc = check_usage(n.usage, kind, err);
	if (rc == 0)
		rc = operation_key(k, &f, KEEPER_USE_IMPORT, &exchange, err);
	if (rc == 0)
		rc = key_unwrap_transfer(exchange, kind, in, len, &key, err);
	return rc < 0 ? rc : append_new_key(k, &n, key, r, err);
}
