// SPDX-License-Identifier: Apache-2.0
// Diagnostic settings: which vault's audit records go where. A setting is a row, each of its sinks another with a place in the
// vault's log of its own, so that one that is slow or gone holds up no other.
#pragma once

#include "base/enc.h"
#include "base/json.h"
#include "store/store.h"
#include "vault/vault.h"

#define DIAGNOSTICS_SETTINGS_MAX 5  // a resource
#define DIAGNOSTICS_NAME_MAX 128

enum diagnostics_kind { DIAGNOSTICS_STORAGE, DIAGNOSTICS_WEBHOOK, DIAGNOSTICS_KINDS };
const char *diagnostics_kind_name(enum diagnostics_kind kind);

struct diagnostics_setting {
	const char *resource_id;      // of the vault, as it was created; borrowed, as all strings
	const char *vault;            // the name of its record
	const char *name;
	const json_t *properties;     // as GET shows them
	const char *targets[DIAGNOSTICS_KINDS];  // where audit records go: a storage account's name, a URL; NULL for nowhere
};

// Create it or replace what it says: a sink that it had already goes on where it was, a new one begins with what is recorded
// from now on. *created (may be NULL) tells which. -EUSERS (err untouched) when the resource has too many.
int diagnostics_save(struct store_tx *tx, const struct diagnostics_setting *s, bool *created, struct err *err) _must_check_;

// Returns how many were removed: 1 or 0.
int diagnostics_remove(struct store_tx *tx, const char *resource_id, const char *name, struct err *err) _must_check_;

// The settings of a resource by name, or the one of a name that is not "": appended to items as {"name", "properties"}.
int diagnostics_list(struct store_tx *tx, const char *resource_id, const char *name, json_t *items, struct err *err)
	_must_check_;
