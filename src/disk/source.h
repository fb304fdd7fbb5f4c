// SPDX-License-Identifier: Apache-2.0
// The raw image that a disk is made from.
#pragma once

#include <stdint.h>

#include "base/err.h"

// Open a file:/// URI for reading. The file must be a regular one inside of import_dir, reached without any symbolic
// link below it (openat2(2)); whoever may create a disk can name any path here. Returns the descriptor, with the file's
// size in *size, or a negative errno with 400 InvalidParameter.
int source_open(const char *uri, const char *import_dir, uint64_t *size, struct err *err) _must_check_;
