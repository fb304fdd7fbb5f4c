// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "cli/service.h"

// A service that is a shell script; its log and its program are set up as the supervisor does.
static struct service script(const char *text) {
	put("program", text, 0700);
	return (struct service){
		.name = "test",
		.program = datadir_file(scratch, "program"),
		.argv = {"program", "--option"},
		.log_path = datadir_file(scratch, "log"),
		.ready_fd = -1,
	};
}

static void wait_readable(int fd) {
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
}

static void becomes_ready(void **state) {
	(void)state;
	struct service v = script("#!/bin/sh\n[ \"$*\" = '--option --ready-fd 3' ] || exit 9\necho READY >&3\nexec sleep 100\n");
	assert_int_equal(service_start(&v, NULL), 0);
	assert_int_equal(v.state, SERVICE_STARTING);
	assert_true(v.start_ticks > 0);
	assert_int_equal(v.start_ticks, service_start_ticks(v.pid));
	wait_readable(v.ready_fd);
	assert_int_equal(service_ready(&v), 1);
	assert_int_equal(v.state, SERVICE_SERVING);
	assert_int_equal(v.ready_fd, -1);
	assert_int_equal(kill(v.pid, SIGKILL), 0);
	int status;
	assert_int_equal(waitpid(v.pid, &status, 0), v.pid);
	char text[32];
	assert_string_equal(service_describe_end(status, text, sizeof(text)), "signal 9");
	service_ended(&v);
	assert_int_equal(v.state, SERVICE_STOPPED);
	assert_int_equal(v.pid, 0);
	service_free(&v);
}

static void last_words_are_of_this_start(void **state) {
	(void)state;
	put("log", "old words\n", 0600);
	struct service v = script("#!/bin/sh\necho first\necho cannot do it >&2\nexit 4\n");
	assert_int_equal(service_start(&v, NULL), 0);
	wait_readable(v.ready_fd);
	assert_int_equal(service_ready(&v), 0);
	assert_int_equal(v.state, SERVICE_STARTING);
	int status;
	assert_int_equal(waitpid(v.pid, &status, 0), v.pid);
	char text[64];
	assert_string_equal(service_describe_end(status, text, sizeof(text)), "status 4");
	service_last_words(&v, text, sizeof(text));
	assert_string_equal(text, "cannot do it");
	service_ended(&v);
	service_free(&v);

	v = script("#!/bin/sh\nexit 0\n");
	assert_int_equal(service_start(&v, NULL), 0);
	assert_int_equal(waitpid(v.pid, &status, 0), v.pid);
	service_last_words(&v, text, sizeof(text));
	assert_string_equal(text, "");
	service_ended(&v);
	service_free(&v);
}

static void another_word_is_not_ready(void **state) {
	(void)state;
	struct service v = script("#!/bin/sh\necho ALMOST >&3\n");
	assert_int_equal(service_start(&v, NULL), 0);
	wait_readable(v.ready_fd);
	assert_int_equal(service_ready(&v), 0);
	assert_int_equal(v.state, SERVICE_STARTING);
	assert_int_equal(waitpid(v.pid, NULL, 0), v.pid);
	service_ended(&v);
	service_free(&v);
}

static void a_log_that_cannot_be_written(void **state) {
	(void)state;
	struct service v = script("#!/bin/sh\n");
	free(v.log_path);
	v.log_path = datadir_file(scratch, "missing/log");
	struct err err = {0};
	assert_true(service_start(&v, &err) < 0);
	assert_int_equal(v.pid, 0);
	assert_int_equal(v.state, SERVICE_STOPPED);
	service_free(&v);
}

static void nobody_has_no_start(void **state) {
	(void)state;
	assert_int_equal(service_start_ticks(0x3fffffff), 0);
	assert_true(service_start_ticks(getpid()) > 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(becomes_ready, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(last_words_are_of_this_start, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(another_word_is_not_ready, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(a_log_that_cannot_be_written, make_scratch, remove_scratch),
		cmocka_unit_test(nobody_has_no_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
