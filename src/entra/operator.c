// SPDX-License-Identifier: Apache-2.0
// Who may sign people in: the principal of the first start everywhere, owners of everything in their own tenant.
#include <errno.h>
#include <string.h>

#include "access/access.h"
#include "entra/internal.h"

#define SETTING "operator"

int entra_set_operator(struct store_tx *tx, const char *object_id, struct err *err) {
	int rc = store_exec(tx, err, "INSERT INTO settings (name, value) VALUES ('" SETTING "', $1)", "s", object_id);
	return rc < 0 ? rc : 0;
}

static int owns_tenant(struct store_tx *tx, const struct caller *caller, bool *out, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM role_assignments WHERE scope = '/' AND role_id = $1 AND principal_id = $2 AND tenant_id = $3",
		"sss", ACCESS_ROLE_OWNER, caller->oid, caller->tenant);
	if (rc == 0)
		*out = count > 0;
	return rc;
}

int entra_is_operator(struct store_tx *tx, const struct caller *caller, const char *tenant_id, bool *out, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, "SELECT value FROM settings WHERE name = '" SETTING "'", "");
	if (rc < 0 || (rc = store_next(rows, err)) < 0)
		return rc;
	if (rc > 0 && strcmp(store_text(rows, 0), caller->oid) == 0) {
		*out = true;
		return 0;
	}
	*out = false;
	return strcmp(caller->tenant, tenant_id) == 0 ? owns_tenant(tx, caller, out, err) : 0;
}
