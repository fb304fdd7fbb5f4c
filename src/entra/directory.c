// SPDX-License-Identifier: Apache-2.0
// Tenants, applications with their secrets, service principals.
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "entra/internal.h"

#define SECRET_BYTES 30  // of entropy: a plain hash cannot be searched through
#define SECRET_LIFETIME (2 * 365 * 86400LL)

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

static int hash_secret(const void *secret, size_t len, struct buf *hex, struct err *err) {
	uint8_t digest[HASH_SHA256_SIZE];
	int rc = hash_sha256(secret, len, digest);
	rc = rc < 0 ? rc : enc_hex(hex, digest, sizeof(digest));
	return rc < 0 ? err_errno(err, rc, "cannot hash a client secret") : 0;
}

int entra_add_tenant(struct store_tx *tx, const char *tenant_id, const char *display_name, struct err *err) {
	char id[ENC_UUID_SIZE];
	int rc = canonical_id(tenant_id, id, err);
	if (rc < 0 || (rc = check_name(display_name, err)) < 0)
		return rc;
	rc = store_exec(tx, err, "INSERT INTO tenants (id, display_name, created) VALUES ($1, $2, $3)", "ssi", id, display_name,
		clock_now());
	return rc < 0 ? rc : 0;
}

int entra_tenant_find(struct store_tx *tx, const char *id, struct entra_tenant *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT id, display_name FROM tenants WHERE id = $1", "s", id);
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc == 0)
		return -ENOENT;
	(void)snprintf(out->id, sizeof(out->id), "%s", store_text(rows, 0));
	(void)snprintf(out->display_name, sizeof(out->display_name), "%s", store_text(rows, 1));
	return 0;
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

static int add_application_row(struct store_tx *tx, const struct entra_principal *p, const char *name, struct err *err) {
	char object_id[ENC_UUID_SIZE];  // of the application, which is another object than its service principal
	int rc = enc_uuid(object_id);
	if (rc < 0)
		return err_errno(err, rc, "cannot make an identifier");
	rc = store_exec(tx, err,
		"INSERT INTO applications (app_id, object_id, tenant_id, display_name, created) VALUES ($1, $2, $3, $4, $5)", "ssssi",
		p->app_id, object_id, p->tenant_id, name, clock_now());
	return rc < 0 ? rc : 0;
}

static int make_secret(struct secret *out, struct err *err) {
	_cleanup_secret_ struct secret random = {0};
	_cleanup_buf_ struct buf text = {0};
	int rc = secret_random(&random, SECRET_BYTES);
	rc = rc < 0 ? rc : enc_base64url(&text, random.data, random.len);
	rc = rc < 0 ? rc : secret_copy(out, text.data, text.len);
	return rc < 0 ? err_errno(err, rc, "cannot make a client secret") : 0;
}

static int add_secret_row(struct store_tx *tx, const char *app_id, const struct secret *secret, struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	char key_id[ENC_UUID_SIZE];
	int rc = hash_secret(secret->data, secret->len, &hash, err);
	if (rc < 0)
		return rc;
	if ((rc = enc_uuid(key_id)) < 0)
		return err_errno(err, rc, "cannot make an identifier");
	int64_t now = clock_now();
	rc = store_exec(tx, err,
		"INSERT INTO application_secrets (key_id, app_id, secret_hash, not_before, not_after) VALUES ($1, $2, $3, $4, $5)",
		"sssii", key_id, app_id, buf_cstr(&hash), now, now + SECRET_LIFETIME);
	return rc < 0 ? rc : 0;
}

int entra_add_application(struct store_tx *tx, const char *tenant_id, const char *display_name, struct entra_principal *out,
	struct secret *client_secret, struct err *err) {
	struct entra_principal p;
	_cleanup_secret_ struct secret secret = {0};
	int rc = check_name(display_name, err);
	if (rc < 0 || (rc = make_principal(tx, tenant_id, &p, err)) < 0 ||
		(rc = add_application_row(tx, &p, display_name, err)) < 0 ||
		(rc = add_service_principal(tx, ENTRA_KIND_APPLICATION, &p, display_name, NULL, err)) < 0 ||
		(rc = make_secret(&secret, err)) < 0 || (rc = add_secret_row(tx, p.app_id, &secret, err)) < 0)
		return rc;
	*out = p;
	*client_secret = secret;
	secret = (struct secret){0};
	return 0;
}

int entra_unbind_secrets(struct store_tx *tx, const char *app_id, struct err *err) {
	int rc = store_exec(tx, err, "UPDATE application_secrets SET not_before = 0, not_after = $1 WHERE app_id = $2", "is",
		CLOCK_MAX, app_id);
	return rc < 0 ? rc : 0;
}

int entra_secret_check(struct store_tx *tx, const char *app_id, const char *secret, int64_t now, struct err *err) {
	_cleanup_buf_ struct buf hash = {0};
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = hash_secret(secret, strlen(secret), &hash, err);
	if (rc < 0)
		return rc;
	rc = store_query(tx, &rows, err, "SELECT secret_hash, not_before, not_after FROM application_secrets WHERE app_id = $1",
		"s", app_id);
	if (rc < 0)
		return rc;
	int answer = -EACCES;
	while ((rc = store_next(rows, err)) > 0) {
		const char *known = store_text(rows, 0);
		if (!secret_equal(known, strlen(known), hash.data, hash.len) || now < store_int(rows, 1))
			continue;
		if (now < store_int(rows, 2))
			answer = 0;
		else if (answer != 0)
			answer = -ETIME;
	}
	return rc < 0 ? rc : answer;
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
	int rc = store_query(tx, &rows, err, PRINCIPAL_COLUMNS " WHERE tenant_id = $1 AND app_id = $2 AND kind = $3", "sss",
		tenant_id, app_id, ENTRA_KIND_APPLICATION);
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
	_cleanup_free_ char *lower = strv_lower(resource_id);
	if (!lower)
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM service_principals WHERE resource_id = $1 AND kind = $2", "ss", lower,
		ENTRA_KIND_IDENTITY);
	return rc < 0 ? rc : 0;
}

static int principal_not_found(const char *object_id, const char *tenant_id, struct err *err) {
	return err_set(err, -ENOENT, 400, "PrincipalNotFound",
		"Principal %.64s does not exist in the directory %.64s. Check that you have the correct principal ID.", object_id,
		tenant_id);
}

int entra_find_principal(struct store_tx *tx, const char *tenant_id, const char *object_id, struct err *err) {
	char tenant[ENC_UUID_SIZE], object[ENC_UUID_SIZE];
	int64_t count;
	if (canonical_id(tenant_id, tenant, NULL) < 0 || canonical_id(object_id, object, NULL) < 0)
		return principal_not_found(object_id, tenant_id, err);
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM service_principals WHERE tenant_id = $1 AND object_id = $2", "ss", tenant, object);
	if (rc < 0)
		return rc;
	return count > 0 ? 0 : principal_not_found(object, tenant, err);
}
