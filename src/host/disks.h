// SPDX-License-Identifier: Apache-2.0
// Brings disk files to their desired state: makes them, puts them under another key, removes them. The work is done by
// custodisk-disk, one process a disk, once for a generation.
#pragma once

#include "host/desired.h"
#include "host/host.h"

struct disks;

struct disks_handler {
	void (*settled)(void *data);                           // some disk has reached its state, or has failed to
	bool (*in_use)(void *data, const char *unique_id);  // is it being served to a machine?
};

// `handler` is borrowed.
int disks_new(struct host *host, const struct disks_handler *handler, void *data, struct disks **out, struct err *err)
	_must_check_;
void disks_free(struct disks *d);  // ends what still runs

// Work towards this state. Disks that are not in it any more are left alone: files go only when asked for.
int disks_want(struct disks *d, const struct desired *desired, struct err *err) _must_check_;
void disks_step(struct disks *d);  // something else has changed: a machine has let go of its disks

// The disk with this resource id, to be served. -EAGAIN while work is going on; its failure; -ENOENT with 404 NotFound.
int disks_get(struct disks *d, const char *id, const struct desired_disk **out, struct err *err) _must_check_;

void disks_stop(struct disks *d);  // ask what runs to end, start nothing more
bool disks_idle(const struct disks *d);

// The disk as its process reported it: a report of docs/protocol/host.md from what custodisk-disk printed. The caller
// owns *out. -EAGAIN with err for an error that may pass.
int disks_report_of(const char *id, int64_t generation, const char *text, size_t len, bool clean, const char *end, json_t **out,
	struct err *err) _must_check_;
