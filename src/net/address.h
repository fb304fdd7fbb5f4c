// SPDX-License-Identifier: Apache-2.0
// What kind of address a name that others chose leads to.
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

// Is it one of the public internet (RFC 6890)? False for every address that means another machine from here than from
// elsewhere, and for those that carry an IPv4 address inside.
bool address_is_public(const struct sockaddr *address);
