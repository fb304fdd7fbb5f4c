// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <signal.h>

#include "cli/cli.h"
#include "cli/run.h"
#include "cli/up.h"

// What main.c gives the commands.
int cli_usage_error(const struct cli_command *command, const char *fmt, ...) {
	(void)command;
	(void)fmt;
	return CLI_USAGE;
}

int cli_bad_option(const struct cli_command *command, int opt, char **argv) {
	(void)opt;
	(void)argv;
	return cli_usage_error(command, "refused");
}

int cli_fail(const struct cli_command *command, const struct err *err) {
	(void)command;
	(void)err;
	return CLI_FAILED;
}

int cli_help(const struct cli_command *command) {
	(void)command;
	return CLI_OK;
}

#define COUNT(argv) ((int)(sizeof(argv) / sizeof((argv)[0])) - 1)
#define S(text) ((char *)(uintptr_t)(text))

static void up_has_defaults(void **state) {
	(void)state;
	struct up_options o;
	char *argv[] = {S("up"), NULL};
	assert_int_equal(up_parse(1, argv, &o), CLI_OK);
	assert_null(o.data_dir);
	assert_string_equal(o.listen, "127.0.0.1:8443");
	assert_string_equal(o.cache_seconds, UP_DEFAULT_CACHE_SECONDS);
	assert_false(o.foreground || o.strict || o.no_throttling || o.private_webhooks || o.help);
}

static void up_takes_options(void **state) {
	(void)state;
	struct up_options o;
	char *argv[] = {S("up"), S("--data-dir"), S("d"), S("--listen"), S("none"), S("--foreground"), S("--strict"),
		S("--no-throttling"), S("--private-webhooks"), S("--cache-seconds=5"), NULL};
	assert_int_equal(up_parse(COUNT(argv), argv, &o), CLI_OK);
	assert_string_equal(o.data_dir, "d");
	assert_null(o.listen);
	assert_string_equal(o.cache_seconds, "5");
	assert_true(o.foreground && o.strict && o.no_throttling && o.private_webhooks);
}

static void up_refuses(void **state) {
	(void)state;
	struct up_options o = {.data_dir = "untouched"};
	const char *const refused[] = {"--bogus", "extra", "--listen", "--cache-seconds=0", "--cache-seconds=86401", "--cache-seconds=5s",
		"--cache-seconds=-1"};
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char *argv[] = {S("up"), S(refused[i]), NULL};
		assert_int_equal(up_parse(2, argv, &o), CLI_USAGE);
		assert_string_equal(o.data_dir, "untouched");
	}
}

static void run_leaves_the_command_its_options(void **state) {
	(void)state;
	struct run_options o;
	char *argv[] = {S("run"), S("--data-dir"), S("d"), S("--"), S("cmd"), S("--strict"), S("-x"), NULL};
	assert_int_equal(run_parse(COUNT(argv), argv, &o), CLI_OK);
	assert_string_equal(o.data_dir, "d");
	assert_false(o.strict);
	assert_null(o.cache_seconds);
	assert_string_equal(o.command[0], "cmd");
	assert_string_equal(o.command[1], "--strict");
	assert_string_equal(o.command[2], "-x");
	assert_null(o.command[3]);

	char *options[] = {S("run"), S("--no-throttling"), S("--private-webhooks"), S("--strict"), S("cmd"), NULL};
	assert_int_equal(run_parse(COUNT(options), options, &o), CLI_OK);
	assert_true(o.no_throttling && o.private_webhooks && o.strict);

	char *without[] = {S("run"), S("cmd"), S("--data-dir"), NULL};
	assert_int_equal(run_parse(COUNT(without), without, &o), CLI_OK);
	assert_false(o.no_throttling || o.private_webhooks || o.strict);
	assert_null(o.data_dir);
	assert_string_equal(o.command[0], "cmd");
	assert_string_equal(o.command[1], "--data-dir");
}

static void run_refuses(void **state) {
	(void)state;
	struct run_options o;
	char *none[] = {S("run"), NULL}, *only_dashes[] = {S("run"), S("--"), NULL},
	     *unknown[] = {S("run"), S("--bogus"), S("cmd"), NULL};
	assert_int_equal(run_parse(1, none, &o), CLI_USAGE);
	assert_int_equal(run_parse(2, only_dashes, &o), CLI_USAGE);
	assert_int_equal(run_parse(3, unknown, &o), CLI_USAGE);
	char *identity[] = {S("run"), S("--identity"), S("/subscriptions/s"), S("cmd"), NULL},
	     *no_id[] = {S("run"), S("--identity"), S("worker"), S("cmd"), NULL},
	     *two_lines[] = {S("run"), S("--identity"), S("/a\nb"), S("cmd"), NULL};
	assert_int_equal(run_parse(4, identity, &o), CLI_OK);
	assert_string_equal(o.identity, "/subscriptions/s");
	assert_int_equal(run_parse(4, no_id, &o), CLI_USAGE);
	assert_int_equal(run_parse(4, two_lines, &o), CLI_USAGE);
}

static void the_end_of_a_command_is_told_as_a_shell_does(void **state) {
	(void)state;
	assert_int_equal(run_exit_status(0), 0);
	assert_int_equal(run_exit_status(7 << 8), 7);
	assert_int_equal(run_exit_status(SIGKILL), 137);
	assert_int_equal(run_exit_status(SIGTERM), 143);
}

static void a_terminals_signals_are_not_sent_twice(void **state) {
	(void)state;
	assert_false(run_forwards(SI_KERNEL));
	assert_true(run_forwards(SI_USER));
	assert_true(run_forwards(SI_QUEUE));
	assert_true(run_forwards(SI_TKILL));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_has_defaults),
		cmocka_unit_test(up_takes_options),
		cmocka_unit_test(up_refuses),
		cmocka_unit_test(run_leaves_the_command_its_options),
		cmocka_unit_test(run_refuses),
		cmocka_unit_test(the_end_of_a_command_is_told_as_a_shell_does),
		cmocka_unit_test(a_terminals_signals_are_not_sent_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
