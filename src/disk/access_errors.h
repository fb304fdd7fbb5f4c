// SPDX-License-Identifier: Apache-2.0
// What a disk says when its key cannot be used: the compute platform's words for the key service's answers
// (reference C.6, D.6), the same for everything that opens disks.
#pragma once

#include <stdbool.h>

#include "base/err.h"

// Translate an error of azure/azure.h about a key in place. An error that may pass keeps the service's own words.
// Returns rc.
int access_error(int rc, const char *key_url, const char *disk_encryption_set, struct err *err);

// The platform's own refusals of a key that the key service would still unwrap with. All return -EACCES.
int access_not_enabled(const char *key_url, const char *disk_encryption_set, struct err *err);
int access_expired(const char *key_url, struct err *err);
int access_not_yet_valid(const char *key_url, struct err *err);

// Whether a failure of a question to the services, or of reading the disk, may pass by itself. All others are a
// definite no.
bool access_may_pass(int rc);
