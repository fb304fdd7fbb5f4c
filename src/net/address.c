// SPDX-License-Identifier: Apache-2.0
#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

// The special-purpose registry of IPv4 addresses, those that are reached globally left out; multicast and what is reserved;
// and the address at which Azure's platform serves its machines.
static enum address_kind kind_v4(uint32_t address) {
	static const struct {
		uint32_t network;
		unsigned bits;
		enum address_kind kind;
	} ranges[] = {{0x7f000000, 8, ADDRESS_LOOPBACK}, {0x0a000000, 8, ADDRESS_PRIVATE}, {0xac100000, 12, ADDRESS_PRIVATE},
		{0xc0a80000, 16, ADDRESS_PRIVATE}, {0x00000000, 8, ADDRESS_SPECIAL}, {0x64400000, 10, ADDRESS_SPECIAL},
		{0xa83f8110, 32, ADDRESS_SPECIAL}, {0xa9fe0000, 16, ADDRESS_SPECIAL}, {0xc0000000, 24, ADDRESS_SPECIAL},
		{0xc0000200, 24, ADDRESS_SPECIAL}, {0xc0586300, 24, ADDRESS_SPECIAL}, {0xc6120000, 15, ADDRESS_SPECIAL},
		{0xc6336400, 24, ADDRESS_SPECIAL}, {0xcb007100, 24, ADDRESS_SPECIAL}, {0xe0000000, 3, ADDRESS_SPECIAL}};
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if ((address ^ ranges[i].network) >> (32 - ranges[i].bits) == 0)
			return ranges[i].kind;
	return ADDRESS_PUBLIC;
}

// Global unicast (2000::/3) but for protocol assignments and documentation (2001::/23, 2001:db8::/32) and 6to4 (2002::/16).
static bool is_global_v6(const uint8_t a[static 16]) {
	if (a[0] >> 5 != 1)
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && (a[2] <= 0x01 || (a[2] == 0x0d && a[3] == 0xb8)))
		return false;
	return !(a[0] == 0x20 && a[1] == 0x02);
}

static enum address_kind kind_v6(const struct in6_addr *address) {
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	const uint8_t *a = address->s6_addr;
	uint32_t carried;
	memcpy(&carried, a + 12, sizeof(carried));
	if (IN6_IS_ADDR_V4MAPPED(address))
		return kind_v4(ntohl(carried));
	if (memcmp(a, nat64, sizeof(nat64)) == 0) {
		// The loopback that a translator reaches is its own.
		enum address_kind kind = kind_v4(ntohl(carried));
		return kind == ADDRESS_LOOPBACK ? ADDRESS_SPECIAL : kind;
	}
	if (IN6_IS_ADDR_LOOPBACK(address))
		return ADDRESS_LOOPBACK;
	if (a[0] >> 1 == 0xfc >> 1)
		return ADDRESS_PRIVATE;
	return is_global_v6(a) ? ADDRESS_PUBLIC : ADDRESS_SPECIAL;
}

enum address_kind address_kind(const struct sockaddr *address) {
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, address, sizeof(in));
		return kind_v4(ntohl(in.sin_addr.s_addr));
	}
	if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, address, sizeof(in6));
		return kind_v6(&in6.sin6_addr);
	}
	return ADDRESS_SPECIAL;
}
