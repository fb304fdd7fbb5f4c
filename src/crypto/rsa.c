// SPDX-License-Identifier: Apache-2.0
#include "crypto/rsa.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

enum { MIN_BITS = 2048, MAX_BITS = 8 * RSA_MAX_BYTES };

#define _cleanup_ctx_ _cleanup_(free_ctx)
static void free_ctx(EVP_PKEY_CTX **ctx) {
	EVP_PKEY_CTX_free(*ctx);
}

#define _cleanup_bn_ _cleanup_(free_bn)
static void free_bn(BIGNUM **n) {
	BN_clear_free(*n);
}

void rsa_freep(EVP_PKEY **key) {
	EVP_PKEY_free(*key);
	*key = NULL;
}

// OpenSSL's own words stay out of the message: they may differ with the secret. The queue is emptied
// so that a later failure is not taken for this one.
static int library_failed(struct err *err, const char *what) {
	ERR_clear_error();
	return err_set(err, -EIO, 500, "InternalServerError", "cannot %s", what);
}

bool rsa_bits_allowed(int64_t bits) {
	return bits == 2048 || bits == 3072 || bits == 4096;
}

int rsa_make(unsigned bits, EVP_PKEY **key, struct err *err) {
	if (!rsa_bits_allowed(bits))
		return err_set(err, -EINVAL, 400, "BadParameter", "The RSA key size %u is not supported; use 2048, 3072 or 4096.", bits);
	EVP_PKEY *made = EVP_RSA_gen(bits);
	if (!made)
		return library_failed(err, "make an RSA key");
	*key = made;
	return 0;
}

static bool number_of(EVP_PKEY *key, const char *name, uint8_t *out, size_t max, size_t *len) {
	_cleanup_bn_ BIGNUM *n = NULL;
	if (EVP_PKEY_get_bn_param(key, name, &n) != 1 || (size_t)BN_num_bytes(n) > max)
		return false;
	*len = (size_t)BN_bn2bin(n, out);
	return true;
}

int rsa_public_of(EVP_PKEY *key, struct rsa_public *out, struct err *err) {
	struct rsa_public pub = {0};
	if (!number_of(key, OSSL_PKEY_PARAM_RSA_N, pub.n, sizeof(pub.n), &pub.n_len) ||
		!number_of(key, OSSL_PKEY_PARAM_RSA_E, pub.e, sizeof(pub.e), &pub.e_len))
		return library_failed(err, "read the public half of an RSA key");
	*out = pub;
	return 0;
}

static int refuse_public(struct err *err) {
	return err_set(err, -EINVAL, 400, "BadParameter",
		"The RSA public key is not valid: the modulus must be odd and of %d to %d bits, the exponent odd and at least 3.",
		MIN_BITS, MAX_BITS);
}

static bool public_acceptable(const BIGNUM *n, const BIGNUM *e) {
	return BN_num_bits(n) >= MIN_BITS && BN_num_bits(n) <= MAX_BITS && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e);
}

int rsa_from_public(const struct rsa_public *pub, EVP_PKEY **key, struct err *err) {
	if (pub->n_len > sizeof(pub->n) || pub->e_len > sizeof(pub->e))
		return refuse_public(err);
	_cleanup_bn_ BIGNUM *n = BN_bin2bn(pub->n, (int)pub->n_len, NULL);
	_cleanup_bn_ BIGNUM *e = BN_bin2bn(pub->e, (int)pub->e_len, NULL);
	if (!n || !e)
		return err_oom(err);
	if (!public_acceptable(n, e))
		return refuse_public(err);

	OSSL_PARAM *params = NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	OSSL_PARAM_BLD_free(builder);

	_cleanup_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *made = NULL;
	bool ok = params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params) == 1;
	OSSL_PARAM_free(params);
	if (!ok)
		return library_failed(err, "load an RSA public key");
	*key = made;
	return 0;
}

int rsa_private_der(EVP_PKEY *key, struct secret *der, struct err *err) {
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	_cleanup_secret_ struct secret encoded = {0};
	int rc = len <= 0 ? -EIO : secret_alloc(&encoded, (size_t)len);
	if (rc == 0) {
		uint8_t *end = encoded.data;
		if (i2d_PKCS8_PRIV_KEY_INFO(info, &end) != len)
			rc = -EIO;
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return library_failed(err, "encode an RSA key");
	*der = encoded;
	encoded = (struct secret){0};
	return 0;
}

int rsa_from_private_der(const void *der, size_t len, EVP_PKEY **key, struct err *err) {
	const uint8_t *p = der;
	PKCS8_PRIV_KEY_INFO *info = len <= LONG_MAX ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len) : NULL;
	bool whole = info && p == (const uint8_t *)der + len;
	_cleanup_pkey_ EVP_PKEY *loaded = whole ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	if (!loaded || !EVP_PKEY_is_a(loaded, "RSA") || !rsa_bits_allowed(EVP_PKEY_get_bits(loaded))) {
		ERR_clear_error();
		return err_set(err, -EINVAL, 400, "BadParameter",
			"The private key is not a PKCS#8 RSA key of 2048, 3072 or 4096 bits.");
	}
	*key = TAKE_PTR(loaded);
	return 0;
}

