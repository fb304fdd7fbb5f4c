// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/managedHSMs: the control plane of a Managed HSM's pool; its data plane is the vault room. Who
// controls a pool has no access to its keys.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/managedHsms.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

enum { RETENTION_DEFAULT = 90 };

int managed_hsms_check_name(const char *name, struct err *err) {
	if (vaults_check_name(name, NULL) == 0)
		return 0;
	return err_set(err, -EINVAL, 400, "BadRequest",
		"The managed HSM name '%.64s' is invalid. A name must be between 3-24 alphanumeric characters. The name must begin with a "
		"letter, end with a letter or digit, and not contain consecutive hyphens.", name);
}

int managed_hsms_find(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err) {
	char record[VAULT_NAME_MAX + 1];
	vault_pool_name(name, record);
	return vault_find(tx, record, out, err);
}

static int read_sku(const json_t *body, struct vault_record *v, bool exists, struct err *err) {
	static const char *const names[] = {"Standard_B1", "Custom_B32", "Custom_B6"};
	const char *family = json_str(body, "sku.family"), *name = json_str(body, "sku.name");
	if (!json_at(body, "sku") && exists)
		return 0;
	for (size_t i = 0; name && family && strv_eq_nocase(family, "B") && i < ARRAY_SIZE(names); i++)
		if (strv_eq_nocase(names[i], name)) {
			(void)snprintf(v->sku, sizeof(v->sku), "%s", names[i]);
			return 0;
		}
	return vaults_bad_request(err, "The property \"sku\" must be of family B and named Standard_B1, Custom_B32 or Custom_B6.");
}

static int read_retention(const json_t *properties, struct vault_record *v, bool exists, struct err *err) {
	int64_t days = json_int(properties, "softDeleteRetentionInDays", exists ? v->retention_days : RETENTION_DEFAULT);
	if (exists && days != v->retention_days)
		return vaults_bad_request(err, "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.");
	v->retention_days = days;
	return 0;
}

static int read_protection(const json_t *properties, struct vault_record *v, struct err *err) {
	const json_t *purge = json_object_get(properties, "enablePurgeProtection");
	if (json_is_false(json_object_get(properties, "enableSoftDelete")))
		return vaults_bad_request(err, "The property \"enableSoftDelete\" cannot be set to false: soft delete is always on.");
	if (json_is_false(purge) && v->purge_protection)
		return vaults_bad_request(err, "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection "
					"for a managed HSM is an irreversible action.");
	if (json_is_true(purge))
		v->purge_protection = true;
	return 0;
}

static int read_settings(struct arm_call *call, const json_t *body, struct vault_record *v, bool exists, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	int rc = vaults_check_tenant(call, properties, err);
	if (rc == 0 && json_array_size(json_object_get(properties, "regions")) > 0)
		rc = vaults_bad_request(err, "The property \"regions\" is not supported: a managed HSM is in one region.");
	if (rc == 0)
		rc = read_sku(body, v, exists, err);
	if (rc == 0)
		rc = read_retention(properties, v, exists, err);
	if (rc == 0)
		rc = read_protection(properties, v, err);
	return rc < 0 ? rc : vaults_read_public_access(properties, v, err);
}

static int save_admins(struct arm_call *call, const json_t *properties, const struct vault_record *v, bool exists,
	struct err *err) {
	const json_t *list = json_object_get(properties, "initialAdminObjectIds");
	if (exists && (!list || json_is_null(list)))
		return 0;
	return vault_pool_admins_set(call->tx, v, list, err);
}

static int new_record(struct arm_call *call, const struct resource *r, struct vault_record *v, struct err *err) {
	*v = (struct vault_record){.created = clock_now(), .rbac = true};
	vault_pool_name(r->name, v->name);
	return vaults_place(call, r, v) < 0 ? vaults_bad_request(err, "The managed HSM's resource id is too long.") : 0;
}

