// SPDX-License-Identifier: Apache-2.0
#include "providers/vaultObjects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm/page.h"
#include "base/strv.h"

int vault_objects_open(struct arm_call *call, const char *verb, const struct object_kind *kind, struct vault_record *vault,
	struct vault_control **out, struct err *err) {
	char permission[2 * ARM_NAME_MAX], name[ARM_NAME_MAX], version[ARM_NAME_MAX];
	(void)snprintf(permission, sizeof(permission), "%s/%s", call->target->type, verb);
	int rc = arm_authorize(call, call->target->id, permission, err);
	if (rc == 0)
		rc = vaults_parent(call, vault, err);
	if (rc < 0)
		return rc;
	bool named = vaults_name_at(call->target, 1, name) == 0, versioned = vaults_name_at(call->target, 2, version) == 0;
	const struct vault_control_request from = {.keeper = arm_keeper(call->arm), .vault = vault, .kind = kind,
		.name = named ? name : NULL, .version = versioned ? version : NULL, .http = call->request, .caller = call->caller};
	return vault_control_open(&from, out, err);
}

// id, type and location around what the vault shows.
static json_t *complete(const struct arm_call *call, const struct vault_record *vault, const struct object_kind *kind,
	const char *versions_of, json_t *shown) {
	_cleanup_json_ json_t *item = shown;
	const char *name = json_str(item, "name");
	if (!name)
		return NULL;
	_cleanup_free_ char *id = versions_of
		? strv_printf("%s/%s/%s/versions/%s", vault->resource_id, kind->collection, versions_of, name)
		: strv_printf("%s/%s/%s", vault->resource_id, kind->collection, name);
	if (!id || json_set_str(item, "id", id) < 0 || json_set_str(item, "type", call->target->type) < 0 ||
		json_set_str(item, "location", vault->location) < 0)
		return NULL;
	return TAKE_PTR(item);
}

static int answer_one(struct arm_call *call, const struct vault_record *vault, const struct object_kind *kind,
	const char *versions_of, const struct vault_control *x, struct err *err) {
	call->response->json = complete(call, vault, kind, versions_of, vault_control_show(x));
	return call->response->json ? 0 : err_oom(err);
}

int vault_objects_answer(struct arm_call *call, const struct vault_record *vault, const struct vault_control *x,
	struct err *err) {
	return answer_one(call, vault, strv_ends_with_nocase(call->target->type, "/keys") ? &object_keys : &object_secrets, NULL, x,
		err);
}

static int list(struct arm_call *call, const struct vault_record *vault, const struct object_kind *kind,
	const char *versions_of, struct vault_control *x, struct err *err) {
	size_t i;
	struct arm_page page;
	char next[OBJECT_NAME_MAX + 1];
	_cleanup_json_ json_t *found = json_array(), *value = json_array();
	int rc = found && value ? arm_page_read(call, VAULT_CONTROL_PAGE_MAX, &page, err) : err_oom(err);
	if (rc == 0)
		rc = vault_control_page(x, call->tx, versions_of, page.after, (size_t)page.top, found, next, err);
	if (rc < 0)
		return rc;
	json_t *item;
	json_array_foreach(found, i, item)
		if (json_array_append_new(value, complete(call, vault, kind, versions_of, json_incref(item))) < 0)
			return err_oom(err);
	call->response->json = json_pack("{s:O}", "value", value);
	if (!call->response->json)
		return err_oom(err);
	return next[0] ? arm_page_next(call, call->response->json, next, err) : 0;
}

int vault_objects_read(struct arm_call *call, const struct object_kind *kind, bool versions, struct err *err) {
	struct vault_record vault;
	_cleanup_control_ struct vault_control *x = NULL;
	char key[ARM_NAME_MAX] = "";
	int rc = vault_objects_open(call, "read", kind, &vault, &x, err);
	if (rc < 0)
		return rc;
	if (versions && vaults_name_at(call->target, 1, key) < 0)
		return vaults_method_not_allowed(call, err);
	if (!call->target->name[0])
		return list(call, &vault, kind, versions ? key : NULL, x, err);
	rc = vault_control_load(x, call->tx, err);
	return rc < 0 ? rc : answer_one(call, &vault, kind, versions ? key : NULL, x, err);
}
