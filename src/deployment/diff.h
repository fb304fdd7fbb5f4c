// SPDX-License-Identifier: Apache-2.0
// What a change makes of a resource, member by member, as what-if tells it (WhatIfPropertyChange).
#pragma once

#include "base/json.h"

// A copy of what GET shows, without the members that are the platform's own and differ each time a resource is written or
// made (states, times, versions, generated ids), unless `wanted`, the body that is put, names them itself. null is as if
// it were not there. The caller owns *out.
int diff_visible(const json_t *shown, const json_t *wanted, json_t **out, struct err *err) _must_check_;

// [{"path", "propertyChangeType", "before", "after", "children"}] of two such copies; empty when they say the same. Elements of
// arrays are told apart by their places. The caller owns *out.
int diff_members(const json_t *before, const json_t *after, json_t **out, struct err *err) _must_check_;
