// SPDX-License-Identifier: Apache-2.0
// {vault or Managed HSM}/providers/Microsoft.Insights/diagnosticSettings and diagnosticSettingsCategories. Storage accounts and
// webhooks are delivered to (diagnostics/delivery.c); workspaces, event hubs and partners are recorded.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "diagnostics/settings.h"
#include "diagnostics/storage.h"
#include "diagnostics/webhook.h"
#include "providers/managedHsms.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define TYPE "Microsoft.Insights/diagnosticSettings"
#define CATEGORIES_TYPE "Microsoft.Insights/diagnosticSettingsCategories"
#define STORAGE_TYPE "Microsoft.Storage/storageAccounts"
#define WORKSPACE_TYPE "Microsoft.OperationalInsights/workspaces"
#define RULE_TYPE "Microsoft.EventHub/namespaces/authorizationRules"
#define NOT_IN_NAMES "<>*%&:\\?+/#"
enum { ENTRIES_MAX = 20, TEXT_MAX = 256, DAYS_MAX = 36500 };

#define bad_request(err, ...) err_set(err, -EINVAL, 400, "BadRequest", __VA_ARGS__)

// Bits of what a setting is about.
struct category {
	const char *name;
	const char *groups[2];
	bool vault_only;
};
enum { AUDIT_EVENT, POLICY_DETAILS, CATEGORIES, METRICS = CATEGORIES };
static const struct category categories[CATEGORIES] = {
	[AUDIT_EVENT] = {"AuditEvent", {"audit", "allLogs"}, false},
	[POLICY_DETAILS] = {"AzurePolicyEvaluationDetails", {"allLogs", NULL}, true},
};
#define METRICS_NAME "AllMetrics"

