// SPDX-License-Identifier: Apache-2.0
// The resources of a subscription or a group, of all types: GET …/resources.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"

#define GROUP_TYPE "Microsoft.Resources/resourceGroups"

struct listing {
	char type[ARM_NAME_MAX], name[ARM_NAME_MAX], group[ARM_NAME_MAX];  // "" for all
	json_t *value;
};

// At *rest stands "{field} eq '{value}'": takes it off and gives the value.
static bool take_term(const char **rest, const char *field, char out[static ARM_NAME_MAX]) {
	char start[32];
	(void)snprintf(start, sizeof(start), "%s eq '", field);
	if (!strv_starts_with_nocase(*rest, start))
		return false;
	const char *value = *rest + strlen(start);
	size_t n = strcspn(value, "'");
	if (!value[n] || n == 0 || n >= ARM_NAME_MAX)
		return false;
	(void)snprintf(out, ARM_NAME_MAX, "%.*s", (int)n, value);
	*rest = value + n + 1;
	return true;
}

// Terms of these fields alone or joined by "and"; anything else is refused.
static int read_filter(struct arm_call *call, struct listing *l, struct err *err) {
	static const char and[] = " and ";
	const char *filter = http_query(call->request, "$filter"), *rest = filter;
	while (rest && (take_term(&rest, "resourceType", l->type) || take_term(&rest, "name", l->name) ||
			       take_term(&rest, "resourceGroup", l->group))) {
		if (!*rest)
			return 0;
		if (!strv_starts_with_nocase(rest, and))
			break;
		rest += strlen(and);
	}
	return rest && *filter ? err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
					 "Invalid $filter '%.200s' specified in the query string.", filter)
			       : 0;
}

// A listing shows what all types have in common; the properties are for who asks for the resource itself.
static int add(void *ctx, struct store_tx *tx, struct resource *r, struct err *err) {
	(void)tx;
	struct listing *l = ctx;
	if (strcmp(r->type, GROUP_TYPE) == 0 || (l->type[0] && !strv_eq_nocase(l->type, r->type)) ||
		(l->name[0] && !strv_eq_nocase(l->name, r->name)) || (l->group[0] && !strv_eq_nocase(l->group, r->group)))
		return 0;
	_cleanup_json_ json_t *shown = NULL;
	int rc = resource_show(r, &shown, err);
	if (rc < 0)
		return rc;
	(void)json_object_del(shown, "properties");
	return json_array_append(l->value, shown) < 0 ? err_oom(err) : 0;
}

static int group_must_exist(struct arm_call *call, struct err *err) {
	_cleanup_resource_ struct resource group = {0};
	int rc = resource_load(call->tx, call->target->id, &group, err);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "ResourceGroupNotFound", "Resource group '%s' could not be found.",
			call->target->group);
	return rc;
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "Resources can be listed here.");
	struct listing l = {.value = json_array()};
	call->response->json = json_pack("{s:o}", "value", l.value);
	if (!call->response->json)
		return err_oom(err);
	int rc = arm_authorize(call, call->target->id,
		call->target->group[0] ? "Microsoft.Resources/subscriptions/resourceGroups/resources/read"
				       : "Microsoft.Resources/subscriptions/resources/read",
		err);
	if (rc == 0 && call->target->group[0])
		rc = group_must_exist(call, err);
	if (rc == 0)
		rc = read_filter(call, &l, err);
	return rc < 0 ? rc : resource_each(call->tx, call->target->subscription, call->target->group, "", add, &l, err);
}

const struct arm_type subscription_resources_type = {
	.name = "Microsoft.Resources/subscriptions/resources", .container = true, .raw = handle};
const struct arm_type group_resources_type = {.name = GROUP_TYPE "/resources", .container = true, .raw = handle};
