// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "vault/keys.h"

static const struct {
	const char *name;
	enum key_op op;
} op_names[] = {
	{"encrypt", KEY_OP_ENCRYPT}, {"decrypt", KEY_OP_DECRYPT}, {"sign", KEY_OP_SIGN}, {"verify", KEY_OP_VERIFY},
	{"wrapKey", KEY_OP_WRAP}, {"unwrapKey", KEY_OP_UNWRAP}, {"import", KEY_OP_IMPORT}, {"export", KEY_OP_EXPORT},
};

bool key_name_valid(const char *name) {
	return strv_made_of(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", 1, KEY_NAME_MAX);
}

bool key_version_valid(const char *version) {
	return strv_made_of(version, "0123456789abcdefABCDEF", KEY_VERSION_LEN, KEY_VERSION_LEN);
}

unsigned key_op_by_name(const char *name) {
	for (size_t i = 0; i < ARRAY_SIZE(op_names); i++)
		if (strcmp(op_names[i].name, name) == 0)
			return op_names[i].op;
	return 0;
}

const char *key_op_name(enum key_op op) {
	for (size_t i = 0; i < ARRAY_SIZE(op_names); i++)
		if (op_names[i].op == op)
			return op_names[i].name;
	return "";
}

void key_row_free(struct key_row *row) {
	free(row->jwk);
	free(row->tags);
	buf_free(&row->sealed);
	*row = (struct key_row){0};
}

char *key_context(const struct vault_record *vault, const char *name, const char *version) {
	// The version is random, so a vault made anew under the same name and id never has the same context.
	_cleanup_free_ char *context = strv_printf("%s/keys/%s/%s", vault->resource_id, name, version);
	return context ? strv_lower(context) : NULL;
}

static unsigned ops_of(const char *text) {
	unsigned ops = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ");
		char name[16];
		if (n < sizeof(name)) {
			memcpy(name, p, n);
			name[n] = 0;
			ops |= key_op_by_name(name);
		}
		p += n + (p[n] == ' ');
	}
	return ops;
}

// Space-separated names.
static const char *ops_text(unsigned ops, char out[static 128]) {
	size_t n = 0;
	out[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(op_names); i++)
		if (ops & op_names[i].op)
			n += (size_t)snprintf(out + n, 128 - n, "%s%s", n ? " " : "", op_names[i].name);
	return out;
}

// The columns that every query for rows begins with.
#define ROW_COLUMNS \
	"k.display_name, v.version, v.kty, k.deleted, k.purge_at, v.key_ops, v.enabled, v.nbf, v.exp, v.created, v.updated," \
	" v.tags"

static int copy_text(const char *text, char **out, struct err *err) {
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return err_oom(err);
	*out = copy;
	return 0;
}

static int read_row(struct store_rows *rows, struct key_row *row, struct err *err) {
	(void)snprintf(row->name, sizeof(row->name), "%s", store_text(rows, 0));
	(void)snprintf(row->version, sizeof(row->version), "%s", store_text(rows, 1));
	(void)snprintf(row->kty, sizeof(row->kty), "%s", store_text(rows, 2));
	row->deleted = store_int(rows, 3);
	row->purge_at = store_int(rows, 4);
	row->ops = ops_of(store_text(rows, 5));
	row->enabled = store_int(rows, 6) != 0;
	row->nbf = store_int(rows, 7);
	row->exp = store_int(rows, 8);
	row->created = store_int(rows, 9);
	row->updated = store_int(rows, 10);
	return copy_text(store_text(rows, 11), &row->tags, err);
}

static bool state_wanted(const struct key_row *row, enum key_state wanted, int64_t now) {
	if (row->deleted == 0)
		return wanted & KEY_LIVE;
	return (wanted & KEY_DELETED) && row->purge_at > now;
}

int key_load(struct store_tx *tx, const char *vault, const char *name, const char *version, enum key_state wanted,
	int64_t now, struct key_row *row, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	_cleanup_free_ char *lower = version ? strv_lower(version) : NULL;
	if (!key || (version && !lower))
		return err_oom(err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT " ROW_COLUMNS ", v.jwk, v.sealed FROM vault_keys k"
		" JOIN vault_key_versions v ON v.vault = k.vault AND v.name = k.name"
		" WHERE k.vault = $1 AND k.name = $2 AND v.version = COALESCE($3, k.current_version)", "sss", vault, key, lower);
	if (rc < 0)
		return rc;
	rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	_cleanup_key_ struct key_row found = {0};
	rc = read_row(rows, &found, err);
	if (rc == 0)
		rc = copy_text(store_text(rows, 12), &found.jwk, err);
	if (rc < 0)
		return rc;
	if (!state_wanted(&found, wanted, now))
		return -ENOENT;
	size_t len;
	const void *sealed = store_blob(rows, 13, &len);
	if (buf_append(&found.sealed, sealed, len) < 0)
		return err_oom(err);
	*row = found;
	found = (struct key_row){0};
	return 0;
}

