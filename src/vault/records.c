// SPDX-License-Identifier: Apache-2.0
// Vaults themselves, as the control plane sees them.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/object.h"

// A sealed key's context holds the resource id, an object's name and version; the keeper limits it.
#define RESOURCE_ID_MAX (KEEPER_CONTEXT_MAX - (sizeof("/secrets/") + OBJECT_NAME_MAX + 1 + OBJECT_VERSION_LEN))


static void copy_column(struct store_rows *rows, int column, char *out, size_t size) {
	(void)snprintf(out, size, "%s", store_text(rows, column));
}

const char *vault_subscription(const struct vault_record *v, char out[static ENC_UUID_SIZE]) {
	static const char prefix[] = "/subscriptions/";
	const char *id = strv_starts_with_nocase(v->resource_id, prefix) ? v->resource_id + strlen(prefix) : "";
	(void)snprintf(out, ENC_UUID_SIZE, "%.*s", (int)strcspn(id, "/"), id);
	for (char *p = out; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return out;
}

int vault_find(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err) {
	char key[VAULT_NAME_MAX + 1];
	vault_lower_name(name, key);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err,
		"SELECT display_name, resource_id, tenant_id, location, sku, rbac, retention_days, purge_protection, created,"
		" deleted, purge_at, for_deployment, for_disk_encryption, for_template_deployment, private_only, network_deny,"
		" network_no_bypass FROM vaults WHERE name = $1", "s", key);
	if (rc < 0)
		return rc;
	rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "VaultNotFound", "The vault '%.*s' was not found.", VAULT_NAME_MAX, name);
	struct vault_record v = {0};
	copy_column(rows, 0, v.name, sizeof(v.name));
	copy_column(rows, 1, v.resource_id, sizeof(v.resource_id));
	copy_column(rows, 2, v.tenant_id, sizeof(v.tenant_id));
	copy_column(rows, 3, v.location, sizeof(v.location));
	copy_column(rows, 4, v.sku, sizeof(v.sku));
	v.rbac = store_int(rows, 5) != 0;
	v.retention_days = store_int(rows, 6);
	v.purge_protection = store_int(rows, 7) != 0;
	v.created = store_int(rows, 8);
	v.deleted = store_int(rows, 9);
	v.purge_at = store_int(rows, 10);
	v.for_deployment = store_int(rows, 11) != 0;
	v.for_disk_encryption = store_int(rows, 12) != 0;
	v.for_template_deployment = store_int(rows, 13) != 0;
	v.private_only = store_int(rows, 14) != 0;
	v.network_deny = store_int(rows, 15) != 0;
	v.network_no_bypass = store_int(rows, 16) != 0;
	*out = v;
	return 0;
}

// Letters, digits and hyphens; begins with a letter, ends with a letter or digit, no two hyphens together. Of a pool's name
// that is what stands before its suffix.
static bool vault_name_valid(const char *full) {
	char name[VAULT_NAME_MAX + 1];
	size_t n = strcspn(full, ".");
	if (full[n] && strcmp(full + n, VAULT_POOL_SUFFIX) != 0)
		return false;
	(void)snprintf(name, sizeof(name), "%.*s", (int)n, full);
	return n >= 3 && n <= VAULT_LABEL_MAX && object_name_valid(name) && isalpha((unsigned char)name[0]) &&
		name[n - 1] != '-' && !strstr(name, "--");
}

static int check_record(const struct vault_record *v, struct err *err) {
	if (!vault_name_valid(v->name))
		return err_set(err, -EINVAL, 400, "VaultNameNotValid",
			"The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin "
			"with a letter, end with a letter or digit, and not contain consecutive hyphens.", v->name);
	if (strlen(v->resource_id) > RESOURCE_ID_MAX)
		return err_set(err, -EINVAL, 400, "BadRequest", "The resource id of the vault is longer than %zu characters.",
			RESOURCE_ID_MAX);
	if (v->retention_days < 7 || v->retention_days > 90)
		return err_set(err, -EINVAL, 400, "BadRequest",
			"The value of \"softDeleteRetentionInDays\" must be between 7 and 90 days.");
	return 0;
}

static int check_update(const struct vault_record *old, const struct vault_record *v, struct err *err) {
	if (!strv_eq_nocase(old->resource_id, v->resource_id))
		return err_set(err, -EEXIST, 409, "VaultAlreadyExists",
			"The vault name '%s' is already in use. Vault names are globally unique so it is possible that the name is already "
			"taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was "
			"recently deleted but not purged after being placed in a recoverable state.", v->name);
	if (old->deleted != 0)
		return err_set(err, -EEXIST, 409, "ConflictError",
			"A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. "
			"Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.");
	if (old->purge_protection && !v->purge_protection)
		return err_set(err, -EINVAL, 400, "BadRequest",
			"The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an "
			"irreversible action.");
	if (old->retention_days != v->retention_days)
		return err_set(err, -EINVAL, 400, "BadRequest",
			"The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.");
	return 0;
}

// Azure does not say what becomes of keys in an HSM when the tier that has one is left; so it is not left with them.
static int check_downgrade(struct store_tx *tx, const char *key, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM vault_versions WHERE vault = $1 AND kty LIKE '%-HSM'",
		"s", key);
	if (rc == 0 && count > 0)
		rc = err_set(err, -EBUSY, 400, "BadRequest",
			"The property \"sku.name\" cannot be set to standard while the vault has keys that are protected by an HSM.");
	return rc;
}

static int insert_vault(struct store_tx *tx, const struct vault_record *v, const char *key, struct err *err) {
	int rc = store_exec(tx, err,
		"INSERT INTO vaults (name, display_name, resource_id, tenant_id, location, sku, rbac, retention_days,"
		" purge_protection, created) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)", "ssssssiiii", key, v->name, v->resource_id,
		v->tenant_id, v->location, v->sku, (int64_t)v->rbac, v->retention_days, (int64_t)v->purge_protection, v->created);
	return rc < 0 ? rc : 0;
}

