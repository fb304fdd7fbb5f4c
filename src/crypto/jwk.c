// SPDX-License-Identifier: Apache-2.0
#include "crypto/jwk.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"

// Leading zero octets that some keys carry ("AAEAAQ" for 65537) and that are dropped; more are refused.
enum { MAX_LEADING_ZEROS = 8 };

static int set_bytes(json_t *jwk, const char *name, const uint8_t *bytes, size_t len) {
	_cleanup_buf_ struct buf text = {0};
	int rc = enc_base64url(&text, bytes, len);
	return rc < 0 ? rc : json_set_str(jwk, name, buf_cstr(&text));
}

static int set_members(json_t *jwk, const struct key_public *pub) {
	int rc = -EINVAL;
	switch (pub->kind) {
	case KEY_KIND_RSA:
		if ((rc = json_set_str(jwk, "kty", "RSA")) == 0 && (rc = set_bytes(jwk, "n", pub->n, pub->n_len)) == 0)
			rc = set_bytes(jwk, "e", pub->e, pub->e_len);
		break;
	case KEY_KIND_EC:
		if ((rc = json_set_str(jwk, "kty", "EC")) == 0 && (rc = json_set_str(jwk, "crv", curve_name(pub->curve))) == 0 &&
			(rc = set_bytes(jwk, "x", pub->x, curve_bytes(pub->curve))) == 0)
			rc = set_bytes(jwk, "y", pub->y, curve_bytes(pub->curve));
		break;
	case KEY_KIND_OCT: rc = json_set_str(jwk, "kty", "oct"); break;
	case KEY_KIND_NONE: break;
	}
	return rc;
}

static int refuse(struct err *err, const char *what) {
	return err_set(err, -EINVAL, 400, "BadParameter", "The JSON Web Key is not valid: %s.", what);
}

int jwk_from_public(const struct key_public *pub, json_t **out, struct err *err) {
	_cleanup_json_ json_t *jwk = json_object();
	int rc = jwk ? set_members(jwk, pub) : -ENOMEM;
	if (rc < 0)
		return rc == -ENOMEM ? err_oom(err) : refuse(err, "there is no key");
	*out = TAKE_PTR(jwk);
	return 0;
}

static int refuse_member(struct err *err, const char *name) {
	return err_set(err, -EINVAL, 400, "BadParameter",
		"The JSON Web Key is not valid: %s must be a base64url string of a sensible size.", name);
}

// The bytes of the string `name`, at most max and not none.
static int get_bytes(const json_t *jwk, const char *name, size_t max, struct buf *out, struct err *err) {
	const json_t *value = json_object_get(jwk, name);
	size_t len = json_string_length(value);
	int rc = len == 0 || len > 2 * max ? -EINVAL : dec_base64url(out, json_string_value(value), len);
	if (rc == -ENOMEM)
		return err_oom(err);
	return rc < 0 || out->len > max ? refuse_member(err, name) : 0;
}

// The same of a number, as bytes without leading zero octets.
static int get_number(const json_t *jwk, const char *name, size_t max, struct buf *bytes, const uint8_t **number,
	size_t *len, struct err *err) {
	int rc = get_bytes(jwk, name, max + MAX_LEADING_ZEROS, bytes, err);
	if (rc < 0)
		return rc;
	size_t zeros = 0;
	while (zeros < bytes->len && bytes->data[zeros] == 0)
		zeros++;
	size_t n = bytes->len - zeros;
	if (n == 0 || n > max || zeros > MAX_LEADING_ZEROS)
		return refuse_member(err, name);
	*number = bytes->data + zeros;
	*len = n;
	return 0;
}

static int get_rsa_number(const json_t *jwk, const char *name, uint8_t *out, size_t max, size_t *len, struct err *err) {
	_cleanup_buf_ struct buf bytes = {0};
	const uint8_t *number = NULL;
	int rc = get_number(jwk, name, max, &bytes, &number, len, err);
	if (rc == 0)
		memcpy(out, number, *len);
	return rc;
}

static int get_coordinate(const json_t *jwk, const char *name, uint8_t *out, size_t size, struct err *err) {
	_cleanup_buf_ struct buf bytes = {0};
	int rc = get_bytes(jwk, name, size, &bytes, err);
	if (rc == 0)
		memcpy(out + size - bytes.len, bytes.data, bytes.len);
	return rc;
}

static int get_secret(const json_t *jwk, const char *name, size_t max, struct secret *out, struct err *err) {
	_cleanup_buf_ struct buf bytes = {0};
	int rc = get_bytes(jwk, name, max, &bytes, err);
	if (rc < 0)
		return rc;
	return secret_copy(out, bytes.data, bytes.len) < 0 ? err_oom(err) : 0;
}

