// SPDX-License-Identifier: Apache-2.0
// One process of an instance, as its supervisor sees it.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "cli/backoff.h"

enum service_state {
	SERVICE_STOPPED,
	SERVICE_STARTING,  // runs, has not said READY
	SERVICE_SERVING,
	SERVICE_WAITING,   // ended by itself; started again at due_ns
};

#define SERVICE_ARGUMENTS_MAX 16

struct service {
	const char *name;                         // "server": in messages and of its log file
	char *program;                            // owned path
	const char *argv[SERVICE_ARGUMENTS_MAX];  // NULL-terminated; "--ready-fd N" is added when started
	char *arguments_owned[2];                 // what of argv must be freed
	char *log_path;                           // owned
	off_t log_start;                          // where this start's part of the log begins

	enum service_state state;
	pid_t pid;              // 0 while there is no process
	uint64_t start_ticks;   // of the process, from /proc: tells it from a later one with the same number
	int ready_fd;           // -1 unless STARTING
	int64_t started_ns;     // clock_monotonic_ns()
	int64_t since;          // clock_real_now() of the last READY
	int64_t due_ns;         // WAITING: when to start; STARTING: when to lose patience
	int wait_status;        // of the process that ended last
	unsigned restarts;
	struct backoff backoff;
};

// Start the process. State becomes SERVICE_STARTING.
int service_start(struct service *v, struct err *err) _must_check_;

// Read what came over ready_fd: 1 when the process said READY (state SERVICE_SERVING), 0 when not yet or when it
// closed the descriptor without a word (its end will be reported by SIGCHLD).
int service_ready(struct service *v);

// Forget the process, which has been waited for.
void service_ended(struct service *v);

void service_free(struct service *v);

// "signal 9" or "status 1" for a wait status.
const char *service_describe_end(int wait_status, char *out, size_t size);

// The last line that the process logged since its start, without its line end; "" when there is none.
void service_last_words(const struct service *v, char *out, size_t size);

// When a process started, in clock ticks since boot; 0 when there is no such process.
uint64_t service_start_ticks(pid_t pid);
