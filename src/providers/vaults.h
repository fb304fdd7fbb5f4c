// SPDX-License-Identifier: Apache-2.0
// What the types of Microsoft.KeyVault know of each other.
#pragma once

#include "arm/type.h"

// Refuse in the provider's words: 400 BadRequest (-EINVAL).
#define vaults_bad_request(err, ...) err_set(err, -EINVAL, 400, "BadRequest", __VA_ARGS__)

// publicNetworkAccess into the record; networkAcls into the store, of a vault that was saved. What is not there stays.
int vaults_read_public_access(const json_t *properties, struct vault_record *v, struct err *err) _must_check_;
int vaults_save_network(struct arm_call *call, const json_t *properties, const struct vault_record *v, struct err *err)
	_must_check_;

// 400 VaultNameNotValid (-EINVAL).
int vaults_check_name(const char *name, struct err *err) _must_check_;

// tenantId, when it is given, is that of the caller.
int vaults_check_tenant(const struct arm_call *call, const json_t *properties, struct err *err) _must_check_;

// Where a new record belongs: resource id, tenant, location. Negative when one of them does not fit.
int vaults_place(const struct arm_call *call, const struct resource *r, struct vault_record *v) _must_check_;
