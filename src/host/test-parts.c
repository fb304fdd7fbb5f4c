// SPDX-License-Identifier: Apache-2.0
// The parts that decide without running anything, and the processes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/json.h"
#include "base/strv.h"
#include "host/consoles.h"
#include "host/disk_server.h"
#include "host/disks.h"
#include "host/process.h"
#include "host/qemu.h"
#include "host/record.h"

#define VM_ID "99999999-2222-4333-8444-555555555555"
#define UNIQUE_ID "11111111-2222-4333-8444-555555555555"

static char folder[64];

static char *in_folder(const char *name) {
	char *path = strv_printf("%s/%s", folder, name);
	assert_non_null(path);
	return path;
}

static void put(const char *name, const char *text, mode_t mode) {
	_cleanup_free_ char *path = in_folder(name);
	assert_int_equal(io_replace_file(path, text, strlen(text), mode, NULL), 0);
}

static int setup(void **state) {
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test-host.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
	(void)state;
	_cleanup_free_ char *command = strv_printf("rm -rf '%s'", folder);
	return command && system(command) == 0 ? 0 : -1;
}

// Programs

static void test_programs(void **state) {
	(void)state;
	_cleanup_programs_ struct programs p = {0};
	_cleanup_free_ char *bin = in_folder("host"), *disk = in_folder("disk");
	struct err err = {0};
	assert_int_equal(io_mkdir(bin, 0700, NULL), 0);
	assert_int_equal(programs_find(bin, &p, &err), -ENOENT);
	assert_non_null(strstr(err.message, "custodisk-disk"));

	assert_int_equal(io_mkdir(disk, 0700, NULL), 0);
	put("disk/custodisk-disk", "", 0600);
	put("disk/nbdkit-custodisk-plugin.so", "", 0600);
	assert_int_equal(programs_find(bin, &p, NULL), -ENOENT);  // it cannot be executed
	put("disk/custodisk-disk", "", 0700);
	assert_int_equal(programs_find(bin, &p, NULL), 0);
	assert_non_null(strstr(p.disk, "/host/../disk/custodisk-disk"));
	programs_free(&p);

	// Beside the agent goes before the build tree.
	put("host/custodisk-disk", "", 0700);
	put("host/nbdkit-custodisk-plugin.so", "", 0600);
	assert_int_equal(programs_find(bin, &p, NULL), 0);
	assert_non_null(strstr(p.disk, "/host/custodisk-disk"));
	assert_non_null(strstr(p.plugin, "/host/nbdkit-custodisk-plugin.so"));
}

// Command line

static bool has(const struct argv *a, const char *option, const char *value) {
	for (size_t i = 0; i + 1 < a->count; i++)
		if (strcmp(a->items[i], option) == 0 && strcmp(a->items[i + 1], value) == 0)
			return true;
	return false;
}

static void test_qemu_argv(void **state) {
	(void)state;
	const struct desired_machine machine = {
		.vm_id = VM_ID, .name = "m", .cpus = 2, .memory_mib = 512, .disks = {"/a", "/b"}, .disk_count = 2};
	struct qemu_options options = {.machine = &machine, .data_dir = "/data,readonly=on", .unique_ids = {UNIQUE_ID, "u2"}};
	_cleanup_argv_ struct argv a = {0};
	assert_int_equal(qemu_argv(&options, &a, NULL), 0);
	assert_string_equal(a.items[0], "qemu-system-x86_64");
	assert_null(a.items[a.count]);
	assert_true(has(&a, "-accel", "tcg,thread=multi"));
	assert_true(has(&a, "-smp", "2"));
	assert_true(has(&a, "-m", "512M"));
	assert_true(has(&a, "-display", "none"));
	// A comma in a folder's name must not begin another option.
	assert_true(has(&a, "-chardev", "file,id=serial,append=on,path=/data,,readonly=on/serial/m.log"));
	assert_true(has(&a, "-chardev", "socket,id=monitor,path=run/machines/" VM_ID ".qmp,server=on,wait=off"));
	assert_true(has(&a, "-pidfile", "/data,readonly=on/run/machines/" VM_ID ".pid"));
	assert_true(has(&a, "-blockdev",
		"{\"driver\":\"nbd\",\"node-name\":\"disk0\",\"server\":{\"type\":\"unix\",\"path\":\"run/disks/" UNIQUE_ID
		".sock\"},\"reconnect-delay\":5,\"discard\":\"unmap\"}"));
	assert_true(has(&a, "-device", "virtio-blk-pci,drive=disk0,werror=stop,rerror=stop,serial=11111111-2222-4333-8,bootindex=0"));
	assert_true(has(&a, "-device", "virtio-blk-pci,drive=disk1,werror=stop,rerror=stop,serial=u2,bootindex=1"));

	_cleanup_argv_ struct argv kvm = {0};
	options.accel = ACCEL_KVM;
	assert_int_equal(qemu_argv(&options, &kvm, NULL), 0);
	assert_true(has(&kvm, "-accel", "kvm"));
	assert_true(has(&kvm, "-cpu", "host"));
}

