// SPDX-License-Identifier: Apache-2.0
// What a vault holds, in the store: keys and secrets, which have versions, are soft-deleted, recovered and purged as one.
#pragma once

#include <jansson.h>

#include "base/buf.h"
#include "vault/vault.h"

#define OBJECT_NAME_MAX 127
#define OBJECT_VERSION_LEN 32
#define OBJECT_PAGE_MAX 25       // items of a page, as Key Vault has it
#define OBJECT_ID_MAX 256        // bytes of any identifier URL, with its NUL
#define OBJECT_CONTENT_TYPE_MAX 255

struct object;
struct call;

// What differs between keys and secrets where they are handled alike.
struct object_kind {
	const char *collection;          // "keys": the kind in the store, in paths, scopes and sealing contexts
	const char *deleted_collection;  // "deletedkeys"
	const char *noun;                // "Key"
	const char *not_found;           // "KeyNotFound"
	const char *id_member;           // of an item of a list: "kid"
	// Add what a list's item and a bundle of this kind have beside identifier, attributes and tags; NULL for nothing.
	int (*describe_item)(const struct object *o, json_t *item);
	// The bundle that answers, in c->json, of c->object.
	int (*answer)(struct call *c, struct err *err);
};
extern const struct object_kind object_keys, object_secrets;

// Of a row of the store.
const struct object_kind *object_kind_stored(const char *collection);

// key_ops as bits, in the order in which they are shown.
enum key_op {
	KEY_OP_ENCRYPT = 1 << 0,
	KEY_OP_DECRYPT = 1 << 1,
	KEY_OP_SIGN = 1 << 2,
	KEY_OP_VERIFY = 1 << 3,
	KEY_OP_WRAP = 1 << 4,
	KEY_OP_UNWRAP = 1 << 5,
	KEY_OP_IMPORT = 1 << 6,
	KEY_OP_EXPORT = 1 << 7,
};

// A version of an object with what its object as a whole says.
struct object {
	char name[OBJECT_NAME_MAX + 1];  // as created
	char version[OBJECT_VERSION_LEN + 1];
	int64_t deleted, purge_at;       // 0 while live
	bool managed;                    // belongs to a certificate, which alone changes it
	bool enabled;
	int64_t nbf, exp;                // 0 when unset
	int64_t created, updated;
	char *tags;                      // owned: JSON text of an object, or NULL
	struct buf sealed;               // for the keeper: the private key, the secret's value

	// A key's.
	char kty[16];                    // as shown: "RSA", "EC-HSM", …
	unsigned ops;                    // enum key_op bits
	bool exportable;
	char *jwk;                       // owned: JSON text of the public half
	char *rotation_policy;           // owned: JSON text, or NULL; of the key as a whole
	char *release_policy;            // owned: JSON text, or NULL; of the key as a whole

	// A secret's.
	char *content_type;              // owned, or NULL
};
void object_free(struct object *o);
#define _cleanup_object_ _cleanup_(object_free)

// A vault's name as the store has it: lower case, and empty when longer than any vault's name.
void vault_lower_name(const char *name, char out[static VAULT_NAME_MAX + 1]);

bool object_name_valid(const char *name);
bool object_version_valid(const char *version);

// "https://{vault}.vault.azure.net", or "https://{pool}.managedhsm.azure.net".
#define VAULT_URL_MAX 80
const char *vault_url(const struct vault_record *vault, char out[static VAULT_URL_MAX]);

// "{vault_url}/{collection}/{name}[/{version}]"; version may be NULL.
void object_id(const struct vault_record *vault, const char *collection, const char *name, const char *version,
	char out[static OBJECT_ID_MAX]);

// Where a version's sealed blob belongs; to be freed. NULL when out of memory.
char *object_context(const struct vault_record *vault, const struct object_kind *kind, const char *name, const char *version);

// In object_store.c. `vault` is a lower-case vault name, `name` a valid name in any case.
enum object_state { OBJECT_LIVE = 1, OBJECT_DELETED = 2, OBJECT_ANY = 3 };

// A version, or the current one when version is NULL. A deleted object whose retention has ended at `now` is not there
// any more. -ENOENT leaves err untouched. o must be empty.
int object_load(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	const char *version, enum object_state wanted, int64_t now, struct object *o, struct err *err) _must_check_;

// Make o the current version of its object, which is created when it does not exist, with the policies that o has.
int object_add_version(struct store_tx *tx, const char *vault, const struct object_kind *kind, const struct object *o,
	struct err *err) _must_check_;

// Write what an update of a version may change: ops, content_type, enabled, nbf, exp, tags, updated.
int object_update(struct store_tx *tx, const char *vault, const struct object_kind *kind, const struct object *o,
	struct err *err) _must_check_;

// Write the policies of a key as a whole.
int object_set_policies(struct store_tx *tx, const char *vault, const struct object *o, struct err *err) _must_check_;

// Mark as deleted, or as live again with zero times.
int object_mark(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name, int64_t deleted,
	int64_t purge_at, struct err *err) _must_check_;

// Remove it with all its versions. Returns how many objects that were: 1 or 0.
int object_remove(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) _must_check_;

// Pages: up to `limit` rows behind `after` ("" for the first page), without `jwk` and `sealed`. Objects come with their
// current version, by name; versions by their id. Returns the number of rows.
int object_page(struct store_tx *tx, const char *vault, const struct object_kind *kind, enum object_state wanted,
	const char *after, int64_t now, size_t limit, struct object *rows, struct err *err) _must_check_;
int object_version_page(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	const char *after, size_t limit, struct object *rows, struct err *err) _must_check_;

// In object_json.c.

// "attributes", "tags", "managed", and of a deleted one "recoveryId" and its dates. 0 or -ENOMEM.
int object_describe(json_t *json, const struct vault_record *vault, const struct object_kind *kind,
	const struct object *o) _must_check_;

// An item of a list. NULL when out of memory.
json_t *object_item(const struct vault_record *vault, const struct object_kind *kind, const struct object *o,
	bool with_version);

// The text of a JSON object that the store has, to a member. 0 or -ENOMEM.
int object_set_stored(json_t *json, const char *name, const char *text) _must_check_;
