// SPDX-License-Identifier: Apache-2.0
#include "arm/locks.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"

// Does the lock of `level` at `scope` forbid it?
static bool forbids(const char *target, bool deletes, const char *scope, const char *level) {
	if (!deletes && strcmp(level, ARM_LOCK_READ_ONLY) != 0)
		return false;
	return access_scope_within(target, scope) || (deletes && access_scope_within(scope, target));
}

int arm_locks_check(struct arm_call *call, const char *permission, struct err *err) {
	if (strv_ends_with_nocase(permission, "/read") || strv_starts_with_nocase(permission, "Microsoft.Authorization/locks/"))
		return 0;
	bool deletes = strv_ends_with_nocase(permission, "/delete");
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	_cleanup_rows_ struct store_rows *rows = NULL;
	_cleanup_buf_ struct buf locked = {0};
	if (!subscription)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err,
		"SELECT DISTINCT display_scope, level FROM management_locks WHERE subscription_id = $1 ORDER BY display_scope", "s",
		subscription);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (forbids(call->target->id, deletes, store_text(rows, 0), store_text(rows, 1)) && locked.len < 512 &&
			buf_printf(&locked, "%s'%s'", locked.len ? ", " : "", store_text(rows, 0)) < 0)
			return err_oom(err);
	if (rc < 0 || locked.len == 0)
		return rc;
	return err_set(err, -EBUSY, 409, "ScopeLocked",
		"The scope '%s' cannot perform %s operation because following scope(s) are locked: %s. Please remove the lock and try "
		"again.",
		call->target->id, deletes ? "delete" : "write", buf_cstr(&locked));
}