static void test_argv_limit(void **state) {
	(void)state;
	_cleanup_argv_ struct argv a = {0};
	for (size_t i = 0; i < ARGV_MAX; i++)
		argv_add(&a, "x");
	assert_int_equal(argv_check(&a, NULL), 0);
	argv_add(&a, "x");
	assert_int_equal(argv_check(&a, NULL), -E2BIG);
	assert_int_equal(a.count, ARGV_MAX);
}

// Records

#define MACHINE_JSON                                                                                              \
	"{\"id\":\"/m\",\"vmId\":\"" VM_ID "\",\"name\":\"m\",\"generation\":5,\"powerState\":\"running\",\"cpus\":1," \
	"\"memoryMiB\":64,\"disks\":[{\"id\":\"/d\",\"osDisk\":true}]}"

static void test_record_round_trip(void **state) {
	(void)state;
	_cleanup_free_ char *path = in_folder("record");
	_cleanup_json_ json_t *machine = json_loads(MACHINE_JSON, 0, NULL);
	struct machine_record out = {.settled = true, .power = POWER_STOPPED, .error_code = "Code", .error_message = "caf\xc3",
		.boot_id = "boot", .qemu = 77, .qemu_start = 123456789012, .server_count = 1};
	out.servers[0].pid = 78;
	out.servers[0].start = 5;
	memcpy(out.servers[0].unique_id, UNIQUE_ID, sizeof(UNIQUE_ID));
	assert_int_equal(desired_machine_parse(machine, &out.machine, NULL), 0);
	assert_int_equal(machine_record_write(path, &out, NULL), 0);
	machine_record_free(&out);

	_cleanup_record_ struct machine_record in = {0};
	assert_int_equal(machine_record_read(path, &in, NULL), 0);
	assert_true(in.settled);
	assert_int_equal(in.power, POWER_STOPPED);
	assert_int_equal(in.machine.generation, 5);
	assert_string_equal(in.error_code, "Code");
	assert_string_equal(in.error_message, "caf?");
	assert_string_equal(in.boot_id, "boot");
	assert_int_equal(in.qemu, 77);
	assert_int_equal(in.qemu_start, 123456789012);
	assert_int_equal(in.server_count, 1);
	assert_string_equal(in.servers[0].unique_id, UNIQUE_ID);
}

static void test_record_negatives(void **state) {
	(void)state;
	static const char *const bad[] = {
		"",
		"[]",
		"{\"powerState\":\"running\"",
		"{\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[]}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"up\",\"bootId\":\"b\",\"disks\":[]}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"disks\":[]}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\"}",
		// Signals to these would go to everyone, to the agent's own group, or to init.
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[],\"qemu\":{\"pid\":-1,\"start\":1}}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[],\"qemu\":{\"pid\":0,\"start\":1}}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[],\"qemu\":{\"pid\":1,\"start\":1}}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[],\"qemu\":{\"pid\":7}}",
		"{\"machine\":" MACHINE_JSON ",\"powerState\":\"running\",\"bootId\":\"b\",\"disks\":[{\"pid\":7,\"start\":1,\"uniqueId\":\"../x\"}]}",
	};
	_cleanup_free_ char *path = in_folder("record");
	struct machine_record r;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		put("record", bad[i], 0600);
		if (machine_record_read(path, &r, NULL) != -EINVAL)
			fail_msg("%s", bad[i]);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(machine_record_read(path, &r, NULL), -ENOENT);
}

