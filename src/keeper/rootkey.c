// SPDX-License-Identifier: Apache-2.0
#include "keeper/rootkey.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "keeper/seal.h"

static int check_file(int fd, const char *path, struct err *err) {
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(err, -errno, "cannot look at the key file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, 500, "InternalServerError", "the key file %s is not a regular file", path);
	if (st.st_uid != geteuid())
		return err_set(err, -EPERM, 500, "InternalServerError", "the key file %s belongs to user %u, not to user %u", path,
			st.st_uid, geteuid());
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EPERM, 500, "InternalServerError",
			"the key file %s has mode %04o; only its owner may have access (0600)", path, (unsigned)st.st_mode & 07777u);
	if (st.st_size != SEAL_ROOT_SIZE)
		return err_set(err, -EINVAL, 500, "InternalServerError", "the key file %s holds %lld bytes, not %d", path,
			(long long)st.st_size, SEAL_ROOT_SIZE);
	return 0;
}

int rootkey_load(const char *path, struct secret *root, struct err *err) {
	// O_NONBLOCK: a FIFO in the file's place must not hold the start up.
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open the key file %s", path);
	int rc = check_file(fd, path, err);
	if (rc < 0)
		return rc;
	_cleanup_secret_ struct secret read = {0};
	if (secret_alloc(&read, SEAL_ROOT_SIZE) < 0)
		return err_oom(err);
	rc = io_read_full(fd, read.data, read.len);
	if (rc < 0)
		return err_errno(err, rc, "cannot read the key file %s", path);
	*root = read;
	read = (struct secret){0};
	return 0;
}

int rootkey_make(const char *path, struct err *err) {
	_cleanup_secret_ struct secret root = {0};
	int rc = secret_random(&root, SEAL_ROOT_SIZE);
	if (rc < 0)
		return err_errno(err, rc, "cannot draw a root key");
	return io_create_file(path, root.data, root.len, 0600, err);
}
