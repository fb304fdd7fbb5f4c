// SPDX-License-Identifier: Apache-2.0
// The data key of a served disk, which is there or is not. Any number of threads use it; shutting the door waits for
// those who are inside, keeps new ones out, and wipes the key. It also shuts by itself, as far as users can tell, at
// the end of the permission: nobody needs to be awake for that.
#pragma once

#include "disk/xts.h"

struct door;

int door_new(struct door **out, struct err *err) _must_check_;  // shut
void door_free(struct door *d);
static inline void door_freep(struct door **d) {
	door_free(*d);
}

// Open, or stay open, until a time of clock_monotonic_ns(). An open door's key is kept when it is the same one. A
// different key is refused with -EKEYREJECTED and shuts the door: a disk does not change its key while it is served.
int door_open(struct door *d, const struct secret *key, int64_t until_ns, struct err *err) _must_check_;
void door_shut(struct door *d);

// As xts_encrypt and xts_decrypt; -EACCES while the door is shut or the permission has ended.
int door_encrypt(struct door *d, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) _must_check_;
int door_decrypt(struct door *d, uint64_t offset, const uint8_t *in, uint8_t *out, size_t len) _must_check_;
