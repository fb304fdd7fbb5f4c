// SPDX-License-Identifier: Apache-2.0
#include "providers/authorization.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What lies below these is kept by the resource itself, in its data plane.
static const struct {
	const char *type;
	size_t segments;  // of the resource's id
} holders[] = {
	{"Microsoft.KeyVault/vaults/", 8},
	{"Microsoft.Storage/storageAccounts/", 8},
};

static void cut(char *id, size_t segments) {
	for (char *p = id; (p = strchr(p, '/')); p++)
		if (segments-- == 0) {
			*p = 0;
			return;
		}
}

static int not_found(const char *scope, struct err *err) {
	return err_set(err, -ENOENT, 404, "ResourceNotFound", "The scope '%.512s' does not exist.", scope);
}

static int load_scope(struct arm_call *call, struct arm_target *scope, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	int rc = resource_load(call->tx, scope->id, &r, err);
	for (size_t i = 0; rc == -ENOENT && i < sizeof(holders) / sizeof(holders[0]); i++)
		if (strv_starts_with_nocase(scope->type, holders[i].type)) {
			cut(scope->id, holders[i].segments);
			return resource_load(call->tx, scope->id, &r, err);
		}
	return rc;
}

int authorization_check_scope(struct arm_call *call, const char *scope, bool root, struct err *err) {
	if (root && strcmp(scope, "/") == 0)
		return 0;
	struct arm_target t;
	int64_t count;
	if (arm_parse_path(scope, &t, NULL) < 0 || !t.subscription[0] || !t.name[0] || t.tail[0])
		return not_found(scope, err);
	_cleanup_free_ char *subscription = strv_lower(t.subscription);
	if (!subscription)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM subscriptions WHERE id = $1 AND tenant_id = $2", "ss",
		subscription, call->caller->tenant);
	if (rc < 0)
		return rc;
	if (count == 0)
		return not_found(scope, err);
	return strv_eq_nocase(t.type, "Microsoft.Resources/subscriptions") ? 0 : load_scope(call, &t, err);
}

char *authorization_role_id(const struct arm_call *call, const char *guid) {
	return strv_printf("%s%s/providers/Microsoft.Authorization/roleDefinitions/%s",
		call->target->subscription[0] ? "/subscriptions/" : "", call->target->subscription, guid);
}

int authorization_refuse_method(const struct arm_call *call, struct err *err) {
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
}

static bool take(const char **p, const char *word) {
	if (!strv_starts_with_nocase(*p, word))
		return false;
	*p += strlen(word);
	return true;
}

// A text in quotes, where '' is one quote, and what follows it.
static bool take_text(const char **p, const char *after, char *out, size_t size) {
	size_t n = 0;
	const char *in = *p;
	bool closed = false;
	if (*in++ != '\'' || out[0])
		return false;
	for (; *in && !closed; in++) {
		closed = *in == '\'' && in[1] != '\'';
		if (closed)
			continue;
		in += *in == '\'';
		if (n + 1 >= size)
			return false;
		out[n++] = *in;
	}
	out[n] = 0;
	*p = in;
	return closed && n > 0 && take(p, after);
}

static bool take_term(const char **p, struct authorization_filter *f) {
	if (take(p, "atScope()"))
		return f->at_scope = true;
	if (take(p, "atScopeAndBelow()"))
		return f->at_scope_and_below = true;
	if (take(p, "principalId eq "))
		return take_text(p, "", f->principal_id, sizeof(f->principal_id));
	if (take(p, "assignedTo("))
		return take_text(p, ")", f->assigned_to, sizeof(f->assigned_to));
	if (take(p, "roleName eq "))
		return take_text(p, "", f->role_name, sizeof(f->role_name));
	if (take(p, "type eq "))
		return take_text(p, "", f->type, sizeof(f->type));
	return false;
}

static bool is_allowed(const char *allowed, const char *name, bool used) {
	if (!used)
		return true;
	size_t n = strlen(name);
	for (const char *p = allowed; (p = strstr(p, name)); p += n)
		if ((p == allowed || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
			return true;
	return false;
}

int authorization_read_filter(const struct arm_call *call, const char *allowed, struct authorization_filter *out,
	struct err *err) {
	const char *filter = http_query(call->request, "$filter");
	struct authorization_filter f = {0};
	const char *p = filter ? filter : "";
	bool good = true;
	while (good && *p) {
		good = take_term(&p, &f) && (*p == 0 || (take(&p, " and ") && *p));
		while (*p == ' ')
			p++;
	}
	if (!good || !is_allowed(allowed, "atScope", f.at_scope) ||
		!is_allowed(allowed, "atScopeAndBelow", f.at_scope_and_below) ||
		!is_allowed(allowed, "principalId", f.principal_id[0]) || !is_allowed(allowed, "assignedTo", f.assigned_to[0]) ||
		!is_allowed(allowed, "roleName", f.role_name[0]) || !is_allowed(allowed, "type", f.type[0]))
		return err_set(err, -EINVAL, 400, "UnsupportedQuery", "The filter '%.200s' is not supported.", filter);
	*out = f;
	return 0;
}
