// SPDX-License-Identifier: Apache-2.0
// Keys in the store and on the wire.
#pragma once

#include <jansson.h>

#include "crypto/key.h"
#include "vault/vault.h"

#define KEY_NAME_MAX 127
#define KEY_VERSION_LEN 32
#define KEY_PAGE_MAX 25          // items of a page, as Key Vault has it
#define KEY_TAGS_MAX 15
#define KEY_TAG_CHARS_MAX 256    // of a name or a value
#define KEY_ID_MAX 256           // bytes of any identifier URL, with its NUL

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
#define KEY_OPS_DEFAULT 0x3fu

// A vault's name as the store has it: lower case, and empty when longer than any vault's name.
void vault_lower_name(const char *name, char out[static VAULT_NAME_MAX + 1]);

bool key_name_valid(const char *name);
bool key_version_valid(const char *version);
unsigned key_op_by_name(const char *name);  // 0 when unknown
const char *key_op_name(enum key_op op);

// A version of a key with what its key as a whole says.
struct key_row {
	char name[KEY_NAME_MAX + 1];  // as created
	char version[KEY_VERSION_LEN + 1];
	char kty[16];
	int64_t deleted, purge_at;    // 0 while live
	unsigned ops;
	bool enabled;
	int64_t nbf, exp;             // 0 when unset
	int64_t created, updated;
	char *jwk;                    // owned: JSON text of kty, n, e
	char *tags;                   // owned: JSON text of an object, or NULL
	struct buf sealed;            // for the keeper
};
void key_row_free(struct key_row *row);
#define _cleanup_key_ _cleanup_(key_row_free)

// The numbers of `jwk` say how long the modulus is; 0 when it cannot be read.
unsigned key_row_bits(const struct key_row *row);

// Where a version's sealed blob belongs; to be freed. NULL when out of memory.
char *key_context(const struct vault_record *vault, const char *name, const char *version);

// In keys_store.c. `vault` is a lower-case vault name, `name` a valid key name in any case.
enum key_state { KEY_LIVE = 1, KEY_DELETED = 2, KEY_ANY = 3 };

// A version, or the current one when version is NULL. A deleted key whose retention has ended at `now` is not there
// any more. -ENOENT leaves err untouched. row must be empty.
int key_load(struct store_tx *tx, const char *vault, const char *name, const char *version, enum key_state wanted,
	int64_t now, struct key_row *row, struct err *err) _must_check_;

// Make row the current version of its key, which is created when it does not exist.
int key_add_version(struct store_tx *tx, const char *vault, const struct key_row *row, struct err *err) _must_check_;

// Write what an update may change: ops, enabled, nbf, exp, tags, updated.
int key_update(struct store_tx *tx, const char *vault, const struct key_row *row, struct err *err) _must_check_;

// Mark as deleted, or as live again with zero times.
int key_mark(struct store_tx *tx, const char *vault, const char *name, int64_t deleted, int64_t purge_at,
	struct err *err) _must_check_;
int key_remove(struct store_tx *tx, const char *vault, const char *name, struct err *err) _must_check_;

// Pages: up to `limit` rows behind `after` ("" for the first page), without `jwk` and `sealed`. Keys come with their
// current version, by name; versions by their id. Returns the number of rows.
int key_page(struct store_tx *tx, const char *vault, enum key_state wanted, const char *after, int64_t now, size_t limit,
	struct key_row *rows, struct err *err) _must_check_;
int key_version_page(struct store_tx *tx, const char *vault, const char *name, const char *after, size_t limit,
	struct key_row *rows, struct err *err) _must_check_;

// In keys_json.c.

// What a create or update body asks for.
struct key_request {
	unsigned bits;            // create only
	bool has_ops, has_enabled, has_nbf, has_exp, has_tags;
	unsigned ops;
	bool enabled;
	int64_t nbf, exp;
	char *tags;               // owned JSON text, or NULL
};
void key_request_free(struct key_request *r);

int key_request_create(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) _must_check_;
// `versioned`: the URL names a version.
int key_request_update(const void *body, size_t len, bool versioned, struct key_request *out, struct err *err)
	_must_check_;

// Parse a request body that must be an object. Parser errors are reduced to one sentence, because the parser's own
// would repeat a part of the body.
int key_body_parse(const void *body, size_t len, json_t **out, struct err *err) _must_check_;

// "https://{vault}.vault.azure.net/{collection}/{name}[/{version}]"; version may be NULL.
void key_id(const struct vault_record *vault, const char *collection, const char *name, const char *version,
	char out[static KEY_ID_MAX]);

// A KeyBundle (DeletedKeyBundle when the row is deleted) and an item of a list. NULL when out of memory.
json_t *key_bundle(const struct vault_record *vault, const struct key_row *row);
json_t *key_item(const struct vault_record *vault, const struct key_row *row, bool with_version);
