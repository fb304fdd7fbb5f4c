// SPDX-License-Identifier: Apache-2.0
#include "disk/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/io.h"

static int invalid(struct err *err, const char *uri, const char *why) {
	return err_set(err, -EINVAL, 400, "InvalidParameter", "The source '%.300s' cannot be imported: %s.", uri, why);
}

// The path of a file:/// URI (RFC 8089), percent-decoded.
static int path_of(const char *uri, struct buf *path) {
	static const char scheme[] = "file://";
	if (strncmp(uri, scheme, strlen(scheme)) != 0 || uri[strlen(scheme)] != '/')
		return -EINVAL;
	int rc = 0;
	for (const char *p = uri + strlen(scheme); *p && rc == 0; p++) {
		if (*p == '?' || *p == '#')
			return -EINVAL;
		if (*p != '%') {
			rc = buf_append(path, p, 1);
			continue;
		}
		_cleanup_buf_ struct buf byte = {0};
		if (!p[1] || !p[2] || dec_hex(&byte, p + 1, 2) < 0 || byte.data[0] == 0)
			return -EINVAL;
		rc = buf_append(path, byte.data, 1);
		p += 2;
	}
	return rc;
}

int source_open(const char *uri, const char *import_dir, uint64_t *size, struct err *err) {
	_cleanup_buf_ struct buf path = {0};
	int rc = path_of(uri, &path);
	if (rc == -ENOMEM)
		return err_oom(err);
	if (rc < 0)
		return invalid(err, uri, "it is no file:/// URI");
	size_t dir_len = strlen(import_dir);
	while (dir_len > 0 && import_dir[dir_len - 1] == '/')
		dir_len--;
	if (strncmp(buf_cstr(&path), import_dir, dir_len) != 0 || buf_cstr(&path)[dir_len] != '/')
		return invalid(err, uri, "it is outside of the import folder");
	_cleanup_fd_ int dir = open(import_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(err, -errno, "cannot open the import folder %s", import_dir);
	const char *inside = buf_cstr(&path) + dir_len + strspn(buf_cstr(&path) + dir_len, "/");
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	_cleanup_fd_ int fd = (int)syscall(SYS_openat2, dir, inside, &how, sizeof(how));
	if (fd < 0)
		return invalid(err, uri, errno == ENOENT ? "it is not there" : strerror(errno));
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(err, -errno, "cannot examine the source");
	if (!S_ISREG(st.st_mode))
		return invalid(err, uri, "it is no regular file");
	if (st.st_size == 0)
		return invalid(err, uri, "it is empty");
	*size = (uint64_t)st.st_size;
	return TAKE_FD(fd);
}
