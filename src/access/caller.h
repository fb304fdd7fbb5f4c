// SPDX-License-Identifier: Apache-2.0
// Who is asking: the claims of a verified access token, and what the directory says of the principal.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum caller_kind {
	CALLER_APPLICATION,  // a service principal
	CALLER_IDENTITY,     // the service principal of a managed identity
	CALLER_USER,
};

#define CALLER_NAME_MAX 256  // bytes of a name

struct caller {
	char tenant[37];   // tid
	char oid[37];      // object id of the principal
	char appid[37];    // the client that asked for the token: a user's is not the user's own
	char iss[128];
	char audience[128];
	enum caller_kind kind;
	char name[CALLER_NAME_MAX + 1];  // display name; of a user the user principal name
};
