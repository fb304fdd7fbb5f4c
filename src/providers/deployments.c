// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/deployments, in resource groups and subscriptions, with their operations; calculateTemplateHash and a
// group's exportTemplate.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/page.h"
#include "base/clock.h"
#include "base/strv.h"
#include "deployment/deployment.h"
#include "deployment/diff.h"
#include "deployment/jsonc.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define PAGE_MAX 100
#define SCHEMA "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"

static int authorize(struct arm_call *call, const char *scope, const char *verb, struct err *err) {
	char permission[128];
	(void)snprintf(permission, sizeof(permission), DEPLOYMENT_TYPE "/%s", verb);
	return arm_authorize(call, scope, permission, err);
}

static bool is_method(const struct arm_call *call, const char *method) {
	return strcmp(http_method(call->request), method) == 0;
}

static bool is_action(const struct arm_call *call, const char *name) {
	return is_method(call, "POST") && call->target->name[0] && strv_eq_nocase(call->target->tail, name);
}

static int group_must_exist(struct arm_call *call, struct err *err) {
	if (!call->target->group[0])
		return 0;
	_cleanup_resource_ struct resource group = {0};
	return resource_load(call->tx, call->target->scope, &group, err);
}

static int read_request(struct arm_call *call, struct deployment_request *q, struct err *err) {
	size_t len;
	const void *text = http_body(call->request, &len);
	return deployment_request_read(text, len, call->target, q, err);
}

// --- One deployment ---

static int put(struct arm_call *call, struct err *err) {
	_cleanup_(deployment_request_free) struct deployment_request q = {0};
	_cleanup_deployment_ struct deployment d = {0};
	bool created = false;
	int rc = authorize(call, call->target->id, "write", err);
	if (rc == 0)
		rc = read_request(call, &q, err);
	if (rc == 0)
		rc = deployment_accept(call, &q, &d, &created, err);
	if (rc < 0)
		return rc;
	call->response->status = created ? 201 : 200;
	return deployment_show(&d, &call->response->json, err);
}

static int get(struct arm_call *call, struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	int rc = authorize(call, call->target->id, "read", err);
	if (rc == 0)
		rc = group_must_exist(call, err);
	if (rc == 0)
		rc = deployment_load(call->tx, call->target->id, &d, err);
	if (rc < 0)
		return rc;
	if (!is_method(call, "HEAD"))
		return deployment_show(&d, &call->response->json, err);
	call->response->status = 204;
	return 0;
}

static int refuse_active(const struct deployment *d, const char *code, const char *what, struct err *err) {
	return err_set(err, -EEXIST, 409, code, "The deployment '%s' cannot be %s as its provisioning state is '%s'.",
		d->name, what, deployment_state_name(d->state));
}

static int delete(struct arm_call *call, struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	int rc = authorize(call, call->target->id, "delete", err);
	if (rc == 0)
		rc = group_must_exist(call, err);
	if (rc == 0)
		rc = deployment_load(call->tx, call->target->id, &d, err);
	if (rc == 0 && deployment_is_active(d.state))
		return refuse_active(&d, "DeploymentActive", "deleted", err);
	if (rc == 0)
		rc = deployment_delete(call->tx, &d, err);
	if (rc == -ENOENT && strcmp(err->code, "DeploymentNotFound") != 0)
		return rc;
	call->response->status = 204;
	return rc == -ENOENT ? 0 : rc;
}

static int cancel(struct arm_call *call, struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	int rc = authorize(call, call->target->id, "cancel/action", err);
	if (rc == 0)
		rc = deployment_load(call->tx, call->target->id, &d, err);
	if (rc < 0)
		return rc;
	if (!deployment_is_active(d.state))
		return refuse_active(&d, "DeploymentCannotBeCancelled", "cancelled", err);
	call->response->status = 204;
	return deployment_cancel(call->tx, d.run, err);
}

static int export_template(struct arm_call *call, struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	json_t *template = NULL;
	int rc = authorize(call, call->target->id, "exportTemplate/action", err);
	if (rc == 0)
		rc = deployment_load(call->tx, call->target->id, &d, err);
	if (rc == 0)
		rc = deployment_unseal(call->tx, arm_keeper(call->arm), d.run, "template", &template, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:o}", "template", template);
	return call->response->json ? 0 : err_oom(err);
}

// --- Lists ---

