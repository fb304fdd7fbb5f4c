// SPDX-License-Identifier: Apache-2.0
// Microsoft.Network/networkInterfaces: configurations in subnets, addresses that nobody else has. Recorded: no packet flows.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/strv.h"
#include "providers/network.h"
#include "providers/providers.h"
#include "providers/versions.h"

enum { NAME_LENGTH_MAX = 80, CONFIGURATIONS_MAX = 256 };

// What the interface had for a configuration of this name, or NULL.
static const json_t *find_configuration(const json_t *list, const char *name) {
	size_t i;
	json_t *element;
	json_array_foreach((json_t *)(uintptr_t)list, i, element)
		if (json_str(element, "name") && strv_eq_nocase(json_str(element, "name"), name))
			return element;
	return NULL;
}

// The address that was asked for, that it had, or a new one.
static int choose_address(struct arm_call *call, json_t *properties, const json_t *before, const char *subnet, struct err *err) {
	char address[IPV4_TEXT_MAX];
	uint32_t number;
	const char *method = json_str(properties, "privateIPAllocationMethod"), *given = json_str(properties, "privateIPAddress");
	bool fixed = method && strv_eq_nocase(method, "Static");
	if (fixed && (!given || !ipv4_address(given, &number)))
		return err_set(err, -EINVAL, 400, "PrivateIPAddressIsNotValid", "Static IP configuration needs a valid private IP address.");
	const char *had = before ? json_str(before, "properties.privateIPAddress") : NULL;
	bool stays = had && json_str(before, "properties.subnet.id") && strv_eq_nocase(json_str(before, "properties.subnet.id"), subnet);
	int rc = fixed	? strv_copy(address, sizeof(address), given)
		: stays ? strv_copy(address, sizeof(address), had)
			: network_take_address(call, subnet, address, err);
	if (rc < 0)
		return rc == -ENAMETOOLONG ? recorded_invalid(err, "The private IP address is not valid.") : rc;
	return json_set_str(properties, "privateIPAddress", address) < 0 ||
			json_set_str(properties, "privateIPAllocationMethod", fixed ? "Static" : "Dynamic") < 0 ||
			(!json_str(properties, "privateIPAddressVersion") &&
				json_set_str(properties, "privateIPAddressVersion", "IPv4") < 0)
		? err_oom(err)
		: 0;
}

static int read_configuration(struct arm_call *call, struct resource *r, json_t *configuration, const json_t *before, bool first,
	struct err *err) {
	const char *name = json_str(configuration, "name");
	json_t *properties = json_object_get(configuration, "properties");
	const char *subnet = json_str(properties, "subnet.id");
	if (!name || strlen(name) > NAME_LENGTH_MAX || strchr(name, '/'))
		return recorded_invalid(err, "The name of an IP configuration of '%s' is missing or not valid.", r->name);
	if (!subnet)
		return err_set(err, -EINVAL, 400, "SubnetIsRequired", "Subnet is not specified for IP configuration %s.", name);
	_cleanup_free_ char *id = strv_printf("%s/ipConfigurations/%s", r->display_id, name);
	if (!id || json_set_str(configuration, "id", id) < 0 || json_set_str(properties, "provisioningState", "Succeeded") < 0 ||
		(!json_object_get(properties, "primary") && json_set_bool(properties, "primary", first) < 0))
		return err_oom(err);
	int rc = recorded_require(call, r, subnet, SUBNET_TYPE, SUBNET_TYPE "/join/action", NULL, err);
	if (rc == 0)
		rc = network_hold(call->tx, r->id, subnet, err);
	return rc < 0 ? rc : choose_address(call, properties, before, subnet, err);
}

