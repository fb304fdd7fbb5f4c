// SPDX-License-Identifier: Apache-2.0
// Keys as the wire shows them, members in the order in which the service sends them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "crypto/jwk.h"
#include "vault/keys.h"

#define RETENTION_DAYS_FULL 90

unsigned key_row_bits(const struct key_row *row) {
	_cleanup_json_ json_t *jwk = NULL;
	struct key_public pub;
	if (key_body_parse(row->jwk, strlen(row->jwk), &jwk, NULL) < 0 || jwk_to_public(jwk, &pub, NULL) < 0)
		return 0;
	return pub.bits;
}

void key_id(const struct vault_record *vault, const char *collection, const char *name, const char *version,
	char out[static KEY_ID_MAX]) {
	char host[VAULT_NAME_MAX + 1];
	vault_lower_name(vault->name, host);
	(void)snprintf(out, KEY_ID_MAX, "https://%s.vault.azure.net/%s/%s%s%s", host, collection, name, version ? "/" : "",
		version ? version : "");
}

static const char *recovery_level(const struct vault_record *vault) {
	if (vault->retention_days >= RETENTION_DAYS_FULL)
		return vault->purge_protection ? "Recoverable" : "Recoverable+Purgeable";
	return vault->purge_protection ? "CustomizedRecoverable" : "CustomizedRecoverable+Purgeable";
}

static json_t *attributes_of(const struct vault_record *vault, const struct key_row *row) {
	_cleanup_json_ json_t *a = json_object();
	int rc = json_set_bool(a, "enabled", row->enabled);
	if (rc == 0 && row->nbf != 0)
		rc = json_set_int(a, "nbf", row->nbf);
	if (rc == 0 && row->exp != 0)
		rc = json_set_int(a, "exp", row->exp);
	if (rc == 0)
		rc = json_set_int(a, "created", row->created);
	if (rc == 0)
		rc = json_set_int(a, "updated", row->updated);
	if (rc == 0)
		rc = json_set_str(a, "recoveryLevel", recovery_level(vault));
	if (rc == 0)
		rc = json_set_int(a, "recoverableDays", vault->retention_days);
	return rc < 0 ? NULL : TAKE_PTR(a);
}

static json_t *ops_of(const struct key_row *row) {
	_cleanup_json_ json_t *ops = json_array();
	for (unsigned op = 1; op <= KEY_OP_EXPORT; op <<= 1)
		if ((row->ops & op) && json_array_append_new(ops, json_string(key_op_name((enum key_op)op))) < 0)
			return NULL;
	return TAKE_PTR(ops);
}

static json_t *jwk_of(const struct vault_record *vault, const struct key_row *row) {
	_cleanup_json_ json_t *stored = NULL;
	if (key_body_parse(row->jwk, strlen(row->jwk), &stored, NULL) < 0)
		return NULL;
	char kid[KEY_ID_MAX];
	key_id(vault, "keys", row->name, row->version, kid);
	_cleanup_json_ json_t *key = json_object();
	int rc = json_set_str(key, "kid", kid);
	if (rc == 0)
		rc = json_set_str(key, "kty", row->kty);
	if (rc == 0)
		rc = json_set(key, "key_ops", ops_of(row));
	if (rc == 0)
		rc = json_set_str(key, "n", json_str(stored, "n"));
	if (rc == 0)
		rc = json_set_str(key, "e", json_str(stored, "e"));
	return rc < 0 ? NULL : TAKE_PTR(key);
}

static int set_deleted(json_t *object, const struct vault_record *vault, const struct key_row *row) {
	if (row->deleted == 0)
		return 0;
	char id[KEY_ID_MAX];
	key_id(vault, "deletedkeys", row->name, NULL, id);
	int rc = json_set_str(object, "recoveryId", id);
	if (rc == 0)
		rc = json_set_int(object, "deletedDate", row->deleted);
	return rc < 0 ? rc : json_set_int(object, "scheduledPurgeDate", row->purge_at);
}

static int set_common(json_t *object, const struct vault_record *vault, const struct key_row *row) {
	int rc = json_set(object, "attributes", attributes_of(vault, row));
	if (rc < 0 || !row->tags)
		return rc;
	_cleanup_json_ json_t *tags = NULL;
	if (key_body_parse(row->tags, strlen(row->tags), &tags, NULL) < 0)
		return -ENOMEM;
	return json_set(object, "tags", TAKE_PTR(tags));
}

json_t *key_bundle(const struct vault_record *vault, const struct key_row *row) {
	_cleanup_json_ json_t *bundle = json_object();
	int rc = set_deleted(bundle, vault, row);
	if (rc == 0)
		rc = json_set(bundle, "key", jwk_of(vault, row));
	if (rc == 0)
		rc = set_common(bundle, vault, row);
	return rc < 0 ? NULL : TAKE_PTR(bundle);
}

json_t *key_item(const struct vault_record *vault, const struct key_row *row, bool with_version) {
	_cleanup_json_ json_t *item = json_object();
	char kid[KEY_ID_MAX];
	key_id(vault, "keys", row->name, with_version ? row->version : NULL, kid);
	int rc = set_deleted(item, vault, row);
	if (rc == 0)
		rc = json_set_str(item, "kid", kid);
	if (rc == 0)
		rc = set_common(item, vault, row);
	return rc < 0 ? NULL : TAKE_PTR(item);
}
