// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/locations/deletedManagedHSMs: read, and purge; Microsoft.KeyVault/deletedManagedHSMs: list.
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/managedHsms.h"
#include "providers/providers.h"

static json_t *render(const struct arm_call *call, const struct vault_record *v) {
	char deleted[CLOCK_RFC3339_MAX], purge[CLOCK_RFC3339_MAX];
	_cleanup_free_ char *name = strndup(v->name, strcspn(v->name, "."));
	if (!name)
		return NULL;
	_cleanup_free_ char *id = strv_printf("/subscriptions/%s/providers/Microsoft.KeyVault/locations/%s/deletedManagedHSMs/%s",
		call->target->subscription, v->location, name);
	if (!id)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:b}}", "id", id, "name", name, "type",
		"Microsoft.KeyVault/deletedManagedHSMs", "properties", "mhsmId", v->resource_id, "location", v->location, "deletionDate",
		clock_rfc3339(v->deleted, deleted), "scheduledPurgeDate", clock_rfc3339(v->purge_at, purge), "purgeProtectionEnabled",
		v->purge_protection);
}

static int list_deleted(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Deleted managed HSMs can be listed here.");
	int rc = arm_authorize(call, call->target->scope, "Microsoft.KeyVault/deletedManagedHSMs/read", err);
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
		if (rc == 0 && vault_is_pool(&v) && access_scope_within(v.resource_id, call->target->scope) &&
			json_array_append_new(value, render(call, &v)) < 0)
			return err_oom(err);
	}
	return rc;
}

const struct arm_type deleted_managed_hsms_list_type = {.name = "Microsoft.KeyVault/deletedManagedHSMs", .raw = list_deleted};

static int show(struct arm_call *call, const struct vault_record *v, struct err *err) {
	call->response->json = render(call, v);
	return call->response->json ? 0 : err_oom(err);
}

static int handle(struct arm_call *call, struct err *err) {
	bool purge = strcmp(http_method(call->request), "POST") == 0 && strv_eq_nocase(call->target->tail, "purge");
	if (!purge && (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0] || !call->target->name[0]))
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "A deleted managed HSM can be read by its name, and purged.");
	int rc = arm_authorize(call, call->target->scope,
		purge ? "Microsoft.KeyVault/locations/deletedManagedHSMs/purge/action"
		      : "Microsoft.KeyVault/locations/deletedManagedHSMs/read", err);
	struct vault_record v;
	if (rc == 0)
		rc = managed_hsms_find(call->tx, call->target->name, &v, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	// Only those of this subscription, and no group of it: what is deleted belongs to none.
	if (rc == -ENOENT || call->target->group[0] || !v.deleted || !access_scope_within(v.resource_id, call->target->scope))
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "The specified deleted managed HSM '%s' does not exist.",
			call->target->name);
	if (!purge)
		return show(call, &v, err);
	call->response->status = 202;
	return vault_purge(call->tx, v.name, err);
}

const struct arm_type deleted_managed_hsms_type = {.name = "Microsoft.KeyVault/locations/deletedManagedHSMs", .raw = handle};
