// SPDX-License-Identifier: Apache-2.0
// What the service purges by itself when a retention period has ended.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "vault/internal.h"

#define PURGE_BATCH 64  // objects of one write transaction

struct due_object {
	char vault[VAULT_NAME_MAX + 1];
	char name[OBJECT_NAME_MAX + 1];
	const struct object_kind *kind;
};

static int find_due_objects(struct store_tx *tx, int64_t now, struct due_object *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT vault, name, kind FROM vault_objects WHERE purge_at <= $1 LIMIT $2", "ii",
		now, (int64_t)PURGE_BATCH);
	int count = 0;
	while (rc >= 0 && count < PURGE_BATCH && (rc = store_next(rows, err)) > 0) {
		(void)snprintf(out[count].vault, sizeof(out->vault), "%s", store_text(rows, 0));
		(void)snprintf(out[count].name, sizeof(out->name), "%s", store_text(rows, 1));
		out[count].kind = object_kind_stored(store_text(rows, 2));
		count++;
	}
	return rc < 0 ? rc : count;
}

static int record_purge(struct store_tx *tx, const struct due_object *o, struct err *err) {
	struct vault_record vault;
	int rc = vault_find(tx, o->vault, &vault, err);
	if (rc < 0)
		return rc;
	char object[OBJECT_ID_MAX], operation[32];
	object_id(&vault, o->kind->deleted_collection, o->name, NULL, object);
	(void)snprintf(operation, sizeof(operation), "%sPurge", o->kind->noun);
	struct audit_event e = {
		.time_ns = clock_now_ns(), .vault = o->vault, .resource_id = vault.resource_id, .operation = operation,
		.status = 204, .description = "The retention period has ended.", .object = object,
	};
	rc = enc_uuid(e.id);
	return rc < 0 ? err_errno(err, rc, "record id") : audit_insert(tx, &e, err);
}

// Remove it with the record of that; 0 also when it is not there.
static int purge_object(struct store_tx *tx, const struct due_object *o, struct err *err) {
	int rc = object_remove(tx, o->vault, o->kind, o->name, err);
	return rc > 0 ? record_purge(tx, o, err) : rc;
}

int object_make_way(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) {
	struct due_object o = {.kind = kind};
	_cleanup_free_ char *lower = strv_lower(name);
	if (!lower)
		return err_oom(err);
	(void)snprintf(o.vault, sizeof(o.vault), "%s", vault);
	(void)snprintf(o.name, sizeof(o.name), "%s", lower);
	return purge_object(tx, &o, err);
}

// Returns how many objects were purged.
static int purge_objects(struct vault_service *v, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct due_object due[PURGE_BATCH];
	int rc = store_begin(v->store, STORE_WRITE, &tx, err);
	int count = rc < 0 ? rc : find_due_objects(tx, now, due, err);
	for (int i = 0; i < count; i++) {
		rc = purge_object(tx, &due[i], err);
		if (rc < 0)
			return rc;
	}
	if (count < 0)
		return count;
	rc = store_commit(&tx, err);
	return rc < 0 ? rc : count;
}

static int due_vault(struct store_tx *tx, int64_t now, char name[static VAULT_NAME_MAX + 1], struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT name FROM vaults WHERE purge_at <= $1 LIMIT 1", "i", now);
	if (rc < 0)
		return rc;
	rc = store_next(rows, err);
	if (rc > 0)
		(void)snprintf(name, VAULT_NAME_MAX + 1, "%s", store_text(rows, 0));
	return rc;
}

// Returns 1 when a vault was purged, 0 when none is due.
static int purge_vault(struct vault_service *v, int64_t now, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	char name[VAULT_NAME_MAX + 1];
	int rc = store_begin(v->store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = due_vault(tx, now, name, err);
	if (rc <= 0)
		return rc;
	rc = vault_purge(tx, name, err);
	if (rc == 0)
		rc = store_commit(&tx, err);
	return rc < 0 ? rc : 1;
}

// Asked on a snapshot, so that the usual answer "nothing" does not take the write lock.
static int anything_due(struct vault_service *v, int64_t now, bool *out, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int64_t count = 0;
	int rc = store_begin(v->store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = store_query_int(tx, &count, err,
			"SELECT (SELECT COUNT(*) FROM vault_objects WHERE purge_at <= $1) + (SELECT COUNT(*) FROM vaults WHERE purge_at <= $2)",
			"ii", now, now);
	if (rc < 0)
		return rc;
	*out = count > 0;
	return 0;
}

int vault_purge_due(struct vault_service *v, struct err *err) {
	int64_t now = clock_now();
	bool due = false;
	int rc = anything_due(v, now, &due, err);
	if (rc < 0 || !due)
		return rc;
	while ((rc = purge_objects(v, now, err)) > 0)
		;
	if (rc < 0)
		return rc;
	while ((rc = purge_vault(v, now, err)) > 0)
		;
	return rc;
}
