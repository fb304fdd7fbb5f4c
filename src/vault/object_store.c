// SPDX-License-Identifier: Apache-2.0
// Objects and their versions as rows.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "vault/keys.h"
#include "vault/pool.h"

// The columns that every query for rows begins with.
#define ROW_COLUMNS \
	"o.display_name, v.version, o.deleted, o.purge_at, o.managed, v.enabled, v.nbf, v.exp, v.created, v.updated, v.tags," \
	" v.kty, v.key_ops, v.exportable, o.release_policy, v.content_type"
#define CURRENT_VERSIONS \
	" FROM vault_objects o JOIN vault_versions v ON v.vault = o.vault AND v.kind = o.kind AND v.name = o.name" \
	" AND v.version = o.current_version"

static int copy_text(const char *text, char **out, struct err *err) {
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return err_oom(err);
	*out = copy;
	return 0;
}

static int read_row(struct store_rows *rows, struct object *o, struct err *err) {
	(void)snprintf(o->name, sizeof(o->name), "%s", store_text(rows, 0));
	(void)snprintf(o->version, sizeof(o->version), "%s", store_text(rows, 1));
	o->deleted = store_int(rows, 2);
	o->purge_at = store_int(rows, 3);
	o->managed = store_int(rows, 4) != 0;
	o->enabled = store_int(rows, 5) != 0;
	o->nbf = store_int(rows, 6);
	o->exp = store_int(rows, 7);
	o->created = store_int(rows, 8);
	o->updated = store_int(rows, 9);
	const char *kty = store_text(rows, 11), *ops = store_text(rows, 12);
	(void)snprintf(o->kty, sizeof(o->kty), "%s", kty ? kty : "");
	o->ops = ops ? key_ops_parse(ops) : 0;
	o->exportable = store_int(rows, 13) != 0;
	int rc = copy_text(store_text(rows, 10), &o->tags, err);
	if (rc == 0)
		rc = copy_text(store_text(rows, 14), &o->release_policy, err);
	return rc < 0 ? rc : copy_text(store_text(rows, 15), &o->content_type, err);
}

static bool state_wanted(const struct object *o, enum object_state wanted, int64_t now) {
	if (o->deleted == 0)
		return wanted & OBJECT_LIVE;
	return (wanted & OBJECT_DELETED) && o->purge_at > now;
}

static int read_whole(struct store_rows *rows, struct object *o, struct err *err) {
	int rc = read_row(rows, o, err);
	if (rc == 0)
		rc = copy_text(store_text(rows, 16), &o->jwk, err);
	if (rc == 0)
		rc = copy_text(store_text(rows, 17), &o->rotation_policy, err);
	if (rc < 0)
		return rc;
	size_t len;
	const void *sealed = store_blob(rows, 18, &len);
	return buf_append(&o->sealed, sealed, len) < 0 ? err_oom(err) : 0;
}

int object_load(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	const char *version, enum object_state wanted, int64_t now, struct object *o, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	_cleanup_free_ char *lower = version ? strv_lower(version) : NULL;
	if (!key || (version && !lower))
		return err_oom(err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT " ROW_COLUMNS ", v.jwk, o.rotation_policy, v.sealed FROM vault_objects o"
		" JOIN vault_versions v ON v.vault = o.vault AND v.kind = o.kind AND v.name = o.name"
		" WHERE o.vault = $1 AND o.kind = $2 AND o.name = $3 AND v.version = COALESCE($4, o.current_version)",
		"ssss", vault, kind->collection, key, lower);
	if (rc < 0)
		return rc;
	rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	_cleanup_object_ struct object found = {0};
	rc = read_whole(rows, &found, err);
	if (rc < 0)
		return rc;
	if (!state_wanted(&found, wanted, now))
		return -ENOENT;
	*o = found;
	found = (struct object){0};
	return 0;
}

static int save_object(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	const struct object *o, struct err *err) {
	int rc = store_exec(tx, err,
		"UPDATE vault_objects SET current_version = $1, rotation_policy = $2, release_policy = $3 WHERE vault = $4"
		" AND kind = $5 AND name = $6",
		"ssssss", o->version, o->rotation_policy, o->release_policy, vault, kind->collection, name);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = store_exec(tx, err,
		"INSERT INTO vault_objects (vault, kind, name, display_name, current_version, managed, rotation_policy,"
		" release_policy) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
		"sssssiss", vault, kind->collection, name, o->name, o->version, (int64_t)o->managed, o->rotation_policy,
		o->release_policy);
	return rc < 0 ? rc : 0;
}

// The current version is the newest: nothing that grows with the number of versions is asked.
static int next_ordinal(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	int64_t *out, struct err *err) {
	int64_t newest = 0;
	int rc = store_query_int(tx, &newest, err,
		"SELECT v.ordinal" CURRENT_VERSIONS " WHERE o.vault = $1 AND o.kind = $2 AND o.name = $3", "sss", vault,
		kind->collection, name);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	*out = newest + 1;
	return 0;
}

// NULL for an object that has none.
static const char *ops_column(const struct object *o, char out[static KEY_OPS_TEXT_MAX]) {
	return o->kty[0] ? key_ops_text(o->ops, out) : NULL;
}

