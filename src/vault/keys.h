// SPDX-License-Identifier: Apache-2.0
// What is particular to keys: types, key_ops, requests, bundles.
#pragma once

#include "crypto/key.h"
#include "vault/key_transfer.h"
#include "vault/object.h"
#include "vault/request.h"

#define KEY_OPS_DEFAULT 0x3fu      // of RSA keys
#define KEY_OPS_TEXT_MAX 128

unsigned key_op_by_name(const char *name);  // 0 when unknown
const char *key_op_name(enum key_op op);

// Space-separated names, as the store has them.
unsigned key_ops_parse(const char *text);
const char *key_ops_text(unsigned ops, char out[static KEY_OPS_TEXT_MAX]);

// A key's type as Key Vault names it. `hsm` when it ends with "-HSM".
struct key_type {
	enum key_kind kind;
	bool hsm;
};
bool key_type_parse(const char *kty, struct key_type *out);  // false when unknown
const char *key_type_name(const struct key_type *type);      // borrowed, static

// The public half of a stored key. 500 when the row is damaged.
int key_public_stored(const struct object *o, struct key_public *out, struct err *err) _must_check_;

// What a create, import or update body asks for.
struct key_request {
	struct key_type type;        // create and import
	struct key_spec spec;        // create; of a rotation, what is made anew
	struct key_private material; // import in numbers
	struct key_transfer transfer; // import under an exchange key; its kind and curve are in spec
	bool has_ops, has_exportable, exportable;
	unsigned ops;
	struct common_request common;
	bool has_release_policy;
	char *release_policy;        // owned JSON text
};
void key_request_free(struct key_request *r);

int key_request_create(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) _must_check_;
int key_request_read(const json_t *body, const struct vault_record *vault, struct key_request *out, struct err *err)
	_must_check_;  // of a create body that was parsed
int key_request_import(const void *body, size_t len, const struct vault_record *vault, struct key_request *out,
	struct err *err) _must_check_;
// Of the key o as it is. `versioned`: the URL names a version.
int key_request_update(const void *body, size_t len, bool versioned, const struct object *o, struct key_request *out,
	struct err *err) _must_check_;

// Whatever the request says replaces what the row has; the request's texts are taken.
void key_request_apply(struct object *o, struct key_request *request);

// What a key of this type may be used for when the keeper seals it: any operation may be put into key_ops later, and a
// sealed key's usage is fixed. A key whose only operation is import is an exchange key, and remains one.
unsigned key_usage(const struct key_request *r);

// In key_json.c: the KeyBundle of o (DeletedKeyBundle when it is deleted). NULL when out of memory.
json_t *key_bundle(const struct vault_record *vault, const struct object *o);
