// SPDX-License-Identifier: Apache-2.0
// What is left of the system once the keeper serves: memory, its own threads, time, entropy, the
// connections of one listening socket, and lines to standard error. Anything else kills the process.
#pragma once

#include "base/err.h"

// For all threads of the process, which have begun and not allocated anything yet, and for good.
// `ready_fd` (negative for none) may still be written to.
int sandbox_enter(int ready_fd, struct err *err) _must_check_;
