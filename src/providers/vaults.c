// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults: the control plane of a vault; its data plane is the vault room.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
enum { RETENTION_DEFAULT = 90, RETENTION_LEAST = 7 };

static int bad_request(struct err *err, const char *text) {
	return err_set(err, -EINVAL, 400, "BadRequest", "%s", text);
}

static int check_name(const char *name, struct err *err) {
	size_t n = strlen(name);
	if (!strv_made_of(name, NAME_CHARACTERS, 3, VAULT_NAME_MAX) || strchr("0123456789-", name[0]) || name[n - 1] == '-' ||
		strstr(name, "--"))
		return err_set(err, -EINVAL, 400, "VaultNameNotValid",
			"The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must "
			"begin with a letter, end with a letter or digit, and not contain consecutive hyphens.",
			name);
	return 0;
}

static int read_retention(const json_t *properties, struct vault_record *v, bool exists, struct err *err) {
	int64_t days = json_int(properties, "softDeleteRetentionInDays", exists ? v->retention_days : RETENTION_DEFAULT);
	if (exists && days != v->retention_days)
		return bad_request(err, "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.");
	if (days < RETENTION_LEAST || days > RETENTION_DEFAULT)
		return bad_request(err, "The property \"softDeleteRetentionInDays\" must be between 7 and 90.");
	v->retention_days = days;
	return 0;
}

static int read_protection(const json_t *properties, struct vault_record *v, struct err *err) {
	const json_t *soft = json_object_get(properties, "enableSoftDelete");
	if (json_is_false(soft))
		return bad_request(err, "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the "
					"'soft delete' functionality is an irreversible action.");
	const json_t *purge = json_object_get(properties, "enablePurgeProtection");
	if (json_is_false(purge))
		return bad_request(err, "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection "
					"for a vault is an irreversible action.");
	if (json_is_true(purge))
		v->purge_protection = true;
	return 0;
}

static int read_sku(const json_t *properties, struct vault_record *v, bool exists, struct err *err) {
	const char *sku = json_str(properties, "sku.name");
	if (!sku && exists)
		return 0;
	if (!sku || (!strv_eq_nocase(sku, "standard") && !strv_eq_nocase(sku, "premium")))
		return bad_request(err, "The property \"sku.name\" must be standard or premium.");
	(void)snprintf(v->sku, sizeof(v->sku), "%s", strv_eq_nocase(sku, "premium") ? "premium" : "standard");
	return 0;
}

static int read_tenant(struct arm_call *call, const json_t *properties, struct err *err) {
	const char *tenant = json_str(properties, "tenantId");
	if (tenant && !strv_eq_nocase(tenant, call->caller->tenant))
		return bad_request(err, "The property \"tenantId\" must be the tenant of the subscription.");
	return 0;
}

// Everything the request says, into the vault's record.
static int read_settings(struct arm_call *call, const json_t *properties, struct vault_record *v, bool exists,
	struct err *err) {
	int rc = read_tenant(call, properties, err);
	if (rc == 0)
		rc = read_sku(properties, v, exists, err);
	if (rc == 0)
		rc = read_retention(properties, v, exists, err);
	if (rc == 0)
		rc = read_protection(properties, v, err);
	// API versions from 2026-02-01 make RBAC the default; earlier ones need it said.
	const char *version = http_query(call->request, "api-version");
	v->rbac = json_bool(properties, "enableRbacAuthorization", exists ? v->rbac : strcmp(version, "2026-02-01") >= 0);
	return rc;
}

