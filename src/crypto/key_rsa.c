// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/key_internal.h"

enum { DEFAULT_EXPONENT = 65537, EXPONENT_BITS_MAX = 64, PKCS1_OVERHEAD = 11 };

// Padding and hash by OpenSSL's names, the hash's bytes.
struct scheme {
	char padding[6];
	char hash[8];  // "" for none
	size_t hash_len;
};
static const struct scheme schemes[KEY_ALG_COUNT] = {
	[KEY_ALG_RSA_OAEP] = {OSSL_PKEY_RSA_PAD_MODE_OAEP, "SHA1", 20},
	[KEY_ALG_RSA_OAEP_256] = {OSSL_PKEY_RSA_PAD_MODE_OAEP, "SHA256", 32},
	[KEY_ALG_RSA1_5] = {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, "", 0},
	[KEY_ALG_RS256] = {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, "SHA256", 32},
	[KEY_ALG_RS384] = {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, "SHA384", 48},
	[KEY_ALG_RS512] = {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, "SHA512", 64},
	[KEY_ALG_RSNULL] = {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, "", 0},
	[KEY_ALG_PS256] = {OSSL_PKEY_RSA_PAD_MODE_PSS, "SHA256", 32},
	[KEY_ALG_PS384] = {OSSL_PKEY_RSA_PAD_MODE_PSS, "SHA384", 48},
	[KEY_ALG_PS512] = {OSSL_PKEY_RSA_PAD_MODE_PSS, "SHA512", 64},
};

bool rsa_bits_allowed(unsigned bits) {
	return bits == 2048 || bits == 3072 || bits == 4096;
}

int rsa_make(const struct key_spec *spec, struct key **out, struct err *err) {
	unsigned bits = spec->bits;
	uint32_t exponent = spec->exponent ? spec->exponent : DEFAULT_EXPONENT;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_BITS, &bits),
		OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &exponent),
		OSSL_PARAM_construct_end(),
	};
	_cleanup_pkey_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *made = NULL;
	if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
		EVP_PKEY_generate(ctx, &made) != 1)
		return key_library_failed(err, "make an RSA key");
	return key_new(KEY_KIND_RSA, KEY_CURVE_NONE, made, true, out, err);
}

// The numbers of a key.

static int refuse_public(struct err *err) {
	return KEY_REFUSE(err,
		"The RSA key is not valid: the modulus must be odd and of 2048, 3072 or 4096 bits, the exponent odd and at least "
		"3.");
}

struct public_numbers {
	BIGNUM *n, *e;
};
static void free_public_numbers(struct public_numbers *num) {
	BN_free(num->n);
	BN_free(num->e);
}
#define _cleanup_public_numbers_ _cleanup_(free_public_numbers)

static bool exponent_allowed(const BIGNUM *e) {
	return BN_num_bits(e) <= EXPONENT_BITS_MAX && BN_is_odd(e) && !BN_is_one(e);
}

static int load_public_numbers(const struct key_public *pub, struct public_numbers *num, struct err *err) {
	if (pub->n_len > sizeof(pub->n) || pub->e_len > sizeof(pub->e))
		return refuse_public(err);
	num->n = BN_bin2bn(pub->n, (int)pub->n_len, NULL);
	num->e = BN_bin2bn(pub->e, (int)pub->e_len, NULL);
	if (!num->n || !num->e)
		return err_oom(err);
	if (!rsa_bits_allowed((unsigned)BN_num_bits(num->n)) || !BN_is_odd(num->n) || !exponent_allowed(num->e))
		return refuse_public(err);
	return 0;
}

static bool push(OSSL_PARAM_BLD *builder, const char *name, const BIGNUM *n) {
	return OSSL_PARAM_BLD_push_BN(builder, name, n) == 1;
}

int rsa_from_public(const struct key_public *pub, struct key **out, struct err *err) {
	_cleanup_public_numbers_ struct public_numbers num = {0};
	int rc = load_public_numbers(pub, &num, err);
	if (rc < 0)
		return rc;
	_cleanup_builder_ OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *made = NULL;
	if (!builder || !push(builder, OSSL_PKEY_PARAM_RSA_N, num.n) || !push(builder, OSSL_PKEY_PARAM_RSA_E, num.e) ||
		key_pkey_of_params("RSA", builder, false, &made) < 0)
		return key_library_failed(err, "load an RSA public key");
	return key_new(KEY_KIND_RSA, KEY_CURVE_NONE, made, false, out, err);
}

