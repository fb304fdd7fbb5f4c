// SPDX-License-Identifier: Apache-2.0
// What the parts of the agent share, and where their files are. The agent's working directory is the data directory.
#pragma once

#include "host/loop.h"
#include "host/outbox.h"
#include "host/programs.h"
#include "host/qemu.h"

struct host {
	struct loop *loop;
	const char *data_dir;  // absolute
	struct programs programs;
	int log_fd;             // where what the agent runs prints its messages
	int64_t cache_seconds;  // how long a disk process may rely on a permission
	char boot_id[40];
	struct outbox *outbox;
	bool accel_known;  // found out before the first guest is run
	enum accel accel;
};

// Names of files; to be freed, NULL when out of memory. `suffix` is one of those below, or ".json" for the disk
// process's configuration or the machine's record.
char *host_disk_file(const struct host *h, const char *unique_id);  // disks/<id>.luks
char *host_disk_run(const struct host *h, const char *unique_id, const char *suffix);
char *host_machine_run(const struct host *h, const char *vm_id, const char *suffix);

#define HOST_STATUS ".status"    // what the disk process says of its permission
#define HOST_SERVING ".pid"      // written by nbdkit when it serves
#define HOST_OUTCOME ".outcome"  // of the last generation of the disk
#define HOST_CONFIG ".json"
#define HOST_RECORD ".json"
#define HOST_MONITOR ".qmp"

// Write down a failure that the agent can only tell its log.
void host_complain(const char *what, const struct err *err);
