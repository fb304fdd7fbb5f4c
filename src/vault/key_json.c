// SPDX-License-Identifier: Apache-2.0
// Keys as the wire shows them, members in the order in which the service sends them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "crypto/jwk.h"
#include "vault/internal.h"

int key_public_stored(const struct object *o, struct key_public *out, struct err *err) {
	_cleanup_json_ json_t *jwk = NULL;
	struct key_public pub;
	if (!o->jwk || request_parse(o->jwk, strlen(o->jwk), &jwk, NULL) < 0 || jwk_to_public(jwk, &pub, NULL) < 0)
		return err_set(err, -EUCLEAN, 500, "InternalServerError", "the stored key %s is damaged", o->name);
	if (pub.kind == KEY_KIND_OCT)
		pub.bits = (unsigned)json_int(jwk, "key_size", 0);
	*out = pub;
	return 0;
}

static json_t *ops_of(const struct object *o) {
	_cleanup_json_ json_t *ops = json_array();
	for (unsigned op = 1; op <= KEY_OP_EXPORT; op <<= 1)
		if ((o->ops & op) && json_array_append_new(ops, json_string(key_op_name((enum key_op)op))) < 0)
			return NULL;
	return TAKE_PTR(ops);
}

static json_t *jwk_of(const struct vault_record *vault, const struct object *o) {
	static const char *const numbers[] = {"n", "e", "crv", "x", "y"};
	_cleanup_json_ json_t *stored = NULL;
	if (!o->jwk || request_parse(o->jwk, strlen(o->jwk), &stored, NULL) < 0)
		return NULL;
	char kid[OBJECT_ID_MAX];
	object_id(vault, "keys", o->name, o->version, kid);
	_cleanup_json_ json_t *key = json_object();
	int rc = json_set_str(key, "kid", kid);
	if (rc == 0)
		rc = json_set_str(key, "kty", o->kty);
	if (rc == 0)
		rc = json_set(key, "key_ops", ops_of(o));
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(numbers); i++)
		if (json_str(stored, numbers[i]))
			rc = json_set_str(key, numbers[i], json_str(stored, numbers[i]));
	return rc < 0 ? NULL : TAKE_PTR(key);
}

json_t *key_bundle(const struct vault_record *vault, const struct object *o) {
	_cleanup_json_ json_t *bundle = json_object();
	int rc = json_set(bundle, "key", jwk_of(vault, o));
	if (rc == 0)
		rc = object_describe(bundle, vault, &object_keys, o);
	if (rc == 0 && o->release_policy)
		rc = object_set_stored(bundle, "release_policy", o->release_policy);
	return rc < 0 ? NULL : TAKE_PTR(bundle);
}

static int answer(struct call *c, struct err *err) {
	c->json = key_bundle(&c->vault, &c->object);
	return c->json ? 0 : err_oom(err);
}

const struct object_kind object_keys = {
	.collection = "keys",
	.deleted_collection = "deletedkeys",
	.noun = "Key",
	.not_found = "KeyNotFound",
	.id_member = "kid",
	.answer = answer,
};
