// SPDX-License-Identifier: Apache-2.0
// One request to the control plane, from whom it may come: the type that answers it, the transaction around it, the record
// of it.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/documents.h"
#include "arm/page.h"
#include "arm/throttle.h"
#include "base/clock.h"
#include "base/strv.h"

int arm_advise(struct arm_call *call, struct err *err, const char *code, const char *fmt, ...) {
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (call->arm->config.strict)
		return err_set(err, -EINVAL, 400, code, "%s", text);
	size_t used = strlen(call->advisories);
	(void)snprintf(call->advisories + used, sizeof(call->advisories) - used, "%s%s", used ? "; " : "", text);
	return 0;
}

int arm_body(const struct http_request *request, json_t **out, struct err *err) {
	size_t len;
	const void *text = http_body(request, &len);
	_cleanup_json_ json_t *body = NULL;
	int rc = json_parse(text, len, "InvalidRequestContent", &body, err);
	if (rc < 0)
		return rc;
	if (!json_is_object(body))
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The request body must be a JSON object.");
	*out = TAKE_PTR(body);
	return 0;
}

json_t *arm_list_answer(struct arm_call *call) {
	call->response->json = json_pack("{s:[]}", "value");
	return json_object_get(call->response->json, "value");
}

static int set_operation_headers(struct arm_call *call, struct err *err) {
	if (!call->operation[0])
		return 0;
	char base[300], space[ARM_NAME_MAX];
	arm_base_url(call->request, base, sizeof(base));
	(void)snprintf(space, sizeof(space), "%.*s", (int)strcspn(call->target->type, "/"), call->target->type);
	const char *version = http_query(call->request, "api-version");
	for (int monitor = 0; monitor < 2; monitor++)
		if (http_set_header(call->response, monitor ? "Location" : "Azure-AsyncOperation",
			    "%s/subscriptions/%s/providers/%s/locations/global/operations/%s?%sapi-version=%s", base,
			    call->target->subscription, space, call->operation, monitor ? "monitor=true&" : "", version) < 0)
			return err_oom(err);
	return http_set_header(call->response, "Retry-After", "1") < 0 ? err_oom(err) : 0;
}

static int check_api_version(const struct http_request *req, struct err *err) {
	const char *version = http_query(req, "api-version");
	if (!version)
		return err_set(err, -EINVAL, 400, "MissingApiVersionParameter",
			"The api-version query parameter (?api-version=) is required for all requests.");
	size_t digits = 0;
	for (const char *p = "dddd-dd-dd"; *p; p++, digits++)
		if (*p == 'd' ? version[digits] < '0' || version[digits] > '9' : version[digits] != '-')
			break;
	if (digits != 10 || (version[10] && strcmp(version + 10, "-preview") != 0))
		return err_set(err, -EINVAL, 400, "InvalidApiVersionParameter", "The api-version '%.40s' is invalid.", version);
	return 0;
}

static bool reads_only(const struct http_request *req) {
	return strcmp(http_method(req), "GET") == 0 || strcmp(http_method(req), "HEAD") == 0;
}

static int dispatch(struct arm_call *call, const struct arm_type *type, struct err *err) {
	// No token was looked at for what the control plane asks of itself.
	struct caller caller = *call->caller;
	int rc = call->inner ? arm_caller_check(call->tx, &caller, err) : 0;
	if (rc == 0)
		rc = arm_subscription_check(call, !reads_only(call->request), err);
	if (rc < 0)
		return rc;
	if (!type->raw)
		return arm_documents_dispatch(call, type, err);
	rc = type->raw(call, err);
	return rc < 0 ? rc : arm_operation_settle_idle(call, err);
}

static void operation_name(const struct arm_call *call, char *out, size_t size) {
	const char *method = http_method(call->request);
	if (call->target->tail[0])
		(void)snprintf(out, size, "%s/%s/action", call->target->type, call->target->tail);
	else if (strcmp(method, "POST") == 0)
		(void)snprintf(out, size, "%s/action", call->target->type);
	else
		(void)snprintf(out, size, "%s/%s", call->target->type, strcmp(method, "DELETE") == 0 ? "delete" : "write");
}

static int record_success(struct arm_call *call, struct err *err) {
	char operation[200];
	operation_name(call, operation, sizeof(operation));
	int rc = arm_activity_write(call, operation, call->operation[0] ? "Accepted" : "Succeeded",
		call->advisories[0] ? call->advisories : NULL, err);
	if (rc == 0 && call->hosts_concerned)
		rc = arm_revision_bump(call->arm, call->tx, err);
	return rc;
}

