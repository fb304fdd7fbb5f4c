// SPDX-License-Identifier: Apache-2.0
// Azure Resource Manager: one call, and waiting for an asynchronous operation (ARM RPC, "asynchronous operations").
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "azure/call.h"
#include "azure/reply.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"

enum { POLL_SECONDS = 1, POLL_SECONDS_MAX = 15 };

// "" when the answer names no operation.
static int operation_of(const struct http_reply *reply, char *operation, struct err *err) {
	static const char *const names[] = {"Azure-AsyncOperation", "Location"};
	char url[AZURE_URL_MAX] = "";
	for (size_t i = 0; i < ARRAY_SIZE(names) && !url[0]; i++) {
		int rc = http_reply_header(reply, names[i], url, sizeof(url));
		if (rc < 0 && rc != -ENOENT)
			return reply_broken(err, "the operation's URL is too long");
	}
	(void)snprintf(operation, AZURE_URL_MAX, "%s", url);
	return 0;
}

int azure_arm(struct azure_client *c, const char *method, const char *path, const json_t *body, json_t **reply,
	int *status, char *operation, struct err *err) {
	_cleanup_buf_ struct buf url = {0};
	if (buf_printf(&url, AZURE_ARM_RESOURCE "%s", path) < 0)
		return err_oom(err);
	_cleanup_reply_ struct http_reply http = {0};
	int rc = call_send(c, TOKEN_FOR_ARM, method, buf_cstr(&url), body, &http, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *answer = NULL;
	if (http.body.len > 0) {
		rc = reply_object(&http, &answer, err);
		if (rc < 0)
			return rc;
	}
	char found[AZURE_URL_MAX];
	rc = operation_of(&http, found, err);
	if (rc < 0)
		return rc;
	(void)snprintf(operation, AZURE_URL_MAX, "%s", found);
	*status = http.status;
	*reply = TAKE_PTR(answer);
	return 0;
}

// 1 while it runs, 0 when it succeeded, -ECANCELED when it failed.
static int outcome(const struct http_reply *http, struct err *err) {
	if (http->status == 202)
		return 1;
	_cleanup_json_ json_t *body = NULL;
	if (http->body.len > 0) {
		int rc = reply_object(http, &body, err);
		if (rc < 0)
			return rc;
	}
	const char *status = json_str(body, "status");
	// A Location answers with the result itself, or with nothing, once the operation has ended.
	if (!status || strv_eq_nocase(status, "Succeeded"))
		return 0;
	if (!strv_eq_nocase(status, "Failed") && !strv_eq_nocase(status, "Canceled"))
		return 1;
	const json_t *error = json_at(body, "error");
	if (json_is_object(error))
		(void)reply_error_object(error, http->status, err);
	else
		(void)err_set(err, -ECANCELED, http->status, "OperationFailed", "The operation ended as %s and gave no reason.", status);
	return -ECANCELED;
}

static int64_t pause_of(const struct http_reply *http) {
	char text[32];
	int64_t seconds;
	if (http_reply_header(http, "Retry-After", text, sizeof(text)) < 0 || strv_int(text, 0, POLL_SECONDS_MAX, &seconds) < 0)
		return POLL_SECONDS;
	return seconds;
}

static void pause_until(int64_t seconds, int64_t deadline) {
	int64_t now = clock_monotonic_ns();
	int64_t ns = seconds * CLOCK_NSEC_PER_SEC;
	// Even a service that says 0 is not asked in a busy loop.
	if (ns < CLOCK_NSEC_PER_SEC / 10)
		ns = CLOCK_NSEC_PER_SEC / 10;
	if (ns > deadline - now)
		ns = deadline - now;
	if (ns <= 0)
		return;
	struct timespec pause = {.tv_sec = ns / CLOCK_NSEC_PER_SEC, .tv_nsec = ns % CLOCK_NSEC_PER_SEC};
	while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
		;
}

int azure_arm_wait(struct azure_client *c, const char *operation, unsigned timeout_seconds, struct err *err) {
	// The token for Resource Manager goes to Resource Manager only.
	if (!strv_starts_with_nocase(operation, AZURE_ARM_RESOURCE "/"))
		return err_set(err, -EINVAL, 400, "InvalidOperationUrl", "The operation's URL is not one of %s.", AZURE_ARM_RESOURCE);
	int64_t deadline = clock_monotonic_ns() + (int64_t)timeout_seconds * CLOCK_NSEC_PER_SEC;
	for (;;) {
		_cleanup_reply_ struct http_reply http = {0};
		int64_t seconds = POLL_SECONDS;
		int rc = call_send(c, TOKEN_FOR_ARM, "GET", operation, NULL, &http, err);
		if (rc == 0) {
			rc = outcome(&http, err);
			if (rc <= 0)
				return rc;
			seconds = pause_of(&http);
		} else if (rc != -EAGAIN) {
			return rc;
		}
		if (clock_monotonic_ns() >= deadline)
			return err_set(err, -ETIMEDOUT, 504, "GatewayTimeout", "The operation did not end within %u seconds.",
				timeout_seconds);
		pause_until(seconds, deadline);
	}
}
