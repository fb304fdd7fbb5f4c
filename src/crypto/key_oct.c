// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "crypto/key_internal.h"

enum { BLOCK = 16, SEMIBLOCK = 8, GCM_IV = 12 };

enum mode {
	MODE_KW,
	MODE_KWP,
	MODE_GCM,
	MODE_CBC,
	MODE_CBCPAD,
	MODE_COUNT,
};

static enum mode mode_of(enum key_alg alg) {
	switch (alg) {
	case KEY_ALG_AES_KEY_WRAP_PAD: return MODE_KWP;
	case KEY_ALG_A128GCM:
	case KEY_ALG_A192GCM:
	case KEY_ALG_A256GCM: return MODE_GCM;
	case KEY_ALG_A128CBC:
	case KEY_ALG_A192CBC:
	case KEY_ALG_A256CBC: return MODE_CBC;
	case KEY_ALG_A128CBCPAD:
	case KEY_ALG_A192CBCPAD:
	case KEY_ALG_A256CBCPAD: return MODE_CBCPAD;
	default: return MODE_KW;
	}
}

// Fetched once and kept to the end of the process: to fetch a cipher costs more than to use it.
enum { SIZES = 3 };
static EVP_CIPHER *ciphers[MODE_COUNT][SIZES];
static pthread_once_t ciphers_once = PTHREAD_ONCE_INIT;

