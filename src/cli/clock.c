// SPDX-License-Identifier: Apache-2.0
// custodisk clock: show and move the time of an instance.
#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/duration.h"
#include "base/strv.h"
#include "cli/cli.h"
#include "cli/datadir.h"


// A move: the offset to go to from another one.
struct move {
	int64_t (*offset)(const struct move *m, int64_t real, int64_t from);
	struct duration by;
	int64_t to;
};

static int64_t advance(const struct move *m, int64_t real, int64_t from) {
	return duration_add(real + from, &m->by, 1) - real;
}

static int64_t set(const struct move *m, int64_t real, int64_t from) {
	(void)from;
	return m->to - real;
}

static int64_t reset(const struct move *m, int64_t real, int64_t from) {
	(void)m;
	(void)real;
	(void)from;
	return 0;
}

static int parse_move(char **words, int count, struct move *out, struct err *err) {
	struct move m = {0};
	int rc = 0;
	if (count == 2 && strcmp(words[0], "advance") == 0) {
		m.offset = advance;
		rc = duration_parse(words[1], &m.by, err);
	} else if (count == 2 && strcmp(words[0], "set") == 0) {
		m.offset = set;
		if (clock_parse(words[1], &m.to) < 0)
			rc = err_set(err, -EINVAL, 400, "BadParameter", "'%.64s' is not a time such as 2027-01-31T12:00:00Z", words[1]);
	} else if (count == 1 && strcmp(words[0], "reset") == 0) {
		m.offset = reset;
	} else if (count > 0) {
		rc = err_set(err, -EINVAL, 400, "BadParameter", "expected 'advance' and a duration, 'set' and a time, or 'reset'");
	}
	if (rc == 0)
		*out = m;
	return rc;
}

static int follow(const char *option, char **path, struct err *err) {
	_cleanup_free_ char *data_dir = NULL;
	int rc = datadir_find(option, &data_dir, err);
	if (rc < 0)
		return rc;
	if (!datadir_has(data_dir, "instance.json"))
		return err_set(err, -ENOENT, 404, "NotFound", "there is no instance in %s", data_dir);
	_cleanup_free_ char *clock = datadir_file(data_dir, "clock");
	if (!clock)
		return err_oom(err);
	rc = clock_make(clock, err);
	if (rc == 0)
		rc = clock_follow(clock, err);
	if (rc == 0)
		*path = TAKE_PTR(clock);
	return rc;
}

static int move(const char *path, const struct move *m, struct err *err) {
	int rc;
	// From wherever somebody else has moved it meanwhile.
	do {
		int64_t from = clock_offset();
		rc = clock_move(path, from, m->offset(m, clock_real_now(), from), err);
	} while (rc == -EAGAIN);
	return rc;
}

static void print(void) {
	char time[CLOCK_RFC3339_MAX], text[DURATION_TEXT_MAX];
	int64_t offset = clock_offset(), distance = offset < 0 ? -offset : offset;
	printf("time    %s\n", clock_rfc3339(clock_real_now() + offset, time));
	if (offset == 0) {
		printf("offset  none: this is the real time\n");
		return;
	}
	const struct duration d = {.days = (int)(distance / CLOCK_DAY), .seconds = distance % CLOCK_DAY};
	printf("offset  %lld seconds, %s %s the real time\n", (long long)offset, duration_print(&d, text),
		offset < 0 ? "behind" : "ahead of");
}

static int clock_command(int argc, char **argv) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *option = NULL;
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (opt == 'h')
			return cli_help(&cli_clock);
		if (opt != 'd')
			return cli_bad_option(&cli_clock, opt, argv);
		option = optarg;
	}
	struct err err;
	struct move m = {0};
	if (parse_move(argv + optind, argc - optind, &m, &err) < 0)
		return cli_usage_error(&cli_clock, "%s", err.message);
	_cleanup_free_ char *path = NULL;
	if (follow(option, &path, &err) < 0 || (m.offset && move(path, &m, &err) < 0))
		return cli_fail(&cli_clock, &err);
	print();
	return CLI_OK;
}

const struct cli_command cli_clock = {
	.name = "clock",
	.arguments = "[--data-dir DIR] [advance DURATION | set TIME | reset]",
	.summary = "Show the time of an instance, or move it: a year of a key's life in a moment.",
	.main = clock_command,
};