static int run_within(struct arm_call *call, const struct arm_type *type, struct store_tx *tx, struct err *err) {
	call->tx = tx;
	int rc = dispatch(call, type, err);
	if (rc == 0 && !reads_only(call->request))
		rc = record_success(call, err);
	call->tx = NULL;
	return rc;
}

static void note_hold(const struct arm_call *call, bool tried, int64_t began) {
	if (call->arm->throttle)
		arm_throttle_held(call->arm->throttle, call->caller->tenant, tried, began, clock_monotonic_ns());
}

// Everything a request changes, and the record of it, in one transaction.
static int run_in_transaction(struct arm_call *call, const struct arm_type *type, struct err *err) {
	bool read = reads_only(call->request);
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(call->arm->config.store, read ? STORE_READ : STORE_WRITE, &tx, err);
	int64_t began = clock_monotonic_ns();
	if (rc == 0)
		rc = run_within(call, type, tx, err);
	if (rc == 0 && !read)
		rc = store_commit(&tx, err);
	store_rollback(&tx);
	if (!read)
		note_hold(call, false, began);
	if (rc < 0 || read)
		return rc;
	if (rc == 0 && call->hosts_concerned)
		arm_revision_publish(call->arm);
	if (rc == 0 && call->jobs_queued)
		arm_jobs_wake(call->arm);
	return rc;
}

static int run_own_transaction(struct arm_call *call, const struct arm_type *type, const struct arm_action *action,
	struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	{
		_cleanup_tx_ struct store_tx *tx = NULL;
		int rc = store_begin(call->arm->config.store, STORE_READ, &tx, err);
		if (rc < 0)
			return rc;
		call->tx = tx;
		// A hypervisor must be able to report whatever has become of the subscription.
		rc = arm_subscription_check(call, !action->data, err);
		if (rc == 0)
			rc = arm_documents_load_for(call, type, action, &r, err);
		call->tx = NULL;
		if (rc < 0)
			return rc;
	}
	return action->run(call, &r, err);
}

// A refused change is part of the activity log too, but for those of strangers, who could fill it. What cannot be recorded
// does not change the answer.
static void record_failure(struct arm_call *call, const struct err *failure) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	char operation[200], message[ERR_MESSAGE_MAX + ERR_CODE_MAX + 2];
	if (!call->own_subscription || reads_only(call->request) ||
		store_begin(call->arm->config.store, STORE_WRITE, &tx, NULL) < 0)
		return;
	call->tx = tx;
	operation_name(call, operation, sizeof(operation));
	// An error may quote what it refuses, and a template may have put a secret there: its deployment knows which, and tells the
	// rest with its operations.
	size_t len;
	(void)http_body(call->request, &len);
	bool quotes = call->inner && len > 0;
	(void)snprintf(message, sizeof(message), "%s%s%s", failure->code, quotes ? "" : ": ", quotes ? "" : failure->message);
	if (arm_activity_write(call, operation, "Failed", message, NULL) == 0)
		(void)!store_commit(&tx, NULL);
	call->tx = NULL;
}

static int resolve_type(struct arm_call *call, struct arm_target *target, const struct arm_type **out, struct err *err) {
	const struct arm_type *type = target->type[0] ? arm_find_type(call->arm, target->type) : NULL;
	// "{parent}/{tail}" is a collection of a child type where the parent has no such operation.
	if (target->tail[0] && !(type && arm_documents_action(type, http_method(call->request), target->tail))) {
		char child[2 * ARM_NAME_MAX];
		(void)snprintf(child, sizeof(child), "%s/%s", target->type, target->tail);
		const struct arm_type *child_type = arm_find_type(call->arm, child);
		if (child_type) {
			(void)snprintf(target->type, sizeof(target->type), "%s", child_type->name);
			target->tail[0] = target->name[0] = 0;
			type = child_type;
		}
	}
	const char *slash = strchr(target->type, '/');
	if (!type && slash && strv_ends_with_nocase(target->type, "/locations/operations"))
		type = &arm_operation_type;
	// What stands in a place that is not its own would be judged by the rights on that place.
	if (type && ((type->container && target->providers > 0) || (!type->extends && target->providers > 1)))
		type = NULL;
	if (!type)
		return err_set(err, -ENOENT, 404, "InvalidResourceType",
			"The resource type '%s' could not be found in the namespace '%.*s' for api version '%.40s'.",
			slash ? slash + 1 : target->type, (int)(slash ? slash - target->type : 0), target->type,
			http_query(call->request, "api-version"));
	if (type != &arm_operation_type) {
		arm_target_respell(target, type->name);
		(void)snprintf(target->type, sizeof(target->type), "%s", type->name);
	}
	*out = type;
	return 0;
}

