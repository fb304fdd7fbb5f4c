// SPDX-License-Identifier: Apache-2.0
#include "host/agent.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "base/strv.h"
#include "host/accel.h"
#include "host/disks.h"
#include "host/machine.h"

#define DISKS_DIR "run/disks"
#define MACHINES_DIR "run/machines"

enum { INOTIFY_BUFFER = 16384, KVM_DEADLINE_MS = 3000 };

struct agent {
	struct host *host;
	struct disks *disks;
	struct machine **machines;
	size_t machine_count;
	struct loop_timer tick;
	int inotify;
	struct loop_io inotify_io;
	struct accel_probe *probe;
	bool ending;
};

// Things that change together are looked at once, and never from inside of what changed.
static void on_tick(void *data);
static void tick(void *data) {
	struct agent *a = data;
	if (!a->tick.set)
		loop_after(a->host->loop, &a->tick, 0, on_tick, a);
}

static void on_kvm(void *data, bool works) {
	struct agent *a = data;
	a->host->accel = works ? ACCEL_KVM : ACCEL_TCG;
	a->host->accel_known = true;
	log_info("guests are accelerated by %s", accel_name(a->host->accel));
	tick(a);
}

static int get_accel(void *data, enum accel *out, struct err *err) {
	struct agent *a = data;
	if (!a->host->accel_known) {
		const struct accel_trial kvm = {
			.accelerator = "kvm", .data_dir = a->host->data_dir, .log_fd = a->host->log_fd, .deadline_ms = KVM_DEADLINE_MS};
		int rc = a->probe ? 0 : accel_probe_new(a->host->loop, &kvm, on_kvm, a, &a->probe, err);
		return rc < 0 ? rc : err_set(err, -EAGAIN, 409, "Conflict", "It is being found out whether KVM works.");
	}
	*out = a->host->accel;
	return 0;
}

static int get_disk(void *data, const char *id, const struct desired_disk **out, struct err *err) {
	struct agent *a = data;
	return disks_get(a->disks, id, out, err);
}

static bool disk_in_use(void *data, const char *unique_id) {
	const struct agent *a = data;
	for (size_t i = 0; i < a->machine_count; i++)
		if (machine_uses(a->machines[i], unique_id))
			return true;
	return false;
}

static const struct machine_handler machine_handler = {.disk = get_disk, .accel = get_accel, .resting = tick};
static const struct disks_handler disks_handler = {.settled = tick, .in_use = disk_in_use};

static void drop_forgotten(struct agent *a) {
	size_t kept = 0;
	for (size_t i = 0; i < a->machine_count; i++) {
		if (machine_forgotten(a->machines[i]))
			machine_free(a->machines[i]);
		else
			a->machines[kept++] = a->machines[i];
	}
	a->machine_count = kept;
}

static bool is_at_rest(const struct agent *a) {
	for (size_t i = 0; i < a->machine_count; i++)
		if (!machine_off(a->machines[i]))
			return false;
	return disks_idle(a->disks);
}

static void on_tick(void *data) {
	struct agent *a = data;
	if (a->host->accel_known && a->probe) {
		accel_probe_free(a->probe);
		a->probe = NULL;
	}
	disks_step(a->disks);
	for (size_t i = 0; i < a->machine_count; i++)
		machine_step(a->machines[i]);
	drop_forgotten(a);
	if (a->ending && is_at_rest(a))
		loop_stop(a->host->loop);
}

static struct machine *find_machine(const struct agent *a, const char *vm_id) {
	for (size_t i = 0; i < a->machine_count; i++)
		if (strv_eq_nocase(machine_vm_id(a->machines[i]), vm_id))
			return a->machines[i];
	return NULL;
}

static int add_machine(struct agent *a, const struct desired_machine *want, struct machine **out, struct err *err) {
	struct machine **grown = reallocarray(a->machines, a->machine_count + 1, sizeof(struct machine *));
	if (!grown)
		return err_oom(err);
	a->machines = grown;
	int rc = machine_new(a->host, want, &machine_handler, a, &a->machines[a->machine_count], err);
	if (rc < 0)
		return rc;
	*out = a->machines[a->machine_count++];
	return 0;
}

static bool is_wanted(const struct machine *m, const struct desired *desired) {
	for (size_t i = 0; i < desired->machine_count; i++)
		if (strv_eq_nocase(desired->machines[i].vm_id, machine_vm_id(m)))
			return true;
	return false;
}

static int want(struct agent *a, const struct desired *desired, struct err *err) {
	a->host->cache_seconds = desired->cache_seconds;
	int rc = disks_want(a->disks, desired, err);
	for (size_t i = 0; i < desired->machine_count && rc == 0; i++) {
		struct machine *m = find_machine(a, desired->machines[i].vm_id);
		if (!m)
			rc = add_machine(a, &desired->machines[i], &m, err);
		if (rc == 0)
			machine_want(m, &desired->machines[i]);
	}
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < a->machine_count; i++)
		if (!is_wanted(a->machines[i], desired))
			machine_forget(a->machines[i]);
	tick(a);
	return 0;
}

