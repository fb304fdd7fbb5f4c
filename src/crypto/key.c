// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "crypto/key_internal.h"

int key_library_failed(struct err *err, const char *what) {
	ERR_clear_error();
	return err_set(err, -EIO, 500, "InternalServerError", "cannot %s", what);
}

int key_does_not_open(struct err *err, enum key_alg alg) {
	ERR_clear_error();
	return KEY_REFUSE(err, "The value cannot be decrypted or unwrapped with this key and %s.", alg_name(alg));
}

static int refuse_kind(struct err *err) {
	return KEY_REFUSE(err, "The key type is not supported.");
}

static const char *kind_name(enum key_kind kind) {
	return kind == KEY_KIND_RSA ? "RSA" : kind == KEY_KIND_EC ? "EC" : "oct";
}

// The struct and its life.

static void key_free(struct key *key) {
	for (int op = 0; op < KEY_OP_COUNT; op++)
		for (int alg = 0; alg < KEY_ALG_COUNT; alg++)
			EVP_PKEY_CTX_free(atomic_load_explicit(&key->idle[op][alg], memory_order_relaxed));
	EVP_PKEY_free(key->pkey);
	secret_free(&key->oct);
	free(key);
}

int key_new(enum key_kind kind, enum key_curve curve, EVP_PKEY *pkey, bool is_private, struct key **out, struct err *err) {
	struct key *key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return err_oom(err);
	}
	key->refs = 1;
	key->kind = kind;
	key->bits = pkey ? (unsigned)EVP_PKEY_get_bits(pkey) : 0;
	key->curve = curve;
	key->is_private = is_private;
	key->pkey = pkey;
	*out = key;
	return 0;
}

struct key *key_ref(struct key *key) {
	atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
	return key;
}

void key_unref(struct key *key) {
	if (key && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1)
		key_free(key);
}

void key_private_free(struct key_private *key) {
	struct secret *members[] = {&key->d, &key->p, &key->q, &key->dp, &key->dq, &key->qi, &key->k};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		secret_free(members[i]);
}

void key_output_free(struct key_output *out) {
	secret_free(&out->value);
}

enum key_kind key_kind(const struct key *key) {
	return key->kind;
}

unsigned key_bits(const struct key *key) {
	return key->bits;
}

// Contexts of OpenSSL. Each is used by one thread at a time; the key keeps one idle one and the rest are freed.

static bool ctx_set_up(EVP_PKEY_CTX *ctx, enum key_op op, const OSSL_PARAM params[]) {
	switch (op) {
	case KEY_OP_ENCRYPT: return EVP_PKEY_encrypt_init_ex(ctx, params) == 1;
	case KEY_OP_DECRYPT: return EVP_PKEY_decrypt_init_ex(ctx, params) == 1;
	case KEY_OP_SIGN: return EVP_PKEY_sign_init_ex(ctx, params) == 1;
	case KEY_OP_VERIFY: return EVP_PKEY_verify_init_ex(ctx, params) == 1;
	case KEY_OP_COUNT: break;
	}
	return false;
}

EVP_PKEY_CTX *key_ctx_take(struct key *key, enum key_op op, enum key_alg alg, const OSSL_PARAM params[]) {
	EVP_PKEY_CTX *idle = atomic_exchange(&key->idle[op][alg], NULL);
	if (idle)
		return idle;
	_cleanup_pkey_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	return ctx && ctx_set_up(ctx, op, params) ? TAKE_PTR(ctx) : NULL;
}

void key_ctx_give(struct key *key, enum key_op op, enum key_alg alg, EVP_PKEY_CTX *ctx) {
	EVP_PKEY_CTX_free(atomic_exchange(&key->idle[op][alg], ctx));
}

// Making and loading.