const char *arm_type_version(const struct arm_type *type) {
	return type->versions ? type->versions[0] : "2024-03-01";
}

const char *arm_api_version(const struct arm *arm, const char *id) {
	static const struct arm_type unknown = {0};
	struct arm_target t;
	const struct arm_type *type = arm_parse_path(id, &t, NULL) == 0 ? arm_find_type(arm, t.type) : NULL;
	return arm_type_version(type ? type : &unknown);
}

static int check_type_version(const struct arm_call *call, const struct arm_type *type, struct err *err) {
	const char *version = http_query(call->request, "api-version");
	_cleanup_buf_ struct buf known = {0};
	for (const char *const *v = type->versions; v && *v; v++) {
		if (strv_eq_nocase(*v, version))
			return 0;
		if (buf_printf(&known, "%s%s", known.len ? ", " : "", *v) < 0)
			return err_oom(err);
	}
	if (!type->versions)
		return 0;
	const char *slash = strchr(type->name, '/');
	return err_set(err, -EINVAL, 400, "NoRegisteredProviderFound",
		"No registered resource provider found for API version '%s' for type '%s'. The supported api-versions are '%s'.", version,
		slash ? slash + 1 : type->name, buf_cstr(&known));
}

static int count_request(struct arm_call *call, struct err *err) {
	static const char *const words[] = {[ARM_READS] = "read", [ARM_WRITES] = "write", [ARM_DELETES] = "delete"};
	const char *subscription = call->target->subscription;
	enum arm_throttle_class class = reads_only(call->request)			   ? ARM_READS
		: strcmp(http_method(call->request), "DELETE") == 0 ? ARM_DELETES
								    : ARM_WRITES;
	int64_t left = 0, wait = 0;
	char header[64];
	int rc = arm_throttle_take(call->arm->throttle, call->caller->oid, subscription, class, clock_monotonic_ns(), &left, &wait);
	if (rc < 0 && http_set_header(call->response, "Retry-After", "%lld", (long long)wait) < 0)
		return err_oom(err);
	if (rc < 0)
		return err_set(err, rc, 429, subscription[0] ? "SubscriptionRequestsThrottled" : "TenantRequestsThrottled",
			"Number of '%s' requests for %s '%s' actor '%s' exceeded. Please try again after '%lld' seconds after additional "
			"tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
			words[class], subscription[0] ? "subscription" : "tenant", subscription[0] ? subscription : call->caller->tenant,
			call->caller->oid, (long long)wait);
	(void)snprintf(header, sizeof(header), "x-ms-ratelimit-remaining-%s-%ss", subscription[0] ? "subscription" : "tenant",
		words[class]);
	return http_set_header(call->response, header, "%lld", (long long)left) < 0 ? err_oom(err) : 0;
}

static int check_rest(struct arm_call *call, bool tries, struct err *err) {
	int64_t wait = 0;
	if (!call->arm->throttle || call->inner)
		return 0;
	int rc = arm_throttle_rest(call->arm->throttle, call->caller->tenant, tries, clock_monotonic_ns(), &wait);
	if (rc == 0)
		return 0;
	if (http_set_header(call->response, "Retry-After", "%lld", (long long)wait) < 0)
		return err_oom(err);
	return err_set(err, rc, 429, "TenantRequestsThrottled",
		"Requests of the tenant '%s' have kept everybody else from writing for long. Please try again after '%lld' seconds.",
		call->caller->tenant, (long long)wait);
}

static int look(struct arm_call *call, const struct arm_type *type, struct err *err) {
	_cleanup_tx_ struct store_tx *tx = NULL;
	int rc = store_begin(call->arm->config.store, STORE_READ, &tx, err);
	if (rc < 0)
		return rc;
	call->tx = tx;
	rc = arm_subscription_check(call, true, err);
	if (rc == 0)
		rc = type->look(call, err);
	call->tx = NULL;
	return rc;
}

