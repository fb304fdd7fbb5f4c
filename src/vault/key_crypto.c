// SPDX-License-Identifier: Apache-2.0
// encrypt, decrypt, wrapKey, unwrapKey, sign, verify. Plaintext passes through as it comes and goes; it is wiped behind
// the answer.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"

int key_check_allowed(const struct object *o, enum key_op op, int64_t now, struct err *err) {
	// What was encrypted must stay readable, and signatures verifiable, outside the window too.
	static const unsigned any_time = KEY_OP_DECRYPT | KEY_OP_UNWRAP | KEY_OP_VERIFY;
	const char *name = key_op_name(op);
	if (!o->enabled)
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyDisabled", "Operation %s is not allowed on a disabled key.",
			name);
	if (!(o->ops & op))
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyOperationForbidden",
			"Operation %s is not permitted on this key.", name);
	if (op & any_time)
		return 0;
	if (o->nbf != 0 && now < o->nbf)
		return err_set(err, -EPERM, 403, "Forbidden", "Operation %s is not allowed on a key that is not yet valid.", name);
	if (o->exp != 0 && now >= o->exp)
		return err_set(err, -EPERM, 403, "Forbidden", "Operation %s is not allowed on an expired key.", name);
	return 0;
}

int keys_crypto_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	// Azure Disk Encryption's agent speaks the oldest version, and sends base64 with padding.
	bool padded = strcmp(c->api_version, "2015-06-01") == 0;
	int rc = key_operation_parse(body, len, c->op->key_op, padded, &c->operation, err);
	if (rc == 0)
		rc = call_load(c, tx, err);
	if (rc == 0)
		rc = call_throttle_key(c, false, err);
	return rc < 0 ? rc : key_check_allowed(&c->object, c->op->key_op, c->now, err);
}

static int put_value(struct buf *b, const char *name, const void *data, size_t len) {
	int rc = buf_printf(b, ",\"%s\":\"", name);
	if (rc == 0)
		rc = enc_base64url(b, data, len);
	return rc < 0 ? rc : buf_str(b, "\"");
}

// Written straight into a buffer that is wiped; neither the id nor base64url needs escapes.
static int answer_output(struct call *c, const void *value, size_t len, const struct key_output *more, struct err *err) {
	char kid[OBJECT_ID_MAX];
	object_id(&c->vault, "keys", c->object.name, c->object.version, kid);
	struct buf *b = &c->body;
	int rc = buf_printf(b, "{\"kid\":\"%s\"", kid);
	if (rc == 0)
		rc = put_value(b, "value", value, len);
	if (rc == 0 && more && more->iv_len > 0)
		rc = put_value(b, "iv", more->iv, more->iv_len);
	if (rc == 0 && more && more->tag_len > 0)
		rc = put_value(b, "tag", more->tag, more->tag_len);
	if (rc == 0 && more && c->operation.aad.len > 0)
		rc = put_value(b, "aad", c->operation.aad.data, c->operation.aad.len);
	if (rc == 0)
		rc = buf_str(b, "}");
	return rc < 0 ? err_oom(err) : 0;
}

static int encrypt_or_decrypt(struct call *c, const struct keeper_key *key, struct err *err) {
	const struct key_operation *o = &c->operation;
	const struct key_input in = {
		.value = o->value.data, .len = o->value.len, .iv = o->iv.data, .iv_len = o->iv.len, .aad = o->aad.data,
		.aad_len = o->aad.len, .tag = o->tag.data, .tag_len = o->tag.len,
	};
	enum key_op op = c->op->key_op;
	enum alg_use use = op == KEY_OP_WRAP || op == KEY_OP_UNWRAP ? ALG_WRAP : ALG_ENCRYPT;
	bool forward = op == KEY_OP_WRAP || op == KEY_OP_ENCRYPT;
	_cleanup_key_output_ struct key_output out = {0};
	int rc = forward ? keeper_encrypt(c->service->keeper, key, o->alg, use, &in, &out, err)
			 : keeper_decrypt(c->service->keeper, key, o->alg, use, &in, &out, err);
	return rc < 0 ? rc : answer_output(c, out.value.data, out.value.len, forward ? &out : NULL, err);
}

static int sign(struct call *c, const struct keeper_key *key, struct err *err) {
	_cleanup_buf_ struct buf signature = {0};
	const struct buf *digest = &c->operation.value;
	int rc = keeper_sign(c->service->keeper, key, c->operation.alg, digest->data, digest->len, &signature, err);
	return rc < 0 ? rc : answer_output(c, signature.data, signature.len, NULL, err);
}

static int verify(struct call *c, const struct keeper_key *key, struct err *err) {
	const struct key_operation *o = &c->operation;
	bool valid = false;
	int rc = keeper_verify(c->service->keeper, key, o->alg, o->digest.data, o->digest.len, o->value.data, o->value.len,
		&valid, err);
	if (rc < 0)
		return rc;
	return buf_printf(&c->body, "{\"value\":%s}", valid ? "true" : "false") < 0 ? err_oom(err) : 0;
}

int keys_crypto(struct call *c, struct err *err) {
	_cleanup_free_ char *context = object_context(&c->vault, &object_keys, c->object.name, c->object.version);
	if (!context)
		return err_oom(err);
	struct keeper_key key = {c->object.sealed.data, c->object.sealed.len, context};
	switch (c->op->key_op) {
	case KEY_OP_SIGN:
		return sign(c, &key, err);
	case KEY_OP_VERIFY:
		return verify(c, &key, err);
	default:
		return encrypt_or_decrypt(c, &key, err);
	}
}
