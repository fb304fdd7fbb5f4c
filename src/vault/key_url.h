// SPDX-License-Identifier: Apache-2.0
// A key's identifier as clients give it: "https://{vault}.vault.azure.net[:443]/keys/{name}[/{version}]", or of a
// pool's key with "managedhsm" for "vault".
#pragma once

#include "vault/object.h"

struct key_url {
	char vault[VAULT_NAME_MAX + 1];        // of the record: a pool's has its suffix
	char name[OBJECT_NAME_MAX + 1];
	char version[OBJECT_VERSION_LEN + 1];  // "" for the current one
};

// False, and out untouched, when the text is no such identifier. Names are as written, of any case.
bool key_url_parse(const char *url, struct key_url *out);
