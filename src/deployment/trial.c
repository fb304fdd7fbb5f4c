// SPDX-License-Identifier: Apache-2.0
// What a deployment would do, found out by doing it in a transaction that is rolled back (docs/decisions/0009).
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "deployment/diff.h"
#include "deployment/internal.h"
#include "deployment/secrets.h"

enum { SECONDS_MAX = 5 };  // nobody else writes meanwhile

struct trial {
	struct arm *arm;
	int64_t ends;  // monotonic
	const struct caller *caller;
	struct store_tx *tx;
	bool ids_only, complete;
	size_t count;  // of resources so far
	struct expr_budget budget;
	json_t *secrets;  // of all templates so far
	const struct arm_target *root;
	json_t *changes, *touched;
	json_t *seen;     // ids in lower case of what is made, read or deployed
	json_t *groups;   // ids of the groups that are deployed to, in lower case, to a place in one of them
	json_t *made;     // of deployments, by id in lower case
	json_t **details; // of what is refused
};

static void trial_free(struct trial *t) {
	json_decref(t->changes);
	json_decref(t->touched);
	json_decref(t->seen);
	json_decref(t->groups);
	json_decref(t->made);
	json_decref(t->secrets);
}

void deployment_trial_free(struct deployment_trial *t) {
	json_decref(t->changes);
	json_decref(t->touched);
	json_decref(t->known);
	*t = (struct deployment_trial){0};
}

static int remember(json_t *set, const char *id, json_t *value, struct err *err) {
	_cleanup_free_ char *key = strv_lower(id);
	return !key || json_set(set, key, value) < 0 ? err_oom(err) : 0;
}

static bool is_remembered(const json_t *set, const char *id) {
	_cleanup_free_ char *key = strv_lower(id);
	return key && json_object_get(set, key);
}

