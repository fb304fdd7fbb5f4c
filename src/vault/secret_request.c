// SPDX-License-Identifier: Apache-2.0
// Bodies of set and update requests for secrets.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "vault/secrets.h"

void secret_request_free(struct secret_request *r) {
	secret_free(&r->value);
	free(r->content_type);
	common_request_free(&r->common);
	*r = (struct secret_request){0};
}
#define _cleanup_request_ _cleanup_(secret_request_free)

static int read_value(const json_t *body, struct secret *out, struct err *err) {
	const json_t *member = request_member(body, "value");
	if (!json_is_string(member))
		return bad_parameter(err, "Property 'value' is required and must be a string.");
	size_t len = json_string_length(member);
	if (len > SECRET_VALUE_MAX)
		return bad_parameter(err, "The value of a secret must not be longer than %d bytes.", SECRET_VALUE_MAX);
	return secret_copy(out, json_string_value(member), len) < 0 ? err_oom(err) : 0;
}

static int read_content_type(const json_t *body, struct secret_request *out, struct err *err) {
	const json_t *member = request_member(body, "contentType");
	if (!member)
		return 0;
	if (!json_is_string(member) || request_characters(json_string_value(member)) > OBJECT_CONTENT_TYPE_MAX)
		return bad_parameter(err, "Property 'contentType' must be a string of at most %d characters.",
			OBJECT_CONTENT_TYPE_MAX);
	out->has_content_type = true;
	if (json_string_length(member) == 0)
		return 0;
	out->content_type = strdup(json_string_value(member));
	return out->content_type ? 0 : err_oom(err);
}

int secret_request_read(const json_t *body, bool set, struct secret_request *out, struct err *err) {
	_cleanup_request_ struct secret_request r = {0};
	int rc = set ? read_value(body, &r.value, err) : 0;
	if (rc == 0)
		rc = read_content_type(body, &r, err);
	if (rc == 0)
		rc = request_common(body, &r.common, err);
	if (rc < 0)
		return rc;
	*out = r;
	r = (struct secret_request){0};
	return 0;
}

static int read_bytes(const void *body, size_t len, bool set, struct secret_request *out, struct err *err) {
	_cleanup_json_ json_t *parsed = NULL;
	int rc = request_parse(body, len, &parsed, err);
	return rc < 0 ? rc : secret_request_read(parsed, set, out, err);
}

int secret_request_set(const void *body, size_t len, struct secret_request *out, struct err *err) {
	return read_bytes(body, len, true, out, err);
}

int secret_request_update(const void *body, size_t len, struct secret_request *out, struct err *err) {
	return read_bytes(body, len, false, out, err);
}
