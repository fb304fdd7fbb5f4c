// SPDX-License-Identifier: Apache-2.0
// Operations that only look.
#include <errno.h>

#include "vault/internal.h"

int call_key_not_found(const struct call *c, struct err *err) {
	return err_set(err, -ENOENT, 404, "KeyNotFound",
		"A key with (name/id) %s%s%s was not found in this key vault. If you recently deleted this key you may be able to "
		"recover it using the correct recovery command. For help resolving this issue, please see "
		"https://go.microsoft.com/fwlink/?linkid=2125182", c->name, c->version ? "/" : "", c->version ? c->version : "");
}

int call_deleted_key_not_found(const struct call *c, struct err *err) {
	return err_set(err, -ENOENT, 404, "KeyNotFound", "Deleted Key not found: %s", c->name);
}

int call_load_key(struct call *c, struct store_tx *tx, struct err *err) {
	key_row_free(&c->key);
	if (c->version && !key_version_valid(c->version))
		return call_key_not_found(c, err);
	int rc = key_load(tx, c->vault_key, c->name, c->version, KEY_LIVE, c->now, &c->key, err);
	return rc == -ENOENT ? call_key_not_found(c, err) : rc;
}

static int answer_bundle(struct call *c, struct err *err) {
	c->json = key_bundle(&c->vault, &c->key);
	return c->json ? 0 : err_oom(err);
}

int keys_get(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_key(c, tx, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}

int keys_get_deleted(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = key_load(tx, c->vault_key, c->name, NULL, KEY_DELETED, c->now, &c->key, err);
	if (rc == -ENOENT)
		return call_deleted_key_not_found(c, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}
