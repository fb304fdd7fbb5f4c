// SPDX-License-Identifier: Apache-2.0
// Microsoft.Network/virtualNetworks and their subnets: address ranges that fit, and who stands in them. Recorded.
//
// hidden of a subnet: next   the offset of the address that is given next
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/versions.h"

// Azure keeps the first four addresses of a subnet and the last.
enum { NAME_LENGTH_MAX = 64, SUBNET_NAME_MAX = 80, FIRST_ADDRESS = 4, PREFIXES_MAX = 100 };

// The IPv4 prefixes of a subnet or a network: "addressPrefix", "addressPrefixes". Others (IPv6) are kept unchecked.
struct prefixes {
	struct ipv4_range at[PREFIXES_MAX];
	size_t count;
};

static int add_prefix(struct prefixes *p, const json_t *text, struct err *err) {
	const char *prefix = json_string_value(text);
	if (!prefix)
		return recorded_invalid(err, "An address prefix must be a string.");
	if (strchr(prefix, ':'))
		return 0;
	if (p->count == PREFIXES_MAX || !ipv4_range(prefix, &p->at[p->count]))
		return err_set(err, -EINVAL, 400, "InvalidAddressPrefixFormat", "Address prefix %s is not formatted correctly. It should follow "
			"CIDR notation, for example 10.0.0.0/24.", prefix);
	p->count++;
	return 0;
}

static int read_prefixes(const json_t *list, const json_t *single, struct prefixes *out, struct err *err) {
	*out = (struct prefixes){0};
	if (single && !json_is_null(single))
		return add_prefix(out, single, err);
	size_t i;
	json_t *element;
	int rc = 0;
	json_array_foreach((json_t *)(uintptr_t)list, i, element)
		if (rc == 0)
			rc = add_prefix(out, element, err);
	return rc;
}

// Of a subnet's document, or of what a request says of it.
static int subnet_prefixes(const json_t *subnet, struct prefixes *out, struct err *err) {
	const json_t *p = json_object_get(subnet, "properties");
	return read_prefixes(json_object_get(p, "addressPrefixes"), json_object_get(p, "addressPrefix"), out, err);
}

static int refuse_range(const char *name, const char *other, struct err *err) {
	return err_set(err, -EINVAL, 400, "NetcfgSubnetRangesOverlap",
		"Subnet '%s' is not valid because its IP address range overlaps with that of an existing subnet in virtual "
		"network '%s'.", name, other);
}

// All that a subnet has lies in the network's space.
static int check_within(const char *name, const struct prefixes *ours, const char *network, const struct prefixes *space,
	struct err *err) {
	for (size_t i = 0; i < ours->count; i++) {
		bool inside = false;
		for (size_t k = 0; k < space->count; k++)
			inside = inside || ipv4_within(&ours->at[i], &space->at[k]);
		if (!inside)
			return err_set(err, -EINVAL, 400, "NetcfgInvalidSubnet", "Subnet '%s' is not valid in virtual network '%s'.", name,
				network);
	}
	return 0;
}

struct overlap {
	const struct resource *subnet;
	const struct prefixes *prefixes;
};

static int refuse_overlap(void *ctx, struct store_tx *tx, struct resource *other, struct err *err) {
	(void)tx;
	const struct overlap *o = ctx;
	struct prefixes theirs;
	if (strcmp(other->id, o->subnet->id) == 0)
		return 0;
	int rc = subnet_prefixes(other->body, &theirs, err);
	for (size_t i = 0; rc == 0 && i < theirs.count; i++)
		for (size_t k = 0; rc == 0 && k < o->prefixes->count; k++)
			if (ipv4_overlap(&theirs.at[i], &o->prefixes->at[k]))
				rc = refuse_range(o->subnet->name, other->name, err);
	return rc;
}

static int check_ranges(struct arm_call *call, const struct resource *subnet, struct err *err) {
	_cleanup_resource_ struct resource network = {0};
	struct prefixes ours, space;
	char id[ARM_ID_MAX];
	arm_parent_id(subnet->id, id);
	int rc = resource_load(call->tx, id, &network, err);
	if (rc == 0)
		rc = read_prefixes(json_at(network.body, "properties.addressSpace.addressPrefixes"), NULL, &space, err);
	if (rc == 0)
		rc = subnet_prefixes(subnet->body, &ours, err);
	if (rc == 0)
		rc = check_within(subnet->name, &ours, network.name, &space, err);
	if (rc < 0)
		return rc;
	struct overlap overlap = {.subnet = subnet, .prefixes = &ours};
	return resource_each_below(call->tx, network.id, SUBNET_TYPE, refuse_overlap, &overlap, err);
}

static int keep_subnet(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	const json_t *p = json_object_get(body, "properties");
	const char *group = json_str(p, "networkSecurityGroup.id");
	int rc = recorded_check_name(r, SUBNET_NAME_MAX, err);
	if (rc == 0 && !patch && !json_str(p, "addressPrefix") && json_array_size(json_object_get(p, "addressPrefixes")) == 0)
		rc = recorded_invalid(err, "The address prefix of subnet '%s' is missing.", r->name);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc == 0)
		rc = network_release(call->tx, r->id, err);
	if (rc == 0 && group)
		rc = recorded_require(call, r, group, SECURITY_GROUP_TYPE, SECURITY_GROUP_TYPE "/join/action", NULL, err);
	if (rc == 0 && group)
		rc = network_hold(call->tx, r->id, group, err);
	json_t *properties = resource_properties(r);
	static const char *const policies[] = {"privateEndpointNetworkPolicies", "privateLinkServiceNetworkPolicies"};
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(policies); i++)
		if (!json_object_get(properties, policies[i]) &&
			json_set_str(properties, policies[i], i == 0 ? "Disabled" : "Enabled") < 0)
			rc = err_oom(err);
	return rc;
}

