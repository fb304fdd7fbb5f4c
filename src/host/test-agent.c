// SPDX-License-Identifier: Apache-2.0
// The agent with real QEMU, nbdkit and a guest of one sector; the control plane is this test.
//
// The guest reads a sector eighteen times a second and prints a dot for each, and turns the machine off when its power
// button is pressed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "host/accel.h"
#include "host/agent.h"
#include "host/process.h"
#include "host/record.h"

#define DISK_ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/d"
#define UNIQUE_ID "11111111-2222-4333-8444-555555555555"
#define MACHINE_ID "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m"
#define VM_ID "99999999-2222-4333-8444-555555555555"
#define STATUS_FILE "run/disks/" UNIQUE_ID ".status"
#define DISK_FILE "disks/" UNIQUE_ID ".luks"
#define RECORD_FILE "run/machines/" VM_ID ".json"

enum { DISK_SIZE = 8 << 20, PATIENCE_MS = 60000 };

static const uint8_t guest[] = {
	0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0,  // cli; xor ax, ax; ds = es = ss = ax
	0xbc, 0x00, 0x7c, 0xfb,                                // mov sp, 0x7c00; sti
	0xba, 0x02, 0x06, 0xb8, 0x00, 0x01, 0xef,              // out 0x602, 0x100: let the power button be seen
	0xb8, 0x01, 0x02, 0xbb, 0x00, 0x80,                    // again: read one sector to 0x8000 …
	0xb9, 0x02, 0x00, 0xba, 0x80, 0x00, 0xcd, 0x13,        // … the second one of the first disk
	0xb0, 0x2e, 0x73, 0x02, 0xb0, 0x45,                    // al = '.', or 'E' if that failed
	0xba, 0xf8, 0x03, 0xee, 0xf4,                          // out 0x3f8, al; hlt until the next timer tick
	0xba, 0x00, 0x06, 0xed, 0xf6, 0xc4, 0x01, 0x74, 0xde,  // in ax, 0x600; pressed? if not: again
	0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xd5,  // out 0x604, 0x2000: off
};

static struct fixture {
	struct host host;
	struct agent *agent;
	char folder[64];
	int64_t revision;
	pthread_t taker;
	pthread_mutex_t mutex;
	json_t *disk, *machine;  // last reports
	size_t disk_reports, machine_reports;
	bool (*until)(void);
	struct loop_timer poll, patience;
	bool in_time;
} f = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void keep_last(const json_t *list, json_t **last, size_t *count) {
	size_t i;
	json_t *report;
	json_array_foreach(list, i, report) {
		json_decref(*last);
		*last = json_incref(report);
		(*count)++;
	}
}

static void *take_reports(void *data) {
	json_t *taken;
	(void)data;
	while (outbox_take(f.host.outbox, 100, &taken) == 0) {
		(void)pthread_mutex_lock(&f.mutex);
		keep_last(json_at(taken, "disks"), &f.disk, &f.disk_reports);
		keep_last(json_at(taken, "machines"), &f.machine, &f.machine_reports);
		(void)pthread_mutex_unlock(&f.mutex);
		json_decref(taken);
	}
	return NULL;
}

static void touch(const char *path, const char *text) {
	assert_int_equal(io_replace_file(path, text, strlen(text), 0600, NULL), 0);
}

static void make_guest(void) {
	uint8_t sector[512] = {[510] = 0x55, [511] = 0xaa};
	memcpy(sector, guest, sizeof(guest));
	assert_int_equal(io_replace_file(DISK_FILE, sector, sizeof(sector), 0600, NULL), 0);
	assert_int_equal(truncate(DISK_FILE, DISK_SIZE), 0);
}