static int prepare(struct arm_call *call, const struct arm_type *type, struct err *err) {
	if (!type->look || reads_only(call->request))
		return 0;
	int rc = look(call, type, err);
	if (rc < 0 || !call->prepared)
		return rc;
	if ((rc = check_rest(call, type->work_holds, err)) < 0)
		return rc;
	int64_t began = clock_monotonic_ns();
	rc = type->work(call, err);
	if (type->work_holds)
		note_hold(call, true, began);
	return rc;
}

static int run_resolved(struct arm_call *call, const struct arm_type *type, struct store_tx *outer, struct err *err) {
	const char *tail = call->target->tail;
	const struct arm_action *action =
		tail[0] && !type->raw ? arm_documents_action(type, http_method(call->request), tail) : NULL;
	// What waits for something comes one after the other by itself.
	bool counted = call->arm->throttle && !call->inner && !(action && action->own_transaction);
	if (counted) {
		int rc = count_request(call, err);
		if (rc == 0 && !reads_only(call->request))
			rc = check_rest(call, false, err);
		if (rc < 0)
			return rc;
	}
	if (outer && action && action->own_transaction)
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The operation '%s' cannot be part of a template.", tail);
	call->tried = outer;
	if (outer)
		return run_within(call, type, outer, err);
	int rc = prepare(call, type, err);
	if (rc == 0)
		rc = action && action->own_transaction ? run_own_transaction(call, type, action, err)
						       : run_in_transaction(call, type, err);
	if (call->prepared)
		type->forget(TAKE_PTR(call->prepared));
	if (rc < 0)
		record_failure(call, err);
	return rc;
}

// A client may give the id that joins what it does in several requests.
static int name_request(struct arm_call *call, struct err *err) {
	const char *correlation = http_header(call->request, "x-ms-correlation-request-id");
	if (enc_uuid(call->request_id) < 0)
		return err_errno(err, -EIO, "no random numbers");
	(void)snprintf(call->correlation_id, sizeof(call->correlation_id), "%s",
		correlation && enc_is_uuid(correlation) ? correlation : call->request_id);
	return 0;
}

int arm_request_run(struct arm_call *call, struct store_tx *outer, struct err *err) {
	struct arm_target target;
	const struct arm_type *type = NULL;
	int rc = name_request(call, err);
	if (rc == 0)
		rc = check_api_version(call->request, err);
	// Clients join "/" and a scope that begins with one, or an empty parent between a namespace and a type.
	char path[HTTP_TARGET_MAX + 1];
	if (rc == 0 && strv_squeeze(path, sizeof(path), http_path(call->request), '/') < 0)
		rc = err_set(err, -EINVAL, 400, "InvalidRequestUri", "The path of the request is too long.");
	if (rc == 0)
		rc = arm_parse_path(path, &target, err);
	if (rc == 0)
		rc = resolve_type(call, &target, &type, err);
	if (rc == 0)
		rc = check_type_version(call, type, err);
	if (rc < 0)
		return rc;
	call->target = &target;
	rc = run_resolved(call, type, outer, err);
	if (rc == 0)
		rc = set_operation_headers(call, err);
	call->target = NULL;
	return rc;
}

void arm_outcome_free(struct arm_outcome *o) {
	json_decref(o->json);
	json_decref(o->details);
	*o = (struct arm_outcome){0};
}

int arm_perform(struct arm *arm, const struct caller *caller, struct store_tx *tx, const char *method, const char *target,
	const json_t *body, struct arm_outcome *out, struct err *err) {
	_cleanup_(http_request_freep) struct http_request *request = NULL;
	_cleanup_(http_response_free) struct http_response response = {0};
	_cleanup_free_ char *text = body ? json_text(body) : strdup("");
	if (!text)
		return err_oom(err);
	int rc = http_request_inner(method, "management.azure.com", target, text, strlen(text), &request, err);
	// What is written may be secret; the request has a copy that is wiped when it is freed.
	explicit_bzero(text, strlen(text));
	if (rc < 0)
		return rc;
	struct arm_call call = {.arm = arm, .caller = caller, .request = request, .response = &response, .inner = true};
	rc = arm_request_run(&call, tx, err);
	// What comes after it in a try is to find it done.
	if (rc == 0 && tx && call.operation[0])
		rc = arm_operation_assume(arm, tx, call.operation, err);
	*out = (struct arm_outcome){.status = response.status ? response.status : 200, .json = TAKE_PTR(response.json),
		.details = call.details};
	memcpy(out->operation, call.operation, sizeof(out->operation));
	return rc;
}
