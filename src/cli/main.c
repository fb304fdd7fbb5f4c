// SPDX-License-Identifier: Apache-2.0
// The custodisk command: a table of subcommands.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

static const struct cli_command *const commands[] = {
	&cli_up, &cli_down, &cli_status, &cli_run, &cli_clock, &cli_rest, &cli_deploy, &cli_disk,
	&cli_tenant, &cli_subscription, &cli_feature, &cli_sign_in,
};

int cli_usage_error(const struct cli_command *command, const char *fmt, ...) {
	va_list ap;
	fprintf(stderr, "custodisk %s: ", command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: custodisk %s %s\n", command->name, command->arguments);
	return CLI_USAGE;
}

int cli_bad_option(const struct cli_command *command, int opt, char **argv) {
	const char *option = optind > 0 ? argv[optind - 1] : "";
	if (opt == ':')
		return cli_usage_error(command, "option '%s' needs a value", option);
	if (optopt > 0 && optopt < 128)
		return cli_usage_error(command, "unknown option '-%c'", optopt);
	return cli_usage_error(command, "unknown option '%s'", option);
}

int cli_fail(const struct cli_command *command, const struct err *err) {
	fprintf(stderr, "custodisk %s: %s\n", command->name, err->message);
	return CLI_FAILED;
}

int cli_help(const struct cli_command *command) {
	printf("usage: custodisk %s %s\n\n%s\nMore in custodisk(1).\n", command->name, command->arguments, command->summary);
	return CLI_OK;
}

static void print_commands(FILE *out) {
	fprintf(out, "usage: custodisk COMMAND [ARGUMENT...]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "  %-12s %s\n  %-12s %s\n", "help", "Say how a command is used.", "version", "Print the version.");
}

static const struct cli_command *find_command(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int unknown_command(const char *name) {
	fprintf(stderr, "custodisk: unknown command '%s'\n", name);
	print_commands(stderr);
	return CLI_USAGE;
}

static int help(int argc, char **argv) {
	if (argc < 2) {
		print_commands(stdout);
		return CLI_OK;
	}
	const struct cli_command *command = find_command(argv[1]);
	return command ? cli_help(command) : unknown_command(argv[1]);
}

// A descriptor opened for a pipe or a lock must never be taken for a standard stream.
static int fill_standard_streams(void) {
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -errno : close(fd);
}

int main(int argc, char **argv) {
	log_init("custodisk", LOG_LEVEL_INFO);
	if (fill_standard_streams() < 0)
		return CLI_FAILED;
	if (argc < 2) {
		print_commands(stderr);
		return CLI_USAGE;
	}
	const char *name = argv[1];
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
		printf("custodisk %s\n", CUSTODISK_VERSION);
		return CLI_OK;
	}
	const struct cli_command *command = find_command(name);
	if (!command)
		return unknown_command(name);
	opterr = 0;
	int status = command->main(argc - 1, argv + 1);
	// What a command printed must have reached its reader before the command calls itself successful.
	if (fflush(stdout) != 0 && status == CLI_OK) {
		perror("custodisk: cannot write to standard output");
		return CLI_FAILED;
	}
	return status;
}
