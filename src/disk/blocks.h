// SPDX-License-Identifier: Apache-2.0
// Reading and writing the plaintext of a served disk at any offset and length. Any number of threads may do so.
// Whole sectors go straight through. A write of a part of a sector reads, changes and writes the sector while no
// other write runs; since XTS changes only the 16-byte blocks that differ, readers of the rest do not notice.
#pragma once

#include "disk/door.h"

struct blocks;

// fd (borrowed): the disk file; data_size: bytes, a multiple of XTS_SECTOR_SIZE.
int blocks_new(int fd, uint64_t data_size, struct door *door, struct blocks **out, struct err *err) _must_check_;
void blocks_free(struct blocks *b);

// -EACCES while the door is shut, -EINVAL past the end, or the file's own error. After a failed read the buffer's
// contents are undefined but never plaintext that the caller may not have.
int blocks_read(struct blocks *b, void *data, size_t len, uint64_t offset) _must_check_;
int blocks_write(struct blocks *b, const void *data, size_t len, uint64_t offset) _must_check_;

// What was written is durable. Works while the door is shut: it is ciphertext that is kept.
int blocks_flush(struct blocks *b) _must_check_;
