// SPDX-License-Identifier: Apache-2.0
// backup and restore of keys and secrets.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"

static int append_version(struct backup *b, struct object *o) {
	struct object *grown = reallocarray(b->versions, b->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->versions = grown;
	b->versions[b->count++] = *o;
	*o = (struct object){0};
	return 0;
}

static int too_large(const struct call *c, struct err *err) {
	return bad_parameter(err, "%s %s has too many versions to be backed up.", c->op->kind->noun, c->object.name);
}

// Every version in the order of its making.
static int load_versions(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *name = strv_lower(c->name);
	size_t sealed = 0;
	int rc = !name ? err_oom(err) : store_query(tx, &rows, err,
		"SELECT version FROM vault_versions WHERE vault = $1 AND kind = $2 AND name = $3 ORDER BY ordinal", "sss",
		c->vault_key, c->op->kind->collection, name);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		_cleanup_object_ struct object o = {0};
		if (c->backup.count == BACKUP_VERSIONS_MAX)
			return too_large(c, err);
		rc = object_load(tx, c->vault_key, c->op->kind, c->name, store_text(rows, 0), OBJECT_LIVE, c->now, &o, err);
		// Refused before the keeper seals all of it anew.
		sealed += o.sealed.len;
		if (rc == 0 && sealed > BACKUP_MAX)
			return too_large(c, err);
		if (rc == 0 && append_version(&c->backup, &o) < 0)
			rc = err_oom(err);
	}
	return rc;
}

int backup_look(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = call_load_own(c, tx, err);
	return rc < 0 ? rc : load_versions(c, tx, err);
}

// Seal all versions anew, between their places in the vault and those in the backup.
static int reseal(struct call *c, bool into_vault, struct err *err) {
	for (size_t i = 0; i < c->backup.count; i++) {
		struct object *o = &c->backup.versions[i];
		_cleanup_free_ char *inside = backup_context(&c->backup, c->op->kind, o);
		_cleanup_free_ char *outside = object_context(&c->vault, c->op->kind, o->name, o->version);
		if (!inside || !outside)
			return err_oom(err);
		_cleanup_buf_ struct buf blob = {0};
		struct keeper_key sealed = {o->sealed.data, o->sealed.len, into_vault ? inside : outside};
		int rc = keeper_reseal(c->service->keeper, &sealed, into_vault ? outside : inside, &blob, err);
		if (rc < 0)
			return rc;
		struct buf old = o->sealed;
		o->sealed = blob;
		blob = old;
	}
	return 0;
}

int backup_make(struct call *c, struct err *err) {
	_cleanup_buf_ struct buf blob = {0};
	if (enc_random_hex(c->backup.id, BACKUP_ID_LEN / 2) < 0)
		return err_set(err, -EIO, 500, "InternalServerError", "no random bytes");
	int rc = reseal(c, false, err);
	if (rc == 0)
		rc = backup_encode(&c->backup, c->op->kind, &c->service->backup_key, &c->vault, &blob, err);
	if (rc < 0)
		return rc;
	if (buf_str(&c->body, "{\"value\":\"") < 0 || enc_base64url(&c->body, blob.data, blob.len) < 0 ||
		buf_str(&c->body, "\"}") < 0)
		return err_oom(err);
	return 0;
}

static int read_blob(const struct call *c, struct buf *out, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	_cleanup_json_ json_t *parsed = NULL;
	int rc = request_parse(body, len, &parsed, err);
	if (rc < 0)
		return rc;
	const json_t *value = request_member(parsed, "value");
	if (!json_is_string(value))
		return bad_parameter(err, "Property 'value' is required.");
	rc = dec_base64url(out, json_string_value(value), json_string_length(value));
	return rc == -ENOMEM ? err_oom(err) : rc < 0 ? bad_parameter(err, "Content of 'value' is not base64url.") : 0;
}

// The name must be free: a backup never adds to what is there.
static int check_absent(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_object_ struct object existing = {0};
	c->name = c->backup.versions[0].name;
	int rc = object_load(tx, c->vault_key, c->op->kind, c->name, NULL, OBJECT_LIVE, c->now, &existing, err);
	if (rc == 0)
		return err_set(err, -EEXIST, 409, "Conflict", "%s %s already exists in this key vault; it cannot be restored over.",
			c->op->kind->noun, existing.name);
	return rc == -ENOENT ? call_claim_name(c, tx, err) : rc;
}

static int check_tier(const struct call *c, struct err *err) {
	for (size_t i = 0; i < c->backup.count; i++)
		if (strv_ends_with_nocase(c->backup.versions[i].kty, "-HSM") && !vault_has_hsm(&c->vault))
			return bad_parameter(err, "Hardware key operation not allowed on standard vault");
	return 0;
}

int restore_look(struct call *c, struct store_tx *tx, struct err *err) {
	_cleanup_buf_ struct buf blob = {0};
	int rc = read_blob(c, &blob, err);
	if (rc == 0)
		rc = backup_decode(blob.data, blob.len, c->op->kind, &c->service->backup_key, &c->vault, &c->backup, err);
	if (rc == 0)
		rc = check_tier(c, err);
	return rc < 0 ? rc : check_absent(c, tx, err);
}

int restore_reseal(struct call *c, struct err *err) {
	return reseal(c, true, err);
}

int restore_change(struct call *c, struct store_tx *tx, struct err *err) {
	int rc = check_absent(c, tx, err);
	if (rc == 0)
		rc = object_make_way(tx, c->vault_key, c->op->kind, c->name, err);
	for (size_t i = 0; rc == 0 && i < c->backup.count; i++)
		rc = object_add_version(tx, c->vault_key, c->op->kind, &c->backup.versions[i], err);
	if (rc < 0)
		return rc;
	object_free(&c->object);
	rc = object_load(tx, c->vault_key, c->op->kind, c->name, NULL, OBJECT_LIVE, c->now, &c->object, err);
	return rc < 0 ? rc : c->op->kind->answer(c, err);
}