static int setup(void **state) {
	static const char *const folders[] = {"disks", "import", "serial", "log", "run", "run/disks", "run/machines"};
	(void)state;
	(void)snprintf(f.folder, sizeof(f.folder), "/tmp/test-agent.XXXXXX");
	assert_non_null(mkdtemp(f.folder));
	assert_int_equal(chdir(f.folder), 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		assert_int_equal(io_mkdir(folders[i], 0700, NULL), 0);
	f.host = (struct host){.data_dir = f.folder, .accel_known = true, .accel = ACCEL_TCG,
		.programs = {.disk = strdup(TEST_DISK_PROGRAM), .plugin = strdup(TEST_PLUGIN)}};
	f.host.log_fd = open("log/host.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(f.host.log_fd >= 0);
	assert_int_equal(record_boot_id(f.host.boot_id, NULL), 0);
	assert_int_equal(outbox_new(&f.host.outbox, NULL), 0);
	assert_int_equal(loop_new(&f.host.loop, NULL), 0);
	assert_int_equal(agent_new(&f.host, &f.agent, NULL), 0);
	assert_int_equal(pthread_create(&f.taker, NULL, take_reports, NULL), 0);
	make_guest();
	return 0;
}

static void on_patience(void *data) {
	(void)data;
	loop_stop(f.host.loop);
}

static void on_poll(void *data) {
	(void)data;
	(void)pthread_mutex_lock(&f.mutex);
	f.in_time = f.until();
	(void)pthread_mutex_unlock(&f.mutex);
	if (f.in_time)
		loop_stop(f.host.loop);
	else
		loop_after(f.host.loop, &f.poll, 20, on_poll, NULL);
}

// Run the agent until that is so.
#define run_until(condition)                                                                                 \
	do {                                                                                                     \
		f.until = (condition);                                                                               \
		f.in_time = false;                                                                                   \
		loop_after(f.host.loop, &f.poll, 0, on_poll, NULL);                                                  \
		loop_after(f.host.loop, &f.patience, PATIENCE_MS, on_patience, NULL);                                \
		assert_int_equal(loop_run(f.host.loop, NULL), 0);                                                    \
		loop_cancel(f.host.loop, &f.poll);                                                                   \
		loop_cancel(f.host.loop, &f.patience);                                                               \
		if (!f.in_time) {                                                                                    \
			json_dumpf(f.machine, stderr, JSON_ENCODE_ANY);                                                  \
			json_dumpf(f.disk, stderr, JSON_ENCODE_ANY);                                                     \
			fail_msg("%s does not come about", #condition);                                                  \
		}                                                                                                    \
	} while (0)

// Runs the loop for a while.
static bool never(void) {
	return false;
}

static void run_for(int64_t ms) {
	f.until = never;
	loop_after(f.host.loop, &f.patience, ms, on_patience, NULL);
	assert_int_equal(loop_run(f.host.loop, NULL), 0);
}

// Ends the agent in order, as SIGTERM does.
static void end_agent(void) {
	agent_end(f.agent);
	assert_int_equal(loop_run(f.host.loop, NULL), 0);
	agent_free(f.agent);
	f.agent = NULL;
}

static int teardown(void **state) {
	(void)state;
	if (f.agent)
		end_agent();
	outbox_close(f.host.outbox);
	assert_int_equal(pthread_join(f.taker, NULL), 0);
	json_decref(f.disk);
	json_decref(f.machine);
	f.disk = f.machine = NULL;
	f.disk_reports = f.machine_reports = 0;
	outbox_free(f.host.outbox);
	loop_free(f.host.loop);
	programs_free(&f.host.programs);
	io_closep(&f.host.log_fd);
	_cleanup_free_ char *command = strv_printf("rm -rf '%s'", f.folder);
	assert_int_equal(chdir("/"), 0);
	return command && system(command) == 0 ? 0 : -1;
}

static json_t *desired_disk(int64_t generation, bool present, const char *mac) {
	return json_pack("{s:s, s:s, s:I, s:b, s:i, s:n, s:s, s:s, s:{s:s}, s:s?}", "id", DISK_ID, "uniqueId", UNIQUE_ID, "generation",
		(json_int_t)generation, "present", (int)present, "sizeBytes", DISK_SIZE, "source", "keyUrl",
		"https://v.vault.azure.net/keys/k/1", "diskEncryptionSetId", "/des", "identity", "header", "cap", "headerMac", mac);
}

static json_t *desired_machine(int64_t generation, const char *power) {
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:i, s:i, s:[{s:s, s:b}]}", "id", MACHINE_ID, "vmId", VM_ID, "name", "m", "generation",
		(json_int_t)generation, "powerState", power, "cpus", 1, "memoryMiB", 32, "disks", "id", DISK_ID, "osDisk", 1);
}

static void want(json_t *disk, json_t *machine) {
	_cleanup_json_ json_t *answer = json_pack("{s:I, s:i, s:[o*], s:[o*]}", "revision", (json_int_t)++f.revision, "cacheSeconds", 60,
		"disks", disk, "machines", machine);
	assert_non_null(answer);
	agent_desired(f.agent, answer);
}

static bool power_is(int64_t generation, const char *power) {
	const char *is = json_str(f.machine, "powerState");
	return is && strcmp(is, power) == 0 && json_int(f.machine, "generation", 0) == generation;
}

static bool io_is(const char *state) {
	const char *is = json_str(f.machine, "io.state");
	return is && strcmp(is, state) == 0;
}

static bool disk_is(int64_t generation, const char *state) {
	const char *is = json_str(f.disk, "state");
	return is && strcmp(is, state) == 0 && json_int(f.disk, "generation", 0) == generation;
}

static bool is_ready(void) {
	return disk_is(1, "Ready");
}

static bool is_running_1(void) {
	return power_is(1, "running") && io_is("ok");
}

static bool is_stopped_1(void) {
	return power_is(1, "stopped");
}

static bool is_stopped_2(void) {
	return power_is(2, "stopped");
}

static bool is_running_3(void) {
	return power_is(3, "running") && io_is("ok");
}

static bool is_deallocated_1(void) {
	return power_is(1, "deallocated");
}

static bool is_deallocated_4(void) {
	return power_is(4, "deallocated");
}

static bool io_failed(void) {
	return io_is("failed");
}

static bool io_ok(void) {
	return io_is("ok");
}

static size_t dots(void) {
	_cleanup_buf_ struct buf text = {0};
	if (io_read_file("serial/m.log", 1 << 20, &text, NULL) < 0)
		return 0;
	assert_null(memchr(buf_cstr(&text), 'E', text.len));  // the guest itself never sees an error
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '.';
	return n;
}

static size_t dots_before;
static bool more_dots(void) {
	return dots() >= dots_before + 5;
}

static void expect_life(void) {
	dots_before = dots();
	run_until(more_dots);
}

// A process of the machine's record.
static pid_t pid_of(const char *what) {
	struct machine_record r = {0};
	assert_int_equal(machine_record_read(RECORD_FILE, &r, NULL), 0);
	pid_t pid = strcmp(what, "qemu") == 0 ? r.qemu : r.servers[0].pid;
	machine_record_free(&r);
	assert_true(pid > 1);
	return pid;
}

static bool is_gone(pid_t pid) {
	uint64_t start;
	// What the test's first agent started is still this process's child, which a killed agent's would not be.
	(void)waitpid(pid, NULL, WNOHANG);
	return process_start_time(pid, &start) == -ESRCH;
}

static void set_status(const char *state, const char *code) {
	_cleanup_free_ char *text = strv_printf("{\"state\":\"%s\",\"code\":\"%s\",\"message\":\"because\"}", state, code);
	touch(STATUS_FILE, text);
}

static void boot(void) {
	want(desired_disk(1, true, NULL), desired_machine(1, "running"));
	run_until(is_running_1);
	expect_life();
}

static int probe_answer;
static void on_probed(void *data, bool works) {
	(void)data;
	probe_answer = works;
	loop_stop(f.host.loop);
}

static int probe(const char *accelerator, int64_t deadline_ms) {
	const struct accel_trial trial = {
		.accelerator = accelerator, .data_dir = f.folder, .log_fd = f.host.log_fd, .deadline_ms = deadline_ms};
	struct accel_probe *p = NULL;
	probe_answer = -1;
	assert_int_equal(accel_probe_new(f.host.loop, &trial, on_probed, NULL, &p, NULL), 0);
	assert_int_equal(loop_run(f.host.loop, NULL), 0);
	accel_probe_free(p);
	assert_int_equal(access("run/machines/probe", F_OK), -1);
	return probe_answer;
}

static void test_accel_probe(void **state) {
	(void)state;
	assert_int_equal(probe("tcg", PATIENCE_MS), true);
	assert_int_equal(probe("tcg", 50), false);  // too slow, like a KVM that interprets
	assert_int_equal(probe("there-is-no-such-accelerator", PATIENCE_MS), false);
}

static void test_accel_is_found_out(void **state) {
	(void)state;
	f.host.accel_known = false;
	boot();
	assert_true(f.host.accel_known);
}

static void test_power(void **state) {
	(void)state;
	boot();
	pid_t server = pid_of("server"), qemu = pid_of("qemu");
	struct stat st;
	assert_int_equal(stat("run/disks/" UNIQUE_ID ".json", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	// The guest is asked, and its disks stay open.
	want(desired_disk(1, true, "mac"), desired_machine(2, "stopped"));
	run_until(is_stopped_2);
	assert_null(json_at(f.machine, "error"));
	assert_true(is_gone(qemu));
	assert_false(is_gone(server));

	want(desired_disk(1, true, "mac"), desired_machine(3, "running"));
	run_until(is_running_3);
	expect_life();
	assert_false(is_gone(server));
	qemu = pid_of("qemu");

	want(desired_disk(1, true, "mac"), desired_machine(4, "deallocated"));
	run_until(is_deallocated_4);
	assert_null(json_at(f.machine, "error"));
	assert_true(is_gone(qemu));
	assert_true(is_gone(server));
	assert_int_equal(access("run/disks/" UNIQUE_ID ".sock", F_OK), -1);
}

static void test_denied_and_allowed(void **state) {
	(void)state;
	boot();
	touch("deny", "");
	set_status("denied", "KeyVaultKeyNotEnabled");
	run_until(io_failed);
	assert_string_equal(json_str(f.machine, "io.code"), "KeyVaultKeyNotEnabled");
	assert_string_equal(json_str(f.machine, "io.message"), "because");
	assert_string_equal(json_str(f.machine, "powerState"), "running");
	run_for(500);
	size_t paused = dots();
	run_for(500);
	assert_int_equal(dots(), paused);

	// An open door whose requests go on failing is no reason to report success for long.
	set_status("open", "");
	run_for(1500);
	assert_int_equal(dots(), paused);
	assert_true(io_is("failed"));
	assert_string_equal(json_str(f.machine, "io.code"), "DiskError");

	set_status("denied", "KeyVaultKeyNotEnabled");
	run_for(200);
	assert_int_equal(unlink("deny"), 0);
	set_status("open", "");
	run_until(io_ok);
	expect_life();
}

static void test_killed_processes(void **state) {
	(void)state;
	boot();
	// A disk process comes back, and the guest does not notice.
	pid_t server = pid_of("server");
	assert_int_equal(kill(server, SIGKILL), 0);
	run_until(io_failed);
	run_until(io_ok);
	expect_life();

	assert_int_equal(kill(pid_of("qemu"), SIGKILL), 0);
	run_until(is_stopped_1);
	assert_string_equal(json_str(f.machine, "error.code"), "HypervisorProcessFailed");
	run_for(300);
	assert_true(is_stopped_1());  // not started again unasked
}

static void start_agent(void) {
	json_decref(f.machine);
	f.machine = NULL;
	assert_int_equal(agent_new(&f.host, &f.agent, NULL), 0);
}

// What a killed agent leaves: it forgets everything, and nothing is told to the processes.
static void lose_agent(void) {
	agent_free(f.agent);
	f.agent = NULL;
}

static void test_adopted(void **state) {
	(void)state;
	boot();
	pid_t qemu = pid_of("qemu"), server = pid_of("server");
	lose_agent();
	touch("deny", "");
	set_status("denied", "KeyVaultKeyNotEnabled");
	start_agent();
	run_until(io_failed);  // without a word from the control plane
	want(desired_disk(1, true, "mac"), desired_machine(1, "running"));
	run_for(300);
	assert_int_equal(pid_of("qemu"), qemu);
	assert_int_equal(unlink("deny"), 0);
	set_status("open", "");
	run_until(io_ok);
	expect_life();
	want(desired_disk(1, true, "mac"), desired_machine(4, "deallocated"));
	run_until(is_deallocated_4);
	assert_true(is_gone(qemu));
	assert_true(is_gone(server));
}

static void test_leftovers(void **state) {
	(void)state;
	boot();
	pid_t qemu = pid_of("qemu"), server = pid_of("server");
	lose_agent();
	touch(RECORD_FILE, "torn");
	start_agent();
	want(desired_disk(1, true, "mac"), desired_machine(1, "running"));
	run_until(is_running_1);
	assert_int_not_equal(pid_of("qemu"), qemu);
	assert_int_not_equal(pid_of("server"), server);
	expect_life();
}

static void test_settled_is_not_done_again(void **state) {
	(void)state;
	boot();
	assert_int_equal(kill(pid_of("qemu"), SIGKILL), 0);
	run_until(is_stopped_1);
	lose_agent();
	start_agent();
	want(desired_disk(1, true, "mac"), desired_machine(1, "running"));
	run_until(is_stopped_1);
	run_for(300);
	assert_true(is_stopped_1());
	_cleanup_buf_ struct buf calls = {0};
	assert_int_equal(io_read_file("calls", 1000, &calls, NULL), 0);
	assert_string_equal(buf_cstr(&calls), "create\n");
}

static void test_ends_in_order(void **state) {
	(void)state;
	boot();
	pid_t qemu = pid_of("qemu"), server = pid_of("server");
	size_t reports = f.machine_reports;
	end_agent();
	assert_true(is_gone(qemu));
	assert_true(is_gone(server));
	assert_int_equal(f.machine_reports, reports);  // the machine shall run: nothing else was asked for

	start_agent();
	want(desired_disk(1, true, "mac"), desired_machine(1, "running"));
	run_until(is_running_1);
	expect_life();
}

static void test_key_refused(void **state) {
	(void)state;
	touch("refuse", "");
	want(desired_disk(1, true, NULL), desired_machine(1, "running"));
	run_until(is_deallocated_1);
	assert_string_equal(json_str(f.machine, "error.code"), "KeyVaultKeyNotEnabled");
	assert_null(json_at(f.machine, "io"));

	// Not tried again for the same generation.
	size_t reports = f.machine_reports;
	assert_int_equal(unlink("refuse"), 0);
	run_for(300);
	assert_int_equal(f.machine_reports, reports);
	want(desired_disk(1, true, "mac"), desired_machine(3, "running"));
	run_until(is_running_3);
}

static void test_machine_removed(void **state) {
	(void)state;
	boot();
	pid_t qemu = pid_of("qemu"), server = pid_of("server");
	want(desired_disk(1, true, "mac"), NULL);
	for (int i = 0; i < 100 && access(RECORD_FILE, F_OK) == 0; i++)
		run_for(100);
	assert_true(is_gone(qemu));
	assert_true(is_gone(server));
	assert_int_equal(access(RECORD_FILE, F_OK), -1);
	assert_int_equal(access(DISK_FILE, F_OK), 0);
}

static bool is_failed_2(void) {
	return disk_is(2, "Failed");
}

static bool is_absent_3(void) {
	return disk_is(3, "Absent");
}

static bool is_ready_2(void) {
	return disk_is(2, "Ready");
}

static void test_disk(void **state) {
	(void)state;
	want(desired_disk(1, true, NULL), NULL);
	run_until(is_ready);
	assert_string_equal(json_str(f.disk, "headerMac"), "mac");
	touch("disk-error", "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"gone\",\"transient\":false}}");
	want(desired_disk(2, true, "mac"), NULL);
	run_until(is_failed_2);
	assert_string_equal(json_str(f.disk, "error.code"), "KeyNotFound");
	want(desired_disk(3, false, NULL), NULL);
	run_until(is_absent_3);
	assert_int_equal(access(DISK_FILE, F_OK), -1);
	assert_int_equal(access("run/disks/" UNIQUE_ID ".json", F_OK), -1);
	_cleanup_buf_ struct buf calls = {0};
	assert_int_equal(io_read_file("calls", 1000, &calls, NULL), 0);
	assert_string_equal(buf_cstr(&calls), "create\nrewrap\n");
}

static void test_error_that_passes(void **state) {
	(void)state;
	touch("disk-error", "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"wait\",\"transient\":true}}");
	want(desired_disk(2, true, NULL), NULL);
	run_for(1000);
	assert_null(f.disk);
	assert_int_equal(unlink("disk-error"), 0);
	run_until(is_ready_2);
}

static void test_served_disk_is_not_removed(void **state) {
	(void)state;
	boot();
	want(desired_disk(3, false, NULL), desired_machine(1, "running"));
	run_for(300);
	assert_int_equal(access(DISK_FILE, F_OK), 0);
	want(desired_disk(3, false, NULL), desired_machine(4, "deallocated"));
	run_until(is_absent_3);
	assert_int_equal(access(DISK_FILE, F_OK), -1);
}

static void test_invalid_state_changes_nothing(void **state) {
	(void)state;
	boot();
	json_t *machine = desired_machine(2, "running");
	assert_int_equal(json_set_str(machine, "name", "../m"), 0);
	want(desired_disk(3, false, NULL), machine);
	expect_life();
	assert_int_equal(access(DISK_FILE, F_OK), 0);
}

int main(void) {
	if (system("command -v qemu-system-x86_64 nbdkit >/dev/null") != 0) {
		(void)fprintf(stderr, "skipped: QEMU and nbdkit are needed (qemu-system-x86, nbdkit)\n");
		return 77;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_accel_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accel_is_found_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_power, setup, teardown),
		cmocka_unit_test_setup_teardown(test_denied_and_allowed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftovers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_settled_is_not_done_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ends_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_key_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_machine_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_that_passes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_served_disk_is_not_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_invalid_state_changes_nothing, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
