// SPDX-License-Identifier: Apache-2.0
// {any resource}/providers/Microsoft.ManagedIdentity/identities/default: the identity that the resource itself has.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

static int none(const struct arm_call *call, struct err *err) {
	return err_set(err, -ENOENT, 404, "ResourceNotFound", "The resource '%s' has no system-assigned identity.",
		call->target->scope);
}

static int handle(struct arm_call *call, struct err *err) {
	struct entra_principal principal;
	_cleanup_resource_ struct resource r = {0};
	if (strcmp(http_method(call->request), "GET") != 0 || !strv_eq_nocase(call->target->name, "default") || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The identity of a resource can be read as 'default'.");
	int rc = arm_authorize(call, call->target->scope, "Microsoft.ManagedIdentity/identities/read", err);
	if (rc == 0)
		rc = resource_load(call->tx, call->target->scope, &r, err);
	// A user-assigned identity is a principal of its own, which nothing else has as its own.
	if (rc == 0 && !json_str(r.body, "identity.principalId"))
		rc = none(call, err);
	if (rc == 0)
		rc = entra_find_managed_identity(call->tx, r.id, &principal, err);
	if (rc < 0)
		return rc;
	const char *location = json_str(r.body, "location");
	call->response->json = json_pack("{s:s+, s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "id", r.display_id,
		"/providers/Microsoft.ManagedIdentity/identities/default", "name", "default", "type",
		"Microsoft.ManagedIdentity/identities", "location", location ? location : "global", "properties", "tenantId",
		principal.tenant_id, "principalId", principal.object_id, "clientId", principal.app_id);
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type system_assigned_identities_type = {
	.name = "Microsoft.ManagedIdentity/identities", .versions = versions_identities, .extends = true, .raw = handle};
