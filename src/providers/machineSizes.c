// SPDX-License-Identifier: Apache-2.0
#include "providers/machineSizes.h"

#include "base/strv.h"

// name, vCPUs, MiB, confidential; one list, so that the message below cannot differ from the table.
#define SIZES(S)                              \
	S("Standard_B1ls", 1, 512, false)     \
	S("Standard_B1s", 1, 1024, false)     \
	S("Standard_B1ms", 1, 2048, false)    \
	S("Standard_B2s", 2, 4096, false)     \
	S("Standard_D2s_v5", 2, 8192, false)  \
	S("Standard_D4s_v5", 4, 16384, false) \
	S("Standard_DC2as_v5", 2, 8192, true) \
	S("Standard_DC4as_v5", 4, 16384, true) \
	S("Standard_DC2ads_v5", 2, 8192, true) \
	S("Standard_EC2as_v5", 2, 16384, true) \
	S("Standard_DC2es_v5", 2, 8192, true)

#define ROW(n, c, m, x) {n, c, m, x},
#define NAME(n, c, m, x) n " "

static const struct machine_size sizes[] = {SIZES(ROW)};

const struct machine_size *machine_sizes(size_t *count) {
	*count = ARRAY_SIZE(sizes);
	return sizes;
}

const struct machine_size *machine_size_by_name(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		if (strv_eq_nocase(sizes[i].name, name))
			return &sizes[i];
	return NULL;
}

const char *machine_size_names(void) {
	return SIZES(NAME);
}
