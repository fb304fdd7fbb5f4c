// SPDX-License-Identifier: Apache-2.0
// The activity log: one row for every change that was asked for, made or refused.
#include <errno.h>

#include "arm/internal.h"
#include "base/clock.h"
#include "base/strv.h"

enum { RETENTION_DAYS = 90, PRUNED_AT_ONCE = 1000 };

int arm_activity_write(struct arm_call *call, const char *operation, const char *status, const char *message,
	struct err *err) {
	char id[ENC_UUID_SIZE];
	// A person is told by name; everybody else by id.
	const char *name = call->caller->kind == CALLER_USER ? call->caller->name : "";
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	if (!subscription)
		return err_oom(err);
	if (enc_uuid(id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	int rc = store_exec(call->tx, err,
		"INSERT INTO activity_log (id, time_ns, tenant_id, subscription_id, resource_group, resource_id, resource_type,"
		" operation, status, caller, caller_name, app_id, method, request_id, correlation_id, client_address, message)"
		" VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)",
		"sisssssssssssssss", id, clock_now_ns(), call->caller->tenant, subscription, call->target->group,
		call->target->id, call->target->type, operation, status, call->caller->oid, name, call->caller->appid,
		http_method(call->request), call->request_id, call->correlation_id, http_peer(call->request), message);
	return rc < 0 ? rc : 0;
}

int arm_activity_prune(struct arm *arm, struct err *err) {
	int64_t before = (clock_now() - RETENTION_DAYS * CLOCK_DAY) * CLOCK_NSEC_PER_SEC, found = 0;
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		int rc = store_begin(arm->config.store, STORE_READ, &tx, err);
		if (rc == 0)
			rc = store_query_int(tx, &found, err, "SELECT COUNT(*) FROM (SELECT id FROM activity_log WHERE time_ns < $1 LIMIT 1) AS old",
				"i", before);
		if (rc < 0 || found == 0)
			return rc;
	}
	// A part at a time: who writes meanwhile shall not wait for the whole of a log that a moved clock has made old.
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(arm->config.store, STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = store_exec(tx, err,
			"DELETE FROM activity_log WHERE id IN (SELECT id FROM activity_log WHERE time_ns < $1 ORDER BY time_ns LIMIT $2)",
			"ii", before, (int64_t)PRUNED_AT_ONCE);
	return rc < 0 ? rc : store_commit(&tx, err);
}