struct private_numbers {
	BIGNUM *d, *p, *q, *dp, *dq, *qi;
};
static void free_private_numbers(struct private_numbers *num) {
	BIGNUM *members[] = {num->d, num->p, num->q, num->dp, num->dq, num->qi};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		BN_clear_free(members[i]);
}
#define _cleanup_private_numbers_ _cleanup_(free_private_numbers)

static BIGNUM *new_secret_number(void) {
	BIGNUM *n = BN_secure_new();
	if (n)
		BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

static BIGNUM *load_secret_number(const struct secret *s) {
	BIGNUM *n = new_secret_number();
	if (n && BN_bin2bn(s->data, (int)s->len, n))
		return n;
	BN_clear_free(n);
	return NULL;
}

static int refuse_private(struct err *err) {
	ERR_clear_error();
	return KEY_REFUSE(err, "The RSA private key is not valid: its numbers do not belong together.");
}

// d, p, q and, where they are given, dp, dq, qi.
static int load_private_numbers(const struct key_private *priv, struct private_numbers *num, struct err *err) {
	struct {
		const struct secret *from;
		BIGNUM **to;
		bool required;
	} members[] = {
		{&priv->d, &num->d, true},
		{&priv->p, &num->p, true},
		{&priv->q, &num->q, true},
		{&priv->dp, &num->dp, false},
		{&priv->dq, &num->dq, false},
		{&priv->qi, &num->qi, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		if (members[i].from->len > KEY_RSA_MAX_BYTES)
			return refuse_private(err);
		if (members[i].from->len == 0 && members[i].required)
			return KEY_REFUSE(err, "The RSA private key is not valid: it must have d, p and q.");
		if (members[i].from->len > 0 && !(*members[i].to = load_secret_number(members[i].from)))
			return err_oom(err);
	}
	return 0;
}

// Before the costly proof that p and q are primes, what a product tells. Odd primes are what the inverse needs.
static bool product_holds(const struct public_numbers *pub, const struct private_numbers *num, BN_CTX *bn) {
	_cleanup_bn_ BIGNUM *product = new_secret_number();
	return product && BN_is_odd(num->p) && BN_is_odd(num->q) && BN_cmp(num->d, pub->n) < 0 &&
		BN_mul(product, num->p, num->q, bn) == 1 && BN_cmp(product, pub->n) == 0;
}

static bool compute_exponent(BIGNUM **out, const struct private_numbers *num, const BIGNUM *prime, BN_CTX *bn) {
	if (*out)
		return true;
	_cleanup_bn_ BIGNUM *less_one = new_secret_number();
	*out = new_secret_number();
	return less_one && *out && BN_sub(less_one, prime, BN_value_one()) == 1 && BN_mod(*out, num->d, less_one, bn) == 1;
}

static bool compute_missing(struct private_numbers *num, BN_CTX *bn) {
	if (!compute_exponent(&num->dp, num, num->p, bn) || !compute_exponent(&num->dq, num, num->q, bn))
		return false;
	if (num->qi)
		return true;
	num->qi = new_secret_number();
	return num->qi && BN_mod_inverse(num->qi, num->q, num->p, bn);
}

static int pkey_of_numbers(const struct public_numbers *pub, const struct private_numbers *num, EVP_PKEY **out) {
	_cleanup_builder_ OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (!builder || !push(builder, OSSL_PKEY_PARAM_RSA_N, pub->n) || !push(builder, OSSL_PKEY_PARAM_RSA_E, pub->e) ||
		!push(builder, OSSL_PKEY_PARAM_RSA_D, num->d) || !push(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, num->p) ||
		!push(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, num->q) || !push(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, num->dp) ||
		!push(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, num->dq) ||
		!push(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, num->qi))
		return -EIO;
	return key_pkey_of_params("RSA", builder, true, out);
}

int rsa_from_private(const struct key_private *priv, struct key **out, struct err *err) {
	_cleanup_public_numbers_ struct public_numbers pub = {0};
	_cleanup_private_numbers_ struct private_numbers num = {0};
	int rc = load_public_numbers(&priv->pub, &pub, err);
	if (rc == 0)
		rc = load_private_numbers(priv, &num, err);
	if (rc < 0)
		return rc;
	BN_CTX *bn = BN_CTX_secure_new();
	if (!bn)
		return err_oom(err);
	bool sound = product_holds(&pub, &num, bn) && compute_missing(&num, bn);
	BN_CTX_free(bn);
	if (!sound)
		return refuse_private(err);
	EVP_PKEY *made = NULL;
	rc = pkey_of_numbers(&pub, &num, &made);
	if (rc < 0)
		return rc == -EINVAL ? refuse_private(err) : key_library_failed(err, "load an RSA private key");
	return key_new(KEY_KIND_RSA, KEY_CURVE_NONE, made, true, out, err);
}

bool rsa_pkey_is_plausible(const EVP_PKEY *pkey) {
	_cleanup_public_numbers_ struct public_numbers pub = {new_secret_number(), new_secret_number()};
	_cleanup_private_numbers_ struct private_numbers num = {
		.d = new_secret_number(), .p = new_secret_number(), .q = new_secret_number(),
	};
	BN_CTX *bn = BN_CTX_secure_new();
	bool ok = rsa_bits_allowed((unsigned)EVP_PKEY_get_bits(pkey)) && pub.n && pub.e && num.d && num.p && num.q && bn &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &pub.n) == 1 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &pub.e) == 1 && exponent_allowed(pub.e) &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &num.d) == 1 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1, &num.p) == 1 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2, &num.q) == 1 && product_holds(&pub, &num, bn);
	BN_CTX_free(bn);
	ERR_clear_error();
	return ok;
}

