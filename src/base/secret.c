// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// Blocks smaller than this share a page of the heap with nobody else's bookkeeping overhead.
enum { SMALLEST_BLOCK = 32 };

int secret_init(size_t heap, struct err *err) {
	const struct rlimit no_core = {0, 0};
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return err_errno(err, -errno, "cannot switch core dumps off");
	// 1 is success; 2 means that the memory could not be locked or kept out of dumps.
	if (CRYPTO_secure_malloc_init(heap, SMALLEST_BLOCK) != 1)
		return err_set(err, -ENOMEM, 500, "InternalServerError",
			"cannot lock %zu bytes of memory for secrets; raise the memory-lock limit (ulimit -l)", heap);
	return 0;
}

int secret_alloc(struct secret *s, size_t len) {
	uint8_t *data = OPENSSL_secure_zalloc(len ? len : 1);
	if (!data)
		return -ENOMEM;
	*s = (struct secret){.data = data, .len = len};
	return 0;
}

int secret_copy(struct secret *s, const void *data, size_t len) {
	int rc = secret_alloc(s, len);
	if (rc == 0 && len > 0)
		memcpy(s->data, data, len);
	return rc;
}

int secret_random(struct secret *s, size_t len) {
	struct secret fresh = {0};
	int rc = secret_alloc(&fresh, len);
	if (rc < 0)
		return rc;
	if (RAND_priv_bytes(fresh.data, (int)len) != 1) {
		secret_free(&fresh);
		return -EIO;
	}
	*s = fresh;
	return 0;
}

void secret_free(struct secret *s) {
	OPENSSL_secure_clear_free(s->data, s->len ? s->len : 1);
	*s = (struct secret){0};
}

bool secret_equal(const void *a, size_t a_len, const void *b, size_t b_len) {
	return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}
