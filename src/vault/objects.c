// SPDX-License-Identifier: Apache-2.0
// Operations that are the same for keys and for secrets.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "vault/internal.h"


int call_not_found(const struct call *c, struct err *err) {
	const struct object_kind *kind = c->op->kind;
	_cleanup_free_ char *noun = strv_lower(kind->noun);
	if (!noun)
		return err_oom(err);
	return err_set(err, -ENOENT, 404, kind->not_found,
		"A %s with (name/id) %s%s%s was not found in this key vault. If you recently deleted this %s you may be able to "
		"recover it using the correct recovery command. For help resolving this issue, please see "
		"https://go.microsoft.com/fwlink/?linkid=2125182", noun, c->name, c->version ? "/" : "", c->version ? c->version : "",
		noun);
}

int call_deleted_not_found(const struct call *c, struct err *err) {
	return err_set(err, -ENOENT, 404, c->op->kind->not_found, "Deleted %s not found: %s", c->op->kind->noun, c->name);
}

int call_load(struct call *c, struct store_tx *tx, struct err *err) {
	object_free(&c->object);
	if (c->version && !object_version_valid(c->version))
		return call_not_found(c, err);
	int rc = object_load(tx, c->vault_key, c->op->kind, c->name, c->version, OBJECT_LIVE, c->now, &c->object, err);
	return rc == -ENOENT ? call_not_found(c, err) : rc;
}

static int refuse_managed(const struct call *c, const struct object *o, struct err *err) {
	return err_set(err, -EPERM, 403, "Forbidden", "%s %s is managed by a certificate and can only be changed through it.",
		c->op->kind->noun, o->name);
}

int call_load_own(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load(c, tx, err);
	return rc == 0 && c->object.managed ? refuse_managed(c, &c->object, err) : rc;
}

int call_claim_name(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_object_ struct object existing = {0};
	int rc = object_load(tx, c->vault_key, c->op->kind, c->name, NULL, OBJECT_ANY, c->now, &existing, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == 0 && existing.deleted != 0)
		return err_set_inner(err, -EEXIST, 409, "Conflict", "ObjectIsDeletedButRecoverable",
			"%s %s is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the %s can "
			"only be recovered or purged.", c->op->kind->noun, existing.name,
			c->op->kind == &object_keys ? "key" : "secret");
	if (rc == 0 && existing.managed)
		return refuse_managed(c, &existing, err);
	(void)snprintf(c->object.name, sizeof(c->object.name), "%s", rc == 0 ? existing.name : c->name);
	return 0;
}

int call_add_version(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_object_ struct object current = {0};
	int rc = object_load(tx, c->vault_key, c->op->kind, c->name, NULL, OBJECT_LIVE, c->now, &current, err);
	if (rc == -ENOENT)
		rc = object_make_way(tx, c->vault_key, c->op->kind, c->name, err);
	if (rc == 0 && !c->object.rotation_policy)
		c->object.rotation_policy = TAKE_PTR(current.rotation_policy);
	return rc < 0 ? rc : object_add_version(tx, c->vault_key, c->op->kind, &c->object, err);
}

int objects_get(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load(c, tx, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

static int load_deleted(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = object_load(tx, c->vault_key, c->op->kind, c->name, NULL, OBJECT_DELETED, c->now, &c->object, err);
	return rc == -ENOENT ? call_deleted_not_found(c, err) : rc;
}

int objects_get_deleted(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = load_deleted(c, tx, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

int objects_delete_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_own(c, tx, err);
	if (rc < 0)
		return rc;
	c->object.deleted = c->now;
	c->object.purge_at = c->now + c->vault.retention_days * CLOCK_DAY;
	rc = object_mark(tx, c->vault_key, c->op->kind, c->name, c->object.deleted, c->object.purge_at, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

int objects_recover_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = load_deleted(c, tx, err);
	if (rc == 0)
		rc = object_mark(tx, c->vault_key, c->op->kind, c->name, 0, 0, err);
	if (rc < 0)
		return rc;
	c->object.deleted = c->object.purge_at = 0;
	return c->op->kind->answer(c, err);
}

int objects_purge_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = load_deleted(c, tx, err);
	if (rc < 0)
		return rc;
	if (c->vault.purge_protection)
		return err_set(err, -EPERM, 403, "Forbidden",
			"Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will "
			"automatically purge it after the retention period has passed.\nVault: %s;location=%s", c->vault.name,
			c->vault.location);
	c->status = 204;
	rc = object_remove(tx, c->vault_key, c->op->kind, c->name, err);
	return rc < 0 ? rc : 0;
}
