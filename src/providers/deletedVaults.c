// SPDX-License-Identifier: Apache-2.0
// What is deleted and not yet purged, of vaults and of Managed HSMs: Microsoft.KeyVault/locations/deleted…: read, and purge;
// Microsoft.KeyVault/deleted…: list.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/managedHsms.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { PURGE_SECONDS = 60 };

struct deleted_kind {
	bool pool;
	const char *collection;  // "deletedVaults"
	const char *noun;        // in messages
	const char *list_noun;
	const char *id_member;   // of what it was
	const char *not_found;
	int (*find)(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err);
};

static const struct deleted_kind vaults = {
	.collection = "deletedVaults",
	.noun = "vault",
	.list_noun = "vaults",
	.id_member = "vaultId",
	.not_found = "DeletedVaultNotFound",
	.find = vault_find,
};

static const struct deleted_kind pools = {
	.pool = true,
	.collection = "deletedManagedHSMs",
	.noun = "managed HSM",
	.list_noun = "managed HSMs",
	.id_member = "mhsmId",
	.not_found = "ResourceNotFound",
	.find = managed_hsms_find,
};

static int render(const struct arm_call *call, const struct deleted_kind *k, const struct vault_record *v, json_t **out,
	struct err *err) {
	_cleanup_json_ json_t *tags = NULL;
	int rc = vault_kept_tags(call->tx, v->name, &tags, err);
	if (rc < 0)
		return rc;
	char deleted[CLOCK_RFC3339_MAX], purge[CLOCK_RFC3339_MAX];
	// A pool's record is named by what stands before the first dot.
	int n = (int)strcspn(v->name, ".");
	_cleanup_free_ char *id = strv_printf("/subscriptions/%s/providers/Microsoft.KeyVault/locations/%s/%s/%.*s",
		call->target->subscription, v->location, k->collection, n, v->name);
	_cleanup_free_ char *type = strv_printf("Microsoft.KeyVault/%s", k->collection);
	json_t *json = !id || !type ? NULL
		: json_pack("{s:s, s:s%, s:s, s:{s:s, s:s, s:s, s:s, s:b, s:O*}}", "id", id, "name", v->name, (size_t)n, "type", type,
			  "properties", k->id_member, v->resource_id, "location", v->location, "deletionDate",
			  clock_rfc3339(v->deleted, deleted), "scheduledPurgeDate", clock_rfc3339(v->purge_at, purge),
			  "purgeProtectionEnabled", v->purge_protection, "tags", tags);
	if (!json)
		return err_oom(err);
	*out = json;
	return 0;
}

static int authorize(struct arm_call *call, const struct deleted_kind *k, const char *prefix, const char *verb,
	struct err *err) {
	_cleanup_free_ char *action = strv_printf("Microsoft.KeyVault/%s%s/%s", prefix, k->collection, verb);
	return action ? arm_authorize(call, call->target->scope, action, err) : err_oom(err);
}

static int list(struct arm_call *call, const struct deleted_kind *k, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Deleted %s can be listed here.", k->list_noun);
	int rc = authorize(call, k, "", "read", err);
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (rc == 0)
		rc = store_query(call->tx, &rows, err, "SELECT name FROM vaults WHERE deleted IS NOT NULL ORDER BY name", "");
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		struct vault_record v;
		json_t *item = NULL;
		rc = vault_find(call->tx, store_text(rows, 0), &v, err);
		if (rc == 0 && vault_is_pool(&v) == k->pool && access_scope_within(v.resource_id, call->target->scope))
			rc = render(call, k, &v, &item, err);
		if (item && json_array_append_new(value, item) < 0)
			return err_oom(err);
	}
	return rc;
}

// Done with the answer, which is that of work that goes on, as clients expect it.
static int purge_vault(struct arm_call *call, const struct vault_record *v, struct err *err) {
	_cleanup_resource_ struct resource deleted = {0};
	int rc = vault_purge(call->tx, v->name, err);
	if (rc == 0)
		rc = resource_new(call->target, call->target->type, &deleted, err);
	if (rc == 0)
		rc = arm_operation_start(call, &deleted, "purge", PURGE_SECONDS, err);
	call->response->status = 202;
	return rc;
}

static int handle(struct arm_call *call, const struct deleted_kind *k, struct err *err) {
	bool purge = strcmp(http_method(call->request), "POST") == 0 && strv_eq_nocase(call->target->tail, "purge");
	if (!purge && (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0] || !call->target->name[0]))
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "A deleted %s can be read by its name, and purged.", k->noun);
	int rc = authorize(call, k, "locations/", purge ? "purge/action" : "read", err);
	struct vault_record v;
	if (rc == 0)
		rc = k->find(call->tx, call->target->name, &v, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	// Only those of this subscription, and no group of it: what is deleted belongs to none.
	if (rc == -ENOENT || call->target->group[0] || !v.deleted || vault_is_pool(&v) != k->pool ||
		!access_scope_within(v.resource_id, call->target->scope))
		return err_set(err, -ENOENT, 404, k->not_found, "The specified deleted %s '%s' does not exist.", k->noun,
			call->target->name);
	return purge ? purge_vault(call, &v, err) : render(call, k, &v, &call->response->json, err);
}

static int list_vaults(struct arm_call *call, struct err *err) {
	return list(call, &vaults, err);
}

static int handle_vault(struct arm_call *call, struct err *err) {
	return handle(call, &vaults, err);
}

static int list_pools(struct arm_call *call, struct err *err) {
	return list(call, &pools, err);
}

static int handle_pool(struct arm_call *call, struct err *err) {
	return handle(call, &pools, err);
}

const struct arm_type deleted_vaults_list_type = {
	.name = "Microsoft.KeyVault/deletedVaults", .versions = versions_vaults, .raw = list_vaults};
const struct arm_type deleted_vaults_type = {
	.name = "Microsoft.KeyVault/locations/deletedVaults", .versions = versions_vaults, .raw = handle_vault};
const struct arm_type deleted_managed_hsms_list_type = {
	.name = "Microsoft.KeyVault/deletedManagedHSMs", .versions = versions_managed_hsms, .raw = list_pools};
const struct arm_type deleted_managed_hsms_type = {
	.name = "Microsoft.KeyVault/locations/deletedManagedHSMs", .versions = versions_managed_hsms, .raw = handle_pool};