int object_add_version(struct store_tx *tx, const char *vault, const struct object_kind *kind, const struct object *o,
	struct err *err) {
	_cleanup_free_ char *name = strv_lower(o->name);
	if (!name)
		return err_oom(err);
	int64_t ordinal;
	int rc = next_ordinal(tx, vault, kind, name, &ordinal, err);
	if (rc == 0)
		rc = save_object(tx, vault, kind, name, o, err);
	if (rc < 0)
		return rc;
	// Versions are never removed one by one: the ordinal says how many there are.
	if (vault_name_is_pool(vault) && ordinal > POOL_VERSIONS_MAX)
		return err_set(err, -EINVAL, 400, "BadParameter", "%s %s has the %d versions that it can have.", kind->noun, o->name,
			POOL_VERSIONS_MAX);
	char ops[KEY_OPS_TEXT_MAX];
	rc = store_exec(tx, err,
		"INSERT INTO vault_versions (vault, kind, name, version, ordinal, sealed, enabled, nbf, exp, tags, created, updated,"
		" kty, jwk, key_ops, exportable, content_type)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,NULLIF($8,0),NULLIF($9,0),$10,$11,$12,NULLIF($13,''),$14,$15,$16,$17)",
		"ssssibiiisiisssis", vault, kind->collection, name, o->version, ordinal, o->sealed.data, o->sealed.len,
		(int64_t)o->enabled, o->nbf, o->exp, o->tags, o->created, o->updated, o->kty, o->jwk, ops_column(o, ops),
		(int64_t)o->exportable, o->content_type);
	return rc < 0 ? rc : 0;
}

int object_update(struct store_tx *tx, const char *vault, const struct object_kind *kind, const struct object *o,
	struct err *err) {
	_cleanup_free_ char *name = strv_lower(o->name);
	if (!name)
		return err_oom(err);
	char ops[KEY_OPS_TEXT_MAX];
	int rc = store_exec(tx, err,
		// What was told of an expiry is not true of another one.
		"UPDATE vault_versions SET near_expiry_sent = CASE WHEN COALESCE(exp,0) = $5 THEN near_expiry_sent END,"
		" expired_sent = CASE WHEN COALESCE(exp,0) = $5 THEN expired_sent END,"
		" key_ops = $1, content_type = $2, enabled = $3, nbf = NULLIF($4,0), exp = NULLIF($5,0),"
		" tags = $6, updated = $7 WHERE vault = $8 AND kind = $9 AND name = $10 AND version = $11",
		"ssiiisissss", ops_column(o, ops), o->content_type, (int64_t)o->enabled, o->nbf, o->exp, o->tags, o->updated, vault,
		kind->collection, name, o->version);
	return rc < 0 ? rc : 0;
}

int object_set_policies(struct store_tx *tx, const char *vault, const struct object *o, struct err *err) {
	_cleanup_free_ char *name = strv_lower(o->name);
	if (!name)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"UPDATE vault_objects SET rotation_policy = $1, release_policy = $2 WHERE vault = $3 AND kind = 'keys' AND name = $4",
		"ssss", o->rotation_policy, o->release_policy, vault, name);
	return rc < 0 ? rc : 0;
}

int object_mark(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name, int64_t deleted,
	int64_t purge_at, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"UPDATE vault_objects SET deleted = NULLIF($1,0), purge_at = NULLIF($2,0) WHERE vault = $3 AND kind = $4"
		" AND name = $5",
		"iisss", deleted, purge_at, vault, kind->collection, key);
	return rc < 0 ? rc : 0;
}

int object_remove(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM vault_versions WHERE vault = $1 AND kind = $2 AND name = $3", "sss", vault,
		kind->collection, key);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM vault_objects WHERE vault = $1 AND kind = $2 AND name = $3", "sss", vault,
			kind->collection, key);
	return rc;
}

static int read_page(struct store_rows *rows, size_t limit, struct object *out, struct err *err) {
	size_t count = 0;
	int rc = 0;
	while (count < limit && (rc = store_next(rows, err)) > 0) {
		rc = read_row(rows, &out[count++], err);
		if (rc < 0)
			break;
	}
	if (rc >= 0)
		return (int)count;
	while (count > 0)
		object_free(&out[--count]);
	return rc;
}

int object_page(struct store_tx *tx, const char *vault, const struct object_kind *kind, enum object_state wanted,
	const char *after, int64_t now, size_t limit, struct object *rows, struct err *err) {
	_cleanup_rows_ struct store_rows *found = NULL;
	int rc;
	if (wanted == OBJECT_LIVE)
		rc = store_query(tx, &found, err,
			"SELECT " ROW_COLUMNS CURRENT_VERSIONS " WHERE o.vault = $1 AND o.kind = $2 AND o.name > $3"
			" AND o.deleted IS NULL ORDER BY o.name LIMIT $4",
			"sssi", vault, kind->collection, after, (int64_t)limit);
	else
		rc = store_query(tx, &found, err,
			"SELECT " ROW_COLUMNS CURRENT_VERSIONS " WHERE o.vault = $1 AND o.kind = $2 AND o.name > $3"
			" AND o.purge_at > $4 ORDER BY o.name LIMIT $5",
			"sssii", vault, kind->collection, after, now, (int64_t)limit);
	return rc < 0 ? rc : read_page(found, limit, rows, err);
}

int object_version_page(struct store_tx *tx, const char *vault, const struct object_kind *kind, const char *name,
	const char *after, size_t limit, struct object *rows, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	_cleanup_rows_ struct store_rows *found = NULL;
	int rc = store_query(tx, &found, err,
		"SELECT " ROW_COLUMNS " FROM vault_objects o JOIN vault_versions v ON v.vault = o.vault AND v.kind = o.kind"
		" AND v.name = o.name WHERE o.vault = $1 AND o.kind = $2 AND o.name = $3 AND o.deleted IS NULL AND v.version > $4"
		" ORDER BY v.version LIMIT $5",
		"ssssi", vault, kind->collection, key, after, (int64_t)limit);
	return rc < 0 ? rc : read_page(found, limit, rows, err);
}
