// SPDX-License-Identifier: Apache-2.0
// wrapKey and unwrapKey. Plaintext passes through as it comes and goes; it is wiped behind the answer.
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

#define bad_parameter(err, ...) err_set(err, -EINVAL, 400, "BadParameter", __VA_ARGS__)

static int decode_value(struct call *c, const char *value, struct err *err) {
	size_t len = strlen(value);
	int rc = dec_base64url(&c->input, value, len);
	// Azure Disk Encryption's agent speaks the oldest version, and sends base64 with padding.
	if (rc == -EINVAL && strcmp(c->api_version, "2015-06-01") == 0)
		rc = dec_base64(&c->input, value, len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return bad_parameter(err, "Content of 'value' is not base64url.");
	if (c->input.len == 0 || c->input.len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "Property 'value' must hold 1 to %d bytes.", KEEPER_INPUT_MAX);
	return 0;
}

static int read_alg(struct call *c, const json_t *body, struct err *err) {
	const char *alg = json_str(body, "alg");
	if (!alg)
		return bad_parameter(err, "Property 'alg' is required.");
	c->alg = alg_by_name(alg);
	if (c->alg != KEY_ALG_RSA_OAEP && c->alg != KEY_ALG_RSA_OAEP_256)
		return bad_parameter(err, "Property 'alg' has an invalid value. Allowed for this key are RSA-OAEP and RSA-OAEP-256.");
	return 0;
}

static int read_body(struct call *c, struct err *err) {
	size_t len;
	const void *text = http_body(c->req, &len);
	_cleanup_json_ json_t *body = NULL;
	int rc = key_body_parse(text, len, &body, err);
	if (rc == 0)
		rc = read_alg(c, body, err);
	if (rc < 0)
		return rc;
	json_t *member = json_at(body, "value");
	const char *value = json_string_value(member);
	if (!value)
		return bad_parameter(err, "Property 'value' is required.");
	rc = decode_value(c, value, err);
	// The value may be a data key in the clear, and jansson's memory is not wiped when it is freed.
	OPENSSL_cleanse((char *)(uintptr_t)value, json_string_length(member));
	return rc;
}

static int check_allowed(const struct call *c, enum key_op op, struct err *err) {
	const char *name = key_op_name(op);
	if (!c->key.enabled)
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyDisabled", "Operation %s is not allowed on a disabled key.",
			name);
	if (!(c->key.ops & op))
		return err_set_inner(err, -EPERM, 403, "Forbidden", "KeyOperationForbidden",
			"Operation %s is not permitted on this key.", name);
	// What was wrapped must stay readable, so unwrapping goes on outside the window.
	if (op == KEY_OP_UNWRAP)
		return 0;
	if (c->key.nbf != 0 && c->now < c->key.nbf)
		return err_set(err, -EPERM, 403, "Forbidden", "Operation %s is not allowed on a key that is not yet valid.", name);
	if (c->key.exp != 0 && c->now >= c->key.exp)
		return err_set(err, -EPERM, 403, "Forbidden", "Operation %s is not allowed on an expired key.", name);
	return 0;
}

static int look(struct call *c, struct store_tx *tx, enum key_op op, struct err *err) {
	int rc = read_body(c, err);
	if (rc == 0)
		rc = call_load_key(c, tx, err);
	return rc < 0 ? rc : check_allowed(c, op, err);
}

int keys_wrap_look(struct call *c, struct store_tx *tx, struct err *err) {
	return look(c, tx, KEY_OP_WRAP, err);
}

int keys_unwrap_look(struct call *c, struct store_tx *tx, struct err *err) {
	return look(c, tx, KEY_OP_UNWRAP, err);
}

// Written straight into a buffer that is wiped; neither the id nor base64url needs escapes.
static int answer_value(struct call *c, const void *value, size_t len, struct err *err) {
	char kid[KEY_ID_MAX];
	key_id(&c->vault, "keys", c->key.name, c->key.version, kid);
	struct buf *b = &c->body;
	int rc = buf_printf(b, "{\"kid\":\"%s\",\"value\":\"", kid);
	if (rc == 0)
		rc = enc_base64url(b, value, len);
	if (rc == 0)
		rc = buf_str(b, "\"}");
	return rc < 0 ? err_oom(err) : 0;
}

int keys_wrap(struct call *c, struct err *err) {
	_cleanup_free_ char *context = key_context(&c->vault, c->key.name, c->key.version);
	if (!context)
		return err_oom(err);
	struct keeper_key key = {c->key.sealed.data, c->key.sealed.len, context};
	const struct key_input in = {.value = c->input.data, .len = c->input.len};
	_cleanup_key_output_ struct key_output wrapped = {0};
	int rc = keeper_encrypt(c->service->keeper, &key, c->alg, ALG_WRAP, &in, &wrapped, err);
	return rc < 0 ? rc : answer_value(c, wrapped.value.data, wrapped.value.len, err);
}

int keys_unwrap(struct call *c, struct err *err) {
	_cleanup_free_ char *context = key_context(&c->vault, c->key.name, c->key.version);
	if (!context)
		return err_oom(err);
	struct keeper_key key = {c->key.sealed.data, c->key.sealed.len, context};
	const struct key_input in = {.value = c->input.data, .len = c->input.len};
	_cleanup_key_output_ struct key_output plain = {0};
	int rc = keeper_decrypt(c->service->keeper, &key, c->alg, ALG_WRAP, &in, &plain, err);
	return rc < 0 ? rc : answer_value(c, plain.value.data, plain.value.len, err);
}