struct listing {
	json_t *value;
	int64_t left;
	bool more;
	char last[ARM_ID_MAX + 24];  // "created_ns id" of the last one listed
};

static int add_to_listing(void *ctx, struct deployment *d, struct err *err) {
	struct listing *l = ctx;
	json_t *shown = NULL;
	if (l->left-- == 0) {
		l->more = true;
		return 0;
	}
	(void)snprintf(l->last, sizeof(l->last), "%lld %s", (long long)d->created_ns, d->id);
	int rc = deployment_show(d, &shown, err);
	return rc < 0 ? rc : json_array_append_new(l->value, shown) < 0 ? err_oom(err) : 0;
}

// "provisioningState eq 'Succeeded'"
static int read_filter(struct arm_call *call, char state[static 32], struct err *err) {
	static const char start[] = "provisioningState eq '";
	const char *filter = http_query(call->request, "$filter");
	if (!filter || !*filter)
		return 0;
	size_t length = strlen(filter), begin = sizeof(start) - 1;
	if (!strv_starts_with_nocase(filter, start) || length <= begin || filter[length - 1] != '\'' ||
		length - begin - 1 >= 32 || memchr(filter + begin, '\'', length - begin - 1))
		return err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
			"Invalid $filter '%.200s' specified in the query string.", filter);
	(void)snprintf(state, 32, "%.*s", (int)(length - begin - 1), filter + begin);
	for (int i = DEPLOYMENT_ACCEPTED; i <= DEPLOYMENT_CANCELED; i++)
		if (strv_eq_nocase(state, deployment_state_name((enum deployment_state)i)))
			(void)snprintf(state, 32, "%s", deployment_state_name((enum deployment_state)i));
	return 0;
}

static int read_place(const struct arm_page *page, struct deployment_query *q, struct err *err) {
	char number[24];
	size_t digits = strcspn(page->after, " ");
	if (!page->after[0])
		return 0;
	if (digits >= sizeof(number) || !page->after[digits])
		return err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token is not valid.");
	(void)snprintf(number, sizeof(number), "%.*s", (int)digits, page->after);
	if (strv_int(number, 1, INT64_MAX, &q->before_ns) < 0)
		return err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token is not valid.");
	q->after_id = page->after + digits + 1;
	return 0;
}

static int list(struct arm_call *call, struct err *err) {
	struct arm_page page;
	char state[32] = "";
	struct deployment_query q = {.subscription = call->target->subscription, .group = call->target->group, .state = state};
	int rc = authorize(call, call->target->id, "read", err);
	if (rc == 0)
		rc = group_must_exist(call, err);
	if (rc == 0)
		rc = arm_page_read(call, PAGE_MAX, &page, err);
	if (rc == 0)
		rc = read_filter(call, state, err);
	if (rc == 0)
		rc = read_place(&page, &q, err);
	if (rc < 0)
		return rc;
	struct listing l = {.value = arm_list_answer(call), .left = page.top};
	if (!l.value)
		return err_oom(err);
	q.limit = page.top + 1;
	rc = deployment_each(call->tx, &q, add_to_listing, &l, err);
	return rc == 0 && l.more ? arm_page_next(call, call->response->json, l.last, err) : rc;
}

// --- What is tried out ---

struct trial_call {
	struct deployment_request q;
	struct deployment_trial result;
	json_t *details;     // of a refusal, …
	struct err failure;  // … which a what-if tells as a result
	bool what_if;
};

static void forget(void *prepared) {
	struct trial_call *t = prepared;
	deployment_request_free(&t->q);
	deployment_trial_free(&t->result);
	json_decref(t->details);
	free(t);
}

static int look(struct arm_call *call, struct err *err) {
	bool what_if = is_action(call, "whatIf");
	if (!what_if && !is_action(call, "validate"))
		return 0;
	int rc = authorize(call, call->target->id, what_if ? "whatIf/action" : "validate/action", err);
	if (rc == 0)
		rc = group_must_exist(call, err);
	if (rc < 0)
		return rc;
	struct trial_call *t = calloc(1, sizeof(*t));
	if (!t)
		return err_oom(err);
	t->what_if = what_if;
	rc = read_request(call, &t->q, err);
	if (rc < 0)
		forget(t);
	else
		call->prepared = t;
	return rc;
}

