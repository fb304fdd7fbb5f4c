// SPDX-License-Identifier: Apache-2.0
// Reading answers of the public APIs: statuses and the error bodies of Azure and of OAuth 2.0 (RFC 6749 5.2).
// Inside of the azure room only.
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "net/http_client.h"

static inline bool reply_is_success(const struct http_reply *r) {
	return r->status >= 200 && r->status < 300;
}

// The negative errno that azure.h promises for an HTTP status that is no success.
int reply_errno(int status);

// Fill err from the body of an answer that is no success. Returns reply_errno().
int reply_error(const struct http_reply *r, struct err *err);

// Fill err from {"code", "message", "innererror": {"code"}}, for a status. Returns reply_errno().
int reply_error_object(const json_t *error, int status, struct err *err);

// The body of a success as a JSON object, owned by the caller. -EBADMSG when it is none.
int reply_object(const struct http_reply *r, json_t **out, struct err *err) _must_check_;

// 502 BadGateway: the service promised something else. Returns -EBADMSG.
int reply_broken(struct err *err, const char *what);
