// SPDX-License-Identifier: Apache-2.0
// What the control plane asks about a key URL.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "vault/keys.h"

struct key_url {
	char vault[VAULT_NAME_MAX + 1];
	char name[OBJECT_NAME_MAX + 1];
	char version[OBJECT_VERSION_LEN + 1];  // "" for the current one
};

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

static bool parse_url(const char *url, struct key_url *out) {
	const char *p = take(skip(url, "https://"), '.', out->vault, sizeof(out->vault));
	p = skip(p, "vault.azure.net");
	if (p && *p == ':')
		p = skip(p, ":443");
	p = skip(p, "/keys/");
	bool versioned = p && strchr(p, '/');
	p = take(p, versioned ? '/' : 0, out->name, sizeof(out->name));
	if (versioned)
		p = take(p, 0, out->version, sizeof(out->version));
	return p && object_name_valid(out->vault) && object_name_valid(out->name) &&
		(!versioned || object_version_valid(out->version));
}

int vault_key_info(struct store_tx *tx, const char *key_url, struct vault_key_info *out, struct err *err) {
	struct key_url url = {0};
	if (!parse_url(key_url, &url))
		return err_set(err, -EINVAL, 400, "InvalidParameter",
			"The key URL is not of the form https://{vault}.vault.azure.net/keys/{name}/{version}.");
	struct vault_key_info info = {0};
	int rc = vault_find(tx, url.vault, &info.vault, err);
	if (rc < 0)
		return rc;
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(info.vault.name, vault);
	_cleanup_object_ struct object o = {0};
	struct key_public pub;
	rc = object_load(tx, vault, &object_keys, url.name, url.version[0] ? url.version : NULL, OBJECT_ANY, clock_now(), &o,
		err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "KeyNotFound", "A key with (name/id) %s%s%s was not found in this key vault.", url.name,
			url.version[0] ? "/" : "", url.version);
	if (rc == 0)
		rc = key_public_stored(&o, &pub, err);
	if (rc < 0)
		return rc;
	object_id(&info.vault, "keys", o.name, o.version, info.kid);
	(void)snprintf(info.kty, sizeof(info.kty), "%s", o.kty);
	info.bits = pub.bits;
	info.enabled = o.enabled;
	info.exportable = o.exportable;
	info.deleted = o.deleted != 0;
	info.nbf = o.nbf;
	info.exp = o.exp;
	*out = info;
	return 0;
}
