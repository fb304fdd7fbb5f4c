// SPDX-License-Identifier: Apache-2.0
// Microsoft.Storage/storageAccounts. Recorded: there is no blob service behind them; what diagnostic settings deliver to one
// goes to a folder of its name (docs/fidelity.md).
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/strv.h"
#include "providers/providers.h"
#include "providers/recorded.h"
#include "providers/versions.h"

#define TYPE "Microsoft.Storage/storageAccounts"

static bool is_name(const char *name) {
	return strv_made_of(name, "abcdefghijklmnopqrstuvwxyz0123456789", 3, 24);
}

static int bad_name(const char *name, struct err *err) {
	return err_set(err, -EINVAL, 400, "AccountNameInvalid",
		"%s is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers "
		"and lower-case letters only.", name);
}

// The name stands in a host name, so nobody else's account has it.
static int find_named(struct store_tx *tx, const char *name, const char *own_id, bool *taken, struct err *err) {
	int64_t count = 0;
	int rc = store_query_int(tx, &count, err, "SELECT COUNT(*) FROM resources WHERE type = '" TYPE "' AND name = $1 AND id <> $2", "ss",
		name, own_id);
	if (rc < 0)
		return rc;
	*taken = count > 0;
	return 0;
}

static int set_endpoints(struct resource *r, struct err *err) {
	static const char *const services[] = {"blob", "queue", "table", "file", "web", "dfs"};
	json_t *endpoints = json_object();
	if (json_set(resource_properties(r), "primaryEndpoints", endpoints) < 0)
		return err_oom(err);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		_cleanup_free_ char *url = strv_printf("https://%s.%s.core.windows.net/", r->name, services[i]);
		if (!url || json_set_str(endpoints, services[i], url) < 0)
			return err_oom(err);
	}
	return 0;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	static const char *const members[] = {"sku", "kind", "extendedLocation", NULL};
	char created[CLOCK_RFC3339_MAX];
	bool taken = false;
	if (!is_name(r->name))
		return bad_name(r->name, err);
	int rc = find_named(call->tx, r->name, r->id, &taken, err);
	if (rc == 0 && taken)
		rc = err_set(err, -EEXIST, 409, "StorageAccountAlreadyTaken", "The storage account named %s is already taken.", r->name);
	if (rc == 0)
		rc = recorded_keep_members(r, body, members, err);
	if (rc == 0 && !json_str(r->body, "sku.name"))
		rc = err_set(err, -EINVAL, 400, "InvalidValuesForRequestParameters", "Values for request parameters are invalid: sku.");
	if (rc == 0 && !json_str(r->body, "kind") && json_set_str(r->body, "kind", "StorageV2") < 0)
		rc = err_oom(err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc == 0)
		rc = set_endpoints(r, err);
	if (rc == 0)
		rc = resource_set_property(r, "creationTime", clock_rfc3339(r->created, created), err);
	if (rc == 0)
		rc = resource_set_property(r, "primaryLocation", json_str(r->body, "location"), err);
	// Clients know no 201 of this type.
	call->response->status = 200;
	return rc < 0 ? rc : resource_set_property(r, "statusOfPrimary", "available", err);
}

static int remove_account(struct arm_call *call, struct resource *r, struct err *err) {
	(void)call, (void)r, (void)err;
	return 0;
}

const struct arm_type storage_accounts_type = {
	.name = TYPE,
	.versions = versions_storage,
	.deletion_rank = 8,
	.has_location = true,
	.has_identity = true,
	.put = put,
	.remove = remove_account,
};

// POST /subscriptions/{s}/providers/Microsoft.Storage/checkNameAvailability
static int check_name(struct arm_call *call, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	bool taken = false;
	if (strcmp(http_method(call->request), "POST") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
	int rc = arm_authorize(call, call->target->scope, "Microsoft.Storage/checkNameAvailability/read", err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	const char *name = json_str(body, "name");
	if (rc == 0 && !name)
		rc = err_set(err, -EINVAL, 400, "InvalidRequestContent", "The member 'name' is missing.");
	if (rc < 0)
		return rc;
	struct err why = {0};
	if (!is_name(name)) {
		(void)bad_name(name, &why);
		call->response->json = json_pack("{s:b, s:s, s:s}", "nameAvailable", 0, "reason", "AccountNameInvalid", "message", why.message);
	} else {
		rc = find_named(call->tx, name, "", &taken, err);
		if (rc < 0)
			return rc;
		call->response->json = taken ? json_pack("{s:b, s:s, s:s+++}", "nameAvailable", 0, "reason", "AlreadyExists", "message",
						       "The storage account named ", name, " is already taken.", "")
					     : json_pack("{s:b}", "nameAvailable", 1);
	}
	return call->response->json ? 0 : err_oom(err);
}

const struct arm_type storage_names_type = {
	.name = "Microsoft.Storage/checkNameAvailability", .versions = versions_storage, .places = ARM_IN_SUBSCRIPTION, .raw = check_name};
