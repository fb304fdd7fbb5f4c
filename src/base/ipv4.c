// SPDX-License-Identifier: Apache-2.0
#include "base/ipv4.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"

bool ipv4_address(const char *text, uint32_t *out) {
	struct in_addr address;
	if (inet_pton(AF_INET, text, &address) != 1)
		return false;
	*out = ntohl(address.s_addr);
	return true;
}

bool ipv4_range(const char *text, struct ipv4_range *out) {
	char address[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	int64_t prefix = 32;
	uint32_t first;
	if (n >= sizeof(address) || (slash && strv_int(slash + 1, 0, 32, &prefix) < 0))
		return false;
	memcpy(address, text, n);
	address[n] = 0;
	uint32_t hosts = prefix == 0 ? UINT32_MAX : (uint32_t)((UINT64_C(1) << (32 - prefix)) - 1);
	if (!ipv4_address(address, &first) || (first & hosts))
		return false;
	*out = (struct ipv4_range){.first = first, .last = first | hosts};
	return true;
}

const char *ipv4_text(uint32_t address, char out[static IPV4_TEXT_MAX]) {
	(void)snprintf(out, IPV4_TEXT_MAX, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
	return out;
}
