// SPDX-License-Identifier: Apache-2.0
// custodisk status: which processes of an instance serve.
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/datadir.h"
#include "cli/lock.h"
#include "cli/record.h"

static bool serves(const json_t *process) {
	const char *state = json_str(process, "state");
	return state && strcmp(state, "serving") == 0;
}

static bool all_serve(const json_t *record) {
	const char *phase = json_str(record, "phase");
	const json_t *processes = json_at(record, "processes");
	for (size_t i = 0; i < json_array_size(processes); i++)
		if (!serves(json_array_get(processes, i)))
			return false;
	return phase && strcmp(phase, "serving") == 0;
}

static const char *text_or(const json_t *object, const char *name, const char *fallback) {
	const char *value = json_str(object, name);
	return value ? value : fallback;
}

static void print_record(const char *data_dir, pid_t supervisor, const json_t *record) {
	const char *listen = json_str(record, "listen");
	printf("custodisk on %s: %s\n", data_dir, text_or(record, "phase", "starting"));
	if (listen)
		printf("endpoint    https://%s\n", listen);
	else
		printf("endpoint    %s/run/https.sock\n", data_dir);
	printf("supervisor  pid %d\n", (int)supervisor);
	const json_t *processes = json_at(record, "processes");
	for (size_t i = 0; i < json_array_size(processes); i++) {
		const json_t *p = json_array_get(processes, i);
		char pid[16] = "-";
		if (json_at(p, "pid"))
			(void)snprintf(pid, sizeof(pid), "%d", (int)json_int(p, "pid", 0));
		printf("%-11s pid %-7s %-10s since %s, restarts %lld\n", text_or(p, "name", "?"), pid,
			text_or(p, "state", "?"), text_or(p, "since", "-"), (long long)json_int(p, "restarts", 0));
	}
}

static int print_json(const char *data_dir, json_t *record, bool running, struct err *err) {
	if (json_set_str(record, "dataDir", data_dir) < 0 || json_set_bool(record, "running", running) < 0)
		return err_oom(err);
	_cleanup_free_ char *text = json_text(record);
	if (!text)
		return err_oom(err);
	printf("%s\n", text);
	return 0;
}

// The record of a running instance; an empty one in the moment before its supervisor has written the first.
static int read_record(const char *data_dir, bool running, json_t **out, struct err *err) {
	if (running) {
		int rc = record_read(data_dir, out, err);
		if (rc != -ENOENT)
			return rc;
	}
	json_t *empty = json_object();
	if (!empty)
		return err_oom(err);
	*out = empty;
	return 0;
}

static int status(int argc, char **argv) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *option = NULL;
	bool as_json = false;
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		if (opt == 'h')
			return cli_help(&cli_status);
		if (opt == 'd')
			option = optarg;
		else if (opt == 'j')
			as_json = true;
		else
			return cli_bad_option(&cli_status, opt, argv);
	}
	if (optind < argc)
		return cli_usage_error(&cli_status, "unexpected argument '%s'", argv[optind]);

	struct err err;
	_cleanup_free_ char *data_dir = NULL;
	_cleanup_json_ json_t *record = NULL;
	struct lock_holder holder;
	if (datadir_find(option, &data_dir, &err) < 0 || lock_find(data_dir, &holder, &err) < 0 ||
		read_record(data_dir, holder.held, &record, &err) < 0)
		return cli_fail(&cli_status, &err);
	if (as_json) {
		if (print_json(data_dir, record, holder.held, &err) < 0)
			return cli_fail(&cli_status, &err);
	} else if (holder.held) {
		print_record(data_dir, holder.pid, record);
	} else {
		printf("custodisk is not running on %s.\n", data_dir);
	}
	if (!holder.held)
		return CLI_NOT_RUNNING;
	return all_serve(record) ? CLI_OK : CLI_FAILED;
}

const struct cli_command cli_status = {
	.name = "status",
	.arguments = "[--data-dir DIR] [--json]",
	.summary = "Show the processes of an instance (exit status 0 when all serve, 3 when not running).",
	.main = status,
};
