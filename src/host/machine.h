// SPDX-License-Identifier: Apache-2.0
// One machine: its disks' processes, its QEMU, its power.
#pragma once

#include "host/desired.h"
#include "host/host.h"
#include "host/qemu.h"
#include "host/record.h"

struct machine;

struct machine_handler {
	// The disk with this resource id, to be served; errors as disks_get().
	int (*disk)(void *data, const char *id, const struct desired_disk **out, struct err *err);
	// How to run guests. -EAGAIN when that is not known yet; machine_step() is called once it is.
	int (*accel)(void *data, enum accel *out, struct err *err);
	void (*resting)(void *data);  // it is off and has let go of its disks; it must not be freed from here
};

// `handler` is borrowed.
int machine_new(struct host *host, const struct desired_machine *want, const struct machine_handler *handler, void *data,
	struct machine **out, struct err *err) _must_check_;
void machine_free(struct machine *m);  // leaves its processes alone

// Before anything else: what an earlier agent wrote down about it. A QEMU that is alive is taken over; a generation
// that is settled is told again and not acted on again.
void machine_recall(struct machine *m, const struct machine_record *record);

void machine_want(struct machine *m, const struct desired_machine *want);
void machine_forget(struct machine *m);     // it is not wanted any more: turn it off, without a report
void machine_shut_down(struct machine *m);  // the agent ends: turn it off shortly, to be started by the next agent

void machine_step(struct machine *m);                                // something it waits for may be there
void machine_file_changed(struct machine *m, const char *name);  // in run/disks

const char *machine_vm_id(const struct machine *m);
bool machine_uses(const struct machine *m, const char *unique_id);
bool machine_owns(const struct machine *m, pid_t pid);
bool machine_off(const struct machine *m);        // nothing of it runs
bool machine_forgotten(const struct machine *m);  // it may be freed
