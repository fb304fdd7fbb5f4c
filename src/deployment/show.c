// SPDX-License-Identifier: Apache-2.0
// Deployments and their operations as clients see them.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "crypto/hash.h"
#include "deployment/internal.h"

json_t *deployment_error(const struct err *why, const char *target, const json_t *details) {
	_cleanup_json_ json_t *error = json_error(why->code[0] ? why->code : "InternalServerError", why->message);
	if (!error || (target && json_set_str(error, "target", target) < 0) ||
		(json_array_size(details) > 0 && json_set(error, "details", json_incref((json_t *)(uintptr_t)details)) < 0))
		return NULL;
	return TAKE_PTR(error);
}

// Azure's is a number of 64 bits as a decimal; how it is made is not documented.
int deployment_template_hash(const json_t *template, char out[static 24], char **minified, struct err *err) {
	_cleanup_free_ char *text = json_dumps(template, JSON_COMPACT);
	uint8_t digest[HASH_SHA256_SIZE];
	unsigned long long number = 0;
	if (!text)
		return err_oom(err);
	if (hash_sha256(text, strlen(text), digest) < 0)
		return err_errno(err, -EIO, "cannot hash the template");
	for (size_t i = 0; i < sizeof(number); i++)
		number = number << 8 | digest[i];
	(void)snprintf(out, 24, "%llu", number);
	if (minified)
		*minified = TAKE_PTR(text);
	return 0;
}

// --- What is known from the start ---

static json_t *find_provider(json_t *providers, const char *space, size_t len) {
	size_t i;
	json_t *provider;
	json_array_foreach(providers, i, provider) {
		const char *known = json_str(provider, "namespace");
		if (strlen(known) == len && strncasecmp(known, space, len) == 0)
			return provider;
	}
	provider = json_pack("{s:s%, s:[]}", "namespace", space, len, "resourceTypes");
	return json_array_append_new(providers, provider) < 0 ? NULL : provider;
}

static int add_provider(json_t *providers, const struct template_resource *r, struct err *err) {
	size_t len = strcspn(r->type, "/");
	const char *type = r->type[len] ? r->type + len + 1 : "";
	json_t *provider = find_provider(providers, r->type, len);
	if (!provider)
		return err_oom(err);
	json_t *types = json_object_get(provider, "resourceTypes"), *known;
	size_t i;
	json_array_foreach(types, i, known)
		if (strv_eq_nocase(json_str(known, "resourceType"), type))
			return 0;
	return json_array_append_new(types, json_pack("{s:s, s:[n]}", "resourceType", type, "locations")) < 0 ? err_oom(err)
													      : 0;
}

static json_t *name_resource(const struct template_resource *r) {
	return json_pack("{s:s, s:s, s:s}", "id", r->id, "resourceType", r->type, "resourceName", r->name);
}

static int add_dependency(json_t *dependencies, const struct template *t, const struct template_resource *r, struct err *err) {
	_cleanup_json_ json_t *named = name_resource(r);
	json_t *on = json_array();
	if (json_set(named, "dependsOn", on) < 0)
		return err_oom(err);
	for (size_t i = 0; i < r->depend_count; i++)
		if (json_array_append_new(on, name_resource(template_resource_at(t, r->depends[i]))) < 0)
			return err_oom(err);
	return json_array_append(dependencies, named) < 0 ? err_oom(err) : 0;
}

static int describe_resources(const struct template *t, json_t *providers, json_t *dependencies, struct err *err) {
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < template_resource_count(t); i++) {
		const struct template_resource *r = template_resource_at(t, i);
		if (r->existing)
			continue;
		rc = add_provider(providers, r, err);
		if (rc == 0 && r->depend_count > 0 && !r->condition)
			rc = add_dependency(dependencies, t, r, err);
	}
	return rc;
}

int deployment_describe(const struct deployment_request *q, const struct template *t, json_t **out, struct err *err) {
	char hash[24];
	_cleanup_json_ json_t *providers = json_array(), *dependencies = json_array();
	if (!providers || !dependencies)
		return err_oom(err);
	int rc = deployment_template_hash(q->template, hash, NULL, err);
	if (rc == 0)
		rc = describe_resources(t, providers, dependencies, err);
	if (rc < 0)
		return rc;
	json_t *details = json_pack("{s:s, s:O, s:s, s:O, s:O}", "templateHash", hash, "parameters",
		template_shown_parameters(t), "mode", q->complete ? "Complete" : "Incremental", "providers", providers,
		"dependencies", dependencies);
	if (!details ||
		(json_is_object(q->debug) &&
			json_set(details, "debugSetting", json_incref((json_t *)(uintptr_t)q->debug)) < 0) ||
		(json_is_object(q->tags) && json_set(details, "tags", json_incref((json_t *)(uintptr_t)q->tags)) < 0)) {
		json_decref(details);
		return err_oom(err);
	}
	*out = details;
	return 0;
}

