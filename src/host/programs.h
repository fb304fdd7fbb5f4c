// SPDX-License-Identifier: Apache-2.0
// Where the programs are that the agent runs: beside its own executable, as installed or as in a build folder.
// QEMU and nbdkit come from PATH.
#pragma once

#include "base/err.h"

#define PROGRAM_QEMU "qemu-system-x86_64"
#define PROGRAM_NBDKIT "nbdkit"

struct programs {
	char *disk;    // custodisk-disk
	char *plugin;  // nbdkit-custodisk-plugin.so
};

// `dir` is the folder of the agent's executable. -ENOENT names what is missing.
int programs_find(const char *dir, struct programs *out, struct err *err) _must_check_;
int programs_find_own(struct programs *out, struct err *err) _must_check_;  // dir from /proc/self/exe
void programs_free(struct programs *p);
#define _cleanup_programs_ _cleanup_(programs_free)
