// SPDX-License-Identifier: Apache-2.0
// POST {subscription}/providers/Microsoft.KeyVault/checkNameAvailability, and checkMhsmNameAvailability of Managed HSMs.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/managedHsms.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

// Authorized, with the body that asks.
static int begin_question(struct arm_call *call, const char *action, json_t **body, struct err *err) {
	if (strcmp(http_method(call->request), "POST") != 0 || call->target->name[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The availability of a name is asked with POST.");
	int rc = arm_authorize(call, call->target->scope, action, err);
	return rc < 0 ? rc : arm_body(call->request, body, err);
}

static int answer(struct arm_call *call, const char *name, int (*check)(const char *name, struct err *err),
	int (*find)(struct store_tx *tx, const char *name, struct vault_record *out, struct err *err), struct err *err) {
	struct vault_record v;
	struct err why = {0};
	const char *reason = NULL;
	int rc;
	if (check(name, &why) < 0)
		reason = "AccountNameInvalid";
	else if ((rc = find(call->tx, name, &v, err)) == 0)
		reason = "AlreadyExists";
	else if (rc != -ENOENT)
		return rc;
	call->response->json = !reason ? json_pack("{s:b}", "nameAvailable", 1)
				       : json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", reason, "message",
						 why.message[0] ? why.message : "The name is already in use.");
	return call->response->json ? 0 : err_oom(err);
}

static int handle_vaults(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = begin_question(call, "Microsoft.KeyVault/checkNameAvailability/read", &body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(body, "name"), *type = json_str(body, "type");
	if (!name || !type || !strv_eq_nocase(type, "Microsoft.KeyVault/vaults"))
		return vaults_bad_request(err, "The parameters \"name\" and \"type\" (Microsoft.KeyVault/vaults) are required.");
	return answer(call, name, vaults_check_name, vault_find, err);
}

static int handle_pools(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = begin_question(call, "Microsoft.KeyVault/checkMhsmNameAvailability/read", &body, err);
	if (rc < 0)
		return rc;
	const char *name = json_str(body, "name");
	if (!name)
		return vaults_bad_request(err, "The parameter \"name\" is required.");
	return answer(call, name, managed_hsms_check_name, managed_hsms_find, err);
}

const struct arm_type vault_names_type = {
	.name = "Microsoft.KeyVault/checkNameAvailability", .versions = versions_vaults, .raw = handle_vaults};
const struct arm_type managed_hsm_names_type = {
	.name = "Microsoft.KeyVault/checkMhsmNameAvailability", .versions = versions_managed_hsms, .raw = handle_pools};