static int get_secret_number(const json_t *jwk, const char *name, size_t max, struct secret *out, struct err *err) {
	_cleanup_buf_ struct buf bytes = {0};
	const uint8_t *number = NULL;
	size_t len = 0;
	int rc = get_number(jwk, name, max, &bytes, &number, &len, err);
	if (rc < 0)
		return rc;
	return secret_copy(out, number, len) < 0 ? err_oom(err) : 0;
}

static enum key_kind kind_of(const json_t *jwk) {
	static const struct {
		const char *name;
		enum key_kind kind;
	} types[] = {
		{"RSA", KEY_KIND_RSA},
		{"RSA-HSM", KEY_KIND_RSA},
		{"EC", KEY_KIND_EC},
		{"EC-HSM", KEY_KIND_EC},
		{"oct", KEY_KIND_OCT},
		{"oct-HSM", KEY_KIND_OCT},
	};
	const char *kty = json_string_value(json_object_get(jwk, "kty"));
	for (size_t i = 0; kty && i < ARRAY_SIZE(types); i++)
		if (strcmp(kty, types[i].name) == 0)
			return types[i].kind;
	return KEY_KIND_NONE;
}

static unsigned bits_of(const struct key_public *pub) {
	return (unsigned)(8 * pub->n_len) - (pub->n_len > 0 ? (unsigned)__builtin_clz(pub->n[0]) - 24 : 0);
}

int jwk_to_public(const json_t *jwk, struct key_public *out, struct err *err) {
	struct key_public pub = {.kind = kind_of(jwk)};
	int rc = 0;
	switch (pub.kind) {
	case KEY_KIND_RSA:
		rc = get_rsa_number(jwk, "n", pub.n, sizeof(pub.n), &pub.n_len, err);
		if (rc == 0)
			rc = get_rsa_number(jwk, "e", pub.e, sizeof(pub.e), &pub.e_len, err);
		pub.bits = bits_of(&pub);
		break;
	case KEY_KIND_EC: {
		const char *crv = json_string_value(json_object_get(jwk, "crv"));
		pub.curve = crv ? curve_by_name(crv) : KEY_CURVE_NONE;
		pub.bits = curve_bits(pub.curve);
		if (pub.bits == 0)
			return refuse(err, "crv must be P-256, P-256K, P-384 or P-521");
		rc = get_coordinate(jwk, "x", pub.x, curve_bytes(pub.curve), err);
		if (rc == 0)
			rc = get_coordinate(jwk, "y", pub.y, curve_bytes(pub.curve), err);
		break;
	}
	case KEY_KIND_OCT: break;
	case KEY_KIND_NONE: return refuse(err, "kty must be RSA, EC or oct, or one of them with -HSM behind");
	}
	if (rc < 0)
		return rc;
	*out = pub;
	return 0;
}

static int get_rsa_private(const json_t *jwk, struct key_private *key, struct err *err) {
	struct {
		const char *name;
		struct secret *to;
		bool required;
	} members[] = {
		{"d", &key->d, true},
		{"p", &key->p, true},
		{"q", &key->q, true},
		{"dp", &key->dp, false},
		{"dq", &key->dq, false},
		{"qi", &key->qi, false},
	};
	if (json_object_get(jwk, "oth"))
		return refuse(err, "keys of more than two primes are not supported");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (!members[i].required && !json_object_get(jwk, members[i].name))
			continue;
		int rc = get_secret_number(jwk, members[i].name, KEY_RSA_MAX_BYTES, members[i].to, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int get_private(const json_t *jwk, struct key_private *key, struct err *err) {
	int rc = jwk_to_public(jwk, &key->pub, err);
	if (rc < 0)
		return rc;
	switch (key->pub.kind) {
	case KEY_KIND_RSA: return get_rsa_private(jwk, key, err);
	case KEY_KIND_EC: return get_secret_number(jwk, "d", curve_bytes(key->pub.curve), &key->d, err);
	default: break;
	}
	rc = get_secret(jwk, "k", KEY_OCT_MAX_BYTES, &key->k, err);
	key->pub.bits = (unsigned)(8 * key->k.len);
	return rc;
}

int jwk_to_private(const json_t *jwk, struct key_private *out, struct err *err) {
	struct key_private key = {0};
	int rc = get_private(jwk, &key, err);
	if (rc < 0) {
		key_private_free(&key);
		return rc;
	}
	*out = key;
	return 0;
}
