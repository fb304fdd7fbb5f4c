// SPDX-License-Identifier: Apache-2.0
#include "cli/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"

enum { BOOTSTRAP_FILE_MAX = 16384, REMOVE_DEPTH_MAX = 32 };

static const char *const folders[] = {
	"tls", "keeper", "store", "disks", "import", "serial", "storage", "tenants", "log", "run", "run/disks",
	"run/machines",
};

static const char *const files[] = {"instance.json", "bootstrap.json", "host.json", "ca.pem", "issuers.pem", "clock"};

static void closedirp(DIR **dir) {
	if (*dir)
		(void)closedir(*dir);
}

int datadir_choose(const char *option, const char *env, uid_t uid, const char *xdg_data_home, const char *home,
	char **out, struct err *err) {
	char *path;
	if (option)
		path = strdup(option);
	else if (env && env[0])
		path = strdup(env);
	else if (uid == 0)
		path = strdup("/var/lib/custodisk");
	else if (xdg_data_home && xdg_data_home[0] == '/')
		path = datadir_file(xdg_data_home, "custodisk");
	else if (home && home[0] == '/')
		path = datadir_file(home, ".local/share/custodisk");
	else
		return err_set(err, -ENOENT, 500, "InternalServerError",
			"no data directory: give --data-dir, or set CUSTODISK_DATA_DIR or HOME");
	if (!path)
		return err_oom(err);
	*out = path;
	return 0;
}

int datadir_find(const char *option, char **out, struct err *err) {
	return datadir_choose(option, getenv("CUSTODISK_DATA_DIR"), geteuid(), getenv("XDG_DATA_HOME"), getenv("HOME"),
		out, err);
}

char *datadir_file(const char *path, const char *name) {
	return strv_printf("%s/%s", path, name);
}

bool datadir_has(const char *path, const char *name) {
	_cleanup_free_ char *file = datadir_file(path, name);
	struct stat st;
	return file && lstat(file, &st) == 0;
}

