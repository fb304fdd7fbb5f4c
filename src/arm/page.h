// SPDX-License-Identifier: Apache-2.0
// Pages of a list: $top and $skiptoken of the request, nextLink of the answer.
#pragma once

#include "arm/type.h"

struct arm_page {
	int64_t top;                 // how many at most, 1 to the type's own limit
	char after[ARM_ID_MAX];      // what the page before ended with; "" for the first
};

// 400 InvalidTop or InvalidSkipToken (-EINVAL).
int arm_page_read(const struct arm_call *call, int64_t most, struct arm_page *out, struct err *err) _must_check_;

// There is more behind `last`, which is what the next page begins after: nextLink into the answer.
int arm_page_next(const struct arm_call *call, json_t *answer, const char *last, struct err *err) _must_check_;

// "https://{host}[:{port}]" of this request, for links back to us.
void arm_base_url(const struct http_request *req, char *out, size_t size);