static int put_subnet(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	int rc = keep_subnet(call, r, body, patch, err);
	return rc < 0 ? rc : check_ranges(call, r, err);
}

static int remove_subnet(struct arm_call *call, struct resource *r, struct err *err) {
	char user[ARM_ID_MAX];
	int rc = network_find_holder(call->tx, r->id, user, err);
	if (rc == 0 && user[0])
		return err_set(err, -EBUSY, 400, "InUseSubnetCannotBeDeleted",
			"Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, delete all the resources within the "
			"subnet. See aka.ms/deletesubnet.", r->name, user);
	return rc < 0 ? rc : network_release(call->tx, r->id, err);
}

int network_take_address(struct arm_call *call, const char *subnet_id, char out[static IPV4_TEXT_MAX], struct err *err) {
	_cleanup_resource_ struct resource subnet = {0};
	struct prefixes prefixes;
	int rc = resource_load(call->tx, subnet_id, &subnet, err);
	if (rc == 0)
		rc = subnet_prefixes(subnet.body, &prefixes, err);
	if (rc < 0)
		return rc;
	int64_t next = json_int(subnet.hidden, "next", FIRST_ADDRESS);
	if (prefixes.count == 0 || (int64_t)prefixes.at[0].first + next >= (int64_t)prefixes.at[0].last)
		return err_set(err, -ENOSPC, 400, "SubnetIsFull", "Subnet %s does not have enough capacity for 1 IP addresses.", subnet.name);
	(void)ipv4_text(prefixes.at[0].first + (uint32_t)next, out);
	if (json_set_int(subnet.hidden, "next", next + 1) < 0)
		return err_oom(err);
	return resource_save(call->tx, &subnet, err);
}

const struct arm_type subnets_type = {
	.name = SUBNET_TYPE,
	.versions = versions_network,
	.put = put_subnet,
	.remove = remove_subnet,
};

struct owned_range {
	struct ipv4_range range;
	const json_t *subnet;
};

static int by_first(const void *x, const void *y) {
	const struct owned_range *a = x, *b = y;
	return a->range.first < b->range.first ? -1 : a->range.first > b->range.first;
}

static int refuse_overlaps(struct owned_range *list, size_t count, struct err *err) {
	const struct owned_range *furthest = list;
	if (count > 0)
		qsort(list, count, sizeof(*list), by_first);
	for (size_t i = 1; i < count; i++) {
		if (list[i].range.first <= furthest->range.last && list[i].subnet != furthest->subnet)
			return refuse_range(json_str(list[i].subnet, "name"), json_str(furthest->subnet, "name"), err);
		if (list[i].range.last > furthest->range.last)
			furthest = &list[i];
	}
	return 0;
}

// The subnets that a network is given, with each other and within its space.
static int check_subnets(const struct resource *network, const json_t *given, struct err *err) {
	_cleanup_free_ struct owned_range *list = calloc(json_array_size(given) + 1, PREFIXES_MAX * sizeof(*list));
	struct prefixes space, ours;
	size_t count = 0, i;
	const json_t *subnet;
	if (!list)
		return err_oom(err);
	int rc = read_prefixes(json_at(network->body, "properties.addressSpace.addressPrefixes"), NULL, &space, err);
	json_array_foreach(given, i, subnet) {
		if (rc == 0)
			rc = subnet_prefixes(subnet, &ours, err);
		if (rc == 0)
			rc = check_within(json_str(subnet, "name"), &ours, network->name, &space, err);
		for (size_t k = 0; rc == 0 && k < ours.count; k++)
			list[count++] = (struct owned_range){.range = ours.at[k], .subnet = subnet};
	}
	return rc < 0 ? rc : refuse_overlaps(list, count, err);
}

static const struct recorded_parts subnets = {.member = "subnets", .type = &subnets_type, .put = keep_subnet, .check = check_subnets};

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	_cleanup_json_ json_t *given = json_incref(json_at(body, "properties.subnets"));
	struct prefixes space;
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc == 0)
		rc = read_prefixes(json_at(r->body, "properties.addressSpace.addressPrefixes"), NULL, &space, err);
	if (rc == 0 && json_array_size(json_at(r->body, "properties.addressSpace.addressPrefixes")) == 0)
		rc = recorded_invalid(err, "The address space of virtual network '%s' is missing.", r->name);
	(void)json_object_del(resource_properties(r), "subnets");
	// The subnets ask for the network they are in.
	if (rc == 0)
		rc = resource_save(call->tx, r, err);
	return rc < 0 ? rc : recorded_write_parts(call, r, given, &subnets, err);
}

static int show(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	return recorded_show_parts(call, r, shown, &subnets, err);
}

static int refuse_used(void *ctx, struct store_tx *tx, struct resource *subnet, struct err *err) {
	(void)tx;
	return remove_subnet(ctx, subnet, err);
}

static int remove_network(struct arm_call *call, struct resource *r, struct err *err) {
	return resource_each_below(call->tx, r->id, SUBNET_TYPE, refuse_used, call, err);
}

const struct arm_type virtual_networks_type = {
	.name = NETWORK_TYPE,
	.versions = versions_network,
	.deletion_rank = 5,
	.has_location = true,
	.put = put,
	.show = show,
	.remove = remove_network,
};
