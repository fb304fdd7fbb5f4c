// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

int hash_sha256(const void *data, size_t len, uint8_t out[static HASH_SHA256_SIZE]) {
	uint8_t digest[EVP_MAX_MD_SIZE];
	size_t n = 0;
	if (EVP_Q_digest(NULL, "SHA256", NULL, data, len, digest, &n) != 1 || n != HASH_SHA256_SIZE)
		return -EIO;
	memcpy(out, digest, HASH_SHA256_SIZE);
	return 0;
}

int hash_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	uint8_t out[static HASH_SHA256_SIZE]) {
	uint8_t mac[HASH_SHA256_SIZE];
	size_t n = 0;
	// An empty key is a key; a NULL pointer would tell OpenSSL that none was given.
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key_len > 0 ? key : "", key_len, data, len, mac, sizeof(mac), &n) ||
		n != HASH_SHA256_SIZE)
		return -EIO;
	memcpy(out, mac, HASH_SHA256_SIZE);
	return 0;
}

// OSSL_PARAM wants pointers to non-const; the KDF only reads them.
static void *unconst(const void *p) {
	return (void *)(uintptr_t)p;
}

int hash_hkdf_sha256(const void *key, size_t key_len, const void *salt, size_t salt_len, const char *label, uint8_t *out,
	size_t out_len) {
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	EVP_KDF_free(kdf);
	if (!ctx)
		return -EIO;
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, unconst("SHA256"), 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, unconst(key), key_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, unconst(salt), salt_len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, unconst(label), strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = EVP_KDF_derive(ctx, out, out_len, params) == 1;
	EVP_KDF_CTX_free(ctx);
	return ok ? 0 : -EIO;
}