static int read_configurations(struct arm_call *call, struct resource *r, const json_t *before, struct err *err) {
	json_t *list = json_object_get(resource_properties(r), "ipConfigurations");
	if (json_array_size(list) == 0 || json_array_size(list) > CONFIGURATIONS_MAX)
		return err_set(err, -EINVAL, 400, "NetworkInterfaceMustHaveAtLeastOneIpConfiguration",
			"Network interface %s must have one to %d IP configurations.", r->name, CONFIGURATIONS_MAX);
	size_t i;
	json_t *configuration;
	json_array_foreach(list, i, configuration) {
		const char *name = json_str(configuration, "name");
		int rc = read_configuration(call, r, configuration, name ? find_configuration(before, name) : NULL, i == 0, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int put(struct arm_call *call, struct resource *r, const json_t *body, bool patch, struct err *err) {
	_cleanup_json_ json_t *before = json_deep_copy(json_at(r->body, "properties.ipConfigurations"));
	int rc = recorded_check_name(r, NAME_LENGTH_MAX, err);
	if (rc == 0)
		rc = recorded_keep(r, body, patch, err);
	(void)json_object_del(resource_properties(r), "virtualMachine");
	if (rc == 0)
		rc = network_release(call->tx, r->id, err);
	if (rc == 0)
		rc = read_configurations(call, r, before, err);
	const char *group = resource_property(r, "networkSecurityGroup.id");
	if (rc == 0 && group)
		rc = recorded_require(call, r, group, SECURITY_GROUP_TYPE, SECURITY_GROUP_TYPE "/join/action", NULL, err);
	return rc < 0 || !group ? rc : network_hold(call->tx, r->id, group, err);
}

static int show(struct arm_call *call, struct resource *r, json_t *shown, struct err *err) {
	(void)call;
	const char *machine = resource_hidden(r, "virtualMachine");
	if (!machine)
		return 0;
	return json_set(json_object_get(shown, "properties"), "virtualMachine", json_pack("{s:s}", "id", machine)) < 0 ? err_oom(err) : 0;
}

static int remove_interface(struct arm_call *call, struct resource *r, struct err *err) {
	char endpoint[ARM_ID_MAX];
	const char *user = resource_hidden(r, "virtualMachine");
	int rc = network_find_holder(call->tx, r->id, endpoint, err);
	if (rc < 0)
		return rc;
	if (!user && endpoint[0])
		user = endpoint;
	if (user)
		return err_set(err, -EBUSY, 400, "NicInUse",
			"Network Interface %s is used by existing resource %s. In order to delete the network interface, it must be dissociated "
			"from the resource. To learn more, see aka.ms/deletenic.",
			r->display_id, user);
	return network_release(call->tx, r->id, err);
}

static int free_interface(struct store_tx *tx, const char *id, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	int rc = resource_load(tx, id, &r, err);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	(void)json_object_del(r.hidden, "virtualMachine");
	return resource_save(tx, &r, err);
}

// Machines and their interfaces stand in the table of holds too: it knows the old ones.
int network_free_interfaces(struct store_tx *tx, const struct resource *machine, struct err *err) {
	_cleanup_json_ json_t *ids = json_array();
	int rc = ids ? 0 : err_oom(err);
	{
		_cleanup_rows_ struct store_rows *rows = NULL;
		if (rc == 0)
			rc = store_query(tx, &rows, err, "SELECT held_id FROM network_holds WHERE user_id = $1", "s", machine->id);
		while (rc >= 0 && (rc = store_next(rows, err)) > 0)
			if (json_array_append_new(ids, json_string(store_text(rows, 0))) < 0)
				return err_oom(err);
	}
	size_t i;
	json_t *id;
	json_array_foreach(ids, i, id)
		if (rc == 0)
			rc = free_interface(tx, json_string_value(id), err);
	return rc < 0 ? rc : network_release(tx, machine->id, err);
}

static int attach_interface(struct arm_call *call, const struct resource *machine, const char *id, struct err *err) {
	_cleanup_resource_ struct resource r = {0};
	struct err missing = {0};
	int rc = recorded_require(call, machine, id, INTERFACE_TYPE, INTERFACE_TYPE "/join/action", &r, &missing);
	if (rc == -ENOENT)
		return err_set(err, rc, 404, "NotFound", "Resource %s not found.", id);
	if (rc < 0) {
		*err = missing;
		return rc;
	}
	const char *owner = resource_hidden(&r, "virtualMachine");
	if (owner && !strv_eq_nocase(owner, machine->id))
		return err_set(err, -EBUSY, 400, "NetworkInterfaceInUse",
			"The network interface %s is already used by virtual machine %s.", r.display_id, owner);
	rc = resource_set_hidden(&r, "virtualMachine", machine->display_id, err);
	if (rc == 0)
		rc = network_hold(call->tx, machine->id, r.id, err);
	return rc < 0 ? rc : resource_save(call->tx, &r, err);
}

int network_attach_interfaces(struct arm_call *call, const struct resource *machine, const json_t *profile, struct err *err) {
	size_t i;
	json_t *entry;
	int rc = network_free_interfaces(call->tx, machine, err);
	json_array_foreach(json_object_get(profile, "networkInterfaces"), i, entry) {
		const char *id = json_str(entry, "id");
		if (rc == 0)
			rc = id ? attach_interface(call, machine, id, err)
				: recorded_invalid(err, "A network interface of virtual machine '%s' has no id.", machine->name);
	}
	return rc;
}

const struct arm_type network_interfaces_type = {
	.name = INTERFACE_TYPE,
	.versions = versions_network,
	.deletion_rank = 3,
	.has_location = true,
	.put = put,
	.show = show,
	.remove = remove_interface,
};
