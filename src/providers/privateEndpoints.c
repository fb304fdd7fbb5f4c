// SPDX-License-Identifier: Apache-2.0
// Microsoft.Network/privateEndpoints and the zones that shall know their names. Recorded: a connection stands at the vault it
// leads to, as far as it may be approved; no packet flows by it.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/strv.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/vaults.h"
#include "providers/versions.h"

enum { NAME_LENGTH_MAX = 80, CONNECTIONS_MAX = 10, ZONES_MAX = 5, RECORD_TTL = 10 };
#define VAULT_TYPE "Microsoft.KeyVault/vaults"

// The connections that the caller may approve, and those that wait for somebody who may.
static const char *const lists[] = {"privateLinkServiceConnections", "manualPrivateLinkServiceConnections"};

static int make_interface(struct arm_call *call, struct resource *r, const char *subnet, struct err *err) {
	char unique[ENC_UUID_SIZE], address[IPV4_TEXT_MAX];
	struct arm_target t;
	_cleanup_resource_ struct resource nic = {0};
	if (enc_uuid(unique) < 0)
		return err_errno(err, -EIO, "no random numbers");
	_cleanup_free_ char *id = strv_printf("/subscriptions/%s/resourceGroups/%s/providers/" INTERFACE_TYPE "/%.40s.nic.%s",
		r->subscription, r->group, r->name, unique);
	int rc = id ? arm_parse_id(id, INTERFACE_TYPE, &t, err) : err_oom(err);
	if (rc == 0)
		rc = resource_new(&t, INTERFACE_TYPE, &nic, err);
	if (rc == 0)
		rc = network_take_address(call, subnet, address, err);
	if (rc < 0)
		return rc;
	json_t *properties = json_pack("{s:s, s:{s:s}, s:[{s:s, s:s+, s:{s:s, s:s, s:s, s:b, s:{s:s}, s:s}}]}", "provisioningState",
		"Succeeded", "privateEndpoint", "id", r->display_id, "ipConfigurations", "name", "privateEndpointIpConfig", "id", id,
		"/ipConfigurations/privateEndpointIpConfig", "properties", "privateIPAddress", address, "privateIPAllocationMethod",
		"Dynamic", "privateIPAddressVersion", "IPv4", "primary", 1, "subnet", "id", subnet, "provisioningState", "Succeeded");
	if (json_set(nic.body, "properties", properties) < 0 ||
		json_set_str(nic.body, "location", json_str(r->body, "location")) < 0)
		return err_oom(err);
	rc = resource_save(call->tx, &nic, err);
	if (rc == 0)
		rc = network_hold(call->tx, nic.id, subnet, err);
	if (rc == 0)
		rc = network_hold(call->tx, r->id, nic.id, err);
	if (rc == 0)
		rc = resource_set_hidden(r, "interface", nic.display_id, err);
	return rc < 0 ? rc : resource_set_hidden(r, "address", address, err);
}

static int connect(struct arm_call *call, struct resource *r, json_t *connection, bool manual, struct err *err) {
	json_t *properties = json_object_get(connection, "properties");
	const char *service = json_str(properties, "privateLinkServiceId"), *name = json_str(connection, "name");
	const char *group = json_string_value(json_array_get(json_object_get(properties, "groupIds"), 0));
	const char *message = json_str(properties, "requestMessage");
	struct arm_target t;
	if (!service || !name || strlen(name) > NAME_LENGTH_MAX || strchr(name, '/'))
		return recorded_invalid(err, "A connection of private endpoint '%s' needs a name and a privateLinkServiceId.", r->name);
	_cleanup_free_ char *id = strv_printf("%s/%s/%s", r->display_id,
		lists[manual], name);
	struct vaults_connection made;
	int rc = id ? arm_parse_id(service, VAULT_TYPE, &t, NULL) : err_oom(err);
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return recorded_invalid(err, "The private link service '%s' is not of a type that has private endpoints here (" VAULT_TYPE ").",
			service);
	rc = vaults_connect_private_endpoint(call, service, r->display_id, group ? group : "", manual, message, &made, err);
	if (rc < 0)
		return rc;
	(void)json_object_del(properties, "privateLinkServiceConnectionState");
	return json_set_str(connection, "id", id) < 0 || json_set_str(properties, "provisioningState", "Succeeded") < 0 ? err_oom(err)
														       : 0;
}

static int connect_all(struct arm_call *call, struct resource *r, struct err *err) {
	size_t count = 0;
	int rc = 0;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		size_t i;
		json_t *connection;
		json_array_foreach(json_object_get(resource_properties(r), lists[k]), i, connection)
			if (rc == 0)
				rc = ++count > CONNECTIONS_MAX ? recorded_invalid(err, "A private endpoint has at most %d connections.", CONNECTIONS_MAX)
							       : connect(call, r, connection, k == 1, err);
	}
	if (rc == 0 && count == 0)
		rc = recorded_invalid(err, "The private endpoint '%s' needs a privateLinkServiceConnection.", r->name);
	return rc;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	const char *subnet = resource_property(r, "subnet.id");
	if (rc == 0 && !subnet)
		rc = err_set(err, -EINVAL, 400, "SubnetIsRequired", "The subnet of private endpoint %s is missing.", r->name);
	if (rc == 0)
		rc = recorded_require(call, r, subnet, SUBNET_TYPE, SUBNET_TYPE "/join/action", NULL, err);
	if (rc == 0 && !r->stored)
		rc = make_interface(call, r, subnet, err);
	return rc < 0 ? rc : connect_all(call, r, err);
}

