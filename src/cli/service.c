// SPDX-License-Identifier: Apache-2.0
#include "cli/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"

enum {
	READY_FD = 3,          // number of the ready descriptor in the started process
	START_PATIENCE_S = 60, // a first start makes RSA keys on a slow machine
};

static int open_log(struct service *v, struct err *err) {
	int fd = open(v->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (fd < 0)
		return err_errno(err, -errno, "cannot open %s", v->log_path);
	off_t end = lseek(fd, 0, SEEK_END);
	v->log_start = end < 0 ? 0 : end;
	return fd;
}

static _Noreturn void child(const struct service *v, pid_t supervisor, int log_fd, int ready_fd) {
	sigset_t none;
	sigemptyset(&none);
	const int reset[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE};
	for (size_t i = 0; i < ARRAY_SIZE(reset); i++)
		(void)signal(reset[i], SIG_DFL);
	// A group of its own: a terminal's Ctrl-C reaches the supervisor, which stops all in order.
	(void)setpgid(0, 0);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
		dup2(log_fd, STDERR_FILENO) < 0)
		_exit(126);
	if (ready_fd == READY_FD ? fcntl(READY_FD, F_SETFD, 0) < 0 : dup2(ready_fd, READY_FD) < 0)
		_exit(126);
	if (close_range(READY_FD + 1, ~0U, 0) < 0)
		_exit(126);
	// A supervisor that is killed takes its processes with it; it may have died before this line.
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != supervisor)
		_exit(126);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		_exit(126);

	char *argv[SERVICE_ARGUMENTS_MAX + 3];
	char number[8];
	size_t n = 0;
	for (; v->argv[n]; n++)
		argv[n] = (char *)(uintptr_t)v->argv[n];
	(void)snprintf(number, sizeof(number), "%d", READY_FD);
	argv[n++] = (char *)(uintptr_t)"--ready-fd";
	argv[n++] = number;
	argv[n] = NULL;
	(void)execv(v->program, argv);
	(void)dprintf(STDERR_FILENO, "cannot execute %s: %s\n", v->program, strerror(errno));
	_exit(127);
}

int service_start(struct service *v, struct err *err) {
	_cleanup_fd_ int log_fd = open_log(v, err);
	if (log_fd < 0)
		return log_fd;
	int ready[2];
	if (pipe2(ready, O_CLOEXEC) < 0)
		return err_errno(err, -errno, "cannot make a pipe");
	pid_t supervisor = getpid();
	pid_t pid = fork();
	if (pid == 0)
		child(v, supervisor, log_fd, ready[1]);
	int rc = pid < 0 ? -errno : 0;
	(void)close(ready[1]);
	if (rc < 0) {
		(void)close(ready[0]);
		return err_errno(err, rc, "cannot start the %s", v->name);
	}
	v->pid = pid;
	v->ready_fd = ready[0];
	v->start_ticks = service_start_ticks(pid);
	v->started_ns = clock_monotonic_ns();
	v->due_ns = v->started_ns + START_PATIENCE_S * CLOCK_NSEC_PER_SEC;
	v->state = SERVICE_STARTING;
	return 0;
}

int service_ready(struct service *v) {
	char word[16];
	ssize_t n;
	do
		n = read(v->ready_fd, word, sizeof(word));
	while (n < 0 && errno == EINTR);
	io_closep(&v->ready_fd);
	if (n < 5 || memcmp(word, "READY", 5) != 0)
		return 0;
	v->state = SERVICE_SERVING;
	v->since = clock_real_now();
	return 1;
}

void service_ended(struct service *v) {
	io_closep(&v->ready_fd);
	v->pid = 0;
	v->start_ticks = 0;
	v->state = SERVICE_STOPPED;
}

void service_free(struct service *v) {
	io_closep(&v->ready_fd);
	free(v->program);
	free(v->log_path);
	for (size_t i = 0; i < ARRAY_SIZE(v->arguments_owned); i++)
		free(v->arguments_owned[i]);
}

const char *service_describe_end(int wait_status, char *out, size_t size) {
	if (WIFSIGNALED(wait_status))
		(void)snprintf(out, size, "signal %d", WTERMSIG(wait_status));
	else
		(void)snprintf(out, size, "status %d", WEXITSTATUS(wait_status));
	return out;
}

void service_last_words(const struct service *v, char *out, size_t size) {
	out[0] = 0;
	_cleanup_fd_ int fd = open(v->log_path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	char tail[1024];
	off_t from = st.st_size - (off_t)sizeof(tail) + 1;
	if (from < v->log_start)
		from = v->log_start;
	ssize_t n = pread(fd, tail, sizeof(tail) - 1, from);
	if (n <= 0)
		return;
	while (n > 0 && tail[n - 1] == '\n')
		n--;
	tail[n] = 0;
	const char *line = strrchr(tail, '\n');
	(void)snprintf(out, size, "%s", line ? line + 1 : tail);
}

uint64_t service_start_ticks(pid_t pid) {
	char path[32], text[1024];
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	// proc(5): the name in parentheses may hold anything, so fields are counted from its end; starttime is field 22.
	char *at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return 0;
	char *number = at + 1;
	number[strcspn(number, " \n")] = 0;
	int64_t ticks = 0;
	return strv_int(number, 0, INT64_MAX, &ticks) == 0 ? (uint64_t)ticks : 0;
}