static int write_properties(struct resource *r, const struct vault_record *v, struct err *err) {
	char uri[96];
	(void)snprintf(uri, sizeof(uri), "https://%s.vault.azure.net/", v->name);
	_cleanup_json_ json_t *shown = json_pack("{s:{s:s, s:s}, s:s, s:s, s:b, s:i, s:b, s:[], s:s, s:s}", "sku", "family", "A",
		"name", v->sku, "tenantId", v->tenant_id, "vaultUri", uri, "enableSoftDelete", 1, "softDeleteRetentionInDays",
		(int)v->retention_days, "enableRbacAuthorization", v->rbac, "accessPolicies", "publicNetworkAccess", "Enabled",
		"provisioningState", "Succeeded");
	json_t *properties = resource_properties(r);
	if (!shown || !properties || json_object_update(properties, shown) < 0)
		return err_oom(err);
	if (v->purge_protection && json_set_bool(properties, "enablePurgeProtection", true) < 0)
		return err_oom(err);
	return 0;
}

// A live vault of this name that is not this resource, or a deleted one: the name is taken.
static int check_taken(const struct resource *r, const struct vault_record *v, bool recover, struct err *err) {
	if (v->deleted && !recover)
		return err_set(err, -EEXIST, 409, "ConflictError",
			"A vault with the same name already exists in deleted state. You need to either recover or purge existing key "
			"vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.");
	if (!strv_eq_nocase(v->resource_id, r->id))
		return err_set(err, -EEXIST, 409, "VaultAlreadyExists",
			"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is "
			"already taken.",
			r->name);
	return 0;
}

static int new_record(struct arm_call *call, const struct resource *r, struct vault_record *v, struct err *err) {
	*v = (struct vault_record){.created = clock_now()};
	if (strv_copy(v->name, sizeof(v->name), r->name) < 0 ||
		strv_copy(v->resource_id, sizeof(v->resource_id), r->display_id) < 0 ||
		strv_copy(v->tenant_id, sizeof(v->tenant_id), call->caller->tenant) < 0 ||
		strv_copy(v->location, sizeof(v->location), json_str(r->body, "location")) < 0)
		return bad_request(err, "The vault's resource id is too long.");
	return 0;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const char *mode = json_str(properties, "createMode");
	bool recover = mode && strv_eq_nocase(mode, "recover");
	if (!json_is_object(properties) && !patch)
		return bad_request(err, "The property \"properties\" is missing.");
	int rc = check_name(r->name, err);
	if (rc < 0)
		return rc;

	struct vault_record v;
	rc = vault_find(call->tx, r->name, &v, err);
	bool exists = rc == 0;
	if (rc == -ENOENT)
		rc = recover ? rc : new_record(call, r, &v, err);
	else if (rc == 0)
		rc = check_taken(r, &v, recover, err);
	// The record says where its sets must be, so the document may not say otherwise.
	if (rc == 0 && !strv_eq_nocase(v.location, json_str(r->body, "location")))
		rc = bad_request(err, "The vault can only be recovered in the location it was deleted in.");
	if (rc == 0 && v.deleted)
		rc = vault_recover(call->tx, r->name, err);
	// A recovered vault keeps the settings it was deleted with.
	if (rc == 0 && !recover)
		rc = read_settings(call, properties, &v, exists, err);
	if (rc == 0 && !recover)
		rc = vault_save(call->tx, &v, err);
	return rc < 0 ? rc : write_properties(r, &v, err);
}

static int remove_vault(struct arm_call *call, struct resource *r, struct err *err) {
	return vault_delete(call->tx, r->name, clock_now(), err);
}

const struct arm_type vaults_type = {
	.name = "Microsoft.KeyVault/vaults",
	.has_location = true,
	.put = put,
	.remove = remove_vault,
};

