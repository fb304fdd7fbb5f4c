// SPDX-License-Identifier: Apache-2.0
// moveResources and validateMoveResources of a resource group. An id is part of what a disk's key and an identity's tokens
// are bound to, so nothing here moves: what could be asked for is checked, and then refused by type.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define GROUP_TYPE "Microsoft.Resources/resourceGroups"

enum { RESOURCES_MAX = 800 };

static int check_target_group(struct arm_call *call, const char *id, struct err *err) {
	struct arm_target t;
	_cleanup_resource_ struct resource group = {0};
	if (!id || arm_parse_path(id, &t, NULL) < 0 || strcmp(t.type, GROUP_TYPE) != 0 || !t.name[0] || t.tail[0])
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The member 'targetResourceGroup' is not the id of a group.");
	int rc = arm_authorize_linked(call, t.id, "Microsoft.Resources/subscriptions/resourceGroups/write", err);
	if (rc == 0)
		rc = resource_load(call->tx, t.id, &group, err);
	return rc;
}

static int check_resource(struct arm_call *call, const char *id, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	if (!id || !access_scope_within(id, call->target->id))
		return err_set(err, -EINVAL, 400, "ResourceNotInSourceGroup", "The resource '%.300s' is not in the resource group '%s'.",
			id ? id : "", call->target->group);
	int rc = resource_load(call->tx, id, &r, err);
	if (rc < 0)
		return rc;
	json_t *detail = json_pack("{s:s, s:s, s:s++}", "code", "ResourceMoveNotSupported", "target", r.display_id, "message",
		"Resource move is not supported for resource types '", r.type, "'.");
	if (!call->details)
		call->details = json_array();
	return json_array_append_new(call->details, detail) < 0 ? err_oom(err) : 0;
}

static int check_resources(struct arm_call *call, const json_t *ids, struct err *err) {
	size_t count = json_array_size(ids);
	if (count == 0 || count > RESOURCES_MAX)
		return err_set(err, -EINVAL, 400, "InvalidRequestContent", "The member 'resources' is an array of 1 to %d ids.",
			RESOURCES_MAX);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = check_resource(call, json_string_value(json_array_get(ids, i)), err);
	return rc;
}

static int refuse(struct arm_call *call, const char *permission, struct err *err) {
	_cleanup_json_ json_t *body = NULL;
	if (strcmp(http_method(call->request), "POST") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
	int rc = arm_authorize(call, call->target->id, permission, err);
	if (rc == 0)
		rc = arm_body(call->request, &body, err);
	if (rc == 0)
		rc = check_target_group(call, json_str(body, "targetResourceGroup"), err);
	if (rc == 0)
		rc = check_resources(call, json_object_get(body, "resources"), err);
	if (rc < 0)
		return rc;
	return err_set(err, -EPERM, 409, "ResourceMoveNotSupported", "%s",
		json_str(json_array_get(call->details, 0), "message"));
}

static int move_resources(struct arm_call *call, struct err *err) {
	return refuse(call, "Microsoft.Resources/subscriptions/resourceGroups/moveResources/action", err);
}

static int validate(struct arm_call *call, struct err *err) {
	return refuse(call, "Microsoft.Resources/subscriptions/resourceGroups/validateMoveResources/action", err);
}

const struct arm_type move_resources_type = {
	.name = GROUP_TYPE "/moveResources", .versions = versions_resources, .container = true, .raw = move_resources};
const struct arm_type validate_move_resources_type = {
	.name = GROUP_TYPE "/validateMoveResources", .versions = versions_resources, .container = true, .raw = validate};
