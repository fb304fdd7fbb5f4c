// SPDX-License-Identifier: Apache-2.0
// Watching over a served disk's permission. A permission lasts cacheSeconds from the question that the vault answered
// with yes. It is asked for again at three quarters of that time, with the token that the header holds by then, so that
// a rewrap is followed, and within a second when the clock was moved, so that a key's beginning and end are. A definite
// no shuts the door at once. Failures that may pass are retried, at least every second, and the door shuts when the
// permission ends. While it is shut the vault is asked every two seconds, and a yes opens it.
#pragma once

#include "disk/config.h"
#include "disk/door.h"

struct watch;

// Ask for the first time and open the door. config and door are borrowed. On failure there is nothing to free and the
// status file is untouched.
int watch_open(const struct disk_config *config, struct door *door, struct watch **out, struct err *err) _must_check_;

// Start the threads that keep watching. Called at most once, in the process that serves.
int watch_start(struct watch *w, struct err *err) _must_check_;

// Stop them (may wait for a running request's timeout) and shut the door.
void watch_free(struct watch *w);
