// SPDX-License-Identifier: Apache-2.0
#include "vault/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/strv.h"

void common_request_free(struct common_request *r) {
	free(r->tags);
	*r = (struct common_request){0};
}

int request_parse(const void *body, size_t len, json_t **out, struct err *err) {
	_cleanup_json_ json_t *value = NULL;
	if (json_parse(body, len, "BadParameter", &value, err) < 0 || !json_is_object(value))
		return bad_parameter(err, "The request body must be a JSON object.");
	*out = TAKE_PTR(value);
	return 0;
}

json_t *request_member(const json_t *object, const char *name) {
	json_t *value = json_object_get(object, name);
	return json_is_null(value) ? NULL : value;
}

// `least` is 1 where 0 would say that there is no such time: whoever sends an expiry does not mean none.
static int parse_date(const json_t *attributes, const char *name, int64_t least, bool *has, int64_t *out, struct err *err) {
	const json_t *value = request_member(attributes, name);
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > CLOCK_MAX)
		return bad_parameter(err, "Property 'attributes.%s' must be an integer of seconds since 1970-01-01T00:00:00Z.", name);
	*has = true;
	*out = json_integer_value(value);
	return 0;
}

static int parse_attributes(const json_t *body, struct common_request *out, struct err *err) {
	const json_t *attributes = request_member(body, "attributes");
	if (attributes && !json_is_object(attributes))
		return bad_parameter(err, "Property 'attributes' must be an object.");
	const json_t *enabled = request_member(attributes, "enabled");
	if (enabled && !json_is_boolean(enabled))
		return bad_parameter(err, "Property 'attributes.enabled' must be a boolean.");
	out->has_enabled = enabled;
	out->enabled = json_is_true(enabled);
	int rc = parse_date(attributes, "nbf", 0, &out->has_nbf, &out->nbf, err);
	return rc < 0 ? rc : parse_date(attributes, "exp", 1, &out->has_exp, &out->exp, err);
}

size_t request_characters(const char *s) {
	size_t n = 0;
	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static int check_tags(json_t *tags, struct err *err) {
	if (!json_is_object(tags))
		return bad_parameter(err, "Property 'tags' must be an object of strings.");
	if (json_object_size(tags) > TAGS_MAX)
		return bad_parameter(err, "Property 'tags' has more than %d members.", TAGS_MAX);
	const char *name;
	json_t *value;
	json_object_foreach(tags, name, value) {
		if (!json_is_string(value))
			return bad_parameter(err, "Property 'tags' must be an object of strings.");
		if (request_characters(name) > TAG_CHARS_MAX || request_characters(json_string_value(value)) > TAG_CHARS_MAX)
			return bad_parameter(err, "A tag name or value is longer than %d characters.", TAG_CHARS_MAX);
	}
	return 0;
}

static int parse_tags(const json_t *body, struct common_request *out, struct err *err) {
	json_t *tags = request_member(body, "tags");
	if (!tags)
		return 0;
	int rc = check_tags(tags, err);
	if (rc < 0)
		return rc;
	out->has_tags = true;
	if (json_object_size(tags) == 0)
		return 0;
	out->tags = json_text(tags);
	return out->tags ? 0 : err_oom(err);
}

int request_common(const json_t *body, struct common_request *out, struct err *err) {
	struct common_request r = {0};
	int rc = parse_attributes(body, &r, err);
	if (rc == 0)
		rc = parse_tags(body, &r, err);
	if (rc == 0)
		*out = r;
	return rc;
}

void request_apply(struct object *o, struct common_request *r) {
	if (r->has_enabled)
		o->enabled = r->enabled;
	if (r->has_nbf)
		o->nbf = r->nbf;
	if (r->has_exp)
		o->exp = r->exp;
	if (r->has_tags) {
		free(o->tags);
		o->tags = TAKE_PTR(r->tags);
	}
}
