// SPDX-License-Identifier: Apache-2.0
// The options of `custodisk up`.
#pragma once

#include <stdbool.h>

#define UP_DEFAULT_CACHE_SECONDS "3600"
#define UP_CACHE_SECONDS_MAX 86400

struct cli_command;

struct up_options {
	const char *data_dir;       // NULL for the default place; all strings borrowed from argv
	const char *listen;         // NULL for no TCP
	const char *cache_seconds;
	bool foreground, strict, no_throttling, private_webhooks, help;
};

// The value of --cache-seconds, checked: the text itself in *out and CLI_OK, or CLI_USAGE after the user has been told.
int up_take_cache_seconds(const struct cli_command *command, const char *given, const char **out);

// CLI_OK, or the exit status after the user has been told what is wrong.
int up_parse(int argc, char **argv, struct up_options *out);