static int insert_key(struct store_tx *tx, const char *vault, const char *name, const struct key_row *row,
	struct err *err) {
	int rc = store_exec(tx, err,
		"UPDATE vault_keys SET current_version = $1 WHERE vault = $2 AND name = $3", "sss", row->version, vault, name);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = store_exec(tx, err,
		"INSERT INTO vault_keys (vault, name, display_name, current_version) VALUES ($1,$2,$3,$4)", "ssss", vault, name,
		row->name, row->version);
	return rc < 0 ? rc : 0;
}

int key_add_version(struct store_tx *tx, const char *vault, const struct key_row *row, struct err *err) {
	_cleanup_free_ char *name = strv_lower(row->name);
	if (!name)
		return err_oom(err);
	int rc = insert_key(tx, vault, name, row, err);
	if (rc < 0)
		return rc;
	int64_t ordinal;
	rc = store_query_int(tx, &ordinal, err,
		"SELECT COALESCE(MAX(ordinal), 0) + 1 FROM vault_key_versions WHERE vault = $1 AND name = $2", "ss", vault, name);
	if (rc < 0)
		return rc;
	char ops[128];
	rc = store_exec(tx, err,
		"INSERT INTO vault_key_versions (vault, name, version, ordinal, kty, jwk, sealed, key_ops, enabled, nbf, exp, tags,"
		" created, updated) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,NULLIF($10,0),NULLIF($11,0),$12,$13,$14)",
		"sssissbsiiisii", vault, name, row->version, ordinal, row->kty, row->jwk, row->sealed.data, row->sealed.len,
		ops_text(row->ops, ops), (int64_t)row->enabled, row->nbf, row->exp, row->tags, row->created, row->updated);
	return rc < 0 ? rc : 0;
}

int key_update(struct store_tx *tx, const char *vault, const struct key_row *row, struct err *err) {
	_cleanup_free_ char *name = strv_lower(row->name);
	if (!name)
		return err_oom(err);
	char ops[128];
	int rc = store_exec(tx, err,
		"UPDATE vault_key_versions SET key_ops = $1, enabled = $2, nbf = NULLIF($3,0), exp = NULLIF($4,0), tags = $5,"
		" updated = $6 WHERE vault = $7 AND name = $8 AND version = $9",
		"siiisisss", ops_text(row->ops, ops), (int64_t)row->enabled, row->nbf, row->exp, row->tags, row->updated, vault,
		name, row->version);
	return rc < 0 ? rc : 0;
}

int key_mark(struct store_tx *tx, const char *vault, const char *name, int64_t deleted, int64_t purge_at,
	struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"UPDATE vault_keys SET deleted = NULLIF($1,0), purge_at = NULLIF($2,0) WHERE vault = $3 AND name = $4", "iiss",
		deleted, purge_at, vault, key);
	return rc < 0 ? rc : 0;
}

int key_remove(struct store_tx *tx, const char *vault, const char *name, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM vault_key_versions WHERE vault = $1 AND name = $2", "ss", vault, key);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM vault_keys WHERE vault = $1 AND name = $2", "ss", vault, key);
	return rc < 0 ? rc : 0;
}

static int read_page(struct store_rows *rows, size_t limit, struct key_row *out, struct err *err) {
	size_t count = 0;
	int rc = 0;
	while (count < limit && (rc = store_next(rows, err)) > 0) {
		rc = read_row(rows, &out[count], err);
		if (rc < 0)
			break;
		count++;
	}
	if (rc >= 0)
		return (int)count;
	while (count > 0)
		key_row_free(&out[--count]);
	return rc;
}

int key_page(struct store_tx *tx, const char *vault, enum key_state wanted, const char *after, int64_t now, size_t limit,
	struct key_row *rows, struct err *err) {
	_cleanup_rows_ struct store_rows *found = NULL;
	int rc;
	if (wanted == KEY_LIVE)
		rc = store_query(tx, &found, err,
			"SELECT " ROW_COLUMNS " FROM vault_keys k JOIN vault_key_versions v ON v.vault = k.vault AND v.name = k.name"
			" AND v.version = k.current_version WHERE k.vault = $1 AND k.name > $2 AND k.deleted IS NULL"
			" ORDER BY k.name LIMIT $3", "ssi", vault, after, (int64_t)limit);
	else
		rc = store_query(tx, &found, err,
			"SELECT " ROW_COLUMNS " FROM vault_keys k JOIN vault_key_versions v ON v.vault = k.vault AND v.name = k.name"
			" AND v.version = k.current_version WHERE k.vault = $1 AND k.name > $2 AND k.purge_at > $3"
			" ORDER BY k.name LIMIT $4", "ssii", vault, after, now, (int64_t)limit);
	return rc < 0 ? rc : read_page(found, limit, rows, err);
}

int key_version_page(struct store_tx *tx, const char *vault, const char *name, const char *after, size_t limit,
	struct key_row *rows, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	if (!key)
		return err_oom(err);
	_cleanup_rows_ struct store_rows *found = NULL;
	int rc = store_query(tx, &found, err,
		"SELECT " ROW_COLUMNS " FROM vault_keys k JOIN vault_key_versions v ON v.vault = k.vault AND v.name = k.name"
		" WHERE k.vault = $1 AND k.name = $2 AND k.deleted IS NULL AND v.version > $3 ORDER BY v.version LIMIT $4", "sssi",
		vault, key, after, (int64_t)limit);
	return rc < 0 ? rc : read_page(found, limit, rows, err);
}
