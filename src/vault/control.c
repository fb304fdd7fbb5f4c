// SPDX-License-Identifier: Apache-2.0
#include "vault/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/key_rotate.h"
#include "vault/lifetime.h"
#include "vault/rotation_policy.h"

// The phases of the data plane work on a call; this is one without a token and a route of its own.
struct vault_control {
	struct call call;
	struct vault_service service;  // the keeper alone
	struct vault_operation operation;
	const struct http_request *http;
	char name[OBJECT_NAME_MAX + 1], version[OBJECT_VERSION_LEN + 1];
};

static int check_names(const struct vault_control_request *from, struct err *err) {
	if (from->name && !object_name_valid(from->name))
		return bad_parameter(err, "The %s name must be 1 to %d letters, digits and hyphens.",
			from->kind == &object_keys ? "key" : "secret", OBJECT_NAME_MAX);
	if (from->version && !object_version_valid(from->version))
		return bad_parameter(err, "The version of a key is %d hexadecimal digits.", OBJECT_VERSION_LEN);
	return 0;
}

int vault_control_open(const struct vault_control_request *from, struct vault_control **out, struct err *err) {
	int rc = check_names(from, err);
	if (rc < 0)
		return rc;
	struct vault_control *x = calloc(1, sizeof(*x));
	if (!x)
		return err_oom(err);
	x->http = from->http;
	x->service.keeper = from->keeper;
	x->operation.kind = from->kind;
	x->call = (struct call){.service = &x->service, .op = &x->operation, .vault = *from->vault, .caller = *from->caller,
		.now = clock_now(), .started = clock_monotonic_ns()};
	vault_lower_name(from->vault->name, x->call.vault_key);
	(void)snprintf(x->name, sizeof(x->name), "%s", from->name ? from->name : "");
	(void)snprintf(x->version, sizeof(x->version), "%s", from->version ? from->version : "");
	x->call.name = from->name ? x->name : NULL;
	x->call.version = from->version ? x->version : NULL;
	*out = x;
	return 0;
}

void vault_control_close(struct vault_control *x) {
	if (!x)
		return;
	call_free(&x->call);
	free(x);
}

static int record(const struct vault_control *x, struct store_tx *tx, const char *operation, const char *object,
	struct err *err) {
	char uri[1024];
	(void)snprintf(uri, sizeof(uri), "https://%s%s", http_host(x->http), http_target(x->http));
	const char *correlation = http_header(x->http, "x-ms-client-request-id");
	struct audit_event e = {
		.time_ns = clock_now_ns(), .vault = x->call.vault_key, .resource_id = x->call.vault.resource_id,
		.operation = operation, .version = http_query(x->http, "api-version"), .status = 200,
		.duration_ns = clock_monotonic_ns() - x->call.started, .address = http_peer(x->http),
		.agent = http_header(x->http, "User-Agent"), .uri = uri, .object = object, .oid = x->call.caller.oid,
		.appid = x->call.caller.appid, .tenant = x->call.caller.tenant,
	};
	int rc = enc_uuid(e.id);
	e.correlation = correlation && enc_is_uuid(correlation) ? correlation : e.id;
	return rc < 0 ? err_errno(err, rc, "record id") : audit_insert(tx, &e, err);
}

int vault_control_record(struct vault_control *x, struct store_tx *tx, const char *operation, struct err *err) {
	return record(x, tx, operation, NULL, err);
}

// What every change ends with.
static int finish(struct vault_control *x, struct store_tx *tx, const char *operation, struct err *err) {
	char object[OBJECT_ID_MAX];
	object_id(&x->call.vault, x->operation.kind->collection, x->call.object.name, x->call.object.version, object);
	int rc = lifetime_schedule(tx, x->call.vault_key, x->operation.kind, x->call.name, err);
	return rc < 0 ? rc : record(x, tx, operation, object, err);
}

// The create body of the data plane, member by member; what is not there is left out.
static int translate(const json_t *body, const char *const (*names)[2], size_t count, json_t *out, struct err *err) {
	const json_t *properties = request_member(body, "properties");
	json_t *tags = request_member(body, "tags");
	if (!json_is_object(properties))
		return bad_parameter(err, "Property 'properties' is required and must be an object.");
	for (size_t i = 0; i < count; i++) {
		json_t *value = request_member(properties, names[i][0]);
		if (value && json_object_set(out, names[i][1], value) < 0)
			return err_oom(err);
	}
	return tags && json_object_set(out, "tags", tags) < 0 ? err_oom(err) : 0;
}

