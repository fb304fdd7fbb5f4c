// SPDX-License-Identifier: Apache-2.0
// Files and sockets: whole reads and writes, durable replacement, descriptors over Unix sockets.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define _cleanup_fd_ _cleanup_(io_closep)
void io_closep(int *fd);  // closes *fd when it is not negative

// All of the bytes or a negative errno; EINTR and short counts are handled. -ENODATA at end of file.
int io_read_full(int fd, void *data, size_t len) _must_check_;
int io_write_full(int fd, const void *data, size_t len) _must_check_;
int io_pwrite_full(int fd, const void *data, size_t len, off_t offset) _must_check_;

// Append a whole file to out; -EFBIG when it holds more than max bytes.
int io_read_file(const char *path, size_t max, struct buf *out, struct err *err) _must_check_;

// Replace path with these bytes so that a crash leaves the old file or the new one, whole: temporary
// file, fsync, rename, fsync of the folder.
int io_replace_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err) _must_check_;

// As io_replace_file, but -EEXIST when path is there already.
int io_create_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err) _must_check_;

// Create a folder; an existing one is fine.
int io_mkdir(const char *path, mode_t mode, struct err *err) _must_check_;

// fsync the folder that holds path, which makes a rename, creation or removal of path durable.
int io_sync_parent(const char *path) _must_check_;

// A listening Unix socket at path, mode 0600, replacing a stale one; -EEXIST when path is something else; type SOCK_STREAM or
// SOCK_SEQPACKET. Returns a descriptor or a negative errno.
int io_unix_listen(const char *path, int type, struct err *err) _must_check_;
int io_unix_connect(const char *path, int type, struct err *err) _must_check_;

// One message with descriptors beside it. `fds` at most 16. recv returns the byte count, 0 at end of
// stream, or a negative errno; *fd_count is set to the number received, at most max_fds.
int io_send_fds(int sock, const void *data, size_t len, const int *fds, size_t fd_count) _must_check_;
ssize_t io_recv_fds(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *fd_count) _must_check_;

// The folder of the program that runs, without a trailing slash; to be freed.
int io_program_folder(char **out, struct err *err) _must_check_;