// How a connection stands is decided at the vault.
static int show_state(struct arm_call *call, const struct resource *r, json_t *connection, struct err *err) {
	json_t *properties = json_object_get(connection, "properties");
	struct vaults_connection found = {.status = "Disconnected"};
	int rc = vaults_find_connection(call->tx, r->id, json_str(properties, "privateLinkServiceId"), &found, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	json_t *state = json_pack("{s:s, s:s, s:s}", "status", found.status, "description", found.description, "actionsRequired", "None");
	return json_set(properties, "privateLinkServiceConnectionState", state) < 0 ? err_oom(err) : 0;
}

static int show(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	json_t *properties = json_object_get(shown, "properties");
	int rc = 0;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		size_t i;
		json_t *connection;
		json_array_foreach(json_object_get(properties, lists[k]), i, connection)
			if (rc == 0)
				rc = show_state(call, r, connection, err);
	}
	if (rc < 0)
		return rc;
	const char *nic = resource_hidden(r, "interface");
	return json_set(properties, "networkInterfaces", json_pack("[{s:s}]", "id", nic ? nic : "")) < 0 ||
			(!json_object_get(properties, "customDnsConfigs") && json_set(properties, "customDnsConfigs", json_array()) < 0)
		? err_oom(err)
		: 0;
}

static int remove_endpoint(struct arm_call *call, struct resource *r, struct err *err) {
	const char *id = resource_hidden(r, "interface");
	int rc = vaults_disconnect_private_endpoint(call->tx, r->id, err);
	if (rc == 0)
		rc = network_release(call->tx, r->id, err);
	if (rc < 0 || !id)
		return rc;
	_cleanup_resource_ struct resource nic = {0};
	rc = resource_load(call->tx, id, &nic, err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = network_release(call->tx, nic.id, err);
	return rc < 0 ? rc : resource_delete(call->tx, &nic, err);
}

const struct arm_type private_endpoints_type = {
	.name = ENDPOINT_TYPE,
	.versions = versions_network,
	.deletion_rank = 2,
	.has_location = true,
	.put = put,
	.show = show,
	.remove = remove_endpoint,
};

static int load_endpoint(struct arm_call *call, const struct resource *group, struct resource *out, struct err *err) {
	char id[ARM_ID_MAX];
	arm_parent_id(group->id, id);
	return resource_load(call->tx, id, out, err);
}

// The record that Azure would write into the zone.
static json_t *record_set(const struct resource *endpoint, const struct arm_target *zone) {
	const json_t *connection = json_array_get(json_at(endpoint->body, "properties.privateLinkServiceConnections"), 0);
	const char *service = json_str(connection, "properties.privateLinkServiceId");
	const char *name = service ? strrchr(service, '/') + 1 : endpoint->name;
	return json_pack("[{s:s, s:s, s:s++, s:i, s:[s], s:s}]", "recordType", "A", "recordSetName", name, "fqdn", name, ".", zone->name,
		"ttl", RECORD_TTL, "ipAddresses", resource_hidden(endpoint, "address"), "provisioningState", "Succeeded");
}

static int put_zone_group(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	_cleanup_resource_ struct resource endpoint = {0};
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	if (rc == 0)
		rc = load_endpoint(call, r, &endpoint, err);
	if (rc == 0)
		rc = network_release(call->tx, r->id, err);
	json_t *zones = json_object_get(resource_properties(r), "privateDnsZoneConfigs");
	if (rc == 0 && (json_array_size(zones) == 0 || json_array_size(zones) > ZONES_MAX))
		rc = recorded_invalid(err, "A private DNS zone group has 1 to %d zones.", ZONES_MAX);
	size_t i;
	json_t *zone;
	json_array_foreach(zones, i, zone) {
		const char *id = json_str(zone, "properties.privateDnsZoneId");
		struct arm_target t;
		if (rc == 0 && (!id || !json_str(zone, "name")))
			rc = recorded_invalid(err, "A zone of private DNS zone group '%s' needs a name and a privateDnsZoneId.", r->name);
		if (rc == 0)
			rc = recorded_require(call, r, id, DNS_ZONE_TYPE, DNS_ZONE_TYPE "/join/action", NULL, err);
		if (rc == 0)
			rc = network_hold(call->tx, r->id, id, err);
		if (rc == 0)
			rc = arm_parse_id(id, DNS_ZONE_TYPE, &t, err);
		if (rc == 0 && json_set(json_object_get(zone, "properties"), "recordSets", record_set(&endpoint, &t)) < 0)
			rc = err_oom(err);
	}
	return rc;
}

static int remove_zone_group(struct arm_call *call, struct resource *r, struct err *err) {
	return network_release(call->tx, r->id, err);
}

const struct arm_type private_dns_zone_groups_type = {
	.name = ENDPOINT_TYPE "/privateDnsZoneGroups",
	.versions = versions_network,
	.put = put_zone_group,
	.remove = remove_zone_group,
};
