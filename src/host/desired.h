// SPDX-License-Identifier: Apache-2.0
// The desired state of a hypervisor as the control plane sends it (docs/protocol/host.md), checked.
//
// Identifiers and names become parts of file names and of programs' arguments, so they are held to narrow alphabets.
// One member that is wrong refuses the whole answer: the agent then goes on with the state it had.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	DESIRED_DISKS_MAX = 4096,
	DESIRED_MACHINES_MAX = 1024,
	DESIRED_MACHINE_DISKS_MAX = 64,
	DESIRED_CPUS_MAX = 255,
	DESIRED_MEMORY_MIB_MAX = 1 << 22,
	DESIRED_ID_MAX = 1024,  // characters of a resource id
	DESIRED_NAME_MAX = 64,  // characters of a machine's name or a unique id
};

enum power { POWER_RUNNING, POWER_STOPPED, POWER_DEALLOCATED };
const char *power_name(enum power p);
int power_of(const char *name, enum power *out) _must_check_;  // -EINVAL

// All strings are borrowed from `json`.
struct desired_disk {
	json_t *json;  // an owned reference
	const char *id;
	const char *unique_id;
	int64_t generation;
	bool present;
	// The rest is for a disk that shall be present.
	int64_t size_bytes;
	const char *source;  // NULL for an empty disk
	const char *key_url;
	const char *disk_encryption_set;
	const char *identity_header;     // NULL when there is none
	const char *identity_client_id;  // NULL when there is none
	const char *header_mac;          // NULL before one has been recorded
};
void desired_disk_free(struct desired_disk *d);
void desired_disk_copy(const struct desired_disk *d, struct desired_disk *out);  // what out held is released

struct desired_machine {
	json_t *json;  // an owned reference
	const char *id;
	const char *vm_id;
	const char *name;
	int64_t generation;
	enum power power;
	bool skip_shutdown;  // the guest is not asked to turn itself off
	int64_t cpus;
	int64_t memory_mib;
	const char *disks[DESIRED_MACHINE_DISKS_MAX];  // resource ids, the one to boot from first
	size_t disk_count;
};
int desired_machine_parse(json_t *json, struct desired_machine *out, struct err *err) _must_check_;
void desired_machine_free(struct desired_machine *m);
void desired_machine_copy(const struct desired_machine *m, struct desired_machine *out);

struct desired {
	int64_t revision;
	int64_t cache_seconds;
	struct desired_disk *disks;
	size_t disk_count;
	struct desired_machine *machines;
	size_t machine_count;
};
void desired_free(struct desired *d);
#define _cleanup_desired_ _cleanup_(desired_free)

// -EINVAL with 502 InvalidDesiredState names the member. References to `json`'s parts are taken.
int desired_parse(json_t *json, struct desired *out, struct err *err) _must_check_;
