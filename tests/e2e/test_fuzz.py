#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests of every kind, bent: no server crashes, hangs, or answers with a fault of its own.

FUZZ_SEED and FUZZ_COUNT choose another walk or a longer one."""

import copy
import http.client
import json
import os
import random
import unittest
import urllib.parse

from harness import ARM, DISKS, GROUPS, IDENTITIES, LOGIN, MACHINES, READER, ROLES, VAULTS, Instance, UnixConnection

GRAPH = "graph.microsoft.com"
SEED, COUNT = int(os.environ.get("FUZZ_SEED", "1")), int(os.environ.get("FUZZ_COUNT", "1500"))
ODD = [None, True, False, 0, -1, 1.5, 2**63 - 1, -2**63, "", "x", "é" * 40, "\n", "a.b", "/", "..", "%", "%s%n", "A" * 5000, [], {}, [[]],
       [None], {"": None}, "/subscriptions/s", [{}] * 70, {"a" * 600: "b" * 600}, {"error": 1, "id": 1}]
SEGMENTS = ["", "x", ".", "%2e", "%2F", "%41", "providers", "subscriptions", "resourceGroups", "operations", "purge", "keys", "é",
            "%C3%A9" * 20, "%00", "%0d%0a", "%ff", "'", "*", "a" * 200, "Microsoft.Compute", "poll", "locations", "roleAssignments"]
# A deletion of what the other requests stand on would leave them little to reach: it has requests of its own.
METHODS = ["GET", "PUT", "PATCH", "POST", "HEAD", "OPTIONS", "TRACE", "get"]
QUERIES = ["$filter=principalId eq 'x", "$filter=atScope()", "monitor=true", "$expand=instanceView", "$skiptoken=e30", "maxresults=0",
           "maxresults=99999999999999999999", "$filter=displayName eq 'a' and (not startswith(displayName,'b') or tags/any(t:t eq 'c'))",
           "$filter=id in ('a','b')", "$select=id,displayName", "$top=1", "$count=true&$orderby=displayName desc", "$search=\"displayName:a\"",
           "$filter=" + "(" * 200 + "id eq 'x'", "$filter=tagName eq 'a' and tagValue eq 'b'", "$skiptoken=eyJraW5kIjo5LCJuYW1lIjoiIn0", "api-version=2020-01-01", "%zz=1", "a=b&" * 40]


def nodes(value, at=()):
    yield at
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nodes(child, (*at, key))


def bend_body(r, body):
    """One or two places of a body are something else, or gone; or the text itself is damaged."""
    body = copy.deepcopy(body)
    for _ in range(r.choice((1, 1, 2))):
        path = r.choice(list(nodes(body)))
        if not path:
            continue
        parent = body
        for key in path[:-1]:
            parent = parent[key]
        if r.random() < 0.2:
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(r.choice(ODD))
    text = json.dumps(body)
    kind = r.random()
    if kind < 0.04:
        text = r.choice(["[" * 3000, '{"a":' * 60 + "1" + "}" * 60, text[:-1], text + text, "", "null", "\x00"])
    elif kind < 0.08 and text.startswith("{"):
        text = '{"properties":{},' + text[1:]
    return text.encode()


def bend_path(r, path):
    parts = path.split("/")
    for _ in range(r.choice((1, 1, 2))):
        i = r.randrange(1, len(parts))
        parts = r.choice((parts[:i] + [r.choice(SEGMENTS)] + parts[i:], parts[:i] + [r.choice(SEGMENTS)] + parts[i + 1:],
                          parts[:i] + parts[i + 1:] + [""], parts + parts[i:], [part.swapcase() for part in parts]))
    return "/".join(parts)


class Fuzz(unittest.TestCase):
    def seeds(self, c):
        """What the other tests ask for: (host, method, path, version, body)."""
        key = c.world("kv-fuzz")
        identity = c.id("Microsoft.ManagedIdentity/userAssignedIdentities", "id-set")
        vault, disk_set = c.id("Microsoft.KeyVault/vaults", "kv-fuzz"), c.id("Microsoft.Compute/diskEncryptionSets", "s")
        disk, machine = c.id("Microsoft.Compute/disks", "d"), c.id("Microsoft.Compute/virtualMachines", "m")
        deleted = f"{c.scope}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-fuzz"
        assignment = f"{vault}/providers/Microsoft.Authorization/roleAssignments/9b9a1d34-7a52-4f0e-9d3c-0d5a4d9b3f11"
        role = f"{c.scope}/providers/Microsoft.Authorization/roleDefinitions/{READER}"
        c.make_set("s", key)
        operation = c.make_disk("d", "s")
        for made in (operation, c.make_disk("d2", "s")):
            c.done(made)
        status = operation.headers["Azure-AsyncOperation"].split(ARM)[1].split("?")[0]
        report = {"id": disk, "generation": 1, "state": "Failed", "error": {"code": "C", "message": "m"}}
        power = {"id": machine, "generation": 1, "powerState": "running", "io": {"state": "failed", "code": "C", "message": "m"}}
        machine_body = {"location": "westeurope", "tags": {"a": "b"}, "identity": {"type": "SystemAssigned"}, "properties": {
            "hardwareProfile": {"vmSize": "Standard_DC2as_v5"}, "osProfile": {"computerName": "m", "adminPassword": "x"},
            "securityProfile": {"securityType": "ConfidentialVM", "uefiSettings": {"vTpmEnabled": True}},
            "storageProfile": {"osDisk": {"createOption": "Attach", "managedDisk": {"id": disk}}, "dataDisks": []}}}
        if c.wait(c.arm("PUT", machine, MACHINES, machine_body))["status"] == "Succeeded":
            c.done(c.arm("POST", machine + "/powerOff?skipShutdown=true", MACHINES))
        c.done(c.arm("POST", machine + "/deallocate", MACHINES))
        machine_body["properties"]["storageProfile"]["dataDisks"].append(
            {"lun": 0, "createOption": "Attach", "managedDisk": {"id": disk + "2", "diskEncryptionSet": {"id": disk_set}}})
        set_body = {"location": "westeurope", "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
                    "properties": {"encryptionType": "ConfidentialVmEncryptedWithCustomerKey", "activeKey": {
                        "keyUrl": key, "sourceVault": {"id": vault}}, "rotationToLatestKeyVersionEnabled": False, "federatedClientId": "None"}}
        vault_body = {"location": "westeurope", "tags": {}, "properties": {
            "tenantId": c.tenant, "sku": {"family": "A", "name": "premium"}, "enablePurgeProtection": True, "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90, "enableRbacAuthorization": True, "createMode": "default"}}
        attributes = {"attributes": {"enabled": True, "nbf": 1, "exp": 4102444800}, "tags": {"a": "b"}, "key_ops": ["wrapKey", "unwrapKey"]}
        poll = self.host["hypervisorId"] + "/poll"
        arm = [("PUT", c.group(), GROUPS, {"location": "westeurope", "tags": {"a": "b"}}), ("GET", "/subscriptions", GROUPS, None),
               ("GET", c.scope, GROUPS, None), ("PUT", identity, IDENTITIES, {"location": "westeurope"}),
               ("PUT", vault, VAULTS, vault_body), ("PATCH", vault, VAULTS, vault_body), ("POST", deleted + "/purge", VAULTS, {}),
               ("GET", deleted, VAULTS, None), ("PUT", disk_set, DISKS, set_body), ("PATCH", disk_set, DISKS, set_body),
               ("GET", disk_set + "/associatedResources", DISKS, None), ("PUT", disk, DISKS, c.disk_body("s")),
               ("PATCH", disk, DISKS, c.disk_body("s")), ("PUT", machine, MACHINES, machine_body), ("PATCH", machine, MACHINES, machine_body),
               ("GET", machine + "/instanceView", MACHINES, None), ("POST", machine + "/deallocate", MACHINES, {}),
               ("PUT", assignment, ROLES, {"properties": {"roleDefinitionId": role, "principalId": c.me(), "description": "d"}}),
               ("GET", role, ROLES, None), ("GET", status, DISKS, None), ("DELETE", assignment, ROLES, None), ("DELETE", disk + "2", DISKS, None),
               ("POST", poll, "2026-11-01", {"seen": 0, "waitSeconds": 0, "disks": [report], "machines": [power]})]
        keys = [("POST", "/keys/f/create", {"kty": "RSA", "key_size": 2048, **attributes}), ("PATCH", "/keys/f", attributes),
                ("PATCH", key.split(".net")[1], attributes), ("POST", "/keys/k/wrapkey", {"alg": "RSA-OAEP-256", "value": "AAAA"}),
                ("POST", "/keys/k/unwrapkey", {"alg": "RSA-OAEP-256", "value": "AAAA"}), ("GET", "/keys", None), ("DELETE", "/keys/f", None),
                ("GET", "/keys/k/versions", None), ("POST", "/deletedkeys/f/recover", {}), ("GET", "/deletedkeys", None)]
        arm += self.seeds_of_recorded(c, vault) + self.seeds_of_templates(c, role)
        return ([(ARM, *s) for s in arm] + [("kv-fuzz.vault.azure.net", m, p, "7.4", b) for m, p, b in keys] + self.seeds_of_graph(c)
                + [(LOGIN, "POST", f"/{c.tenant}/oauth2/v2.0/token", "1", {"grant_type": "client_credentials", "scope": "x/.default"})])

    def seeds_of_recorded(self, c, vault):
        """Types that are kept as they come, and what other providers have of their own kind."""
        network = c.id("Microsoft.Network/virtualNetworks", "v")
        group, nic = c.id("Microsoft.Network/networkSecurityGroups", "g"), c.id("Microsoft.Network/networkInterfaces", "n")
        zone, endpoint = c.id("Microsoft.Network/privateDnsZones", "a.b"), c.id("Microsoft.Network/privateEndpoints", "e")
        storage, space = c.id("Microsoft.Storage/storageAccounts", "fuzzstore"), c.id("Microsoft.OperationalInsights/workspaces", "work")
        rule = {"name": "r", "properties": {"priority": 100, "access": "Allow", "direction": "Inbound", "protocol": "Tcp"}}
        one = {"name": "one", "properties": {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": group}}}
        configuration = {"name": "c", "properties": {"subnet": {"id": network + "/subnets/one"}, "privateIPAllocationMethod": "Dynamic"}}
        link = {"name": "l", "properties": {"privateLinkServiceId": vault, "groupIds": ["vault"], "requestMessage": "m"}}

        def whole(**properties):
            return {"location": "westeurope", "tags": {"a": "b"}, "properties": properties}
        diagnostics = {"properties": {"storageAccountId": storage, "workspaceId": space, "logs": [
            {"categoryGroup": "audit", "enabled": True, "retentionPolicy": {"enabled": False, "days": 0}}],
            "metrics": [{"category": "AllMetrics", "enabled": True}], "customWebhook": {"serviceUri": "https://a.example/x"}}}
        zones = {"properties": {"privateDnsZoneConfigs": [{"name": "z", "properties": {"privateDnsZoneId": zone}}]}}
        credential = {"properties": {"issuer": "https://a.example", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}}
        identity = c.id("Microsoft.ManagedIdentity/userAssignedIdentities", "id-set")
        net, dns = "2023-09-01", "2020-06-01"
        made = [("PUT", group, net, whole(securityRules=[rule])),
                ("PUT", network, net, whole(addressSpace={"addressPrefixes": ["10.0.0.0/16"]}, subnets=[one])),
                ("PUT", nic, net, whole(ipConfigurations=[configuration], networkSecurityGroup={"id": group})),
                ("PUT", zone, dns, {"location": "global", "properties": {}}),
                ("PUT", zone + "/virtualNetworkLinks/l", dns, {"location": "global", "properties": {
                    "virtualNetwork": {"id": network}, "registrationEnabled": False}}),
                ("PUT", endpoint, net, whole(subnet={"id": network + "/subnets/one"}, privateLinkServiceConnections=[link])),
                ("PUT", endpoint + "/privateDnsZoneGroups/d", net, zones),
                ("PUT", storage, "2023-01-01", {**whole(accessTier="Hot"), "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}),
                ("PUT", space, "2022-10-01", whole(retentionInDays=30, sku={"name": "PerGB2018"})),
                ("PUT", vault + "/providers/Microsoft.Insights/diagnosticSettings/d", "2021-05-01-preview", diagnostics),
                ("PUT", identity + "/federatedIdentityCredentials/fed", IDENTITIES, credential),
                ("PUT", network + "/providers/Microsoft.Authorization/locks/l", "2020-05-01",
                 {"properties": {"level": "CanNotDelete", "notes": "n", "owners": [{"applicationId": c.client}]}}),
                ("PUT", network + "/providers/Microsoft.Resources/tags/default", "2021-04-01", {"properties": {"tags": {"a": "b"}}}),
                ("PUT", vault + "/keys/arm", VAULTS, {"properties": {"kty": "RSA", "keySize": 2048, "keyOps": ["sign"], "attributes": {}}}),
                ("PUT", vault + "/secrets/arm", VAULTS, {"properties": {"value": "x", "contentType": "t", "attributes": {"enabled": True}}})]
        for method, path, version, body in made:
            answer = c.arm(method, path, version, body)
            self.assertLess(answer.status, 300, (path, answer))
        return made + [("PATCH", path, version, body) for _, path, version, body in made] + [
            ("PUT", network + "/subnets/two", net, {**one, "properties": {"addressPrefix": "10.0.1.0/24"}}),
            ("PUT", group + "/securityRules/r", net, rule), ("GET", endpoint, net, None), ("GET", network + "/subnets", net, None),
            ("POST", f"{c.scope}/providers/Microsoft.Storage/checkNameAvailability", "2023-01-01", {"name": "x", "type": "y"}),
            ("DELETE", endpoint, net, None), ("DELETE", nic, net, None)]

    def seeds_of_templates(self, c, role):
        template = {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0",
            "languageVersion": "2.0", "definitions": {"d": {"type": "string", "maxLength": 9}},
            "parameters": {"p": {"$ref": "#/definitions/d", "defaultValue": "x"}, "q": {"type": "secureString", "defaultValue": "y"}},
            "variables": {"v": "[concat(parameters('p'), '-', uniqueString(resourceGroup().id))]",
                          "copy": [{"name": "w", "count": 2, "input": "[copyIndex('w')]"}]},
            "functions": [{"namespace": "f", "members": {"g": {"parameters": [{"name": "a", "type": "int"}],
                                                               "output": {"type": "int", "value": "[add(parameters('a'), 1)]"}}}}],
            "resources": {"i": {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES,
                                "name": "[format('id-{0}-{1}', variables('v'), copyIndex())]", "location": "westeurope",
                                "copy": {"name": "c", "count": 2, "mode": "Serial"}, "condition": "[not(false())]"},
                          "n": {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "in", "dependsOn": ["i"],
                                "properties": {"mode": "Incremental", "expressionEvaluationOptions": {"scope": "inner"}, "template": {
                                    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                                    "contentVersion": "1.0.0.0", "resources": []}}}},
            "outputs": {"o": {"type": "array", "value": "[map(variables('w'), lambda('x', f.g(lambdaVariables('x'))))]"},
                        "r": {"type": "object", "value": "[reference('n')]"}}}
        body = {"properties": {"mode": "Incremental", "template": template, "parameters": {"p": {"value": "z"}}}}
        base = c.group() + "/providers/Microsoft.Resources/deployments/t"
        wide = f"{c.scope}/providers/Microsoft.Resources/deployments/t"
        custom = f"{c.scope}/providers/Microsoft.Authorization/roleDefinitions/9b9a1d34-7a52-4f0e-9d3c-0d5a4d9b3f12"
        written = {"properties": {"roleName": "fuzz", "type": "CustomRole", "description": "d", "assignableScopes": [c.scope], "permissions": [
            {"actions": ["*/read"], "notActions": [], "dataActions": ["Microsoft.KeyVault/vaults/keys/read"], "notDataActions": []}]}}
        return [("PUT", base, GROUPS, body), ("POST", base + "/whatIf", GROUPS, body), ("POST", base + "/validate", GROUPS, body),
                ("PUT", wide, GROUPS, {**body, "location": "westeurope"}), ("POST", wide + "/whatIf", GROUPS, {**body, "location": "westeurope"}),
                ("GET", base + "/operations", GROUPS, None), ("POST", base + "/exportTemplate", GROUPS, {}),
                ("POST", base + "/cancel", GROUPS, {}), ("DELETE", wide, GROUPS, None), ("PUT", custom, ROLES, written),
                ("POST", "/providers/Microsoft.Resources/calculateTemplateHash", GROUPS, template),
                ("POST", c.group() + "/exportTemplate", GROUPS, {"resources": ["*"], "options": "x"}),
                ("POST", c.group() + "/validateMoveResources", GROUPS, {"resources": [role], "targetResourceGroup": c.group("x")}),
                ("POST", f"{c.scope}/providers/Microsoft.Resources/checkResourceName", GROUPS, {"name": "x", "type": "y"}),
                ("GET", f"{c.scope}/providers/Microsoft.Insights/eventtypes/management/values", "2015-04-01", None),
                ("PUT", f"{c.scope}/tagNames/a", GROUPS, {}), ("GET", f"{c.scope}/resources", GROUPS, None),
                ("PUT", "/providers/Microsoft.Subscription/aliases/a", "2021-10-01",
                 {"properties": {"displayName": "a", "workload": "DevTest", "additionalProperties": {"tags": {"a": "b"}}}})]

    def seeds_of_graph(self, c):
        headers = {"Authorization": "Bearer " + c.token("https://graph.microsoft.com")}

        def make(path, body):
            answer = c.send("POST", GRAPH, "/v1.0" + path, body, headers)
            self.assertEqual(answer.status, 201, answer)
            return answer.json
        app = {"displayName": "a", "identifierUris": [], "signInAudience": "AzureADMyOrg", "tags": ["t"],
               "web": {"redirectUris": ["https://a.example/x"], "implicitGrantSettings": {"enableIdTokenIssuance": True}},
               "appRoles": [{"id": "9b9a1d34-7a52-4f0e-9d3c-0d5a4d9b3f11", "value": "v"}], "api": {"oauth2PermissionScopes": []},
               "requiredResourceAccess": [{"resourceAppId": "00000003-0000-0000-c000-000000000000", "resourceAccess": []}],
               "keyCredentials": [], "passwordCredentials": [], "optionalClaims": None, "isFallbackPublicClient": True}
        user = {"displayName": "u", "accountEnabled": True, "mailNickname": "u", "userPrincipalName": "u@custodisk.onmicrosoft.com",
                "passwordProfile": {"password": "Correct horse 1"}, "businessPhones": ["1"], "usageLocation": "DE"}
        group = {"displayName": "g", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True, "groupTypes": []}
        made = make("/applications", app)
        principal, person, crowd = make("/servicePrincipals", {"appId": made["appId"]}), make("/users", user), make("/groups", group)
        ours, whose = f"/applications/{made['id']}", f"/users/{person['id']}"
        credential = {"name": "fed", "issuer": "https://a.example", "subject": "s", "description": "d", "audiences": ["api://AzureADTokenExchange"]}
        key = {"keyCredentials": [{"type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA", "displayName": "k",
                                   "startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2036-01-01T00:00:00Z"}]}
        refer = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person['id']}"}
        given = {"principalId": person["id"], "roleDefinitionId": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "directoryScopeId": "/"}
        seeds = [("POST", "/applications", app), ("PATCH", ours, app), ("PATCH", ours, key), ("GET", ours, None), ("POST", "/users", user),
                 ("PATCH", whose, {**user, "passwordProfile": None}), ("POST", "/groups", group), ("PATCH", f"/groups/{crowd['id']}", group),
                 ("PATCH", f"/servicePrincipals/{principal['id']}", {"tags": ["t"], "accountEnabled": True, "notes": "n", **key}),
                 ("POST", ours + "/addPassword", {"passwordCredential": {"displayName": "d", "endDateTime": "2030-01-01T00:00:00Z"}}),
                 ("POST", ours + "/removePassword", {"keyId": made["id"]}), ("POST", ours + "/federatedIdentityCredentials", credential),
                 ("PATCH", ours + "/federatedIdentityCredentials/fed", credential), ("POST", ours + "/owners/$ref", refer),
                 ("POST", f"/groups/{crowd['id']}/members/$ref", refer), ("GET", f"/groups/{crowd['id']}/members", None),
                 ("POST", whose + "/authentication/temporaryAccessPassMethods", {"lifetimeInMinutes": 60, "isUsableOnce": True,
                                                                                "startDateTime": "2030-01-01T00:00:00Z"}),
                 ("POST", whose + "/getMemberGroups", {"securityEnabledOnly": True}), ("POST", whose + "/checkMemberGroups", {"groupIds": [crowd["id"]]}),
                 ("POST", "/roleManagement/directory/roleAssignments", given), ("GET", "/roleManagement/directory/roleAssignments", None),
                 ("POST", "/directoryObjects/getByIds", {"ids": [person["id"]], "types": ["user"]}), ("GET", "/me", None),
                 ("GET", "/applications", None), ("GET", "/users", None), ("GET", "/servicePrincipals/$count", None), ("GET", "/organization", None),
                 ("GET", "/directory/deletedItems/microsoft.graph.application", None), ("GET", f"/users('{person['userPrincipalName']}')", None)]
        return [(GRAPH, method, "/v1.0" + path, "1", body) for method, path, body in seeds]

    def ask(self, c, r, seed):
        host, method, path, version, body = seed
        bent_path = r.random() < 0.4
        path = bend_path(r, path) if bent_path else path
        method = r.choice(METHODS) if r.random() < 0.15 else method
        data = bend_body(r, body) if body is not None and not (bent_path and r.random() < 0.5) else json.dumps(body or {}).encode()
        query = f"?api-version={version}" + ("&" + urllib.parse.quote(r.choice(QUERIES), safe="%=&$'(),:/") if r.random() < 0.15 else "")
        headers = {"Content-Type": "application/json", "Host": host, "X-HTTP-METHOD": r.choice(METHODS)} if r.random() < 0.1 else {"Host": host}
        if r.random() < 0.97:
            resource = ("https://vault.azure.net" if "vault" in host else "https://graph.microsoft.com" if host == GRAPH
                        else "https://management.azure.com")
            token = self.host_token if path.endswith("/poll") and not bent_path else c.token(resource)
            headers["Authorization"] = "Bearer " + token
        if self.connection is None:
            self.connection = UnixConnection(os.path.join(c.dir, "run", "https.sock"), ARM, c.context)
        what = f"{method} {host}{path}{query} {data[:1500]!r}"
        try:
            self.connection.request(method, urllib.parse.quote(path, safe="/%'*") + query, data, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as e:
            raise AssertionError(f"no answer to {what}: {e!r}\n{c.logs()}") from e
        if answer.getheader("Connection") == "close":
            self.connection.close()
            self.connection = None
        self.assertLess(answer.status, 500, f"{what}\n{text}\n{c.logs()}")
        if answer.status >= 400 and method != "HEAD" and host != LOGIN:
            self.assertTrue(text.startswith(b'{"error":{"code":"'), f"{what}\n{answer.status} {text}")

    def test_bent_requests_are_answered(self):
        with Instance() as c:
            with open(os.path.join(c.dir, "host.json")) as f:
                self.host = json.load(f)
            self.host_token = c.token_answer(client=self.host["clientId"], secret=self.host["clientSecret"]).json["access_token"]
            self.connection, r = None, random.Random(SEED)
            seeds, pid = self.seeds(c), c.pid("server")
            for _ in range(COUNT):
                self.ask(c, r, r.choice(seeds))
            if self.connection:
                self.connection.close()
            self.assertEqual(c.pid("server"), pid, "the server was restarted")
            self.assertEqual(c.arm("GET", c.scope, GROUPS).status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
