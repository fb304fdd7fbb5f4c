// SPDX-License-Identifier: Apache-2.0
// Bodies of create, import and update requests for keys.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "crypto/jwk.h"
#include "vault/keys.h"
#include "vault/release_policy.h"

// What a key of a kind can be used for.
#define RSA_OPS KEY_OPS_DEFAULT
#define EC_OPS (KEY_OP_SIGN | KEY_OP_VERIFY)
#define OCT_OPS (KEY_OP_ENCRYPT | KEY_OP_DECRYPT | KEY_OP_WRAP | KEY_OP_UNWRAP | KEY_OP_SIGN | KEY_OP_VERIFY)

void key_request_free(struct key_request *r) {
	common_request_free(&r->common);
	key_private_free(&r->material);
	key_transfer_free(&r->transfer);
	free(r->release_policy);
	*r = (struct key_request){0};
}
#define _cleanup_request_ _cleanup_(key_request_free)

// `hsm`: the request asks for hardware beside what the name of the type says.
static int check_type(const char *kty, bool hsm, const struct vault_record *vault, struct key_type *out, struct err *err) {
	if (!kty)
		return bad_parameter(err, "Property 'kty' is required.");
	struct key_type type = {0};
	bool known = key_type_parse(kty, &type);
	// A pool keeps every key in hardware, whatever is asked for.
	type.hsm |= hsm || vault_is_pool(vault);
	// Keys for symmetric algorithms are kept in hardware alone.
	if (!known || (type.kind == KEY_KIND_OCT && !type.hsm))
		return err_set_inner(err, -EINVAL, 400, "BadParameter", "KeyTypeNotSupported", "Invalid kty value: %.32s", kty);
	if (type.hsm && !vault_has_hsm(vault))
		return bad_parameter(err, "Hardware key operation not allowed on standard vault");
	*out = type;
	return 0;
}

static int parse_curve(const json_t *body, struct key_spec *spec, struct err *err) {
	const json_t *crv = request_member(body, "crv");
	spec->curve = crv ? curve_by_name(json_is_string(crv) ? json_string_value(crv) : "") : KEY_CURVE_P256;
	if (spec->curve == KEY_CURVE_NONE)
		return bad_parameter(err, "Property 'crv' must be P-256, P-384, P-521 or P-256K.");
	if (request_member(body, "key_size") && json_int(body, "key_size", 0) != curve_bits(spec->curve))
		return bad_parameter(err, "Property 'key_size' does not fit the curve %s.", curve_name(spec->curve));
	return 0;
}

static int parse_size(const json_t *body, struct key_spec *spec, struct err *err) {
	const json_t *size = request_member(body, "key_size");
	if (size && (!json_is_integer(size) || json_integer_value(size) < 1 || json_integer_value(size) > 1 << 16))
		return bad_parameter(err, "Property 'key_size' must be %s.",
			spec->kind == KEY_KIND_RSA ? "2048, 3072 or 4096" : "128, 192 or 256");
	spec->bits = size ? (unsigned)json_integer_value(size) : spec->kind == KEY_KIND_RSA ? 2048 : 256;
	return 0;
}

static int parse_exponent(const json_t *body, struct key_spec *spec, struct err *err) {
	const json_t *exponent = request_member(body, "public_exponent");
	if (!exponent)
		return 0;
	if (!json_is_integer(exponent) || json_integer_value(exponent) < 3 || json_integer_value(exponent) > INT32_MAX ||
		json_integer_value(exponent) % 2 == 0)
		return bad_parameter(err, "Property 'public_exponent' must be an odd number from 3.");
	spec->exponent = (uint32_t)json_integer_value(exponent);
	return 0;
}

static int parse_spec(const json_t *body, struct key_request *out, struct err *err) {
	out->spec.kind = out->type.kind;
	int rc = out->type.kind == KEY_KIND_EC ? parse_curve(body, &out->spec, err) : parse_size(body, &out->spec, err);
	if (rc == 0 && out->type.kind == KEY_KIND_RSA)
		rc = parse_exponent(body, &out->spec, err);
	return rc < 0 ? rc : key_spec_check(&out->spec, err);
}

static int parse_ops(const json_t *holder, struct key_request *out, struct err *err) {
	json_t *ops = request_member(holder, "key_ops"), *op;
	if (!ops)
		return 0;
	if (!json_is_array(ops))
		return bad_parameter(err, "Property 'key_ops' must be an array.");
	size_t i;
	unsigned bits = 0;
	json_array_foreach(ops, i, op) {
		unsigned bit = json_is_string(op) ? key_op_by_name(json_string_value(op)) : 0;
		if (bit == 0)
			return bad_parameter(err, "Property 'key_ops' has an invalid value. Allowed are encrypt, decrypt, sign, verify, "
				"wrapKey, unwrapKey, import, export.");
		bits |= bit;
	}
	out->has_ops = true;
	out->ops = bits;
	return 0;
}

