// SPDX-License-Identifier: Apache-2.0
// From what a client asks for to a deployment that waits for its job.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "deployment/internal.h"
#include "deployment/jsonc.h"

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.()"
enum { TIMEOUT = 30 * CLOCK_DAY };  // what a deployment waits for has an end of its own

void deployment_request_free(struct deployment_request *q) {
	json_decref(q->body);
	json_decref(q->template);
	json_decref(q->parameters);
	*q = (struct deployment_request){0};
}

static int bad_request(struct err *err, const char *text) {
	return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The request content was invalid: %s", text);
}

static int check_name(const char *name, struct err *err) {
	size_t length = strlen(name);
	if (length > DEPLOYMENT_NAME_MAX)
		return err_set(err, -EINVAL, 400, "DeploymentNameLengthLimitExceeded",
			"The deployment name '%s' has a length of '%zu', which exceeds the maximum length of '%d'.", name,
			length, DEPLOYMENT_NAME_MAX);
	if (!strv_made_of(name, NAME_CHARACTERS, 1, DEPLOYMENT_NAME_MAX))
		return err_set(err, -EINVAL, 400, "DeploymentNameInvalidCharacters",
			"The deployment name '%s' is not valid: it can only contain letters, digits, hyphens, underscores, periods and "
			"parentheses.",
			name);
	return 0;
}

// An object, or the text of one; null is as none. `required` names what is missing then.
static int read_object(const json_t *properties, const char *name, json_t **out, struct err *err) {
	json_t *value = json_object_get(properties, name);
	_cleanup_json_ json_t *parsed = NULL;
	if (json_is_string(value)) {
		int rc = jsonc_parse(json_string_value(value), json_string_length(value), &parsed, err);
		if (rc < 0)
			return rc;
		value = parsed;
	}
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_object(value))
		return err_set(err, -EINVAL, 400, "InvalidRequestContent",
			"The request content was invalid: '%s' must be an object.", name);
	*out = json_incref(value);
	return 0;
}

static bool is_given(const json_t *object, const char *name) {
	const json_t *value = json_object_get(object, name);
	return value && !json_is_null(value);
}

// Templates are taken from the request alone: the server fetches nothing that a client names.
static int refuse_what_is_not_there(const json_t *properties, struct err *err) {
	if (is_given(properties, "templateLink") || is_given(properties, "parametersLink"))
		return err_set(err, -EINVAL, 400, "InvalidContentLink",
			"Linked templates and parameters ('templateLink', 'parametersLink') and template specs are not fetched here: send "
			"their content in 'template' and 'parameters'.");
	if (is_given(properties, "onErrorDeployment"))
		return err_set(err, -EINVAL, 400, "OnErrorDeploymentNotSupported",
			"A deployment to go back to on error ('onErrorDeployment') is not supported.");
	return 0;
}

static int read_mode(const json_t *properties, const struct arm_target *at, bool *complete, struct err *err) {
	const char *mode = json_str(properties, "mode");
	if (!mode || (!strv_eq_nocase(mode, "Incremental") && !strv_eq_nocase(mode, "Complete")))
		return bad_request(err, "'mode' must be 'Incremental' or 'Complete'.");
	*complete = strv_eq_nocase(mode, "Complete");
	if (*complete && !at->group[0])
		return err_set(err, -EINVAL, 400, "InvalidDeployment",
			"The deployment mode 'Complete' is not supported for '%s': it is for deployments to a resource group.",
			at->name);
	return 0;
}

