// SPDX-License-Identifier: Apache-2.0
// Delivery of audit records to the sinks of diagnostic settings: at least once, in the order of the vault's log, by threads
// that the vault never waits for. Where a sink is stands in the store, so that a restart goes on there; a record that was
// delivered again has the same "recordId".
//
// A webhook that fails is tried again after 10 s, then ever later up to an hour. What it could not be given for 24 h is a dead
// letter: a row that names the records, which stay in the vault's log. Storage is tried until it works.
#pragma once

#include "diagnostics/settings.h"
#include "diagnostics/webhook.h"

#define DIAGNOSTICS_BATCH_RECORDS 500
#define DIAGNOSTICS_BATCH_BYTES (256u << 10)  // at least one record, whatever its size

struct diagnostics;

// `folder` is where storage accounts are; borrowed, as the store.
int diagnostics_open(struct store *store, const char *folder, struct diagnostics **out, struct err *err) _must_check_;
void diagnostics_close(struct diagnostics *d);  // nobody may be in diagnostics_deliver any more; NULL is fine

// One batch of one sink of this kind that has something due and that nobody else serves: 1 when there was one, 0 when nothing
// is due. Negative when its delivery failed (err says of what): it is not due again at once. `webhook` may be NULL for storage.
int diagnostics_deliver(struct diagnostics *d, enum diagnostics_kind kind, struct webhook *webhook, struct err *err)
	_must_check_;