// `release` says no more than that the key is exportable.
static int drop_release(json_t *body, struct err *err) {
	json_t *ops = json_object_get(body, "key_ops");
	bool exportable = json_bool(body, "attributes.exportable", false);
	if (!json_is_array(ops) || !exportable)
		return 0;
	_cleanup_json_ json_t *rest = json_array();
	size_t i;
	json_t *op;
	json_array_foreach(ops, i, op) {
		const char *name = json_string_value(op);
		if (!(name && strcmp(name, "release") == 0) && json_array_append(rest, op) < 0)
			return err_oom(err);
	}
	return json_object_set(body, "key_ops", rest) < 0 ? err_oom(err) : 0;
}

static int check_kty(const json_t *body, struct err *err) {
	const char *kty = json_str(body, "kty");
	return kty && strv_starts_with_nocase(kty, "oct") ? bad_parameter(err, "Invalid kty value: %.32s", kty) : 0;
}

int vault_control_key_read(struct vault_control *x, const json_t *body, struct err *err) {
	static const char *const names[][2] = {{"kty", "kty"}, {"keySize", "key_size"}, {"curveName", "crv"},
		{"keyOps", "key_ops"}, {"attributes", "attributes"}, {"release_policy", "release_policy"}};
	_cleanup_json_ json_t *own = json_object();
	if (!own)
		return err_oom(err);
	int rc = translate(body, names, ARRAY_SIZE(names), own, err);
	if (rc == 0)
		rc = check_kty(own, err);
	if (rc == 0)
		rc = drop_release(own, err);
	if (rc == 0)
		rc = key_request_read(own, &x->call.vault, &x->call.request, err);
	json_t *policy = request_member(json_object_get(body, "properties"), "rotationPolicy");
	if (rc == 0 && policy && !json_is_object(policy))
		rc = bad_parameter(err, "Property 'rotationPolicy' must be an object.");
	if (rc == 0 && policy && json_object_size(policy) > 0)
		rc = rotation_policy_read(&x->call.vault, policy, x->call.now, NULL, &x->call.object.rotation_policy, err);
	return rc;
}

int vault_control_key_make(struct vault_control *x, struct err *err) {
	(void)snprintf(x->call.object.name, sizeof(x->call.object.name), "%s", x->name);
	return keys_make(&x->call, err);
}

int vault_control_key_sketch(struct vault_control *x, struct err *err) {
	const struct key_spec *spec = &x->call.request.spec;
	struct object *o = &x->call.object;
	_cleanup_free_ char *context = NULL;
	struct key_public pub = {.kind = KEY_KIND_RSA, .bits = spec->bits, .n_len = spec->bits / 8, .e = {1, 0, 1}, .e_len = 3};
	if (spec->kind != KEY_KIND_RSA)
		return vault_control_key_make(x, err);
	(void)snprintf(o->name, sizeof(o->name), "%s", x->name);
	memset(pub.n, 0xff, pub.n_len);
	int rc = key_version_begin(&x->call.vault, x->call.now, o, &context, err);
	if (rc == 0)
		rc = key_set_public(o, &x->call.request.type, &pub, err);
	return rc == 0 && buf_u8(&o->sealed, 0) < 0 ? err_oom(err) : rc;
}

// The material is sealed for the vault that it was made for.
static int same_vault(struct vault_control *x, struct store_tx *tx, struct err *err) {
	struct vault_record now;
	int rc = vault_find(tx, x->call.vault_key, &now, err);
	if (rc < 0)
		return rc;
	if (now.deleted || now.created != x->call.vault.created || strcmp(now.resource_id, x->call.vault.resource_id) != 0)
		return err_set(err, -ENOENT, 404, "VaultNotFound", "The vault '%s' was not found.", now.name);
	x->call.vault = now;
	return 0;
}

int vault_control_key_add(struct vault_control *x, struct store_tx *tx, struct err *err) {
	bool policy = x->call.object.rotation_policy;
	int rc = same_vault(x, tx, err);
	if (rc == 0)
		rc = keys_create_change(&x->call, tx, err);
	if (rc == 0)
		rc = finish(x, tx, "KeyCreate", err);
	if (rc == 0 && policy)
		rc = finish(x, tx, "KeyRotationPolicySet", err);
	return rc;
}

static int read_secret(struct vault_control *x, const json_t *body, bool set, struct err *err) {
	static const char *const names[][2] = {
		{"value", "value"}, {"contentType", "contentType"}, {"attributes", "attributes"}};
	_cleanup_json_ json_t *own = json_object();
	if (!own)
		return err_oom(err);
	int rc = translate(body, names, ARRAY_SIZE(names), own, err);
	return rc < 0 ? rc : secret_request_read(own, set, &x->call.secret, err);
}