// The resource that a setting extends.
static int find_resource(struct arm_call *call, struct vault_record *out, struct err *err) {
	struct arm_target t;
	struct vault_record v;
	int rc = arm_parse_path(call->target->scope, &t, NULL);
	bool vault = rc == 0 && strv_eq_nocase(t.type, "Microsoft.KeyVault/vaults");
	if (rc < 0 || (!vault && !strv_eq_nocase(t.type, "Microsoft.KeyVault/managedHSMs")) || !t.name[0])
		return err_set(err, -EINVAL, 400, "ResourceTypeNotSupported",
			"The resource type '%s' does not support diagnostic settings.", rc < 0 ? "" : t.type);
	rc = vault ? vault_find(call->tx, t.name, &v, err) : managed_hsms_find(call->tx, t.name, &v, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (rc == -ENOENT || v.deleted || !strv_eq_nocase(v.resource_id, call->target->scope))
		return err_set(err, -ENOENT, 404, "ResourceNotFound",
			"The Resource '%s/%s' under resource group '%s' was not found. For more details please go to "
			"https://aka.ms/ARMResourceNotFoundFix", t.type, t.name, t.group);
	*out = v;
	return 0;
}

static int open_resource(struct arm_call *call, const char *permission, struct vault_record *out, struct err *err) {
	int rc = arm_authorize(call, call->target->scope, permission, err);
	return rc < 0 ? rc : find_resource(call, out, err);
}

// A member that is not set, null or empty is none.
static int read_text(const json_t *properties, const char *name, const char **out, struct err *err) {
	const json_t *value = json_object_get(properties, name);
	*out = NULL;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return bad_request(err, "The property '%s' must be a string.", name);
	*out = json_string_length(value) > 0 ? json_string_value(value) : NULL;
	return 0;
}

static int check_retention(const json_t *entry, struct err *err) {
	const json_t *retention = json_object_get(entry, "retentionPolicy");
	if (!retention || json_is_null(retention))
		return 0;
	const json_t *days = json_object_get(retention, "days");
	if (!json_is_boolean(json_object_get(retention, "enabled")) || !json_is_integer(days) || json_integer_value(days) < 0 ||
		json_integer_value(days) > DAYS_MAX)
		return bad_request(err, "A retention policy has the properties 'enabled' and 'days', which is not negative.");
	return 0;
}

static unsigned bits_of_category(const char *name, bool pool) {
	for (size_t i = 0; i < CATEGORIES; i++)
		if (strv_eq_nocase(categories[i].name, name) && !(pool && categories[i].vault_only))
			return 1u << i;
	return 0;
}

static unsigned bits_of_group(const char *name, bool pool) {
	unsigned bits = 0;
	for (size_t i = 0; i < CATEGORIES; i++)
		for (size_t g = 0; g < ARRAY_SIZE(categories[i].groups); g++)
			if (categories[i].groups[g] && strv_eq_nocase(categories[i].groups[g], name) && !(pool && categories[i].vault_only))
				bits |= 1u << i;
	return bits;
}

struct logs {
	unsigned enabled, named;
	bool by_category, by_group;
};

static int read_log(const json_t *entry, bool pool, struct logs *l, struct err *err) {
	const char *category = json_str(entry, "category"), *group = json_str(entry, "categoryGroup");
	const json_t *enabled = json_object_get(entry, "enabled");
	if (!category == !group || !json_is_boolean(enabled))
		return bad_request(err, "A log setting has either a 'category' or a 'categoryGroup', and 'enabled'.");
	unsigned bits = category ? bits_of_category(category, pool) : bits_of_group(group, pool);
	if (bits == 0)
		return category ? bad_request(err, "Category '%.64s' is not supported.", category)
				: bad_request(err, "Category group '%.64s' is not supported.", group);
	if (category && (l->named & bits))
		return bad_request(err, "Category '%.64s' is there more than once.", category);
	l->named |= category ? bits : 0;
	*(category ? &l->by_category : &l->by_group) = true;
	if (l->by_category && l->by_group)
		return bad_request(err, "Diagnostic setting does not support mix of log category and log category group.");
	l->enabled |= json_is_true(enabled) ? bits : 0;
	return check_retention(entry, err);
}

static int read_metric(const json_t *entry, unsigned *bits, struct err *err) {
	const char *category = json_str(entry, "category");
	const json_t *enabled = json_object_get(entry, "enabled");
	if (!json_is_boolean(enabled))
		return bad_request(err, "A metric setting has the property 'enabled'.");
	if (category && !strv_eq_nocase(category, METRICS_NAME))
		return bad_request(err, "Metric category '%.64s' is not supported.", category);
	*bits |= json_is_true(enabled) ? 1u << METRICS : 0;
	return check_retention(entry, err);
}

static int read_list(const json_t *properties, const char *name, json_t **out, struct err *err) {
	json_t *list = json_object_get(properties, name);
	*out = json_is_null(list) ? NULL : list;
	if (*out && (!json_is_array(*out) || json_array_size(*out) > ENTRIES_MAX))
		return bad_request(err, "The property '%s' must be a list of at most %d entries.", name, ENTRIES_MAX);
	return 0;
}

// What is enabled, as bits.
static int read_categories(const json_t *properties, bool pool, unsigned *out, struct err *err) {
	json_t *logs = NULL, *metrics = NULL, *entry;
	struct logs l = {0};
	size_t i;
	int rc = read_list(properties, "logs", &logs, err);
	if (rc == 0)
		rc = read_list(properties, "metrics", &metrics, err);
	json_array_foreach(logs, i, entry)
		if (rc == 0)
			rc = read_log(entry, pool, &l, err);
	json_array_foreach(metrics, i, entry)
		if (rc == 0)
			rc = read_metric(entry, &l.enabled, err);
	if (rc == 0 && json_array_size(logs) + json_array_size(metrics) == 0)
		rc = bad_request(err, "At least one log or metric category needs to be specified.");
	if (rc == 0)
		*out = l.enabled;
	return rc;
}

// A resource that data goes to: the caller may use its keys, and it is there.
static int check_destination(struct arm_call *call, const char *id, const char *type, const char *action, bool exists,
	struct arm_target *out, struct resource *r, struct err *err) {
	char permission[2 * ARM_NAME_MAX];
	(void)snprintf(permission, sizeof(permission), "%s/%s", type, action);
	int rc = arm_parse_id(id, type, out, err);
	if (rc == 0)
		rc = arm_authorize_linked(call, id, permission, err);
	return rc == 0 && exists ? resource_load(call->tx, id, r, err) : rc;
}

static int check_storage(struct arm_call *call, const struct vault_record *v, const char *id, char *account, size_t size,
	struct err *err) {
	struct arm_target t;
	_cleanup_resource_ struct resource r = {0};
	int rc = check_destination(call, id, STORAGE_TYPE, "listKeys/action", true, &t, &r, err);
	if (rc < 0)
		return rc;
	const char *location = json_str(r.body, "location");
	if (location && !strv_eq_nocase(location, v->location))
		return bad_request(err, "Resource '%s' is in region '%s' and the storage account '%s' in region '%s': they must be in the same "
			"region.", v->resource_id, v->location, id, location);
	_cleanup_free_ char *name = strv_lower(t.name);
	if (!name)
		return err_oom(err);
	if (!storage_account_valid(name))
		return bad_request(err, "The storage account '%s' does not have a name that one can have.", id);
	(void)snprintf(account, size, "%s", name);
	return 0;
}

// As they are shown, and where audit records go.
struct request {
	json_t *shown;  // owned
	unsigned enabled;
	const char *storage, *workspace, *rule, *hub, *partner, *table, *url;  // borrowed from the body
	char account[STORAGE_ACCOUNT_MAX + 1];
};

static void request_free(struct request *r) {
	json_decref(r->shown);
}

static int read_destinations(const json_t *properties, struct request *r, struct err *err) {
	const struct {
		const char *name, **value;
	} members[] = {{"storageAccountId", &r->storage}, {"workspaceId", &r->workspace}, {"eventHubAuthorizationRuleId", &r->rule},
		{"eventHubName", &r->hub}, {"marketplacePartnerId", &r->partner}, {"logAnalyticsDestinationType", &r->table}};
	json_t *hook = json_object_get(properties, "customWebhook");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(members); i++)
		rc = read_text(properties, members[i].name, members[i].value, err);
	if (rc == 0 && hook && !json_is_null(hook) && !json_is_object(hook))
		rc = bad_request(err, "The property 'customWebhook' must be an object.");
	if (rc == 0)
		rc = read_text(hook, "serviceUri", &r->url, err);
	if (rc == 0 && json_is_object(hook) && !r->url)
		rc = bad_request(err, "The property 'customWebhook.serviceUri' is required.");
	if (rc == 0 && !r->storage && !r->workspace && !r->rule && !r->partner && !r->url)
		rc = bad_request(err, "At least one data sink needs to be specified.");
	if (rc == 0 && r->hub && (!r->rule || strlen(r->hub) > TEXT_MAX))
		rc = bad_request(err, "The property 'eventHubName' needs 'eventHubAuthorizationRuleId', and has at most %d characters.", TEXT_MAX);
	if (rc == 0 && r->table && !strv_eq_nocase(r->table, "Dedicated") && !strv_eq_nocase(r->table, "AzureDiagnostics"))
		rc = bad_request(err, "The property 'logAnalyticsDestinationType' must be Dedicated or AzureDiagnostics.");
	return rc;
}

