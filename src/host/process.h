// SPDX-License-Identifier: Apache-2.0
// Programs that the agent runs. They live in sessions of their own, so that they outlive an agent that dies, and are
// known by process id, start time and boot, which together name one process for good.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct process {
	pid_t pid;       // 0 for none
	uint64_t start;  // clock ticks from boot to its start: proc(5), field 22 of /proc/PID/stat
	int fd;          // pidfd_open(2), owned; readable once the process has ended
	bool child;      // ours to reap
};
#define PROCESS_NONE {.fd = -1}

void process_forget(struct process *p);  // closes the descriptor; the process goes on
#define _cleanup_process_ _cleanup_(process_forget)

// Run argv[0], looked for in PATH when it has no '/', with the agent's environment, /dev/null as standard input and
// these descriptors as standard output and error; all others are closed.
int process_spawn(const char *const *argv, int out_fd, int err_fd, struct process *out, struct err *err) _must_check_;

// Take over a process that an earlier agent started. -ESRCH when it has ended.
int process_adopt(pid_t pid, uint64_t start, struct process *out) _must_check_;

// After its descriptor became readable: reap it if it is a child, forget it, and tell how it ended in words
// ("exited with status 1"); *clean is true for an exit status of 0, false when that cannot be known.
#define PROCESS_END_MAX 64
void process_reap(struct process *p, bool *clean, int *status, char words[static PROCESS_END_MAX]);

void process_signal(const struct process *p, int sig);  // nothing is done when it has ended

void process_kill(struct process *p);  // and forget it; a child is waited for

// The start time of a process; -ESRCH when there is none.
int process_start_time(pid_t pid, uint64_t *start) _must_check_;
int process_parse_stat(const char *text, uint64_t *start) _must_check_;  // the contents of /proc/PID/stat; -EINVAL

// Kill every process of this user that runs one of `programs` (by the last part of argv[0]) and has an argument that
// starts with `prefix`, alone or after "config=", and that `spare` does not want. What an agent that died started and
// could not write down any more. Returns the number killed, or a negative errno.
int process_sweep(const char *prefix, const char *const *programs, bool (*spare)(void *data, pid_t pid), void *data,
	struct err *err) _must_check_;
bool process_matches(const char *cmdline, size_t len, const char *prefix, const char *const *programs);
