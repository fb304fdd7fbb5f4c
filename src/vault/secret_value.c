// SPDX-License-Identifier: Apache-2.0
// A secret's value for the instance itself, where a vault lets it have that.
#include <errno.h>

#include "access/caller.h"
#include "base/clock.h"
#include "base/strv.h"
#include "vault/audit.h"
#include "vault/secrets.h"

// The one who asks is who has the template deployed; there is no request of the data plane.
static int record(struct store_tx *tx, const struct vault_record *vault, const char *key, const struct object *o,
	const struct caller *caller, struct err *err) {
	char id[OBJECT_ID_MAX];
	object_id(vault, object_secrets.collection, o->name, o->version, id);
	struct audit_event e = {.time_ns = clock_now_ns(), .vault = key, .resource_id = vault->resource_id, .operation = "SecretGet",
		.status = 200, .address = "local", .uri = id, .object = id, .oid = caller->oid, .appid = caller->appid,
		.tenant = caller->tenant};
	int rc = enc_uuid(e.id);
	e.correlation = e.id;
	return rc < 0 ? err_errno(err, rc, "record id") : audit_insert(tx, &e, err);
}

int vault_secret_value(struct store_tx *tx, struct keeper_client *keeper, const struct vault_record *vault,
	const struct caller *caller, const char *name, const char *version, struct secret *out, struct err *err) {
	char key[VAULT_NAME_MAX + 1];
	_cleanup_object_ struct object o = {0};
	vault_lower_name(vault->name, key);
	int rc = object_name_valid(name) && (!version || object_version_valid(version))
		? object_load(tx, key, &object_secrets, name, version, OBJECT_LIVE, clock_now(), &o, err)
		: -ENOENT;
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "SecretNotFound", "A secret with (name/id) %s was not found in this key vault.",
			name);
	if (rc == 0 && !o.enabled)
		return err_set(err, -EACCES, 403, "Forbidden", "Operation get is not allowed on a disabled secret.");
	if (rc < 0)
		return rc;
	_cleanup_free_ char *context = object_context(vault, &object_secrets, o.name, o.version);
	if (!context)
		return err_oom(err);
	const struct keeper_key sealed = {.blob = o.sealed.data, .blob_len = o.sealed.len, .context = context};
	rc = record(tx, vault, key, &o, caller, err);
	return rc < 0 ? rc : keeper_open(keeper, &sealed, out, err);
}
