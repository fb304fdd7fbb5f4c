// SPDX-License-Identifier: Apache-2.0
// Role assignments, role definitions and random bytes of a pool.
#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/strv.h"
#include "vault/internal.h"
#include "vault/pool.h"

#define DEFINITION_ID "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"
#define DATA_ACTION "Microsoft.KeyVault/managedHsm/"

enum { PAGE = 100 };

// Of a list of assignments.
struct filter {
	bool at_scope;                 // not those below
	char principal[ENC_UUID_SIZE]; // "" for everybody's
};

static json_t *assignment_json(const struct pool_assignment *a) {
	_cleanup_free_ char *role = strv_printf(DEFINITION_ID "%s", a->role_id);
	_cleanup_free_ char *id = strv_printf("%s/providers/Microsoft.Authorization/roleAssignments/%s",
		strcmp(a->scope, "/") == 0 ? "" : a->scope, a->name);
	if (!role || !id)
		return NULL;
	return json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s}", "id", id, "name", a->name, "properties", "principalId",
		a->principal_id, "roleDefinitionId", role, "scope", a->scope, "type", "Microsoft.Authorization/roleAssignments");
}

static int answer_assignment(struct call *c, const struct pool_assignment *a, struct err *err) {
	c->json = assignment_json(a);
	return c->json ? 0 : err_oom(err);
}

// The one that the path names, at the scope that the path names.
static int load_assignment(struct call *c, struct store_tx *tx, struct pool_assignment *out, struct err *err) {
	const char *name = route_param(&c->match, "assignment");
	char scope[POOL_SCOPE_MAX];
	struct pool_assignment a = {0};
	pool_scope(c, scope);
	int rc = pool_assignment_load(tx, c->vault_key, name, &a, err);
	if (rc == -ENOENT || (rc == 0 && strcmp(a.scope, scope) != 0))
		return err_set(err, -ENOENT, 404, "RoleAssignmentNotFound", "The role assignment %.64s was not found at the scope %s.",
			name, scope);
	if (rc == 0)
		*out = a;
	return rc;
}

int pool_assignments_get(struct call *c, struct store_tx *tx, struct err *err) {
	struct pool_assignment a;
	int rc = load_assignment(c, tx, &a, err);
	return rc < 0 ? rc : answer_assignment(c, &a, err);
}

int pool_assignments_delete(struct call *c, struct store_tx *tx, struct err *err) {
	struct pool_assignment a;
	int rc = load_assignment(c, tx, &a, err);
	if (rc == 0)
		rc = pool_assignment_remove(tx, c->vault_key, a.name, err);
	return rc < 0 ? rc : answer_assignment(c, &a, err);
}

static int copy_guid(const char *what, const char *text, char out[static ENC_UUID_SIZE], struct err *err) {
	if (!text || !enc_is_uuid(text))
		return bad_parameter(err, "%s must be a GUID.", what);
	_cleanup_free_ char *lower = strv_lower(text);
	if (!lower)
		return err_oom(err);
	memcpy(out, lower, ENC_UUID_SIZE);
	return 0;
}

static int read_assignment(const struct call *c, struct pool_assignment *out, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	_cleanup_json_ json_t *parsed = NULL;
	struct pool_assignment a = {0};
	pool_scope(c, a.scope);
	int rc = request_parse(body, len, &parsed, err);
	if (rc == 0)
		rc = copy_guid("The name of a role assignment", route_param(&c->match, "assignment"), a.name, err);
	if (rc == 0)
		rc = copy_guid("Property 'principalId'", json_str(parsed, "properties.principalId"), a.principal_id, err);
	if (rc < 0)
		return rc;
	const char *id = json_str(parsed, "properties.roleDefinitionId"), *slash = id ? strrchr(id, '/') : NULL;
	const struct pool_role *role = id ? pool_role_by_id(slash ? slash + 1 : id) : NULL;
	if (!role)
		return err_set(err, -ENOENT, 404, "RoleDefinitionNotFound", "The role definition %.128s was not found.", id ? id : "");
	(void)snprintf(a.role_id, sizeof(a.role_id), "%s", role->id);
	*out = a;
	return 0;
}

