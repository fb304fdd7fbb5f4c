// SPDX-License-Identifier: Apache-2.0
// What all types of the namespace share: API versions, and who uses what, so that nothing is deleted under its user.
#include <errno.h>
#include <stdio.h>

#include "base/strv.h"
#include "providers/network.h"

int network_hold(struct store_tx *tx, const char *user, const char *held, struct err *err) {
	_cleanup_free_ char *from = strv_lower(user);
	_cleanup_free_ char *to = strv_lower(held);
	int rc = from && to ? store_exec(tx, err,
				      "INSERT INTO network_holds (user_id, held_id) VALUES ($1, $2) ON CONFLICT (user_id, held_id) DO NOTHING",
				      "ss", from, to)
			    : err_oom(err);
	return rc < 0 ? rc : 0;
}

int network_release(struct store_tx *tx, const char *user, struct err *err) {
	_cleanup_free_ char *from = strv_lower(user);
	int rc = from ? store_exec(tx, err, "DELETE FROM network_holds WHERE user_id = $1", "s", from) : err_oom(err);
	return rc < 0 ? rc : 0;
}

int network_find_holder(struct store_tx *tx, const char *held, char *user, struct err *err) {
	_cleanup_free_ char *to = strv_lower(held);
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = to ? store_query(tx, &rows, err, "SELECT MIN(user_id) FROM network_holds WHERE held_id = $1", "s", to) : err_oom(err);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	(void)snprintf(user, ARM_ID_MAX, "%s", rc > 0 && store_text(rows, 0) ? store_text(rows, 0) : "");
	return 0;
}