// What is refused of one resource is the reason why the whole is.
static int refuse(const struct trial *t, const char *target, json_t *details, struct err *err) {
	secrets_strike_err(t->secrets, err);
	int rc = secrets_strike_json(t->secrets, details, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *detail = deployment_error(err, target, details);
	json_t *list = detail ? json_pack("[O]", detail) : NULL;
	if (!list)
		return err_oom(err);
	*t->details = list;
	return err_set(err, -EINVAL, 400, "InvalidTemplateDeployment",
		"The template deployment '%s' is not valid according to the validation procedure. See inner errors for details.",
		t->root->name);
}

static int see(const struct trial *t, const char *id, const char *api_version, json_t **out, struct err *err) {
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	struct err why = {0};
	int rc = opened_perform(t->arm, t->caller, t->tx, "GET", id, NULL, api_version, NULL, &outcome, &why);
	if (rc < 0 && why.status == 404)
		return 0;
	if (rc < 0) {
		*err = why;
		return rc;
	}
	*out = TAKE_PTR(outcome.json);
	return 0;
}

// As what-if shows it: without the platform's own, with the version that it was read in.
static int snapshot(const json_t *shown, const json_t *wanted, const char *api_version, json_t **out, struct err *err) {
	if (!shown)
		return 0;
	_cleanup_json_ json_t *seen = NULL;
	int rc = diff_visible(shown, wanted, &seen, err);
	if (rc == 0 && json_set_str(seen, "apiVersion", api_version) < 0)
		rc = err_oom(err);
	if (rc == 0)
		*out = TAKE_PTR(seen);
	return rc;
}

// `delta` may be NULL.
static int add_change(struct trial *t, const char *id, const char *symbol, const char *kind, const json_t *before,
	const json_t *after, const json_t *delta, struct err *err) {
	bool full = !t->ids_only;
	json_t *change = json_pack("{s:s, s:s, s:s*, s:O*, s:O*, s:O*}", "resourceId", id, "changeType", kind, "symbolicName",
		symbol, "before", full ? before : NULL, "after", full ? after : NULL, "delta", full ? delta : NULL);
	return json_array_append_new(t->changes, change) < 0 ? err_oom(err) : 0;
}

static int compare(struct trial *t, const struct template_resource *r, const json_t *body, const json_t *before,
	const json_t *after, struct err *err) {
	_cleanup_json_ json_t *was = NULL, *is = NULL, *delta = NULL;
	const char *version = r->api_version ? r->api_version : arm_api_version(t->arm, r->id);
	int rc = snapshot(before, body, version, &was, err);
	if (rc == 0)
		rc = snapshot(after, body, version, &is, err);
	if (rc < 0)
		return rc;
	if (!is)
		return add_change(t, r->id, r->symbol, "Unsupported", was, NULL, NULL, err);
	if (!was)
		return add_change(t, r->id, r->symbol, "Create", NULL, is, NULL, err);
	rc = diff_members(was, is, &delta, err);
	if (rc < 0)
		return rc;
	const char *kind = t->ids_only ? "Deploy" : json_array_size(delta) > 0 ? "Modify" : "NoChange";
	return add_change(t, r->id, r->symbol, kind, was, is, delta, err);
}

static int try_put(struct trial *t, const struct template_resource *r, const json_t *body, struct err *err) {
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	_cleanup_json_ json_t *before = NULL, *after = NULL;
	int rc = see(t, r->id, r->api_version, &before, err);
	if (rc == 0)
		rc = opened_perform(t->arm, t->caller, t->tx, "PUT", r->id, NULL, r->api_version, body, &outcome, err);
	if (rc == 0)
		rc = see(t, r->id, r->api_version, &after, err);
	if (rc < 0)
		return refuse(t, r->id, outcome.details, err);
	rc = compare(t, r, body, before, after, err);
	if (rc == 0)
		rc = remember(t->seen, r->id, json_true(), err);
	if (rc == 0 && json_array_append_new(t->touched, json_pack("{s:s}", "id", r->id)) < 0)
		rc = err_oom(err);
	return rc;
}

static int try_template(struct trial *t, const struct arm_target *at, const struct deployment_request *q, int64_t depth,
	json_t **known, struct err *err);

static int authorize(const struct trial *t, const struct arm_target *at, struct err *err) {
	struct arm_call call = {.arm = t->arm, .tx = t->tx, .caller = t->caller, .target = at};
	return arm_authorize(&call, at->id, DEPLOYMENT_TYPE "/write", err);
}

static int try_nested(struct trial *t, const struct template_resource *r, const json_t *body, int64_t depth, struct err *err) {
	_cleanup_(deployment_request_free) struct deployment_request q = {0};
	struct arm_target at;
	_cleanup_free_ char *text = json_text(body);
	if (!text)
		return err_oom(err);
	int rc = arm_parse_id(r->id, DEPLOYMENT_TYPE, &at, err);
	if (rc == 0)
		rc = deployment_check_nested(body, depth, err);
	if (rc == 0)
		rc = deployment_request_read(text, strlen(text), &at, &q, err);
	explicit_bzero(text, strlen(text));
	if (rc == 0)
		rc = authorize(t, &at, err);
	if (rc == 0)
		rc = try_template(t, &at, &q, depth, NULL, err);
	return rc < 0 && !*t->details ? refuse(t, r->id, NULL, err) : rc;
}

// Templates inside each other multiply.
static int check_bounds(struct trial *t, struct err *err) {
	if (++t->count > TEMPLATE_INSTANCES_MAX)
		return err_set(err, -EINVAL, 400, "InvalidTemplate", "The template comes to more than %d resources.",
			TEMPLATE_INSTANCES_MAX);
	if (clock_monotonic_ns() > t->ends)
		return err_set(err, -EINVAL, 400, "InvalidTemplate",
			"The template takes more than %d seconds to be tried out: divide it, or deploy it without.", SECONDS_MAX);
	return 0;
}

static int try_resource(struct trial *t, struct opened *o, size_t place, int64_t depth, struct err *err) {
	const struct template_resource *r = template_resource_at(o->template, place);
	_cleanup_json_ json_t *body = NULL;
	int rc = check_bounds(t, err);
	if (rc == 0)
		rc = template_resource_body(o->template, place, &body, err);
	if (rc < 0)
		return refuse(t, r->id, NULL, err);
	return r->nested ? try_nested(t, r, body, depth + 1, err) : try_put(t, r, body, err);
}

static int try_all(struct trial *t, struct opened *o, int64_t depth, struct err *err) {
	_cleanup_operations_ struct deployment_operations operations = {0};
	size_t at = 0;
	int rc = deployment_plan(o->template, &operations, err);
	for (size_t i = 0; rc == 0 && i < template_resource_count(o->template); i++)
		if (template_resource_at(o->template, i)->existing)
			rc = remember(t->seen, template_resource_at(o->template, i)->id, json_true(), err);
	while (rc == 0 && plan_next(&operations.plan, at, &at)) {
		rc = try_resource(t, o, at, depth, err);
		operations.plan.items[at].state = PLAN_SUCCEEDED;
	}
	return rc;
}

// What reference() of the parent gives.
static int keep_outputs(struct trial *t, const struct arm_target *at, struct opened *o, struct err *err) {
	_cleanup_json_ json_t *outputs = NULL;
	int rc = template_outputs(o->template, &outputs, err);
	if (rc < 0)
		return refuse(t, at->id, NULL, err);
	json_t *shown = json_pack("{s:s, s:s, s:s, s:{s:s, s:O}}", "id", at->id, "name", at->name, "type", DEPLOYMENT_TYPE,
		"properties", "provisioningState", "Succeeded", "outputs", outputs);
	return remember(t->made, at->id, shown, err);
}

static int note_group(struct trial *t, const struct arm_target *at, struct err *err) {
	return at->group[0] ? remember(t->groups, at->scope, json_pack("[s, s]", at->subscription, at->group), err) : 0;
}

static int try_template(struct trial *t, const struct arm_target *at, const struct deployment_request *q, int64_t depth,
	json_t **known, struct err *err) {
	_cleanup_opened_ struct opened o = {.arm = t->arm,
		.caller = t->caller,
		.tx = t->tx,
		.document = json_incref(q->template),
		.parameters = json_incref(q->parameters),
		.made = t->made,
		.budget = &t->budget,
		.secrets = json_incref(t->secrets)};
	int rc = opened_place(t->tx, at, t->caller->tenant, &o.place, err);
	if (rc == 0)
		rc = opened_open(&o, at->subscription, at->group, at->name, q->location ? q->location : "", q->complete, err);
	if (rc == 0)
		rc = note_group(t, at, err);
	if (rc == 0)
		rc = try_all(t, &o, depth, err);
	if (rc == 0)
		rc = keep_outputs(t, at, &o, err);
	return rc == 0 && known ? deployment_describe(q, o.template, known, err) : rc;
}

// --- What the template does not name ---

static int add_leftover(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx;
	struct trial *t = ctx;
	_cleanup_json_ json_t *shown = NULL, *before = NULL;
	if (!deployment_stands_alone(r) || is_remembered(t->seen, r->id))
		return 0;
	const char *version = arm_api_version(t->arm, r->id);
	struct err hidden = {0};
	// What the caller may not read is not shown to it.
	int rc = see(t, r->display_id, version, &shown, &hidden);
	if (rc < 0 && hidden.status == 403)
		return 0;
	if (rc < 0) {
		*err = hidden;
		return rc;
	}
	rc = snapshot(shown, NULL, version, &before, err);
	bool goes = t->complete && strv_eq_nocase(r->group, t->root->group) &&
		strv_eq_nocase(r->subscription, t->root->subscription);
	return rc < 0 ? rc : add_change(t, r->display_id, NULL, goes ? "Delete" : "Ignore", before, NULL, NULL, err);
}

static int add_leftovers(struct trial *t, struct err *err) {
	const char *id;
	json_t *group;
	int rc = 0;
	json_object_foreach(t->groups, id, group)
		if (rc == 0)
			rc = resource_each(t->tx, json_string_value(json_array_get(group, 0)),
				json_string_value(json_array_get(group, 1)), "", add_leftover, t, err);
	return rc;
}

int deployment_try(struct arm *arm, const struct caller *caller, const struct arm_target *at,
	const struct deployment_request *q, struct deployment_trial *out, json_t **details, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	_cleanup_json_ json_t *known = NULL;
	_cleanup_(trial_free) struct trial t = {.arm = arm,
		.caller = caller,
		.ids_only = q->ids_only,
		.complete = q->complete,
		.root = at,
		.budget = {.left = TEMPLATE_COST_MAX},
		.changes = json_array(),
		.touched = json_array(),
		.seen = json_object(),
		.groups = json_object(),
		.made = json_object(),
		.secrets = json_array(),
		.details = details};
	if (!t.changes || !t.touched || !t.seen || !t.groups || !t.made || !t.secrets)
		return err_oom(err);
	int rc = store_begin(arm_store(arm), STORE_WRITE, &tx, err);
	if (rc < 0)
		return rc;
	t.tx = tx;
	t.ends = clock_monotonic_ns() + SECONDS_MAX * CLOCK_NSEC_PER_SEC;
	rc = try_template(&t, at, q, 1, &known, err);
	store_rollback(&tx);
	// As it really is: resources that others made for themselves in the try are gone again.
	if (rc == 0)
		rc = store_begin(arm_store(arm), STORE_READ, &tx, err);
	t.tx = tx;
	if (rc == 0)
		rc = add_leftovers(&t, err);
	if (rc < 0)
		return rc;
	*out = (struct deployment_trial){.changes = TAKE_PTR(t.changes),
		.touched = TAKE_PTR(t.touched),
		.known = TAKE_PTR(known)};
	return 0;
}
