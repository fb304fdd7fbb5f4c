// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/tenants: those that the caller is of.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

static json_t *render(struct store_rows *rows) {
	const char *id = store_text(rows, 0), *domain = store_text(rows, 2);
	_cleanup_json_ json_t *domains = domain ? json_pack("[s]", domain) : json_array();
	return json_pack("{s:s+, s:s, s:s, s:s, s:s, s:O, s:s*}", "id", "/tenants/", id, "tenantId", id, "displayName",
		store_text(rows, 1), "tenantCategory", "Home", "tenantType", "AAD", "domains", domains, "defaultDomain", domain);
}

// An application is of every tenant that it has a service principal in, a person of one: that its client is an application
// known elsewhere must not show anybody else's tenants.
static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Tenants can only be listed.");
	json_t *value = arm_list_answer(call);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!value)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err,
		"SELECT id, display_name, domain FROM tenants WHERE id = $1 OR id IN (SELECT o.tenant_id FROM service_principals p"
		" JOIN service_principals o ON o.app_id = p.app_id AND o.enabled = 1 WHERE p.object_id = $2 AND p.kind = 'Application')"
		" ORDER BY id",
		"ss", call->caller->tenant, call->caller->oid);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(value, render(rows)) < 0)
			return err_oom(err);
	return rc;
}

const struct arm_type tenants_type = {
	.name = "Microsoft.Resources/tenants", .versions = versions_resources, .container = true, .raw = handle};
