// SPDX-License-Identifier: Apache-2.0
// management.azure.com: from the request to the type that answers, and the forms of answers and errors.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arm/internal.h"
#include "arm/throttle.h"
#include "base/clock.h"
#include "base/strv.h"

static const char *const audiences[] = {"https://management.azure.com", "https://management.azure.com/",
	"https://management.core.windows.net", "https://management.core.windows.net/", NULL};

int arm_open(const struct arm_config *config, struct arm **out, struct err *err) {
	struct arm *arm = calloc(1, sizeof(*arm));
	if (!arm)
		return err_oom(err);
	arm->config = *config;
	(void)pthread_mutex_init(&arm->lock, NULL);
	pthread_condattr_t attributes;
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&arm->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	int rc = config->throttle ? arm_throttle_new(&arm->throttle, err) : 0;
	if (rc < 0) {
		arm_close(arm);
		return rc;
	}
	arm_revision_publish(arm);
	*out = arm;
	return 0;
}

void arm_close(struct arm *arm) {
	if (!arm)
		return;
	arm_jobs_stop(arm);
	arm_throttle_free(arm->throttle);
	(void)pthread_cond_destroy(&arm->changed);
	(void)pthread_mutex_destroy(&arm->lock);
	free(arm);
}

struct entra *arm_entra(struct arm *arm) {
	return arm->config.entra;
}

struct store *arm_store(struct arm *arm) {
	return arm->config.store;
}

const char *arm_home_tenant(const struct arm *arm) {
	return arm->config.tenant_id;
}

struct keeper_client *arm_keeper(struct arm *arm) {
	return arm->config.keeper;
}

bool arm_private_webhooks(struct arm *arm) {
	return arm->config.private_webhooks;
}

int64_t arm_cache_seconds(struct arm *arm) {
	return arm->config.cache_seconds;
}

const struct arm_type *arm_find_type(const struct arm *arm, const char *name) {
	for (size_t i = 0; i < arm->config.type_count; i++)
		if (strv_eq_nocase(arm->config.types[i]->name, name))
			return arm->config.types[i];
	return NULL;
}

json_t *arm_error_object(const struct err *e, const json_t *details) {
	_cleanup_json_ json_t *object = json_error(e->code[0] ? e->code : "InternalServerError", e->message);
	if (!object || (details && json_object_set_new(object, "details", json_deep_copy(details)) < 0))
		return NULL;
	return TAKE_PTR(object);
}

static void answer_error(struct http_response *res, const struct err *e, const json_t *details) {
	json_decref(res->json);
	res->json = json_pack("{s:o}", "error", arm_error_object(e, details));
	res->status = e->status ? e->status : 500;
}

static int set_common_headers(struct arm_call *call, struct err *err) {
	struct http_response *res = call->response;
	const char *client = http_header(call->request, "x-ms-client-request-id");
	if (http_set_header(res, "x-ms-request-id", "%s", call->request_id) < 0 ||
		http_set_header(res, "x-ms-correlation-request-id", "%s", call->correlation_id) < 0 ||
		http_set_header(res, "Cache-Control", "no-cache") < 0 ||
		http_set_header(res, "Strict-Transport-Security", "max-age=31536000; includeSubDomains") < 0 ||
		http_set_header(res, "X-Content-Type-Options", "nosniff") < 0)
		return err_oom(err);
	if (client && enc_is_uuid(client) && http_set_header(res, "x-ms-client-request-id", "%s", client) < 0)
		return err_oom(err);
	if (call->advisories[0] && http_set_header(res, "x-custodisk-advisory", "%s", call->advisories) < 0)
		return err_oom(err);
	return 0;
}

static void refuse_token(struct arm *arm, enum entra_refusal why, const struct caller *caller, struct http_response *res) {
	struct err e = {.status = 401, .code = "InvalidAuthenticationToken", .message = "The access token is invalid."};
	switch (why) {
	case ENTRA_MISSING:
		(void)err_set(&e, -EACCES, 401, "AuthenticationFailed",
			"Authentication failed. The 'Authorization' header is missing.");
		break;
	case ENTRA_EXPIRED:
		(void)err_set(&e, -EACCES, 401, "ExpiredAuthenticationToken", "The access token has expired or is not yet valid.");
		break;
	case ENTRA_AUDIENCE:
		(void)err_set(&e, -EACCES, 401, "InvalidAuthenticationTokenAudience",
			"The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one "
			"of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net',"
			"'https://management.azure.com/','https://management.azure.com'.",
			caller->audience);
		break;
	case ENTRA_ISSUER:
		(void)err_set(&e, -EACCES, 401, "InvalidAuthenticationTokenTenant",
			"The access token is from the wrong issuer '%s'.", caller->iss);
		break;
	case ENTRA_UNAVAILABLE:
		(void)err_set(&e, -EAGAIN, 503, "ServiceUnavailable", "The token could not be checked; try again.");
		break;
	case ENTRA_INVALID:
	case ENTRA_OK:
		break;
	}
	answer_error(res, &e, NULL);
	(void)!http_set_header(res, "WWW-Authenticate",
		"Bearer authorization_uri=\"https://login.windows.net/%s\", error=\"invalid_token\", error_description=\"%s\"",
		arm->config.tenant_id, e.code);
}

void arm_handle(void *ctx, const struct http_request *req, struct http_response *res) {
	struct arm *arm = ctx;
	struct caller caller = {0};
	enum entra_refusal refusal = entra_authenticate(arm->config.entra, req, audiences, &caller);
	if (refusal != ENTRA_OK) {
		refuse_token(arm, refusal, &caller, res);
		return;
	}
	struct err err = {0};
	struct arm_call call = {.arm = arm, .caller = &caller, .request = req, .response = res};
	int rc = arm_request_run(&call, NULL, &err);
	if (rc == 0)
		rc = set_common_headers(&call, &err);
	if (rc < 0) {
		answer_error(res, &err, call.details);
		(void)!set_common_headers(&call, NULL);
	}
	json_decref(call.details);
}
