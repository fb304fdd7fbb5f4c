// SPDX-License-Identifier: Apache-2.0
// The roles that tenants make themselves.
#include <errno.h>
#include <string.h>

#include "access/access.h"
#include "base/strv.h"

#define COLUMNS \
	"SELECT id, name, description, actions, not_actions, data_actions, not_data_actions, scopes, created, created_by," \
	" updated, updated_by FROM role_definitions "

void access_role_read(struct store_rows *rows, struct access_role *out) {
	*out = (struct access_role){.id = store_text(rows, 0), .name = store_text(rows, 1), .description = store_text(rows, 2),
		.actions = store_text(rows, 3), .not_actions = store_text(rows, 4), .data_actions = store_text(rows, 5),
		.not_data_actions = store_text(rows, 6), .scopes = store_text(rows, 7), .created = store_int(rows, 8),
		.created_by = store_text(rows, 9), .updated = store_int(rows, 10), .updated_by = store_text(rows, 11)};
}

int access_custom_roles(struct store_tx *tx, const char *tenant, struct store_rows **rows, struct err *err) {
	_cleanup_free_ char *directory = strv_lower(tenant);
	if (!directory)
		return err_oom(err);
	return store_query(tx, rows, err, COLUMNS "WHERE tenant_id = $1 ORDER BY id", "s", directory);
}

int access_role_find(struct store_tx *tx, const char *tenant, const char *guid, struct store_rows **hold,
	struct access_role *out, struct err *err) {
	const struct access_role *built_in = access_role_by_id(guid);
	if (built_in) {
		*out = *built_in;
		return 0;
	}
	_cleanup_free_ char *directory = strv_lower(tenant);
	_cleanup_free_ char *id = strv_lower(guid);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!directory || !id)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, COLUMNS "WHERE tenant_id = $1 AND id = $2", "ss", directory, id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	access_role_read(rows, out);
	*hold = TAKE_PTR(rows);
	return 0;
}

static int same_name(struct err *err) {
	return err_set(err, -EEXIST, 409, "RoleDefinitionWithSameNameExists",
		"A custom role with the same name already exists in this directory. Use a different name.");
}

int access_role_save(struct store_tx *tx, const char *tenant, const struct access_role *role, struct err *err) {
	_cleanup_free_ char *directory = strv_lower(tenant);
	_cleanup_free_ char *id = strv_lower(role->id);
	_cleanup_free_ char *key = strv_lower(role->name);
	if (!directory || !id || !key)
		return err_oom(err);
	size_t count;
	const struct access_role *built_in = access_roles(&count);
	for (size_t i = 0; i < count; i++)
		if (strv_eq_nocase(built_in[i].name, role->name))
			return same_name(err);
	int rc = store_exec(tx, err,
		"INSERT INTO role_definitions (tenant_id, id, name, name_key, description, actions, not_actions, data_actions,"
		" not_data_actions, scopes, created, created_by, updated, updated_by)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"
		" ON CONFLICT (tenant_id, id) DO UPDATE SET name = $3, name_key = $4, description = $5, actions = $6,"
		" not_actions = $7, data_actions = $8, not_data_actions = $9, scopes = $10, updated = $13, updated_by = $14",
		"ssssssssssisis", directory, id, role->name, key, role->description, role->actions, role->not_actions,
		role->data_actions, role->not_data_actions, role->scopes, role->created, role->created_by, role->updated,
		role->updated_by);
	return rc == -EEXIST ? same_name(err) : rc < 0 ? rc : 0;
}

int access_role_delete(struct store_tx *tx, const char *tenant, const char *guid, struct err *err) {
	_cleanup_free_ char *directory = strv_lower(tenant);
	_cleanup_free_ char *id = strv_lower(guid);
	if (!directory || !id)
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM role_definitions WHERE tenant_id = $1 AND id = $2", "ss", directory, id);
	return rc < 0 ? rc : 0;
}

bool access_scopes_cover(const char *scopes, const char *scope) {
	for (const char *p = scopes; *p;) {
		size_t n = strcspn(p, " ");
		if (strncasecmp(scope, p, n) == 0 && (scope[n] == '/' || scope[n] == 0))
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}
