// SPDX-License-Identifier: Apache-2.0
// A pool's roles and who has them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/pool.h"

#define ADMINISTRATOR "a290e904-7015-4bba-90c8-60543313cdb4"

#define MANAGE_ROLES \
	"roleAssignments/read/action roleAssignments/write/action roleAssignments/delete/action roleDefinitions/read/action " \
	"roleDefinitions/write/action roleDefinitions/delete/action"

static const struct pool_role roles[] = {
	{ADMINISTRATOR, "Managed HSM Administrator",
		MANAGE_ROLES " securitydomain/download/action securitydomain/download/read securitydomain/upload/action "
			     "securitydomain/upload/read securitydomain/transferkey/read backup/start/action restore/start/action "
			     "backup/status/action restore/status/action"},
	{"515eb02d-2335-4d2d-92f2-b1cbdf9c3778", "Managed HSM Crypto Officer",
		MANAGE_ROLES " keys/deletedKeys/read/action keys/deletedKeys/delete keys/deletedKeys/recover/action keys/export/action"},
	{"21dbd100-6940-42c2-9190-5d6cb909625b", "Managed HSM Crypto User",
		"roleDefinitions/read/action roleAssignments/read/action keys/read/action keys/write/action keys/rotate/action "
		"keys/create keys/delete keys/import/action keys/release/action keys/backup/action keys/restore/action "
		"keys/encrypt/action keys/decrypt/action keys/wrap/action keys/unwrap/action keys/sign/action keys/verify/action "
		"rng/action"},
	{"4bd23610-cdcf-4971-bdee-bdc562cc28e4", "Managed HSM Policy Administrator", MANAGE_ROLES},
	{"2c18b078-7c48-4d3a-af88-5a3a1b3f82b3", "Managed HSM Crypto Auditor",
		"roleAssignments/read/action roleDefinitions/read/action keys/read/action keys/deletedKeys/read/action"},
	{"33413926-3206-4cdd-b39a-83574fe37a17", "Managed HSM Crypto Service Encryption User",
		"keys/read/action keys/wrap/action keys/unwrap/action"},
	{"21dbd100-6940-42c2-9190-5d6cb909625c", "Managed HSM Crypto Service Release User", "keys/release/action"},
	{"7b127d3c-77bd-4e3e-bbe0-dbb8971fa7f8", "Managed HSM Backup", "backup/start/action backup/status/action keys/backup/action"},
	{"6efe6056-5259-49d2-8b3d-d3d73544b20b", "Managed HSM Restore",
		"restore/start/action restore/status/action keys/restore/action"},
};

const struct pool_role *pool_roles(size_t *count) {
	*count = ARRAY_SIZE(roles);
	return roles;
}

const struct pool_role *pool_role_by_id(const char *guid) {
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strv_eq_nocase(roles[i].id, guid))
			return &roles[i];
	return NULL;
}

static bool role_allows(const struct pool_role *role, const char *action) {
	size_t len = strlen(action);
	for (const char *p = role->data_actions; *p;) {
		size_t n = strcspn(p, " ");
		if (n == len && memcmp(p, action, n) == 0)
			return true;
		p += n + (p[n] == ' ');
	}
	return false;
}

bool pool_scope_covers(const char *scope, const char *target) {
	return strcmp(scope, "/") == 0 || strcmp(scope, target) == 0 ||
		(strcmp(scope, "/keys") == 0 && strncmp(target, "/keys/", strlen("/keys/")) == 0);
}

int pool_check(struct store_tx *tx, const char *vault, const char *principal, const char *scope, const char *action,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *id = strv_lower(principal);
	int rc = !id ? err_oom(err) : store_query(tx, &rows, err,
		"SELECT scope, role_id FROM pool_assignments WHERE vault = $1 AND principal_id = $2", "ss", vault, id);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		const struct pool_role *role = pool_role_by_id(store_text(rows, 1));
		if (role && pool_scope_covers(store_text(rows, 0), scope) && role_allows(role, action))
			return 0;
	}
	return rc < 0 ? rc : -EACCES;
}

void pool_assignment_read(struct store_rows *rows, struct pool_assignment *out) {
	(void)snprintf(out->name, sizeof(out->name), "%s", store_text(rows, 0));
	(void)snprintf(out->scope, sizeof(out->scope), "%s", store_text(rows, 1));
	(void)snprintf(out->role_id, sizeof(out->role_id), "%s", store_text(rows, 2));
	(void)snprintf(out->principal_id, sizeof(out->principal_id), "%s", store_text(rows, 3));
}

