// SPDX-License-Identifier: Apache-2.0
// What the types that show and make subscriptions share.
#pragma once

#include "arm/type.h"

#define SUBSCRIPTION_NAME_MAX 64  // bytes

// As GET shows it; -ENOENT (404 SubscriptionNotFound).
int subscription_show(struct store_tx *tx, const char *id, json_t **out, struct err *err) _must_check_;

int subscription_check_name(const char *name, struct err *err) _must_check_;  // -EINVAL (400 InvalidSubscriptionName)
