// SPDX-License-Identifier: Apache-2.0
#include "disk/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "disk/sealed.h"

int disk_lock(int fd, enum disk_part part, const char *path, struct err *err) {
	struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (part == DISK_HEADER)
		range.l_len = SEALED_DATA_OFFSET;
	else
		range.l_start = SEALED_DATA_OFFSET;
	if (fcntl(fd, F_OFD_SETLK, &range) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return err_set(err, -EBUSY, 409, "Conflict", "Disk file %s is in use by another process.", path);
	return err_errno(err, -errno, "cannot lock disk file %s", path);
}

int disk_open_locked(const char *path, enum disk_part part, struct err *err) {
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open disk file %s", path);
	int rc = disk_lock(fd, part, path, err);
	return rc < 0 ? rc : TAKE_FD(fd);
}