// POST {subscription}/providers/Microsoft.KeyVault/checkNameAvailability
static int handle_names(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	if (strcmp(http_method(call->request), "POST") != 0 || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The availability of a name is asked with POST.");
	int rc = arm_authorize(call, call->target->scope, "Microsoft.KeyVault/checkNameAvailability/read", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(body, "name"), *type = json_str(body, "type");
	if (!name || !type || !strv_eq_nocase(type, "Microsoft.KeyVault/vaults"))
		return bad_request(err, "The parameters \"name\" and \"type\" (Microsoft.KeyVault/vaults) are required.");

	struct vault_record v;
	struct err why = {0};
	const char *reason = NULL;
	if (check_name(name, &why) < 0)
		reason = "AccountNameInvalid";
	else if ((rc = vault_find(call->tx, name, &v, err)) == 0)
		reason = "AlreadyExists";
	else if (rc != -ENOENT)
		return rc;
	call->response->json = !reason ? json_pack("{s:b}", "nameAvailable", 1)
				       : json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", reason, "message",
						 why.message[0] ? why.message : "The name is already in use.");
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type vault_names_type = {.name = "Microsoft.KeyVault/checkNameAvailability", .raw = handle_names};

// Microsoft.KeyVault/locations/deletedVaults: read, and purge; Microsoft.KeyVault/deletedVaults: list.
static json_t *render_deleted(const struct arm_call *call, const struct vault_record *v) {
	char deleted[CLOCK_RFC3339_MAX], purge[CLOCK_RFC3339_MAX];
	_cleanup_free_ char *id = strv_printf("/subscriptions/%s/providers/Microsoft.KeyVault/locations/%s/deletedVaults/%s",
		call->target->subscription, v->location, v->name);
	if (!id)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:b}}", "id", id, "name", v->name, "type",
		"Microsoft.KeyVault/deletedVaults", "properties", "vaultId", v->resource_id, "location", v->location, "deletionDate",
		clock_rfc3339(v->deleted, deleted), "scheduledPurgeDate", clock_rfc3339(v->purge_at, purge), "purgeProtectionEnabled",
		v->purge_protection);
}

static int show_deleted(struct arm_call *call, const struct vault_record *v, struct err *err) {
	call->response->json = render_deleted(call, v);
	return call->response->json ? 0 : err_oom(err);
}

static int list_deleted(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Deleted vaults can be listed here.");
	int rc = arm_authorize(call, call->target->scope, "Microsoft.KeyVault/deletedVaults/read", err);
	json_t *value = json_array();
	call->response->json = json_pack("{s:o}", "value", value);
	if (!call->response->json)
		return err_oom(err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, "SELECT name FROM vaults WHERE deleted IS NOT NULL ORDER BY name", "");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		struct vault_record v;
		rc = vault_find(call->tx, store_text(rows, 0), &v, err);
		if (rc == 0 && access_scope_within(v.resource_id, call->target->scope) &&
			json_array_append_new(value, render_deleted(call, &v)) < 0)
			return err_oom(err);
	}
	return rc;
}

const struct arm_type deleted_vaults_list_type = {.name = "Microsoft.KeyVault/deletedVaults", .raw = list_deleted};

static int handle_deleted(struct arm_call *call, struct err *err) {
	bool purge = strcmp(http_method(call->request), "POST") == 0 && strv_eq_nocase(call->target->tail, "purge");
	if (!purge && (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0] || !call->target->name[0]))
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "A deleted vault can be read by its name, and purged.");
	int rc = arm_authorize(call, call->target->scope,
		purge ? "Microsoft.KeyVault/locations/deletedVaults/purge/action" : "Microsoft.KeyVault/locations/deletedVaults/read",
		err);
	struct vault_record v;
	if (rc == 0)
		rc = vault_find(call->tx, call->target->name, &v, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	// Only the vaults of this subscription, and no group of it: what is deleted belongs to none.
	if (rc == -ENOENT || call->target->group[0] || !v.deleted || !access_scope_within(v.resource_id, call->target->scope))
		return err_set(err, -ENOENT, 404, "DeletedVaultNotFound", "The specified deleted vault '%s' does not exist.",
			call->target->name);
	return purge ? vault_purge(call->tx, v.name, err) : show_deleted(call, &v, err);
}

const struct arm_type deleted_vaults_type = {.name = "Microsoft.KeyVault/locations/deletedVaults", .raw = handle_deleted};
