// SPDX-License-Identifier: Apache-2.0
// What the wire shows of keys and secrets alike.
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "vault/internal.h"

#define RETENTION_DAYS_FULL 90

static const char *recovery_level(const struct vault_record *vault) {
	if (vault->retention_days >= RETENTION_DAYS_FULL)
		return vault->purge_protection ? "Recoverable" : "Recoverable+Purgeable";
	return vault->purge_protection ? "CustomizedRecoverable" : "CustomizedRecoverable+Purgeable";
}

static json_t *attributes_of(const struct vault_record *vault, const struct object *o) {
	_cleanup_json_ json_t *a = json_object();
	int rc = json_set_bool(a, "enabled", o->enabled);
	if (rc == 0 && o->nbf != 0)
		rc = json_set_int(a, "nbf", o->nbf);
	if (rc == 0 && o->exp != 0)
		rc = json_set_int(a, "exp", o->exp);
	if (rc == 0)
		rc = json_set_int(a, "created", o->created);
	if (rc == 0)
		rc = json_set_int(a, "updated", o->updated);
	if (rc == 0)
		rc = json_set_str(a, "recoveryLevel", recovery_level(vault));
	if (rc == 0)
		rc = json_set_int(a, "recoverableDays", vault->retention_days);
	if (rc == 0 && o->exportable)
		rc = json_set_bool(a, "exportable", true);
	return rc < 0 ? NULL : TAKE_PTR(a);
}

static int set_deleted(json_t *json, const struct vault_record *vault, const struct object_kind *kind,
	const struct object *o) {
	if (o->deleted == 0)
		return 0;
	char id[OBJECT_ID_MAX];
	object_id(vault, kind->deleted_collection, o->name, NULL, id);
	int rc = json_set_str(json, "recoveryId", id);
	if (rc == 0)
		rc = json_set_int(json, "deletedDate", o->deleted);
	return rc < 0 ? rc : json_set_int(json, "scheduledPurgeDate", o->purge_at);
}

int object_set_stored(json_t *json, const char *name, const char *text) {
	_cleanup_json_ json_t *value = NULL;
	if (request_parse(text, strlen(text), &value, NULL) < 0)
		return -ENOMEM;
	return json_set(json, name, TAKE_PTR(value));
}

int object_describe(json_t *json, const struct vault_record *vault, const struct object_kind *kind,
	const struct object *o) {
	int rc = set_deleted(json, vault, kind, o);
	if (rc == 0)
		rc = json_set(json, "attributes", attributes_of(vault, o));
	if (rc == 0 && o->tags)
		rc = object_set_stored(json, "tags", o->tags);
	if (rc == 0 && o->managed)
		rc = json_set_bool(json, "managed", true);
	return rc;
}

json_t *object_item(const struct vault_record *vault, const struct object_kind *kind, const struct object *o,
	bool with_version) {
	_cleanup_json_ json_t *item = json_object();
	char id[OBJECT_ID_MAX];
	object_id(vault, kind->collection, o->name, with_version ? o->version : NULL, id);
	int rc = json_set_str(item, kind->id_member, id);
	if (rc == 0 && kind->describe_item)
		rc = kind->describe_item(o, item);
	if (rc == 0)
		rc = object_describe(item, vault, kind, o);
	return rc < 0 ? NULL : TAKE_PTR(item);
}
