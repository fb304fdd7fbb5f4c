// SPDX-License-Identifier: Apache-2.0
#include "azure/reply.h"

#include <errno.h>

int reply_errno(int status) {
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 408:
	case 429:
		return -EAGAIN;
	case 409:
		return -EEXIST;
	default:
		if (status >= 500)
			return -EAGAIN;
		return status >= 400 ? -EINVAL : -EBADMSG;
	}
}

int reply_error_object(const json_t *error, int status, struct err *err) {
	const char *code = json_str(error, "code");
	const char *message = json_str(error, "message");
	const char *inner = json_str(error, "innererror.code");
	return err_set_inner(err, reply_errno(status), status, code ? code : "UnknownError", inner ? inner : "", "%s",
		message ? message : "The service gave no message.");
}

int reply_error(const struct http_reply *r, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	if (r->body.len > 0 && json_parse(r->body.data, r->body.len, "InvalidResponse", &body, NULL) == 0) {
		const json_t *error = json_at(body, "error");
		if (json_is_object(error))
			return reply_error_object(error, r->status, err);
		if (json_is_string(error)) {
			const char *description = json_str(body, "error_description");
			return err_set(err, reply_errno(r->status), r->status, json_string_value(error), "%s",
				description ? description : "The service gave no message.");
		}
	}
	return err_set(err, reply_errno(r->status), r->status, r->status >= 500 ? "ServiceUnavailable" : "UnknownError",
		"The service answered with HTTP status %d and no error body.", r->status);
}

int reply_broken(struct err *err, const char *what) {
	return err_set(err, -EBADMSG, 502, "BadGateway", "The service's answer is not what its API promises: %s.", what);
}

int reply_object(const struct http_reply *r, json_t **out, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	struct err why;
	if (json_parse(r->body.data, r->body.len, "BadGateway", &body, &why) < 0)
		return reply_broken(err, why.message);
	if (!json_is_object(body))
		return reply_broken(err, "it is no JSON object");
	*out = TAKE_PTR(body);
	return 0;
}
