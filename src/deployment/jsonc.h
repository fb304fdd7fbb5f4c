// SPDX-License-Identifier: Apache-2.0
// JSON as people write templates and as az sends them on: comments, names of members without quotes, strings over several
// lines, a comma after the last member.
#pragma once

#include <stddef.h>

#include "base/json.h"

// 400 InvalidRequestContent (-EINVAL) for what is no JSON even so. Limits as of json_parse. The caller owns *out.
int jsonc_parse(const char *text, size_t len, json_t **out, struct err *err) _must_check_;
