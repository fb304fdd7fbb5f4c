// SPDX-License-Identifier: Apache-2.0
// POST /providers/Microsoft.Authorization/elevateAccess: who administers a directory takes the right to give roles in all of
// its tenant's subscriptions.
#include <errno.h>
#include <string.h>

#include "entra/directory.h"
#include "providers/authorization.h"
#include "providers/providers.h"

static int is_global_administrator(struct arm_call *call, bool *out, struct err *err) {
	_cleanup_free_ struct directory_role_assignment *held = NULL;
	size_t count = 0;
	bool found = false;
	int rc = directory_role_assignments(call->tx, call->caller->tenant, call->caller->oid, NULL, &held, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		found = found || strv_eq_nocase(held[i].role_id, DIRECTORY_GLOBAL_ADMINISTRATOR);
	if (rc == 0)
		*out = found;
	return rc;
}

static int elevate(struct arm_call *call, struct err *err) {
	const char *type = NULL;
	char name[ENC_UUID_SIZE];
	if (enc_uuid(name) < 0)
		return err_errno(err, -EIO, "no random numbers");
	int rc = access_principal_type(call->tx, call->caller->tenant, call->caller->oid, &type, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "PrincipalNotFound", "Principal %s does not exist in the directory %s.", call->caller->oid,
			call->caller->tenant);
	if (rc < 0)
		return rc;
	const struct access_assignment a = {.tenant = call->caller->tenant, .scope = "/", .name = name,
		.principal_id = call->caller->oid, .principal_type = type,
		.role_id = ACCESS_ROLE_USER_ACCESS_ADMINISTRATOR, .created_by = call->caller->oid};
	struct err why = {0};
	rc = access_assign(call->tx, &a, &why);
	if (rc < 0 && rc != -EEXIST)
		*err = why;
	return rc == -EEXIST ? 0 : rc;
}

static int handle(struct arm_call *call, struct err *err) {
	bool administrator = false;
	if (strcmp(http_method(call->request), "POST") != 0 || call->target->name[0] || call->target->scope[0])
		return authorization_refuse_method(call, err);
	int rc = is_global_administrator(call, &administrator, err);
	if (rc == 0 && !administrator)
		rc = arm_authorize(call, "/", "Microsoft.Authorization/elevateAccess/action", err);
	return rc < 0 ? rc : elevate(call, err);
}

static const char *const versions[] = {"2017-05-01", "2016-07-01", "2015-07-01", "2015-06-01", NULL};

const struct arm_type elevate_access_type = {
	.name = "Microsoft.Authorization/elevateAccess", .versions = versions, .raw = handle};
