// SPDX-License-Identifier: Apache-2.0
// The VM sizes that can be asked for, with Azure's names and numbers.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct machine_size {
	const char *name;
	int cpus;
	int memory_mib;
	bool confidential;  // AMD SEV-SNP or Intel TDX families
};

const struct machine_size *machine_sizes(size_t *count);
const struct machine_size *machine_size_by_name(const char *name);  // any case; NULL when unknown
const char *machine_size_names(void);  // for messages
