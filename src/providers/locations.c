// SPDX-License-Identifier: Apache-2.0
// The regions that a subscription may use: all of Azure's public ones, and everything here runs in each of them.
#include "arm/locations.h"

#include <errno.h>
#include <string.h>

#include "base/strv.h"
#include "providers/providers.h"
#include "providers/versions.h"

static json_t *render_pair(const char *scope, const struct arm_location *l) {
	json_t *pairs = json_array();
	if (l->paired && json_array_append_new(pairs, json_pack("{s:s, s:s++}", "name", l->paired, "id", scope, "/locations/",
							      l->paired)) < 0) {
		json_decref(pairs);
		return NULL;
	}
	return pairs;
}

static json_t *render(const char *scope, const struct arm_location *l) {
	json_t *pairs = render_pair(scope, l);
	return json_pack("{s:s++, s:s, s:s, s:s, s:s++++, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}}", "id", scope,
		"/locations/", l->name, "name", l->name, "type", "Region", "displayName", l->display_name, "regionalDisplayName",
		"(", l->group, ") ", l->display_name, "", "metadata", "regionType", "Physical", "regionCategory",
		l->recommended ? "Recommended" : "Other", "geography", l->geography, "geographyGroup", l->group, "longitude",
		l->longitude, "latitude", l->latitude, "physicalLocation", l->place, "pairedRegion", pairs);
}

static int handle(struct arm_call *call, struct err *err) {
	if (strcmp(http_method(call->request), "GET") != 0)
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The locations of a subscription can only be listed.");
	int rc = arm_authorize(call, call->target->id, "Microsoft.Resources/subscriptions/locations/read", err);
	if (rc < 0)
		return rc;
	json_t *value = arm_list_answer(call);
	if (!value)
		return err_oom(err);
	size_t count;
	const struct arm_location *all = arm_locations(&count);
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(value, render(call->target->id, &all[i])) < 0)
			return err_oom(err);
	return 0;
}

const struct arm_type subscription_locations_type = {.name = "Microsoft.Resources/subscriptions/locations",
	.versions = versions_resources, .container = true, .raw = handle};
