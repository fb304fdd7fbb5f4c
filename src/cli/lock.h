// SPDX-License-Identifier: Apache-2.0
// One supervisor a data directory: a POSIX record lock on run/supervisor.pid, held for the supervisor's life.
// The kernel names the holder, so a stale number in the file misleads nobody.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct lock_holder {
	bool held;
	pid_t pid;  // 0 when the holder lives in another PID namespace
};

// Take the lock and write this process's number into the file. The descriptor in *fd must stay open; closing any
// descriptor of the file in this process drops the lock. -EALREADY names the holder.
int lock_take(const char *data_dir, int *fd, struct err *err) _must_check_;

// Who holds it. A missing file is held by nobody.
int lock_find(const char *data_dir, struct lock_holder *out, struct err *err) _must_check_;
