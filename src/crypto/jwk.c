// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"

// Leading zero octets that some keys carry ("AAEAAQ" for 65537) and that are dropped; more are refused.
enum { MAX_LEADING_ZEROS = 8 };

static int set_number(json_t *jwk, const char *name, const uint8_t *bytes, size_t len) {
	_cleanup_buf_ struct buf text = {0};
	int rc = enc_base64url(&text, bytes, len);
	return rc < 0 ? rc : json_set_str(jwk, name, buf_cstr(&text));
}

int jwk_from_rsa(const struct rsa_public *pub, json_t **out, struct err *err) {
	_cleanup_json_ json_t *jwk = json_object();
	if (!jwk || json_set_str(jwk, "kty", "RSA") < 0 || set_number(jwk, "n", pub->n, pub->n_len) < 0 ||
		set_number(jwk, "e", pub->e, pub->e_len) < 0)
		return err_oom(err);
	*out = TAKE_PTR(jwk);
	return 0;
}

static int refuse(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadParameter", "The JSON Web Key is not valid: %s.", what);
}

// The base64url number `name` without its leading zero octets, 1 to max bytes.
static int get_number(const json_t *jwk, const char *name, uint8_t *out, size_t max, size_t *len, struct err *err) {
	const json_t *value = json_object_get(jwk, name);
	if (!json_is_string(value))
		return refuse(err, "n and e must be base64url strings");
	_cleanup_buf_ struct buf bytes = {0};
	size_t text_len = json_string_length(value);
	int rc = text_len > 2 * (max + MAX_LEADING_ZEROS) ? -EINVAL
							   : dec_base64url(&bytes, json_string_value(value), text_len);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return refuse(err, "n and e must be base64url strings of a sensible size");
	size_t zeros = 0;
	while (zeros < bytes.len && bytes.data[zeros] == 0)
		zeros++;
	size_t n = bytes.len - zeros;
	if (n == 0 || n > max || zeros > MAX_LEADING_ZEROS)
		return refuse(err, "n or e is zero or too long");
	memcpy(out, bytes.data + zeros, n);
	*len = n;
	return 0;
}

int jwk_to_rsa(const json_t *jwk, struct rsa_public *out, struct err *err) {
	const char *kty = json_string_value(json_object_get(jwk, "kty"));
	if (!kty || strcmp(kty, "RSA") != 0)
		return refuse(err, "kty must be RSA");
	struct rsa_public pub = {0};
	int rc = get_number(jwk, "n", pub.n, sizeof(pub.n), &pub.n_len, err);
	if (rc == 0)
		rc = get_number(jwk, "e", pub.e, sizeof(pub.e), &pub.e_len, err);
	if (rc < 0)
		return rc;
	*out = pub;
	return 0;
}
