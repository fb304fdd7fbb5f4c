// SPDX-License-Identifier: Apache-2.0
#include "cli/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "cli/datadir.h"

#define SYSTEM_CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define METADATA_ADDRESS "169.254.169.254"

enum { LISTEN_BACKLOG = 512, SYSTEM_FILE_MAX = 1 << 16, CA_BUNDLE_MAX = 8 << 20 };

// Answers of daemons outside would come through these folders' sockets, past the namespace (nscd, systemd-resolved).
static const char *const outside_resolvers[] = {"/run/nscd", "/var/run/nscd", "/run/systemd/resolve"};

static const struct namespace_limit limits[] = {
	{"/proc/sys/kernel/unprivileged_userns_clone", "kernel.unprivileged_userns_clone", 0},
	{"/proc/sys/user/max_user_namespaces", "user.max_user_namespaces", 0},
	{"/proc/sys/user/max_net_namespaces", "user.max_net_namespaces", 0},
	{"/proc/sys/user/max_mnt_namespaces", "user.max_mnt_namespaces", 0},
	{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "kernel.apparmor_restrict_unprivileged_userns", 1},
};

const char *namespace_limit_name(const struct namespace_limit *list, size_t count) {
	for (size_t i = 0; i < count; i++) {
		_cleanup_buf_ struct buf text = {0};
		int64_t value;
		if (io_read_file(list[i].path, 64, &text, NULL) < 0 || text.len == 0)
			continue;
		text.data[strcspn(buf_cstr(&text), "\n")] = 0;
		if (strv_int(buf_cstr(&text), 0, INT64_MAX, &value) == 0 && value == list[i].forbids)
			return list[i].name;
	}
	return "";
}

// A refusal, with what an administrator would have to change.
static int refused(int rc, const char *what, struct err *err) {
	const char *setting = namespace_limit_name(limits, ARRAY_SIZE(limits));
	if (setting[0])
		return err_set(err, rc, 500, "InternalServerError",
			"%s: %s. The setting %s forbids it to this user; change it (sysctl(8)) or run as root", what,
			strerror(-rc), setting);
	return err_set(err, rc, 500, "InternalServerError",
		"%s: %s. User namespaces are not allowed to this process (a chroot, a container's seccomp or AppArmor profile, or "
		"the settings kernel.unprivileged_userns_clone and user.max_user_namespaces); run as root with CAP_SYS_ADMIN",
		what, strerror(-rc));
}

static int write_proc(const char *path, const char *text) {
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : io_write_full(fd, text, strlen(text));
}

// Map the caller's own ids to themselves, which any user may do.
static int map_ids(uid_t uid, gid_t gid, struct err *err) {
	char uid_map[64], gid_map[64];
	(void)snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", (unsigned)uid, (unsigned)uid);
	(void)snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", (unsigned)gid, (unsigned)gid);
	int rc = write_proc("/proc/self/setgroups", "deny");
	if (rc == 0)
		rc = write_proc("/proc/self/uid_map", uid_map);
	if (rc == 0)
		rc = write_proc("/proc/self/gid_map", gid_map);
	return rc < 0 ? refused(rc, "cannot map the user into a user namespace", err) : 0;
}

