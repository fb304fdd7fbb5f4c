// SPDX-License-Identifier: Apache-2.0
// What clients ask before they make a machine: Microsoft.Compute/skus, locations/vmSizes and locations/usages. The sizes are
// those that machines can be made with here, the same in every region.
#include <errno.h>
#include <string.h>

#include "arm/locations.h"
#include "base/strv.h"
#include "providers/compute.h"
#include "providers/filter.h"
#include "providers/machineSizes.h"
#include "providers/providers.h"
#include "providers/versions.h"

#define MIB_PER_GIB 1024

static int begin(struct arm_call *call, const char *permission, json_t **value, struct err *err) {
	const struct arm_target *t = call->target;
	if (strcmp(http_method(call->request), "GET") != 0 || !t->subscription[0] || t->group[0] || t->name[0] || t->tail[0])
		return err_set(err, -EINVAL, 405, "MethodNotAllowed", "The method %s is not allowed here.", http_method(call->request));
	*value = arm_list_answer(call);
	if (!*value)
		return err_oom(err);
	return arm_authorize(call, t->scope, permission, err);
}

// The region in ".../locations/{location}".
static int check_location(const struct arm_call *call, struct err *err) {
	const char *slash = strrchr(call->target->id, '/');
	if (slash && arm_location_find(slash + 1))
		return 0;
	return err_set(err, -EINVAL, 400, "NoRegisteredProviderFound",
		"No registered resource provider found for location '%.64s' and API version '%s' for type '%s'.", slash ? slash + 1 : "",
		http_query(call->request, "api-version"), strchr(call->target->type, '/') + 1);
}

static int add_usage(struct arm_call *call, json_t *value, const char *type, const char *name, const char *title, int limit,
	struct err *err) {
	int64_t count = 0;
	_cleanup_free_ char *subscription = strv_lower(call->target->subscription);
	if (!subscription)
		return err_oom(err);
	int rc = store_query_int(call->tx, &count, err, "SELECT COUNT(*) FROM resources WHERE subscription_id = $1 AND type = $2", "ss",
		subscription, type);
	if (rc < 0)
		return rc;
	return json_array_append_new(value, json_pack("{s:s, s:I, s:i, s:{s:s, s:s}}", "unit", "Count", "currentValue",
		       (json_int_t)count, "limit", limit, "name", "value", name, "localizedValue", title)) < 0
		? err_oom(err)
		: 0;
}

static int handle_usages(struct arm_call *call, struct err *err) {
	json_t *value;
	int rc = begin(call, "Microsoft.Compute/locations/usages/read", &value, err);
	if (rc == 0)
		rc = check_location(call, err);
	if (rc == 0)
		rc = add_usage(call, value, MACHINE_TYPE, "virtualMachines", "Virtual Machines", COMPUTE_MACHINES_MAX, err);
	if (rc == 0)
		rc = add_usage(call, value, DISK_TYPE, "disks", "Disks", COMPUTE_DISKS_MAX, err);
	return rc;
}

static int handle_sizes(struct arm_call *call, struct err *err) {
	json_t *value;
	int rc = begin(call, "Microsoft.Compute/locations/vmSizes/read", &value, err);
	if (rc == 0)
		rc = check_location(call, err);
	size_t count;
	const struct machine_size *all = machine_sizes(&count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (json_array_append_new(value, json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "name", all[i].name, "numberOfCores", all[i].cpus,
			    "osDiskSizeInMB", COMPUTE_SIZE_GB_MAX * MIB_PER_GIB, "resourceDiskSizeInMB", 0, "memoryInMB",
			    all[i].memory_mib, "maxDataDiskCount", COMPUTE_DATA_DISKS_MAX)) < 0)
			return err_oom(err);
	return rc;
}

static json_t *render_sku(const struct machine_size *size, const char *location) {
	_cleanup_free_ char *cpus = strv_printf("%d", size->cpus);
	_cleanup_free_ char *memory = strv_printf("%g", size->memory_mib / (double)MIB_PER_GIB);
	_cleanup_free_ char *disks = strv_printf("%d", COMPUTE_DATA_DISKS_MAX);
	if (!cpus || !memory || !disks)
		return NULL;
	json_t *sku = json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[{s:s, s:[]}], s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}], s:[]}", "resourceType",
		"virtualMachines", "name", size->name, "tier", "Standard", "size", strchr(size->name, '_') + 1, "locations", location,
		"locationInfo", "location", location, "zones", "capabilities", "name", "vCPUs", "value", cpus, "name", "MemoryGB", "value",
		memory, "name", "MaxDataDiskCount", "value", disks, "restrictions");
	if (sku && size->confidential &&
		json_array_append_new(json_object_get(sku, "capabilities"),
			json_pack("{s:s, s:s}", "name", "ConfidentialComputingType", "value", strstr(size->name, "es_v5") ? "TDX" : "SNP")) < 0) {
		json_decref(sku);
		return NULL;
	}
	return sku;
}

// location eq 'westeurope', which is all that can be asked for.
static int read_location(struct arm_call *call, struct filter *f, const char **out, struct err *err) {
	const char *text = http_query(call->request, "$filter");
	*out = NULL;
	if (!text || !*text)
		return 0;
	int rc = filter_parse(text, f, err);
	if (rc < 0)
		return rc;
	if (f->term_count != 1 || f->terms[0].test != FILTER_EQ || !strv_eq_nocase(f->terms[0].field, "location"))
		return err_set(err, -EINVAL, 400, "InvalidFilterInQueryString",
			"Invalid $filter '%.200s' specified in the query string.", text);
	*out = f->terms[0].value;
	return 0;
}

static int handle_skus(struct arm_call *call, struct err *err) {
	struct filter f;
	const char *wanted;
	json_t *value;
	size_t locations, sizes;
	const struct arm_location *regions = arm_locations(&locations);
	const struct machine_size *all = machine_sizes(&sizes);
	int rc = begin(call, "Microsoft.Compute/skus/read", &value, err);
	if (rc == 0)
		rc = read_location(call, &f, &wanted, err);
	for (size_t i = 0; rc == 0 && i < locations; i++)
		for (size_t j = 0; j < sizes && (!wanted || strv_eq_nocase(wanted, regions[i].name)); j++)
			if (json_array_append_new(value, render_sku(&all[j], regions[i].name)) < 0)
				return err_oom(err);
	return rc;
}

const struct arm_type compute_usages_type = {
	.name = "Microsoft.Compute/locations/usages", .versions = versions_machines, .raw = handle_usages};
const struct arm_type compute_sizes_type = {
	.name = "Microsoft.Compute/locations/vmSizes", .versions = versions_machines, .raw = handle_sizes};
const struct arm_type compute_skus_type = {.name = "Microsoft.Compute/skus", .versions = versions_skus, .raw = handle_skus};
