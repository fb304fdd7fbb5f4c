// SPDX-License-Identifier: Apache-2.0
// Who is asking: the claims of a verified access token.
#pragma once

#include <stdint.h>

struct caller {
	char tenant[37];   // tid
	char oid[37];      // object id of the service principal
	char appid[37];
	char iss[128];
	char audience[128];
};
