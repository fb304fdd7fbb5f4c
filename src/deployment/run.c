// SPDX-License-Identifier: Apache-2.0
// The job that carries a deployment out. A step looks after what is under way, then makes one resource after the other for
// a while, as the caller. What a step has done is written down soon after; who is killed in between does that part
// once more, as PUT may be repeated.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "deployment/internal.h"

#define MSEC (CLOCK_NSEC_PER_SEC / 1000)

enum {
	BURST_MS = 1000,       // of a step
	UNWRITTEN_MAX = 25,    // results, …
	UNWRITTEN_MS = 50,     // … and for so long
	BUSY_SECONDS = 120,    // so long a resource that is too busy is tried
	BUSY_MS = 1000,
	PATIENCE_MIN_MS = 50, PATIENCE_MAX_MS = 1000,
};

struct run {
	struct arm *arm;
	struct caller caller;
	struct deployment d;
	struct deployment_operations operations;
	struct opened opened;  // its template is NULL until something needs it
	int64_t began, written;  // monotonic
	size_t unwritten;
	bool busy;  // something is to be tried again
};

static void run_free(struct run *r) {
	opened_free(&r->opened);
	deployment_operations_free(&r->operations);
	deployment_free(&r->d);
}

static const char failed_message[] =
	"At least one resource deployment operation failed. Please list deployment operations for details. Please see "
	"https://aka.ms/arm-deployment-operations for usage details.";

// --- The store ---

static int load(struct run *r, const char *id, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(arm_store(r->arm), STORE_READ, &tx, err);
	if (rc == 0)
		rc = deployment_load_run(tx, id, &r->d, err);
	if (rc == 0)
		rc = deployment_operations_load(tx, id, &r->operations, err);
	return rc < 0 ? rc : arm_job_caller(tx, deployment_job.name, id, &r->caller, err);
}

