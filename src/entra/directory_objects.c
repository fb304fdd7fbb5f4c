// SPDX-License-Identifier: Apache-2.0
// Users, groups, service principals and applications: one life for all, over a table a kind.
#include "entra/directory.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/directory_internal.h"

#define BODY_MAX (256u << 10)  // bytes of an object's other members

// The columns in one order for all kinds: id, tenant, appId, display name, detail, enabled, created, deleted, body.
static const struct {
	const char *table, *columns, *detail;
} tables[DIRECTORY_KINDS] = {
	[DIRECTORY_USER] = {"users",
		"o.object_id, o.tenant_id, NULL, o.display_name, o.upn, o.enabled, o.created, NULL, o.body", "upn"},
	[DIRECTORY_GROUP] = {"groups",
		"o.object_id, o.tenant_id, NULL, o.display_name, NULL, 1, o.created, NULL, o.body", NULL},
	[DIRECTORY_SERVICE_PRINCIPAL] = {"service_principals",
		"o.object_id, o.tenant_id, o.app_id, o.display_name, o.resource_id, o.enabled, o.created, NULL, o.body", "resource_id"},
	[DIRECTORY_APPLICATION] = {"applications",
		"o.object_id, o.tenant_id, o.app_id, o.display_name, o.sign_in_audience, 1, o.created, o.deleted, o.body",
		"sign_in_audience"},
};

void directory_object_free(struct directory_object *o) {
	free(o->display_name);
	free(o->detail);
	json_decref(o->body);
	*o = (struct directory_object){0};
}

int directory_not_found(const char *id, struct err *err) {
	return err_set(err, -ENOENT, 404, "Request_ResourceNotFound",
		"Resource '%.256s' does not exist or one of its queried reference-property objects are not present.", id);
}

int directory_id(const char *id, char out[static ENC_UUID_SIZE], struct err *err) {
	if (!enc_is_uuid(id))
		return err_set(err, -EINVAL, 400, "Request_BadRequest", "Invalid object identifier '%.256s'.", id);
	for (size_t i = 0; i < ENC_UUID_SIZE; i++)
		out[i] = (char)tolower((unsigned char)id[i]);
	return 0;
}

static void copy_id(char out[static ENC_UUID_SIZE], const char *text) {
	(void)snprintf(out, ENC_UUID_SIZE, "%s", text ? text : "");
}

static int read_row(struct store_rows *rows, enum directory_kind kind, struct directory_object *out, struct err *err) {
	_cleanup_object_ struct directory_object o = {.kind = kind};
	const char *detail = store_text(rows, 4), *body = store_text(rows, 8);
	copy_id(o.id, store_text(rows, 0));
	copy_id(o.tenant_id, store_text(rows, 1));
	copy_id(o.app_id, store_text(rows, 2));
	o.display_name = strdup(store_text(rows, 3));
	o.detail = detail ? strdup(detail) : NULL;
	if (!o.display_name || (detail && !o.detail))
		return err_oom(err);
	o.enabled = store_int(rows, 5) != 0;
	o.created = store_int(rows, 6);
	o.deleted = store_int(rows, 7);
	int rc = json_parse(body, strlen(body), "InternalServerError", &o.body, err);
	if (rc < 0)
		return rc;
	*out = o;
	o = (struct directory_object){0};
	return 0;
}

int directory_list_next(struct store_rows *rows, enum directory_kind kind, struct directory_object *out, struct err *err) {
	int rc = store_next(rows, err);
	if (rc <= 0)
		return rc;
	rc = read_row(rows, kind, out, err);
	return rc < 0 ? rc : 1;
}

// The only row of a query. -ENOENT with err untouched.
static int read_only_row(struct store_rows *rows, enum directory_kind kind, struct directory_object *out, struct err *err) {
	int rc = directory_list_next(rows, kind, out, err);
	return rc == 0 ? -ENOENT : rc < 0 ? rc : 0;
}

static const char *living(enum directory_kind kind) {
	return kind == DIRECTORY_APPLICATION ? " AND o.deleted IS NULL" : "";
}