static int set_up_interface(int sock, const char *name, const char *address) {
	struct ifreq request = {0};
	int rc = strv_copy(request.ifr_name, sizeof(request.ifr_name), name);
	if (rc < 0)
		return rc;
	if (address) {
		struct sockaddr_in in = {.sin_family = AF_INET};
		if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
			return -EINVAL;
		memcpy(&request.ifr_addr, &in, sizeof(in));
		if (ioctl(sock, SIOCSIFADDR, &request) < 0)
			return -errno;
		in.sin_addr.s_addr = INADDR_NONE;  // a host mask: all bits set
		memcpy(&request.ifr_netmask, &in, sizeof(in));
		return ioctl(sock, SIOCSIFNETMASK, &request) < 0 ? -errno : 0;
	}
	request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	return ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int bring_loopback_up(struct err *err) {
	_cleanup_fd_ int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return err_errno(err, -errno, "cannot make a socket");
	int rc = set_up_interface(sock, "lo", NULL);
	if (rc == 0)
		rc = set_up_interface(sock, "lo:metadata", METADATA_ADDRESS);
	return rc < 0 ? refused(rc, "cannot bring the namespace's loopback interface up", err) : 0;
}

// Where the root folder is not a mount of its own (chroot(2)), the mounts' propagation can be set from the namespace's
// root alone. Entering the namespace once more leads there; back then to where the caller was.
static int make_private_beneath_chroot(void) {
	_cleanup_fd_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_fd_ int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (root < 0 || folder < 0 || own < 0 || setns(own, CLONE_NEWNS) < 0)
		return -errno;
	int rc = mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? -errno : 0;
	if (fchdir(root) < 0 || chroot(".") < 0 || fchdir(folder) < 0)
		return -errno;
	return rc;
}

// Nothing that is mounted here may show outside.
static int make_mounts_private(void) {
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return 0;
	return errno == EINVAL ? make_private_beneath_chroot() : -errno;
}

int namespace_enter(bool *user_namespace, struct err *err) {
	const int wanted = CLONE_NEWNET | CLONE_NEWNS;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool mapped = uid != 0 || unshare(wanted) < 0;
	if (mapped) {
		if (unshare(CLONE_NEWUSER | wanted) < 0)
			return refused(-errno, "cannot make network, mount and user namespaces", err);
		int rc = map_ids(uid, gid, err);
		if (rc < 0)
			return rc;
	}
	int rc = make_mounts_private();
	if (rc < 0)
		return refused(rc, "cannot make the namespace's mounts private", err);
	rc = bring_loopback_up(err);
	if (rc < 0)
		return rc;
	*user_namespace = mapped;
	return 0;
}

int namespace_nsswitch(const char *text, struct buf *out) {
	size_t before = out->len;
	while (*text) {
		size_t len = strcspn(text, "\n");
		size_t next = len + (text[len] == '\n');
		const char *word = text + strspn(text, " \t");
		int rc = strncmp(word, "hosts:", 6) == 0 ? 0 : buf_append(out, text, len);
		if (rc == 0 && !(strncmp(word, "hosts:", 6) == 0))
			rc = buf_str(out, "\n");
		if (rc < 0) {
			out->len = before;
			return rc;
		}
		text += next;
	}
	return buf_str(out, "hosts: files dns\n");
}

// Put these bytes in the place of a file that is there. `real` is its path without symbolic links.
static int cover(const char *real, const char *scratch, const void *data, size_t len, struct err *err) {
	_cleanup_free_ char *file = datadir_file(scratch, "cover");
	if (!file)
		return err_oom(err);
	int rc = io_replace_file(file, data, len, 0644, err);
	if (rc < 0)
		return rc;
	if (mount(file, real, NULL, MS_BIND, NULL) < 0)
		rc = refused(-errno, "cannot mount a file over the system's", err);
	if (unlink(file) < 0 && rc == 0)  // the mount keeps the contents
		rc = err_errno(err, -errno, "cannot remove %s", file);
	return rc;
}

// The file behind a path, or NULL when there is none to cover.
static int resolve(const char *path, char **real, struct err *err) {
	char *found = realpath(path, NULL);
	if (!found && errno != ENOENT)
		return err_errno(err, -errno, "cannot find %s", path);
	*real = found;
	return 0;
}

static int hide_outside_resolvers(struct err *err) {
	for (size_t i = 0; i < ARRAY_SIZE(outside_resolvers); i++) {
		struct stat st;
		if (stat(outside_resolvers[i], &st) < 0 || !S_ISDIR(st.st_mode))
			continue;
		if (mount("none", outside_resolvers[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") < 0)
			return refused(-errno, "cannot hide the resolver of the host", err);
	}
	return 0;
}

// A missing /etc/resolv.conf means the same as ours: ask 127.0.0.1 (resolver(3)).
static int cover_resolv_conf(const char *real, const char *scratch, struct err *err) {
	static const char text[] = "nameserver 127.0.0.1\n";
	if (!real)
		return 0;
	struct stat st;
	if (stat(real, &st) < 0 && errno == ENOENT) {
		// It lay in a folder that is hidden now: the folder is ours.
		return io_create_file(real, text, strlen(text), 0644, err);
	}
	return cover(real, scratch, text, strlen(text), err);
}

static int cover_hosts(const char *scratch, struct err *err) {
	_cleanup_free_ char *real = NULL;
	_cleanup_buf_ struct buf text = {0};
	char name[HOST_NAME_MAX + 1] = "";
	int rc = resolve("/etc/hosts", &real, err);
	if (rc < 0 || !real)
		return rc;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return err_errno(err, -errno, "cannot get the host name");
	if (buf_printf(&text, "127.0.0.1 localhost %s\n::1 localhost ip6-localhost ip6-loopback\n", name) < 0)
		return err_oom(err);
	return cover(real, scratch, text.data, text.len, err);
}

static int cover_nsswitch(const char *scratch, struct err *err) {
	_cleanup_free_ char *real = NULL;
	_cleanup_buf_ struct buf text = {0}, changed = {0};
	int rc = resolve("/etc/nsswitch.conf", &real, err);
	if (rc < 0 || !real)
		return rc;
	rc = io_read_file(real, SYSTEM_FILE_MAX, &text, err);
	if (rc < 0)
		return rc;
	if (namespace_nsswitch(buf_cstr(&text), &changed) < 0)
		return err_oom(err);
	return cover(real, scratch, changed.data, changed.len, err);
}

static int cover_ca_bundle(const char *data_dir, const char *scratch, char **ca_bundle, struct err *err) {
	_cleanup_free_ char *own = datadir_file(data_dir, "ca.pem"), *real = NULL;
	if (!own)
		return err_oom(err);
	int rc = resolve(SYSTEM_CA_BUNDLE, &real, err);
	if (rc < 0)
		return rc;
	if (!real) {
		*ca_bundle = TAKE_PTR(own);
		return 0;
	}
	_cleanup_buf_ struct buf text = {0};
	rc = io_read_file(real, CA_BUNDLE_MAX, &text, err);
	if (rc == 0)
		rc = buf_str(&text, "\n") < 0 ? err_oom(err) : io_read_file(own, SYSTEM_FILE_MAX, &text, err);
	if (rc == 0)
		rc = cover(real, scratch, text.data, text.len, err);
	if (rc < 0)
		return rc;
	*ca_bundle = strdup(SYSTEM_CA_BUNDLE);
	return *ca_bundle ? 0 : err_oom(err);
}

int namespace_cover_files(const char *data_dir, const char *scratch, char **ca_bundle, struct err *err) {
	_cleanup_free_ char *resolv_conf = NULL;
	// Before its folder may be hidden.
	int rc = resolve("/etc/resolv.conf", &resolv_conf, err);
	if (rc == 0)
		rc = hide_outside_resolvers(err);
	if (rc == 0)
		rc = cover_resolv_conf(resolv_conf, scratch, err);
	if (rc == 0)
		rc = cover_hosts(scratch, err);
	if (rc == 0)
		rc = cover_nsswitch(scratch, err);
	if (rc == 0)
		rc = cover_ca_bundle(data_dir, scratch, ca_bundle, err);
	return rc;
}

int namespace_listen(unsigned port, struct err *err) {
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {INADDR_ANY}};
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		return err_errno(err, -errno, "cannot have port %u of the namespace", port);
	int rc = namespace_relisten(fd, err);
	return rc < 0 ? rc : TAKE_FD(fd);
}

int namespace_relisten(int fd, struct err *err) {
	return listen(fd, LISTEN_BACKLOG) < 0 ? err_errno(err, -errno, "cannot listen in the namespace") : 0;
}
