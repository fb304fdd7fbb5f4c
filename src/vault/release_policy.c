// SPDX-License-Identifier: Apache-2.0
#include "vault/release_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "base/strv.h"
#include "vault/request.h"

#define CONTENT_TYPE "application/json; charset=utf-8"
#define VERSION "1.0.0"

enum { DEPTH_MAX = 8, CONDITIONS_MAX = 512, TEXT_MAX = 512 };

static int invalid(struct err *err, const char *what) {
	return bad_parameter(err, "The release policy is not valid: %s.", what);
}

static bool is_text(const json_t *value) {
	return json_is_string(value) && json_string_length(value) > 0 && json_string_length(value) <= TEXT_MAX;
}

static int check_claim(const json_t *condition, struct err *err) {
	const json_t *equals = json_object_get(condition, "equals");
	if (!is_text(json_object_get(condition, "claim")) || json_object_size(condition) != 2)
		return invalid(err, "a condition is {\"claim\", \"equals\"}, allOf or anyOf");
	// The grammar has more operators; the service implements this one.
	if (!equals || json_is_object(equals) || json_is_array(equals) || json_is_null(equals))
		return invalid(err, "a claim is compared with equals to a string, a number or a boolean");
	return 0;
}

static json_t *conditions_of(const json_t *holder) {
	json_t *all = json_object_get(holder, "allOf"), *any = json_object_get(holder, "anyOf");
	return all && any ? NULL : all ? all : any;
}

// `left` counts conditions down over the whole policy.
static int check_conditions(const json_t *holder, int depth, int *left, struct err *err) {
	json_t *list = conditions_of(holder), *condition;
	if (!json_is_array(list) || json_array_size(list) == 0)
		return invalid(err, "either allOf or anyOf must be a list of conditions");
	if (depth > DEPTH_MAX)
		return invalid(err, "its conditions are nested too deeply");
	size_t i;
	json_array_foreach(list, i, condition) {
		if ((*left)-- == 0)
			return invalid(err, "it has too many conditions");
		bool nested = json_is_object(condition) && !json_object_get(condition, "claim");
		int rc = nested && json_object_size(condition) == 1 ? check_conditions(condition, depth + 1, left, err)
								    : check_claim(condition, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int check_authority(const json_t *entry, int *left, struct err *err) {
	const json_t *authority = json_object_get(entry, "authority");
	if (!is_text(authority) || strncmp(json_string_value(authority), "https://", 8) != 0 || json_object_size(entry) != 2)
		return invalid(err, "an entry of anyOf is {\"authority\": an https address, and either allOf or anyOf}");
	return check_conditions(entry, 1, left, err);
}

static int check_policy(json_t *policy, struct err *err) {
	const char *version = json_str(policy, "version");
	json_t *entries = json_object_get(policy, "anyOf"), *entry;
	if (!version || (strcmp(version, VERSION) != 0 && strcmp(version, "1.0") != 0) || json_object_size(policy) != 2)
		return invalid(err, "it is {\"version\": \"" VERSION "\", \"anyOf\": […]}");
	if (!json_is_array(entries) || json_array_size(entries) == 0)
		return invalid(err, "anyOf must be a list of authorities");
	int left = CONDITIONS_MAX;
	size_t i;
	json_array_foreach(entries, i, entry) {
		int rc = check_authority(entry, &left, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// The policy, checked, in base64url.
static int read_data(const json_t *wire, struct buf *out, struct err *err) {
	const json_t *data = request_member(wire, "data");
	_cleanup_buf_ struct buf text = {0};
	_cleanup_json_ json_t *policy = NULL;
	if (!json_is_string(data) || json_string_length(data) > 2 * RELEASE_POLICY_MAX ||
		dec_base64url(&text, json_string_value(data), json_string_length(data)) < 0 || text.len > RELEASE_POLICY_MAX)
		return invalid(err, "data must be base64url of at most 40960 bytes");
	if (request_parse(text.data, text.len, &policy, NULL) < 0)
		return invalid(err, "data must hold a JSON object");
	int rc = check_policy(policy, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *shown = json_pack("{s:s, s:O}", "version", VERSION, "anyOf", json_object_get(policy, "anyOf"));
	_cleanup_free_ char *compact = shown ? json_text(shown) : NULL;
	return !compact || enc_base64url(out, compact, strlen(compact)) < 0 ? err_oom(err) : 0;
}

int release_policy_read(const json_t *wire, char **text, struct err *err) {
	if (!json_is_object(wire))
		return bad_parameter(err, "Property 'release_policy' must be an object.");
	const json_t *type = request_member(wire, "contentType"), *immutable = request_member(wire, "immutable");
	if (type && (!json_is_string(type) || !strv_starts_with_nocase(json_string_value(type), "application/json")))
		return invalid(err, "contentType must be " CONTENT_TYPE);
	if (immutable && !json_is_boolean(immutable))
		return invalid(err, "immutable must be a boolean");
	_cleanup_buf_ struct buf data = {0};
	int rc = read_data(wire, &data, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *stored = json_pack("{s:s, s:s}", "contentType", CONTENT_TYPE, "data", buf_cstr(&data));
	if (!stored || (json_is_true(immutable) && json_set_bool(stored, "immutable", true) < 0))
		return err_oom(err);
	char *made = json_text(stored);
	if (!made)
		return err_oom(err);
	*text = made;
	return 0;
}

int release_policy_check_change(const char *old, const char *wanted, struct err *err) {
	_cleanup_json_ json_t *policy = NULL;
	if (!old || !wanted || strcmp(old, wanted) == 0)
		return 0;
	int rc = request_parse(old, strlen(old), &policy, err);
	if (rc < 0)
		return rc;
	return json_bool(policy, "immutable", false)
		? bad_parameter(err, "AKV.SKR.1020: Immutable Key Release Policy cannot be modified.") : 0;
}
