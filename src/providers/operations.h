// SPDX-License-Identifier: Apache-2.0
// The actions that roles can give, where they cannot be read off the table of types.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct provider_operation {
	const char *name, *resource, *text;
	bool data;
};

extern const struct provider_operation vault_operations[], identity_operations[];
extern const size_t vault_operation_count, identity_operation_count;