int pool_assignment_load(struct store_tx *tx, const char *vault, const char *name, struct pool_assignment *out,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *key = strv_lower(name);
	int rc = !key ? err_oom(err) : store_query(tx, &rows, err,
		"SELECT " POOL_ASSIGNMENT_COLUMNS " FROM pool_assignments WHERE vault = $1 AND name = $2", "ss", vault, key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	pool_assignment_read(rows, out);
	return 0;
}

static int check_room(struct store_tx *tx, const char *vault, const char *scope, struct err *err) {
	bool of_key = strncmp(scope, "/keys/", strlen("/keys/")) == 0;
	int64_t count = 0, most = of_key ? POOL_ASSIGNMENTS_OF_KEY_MAX : POOL_ASSIGNMENTS_MAX;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM pool_assignments WHERE vault = $1 AND scope = $2", "ss",
		vault, scope);
	if (rc == 0 && count >= most)
		rc = err_set(err, -EINVAL, 400, "BadParameter", "The scope %s has the %d role assignments that it can have.", scope,
			(int)most);
	return rc;
}

int pool_assignment_add(struct store_tx *tx, const char *vault, const struct pool_assignment *a, struct err *err) {
	int rc = check_room(tx, vault, a->scope, err);
	if (rc < 0)
		return rc;
	rc = store_exec(tx, err,
		"INSERT INTO pool_assignments (vault, name, scope, role_id, principal_id, created) VALUES ($1,$2,$3,$4,$5,$6)", "sssssi",
		vault, a->name, a->scope, a->role_id, a->principal_id, clock_now());
	if (rc == -EEXIST)
		return err_set(err, rc, 409, "RoleAssignmentExists", "The role assignment already exists.");
	return rc < 0 ? rc : 0;
}

int pool_assignment_remove(struct store_tx *tx, const char *vault, const char *name, struct err *err) {
	_cleanup_free_ char *key = strv_lower(name);
	int rc = !key ? err_oom(err)
		      : store_exec(tx, err, "DELETE FROM pool_assignments WHERE vault = $1 AND name = $2", "ss", vault, key);
	return rc < 0 ? rc : 0;
}

static int read_admins(const json_t *list, json_t *out, struct err *err) {
	if (!json_is_array(list) || json_array_size(list) < 1 || json_array_size(list) > VAULT_POOL_ADMINS_MAX)
		return err_set(err, -EINVAL, 400, "BadRequest", "The property \"initialAdminObjectIds\" must hold 1 to %d object ids.",
			VAULT_POOL_ADMINS_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *id = json_string_value(json_array_get(list, i));
		if (!id || !enc_is_uuid(id))
			return err_set(err, -EINVAL, 400, "BadRequest", "The property \"initialAdminObjectIds[%zu]\" must be a GUID.", i);
		_cleanup_free_ char *lower = strv_lower(id);
		if (!lower || json_array_append_new(out, json_string(lower)) < 0)
			return err_oom(err);
	}
	return 0;
}

static int make_administrator(struct store_tx *tx, const char *vault, const char *principal, struct err *err) {
	struct pool_assignment a = {.scope = "/", .role_id = ADMINISTRATOR};
	if (enc_uuid(a.name) < 0)
		return err_errno(err, -EIO, "no random numbers");
	(void)snprintf(a.principal_id, sizeof(a.principal_id), "%s", principal);
	return pool_assignment_add(tx, vault, &a, err);
}

int vault_pool_admins_get(struct store_tx *tx, const struct vault_record *v, json_t **out, struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, vault);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT pool_admins FROM vaults WHERE name = $1", "s", vault);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	const char *text = rc > 0 ? store_text(rows, 0) : NULL;
	return json_parse(text ? text : "[]", text ? strlen(text) : 2, "InternalServerError", out, err);
}

int vault_pool_admins_set(struct store_tx *tx, const struct vault_record *v, const json_t *list, struct err *err) {
	char vault[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, vault);
	_cleanup_json_ json_t *wanted = json_array(), *have = NULL;
	int rc = wanted ? read_admins(list, wanted, err) : err_oom(err);
	if (rc == 0)
		rc = vault_pool_admins_get(tx, v, &have, err);
	if (rc < 0)
		return rc;
	if (json_array_size(have) > 0)
		return json_equal(have, wanted) ? 0 : err_set(err, -EINVAL, 400, "BadRequest",
			"The property \"initialAdminObjectIds\" cannot be changed. Roles are assigned in the managed HSM itself.");
	for (size_t i = 0; rc == 0 && i < json_array_size(wanted); i++)
		rc = make_administrator(tx, vault, json_string_value(json_array_get(wanted, i)), err);
	_cleanup_free_ char *text = rc == 0 ? json_text(wanted) : NULL;
	if (rc < 0 || !text)
		return rc < 0 ? rc : err_oom(err);
	rc = store_exec(tx, err, "UPDATE vaults SET pool_admins = $1 WHERE name = $2", "ss", text, vault);
	return rc < 0 ? rc : 0;
}
