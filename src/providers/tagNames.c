// SPDX-License-Identifier: Apache-2.0
// Names and values of tags that a subscription proposes (…/tagNames), and how often each is in use.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define NAMES "Microsoft.Resources/subscriptions/tagNames"
#define VALUES NAMES "/tagValues"
#define RESERVED_PREFIXES "microsoft", "azure", "windows"

enum { NAME_MAX_LENGTH = 512, VALUE_MAX_LENGTH = 256, NAMES_MAX = 10000 };

// {lower-case name: {"name", "count", "values": {value: count}}}
struct usage {
	json_t *names;
};

static json_t *entry_of(struct usage *u, const char *name) {
	_cleanup_free_ char *key = strv_lower(name);
	json_t *entry = key ? json_object_get(u->names, key) : NULL;
	if (entry || !key)
		return entry;
	entry = json_pack("{s:s, s:i, s:{}}", "name", name, "count", 0, "values");
	return json_set(u->names, key, entry) < 0 ? NULL : entry;
}

static int count_up(json_t *object, const char *member, int64_t by) {
	return json_object_set_new(object, member, json_integer(json_integer_value(json_object_get(object, member)) + by));
}

static int note(struct usage *u, const char *name, const char *value, int64_t uses, struct err *err) {
	json_t *entry = entry_of(u, name);
	if (!entry || count_up(entry, "count", uses) < 0)
		return err_oom(err);
	return value && count_up(json_object_get(entry, "values"), value, uses) < 0 ? err_oom(err) : 0;
}

static int note_tags(struct usage *u, const json_t *tags, struct err *err) {
	const char *name;
	json_t *value;
	int rc = 0;
	json_object_foreach((json_t *)(uintptr_t)tags, name, value) {
		if (rc == 0)
			rc = note(u, name, json_string_value(value), 1, err);
	}
	return rc;
}

static int note_text(struct usage *u, const char *text, bool whole, struct err *err) {
	_cleanup_json_ json_t *object = NULL;
	if (!text)
		return 0;
	int rc = json_parse(text, strlen(text), "InternalServerError", &object, err);
	return rc < 0 ? rc : note_tags(u, whole ? object : json_object_get(object, "tags"), err);
}

static int note_used(struct arm_call *call, struct usage *u, const char *subscription, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL, *own = NULL;
	int rc = store_query(call->tx, &rows, err, "SELECT body FROM resources WHERE subscription_id = $1", "s", subscription);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0)
		rc = strstr(store_text(rows, 0), "\"tags\"") ? note_text(u, store_text(rows, 0), false, err) : 0;
	if (rc == 0)
		rc = store_query(call->tx, &own, err, "SELECT tags FROM subscriptions WHERE id = $1", "s", subscription);
	if (rc == 0 && (rc = store_next(own, err)) > 0)
		rc = note_text(u, store_text(own, 0), true, err);
	return rc;
}

static int note_proposed(struct arm_call *call, struct usage *u, const char *subscription, struct err *err) {
	_cleanup_rows_ struct store_rows *rows = NULL;
	int rc = store_query(call->tx, &rows, err,
		"SELECT name, value, display_name FROM tag_names WHERE subscription_id = $1 ORDER BY name, value", "s", subscription);
	while (rc >= 0 && (rc = store_next(rows, err)) > 0) {
		bool is_value = store_text(rows, 1)[0] != 0;
		rc = note(u, is_value ? store_text(rows, 0) : store_text(rows, 2), is_value ? store_text(rows, 2) : NULL, 0, err);
	}
	return rc;
}

static json_t *count_of(int64_t uses) {
	return json_pack("{s:s, s:I}", "type", "Total", "value", (json_int_t)uses);
}

static json_t *render_value(const char *scope, const char *name, const char *value, int64_t uses) {
	_cleanup_free_ char *id = strv_printf("%s/tagNames/%s/tagValues/%s", scope, name, value);
	return id ? json_pack("{s:s, s:s, s:o}", "id", id, "tagValue", value, "count", count_of(uses)) : NULL;
}

