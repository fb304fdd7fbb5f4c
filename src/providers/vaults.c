// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults: the control plane of a vault; its data plane is the vault room.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
enum { RETENTION_DEFAULT = 90, RETENTION_LEAST = 7 };

int vaults_check_name(const char *name, struct err *err) {
	size_t n = strlen(name);
	if (!strv_made_of(name, NAME_CHARACTERS, 3, VAULT_LABEL_MAX) || strchr("0123456789-", name[0]) || name[n - 1] == '-' ||
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
		return vaults_bad_request(err, "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.");
	if (days < RETENTION_LEAST || days > RETENTION_DEFAULT)
		return vaults_bad_request(err, "The property \"softDeleteRetentionInDays\" must be between 7 and 90.");
	v->retention_days = days;
	return 0;
}

static int read_protection(const json_t *properties, struct vault_record *v, struct err *err) {
	const json_t *soft = json_object_get(properties, "enableSoftDelete");
	if (json_is_false(soft))
		return vaults_bad_request(err, "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the "
					"'soft delete' functionality is an irreversible action.");
	const json_t *purge = json_object_get(properties, "enablePurgeProtection");
	if (json_is_false(purge))
		return vaults_bad_request(err, "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection "
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
		return vaults_bad_request(err, "The property \"sku.name\" must be standard or premium.");
	(void)snprintf(v->sku, sizeof(v->sku), "%s", strv_eq_nocase(sku, "premium") ? "premium" : "standard");
	return 0;
}

int vaults_check_tenant(const struct arm_call *call, const json_t *properties, struct err *err) {
	const char *tenant = json_str(properties, "tenantId");
	if (tenant && !strv_eq_nocase(tenant, call->caller->tenant))
		return vaults_bad_request(err, "The property \"tenantId\" must be the tenant of the subscription.");
	return 0;
}

// A member that is not set, or null, leaves what is.
static int read_flag(const json_t *properties, const char *name, bool *flag, struct err *err) {
	const json_t *given = json_object_get(properties, name);
	if (!given || json_is_null(given))
		return 0;
	if (!json_is_boolean(given))
		return vaults_bad_request(err, "The property \"%s\" must be true or false.", name);
	*flag = json_is_true(given);
	return 0;
}

int vaults_read_public_access(const json_t *properties, struct vault_record *v, struct err *err) {
	const json_t *given = json_object_get(properties, "publicNetworkAccess");
	const char *access = json_string_value(given);
	if (!given || json_is_null(given))
		return 0;
	if (!access || (!strv_eq_nocase(access, "Enabled") && !strv_eq_nocase(access, "Disabled")))
		return vaults_bad_request(err, "The property \"publicNetworkAccess\" must be Enabled or Disabled.");
	v->private_only = strv_eq_nocase(access, "Disabled");
	return 0;
}

// Who may change the model decides who has access at all, which is for those who may assign roles without condition.
static int read_model(struct arm_call *call, const json_t *properties, struct vault_record *v, bool exists, struct err *err) {
	bool before = v->rbac;
	int rc = read_flag(properties, "enableRbacAuthorization", &v->rbac, err);
	if (rc == 0 && exists && v->rbac != before)
		rc = arm_authorize(call, call->target->id, "Microsoft.Authorization/roleAssignments/write", err);
	return rc;
}

// Everything the request says, into the vault's record.
static int read_settings(struct arm_call *call, const json_t *properties, struct vault_record *v, bool exists,
	struct err *err) {
	int rc = vaults_check_tenant(call, properties, err);
	if (rc == 0)
		rc = read_sku(properties, v, exists, err);
	if (rc == 0)
		rc = read_retention(properties, v, exists, err);
	if (rc == 0)
		rc = read_protection(properties, v, err);
	if (rc == 0)
		rc = read_flag(properties, "enabledForDeployment", &v->for_deployment, err);
	if (rc == 0)
		rc = read_flag(properties, "enabledForDiskEncryption", &v->for_disk_encryption, err);
	if (rc == 0)
		rc = read_flag(properties, "enabledForTemplateDeployment", &v->for_template_deployment, err);
	if (rc == 0)
		rc = vaults_read_public_access(properties, v, err);
	return rc < 0 ? rc : read_model(call, properties, v, exists, err);
}

static int save_policies(struct arm_call *call, const json_t *properties, const struct vault_record *v, struct err *err) {
	const json_t *list = json_object_get(properties, "accessPolicies");
	return !list || json_is_null(list) ? 0 : vault_policies_set(call->tx, v, list, err);
}

int vaults_save_network(struct arm_call *call, const json_t *properties, const struct vault_record *v, struct err *err) {
	const json_t *acls = json_object_get(properties, "networkAcls");
	const char *reserved = NULL;
	if (!acls || json_is_null(acls))
		return 0;
	int rc = vault_network_set(call->tx, v, acls, &reserved, err);
	if (rc < 0 || !reserved)
		return rc;
	// Where the clients are on a private network too, such rules are the useful ones.
	return arm_advise(call, err, "BadRequest",
		"Azure refuses the value found at properties.networkAcls.ipRules: %s belongs to a forbidden range (private IP addresses)",
		reserved);
}

static int show_properties(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	struct vault_record v;
	_cleanup_json_ json_t *policies = NULL, *network = NULL;
	int rc = vault_find(call->tx, r->name, &v, err);
	if (rc == 0)
		rc = vault_policies_get(call->tx, v.name, &policies, err);
	if (rc == 0)
		rc = vault_network_get(call->tx, v.name, &network, err);
	if (rc < 0)
		return rc;
	char uri[96];
	(void)snprintf(uri, sizeof(uri), "https://%s.vault.azure.net/", v.name);
	json_t *properties = json_pack("{s:{s:s, s:s}, s:s, s:s, s:b, s:i, s:b, s:b, s:b, s:b, s:O, s:s, s:s}", "sku", "family", "A",
		"name", v.sku, "tenantId", v.tenant_id, "vaultUri", uri, "enableSoftDelete", 1, "softDeleteRetentionInDays",
		(int)v.retention_days, "enableRbacAuthorization", v.rbac, "enabledForDeployment", v.for_deployment,
		"enabledForDiskEncryption", v.for_disk_encryption, "enabledForTemplateDeployment", v.for_template_deployment,
		"accessPolicies", policies, "publicNetworkAccess", v.private_only ? "Disabled" : "Enabled", "provisioningState",
		"Succeeded");
	if (json_set(shown, "properties", properties) < 0)
		return err_oom(err);
	if (network && json_object_set(properties, "networkAcls", network) < 0)
		return err_oom(err);
	if (v.purge_protection && json_set_bool(properties, "enablePurgeProtection", true) < 0)
		return err_oom(err);
	return vaults_show_connections(call->tx, &v, properties, err);
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

int vaults_place(const struct arm_call *call, const struct resource *r, struct vault_record *v) {
	int rc = strv_copy(v->resource_id, sizeof(v->resource_id), r->display_id);
	if (rc == 0)
		rc = strv_copy(v->tenant_id, sizeof(v->tenant_id), call->caller->tenant);
	return rc < 0 ? rc : strv_copy(v->location, sizeof(v->location), json_str(r->body, "location"));
}

static int new_record(struct arm_call *call, const struct resource *r, struct vault_record *v, struct err *err) {
	// API versions from 2026-02-01 make RBAC the default; earlier ones need it said.
	*v = (struct vault_record){
		.created = clock_now(), .rbac = strcmp(http_query(call->request, "api-version"), "2026-02-01") >= 0};
	if (strv_copy(v->name, sizeof(v->name), r->name) < 0 || vaults_place(call, r, v) < 0)
		return vaults_bad_request(err, "The vault's resource id is too long.");
	return 0;
}

// With the tags that it was deleted with, unless the request has others.
static int recover_vault(struct arm_call *call, struct resource *r, struct err *err) {
	_cleanup_json_ json_t *tags = NULL;
	int rc = vault_kept_tags(call->tx, r->name, &tags, err);
	if (rc == 0)
		rc = vault_recover(call->tx, r->name, err);
	if (rc == 0 && tags && !json_object_get(r->body, "tags") && json_object_set(r->body, "tags", tags) < 0)
		rc = err_oom(err);
	return rc;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *properties = json_object_get(body, "properties");
	const char *mode = json_str(properties, "createMode");
	bool recover = mode && strv_eq_nocase(mode, "recover");
	if (!json_is_object(properties) && !patch)
		return vaults_bad_request(err, "The property \"properties\" is missing.");
	int rc = vaults_check_name(r->name, err);
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
		rc = vaults_bad_request(err, "The vault can only be recovered in the location it was deleted in.");
	if (rc == 0 && v.deleted)
		rc = recover_vault(call, r, err);
	// A recovered vault keeps the settings it was deleted with.
	if (rc == 0 && !recover)
		rc = read_settings(call, properties, &v, exists, err);
	if (rc == 0 && !recover)
		rc = vault_save(call->tx, &v, err);
	if (rc == 0 && !recover)
		rc = save_policies(call, properties, &v, err);
	if (rc == 0 && !recover)
		rc = vaults_save_network(call, properties, &v, err);
	return rc < 0 ? rc : vaults_record(call, &v, recover ? "VaultRecover" : patch ? "VaultPatch" : "VaultPut", err);
}

static int remove_vault(struct arm_call *call, struct resource *r, struct err *err) {
	struct vault_record v;
	int rc = vault_find(call->tx, r->name, &v, err);
	if (rc == 0)
		rc = vault_keep_tags(call->tx, r->name, json_object_get(r->body, "tags"), err);
	if (rc == 0)
		rc = vault_delete(call->tx, r->name, clock_now(), err);
	return rc < 0 ? rc : vaults_record(call, &v, "VaultDelete", err);
}

const struct arm_type vaults_type = {
	.name = "Microsoft.KeyVault/vaults",
	.versions = versions_vaults,
	.deletion_rank = 5,
	.has_location = true,
	.put = put,
	.show = show_properties,
	.remove = remove_vault,
};