void agent_desired(void *data, json_t *answer) {
	struct agent *a = data;
	_cleanup_desired_ struct desired desired = {0};
	struct err err = {0};
	if (a->ending)
		return;
	int rc = desired_parse(answer, &desired, &err);
	if (rc == 0)
		rc = want(a, &desired, &err);
	if (rc < 0)
		host_complain("cannot follow the desired state", &err);
}

void agent_end(struct agent *a) {
	if (a->ending)
		return;
	log_info("turning the machines off");
	a->ending = true;
	disks_stop(a->disks);
	for (size_t i = 0; i < a->machine_count; i++)
		machine_shut_down(a->machines[i]);
	tick(a);
}

// Files

static void file_changed(struct agent *a, const char *name) {
	for (size_t i = 0; i < a->machine_count; i++)
		machine_file_changed(a->machines[i], name);
}

static void each_file(const char *dir, struct agent *a, void (*visit)(struct agent *a, const char *name)) {
	DIR *d = opendir(dir);
	if (!d) {
		log_error("cannot read %s: %s", dir, strerror(errno));
		return;
	}
	for (const struct dirent *entry = readdir(d); entry; entry = readdir(d))
		visit(a, entry->d_name);
	(void)closedir(d);
}

static void on_inotify(void *data, uint32_t events) {
	struct agent *a = data;
	_Alignas(struct inotify_event) char buffer[INOTIFY_BUFFER];
	(void)events;
	ssize_t n = read(a->inotify, buffer, sizeof(buffer));
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
		if (event->mask & IN_Q_OVERFLOW)
			each_file(DISKS_DIR, a, file_changed);
		else if (event->len > 0)
			file_changed(a, event->name);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

static int watch_files(struct agent *a, struct err *err) {
	a->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->inotify < 0 || inotify_add_watch(a->inotify, DISKS_DIR, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0)
		return err_errno(err, -errno, "cannot watch " DISKS_DIR);
	return loop_watch(a->host->loop, &a->inotify_io, a->inotify, EPOLLIN, on_inotify, a, err);
}

// What an earlier agent left

static int recall(struct agent *a, const char *path, struct err *err) {
	_cleanup_record_ struct machine_record record = {0};
	struct machine *m = NULL;
	int rc = machine_record_read(path, &record, err);
	if (rc == 0)
		rc = add_machine(a, &record.machine, &m, err);
	if (rc == 0)
		machine_recall(m, &record);
	return rc;
}

static void recall_file(struct agent *a, const char *name) {
	struct err err = {0};
	if (!strv_ends_with_nocase(name, HOST_RECORD))
		return;
	_cleanup_free_ char *path = strv_printf(MACHINES_DIR "/%s", name);
	if (path && recall(a, path, &err) == 0)
		return;
	// Its processes are ended with the other leftovers, and the machine is brought to its desired state anew.
	host_complain("a machine's record is dropped", &err);
	if (path)
		(void)unlink(path);
}

static bool is_owned(void *data, pid_t pid) {
	const struct agent *a = data;
	for (size_t i = 0; i < a->machine_count; i++)
		if (machine_owns(a->machines[i], pid))
			return true;
	return false;
}

static int end_leftovers(struct agent *a, struct err *err) {
	static const char *const programs[] = {PROGRAM_QEMU, PROGRAM_NBDKIT, "custodisk-disk", NULL};
	_cleanup_free_ char *prefix = strv_printf("%s/run/", a->host->data_dir);
	if (!prefix)
		return err_oom(err);
	int rc = process_sweep(prefix, programs, is_owned, a, err);
	if (rc > 0)
		log_warning("ended %d processes that an earlier agent left behind", rc);
	return rc < 0 ? rc : 0;
}

int agent_new(struct host *host, struct agent **out, struct err *err) {
	_cleanup_(agent_freep) struct agent *a = calloc(1, sizeof(*a));
	if (!a)
		return err_oom(err);
	*a = (struct agent){.host = host, .inotify = -1, .inotify_io = LOOP_IO_NONE};
	int rc = disks_new(host, &disks_handler, a, &a->disks, err);
	if (rc == 0)
		rc = watch_files(a, err);
	if (rc < 0)
		return rc;
	each_file(MACHINES_DIR, a, recall_file);
	rc = end_leftovers(a, err);
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(a);
	return 0;
}

void agent_free(struct agent *a) {
	if (!a)
		return;
	loop_cancel(a->host->loop, &a->tick);
	accel_probe_free(a->probe);
	for (size_t i = 0; i < a->machine_count; i++)
		machine_free(a->machines[i]);
	free(a->machines);
	disks_free(a->disks);
	loop_unwatch(a->host->loop, &a->inotify_io);
	io_closep(&a->inotify);
	free(a);
}
