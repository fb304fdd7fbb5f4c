// SPDX-License-Identifier: Apache-2.0
#include "cli/test-util.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "cli/lock.h"

static int make_data(void **state) {
	if (make_scratch(state) < 0)
		return -1;
	char *run = datadir_file(scratch, "run");
	int rc = run ? mkdir(run, 0700) : -1;
	free(run);
	return rc;
}

// A process that holds the lock until it is killed.
static pid_t start_holder(void) {
	int ready[2];
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = -1;
		if (lock_take(scratch, &fd, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	(void)close(ready[1]);
	char byte;
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

static void a_missing_file_is_held_by_nobody(void **state) {
	(void)state;
	struct lock_holder holder = {.held = true};
	assert_int_equal(lock_find(scratch, &holder, NULL), 0);
	assert_false(holder.held);
}

static void one_holder_that_the_kernel_names(void **state) {
	(void)state;
	pid_t pid = start_holder();
	struct lock_holder holder = {0};
	assert_int_equal(lock_find(scratch, &holder, NULL), 0);
	assert_true(holder.held);
	assert_int_equal(holder.pid, pid);

	struct err err = {0};
	char number[32];
	int fd = -5;
	assert_int_equal(lock_take(scratch, &fd, &err), -EALREADY);
	assert_int_equal(fd, -5);
	(void)snprintf(number, sizeof(number), "process %d", (int)pid);
	assert_non_null(strstr(err.message, number));

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	// The file still has the number of the dead one in it; that misleads nobody.
	assert_int_equal(lock_find(scratch, &holder, NULL), 0);
	assert_false(holder.held);
	assert_int_equal(lock_take(scratch, &fd, &err), 0);
	assert_true(fd >= 0);
	(void)close(fd);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_missing_file_is_held_by_nobody, make_data, remove_scratch),
		cmocka_unit_test_setup_teardown(one_holder_that_the_kernel_names, make_data, remove_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
