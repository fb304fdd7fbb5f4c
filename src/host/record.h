// SPDX-License-Identifier: Apache-2.0
// What the agent writes down about each machine and disk, so that an agent that starts anew goes on where the last
// one ended: run/machines/<vmId>.json and run/disks/<uniqueId>.outcome.
#pragma once

#include "host/desired.h"
#include "host/process.h"

// How far a machine is. A settled record says how its generation ended and is not acted on again.
struct machine_record {
	struct desired_machine machine;  // as it was wanted; its references are owned
	bool settled;
	enum power power;                 // reached, when settled
	char error_code[ERR_CODE_MAX];    // why not otherwise, or ""
	char error_message[ERR_MESSAGE_MAX];
	char boot_id[40];                 // of the system that the processes run in
	pid_t qemu;                       // 0 for none
	uint64_t qemu_start;
	struct {
		pid_t pid;
		uint64_t start;
		char unique_id[DESIRED_NAME_MAX + 1];
	} servers[DESIRED_MACHINE_DISKS_MAX];
	size_t server_count;
};

void machine_record_free(struct machine_record *r);
#define _cleanup_record_ _cleanup_(machine_record_free)

// -ENOENT without a record; -EINVAL for one that cannot be used.
int machine_record_read(const char *path, struct machine_record *out, struct err *err) _must_check_;
int machine_record_write(const char *path, const struct machine_record *r, struct err *err) _must_check_;

// The identity of this boot of the system.
int record_boot_id(char out[static 40], struct err *err) _must_check_;

// A disk's last outcome: {"generation", "report"}; the report is the one of docs/protocol/host.md. The caller owns it.
int disk_outcome_read(const char *path, int64_t *generation, json_t **report, struct err *err) _must_check_;
int disk_outcome_write(const char *path, int64_t generation, const json_t *report, struct err *err) _must_check_;
