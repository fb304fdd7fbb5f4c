// SPDX-License-Identifier: Apache-2.0
// Where a storage account would be: folders of files, as Azure Monitor names them in one.
//
//   {folder}/{account}/insights-logs-auditevent/resourceId={ID IN CAPITALS}/y=2026/m=11/d=22/h=10/m=00/PT1H.json
//
// Each line is a record. A batch is appended and synced, with the folders that it needed, before it counts as delivered: a
// crash may repeat lines, never lose one. What a power cut left of a line is cut off before the next one is written.
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define STORAGE_ACCOUNT_MAX 24

// 3 to 24 small letters and digits, as Azure has it.
bool storage_account_valid(const char *name);

// Append whole lines to the file of the hour that starts at `hour` (seconds).
int storage_append(const char *folder, const char *account, const char *resource_id, int64_t hour, const struct buf *lines,
	struct err *err) _must_check_;
