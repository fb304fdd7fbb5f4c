// SPDX-License-Identifier: Apache-2.0
// Does an accelerator work here? /dev/kvm being there says little: inside of some virtual machines it opens, and then
// every guest hangs or is interpreted instruction by instruction. So a guest of 512 bytes is run under it, which counts
// in protected mode and says that it is done; a processor does that in a fraction of a second.
#pragma once

#include "host/loop.h"

struct accel_probe;

struct accel_trial {
	const char *accelerator;  // of QEMU, e.g. "kvm"
	const char *data_dir;     // absolute name of the working directory
	int log_fd;               // where QEMU's messages go
	int64_t deadline_ms;      // a guest that takes longer does not work
};

// Start finding out. The answer is given from the loop, once; the probe is freed after that, not from inside of it.
int accel_probe_new(struct loop *l, const struct accel_trial *trial, void (*found)(void *data, bool works), void *data,
	struct accel_probe **out, struct err *err) _must_check_;
void accel_probe_free(struct accel_probe *p);
