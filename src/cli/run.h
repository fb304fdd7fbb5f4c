// SPDX-License-Identifier: Apache-2.0
// The options of `custodisk run`, and what it makes of signals.
#pragma once

#include <stdbool.h>

struct run_options {
	const char *data_dir;       // as given, or NULL; all strings borrowed
	const char *cache_seconds;  // NULL when not given
	const char *identity;       // ARM id of the managed identity that the command is, or NULL
	bool strict, no_throttling, private_webhooks, help;
	char **command;             // NULL-terminated, borrowed from argv
};

// CLI_OK, or the exit status after the user has been told what is wrong.
int run_parse(int argc, char **argv, struct run_options *out);

// Whether a signal that reached custodisk must be sent on to the command. One that the kernel sent for a terminal
// (si_code SI_KERNEL) went to the command as well, which is in the same process group.
bool run_forwards(int si_code);

// The shell's convention for a wait status: the exit status, or 128 + the signal's number.
int run_exit_status(int wait_status);
