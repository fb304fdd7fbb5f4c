// SPDX-License-Identifier: Apache-2.0
// The process that serves one disk to one machine: nbdkit with custodisk's plugin. It holds the disk's data key, so
// the key is gone from memory when it has ended.
#pragma once

#include "host/desired.h"
#include "host/host.h"
#include "host/process.h"

enum server_state {
	SERVER_CLOSED,
	SERVER_OPENING,  // the key is being asked for
	SERVER_OPEN,     // the socket is there; whether the key may be used is in the status
	SERVER_RESTING,  // it ended although it should not have, and is started again shortly
	SERVER_CLOSING,
};

struct disk_server {
	struct host *host;
	char unique_id[DESIRED_NAME_MAX + 1];
	enum server_state state;
	bool keep;        // start it again when it ends
	bool usable;      // the status says that the key may be used
	struct err why;   // if not
	struct process process;
	struct loop_io io;
	struct loop_timer timer;
	int64_t rest_ms;
	void (*changed)(void *data);
	void *data;
};

void disk_server_init(struct disk_server *s, struct host *host, const char *unique_id, void (*changed)(void *data), void *data);

// Write the configuration of a disk's processes, which create, rewrap and serve it: run/disks/<uniqueId>.json, 0600.
int disk_server_configure(const struct host *host, const struct desired_disk *disk, struct err *err) _must_check_;

// CLOSED to OPENING. When it then does not open it is CLOSED again, with the reason in `why`.
int disk_server_start(struct disk_server *s, struct err *err) _must_check_;
// To OPEN, with a process of an earlier agent.
int disk_server_adopt(struct disk_server *s, pid_t pid, uint64_t start, struct err *err) _must_check_;
void disk_server_stop(struct disk_server *s);  // to CLOSING, and CLOSED when it has ended; CLOSED at once if there is none
void disk_server_free(struct disk_server *s);  // leaves the process alone

// A file of this name has changed in run/disks.
void disk_server_file_changed(struct disk_server *s, const char *name);

// May the machine's requests succeed?
bool disk_server_serves(const struct disk_server *s);

// The status file's text: {"state": "open"|"denied"|"failed", "code", "message", …}; `why` is filled unless it
// is "open". -EINVAL when it is none.
int disk_status_parse(const char *text, size_t len, bool *usable, struct err *why, struct err *err) _must_check_;
