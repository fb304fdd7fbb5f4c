// SPDX-License-Identifier: Apache-2.0
#include "host/consoles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "host/host.h"

enum { EVERY_MS = 5000 };

static void close_folder(DIR **d) {
	if (*d)
		(void)closedir(*d);
}

static int trim(int folder, const char *name, off_t max) {
	_cleanup_fd_ int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && st.st_size > max && ftruncate(fd, 0) < 0 ? -errno : 0;
}

int consoles_trim(const char *folder, off_t max, struct err *err) {
	_cleanup_(close_folder) DIR *d = opendir(folder);
	if (!d)
		return err_errno(err, -errno, "cannot read %s", folder);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		int rc = trim(dirfd(d), entry->d_name, max);
		if (rc < 0 && rc != -ENOENT && rc != -EISDIR)
			return err_errno(err, rc, "cannot shorten %s/%s", folder, entry->d_name);
	}
	return 0;
}

static void on_due(void *data) {
	struct consoles *c = data;
	struct err err = {0};
	if (consoles_trim("serial", CONSOLES_LOG_MAX, &err) < 0)
		host_complain("cannot keep the serial logs short", &err);
	loop_after(c->loop, &c->timer, EVERY_MS, on_due, c);
}

void consoles_watch(struct consoles *c, struct loop *loop) {
	*c = (struct consoles){.loop = loop};
	loop_after(loop, &c->timer, EVERY_MS, on_due, c);
}

void consoles_end(struct consoles *c) {
	loop_cancel(c->loop, &c->timer);
}