// By one column besides the tenant. -ENOENT with err untouched.
static int get_by(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *column, const char *value,
	struct directory_object *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *sql = strv_printf("SELECT %s FROM %s o WHERE o.tenant_id = $1 AND o.%s = $2%s", tables[kind].columns,
		tables[kind].table, column, living(kind));
	if (!sql)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, sql, "ss", tenant_id, value);
	return rc < 0 ? rc : read_only_row(rows, kind, out, err);
}

static int get_by_id(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *column, const char *id,
	struct directory_object *out, struct err *err) {
	char canonical[ENC_UUID_SIZE];
	int rc = directory_id(id, canonical, err);
	if (rc < 0)
		return rc;
	rc = get_by(tx, tenant_id, kind, column, canonical, out, err);
	return rc == -ENOENT ? directory_not_found(id, err) : rc;
}

int directory_get(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *id,
	struct directory_object *out, struct err *err) {
	return get_by_id(tx, tenant_id, kind, "object_id", id, out, err);
}

int directory_get_by_app(struct store_tx *tx, const char *tenant_id, enum directory_kind kind, const char *app_id,
	struct directory_object *out, struct err *err) {
	return get_by_id(tx, tenant_id, kind, "app_id", app_id, out, err);
}

int directory_get_user_by_name(struct store_tx *tx, const char *tenant_id, const char *upn, struct directory_object *out,
	struct err *err) {
	_cleanup_free_ char *lower = strv_lower(upn);
	if (!lower)
		return err_oom(err);
	int rc = get_by(tx, tenant_id, DIRECTORY_USER, "upn", lower, out, err);
	return rc == -ENOENT ? directory_not_found(upn, err) : rc;
}

int directory_find(struct store_tx *tx, const char *tenant_id, int kinds, const char *id, struct directory_object *out,
	struct err *err) {
	char canonical[ENC_UUID_SIZE];
	int rc = directory_id(id, canonical, err);
	if (rc < 0)
		return rc;
	rc = -ENOENT;
	for (int kind = 0; rc == -ENOENT && kind < kinds; kind++)
		rc = get_by(tx, tenant_id, (enum directory_kind)kind, "object_id", canonical, out, err);
	return rc == -ENOENT ? directory_not_found(id, err) : rc;
}

int directory_get_registration(struct store_tx *tx, const char *app_id, struct directory_object *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_free_ char *sql = strv_printf("SELECT %s FROM applications o WHERE o.app_id = $1 AND o.deleted IS NULL",
		tables[DIRECTORY_APPLICATION].columns);
	char canonical[ENC_UUID_SIZE];
	int rc = sql ? directory_id(app_id, canonical, err) : err_oom(err);
	if (rc == 0)
		rc = store_query(tx, &rows, err, sql, "s", canonical);
	if (rc == 0)
		rc = read_only_row(rows, DIRECTORY_APPLICATION, out, err);
	return rc == -ENOENT ? directory_not_found(app_id, err) : rc;
}

// A restriction on o, whose only parameter is $2.
static const char *relation_sql(enum directory_relation relation) {
	switch (relation) {
	case DIRECTORY_MEMBERS:
		return " AND o.object_id IN (SELECT member_id FROM group_members WHERE group_id = $2)";
	case DIRECTORY_ALL_MEMBERS:
		return " AND o.object_id IN (WITH RECURSIVE found (id) AS (SELECT member_id FROM group_members WHERE group_id = $2"
		       " UNION SELECT m.member_id FROM group_members m JOIN found f ON m.group_id = f.id) SELECT id FROM found)";
	case DIRECTORY_GROUPS:
		return " AND o.object_id IN (SELECT group_id FROM group_members WHERE member_id = $2)";
	case DIRECTORY_ALL_GROUPS:
		return " AND o.object_id IN (WITH RECURSIVE found (id) AS (SELECT group_id FROM group_members WHERE member_id = $2"
		       " UNION SELECT m.group_id FROM group_members m JOIN found f ON m.member_id = f.id) SELECT id FROM found)";
	case DIRECTORY_OWNERS:
		return " AND o.object_id IN (SELECT owner_id FROM directory_owners WHERE object_id = $2)";
	case DIRECTORY_OWNED:
		return " AND o.object_id IN (SELECT object_id FROM directory_owners WHERE owner_id = $2)";
	case DIRECTORY_ALL:
	case DIRECTORY_DELETED:
		break;
	}
	return " AND $2 = ''";
}

