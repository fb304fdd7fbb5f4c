// SPDX-License-Identifier: Apache-2.0
#include "vault/key_operation.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "keeper/client.h"
#include "vault/keys.h"

void key_operation_free(struct key_operation *o) {
	buf_free(&o->value);
	buf_free(&o->iv);
	buf_free(&o->aad);
	buf_free(&o->tag);
	buf_free(&o->digest);
	*o = (struct key_operation){0};
}
#define _cleanup_operation_ _cleanup_(key_operation_free)

static int decode(const char *name, const char *text, size_t len, bool padded, struct buf *out, struct err *err) {
	int rc = dec_base64url(out, text, len);
	if (rc == -EINVAL && padded)
		rc = dec_base64(out, text, len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return bad_parameter(err, "Content of '%s' is not base64url.", name);
	if (out->len == 0 || out->len > KEEPER_INPUT_MAX)
		return bad_parameter(err, "Property '%s' must hold 1 to %d bytes.", name, KEEPER_INPUT_MAX);
	return 0;
}

// A member that is required is not empty either.
static int read_member(const json_t *body, const char *name, bool required, bool padded, struct buf *out,
	struct err *err) {
	const json_t *member = request_member(body, name);
	if (!required && (!member || (json_is_string(member) && json_string_length(member) == 0)))
		return 0;
	if (!json_is_string(member))
		return bad_parameter(err, required ? "Property '%s' is required." : "Property '%s' must be a string.", name);
	return decode(name, json_string_value(member), json_string_length(member), padded, out, err);
}

static int read_alg(const json_t *body, enum key_op op, enum key_alg *out, struct err *err) {
	static const unsigned sign = KEY_OP_SIGN | KEY_OP_VERIFY, wrap = KEY_OP_WRAP | KEY_OP_UNWRAP;
	const char *name = json_string_value(request_member(body, "alg"));
	if (!name)
		return bad_parameter(err, "Property 'alg' is required.");
	enum key_alg alg = alg_by_name(name);
	unsigned use = op & sign ? ALG_SIGN : op & wrap ? ALG_WRAP : ALG_ENCRYPT;
	if (!(alg_info(alg)->uses & use))
		return bad_parameter(err, "Property 'alg' has an invalid value for the operation %s.", key_op_name(op));
	*out = alg;
	return 0;
}

int key_operation_parse(const void *body, size_t len, enum key_op op, bool padded, struct key_operation *out,
	struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	_cleanup_operation_ struct key_operation o = {0};
	int rc = request_parse(body, len, &parsed, err);
	if (rc == 0)
		rc = read_alg(parsed, op, &o.alg, err);
	if (rc == 0)
		rc = read_member(parsed, "value", true, padded, &o.value, err);
	if (rc == 0 && op == KEY_OP_VERIFY)
		rc = read_member(parsed, "digest", true, padded, &o.digest, err);
	if (rc == 0)
		rc = read_member(parsed, "iv", false, padded, &o.iv, err);
	if (rc == 0)
		rc = read_member(parsed, "aad", false, padded, &o.aad, err);
	if (rc == 0)
		rc = read_member(parsed, "tag", false, padded, &o.tag, err);
	if (rc < 0)
		return rc;
	*out = o;
	o = (struct key_operation){0};
	return 0;
}
