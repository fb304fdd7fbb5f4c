// SPDX-License-Identifier: Apache-2.0
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_PASSED_FDS = 16 };

void io_closep(int *fd) {
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int io_read_full(int fd, void *data, size_t len) {
	uint8_t *p = data;
	while (len > 0) {
		ssize_t n = read(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_write_full(int fd, const void *data, size_t len) {
	const uint8_t *p = data;
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_pwrite_full(int fd, const void *data, size_t len, off_t offset) {
	const uint8_t *p = data;
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

// The rest of fd, at most max bytes, appended to out.
static int read_all(int fd, size_t max, struct buf *out) {
	uint8_t chunk[16384];
	int rc = 0;
	for (ssize_t n = 1; rc == 0 && n > 0;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n < 0)
			rc = -errno;
		else if ((size_t)n > max - out->len)
			rc = -EFBIG;
		else
			rc = buf_append(out, chunk, (size_t)n);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return rc;
}

int io_read_file(const char *path, size_t max, struct buf *out, struct err *err) {
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	_cleanup_buf_ struct buf contents = {0};
	int rc = read_all(fd, max, &contents);
	if (rc == 0)
		rc = buf_append(out, contents.data, contents.len);
	return rc < 0 ? err_errno(err, rc, "cannot read %s", path) : 0;
}

int io_sync_parent(const char *path) {
	const char *slash = strrchr(path, '/');
	char *dir = slash == path ? strdup("/") : slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	if (!dir)
		return -ENOMEM;
	_cleanup_fd_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	free(dir);
	return rc;
}

// Write a temporary file beside path and make it durable; its name in *name, to be freed.
static int write_temporary(const char *path, const void *data, size_t len, mode_t mode, char **name) {
	char *temporary = NULL;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	_cleanup_fd_ int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		int rc = -errno;
		free(temporary);
		return rc;
	}
	int rc = fchmod(fd, mode) < 0 ? -errno : io_write_full(fd, data, len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(temporary);
		free(temporary);
		return rc;
	}
	*name = temporary;
	return 0;
}

static int publish(const char *path, const void *data, size_t len, mode_t mode, unsigned flags, struct err *err) {
	char *temporary = NULL;
	int rc = write_temporary(path, data, len, mode, &temporary);
	if (rc == 0 && renameat2(AT_FDCWD, temporary, AT_FDCWD, path, flags) < 0) {
		rc = -errno;
		(void)unlink(temporary);
	}
	free(temporary);
	if (rc == 0)
		rc = io_sync_parent(path);
	return rc < 0 ? err_errno(err, rc, "cannot write %s", path) : 0;
}

int io_replace_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err) {
	return publish(path, data, len, mode, 0, err);
}

int io_create_file(const char *path, const void *data, size_t len, mode_t mode, struct err *err) {
	return publish(path, data, len, mode, RENAME_NOREPLACE, err);
}

int io_mkdir(const char *path, mode_t mode, struct err *err) {
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_errno(err, -errno, "cannot create %s", path);
	return 0;
}

static int unix_address(const char *path, struct sockaddr_un *address, struct err *err) {
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	// An empty path would be a name of the abstract kind, which has no owner and no mode.
	if (!path[0])
		return err_set(err, -EINVAL, 500, "InternalServerError", "the socket path is empty");
	if (strlen(path) >= sizeof(address->sun_path))
		return err_set(err, -ENAMETOOLONG, 500, "InternalServerError",
			"the socket path %s is longer than %zu bytes; use a shorter data directory", path,
			sizeof(address->sun_path) - 1);
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

// A socket, and the address of path for it. Returns a descriptor or a negative errno.
static int unix_socket(const char *path, int type, struct sockaddr_un *address, struct err *err) {
	int rc = unix_address(path, address, err);
	if (rc < 0)
		return rc;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	return fd < 0 ? err_errno(err, -errno, "cannot make a socket") : fd;
}

// A socket that nobody listens at any more makes way; a file of another kind was not meant.
static int remove_stale(const char *path) {
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int io_unix_listen(const char *path, int type, struct err *err) {
	struct sockaddr_un address;
	_cleanup_fd_ int fd = unix_socket(path, type, &address, err);
	if (fd < 0)
		return fd;
	int rc = remove_stale(path);
	if (rc < 0)
		return err_errno(err, rc, "cannot listen at %s", path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0600) < 0 ||
		listen(fd, SOMAXCONN) < 0)
		return err_errno(err, -errno, "cannot listen at %s", path);
	return TAKE_FD(fd);
}

int io_unix_connect(const char *path, int type, struct err *err) {
	struct sockaddr_un address;
	_cleanup_fd_ int fd = unix_socket(path, type, &address, err);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(err, -errno, "cannot connect to %s", path);
	return TAKE_FD(fd);
}

int io_send_fds(int sock, const void *data, size_t len, const int *fds, size_t fd_count) {
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)];
	} control = {0};
	if (fd_count > MAX_PASSED_FDS || len == 0)
		return -EINVAL;
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	if (fd_count > 0) {
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
	}
	ssize_t n;
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

ssize_t io_recv_fds(int sock, void *data, size_t len, int *fds, size_t max_fds, size_t *fd_count) {
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * MAX_PASSED_FDS)];
	} control = {0};
	struct iovec iov = {.iov_base = data, .iov_len = len};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
	ssize_t n;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;

	int received[MAX_PASSED_FDS];
	size_t count = 0;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&msg); header; header = CMSG_NXTHDR(&msg, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < here && count < MAX_PASSED_FDS; i++)
			memcpy(&received[count++], CMSG_DATA(header) + i * sizeof(int), sizeof(int));
	}
	if (count > max_fds || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < count; i++)
			(void)close(received[i]);
		return -EMSGSIZE;
	}
	if (count > 0)
		memcpy(fds, received, count * sizeof(int));
	*fd_count = count;
	return n;
}

int io_program_folder(char **out, struct err *err) {
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0)
		return err_errno(err, -errno, "cannot read /proc/self/exe");
	self[n] = 0;
	char *slash = strrchr(self, '/');
	if (!slash)
		return err_errno(err, -ENOENT, "cannot tell the folder of %s", self);
	*slash = 0;
	char *folder = strdup(self);
	if (!folder)
		return err_oom(err);
	*out = folder;
	return 0;
}
