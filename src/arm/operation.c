// SPDX-License-Identifier: Apache-2.0
// Asynchronous operations. They live in the store, so a restart of the server loses none; what they wait for is that a
// hypervisor reports a generation of a resource.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/internal.h"
#include "base/clock.h"
#include "base/strv.h"

int arm_operation_start(struct arm_call *call, const struct resource *r, const char *kind, int64_t timeout_seconds,
	struct err *err) {
	char id[ENC_UUID_SIZE];
	if (enc_uuid(id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	const char *location = json_str(r->body, "location");
	int rc = store_exec(call->tx, err,
		"INSERT INTO operations (id, subscription_id, location, kind, resource_id, status, started_ns, deadline)"
		" VALUES ($1,$2,$3,$4,$5,'InProgress',$6,$7)",
		"sssssii", id, r->subscription, location ? location : "global", kind, r->id, clock_now_ns(),
		clock_now() + timeout_seconds);
	if (rc < 0)
		return rc;
	(void)snprintf(call->operation, sizeof(call->operation), "%s", id);
	return 0;
}

int arm_operation_wait(struct arm_call *call, const struct resource *waited_for, struct err *err) {
	call->hosts_concerned = true;
	int rc = store_exec(call->tx, err,
		"INSERT INTO operation_waits (operation_id, resource_id, generation) VALUES ($1,$2,$3)", "ssi", call->operation,
		waited_for->id, waited_for->generation);
	return rc < 0 ? rc : 0;
}

int arm_operation_pending(struct store_tx *tx, const struct resource *r, bool *pending, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM operation_waits WHERE resource_id = $1", "s", r->id);
	if (rc < 0)
		return rc;
	*pending = count > 0;
	return 0;
}

int arm_operation_running(struct store_tx *tx, const struct resource *r, bool *running, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err,
		"SELECT COUNT(*) FROM operations WHERE resource_id = $1 AND status = 'InProgress'", "s", r->id);
	if (rc < 0)
		return rc;
	*running = count > 0;
	return 0;
}

static char *failure_text(const struct err *failure, const json_t *details) {
	_cleanup_json_ json_t *error = arm_error_object(failure, details);
	return error ? json_text(error) : NULL;
}

// "DeploymentCanceled" and its like: somebody wanted it to end.
static const char *final_status(const struct err *failure) {
	return !failure ? "Succeeded" : strv_ends_with_nocase(failure->code, "Canceled") ? "Canceled" : "Failed";
}

// End an operation and tell the type of the resource it was for.
static int finish(struct arm *arm, struct store_tx *tx, const char *id, const struct err *failure, const json_t *details,
	struct err *err) {
	_cleanup_free_ char *resource_id = NULL;
	_cleanup_free_ char *kind = NULL;
	{
		_cleanup_rows_ struct store_rows *rows = NULL;
		int rc = store_query(tx, &rows, err,
			"SELECT resource_id, kind FROM operations WHERE id = $1 AND status = 'InProgress'", "s", id);
		if (rc == 0)
			rc = store_next(rows, err);
		if (rc <= 0)
			return rc;
		resource_id = strdup(store_text(rows, 0));
		kind = strdup(store_text(rows, 1));
	}
	_cleanup_free_ char *text = failure ? failure_text(failure, details) : NULL;
	if (!resource_id || !kind || (failure && !text))
		return err_oom(err);
	int rc = store_exec(tx, err, "DELETE FROM operation_waits WHERE operation_id = $1", "s", id);
	if (rc >= 0)
		rc = store_exec(tx, err, "UPDATE operations SET status = $1, error = $2, ended_ns = $3 WHERE id = $4", "ssis",
			final_status(failure), text, clock_now_ns(), id);
	if (rc < 0)
		return rc;

	_cleanup_resource_ struct resource r = {0};
	struct err missing = {0};
	rc = resource_load(tx, resource_id, &r, &missing);
	if (rc == -ENOENT)
		return 0;  // removed meanwhile
	if (rc < 0) {
		*err = missing;
		return rc;
	}
	const struct arm_type *type = arm_find_type(arm, r.type);
	return type && type->settled ? type->settled(arm, tx, &r, kind, failure, err) : 0;
}

// The ids in the first column of a query with up to one text and one integer parameter, as a JSON array.
static int collect_ids(struct store_tx *tx, json_t *ids, struct err *err, const char *sql, const char *text, int64_t number) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(tx, &rows, err, sql, "si", text, number);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		if (json_array_append_new(ids, json_string(store_text(rows, 0))) < 0)
			return err_oom(err);
	return rc;
}