static char *condition(const struct directory_list *l) {
	if (l->relation == DIRECTORY_DELETED)
		return strv_printf("o.tenant_id = $1%s AND o.deleted > %" PRId64, relation_sql(l->relation),
			clock_now() - (int64_t)DIRECTORY_RESTORE_SECONDS);
	return strv_printf("o.tenant_id = $1%s%s", relation_sql(l->relation), living(l->kind));
}

int directory_list_open(struct store_tx *tx, const struct directory_list *l, struct store_rows **out, struct err *err) {
	_cleanup_free_ char *where = condition(l);
	const char *comparison = l->descending ? "<" : ">", *direction = l->descending ? " DESC" : "", *of = l->of ? l->of : "";
	char after[160] = "", order[80];
	if (l->by_name)
		(void)snprintf(order, sizeof(order), "lower(o.display_name)%s, o.object_id", direction);
	else
		(void)snprintf(order, sizeof(order), "o.object_id");
	if (l->after_id && l->by_name)
		(void)snprintf(after, sizeof(after),
			" AND (lower(o.display_name) %s lower($3) OR (lower(o.display_name) = lower($3) AND o.object_id > $4))", comparison);
	else if (l->after_id)
		(void)snprintf(after, sizeof(after), " AND o.object_id > $3");
	_cleanup_free_ char *sql = where ? strv_printf("SELECT %s FROM %s o WHERE %s%s ORDER BY %s", tables[l->kind].columns,
		tables[l->kind].table, where, after, order) : NULL;
	if (!sql)
		return err_oom(err);
	if (!l->after_id)
		return store_query(tx, out, err, sql, "ss", l->tenant_id, of);
	if (!l->by_name)
		return store_query(tx, out, err, sql, "sss", l->tenant_id, of, l->after_id);
	return store_query(tx, out, err, sql, "ssss", l->tenant_id, of, l->after_name, l->after_id);
}

int directory_count(struct store_tx *tx, const struct directory_list *l, int64_t *out, struct err *err) {
	_cleanup_free_ char *where = condition(l);
	_cleanup_free_ char *sql = where ? strv_printf("SELECT COUNT(*) FROM %s o WHERE %s", tables[l->kind].table, where) : NULL;
	if (!sql)
		return err_oom(err);
	return store_query_int(tx, out, err, sql, "ss", l->tenant_id, l->of ? l->of : "");
}

int directory_quota(struct err *err) {
	return err_set(err, -EDQUOT, 403, "Directory_QuotaExceeded",
		"The directory object quota limit for the Tenant or Principal has been exceeded. Please ask your administrator to "
		"increase the quota limit or delete objects to reduce the used quota.");
}

static int check_quota(struct store_tx *tx, const struct directory_object *o, struct err *err) {
	int64_t count = 0;
	const struct directory_list all = {.tenant_id = o->tenant_id, .kind = o->kind};
	int rc = directory_count(tx, &all, &count, err);
	return rc == 0 && count >= DIRECTORY_OBJECTS_MAX ? directory_quota(err) : rc;
}

static char *body_text(const struct directory_object *o, struct err *err) {
	char *text = json_text(o->body);
	if (!text) {
		(void)err_oom(err);
		return NULL;
	}
	if (strlen(text) <= BODY_MAX)
		return text;
	(void)err_set(err, -EDQUOT, 403, "Directory_QuotaExceeded", "The properties of the object exceed %u bytes.", BODY_MAX);
	free(text);
	return NULL;
}

static int in_use(const struct directory_object *o, struct err *err) {
	if (o->kind == DIRECTORY_USER)
		return err_set(err, -EEXIST, 400, "Request_BadRequest",
			"Another object with the same value for property userPrincipalName already exists.");
	return err_set(err, -EEXIST, 409, "Request_MultipleObjectsWithSameKeyValue",
		"The service principal cannot be created, updated, or restored because the service principal name %s is already in "
		"use.", o->app_id);
}

