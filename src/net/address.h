// SPDX-License-Identifier: Apache-2.0
// What kind of address a name that others chose leads to.
#pragma once

#include <sys/socket.h>

enum address_kind {
	ADDRESS_SPECIAL,   // link-local, where clouds have their metadata, shared, multicast, reserved, …
	ADDRESS_PUBLIC,    // of the public internet (RFC 6890)
	ADDRESS_PRIVATE,   // of networks of one's own (RFC 1918, RFC 4193)
	ADDRESS_LOOPBACK,  // of this machine
};

// Addresses that carry an IPv4 address (mapped, RFC 6052) are of its kind, but for 6to4 and Teredo, which are special.
enum address_kind address_kind(const struct sockaddr *address);
