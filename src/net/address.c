// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

// The special-purpose registry of IPv4 addresses, those that are reached globally left out.
static bool is_public_v4(uint32_t address) {
	static const struct {
		uint32_t network;
		unsigned bits;
	} special[] = {{0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xac100000, 12},
		{0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
		{0xcb007100, 24}, {0xe0000000, 3}};
	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (address >> (32 - special[i].bits) == special[i].network >> (32 - special[i].bits))
			return false;
	return true;
}

// Global unicast (2000::/3) but for protocol assignments and documentation (2001::/23, 2001:db8::/32) and 6to4 (2002::/16).
static bool is_public_v6(const uint8_t a[static 16]) {
	if (a[0] >> 5 != 1)
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && (a[2] <= 0x01 || (a[2] == 0x0d && a[3] == 0xb8)))
		return false;
	return !(a[0] == 0x20 && a[1] == 0x02);
}

bool address_is_public(const struct sockaddr *address) {
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		return is_public_v4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		return is_public_v6(in6.sin6_addr.s6_addr);
	}
	return false;
}