static void fetch_ciphers(void) {
	static const char *const names[MODE_COUNT][SIZES] = {
		[MODE_KW] = {"AES-128-WRAP", "AES-192-WRAP", "AES-256-WRAP"},
		[MODE_KWP] = {"AES-128-WRAP-PAD", "AES-192-WRAP-PAD", "AES-256-WRAP-PAD"},
		[MODE_GCM] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"},
		[MODE_CBC] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
		[MODE_CBCPAD] = {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"},
	};
	for (int mode = 0; mode < MODE_COUNT; mode++)
		for (int size = 0; size < SIZES; size++)
			ciphers[mode][size] = EVP_CIPHER_fetch(NULL, names[mode][size], NULL);
}

static const EVP_CIPHER *cipher_of(const struct key *key, enum mode mode) {
	(void)pthread_once(&ciphers_once, fetch_ciphers);
	return ciphers[mode][(key->bits - 128) / 64];
}

// Making and loading.

bool oct_bits_allowed(size_t bits) {
	return bits == 128 || bits == 192 || bits == 256;
}

static int from_secret(struct secret *bytes, struct key **out, struct err *err) {
	struct key *key = NULL;
	int rc = key_new(KEY_KIND_OCT, KEY_CURVE_NONE, NULL, true, &key, err);
	if (rc < 0)
		return rc;
	key->bits = (unsigned)(8 * bytes->len);
	key->oct = *bytes;
	*bytes = (struct secret){0};
	*out = key;
	return 0;
}

int oct_make(const struct key_spec *spec, struct key **out, struct err *err) {
	_cleanup_secret_ struct secret bytes = {0};
	int rc = secret_random(&bytes, spec->bits / 8);
	if (rc < 0)
		return rc == -ENOMEM ? err_oom(err) : key_library_failed(err, "make an oct key");
	return from_secret(&bytes, out, err);
}

int oct_from_bytes(const void *data, size_t len, struct key **out, struct err *err) {
	if (len > KEY_OCT_MAX_BYTES || !oct_bits_allowed(8 * len))
		return KEY_REFUSE(err, "The oct key is not valid: it must have 128, 192 or 256 bits.");
	_cleanup_secret_ struct secret bytes = {0};
	if (secret_copy(&bytes, data, len) < 0)
		return err_oom(err);
	return from_secret(&bytes, out, err);
}

// What the modes take.

static int check_extras(enum mode mode, enum key_alg alg, bool encrypt, const struct key_input *in, struct err *err) {
	if (mode != MODE_GCM && (in->aad_len > 0 || in->tag_len > 0))
		return KEY_REFUSE(err, "The algorithm %s takes no aad or tag.", alg_name(alg));
	switch (mode) {
	case MODE_CBC:
	case MODE_CBCPAD:
		return in->iv_len == BLOCK ? 0 : KEY_REFUSE(err, "The algorithm %s needs an iv of %d bytes.", alg_name(alg), BLOCK);
	case MODE_GCM:
		if (encrypt && (in->iv_len > 0 || in->tag_len > 0))
			return KEY_REFUSE(err, "The algorithm %s makes the iv and the tag; they must not be given.", alg_name(alg));
		if (!encrypt && (in->iv_len != GCM_IV || in->tag_len != KEY_TAG_SIZE))
			return KEY_REFUSE(err, "The algorithm %s needs an iv of %d and a tag of %d bytes.", alg_name(alg), GCM_IV,
				KEY_TAG_SIZE);
		return 0;
	default: return in->iv_len == 0 ? 0 : KEY_REFUSE(err, "The algorithm %s takes no iv.", alg_name(alg));
	}
}

static int check_plaintext(enum mode mode, enum key_alg alg, size_t len, struct err *err) {
	if (mode == MODE_KW && (len < 2 * SEMIBLOCK || len % SEMIBLOCK != 0))
		return KEY_REFUSE(err, "The value is %zu bytes long; %s takes a multiple of %d, at least %d.", len, alg_name(alg),
			SEMIBLOCK, 2 * SEMIBLOCK);
	if (mode == MODE_KWP && len == 0)
		return KEY_REFUSE(err, "The value is empty; %s takes at least one byte.", alg_name(alg));
	if (mode == MODE_CBC && (len == 0 || len % BLOCK != 0))
		return KEY_REFUSE(err, "The value is %zu bytes long; %s takes whole blocks of %d.", len, alg_name(alg), BLOCK);
	return 0;
}

static bool ciphertext_fits(enum mode mode, size_t len) {
	switch (mode) {
	case MODE_KW: return len >= 3 * SEMIBLOCK && len % SEMIBLOCK == 0;
	case MODE_KWP: return len >= 2 * SEMIBLOCK && len % SEMIBLOCK == 0;
	case MODE_CBC:
	case MODE_CBCPAD: return len > 0 && len % BLOCK == 0;
	default: return true;
	}
}

#define _cleanup_cipher_ctx_ _cleanup_(free_cipher_ctx)
static void free_cipher_ctx(EVP_CIPHER_CTX **ctx) {
	EVP_CIPHER_CTX_free(*ctx);  // wipes the key schedule
}

static EVP_CIPHER_CTX *begin(const struct key *key, enum mode mode, bool encrypt, const void *iv,
	const struct key_input *in) {
	const EVP_CIPHER *cipher = cipher_of(key, mode);
	_cleanup_cipher_ctx_ EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
	if (!ctx)
		return NULL;
	if (mode == MODE_KW || mode == MODE_KWP)
		EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	int n = 0;
	if (EVP_CipherInit_ex2(ctx, cipher, key->oct.data, iv, encrypt, NULL) != 1 ||
		(mode != MODE_CBCPAD && EVP_CIPHER_CTX_set_padding(ctx, 0) != 1) ||
		(in->aad_len > 0 && EVP_CipherUpdate(ctx, NULL, &n, in->aad, (int)in->aad_len) != 1))
		return NULL;
	return TAKE_PTR(ctx);
}

// All of in into out, whose length is cut to what came.
static bool run(EVP_CIPHER_CTX *ctx, const struct key_input *in, struct secret *out) {
	int n = 0, rest = 0;
	if (in->len > 0 && EVP_CipherUpdate(ctx, out->data, &n, in->value, (int)in->len) != 1)
		return false;
	if (EVP_CipherFinal_ex(ctx, out->data + n, &rest) != 1)
		return false;
	size_t len = (size_t)n + (size_t)rest;
	OPENSSL_cleanse(out->data + len, out->len - len);
	out->len = len;
	return true;
}

int oct_encrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err) {
	enum mode mode = mode_of(alg);
	int rc = check_extras(mode, alg, true, in, err);
	if (rc == 0)
		rc = check_plaintext(mode, alg, in->len, err);
	if (rc < 0)
		return rc;
	_cleanup_key_output_ struct key_output made = {0};
	if (secret_alloc(&made.value, in->len + 2 * BLOCK) < 0)
		return err_oom(err);
	if (mode == MODE_GCM) {
		if (RAND_bytes(made.iv, GCM_IV) != 1)
			return key_library_failed(err, "make an iv");
		made.iv_len = GCM_IV;
		made.tag_len = KEY_TAG_SIZE;
	} else if (in->iv_len > 0) {
		memcpy(made.iv, in->iv, in->iv_len);
		made.iv_len = in->iv_len;
	}
	_cleanup_cipher_ctx_ EVP_CIPHER_CTX *ctx = begin(key, mode, true, made.iv_len > 0 ? made.iv : NULL, in);
	if (!ctx || !run(ctx, in, &made.value) ||
		(mode == MODE_GCM && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, KEY_TAG_SIZE, made.tag) != 1))
		return key_library_failed(err, "encrypt with an oct key");
	*out = made;
	made = (struct key_output){0};
	return 0;
}

