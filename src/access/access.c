// SPDX-License-Identifier: Apache-2.0
#include "access/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

enum { ANCESTORS_MAX = 12 };  // of an id of 24 segments

bool access_scope_within(const char *scope, const char *ancestor) {
	size_t n = strlen(ancestor);
	while (n > 0 && ancestor[n - 1] == '/')
		n--;
	return strncasecmp(scope, ancestor, n) == 0 && (scope[n] == '/' || scope[n] == 0);
}

// Does any of the space-separated patterns match?
static bool any_matches(const char *patterns, const char *action) {
	const char *p = patterns ? patterns : "";
	while (*p) {
		size_t n = strcspn(p, " ");
		char pattern[ACCESS_PATTERN_MAX];
		if (n < sizeof(pattern)) {
			memcpy(pattern, p, n);
			pattern[n] = 0;
			if (strv_glob_nocase(pattern, action))
				return true;
		}
		p += n + (p[n] == ' ');
	}
	return false;
}

static bool role_allows(const struct access_role *role, const char *action, bool data) {
	const char *allowed = data ? role->data_actions : role->actions;
	const char *excluded = data ? role->not_data_actions : role->not_actions;
	return any_matches(allowed, action) && !any_matches(excluded, action);
}

// The condition of a role, as far as it has one: which roles' assignments it lets be changed.
static bool condition_holds(const struct access_role *role, const char *action, const char *assigned_role) {
	if (!role->assignable || (!strv_eq_nocase(action, "Microsoft.Authorization/roleAssignments/write") &&
					 !strv_eq_nocase(action, "Microsoft.Authorization/roleAssignments/delete")))
		return true;
	return assigned_role && any_matches(role->assignable, assigned_role);
}

// The scopes below "/" that a scope (in lower case) lies at or under, from the top: every id has pairs of segments,
// {collection}/{name} or providers/{namespace}. Each is ended by a NUL in *text, which the caller frees; those that are
// not there are "".
static int ancestors(const char *scope, char **text, const char *out[static ANCESTORS_MAX], struct err *err) {
	size_t len = strlen(scope), count = 0, segments = 0;
	char *copies = malloc(ANCESTORS_MAX * (len + 1));
	if (!copies)
		return err_oom(err);
	for (size_t i = 1; i <= len && count < ANCESTORS_MAX; i++) {
		if (scope[i] && scope[i] != '/')
			continue;
		if (scope[i - 1] == '/' || ++segments % 2 != 0)
			continue;
		char *at = copies + count * (len + 1);
		memcpy(at, scope, i);
		at[i] = 0;
		out[count++] = at;
	}
	while (count < ANCESTORS_MAX)
		out[count++] = "";
	*text = copies;
	return 0;
}

// The lower-case id of the subscription that a scope lies in; "" when in none.
static void subscription_of(const char *scope, char *out, size_t size) {
	static const char prefix[] = "/subscriptions/";
	const char *id = strncmp(scope, prefix, sizeof(prefix) - 1) == 0 ? scope + sizeof(prefix) - 1 : "";
	(void)snprintf(out, size, "%.*s", (int)strcspn(id, "/"), id);
}

// Who the principal is: itself, and the groups that it is in.
#define PRINCIPALS \
	"WITH RECURSIVE principals(id) AS (SELECT CAST($1 AS TEXT) UNION" \
	" SELECT m.group_id FROM group_members m JOIN principals p ON m.member_id = p.id) "

int access_held(struct store_tx *tx, const char *principal_id, const char *scope, struct store_rows **rows, struct err *err) {
	_cleanup_free_ char *lower = strv_lower(scope);
	_cleanup_free_ char *text = NULL;
	const char *a[ANCESTORS_MAX];
	char subscription[64];
	if (!lower)
		return err_oom(err);
	int rc = ancestors(lower, &text, a, err);
	if (rc < 0)
		return rc;
	subscription_of(lower, subscription, sizeof(subscription));
	return store_query(tx, rows, err,
		PRINCIPALS
		"SELECT a.role_id, a.display_id, d.actions, d.not_actions, d.data_actions, d.not_data_actions"
		" FROM principals p JOIN role_assignments a ON a.principal_id = p.id"
		" LEFT JOIN role_definitions d ON d.tenant_id = a.tenant_id AND d.id = a.role_id"
		" WHERE a.scope IN ('/', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
		" AND (a.scope <> '/' OR $14 = '' OR a.tenant_id = (SELECT s.tenant_id FROM subscriptions s WHERE s.id = $14))",
		"ssssssssssssss", principal_id, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11],
		subscription);
}

int access_subscriptions(struct store_tx *tx, const char *principal_id, const char *tenant, const char *after,
	struct store_rows **rows, struct err *err) {
	return store_query(tx, rows, err,
		PRINCIPALS
		"SELECT s.id FROM subscriptions s WHERE s.tenant_id = $2 AND s.id > $3 AND EXISTS ("
		" SELECT 1 FROM principals p JOIN role_assignments a ON a.principal_id = p.id"
		" WHERE (a.scope = '/' AND a.tenant_id = s.tenant_id)"
		" OR substr(a.scope || '/', 1, length(s.id) + 16) = '/subscriptions/' || s.id || '/') ORDER BY s.id",
		"sss", principal_id, tenant, after);
}