int rsa_from_pkey(EVP_PKEY *pkey, struct key **out, struct err *err) {
	if (!rsa_bits_allowed((unsigned)EVP_PKEY_get_bits(pkey))) {
		EVP_PKEY_free(pkey);
		return refuse_public(err);
	}
	return key_new(KEY_KIND_RSA, KEY_CURVE_NONE, pkey, true, out, err);
}

static bool number_of(const EVP_PKEY *pkey, const char *name, uint8_t *out, size_t max, size_t *len) {
	_cleanup_bn_ BIGNUM *n = NULL;
	if (EVP_PKEY_get_bn_param(pkey, name, &n) != 1 || (size_t)BN_num_bytes(n) > max)
		return false;
	*len = (size_t)BN_bn2bin(n, out);
	return true;
}

int rsa_public_of(const struct key *key, struct key_public *out, struct err *err) {
	struct key_public pub = {.kind = KEY_KIND_RSA, .bits = key->bits};
	if (!number_of(key->pkey, OSSL_PKEY_PARAM_RSA_N, pub.n, sizeof(pub.n), &pub.n_len) ||
		!number_of(key->pkey, OSSL_PKEY_PARAM_RSA_E, pub.e, sizeof(pub.e), &pub.e_len))
		return key_library_failed(err, "read the public half of an RSA key");
	*out = pub;
	return 0;
}

// Operations.

static EVP_PKEY_CTX *take(struct key *key, enum key_op op, enum key_alg alg) {
	struct scheme s = schemes[alg];
	bool pss = strcmp(s.padding, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	bool oaep = strcmp(s.padding, OSSL_PKEY_RSA_PAD_MODE_OAEP) == 0;
	char digest_salt[] = OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST;
	OSSL_PARAM params[5], *p = params;
	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_PAD_MODE, s.padding, 0);
	if (s.hash_len > 0)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_DIGEST, s.hash, 0);
	if (oaep || pss)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_MGF1_DIGEST, s.hash, 0);
	if (pss)
		*p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, digest_salt, 0);
	*p = OSSL_PARAM_construct_end();
	return key_ctx_take(key, op, alg, params);
}

static size_t modulus_bytes(const struct key *key) {
	return key->bits / 8;
}

static int refuse_extras(const struct key_input *in, enum key_alg alg, struct err *err) {
	return in->iv_len > 0 || in->aad_len > 0 || in->tag_len > 0
		       ? KEY_REFUSE(err, "The algorithm %s takes no iv, aad or tag.", alg_name(alg))
		       : 0;
}

