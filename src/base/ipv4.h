// SPDX-License-Identifier: Apache-2.0
// IPv4 addresses and ranges as people write them (RFC 4632).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IPV4_TEXT_MAX 16  // with its NUL

struct ipv4_range {
	uint32_t first, last;
};

bool ipv4_address(const char *text, uint32_t *out);

// "124.56.78.91", or "124.56.78.0/24" with nothing set behind the prefix.
bool ipv4_range(const char *text, struct ipv4_range *out);

static inline bool ipv4_within(const struct ipv4_range *inner, const struct ipv4_range *outer) {
	return inner->first >= outer->first && inner->last <= outer->last;
}

static inline bool ipv4_overlap(const struct ipv4_range *a, const struct ipv4_range *b) {
	return a->first <= b->last && b->first <= a->last;
}

const char *ipv4_text(uint32_t address, char out[static IPV4_TEXT_MAX]);
