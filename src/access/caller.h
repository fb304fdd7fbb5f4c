// SPDX-License-Identifier: Apache-2.0
// Who is asking: the claims of a verified access token, and what the directory says of the principal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct caller {
	char tenant[37];   // tid
	char oid[37];      // object id of the service principal
	char appid[37];
	char iss[128];
	char audience[128];
	bool managed_identity;  // false: an application
};
