// SPDX-License-Identifier: Apache-2.0
#include "access/access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"

enum {
	ANCESTORS_MAX = 12,  // of an id of 24 segments
	GROUPS_MAX = 2048,   // of one principal, the nearest first: more do not count
};

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

// custodisk's own data actions, which concern all tenants, come with its own role alone, whatever patterns another one has.
static bool is_own_action(const char *action) {
	return strv_starts_with_nocase(action, "Custodisk.");
}

static bool role_allows(const struct access_role *role, const char *action, bool data) {
	if (data && is_own_action(action) && !strv_eq_nocase(role->id, ACCESS_ROLE_HYPERVISOR))
		return false;
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

struct scopes {
	const char *at[ANCESTORS_MAX];
	size_t count;
	char *text;               // owned: what they point to
	char subscription[64];    // "" outside of one
};

static void scopes_free(struct scopes *s) {
	free(s->text);
}

// The scopes below "/" that a scope lies at or under, in lower case. Every id has pairs of segments, {collection}/{name}, or
// providers/{namespace}, where no scope ends.
static int find_scopes(const char *scope, struct scopes *out, struct err *err) {
	static const char prefix[] = "/subscriptions/";
	size_t len = strlen(scope), segments = 0, begin = 0;
	_cleanup_free_ char *lower = strv_lower(scope);
	char *copies = lower ? malloc(ANCESTORS_MAX * (len + 1)) : NULL;
	if (!copies)
		return err_oom(err);
	struct scopes s = {.text = copies};
	for (size_t i = 1; i <= len && s.count < ANCESTORS_MAX; i++) {
		if ((lower[i] && lower[i] != '/') || lower[i - 1] == '/' || ++segments % 2 != 0)
			continue;
		if (strncmp(lower + begin, "/providers/", 11) != 0) {
			memcpy(copies, lower, i);
			copies[i] = 0;
			s.at[s.count++] = copies;
			copies += i + 1;
		}
		begin = i;
	}
	const char *id = strncmp(lower, prefix, sizeof(prefix) - 1) == 0 ? lower + sizeof(prefix) - 1 : "";
	(void)snprintf(s.subscription, sizeof(s.subscription), "%.*s", (int)strcspn(id, "/"), id);
	*out = s;
	return 0;
}

// A seek in an index for each scope. A list of scopes, or the groups in the same statement, would have SQLite make tables
// for the statement, which cost fifty times as much.
#define AT "SELECT role_id, display_id, tenant_id FROM role_assignments WHERE principal_id = $1 AND scope = "
#define OF_0 AT "'/' AND ($2 = '' OR tenant_id = (SELECT s.tenant_id FROM subscriptions s WHERE s.id = $2))"
#define OF_1 OF_0 " UNION ALL " AT "$3"
#define OF_2 OF_1 " UNION ALL " AT "$4"
#define OF_3 OF_2 " UNION ALL " AT "$5"
#define OF_4 OF_3 " UNION ALL " AT "$6"
#define OF_5 OF_4 " UNION ALL " AT "$7"
#define OF_6 OF_5 " UNION ALL " AT "$8"
#define OF_7 OF_6 " UNION ALL " AT "$9"
#define OF_8 OF_7 " UNION ALL " AT "$10"
#define OF_9 OF_8 " UNION ALL " AT "$11"
#define OF_10 OF_9 " UNION ALL " AT "$12"
#define OF_11 OF_10 " UNION ALL " AT "$13"
#define OF_12 OF_11 " UNION ALL " AT "$14"

static int query_roles(struct store_tx *tx, const char *principal, const struct scopes *s, struct store_rows **rows,
	struct err *err) {
	static const char *const sql[] = {OF_0, OF_1, OF_2, OF_3, OF_4, OF_5, OF_6, OF_7, OF_8, OF_9, OF_10, OF_11, OF_12};
	static const char types[] = "ssssssssssssss";
	return store_query(tx, rows, err, sql[s->count], types + ANCESTORS_MAX - s->count, principal, s->subscription, s->at[0],
		s->at[1], s->at[2], s->at[3], s->at[4], s->at[5], s->at[6], s->at[7], s->at[8], s->at[9], s->at[10], s->at[11]);
}

// What a principal itself has been given; the visitor's answer when it is not 0.
static int own_roles(struct store_tx *tx, const char *principal, const struct scopes *s, access_role_visitor each, void *ctx,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = query_roles(tx, principal, s, &rows, err);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		_cleanup_rows_ struct store_rows *hold = NULL;
		struct access_role role;
		int answer = access_role_find(tx, store_text(rows, 2), store_text(rows, 0), &hold, &role, err);
		if (answer == 0)
			answer = each(ctx, &role, store_text(rows, 1), err);
		if (answer != 0 && answer != -ENOENT)
			return answer;
	}
	return rc;
}

// Append the groups that a member is in to the queue, each once.
static int add_groups(struct store_tx *tx, const char *member, json_t *queue, json_t *seen, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT group_id FROM group_members WHERE member_id = $1", "s", member);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		const char *group = store_text(rows, 0);
		if (!json_object_get(seen, group) && (json_object_set_new(seen, group, json_true()) < 0 ||
							     json_array_append_new(queue, json_string(group)) < 0))
			return err_oom(err);
	}
	return rc;
}

int access_held(struct store_tx *tx, const char *principal_id, const char *scope, access_role_visitor each, void *ctx,
	struct err *err) {
	_cleanup_(scopes_free) struct scopes s = {0};
	_cleanup_json_ json_t *queue = NULL;
	_cleanup_json_ json_t *seen = NULL;
	int rc = find_scopes(scope, &s, err);
	if (rc == 0)
		rc = own_roles(tx, principal_id, &s, each, ctx, err);
	if (rc != 0)
		return rc;
	queue = json_array();
	seen = json_object();
	if (!queue || !seen)
		return err_oom(err);
	rc = add_groups(tx, principal_id, queue, seen, err);
	for (size_t i = 0; rc == 0 && i < json_array_size(queue) && i < GROUPS_MAX; i++) {
		const char *group = json_string_value(json_array_get(queue, i));
		rc = own_roles(tx, group, &s, each, ctx, err);
		if (rc == 0)
			rc = add_groups(tx, group, queue, seen, err);
	}
	return rc;
}

// Who the principal is: itself, and the groups that it is in.
#define PRINCIPALS \
	"WITH RECURSIVE principals(id) AS (SELECT CAST($1 AS TEXT) UNION" \
	" SELECT m.group_id FROM group_members m JOIN principals p ON m.member_id = p.id) "

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

struct question {
	const char *action;
	bool data;
	const char *assigned_role;
	struct access_decision *out;
};

static int allows(void *ctx, const struct access_role *role, const char *assignment_id, struct err *err) {
	(void)err;
	const struct question *q = ctx;
	if (!role_allows(role, q->action, q->data) || !condition_holds(role, q->action, q->assigned_role))
		return 0;
	(void)snprintf(q->out->assignment_id, sizeof(q->out->assignment_id), "%s", assignment_id);
	(void)snprintf(q->out->role_id, sizeof(q->out->role_id), "%s", role->id);
	return 1;
}

static int decide(struct store_tx *tx, const char *principal_id, const char *scope, const char *action, bool data,
	const char *assigned_role, struct access_decision *out, struct err *err) {
	struct question q = {.action = action, .data = data, .assigned_role = assigned_role, .out = out};
	int rc = access_held(tx, principal_id, scope, allows, &q, err);
	return rc > 0 ? 0 : rc < 0 ? rc : -EACCES;
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
