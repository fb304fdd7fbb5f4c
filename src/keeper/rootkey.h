// SPDX-License-Identifier: Apache-2.0
// The root key in a file: exactly 32 random bytes, readable by its owner alone.
#pragma once

#include "base/err.h"
#include "base/secret.h"

// Refuses a file that others may read or write, that belongs to somebody else, that is a link, or
// that is of another size.
int rootkey_load(const char *path, struct secret *root, struct err *err) _must_check_;

// Make a new one; -EEXIST when path is there already, since what was sealed under it would be lost.
int rootkey_make(const char *path, struct err *err) _must_check_;
