// SPDX-License-Identifier: Apache-2.0
// Key Vault: the data plane of *.vault.azure.net (keys, secrets), soft delete, purge protection, audit. Managed HSM: that of
// *.managedhsm.azure.net, keys alone, under role assignments of its own.
#pragma once

#include <jansson.h>
#include <string.h>

#include "base/enc.h"
#include "entra/entra.h"
#include "keeper/client.h"
#include "net/http_server.h"
#include "store/store.h"

struct vault_service;

// Borrows its parts. The records of concurrent requests are committed together, by one of those who wait for them.
int vault_service_open(struct store *store, struct keeper_client *keeper, struct entra *entra, struct vault_service **out,
	struct err *err) _must_check_;
void vault_service_close(struct vault_service *v);

// Hold callers to Key Vault's limits on transactions (throttle.h). Before the first request.
int vault_limit(struct vault_service *v, struct err *err) _must_check_;

// The data plane face; the vault is the first label of the Host header, and the rest says whether it is a pool.
void vault_handle(void *service, const struct http_request *req, struct http_response *res);

// What is due: objects and vaults whose retention has ended are purged. Called by the scheduler.
int vault_purge_due(struct vault_service *v, struct err *err) _must_check_;

// Rotations by policy, announcements of expiry; those that are left after about a second are for the next call. Called by the
// scheduler. What fails for one object holds up no other: it is tried again after minutes, and the last such failure returned.
int vault_lifetime_due(struct vault_service *v, struct err *err) _must_check_;

// The vault itself, as the ARM provider Microsoft.KeyVault/vaults sees it.
// A Managed HSM's pool is a vault whose name ends with a suffix that no vault's name can have: names of vaults and of pools
// are apart, and so is whatever is kept under a name.
#define VAULT_LABEL_MAX 24  // of what a client calls a vault or a pool
#define VAULT_POOL_SUFFIX ".managedhsm"
#define VAULT_NAME_MAX (VAULT_LABEL_MAX + (int)sizeof(VAULT_POOL_SUFFIX) - 1)
struct vault_record {
	char name[VAULT_NAME_MAX + 1];  // as created
	char resource_id[512];          // ARM id as created
	char tenant_id[ENC_UUID_SIZE];
	char location[64];
	char sku[16];                   // "standard" or "premium"; of a pool "Standard_B1", …
	bool rbac;                      // false: access policies
	int64_t retention_days;         // 7..90
	bool purge_protection;
	// Under access policies the platform's compute service may use what the first two say; the third is recorded.
	bool for_deployment, for_disk_encryption, for_template_deployment;
	bool private_only;              // publicNetworkAccess Disabled
	// Of networkAcls; changed by vault_network_set alone.
	bool network_deny, network_no_bypass;
	int64_t created;
	int64_t deleted, purge_at;      // 0 while live
};

// The id of its subscription, in lower case; "" when its resource id has none.
const char *vault_subscription(const struct vault_record *v, char out[static ENC_UUID_SIZE]);

// By name (any case), live or deleted. -ENOENT.
int vault_find(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err) _must_check_;
// Create, or update the mutable settings (sku, rbac, purge_protection, for_*, private_only) of the vault of that name.
int vault_save(struct store_tx *tx, const struct vault_record *v, struct err *err) _must_check_;
// Soft delete, recover, purge (-EPERM under purge protection). `now` from the clock.
int vault_delete(struct store_tx *tx, const char *name, int64_t now, struct err *err) _must_check_;
int vault_recover(struct store_tx *tx, const char *name, struct err *err) _must_check_;
int vault_purge(struct store_tx *tx, const char *name, struct err *err) _must_check_;

// The tags of its resource, which a deleted vault shows and gets back with its recovery: NULL for none. *out is the caller's.
int vault_keep_tags(struct store_tx *tx, const char *name, const json_t *tags, struct err *err) _must_check_;
int vault_kept_tags(struct store_tx *tx, const char *name, json_t **out, struct err *err) _must_check_;

static inline bool vault_name_is_pool(const char *name) {
	return strchr(name, '.') != NULL;
}
static inline bool vault_is_pool(const struct vault_record *v) {
	return vault_name_is_pool(v->name);
}