static int work(struct arm_call *call, struct err *err) {
	struct trial_call *t = call->prepared;
	int rc = deployment_try(call->arm, call->caller, call->target, &t->q, &t->result, &t->details, &t->failure);
	if (rc == 0 || (t->what_if && t->details))
		return 0;
	call->details = TAKE_PTR(t->details);
	*err = t->failure;
	return rc;
}

static int answer_what_if(struct arm_call *call, const struct trial_call *t, struct err *err) {
	call->response->json = t->details
		? json_pack("{s:s, s:{s:s, s:s, s:O}}", "status", "Failed", "error", "code", t->failure.code, "message",
			  t->failure.message, "details", t->details)
		: json_pack("{s:s, s:{s:O}}", "status", "Succeeded", "properties", "changes", t->result.changes);
	return call->response->json ? 0 : err_oom(err);
}

static int answer_validation(struct arm_call *call, const struct trial_call *t, struct err *err) {
	struct deployment d = {.state = DEPLOYMENT_SUCCEEDED, .details = t->result.known, .created_ns = clock_now_ns()};
	d.changed_ns = d.created_ns;
	(void)snprintf(d.display_id, sizeof(d.display_id), "%s", call->target->id);
	(void)snprintf(d.name, sizeof(d.name), "%s", call->target->name);
	(void)snprintf(d.location, sizeof(d.location), "%s", t->q.location ? t->q.location : "");
	(void)snprintf(d.correlation, sizeof(d.correlation), "%s", call->correlation_id);
	d.result = json_pack("{s:O}", "validatedResources", t->result.touched);
	int rc = d.result ? deployment_show(&d, &call->response->json, err) : err_oom(err);
	json_decref(d.result);
	return rc;
}

static int answer_trial(struct arm_call *call, struct err *err) {
	const struct trial_call *t = call->prepared;
	if (!t)
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The operation '%s' cannot be part of a template.",
			call->target->tail);
	return t->what_if ? answer_what_if(call, t, err) : answer_validation(call, t, err);
}

// --- The types ---

static int handle_action(struct arm_call *call, struct err *err) {
	if (is_action(call, "cancel"))
		return cancel(call, err);
	if (is_action(call, "exportTemplate"))
		return export_template(call, err);
	if (is_action(call, "validate") || is_action(call, "whatIf"))
		return answer_trial(call, err);
	return err_set(err, -ENOENT, 404, "InvalidResourceType", "The resource type '%s' has no operation '%s' for method %s.",
		DEPLOYMENT_TYPE, call->target->tail, http_method(call->request));
}

static int handle(struct arm_call *call, struct err *err) {
	if (!call->target->subscription[0])
		return err_set(err, -EINVAL, 400, "InvalidDeployment",
			"Deployments are to a resource group or a subscription.");
	if (call->target->tail[0])
		return handle_action(call, err);
	if (is_method(call, "GET") && !call->target->name[0])
		return list(call, err);
	if ((is_method(call, "GET") || is_method(call, "HEAD")) && call->target->name[0])
		return get(call, err);
	if (is_method(call, "PUT") && call->target->name[0])
		return put(call, err);
	if (is_method(call, "DELETE") && call->target->name[0])
		return delete(call, err);
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
}

// The deployment that operations are asked of, without "/operations/{id}".
static int load_for_operations(struct arm_call *call, struct deployment *d, struct err *err) {
	char id[ARM_ID_MAX];
	if (call->target->name[0])
		arm_parent_id(call->target->id, id);
	else
		(void)snprintf(id, sizeof(id), "%s", call->target->id);
	int rc = authorize(call, id, "operations/read", err);
	if (rc == 0)
		rc = group_must_exist(call, err);
	return rc < 0 ? rc : deployment_load(call->tx, id, d, err);
}

static int show_operation(struct arm_call *call, const struct deployment *d, const struct deployment_operations *o,
	struct err *err) {
	for (size_t i = 0; i < o->plan.count; i++)
		if (strv_eq_nocase(o->list[i].id, call->target->name) && deployment_operation_is_shown(o, i))
			return deployment_operation_show(d, o, i, &call->response->json, err);
	return err_set(err, -ENOENT, 404, "DeploymentOperationNotFound",
		"The operation '%s' of the deployment '%s' could not be found.", call->target->name, d->name);
}