int vault_control_secret_set(struct vault_control *x, struct store_tx *tx, const json_t *body, bool *created,
	struct err *err) {
	_cleanup_object_ struct object existing = {0};
	int rc = read_secret(x, body, true, err);
	if (rc < 0)
		return rc;
	rc = object_load(tx, x->call.vault_key, x->operation.kind, x->name, NULL, OBJECT_LIVE, x->call.now, &existing, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	bool fresh = rc == -ENOENT;
	rc = call_claim_name(&x->call, tx, err);
	if (rc == 0)
		rc = secrets_seal(&x->call, err);
	if (rc == 0)
		rc = secrets_set_change(&x->call, tx, err);
	if (rc == 0)
		rc = finish(x, tx, "SecretSet", err);
	if (rc == 0)
		*created = fresh;
	return rc;
}

// A new value takes along what the request does not change.
static int inherit(struct vault_control *x, json_t *body, struct err *err) {
	const struct object *o = &x->call.object;
	json_t *properties = json_object_get(body, "properties");
	json_t *attributes = json_object_get(properties, "attributes");
	int rc = 0;
	if (!attributes)
		rc = json_set(properties, "attributes", attributes = json_object());
	if (rc == 0 && !request_member(attributes, "enabled"))
		rc = json_set_bool(attributes, "enabled", o->enabled);
	if (rc == 0 && !request_member(attributes, "nbf") && o->nbf)
		rc = json_set_int(attributes, "nbf", o->nbf);
	if (rc == 0 && !request_member(attributes, "exp") && o->exp)
		rc = json_set_int(attributes, "exp", o->exp);
	if (rc == 0 && !request_member(properties, "contentType") && o->content_type)
		rc = json_set_str(properties, "contentType", o->content_type);
	if (rc == 0 && !request_member(body, "tags") && o->tags)
		rc = object_set_stored(body, "tags", o->tags);
	return rc < 0 ? err_oom(err) : 0;
}

static int replace_value(struct vault_control *x, struct store_tx *tx, const json_t *body, struct err *err) {
	bool created;
	_cleanup_json_ json_t *whole = json_deep_copy(body);
	if (!whole)
		return err_oom(err);
	if (request_member(json_object_get(whole, "properties"), "attributes") &&
		!json_is_object(json_at(whole, "properties.attributes")))
		return bad_parameter(err, "Property 'attributes' must be an object.");
	int rc = vault_control_load(x, tx, err);
	if (rc == 0)
		rc = inherit(x, whole, err);
	object_free(&x->call.object);
	return rc < 0 ? rc : vault_control_secret_set(x, tx, whole, &created, err);
}

int vault_control_secret_patch(struct vault_control *x, struct store_tx *tx, const json_t *body, struct err *err) {
	const json_t *properties = request_member(body, "properties");
	_cleanup_json_ json_t *filled = NULL;
	if (properties && !json_is_object(properties))
		return bad_parameter(err, "Property 'properties' must be an object.");
	if (request_member(properties, "value"))
		return replace_value(x, tx, body, err);
	if (!properties) {
		filled = json_deep_copy(body);
		if (!filled || json_set(filled, "properties", json_object()) < 0)
			return err_oom(err);
		body = filled;
	}
	int rc = read_secret(x, body, false, err);
	if (rc == 0)
		rc = secrets_update_change(&x->call, tx, err);
	return rc < 0 ? rc : finish(x, tx, "SecretUpdate", err);
}

int vault_control_load(struct vault_control *x, struct store_tx *tx, struct err *err) {
	return call_load(&x->call, tx, err);
}

// The actions' names in small letters, as this face has them.
static json_t *policy_of(const struct object *o) {
	_cleanup_json_ json_t *policy = NULL;
	if (request_parse(o->rotation_policy, strlen(o->rotation_policy), &policy, NULL) < 0)
		return NULL;
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(policy, "lifetimeActions"), i, entry) {
		const char *type = json_str(entry, "action.type");
		bool rotate = type && strv_eq_nocase(type, "Rotate");
		if (json_set_str(json_object_get(entry, "action"), "type", rotate ? "rotate" : "notify") < 0)
			return NULL;
	}
	return TAKE_PTR(policy);
}