static int finish_if_met(struct arm *arm, struct store_tx *tx, const char *id, struct err *err) {
	int64_t left = 0;
	int rc = store_query_int(tx, &left, err, "SELECT COUNT(*) FROM operation_waits WHERE operation_id = $1", "s", id);
	if (rc < 0 || left > 0)
		return rc;
	return finish(arm, tx, id, NULL, NULL, err);
}

// What waited for this, a resource or a job, in a generation up to this one goes on or fails.
static int end_waits(struct arm *arm, struct store_tx *tx, const char *waited_for, int64_t generation, const struct err *failure,
	const json_t *details, struct err *err) {
	_cleanup_json_ json_t *ids = json_array();
	if (!ids)
		return err_oom(err);
	int rc = collect_ids(tx, ids, err,
		"SELECT operation_id FROM operation_waits WHERE resource_id = $1 AND generation <= $2", waited_for, generation);
	size_t i;
	json_t *id;
	json_array_foreach(ids, i, id) {
		if (rc < 0)
			break;
		rc = store_exec(tx, err, "DELETE FROM operation_waits WHERE operation_id = $1 AND resource_id = $2", "ss",
			json_string_value(id), waited_for);
		if (rc >= 0)
			rc = failure ? finish(arm, tx, json_string_value(id), failure, details, err)
				     : finish_if_met(arm, tx, json_string_value(id), err);
	}
	return rc < 0 ? rc : 0;
}

int arm_operation_report(struct arm *arm, struct store_tx *tx, const struct resource *r, int64_t generation,
	const struct err *failure, struct err *err) {
	return end_waits(arm, tx, r->id, generation, failure, NULL, err);
}

// Jobs stand among what is waited for under a name that no resource has.
static char *job_wait(const char *kind, const char *id) {
	return strv_printf("job:%s:%s", kind, id);
}

int arm_operation_wait_job(struct arm_call *call, const char *kind, const char *id, struct err *err) {
	_cleanup_free_ char *name = job_wait(kind, id);
	int rc = name ? store_exec(call->tx, err,
				"INSERT INTO operation_waits (operation_id, resource_id, generation) VALUES ($1,$2,0)", "ss",
				call->operation, name)
		      : err_oom(err);
	return rc < 0 ? rc : 0;
}

int arm_operation_end_job(struct arm *arm, struct store_tx *tx, const char *kind, const char *id, const struct err *failure,
	const json_t *details, struct err *err) {
	_cleanup_free_ char *name = job_wait(kind, id);
	return name ? end_waits(arm, tx, name, 0, failure, details, err) : err_oom(err);
}

int arm_operation_state(struct store_tx *tx, const char *id, json_t **details, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	*details = NULL;
	int rc = store_query(tx, &rows, err, "SELECT status, error FROM operations WHERE id = $1", "s", id);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, -ENOENT, 404, "NotFound", "The operation '%s' was not found.", id);
	if (strcmp(store_text(rows, 0), "InProgress") == 0)
		return 1;
	if (!store_text(rows, 1))
		return 0;
	_cleanup_json_ json_t *error = json_loads(store_text(rows, 1), 0, NULL);
	const char *code = json_str(error, "code"), *message = json_str(error, "message");
	*details = json_incref(json_object_get(error, "details"));
	return err_set(err, -EIO, 409, code ? code : "InternalServerError", "%s", message ? message : "The operation failed.");
}

int arm_operation_preempt(struct arm_call *call, const struct resource *r, struct err *err) {
	const struct err preempted = {.status = 409, .code = ARM_PREEMPTED,
		.message = "The operation has been preempted by a more recent operation."};
	return arm_operation_report(call->arm, call->tx, r, INT64_MAX, &preempted, err);
}

int arm_operation_settle_idle(struct arm_call *call, struct err *err) {
	return call->operation[0] ? finish_if_met(call->arm, call->tx, call->operation, err) : 0;
}