int oct_decrypt(struct key *key, enum key_alg alg, const struct key_input *in, struct key_output *out, struct err *err) {
	enum mode mode = mode_of(alg);
	int rc = check_extras(mode, alg, false, in, err);
	if (rc < 0)
		return rc;
	_cleanup_secret_ struct secret plain = {0};
	if (secret_alloc(&plain, in->len + BLOCK) < 0)
		return err_oom(err);
	_cleanup_cipher_ctx_ EVP_CIPHER_CTX *ctx = begin(key, mode, false, in->iv_len > 0 ? in->iv : NULL, in);
	uint8_t tag[KEY_TAG_SIZE];
	if (mode == MODE_GCM)
		memcpy(tag, in->tag, sizeof(tag));
	if (!ctx || (mode == MODE_GCM && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, KEY_TAG_SIZE, tag) != 1))
		return key_library_failed(err, "decrypt with an oct key");
	if (!ciphertext_fits(mode, in->len) || !run(ctx, in, &plain))
		return key_does_not_open(err, alg);
	*out = (struct key_output){.value = plain};
	plain = (struct secret){0};
	return 0;
}

// HMAC of the digest.

static bool hmac(const struct key *key, enum key_alg alg, const void *digest, size_t len, uint8_t out[static EVP_MAX_MD_SIZE]) {
	const char *hash = alg == KEY_ALG_HS256 ? "SHA256" : alg == KEY_ALG_HS384 ? "SHA384" : "SHA512";
	size_t n = 0;
	return EVP_Q_mac(NULL, "HMAC", NULL, hash, NULL, key->oct.data, key->oct.len, digest, len, out, EVP_MAX_MD_SIZE, &n) &&
		n == alg_info(alg)->digest;
}

int oct_sign(struct key *key, enum key_alg alg, const void *digest, size_t len, struct buf *signature, struct err *err) {
	uint8_t mac[EVP_MAX_MD_SIZE];
	if (!hmac(key, alg, digest, len, mac))
		return key_library_failed(err, "sign with an oct key");
	return buf_append(signature, mac, alg_info(alg)->digest) < 0 ? err_oom(err) : 0;
}

int oct_verify(struct key *key, enum key_alg alg, const void *digest, size_t len, const void *signature,
	size_t signature_len, bool *valid, struct err *err) {
	uint8_t mac[EVP_MAX_MD_SIZE];
	if (!hmac(key, alg, digest, len, mac))
		return key_library_failed(err, "verify with an oct key");
	*valid = secret_equal(mac, alg_info(alg)->digest, signature, signature_len);
	OPENSSL_cleanse(mac, sizeof(mac));
	return 0;
}
