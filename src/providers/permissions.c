// SPDX-License-Identifier: Apache-2.0
// Microsoft.Authorization/permissions: what the caller may do at a scope.
#include <errno.h>
#include <string.h>

#include "providers/authorization.h"
#include "providers/providers.h"

struct list {
	const struct arm_call *call;
	json_t *value;
};

static int add(void *ctx, const struct access_role *role, const char *assignment_id, struct err *err) {
	(void)assignment_id;
	struct list *l = ctx;
	return json_array_append_new(l->value, authorization_permissions(l->call, role)) < 0 ? err_oom(err) : 0;
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->name[0])
		return authorization_refuse_method(call, err);
	int rc = arm_authorize(call, authorization_scope(call), "Microsoft.Authorization/permissions/read", err);
	if (rc == 0)
		rc = authorization_check_scope(call, authorization_scope(call), true, err);
	if (rc < 0)
		return rc;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	struct list list = {call, value};
	return access_held(call->tx, call->caller->oid, authorization_scope(call), add, &list, err);
}

static const char *const versions[] = {"2022-05-01-preview", "2022-04-01", "2018-07-01", "2018-01-01-preview", "2017-05-01",
	"2016-07-01", "2015-07-01", "2015-06-01", NULL};

const struct arm_type permissions_type = {
	.name = "Microsoft.Authorization/permissions", .versions = versions, .extends = true, .raw = handle};
