// SPDX-License-Identifier: Apache-2.0
// May the caller do this? Refusals in Azure's words.
#include <errno.h>

#include "arm/locks.h"

static int refuse_permission(const struct arm_call *call, const char *scope, const char *permission, struct err *err) {
	return err_set(err, -EACCES, 403, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the "
		"scope is invalid. If access was recently granted, please refresh your credentials.",
		call->caller->appid, call->caller->oid, permission, scope);
}

int arm_caller_check(struct store_tx *tx, struct caller *caller, struct err *err) {
	switch (entra_judge_principal(tx, caller)) {
	case ENTRA_OK:
		return 0;
	case ENTRA_UNAVAILABLE:
		return err_set(err, -EAGAIN, 503, "ServiceUnavailable", "The caller could not be looked for; try again.");
	default:
		return err_set(err, -EACCES, 403, "AuthorizationFailed",
			"The client '%s' with object id '%s' has been deleted or disabled since it began this.", caller->appid, caller->oid);
	}
}

static int authorize(struct arm_call *call, const char *scope, const char *permission, bool data, struct err *err) {
	struct access_decision decision;
	int rc = access_check(call->tx, call->caller->oid, scope, permission, data, &decision, err);
	return rc == -EACCES ? refuse_permission(call, scope, permission, err) : rc;
}

int arm_authorize_assignment(struct arm_call *call, const char *scope, const char *permission, const char *role_id,
	struct err *err) {
	struct access_decision decision;
	int rc = access_check_assignment(call->tx, call->caller->oid, scope, permission, role_id, &decision, err);
	if (rc == -EACCES)
		return refuse_permission(call, scope, permission, err);
	return rc < 0 ? rc : arm_locks_check(call, permission, err);
}

int arm_authorize(struct arm_call *call, const char *scope, const char *permission, struct err *err) {
	int rc = authorize(call, scope, permission, false, err);
	return rc < 0 ? rc : arm_locks_check(call, permission, err);
}

int arm_authorize_data(struct arm_call *call, const char *scope, const char *permission, struct err *err) {
	return authorize(call, scope, permission, true, err);
}

int arm_authorize_linked(struct arm_call *call, const char *id, const char *permission, struct err *err) {
	struct access_decision decision;
	int rc = access_check(call->tx, call->caller->oid, id, permission, false, &decision, err);
	if (rc != -EACCES)
		return rc;
	return err_set(err, rc, 403, "LinkedAuthorizationFailed",
		"The client '%s' with object id '%s' has permission to perform the request on scope '%s'; however, it does not "
		"have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) "
		"are invalid.",
		call->caller->appid, call->caller->oid, call->target->id, permission, id);
}
