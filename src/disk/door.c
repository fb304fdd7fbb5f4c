// SPDX-License-Identifier: Apache-2.0
#include "disk/door.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

struct door {
	pthread_rwlock_t lock;
	struct xts *xts;    // NULL while shut
	struct secret key;  // of xts, to compare with; empty before the first opening and while shut
	int64_t until_ns;
};

int door_new(struct door **out, struct err *err) {
	struct door *d = calloc(1, sizeof(*d));
	if (!d)
		return err_oom(err);
	// Readers come without a pause while a disk is busy: whoever shuts the door must not wait for a gap.
	pthread_rwlockattr_t attr;
	int rc = -pthread_rwlockattr_init(&attr);
	if (rc == 0) {
		rc = -pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
		if (rc == 0)
			rc = -pthread_rwlock_init(&d->lock, &attr);
		(void)pthread_rwlockattr_destroy(&attr);
	}
	if (rc < 0) {
		free(d);
		return err_errno(err, rc, "cannot make a lock");
	}
	*out = d;
	return 0;
}

static void wipe(struct door *d) {
	xts_free(d->xts);
	d->xts = NULL;
	secret_free(&d->key);
}

void door_free(struct door *d) {
	if (!d)
		return;
	wipe(d);
	(void)pthread_rwlock_destroy(&d->lock);
	free(d);
}

static int unlock_door(struct door *d, const struct secret *key, struct err *err) {
	int rc = xts_new(key, &d->xts, err);
	if (rc == 0 && secret_copy(&d->key, key->data, key->len) < 0)
		rc = err_oom(err);
	if (rc < 0)
		wipe(d);
	return rc;
}

int door_open(struct door *d, const struct secret *key, int64_t until_ns, struct err *err) {
	int rc = 0;
	(void)pthread_rwlock_wrlock(&d->lock);
	if (!d->xts) {
		rc = unlock_door(d, key, err);
	} else if (!secret_equal(d->key.data, d->key.len, key->data, key->len)) {
		wipe(d);
		rc = err_set(err, -EKEYREJECTED, 500, "InternalDiskManagementError", "The disk's key changed while it was served.");
	}
	if (rc == 0)
		d->until_ns = until_ns;
	(void)pthread_rwlock_unlock(&d->lock);
	return rc;
}

void door_shut(struct door *d) {
	(void)pthread_rwlock_wrlock(&d->lock);
	wipe(d);
	(void)pthread_rwlock_unlock(&d->lock);
}

typedef int (*xts_function)(struct xts *x, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len);

static int inside(struct door *d, xts_function function, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	(void)pthread_rwlock_rdlock(&d->lock);
	int rc = d->xts && clock_monotonic_ns() < d->until_ns ? function(d->xts, offset, in, out, len) : -EACCES;
	(void)pthread_rwlock_unlock(&d->lock);
	return rc;
}

int door_encrypt(struct door *d, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	return inside(d, xts_encrypt, offset, in, out, len);
}

int door_decrypt(struct door *d, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) {
	return inside(d, xts_decrypt, offset, in, out, len);
}