static int insert(struct store_tx *tx, const struct directory_object *o, const char *body, struct err *err) {
	switch (o->kind) {
	case DIRECTORY_USER:
		return store_exec(tx, err,
			"INSERT INTO users (object_id, tenant_id, upn, display_name, enabled, created, body)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7)",
			"ssssiis", o->id, o->tenant_id, o->detail, o->display_name, (int64_t)o->enabled, o->created, body);
	case DIRECTORY_GROUP:
		return store_exec(tx, err,
			"INSERT INTO groups (object_id, tenant_id, display_name, created, body) VALUES ($1, $2, $3, $4, $5)", "sssis",
			o->id, o->tenant_id, o->display_name, o->created, body);
	case DIRECTORY_SERVICE_PRINCIPAL:
		return store_exec(tx, err,
			"INSERT INTO service_principals (object_id, tenant_id, app_id, kind, display_name, resource_id, enabled, created,"
			" body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			"ssssssiis", o->id, o->tenant_id, o->app_id, o->detail ? ENTRA_KIND_IDENTITY : ENTRA_KIND_APPLICATION,
			o->display_name, o->detail, (int64_t)o->enabled, o->created, body);
	case DIRECTORY_APPLICATION:
		break;
	}
	return store_exec(tx, err,
		"INSERT INTO applications (object_id, tenant_id, app_id, display_name, sign_in_audience, created, body)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7)",
		"sssssis", o->id, o->tenant_id, o->app_id, o->display_name, o->detail, o->created, body);
}

int directory_add(struct store_tx *tx, struct directory_object *o, struct err *err) {
	_cleanup_free_ char *body = body_text(o, err);
	int rc = body ? check_quota(tx, o, err) : -EDQUOT;
	if (rc < 0)
		return rc;
	if ((!o->id[0] && (rc = enc_uuid(o->id)) < 0) ||
		(o->kind == DIRECTORY_APPLICATION && !o->app_id[0] && (rc = enc_uuid(o->app_id)) < 0))
		return err_errno(err, rc, "cannot make an identifier");
	o->created = clock_now();
	rc = insert(tx, o, body, err);
	if (rc == -EEXIST)
		return in_use(o, err);
	return rc < 0 ? rc : 0;
}

int directory_save(struct store_tx *tx, const struct directory_object *o, struct err *err) {
	_cleanup_free_ char *body = body_text(o, err);
	if (!body)
		return -EDQUOT;
	const char *table = tables[o->kind].table, *detail = tables[o->kind].detail;
	bool enabled = o->kind == DIRECTORY_USER || o->kind == DIRECTORY_SERVICE_PRINCIPAL;
	_cleanup_free_ char *sql = strv_printf("UPDATE %s SET display_name = $1, body = $2%s%s%s WHERE object_id = $%d", table,
		detail ? ", " : "", detail ? detail : "", detail ? (enabled ? " = $3, enabled = $4" : " = $3") : "",
		detail ? (enabled ? 5 : 4) : 3);
	if (!sql)
		return err_oom(err);
	int rc;
	if (!detail)
		rc = store_exec(tx, err, sql, "sss", o->display_name, body, o->id);
	else if (!enabled)
		rc = store_exec(tx, err, sql, "ssss", o->display_name, body, o->detail, o->id);
	else
		rc = store_exec(tx, err, sql, "sssis", o->display_name, body, o->detail, (int64_t)o->enabled, o->id);
	if (rc == -EEXIST)
		return in_use(o, err);
	return rc < 0 ? rc : 0;
}

static int run_all(struct store_tx *tx, const char *const *statements, size_t count, const char *id, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < count; i++)
		rc = store_exec(tx, err, statements[i], "s", id);
	return rc < 0 ? rc : 0;
}

int directory_forget(struct store_tx *tx, const char *id, struct err *err) {
	static const char *const statements[] = {
		"DELETE FROM group_members WHERE member_id = $1",
		"DELETE FROM group_members WHERE group_id = $1",
		"DELETE FROM directory_owners WHERE object_id = $1",
		"DELETE FROM directory_owners WHERE owner_id = $1",
		"DELETE FROM directory_role_assignments WHERE principal_id = $1",
		"DELETE FROM application_secrets WHERE principal_id = $1",
		"DELETE FROM application_certificates WHERE principal_id = $1",
		"DELETE FROM temporary_passes WHERE user_id = $1",
	};
	int rc = run_all(tx, statements, ARRAY_SIZE(statements), id, err);
	return rc < 0 ? rc : entra_revoke_sessions(tx, id, err);
}