// What a list leaves out: it takes the public half.
static int describe_key(const struct vault_control *x, const struct object *o, json_t *properties) {
	_cleanup_json_ json_t *bundle = key_bundle(&x->call.vault, o);
	struct key_public pub;
	if (!bundle || key_public_stored(o, &pub, NULL) < 0)
		return -ENOMEM;
	int rc = json_set_str(properties, "kty", o->kty);
	if (rc == 0)
		rc = json_object_set(properties, "keyOps", json_at(bundle, "key.key_ops")) < 0 ? -ENOMEM : 0;
	if (rc == 0 && pub.kind == KEY_KIND_EC)
		rc = json_set_str(properties, "curveName", curve_name(pub.curve));
	if (rc == 0 && pub.kind != KEY_KIND_EC)
		rc = json_set_int(properties, "keySize", pub.bits);
	if (rc == 0 && o->rotation_policy)
		rc = json_set(properties, "rotationPolicy", policy_of(o));
	if (rc == 0 && o->release_policy)
		rc = object_set_stored(properties, "release_policy", o->release_policy);
	return rc;
}

static int set_uris(const struct vault_control *x, const struct object *o, json_t *properties, bool both) {
	bool key = x->operation.kind == &object_keys;
	char uri[OBJECT_ID_MAX];
	object_id(&x->call.vault, x->operation.kind->collection, o->name, NULL, uri);
	int rc = json_set_str(properties, key ? "keyUri" : "secretUri", uri);
	if (rc < 0 || !both)
		return rc;
	object_id(&x->call.vault, x->operation.kind->collection, o->name, o->version, uri);
	return json_set_str(properties, key ? "keyUriWithVersion" : "secretUriWithVersion", uri);
}

static json_t *render(const struct vault_control *x, const struct object *o, bool versions, bool whole) {
	bool key = x->operation.kind == &object_keys;
	_cleanup_json_ json_t *described = json_object(), *shown = json_object(), *properties = json_object();
	int rc = shown && properties ? object_describe(described, &x->call.vault, x->operation.kind, o) : -ENOMEM;
	json_t *attributes = json_object_get(described, "attributes");
	(void)json_object_del(attributes, "recoverableDays");
	if (!key)
		(void)json_object_del(attributes, "recoveryLevel");
	if (rc == 0)
		rc = json_object_set(properties, "attributes", attributes) < 0 ? -ENOMEM : 0;
	if (rc == 0 && key && whole)
		rc = describe_key(x, o, properties);
	if (rc == 0 && o->content_type)
		rc = json_set_str(properties, "contentType", o->content_type);
	if (rc == 0)
		rc = set_uris(x, o, properties, !key || whole || versions);
	if (rc == 0)
		rc = json_set_str(shown, "name", versions ? o->version : o->name);
	if (rc == 0 && o->tags)
		rc = object_set_stored(shown, "tags", o->tags);
	if (rc == 0)
		rc = json_set(shown, "properties", TAKE_PTR(properties));
	return rc < 0 ? NULL : TAKE_PTR(shown);
}

json_t *vault_control_show(const struct vault_control *x) {
	return render(x, &x->call.object, x->call.version, true);
}

static int append(const struct vault_control *x, bool versions, const struct object *rows, size_t count, json_t *items) {
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(items, render(x, &rows[i], versions, false)) < 0)
			return -ENOMEM;
	return 0;
}

int vault_control_page(struct vault_control *x, struct store_tx *tx, bool versions, const char *after, size_t limit,
	json_t *items, char next[static OBJECT_NAME_MAX + 1], struct err *err) {
	struct object rows[VAULT_CONTROL_PAGE_MAX + 1] = {0};
	if (limit == 0 || limit > VAULT_CONTROL_PAGE_MAX)
		limit = VAULT_CONTROL_PAGE_MAX;
	int rc = versions ? vault_control_load(x, tx, err) : 0;
	if (rc < 0)
		return rc;
	_cleanup_free_ char *from = strv_lower(after);
	if (!from)
		return err_oom(err);
	int count = versions ? object_version_page(tx, x->call.vault_key, x->operation.kind, x->name, from, limit + 1, rows, err)
		: object_page(tx, x->call.vault_key, x->operation.kind, OBJECT_LIVE, from, x->call.now, limit + 1, rows, err);
	if (count < 0)
		return count;
	bool more = (size_t)count > limit;
	rc = append(x, versions, rows, more ? limit : (size_t)count, items);
	(void)snprintf(next, OBJECT_NAME_MAX + 1, "%s",
		!more ? "" : versions ? rows[limit - 1].version : rows[limit - 1].name);
	for (int i = 0; i < count; i++)
		object_free(&rows[i]);
	return rc < 0 ? err_oom(err) : 0;
}