static int read_location(const json_t *body, const struct arm_target *at, const char **out, struct err *err) {
	const char *location = json_str(body, "location");
	if (location && at->group[0])
		return err_set(err, -EINVAL, 400, "InvalidDeployment",
			"The 'location' property is not allowed for '%s' at resource group scope. Please see "
			"https://aka.ms/arm-deployment-subscription for usage details.",
			at->name);
	if (!location && !at->group[0])
		return err_set(err, -EINVAL, 400, "LocationRequired",
			"The 'location' property must be specified for '%s'. Please see https://aka.ms/arm-deployment-subscription for usage "
			"details.",
			at->name);
	if (location && !strv_made_of(location, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ", 1, 47))
		return err_set(err, -EINVAL, 400, "LocationNotAvailableForDeployment",
			"The location '%.64s' is not available for deployment.", location);
	*out = location;
	return 0;
}

static int read_format(const json_t *properties, bool *ids_only, struct err *err) {
	const char *format = json_str(properties, "whatIfSettings.resultFormat");
	*ids_only = format && strv_eq_nocase(format, "ResourceIdOnly");
	if (format && !*ids_only && !strv_eq_nocase(format, "FullResourcePayloads"))
		return bad_request(err, "'resultFormat' must be 'FullResourcePayloads' or 'ResourceIdOnly'.");
	return 0;
}

static int read_rest(struct deployment_request *q, const json_t *properties, struct err *err) {
	q->tags = json_object_get(q->body, "tags");
	q->debug = json_object_get(properties, "debugSetting");
	int rc = q->tags && !json_is_null(q->tags) ? arm_check_tags(q->tags, err) : 0;
	if (rc < 0)
		return rc;
	if (q->debug && !json_is_object(q->debug) && !json_is_null(q->debug))
		return bad_request(err, "'debugSetting' must be an object.");
	return read_format(properties, &q->ids_only, err);
}

int deployment_request_read(const void *text, size_t len, const struct arm_target *at, struct deployment_request *out,
	struct err *err) {
	_cleanup_(deployment_request_free) struct deployment_request q = {0};
	int rc = check_name(at->name, err);
	if (rc == 0)
		rc = jsonc_parse(text, len, &q.body, err);
	if (rc < 0)
		return rc;
	const json_t *properties = json_object_get(q.body, "properties");
	if (!json_is_object(properties))
		return bad_request(err, "'properties' is required.");
	rc = refuse_what_is_not_there(properties, err);
	if (rc == 0)
		rc = read_mode(properties, at, &q.complete, err);
	if (rc == 0)
		rc = read_location(q.body, at, &q.location, err);
	if (rc == 0)
		rc = read_object(properties, "template", &q.template, err);
	if (rc == 0 && !q.template)
		rc = err_set(err, -EINVAL, 400, "InvalidTemplate", "The deployment '%s' has no template.", at->name);
	if (rc == 0)
		rc = read_object(properties, "parameters", &q.parameters, err);
	if (rc == 0)
		rc = read_rest(&q, properties, err);
	if (rc < 0)
		return rc;
	*out = q;
	q = (struct deployment_request){0};
	return 0;
}

int deployment_check_nested(const json_t *body, int64_t depth, struct err *err) {
	const char *mode = json_str(body, "properties.mode");
	if (mode && strv_eq_nocase(mode, "Complete"))
		return err_set(err, -EINVAL, 400, "InvalidDeployment",
			"Only root-level templates support the complete deployment mode: nested ones are deployed in the incremental mode.");
	if (depth > DEPLOYMENT_DEPTH_MAX)
		return err_set(err, -EINVAL, 400, "InvalidDeployment", "Deployments are nested deeper than %d levels.",
			DEPLOYMENT_DEPTH_MAX);
	return 0;
}

int deployment_resolved(const struct template *t, json_t **out, struct err *err) {
	_cleanup_json_ json_t *resolved = json_object();
	const char *name;
	json_t *parameter;
	if (!resolved)
		return err_oom(err);
	json_object_foreach((json_t *)(uintptr_t)template_parameters(t), name, parameter)
		if (json_set(resolved, name, json_pack("{s:O?}", "value", json_object_get(parameter, "value"))) < 0)
			return err_oom(err);
	*out = TAKE_PTR(resolved);
	return 0;
}

static int plan_one(struct deployment_operations *o, const struct template_resource *r, struct err *err) {
	int rc = deployment_operations_add(o, r->existing ? "Read" : "Create", r->id, r->type, r->name, err);
	if (rc < 0)
		return rc;
	struct plan_item *item = &o->plan.items[o->plan.count - 1];
	// What exists is read when somebody asks for it, and holds nothing up.
	item->state = r->condition || r->existing ? PLAN_SKIPPED : PLAN_WAITING;
	if (r->depend_count == 0)
		return 0;
	item->depends = reallocarray(NULL, r->depend_count, sizeof(*item->depends));
	if (!item->depends)
		return err_oom(err);
	memcpy(item->depends, r->depends, r->depend_count * sizeof(*item->depends));
	item->depend_count = r->depend_count;
	return 0;
}

int deployment_plan(const struct template *t, struct deployment_operations *out, struct err *err) {
	_cleanup_operations_ struct deployment_operations o = {0};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < template_resource_count(t); i++)
		rc = plan_one(&o, template_resource_at(t, i), err);
	if (rc < 0)
		return rc;
	*out = o;
	o = (struct deployment_operations){0};
	return 0;
}

static int check_before(struct arm_call *call, const struct deployment_request *q, bool *created, struct err *err) {
	_cleanup_deployment_ struct deployment before = {0};
	char started[CLOCK_RFC3339_MAX];
	int rc = deployment_load(call->tx, call->target->id, &before, err);
	*created = rc == -ENOENT;
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (deployment_is_active(before.state))
		return err_set(err, -EEXIST, 409, "DeploymentActive",
			"Unable to edit or replace deployment '%s': previous deployment from '%s' is still active. Please see "
			"https://aka.ms/arm-deploy for usage details.",
			before.name, clock_rfc3339_ns(before.created_ns, started));
	if (q->location && !strv_eq_nocase(before.location, q->location))
		return err_set(err, -EEXIST, 409, "InvalidDeploymentLocation",
			"Invalid deployment location '%s'. The deployment '%s' already exists in location '%s'.", q->location,
			before.name, before.location);
	return 0;
}

// Only what the control plane asks of itself names a parent.
static int join_parent(const struct arm_call *call, struct deployment *d, struct err *err) {
	const char *run = call->inner ? http_query(call->request, DEPLOYMENT_PARENT) : NULL;
	_cleanup_deployment_ struct deployment parent = {0};
	d->depth = 1;
	(void)snprintf(d->correlation, sizeof(d->correlation), "%s", call->correlation_id);
	if (!run)
		return 0;
	int rc = deployment_load_run(call->tx, run, &parent, err);
	if (rc < 0)
		return rc;
	d->depth = parent.depth + 1;
	(void)snprintf(d->parent, sizeof(d->parent), "%s", parent.run);
	(void)snprintf(d->correlation, sizeof(d->correlation), "%s", parent.correlation);
	return 0;
}

static int start(const struct arm_call *call, const struct deployment_request *q, struct deployment *d, struct err *err) {
	const struct arm_target *at = call->target;
	_cleanup_free_ char *id = strv_lower(at->id);
	if (!id)
		return err_oom(err);
	if (enc_uuid(d->run) < 0)
		return err_errno(err, -EIO, "no random numbers");
	(void)snprintf(d->id, sizeof(d->id), "%s", id);
	(void)snprintf(d->display_id, sizeof(d->display_id), "%s", at->id);
	(void)snprintf(d->subscription, sizeof(d->subscription), "%s", at->subscription);
	(void)snprintf(d->group, sizeof(d->group), "%s", at->group);
	(void)snprintf(d->name, sizeof(d->name), "%s", at->name);
	(void)snprintf(d->location, sizeof(d->location), "%s", q->location ? q->location : "");
	d->complete = q->complete;
	d->created_ns = d->changed_ns = clock_now_ns();
	int rc = join_parent(call, d, err);
	return rc < 0 ? rc : opened_place(call->tx, at, call->caller->tenant, &d->place, err);
}

// What must not be said of it, with what must not be said of the one that it is nested in.
static int seal_secrets(struct arm_call *call, const struct opened *o, const struct deployment *d, struct err *err) {
	_cleanup_json_ json_t *inherited = NULL;
	int rc = d->parent[0] ? deployment_unseal(call->tx, arm_keeper(call->arm), d->parent, "secrets", &inherited, err) : 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (inherited && json_array_extend(o->secrets, inherited) < 0)
		return err_oom(err);
	return json_array_size(o->secrets) == 0
		? 0
		: deployment_seal(call->tx, arm_keeper(call->arm), d->run, "secrets", o->secrets, err);
}

static int save(struct arm_call *call, const struct opened *o, const struct deployment *d, struct err *err) {
	_cleanup_operations_ struct deployment_operations operations = {0};
	_cleanup_json_ json_t *resolved = NULL;
	int rc = deployment_resolved(o->template, &resolved, err);
	if (rc == 0)
		rc = deployment_plan(o->template, &operations, err);
	if (rc == 0)
		rc = deployment_insert(call->tx, d, err);
	if (rc == 0)
		rc = deployment_seal(call->tx, arm_keeper(call->arm), d->run, "template", o->document, err);
	if (rc == 0)
		rc = deployment_seal(call->tx, arm_keeper(call->arm), d->run, "parameters", resolved, err);
	if (rc == 0)
		rc = seal_secrets(call, o, d, err);
	return rc < 0 ? rc : deployment_operations_save(call->tx, d->run, &operations, err);
}

static int enqueue(struct arm_call *call, const struct deployment *d, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	int rc = resource_new(call->target, DEPLOYMENT_TYPE, &r, err);
	if (rc == 0)
		rc = arm_operation_start(call, &r, DEPLOYMENT_TYPE "/write", TIMEOUT, err);
	return rc < 0 ? rc : arm_job_enqueue(call, deployment_job.name, d->run, err);
}

int deployment_accept(struct arm_call *call, const struct deployment_request *q, struct deployment *out, bool *created,
	struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	int rc = check_before(call, q, created, err);
	if (rc == 0)
		rc = start(call, q, &d, err);
	if (rc < 0)
		return rc;
	_cleanup_opened_ struct opened o = {.arm = call->arm,
		.caller = call->caller,
		.tx = call->tx,
		.document = json_incref(q->template),
		.parameters = json_incref(q->parameters),
		.place = json_incref(d.place)};
	rc = opened_open(&o, d.subscription, d.group, d.name, d.location, d.complete, err);
	if (rc == 0)
		rc = deployment_describe(q, o.template, &d.details, err);
	if (rc == 0)
		rc = save(call, &o, &d, err);
	if (rc == 0)
		rc = enqueue(call, &d, err);
	if (rc < 0)
		return rc;
	*out = d;
	d = (struct deployment){0};
	return 0;
}
