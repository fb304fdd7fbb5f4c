// SPDX-License-Identifier: Apache-2.0
// Make a sealed disk: whole or not at all.
//
// With a source, every byte of it is encrypted and written, holes and zeros too, so that the file does not show which
// parts of the image are free. What no source covers stays unwritten, as in any fresh LUKS2 device: it reads as noise
// until it is written, and takes no space.
#pragma once

#include "disk/access.h"
#include "disk/config.h"

// The file appears under its name when it is complete, durable and has been read back; until then it is called
// "<file>.new", and it is removed on failure. A file that is there already is such a complete one, of a creation whose
// outcome was not learnt: it must open, and is brought under the configured key (bytes_written is 0 then).
// 400 InvalidParameter for a source that cannot be imported; -ENOSPC.
int create_disk(const struct disk_config *config, struct azure_client *azure, struct opened *out,
	char uuid[static SEALED_UUID_SIZE], uint64_t *bytes_written, struct err *err) _must_check_;
