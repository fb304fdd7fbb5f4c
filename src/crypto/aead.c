// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>

static void free_ctx(EVP_CIPHER_CTX **ctx) {
	EVP_CIPHER_CTX_free(*ctx);
}

// Key, nonce and additional data into a fresh context; sizes are ints in OpenSSL.
static EVP_CIPHER_CTX *begin(bool seal, const uint8_t *key, const uint8_t *nonce, const void *aad, size_t aad_len,
	size_t len) {
	if (aad_len > INT_MAX || len > INT_MAX)
		return NULL;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0;
	if (ctx && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, seal, NULL) == 1 &&
		(aad_len == 0 || EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1))
		return ctx;
	EVP_CIPHER_CTX_free(ctx);
	return NULL;
}

int aead_seal(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE], const void *aad,
	size_t aad_len, const void *in, size_t len, uint8_t *out, uint8_t tag[static AEAD_TAG_SIZE]) {
	_cleanup_(free_ctx) EVP_CIPHER_CTX *ctx = begin(true, key, nonce, aad, aad_len, len);
	uint8_t rest[EVP_MAX_BLOCK_LENGTH];
	int n = 0;
	if (!ctx || (len > 0 && EVP_EncryptUpdate(ctx, out, &n, in, (int)len) != 1) ||
		EVP_EncryptFinal_ex(ctx, rest, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_SIZE, tag) != 1)
		return -EIO;
	return 0;
}

int aead_open(const uint8_t key[static AEAD_KEY_SIZE], const uint8_t nonce[static AEAD_NONCE_SIZE], const void *aad,
	size_t aad_len, const void *in, size_t len, uint8_t *out, const uint8_t tag[static AEAD_TAG_SIZE]) {
	_cleanup_(free_ctx) EVP_CIPHER_CTX *ctx = begin(false, key, nonce, aad, aad_len, len);
	uint8_t expected[AEAD_TAG_SIZE], rest[EVP_MAX_BLOCK_LENGTH];
	for (size_t i = 0; i < AEAD_TAG_SIZE; i++)
		expected[i] = tag[i];
	int n = 0;
	if (!ctx || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_SIZE, expected) != 1)
		return -EIO;
	if ((len > 0 && EVP_DecryptUpdate(ctx, out, &n, in, (int)len) != 1) || EVP_DecryptFinal_ex(ctx, rest, &n) != 1) {
		OPENSSL_cleanse(out, len);
		return -EBADMSG;
	}
	return 0;
}