static int list_operations(struct arm_call *call, const struct deployment *d, const struct deployment_operations *o,
	struct err *err) {
	struct arm_page page;
	int64_t from = 0;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	int rc = arm_page_read(call, PAGE_MAX, &page, err);
	if (rc == 0 && page.after[0] && strv_int(page.after, 0, INT32_MAX, &from) < 0)
		rc = err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token is not valid.");
	for (size_t i = (size_t)from; rc == 0 && i < o->plan.count; i++) {
		json_t *shown = NULL;
		if (!deployment_operation_is_shown(o, i))
			continue;
		if ((int64_t)json_array_size(value) == page.top) {
			char place[24];
			(void)snprintf(place, sizeof(place), "%zu", i);
			return arm_page_next(call, call->response->json, place, err);
		}
		rc = deployment_operation_show(d, o, i, &shown, err);
		if (rc == 0 && json_array_append_new(value, shown) < 0)
			rc = err_oom(err);
	}
	return rc;
}

static int handle_operations(struct arm_call *call, struct err *err) {
	_cleanup_deployment_ struct deployment d = {0};
	_cleanup_operations_ struct deployment_operations o = {0};
	if (!is_method(call, "GET") || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The operations of a deployment can only be read.");
	int rc = load_for_operations(call, &d, err);
	if (rc == 0)
		rc = deployment_operations_load(call->tx, d.run, &o, err);
	if (rc < 0)
		return rc;
	return call->target->name[0] ? show_operation(call, &d, &o, err) : list_operations(call, &d, &o, err);
}

static int handle_hash(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *template = NULL;
	_cleanup_free_ char *minified = NULL;
	char hash[24];
	size_t len;
	const void *text = http_body(call->request, &len);
	if (!is_method(call, "POST") || call->target->tail[0] || call->target->name[0] || call->target->scope[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The hash of a template is asked for with POST.");
	int rc = jsonc_parse(text, len, &template, err);
	if (rc == 0 && !json_is_object(template))
		rc = err_set(err, -EINVAL, 400, "InvalidRequestContent",
			"The request content was invalid: the template must be an object.");
	if (rc == 0)
		rc = deployment_template_hash(template, hash, &minified, err);
	if (rc < 0)
		return rc;
	call->response->json = json_pack("{s:s, s:s}", "minifiedTemplate", minified, "templateHash", hash);
	return call->response->json ? 0 : err_oom(err);
}

// --- A group as a template ---

struct export {
	struct arm_call *call;
	const json_t *wanted;  // ids, or "*" among them
	json_t *resources;
	json_t *left_out;      // errors
};

static bool is_wanted(const struct export *x, const char *id) {
	size_t i;
	json_t *one;
	json_array_foreach((json_t *)(uintptr_t)x->wanted, i, one)
		if (json_is_string(one) &&
			(strcmp(json_string_value(one), "*") == 0 || strv_eq_nocase(json_string_value(one), id)))
			return true;
	return json_array_size(x->wanted) == 0;
}

// What stands in brackets would be an expression.
static int escape_strings(json_t *value) {
	const char *name;
	json_t *member;
	void *next;
	size_t i;
	int rc = 0;
	if (json_is_string(value) && json_string_value(value)[0] == '[' &&
		strv_ends_with_nocase(json_string_value(value), "]")) {
		_cleanup_free_ char *escaped = strv_printf("[%s", json_string_value(value));
		return escaped ? json_string_set(value, escaped) : -1;
	}
	if (json_is_object(value))
		json_object_foreach_safe(value, next, name, member)
			rc = rc < 0 ? rc : escape_strings(member);
	else if (json_is_array(value))
		json_array_foreach(value, i, member)
			rc = rc < 0 ? rc : escape_strings(member);
	return rc;
}

// "vault/key" of "…/vaults/vault/keys/key".
static char *template_name(const struct resource *r) {
	_cleanup_buf_ struct buf name = {0};
	const char *p = strstr(r->display_id, "/providers/");
	for (size_t segment = 0; p && *p; segment++) {
		size_t n = strcspn(p + 1, "/");
		if (segment >= 3 && segment % 2 == 1 && buf_printf(&name, "%s%.*s", name.len ? "/" : "", (int)n, p + 1) < 0)
			return NULL;
		p += 1 + n;
	}
	return buf_take_str(&name);
}

static int describe_resource(const struct resource *r, const json_t *shown, const char *version, json_t **out,
	struct err *err) {
	_cleanup_json_ json_t *visible = NULL;
	_cleanup_free_ char *name = template_name(r);
	int rc = diff_visible(shown, NULL, &visible, err);
	if (rc < 0)
		return rc;
	json_t *described = name ? json_pack("{s:s, s:s, s:s}", "type", r->type, "apiVersion", version, "name", name) : NULL;
	(void)json_object_del(visible, "id");
	if (!described || escape_strings(visible) < 0 || json_object_update_missing(described, visible) < 0) {
		json_decref(described);
		return err_oom(err);
	}
	*out = described;
	return 0;
}

static int export_resource(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	struct export *x = ctx;
	if (!strstr(r->id, "/providers/") || !is_wanted(x, r->id))
		return 0;
	const char *version = arm_api_version(x->call->arm, r->id);
	_cleanup_(arm_outcome_free) struct arm_outcome outcome = {0};
	_cleanup_free_ char *target = strv_printf("%s?api-version=%s", r->display_id, version);
	json_t *described = NULL;
	struct err why = {0};
	if (!target)
		return err_oom(err);
	int rc = arm_perform(x->call->arm, x->call->caller, tx, "GET", target, NULL, &outcome, &why);
	if (rc < 0)
		return json_array_append_new(x->left_out,
			       json_pack("{s:s, s:s, s:s}", "code", why.code, "message", why.message, "target",
				       r->display_id)) < 0
			? err_oom(err)
			: 0;
	rc = describe_resource(r, outcome.json, version, &described, err);
	return rc < 0 ? rc : json_array_append_new(x->resources, described) < 0 ? err_oom(err) : 0;
}

static int answer_export(struct arm_call *call, const struct export *x, struct err *err) {
	json_t *error = json_array_size(x->left_out) == 0
		? NULL
		: json_pack("{s:s, s:s, s:O}", "code", "ExportTemplateCompletedWithErrors", "message",
			  "Export template operation completed with errors. Some resources were not "
			  "exported. Please see details for more information.",
			  "details", x->left_out);
	call->response->json = json_pack("{s:{s:s, s:s, s:{}, s:{}, s:O}, s:o*}", "template", "$schema", SCHEMA,
		"contentVersion", "1.0.0.0", "parameters", "variables", "resources", x->resources, "error", error);
	return call->response->json ? 0 : err_oom(err);
}

static int handle_group_export(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL, *resources = json_array(), *left_out = json_array();
	if (!is_method(call, "POST"))
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The template of a group is asked for with POST.");
	if (!resources || !left_out)
		return err_oom(err);
	int rc = arm_authorize(call, call->target->id,
		"Microsoft.Resources/subscriptions/resourceGroups/exportTemplate/action", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc < 0)
		return rc;
	const char *format = json_str(body, "outputFormat");
	if (format && !strv_eq_nocase(format, "Json"))
		return err_set(err, -EINVAL, 400, "InvalidRequestContent",
			"The output format '%.32s' is not supported: it is 'Json'.", format);
	struct export x = {.call = call,
		.wanted = json_object_get(body, "resources"),
		.resources = resources,
		.left_out = left_out};
	_cleanup_resource_ struct resource group = {0};
	rc = resource_load(call->tx, call->target->id, &group, err);
	if (rc == 0)
		rc = resource_each(call->tx, call->target->subscription, call->target->group, "", export_resource, &x, err);
	return rc < 0 ? rc : answer_export(call, &x, err);
}

const struct arm_type deployments_type = {
	.name = DEPLOYMENT_TYPE,
	.versions = versions_resources,
	.places = ARM_IN_GROUP | ARM_IN_SUBSCRIPTION,
	.raw = handle,
	.look = look,
	.work = work,
	.forget = forget,
	.work_holds = true,
	.scope_removed = deployment_delete_scope,
};
const struct arm_type deployment_operations_type = {
	.name = DEPLOYMENT_TYPE "/operations", .versions = versions_resources,
	.places = ARM_IN_GROUP | ARM_IN_SUBSCRIPTION, .raw = handle_operations};
const struct arm_type template_hash_type = {.name = "Microsoft.Resources/calculateTemplateHash",
	.versions = versions_resources,
	.places = ARM_IN_TENANT,
	.raw = handle_hash};
const struct arm_type group_export_type = {.name = "Microsoft.Resources/resourceGroups/exportTemplate",
	.versions = versions_resources,
	.container = true,
	.raw = handle_group_export};