void access_held_read(struct store_rows *rows, struct access_role *out) {
	const struct access_role *built_in = access_role_by_id(store_text(rows, 0));
	*out = built_in ? *built_in
			: (struct access_role){.id = store_text(rows, 0), .actions = store_text(rows, 2),
				  .not_actions = store_text(rows, 3), .data_actions = store_text(rows, 4),
				  .not_data_actions = store_text(rows, 5)};
}

static int decide(struct store_tx *tx, const char *principal_id, const char *scope, const char *action, bool data,
	const char *assigned_role, struct access_decision *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = access_held(tx, principal_id, scope, &rows, err);
	if (rc < 0)
		return rc;
	while ((rc = store_next(rows, err)) > 0) {
		struct access_role role;
		access_held_read(rows, &role);
		if (!role_allows(&role, action, data) || !condition_holds(&role, action, assigned_role))
			continue;
		(void)snprintf(out->assignment_id, sizeof(out->assignment_id), "%s", store_text(rows, 1));
		(void)snprintf(out->role_id, sizeof(out->role_id), "%s", role.id);
		return 0;
	}
	return rc < 0 ? rc : -EACCES;
}

int access_check(struct store_tx *tx, const char *principal_id, const char *scope, const char *action, bool data,
	struct access_decision *out, struct err *err) {
	return decide(tx, principal_id, scope, action, data, NULL, out, err);
}

int access_check_assignment(struct store_tx *tx, const char *principal_id, const char *scope, const char *action,
	const char *role_id, struct access_decision *out, struct err *err) {
	return decide(tx, principal_id, scope, action, false, role_id, out, err);
}

// Is it the id of one resource of the type, which is all that stands behind its "/providers/"?
static bool names_resource(const char *scope, const char *type) {
	static const char providers[] = "/providers/";
	const char *at = strcasestr(scope, providers);
	if (!at)
		return false;
	at += sizeof(providers) - 1;
	size_t n = strlen(type);
	return strncasecmp(at, type, n) == 0 && at[n] == '/' && at[n + 1] && !strchr(at + n + 1, '/');
}

int access_holds_role(struct store_tx *tx, const char *principal_id, const char *role_id, const char *type,
	const char *ancestor, bool *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	bool holds = false;
	int rc = store_query(tx, &rows, err, "SELECT scope FROM role_assignments WHERE principal_id = $1 AND role_id = $2", "ss",
		principal_id, role_id);
	while (rc >= 0 && !holds && (rc = store_next(rows, err)) > 0)
		holds = access_scope_within(store_text(rows, 0), ancestor) && names_resource(store_text(rows, 0), type);
	if (rc < 0)
		return rc;
	*out = holds;
	return 0;
}

int access_principal_type(struct store_tx *tx, const char *tenant, const char *object_id, const char **out, struct err *err) {
	static const char *const types[] = {"User", "Group", "ServicePrincipal", "Application"};
	_cleanup_free_ char *id = strv_lower(object_id);
	_cleanup_free_ char *directory = strv_lower(tenant);
	int64_t found;
	if (!id || !directory)
		return err_oom(err);
	int rc = store_query_int(tx, &found, err,
		"SELECT 0 FROM users WHERE object_id = $1 AND tenant_id = $2 UNION ALL"
		" SELECT 1 FROM groups WHERE object_id = $1 AND tenant_id = $2 UNION ALL"
		" SELECT 2 FROM service_principals WHERE object_id = $1 AND tenant_id = $2 UNION ALL"
		" SELECT 3 FROM applications WHERE object_id = $1 AND tenant_id = $2 AND deleted IS NULL",
		"ss", id, directory);
	if (rc < 0)
		return rc;
	*out = types[found];
	return 0;
}

static int already_exists(struct store_tx *tx, const char *principal, const char *scope, const char *role, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT name FROM role_assignments WHERE principal_id = $1 AND scope = $2 AND role_id = $3", "sss", principal, scope,
		role);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc;
	char plain[33] = "";
	size_t n = 0;
	for (const char *p = store_text(rows, 0); *p && n + 1 < sizeof(plain); p++)
		if (*p != '-')
			plain[n++] = *p;
	return err_set(err, -EEXIST, 409, "RoleAssignmentExists",
		"The role assignment already exists. The ID of the existing role assignment is %s.", plain);
}

int access_assign(struct store_tx *tx, const struct access_assignment *a, struct err *err) {
	_cleanup_free_ char *display_id = strv_printf("%s/providers/Microsoft.Authorization/roleAssignments/%s",
		strcmp(a->scope, "/") == 0 ? "" : a->scope, a->name);
	_cleanup_free_ char *id = display_id ? strv_lower(display_id) : NULL;
	_cleanup_free_ char *tenant = strv_lower(a->tenant);
	_cleanup_free_ char *name = strv_lower(a->name);
	_cleanup_free_ char *scope = strv_lower(a->scope);
	_cleanup_free_ char *principal = strv_lower(a->principal_id);
	_cleanup_free_ char *role = strv_lower(a->role_id);
	if (!id || !tenant || !name || !scope || !principal || !role)
		return err_oom(err);
	int rc = already_exists(tx, principal, scope, role, err);
	if (rc < 0)
		return rc;
	rc = store_exec(tx, err,
		"INSERT INTO role_assignments (tenant_id, id, display_id, name, scope, display_scope, principal_id, principal_type,"
		" role_id, description, created, created_by, updated, updated_by)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$11,$12)",
		"ssssssssssis", tenant, id, display_id, name, scope, a->scope, principal, a->principal_type, role, a->description,
		clock_now(), a->created_by);
	return rc < 0 ? rc : 0;
}
