// SPDX-License-Identifier: Apache-2.0
#include "disk/xts.h"

#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { IV_SIZE = 16 };

enum direction { DECRYPT, ENCRYPT, DIRECTIONS };

// A context that is borrowed by one thread at a time.
struct lane {
	EVP_CIPHER_CTX *ctx;
	struct lane *next;
};

struct xts {
	EVP_CIPHER *cipher;
	struct secret key;
	pthread_mutex_t mutex;  // of the free lanes
	struct lane *lanes[DIRECTIONS];
};

static bool halves_differ(const struct secret *key) {
	return !secret_equal(key->data, XTS_KEY_SIZE / 2, key->data + XTS_KEY_SIZE / 2, XTS_KEY_SIZE / 2);
}

int xts_make_key(struct secret *key, struct err *err) {
	struct secret fresh = {0};
	int rc = secret_random(&fresh, XTS_KEY_SIZE);
	if (rc < 0)
		return err_errno(err, rc, "cannot make a disk key");
	// Happens once in 2^256 draws of a sound generator, so it means that the generator is broken.
	if (!halves_differ(&fresh)) {
		secret_free(&fresh);
		return err_errno(err, -EIO, "the random generator repeats itself");
	}
	*key = fresh;
	return 0;
}

int xts_new(const struct secret *key, struct xts **out, struct err *err) {
	if (key->len != XTS_KEY_SIZE || !halves_differ(key))
		return err_set(err, -EINVAL, 500, "InternalDiskManagementError", "The disk's key cannot be used with AES-256-XTS.");
	struct xts *x = calloc(1, sizeof(*x));
	if (!x)
		return err_oom(err);
	x->cipher = EVP_CIPHER_fetch(NULL, "AES-256-XTS", NULL);
	if (!x->cipher || secret_copy(&x->key, key->data, key->len) < 0 || pthread_mutex_init(&x->mutex, NULL) != 0) {
		EVP_CIPHER_free(x->cipher);
		secret_free(&x->key);
		free(x);
		return err_oom(err);
	}
	*out = x;
	return 0;
}

static void lane_free(struct lane *lane) {
	EVP_CIPHER_CTX_free(lane->ctx);  // wipes the key schedule
	free(lane);
}

void xts_free(struct xts *x) {
	if (!x)
		return;
	for (int d = 0; d < DIRECTIONS; d++) {
		while (x->lanes[d]) {
			struct lane *next = x->lanes[d]->next;
			lane_free(x->lanes[d]);
			x->lanes[d] = next;
		}
	}
	pthread_mutex_destroy(&x->mutex);
	secret_free(&x->key);
	EVP_CIPHER_free(x->cipher);
	free(x);
}

static int lane_new(struct xts *x, enum direction direction, struct lane **out) {
	struct lane *lane = calloc(1, sizeof(*lane));
	if (!lane)
		return -ENOMEM;
	lane->ctx = EVP_CIPHER_CTX_new();
	if (!lane->ctx || EVP_CipherInit_ex2(lane->ctx, x->cipher, x->key.data, NULL, direction == ENCRYPT, NULL) != 1) {
		lane_free(lane);
		return -EIO;
	}
	*out = lane;
	return 0;
}

static int borrow(struct xts *x, enum direction direction, struct lane **out) {
	(void)pthread_mutex_lock(&x->mutex);
	struct lane *lane = x->lanes[direction];
	if (lane)
		x->lanes[direction] = lane->next;
	(void)pthread_mutex_unlock(&x->mutex);
	if (!lane)
		return lane_new(x, direction, out);
	*out = lane;
	return 0;
}

static void give_back(struct xts *x, enum direction direction, struct lane *lane) {
	(void)pthread_mutex_lock(&x->mutex);
	lane->next = x->lanes[direction];
	x->lanes[direction] = lane;
	(void)pthread_mutex_unlock(&x->mutex);
}

static int sectors(EVP_CIPHER_CTX *ctx, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	uint64_t unit = offset / XTS_IV_UNIT;
	for (size_t at = 0; at < len; at += XTS_SECTOR_SIZE, unit += XTS_SECTOR_SIZE / XTS_IV_UNIT) {
		uint8_t iv[IV_SIZE] = {0};
		for (size_t i = 0; i < sizeof(unit); i++)
			iv[i] = (uint8_t)(unit >> 8 * i);
		int n = 0;
		if (EVP_CipherInit_ex2(ctx, NULL, NULL, iv, -1, NULL) != 1 ||
			EVP_CipherUpdate(ctx, out + at, &n, in + at, XTS_SECTOR_SIZE) != 1 || n != XTS_SECTOR_SIZE)
			return -EIO;
	}
	return 0;
}

static int crypt(struct xts *x, enum direction direction, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	if (offset % XTS_IV_UNIT != 0 || len % XTS_SECTOR_SIZE != 0)
		return -EINVAL;
	struct lane *lane;
	int rc = borrow(x, direction, &lane);
	if (rc < 0)
		return rc;
	rc = sectors(lane->ctx, offset, in, out, len);
	give_back(x, direction, lane);
	return rc;
}

int xts_encrypt(struct xts *x, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	return crypt(x, ENCRYPT, offset, in, out, len);
}

int xts_decrypt(struct xts *x, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	return crypt(x, DECRYPT, offset, in, out, len);
}