static size_t modulus_bytes(EVP_PKEY *key) {
	int size = EVP_PKEY_get_size(key);
	return size > 0 && size <= RSA_MAX_BYTES ? (size_t)size : 0;
}

static bool set_oaep(EVP_PKEY_CTX *ctx, enum key_alg alg) {
	const EVP_MD *md = alg == KEY_ALG_RSA_OAEP_256 ? EVP_sha256() : EVP_sha1();
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) == 1 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

static int refuse_alg(struct err *err, enum key_alg alg) {
	return err_set(err, -EINVAL, 400, "BadParameter", "The algorithm %s cannot wrap keys.", alg_name(alg));
}

int rsa_wrap(EVP_PKEY *key, enum key_alg alg, const void *in, size_t len, struct buf *out, struct err *err) {
	size_t max = alg_max_plaintext(alg, modulus_bytes(key));
	if (max == 0)
		return refuse_alg(err, alg);
	if (len > max)
		return err_set(err, -EINVAL, 400, "BadParameter", "The value is %zu bytes long; %s with this key wraps at most %zu.",
			len, alg_name(alg), max);

	_cleanup_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t wrapped[RSA_MAX_BYTES];
	size_t n = sizeof(wrapped);
	if (!ctx || EVP_PKEY_encrypt_init(ctx) != 1 || !set_oaep(ctx, alg) ||
		EVP_PKEY_encrypt(ctx, wrapped, &n, len > 0 ? in : (const void *)"", len) != 1)
		return library_failed(err, "wrap with an RSA key");
	return buf_append(out, wrapped, n) < 0 ? err_oom(err) : 0;
}

int rsa_unwrap(EVP_PKEY *key, enum key_alg alg, const void *in, size_t len, struct secret *out, struct err *err) {
	size_t size = modulus_bytes(key);
	if (alg_max_plaintext(alg, size) == 0)
		return refuse_alg(err, alg);
	_cleanup_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!ctx || EVP_PKEY_decrypt_init(ctx) != 1 || !set_oaep(ctx, alg))
		return library_failed(err, "unwrap with an RSA key");

	_cleanup_secret_ struct secret room = {0}, plain = {0};
	if (secret_alloc(&room, size) < 0)
		return err_oom(err);
	size_t n = room.len;
	bool ok = len == size && EVP_PKEY_decrypt(ctx, room.data, &n, in, len) == 1;
	ERR_clear_error();
	if (!ok)
		return err_set(err, -EINVAL, 400, "BadParameter", "The value cannot be unwrapped with this key and algorithm.");
	if (secret_copy(&plain, room.data, n) < 0)
		return err_oom(err);
	*out = plain;
	plain = (struct secret){0};
	return 0;
}

static bool set_rs256(EVP_PKEY_CTX *ctx) {
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
}

int rsa_sign_digest(EVP_PKEY *key, const uint8_t digest[static 32], struct buf *signature, struct err *err) {
	_cleanup_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	uint8_t made[RSA_MAX_BYTES];
	size_t n = sizeof(made);
	if (!ctx || EVP_PKEY_sign_init(ctx) != 1 || !set_rs256(ctx) || EVP_PKEY_sign(ctx, made, &n, digest, 32) != 1)
		return library_failed(err, "sign with an RSA key");
	return buf_append(signature, made, n) < 0 ? err_oom(err) : 0;
}

int rsa_verify_digest(EVP_PKEY *key, const uint8_t digest[static 32], const void *signature, size_t len, struct err *err) {
	_cleanup_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (!ctx || EVP_PKEY_verify_init(ctx) != 1 || !set_rs256(ctx))
		return library_failed(err, "verify with an RSA key");
	if (EVP_PKEY_verify(ctx, signature, len, digest, 32) != 1) {
		ERR_clear_error();
		return err_set(err, -EBADMSG, 401, "Unauthorized", "The signature does not hold.");
	}
	return 0;
}
