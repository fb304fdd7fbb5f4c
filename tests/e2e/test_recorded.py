# SPDX-License-Identifier: Apache-2.0
"""Types that are recorded: what they keep, what they refuse, and who holds on to what."""

import time
import unittest

from harness import GROUPS, VAULTS, Instance

NETWORK = "2023-09-01"
DNS = "2020-06-01"
VNET = "Microsoft.Network/virtualNetworks"
NSG = "Microsoft.Network/networkSecurityGroups"
NIC = "Microsoft.Network/networkInterfaces"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE = "Microsoft.Network/privateDnsZones"
HERE = {"location": "westeurope"}


def setUpModule():
    global i
    i = Instance()
    i.up()
    i.make_group()


def tearDownModule():
    i.down()
    i.__exit__()


def put(type_, name, properties, version=NETWORK, **members):
    return i.arm("PUT", i.id(type_, name), version, {**HERE, **members, "properties": properties})


def subnet(name, prefix, **properties):
    return {"name": name, "properties": {"addressPrefix": prefix, **properties}}


def network(name, *subnets, space="10.0.0.0/16"):
    answer = put(VNET, name, {"addressSpace": {"addressPrefixes": [space]}, "subnets": list(subnets)})
    assert answer.status in (200, 201), answer
    return answer


def configuration(name, subnet_id, **properties):
    return {"name": name, "properties": {"subnet": {"id": subnet_id}, **properties}}


