// SPDX-License-Identifier: Apache-2.0
// Microsoft.Resources/tags: the tags of a subscription, a group or a resource, without the rest of it.
#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define TYPE "Microsoft.Resources/tags"

// What has the tags.
struct bearer {
	bool subscription;
	char key[ENC_UUID_SIZE];  // of a subscription, lower case
	struct resource resource;
	json_t *tags;
};

static void bearer_free(struct bearer *b) {
	resource_free(&b->resource);
	json_decref(b->tags);
}

static int load_subscription(struct arm_call *call, struct bearer *b, struct err *err) {
	_cleanup_free_ char *key = strv_lower(call->target->subscription);
	_cleanup_rows_ struct store_rows *rows = NULL;
	if (!key)
		return err_oom(err);
	int rc = store_query(call->tx, &rows, err, "SELECT tags FROM subscriptions WHERE id = $1", "s", key);
	if (rc == 0)
		rc = store_next(rows, err);
	if (rc <= 0)
		return rc < 0 ? rc : err_set(err, -ENOENT, 404, "SubscriptionNotFound", "The subscription '%s' could not be found.", key);
	b->subscription = true;
	const char *text = store_text(rows, 0);
	rc = strv_copy(b->key, sizeof(b->key), key);
	if (rc < 0 || !text)
		return rc;
	return json_parse(text, strlen(text), "InternalServerError", &b->tags, err);
}

static int load(struct arm_call *call, struct bearer *b, struct err *err) {
	struct arm_target scope;
	int rc = arm_parse_path(call->target->scope, &scope, err);
	if (rc == 0 && strcmp(scope.type, "Microsoft.Resources/subscriptions") == 0 && scope.name[0])
		rc = load_subscription(call, b, err);
	else if (rc == 0)
		rc = resource_load(call->tx, call->target->scope, &b->resource, err);
	if (rc == 0 && !b->tags)
		b->tags = b->subscription ? json_object() : json_deep_copy(json_object_get(b->resource.body, "tags"));
	if (rc == 0 && !json_is_object(b->tags)) {
		json_decref(b->tags);
		b->tags = json_object();
	}
	return rc == 0 && !b->tags ? err_oom(err) : rc;
}

static int save(struct arm_call *call, struct bearer *b, struct err *err) {
	int rc = arm_check_tags(b->tags, err);
	if (rc < 0)
		return rc;
	if (!b->subscription) {
		if (json_object_set(b->resource.body, "tags", b->tags) < 0)
			return err_oom(err);
		return resource_save(call->tx, &b->resource, err);
	}
	_cleanup_free_ char *text = json_text(b->tags);
	if (!text)
		return err_oom(err);
	rc = store_exec(call->tx, err, "UPDATE subscriptions SET tags = $1 WHERE id = $2", "ss", text, b->key);
	return rc < 0 ? rc : 0;
}

// Names of tags differ by more than case.
static const char *find(json_t *tags, const char *name) {
	const char *key;
	json_t *value;
	json_object_foreach(tags, key, value) {
		if (strv_eq_nocase(key, name))
			return key;
	}
	return NULL;
}

static int merge(json_t *tags, json_t *given, struct err *err) {
	const char *name;
	json_t *value;
	json_object_foreach(given, name, value) {
		const char *before = find(tags, name);
		if (before)
			(void)json_object_del(tags, before);
		if (json_object_set(tags, name, value) < 0)
			return err_oom(err);
	}
	return 0;
}

// By name and value, or by name where no value is given.
static void subtract(json_t *tags, json_t *given) {
	const char *name;
	json_t *value;
	json_object_foreach(given, name, value) {
		const char *key = find(tags, name);
		const char *wanted = json_string_value(value);
		if (key && (!wanted || !*wanted || strcmp(wanted, json_string_value(json_object_get(tags, key))) == 0))
			(void)json_object_del(tags, key);
	}
}

static int apply(struct bearer *b, json_t *body, bool patch, struct err *err) {
	json_t *given = json_at(body, "properties.tags");
	const char *operation = json_str(body, "operation");
	if (!json_is_object(given))
		return err_set(err, -EINVAL, 400, "InvalidTagsRequest", "The request has no object 'properties.tags'.");
	if (!patch || (operation && strv_eq_nocase(operation, "Replace"))) {
		(void)json_object_clear(b->tags);
		return merge(b->tags, given, err);
	}
	if (operation && strv_eq_nocase(operation, "Merge"))
		return merge(b->tags, given, err);
	if (!operation || !strv_eq_nocase(operation, "Delete"))
		return err_set(err, -EINVAL, 400, "InvalidTagsRequest", "The operation '%.32s' is none of 'Merge', 'Replace' and 'Delete'.",
			operation ? operation : "");
	subtract(b->tags, given);
	return 0;
}

static int change(struct arm_call *call, struct bearer *b, bool patch, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	int rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = apply(b, body, patch, err);
	return rc < 0 ? rc : save(call, b, err);
}

static int remove_all(struct arm_call *call, struct bearer *b, struct err *err) {
	(void)json_object_clear(b->tags);
	return save(call, b, err);
}

static int show(struct arm_call *call, const struct bearer *b, struct err *err) {
	call->response->json = json_pack("{s:s+, s:s, s:s, s:{s:O}}", "id", call->target->scope, "/providers/" TYPE "/default", "name",
		"default", "type", TYPE, "properties", "tags", b->tags);
	return call->response->json ? 0 : err_oom(err);
}

static int run(struct arm_call *call, const char *method, struct err *err) {
	_cleanup_(bearer_free) struct bearer b = {0};
	int rc = load(call, &b, err);
	if (rc < 0)
		return rc;
	if (strcmp(method, "DELETE") == 0)
		return remove_all(call, &b, err);
	if (strcmp(method, "GET") != 0)
		rc = change(call, &b, strcmp(method, "PATCH") == 0, err);
	return rc < 0 ? rc : show(call, &b, err);
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	const char *permission = strcmp(method, "GET") == 0 ? TYPE "/read"
		: strcmp(method, "DELETE") == 0             ? TYPE "/delete"
							    : TYPE "/write";
	bool known = strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0 || strcmp(method, "PUT") == 0 ||
		strcmp(method, "PATCH") == 0;
	if (!known || call->target->tail[0] || !call->target->subscription[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", method);
	if (!strv_eq_nocase(call->target->name, "default"))
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "The tags of a scope are named 'default'.");
	int rc = arm_authorize(call, call->target->scope, permission, err);
	return rc < 0 ? rc : run(call, method, err);
}

const struct arm_type tags_type = {.name = TYPE, .versions = versions_resources, .extends = true, .raw = handle};