static json_t *render_name(const char *scope, const json_t *entry) {
	const char *name = json_str(entry, "name"), *value;
	_cleanup_json_ json_t *values = json_array();
	json_t *uses;
	json_object_foreach(json_object_get(entry, "values"), value, uses) {
		if (json_array_append_new(values, render_value(scope, name, value, json_integer_value(uses))) < 0)
			return NULL;
	}
	return json_pack("{s:s++, s:s, s:o, s:O}", "id", scope, "/tagNames/", name, "tagName", name, "count",
		count_of(json_int(entry, "count", 0)), "values", values);
}

static int collect(struct arm_call *call, struct usage *u, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	u->names = json_object();
	if (!subscription || !u->names)
		return err_oom(err);
	int rc = note_proposed(call, u, subscription, err);
	return rc < 0 ? rc : note_used(call, u, subscription, err);
}

static int list(struct arm_call *call, const char *scope, const struct usage *u, struct err *err) {
	json_t *value = arm_list_answer(call), *entry;
	const char *key;
	if (!value)
		return err_oom(err);
	json_object_foreach(u->names, key, entry) {
		if (json_array_append_new(value, render_name(scope, entry)) < 0)
			return err_oom(err);
	}
	return 0;
}

// The name in the path of a value.
static int name_of_value(const struct arm_call *call, char out[static ARM_NAME_MAX]) {
	static const char word[] = "/tagNames/";
	const char *at = strstr(call->target->id, word);
	if (!at)
		return -EINVAL;
	at += sizeof(word) - 1;
	(void)snprintf(out, ARM_NAME_MAX, "%.*s", (int)strcspn(at, "/"), at);
	return 0;
}

static bool is_proposed(struct arm_call *call, const char *subscription, const char *name, const char *value, struct err *err,
	int *rc) {
	int64_t count = 0;
	*rc = store_query_int(call->tx, &count, err,
		"SELECT COUNT(*) FROM tag_names WHERE subscription_id = $1 AND name = $2 AND value = $3", "sss", subscription, name, value);
	return count > 0;
}

static int check_name(const char *name, struct err *err) {
	static const char *const reserved[] = {RESERVED_PREFIXES};
	bool bad = strlen(name) > NAME_MAX_LENGTH || strpbrk(name, "<>%&\\?/");
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		bad = bad || strv_starts_with_nocase(name, reserved[i]);
	return bad ? err_set(err, -EINVAL, 400, "InvalidTagNameOrValue",
			     "The tag name '%s' is not valid: it has none of '<>%%&\\?/' and does not begin with 'microsoft', 'azure' or "
			     "'windows'.",
			     name)
		   : 0;
}

static int check_limit(struct arm_call *call, const char *subscription, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM tag_names WHERE subscription_id = $1", "s", subscription);
	if (rc == 0 && count >= NAMES_MAX)
		return err_set(err, -EDQUOT, 409, "TagQuotaExceeded", "A subscription has at most %d tag names and values.", NAMES_MAX);
	return rc;
}

static int propose(struct arm_call *call, const char *subscription, const char *name, const char *value, const char *shown,
	struct err *err) {
	int rc = 0;
	if (is_proposed(call, subscription, name, value, err, &rc) || rc < 0)
		return rc;
	rc = check_limit(call, subscription, err);
	if (rc == 0)
		rc = store_exec(call->tx, err, "INSERT INTO tag_names (subscription_id, name, value, display_name) VALUES ($1,$2,$3,$4)",
			"ssss", subscription, name, value, shown);
	call->response->status = 201;
	return rc < 0 ? rc : 0;
}

static int refuse_use(const char *what, const char *name, struct err *err) {
	return err_set(err, -EBUSY, 409, "TagInUse", "The tag %s '%s' is in use and cannot be deleted.", what, name);
}

static int withdraw(struct arm_call *call, const char *subscription, const char *name, const char *value, struct err *err) {
	int rc = store_exec(call->tx, err, "DELETE FROM tag_names WHERE subscription_id = $1 AND name = $2 AND value = $3", "sss",
		subscription, name, value);
	if (rc == 0)
		call->response->status = 204;
	return rc < 0 ? rc : 0;
}