static int check_taken(const struct resource *r, const struct vault_record *v, bool recover, struct err *err) {
	if (!strv_eq_nocase(v->resource_id, r->id))
		return err_set(err, -EEXIST, 409, "Conflict", "The managed HSM name '%s' is already in use.", r->name);
	if (v->deleted && !recover)
		return err_set(err, -EEXIST, 409, "Conflict",
			"A managed HSM with the name '%s' exists in deleted state. It must be recovered or purged first.", r->name);
	if (!strv_eq_nocase(v->location, json_str(r->body, "location")))
		return vaults_bad_request(err, "The managed HSM can only be recovered in the location it was deleted in.");
	return 0;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const char *mode = json_str(properties, "createMode");
	bool recover = mode && strv_eq_nocase(mode, "recover");
	if (!json_is_object(properties) && !patch)
		return vaults_bad_request(err, "The property \"properties\" is missing.");
	int rc = managed_hsms_check_name(r->name, err);
	if (rc < 0)
		return rc;
	struct vault_record v;
	rc = managed_hsms_find(call->tx, r->name, &v, err);
	bool exists = rc == 0;
	if (rc == -ENOENT)
		rc = recover ? rc : new_record(call, r, &v, err);
	else if (rc == 0)
		rc = check_taken(r, &v, recover, err);
	// A recovered pool keeps the settings it was deleted with.
	if (rc == 0 && recover && v.deleted)
		rc = vault_recover(call->tx, v.name, err);
	if (rc == 0 && !recover)
		rc = read_settings(call, body, &v, exists, err);
	if (rc == 0 && !recover)
		rc = vault_save(call->tx, &v, err);
	if (rc == 0 && !recover)
		rc = save_admins(call, properties, &v, exists, err);
	if (rc == 0 && !recover)
		rc = vaults_save_network(call, properties, &v, err);
	// The contract of this type knows no 201.
	call->response->status = 200;
	return rc;
}

static int show_properties(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	struct vault_record v;
	_cleanup_json_ json_t *admins = NULL, *network = NULL;
	int rc = managed_hsms_find(call->tx, r->name, &v, err);
	if (rc == 0)
		rc = vault_pool_admins_get(call->tx, &v, &admins, err);
	if (rc == 0)
		rc = vault_network_get(call->tx, v.name, &network, err);
	if (rc < 0)
		return rc;
	char uri[64];
	(void)snprintf(uri, sizeof(uri), "https://%s.azure.net/", v.name);
	json_t *properties = json_pack("{s:s, s:s, s:O, s:b, s:i, s:b, s:s, s:s, s:s, s:{s:s, s:s}}", "tenantId", v.tenant_id,
		"hsmUri", uri, "initialAdminObjectIds", admins, "enableSoftDelete", 1, "softDeleteRetentionInDays", (int)v.retention_days,
		"enablePurgeProtection", v.purge_protection, "publicNetworkAccess", v.private_only ? "Disabled" : "Enabled",
		"provisioningState", "Succeeded", "statusMessage", "The Managed HSM is provisioned and ready to use.",
		"securityDomainProperties", "activationStatus", "Active", "activationStatusMessage",
		"Your HSM has been activated and can be used for cryptographic operations.");
	if (json_set(shown, "properties", properties) < 0 ||
		json_set(shown, "sku", json_pack("{s:s, s:s}", "family", "B", "name", v.sku)) < 0)
		return err_oom(err);
	return network && json_object_set(properties, "networkAcls", network) < 0 ? err_oom(err) : 0;
}

static int remove_pool(struct arm_call *call, struct resource *r, struct err *err) {
	char record[VAULT_NAME_MAX + 1];
	vault_pool_name(r->name, record);
	return vault_delete(call->tx, record, clock_now(), err);
}

const struct arm_type managed_hsms_type = {
	.name = "Microsoft.KeyVault/managedHSMs",
	.versions = versions_managed_hsms,
	.has_location = true,
	.put = put,
	.show = show_properties,
	.remove = remove_pool,
};
