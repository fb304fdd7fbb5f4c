// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/json.h"
#include "cli/record.h"

static int make_data(void **state) {
	if (make_scratch(state) < 0)
		return -1;
	char *run = datadir_file(scratch, "run");
	int rc = run ? mkdir(run, 0700) : -1;
	free(run);
	return rc;
}

static pid_t start_sleeper(void) {
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	assert_true(pid > 0);
	return pid;
}

static void says_what_is(void **state) {
	(void)state;
	const struct service services[] = {
		{.name = "keeper", .state = SERVICE_SERVING, .pid = 12, .start_ticks = 99, .since = 0, .restarts = 3},
		{.name = "server", .state = SERVICE_WAITING},
	};
	_cleanup_json_ json_t *record = NULL;
	struct err err = {0};
	assert_int_equal(record_read(scratch, &record, &err), -ENOENT);
	assert_int_equal(record_write(scratch, "serving", "127.0.0.1:1", services, 2, NULL), 0);
	assert_int_equal(record_read(scratch, &record, NULL), 0);
	assert_string_equal(json_str(record, "phase"), "serving");
	assert_string_equal(json_str(record, "listen"), "127.0.0.1:1");
	assert_int_equal(json_int(record, "supervisor", 0), getpid());
	const json_t *list = json_at(record, "processes");
	assert_int_equal(json_array_size(list), 2);
	const json_t *keeper = json_array_get(list, 0), *server = json_array_get(list, 1);
	assert_string_equal(json_str(keeper, "state"), "serving");
	assert_string_equal(json_str(keeper, "since"), "1970-01-01T00:00:00Z");
	assert_int_equal(json_int(keeper, "pid", 0), 12);
	assert_int_equal(json_int(keeper, "restarts", 0), 3);
	assert_string_equal(json_str(server, "state"), "restarting");
	assert_null(json_at(server, "since"));
	assert_null(json_at(server, "pid"));
	assert_int_equal(record_remove(scratch, NULL), 0);
	assert_int_equal(record_remove(scratch, NULL), 0);
}

static void ends_what_a_killed_supervisor_left(void **state) {
	(void)state;
	assert_int_equal(record_end_leftovers(scratch, NULL), 0);
	pid_t pid = start_sleeper();
	struct service service = {.name = "keeper", .state = SERVICE_SERVING, .pid = pid, .start_ticks = service_start_ticks(pid)};
	assert_int_equal(record_write(scratch, "serving", NULL, &service, 1, NULL), 0);
	assert_int_equal(record_end_leftovers(scratch, NULL), 0);
	int status;
	assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void spares_a_stranger_with_the_same_number(void **state) {
	(void)state;
	pid_t pid = start_sleeper();
	struct service service = {.name = "keeper", .state = SERVICE_SERVING, .pid = pid, .start_ticks = service_start_ticks(pid) + 1};
	assert_int_equal(record_write(scratch, "serving", NULL, &service, 1, NULL), 0);
	assert_int_equal(record_end_leftovers(scratch, NULL), 0);
	put("run/status.json", "{\"bootId\":\"another boot\",\"processes\":[]}", 0600);
	assert_int_equal(record_end_leftovers(scratch, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void refuses_a_broken_record(void **state) {
	(void)state;
	struct err err = {0};
	put("run/status.json", "{", 0600);
	assert_int_equal(record_end_leftovers(scratch, &err), -EINVAL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_what_is, make_data, remove_scratch),
		cmocka_unit_test_setup_teardown(ends_what_a_killed_supervisor_left, make_data, remove_scratch),
		cmocka_unit_test_setup_teardown(spares_a_stranger_with_the_same_number, make_data, remove_scratch),
		cmocka_unit_test_setup_teardown(refuses_a_broken_record, make_data, remove_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
