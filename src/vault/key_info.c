// SPDX-License-Identifier: Apache-2.0
// What the control plane asks about a key URL.
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "vault/key_url.h"
#include "vault/keys.h"

int vault_key_info(struct store_tx *tx, const char *key_url, struct vault_key_info *out, struct err *err) {
	struct key_url url = {0};
	if (!key_url_parse(key_url, &url))
		return err_set(err, -EINVAL, 400, "InvalidParameter",
			"The key URL is not of the form https://{vault}.vault.azure.net/keys/{name}/{version}, or of a Managed HSM.");
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
