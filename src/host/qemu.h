// SPDX-License-Identifier: Apache-2.0
// The command line of a machine's QEMU.
//
// Sockets are named relative to the data directory, the agent's working directory, because the name of a Unix socket
// holds 107 bytes; files are named absolutely, so that a process can be told by its arguments.
#pragma once

#include "host/argv.h"
#include "host/desired.h"

enum accel { ACCEL_TCG, ACCEL_KVM };
const char *accel_name(enum accel a);

struct qemu_options {
	const struct desired_machine *machine;
	const char *data_dir;                                    // absolute
	const char *unique_ids[DESIRED_MACHINE_DISKS_MAX];  // of the machine's disks, in its order
	enum accel accel;
};

// The paths that the command line names. To be freed; NULL when out of memory.
char *qemu_monitor_path(const char *vm_id);
char *qemu_pid_path(const char *data_dir, const char *vm_id);
char *qemu_disk_socket(const char *unique_id);

int qemu_argv(const struct qemu_options *o, struct argv *out, struct err *err) _must_check_;
