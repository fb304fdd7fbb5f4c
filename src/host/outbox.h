// SPDX-License-Identifier: Apache-2.0
// Reports on their way to the control plane: the newest one of each disk and machine. Used by the loop's thread, which
// fills it, and by the one that sends.
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum report_kind { REPORT_DISK, REPORT_MACHINE };

struct outbox;

int outbox_new(struct outbox **out, struct err *err) _must_check_;
void outbox_free(struct outbox *o);

// Send this report, which carries its "id", in place of one of the same id that is still here. The reference is taken,
// also on failure; NULL means that it could not be made.
int outbox_put(struct outbox *o, enum report_kind kind, json_t *report, struct err *err) _must_check_;

// Wait for reports and take up to `max` of them: {"disks": [], "machines": []}. -ESHUTDOWN when the outbox
// is closed. After -ENOMEM, here and below, reports may be lost: only a new start of the agent makes them again.
int outbox_take(struct outbox *o, size_t max, json_t **out) _must_check_;

// Those could not be sent: keep them for the next time, unless newer ones have come. The reference is taken.
int outbox_return(struct outbox *o, json_t *taken) _must_check_;

void outbox_close(struct outbox *o);