// --- Deployments ---

// As .NET prints a TimeSpan for XML: "PT2M1.5S".
static void print_span(int64_t ns, char out[static 48]) {
	int64_t seconds = ns / CLOCK_NSEC_PER_SEC, left = ns % CLOCK_NSEC_PER_SEC / 100;
	size_t used = (size_t)snprintf(out, 48, "PT");
	if (seconds >= 3600)
		used += (size_t)snprintf(out + used, 48 - used, "%lldH", (long long)(seconds / 3600));
	if (seconds % 3600 >= 60)
		used += (size_t)snprintf(out + used, 48 - used, "%lldM", (long long)(seconds % 3600 / 60));
	(void)snprintf(out + used, 48 - used, left ? "%lld.%07lldS" : "%lldS", (long long)(seconds % 60), (long long)left);
}

static int64_t span_of(int64_t from, int64_t to) {
	return from > 0 && to > from ? to - from : 0;
}

int deployment_show(const struct deployment *d, json_t **out, struct err *err) {
	char timestamp[CLOCK_RFC3339_MAX], duration[48];
	print_span(span_of(d->created_ns, d->ended_ns ? d->ended_ns : d->changed_ns), duration);
	_cleanup_json_ json_t *properties = json_copy(d->details);
	_cleanup_json_ json_t *tags = json_incref(json_object_get(d->details, "tags"));
	if (!properties || (d->result && json_object_update(properties, d->result) < 0))
		return err_oom(err);
	(void)json_object_del(properties, "tags");
	if (json_set_str(properties, "provisioningState", deployment_state_name(d->state)) < 0 ||
		json_set_str(properties, "correlationId", d->correlation) < 0 ||
		json_set_str(properties, "timestamp", clock_rfc3339_ns(d->changed_ns, timestamp)) < 0 ||
		json_set_str(properties, "duration", duration) < 0)
		return err_oom(err);
	json_t *shown = json_pack("{s:s, s:s, s:s, s:s*, s:O*, s:O}", "id", d->display_id, "name", d->name, "type",
		DEPLOYMENT_TYPE, "location", d->location[0] ? d->location : NULL, "tags", tags, "properties", properties);
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}

// --- Operations ---

bool deployment_operation_is_shown(const struct deployment_operations *o, size_t at) {
	switch (o->plan.items[at].state) {
	case PLAN_RUNNING:
	case PLAN_SUCCEEDED:
	case PLAN_FAILED:
	case PLAN_CANCELED:
		return true;
	case PLAN_WAITING:
	case PLAN_SKIPPED:
	case PLAN_BLOCKED:
		break;
	}
	return false;
}

static const char *status_name(int64_t status) {
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 202:
		return "Accepted";
	case 204:
		return "NoContent";
	case 400:
		return "BadRequest";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "NotFound";
	case 405:
		return "MethodNotAllowed";
	case 409:
		return "Conflict";
	case 412:
		return "PreconditionFailed";
	case 429:
		return "TooManyRequests";
	case 503:
		return "ServiceUnavailable";
	default:
		return "InternalServerError";
	}
}

static json_t *target_of(const struct deployment_operation *op) {
	return op->target[0]
		? json_pack("{s:s, s:s, s:s}", "id", op->target, "resourceType", op->type, "resourceName", op->name)
		: NULL;
}

int deployment_operation_show(const struct deployment *d, const struct deployment_operations *o, size_t at, json_t **out,
	struct err *err) {
	const struct deployment_operation *op = &o->list[at];
	enum plan_state state = o->plan.items[at].state;
	char timestamp[CLOCK_RFC3339_MAX], duration[48];
	int64_t end = op->ended_ns ? op->ended_ns : clock_now_ns();
	print_span(span_of(op->started_ns, end), duration);
	json_t *message = op->error ? json_pack("{s:s, s:O}", "status", plan_state_name(state), "error", op->error) : NULL;
	_cleanup_json_ json_t *properties = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:o*, s:o*}", "provisioningOperation",
		op->kind, "provisioningState", plan_state_name(state), "timestamp", clock_rfc3339_ns(end, timestamp),
		"duration", duration, "trackingId", op->tracking, "statusCode", op->status ? status_name(op->status) : NULL,
		"statusMessage", message, "targetResource", target_of(op));
	if (!properties)
		return err_oom(err);
	json_t *shown = json_pack("{s:s++, s:s, s:O}", "id", d->display_id, "/operations/", op->id, "operationId", op->id,
		"properties", properties);
	if (!shown)
		return err_oom(err);
	*out = shown;
	return 0;
}
