// SPDX-License-Identifier: Apache-2.0
#include "host/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/strv.h"

enum { STAT_MAX = 4096, CMDLINE_MAX = 1 << 20, START_FIELD = 22 };

void process_forget(struct process *p) {
	io_closep(&p->fd);
	*p = (struct process)PROCESS_NONE;
}

int process_parse_stat(const char *text, uint64_t *start) {
	// The second field is the program's name in parentheses and may itself hold blanks and parentheses.
	const char *at = strrchr(text, ')');
	for (int field = 2; at && field < START_FIELD; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EINVAL;
	_cleanup_free_ char *number = strndup(at + 1, strcspn(at + 1, " \n"));
	int64_t value;
	int rc = number ? strv_int(number, 0, INT64_MAX, &value) : -ENOMEM;
	if (rc < 0)
		return rc;
	*start = (uint64_t)value;
	return 0;
}

int process_start_time(pid_t pid, uint64_t *start) {
	char path[64];
	_cleanup_buf_ struct buf text = {0};
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int rc = io_read_file(path, STAT_MAX, &text, NULL);
	if (rc < 0)
		return rc == -ENOENT ? -ESRCH : rc;
	return process_parse_stat(buf_cstr(&text), start);
}

static int spawn(const char *const *argv, int out_fd, int err_fd, pid_t *pid) {
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	int rc = posix_spawn_file_actions_init(&files);
	if (rc != 0)
		return -rc;
	rc = posix_spawnattr_init(&attributes);
	if (rc != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -rc;
	}
	rc = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, out_fd, STDOUT_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(&files, err_fd, STDERR_FILENO);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (rc == 0)
		rc = posix_spawnattr_setflags(
			&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attributes, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&attributes, &all);
	if (rc == 0)
		rc = posix_spawnp(pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&files);
	return -rc;
}

int process_spawn(const char *const *argv, int out_fd, int err_fd, struct process *out, struct err *err) {
	struct process p = PROCESS_NONE;
	int rc = spawn(argv, out_fd, err_fd, &p.pid);
	if (rc < 0)
		return err_errno(err, rc, "cannot start %s", argv[0]);
	p.child = true;
	// It cannot be gone: nobody else reaps it.
	p.fd = pidfd_open(p.pid, 0);
	if (p.fd < 0)
		rc = -errno;
	if (rc == 0)
		rc = process_start_time(p.pid, &p.start);
	if (rc < 0) {
		(void)kill(p.pid, SIGKILL);
		(void)waitpid(p.pid, NULL, 0);
		process_forget(&p);
		return err_errno(err, rc, "cannot follow %s", argv[0]);
	}
	*out = p;
	return 0;
}

int process_adopt(pid_t pid, uint64_t start, struct process *out) {
	_cleanup_process_ struct process p = {.pid = pid, .start = start, .fd = pidfd_open(pid, 0)};
	if (p.fd < 0)
		return -errno;
	// Asked for after the descriptor was made: what it says is about the process that the descriptor names.
	uint64_t found;
	int rc = process_start_time(pid, &found);
	if (rc < 0)
		return rc;
	if (found != start)
		return -ESRCH;
	*out = p;
	p = (struct process)PROCESS_NONE;
	return 0;
}

void process_reap(struct process *p, bool *clean, int *status, char words[static PROCESS_END_MAX]) {
	siginfo_t info = {0};
	*clean = false;
	*status = -1;
	if (!p->child || waitid(P_PIDFD, (id_t)p->fd, &info, WEXITED) < 0) {
		(void)snprintf(words, PROCESS_END_MAX, "ended");
	} else if (info.si_code == CLD_EXITED) {
		*clean = info.si_status == 0;
		*status = info.si_status;
		(void)snprintf(words, PROCESS_END_MAX, "exited with status %d", info.si_status);
	} else {
		(void)snprintf(words, PROCESS_END_MAX, "was killed by signal %d", info.si_status);
	}
	process_forget(p);
}

void process_signal(const struct process *p, int sig) {
	if (p->fd >= 0)
		(void)pidfd_send_signal(p->fd, sig, NULL, 0);
}

void process_kill(struct process *p) {
	process_signal(p, SIGKILL);
	if (p->child)
		(void)waitpid(p->pid, NULL, 0);
	process_forget(p);
}

static bool runs_one_of(const char *program, const char *const *programs) {
	const char *slash = strrchr(program, '/');
	for (; *programs; programs++)
		if (strcmp(slash ? slash + 1 : program, *programs) == 0)
			return true;
	return false;
}

bool process_matches(const char *cmdline, size_t len, const char *prefix, const char *const *programs) {
	static const char parameter[] = "config=";
	// Arguments are separated by NUL bytes; one that was cut off does not count.
	if (len == 0 || cmdline[len - 1] != 0 || !runs_one_of(cmdline, programs))
		return false;
	for (const char *argument = cmdline; argument < cmdline + len; argument += strlen(argument) + 1) {
		size_t skip = strncmp(argument, parameter, strlen(parameter)) == 0 ? strlen(parameter) : 0;
		if (strncmp(argument + skip, prefix, strlen(prefix)) == 0)
			return true;
	}
	return false;
}

static bool is_leftover(pid_t pid, const char *prefix, const char *const *programs) {
	char path[64];
	struct stat st;
	_cleanup_buf_ struct buf cmdline = {0};
	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	// A process that makes itself undumpable has its files in /proc owned by root; its command line stays readable.
	if (stat(path, &st) < 0 || (st.st_uid != geteuid() && st.st_uid != 0))
		return false;
	if (io_read_file(path, CMDLINE_MAX, &cmdline, NULL) < 0)
		return false;
	return cmdline.len > 0 && process_matches(buf_cstr(&cmdline), cmdline.len, prefix, programs);
}

int process_sweep(const char *prefix, const char *const *programs, bool (*spare)(void *data, pid_t pid), void *data,
	struct err *err) {
	DIR *proc = opendir("/proc");
	if (!proc)
		return err_errno(err, -errno, "cannot read /proc");
	int killed = 0;
	for (const struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
		int64_t number;
		if (strv_int(entry->d_name, 2, INT32_MAX, &number) < 0 || spare(data, (pid_t)number))
			continue;
		_cleanup_fd_ int fd = pidfd_open((pid_t)number, 0);
		if (fd >= 0 && is_leftover((pid_t)number, prefix, programs) && pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0)
			killed++;
	}
	(void)closedir(proc);
	return killed;
}
