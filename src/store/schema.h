// SPDX-License-Identifier: Apache-2.0
// The schema as a list of steps; step N brings a database from version N-1 to N. Steps are only ever added.
#pragma once

#include <stddef.h>

extern const char *const schema_steps[];
extern const size_t schema_step_count;