static int update_settings(struct store_tx *tx, const struct vault_record *v, const char *key, struct err *err) {
	int rc = store_exec(tx, err,
		"UPDATE vaults SET sku = $1, rbac = $2, purge_protection = $3, for_deployment = $4, for_disk_encryption = $5,"
		" for_template_deployment = $6, private_only = $7 WHERE name = $8", "siiiiiis", v->sku, (int64_t)v->rbac,
		(int64_t)v->purge_protection, (int64_t)v->for_deployment, (int64_t)v->for_disk_encryption,
		(int64_t)v->for_template_deployment, (int64_t)v->private_only, key);
	return rc < 0 ? rc : 0;
}

int vault_save(struct store_tx *tx, const struct vault_record *v, struct err *err) {
	int rc = check_record(v, err);
	if (rc < 0)
		return rc;
	char key[VAULT_NAME_MAX + 1];
	vault_lower_name(v->name, key);
	struct vault_record old;
	rc = vault_find(tx, key, &old, err);
	if (rc == -ENOENT) {
		rc = insert_vault(tx, v, key, err);
	} else if (rc == 0) {
		rc = check_update(&old, v, err);
		if (rc == 0 && vault_is_premium(&old) && !vault_is_premium(v))
			rc = check_downgrade(tx, key, err);
	}
	return rc < 0 ? rc : update_settings(tx, v, key, err);
}

static int mark(struct store_tx *tx, const char *name, int64_t deleted, int64_t purge_at, struct err *err) {
	char key[VAULT_NAME_MAX + 1];
	vault_lower_name(name, key);
	int rc = store_exec(tx, err, "UPDATE vaults SET deleted = NULLIF($1,0), purge_at = NULLIF($2,0) WHERE name = $3", "iis",
		deleted, purge_at, key);
	return rc < 0 ? rc : 0;
}

// A vault in the wanted state, or -ENOENT.
static int find_in_state(struct store_tx *tx, const char *name, bool deleted, struct vault_record *out, struct err *err) {
	struct vault_record v;
	int rc = vault_find(tx, name, &v, err);
	if (rc < 0)
		return rc;
	if ((v.deleted != 0) != deleted)
		return err_set(err, -ENOENT, 404, deleted ? "DeletedVaultNotFound" : "VaultNotFound",
			"The %svault '%s' was not found.", deleted ? "deleted " : "", v.name);
	*out = v;
	return 0;
}

int vault_delete(struct store_tx *tx, const char *name, int64_t now, struct err *err) {
	struct vault_record v;
	int rc = find_in_state(tx, name, false, &v, err);
	return rc < 0 ? rc : mark(tx, name, now, now + v.retention_days * CLOCK_DAY, err);
}

int vault_recover(struct store_tx *tx, const char *name, struct err *err) {
	struct vault_record v;
	int rc = find_in_state(tx, name, true, &v, err);
	return rc < 0 ? rc : mark(tx, name, 0, 0, err);
}

int vault_keep_tags(struct store_tx *tx, const char *name, const json_t *tags, struct err *err) {
	char key[VAULT_NAME_MAX + 1];
	_cleanup_free_ char *text = tags ? json_text(tags) : NULL;
	if (tags && !text)
		return err_oom(err);
	vault_lower_name(name, key);
	int rc = store_exec(tx, err, "UPDATE vaults SET tags = $1 WHERE name = $2", "ss", text, key);
	return rc < 0 ? rc : 0;
}

int vault_kept_tags(struct store_tx *tx, const char *name, json_t **out, struct err *err) {
	char key[VAULT_NAME_MAX + 1];
	_cleanup_rows_ struct store_rows *rows = NULL;
	vault_lower_name(name, key);
	int rc = store_query(tx, &rows, err, "SELECT tags FROM vaults WHERE name = $1 AND tags IS NOT NULL", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	*out = NULL;
	const char *text = rc > 0 ? store_text(rows, 0) : NULL;
	return text ? json_parse(text, strlen(text), "InternalServerError", out, err) : 0;
}

static int remove_vault(struct store_tx *tx, const char *key, struct err *err) {
	static const char *const statements[] = {
		"DELETE FROM vault_versions WHERE vault = $1",
		"DELETE FROM vault_objects WHERE vault = $1",
		"DELETE FROM vault_policies WHERE vault = $1",
		"DELETE FROM vault_ip_rules WHERE vault = $1",
		"DELETE FROM pool_assignments WHERE vault = $1",
		"DELETE FROM vault_connections WHERE vault = $1",
		// Whoever makes another vault of the name is not to be listened to.
		"DELETE FROM diagnostic_sinks WHERE vault = $1",
		"DELETE FROM diagnostic_dead_letters WHERE vault = $1",
		"DELETE FROM diagnostic_settings WHERE vault = $1",
		"DELETE FROM vaults WHERE name = $1",
	};
	int rc = 0;
	for (size_t i = 0; rc >= 0 && i < ARRAY_SIZE(statements); i++)
		rc = store_exec(tx, err, statements[i], "s", key);
	return rc < 0 ? rc : 0;
}

int vault_purge(struct store_tx *tx, const char *name, struct err *err) {
	struct vault_record v;
	int rc = find_in_state(tx, name, true, &v, err);
	if (rc < 0)
		return rc;
	if (v.purge_protection && v.purge_at > clock_now())
		return err_set(err, -EPERM, 400, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.");
	char key[VAULT_NAME_MAX + 1];
	vault_lower_name(name, key);
	return remove_vault(tx, key, err);
}