static void test_outcome(void **state) {
	(void)state;
	_cleanup_free_ char *path = in_folder("outcome");
	_cleanup_json_ json_t *report = json_pack("{s:s}", "state", "Ready"), *read = NULL;
	int64_t generation = 0;
	assert_int_equal(disk_outcome_write(path, 9, report, NULL), 0);
	assert_int_equal(disk_outcome_read(path, &generation, &read, NULL), 0);
	assert_int_equal(generation, 9);
	assert_true(json_equal(report, read));
	put("outcome", "{\"generation\":9}", 0600);
	assert_int_equal(disk_outcome_read(path, &generation, &read, NULL), -EINVAL);
	put("outcome", "{\"generation\":-9,\"report\":{}}", 0600);
	assert_int_equal(disk_outcome_read(path, &generation, &read, NULL), -EINVAL);
}

// What the disk processes say

static int report_of(const char *text, bool clean, json_t **out, struct err *err) {
	return disks_report_of("/d", 4, text, strlen(text), clean, "exited", out, err);
}

static void test_disk_reports(void **state) {
	(void)state;
	static const char good[] = "{\"keyUrl\":\"https://k\",\"headerMac\":\"mac\",\"luksUuid\":\"u\",\"bytesWritten\":1}\n";
	_cleanup_json_ json_t *report = NULL;
	struct err err = {0};
	assert_int_equal(report_of(good, true, &report, &err), 0);
	assert_string_equal(json_str(report, "state"), "Ready");
	assert_string_equal(json_str(report, "headerMac"), "mac");
	assert_int_equal(json_int(report, "generation", 0), 4);

	json_t *none = NULL;
	assert_int_equal(report_of("{\"error\":{\"code\":\"KeyDisabled\",\"message\":\"no\",\"transient\":false}}", false, &none, &err), -EINVAL);
	assert_string_equal(err.code, "KeyDisabled");
	assert_string_equal(err.message, "no");
	assert_int_equal(report_of("{\"error\":{\"code\":\"Busy\",\"message\":\"m\",\"transient\":true}}", false, &none, &err), -EAGAIN);
	// A result with a failing exit status is none.
	assert_int_equal(report_of(good, false, &none, &err), -EINVAL);
	assert_string_equal(err.code, "DiskProcessFailed");
	assert_int_equal(report_of("", true, &none, &err), -EINVAL);
	assert_int_equal(report_of("{\"keyUrl\":\"https://k\",\"headerMac\":\"\",\"luksUuid\":\"u\"}", true, &none, &err), -EINVAL);
	assert_int_equal(report_of("Segmentation fault", false, &none, &err), -EINVAL);
	assert_null(none);
}

static int status_of(const char *text, bool *usable, struct err *why) {
	return disk_status_parse(text, strlen(text), usable, why, NULL);
}

static void test_disk_status(void **state) {
	(void)state;
	bool usable = false;
	struct err why = {0};
	assert_int_equal(status_of("{\"state\":\"open\",\"code\":\"\",\"message\":\"\",\"since\":1}", &usable, &why), 0);
	assert_true(usable);
	assert_int_equal(status_of("{\"state\":\"denied\",\"code\":\"KeyVaultKeyNotEnabled\",\"message\":\"off\"}", &usable, &why), 0);
	assert_false(usable);
	assert_string_equal(why.code, "KeyVaultKeyNotEnabled");
	assert_string_equal(why.message, "off");
	assert_int_equal(status_of("{\"state\":\"failed\"}", &usable, &why), 0);
	assert_string_equal(why.code, "DiskServerFailed");
	usable = true;
	assert_int_equal(status_of("{\"state\":\"fine\"}", &usable, &why), -EINVAL);
	assert_int_equal(status_of("{\"state\":", &usable, &why), -EINVAL);
	assert_int_equal(status_of("", &usable, &why), -EINVAL);
	assert_true(usable);
}

// The outbox

static json_t *report(const char *id, int generation) {
	return json_pack("{s:s, s:i}", "id", id, "generation", generation);
}

