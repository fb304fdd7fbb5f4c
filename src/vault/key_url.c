// SPDX-License-Identifier: Apache-2.0
#include "vault/key_url.h"

#include <string.h>

#include "base/strv.h"

// Copy what stands before `stop` (the rest of the text when stop is 0) and step over both; NULL when there is no such
// stop or it does not fit.
static const char *take(const char *p, char stop, char *out, size_t size) {
	const char *end = p ? (stop ? strchr(p, stop) : p + strlen(p)) : NULL;
	size_t n = end ? (size_t)(end - p) : 0;
	if (!end || n >= size)
		return NULL;
	memcpy(out, p, n);
	out[n] = 0;
	return end + (stop != 0);
}

static const char *skip(const char *p, const char *prefix) {
	return p && strv_starts_with_nocase(p, prefix) ? p + strlen(prefix) : NULL;
}

bool key_url_parse(const char *url, struct key_url *out) {
	struct key_url u;
	char label[VAULT_LABEL_MAX + 1];
	const char *host = take(skip(url, "https://"), '.', label, sizeof(label));
	const char *p = skip(host, "vault.azure.net");
	bool pool = !p;
	if (pool)
		p = skip(host, "managedhsm.azure.net");
	if (p && *p == ':')
		p = skip(p, ":443");
	p = skip(p, "/keys/");
	bool versioned = p && strchr(p, '/');
	p = take(p, versioned ? '/' : 0, u.name, sizeof(u.name));
	u.version[0] = 0;
	if (versioned)
		p = take(p, 0, u.version, sizeof(u.version));
	if (!p || !object_name_valid(label) || !object_name_valid(u.name) || (versioned && !object_version_valid(u.version)))
		return false;
	if (pool)
		vault_pool_name(label, u.vault);
	else
		memcpy(u.vault, label, sizeof(label));
	*out = u;
	return true;
}
