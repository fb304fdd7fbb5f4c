// SPDX-License-Identifier: Apache-2.0
// Operations that change keys. A key is made before the write transaction begins, which never waits for RSA.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwk.h"
#include "vault/internal.h"

#define DAY_SECONDS 86400

static int answer_bundle(struct call *c, struct err *err) {
	c->json = key_bundle(&c->vault, &c->key);
	return c->json ? 0 : err_oom(err);
}

// The name that stands: that of the key when it exists, else the one in the path. Refused while deleted.
static int check_name_free(struct call *c, struct store_tx *tx, char name[static KEY_NAME_MAX + 1], struct err *err) {
	_cleanup_key_ struct key_row existing = {0};
	int rc = key_load(tx, c->vault_key, c->name, NULL, KEY_ANY, c->now, &existing, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && existing.deleted != 0)
		return err_set_inner(err, -EEXIST, 409, "Conflict", "ObjectIsDeletedButRecoverable",
			"Key %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can "
			"only be recovered or purged.", existing.name);
	(void)snprintf(name, KEY_NAME_MAX + 1, "%s", rc == 0 ? existing.name : c->name);
	return 0;
}

int keys_create_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = key_request_create(body, len, &c->vault, &c->request, err);
	return rc < 0 ? rc : check_name_free(c, tx, c->key.name, err);
}

int keys_rotate_look(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_key(c, tx, err);
	if (rc < 0)
		return rc;
	c->request.bits = key_row_bits(&c->key);
	char name[KEY_NAME_MAX + 1];
	(void)snprintf(name, sizeof(name), "%s", c->key.name);
	key_row_free(&c->key);
	(void)snprintf(c->key.name, sizeof(c->key.name), "%s", name);
	return 0;
}

// The key material of a new version, in c->key.
int keys_make(struct call *c, struct err *err) {
	struct key_row *k = &c->key;
	if (enc_random_hex(k->version, KEY_VERSION_LEN / 2) < 0)
		return err_set(err, -EIO, 500, "InternalServerError", "no random bytes");
	_cleanup_free_ char *context = key_context(&c->vault, k->name, k->version);
	if (!context)
		return err_oom(err);
	const struct key_spec spec = {.kind = KEY_KIND_RSA, .bits = c->request.bits};
	struct key_public pub;
	// Any operation may be put into key_ops later, and a sealed key's usage is fixed; key_ops is checked on each use.
	int rc = keeper_make(c->service->keeper, &spec, KEEPER_USE_WRAP | KEEPER_USE_SIGN, context, &k->sealed, &pub, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *jwk = NULL;
	rc = jwk_from_public(&pub, &jwk, err);
	if (rc < 0)
		return rc;
	k->jwk = json_text(jwk);
	(void)snprintf(k->kty, sizeof(k->kty), "RSA");
	k->created = k->updated = c->now;
	k->enabled = true;
	return k->jwk ? 0 : err_oom(err);
}

// Whatever `request` says replaces what the row has.
static void apply(struct key_row *row, struct key_request *request) {
	if (request->has_ops)
		row->ops = request->ops;
	if (request->has_enabled)
		row->enabled = request->enabled;
	if (request->has_nbf)
		row->nbf = request->nbf;
	if (request->has_exp)
		row->exp = request->exp;
	if (request->has_tags) {
		free(row->tags);
		row->tags = TAKE_PTR(request->tags);
	}
}

int keys_create_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = check_name_free(c, tx, c->key.name, err);
	// What is left of a deleted key whose retention has ended makes way.
	_cleanup_key_ struct key_row current = {0};
	if (rc == 0)
		rc = key_load(tx, c->vault_key, c->name, NULL, KEY_LIVE, c->now, &current, err);
	if (rc == -ENOENT)
		rc = key_remove(tx, c->vault_key, c->name, err);
	if (rc < 0)
		return rc;
	c->key.ops = KEY_OPS_DEFAULT;
	apply(&c->key, &c->request);
	rc = key_add_version(tx, c->vault_key, &c->key, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}

int keys_rotate_change(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_key_ struct key_row current = {0};
	int rc = key_load(tx, c->vault_key, c->name, NULL, KEY_LIVE, c->now, &current, err);
	if (rc == -ENOENT)
		return call_key_not_found(c, err);
	if (rc < 0)
		return rc;
	if (key_row_bits(&current) != c->request.bits)
		return err_set(err, -EEXIST, 409, "Conflict", "Key %s has been changed by another request; retry later.", c->key.name);
	c->key.ops = current.ops;
	c->key.tags = TAKE_PTR(current.tags);
	rc = key_add_version(tx, c->vault_key, &c->key, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}

int keys_update_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = key_request_update(body, len, c->version, &c->request, err);
	return rc < 0 ? rc : call_load_key(c, tx, err);
}

int keys_update_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_key(c, tx, err);
	if (rc < 0)
		return rc;
	apply(&c->key, &c->request);
	c->key.updated = c->now;
	rc = key_update(tx, c->vault_key, &c->key, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}

int keys_delete_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_key(c, tx, err);
	if (rc < 0)
		return rc;
	c->key.deleted = c->now;
	c->key.purge_at = c->now + c->vault.retention_days * DAY_SECONDS;
	rc = key_mark(tx, c->vault_key, c->name, c->key.deleted, c->key.purge_at, err);
	return rc < 0 ? rc : answer_bundle(c, err);
}

static int load_deleted(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = key_load(tx, c->vault_key, c->name, NULL, KEY_DELETED, c->now, &c->key, err);
	return rc == -ENOENT ? call_deleted_key_not_found(c, err) : rc;
}

int keys_recover_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = load_deleted(c, tx, err);
	if (rc == 0)
		rc = key_mark(tx, c->vault_key, c->name, 0, 0, err);
	if (rc < 0)
		return rc;
	c->key.deleted = c->key.purge_at = 0;
	return answer_bundle(c, err);
}

int keys_purge_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = load_deleted(c, tx, err);
	if (rc < 0)
		return rc;
	if (c->vault.purge_protection)
		return err_set(err, -EPERM, 403, "Forbidden",
			"Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will "
			"automatically purge it after the retention period has passed.\nVault: %s;location=%s", c->vault.name,
			c->vault.location);
	c->status = 204;
	return key_remove(tx, c->vault_key, c->name, err);
}
