// SPDX-License-Identifier: Apache-2.0
#include "access/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"

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
		char pattern[160];
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

static int decide(struct store_tx *tx, const char *principal_id, const char *scope, const char *action, bool data,
	const char *assigned_role, struct access_decision *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT scope, role_id, display_id FROM role_assignments WHERE principal_id = $1", "s", principal_id);
	if (rc < 0)
		return rc;
	while ((rc = store_next(rows, err)) > 0) {
		const struct access_role *role = access_role_by_id(store_text(rows, 1));
		if (!role || !access_scope_within(scope, store_text(rows, 0)) || !role_allows(role, action, data) ||
			!condition_holds(role, action, assigned_role))
			continue;
		(void)snprintf(out->assignment_id, sizeof(out->assignment_id), "%s", store_text(rows, 2));
		(void)snprintf(out->role_id, sizeof(out->role_id), "%s", role->id);
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

int access_assign(struct store_tx *tx, const struct access_assignment *a, struct err *err) {
	_cleanup_free_ char *display_id = strv_printf("%s/providers/Microsoft.Authorization/roleAssignments/%s",
		strcmp(a->scope, "/") == 0 ? "" : a->scope, a->name);
	_cleanup_free_ char *id = display_id ? strv_lower(display_id) : NULL;
	_cleanup_free_ char *scope = strv_lower(a->scope);
	_cleanup_free_ char *principal = strv_lower(a->principal_id);
	_cleanup_free_ char *role = strv_lower(a->role_id);
	if (!id || !scope || !principal || !role)
		return err_oom(err);
	int rc = store_exec(tx, err,
		"INSERT INTO role_assignments (id, display_id, name, scope, display_scope, principal_id, principal_type,"
		" role_id, description, created, created_by) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
		"sssssssssis", id, display_id, a->name, scope, a->scope, principal, a->principal_type, role, a->description,
		clock_now(), a->created_by);
	if (rc == -EEXIST)
		return err_set(err, rc, 409, "RoleAssignmentExists", "The role assignment already exists.");
	return rc < 0 ? rc : 0;
}
