// SPDX-License-Identifier: Apache-2.0
// Who may write which part of a disk file. Open file description locks on byte ranges of it (fcntl(2), F_OFD_SETLK):
// libcryptsetup's own flock(2) on the same file does not meet them.
#pragma once

#include "base/err.h"

enum disk_part {
	DISK_HEADER,  // one rewrap at a time; allowed while the disk is served
	DISK_DATA,    // one server or one maker
};

// Hold the part until the descriptor, which is open for writing, and its duplicates are closed. -EBUSY with 409
// Conflict when another holds it.
int disk_lock(int fd, enum disk_part part, const char *path, struct err *err) _must_check_;

// Open an existing disk file for reading and writing and lock a part. Returns the descriptor or a negative errno.
int disk_open_locked(const char *path, enum disk_part part, struct err *err) _must_check_;
