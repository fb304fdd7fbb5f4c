// SPDX-License-Identifier: Apache-2.0
// Directory roles, and what they let a principal do.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "entra/directory_internal.h"

enum { ASSIGNMENTS_MAX = 1000 };  // of a tenant

static const struct directory_role roles[] = {
	{DIRECTORY_GLOBAL_ADMINISTRATOR, "Global Administrator",
		"Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft Entra identities.",
		DIRECTORY_READ | DIRECTORY_WRITE_APPLICATIONS | DIRECTORY_WRITE_USERS | DIRECTORY_WRITE_GROUPS | DIRECTORY_WRITE_ROLES},
	{"e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator",
		"Can manage role assignments in Microsoft Entra ID.", DIRECTORY_READ | DIRECTORY_WRITE_ROLES},
	{"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator",
		"Can create and manage all aspects of app registrations and enterprise apps.",
		DIRECTORY_READ | DIRECTORY_WRITE_APPLICATIONS},
	{"158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator",
		"Can create and manage all aspects of app registrations and enterprise apps except App Proxy.",
		DIRECTORY_READ | DIRECTORY_WRITE_APPLICATIONS},
	{"fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator",
		"Can manage all aspects of users and groups.", DIRECTORY_READ | DIRECTORY_WRITE_USERS | DIRECTORY_WRITE_GROUPS},
	{"fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator",
		"Can create and manage groups.", DIRECTORY_READ | DIRECTORY_WRITE_GROUPS},
	{"9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers",
		"Can read and write basic directory information.", DIRECTORY_READ | DIRECTORY_WRITE_GROUPS},
	{"88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers",
		"Can read basic directory information.", DIRECTORY_READ},
	{"f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader",
		"Can read everything that a Global Administrator can, but not update anything.", DIRECTORY_READ},
};

const struct directory_role *directory_roles(size_t *count) {
	*count = ARRAY_SIZE(roles);
	return roles;
}

const struct directory_role *directory_role_by_id(const char *id) {
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (strv_eq_nocase(roles[i].id, id))
			return &roles[i];
	return NULL;
}

int directory_assign_role(struct store_tx *tx, const char *tenant_id, struct directory_role_assignment *a, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM directory_role_assignments WHERE tenant_id = $1", "s",
		tenant_id);
	if (rc == 0 && count >= ASSIGNMENTS_MAX)
		return directory_quota(err);
	if (rc < 0)
		return rc;
	if (!a->id[0] && (rc = enc_uuid(a->id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	rc = store_exec(tx, err,
		"INSERT INTO directory_role_assignments (id, tenant_id, principal_id, role_id, created) VALUES ($1, $2, $3, $4, $5)",
		"ssssi", a->id, tenant_id, a->principal_id, a->role_id, clock_now());
	if (rc == -EEXIST)
		return err_set(err, rc, 400, "Request_BadRequest",
			"A conflicting object with one or more of the specified property values is present in the directory.");
	return rc < 0 ? rc : 0;
}

// The last Global Administrator stays: nobody could make another.
static int last_administrator(struct err *err) {
	return err_set(err, -EPERM, 400, "Request_BadRequest", "The last Global Administrator of a directory cannot be removed.");
}

static int check_last(struct store_tx *tx, const char *tenant_id, const char *id, struct err *err) {
	int64_t others = 0, is_one = 0;
	int rc = store_query_int(tx, &is_one, err,
		"SELECT COUNT(*) FROM directory_role_assignments WHERE tenant_id = $1 AND id = $2 AND role_id = $3", "sss", tenant_id, id,
		DIRECTORY_GLOBAL_ADMINISTRATOR);
	if (rc == 0)
		rc = store_query_int(tx, &others, err,
			"SELECT COUNT(*) FROM directory_role_assignments WHERE tenant_id = $1 AND id <> $2 AND role_id = $3", "sss",
			tenant_id, id, DIRECTORY_GLOBAL_ADMINISTRATOR);
	return rc == 0 && is_one > 0 && others == 0 ? last_administrator(err) : rc;
}

int directory_check_others(struct store_tx *tx, const char *tenant_id, const char *principal_id, struct err *err) {
	int64_t others = 0, is_one = 0;
	int rc = store_query_int(tx, &is_one, err,
		"SELECT COUNT(*) FROM directory_role_assignments WHERE tenant_id = $1 AND principal_id = $2 AND role_id = $3", "sss",
		tenant_id, principal_id, DIRECTORY_GLOBAL_ADMINISTRATOR);
	if (rc == 0)
		rc = store_query_int(tx, &others, err,
			"SELECT COUNT(*) FROM directory_role_assignments WHERE tenant_id = $1 AND principal_id <> $2 AND role_id = $3", "sss",
			tenant_id, principal_id, DIRECTORY_GLOBAL_ADMINISTRATOR);
	return rc == 0 && is_one > 0 && others == 0 ? last_administrator(err) : rc;
}

int directory_unassign_role(struct store_tx *tx, const char *tenant_id, const char *id, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	int rc = key ? check_last(tx, tenant_id, key, err) : err_oom(err);
	if (rc < 0)
		return rc;
	rc = store_exec(tx, err, "DELETE FROM directory_role_assignments WHERE tenant_id = $1 AND id = $2", "ss", tenant_id, key);
	return rc == 0 ? directory_not_found(id, err) : rc < 0 ? rc : 0;
}

int directory_role_assignments(struct store_tx *tx, const char *tenant_id, const char *principal_id, const char *id,
	struct directory_role_assignment **out, size_t *count, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ struct directory_role_assignment *found = calloc(ASSIGNMENTS_MAX, sizeof(*found));
	if (!found)
		return err_oom(err);
	int rc = store_query(tx, &rows, err,
		"SELECT id, principal_id, role_id FROM directory_role_assignments WHERE tenant_id = $1"
		" AND ($2 = '' OR principal_id = $2) AND ($3 = '' OR id = $3) ORDER BY id",
		"sss", tenant_id, principal_id ? principal_id : "", id ? id : "");
	size_t n = 0;
	while (rc >= 0 && n < ASSIGNMENTS_MAX && (rc = store_next(rows, err)) > 0) {
		(void)snprintf(found[n].id, sizeof(found[n].id), "%s", store_text(rows, 0));
		(void)snprintf(found[n].principal_id, sizeof(found[n].principal_id), "%s", store_text(rows, 1));
		(void)snprintf(found[n].role_id, sizeof(found[n].role_id), "%s", store_text(rows, 2));
		n++;
	}
	if (rc < 0)
		return rc;
	*out = TAKE_PTR(found);
	*count = n;
	return 0;
}

int directory_rights(struct store_tx *tx, const char *tenant_id, const char *principal_id, unsigned *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	unsigned rights = 0;
	int rc = store_query(tx, &rows, err,
		"SELECT role_id FROM directory_role_assignments WHERE principal_id = $1 AND tenant_id = $2", "ss", principal_id,
		tenant_id);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		const struct directory_role *role = directory_role_by_id(store_text(rows, 0));
		rights |= role ? role->rights : 0;
	}
	if (rc < 0)
		return rc;
	*out = rights;
	return 0;
}