static int check_destinations(struct arm_call *call, const struct vault_record *v, struct request *r, struct err *err) {
	struct arm_target t;
	_cleanup_resource_ struct resource workspace = {0};
	int rc = r->url ? webhook_check_url(r->url, arm_private_webhooks(call->arm), err) : 0;
	if (rc == 0 && r->storage)
		rc = check_storage(call, v, r->storage, r->account, sizeof(r->account), err);
	if (rc == 0 && r->workspace)
		rc = check_destination(call, r->workspace, WORKSPACE_TYPE, "sharedKeys/action", true, &t, &workspace, err);
	if (rc == 0 && r->rule)
		rc = check_destination(call, r->rule, RULE_TYPE, "listkeys/action", false, &t, NULL, err);
	if (rc == 0 && r->partner && (arm_parse_path(r->partner, &t, NULL) < 0 || !t.group[0] || !t.name[0] || t.tail[0] || !t.providers))
		rc = bad_request(err, "The property 'marketplacePartnerId' is not the id of a resource.");
	return rc;
}

static int show_members(const json_t *properties, struct request *r, struct err *err) {
	static const char *const lists[] = {"metrics", "logs"};
	r->shown = json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*}", "storageAccountId", r->storage, "workspaceId", r->workspace,
		"eventHubAuthorizationRuleId", r->rule, "eventHubName", r->hub, "marketplacePartnerId", r->partner,
		"logAnalyticsDestinationType", r->table);
	if (!r->shown || (r->url && json_set(r->shown, "customWebhook", json_pack("{s:s}", "serviceUri", r->url)) < 0))
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_object_get(properties, lists[i]), *shown = json_array(), *entry;
		size_t at;
		if (json_set(r->shown, lists[i], shown) < 0)
			return err_oom(err);
		json_array_foreach(list, at, entry) {
			json_t *retention = json_object_get(entry, "retentionPolicy");
			json_t *kept = json_is_object(retention) ? json_pack("{s:O, s:O}", "enabled", json_object_get(retention, "enabled"),
					       "days", json_object_get(retention, "days")) : NULL;
			if (json_array_append_new(shown, json_pack("{s:s*, s:s*, s:s*, s:O, s:o*}", "category", json_str(entry, "category"),
					"categoryGroup", json_str(entry, "categoryGroup"), "timeGrain", json_str(entry, "timeGrain"), "enabled",
					json_object_get(entry, "enabled"), "retentionPolicy", kept)) < 0)
				return err_oom(err);
		}
	}
	return 0;
}

