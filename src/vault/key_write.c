// SPDX-License-Identifier: Apache-2.0
// Operations that change keys. A key is made before the write transaction begins, which never waits for RSA.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "vault/internal.h"
#include "vault/key_rotate.h"
#include "vault/release_policy.h"
#include "vault/rotation_policy.h"

int keys_create_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = key_request_create(body, len, &c->vault, &c->request, err);
	if (rc == 0)
		rc = call_throttle(c, throttle_class_of(key_type_name(&c->request.type), c->request.spec.bits, true), err);
	return rc < 0 ? rc : call_claim_name(c, tx, err);
}

int keys_rotate_look(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_own(c, tx, err);
	if (rc == 0 && c->pool && !c->object.rotation_policy)
		rc = bad_parameter(err, "Key %s has no rotation policy; in a Managed HSM it needs one to be rotated.", c->object.name);
	if (rc == 0)
		rc = call_throttle_key(c, true, err);
	if (rc == 0)
		rc = key_request_like(&c->object, &c->request, err);
	if (rc < 0)
		return rc;
	char name[OBJECT_NAME_MAX + 1];
	(void)snprintf(name, sizeof(name), "%s", c->object.name);
	object_free(&c->object);
	(void)snprintf(c->object.name, sizeof(c->object.name), "%s", name);
	return 0;
}

// The key material of a new version, in c->object.
int keys_make(struct call *c, struct err *err) {
	return key_generate(c->service->keeper, &c->vault, &c->request, c->now, &c->object, err);
}

// A key that has versions keeps what may never change over its life.
static int check_successor(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_object_ struct object current = {0};
	int rc = object_load(tx, c->vault_key, &object_keys, c->name, NULL, OBJECT_LIVE, c->now, &current, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (current.exportable != c->request.exportable)
		return bad_parameter(err, "AKV.SKR.1003: The exportable attribute of an existing key cannot be changed.");
	return release_policy_check_change(current.release_policy, c->request.release_policy, err);
}

int keys_create_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_claim_name(c, tx, err);
	if (rc == 0)
		rc = check_successor(c, tx, err);
	if (rc < 0)
		return rc;
	c->object.exportable = c->request.exportable;
	key_request_apply(&c->object, &c->request);
	rc = call_add_version(c, tx, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

int keys_rotate_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = key_rotate_to(tx, c->vault_key, &c->object, err);
	if (rc == -ENOENT)
		return call_not_found(c, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

int keys_update_change(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = call_load_own(c, tx, err);
	if (rc == 0)
		rc = key_request_update(body, len, c->version, &c->object, &c->request, err);
	if (rc < 0)
		return rc;
	bool policy = c->request.has_release_policy;
	key_request_apply(&c->object, &c->request);
	c->object.updated = c->now;
	rc = object_update(tx, c->vault_key, &object_keys, &c->object, err);
	if (rc == 0 && policy)
		rc = object_set_policies(tx, c->vault_key, &c->object, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}

int keys_policy_get(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load(c, tx, err);
	if (rc < 0)
		return rc;
	c->json = rotation_policy_json(&c->vault, c->object.name, c->object.rotation_policy);
	return c->json ? 0 : err_oom(err);
}

int keys_policy_change(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = call_load_own(c, tx, err);
	char *text = NULL;
	if (rc == 0)
		rc = rotation_policy_request(&c->vault, body, len, c->now, c->object.rotation_policy, &text, err);
	if (rc < 0)
		return rc;
	free(c->object.rotation_policy);
	c->object.rotation_policy = text;
	rc = object_set_policies(tx, c->vault_key, &c->object, err);
	if (rc < 0)
		return rc;
	c->json = rotation_policy_json(&c->vault, c->object.name, text);
	return c->json ? 0 : err_oom(err);
}
