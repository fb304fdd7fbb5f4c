// SPDX-License-Identifier: Apache-2.0
// Names of key types and operations.
#include "vault/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/strv.h"

static const struct {
	const char *name;
	enum key_op op;
} ops[] = {
	{"encrypt", KEY_OP_ENCRYPT}, {"decrypt", KEY_OP_DECRYPT}, {"sign", KEY_OP_SIGN}, {"verify", KEY_OP_VERIFY},
	{"wrapKey", KEY_OP_WRAP}, {"unwrapKey", KEY_OP_UNWRAP}, {"import", KEY_OP_IMPORT}, {"export", KEY_OP_EXPORT},
};

static const struct {
	const char *name;
	struct key_type type;
} types[] = {
	{"RSA", {KEY_KIND_RSA, false}}, {"RSA-HSM", {KEY_KIND_RSA, true}}, {"EC", {KEY_KIND_EC, false}},
	{"EC-HSM", {KEY_KIND_EC, true}}, {"oct", {KEY_KIND_OCT, false}}, {"oct-HSM", {KEY_KIND_OCT, true}},
};

unsigned key_op_by_name(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return ops[i].op;
	return 0;
}

const char *key_op_name(enum key_op op) {
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (ops[i].op == op)
			return ops[i].name;
	return "";
}

unsigned key_ops_parse(const char *text) {
	unsigned bits = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ");
		char name[16];
		if (n < sizeof(name)) {
			memcpy(name, p, n);
			name[n] = 0;
			bits |= key_op_by_name(name);
		}
		p += n + (p[n] == ' ');
	}
	return bits;
}

const char *key_ops_text(unsigned bits, char out[static KEY_OPS_TEXT_MAX]) {
	size_t n = 0;
	out[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		if (bits & ops[i].op)
			n += (size_t)snprintf(out + n, KEY_OPS_TEXT_MAX - n, "%s%s", n ? " " : "", ops[i].name);
	return out;
}

bool key_type_parse(const char *kty, struct key_type *out) {
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, kty) == 0) {
			*out = types[i].type;
			return true;
		}
	return false;
}

const char *key_type_name(const struct key_type *type) {
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type.kind == type->kind && types[i].type.hsm == type->hsm)
			return types[i].name;
	return "";
}
