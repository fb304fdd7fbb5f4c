// SPDX-License-Identifier: Apache-2.0
// Tenants, the first applications of one, and managed identities.
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "entra/directory_internal.h"

#define SECRET_LIFETIME (2 * 365 * 86400LL)
#define LABEL_MAX 27  // characters of a domain's own part

static int canonical_id(const char *id, char out[static ENC_UUID_SIZE], struct err *err) {
	if (!enc_is_uuid(id))
		return err_set(err, -EINVAL, 400, "BadRequest", "An identifier is not a GUID.");
	for (size_t i = 0; i < ENC_UUID_SIZE; i++)
		out[i] = (char)tolower((unsigned char)id[i]);
	return 0;
}

static int check_name(const char *name, struct err *err) {
	size_t len = strlen(name);
	_cleanup_json_ json_t *utf8 = len > 0 && len <= ENTRA_NAME_MAX ? json_string(name) : NULL;
	if (!utf8)
		return err_set(err, -EINVAL, 400, "BadRequest", "A display name must be 1 to %d bytes of UTF-8.", ENTRA_NAME_MAX);
	return 0;
}

// The letters and digits of the tenant's name, and the beginning of its id when another tenant has that domain.
static void make_label(const char *id, const char *display_name, bool taken, char out[static DIRECTORY_DOMAIN_MAX]) {
	char label[LABEL_MAX + 1] = "";
	size_t n = 0;
	for (const char *p = display_name; *p && n < LABEL_MAX; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789", tolower((unsigned char)*p)))
			label[n++] = (char)tolower((unsigned char)*p);
	(void)snprintf(out, DIRECTORY_DOMAIN_MAX, "%s%.*s" DIRECTORY_DOMAIN_SUFFIX, n > 0 ? label : "tenant",
		taken || n == 0 ? 8 : 0, id);
}

static int make_domain(struct store_tx *tx, const char *id, const char *display_name, char out[static DIRECTORY_DOMAIN_MAX],
	struct err *err) {
	int64_t taken = 0;
	make_label(id, display_name, false, out);
	int rc = store_query_int(tx, &taken, err, "SELECT COUNT(*) FROM tenants WHERE domain = $1", "s", out);
	if (rc == 0 && taken > 0)
		make_label(id, display_name, true, out);
	return rc;
}

int entra_add_tenant(struct store_tx *tx, const char *tenant_id, const char *display_name, struct err *err) {
	char id[ENC_UUID_SIZE], domain[DIRECTORY_DOMAIN_MAX];
	int rc = canonical_id(tenant_id, id, err);
	if (rc < 0 || (rc = check_name(display_name, err)) < 0 || (rc = make_domain(tx, id, display_name, domain, err)) < 0)
		return rc;
	rc = store_exec(tx, err, "INSERT INTO tenants (id, display_name, created, domain) VALUES ($1, $2, $3, $4)", "ssis", id,
		display_name, clock_now(), domain);
	return rc < 0 ? rc : directory_add_first_party(tx, id, err);
}

// `sql` selects by $1.
static int read_tenant(struct store_tx *tx, const char *sql, const char *key, struct entra_tenant *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, sql, "s", key);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(rows, 0));
	(void)snprintf(out->display_name, sizeof(out->display_name), "%s", store_text(rows, 1));
	(void)snprintf(out->domain, sizeof(out->domain), "%s", store_text(rows, 2));
	out->created = store_int(rows, 3);
	return 0;
}

int entra_tenant_find(struct store_tx *tx, const char *id, struct entra_tenant *out, struct err *err) {
	return read_tenant(tx, "SELECT id, display_name, domain, created FROM tenants WHERE id = $1", id, out, err);
}

int entra_tenant_find_by_domain(struct store_tx *tx, const char *domain, struct entra_tenant *out, struct err *err) {
	return read_tenant(tx, "SELECT id, display_name, domain, created FROM tenants WHERE domain = $1", domain, out, err);
}

int directory_tenant(struct store_tx *tx, const char *tenant_id, struct entra_tenant *out, struct err *err) {
	int rc = entra_tenant_find(tx, tenant_id, out, err);
	return rc == -ENOENT ? directory_not_found(tenant_id, err) : rc;
}

// The canonical id of a tenant that must exist.
static int require_tenant(struct store_tx *tx, const char *tenant_id, char out[static ENC_UUID_SIZE], struct err *err) {
	struct entra_tenant tenant;
	char id[ENC_UUID_SIZE];
	int rc = canonical_id(tenant_id, id, err);
	if (rc < 0)
		return rc;
	rc = entra_tenant_find(tx, id, &tenant, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "TenantNotFound", "The tenant '%s' does not exist.", id);
	if (rc == 0)
		memcpy(out, id, sizeof(id));
	return rc;
}