int pool_assignments_create(struct call *c, struct store_tx *tx, struct err *err) {
	struct pool_assignment a, there;
	int rc = read_assignment(c, &a, err);
	if (rc < 0)
		return rc;
	rc = pool_assignment_load(tx, c->vault_key, a.name, &there, err);
	// Sent once more, it is no other.
	bool same = rc == 0 && strcmp(there.scope, a.scope) == 0 && strcmp(there.role_id, a.role_id) == 0 &&
		strcmp(there.principal_id, a.principal_id) == 0;
	if (rc == -ENOENT || (rc == 0 && !same))
		rc = pool_assignment_add(tx, c->vault_key, &a, err);
	if (rc < 0)
		return rc;
	c->status = 201;
	return answer_assignment(c, &a, err);
}

// "atScope()", "principalId eq {id}" with or without quotes.
static int read_filter(const struct call *c, struct filter *out, struct err *err) {
	static const char principal[] = "principalId eq ";
	const char *text = http_query(c->req, "$filter");
	*out = (struct filter){0};
	if (!text || !text[0])
		return 0;
	out->at_scope = strv_eq_nocase(text, "atScope()");
	if (out->at_scope)
		return 0;
	if (!strv_starts_with_nocase(text, principal))
		return bad_parameter(err, "The value of '$filter' must be atScope() or principalId eq {id}.");
	const char *id = text + strlen(principal);
	size_t n = strlen(id);
	bool quoted = n > 1 && id[0] == '\'' && id[n - 1] == '\'';
	char guid[ENC_UUID_SIZE];
	(void)snprintf(guid, sizeof(guid), "%.*s", (int)(n - 2 * quoted), id + quoted);
	return copy_guid("The principal in '$filter'", n - 2 * quoted == strlen(guid) ? guid : NULL, out->principal, err);
}

static bool filter_takes(const struct filter *f, const char *here, const struct pool_assignment *a) {
	return pool_scope_covers(a->scope, here) || (!f->at_scope && pool_scope_covers(here, a->scope));
}

static json_t *next_link(const struct call *c, const struct filter *f, const char *scope, const char *last) {
	char base[VAULT_URL_MAX];
	_cleanup_free_ char *url = strv_printf(
		"%s/%s/providers/Microsoft.Authorization/roleAssignments?api-version=%s%s%s%s&$skiptoken=%s", vault_url(&c->vault, base), scope, c->api_version, f->at_scope ? "&$filter=atScope()" : "",
		f->principal[0] ? "&$filter=principalId%20eq%20" : "", f->principal, last);
	return url ? json_string(url) : NULL;
}

// Those of one page, in the order of their names; *last is the name to go on behind, or "" at the end.
static int collect(const struct call *c, struct store_tx *tx, const struct filter *f, const char *scope, json_t *items,
	char last[static ENC_UUID_SIZE], struct err *err) {
	const char *after = http_query(c->req, "$skiptoken");
	char previous[ENC_UUID_SIZE] = "";
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT " POOL_ASSIGNMENT_COLUMNS " FROM pool_assignments WHERE vault = $1 AND name > $2"
		" AND ($3 = '' OR principal_id = $4) ORDER BY name", "ssss", c->vault_key, after ? after : "", f->principal, f->principal);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		struct pool_assignment a;
		pool_assignment_read(rows, &a);
		if (!filter_takes(f, scope, &a))
			continue;
		if (json_array_size(items) == PAGE) {
			memcpy(last, previous, ENC_UUID_SIZE);
			return 0;
		}
		if (json_array_append_new(items, assignment_json(&a)) < 0)
			return err_oom(err);
		memcpy(previous, a.name, sizeof(previous));
	}
	return rc;
}

