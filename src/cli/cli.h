// SPDX-License-Identifier: Apache-2.0
// The subcommands of `custodisk` and what they share: exit statuses, messages, option checks.
#pragma once

#include "base/err.h"
#include "base/macros.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,         // wrong options or arguments
	CLI_NOT_RUNNING = 3,   // `status`: no supervisor on this data directory
	CLI_RUN_FAILED = 125,  // `run`: custodisk itself failed; every other status is the command's own
	CLI_CANNOT_EXECUTE = 126,
	CLI_NOT_FOUND = 127,
};

struct cli_command {
	const char *name;
	const char *arguments;  // behind the name in the usage line
	const char *summary;
	int (*main)(int argc, char **argv);  // argv[0] is the subcommand's name; returns the exit status
};

extern const struct cli_command cli_up, cli_down, cli_status, cli_run, cli_clock, cli_rest, cli_disk, cli_deploy,
	cli_tenant, cli_subscription, cli_feature, cli_sign_in;

// "custodisk NAME: text" and the usage line to standard error. Returns CLI_USAGE.
int cli_usage_error(const struct cli_command *command, const char *fmt, ...) _printf_(2, 3);

// What getopt_long(3) refused, told the same way; `opt` is what it returned ('?' or ':').
int cli_bad_option(const struct cli_command *command, int opt, char **argv);

// "custodisk NAME: message" to standard error. Returns CLI_FAILED.
int cli_fail(const struct cli_command *command, const struct err *err);

// Usage, summary and where to read more, to standard output. Returns CLI_OK.
int cli_help(const struct cli_command *command);
