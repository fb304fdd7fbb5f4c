// SPDX-License-Identifier: Apache-2.0
// The threads that deliver audit records: one for storage, a few for webhooks, so that a slow one holds up little.
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "store/store.h"

struct delivery;

// `folder` is borrowed. private_webhooks: loopback and private addresses may be reached.
int delivery_start(struct store *store, const char *folder, bool private_webhooks, struct delivery **out, struct err *err)
	_must_check_;
void delivery_stop(struct delivery *d);  // waits for what is on its way; NULL is fine
