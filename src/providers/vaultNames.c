// SPDX-License-Identifier: Apache-2.0
// POST {subscription}/providers/Microsoft.KeyVault/checkNameAvailability
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/vaults.h"

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
		return vaults_bad_request(err, "The parameters \"name\" and \"type\" (Microsoft.KeyVault/vaults) are required.");

	struct vault_record v;
	struct err why = {0};
	const char *reason = NULL;
	if (vaults_check_name(name, &why) < 0)
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
