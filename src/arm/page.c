// SPDX-License-Identifier: Apache-2.0
#include "arm/page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/strv.h"

#define TOKEN "$skiptoken"

void arm_base_url(const struct http_request *req, char *out, size_t size) {
	int port = http_port(req);
	if (port == 443)
		(void)snprintf(out, size, "https://%s", http_host(req));
	else
		(void)snprintf(out, size, "https://%s:%d", http_host(req), port);
}

static int read_token(const char *text, char out[static ARM_ID_MAX], struct err *err) {
	_cleanup_buf_ struct buf decoded = {0};
	if (dec_base64url(&decoded, text, strlen(text)) < 0 || decoded.len == 0 || decoded.len >= ARM_ID_MAX ||
		memchr(decoded.data, 0, decoded.len))
		return err_set(err, -EINVAL, 400, "InvalidSkipToken", "The skip token '%.200s' is not valid.", text);
	(void)snprintf(out, ARM_ID_MAX, "%s", buf_cstr(&decoded));
	return 0;
}

int arm_page_read(const struct arm_call *call, int64_t most, struct arm_page *out, struct err *err) {
	struct arm_page page = {.top = most};
	const char *top = http_query(call->request, "$top"), *token = http_query(call->request, TOKEN);
	int64_t wanted = most;
	if (top && strv_int(top, 1, INT32_MAX, &wanted) < 0)
		return err_set(err, -EINVAL, 400, "InvalidTop", "The value '%.40s' of $top is not a positive number.", top);
	if (wanted < most)
		page.top = wanted;
	int rc = token ? read_token(token, page.after, err) : 0;
	if (rc == 0)
		*out = page;
	return rc;
}

// Append the target as it was sent, without its skip token.
static int copy_target(const char *target, struct buf *out) {
	size_t path = strcspn(target, "?");
	int rc = buf_append(out, target, path);
	rc = rc < 0 ? rc : buf_printf(out, "?");
	for (const char *p = target + path; rc == 0 && *p;) {
		p++;
		size_t n = strcspn(p, "&");
		if (n > 0 && !strv_starts_with_nocase(p, TOKEN "=") && !strv_starts_with_nocase(p, "%24skiptoken="))
			rc = buf_printf(out, "%.*s&", (int)n, p);
		p += n;
	}
	return rc;
}

int arm_page_next(const struct arm_call *call, json_t *answer, const char *last, struct err *err) {
	_cleanup_buf_ struct buf link = {0};
	char base[300];
	arm_base_url(call->request, base, sizeof(base));
	if (buf_printf(&link, "%s", base) < 0 || copy_target(http_target(call->request), &link) < 0 ||
		buf_printf(&link, "%%24skiptoken=") < 0 || enc_base64url(&link, last, strlen(last)) < 0)
		return err_oom(err);
	return json_set_str(answer, "nextLink", buf_cstr(&link)) < 0 ? err_oom(err) : 0;
}
