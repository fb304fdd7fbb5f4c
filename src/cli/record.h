// SPDX-License-Identifier: Apache-2.0
// run/status.json: what the supervisor says about its processes, replaced whole at each change.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "cli/service.h"

// Write the record. `listen` may be NULL; `phase` is "starting", "serving" or "stopping".
int record_write(const char *data_dir, const char *phase, const char *listen, const struct service *services, size_t count,
	struct err *err) _must_check_;

// The record as it is, or -ENOENT. The caller owns *out.
int record_read(const char *data_dir, json_t **out, struct err *err) _must_check_;

int record_remove(const char *data_dir, struct err *err) _must_check_;

// What a killed supervisor left: processes named in the record that still run. Asked to end, waited for, and
// killed when they take too long.
int record_end_leftovers(const char *data_dir, struct err *err) _must_check_;