static unsigned ops_of_kind(enum key_kind kind) {
	return kind == KEY_KIND_RSA ? RSA_OPS : kind == KEY_KIND_EC ? EC_OPS : OCT_OPS;
}

static int check_ops(const struct key_type *type, unsigned ops, struct err *err) {
	unsigned possible = ops_of_kind(type->kind) | KEY_OP_EXPORT | (type->kind == KEY_KIND_RSA ? KEY_OP_IMPORT : 0);
	if (ops & ~possible)
		return bad_parameter(err, "Property 'key_ops' names an operation that a key of type '%s' does not have.",
			key_type_name(type));
	if ((ops & KEY_OP_IMPORT) && ops != KEY_OP_IMPORT)
		return bad_parameter(err, "The key operation 'import' is mutually exclusive with the other key operations.");
	return 0;
}

// A new key's operations: those asked for, if its type has them, or those of its type.
static int settle_ops(struct key_request *r, struct err *err) {
	if (!r->has_ops)
		r->ops = r->type.kind == KEY_KIND_OCT ? OCT_OPS & ~EC_OPS : ops_of_kind(r->type.kind);
	r->has_ops = true;
	return check_ops(&r->type, r->ops, err);
}

// An exchange key (import) stays one: the keeper sealed it for the one or the other.
static int check_ops_change(const struct object *o, unsigned ops, struct err *err) {
	struct key_type type;
	if (!key_type_parse(o->kty, &type))
		return err_set(err, -EUCLEAN, 500, "InternalServerError", "the stored key %s is damaged", o->name);
	if ((ops == KEY_OP_IMPORT) != (o->ops == KEY_OP_IMPORT))
		return bad_parameter(err, "The key operation 'import' is mutually exclusive with the other key operations.");
	return check_ops(&type, ops, err);
}

static int parse_exportable(const json_t *body, struct key_request *out, struct err *err) {
	const json_t *exportable = request_member(request_member(body, "attributes"), "exportable");
	if (exportable && !json_is_boolean(exportable))
		return bad_parameter(err, "Property 'attributes.exportable' must be a boolean.");
	out->has_exportable = exportable;
	out->exportable = json_is_true(exportable);
	return 0;
}

// What create, import and update have in common. `holder` has key_ops.
static int parse_common(const json_t *body, const json_t *holder, struct key_request *out, struct err *err) {
	int rc = parse_ops(holder, out, err);
	if (rc == 0)
		rc = request_common(body, &out->common, err);
	if (rc == 0)
		rc = parse_exportable(body, out, err);
	out->has_release_policy = request_member(body, "release_policy");
	return rc;
}

static int read_policy(const json_t *body, struct key_request *out, struct err *err) {
	return out->has_release_policy ? release_policy_read(request_member(body, "release_policy"), &out->release_policy, err) : 0;
}

