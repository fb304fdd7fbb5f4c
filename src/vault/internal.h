// SPDX-License-Identifier: Apache-2.0
// One request on its way through the data plane.
#pragma once

#include "access/access.h"
#include "net/router.h"
#include "vault/audit.h"
#include "vault/backup.h"
#include "vault/key_operation.h"
#include "vault/keys.h"
#include "vault/secrets.h"
#include "vault/throttle.h"
#include "vault/vault.h"

#define VAULT_BODY_MAX 65536  // bytes of a request body; a restore may have all that the server takes

struct vault_service {
	struct store *store;
	struct keeper_client *keeper;
	struct entra *entra;
	struct audit_writer *audit;
	struct secret backup_key;
	struct throttle *throttle;  // NULL: there are no limits
};

struct call {
	struct vault_service *service;
	const struct http_request *req;
	const struct vault_operation *op;  // NULL while no route is known
	struct route_match match;
	bool pool;                           // the host is a Managed HSM's
	struct vault_record vault;
	char vault_key[VAULT_NAME_MAX + 1];  // its name, lower case
	enum entra_refusal refusal;
	struct caller caller;                // valid when refusal is ENTRA_OK
	struct access_decision decision;
	char id[ENC_UUID_SIZE];              // of this request
	const char *method;                  // after X-HTTP-METHOD
	const char *api_version;             // NULL until checked
	const char *name, *version;          // of the object in the path, or NULL
	int64_t now;                         // seconds, the same for everything this request does
	int64_t started;                     // monotonic nanoseconds
	bool counted;                        // against the limits of the vault
	int64_t retry_after;                 // seconds; of a 429

	// Carried from one phase of an operation to the next.
	struct object object, exchange;      // exchange: the key that opens a transfer blob
	struct key_request request;
	struct key_operation operation;
	struct secret_request secret;
	struct backup backup;

	// The answer, withheld until the audit record is durable.
	int status;
	json_t *json;
	struct buf body;                     // used when json is NULL
};

// A phase of an operation. Failures leave their HTTP status and words in err.
typedef int (*call_phase)(struct call *c, struct err *err);
typedef int (*call_phase_tx)(struct call *c, struct store_tx *tx, struct err *err);

struct vault_operation {
	struct route route;
	const struct object_kind *kind;  // NULL for what is about none: a pool's roles
	const char *audit;       // operationName
	const char *permission;  // of an access policy, for the kind
	const char *action;      // below Microsoft.KeyVault/vaults/; NULL for what pools alone have
	const char *pool_action; // below Microsoft.KeyVault/managedHsm/; NULL for what pools do not have
	// Run in this order; NULL ones are left out. `look` sees one snapshot, in which the caller was authorized. `work`
	// holds no transaction. `change` runs in a write transaction, in which the caller was authorized again, and which
	// also takes the audit record.
	call_phase_tx look;
	call_phase work;
	call_phase_tx change;
	enum key_op key_op;      // of a cryptographic operation
	const char *since;       // the API version that brought it; NULL for the first
	bool large;              // its body may be longer than VAULT_BODY_MAX
};

// In routes.c. Finds the operation; 400 BadParameter when there is none.
int call_route(struct call *c, struct err *err) _must_check_;

// In authorize.c.
int call_authenticate(struct call *c, struct err *err) _must_check_;
int call_authorize(struct call *c, struct store_tx *tx, struct err *err) _must_check_;
const char *call_challenge(const struct call *c, char *out, size_t size);  // value of WWW-Authenticate

// In service.c: count this request against the limits of the vault and its subscription; -EAGAIN (429) when they are reached.
// Whoever knows what key is used or made calls it in `look`; what nobody counted counts as a THROTTLE_TRANSACTION.
int call_throttle(struct call *c, enum throttle_class class, struct err *err) _must_check_;
int call_throttle_key(struct call *c, bool create, struct err *err) _must_check_;  // for the key in c->object

// In network.c. Does an IP rule of the vault (its name in lower case) cover a client (http_peer); may the vault be asked from
// where the request comes?
int network_matches(struct store_tx *tx, const char *vault, const char *peer, bool *out, struct err *err) _must_check_;
int call_check_network(const struct call *c, struct store_tx *tx, struct err *err) _must_check_;

// In platform.c. Is the caller the compute service of the vault's subscription; and may it do this operation because the
// vault opened itself to it? -EACCES (err untouched) when not.
int platform_calls(const struct call *c, struct store_tx *tx, bool *out, struct err *err) _must_check_;
int platform_check(const struct call *c, struct store_tx *tx, const char *collection, struct err *err) _must_check_;

