// SPDX-License-Identifier: Apache-2.0
// What the commands share that operate an instance through its control plane: tenant, subscription, feature.
#pragma once

#include "azure/azure.h"
#include "cli/cli.h"
#include "cli/session.h"

struct operator {
	struct session session;
	struct bootstrap principal;
	struct azure_client *client;
};
void operator_close(struct operator *o);
#define _cleanup_operator_ _cleanup_(operator_close)

// A connection to the instance as the principal of the environment, or its first one.
int operator_open(const char *data_dir_option, struct operator *out, struct err *err) _must_check_;

// One call; *out is the answer's body, for the caller to free.
int operator_call(struct operator *o, const char *method, const char *path, const json_t *body, json_t **out, struct err *err)
	_must_check_;

// One option with a value.
struct operator_option {
	const char *name;
	const char **value;
};

// The options that there are (besides --help), and then the words: their number in *count. CLI_OK, or the exit status;
// *help tells that usage was asked for.
int operator_options(const struct cli_command *command, int argc, char **argv, const struct operator_option *options,
	size_t option_count, int *first_word, bool *help) _must_check_;

// Run `perform` and say what went wrong.
int operator_run(const struct cli_command *command, int (*perform)(void *ctx, struct err *err), void *ctx) _must_check_;