// Its row went with its group.
static int abandon(struct arm *arm, const char *id, const struct err *why, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(arm_store(arm), STORE_WRITE, &tx, err);
	if (rc == 0)
		rc = arm_job_end(arm, tx, deployment_job.name, id, why, NULL, err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

// What the template only names has an operation once it was read.
static int note_reads(struct run *r, struct err *err) {
	for (size_t i = 0; i < r->operations.plan.count && json_object_size(r->opened.read) > 0; i++) {
		struct deployment_operation *op = &r->operations.list[i];
		if (strcmp(op->kind, "Read") != 0 || r->operations.plan.items[i].state != PLAN_SKIPPED)
			continue;
		_cleanup_free_ char *key = strv_lower(op->target);
		if (!key)
			return err_oom(err);
		if (!json_object_get(r->opened.read, key))
			continue;
		r->operations.plan.items[i].state = PLAN_SUCCEEDED;
		op->started_ns = op->ended_ns = clock_now_ns();
		op->status = 200;
		op->changed = true;
	}
	return 0;
}

// How it stands, in a transaction that is the caller's to commit.
static int save_state(struct run *r, struct store_tx **tx, struct err *err) {
	r->d.changed_ns = clock_now_ns();
	int rc = note_reads(r, err);
	if (rc == 0)
		rc = store_begin(arm_store(r->arm), STORE_WRITE, tx, err);
	if (rc == 0)
		rc = deployment_operations_save(*tx, r->d.run, &r->operations, err);
	return rc < 0 ? rc : deployment_update(*tx, &r->d, err);
}

static int write_down(struct run *r, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = save_state(r, &tx, err);
	if (rc == 0)
		rc = store_commit(&tx, err);
	if (rc < 0)
		return rc;
	r->unwritten = 0;
	r->written = clock_monotonic_ns();
	return 0;
}

static int note(struct run *r, size_t at, enum plan_state state, struct err *err) {
	struct deployment_operation *op = &r->operations.list[at];
	r->operations.plan.items[at].state = state;
	op->changed = true;
	if (state != PLAN_RUNNING)
		op->ended_ns = clock_now_ns();
	r->unwritten++;
	// What another job or a hypervisor works on now must not be begun again after a restart.
	if (state == PLAN_RUNNING || r->unwritten >= UNWRITTEN_MAX || clock_monotonic_ns() - r->written > UNWRITTEN_MS * MSEC)
		return write_down(r, err);
	return 0;
}

static int note_failure(struct run *r, size_t at, const struct err *why, const json_t *details, struct err *err) {
	struct deployment_operation *op = &r->operations.list[at];
	json_t *error = deployment_error(why, op->async[0] ? NULL : op->target, details);
	if (!error)
		return err_oom(err);
	json_decref(op->error);
	op->error = error;
	op->status = why->status ? why->status : 500;
	return note(r, at, PLAN_FAILED, err);
}

// --- The end ---

static int end_with(struct run *r, enum deployment_state state, json_t *result, const struct err *failure, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	r->d.state = state;
	r->d.result = result;
	r->d.ended_ns = clock_now_ns();
	int rc = save_state(r, &tx, err);
	if (rc == 0)
		rc = arm_job_end(r->arm, tx, deployment_job.name, r->d.run, failure, json_at(result, "error.details"), err);
	return rc < 0 ? rc : store_commit(&tx, err);
}

static json_t *output_resources(const struct run *r) {
	_cleanup_json_ json_t *list = json_array();
	for (size_t i = 0; list && i < r->operations.plan.count; i++)
		if (r->operations.plan.items[i].state == PLAN_SUCCEEDED && strcmp(r->operations.list[i].kind, "Create") == 0 &&
			json_array_append_new(list, json_pack("{s:s}", "id", r->operations.list[i].target)) < 0)
			return NULL;
	return TAKE_PTR(list);
}

// What went wrong with an operation, as the deployment's error tells it.
static json_t *failure_detail(const struct deployment_operation *op) {
	if (!op->async[0])
		return json_incref(op->error);
	return json_pack("{s:s, s:s, s:s, s:[O]}", "code", "ResourceDeploymentFailure", "target", op->target, "message",
		"The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
		"details", op->error);
}

static json_t *failure_details(const struct run *r) {
	_cleanup_json_ json_t *details = json_array();
	for (size_t i = 0; details && i < r->operations.plan.count; i++)
		if (r->operations.plan.items[i].state == PLAN_FAILED &&
			json_array_append_new(details, failure_detail(&r->operations.list[i])) < 0)
			return NULL;
	return TAKE_PTR(details);
}

static int end_failed(struct run *r, enum deployment_state state, const struct err *failure, const json_t *details,
	struct err *err) {
	_cleanup_json_ json_t *resources = output_resources(r);
	_cleanup_json_ json_t *error = deployment_error(failure, r->d.display_id, details);
	_cleanup_json_ json_t *result = resources && error
		? json_pack("{s:O, s:O}", "outputResources", resources, "error", error)
		: NULL;
	return result ? end_with(r, state, TAKE_PTR(result), failure, err) : err_oom(err);
}

static int end_after_failures(struct run *r, struct err *err) {
	_cleanup_json_ json_t *details = failure_details(r);
	struct err failure = {0};
	if (!details)
		return err_oom(err);
	(void)err_set(&failure, -EIO, 409, "DeploymentFailed", "%s", failed_message);
	return end_failed(r, DEPLOYMENT_FAILED, &failure, details, err);
}

// What is under way is no longer looked after.
static void leave_running(struct run *r) {
	for (size_t i = 0; i < r->operations.plan.count; i++)
		if (r->operations.plan.items[i].state == PLAN_RUNNING) {
			r->operations.plan.items[i].state = PLAN_CANCELED;
			r->operations.list[i].ended_ns = clock_now_ns();
			r->operations.list[i].changed = true;
		}
}

static int end_canceled(struct run *r, struct err *err) {
	struct err failure = {0};
	leave_running(r);
	(void)err_set(&failure, -ECANCELED, 409, "DeploymentCanceled", "The deployment '%s' was canceled.", r->d.name);
	return end_failed(r, DEPLOYMENT_CANCELED, &failure, NULL, err);
}

// --- What is under way ---

static int look_after(struct run *r, struct store_tx *tx, size_t at, struct err *err) {
	struct deployment_operation *op = &r->operations.list[at];
	_cleanup_json_ json_t *details = NULL;
	struct err why = {0};
	int rc = arm_operation_state(tx, op->async, &details, &why);
	if (rc > 0)
		return 0;
	r->operations.plan.items[at].state = rc < 0 ? PLAN_FAILED : PLAN_SUCCEEDED;
	op->ended_ns = clock_now_ns();
	op->changed = true;
	op->status = rc < 0 ? 409 : 200;
	r->unwritten++;
	if (rc < 0) {
		op->error = deployment_error(&why, NULL, details);
		if (!op->error)
			return err_oom(err);
	}
	return 0;
}

static int look_after_all(struct run *r, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	if (plan_count(&r->operations.plan, PLAN_RUNNING) == 0)
		return 0;
	int rc = store_begin(arm_store(r->arm), STORE_READ, &tx, err);
	for (size_t i = 0; rc == 0 && i < r->operations.plan.count; i++)
		if (r->operations.plan.items[i].state == PLAN_RUNNING)
			rc = look_after(r, tx, i, err);
	return rc;
}

// --- Making resources ---

static int open_template(struct run *r, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	if (r->opened.template)
		return 0;
	r->opened.arm = r->arm;
	r->opened.caller = &r->caller;
	r->opened.place = json_incref(r->d.place);
	r->opened.read = json_object();
	int rc = r->opened.read ? 0 : err_oom(err);
	if (rc == 0)
		rc = store_begin(arm_store(r->arm), STORE_READ, &tx, err);
	if (rc == 0)
		rc = deployment_unseal(tx, arm_keeper(r->arm), r->d.run, "template", &r->opened.document, err);
	if (rc == 0)
		rc = deployment_unseal(tx, arm_keeper(r->arm), r->d.run, "parameters", &r->opened.parameters, err);
	if (rc < 0)
		return rc;
	rc = deployment_unseal(tx, arm_keeper(r->arm), r->d.run, "secrets", &r->opened.secrets, err);
	store_rollback(&tx);
	// Many have none.
	return rc < 0 && rc != -ENOENT
		? rc
		: opened_open(&r->opened, r->d.subscription, r->d.group, r->d.name, r->d.location, r->d.complete, err);
}

// A deployment of its own, which is told what it is nested in.
static int put_nested(struct run *r, const struct template_resource *t, const json_t *body, struct arm_outcome *outcome,
	struct err *err) {
	_cleanup_buf_ struct buf target = {0};
	int rc = deployment_check_nested(body, r->d.depth + 1, err);
	if (rc == 0)
		rc = opened_target(r->arm, t->id, NULL, t->api_version, &target, err);
	if (rc == 0 && buf_printf(&target, "&" DEPLOYMENT_PARENT "=%s", r->d.run) < 0)
		rc = err_oom(err);
	return rc < 0 ? rc : arm_perform(r->arm, &r->caller, NULL, "PUT", buf_cstr(&target), body, outcome, err);
}

static int put(struct run *r, const struct template_resource *t, size_t at, struct arm_outcome *outcome, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = template_resource_body(r->opened.template, at, &body, err);
	if (rc < 0)
		return rc;
	return t->nested ? put_nested(r, t, body, outcome, err)
			 : opened_request(&r->opened, "PUT", t->id, NULL, t->api_version, body, outcome, err);
}

static bool is_worth_a_wait(const struct deployment_operation *op, const struct err *why) {
	return (why->status == 503 || why->status == 429) &&
		clock_now_ns() - op->started_ns < BUSY_SECONDS * CLOCK_NSEC_PER_SEC;
}

static int make(struct run *r, size_t at, struct err *err) {
	struct deployment_operation *op = &r->operations.list[at];
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	struct err why = {0};
	if (op->started_ns == 0)
		op->started_ns = clock_now_ns();
	int rc = put(r, template_resource_at(r->opened.template, at), at, &outcome, &why);
	if (rc == -ENOMEM) {
		*err = why;
		return rc;
	}
	if (rc < 0 && is_worth_a_wait(op, &why)) {
		op->changed = true;
		r->busy = true;
		return 0;
	}
	if (rc < 0) {
		rc = opened_strike(&r->opened, &why, outcome.details, err);
		return rc < 0 ? rc : note_failure(r, at, &why, outcome.details, err);
	}
	op->status = outcome.status;
	(void)snprintf(op->async, sizeof(op->async), "%s", outcome.operation);
	return note(r, at, op->async[0] ? PLAN_RUNNING : PLAN_SUCCEEDED, err);
}

static int is_canceled(const struct run *r, bool *canceled, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(arm_store(r->arm), STORE_READ, &tx, err);
	return rc < 0 ? rc : deployment_canceled(tx, r->d.run, canceled, err);
}

// What waits for nothing, until the time of a step is over.
static int make_what_is_ready(struct run *r, struct err *err) {
	size_t at = 0;
	int rc = 0;
	bool canceled = false;
	while (rc == 0 && !r->busy && clock_monotonic_ns() - r->began < BURST_MS * MSEC &&
		plan_next(&r->operations.plan, at, &at)) {
		rc = is_canceled(r, &canceled, err);
		if (rc < 0 || canceled)
			break;
		rc = open_template(r, err);
		if (rc == 0)
			rc = make(r, at, err);
	}
	r->d.cancel = r->d.cancel || canceled;
	return rc;
}

// --- Complete mode: what the template does not name goes ---

struct leftovers {
	const struct run *r;
	json_t *ids;
};

static int collect_leftover(void *ctx, struct store_tx *tx, struct resource *found, struct err *err) {
	struct leftovers *l = ctx;
	bool named = true;
	int rc = deployment_stands_alone(found) ? deployment_names(tx, l->r->d.run, found->id, &named, err) : 0;
	if (rc < 0 || named)
		return rc;
	return json_array_append_new(l->ids, json_pack("[s, s, s]", found->display_id, found->type, found->name)) < 0
		? err_oom(err)
		: 0;
}

static bool is_being_deleted(const struct run *r, const char *id) {
	for (size_t i = 0; i < r->operations.plan.count; i++)
		if (r->operations.plan.items[i].state == PLAN_RUNNING && strv_eq_nocase(r->operations.list[i].target, id))
			return true;
	return false;
}

// The operation of deleting this, a new one or that of an earlier attempt.
static int deletion_of(struct run *r, const json_t *leftover, size_t *at, struct err *err) {
	const char *id = json_string_value(json_array_get(leftover, 0));
	for (*at = 0; *at < r->operations.plan.count; ++*at)
		if (strcmp(r->operations.list[*at].kind, "Delete") == 0 && strv_eq_nocase(r->operations.list[*at].target, id))
			return 0;
	int rc = deployment_operations_add(&r->operations, "Delete", id, json_string_value(json_array_get(leftover, 1)),
		json_string_value(json_array_get(leftover, 2)), err);
	if (rc == 0)
		r->operations.list[*at].started_ns = clock_now_ns();
	return rc;
}

static int delete_one(struct run *r, const json_t *leftover, bool *moved, struct err *err) {
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	struct err why = {0};
	size_t at;
	int rc = deletion_of(r, leftover, &at, err);
	if (rc < 0)
		return rc;
	struct deployment_operation *op = &r->operations.list[at];
	op->async[0] = 0;
	rc = opened_perform(r->arm, &r->caller, NULL, "DELETE", op->target, NULL, NULL, NULL, &outcome, &why);
	if (rc < 0)
		return note_failure(r, at, &why, outcome.details, err);
	*moved = true;
	json_decref(op->error);
	op->error = NULL;
	op->status = outcome.status;
	(void)snprintf(op->async, sizeof(op->async), "%s", outcome.operation);
	return note(r, at, op->async[0] ? PLAN_RUNNING : PLAN_SUCCEEDED, err);
}

static int list_leftovers(const struct run *r, json_t *ids, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	struct leftovers l = {.r = r, .ids = ids};
	int rc = store_begin(arm_store(r->arm), STORE_READ, &tx, err);
	return rc < 0 ? rc : resource_each(tx, r->d.subscription, r->d.group, "", collect_leftover, &l, err);
}

// A round of deletions. What holds another one up may be gone in the next; as long as something moves there is one.
static int delete_leftovers(struct run *r, bool *over, struct err *err) {
	_cleanup_json_ json_t *ids = json_array();
	bool moved = false;
	size_t i;
	json_t *leftover;
	int rc = ids ? list_leftovers(r, ids, err) : err_oom(err);
	json_array_foreach(ids, i, leftover)
		if (rc == 0 && !is_being_deleted(r, json_string_value(json_array_get(leftover, 0))))
			rc = delete_one(r, leftover, &moved, err);
	*over = !moved && plan_count(&r->operations.plan, PLAN_RUNNING) == 0;
	return rc;
}

// --- A step ---

static int add_outputs_operation(struct run *r, size_t *at, struct err *err) {
	*at = r->operations.plan.count;
	int rc = deployment_operations_add(&r->operations, "EvaluateDeploymentOutput", "", "", "", err);
	if (rc == 0)
		r->operations.list[*at].started_ns = clock_now_ns();
	return rc;
}

static int end_without_outputs(struct run *r, size_t at, const struct err *why, struct err *err) {
	_cleanup_json_ json_t *detail = deployment_error(why, NULL, NULL);
	_cleanup_json_ json_t *details = detail ? json_pack("[O]", detail) : NULL;
	struct err failure = {0};
	if (!details)
		return err_oom(err);
	int rc = note_failure(r, at, why, NULL, err);
	if (rc == 0 && strcmp(why->code, "DeploymentOutputEvaluationFailed") == 0)
		return end_failed(r, DEPLOYMENT_FAILED, why, NULL, err);
	(void)err_set(&failure, -EIO, 400, "DeploymentOutputEvaluationFailed",
		"Unable to evaluate template outputs. Please see error details and deployment operations. Please see "
		"https://aka.ms/arm-common-errors for usage details.");
	return rc < 0 ? rc : end_failed(r, DEPLOYMENT_FAILED, &failure, details, err);
}

static int end_well(struct run *r, struct err *err) {
	_cleanup_json_ json_t *outputs = NULL, *resources = output_resources(r);
	struct err why = {0};
	size_t at = 0;
	if (!resources)
		return err_oom(err);
	int rc = open_template(r, err);
	if (rc == 0)
		rc = add_outputs_operation(r, &at, err);
	if (rc < 0)
		return rc;
	rc = template_outputs(r->opened.template, &outputs, &why);
	if (rc < 0) {
		rc = opened_strike(&r->opened, &why, NULL, err);
		return rc < 0 ? rc : end_without_outputs(r, at, &why, err);
	}
	r->operations.list[at].status = 200;
	// Nobody asked for any: then there was nothing to do.
	if (json_object_size(outputs) == 0)
		r->operations.plan.items[at].state = PLAN_SKIPPED;
	else
		rc = note(r, at, PLAN_SUCCEEDED, err);
	json_t *result = json_pack("{s:O, s:O}", "outputs", outputs, "outputResources", resources);
	if (rc < 0 || !result) {
		json_decref(result);
		return rc < 0 ? rc : err_oom(err);
	}
	return end_with(r, DEPLOYMENT_SUCCEEDED, result, NULL, err);
}

static int finish(struct run *r, bool *over, struct err *err) {
	bool deleted = true;
	*over = true;
	bool made = true;
	for (size_t i = 0; i < r->operations.plan.count; i++)
		made = made &&
			(r->operations.plan.items[i].state != PLAN_FAILED ||
				strcmp(r->operations.list[i].kind, "Delete") == 0);
	if (made && r->d.complete) {
		int rc = write_down(r, err);
		if (rc == 0)
			rc = delete_leftovers(r, &deleted, err);
		if (rc < 0)
			return rc;
	}
	if (!deleted) {
		*over = false;
		return 0;
	}
	return plan_count(&r->operations.plan, PLAN_FAILED) > 0 ? end_after_failures(r, err) : end_well(r, err);
}

static int64_t patience(const struct run *r) {
	if (r->busy)
		return BUSY_MS;
	if (plan_count(&r->operations.plan, PLAN_RUNNING) == 0)
		return 0;
	int64_t waited = (clock_now_ns() - r->d.created_ns) / MSEC / 20;
	return waited < PATIENCE_MIN_MS ? PATIENCE_MIN_MS : waited > PATIENCE_MAX_MS ? PATIENCE_MAX_MS : waited;
}

static int go_on(struct run *r, bool *over, struct err *err) {
	bool first = r->d.state == DEPLOYMENT_ACCEPTED;
	r->d.state = DEPLOYMENT_RUNNING;
	int rc = first ? write_down(r, err) : 0;
	if (rc == 0)
		rc = look_after_all(r, err);
	if (rc == 0 && !r->d.cancel)
		rc = make_what_is_ready(r, err);
	if (rc < 0)
		return rc;
	if (r->d.cancel) {
		*over = true;
		return end_canceled(r, err);
	}
	plan_block(&r->operations.plan);
	size_t at;
	if (plan_count(&r->operations.plan, PLAN_RUNNING) == 0 && !plan_next(&r->operations.plan, 0, &at))
		rc = finish(r, over, err);
	return rc == 0 && !*over && r->unwritten > 0 ? write_down(r, err) : rc;
}

static int step(struct arm *arm, const char *id, int64_t *again_ms, struct err *err) {
	_cleanup_(run_free) struct run r = {.arm = arm, .began = clock_monotonic_ns(), .written = clock_monotonic_ns()};
	bool over = false;
	*again_ms = ARM_JOB_OVER;
	int rc = load(&r, id, err);
	if (rc == -ENOENT) {
		const struct err why = *err;
		return abandon(arm, id, &why, err);
	}
	if (rc == 0)
		rc = go_on(&r, &over, err);
	// What cannot be opened now never can: a template that another version of this program took. Nor may a caller who is gone
	// go on.
	if (rc < 0 && err->status >= 400 && err->status < 500) {
		const struct err why = *err;
		over = true;
		leave_running(&r);
		rc = end_failed(&r, DEPLOYMENT_FAILED, &why, NULL, err);
	}
	if (rc == 0 && !over)
		*again_ms = patience(&r);
	return rc;
}

const struct arm_job_kind deployment_job = {.name = "deployment", .step = step};