int key_spec_check(const struct key_spec *spec, struct err *err) {
	switch (spec->kind) {
	case KEY_KIND_RSA:
		if (!rsa_bits_allowed(spec->bits))
			return KEY_REFUSE(err, "The RSA key size %u is not supported; use 2048, 3072 or 4096.", spec->bits);
		if (spec->exponent != 0 && (spec->exponent < 3 || spec->exponent % 2 == 0))
			return KEY_REFUSE(err, "The RSA public exponent %u is not supported; it must be odd and at least 3.",
				spec->exponent);
		return 0;
	case KEY_KIND_EC:
		if (curve_bits(spec->curve) == 0)
			return KEY_REFUSE(err, "The curve is not supported; use P-256, P-256K, P-384 or P-521.");
		return 0;
	case KEY_KIND_OCT:
		if (!oct_bits_allowed(spec->bits))
			return KEY_REFUSE(err, "The oct key size %u is not supported; use 128, 192 or 256.", spec->bits);
		return 0;
	case KEY_KIND_NONE: break;
	}
	return refuse_kind(err);
}

int key_make(const struct key_spec *spec, struct key **out, struct err *err) {
	int rc = key_spec_check(spec, err);
	if (rc < 0)
		return rc;
	return spec->kind == KEY_KIND_RSA ? rsa_make(spec, out, err)
	       : spec->kind == KEY_KIND_EC ? ec_make(spec, out, err)
					   : oct_make(spec, out, err);
}

int key_pkey_of_params(const char *type, OSSL_PARAM_BLD *builder, bool is_private, EVP_PKEY **out) {
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	_cleanup_pkey_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	_cleanup_evp_pkey_ EVP_PKEY *made = NULL;
	int rc = params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 ? 0 : -EIO;
	if (rc == 0 && EVP_PKEY_fromdata(ctx, &made, is_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) != 1)
		rc = -EINVAL;
	OSSL_PARAM_free(params);
	if (rc == 0 && is_private && !key_pkey_is_sound(made))
		rc = -EINVAL;
	ERR_clear_error();
	if (rc == 0)
		*out = TAKE_PTR(made);
	return rc;
}

bool key_pkey_is_sound(EVP_PKEY *pkey) {
	_cleanup_pkey_ctx_ EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool sound = ctx && EVP_PKEY_check(ctx) == 1;
	ERR_clear_error();
	return sound;
}

int key_from_public(const struct key_public *pub, struct key **out, struct err *err) {
	switch (pub->kind) {
	case KEY_KIND_RSA: return rsa_from_public(pub, out, err);
	case KEY_KIND_EC: return ec_from_public(pub, out, err);
	case KEY_KIND_OCT: return KEY_REFUSE(err, "An oct key has no public half.");
	case KEY_KIND_NONE: break;
	}
	return refuse_kind(err);
}

int key_from_private(const struct key_private *priv, struct key **out, struct err *err) {
	switch (priv->pub.kind) {
	case KEY_KIND_RSA: return rsa_from_private(priv, out, err);
	case KEY_KIND_EC: return ec_from_private(priv, out, err);
	case KEY_KIND_OCT: return oct_from_bytes(priv->k.data, priv->k.len, out, err);
	case KEY_KIND_NONE: break;
	}
	return refuse_kind(err);
}

static int refuse_encoding(struct err *err) {
	ERR_clear_error();
	return KEY_REFUSE(err, "The private key is not the PKCS#8 encoding of a key of the type and sizes that are supported.");
}

static EVP_PKEY *decode_pkcs8(enum key_kind kind, const void *data, size_t len) {
	const uint8_t *p = data;
	PKCS8_PRIV_KEY_INFO *info = len <= LONG_MAX ? d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)len) : NULL;
	bool whole = info && p == (const uint8_t *)data + len;
	_cleanup_evp_pkey_ EVP_PKEY *loaded = whole ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	return loaded && EVP_PKEY_is_a(loaded, kind_name(kind)) ? TAKE_PTR(loaded) : NULL;
}

