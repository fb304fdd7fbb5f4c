// SPDX-License-Identifier: Apache-2.0
// What the types of Microsoft.Network know of each other, and others of them. They are recorded: no packet flows by them.
#pragma once

#include "base/ipv4.h"
#include "providers/recorded.h"

#define NETWORK_TYPE "Microsoft.Network/virtualNetworks"
#define SUBNET_TYPE NETWORK_TYPE "/subnets"
#define SECURITY_GROUP_TYPE "Microsoft.Network/networkSecurityGroups"
#define INTERFACE_TYPE "Microsoft.Network/networkInterfaces"
#define ENDPOINT_TYPE "Microsoft.Network/privateEndpoints"
#define DNS_ZONE_TYPE "Microsoft.Network/privateDnsZones"

// An address of the subnet that was never given to anybody. 400 SubnetIsFull (-ENOSPC).
int network_take_address(struct arm_call *call, const char *subnet_id, char out[static IPV4_TEXT_MAX], struct err *err)
	_must_check_;

// `user` ("…/ipConfigurations/x" or an interface's id) holds on to another resource until it lets go of all it holds.
int network_hold(struct store_tx *tx, const char *user, const char *held, struct err *err) _must_check_;
int network_release(struct store_tx *tx, const char *user, struct err *err) _must_check_;
// The id of somebody who holds on to it, or "" (*user of ARM_ID_MAX bytes).
int network_find_holder(struct store_tx *tx, const char *held, char *user, struct err *err) _must_check_;

// The interfaces that a virtual machine's networkProfile names are its own from now on, and those it had before are free.
// 404 NotFound, 400 NetworkInterfaceInUse.
int network_attach_interfaces(struct arm_call *call, const struct resource *machine, const json_t *profile, struct err *err)
	_must_check_;
int network_free_interfaces(struct store_tx *tx, const struct resource *machine, struct err *err) _must_check_;
