// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/denyAssignments and classicAdministrators: there are none. Azure itself makes deny assignments, for
// services that are not here, and lets nobody else; the classic administrators are retired.
#include <errno.h>
#include <string.h>

#include "providers/authorization.h"
#include "providers/providers.h"

static int list_none(struct arm_call *call, const char *permission, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0])
		return authorization_refuse_method(call, err);
	int rc = arm_authorize(call, authorization_scope(call), permission, err);
	if (rc < 0)
		return rc;
	return arm_list_answer(call) ? 0 : err_oom(err);
}

static int deny_assignments(struct arm_call *call, struct err *err) {
	int rc = list_none(call, "Microsoft.Authorization/denyAssignments/read", err);
	if (rc == 0 && call->target->name[0])
		return err_set(err, -ENOENT, 404, "DenyAssignmentNotFound", "The deny assignment with ID '%s' is not found.",
			call->target->name);
	return rc;
}

static int classic_administrators(struct arm_call *call, struct err *err) {
	if (call->target->name[0])
		return authorization_refuse_method(call, err);
	return list_none(call, "Microsoft.Authorization/classicAdministrators/read", err);
}

static const char *const deny_versions[] = {"2022-04-01", "2019-03-01-preview", "2018-07-01-preview", "2018-07-01", NULL};
const struct arm_type deny_assignments_type = {.name = "Microsoft.Authorization/denyAssignments", .versions = deny_versions,
	.extends = true, .raw = deny_assignments};

static const char *const classic_versions[] = {"2015-07-01", "2015-06-01", "2015-05-01-preview", "2014-10-01-preview", NULL};
const struct arm_type classic_administrators_type = {.name = "Microsoft.Authorization/classicAdministrators",
	.versions = classic_versions, .raw = classic_administrators};
