// SPDX-License-Identifier: Apache-2.0
// What a disk process tells the host agent.
#pragma once

#include <jansson.h>

#include "base/err.h"

// {"error": {"code", "message", "transient"}} for a failure; NULL when out of memory.
json_t *report_error(int rc, const struct err *err);

enum report_state { REPORT_OPEN, REPORT_DENIED, REPORT_FAILED };

// Replace the status file: {"state": "open"|"denied"|"failed", "code", "message", "since", "keyUrl"}; code and message
// are empty while open, keyUrl is the key that opened the disk last (or ""), since is in seconds since 1970.
int report_status(const char *path, enum report_state state, const struct err *why, const char *key_url, struct err *err)
	_must_check_;
