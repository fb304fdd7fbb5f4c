// SPDX-License-Identifier: Apache-2.0
// Resource ids and the request paths that address them (Azure Resource Manager REST reference).
//
//   /subscriptions/{s}/resourceGroups/{rg}/providers/{namespace}/{type}/{name}[/{type}/{name}…][/{action}]
//   /subscriptions/{s}/providers/{namespace}/{type}                     a collection over the subscription
//   /subscriptions/{s}[/resourceGroups/{rg}]/resources                  a collection of a subscription or group
//   /subscriptions/{s}/providers[/{namespace}[/register|/unregister]]  the namespaces themselves
//   /subscriptions/{s}/tagNames[/{name}[/tagValues[/{value}]]]         names and values of tags
//   /tenants
//   {any id}/providers/Microsoft.Authorization/roleAssignments/{name}   an extension of another resource
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define ARM_ID_MAX 1024
#define ARM_NAME_MAX 128

struct arm_target {
	char id[ARM_ID_MAX];       // what is addressed, without a trailing type or action segment
	char scope[ARM_ID_MAX];    // what stands before the last "/providers/", or the parent of a group or subscription
	char subscription[64];     // "" at tenant level
	char group[ARM_NAME_MAX];  // "" outside a resource group
	char type[ARM_NAME_MAX];   // "Microsoft.Compute/disks"; "Microsoft.Resources/resourceGroups" and
	                           // "Microsoft.Resources/subscriptions" for those; likewise "…/tenants" and "…/providers"
	char name[ARM_NAME_MAX];   // last name; "" for a collection
	char tail[64];             // a segment after the name: an action or a child collection; "" when none
	size_t providers;          // how often "providers" stands in the path: 0 a container, 2 what extends another resource
};

// -EINVAL (400 or 404 in ARM's words) when the path has no such form or a part is too long.
int arm_parse_path(const char *path, struct arm_target *out, struct err *err) _must_check_;

// Spell the type inside t->id as `type` does, which is t->type in any case. (The other words of an id are spelled as
// Azure does by arm_parse_path; names stay as the request has them.)
void arm_target_respell(struct arm_target *t, const char *type);

// The id without its last type and name: of the resource that this one is a part of. "" when that leaves nothing.
void arm_parent_id(const char *id, char out[static ARM_ID_MAX]);

// As arm_parse_path, for an id that must name one resource of this type.
int arm_parse_id(const char *id, const char *type, struct arm_target *out, struct err *err) _must_check_;