int pool_assignments_list(struct call *c, struct store_tx *tx, struct err *err) {
	struct filter f;
	char scope[POOL_SCOPE_MAX], last[ENC_UUID_SIZE] = "";
	_cleanup_json_ json_t *items = json_array();
	int rc = items ? read_filter(c, &f, err) : err_oom(err);
	if (rc < 0)
		return rc;
	pool_scope(c, scope);
	rc = collect(c, tx, &f, scope, items, last, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *page = json_pack("{s:O}", "value", items);
	if (!page || (last[0] && json_set(page, "nextLink", next_link(c, &f, scope, last)) < 0))
		return err_oom(err);
	c->json = TAKE_PTR(page);
	return 0;
}

static json_t *actions_json(const struct pool_role *role) {
	_cleanup_json_ json_t *actions = json_array();
	for (const char *p = role->data_actions; *p;) {
		int n = (int)strcspn(p, " ");
		_cleanup_free_ char *action = strv_printf(DATA_ACTION "%.*s", n, p);
		if (!action || json_array_append_new(actions, json_string(action)) < 0)
			return NULL;
		p += n + (p[n] == ' ');
	}
	return TAKE_PTR(actions);
}

static json_t *definition_json(const struct pool_role *role) {
	_cleanup_free_ char *id = strv_printf(DEFINITION_ID "%s", role->id);
	json_t *actions = id ? actions_json(role) : NULL;
	if (!actions)
		return NULL;
	return json_pack("{s:s, s:s, s:{s:[s], s:s, s:[{s:[], s:o, s:[], s:[]}], s:s, s:s}, s:s}", "id", id, "name", role->id,
		"properties", "assignableScopes", "/", "description", "", "permissions", "actions", "dataActions", actions, "notActions",
		"notDataActions", "roleName", role->name, "type", "AKVBuiltInRole", "type", "Microsoft.Authorization/roleDefinitions");
}

int pool_definitions_list(struct call *c, struct store_tx *tx, struct err *err) {
	(void)tx;
	size_t count;
	const struct pool_role *roles = pool_roles(&count);
	_cleanup_json_ json_t *items = json_array();
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(items, definition_json(&roles[i])) < 0)
			return err_oom(err);
	c->json = json_pack("{s:O}", "value", items);
	return c->json ? 0 : err_oom(err);
}

int pool_definitions_get(struct call *c, struct store_tx *tx, struct err *err) {
	(void)tx;
	const char *name = route_param(&c->match, "definition");
	const struct pool_role *role = pool_role_by_id(name);
	if (!role)
		return err_set(err, -ENOENT, 404, "RoleDefinitionNotFound", "The role definition %.64s was not found.", name);
	c->json = definition_json(role);
	return c->json ? 0 : err_oom(err);
}

int pool_definitions_refuse(struct call *c, struct store_tx *tx, struct err *err) {
	(void)tx;
	if (pool_role_by_id(route_param(&c->match, "definition")))
		return bad_parameter(err, "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID.");
	return bad_parameter(err, "Role definitions of one's own are not offered here: a pool has the built-in roles.");
}

int pool_random(struct call *c, struct err *err) {
	size_t len;
	const void *body = http_body(c->req, &len);
	_cleanup_json_ json_t *parsed = NULL;
	uint8_t bytes[POOL_RANDOM_MAX];
	int rc = request_parse(body, len, &parsed, err);
	if (rc < 0)
		return rc;
	const json_t *count = request_member(parsed, "count");
	if (!json_is_integer(count) || json_integer_value(count) < 1 || json_integer_value(count) > POOL_RANDOM_MAX)
		return bad_parameter(err, "Property 'count' must be between 1 and %d.", POOL_RANDOM_MAX);
	size_t n = (size_t)json_integer_value(count);
	if (RAND_bytes(bytes, (int)n) != 1)
		return err_set(err, -EIO, 500, "InternalServerError", "no random bytes");
	rc = buf_str(&c->body, "{\"value\":\"");
	if (rc == 0)
		rc = enc_base64url(&c->body, bytes, n);
	if (rc == 0)
		rc = buf_str(&c->body, "\"}");
	explicit_bzero(bytes, sizeof(bytes));
	return rc < 0 ? err_oom(err) : 0;
}
