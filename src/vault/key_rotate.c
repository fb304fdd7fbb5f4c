// SPDX-License-Identifier: Apache-2.0
#include "vault/key_rotate.h"

#include <errno.h>
#include <stdio.h>

#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwk.h"
#include "vault/rotation_policy.h"

int key_request_like(const struct object *o, struct key_request *out, struct err *err) {
	struct key_public pub;
	struct key_type type;
	int rc = key_public_stored(o, &pub, err);
	if (rc < 0)
		return rc;
	if (!key_type_parse(o->kty, &type))
		return err_set(err, -EUCLEAN, 500, "InternalServerError", "the stored key %s is damaged", o->name);
	out->type = type;
	out->spec = (struct key_spec){.kind = pub.kind, .bits = pub.bits, .curve = pub.curve};
	// An imported key may have an exponent that none is made with here; it is followed by one with the usual exponent.
	for (size_t i = 0; i < pub.e_len && pub.e_len <= sizeof(out->spec.exponent); i++)
		out->spec.exponent = out->spec.exponent << 8 | pub.e[i];
	out->has_ops = true;
	out->ops = o->ops;
	return 0;
}

int key_set_public(struct object *o, const struct key_type *type, const struct key_public *pub, struct err *err) {
	_cleanup_json_ json_t *jwk = NULL;
	int rc = jwk_from_public(pub, &jwk, err);
	if (rc < 0)
		return rc;
	// A symmetric key has no public half that would tell its size.
	if (pub->kind == KEY_KIND_OCT && json_set_int(jwk, "key_size", pub->bits) < 0)
		return err_oom(err);
	(void)snprintf(o->kty, sizeof(o->kty), "%s", key_type_name(type));
	o->jwk = json_text(jwk);
	return o->jwk ? 0 : err_oom(err);
}

int key_version_begin(const struct vault_record *vault, int64_t now, struct object *o, char **context, struct err *err) {
	if (enc_random_hex(o->version, OBJECT_VERSION_LEN / 2) < 0)
		return err_set(err, -EIO, 500, "InternalServerError", "no random bytes");
	char *made = object_context(vault, &object_keys, o->name, o->version);
	if (!made)
		return err_oom(err);
	o->created = o->updated = now;
	o->enabled = true;
	*context = made;
	return 0;
}

int key_generate(struct keeper_client *keeper, const struct vault_record *vault, const struct key_request *request,
	int64_t now, struct object *o, struct err *err) {
	_cleanup_free_ char *context = NULL;
	struct key_public pub;
	int rc = key_version_begin(vault, now, o, &context, err);
	o->ops = request->ops;
	if (rc == 0)
		rc = keeper_make(keeper, &request->spec, key_usage(request), context, &o->sealed, &pub, err);
	return rc < 0 ? rc : key_set_public(o, &request->type, &pub, err);
}

static int check_shape(const struct object *fresh, const struct object *current, struct err *err) {
	struct key_public a, b;
	int rc = key_public_stored(fresh, &a, err);
	if (rc == 0)
		rc = key_public_stored(current, &b, err);
	if (rc < 0)
		return rc;
	if (!strv_eq_nocase(fresh->kty, current->kty) || a.curve != b.curve || a.bits != b.bits ||
		(fresh->ops == KEY_OP_IMPORT) != (current->ops == KEY_OP_IMPORT))
		return err_set(err, -EEXIST, 409, "Conflict", "Key %s has been changed by another request; retry later.",
			fresh->name);
	return 0;
}

int key_rotate_to(struct store_tx *tx, const char *vault, struct object *fresh, struct err *err) {
	_cleanup_object_ struct object current = {0};
	struct rotation_policy policy = {0};
	int rc = object_load(tx, vault, &object_keys, fresh->name, NULL, OBJECT_LIVE, fresh->created, &current, err);
	if (rc == 0)
		rc = check_shape(fresh, &current, err);
	if (rc == 0)
		rc = rotation_policy_parse(current.rotation_policy, &policy, err);
	if (rc < 0)
		return rc;
	fresh->ops = current.ops;
	fresh->exportable = current.exportable;
	fresh->tags = TAKE_PTR(current.tags);
	fresh->release_policy = TAKE_PTR(current.release_policy);
	fresh->rotation_policy = TAKE_PTR(current.rotation_policy);
	if (policy.has_expiry)
		fresh->exp = duration_add(fresh->created, &policy.expiry, 1);
	return object_add_version(tx, vault, &object_keys, fresh, err);
}