// One name; with all its values gone and in use nowhere it can be deleted.
static int run_name(struct arm_call *call, const char *method, const char *scope, const struct usage *u, struct err *err) {
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	_cleanup_free_ char *key = strv_lower(call->target->name);
	if (!subscription || !key)
		return err_oom(err);
	const json_t *entry = json_object_get(u->names, key);
	if (strcmp(method, "DELETE") == 0) {
		if (entry && (json_int(entry, "count", 0) > 0 || json_object_size(json_object_get(entry, "values")) > 0))
			return refuse_use("name", call->target->name, err);
		return withdraw(call, subscription, key, "", err);
	}
	int rc = check_name(call->target->name, err);
	if (rc == 0)
		rc = propose(call, subscription, key, "", call->target->name, err);
	if (rc < 0)
		return rc;
	_cleanup_json_ json_t *fresh = json_pack("{s:s, s:i, s:{}}", "name", call->target->name, "count", 0, "values");
	call->response->json = render_name(scope, entry ? entry : fresh);
	return call->response->json ? 0 : err_oom(err);
}

static int run_value(struct arm_call *call, const char *method, const char *scope, const struct usage *u, struct err *err) {
	char name[ARM_NAME_MAX];
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	if (name_of_value(call, name) < 0)
		return err_set(err, -EINVAL, 400, "InvalidTagNameOrValue", "The path names no tag.");
	_cleanup_free_ char *key = strv_lower(name);
	if (!subscription || !key)
		return err_oom(err);
	const json_t *entry = json_object_get(u->names, key);
	int64_t uses = json_integer_value(json_object_get(json_object_get(entry, "values"), call->target->name));
	if (strcmp(method, "DELETE") == 0)
		return uses > 0 ? refuse_use("value", call->target->name, err)
				: withdraw(call, subscription, key, call->target->name, err);
	if (strlen(call->target->name) > VALUE_MAX_LENGTH)
		return err_set(err, -EINVAL, 400, "InvalidTagNameOrValue", "The value of a tag has at most %d bytes.", VALUE_MAX_LENGTH);
	int rc = 0;
	if (!is_proposed(call, subscription, key, "", err, &rc) && rc == 0)
		return err_set(err, -ENOENT, 404, "TagNotFound", "The tag '%s' could not be found.", name);
	if (rc == 0)
		rc = propose(call, subscription, key, call->target->name, call->target->name, err);
	if (rc < 0)
		return rc;
	call->response->json = render_value(scope, name, call->target->name, uses);
	return call->response->json ? 0 : err_oom(err);
}

static int begin(struct arm_call *call, const char *type, char scope[static ARM_ID_MAX], struct usage *u, struct err *err) {
	const char *method = http_method(call->request);
	bool read = strcmp(method, "GET") == 0, delete = strcmp(method, "DELETE") == 0;
	bool known = call->target->name[0] ? delete || strcmp(method, "PUT") == 0 : read;
	char permission[ARM_NAME_MAX];
	if (!known || call->target->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
	(void)snprintf(scope, ARM_ID_MAX, "/subscriptions/%s", call->target->subscription);
	(void)snprintf(permission, sizeof(permission), "%s/%s", type, read ? "read" : delete ? "delete" : "write");
	int rc = arm_authorize(call, scope, permission, err);
	return rc < 0 ? rc : collect(call, u, err);
}

static int handle_names(struct arm_call *call, struct err *err) {
	struct usage u = {0};
	char scope[ARM_ID_MAX];
	int rc = begin(call, NAMES, scope, &u, err);
	if (rc == 0)
		rc = call->target->name[0] ? run_name(call, http_method(call->request), scope, &u, err) : list(call, scope, &u, err);
	json_decref(u.names);
	return rc;
}

static int handle_values(struct arm_call *call, struct err *err) {
	struct usage u = {0};
	char scope[ARM_ID_MAX];
	int rc = call->target->name[0]
		? begin(call, VALUES, scope, &u, err)
		: err_set(err, -EINVAL, 405, "MethodNotAllowed", "The values of a tag are listed with its name.");
	if (rc == 0)
		rc = run_value(call, http_method(call->request), scope, &u, err);
	json_decref(u.names);
	return rc;
}

const struct arm_type tag_names_type = {.name = NAMES, .versions = versions_resources, .container = true, .raw = handle_names};
const struct arm_type tag_values_type = {.name = VALUES, .versions = versions_resources, .container = true, .raw = handle_values};