// RFC 8017 sections 7.1.1 and 7.2.1.
static size_t max_plaintext(const struct key *key, enum key_alg alg) {
	return modulus_bytes(key) - (alg == KEY_ALG_RSA1_5 ? PKCS1_OVERHEAD : 2 * schemes[alg].hash_len + 2);
}

int rsa_encrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err) {
	int rc = refuse_extras(in, alg, err);
	if (rc < 0)
		return rc;
	size_t max = max_plaintext(key, alg);
	if (in->len > max)
		return KEY_REFUSE(err, "The value is %zu bytes long; %s with this key takes at most %zu.", in->len, alg_name(alg),
			max);
	struct secret made = {0};
	if (secret_alloc(&made, modulus_bytes(key)) < 0)
		return err_oom(err);
	EVP_PKEY_CTX *ctx = take(key, KEY_OP_ENCRYPT, alg);
	size_t n = made.len;
	if (!ctx || EVP_PKEY_encrypt(ctx, made.data, &n, in->len > 0 ? in->value : "", in->len) != 1 || n != made.len) {
		EVP_PKEY_CTX_free(ctx);
		secret_free(&made);
		return key_library_failed(err, "encrypt with an RSA key");
	}
	key_ctx_give(key, KEY_OP_ENCRYPT, alg, ctx);
	*out = (struct key_output){.value = made};
	return 0;
}

// RSA1_5: where OpenSSL answers a padding that does not hold with random bytes (3.2 and later), those are the answer;
// before, a failure is, as from any implementation of the algorithm. It says no more than that.
int rsa_decrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err) {
	int rc = refuse_extras(in, alg, err);
	if (rc < 0)
		return rc;
	EVP_PKEY_CTX *ctx = take(key, KEY_OP_DECRYPT, alg);
	if (!ctx)
		return key_library_failed(err, "decrypt with an RSA key");
	struct secret plain = {0};
	if (secret_alloc(&plain, modulus_bytes(key)) < 0) {
		key_ctx_give(key, KEY_OP_DECRYPT, alg, ctx);
		return err_oom(err);
	}
	size_t n = plain.len;
	bool opened = in->len == modulus_bytes(key) && EVP_PKEY_decrypt(ctx, plain.data, &n, in->value, in->len) == 1;
	key_ctx_give(key, KEY_OP_DECRYPT, alg, ctx);
	if (!opened) {
		secret_free(&plain);
		return key_does_not_open(err, alg);
	}
	OPENSSL_cleanse(plain.data + n, plain.len - n);
	plain.len = n;
	*out = (struct key_output){.value = plain};
	return 0;
}

static int check_raw(const struct key *key, enum key_alg alg, size_t len, struct err *err) {
	size_t max = modulus_bytes(key) - PKCS1_OVERHEAD;
	if (alg == KEY_ALG_RSNULL && (len == 0 || len > max))
		return KEY_REFUSE(err, "The value is %zu bytes long; RSNULL with this key takes 1 to %zu.", len, max);
	return 0;
}

int rsa_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err) {
	int rc = check_raw(key, alg, len, err);
	if (rc < 0)
		return rc;
	EVP_PKEY_CTX *ctx = take(key, KEY_OP_SIGN, alg);
	uint8_t made[KEY_RSA_MAX_BYTES];
	size_t n = sizeof(made);
	if (!ctx || EVP_PKEY_sign(ctx, made, &n, digest, len) != 1) {
		EVP_PKEY_CTX_free(ctx);
		return key_library_failed(err, "sign with an RSA key");
	}
	key_ctx_give(key, KEY_OP_SIGN, alg, ctx);
	return buf_append(signature, made, n) < 0 ? err_oom(err) : 0;
}

int rsa_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) {
	int rc = check_raw(key, alg, len, err);
	if (rc < 0)
		return rc;
	EVP_PKEY_CTX *ctx = take(key, KEY_OP_VERIFY, alg);
	if (!ctx)
		return key_library_failed(err, "verify with an RSA key");
	*valid = signature_len == modulus_bytes(key) && EVP_PKEY_verify(ctx, signature, signature_len, digest, len) == 1;
	ERR_clear_error();
	key_ctx_give(key, KEY_OP_VERIFY, alg, ctx);
	return 0;
}
