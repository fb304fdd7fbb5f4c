// SPDX-License-Identifier: Apache-2.0
#include "entra/aadsts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/strv.h"

#define TRANSIENT 90033

static const struct kind {
	unsigned code;
	int status;
	const char *error;
} kinds[] = {
	{28000, 400, "invalid_request"},
	{50013, 401, "invalid_client"},
	{50020, 400, "invalid_grant"},
	{50027, 400, "invalid_request"},
	{50034, 400, "invalid_grant"},
	{50049, 400, "invalid_instance"},
	{50057, 400, "invalid_grant"},
	{50059, 400, "invalid_request"},
	{50126, 400, "invalid_grant"},
	{50166, 400, "invalid_request"},
	{50194, 400, "invalid_request"},
	{50196, 400, "slow_down"},
	{65004, 400, "authorization_declined"},
	{70000, 400, "invalid_grant"},
	{70003, 400, "unsupported_grant_type"},
	{70011, 400, "invalid_scope"},
	{70016, 400, "authorization_pending"},
	{70018, 400, "bad_verification_code"},
	{70019, 400, "bad_verification_code"},
	{70020, 400, "expired_token"},
	{70025, 401, "invalid_client"},
	{90002, 400, "invalid_request"},
	{TRANSIENT, 503, "temporarily_unavailable"},
	{90055, 429, "temporarily_unavailable"},
	{500011, 400, "invalid_resource"},
	{700016, 400, "unauthorized_client"},
	{700021, 401, "invalid_client"},
	{700023, 401, "invalid_client"},
	{700024, 401, "invalid_client"},
	{700027, 401, "invalid_client"},
	{700082, 400, "invalid_grant"},
	{700211, 401, "invalid_client"},
	{700212, 401, "invalid_client"},
	{700213, 401, "invalid_client"},
	{700229, 401, "invalid_client"},
	{700236, 401, "invalid_client"},
	{900023, 400, "invalid_request"},
	{900144, 400, "invalid_request"},
	{900561, 405, "invalid_request"},
	{1002012, 400, "invalid_scope"},
	{5002723, 400, "invalid_request"},
	{5002738, 400, "invalid_request"},
	{7000112, 400, "unauthorized_client"},
	{7000215, 401, "invalid_client"},
	{7000218, 401, "invalid_client"},
	{7000222, 401, "invalid_client"},
	{7000272, 401, "invalid_client"},
	{7002138, 401, "invalid_client"},
	{9000411, 400, "invalid_request"},
	{9002313, 400, "invalid_request"},
};

static const struct kind *kind_of(unsigned code) {
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].code == code)
			return &kinds[i];
	return NULL;
}

int aadsts_set(struct err *err, unsigned code, const char *fmt, ...) {
	const struct kind *kind = kind_of(code);
	char text[ERR_MESSAGE_MAX], digits[16];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(digits, sizeof(digits), "%u", code);
	// A code that is not in the table is one that this room never gives; it stays a plain bad request.
	return err_set_inner(err, -EACCES, kind ? kind->status : 400, kind ? kind->error : "invalid_request", digits, "%s", text);
}

const char *aadsts_quote(const char *text, char out[static AADSTS_QUOTE_MAX]) {
	size_t n = 0;
	for (; n < AADSTS_QUOTE_MAX - 1 && text[n]; n++)
		out[n] = text[n] >= 0x20 && text[n] <= 0x7e ? text[n] : '?';
	out[n] = 0;
	return out;
}

void aadsts_transient(struct err *err) {
	char cause[ERR_MESSAGE_MAX];
	(void)snprintf(cause, sizeof(cause), "%s", err->message);
	(void)aadsts_set(err, TRANSIENT, "A transient error has occurred. Please try again. (%.512s)", cause);
}

// "2026-11-22 02:37:36Z"
static void print_time(int64_t seconds, char out[static CLOCK_RFC3339_MAX]) {
	(void)clock_rfc3339(seconds, out);
	out[10] = ' ';
}

json_t *aadsts_body(const struct err *err, const char *trace_id, const char *correlation_id, int64_t seconds) {
	int64_t code;
	if (strv_int(err->inner, 0, UINT32_MAX, &code) < 0)
		return NULL;
	char time[CLOCK_RFC3339_MAX];
	print_time(seconds, time);
	_cleanup_free_ char *text = strv_printf("AADSTS%s: %s Trace ID: %s Correlation ID: %s Timestamp: %s", err->inner,
		err->message, trace_id, correlation_id, time);
	_cleanup_free_ char *uri = strv_printf("https://login.microsoftonline.com/error?code=%s", err->inner);
	if (!text || !uri)
		return NULL;
	return json_pack("{s:s, s:s, s:[I], s:s, s:s, s:s, s:s}", "error", err->code, "error_description", text, "error_codes",
		(json_int_t)code, "timestamp", time, "trace_id", trace_id, "correlation_id", correlation_id, "error_uri", uri);
}