// Secure key release is for keys that an HSM holds.
static int check_release(const struct vault_record *vault, const struct key_request *r, struct err *err) {
	if (r->exportable && !vault_has_hsm(vault))
		return bad_parameter(err, "AKV.SKR.1001: The exportable attribute is only supported with premium vaults and "
			"API version '7.3-preview' and above.");
	if (!r->exportable && r->has_release_policy)
		return bad_parameter(err, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
	if (r->exportable && !r->has_release_policy)
		return bad_parameter(err, "AKV.SKR.1004: Exportable keys must have release policy.");
	if (r->exportable && !r->type.hsm)
		return bad_parameter(err, "AKV.SKR.1006: The exportable attribute is not supported for a software key.");
	return 0;
}

static int finish_new(const json_t *body, struct key_request *r, const struct vault_record *vault, struct err *err) {
	int rc = settle_ops(r, err);
	if (rc == 0)
		rc = check_release(vault, r, err);
	return rc < 0 ? rc : read_policy(body, r, err);
}

static int take(struct key_request *r, struct key_request *out) {
	*out = *r;
	*r = (struct key_request){0};
	return 0;
}

int key_request_read(const json_t *body, const struct vault_record *vault, struct key_request *out, struct err *err) {
	_cleanup_request_ struct key_request r = {0};
	int rc = check_type(json_string_value(request_member(body, "kty")), false, vault, &r.type, err);
	if (rc == 0)
		rc = parse_spec(body, &r, err);
	if (rc == 0)
		rc = parse_common(body, body, &r, err);
	if (rc == 0)
		rc = finish_new(body, &r, vault, err);
	return rc < 0 ? rc : take(&r, out);
}

int key_request_create(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	int rc = request_parse(body, len, &parsed, err);
	return rc < 0 ? rc : key_request_read(parsed, vault, out, err);
}

// The contract writes "Hsm", and older clients "hsm".
static int parse_hsm(const json_t *body, bool *out, struct err *err) {
	const json_t *hsm = request_member(body, "Hsm");
	if (!hsm)
		hsm = request_member(body, "hsm");
	if (hsm && !json_is_boolean(hsm))
		return bad_parameter(err, "Property 'Hsm' must be a boolean.");
	*out = json_is_true(hsm);
	return 0;
}

static int read_transfer(const json_t *jwk, struct key_request *out, struct err *err) {
	if (!out->type.hsm)
		return bad_parameter(err, "Property 'kty' of a transferred key must be RSA-HSM, EC-HSM or oct-HSM.");
	if (out->type.kind == KEY_KIND_EC && !request_member(jwk, "crv"))
		return bad_parameter(err, "Property 'crv' is required.");
	out->spec.kind = out->type.kind;
	int rc = out->type.kind == KEY_KIND_EC ? parse_curve(jwk, &out->spec, err) : 0;
	return rc < 0 ? rc : key_transfer_read(request_member(jwk, "key_hsm"), &out->transfer, err);
}

static int read_import(const json_t *body, json_t *jwk, const struct vault_record *vault, struct key_request *out,
	struct err *err) {
	bool hsm = false;
	int rc = parse_hsm(body, &hsm, err);
	if (rc == 0)
		rc = check_type(json_string_value(request_member(jwk, "kty")), hsm, vault, &out->type, err);
	if (rc == 0)
		rc = request_member(jwk, "key_hsm") ? read_transfer(jwk, out, err) : jwk_to_private(jwk, &out->material, err);
	if (rc == 0)
		rc = parse_common(body, jwk, out, err);
	if (rc == 0)
		rc = finish_new(body, out, vault, err);
	// Whoever made the key could open what is meant for the vault alone.
	if (rc == 0 && (out->ops & KEY_OP_IMPORT))
		rc = bad_parameter(err, "The key operation 'import' is for keys that are made in the key vault.");
	return rc;
}

static void drop_nulls(json_t *object) {
	const char *name;
	json_t *value;
	void *next;
	json_object_foreach_safe(object, next, name, value)
		if (json_is_null(value))
			(void)json_object_del(object, name);
}

int key_request_import(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	_cleanup_request_ struct key_request r = {0};
	int rc = request_parse(body, len, &parsed, err);
	if (rc < 0)
		return rc;
	json_t *jwk = request_member(parsed, "key");
	if (!json_is_object(jwk))
		return bad_parameter(err, "The property \"key\" must be a valid JsonWebKey object.");
	drop_nulls(jwk);
	rc = read_import(parsed, jwk, vault, &r, err);
	return rc < 0 ? rc : take(&r, out);
}

// What the key as it is allows.
static int check_update(const struct object *o, const struct key_request *r, bool versioned, struct err *err) {
	if (r->has_exportable && r->exportable != o->exportable)
		return bad_parameter(err, "AKV.SKR.1014: Cannot modify the exportable state of a key.");
	if (r->has_release_policy && versioned)
		return bad_parameter(err, "AKV.SKR.1016: Key Release Policy can only be set on versionless key.");
	if (r->has_release_policy && !o->exportable)
		return bad_parameter(err, "AKV.SKR.1005: Non-exportable keys must not have release policy.");
	return r->has_ops ? check_ops_change(o, r->ops, err) : 0;
}

int key_request_update(const void *body, size_t len, bool versioned, const struct object *o, struct key_request *out,
	struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	_cleanup_request_ struct key_request r = {0};
	int rc = request_parse(body, len, &parsed, err);
	if (rc == 0)
		rc = parse_common(parsed, parsed, &r, err);
	if (rc == 0)
		rc = check_update(o, &r, versioned, err);
	if (rc == 0)
		rc = read_policy(parsed, &r, err);
	if (rc == 0)
		rc = release_policy_check_change(o->release_policy, r.release_policy, err);
	return rc < 0 ? rc : take(&r, out);
}

void key_request_apply(struct object *o, struct key_request *request) {
	if (request->has_ops)
		o->ops = request->ops;
	if (request->has_release_policy) {
		free(o->release_policy);
		o->release_policy = TAKE_PTR(request->release_policy);
	}
	request_apply(o, &request->common);
}

unsigned key_usage(const struct key_request *r) {
	if (r->ops == KEY_OP_IMPORT)
		return KEEPER_USE_IMPORT;
	return r->type.kind == KEY_KIND_EC ? KEEPER_USE_SIGN : KEEPER_USE_WRAP | KEEPER_USE_SIGN;
}
