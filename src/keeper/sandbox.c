// SPDX-License-Identifier: Apache-2.0
#include "keeper/sandbox.h"

#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

#ifdef KEEPER_WITHOUT_SECCOMP

static int install_filter(int ready_fd _unused_, struct err *err _unused_) {
	return 0;
}

#else

static const int allowed[] = {
	// Threads, memory and their end.
	SCMP_SYS(futex), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(sched_yield), SCMP_SYS(gettid),
	SCMP_SYS(getpid), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(restart_syscall),
	// Signals: the main thread waits for SIGTERM.
	SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	// Time and entropy.
	SCMP_SYS(clock_gettime), SCMP_SYS(getrandom),
	// Connections of the socket that listens already.
	SCMP_SYS(accept4), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(shutdown),
	SCMP_SYS(close),
};

static int allow_write(scmp_filter_ctx filter, int fd) {
	const struct scmp_arg_cmp to_fd = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)fd};
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, to_fd);
}

static int add_rules(scmp_filter_ctx filter, int ready_fd) {
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	// Memory that can be executed is never made.
	const struct scmp_arg_cmp not_executable = {.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, not_executable);
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
	if (rc == 0)
		rc = allow_write(filter, STDERR_FILENO);
	if (rc == 0 && ready_fd >= 0)
		rc = allow_write(filter, ready_fd);
	return rc;
}

// What the C library would open files for later: the time zone, before it breaks the first time down,
// UTC or not; the number of processors and the overcommit mode, where malloc has more than one arena.
static bool settle_library(void) {
	tzset();
	return mallopt(M_ARENA_MAX, 1) == 1;
}

static int install_filter(int ready_fd, struct err *err) {
	scmp_filter_ctx filter = settle_library() ? seccomp_init(SCMP_ACT_KILL_PROCESS) : NULL;
	if (!filter)
		return err_set(err, -EIO, 500, "InternalServerError", "cannot prepare the system call filter");
	int rc = add_rules(filter, ready_fd);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc < 0 ? err_errno(err, rc, "cannot install the system call filter") : 0;
}

#endif

int sandbox_enter(int ready_fd, struct err *err) {
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, -errno, "cannot give up new privileges");
	return install_filter(ready_fd, err);
}