static void test_outbox(void **state) {
	(void)state;
	struct outbox *o = NULL;
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	assert_int_equal(outbox_new(&o, NULL), 0);
	assert_int_equal(outbox_put(o, REPORT_DISK, report("/a", 1), NULL), 0);
	assert_int_equal(outbox_put(o, REPORT_DISK, report("/a", 2), NULL), 0);  // in place of the first
	assert_int_equal(outbox_put(o, REPORT_DISK, report("/b", 1), NULL), 0);
	assert_int_equal(outbox_put(o, REPORT_MACHINE, report("/m", 1), NULL), 0);
	assert_int_equal(outbox_put(o, REPORT_MACHINE, NULL, NULL), -ENOMEM);
	assert_int_equal(outbox_take(o, 2, &first), 0);
	assert_int_equal(json_array_size(json_at(first, "disks")), 2);
	assert_int_equal(json_array_size(json_at(first, "machines")), 0);

	// It could not be sent, and one of them has become old meanwhile.
	assert_int_equal(outbox_put(o, REPORT_DISK, report("/a", 3), NULL), 0);
	assert_int_equal(outbox_return(o, json_incref(first)), 0);
	assert_int_equal(outbox_take(o, 10, &second), 0);
	assert_int_equal(json_array_size(json_at(second, "disks")), 2);
	assert_int_equal(json_array_size(json_at(second, "machines")), 1);
	for (size_t i = 0; i < 2; i++) {
		const json_t *r = json_array_get(json_at(second, "disks"), i);
		assert_int_equal(json_int(r, "generation", 0), strcmp(json_str(r, "id"), "/a") == 0 ? 3 : 1);
	}
	outbox_close(o);
	json_t *none = NULL;
	assert_int_equal(outbox_take(o, 10, &none), -ESHUTDOWN);
	outbox_free(o);
}

// Processes

static void test_stat(void **state) {
	(void)state;
	uint64_t start = 7;
	assert_int_equal(process_parse_stat("12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 99\n", &start), 0);
	assert_int_equal(start, 4242);
	assert_int_equal(process_parse_stat("12 (a) S 1 2 3", &start), -EINVAL);
	assert_int_equal(process_parse_stat("", &start), -EINVAL);
	assert_int_equal(process_parse_stat("12 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 x 99", &start), -EINVAL);
	assert_int_equal(start, 4242);
}

static void test_matches(void **state) {
	(void)state;
	static const char *const programs[] = {"nbdkit", NULL};
	static const char ours[] = "/usr/bin/nbdkit\0-f\0config=/data/run/disks/x.json";
	static const char other_dir[] = "nbdkit\0config=/data2/run/disks/x.json";
	static const char other_program[] = "cat\0/data/run/disks/x.json";
	static const char inside[] = "nbdkit\0--log=/data/run/x";
	assert_true(process_matches(ours, sizeof(ours), "/data/run/", programs));
	assert_false(process_matches(ours, sizeof(ours) - 1, "/data/run/", programs));  // cut off
	assert_false(process_matches(other_dir, sizeof(other_dir), "/data/run/", programs));
	assert_false(process_matches(other_program, sizeof(other_program), "/data/run/", programs));
	assert_false(process_matches(inside, sizeof(inside), "/data/run/", programs));
	assert_false(process_matches("", 0, "/data/run/", programs));
}

static void reap(struct process *p, const char *expected) {
	char words[PROCESS_END_MAX];
	bool clean;
	int status;
	process_reap(p, &clean, &status, words);
	assert_string_equal(words, expected);
	assert_int_equal(p->fd, -1);
}