// The category that both settings enable for the same sink, by name; NULL when there is none.
static const char *shared_category(unsigned mine, const json_t *other, bool pool) {
	unsigned theirs = 0;
	if (read_categories(other, pool, &theirs, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < CATEGORIES; i++)
		if (mine & theirs & 1u << i)
			return categories[i].name;
	return mine & theirs & 1u << METRICS ? METRICS_NAME : NULL;
}

static int check_against(const struct request *r, const char *name, const json_t *other, bool pool, struct err *err) {
	static const char *const members[] = {"storageAccountId", "workspaceId", "eventHubAuthorizationRuleId", "marketplacePartnerId",
		"customWebhook.serviceUri"};
	const char *shared = shared_category(r->enabled, other, pool);
	for (size_t i = 0; shared && i < ARRAY_SIZE(members); i++) {
		const char *sink = json_str(r->shown, members[i]), *used = json_str(other, members[i]);
		if (sink && used && strv_eq_nocase(sink, used) &&
			strcmp(members[i], "eventHubAuthorizationRuleId") != 0)
			return err_set(err, -EEXIST, 409, "Conflict",
				"Data sink '%.512s' is already used in diagnostic setting '%s' for category '%s'. Data sinks can't be reused in "
				"different settings on the same category for the same resource.", sink, name, shared);
	}
	return 0;
}

static int check_others(struct arm_call *call, const struct vault_record *v, const struct request *r, struct err *err) {
	_cleanup_json_ json_t *others = json_array();
	int rc = others ? diagnostics_list(call->tx, v->resource_id, "", others, err) : err_oom(err);
	size_t i;
	json_t *other;
	json_array_foreach(others, i, other) {
		const char *name = json_str(other, "name");
		if (rc == 0 && !strv_eq_nocase(name, call->target->name))
			rc = check_against(r, name, json_object_get(other, "properties"), vault_is_pool(v), err);
	}
	return rc;
}

static int check_name(const char *name, struct err *err) {
	if (strlen(name) < DIAGNOSTICS_NAME_MAX && !strpbrk(name, NOT_IN_NAMES))
		return 0;
	return bad_request(err, "The name '%.128s' of the diagnostic setting is invalid.", name);
}

static json_t *complete(const struct vault_record *v, json_t *setting) {
	const char *name = json_str(setting, "name");
	_cleanup_free_ char *id = strv_printf("%s/providers/microsoft.insights/diagnosticSettings/%s", v->resource_id, name);
	if (!id || json_set_str(setting, "id", id) < 0 || json_set_str(setting, "type", TYPE) < 0)
		return NULL;
	return json_incref(setting);
}

static int answer_one(struct arm_call *call, const struct vault_record *v, struct err *err) {
	_cleanup_json_ json_t *found = json_array();
	int rc = found ? diagnostics_list(call->tx, v->resource_id, call->target->name, found, err) : err_oom(err);
	if (rc < 0)
		return rc;
	if (json_array_size(found) == 0)
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "The diagnostic setting '%s' doesn't exist.", call->target->name);
	call->response->json = complete(v, json_array_get(found, 0));
	return call->response->json ? 0 : err_oom(err);
}

static int list(struct arm_call *call, const struct vault_record *v, struct err *err) {
	_cleanup_json_ json_t *found = json_array();
	json_t *value = arm_list_answer(call), *setting;
	size_t i;
	int rc = found && value ? diagnostics_list(call->tx, v->resource_id, "", found, err) : err_oom(err);
	if (rc < 0)
		return rc;
	json_array_foreach(found, i, setting)
		if (json_array_append_new(value, complete(v, setting)) < 0)
			return err_oom(err);
	return 0;
}

static int read_settings(struct arm_call *call, struct err *err) {
	struct vault_record v;
	int rc = open_resource(call, TYPE "/read", &v, err);
	if (rc < 0)
		return rc;
	return call->target->name[0] ? answer_one(call, &v, err) : list(call, &v, err);
}

static int save(struct arm_call *call, const struct vault_record *v, const struct request *r, struct err *err) {
	bool audit = r->enabled & 1u << AUDIT_EVENT;
	const struct diagnostics_setting s = {.resource_id = v->resource_id, .vault = v->name, .name = call->target->name,
		.properties = r->shown, .targets = {[DIAGNOSTICS_STORAGE] = audit && r->storage ? r->account : NULL,
			[DIAGNOSTICS_WEBHOOK] = audit ? r->url : NULL}};
	int rc = diagnostics_save(call->tx, &s, NULL, err);
	if (rc == -EUSERS)
		return err_set(err, rc, 409, "Conflict",
			"The limit of %d diagnostic settings was reached. To create a new diagnostic setting, delete an existing one.",
			DIAGNOSTICS_SETTINGS_MAX);
	return rc;
}

