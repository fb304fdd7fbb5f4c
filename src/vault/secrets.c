// SPDX-License-Identifier: Apache-2.0
// Secrets: their values are sealed by the keeper, and in the clear here only on their way from or to the client.
#include "vault/secrets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

static int describe_item(const struct object *o, json_t *item) {
	return o->content_type ? json_set_str(item, "contentType", o->content_type) : 0;
}

// A SecretBundle without its value; NULL when out of memory.
static json_t *bundle(const struct call *c) {
	_cleanup_json_ json_t *json = json_object();
	char id[OBJECT_ID_MAX];
	object_id(&c->vault, "secrets", c->object.name, c->object.version, id);
	int rc = json_set_str(json, "id", id);
	if (rc == 0)
		rc = describe_item(&c->object, json);
	if (rc == 0)
		rc = object_describe(json, &c->vault, &object_secrets, &c->object);
	return rc < 0 ? NULL : TAKE_PTR(json);
}

static int answer(struct call *c, struct err *err) {
	c->json = bundle(c);
	return c->json ? 0 : err_oom(err);
}

const struct object_kind object_secrets = {
	.collection = "secrets",
	.deleted_collection = "deletedsecrets",
	.noun = "Secret",
	.not_found = "SecretNotFound",
	.id_member = "id",
	.describe_item = describe_item,
	.answer = answer,
};

// A JSON string of UTF-8 that has been checked on its way in.
static int put_string(struct buf *b, const uint8_t *s, size_t len) {
	int rc = buf_str(b, "\"");
	for (size_t i = 0; rc == 0 && i < len;) {
		size_t n = i;
		while (n < len && s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		rc = buf_append(b, s + i, n - i);
		if (rc == 0 && n < len)
			rc = buf_printf(b, "\\u%04x", s[n++]);
		i = n;
	}
	return rc < 0 ? rc : buf_str(b, "\"");
}

// The bundle with its value, in a buffer that is wiped: {"value":…, then the members of the bundle.
static int answer_with(struct call *c, const struct secret *value, struct err *err) {
	_cleanup_json_ json_t *json = bundle(c);
	_cleanup_free_ char *rest = json ? json_text(json) : NULL;
	if (!rest)
		return err_oom(err);
	int rc = buf_str(&c->body, "{\"value\":");
	if (rc == 0)
		rc = put_string(&c->body, value->data, value->len);
	if (rc == 0)
		rc = buf_str(&c->body, ",");
	if (rc == 0)
		rc = buf_str(&c->body, rest + 1);
	return rc < 0 ? err_oom(err) : 0;
}

int secrets_set_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = secret_request_set(body, len, &c->secret, err);
	return rc < 0 ? rc : call_claim_name(c, tx, err);
}

int secrets_seal(struct call *c, struct err *err) {
	struct object *o = &c->object;
	if (enc_random_hex(o->version, OBJECT_VERSION_LEN / 2) < 0)
		return err_set(err, -EIO, 500, "InternalServerError", "no random bytes");
	_cleanup_free_ char *context = object_context(&c->vault, &object_secrets, o->name, o->version);
	if (!context)
		return err_oom(err);
	o->created = o->updated = c->now;
	o->enabled = true;
	return keeper_seal(c->service->keeper, context, c->secret.value.data, c->secret.value.len, &o->sealed, err);
}

static void apply(struct object *o, struct secret_request *r) {
	if (r->has_content_type) {
		free(o->content_type);
		o->content_type = TAKE_PTR(r->content_type);
	}
	request_apply(o, &r->common);
}

int secrets_set_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_claim_name(c, tx, err);
	if (rc < 0)
		return rc;
	apply(&c->object, &c->secret);
	rc = call_add_version(c, tx, err);
	return rc < 0 ? rc : answer_with(c, &c->secret.value, err);
}

int secrets_get_look(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load(c, tx, err);
	if (rc == 0 && !c->object.enabled)
		rc = err_set_inner(err, -EPERM, 403, "Forbidden", "SecretDisabled",
			"Operation get is not allowed on a disabled secret.");
	return rc;
}

int secrets_open(struct call *c, struct err *err) {
	_cleanup_free_ char *context = object_context(&c->vault, &object_secrets, c->object.name, c->object.version);
	if (!context)
		return err_oom(err);
	struct keeper_key sealed = {c->object.sealed.data, c->object.sealed.len, context};
	_cleanup_secret_ struct secret value = {0};
	int rc = keeper_open(c->service->keeper, &sealed, &value, err);
	return rc < 0 ? rc : answer_with(c, &value, err);
}

int secrets_update_look(struct call *c, struct store_tx *tx, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	int rc = secret_request_update(body, len, &c->secret, err);
	return rc < 0 ? rc : call_load_own(c, tx, err);
}

int secrets_update_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_own(c, tx, err);
	if (rc < 0)
		return rc;
	apply(&c->object, &c->secret);
	c->object.updated = c->now;
	rc = object_update(tx, c->vault_key, &object_secrets, &c->object, err);
	return rc < 0 ? rc : answer(c, err);
}
