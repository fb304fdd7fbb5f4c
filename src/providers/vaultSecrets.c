// SPDX-License-Identifier: Apache-2.0
// Microsoft.KeyVault/vaults/secrets: PUT makes a version, PATCH changes the current one or, with a value, makes another. No
// answer has a value.
#include <string.h>

#include "providers/providers.h"
#include "providers/vaultObjects.h"
#include "providers/versions.h"

static int write_secret(struct arm_call *call, bool patch, struct err *err) {
	struct vault_record vault;
	_cleanup_control_ struct vault_control *x = NULL;
	_cleanup_json_ json_t *body = NULL;
	bool created = false;
	int rc = vault_objects_open(call, "write", &object_secrets, &vault, &x, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = patch ? vault_control_secret_patch(x, call->tx, body, err)
			   : vault_control_secret_set(x, call->tx, body, &created, err);
	if (rc == 0)
		rc = vault_objects_answer(call, &vault, x, err);
	if (rc == 0 && created)
		call->response->status = 201;
	return rc;
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0] && !call->target->tail[0];
	if (named && strcmp(method, "PUT") == 0)
		return write_secret(call, false, err);
	if (named && strcmp(method, "PATCH") == 0)
		return write_secret(call, true, err);
	if (!call->target->tail[0] && strcmp(method, "GET") == 0)
		return vault_objects_read(call, &object_secrets, false, err);
	return vaults_method_not_allowed(call, err);
}

const struct arm_type vault_secrets_type = {
	.name = "Microsoft.KeyVault/vaults/secrets", .versions = versions_vaults, .raw = handle};
