// SPDX-License-Identifier: Apache-2.0
#include "cli/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "cli/datadir.h"

static int open_lock(const char *data_dir, int flags, struct err *err) {
	_cleanup_free_ char *path = datadir_file(data_dir, "run/supervisor.pid");
	if (!path)
		return err_oom(err);
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_errno(err, -errno, "cannot open %s", path) : fd;
}

static int ask_holder(int fd, struct lock_holder *out, struct err *err) {
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return err_errno(err, -errno, "cannot ask for the lock of the data directory");
	*out = (struct lock_holder){
		.held = lock.l_type != F_UNLCK,
		.pid = lock.l_type != F_UNLCK && lock.l_pid > 0 ? lock.l_pid : 0,
	};
	return 0;
}

static int refuse(int fd, const char *data_dir, struct err *err) {
	struct lock_holder holder = {0};
	int rc = ask_holder(fd, &holder, err);
	if (rc < 0)
		return rc;
	if (holder.pid == 0)
		return err_set(err, -EALREADY, 409, "Conflict", "custodisk is already running on %s", data_dir);
	return err_set(err, -EALREADY, 409, "Conflict",
		"custodisk is already running on %s (process %d); stop it with `custodisk down --data-dir %s`", data_dir,
		(int)holder.pid, data_dir);
}

int lock_take(const char *data_dir, int *fd, struct err *err) {
	_cleanup_fd_ int lock_fd = open_lock(data_dir, O_RDWR | O_CREAT, err);
	if (lock_fd < 0)
		return lock_fd;
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(lock_fd, F_SETLK, &lock) < 0) {
		if (errno == EACCES || errno == EAGAIN)
			return refuse(lock_fd, data_dir, err);
		return err_errno(err, -errno, "cannot lock %s", data_dir);
	}
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int rc = ftruncate(lock_fd, 0) < 0 ? -errno : io_pwrite_full(lock_fd, text, (size_t)n, 0);
	if (rc < 0)
		return err_errno(err, rc, "cannot write the supervisor's number");
	*fd = TAKE_FD(lock_fd);
	return 0;
}

int lock_find(const char *data_dir, struct lock_holder *out, struct err *err) {
	_cleanup_fd_ int fd = open_lock(data_dir, O_RDONLY, err);
	if (fd == -ENOENT) {
		*out = (struct lock_holder){0};
		return 0;
	}
	return fd < 0 ? fd : ask_holder(fd, out, err);
}
