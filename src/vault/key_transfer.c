// SPDX-License-Identifier: Apache-2.0
#include "vault/key_transfer.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"
#include "keeper/client.h"
#include "vault/request.h"

void key_transfer_free(struct key_transfer *t) {
	buf_free(&t->ciphertext);
	*t = (struct key_transfer){0};
}
#define _cleanup_transfer_ _cleanup_(key_transfer_free)

static int invalid(struct err *err, const char *what) {
	return bad_parameter(err, "The key transfer blob in 'key_hsm' is not valid: %s.", what);
}

static int parse_blob(const json_t *blob, json_t **out, struct err *err) {
	_cleanup_buf_ struct buf text = {0};
	size_t len = json_string_length(blob);
	int rc = !json_is_string(blob) || len > 2 * KEY_TRANSFER_MAX ? -EINVAL
								     : dec_base64url(&text, json_string_value(blob), len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0 || text.len > KEY_TRANSFER_MAX)
		return invalid(err, "it must be base64url of at most 16384 bytes");
	return request_parse(text.data, text.len, out, NULL) < 0 ? invalid(err, "it must hold a JSON object") : 0;
}

static bool member_is(const json_t *object, const char *path, const char *value) {
	const char *text = json_str(object, path);
	return text && strcmp(text, value) == 0;
}

static int check_header(const json_t *json, struct err *err) {
	if (!member_is(json, "schema_version", "1.0.0"))
		return invalid(err, "schema_version must be \"1.0.0\"");
	if (!member_is(json, "header.alg", "dir"))
		return invalid(err, "header.alg must be \"dir\"");
	if (!member_is(json, "header.enc", "CKM_RSA_AES_KEY_WRAP"))
		return invalid(err, "header.enc must be \"CKM_RSA_AES_KEY_WRAP\"");
	const json_t *generator = request_member(json, "generator");
	return generator && !json_is_string(generator) ? invalid(err, "generator must be a string") : 0;
}

static int read_exchange(const json_t *json, struct key_url *out, struct err *err) {
	const char *kid = json_str(json, "header.kid");
	struct key_url url;
	if (!kid || !key_url_parse(kid, &url) || !url.version[0])
		return invalid(err, "header.kid must be the identifier of a version of the key exchange key");
	*out = url;
	return 0;
}

static int read_ciphertext(const json_t *json, struct buf *out, struct err *err) {
	const json_t *member = json_at(json, "ciphertext");
	int rc = json_is_string(member) ? dec_base64url(out, json_string_value(member), json_string_length(member)) : -EINVAL;
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc < 0 || out->len == 0 || out->len > KEEPER_INPUT_MAX
		? invalid(err, "ciphertext must be base64url of 1 to 8192 bytes") : 0;
}

int key_transfer_read(const json_t *blob, struct key_transfer *out, struct err *err) {
	_cleanup_json_ json_t *json = NULL;
	_cleanup_transfer_ struct key_transfer t = {0};
	int rc = parse_blob(blob, &json, err);
	if (rc == 0)
		rc = check_header(json, err);
	if (rc == 0)
		rc = read_exchange(json, &t.exchange, err);
	if (rc == 0)
		rc = read_ciphertext(json, &t.ciphertext, err);
	if (rc < 0)
		return rc;
	*out = t;
	t = (struct key_transfer){0};
	return 0;
}
