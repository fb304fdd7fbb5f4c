// SPDX-License-Identifier: Apache-2.0
// The supervisor of one instance: starts keeper, server and host agent in order, each ready before the next,
// starts again what ends by itself, stops all in the opposite order.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct supervisor_settings {
	const char *data_dir;       // absolute; all strings are borrowed and must outlive the supervisor
	const char *listen;         // "ADDR:PORT", or NULL for no TCP
	const char *cache_seconds;  // as the server takes it
	bool strict, no_throttling, private_webhooks;
};

struct supervisor;

// Lock the data directory, wait for what a killed supervisor left, make the root key of a new store, start
// everything. 0 when all serve; from then on SIGTERM and SIGINT (and SIGHUP) are blocked in this process and read
// by supervisor_serve(). -EALREADY when another supervisor holds the directory, -ECANCELED when a stop was asked
// for meanwhile. On failure everything is stopped again.
int supervisor_start(const struct supervisor_settings *settings, struct supervisor **out, struct err *err) _must_check_;

// Until SIGTERM or SIGINT (0), or until a process that keeps failing is given up (negative errno).
int supervisor_serve(struct supervisor *s, struct err *err) _must_check_;

// Stop host agent, server and keeper, in this order, and free.
void supervisor_stop(struct supervisor *s);

// A supervisor in a process of its own, seen from the process that forked it.
struct supervisor_process {
	pid_t pid;       // 0 when there is none
	int channel_fd;  // nothing is started before supervisor_go(); -1 afterwards
};

// Fork a process that starts and serves an instance. `throwaway`: it removes the data directory at its end.
// `bound`: it stops when the calling process ends.
int supervisor_fork(const struct supervisor_settings *settings, bool throwaway, bool bound, struct supervisor_process *out,
	struct err *err) _must_check_;

// Let it start, and wait for the outcome: 0, or the negative errno and err of supervisor_start().
int supervisor_go(struct supervisor_process *p, struct err *err) _must_check_;

// Ask it to stop (it need not have started) and wait until it and all of the instance are gone.
void supervisor_end(struct supervisor_process *p);
