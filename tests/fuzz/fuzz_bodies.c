// SPDX-License-Identifier: Apache-2.0
// Bodies of requests to a vault, straight to their parsers. The first byte is the parser's letter, the second one's lower
// bits its circumstances; the rest is the body.
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/strv.h"
#include "vault/internal.h"
#include "vault/release_policy.h"
#include "vault/rotation_policy.h"

enum { NOW = 1700000000 };

static const struct vault_record vaults[] = {
	{.name = "plain", .sku = "standard", .retention_days = 90},
	{.name = "better", .sku = "premium", .retention_days = 7, .purge_protection = true},
};

static const struct vault_record pool = {.name = "p" VAULT_POOL_SUFFIX, .sku = "Standard_B1", .retention_days = 7};

int LLVMFuzzerInitialize(int *argc _unused_, char ***argv _unused_) {
	return 0;
}

static void must_be_refusal(int rc, const struct err *err) {
	must(rc == -EINVAL && err->status == 400 && err->code[0] && err->message[0]);
}

#define _cleanup_key_request_ _cleanup_(key_request_free)
#define _cleanup_secret_request_ _cleanup_(secret_request_free)
#define _cleanup_operation_ _cleanup_(key_operation_free)

// An object that the store could have.
static struct object stored(const char *kty, bool exportable, const char *release_policy) {
	struct object o = {.name = "n", .version = "0123456789abcdef0123456789abcdef", .enabled = true, .exportable = exportable};
	must(strv_copy(o.kty, sizeof(o.kty), kty) == 0);
	o.ops = KEY_OP_SIGN;
	o.jwk = strdup("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}");
	o.release_policy = release_policy ? strdup(release_policy) : NULL;
	must(o.jwk && (!release_policy || o.release_policy));
	return o;
}

static void must_show(const struct object_kind *kind, const struct object *o) {
	for (size_t i = 0; i < ARRAY_SIZE(vaults); i++) {
		_cleanup_json_ json_t *bundle = kind == &object_keys ? key_bundle(&vaults[i], o) : json_object();
		_cleanup_json_ json_t *item = object_item(&vaults[i], kind, o, true);
		must(bundle && item);
	}
}

// What is stored of a policy is one that says the same.
static void must_be_policy(const char *text) {
	_cleanup_json_ json_t *stored_policy = NULL;
	_cleanup_free_ char *again = NULL;
	must(json_parse(text, strlen(text), "x", &stored_policy, NULL) == 0);
	must(release_policy_read(stored_policy, &again, NULL) == 0 && strcmp(again, text) == 0);
	must(release_policy_check_change(text, again, NULL) == 0);
}

static void must_apply(struct object *o, struct key_request *r) {
	if (r->release_policy)
		must_be_policy(r->release_policy);
	key_request_apply(o, r);
	must(o->ops != 0 || r->has_ops);
	must_show(&object_keys, o);
}

