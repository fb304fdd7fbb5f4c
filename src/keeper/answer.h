// SPDX-License-Identifier: Apache-2.0
// One request in, one reply out: what the keeper does, apart from where the bytes come from.
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/secret.h"
#include "keeper/cache.h"

struct keeper {
	struct secret root;
	struct cache *cache;
};

// A reply is sent as head and tail in one message; what is secret in it is the tail, in locked memory.
struct reply {
	struct buf head;
	struct secret tail;
	bool hang_up;     // the request was not one of this protocol: trust nothing more of this connection
	char reason[200]; // for the log, when hang_up
};

#define _cleanup_reply_ _cleanup_(reply_free)
void reply_free(struct reply *r);

// Answer a request of any content. 0, or -ENOMEM when not even a refusal could be put together; r must
// be empty. Safe to call from many threads with one keeper.
int keeper_answer(struct keeper *k, const void *request, size_t len, struct reply *r) _must_check_;
