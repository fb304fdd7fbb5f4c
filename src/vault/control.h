// SPDX-License-Identifier: Apache-2.0
// What the control plane does with keys and secrets (Microsoft.KeyVault/vaults/keys, …/secrets): the same that the data plane
// does, in the control plane's forms and under its permissions, and with records in the vault's audit log.
#pragma once

#include "vault/object.h"

// Who asks for what. Borrowed, but the names.
struct vault_control_request {
	struct keeper_client *keeper;
	const struct vault_record *vault;
	const struct object_kind *kind;
	const char *name, *version;  // of an object; NULL for a list, and for the vault itself
	const struct http_request *http;
	const struct caller *caller;
};

struct vault_control;
int vault_control_open(const struct vault_control_request *from, struct vault_control **out, struct err *err) _must_check_;
void vault_control_close(struct vault_control *x);
static inline void vault_control_closep(struct vault_control **x) {
	vault_control_close(*x);
}
#define _cleanup_control_ _cleanup_(vault_control_closep)

// {tags, properties} of a key that is to be; then its material, which takes long; then the key itself, of a name that no live
// key has, in the vault as it is now: -ENOENT (404) when it is no longer the one that the material was made for.
int vault_control_key_read(struct vault_control *x, const json_t *body, struct err *err) _must_check_;
int vault_control_key_make(struct vault_control *x, struct err *err) _must_check_;
// In place of its material, for a transaction that is rolled back: what looks like the key to whoever asks for it there, and
// can be used for nothing. Whoever holds the write lock makes no RSA keys.
int vault_control_key_sketch(struct vault_control *x, struct err *err) _must_check_;
int vault_control_key_add(struct vault_control *x, struct store_tx *tx, struct err *err) _must_check_;

// A new version of a secret; or what a PATCH says of one that is there, a new version only when it has a value. *created
// tells whether it was a new secret.
int vault_control_secret_set(struct vault_control *x, struct store_tx *tx, const json_t *body, bool *created, struct err *err)
	_must_check_;
int vault_control_secret_patch(struct vault_control *x, struct store_tx *tx, const json_t *body, struct err *err) _must_check_;

// The live object or version. -ENOENT (404).
int vault_control_load(struct vault_control *x, struct store_tx *tx, struct err *err) _must_check_;

// {"name", "tags", "properties"} of what was loaded or made: never a secret's value. NULL when out of memory.
json_t *vault_control_show(const struct vault_control *x);

// Up to `limit` such objects (`versions`: of the versions of the one that is named) behind `after` ("" for the first),
// appended to items; `next` is where the next page begins, or "".
#define VAULT_CONTROL_PAGE_MAX 25
int vault_control_page(struct vault_control *x, struct store_tx *tx, bool versions, const char *after, size_t limit,
	json_t *items, char next[static OBJECT_NAME_MAX + 1], struct err *err) _must_check_;

// A record of a successful operation of the control plane on the vault itself ("VaultPut").
int vault_control_record(struct vault_control *x, struct store_tx *tx, const char *operation, struct err *err) _must_check_;
