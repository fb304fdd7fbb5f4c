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

// The name at a depth of the target's id: 0 the vault's, 1 that of what it has. -ENOENT when the id is not so deep.
int vaults_name_at(const struct arm_target *target, size_t depth, char out[static ARM_NAME_MAX]) _must_check_;

// The live vault that the target belongs to. -ENOENT (404 ParentResourceNotFound, or ResourceNotFound where it is read).
int vaults_parent(struct arm_call *call, struct vault_record *out, struct err *err) _must_check_;

// 405 MethodNotAllowed (-EINVAL).
int vaults_method_not_allowed(const struct arm_call *call, struct err *err) _must_check_;

// A record of what the control plane did ("VaultPut") in the audit log of the vault.
int vaults_record(struct arm_call *call, const struct vault_record *v, const char *operation, struct err *err) _must_check_;

// Private endpoint connections, for the network provider. A private endpoint to a vault: with `manual` its connection waits for
// approval, else the caller must be one who may approve (403 LinkedAuthorizationFailed). The one that is there already comes
// back as it is. 404 ResourceNotFound: no such vault; 400 BadRequest: another group than "vault", or too many of them.
struct vaults_connection {
	char name[ARM_NAME_MAX];
	char status[16];  // Pending, Approved, Rejected
	char description[513];
};
int vaults_connect_private_endpoint(struct arm_call *call, const char *vault_id, const char *endpoint_id, const char *group_id,
	bool manual, const char *message, struct vaults_connection *out, struct err *err) _must_check_;
// -ENOENT (err untouched): it was removed at the vault, which the endpoint shows as Disconnected.
int vaults_find_connection(struct store_tx *tx, const char *endpoint_id, const char *vault_id, struct vaults_connection *out,
	struct err *err) _must_check_;
int vaults_disconnect_private_endpoint(struct store_tx *tx, const char *endpoint_id, struct err *err) _must_check_;

// privateEndpointConnections among a vault's properties, when there are any.
int vaults_show_connections(struct store_tx *tx, const struct vault_record *v, json_t *properties, struct err *err) _must_check_;