static int add_service_principal(struct store_tx *tx, const char *kind, const struct entra_principal *p, const char *name,
	const char *resource_id, struct err *err) {
	int rc = store_exec(tx, err,
		"INSERT INTO service_principals (object_id, tenant_id, app_id, kind, display_name, resource_id, enabled, created)"
		" VALUES ($1, $2, $3, $4, $5, $6, 1, $7)",
		"ssssssi", p->object_id, p->tenant_id, p->app_id, kind, name, resource_id, clock_now());
	return rc < 0 ? rc : 0;
}

// Fresh ids in a tenant.
static int make_principal(struct store_tx *tx, const char *tenant_id, struct entra_principal *out, struct err *err) {
	struct entra_principal p;
	int rc = require_tenant(tx, tenant_id, p.tenant_id, err);
	if (rc < 0)
		return rc;
	if ((rc = enc_uuid(p.app_id)) < 0 || (rc = enc_uuid(p.object_id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	*out = p;
	return 0;
}

static int add_application_row(struct store_tx *tx, const struct entra_principal *p, const char *name,
	struct directory_object *out, struct err *err) {
	_cleanup_object_ struct directory_object o = {.kind = DIRECTORY_APPLICATION, .enabled = true, .display_name = strdup(name),
		.detail = strdup("AzureADMyOrg"), .body = json_object()};
	if (!o.display_name || !o.detail || !o.body)
		return err_oom(err);
	memcpy(o.tenant_id, p->tenant_id, sizeof(o.tenant_id));
	memcpy(o.app_id, p->app_id, sizeof(o.app_id));
	int rc = directory_add(tx, &o, err);
	if (rc < 0)
		return rc;
	*out = o;
	o = (struct directory_object){0};
	return 0;
}

int entra_add_application(struct store_tx *tx, const char *tenant_id, const char *display_name, struct entra_principal *out,
	struct secret *client_secret, struct err *err) {
	struct entra_principal p;
	_cleanup_object_ struct directory_object application = {0};
	int64_t now = clock_now();
	struct directory_credential credential = {.not_before = now, .not_after = now + SECRET_LIFETIME};
	int rc = check_name(display_name, err);
	if (rc < 0 || (rc = make_principal(tx, tenant_id, &p, err)) < 0 ||
		(rc = add_application_row(tx, &p, display_name, &application, err)) < 0 ||
		(rc = add_service_principal(tx, ENTRA_KIND_APPLICATION, &p, display_name, NULL, err)) < 0 ||
		(rc = directory_add_secret(tx, &application, &credential, client_secret, err)) < 0)
		return rc;
	*out = p;
	return 0;
}

int entra_unbind_secrets(struct store_tx *tx, const char *app_id, struct err *err) {
	int rc = store_exec(tx, err, "UPDATE application_secrets SET not_before = 0, not_after = $1 WHERE app_id = $2", "is",
		CLOCK_MAX, app_id);
	return rc < 0 ? rc : 0;
}

#define PRINCIPAL_COLUMNS "SELECT tenant_id, app_id, object_id, display_name, resource_id, enabled FROM service_principals"

static int read_principal(struct store_rows *rows, struct entra_service_principal *out, struct err *err) {
	int rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	const char *resource_id = store_text(rows, 4);
	struct entra_service_principal p = {.enabled = store_int(rows, 5) != 0};
	(void)snprintf(p.ids.tenant_id, sizeof(p.ids.tenant_id), "%s", store_text(rows, 0));
	(void)snprintf(p.ids.app_id, sizeof(p.ids.app_id), "%s", store_text(rows, 1));
	(void)snprintf(p.ids.object_id, sizeof(p.ids.object_id), "%s", store_text(rows, 2));
	(void)snprintf(p.display_name, sizeof(p.display_name), "%s", store_text(rows, 3));
	(void)snprintf(p.resource_id, sizeof(p.resource_id), "%s", resource_id ? resource_id : "");
	*out = p;
	return 0;
}

int entra_application_find(struct store_tx *tx, const char *tenant_id, const char *app_id,
	struct entra_service_principal *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	// Its registration must be there still, and be open to the tenant.
	int rc = store_query(tx, &rows, err,
		PRINCIPAL_COLUMNS " WHERE tenant_id = $1 AND app_id = $2 AND kind = $3 AND EXISTS (SELECT 1 FROM applications a"
		" WHERE a.app_id = service_principals.app_id AND a.deleted IS NULL AND (a.tenant_id = service_principals.tenant_id"
		" OR a.sign_in_audience IN ('AzureADMultipleOrgs', 'AzureADandPersonalMicrosoftAccount')))",
		"sss", tenant_id, app_id, ENTRA_KIND_APPLICATION);
	return rc < 0 ? rc : read_principal(rows, out, err);
}

int entra_identity_find(struct store_tx *tx, const char *client_id, struct entra_service_principal *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, PRINCIPAL_COLUMNS " WHERE app_id = $1 AND kind = $2", "ss", client_id,
		ENTRA_KIND_IDENTITY);
	return rc < 0 ? rc : read_principal(rows, out, err);
}

// -ENOENT with err untouched.
static int find_by_resource(struct store_tx *tx, const char *resource_id, struct entra_principal *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	struct entra_service_principal p;
	_cleanup_free_ char *lower = strv_lower(resource_id);
	if (!lower)
		return err_oom(err);
	int rc = store_query(tx, &rows, err, PRINCIPAL_COLUMNS " WHERE resource_id = $1", "s", lower);
	if (rc < 0 || (rc = read_principal(rows, &p, err)) < 0)
		return rc;
	*out = p.ids;
	return 0;
}

int entra_find_managed_identity(struct store_tx *tx, const char *resource_id, struct entra_principal *out, struct err *err) {
	int rc = find_by_resource(tx, resource_id, out, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "ResourceNotFound", "The managed identity '%.512s' was not found.", resource_id);
	return rc;
}

static int insert_identity(struct store_tx *tx, const char *tenant_id, const char *resource_id, const char *name,
	struct entra_principal *out, struct err *err) {
	struct entra_principal p;
	_cleanup_free_ char *lower = strv_lower(resource_id);
	if (!lower)
		return err_oom(err);
	int rc = check_name(name, err);
	if (rc < 0 || (rc = make_principal(tx, tenant_id, &p, err)) < 0 ||
		(rc = add_service_principal(tx, ENTRA_KIND_IDENTITY, &p, name, lower, err)) < 0)
		return rc;
	*out = p;
	return 0;
}

int entra_add_managed_identity(struct store_tx *tx, const char *tenant_id, const char *resource_id, const char *name,
	struct entra_principal *out, struct err *err) {
	struct entra_principal p;
	size_t len = strlen(resource_id);
	if (len == 0 || len > ENTRA_RESOURCE_ID_MAX)
		return err_set(err, -EINVAL, 400, "BadRequest", "The resource id of a managed identity is empty or too long.");
	int rc = find_by_resource(tx, resource_id, &p, err);
	if (rc == -ENOENT)
		return insert_identity(tx, tenant_id, resource_id, name, out, err);
	if (rc < 0)
		return rc;
	if (!strv_eq_nocase(p.tenant_id, tenant_id))
		return err_set(err, -EEXIST, 409, "Conflict", "The managed identity belongs to another tenant.");
	*out = p;
	return 0;
}

int entra_remove_managed_identity(struct store_tx *tx, const char *resource_id, struct err *err) {
	struct entra_principal p;
	int rc = find_by_resource(tx, resource_id, &p, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = directory_forget(tx, p.object_id, err);
	if (rc == 0)
		rc = directory_federated_remove_all(tx, resource_id, err);
	if (rc == 0)
		rc = store_exec(tx, err, "DELETE FROM service_principals WHERE object_id = $1", "s", p.object_id);
	return rc < 0 ? rc : 0;
}

static int principal_not_found(const char *object_id, const char *tenant_id, struct err *err) {
	return err_set(err, -ENOENT, 400, "PrincipalNotFound",
		"Principal %.64s does not exist in the directory %.64s. Check that you have the correct principal ID.", object_id,
		tenant_id);
}

int entra_find_principal(struct store_tx *tx, const char *tenant_id, const char *object_id, struct err *err) {
	_cleanup_object_ struct directory_object found = {0};
	char tenant[ENC_UUID_SIZE];
	if (canonical_id(tenant_id, tenant, NULL) < 0 || !enc_is_uuid(object_id))
		return principal_not_found(object_id, tenant_id, err);
	int rc = directory_find(tx, tenant, DIRECTORY_PRINCIPAL_KINDS, object_id, &found, err);
	return rc == -ENOENT ? principal_not_found(object_id, tenant, err) : rc;
}