class Networks(unittest.TestCase):
    def test_subnets_are_resources_and_members(self):
        network("vnet-a", subnet("one", "10.0.1.0/24"), subnet("two", "10.0.2.0/24"))
        one = i.arm("GET", i.id(VNET, "vnet-a") + "/subnets/ONE", NETWORK)
        self.assertEqual(one.json["properties"]["addressPrefix"], "10.0.1.0/24", one)
        self.assertTrue(one.json["id"].endswith("/subnets/one"))
        three = i.arm("PUT", i.id(VNET, "vnet-a") + "/subnets/three", NETWORK, subnet("three", "10.0.3.0/24"))
        self.assertEqual(three.status, 201, three)
        shown = i.arm("GET", i.id(VNET, "vnet-a"), NETWORK).json["properties"]["subnets"]
        self.assertEqual([s["name"] for s in shown], ["one", "three", "two"])
        listed = i.arm("GET", i.id(VNET, "vnet-a") + "/subnets", NETWORK).json["value"]
        self.assertEqual(len(listed), 3)
        # Said without subnets, they stay; with a list, it is the list.
        self.assertEqual(put(VNET, "vnet-a", {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}).status, 200)
        self.assertEqual(len(i.arm("GET", i.id(VNET, "vnet-a") + "/subnets", NETWORK).json["value"]), 3)
        network("vnet-a", subnet("two", "10.0.2.0/24"))
        self.assertEqual([s["name"] for s in i.arm("GET", i.id(VNET, "vnet-a") + "/subnets", NETWORK).json["value"]], ["two"])

    def test_ranges(self):
        for given, code in (([subnet("s", "10.1.0.0/24")], "NetcfgInvalidSubnet"),
                            ([subnet("s", "10.0.0.1/24")], "InvalidAddressPrefixFormat"),
                            ([subnet("s", "10.0.0.0/24"), subnet("t", "10.0.0.128/25")], "NetcfgSubnetRangesOverlap"),
                            ([subnet("s", "10.0.0.0/24"), subnet("S", "10.0.1.0/24")], "InvalidRequestFormat"),
                            ([{"name": "s", "properties": {}}], "InvalidRequestFormat"),
                            ([{"properties": {"addressPrefix": "10.0.0.0/24"}}], "InvalidRequestFormat"),
                            ([subnet("a/b", "10.0.0.0/24")], None),
                            ("x", "InvalidRequestFormat")):
            answer = put(VNET, "vnet-bad", {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": given})
            self.assertIn(answer.status, (400, 404), (given, answer))
            if code:
                self.assertEqual(answer.code, code, given)
        self.assertEqual(put(VNET, "vnet-bad", {}).status, 400)
        # Nothing of it is left.
        self.assertEqual(i.arm("GET", i.id(VNET, "vnet-bad"), NETWORK).status, 404)
        self.assertEqual(i.arm("PUT", i.id(VNET, "vnet-none") + "/subnets/s", NETWORK, subnet("s", "10.0.0.0/24")).code,
                         "ParentResourceNotFound")

    def test_interfaces(self):
        network("vnet-nic", subnet("s", "10.0.1.0/29"))
        where = i.id(VNET, "vnet-nic") + "/subnets/s"
        first = put(NIC, "nic-1", {"ipConfigurations": [configuration("a", where)]})
        self.assertEqual(first.status, 201, first)
        address = first.json["properties"]["ipConfigurations"][0]["properties"]
        self.assertEqual((address["privateIPAddress"], address["privateIPAllocationMethod"], address["primary"]),
                         ("10.0.1.4", "Dynamic", True))
        again = put(NIC, "nic-1", {"ipConfigurations": [configuration("a", where)]})
        self.assertEqual(again.json["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], "10.0.1.4")
        self.assertEqual(put(NIC, "nic-2", {"ipConfigurations": [configuration("a", where), configuration("b", where)]}).status, 201)
        self.assertEqual(put(NIC, "nic-3", {"ipConfigurations": [configuration("a", where)]}).code, "SubnetIsFull")
        self.assertEqual(put(NIC, "nic-3", {"ipConfigurations": []}).code, "NetworkInterfaceMustHaveAtLeastOneIpConfiguration")
        self.assertEqual(put(NIC, "nic-3", {"ipConfigurations": [configuration("a", where + "x")]}).code, "InvalidResourceReference")
        self.assertEqual(put(NIC, "nic-3", {"ipConfigurations": [{"name": "a", "properties": {}}]}).code, "SubnetIsRequired")
        fixed = configuration("a", where, privateIPAllocationMethod="Static", privateIPAddress="nonsense")
        self.assertEqual(put(NIC, "nic-3", {"ipConfigurations": [fixed]}).code, "PrivateIPAddressIsNotValid")
        self.assertEqual(i.arm("DELETE", where, NETWORK).code, "InUseSubnetCannotBeDeleted")
        self.assertEqual(i.arm("DELETE", i.id(VNET, "vnet-nic"), NETWORK).code, "InUseSubnetCannotBeDeleted")
        for nic in ("nic-1", "nic-2"):
            self.assertEqual(i.arm("DELETE", i.id(NIC, nic), NETWORK).status, 200)
        self.assertEqual(i.arm("DELETE", i.id(VNET, "vnet-nic"), NETWORK).status, 200)
        self.assertEqual(i.arm("GET", where, NETWORK).status, 404)

    def test_security_groups(self):
        rule = {"name": "r", "properties": {"priority": 400, "access": "Allow", "direction": "Inbound", "protocol": "Tcp",
                                            "sourceAddressPrefix": "*", "sourcePortRange": "*",
                                            "destinationAddressPrefix": "*", "destinationPortRange": "443"}}
        self.assertEqual(put(NSG, "nsg", {"securityRules": [rule]}).status, 201)
        self.assertEqual(i.arm("GET", i.id(NSG, "nsg") + "/securityRules/r", NETWORK).json["properties"]["priority"], 400)
        clash = i.arm("PUT", i.id(NSG, "nsg") + "/securityRules/q", NETWORK, {**rule, "name": "q"})
        self.assertEqual(clash.code, "SecurityRuleConflict")
        for change, code in (({"priority": 99}, "SecurityRuleInvalidPriority"),
                             ({"access": "Maybe"}, "SecurityRuleParameterContainsUnsupportedValue")):
            bad = {"properties": {**rule["properties"], **change}}
            self.assertEqual(i.arm("PUT", i.id(NSG, "nsg") + "/securityRules/r", NETWORK, bad).code, code)
        network("vnet-nsg", subnet("s", "10.0.1.0/24", networkSecurityGroup={"id": i.id(NSG, "nsg")}))
        self.assertEqual(i.arm("DELETE", i.id(NSG, "nsg"), NETWORK).code, "InUseNetworkSecurityGroupCannotBeDeleted")

    def test_many_parts_are_taken_in_time_that_grows_with_their_number(self):
        # Nobody else writes meanwhile: if each looked at each, a thousand would hold everybody up.
        def rules(count):
            return [{"name": f"r{n}", "properties": {"priority": 100 + n, "access": "Allow", "direction": "Inbound", "protocol": "Tcp"}}
                    for n in range(count)]

        def subnets(count):
            return [{"name": f"s{n}", "properties": {"addressPrefixes": [f"10.{n // 4}.{n % 4 * 64 + k}.0/24" for k in range(50)]}}
                    for n in range(count)]

        def seconds(type_, name, properties):
            began = time.monotonic()
            self.assertEqual(put(type_, name, properties).status, 201)
            return time.monotonic() - began
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}
        for type_, body, few, many in ((NSG, lambda n: {"securityRules": rules(n)}, 100, 1000),
                                       (VNET, lambda n: {**space, "subnets": subnets(n)}, 40, 400)):
            first = max(seconds(type_, "few", body(few)), 0.05)
            self.assertLess(seconds(type_, "many", body(many)), 70 * first, type_)

    def test_parts_are_judged_beside_each_other(self):
        rule = {"priority": 400, "access": "Allow", "direction": "Inbound", "protocol": "Tcp"}
        both = [{"name": "a", "properties": rule}, {"name": "b", "properties": {**rule, "direction": "inbound"}}]
        self.assertEqual(put(NSG, "nsg-beside", {"securityRules": both}).code, "SecurityRuleConflict")
        both[1]["properties"]["direction"] = "Outbound"
        self.assertEqual(put(NSG, "nsg-beside", {"securityRules": both}).status, 201)
        # What goes in the same request is in nobody's way.
        self.assertEqual(put(NSG, "nsg-beside", {"securityRules": [{"name": "c", "properties": rule}]}).status, 200)
        for odd in ("x", None, [], 1):
            answer = put(NSG, "nsg-beside", {"securityRules": [{"name": "a", "properties": odd}]})
            self.assertEqual(answer.status, 400, (odd, answer))
        wide = {"name": "wide", "properties": {"addressPrefixes": ["10.0.0.0/17", "10.0.1.0/24"]}}
        space = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}
        self.assertEqual(put(VNET, "vnet-beside", {**space, "subnets": [wide, subnet("in", "10.0.64.0/24")]}).code,
                         "NetcfgSubnetRangesOverlap")
        self.assertEqual(put(VNET, "vnet-beside", {**space, "subnets": [wide, subnet("out", "10.0.128.0/24")]}).status, 201)
        self.assertEqual(i.arm("PUT", i.id(VNET, "vnet-beside") + "/subnets/in", NETWORK, subnet("in", "10.0.64.0/24")).code,
                         "NetcfgSubnetRangesOverlap")

    def test_private_endpoints(self):
        i.make_vault("kv-endpoint")
        network("vnet-pe", subnet("s", "10.0.1.0/24"))
        where = i.id(VNET, "vnet-pe") + "/subnets/s"
        vault = i.id("Microsoft.KeyVault/vaults", "kv-endpoint")
        link = {"name": "c", "properties": {"privateLinkServiceId": vault, "groupIds": ["vault"]}}
        made = put(ENDPOINT, "pe", {"subnet": {"id": where}, "privateLinkServiceConnections": [link]})
        self.assertEqual(made.status, 201, made)
        shown = made.json["properties"]
        self.assertEqual(shown["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceConnectionState"]["status"], "Approved")
        nic = i.arm("GET", shown["networkInterfaces"][0]["id"], NETWORK)
        self.assertEqual(nic.json["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], "10.0.1.4", nic)
        connections = i.arm("GET", vault, VAULTS).json["properties"]["privateEndpointConnections"]
        self.assertEqual(connections[0]["properties"]["privateEndpoint"]["id"], i.id(ENDPOINT, "pe"))
        zone = "privatelink.vaultcore.azure.net"
        self.assertEqual(put(ZONE, zone, {}, DNS).code, "LocationNotAvailableForResourceType")
        self.assertEqual(put(ZONE, zone, {}, DNS, location="global").status, 201)
        self.assertEqual(put(ZONE, "nodots", {}, DNS, location="global").status, 400)
        tie = i.arm("PUT", i.id(ZONE, zone) + "/virtualNetworkLinks/l", DNS,
                    {"location": "global", "properties": {"virtualNetwork": {"id": i.id(VNET, "vnet-pe")}}})
        self.assertEqual(tie.json["properties"]["virtualNetworkLinkState"], "Completed", tie)
        group = i.arm("PUT", i.id(ENDPOINT, "pe") + "/privateDnsZoneGroups/default", NETWORK, {"properties": {
            "privateDnsZoneConfigs": [{"name": "v", "properties": {"privateDnsZoneId": i.id(ZONE, zone)}}]}})
        record = group.json["properties"]["privateDnsZoneConfigs"][0]["properties"]["recordSets"][0]
        self.assertEqual((record["fqdn"], record["ipAddresses"]), ("kv-endpoint." + zone, ["10.0.1.4"]))
        self.assertEqual(i.arm("DELETE", i.id(ZONE, zone), DNS).status, 409)
        self.assertEqual(i.arm("DELETE", shown["networkInterfaces"][0]["id"], NETWORK).code, "NicInUse")
        self.assertEqual(i.arm("DELETE", i.id(ENDPOINT, "pe"), NETWORK).status, 200)
        self.assertFalse(i.arm("GET", vault, VAULTS).json["properties"].get("privateEndpointConnections"))
        self.assertEqual(i.arm("GET", shown["networkInterfaces"][0]["id"], NETWORK).status, 404)
        bad = {"name": "c", "properties": {"privateLinkServiceId": i.id(VNET, "vnet-pe")}}
        self.assertEqual(put(ENDPOINT, "pe-2", {"subnet": {"id": where}, "privateLinkServiceConnections": [bad]}).status, 400)
        self.assertEqual(put(ENDPOINT, "pe-2", {"subnet": {"id": where}}).status, 400)
        self.assertEqual(put(ENDPOINT, "pe-2", {"privateLinkServiceConnections": [link]}).code, "SubnetIsRequired")


class Others(unittest.TestCase):
    def test_workspaces(self):
        type_, version = "Microsoft.OperationalInsights/workspaces", "2022-10-01"
        made = put(type_, "la-one", {"retentionInDays": 60}, version)
        self.assertEqual((made.status, made.json["properties"]["sku"]["name"]), (201, "PerGB2018"), made)
        again = put(type_, "la-one", {}, version)
        self.assertEqual(again.json["properties"]["customerId"], made.json["properties"]["customerId"])
        self.assertEqual(put(type_, "la-one", {"retentionInDays": 5}, version).code, "InvalidParameter")
        self.assertEqual(put(type_, "l", {}, version).code, "InvalidWorkspaceName")

    def test_a_resource_does_not_grow_without_end(self):
        path = i.id("Microsoft.OperationalInsights/workspaces", "la-large")
        self.assertEqual(put("Microsoft.OperationalInsights/workspaces", "la-large", {"a": "x" * 3000000}, "2022-10-01").status, 201)
        grown = i.arm("PATCH", path, "2022-10-01", {"properties": {"b": "x" * 3000000}})
        self.assertEqual((grown.status, grown.code), (413, "RequestEntityTooLarge"))
        self.assertNotIn("b", i.arm("GET", path, "2022-10-01").json["properties"])

    def test_storage_accounts(self):
        type_, version = "Microsoft.Storage/storageAccounts", "2023-01-01"
        made = put(type_, "stone", {}, version, sku={"name": "Standard_LRS"}, kind="StorageV2")
        self.assertEqual(made.json["properties"]["primaryEndpoints"]["blob"], "https://stone.blob.core.windows.net/", made)
        i.make_group("rg-other")
        other = i.arm("PUT", i.id(type_, "stone", "rg-other"), version, {**HERE, "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"})
        self.assertEqual(other.code, "StorageAccountAlreadyTaken")
        self.assertEqual(put(type_, "St_one", {}, version, sku={"name": "Standard_LRS"}).code, "AccountNameInvalid")
        self.assertEqual(put(type_, "sttwo", {}, version).code, "InvalidValuesForRequestParameters")
        names = f"{i.scope}/providers/Microsoft.Storage/checkNameAvailability"
        for name, free in (("stone", False), ("stfree", True), ("X", False)):
            self.assertEqual(i.arm("POST", names, version, {"name": name}).json["nameAvailable"], free)

    def test_a_group_of_networks_goes_in_the_right_order(self):
        i.make_group("rg-net")
        where = i.id(VNET, "v", "rg-net")
        i.arm("PUT", i.id(NSG, "n", "rg-net"), NETWORK, {**HERE, "properties": {}})
        made = i.arm("PUT", where, NETWORK, {**HERE, "properties": {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [subnet("s", "10.0.0.0/24", networkSecurityGroup={"id": i.id(NSG, "n", "rg-net")})]}})
        self.assertEqual(made.status, 201, made)
        nic = i.arm("PUT", i.id(NIC, "a", "rg-net"), NETWORK,
                    {**HERE, "properties": {"ipConfigurations": [configuration("c", where + "/subnets/s")]}})
        self.assertEqual(nic.status, 201, nic)
        i.done(i.arm("DELETE", i.group("rg-net"), GROUPS))
        self.assertEqual(i.arm("GET", i.group("rg-net"), GROUPS).status, 404)


if __name__ == "__main__":
    unittest.main(verbosity=2)
