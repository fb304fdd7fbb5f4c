// SPDX-License-Identifier: Apache-2.0
#include "diagnostics/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

const char *diagnostics_kind_name(enum diagnostics_kind kind) {
	static const char *const names[] = {[DIAGNOSTICS_STORAGE] = "storage", [DIAGNOSTICS_WEBHOOK] = "webhook"};
	return names[kind];
}

// The key columns of a setting.
struct keys {
	char *resource, *vault, *name;  // owned, lower case
};

static void keys_free(struct keys *k) {
	free(k->resource);
	free(k->vault);
	free(k->name);
}
#define _cleanup_keys_ _cleanup_(keys_free)

static int make_keys(const char *resource_id, const char *vault, const char *name, struct keys *k, struct err *err) {
	k->resource = strv_lower(resource_id);
	k->vault = strv_lower(vault);
	k->name = strv_lower(name);
	return k->resource && k->vault && k->name ? 0 : err_oom(err);
}

static int check_room(struct store_tx *tx, const struct keys *k, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM diagnostic_settings WHERE resource_id = $1", "s",
		k->resource);
	return rc < 0 ? rc : count >= DIAGNOSTICS_SETTINGS_MAX ? -EUSERS : 0;
}

static int save_setting(struct store_tx *tx, const struct diagnostics_setting *s, const struct keys *k, bool *created,
	struct err *err) {
	_cleanup_free_ char *body = json_text(s->properties);
	if (!body)
		return err_oom(err);
	int rc = store_exec(tx, err, "UPDATE diagnostic_settings SET body = $1 WHERE resource_id = $2 AND name = $3", "sss", body,
		k->resource, k->name);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = check_room(tx, k, err);
	if (rc == 0)
		rc = store_exec(tx, err,
			"INSERT INTO diagnostic_settings (resource_id, name, display_name, vault, body, created) VALUES ($1,$2,$3,$4,$5,$6)",
			"sssssi", k->resource, k->name, s->name, k->vault, body, clock_now());
	if (rc < 0)
		return rc;
	if (created)
		*created = true;
	return 0;
}

static int save_sink(struct store_tx *tx, const struct keys *k, enum diagnostics_kind kind, const char *target,
	struct err *err) {
	const char *name = diagnostics_kind_name(kind);
	if (!target) {
		int rc = store_exec(tx, err, "DELETE FROM diagnostic_sinks WHERE resource_id = $1 AND setting = $2 AND kind = $3", "sss",
			k->resource, k->name, name);
		return rc < 0 ? rc : 0;
	}
	// A target that was corrected is tried at once.
	int rc = store_exec(tx, err,
		"UPDATE diagnostic_sinks SET target = $1, next_try = 0, attempts = 0 WHERE resource_id = $2 AND setting = $3 AND kind = $4",
		"ssss", target, k->resource, k->name, name);
	if (rc == 0)
		rc = store_exec(tx, err,
			"INSERT INTO diagnostic_sinks (resource_id, setting, kind, vault, target, position, next_try, attempts, served)"
			" VALUES ($1,$2,$3,$4,$5,(SELECT COALESCE(MAX(seq),0) FROM audit WHERE vault = $4),0,0,0)",
			"sssss", k->resource, k->name, name, k->vault, target);
	return rc < 0 ? rc : 0;
}

int diagnostics_save(struct store_tx *tx, const struct diagnostics_setting *s, bool *created, struct err *err) {
	_cleanup_keys_ struct keys k = {0};
	int rc = make_keys(s->resource_id, s->vault, s->name, &k, err);
	if (rc == 0)
		rc = save_setting(tx, s, &k, created, err);
	for (size_t kind = 0; rc == 0 && kind < DIAGNOSTICS_KINDS; kind++)
		rc = save_sink(tx, &k, (enum diagnostics_kind)kind, s->targets[kind], err);
	return rc;
}

int diagnostics_remove(struct store_tx *tx, const char *resource_id, const char *name, struct err *err) {
	_cleanup_keys_ struct keys k = {0};
	int rc = make_keys(resource_id, "", name, &k, err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM diagnostic_sinks WHERE resource_id = $1 AND setting = $2", "ss", k.resource, k.name);
	if (rc >= 0)
		rc = store_exec(tx, err, "DELETE FROM diagnostic_settings WHERE resource_id = $1 AND name = $2", "ss", k.resource, k.name);
	return rc;
}

int diagnostics_list(struct store_tx *tx, const char *resource_id, const char *name, json_t *items, struct err *err) {
	_cleanup_keys_ struct keys k = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = make_keys(resource_id, "", name, &k, err);
	if (rc == 0)
		rc = store_query(tx, &rows, err,
			"SELECT display_name, body FROM diagnostic_settings WHERE resource_id = $1 AND ($2 = '' OR name = $2) ORDER BY name",
			"ss", k.resource, k.name);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		json_t *properties = NULL;
		const char *body = store_text(rows, 1);
		rc = json_parse(body, strlen(body), "InternalServerError", &properties, err);
		if (rc == 0 && json_array_append_new(items, json_pack("{s:s, s:o}", "name", store_text(rows, 0), "properties", properties)) < 0)
			return err_oom(err);
	}
	return rc;
}
