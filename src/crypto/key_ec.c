// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>

#include "crypto/key_internal.h"

enum {
	UNCOMPRESSED = 4,  // SEC 1 section 2.3.3: 04 || x || y
	POINT_MAX = 1 + 2 * KEY_COORDINATE_MAX,
	// SEQUENCE of two INTEGERs, each with a zero octet before it: 3 + 2 * (2 + 1 + 66) bytes.
	DER_SIGNATURE_MAX = 3 + 2 * (3 + KEY_COORDINATE_MAX),
};

// OpenSSL's names.
static const char *const groups[] = {
	[KEY_CURVE_P256] = "prime256v1",
	[KEY_CURVE_P256K] = "secp256k1",
	[KEY_CURVE_P384] = "secp384r1",
	[KEY_CURVE_P521] = "secp521r1",
};

int ec_make(const struct key_spec *spec, struct key **out, struct err *err) {
	EVP_PKEY *made = EVP_EC_gen(groups[spec->curve]);
	if (!made)
		return key_library_failed(err, "make an EC key");
	return key_new(KEY_KIND_EC, spec->curve, made, true, out, err);
}

// Loading. OpenSSL refuses a point that is not on the curve.

static size_t point_of(const struct key_public *pub, uint8_t point[static POINT_MAX]) {
	size_t n = curve_bytes(pub->curve);
	point[0] = UNCOMPRESSED;
	memcpy(point + 1, pub->x, n);
	memcpy(point + 1 + n, pub->y, n);
	return 1 + 2 * n;
}

static int refuse_key(struct err *err) {
	return KEY_REFUSE(err, "The EC key is not valid: it must be a point on one of the curves P-256, P-256K, P-384, P-521, "
			       "and d must belong to it.");
}

// `d` is NULL for a public key.
static int from_numbers(const struct key_public *pub, const BIGNUM *d, struct key **out, struct err *err) {
	uint8_t point[POINT_MAX];
	size_t n = point_of(pub, point);
	_cleanup_builder_ OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *made = NULL;
	int rc = builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, groups[pub->curve], 0) == 1 &&
				 OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, n) == 1 &&
				 (!d || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, d) == 1)
			 ? 0
			 : -EIO;
	if (rc == 0)
		rc = key_pkey_of_params("EC", builder, d != NULL, &made);
	if (rc < 0)
		return rc == -EINVAL ? refuse_key(err) : key_library_failed(err, "load an EC key");
	return key_new(KEY_KIND_EC, pub->curve, made, d != NULL, out, err);
}

int ec_from_public(const struct key_public *pub, struct key **out, struct err *err) {
	if (curve_bits(pub->curve) == 0)
		return refuse_key(err);
	return from_numbers(pub, NULL, out, err);
}

int ec_from_private(const struct key_private *priv, struct key **out, struct err *err) {
	size_t n = curve_bytes(priv->pub.curve);
	if (n == 0 || priv->d.len == 0 || priv->d.len > n)
		return refuse_key(err);
	_cleanup_bn_ BIGNUM *d = BN_secure_new();
	if (!d || !BN_bin2bn(priv->d.data, (int)priv->d.len, d))
		return err_oom(err);
	BN_set_flags(d, BN_FLG_CONSTTIME);
	return from_numbers(&priv->pub, d, out, err);
}

int ec_from_pkey(EVP_PKEY *pkey, struct key **out, struct err *err) {
	char name[32];
	size_t n = 0;
	for (size_t i = KEY_CURVE_NONE + 1; i < ARRAY_SIZE(groups); i++)
		if (EVP_PKEY_get_group_name(pkey, name, sizeof(name), &n) == 1 && strcmp(name, groups[i]) == 0)
			return key_new(KEY_KIND_EC, (enum key_curve)i, pkey, true, out, err);
	EVP_PKEY_free(pkey);
	return refuse_key(err);
}

static bool coordinate_of(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t n) {
	_cleanup_bn_ BIGNUM *value = NULL;
	return EVP_PKEY_get_bn_param(pkey, name, &value) == 1 && BN_bn2binpad(value, out, (int)n) == (int)n;
}

int ec_public_of(const struct key *key, struct key_public *out, struct err *err) {
	struct key_public pub = {.kind = KEY_KIND_EC, .bits = key->bits, .curve = key->curve};
	size_t n = curve_bytes(key->curve);
	if (!coordinate_of(key->pkey, OSSL_PKEY_PARAM_EC_PUB_X, pub.x, n) ||
		!coordinate_of(key->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, pub.y, n))
		return key_library_failed(err, "read the public half of an EC key");
	*out = pub;
	return 0;
}

// Signatures: OpenSSL has them in DER, JOSE as r || s of the curve's length (RFC 7518 section 3.4).

static bool raw_of_der(const uint8_t *der, size_t len, uint8_t *raw, size_t n) {
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)n) == (int)n &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + n, (int)n) == (int)n;
	ECDSA_SIG_free(sig);
	return ok;
}

// Its length, 0 on failure.
static size_t der_of_raw(const uint8_t *raw, size_t n, uint8_t der[static DER_SIGNATURE_MAX]) {
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)n, NULL), *s = BN_bin2bn(raw + n, (int)n, NULL);
	if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return 0;
	}
	uint8_t *end = der;
	int len = i2d_ECDSA_SIG(sig, &end);
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

int ec_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err) {
	EVP_PKEY_CTX *ctx = key_ctx_take(key, KEY_OP_SIGN, alg, NULL);
	uint8_t der[DER_SIGNATURE_MAX], raw[2 * KEY_COORDINATE_MAX];
	size_t n = curve_bytes(key->curve), der_len = sizeof(der);
	if (!ctx || EVP_PKEY_sign(ctx, der, &der_len, digest, len) != 1 || !raw_of_der(der, der_len, raw, n)) {
		EVP_PKEY_CTX_free(ctx);
		return key_library_failed(err, "sign with an EC key");
	}
	key_ctx_give(key, KEY_OP_SIGN, alg, ctx);
	return buf_append(signature, raw, 2 * n) < 0 ? err_oom(err) : 0;
}

int ec_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) {
	size_t n = curve_bytes(key->curve);
	if (signature_len != 2 * n) {
		*valid = false;
		return 0;
	}
	uint8_t der[DER_SIGNATURE_MAX];
	size_t der_len = der_of_raw(signature, n, der);
	EVP_PKEY_CTX *ctx = der_len > 0 ? key_ctx_take(key, KEY_OP_VERIFY, alg, NULL) : NULL;
	if (!ctx)
		return key_library_failed(err, "verify with an EC key");
	*valid = EVP_PKEY_verify(ctx, der, der_len, digest, len) == 1;
	ERR_clear_error();
	key_ctx_give(key, KEY_OP_VERIFY, alg, ctx);
	return 0;
}
