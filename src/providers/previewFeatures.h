// SPDX-License-Identifier: Apache-2.0
// Preview features of subscriptions.
#pragma once

#include "arm/type.h"

// An operator lets a request go on that waits for approval. -ENOENT (404) when there is none.
int feature_approve(struct store_tx *tx, const char *subscription, const char *space, const char *name, struct err *err)
	_must_check_;

// Requests of all tenants that wait: {"subscriptionId", "namespace", "feature", "requested"} each.
int feature_requests(struct store_tx *tx, json_t *out, struct err *err) _must_check_;
