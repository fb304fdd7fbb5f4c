// SPDX-License-Identifier: Apache-2.0
// How much a vault may be asked: Key Vault's documented service limits. Each vault has a budget for ten seconds, of which
// every transaction takes the share that its class allows at most; a subscription has the budget of five vaults. In memory,
// for as long as a vault is in use.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

// What a transaction counts as. Keys of elliptic curves and symmetric keys count as RSA of 2048 bits.
enum throttle_class {
	THROTTLE_TRANSACTION,  // of secrets, of the vault, and of keys where no key is used
	THROTTLE_SOFTWARE_CREATE,
	THROTTLE_SOFTWARE_2048,
	THROTTLE_SOFTWARE_3072,
	THROTTLE_SOFTWARE_4096,
	THROTTLE_HSM_CREATE,
	THROTTLE_HSM_2048,
	THROTTLE_HSM_3072,
	THROTTLE_HSM_4096,
};

// The class of an operation on a key ("RSA", "EC-HSM"); bits of the modulus, whatever the type for others. `create`: it makes
// a key or a version, or releases one.
enum throttle_class throttle_class_of(const char *kty, unsigned bits, bool create);

struct throttle;

int throttle_new(struct throttle **out, struct err *err) _must_check_;
void throttle_free(struct throttle *t);

// Count one transaction. -EAGAIN (429 Throttled) when the vault's or the subscription's budget is spent: nothing was
// counted, and *retry_after is in how many whole seconds it is there again. Names are in lower case. Safe for use by many
// threads.
int throttle_take(struct throttle *t, const char *vault, const char *subscription, enum throttle_class class,
	int64_t *retry_after, struct err *err) _must_check_;

// The same at a given time of clock_monotonic_ns(), which does not go back.
int throttle_take_at(struct throttle *t, const char *vault, const char *subscription, enum throttle_class class,
	int64_t now_ns, int64_t *retry_after, struct err *err) _must_check_;

// How many vaults and subscriptions are remembered.
size_t throttle_count(const struct throttle *t);