static void create(const void *body, size_t len, unsigned how) {
	_cleanup_key_request_ struct key_request r = {0};
	struct err err = {0};
	int rc = key_request_create(body, len, &vaults[how & 1], &r, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	unsigned usage = key_usage(&r);
	must(key_spec_check(&r.spec, NULL) == 0 && r.has_ops);
	must(usage == KEEPER_USE_IMPORT || usage == KEEPER_USE_SIGN || usage == (KEEPER_USE_SIGN | KEEPER_USE_WRAP));
	must(r.exportable == (r.release_policy != NULL) && (!r.type.hsm || vault_is_premium(&vaults[how & 1])));
	_cleanup_object_ struct object o = stored(key_type_name(&r.type), r.exportable, NULL);
	must_apply(&o, &r);
}

static void import(const void *body, size_t len, unsigned how) {
	_cleanup_key_request_ struct key_request r = {0};
	struct err err = {0};
	int rc = key_request_import(body, len, &vaults[how & 1], &r, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	enum key_kind kind = r.transfer.ciphertext.len > 0 ? r.spec.kind : r.material.pub.kind;
	must(kind == r.type.kind && r.has_ops && !(r.ops & KEY_OP_IMPORT) && key_usage(&r) != KEEPER_USE_IMPORT);
	must(r.exportable == (r.release_policy != NULL) && (!r.type.hsm || vault_is_premium(&vaults[how & 1])));
	_cleanup_object_ struct object o = stored(key_type_name(&r.type), r.exportable, NULL);
	must_apply(&o, &r);
}

// A key transfer blob itself, encoded here.
static void transfer(const void *body, size_t len, unsigned how _unused_) {
	struct key_transfer t = {0};
	struct err err = {0};
	_cleanup_buf_ struct buf text = {0};
	must(enc_base64url(&text, body, len) == 0);
	_cleanup_json_ json_t *blob = json_string(buf_cstr(&text));
	int rc = key_transfer_read(blob, &t, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	must(t.ciphertext.len > 0 && t.ciphertext.len <= KEEPER_INPUT_MAX);
	must(object_name_valid(t.exchange.name) && object_version_valid(t.exchange.version));
	key_transfer_free(&t);
}

static void update(const void *body, size_t len, unsigned how) {
	static const char immutable[] =
		"{\"contentType\":\"application/json; charset=utf-8\",\"data\":\"eyJ2ZXJzaW9uIjoiMS4wLjAiLCJhbnlPZiI6W3siYXV0aG9ya"
		"XR5IjoiaHR0cHM6Ly9hIiwiYWxsT2YiOlt7ImNsYWltIjoiYyIsImVxdWFscyI6dHJ1ZX1dfV19\",\"immutable\":true}";
	static const char *const types[] = {"RSA", "EC", "oct-HSM", "EC-HSM"};
	_cleanup_key_request_ struct key_request r = {0};
	struct err err = {0};
	_cleanup_object_ struct object o = stored(types[how >> 1 & 3], how & 8, how & 16 ? immutable : NULL);
	int rc = key_request_update(body, len, how & 1, &o, &r, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	must(!(how & 16) || !r.has_release_policy || strcmp(r.release_policy, immutable) == 0);
	must_apply(&o, &r);
}

static void operate(const void *body, size_t len, unsigned how) {
	static const enum key_op ops[] = {
		KEY_OP_ENCRYPT, KEY_OP_DECRYPT, KEY_OP_SIGN, KEY_OP_VERIFY, KEY_OP_WRAP, KEY_OP_UNWRAP,
	};
	_cleanup_operation_ struct key_operation o = {0};
	struct err err = {0};
	enum key_op op = ops[(how >> 1) % ARRAY_SIZE(ops)];
	int rc = key_operation_parse(body, len, op, how & 1, &o, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	must(o.alg != KEY_ALG_NONE && o.value.len > 0 && o.value.len <= KEEPER_INPUT_MAX);
	must((o.digest.len > 0) == (op == KEY_OP_VERIFY));
}

static void secret(const void *body, size_t len, unsigned how) {
	_cleanup_secret_request_ struct secret_request r = {0};
	struct err err = {0};
	bool set = how & 1;
	int rc = set ? secret_request_set(body, len, &r, &err) : secret_request_update(body, len, &r, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	must(set ? r.value.data && r.value.len <= SECRET_VALUE_MAX : !r.value.data);
	_cleanup_object_ struct object o = {.name = "n", .version = "0123456789abcdef0123456789abcdef"};
	request_apply(&o, &r.common);
	o.content_type = TAKE_PTR(r.content_type);
	must_show(&object_secrets, &o);
}

// What is stored of a policy parses, is shown, and can be put again.
static void rotation(const void *body, size_t len, unsigned how) {
	static const char old[] = "{\"lifetimeActions\":[],\"attributes\":{\"created\":1600000000,\"updated\":1600000000}}";
	_cleanup_free_ char *text = NULL, *again = NULL;
	struct rotation_policy policy;
	struct err err = {0};
	const struct vault_record *vault = how & 2 ? &pool : &vaults[0];
	int rc = rotation_policy_request(vault, body, len, NOW, how & 1 ? old : NULL, &text, &err);
	if (rc < 0) {
		must_be_refusal(rc, &err);
		return;
	}
	_cleanup_json_ json_t *shown = rotation_policy_json(vault, "n", text);
	must(shown && rotation_policy_parse(text, &policy, NULL) == 0);
	// An empty policy takes away that of a pool's key.
	must(text || vault == &pool);
	if (text)
		must(rotation_policy_request(vault, text, strlen(text), NOW, text, &again, NULL) == 0 && strcmp(again, text) == 0);
}

static void release(const void *body, size_t len, unsigned how _unused_) {
	_cleanup_json_ json_t *wire = NULL;
	_cleanup_free_ char *text = NULL;
	struct err err = {0};
	if (json_parse(body, len, "x", &wire, NULL) < 0)
		return;
	int rc = release_policy_read(wire, &text, &err);
	if (rc < 0)
		must_be_refusal(rc, &err);
	else
		must_be_policy(text);
}

// The policy itself, put into its wire form here.
static void release_data(const void *body, size_t len, unsigned how) {
	_cleanup_buf_ struct buf data = {0};
	must(enc_base64url(&data, body, len) == 0);
	_cleanup_json_ json_t *wire = json_pack("{s:s, s:b}", "data", buf_cstr(&data), "immutable", (int)(how & 1));
	_cleanup_free_ char *text = json_text(wire);
	must(text);
	release(text, strlen(text), how);
}

static const struct {
	char letter;
	void (*parse)(const void *body, size_t len, unsigned how);
} parsers[] = {
	{'c', create}, {'i', import}, {'t', transfer}, {'u', update}, {'o', operate}, {'s', secret}, {'r', rotation}, {'p', release}, {'d', release_data},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	for (size_t i = 0; size > 2 && i < ARRAY_SIZE(parsers); i++)
		if (parsers[i].letter == data[0])
			parsers[i].parse(data + 2, size - 2, data[1]);
	return 0;
}