// In respond.c.
void call_respond(struct call *c, const struct err *err, struct http_response *res);
void call_respond_withheld(struct call *c, const struct err *err, struct http_response *res);

// In service.c: frees what the phases left.
void call_free(struct call *c);

// In service.c: is this version of the API, one of those that are answered, `least` or newer?
bool api_version_at_least(const char *version, const char *least);

// In objects.c and paging.c: phases for any kind of object.
int objects_get(struct call *c, struct store_tx *tx, struct err *err);
int objects_get_deleted(struct call *c, struct store_tx *tx, struct err *err);
int objects_delete_change(struct call *c, struct store_tx *tx, struct err *err);
int objects_recover_change(struct call *c, struct store_tx *tx, struct err *err);
int objects_purge_change(struct call *c, struct store_tx *tx, struct err *err);
int objects_list(struct call *c, struct store_tx *tx, struct err *err);
int objects_list_deleted(struct call *c, struct store_tx *tx, struct err *err);
int objects_list_versions(struct call *c, struct store_tx *tx, struct err *err);

// In key_write.c, key_import.c, key_crypto.c, key_release.c: phases for keys.
int keys_create_look(struct call *c, struct store_tx *tx, struct err *err);
int keys_rotate_look(struct call *c, struct store_tx *tx, struct err *err);
int keys_make(struct call *c, struct err *err);
int keys_create_change(struct call *c, struct store_tx *tx, struct err *err);
int keys_rotate_change(struct call *c, struct store_tx *tx, struct err *err);
int keys_import_look(struct call *c, struct store_tx *tx, struct err *err);
int keys_import(struct call *c, struct err *err);
int keys_update_change(struct call *c, struct store_tx *tx, struct err *err);
int keys_policy_get(struct call *c, struct store_tx *tx, struct err *err);
int keys_policy_change(struct call *c, struct store_tx *tx, struct err *err);
int keys_crypto_look(struct call *c, struct store_tx *tx, struct err *err);
int keys_crypto(struct call *c, struct err *err);
int keys_release_look(struct call *c, struct store_tx *tx, struct err *err);
int keys_attestation_look(struct call *c, struct store_tx *tx, struct err *err);

// May the key do this now? By its state, its key_ops and the window of its validity.
int key_check_allowed(const struct object *o, enum key_op op, int64_t now, struct err *err) _must_check_;

// In secrets.c: phases for secrets.
int secrets_set_look(struct call *c, struct store_tx *tx, struct err *err);
int secrets_seal(struct call *c, struct err *err);
int secrets_set_change(struct call *c, struct store_tx *tx, struct err *err);
int secrets_get_look(struct call *c, struct store_tx *tx, struct err *err);
int secrets_open(struct call *c, struct err *err);
int secrets_update_look(struct call *c, struct store_tx *tx, struct err *err);
int secrets_update_change(struct call *c, struct store_tx *tx, struct err *err);

// In backup_phases.c: phases for any kind of object.
int backup_look(struct call *c, struct store_tx *tx, struct err *err);
int backup_make(struct call *c, struct err *err);
int restore_look(struct call *c, struct store_tx *tx, struct err *err);
int restore_reseal(struct call *c, struct err *err);
int restore_change(struct call *c, struct store_tx *tx, struct err *err);

// Documented refusals that several operations share.
int call_not_found(const struct call *c, struct err *err);
int call_deleted_not_found(const struct call *c, struct err *err);

// In purge.c: what is left of a deleted object whose retention has ended makes way for a new one of its name, with the
// record of its purge. 0 also when there is nothing.
int object_make_way(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) _must_check_;

// Load the live object or version that the path names into c->object, or say that it is not there.
int call_load(struct call *c, struct store_tx *tx, struct err *err) _must_check_;
// As call_load, and refused when a certificate manages it.
int call_load_own(struct call *c, struct store_tx *tx, struct err *err) _must_check_;

// The name that a new version gets, into c->object: that of the object when it exists, else the one in the path. Refused
// while the object is deleted, and when a certificate manages it.
int call_claim_name(struct call *c, struct store_tx *tx, struct err *err) _must_check_;

// Add c->object as the current version of what call_claim_name found free.
int call_add_version(struct call *c, struct store_tx *tx, struct err *err) _must_check_;