static bool foreign_is_sound(enum key_kind kind, EVP_PKEY *pkey) {
	return (kind != KEY_KIND_RSA || rsa_pkey_is_plausible(pkey)) && key_pkey_is_sound(pkey);
}

// `foreign` bytes come from outside and are not believed: what they hold must belong together.
static int decode(enum key_kind kind, const void *data, size_t len, bool foreign, struct key **out, struct err *err) {
	if (kind == KEY_KIND_OCT)
		return oct_from_bytes(data, len, out, err);
	if (kind != KEY_KIND_RSA && kind != KEY_KIND_EC)
		return refuse_kind(err);
	_cleanup_evp_pkey_ EVP_PKEY *pkey = decode_pkcs8(kind, data, len);
	if (!pkey || (foreign && !foreign_is_sound(kind, pkey)))
		return refuse_encoding(err);
	int rc = kind == KEY_KIND_RSA ? rsa_from_pkey(TAKE_PTR(pkey), out, err) : ec_from_pkey(TAKE_PTR(pkey), out, err);
	return rc == -EINVAL ? refuse_encoding(err) : rc;
}

int key_from_encoded(enum key_kind kind, const void *data, size_t len, struct key **out, struct err *err) {
	return decode(kind, data, len, false, out, err);
}

static int no_private_half(struct err *err) {
	return err_set(err, -EIO, 500, "InternalServerError", "the key has no private half");
}

int key_encode(const struct key *key, struct secret *out, struct err *err) {
	if (!key->is_private)
		return no_private_half(err);
	if (key->kind == KEY_KIND_OCT)
		return secret_copy(out, key->oct.data, key->oct.len) < 0 ? err_oom(err) : 0;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->pkey);
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
		return key_library_failed(err, "encode a private key");
	*out = encoded;
	encoded = (struct secret){0};
	return 0;
}

int key_public_of(const struct key *key, struct key_public *out, struct err *err) {
	if (key->kind == KEY_KIND_OCT) {
		*out = (struct key_public){.kind = KEY_KIND_OCT, .bits = key->bits};
		return 0;
	}
	return key->kind == KEY_KIND_RSA ? rsa_public_of(key, out, err) : ec_public_of(key, out, err);
}

// Operations.

static const char *use_name(enum alg_use use) {
	return use == ALG_SIGN ? "sign" : use == ALG_WRAP ? "wrap keys" : "encrypt";
}

static int check_alg(const struct key *key, enum key_alg alg, enum alg_use use, struct err *err) {
	const struct alg_info *info = alg_info(alg);
	if (info->uses == 0)
		return KEY_REFUSE(err, "The algorithm is not supported.");
	if (!(info->uses & use))
		return KEY_REFUSE(err, "The algorithm %s cannot %s.", info->name, use_name(use));
	if (info->kind != key->kind)
		return KEY_REFUSE(err, "The algorithm %s is not for keys of type %s.", info->name, kind_name(key->kind));
	if (info->curve != key->curve)
		return KEY_REFUSE(err, "The algorithm %s is for keys on the curve %s; this one is on %s.", info->name,
			curve_name(info->curve), curve_name(key->curve));
	if (info->bits != 0 && info->bits != key->bits)
		return KEY_REFUSE(err, "The key size is incorrect: the algorithm %s works with keys of %u bits, this one has %u.",
			info->name, info->bits, key->bits);
	return 0;
}

static int check_crypt(const struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in,
	struct err *err) {
	if (use != ALG_ENCRYPT && use != ALG_WRAP)
		return err_set(err, -EINVAL, 500, "InternalServerError", "a use that is neither to encrypt nor to wrap");
	int rc = check_alg(key, alg, use, err);
	if (rc < 0)
		return rc;
	// OpenSSL's sizes are ints; a block may be added.
	const size_t max = INT_MAX - 2 * EVP_MAX_BLOCK_LENGTH;
	return in->len > max || in->aad_len > max ? KEY_REFUSE(err, "The value is too long.") : 0;
}