static int erase(struct store_tx *tx, enum directory_kind kind, const char *id, struct err *err) {
	_cleanup_free_ char *sql = strv_printf("DELETE FROM %s WHERE object_id = $1", tables[kind].table);
	int rc = sql ? directory_forget(tx, id, err) : err_oom(err);
	if (rc == 0)
		rc = store_exec(tx, err, sql, "s", id);
	return rc < 0 ? rc : 0;
}

static int erase_application(struct store_tx *tx, const char *id, struct err *err) {
	static const char *const statements[] = {
		"DELETE FROM application_secrets WHERE app_id IN (SELECT app_id FROM applications WHERE object_id = $1)",
		"DELETE FROM application_certificates WHERE app_id IN (SELECT app_id FROM applications WHERE object_id = $1)",
	};
	int rc = run_all(tx, statements, ARRAY_SIZE(statements), id, err);
	if (rc == 0)
		rc = directory_federated_remove_all(tx, id, err);
	return rc < 0 ? rc : erase(tx, DIRECTORY_APPLICATION, id, err);
}

// What nobody can restore any more goes when the next one comes.
static int erase_expired(struct store_tx *tx, struct err *err) {
	for (;;) {
		char id[ENC_UUID_SIZE];
		{
			_cleanup_rows_ struct store_rows *rows = NULL;
			int rc = store_query(tx, &rows, err, "SELECT object_id FROM applications WHERE deleted <= $1 LIMIT 1", "i",
				clock_now() - DIRECTORY_RESTORE_SECONDS);
			if (rc < 0 || (rc = store_next(rows, err)) <= 0)
				return rc;
			copy_id(id, store_text(rows, 0));
		}
		int rc = erase_application(tx, id, err);
		if (rc < 0)
			return rc;
	}
}

static int delete_application(struct store_tx *tx, const struct directory_object *o, struct err *err) {
	_cleanup_object_ struct directory_object principal = {0};
	int rc = get_by(tx, o->tenant_id, DIRECTORY_SERVICE_PRINCIPAL, "app_id", o->app_id, &principal, err);
	if (rc == 0)
		rc = directory_delete(tx, &principal, err);
	if (rc == 0 || rc == -ENOENT)
		rc = erase_expired(tx, err);
	if (rc == 0)
		rc = store_exec(tx, err, "UPDATE applications SET deleted = $1 WHERE object_id = $2", "is", clock_now(), o->id);
	return rc < 0 ? rc : 0;
}

int directory_delete(struct store_tx *tx, const struct directory_object *o, struct err *err) {
	if (o->kind == DIRECTORY_APPLICATION)
		return delete_application(tx, o, err);
	int rc = directory_check_others(tx, o->tenant_id, o->id, err);
	return rc < 0 ? rc : erase(tx, o->kind, o->id, err);
}

int directory_get_deleted(struct store_tx *tx, const char *tenant_id, const char *id, struct directory_object *out,
	struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	char canonical[ENC_UUID_SIZE];
	_cleanup_free_ char *sql = strv_printf(
		"SELECT %s FROM applications o WHERE o.tenant_id = $1 AND o.object_id = $2 AND o.deleted > $3",
		tables[DIRECTORY_APPLICATION].columns);
	int rc = sql ? directory_id(id, canonical, err) : err_oom(err);
	if (rc == 0)
		rc = store_query(tx, &rows, err, sql, "ssi", tenant_id, canonical, clock_now() - DIRECTORY_RESTORE_SECONDS);
	if (rc == 0)
		rc = read_only_row(rows, DIRECTORY_APPLICATION, out, err);
	return rc == -ENOENT ? directory_not_found(id, err) : rc;
}

int directory_restore(struct store_tx *tx, const char *tenant_id, const char *id, struct directory_object *out,
	struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = directory_get_deleted(tx, tenant_id, id, &o, err);
	if (rc == 0)
		rc = store_exec(tx, err, "UPDATE applications SET deleted = NULL WHERE object_id = $1", "s", o.id);
	if (rc < 0)
		return rc;
	o.deleted = 0;
	*out = o;
	o = (struct directory_object){0};
	return 0;
}

int directory_purge(struct store_tx *tx, const char *tenant_id, const char *id, struct err *err) {
	_cleanup_object_ struct directory_object o = {0};
	int rc = directory_get_deleted(tx, tenant_id, id, &o, err);
	return rc < 0 ? rc : erase_application(tx, o.id, err);
}
