// SPDX-License-Identifier: Apache-2.0
// Does KVM work here? /dev/kvm being there says little: inside of some virtual machines it opens, and then every
// guest hangs or is interpreted instruction by instruction. So a guest of 512 bytes is run under it, which counts in
// protected mode and says that it is done; a processor does that in a fraction of a second.
#pragma once

#include "host/loop.h"
#include "host/qemu.h"

struct accel_probe;

// Start finding out. `data_dir` is the absolute name of the working directory; err_fd is where QEMU's messages go.
// The answer is always given, from the loop, once.
int accel_probe_new(struct loop *l, const char *data_dir, int err_fd, void (*found)(void *data, enum accel accel), void *data,
	struct accel_probe **out, struct err *err) _must_check_;
void accel_probe_free(struct accel_probe *p);
