// SPDX-License-Identifier: Apache-2.0
// custodisk up: start an instance.
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/datadir.h"
#include "cli/environment.h"
#include "cli/supervisor.h"
#include "cli/up.h"

#define DEFAULT_LISTEN "127.0.0.1:8443"

int up_take_cache_seconds(const struct cli_command *command, const char *given, const char **out) {
	int64_t seconds;
	if (strv_int(given, 1, UP_CACHE_SECONDS_MAX, &seconds) < 0)
		return cli_usage_error(command, "--cache-seconds takes a number from 1 to %d, not '%s'", UP_CACHE_SECONDS_MAX, given);
	*out = given;
	return CLI_OK;
}

int up_parse(int argc, char **argv, struct up_options *out) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"listen", required_argument, NULL, 'l'},
		{"foreground", no_argument, NULL, 'f'},
		{"strict", no_argument, NULL, 's'},
		{"no-throttling", no_argument, NULL, 't'},
		{"private-webhooks", no_argument, NULL, 'w'},
		{"cache-seconds", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct up_options o = {.listen = DEFAULT_LISTEN, .cache_seconds = UP_DEFAULT_CACHE_SECONDS};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			o.data_dir = optarg;
			break;
		case 'l':
			o.listen = strcmp(optarg, "none") == 0 ? NULL : optarg;
			break;
		case 'f':
			o.foreground = true;
			break;
		case 's':
			o.strict = true;
			break;
		case 't':
			o.no_throttling = true;
			break;
		case 'w':
			o.private_webhooks = true;
			break;
		case 'c':
			if (up_take_cache_seconds(&cli_up, optarg, &o.cache_seconds) != CLI_OK)
				return CLI_USAGE;
			break;
		case 'h':
			o.help = true;
			break;
		default:
			return cli_bad_option(&cli_up, opt, argv);
		}
	}
	if (optind < argc)
		return cli_usage_error(&cli_up, "unexpected argument '%s'", argv[optind]);
	*out = o;
	return CLI_OK;
}

static int tell_ready(const char *data_dir, const char *listen, bool first_start, struct err *err) {
	_cleanup_bootstrap_ struct bootstrap b = {0};
	int rc = bootstrap_read(data_dir, &b, err);
	if (rc < 0)
		return rc;
	printf("custodisk is ready.\n");
	printf("  data directory  %s\n", data_dir);
	if (listen)
		printf("  endpoint        https://%s (its authority: %s/ca.pem)\n", listen, data_dir);
	else
		printf("  endpoint        %s/run/https.sock\n", data_dir);
	printf("  tenant          %s\n", b.tenant);
	printf("  subscription    %s\n", b.subscription);
	printf("  client id       %s\n", b.client_id);
	if (first_start)
		printf("  client secret   %s (shown this once; kept in %s/bootstrap.json, which only you can read)\n",
			b.client_secret, data_dir);
	else
		printf("  client secret   in %s/bootstrap.json\n", data_dir);
	return fflush(stdout) == 0 ? 0 : err_errno(err, -errno, "cannot write to standard output");
}

static int up_foreground(const struct supervisor_settings *settings, bool first_start, struct err *err) {
	struct supervisor *s = NULL;
	(void)umask(0077);
	(void)signal(SIGPIPE, SIG_IGN);
	environment_drop_proxies();
	int rc = supervisor_start(settings, &s, err);
	if (rc < 0)
		return rc;
	rc = tell_ready(settings->data_dir, settings->listen, first_start, err);
	if (rc == 0)
		rc = supervisor_serve(s, err);
	supervisor_stop(s);
	return rc;
}

static int up_background(const struct supervisor_settings *settings, bool first_start, struct err *err) {
	struct supervisor_process process;
	(void)signal(SIGPIPE, SIG_IGN);
	int rc = supervisor_fork(settings, false, false, &process, err);
	if (rc < 0)
		return rc;
	rc = supervisor_go(&process, err);
	return rc < 0 ? rc : tell_ready(settings->data_dir, settings->listen, first_start, err);
}

static int up(int argc, char **argv) {
	struct up_options o = {0};
	int status = up_parse(argc, argv, &o);
	if (status != CLI_OK)
		return status;
	if (o.help)
		return cli_help(&cli_up);

	struct err err;
	_cleanup_free_ char *wanted = NULL, *data_dir = NULL;
	int rc = datadir_find(o.data_dir, &wanted, &err);
	if (rc == 0)
		rc = datadir_make(wanted, &data_dir, &err);
	if (rc < 0)
		return cli_fail(&cli_up, &err);
	const struct supervisor_settings settings = {
		.data_dir = data_dir,
		.listen = o.listen,
		.cache_seconds = o.cache_seconds,
		.strict = o.strict,
		.no_throttling = o.no_throttling,
		.private_webhooks = o.private_webhooks,
	};
	bool first_start = !datadir_has(data_dir, "bootstrap.json");
	rc = o.foreground ? up_foreground(&settings, first_start, &err) : up_background(&settings, first_start, &err);
	return rc < 0 ? cli_fail(&cli_up, &err) : CLI_OK;
}

const struct cli_command cli_up = {
	.name = "up",
	.arguments = "[--data-dir DIR] [--listen ADDR:PORT|none] [--foreground] [--strict] [--no-throttling] [--cache-seconds N] "
		     "[--private-webhooks]",
	.summary = "Start an instance and say when it is ready.",
	.main = up,
};
