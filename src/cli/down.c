// SPDX-License-Identifier: Apache-2.0
// custodisk down: stop an instance.
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/datadir.h"
#include "cli/lock.h"

enum { PATIENCE_S = 120 };  // more than the supervisor itself allows its processes

// A descriptor of the supervisor: held before the lock is asked again, so that the number cannot have passed on.
static int open_holder(const char *data_dir, struct lock_holder *holder, struct err *err) {
	int rc = lock_find(data_dir, holder, err);
	if (rc < 0)
		return rc;
	if (!holder->held)
		return -ESRCH;
	if (holder->pid == 0)
		return err_set(err, -EPERM, 500, "InternalServerError",
			"the supervisor of %s runs in another PID namespace; stop it there", data_dir);
	pid_t pid = holder->pid;
	_cleanup_fd_ int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return errno == ESRCH ? -ESRCH : err_errno(err, -errno, "cannot reach process %d", (int)pid);
	rc = lock_find(data_dir, holder, err);
	if (rc < 0)
		return rc;
	return holder->held && holder->pid == pid ? TAKE_FD(pidfd) : -ESRCH;
}

static int wait_gone(int pidfd, pid_t pid, struct err *err) {
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};
	int64_t end = clock_monotonic_ns() + PATIENCE_S * CLOCK_NSEC_PER_SEC;
	for (;;) {
		int64_t left_ms = (end - clock_monotonic_ns()) / 1000000;
		int n = poll(&gone, 1, left_ms > 0 ? (int)left_ms : 0);
		if (n > 0)
			return 0;
		if (n == 0)
			return err_set(err, -ETIMEDOUT, 500, "InternalServerError",
				"process %d has not stopped after %d seconds", (int)pid, PATIENCE_S);
		if (errno != EINTR)
			return err_errno(err, -errno, "cannot wait for process %d", (int)pid);
	}
}

static int down(int argc, char **argv) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *option = NULL;
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		if (opt == 'h')
			return cli_help(&cli_down);
		if (opt != 'd')
			return cli_bad_option(&cli_down, opt, argv);
		option = optarg;
	}
	if (optind < argc)
		return cli_usage_error(&cli_down, "unexpected argument '%s'", argv[optind]);

	struct err err;
	_cleanup_free_ char *data_dir = NULL;
	if (datadir_find(option, &data_dir, &err) < 0)
		return cli_fail(&cli_down, &err);
	struct lock_holder holder;
	_cleanup_fd_ int pidfd = open_holder(data_dir, &holder, &err);
	if (pidfd == -ESRCH) {
		printf("custodisk is not running on %s.\n", data_dir);
		return CLI_OK;
	}
	if (pidfd < 0)
		return cli_fail(&cli_down, &err);
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH) {
		(void)err_errno(&err, -errno, "cannot stop process %d", (int)holder.pid);
		return cli_fail(&cli_down, &err);
	}
	if (wait_gone(pidfd, holder.pid, &err) < 0)
		return cli_fail(&cli_down, &err);
	printf("custodisk on %s has stopped.\n", data_dir);
	return CLI_OK;
}

const struct cli_command cli_down = {
	.name = "down",
	.arguments = "[--data-dir DIR]",
	.summary = "Stop an instance and wait until all of it is gone.",
	.main = down,
};