static void test_spawn(void **state) {
	(void)state;
	_cleanup_process_ struct process p = PROCESS_NONE;
	static const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	static const char *const forever[] = {"sleep", "60", NULL};
	static const char *const missing[] = {"/nonexistent/program", NULL};
	assert_int_equal(process_spawn(argv, STDERR_FILENO, STDERR_FILENO, &p, NULL), 0);
	reap(&p, "exited with status 3");
	assert_int_equal(process_spawn(missing, STDERR_FILENO, STDERR_FILENO, &p, NULL), -ENOENT);
	assert_int_equal(p.fd, -1);

	assert_int_equal(process_spawn(forever, STDERR_FILENO, STDERR_FILENO, &p, NULL), 0);
	assert_int_equal(getsid(p.pid), p.pid);  // a session of its own
	_cleanup_process_ struct process again = PROCESS_NONE;
	assert_int_equal(process_adopt(p.pid, p.start + 1, &again), -ESRCH);
	assert_int_equal(process_adopt(p.pid, p.start, &again), 0);
	process_signal(&again, SIGTERM);
	pid_t pid = p.pid;
	uint64_t start = p.start;
	reap(&p, "was killed by signal 15");
	process_forget(&again);
	assert_int_equal(process_adopt(pid, start, &again), -ESRCH);
}

static bool spare_one(void *data, pid_t pid) {
	return pid == *(pid_t *)data;
}

// A program's arguments cannot be seen yet in the first moments after it has been started.
static void wait_until_stopped(const struct process *p) {
	siginfo_t info;
	assert_int_equal(waitid(P_PIDFD, (id_t)p->fd, &info, WSTOPPED | WNOWAIT), 0);
}

static void write_file(const char *path, size_t size) {
	_cleanup_buf_ struct buf text = {0};
	for (size_t i = 0; i < size; i++)
		assert_int_equal(buf_u8(&text, 'x'), 0);
	assert_int_equal(io_replace_file(path, text.data, text.len, 0600, NULL), 0);
}

static off_t size_of(const char *path) {
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void test_console_logs_stay_below_their_limit(void **state) {
	(void)state;
	struct err err = {0};
	assert_int_equal(mkdir("logs", 0700), 0);
	assert_int_equal(mkdir("logs/folder", 0700), 0);
	write_file("logs/long", 101);
	write_file("logs/short", 100);
	write_file("outside", 200);
	assert_int_equal(symlink("../outside", "logs/link"), 0);
	assert_int_equal(consoles_trim("logs", 100, &err), 0);
	assert_int_equal(size_of("logs/long"), 0);
	assert_int_equal(size_of("logs/short"), 100);
	assert_int_equal(size_of("outside"), 200);
	assert_int_equal(consoles_trim("absent", 100, &err), -ENOENT);
	assert_int_equal(unlink("logs/link"), 0);
	assert_int_equal(unlink("logs/long"), 0);
	assert_int_equal(unlink("logs/short"), 0);
	assert_int_equal(unlink("outside"), 0);
	assert_int_equal(rmdir("logs/folder"), 0);
	assert_int_equal(rmdir("logs"), 0);
}

static void test_sweep(void **state) {
	(void)state;
	_cleanup_free_ char *program = in_folder("nbdkit"), *prefix = in_folder("run/"), *argument = in_folder("run/disks/x.json");
	_cleanup_process_ struct process spared = PROCESS_NONE, left = PROCESS_NONE;
	static const char *const programs[] = {"nbdkit", NULL};
	assert_int_equal(symlink("/bin/sh", program), 0);
	const char *const argv[] = {program, "-c", "kill -STOP $$", "nbdkit", argument, NULL};
	assert_int_equal(process_spawn(argv, STDERR_FILENO, STDERR_FILENO, &spared, NULL), 0);
	assert_int_equal(process_spawn(argv, STDERR_FILENO, STDERR_FILENO, &left, NULL), 0);
	wait_until_stopped(&spared);
	wait_until_stopped(&left);
	assert_int_equal(process_sweep(prefix, programs, spare_one, &spared.pid, NULL), 1);
	reap(&left, "was killed by signal 9");
	assert_int_equal(kill(spared.pid, SIGKILL), 0);
	reap(&spared, "was killed by signal 9");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_programs, setup, teardown),
		cmocka_unit_test(test_qemu_argv),
		cmocka_unit_test(test_argv_limit),
		cmocka_unit_test_setup_teardown(test_record_round_trip, setup, teardown),
		cmocka_unit_test_setup_teardown(test_record_negatives, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outcome, setup, teardown),
		cmocka_unit_test(test_disk_reports),
		cmocka_unit_test(test_disk_status),
		cmocka_unit_test(test_outbox),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_spawn),
		cmocka_unit_test_setup_teardown(test_console_logs_stay_below_their_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