int key_encrypt(struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in, struct key_output *out,
	struct err *err) {
	int rc = check_crypt(key, alg, use, in, err);
	if (rc < 0)
		return rc;
	return key->kind == KEY_KIND_RSA ? rsa_encrypt(key, alg, in, out, err) : oct_encrypt(key, alg, in, out, err);
}

int key_decrypt(struct key *key, enum key_alg alg, enum alg_use use, const struct key_input *in, struct key_output *out,
	struct err *err) {
	int rc = check_crypt(key, alg, use, in, err);
	if (rc < 0)
		return rc;
	if (!key->is_private)
		return no_private_half(err);
	return key->kind == KEY_KIND_RSA ? rsa_decrypt(key, alg, in, out, err) : oct_decrypt(key, alg, in, out, err);
}

static int check_sign(const struct key *key, enum key_alg alg, size_t len, struct err *err) {
	int rc = check_alg(key, alg, ALG_SIGN, err);
	size_t digest = alg_info(alg)->digest;
	if (rc < 0 || digest == 0 || digest == len)
		return rc;
	return KEY_REFUSE(err, "The digest is %zu bytes long; the algorithm %s takes one of %zu.", len, alg_name(alg), digest);
}

int key_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err) {
	int rc = check_sign(key, alg, len, err);
	if (rc < 0)
		return rc;
	if (!key->is_private)
		return no_private_half(err);
	return key->kind == KEY_KIND_RSA ? rsa_sign(key, alg, digest, len, signature, err)
	       : key->kind == KEY_KIND_EC ? ec_sign(key, alg, digest, len, signature, err)
					  : oct_sign(key, alg, digest, len, signature, err);
}

int key_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) {
	int rc = check_sign(key, alg, len, err);
	if (rc < 0)
		return rc;
	return key->kind == KEY_KIND_RSA ? rsa_verify(key, alg, digest, len, signature, signature_len, valid, err)
	       : key->kind == KEY_KIND_EC ? ec_verify(key, alg, digest, len, signature, signature_len, valid, err)
					  : oct_verify(key, alg, digest, len, signature, signature_len, valid, err);
}

// Key transfer.

static int refuse_transfer(struct err *err) {
	return KEY_REFUSE(err, "The key transfer blob cannot be unwrapped with this key.");
}

// An AES-256 key, or -EINVAL: whether the bytes did not open or opened to something else is not told apart.
static int unwrap_aes(struct key *key, const void *in, size_t len, struct key **out, struct err *err) {
	const struct key_input wrapped = {.value = in, .len = len};
	_cleanup_key_output_ struct key_output plain = {0};
	int rc = key_decrypt(key, KEY_ALG_RSA_OAEP, ALG_WRAP, &wrapped, &plain, err);
	if (rc == 0)
		rc = oct_from_bytes(plain.value.data, plain.value.len, out, err);
	return rc;
}

int key_unwrap_transfer(struct key *key, enum key_kind kind, const void *in, size_t len, struct key **out,
	struct err *err) {
	size_t wrapped_key = key->bits / 8;
	if (key->kind != KEY_KIND_RSA || len <= wrapped_key)
		return refuse_transfer(err);
	_cleanup_pkey_ struct key *aes = NULL;
	_cleanup_key_output_ struct key_output plain = {0};
	const struct key_input wrapped = {.value = (const uint8_t *)in + wrapped_key, .len = len - wrapped_key};
	int rc = unwrap_aes(key, in, wrapped_key, &aes, err);
	if (rc == 0)
		rc = aes->bits == 256 ? key_decrypt(aes, KEY_ALG_AES_KEY_WRAP_PAD, ALG_WRAP, &wrapped, &plain, err) : -EINVAL;
	if (rc < 0)
		return rc == -EINVAL ? refuse_transfer(err) : rc;
	return decode(kind, plain.value.data, plain.value.len, true, out, err);
}