static int put(struct arm_call *call, struct err *err) {
	struct vault_record v;
	_cleanup_json_ json_t *body = NULL;
	_cleanup_(request_free) struct request r = {0};
	int rc = open_resource(call, TYPE "/write", &v, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	const json_t *properties = json_object_get(body, "properties");
	if (rc == 0)
		rc = check_name(call->target->name, err);
	if (rc == 0 && !json_is_object(properties))
		rc = bad_request(err, "The property 'properties' is required and must be an object.");
	if (rc == 0)
		rc = read_destinations(properties, &r, err);
	if (rc == 0)
		rc = read_categories(properties, vault_is_pool(&v), &r.enabled, err);
	if (rc == 0)
		rc = check_destinations(call, &v, &r, err);
	if (rc == 0)
		rc = show_members(properties, &r, err);
	if (rc == 0)
		rc = check_others(call, &v, &r, err);
	if (rc == 0)
		rc = save(call, &v, &r, err);
	return rc < 0 ? rc : answer_one(call, &v, err);
}

static int remove_setting(struct arm_call *call, struct err *err) {
	struct vault_record v;
	int rc = open_resource(call, TYPE "/delete", &v, err);
	if (rc == 0)
		rc = diagnostics_remove(call->tx, v.resource_id, call->target->name, err);
	call->response->status = rc > 0 ? 200 : 204;
	return rc < 0 ? rc : 0;
}

static int not_allowed(const struct arm_call *call, struct err *err) {
	return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
}

static int handle(struct arm_call *call, struct err *err) {
	const char *method = http_method(call->request);
	bool named = call->target->name[0];
	if (!call->target->tail[0] && strcmp(method, "GET") == 0)
		return read_settings(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "PUT") == 0)
		return put(call, err);
	if (!call->target->tail[0] && named && strcmp(method, "DELETE") == 0)
		return remove_setting(call, err);
	return not_allowed(call, err);
}

static json_t *render_category(const struct vault_record *v, const char *name, const struct category *c) {
	_cleanup_free_ char *id = strv_printf("%s/providers/microsoft.insights/diagnosticSettingsCategories/%s", v->resource_id, name);
	_cleanup_json_ json_t *properties = json_pack("{s:s}", "categoryType", c ? "Logs" : "Metrics");
	json_t *groups = json_array();
	if (!id || !properties || (c ? json_set(properties, "categoryGroups", groups) : (json_decref(groups), 0)) < 0)
		return NULL;
	for (size_t i = 0; c && i < ARRAY_SIZE(c->groups); i++)
		if (c->groups[i] && json_array_append_new(groups, json_string(c->groups[i])) < 0)
			return NULL;
	return json_pack("{s:s, s:s, s:s, s:O}", "id", id, "type", CATEGORIES_TYPE, "name", name, "properties", properties);
}

static int handle_categories(struct arm_call *call, struct err *err) {
	struct vault_record v;
	const char *wanted = call->target->name;
	if (strcmp(http_method(call->request), "GET") != 0 || call->target->tail[0])
		return not_allowed(call, err);
	int rc = open_resource(call, "Microsoft.Insights/DiagnosticSettingsCategories/Read", &v, err);
	_cleanup_json_ json_t *value = json_array();
	for (size_t i = 0; rc == 0 && i <= CATEGORIES; i++) {
		const struct category *c = i < CATEGORIES ? &categories[i] : NULL;
		const char *name = c ? c->name : METRICS_NAME;
		if ((wanted[0] && !strv_eq_nocase(wanted, name)) || (c && c->vault_only && vault_is_pool(&v)))
			continue;
		if (json_array_append_new(value, render_category(&v, name, c)) < 0)
			rc = err_oom(err);
	}
	if (rc < 0)
		return rc;
	if (wanted[0] && json_array_size(value) == 0)
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "The diagnostic settings category '%s' doesn't exist.", wanted);
	call->response->json = wanted[0] ? json_incref(json_array_get(value, 0)) : json_pack("{s:O}", "value", value);
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type diagnostic_settings_type = {
	.name = TYPE, .versions = versions_diagnostics, .extends = true, .raw = handle};
const struct arm_type diagnostic_categories_type = {
	.name = CATEGORIES_TYPE, .versions = versions_diagnostics, .extends = true, .raw = handle_categories};