static int make_parents(const char *path, struct err *err) {
	for (const char *slash = strchr(path + 1, '/'); slash && slash[1]; slash = strchr(slash + 1, '/')) {
		_cleanup_free_ char *parent = strv_printf("%.*s", (int)(slash - path), path);
		if (!parent)
			return err_oom(err);
		int rc = io_mkdir(parent, 0755, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_ours(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (strcmp(folders[i], name) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strncmp(name, files[i], strlen(files[i])) == 0)  // also what a torn replacement left behind
			return true;
	return false;
}

// A slip such as --data-dir "$HOME" must not close somebody's home directory to everyone else.
static int refuse_foreign(const char *path, struct err *err) {
	_cleanup_(closedirp) DIR *dir = opendir(path);
	if (!dir)
		return err_errno(err, -errno, "cannot open %s", path);
	struct dirent *entry;
	while ((errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_ours(entry->d_name))
			continue;
		return err_set(err, -ENOTEMPTY, 500, "InternalServerError",
			"%s holds '%s', which is not custodisk's; choose an empty or a new directory", path,
			entry->d_name);
	}
	return errno ? err_errno(err, -errno, "cannot read %s", path) : 0;
}

static int take_over(const char *path, struct err *err) {
	struct stat st;
	if (stat(path, &st) < 0)
		return err_errno(err, -errno, "cannot use %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_errno(err, -ENOTDIR, "cannot use %s", path);
	if (st.st_uid != geteuid())
		return err_set(err, -EPERM, 500, "InternalServerError",
			"%s belongs to user %u; a data directory is used by its owner alone", path, (unsigned)st.st_uid);
	int rc = refuse_foreign(path, err);
	if (rc < 0)
		return rc;
	if ((st.st_mode & 07777) != 0700 && chmod(path, 0700) < 0)
		return err_errno(err, -errno, "cannot close %s to other users", path);
	return 0;
}

static int make_folders(const char *path, struct err *err) {
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *folder = datadir_file(path, folders[i]);
		if (!folder)
			return err_oom(err);
		int rc = io_mkdir(folder, 0700, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int make_clock(const char *path, struct err *err) {
	_cleanup_free_ char *clock = datadir_file(path, "clock");
	return clock ? clock_make(clock, err) : err_oom(err);
}

int datadir_make(const char *path, char **real, struct err *err) {
	if (path[0] == 0)
		return err_set(err, -EINVAL, 400, "BadParameter", "the name of the data directory is empty");
	int rc = make_parents(path, err);
	if (rc < 0)
		return rc;
	if (mkdir(path, 0700) < 0) {
		if (errno != EEXIST)
			return err_errno(err, -errno, "cannot create %s", path);
		rc = take_over(path, err);
		if (rc < 0)
			return rc;
	}
	_cleanup_free_ char *absolute = realpath(path, NULL);
	if (!absolute)
		return err_errno(err, -errno, "cannot use %s", path);
	rc = make_folders(absolute, err);
	if (rc == 0)
		rc = make_clock(absolute, err);
	if (rc < 0)
		return rc;
	*real = TAKE_PTR(absolute);
	return 0;
}

int datadir_make_throwaway(char **real, struct err *err) {
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *path = strv_printf("%s/custodisk.XXXXXX", tmp && tmp[0] == '/' ? tmp : "/tmp");
	if (!path)
		return err_oom(err);
	if (!mkdtemp(path))
		return err_errno(err, -errno, "cannot create %s", path);
	int rc = datadir_make(path, real, err);
	if (rc < 0)
		(void)rmdir(path);  // the reason for the failure is what counts
	return rc;
}

// Remove what the directory holds. Takes over the descriptor.
static int remove_contents(int fd, unsigned depth) {
	if (depth > REMOVE_DEPTH_MAX) {
		(void)close(fd);
		return -ELOOP;
	}
	_cleanup_(closedirp) DIR *dir = fdopendir(fd);
	if (!dir) {
		int rc = -errno;
		(void)close(fd);
		return rc;
	}
	struct dirent *entry;
	while ((errno = 0, entry = readdir(dir))) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unlinkat(dirfd(dir), name, 0) == 0 || errno == ENOENT)
			continue;
		int folder = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (folder < 0)
			return -errno;
		int rc = remove_contents(folder, depth + 1);
		if (rc < 0)
			return rc;
		if (unlinkat(dirfd(dir), name, AT_REMOVEDIR) < 0)
			return -errno;
	}
	return -errno;
}

int datadir_remove(const char *path, struct err *err) {
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int rc = fd < 0 ? -errno : remove_contents(fd, 0);
	if (rc == 0 && rmdir(path) < 0)
		rc = -errno;
	return rc < 0 ? err_errno(err, rc, "cannot remove %s", path) : 0;
}

void bootstrap_wipe(struct bootstrap *b) {
	explicit_bzero(b, sizeof(*b));
}

static int copy_member(const json_t *object, const char *name, char *out, size_t size, const char *file, struct err *err) {
	const char *value = json_str(object, name);
	if (!value || strlen(value) >= size)
		return err_set(err, -EINVAL, 500, "InternalServerError", "%s has no usable member '%s'", file, name);
	(void)snprintf(out, size, "%s", value);
	return 0;
}

int bootstrap_read(const char *path, struct bootstrap *out, struct err *err) {
	_cleanup_free_ char *file = datadir_file(path, "bootstrap.json");
	if (!file)
		return err_oom(err);
	_cleanup_buf_ struct buf text = {0};
	int rc = io_read_file(file, BOOTSTRAP_FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *object = NULL;
	rc = json_parse(text.data, text.len, "InternalServerError", &object, err);
	if (rc < 0)
		return rc;
	_cleanup_bootstrap_ struct bootstrap b = {0};
	const struct {
		const char *name;
		char *out;
		size_t size;
	} members[] = {
		{"tenantId", b.tenant, sizeof(b.tenant)},
		{"subscriptionId", b.subscription, sizeof(b.subscription)},
		{"clientId", b.client_id, sizeof(b.client_id)},
		{"clientSecret", b.client_secret, sizeof(b.client_secret)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		rc = copy_member(object, members[i].name, members[i].out, members[i].size, file, err);
		if (rc < 0)
			return rc;
	}
	*out = b;
	return 0;
}
