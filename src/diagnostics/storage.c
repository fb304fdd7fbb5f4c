// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/storage.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, TAIL = 4096 };

bool storage_account_valid(const char *name) {
	return strv_made_of(name, "abcdefghijklmnopqrstuvwxyz0123456789", 3, STORAGE_ACCOUNT_MAX);
}

// A resource id is made of names that clients chose: none of them may lead elsewhere.
static int append_id(struct buf *path, const char *id, struct err *err) {
	if (strstr(id, "/.") || strstr(id, "//") || id[0] != '/' || strlen(id) > 1024)
		return err_set(err, -EINVAL, 500, "InternalServerError", "the resource id cannot be part of a path");
	for (; *id; id++)
		if (buf_printf(path, "%c", toupper((unsigned char)*id)) < 0)
			return err_oom(err);
	return 0;
}

static int make_path(const char *folder, const char *account, const char *resource_id, int64_t hour, struct buf *out,
	struct err *err) {
	struct tm t;
	time_t seconds = (time_t)hour;
	if (!storage_account_valid(account) || !gmtime_r(&seconds, &t))
		return err_set(err, -EINVAL, 500, "InternalServerError", "the storage account's name or the hour is not valid");
	if (buf_printf(out, "%s/%s/insights-logs-auditevent/resourceId=", folder, account) < 0)
		return err_oom(err);
	int rc = append_id(out, resource_id, err);
	if (rc == 0 && buf_printf(out, "/y=%04d/m=%02d/d=%02d/h=%02d/m=00/PT1H.json", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
			       t.tm_hour) < 0)
		rc = err_oom(err);
	return rc;
}

// Every folder below `from` characters of the path, durable.
static int make_folders(char *path, size_t from, struct err *err) {
	int rc = 0;
	for (char *slash = strchr(path + from, '/'); rc == 0 && slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		rc = io_mkdir(path, FOLDER_MODE, err);
		if (rc == 0 && io_sync_parent(path) < 0)
			rc = err_errno(err, -EIO, "cannot sync the folder of %s", path);
		*slash = '/';
	}
	return rc;
}

static int open_file(char *path, size_t folder_len, int *out, struct err *err) {
	int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(path, flags);
	if (fd < 0 && errno == ENOENT) {
		int rc = make_folders(path, folder_len + 1, err);
		if (rc < 0)
			return rc;
		fd = open(path, flags | O_CREAT, FILE_MODE);
		if (fd >= 0 && io_sync_parent(path) < 0) {
			io_closep(&fd);
			return err_errno(err, -EIO, "cannot sync the folder of %s", path);
		}
	}
	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	*out = fd;
	return 0;
}

// Cut off what is behind the last newline.
static int drop_torn_line(int fd) {
	char tail[TAIL];
	off_t end = lseek(fd, 0, SEEK_END);
	while (end > 0) {
		size_t n = end < TAIL ? (size_t)end : TAIL;
		ssize_t got = pread(fd, tail, n, end - (off_t)n);
		if (got != (ssize_t)n)
			return got < 0 ? -errno : -EIO;
		const char *newline = memrchr(tail, '\n', n);
		off_t keep = newline ? end - (off_t)n + (newline - tail) + 1 : end - (off_t)n;
		if (keep < end && ftruncate(fd, keep) < 0)
			return -errno;
		if (newline)
			return 0;
		end = keep;
	}
	return end < 0 ? -errno : 0;
}

int storage_append(const char *folder, const char *account, const char *resource_id, int64_t hour, const struct buf *lines,
	struct err *err) {
	_cleanup_buf_ struct buf path = {0};
	_cleanup_fd_ int fd = -1;
	int rc = make_path(folder, account, resource_id, hour, &path, err);
	if (rc == 0)
		rc = open_file((char *)path.data, strlen(folder), &fd, err);
	if (rc < 0)
		return rc;
	rc = drop_torn_line(fd);
	if (rc == 0)
		rc = io_write_full(fd, lines->data, lines->len);
	if (rc == 0 && fdatasync(fd) < 0)
		rc = -errno;
	return rc < 0 ? err_errno(err, rc, "cannot write %s", buf_cstr(&path)) : 0;
}
