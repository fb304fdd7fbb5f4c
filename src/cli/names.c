// SPDX-License-Identifier: Apache-2.0
#include "cli/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/programs.h"

enum { START_PATIENCE_S = 10, POLL_INTERVAL_NS = 5000000, NOBODY = 65534 };

// --local without an upstream server makes a domain end here: names below it that have no record do not exist.
// --address covers a domain and all below it, --host-record one name.
static const char *const arguments[] = {
	"--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-poll", "--pid-file", "--log-facility=-",
	"--listen-address=127.0.0.1", "--bind-interfaces", "--port=53",
	"--local=/#/",
	"--host-record=localhost,127.0.0.1",
	"--local=/login.microsoftonline.com/", "--host-record=login.microsoftonline.com,127.0.0.1",
	"--local=/management.azure.com/", "--host-record=management.azure.com,127.0.0.1",
	"--local=/graph.microsoft.com/", "--host-record=graph.microsoft.com,127.0.0.1",
	"--local=/vault.azure.net/", "--address=/vault.azure.net/127.0.0.1",
	"--local=/managedhsm.azure.net/", "--address=/managedhsm.azure.net/127.0.0.1",
	"--local=/attest.azure.net/", "--address=/attest.azure.net/127.0.0.1",
};

int names_find(struct name_server *n, struct err *err) {
	int rc = program_find_system("dnsmasq", getenv("PATH"), &n->program, err);
	if (rc < 0)
		return rc;
	if (!n->program)
		return err_set(err, -ENOENT, 500, "InternalServerError",
			"dnsmasq is not installed (Debian package dnsmasq-base); it answers the names in the namespace");
	return 0;
}

// Keep the one capability that port 53 needs and, where there is another user to become, nothing of root. dnsmasq
// would change its user itself, but that forgets the signal it is to get when its parent dies (prctl(2)).
static int drop_privileges(bool keep_user) {
	if (!keep_user && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return -errno;
	const uint32_t low_ports = 1u << CAP_NET_BIND_SERVICE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{low_ports, low_ports, low_ports}};
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) < 0 ? -errno : 0;
}

static _Noreturn void child(const struct name_server *n, pid_t parent) {
	sigset_t none;
	sigemptyset(&none);
	const char *argv[ARRAY_SIZE(arguments) + 2] = {"dnsmasq"};
	memcpy(&argv[1], arguments, sizeof(arguments));
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log_fd = open(n->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	// A session of its own: a terminal's Ctrl-C is for the command.
	if (null < 0 || log_fd < 0 || setsid() < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
		dup2(log_fd, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(126);
	int rc = drop_privileges(n->keep_user);
	if (rc < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
		(void)dprintf(STDERR_FILENO, "cannot prepare dnsmasq: %s\n", strerror(rc < 0 ? -rc : errno));
		_exit(126);
	}
	(void)execv(n->program, (char **)(uintptr_t)argv);
	(void)dprintf(STDERR_FILENO, "cannot execute %s: %s\n", n->program, strerror(errno));
	_exit(127);
}

// dnsmasq listens on TCP as soon as on UDP, and says so in no other way.
static bool answers(void) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

int names_start(struct name_server *n, struct err *err) {
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		child(n, parent);
	if (pid < 0)
		return err_errno(err, -errno, "cannot start dnsmasq");
	n->pid = pid;
	int64_t end = clock_monotonic_ns() + START_PATIENCE_S * CLOCK_NSEC_PER_SEC;
	while (!answers()) {
		int status;
		if (waitpid(pid, &status, WNOHANG) == pid) {
			n->pid = 0;
			return err_set(err, -EIO, 500, "InternalServerError", "dnsmasq ended (%s %d); see %s",
				WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), n->log_path);
		}
		if (clock_monotonic_ns() >= end)
			return err_set(err, -ETIMEDOUT, 500, "InternalServerError", "dnsmasq does not become ready");
		const struct timespec moment = {.tv_nsec = POLL_INTERVAL_NS};
		(void)nanosleep(&moment, NULL);
	}
	return 0;
}

void names_stop(struct name_server *n) {
	if (n->pid == 0)
		return;
	(void)kill(n->pid, SIGKILL);  // it holds nothing worth an orderly end
	int status;
	while (waitpid(n->pid, &status, 0) < 0 && errno == EINTR)
		;
	n->pid = 0;
}

void names_free(struct name_server *n) {
	free(n->program);
	n->program = NULL;
}