// The name of a pool's record; empty when the label is longer than any pool's.
void vault_pool_name(const char *label, char out[static VAULT_NAME_MAX + 1]);

static inline bool vault_is_premium(const struct vault_record *v) {
	return strcmp(v->sku, "premium") == 0;
}

// May it have keys of the types that end with "-HSM"?
static inline bool vault_has_hsm(const struct vault_record *v) {
	return vault_is_pool(v) || vault_is_premium(v);
}

// In policies.c: access policies, of a vault that was saved. Lists are arrays of AccessPolicyEntry of the control plane;
// what is wrong in one is -EINVAL (400 BadRequest). Set replaces all policies; merge does to each entry's policy of the same
// object and application what Azure's PUT accessPolicies/{add|replace|remove} does. *out of get is the caller's.
#define VAULT_POLICIES_MAX 1024
enum vault_policy_merge { VAULT_POLICY_ADD, VAULT_POLICY_REPLACE, VAULT_POLICY_REMOVE };
int vault_policies_set(struct store_tx *tx, const struct vault_record *v, const json_t *list, struct err *err) _must_check_;
int vault_policies_merge(struct store_tx *tx, const struct vault_record *v, enum vault_policy_merge how, const json_t *list,
	struct err *err) _must_check_;
int vault_policies_get(struct store_tx *tx, const char *name, json_t **out, struct err *err) _must_check_;

// In pool_roles.c: initialAdminObjectIds of the control plane, of a pool that was saved. Set gives them the local role
// Managed HSM Administrator, once in a pool's life: -EINVAL (400 BadRequest) for what is no list of object ids, or other
// ones than those that the pool has. *out of get is the caller's.
#define VAULT_POOL_ADMINS_MAX 20
int vault_pool_admins_set(struct store_tx *tx, const struct vault_record *v, const json_t *list, struct err *err) _must_check_;
int vault_pool_admins_get(struct store_tx *tx, const struct vault_record *v, json_t **out, struct err *err) _must_check_;

// Does a policy of the vault (its name in lower case) give the caller this permission ("wrapKey") on a collection ("keys")?
// 0, -EACCES (err untouched), other negative errno.
int vault_policies_check(struct store_tx *tx, const char *vault, const struct caller *caller, const char *collection,
	const char *permission, struct err *err) _must_check_;

// In network.c: networkAcls of the control plane, of a vault that was saved. Set changes the members that are there; what is
// wrong in one is -EINVAL (400 BadRequest). *reserved (may be NULL) is the first IP rule in a private or otherwise reserved
// range, which Azure refuses, borrowed from acls; or NULL. *out of get is the caller's; NULL when there are no rules.
#define VAULT_IP_RULES_MAX 1000
#define VAULT_NETWORK_RULES_MAX 200
int vault_network_set(struct store_tx *tx, const struct vault_record *v, const json_t *acls, const char **reserved,
	struct err *err) _must_check_;
int vault_network_get(struct store_tx *tx, const char *name, json_t **out, struct err *err) _must_check_;

// For the control plane: is this versioned key URL ("https://{vault}.vault.azure.net[:443]/keys/{name}/{version}", or of a
// pool "https://{pool}.managedhsm.azure.net…") one of ours, and what is it? Without a version it is the current one.
// -EINVAL for a malformed URL, -ENOENT for an unknown vault, key or version.
struct vault_key_info {
	struct vault_record vault;
	char kid[512];       // canonical: no port
	char kty[16];
	unsigned bits;
	bool enabled, deleted, exportable;
	int64_t nbf, exp;    // 0 when unset
};
int vault_key_info(struct store_tx *tx, const char *key_url, struct vault_key_info *out, struct err *err) _must_check_;

// The value of a secret (the current version without one) for who was let have it: a template that names the vault. -ENOENT
// (404 SecretNotFound), -EACCES (403) when it is disabled. The audit record stands in tx, a write transaction.
int vault_secret_value(struct store_tx *tx, struct keeper_client *keeper, const struct vault_record *vault,
	const struct caller *caller, const char *name, const char *version, struct secret *out, struct err *err) _must_check_;