int arm_expire_operations(struct arm *arm, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_json_ json_t *ids = json_array();
	if (!ids)
		return err_oom(err);
	int rc = store_begin(arm->config.store, STORE_READ, &tx, err);
	if (rc == 0)
		rc = collect_ids(tx, ids, err, "SELECT id FROM operations WHERE status = $1 AND deadline < $2", "InProgress",
			clock_now());
	store_rollback(&tx);
	if (rc < 0 || json_array_size(ids) == 0)
		return rc;

	const struct err late = {.status = 504, .code = "OperationTimedOut",
		.message = "The operation did not end in time: no hypervisor reported that it was done."};
	rc = store_begin(arm->config.store, STORE_WRITE, &tx, err);
	size_t i;
	json_t *id;
	json_array_foreach(ids, i, id) {
		if (rc < 0)
			return rc;
		rc = finish(arm, tx, json_string_value(id), &late, NULL, err);
	}
	if (rc == 0)
		rc = store_commit(&tx, err);
	if (rc == 0)
		arm_revision_publish(arm);
	return rc;
}

int arm_operation_assume(struct arm *arm, struct store_tx *tx, const char *id, struct err *err) {
	return finish(arm, tx, id, NULL, NULL, err);
}

// The Location form: 202 while it runs, then the resource or 204 when it is gone.
static int show_result(struct arm_call *call, const char *status, const char *resource_id, const char *error,
	struct err *err) {
	if (strcmp(status, "InProgress") == 0) {
		call->response->status = 202;
		return 0;
	}
	if (error) {
		call->response->status = 500;
		call->response->json = json_pack("{s:o?}", "error", json_loads(error, 0, NULL));
		return call->response->json ? 0 : err_oom(err);
	}
	_cleanup_resource_ struct resource r = {0};
	int rc = resource_load(call->tx, resource_id, &r, err);
	if (rc == -ENOENT) {
		call->response->status = 204;
		return 0;
	}
	return rc < 0 ? rc : resource_show(&r, &call->response->json, err);
}

static int show_status(struct arm_call *call, struct store_rows *rows, struct err *err) {
	char started[CLOCK_RFC3339_MAX], ended[CLOCK_RFC3339_MAX];
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:s, s:s}", "name", call->target->name, "status", store_text(rows, 0),
		"startTime", clock_rfc3339_ns(store_int(rows, 3), started));
	if (!shown)
		return err_oom(err);
	if (store_int(rows, 4) > 0 && json_set_str(shown, "endTime", clock_rfc3339_ns(store_int(rows, 4), ended)) < 0)
		return err_oom(err);
	if (store_text(rows, 2) && json_set(shown, "error", json_loads(store_text(rows, 2), 0, NULL)) < 0)
		return err_oom(err);
	call->response->json = TAKE_PTR(shown);
	return 0;
}

static int not_found(const struct arm_call *call, struct err *err) {
	return err_set(err, -ENOENT, 404, "NotFound", "The operation '%s' was not found.", call->target->name);
}

// An operation is shown to who may read what it is about, be that still there or not. A refusal would name that to others, so
// for them there is no such operation.
static int authorize_show(struct arm_call *call, const char *resource_id, struct err *err) {
	struct arm_target t;
	char permission[ARM_NAME_MAX + 8];
	int rc = arm_parse_path(resource_id, &t, err);
	if (rc < 0)
		return rc;
	(void)snprintf(permission, sizeof(permission), "%s/read", t.type);
	rc = arm_authorize(call, resource_id, permission, err);
	return rc == -EACCES ? not_found(call, err) : rc;
}

int arm_operation_show(struct arm_call *call, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(call->tx, &rows, err,
		"SELECT status, resource_id, error, started_ns, ended_ns FROM operations WHERE id = $1 AND subscription_id = $2",
		"ss", call->target->name, call->target->subscription);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return not_found(call, err);
	rc = authorize_show(call, store_text(rows, 1), err);
	if (rc < 0)
		return rc;
	// Clients wait half a minute where nothing is said.
	if (strcmp(store_text(rows, 0), "InProgress") == 0 && http_set_header(call->response, "Retry-After", "1") < 0)
		return err_oom(err);

	const char *monitor = http_query(call->request, "monitor");
	if (monitor && strv_eq_nocase(monitor, "true"))
		return show_result(call, store_text(rows, 0), store_text(rows, 1), store_text(rows, 2), err);
	return show_status(call, rows, err);
}

static int operation_raw(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "An operation can only be read.");
	return arm_operation_show(call, err);
}

// {namespace}/locations/{location}/operations/{id}, the same for every namespace.
const struct arm_type arm_operation_type = {.name = "locations/operations", .raw = operation_raw};
