// SPDX-License-Identifier: Apache-2.0
// Guests' serial logs. A guest prints as much as it likes, and the store may be on the same file system: a log that has
// grown past CONSOLES_LOG_MAX begins anew.
#pragma once

#include "host/loop.h"

#define CONSOLES_LOG_MAX (16 << 20)  // bytes

// Empty every file of the folder that is longer than `max` bytes. QEMU appends, so it writes on at the beginning.
int consoles_trim(const char *folder, off_t max, struct err *err) _must_check_;

// Trim the folder "serial" every few seconds for as long as the loop runs.
struct consoles {
	struct loop *loop;
	struct loop_timer timer;
};
void consoles_watch(struct consoles *c, struct loop *loop);
void consoles_end(struct consoles *c);
