// SPDX-License-Identifier: Apache-2.0
// For tests: a folder of their own with room for one database.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"

struct scratch {
	char folder[32];
	char path[40];  // of the database, which does not exist yet
};

// 0 or -1, as cmocka's fixtures return.
static inline int scratch_make(struct scratch *s) {
	(void)snprintf(s->folder, sizeof(s->folder), "/tmp/custodisk-store-XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	(void)snprintf(s->path, sizeof(s->path), "%s/db", s->folder);
	return 0;
}

// Remove the database and the folder, which must hold nothing else: 0 or -1.
static inline int scratch_remove(const struct scratch *s) {
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char name[sizeof(s->path) + 8];
		(void)snprintf(name, sizeof(name), "%s%s", s->path, suffixes[i]);
		(void)unlink(name);
	}
	return rmdir(s->folder);
}
