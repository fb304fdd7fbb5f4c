#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nobody sees or changes anything of a place without a role there. What can be asked is read off the program itself: the types
it tells of, the tables of routes in its source; so that what is new is walked here too, or fails the test until it is."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import time
import unittest
import urllib.parse
import uuid

from harness import (ARM, CRYPTO_OFFICER, DISKS, ENCRYPTION_USER, IDENTITIES, MACHINES, OWNER, ROLES, ROOT, VAULTS, Instance,
                     Tenant)

RESOURCES = "2025-04-01"
NETWORK = "2023-09-01"
DNS = "2020-06-01"
STORAGE = "2023-01-01"
DIAGNOSTICS = "2021-05-01-preview"
LOCKS = "2020-05-01"
GRAPH = "graph.microsoft.com"
ALIASES = "2021-10-01"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
POOL_AUTHORIZATION = "/providers/Microsoft.Authorization"
METHODS = ("GET", "HEAD", "PUT", "PATCH", "POST", "DELETE")

# In what is protected, and nowhere else: names and values begin so.
SEAL = "vase"
GROUP, SIBLING = "guarded", "guarded-2"  # the one begins as the other


def setUpModule():
    global cloud, place, intruders
    cloud = Instance("--cache-seconds", "2")
    unittest.addModuleCleanup(cloud.__exit__)
    cloud.up()
    place = Place()
    intruders = [Foreign(), Roleless(), Sibling()]


def good(answer, *statuses):
    assert answer.status in (statuses or (200, 201)), answer
    return answer.json


def graph(method, path, body=None, token=None):
    return cloud.send(method, GRAPH, "/v1.0" + path, body,
                      {"Authorization": "Bearer " + (token or cloud.token("https://graph.microsoft.com"))})


class Client:
    """An application and tokens for it."""

    def __init__(self, tenant=None, client=None, secret=None, name="intruder"):
        self.tenant, self.client, self.secret, self.tokens = tenant or cloud.tenant, client, secret, {}
        if not client:
            app = good(graph("POST", "/applications", {"displayName": name}))
            self.application = app["id"]
            self.oid = good(graph("POST", "/servicePrincipals", {"appId": app["appId"]}))["id"]
            self.client = app["appId"]
            self.secret = good(graph("POST", f"/applications/{app['id']}/addPassword", {}))["secretText"]
        else:
            self.oid = cloud.claims(self.token("https://management.azure.com"))["oid"]

    def token(self, resource="https://management.azure.com"):
        if resource not in self.tokens:
            self.tokens[resource] = good(cloud.token_answer(resource, self.tenant, self.client, self.secret))["access_token"]
        return self.tokens[resource]

    def arm(self, method, path, version, body=None):
        return cloud.arm(method, path, version, body, self.token())


class Place:
    """What is protected: something of every type in a group of a subscription, and a directory."""

    def __init__(self):
        cloud.make_group(GROUP)
        self.subscription, self.group = cloud.scope, cloud.group(GROUP)
        good(cloud.arm("PUT", self.group, RESOURCES, {"location": "westeurope", "tags": {SEAL: SEAL + "-tag"}}))
        self.run = uuid.uuid4().hex[:8]
        self.vault, self.pool, self.gone = f"{SEAL}-v-{self.run}", f"{SEAL}-p-{self.run}", f"{SEAL}-g-{self.run}"
        self.identities()
        self.keys()
        self.disks()
        self.networks()
        self.deployments()
        self.authorization()
        self.directory()

    def id(self, type_, *names):
        space, *types = type_.split("/")
        return f"{self.group}/providers/{space}" + "".join(f"/{t}/{n}" for t, n in zip(types, names))

    def put(self, type_, names, version, properties=None, **members):
        names = (names,) if isinstance(names, str) else names
        body = {"location": "westeurope", "tags": {SEAL: SEAL + "-tag"}, "properties": properties or {}, **members}
        return good(cloud.arm("PUT", self.id(type_, *names), version, {k: v for k, v in body.items() if v is not None}), 200, 201, 202)

    def identities(self):
        type_ = "Microsoft.ManagedIdentity/userAssignedIdentities"
        self.identity = self.put(type_, "vase-id", IDENTITIES)
        self.put(type_ + "/federatedIdentityCredentials", ("vase-id", "vase-fic"), IDENTITIES, {
            "issuer": "https://vase.example", "subject": "vase", "audiences": ["api://AzureADTokenExchange"]}, location=None, tags=None)

    def make_vault(self, name):
        self.put("Microsoft.KeyVault/vaults", name, VAULTS, {
            "tenantId": cloud.tenant, "sku": {"family": "A", "name": "premium"}, "enableRbacAuthorization": True,
            **({} if name == self.gone else {"enablePurgeProtection": True})})

    def keys(self):
        self.make_vault(self.gone)
        good(cloud.arm("DELETE", self.id("Microsoft.KeyVault/vaults", self.gone), VAULTS))
        self.make_vault(self.vault)
        scope = self.id("Microsoft.KeyVault/vaults", self.vault)
        for role in (CRYPTO_OFFICER, SECRETS_OFFICER):
            good(cloud.assign(scope, cloud.me(), role))
        good(cloud.assign(scope, self.identity["properties"]["principalId"], ENCRYPTION_USER))
        self.key = cloud.make_key(self.vault, "vase-key", tags={SEAL: "vase-tag"})
        self.key_version = self.key.rsplit("/", 1)[1]
        self.secret = good(cloud.vault("PUT", self.vault, "/secrets/vase-secret", {"value": "vase-value"}))["id"].rsplit("/", 1)[1]
        for kind, name in (("keys", "vase-deleted-key"), ("secrets", "vase-deleted-secret")):
            good(cloud.vault("POST", self.vault, f"/keys/{name}/create", {"kty": "RSA"}) if kind == "keys" else
                 cloud.vault("PUT", self.vault, f"/secrets/{name}", {"value": "vase-value"}))
            good(cloud.vault("DELETE", self.vault, f"/{kind}/{name}"))
        self.blobs = {kind: good(cloud.vault("POST", self.vault, f"/{kind}s/vase-{kind}/backup", {}))["value"]
                      for kind in ("key", "secret")}
        for name in (f"{SEAL}-q-{self.run}", self.pool):
            self.put("Microsoft.KeyVault/managedHSMs", name, VAULTS, {"tenantId": cloud.tenant, "initialAdminObjectIds": [cloud.me()]},
                     sku={"family": "B", "name": "Standard_B1"})
        self.gone_pool = f"{SEAL}-q-{self.run}"
        good(cloud.arm("DELETE", self.id("Microsoft.KeyVault/managedHSMs", self.gone_pool), VAULTS))
        # Crypto User, to make a key.
        self.pool_assignment = str(uuid.uuid4())
        good(self.pool_call("PUT", f"//{POOL_AUTHORIZATION}/roleAssignments/{self.pool_assignment}", {"properties": {
            "roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/21dbd100-6940-42c2-9190-5d6cb909625b",
            "principalId": cloud.me()}}), 201)
        made = good(self.pool_call("POST", "/keys/vase-key/create", {"kty": "RSA-HSM", "tags": {SEAL: "vase-tag"}}))
        self.pool_key_version = made["key"]["kid"].rsplit("/", 1)[1]

    def pool_call(self, method, path, body=None, token=None):
        return cloud.send(method, f"{self.pool}.managedhsm.azure.net", f"{path}?api-version=7.4", body,
                          {"Authorization": "Bearer " + (token or cloud.token("https://managedhsm.azure.net"))})

    def disks(self):
        cloud.done(cloud.arm("PUT", self.id("Microsoft.Compute/diskEncryptionSets", "vase-set"), DISKS, {
            "location": "westeurope", "tags": {SEAL: "vase-tag"},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": {self.identity["id"]: {}}},
            "properties": {"encryptionType": "EncryptionAtRestWithCustomerKey", "activeKey": {"keyUrl": self.key}}}))
        made = cloud.arm("PUT", self.id("Microsoft.Compute/disks", "vase-disk"), DISKS, {
            "location": "westeurope", "tags": {SEAL: "vase-tag"}, "properties": {
                "diskSizeGB": 1, "creationData": {"createOption": "Empty"}, "encryption": {
                    "type": "EncryptionAtRestWithCustomerKey",
                    "diskEncryptionSetId": self.id("Microsoft.Compute/diskEncryptionSets", "vase-set")}}})
        cloud.done(made)
        self.operations = [made.headers[name] for name in ("Azure-AsyncOperation", "Location")]

    def networks(self):
        self.put("Microsoft.Network/networkSecurityGroups", "vase-nsg", NETWORK, {"securityRules": [
            {"name": "vase-rule", "properties": {"priority": 400, "access": "Allow", "direction": "Inbound", "protocol": "Tcp",
             "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "sourcePortRange": "*", "destinationPortRange": "22"}}]})
        self.put("Microsoft.Network/virtualNetworks", "vase-net", NETWORK, {
            "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
            "subnets": [{"name": "vase-subnet", "properties": {"addressPrefix": "10.0.1.0/24"}}]})
        subnet = self.subnet = self.id("Microsoft.Network/virtualNetworks/subnets", "vase-net", "vase-subnet")
        self.put("Microsoft.Network/networkInterfaces", "vase-nic", NETWORK, {
            "ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": subnet}}}]})
        self.put("Microsoft.Network/privateEndpoints", "vase-pe", NETWORK, {"subnet": {"id": subnet}, "privateLinkServiceConnections": [
            {"name": "vase-link", "properties": {"privateLinkServiceId": self.id("Microsoft.KeyVault/vaults", self.vault),
                                                 "groupIds": ["vault"]}}]})
        shown = good(cloud.arm("GET", self.id("Microsoft.KeyVault/vaults", self.vault), VAULTS))
        self.connection = shown["properties"]["privateEndpointConnections"][0]["id"].rsplit("/", 1)[1]
        self.put("Microsoft.Network/privateDnsZones", "vase.example", DNS, location="global")
        self.put("Microsoft.Network/privateDnsZones/virtualNetworkLinks", ("vase.example", "vase-tie"), DNS,
                 {"virtualNetwork": {"id": self.id("Microsoft.Network/virtualNetworks", "vase-net")}}, location="global")
        self.put("Microsoft.Network/privateEndpoints/privateDnsZoneGroups", ("vase-pe", "default"), NETWORK, {"privateDnsZoneConfigs": [
            {"name": "vase", "properties": {"privateDnsZoneId": self.id("Microsoft.Network/privateDnsZones", "vase.example")}}]},
            location=None, tags=None)
        self.put("Microsoft.OperationalInsights/workspaces", "vase-logs", "2022-10-01")
        self.account = SEAL + self.run
        self.put("Microsoft.Storage/storageAccounts", self.account, STORAGE, kind="StorageV2", sku={"name": "Standard_LRS"})
        good(cloud.arm("PUT", self.id("Microsoft.KeyVault/vaults", self.vault) + "/providers/Microsoft.Insights/diagnosticSettings/vase-log",
                       DIAGNOSTICS, {"properties": {"storageAccountId": self.id("Microsoft.Storage/storageAccounts", self.account),
                                                    "logs": [{"category": "AuditEvent", "enabled": True}]}}))

    def template(self, schema="2019-04-01/deploymentTemplate"):
        return {"$schema": f"https://schema.management.azure.com/schemas/{schema}.json#", "contentVersion": "1.0.0.0",
                "resources": [{"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": "vase-deployed",
                               "location": "westeurope", "tags": {SEAL: "vase-tag"}}],
                "outputs": {"vase": {"type": "string", "value": "vase-output"}}}

    def deployments(self):
        at = self.id("Microsoft.Resources/deployments", "vase-deployment")
        accepted = cloud.arm("PUT", at, RESOURCES, {"properties": {"mode": "Incremental", "template": self.template()}})
        cloud.done(accepted)
        self.operations.append(accepted.headers["Azure-AsyncOperation"])
        inner = dict(self.template("2018-05-01/subscriptionDeploymentTemplate"), resources=[])
        accepted = cloud.arm("PUT", f"{self.subscription}/providers/Microsoft.Resources/deployments/vase-deployment", RESOURCES, {
            "location": "westeurope", "properties": {"mode": "Incremental", "template": inner}})
        cloud.done(accepted)
        self.operations.append(accepted.headers["Azure-AsyncOperation"])
        self.operation = good(cloud.arm("GET", at + "/operations", RESOURCES))["value"][0]["operationId"]

    def authorization(self):
        self.assignment, self.role = str(uuid.uuid4()), str(uuid.uuid4())
        good(cloud.arm("PUT", f"{self.group}/providers/Microsoft.Authorization/roleAssignments/{self.assignment}", ROLES, {"properties": {
            "principalId": self.identity["properties"]["principalId"], "principalType": "ServicePrincipal", "description": "vase-assignment",
            "roleDefinitionId": f"{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}"}}))
        good(cloud.arm("PUT", f"{self.group}/providers/Microsoft.Authorization/roleDefinitions/{self.role}", ROLES, {"properties": {
            "roleName": "vase-role", "description": "vase", "type": "CustomRole", "permissions": [{"actions": ["*/read"]}],
            "assignableScopes": [self.group]}}))
        good(cloud.arm("PUT", f"{self.id('Microsoft.Storage/storageAccounts', self.account)}/providers/Microsoft.Authorization/locks/vase-lock",
                       LOCKS, {"properties": {"level": "CanNotDelete", "notes": "vase"}}))
        good(cloud.arm("PUT", f"{self.subscription}/tagNames/vase-name", RESOURCES))
        good(cloud.arm("PUT", f"{self.subscription}/tagNames/vase-name/tagValues/vase-value", RESOURCES))
        good(cloud.arm("PUT", "/providers/Microsoft.Subscription/aliases/guarded-alias", ALIASES,
                       {"properties": {"displayName": "vase-subscription", "subscriptionId": cloud.subscription}}))

    def directory(self):
        user = good(graph("POST", "/users", {
            "displayName": "vase-user", "accountEnabled": True, "mailNickname": "vase", "userPrincipalName": "vase@custodisk.onmicrosoft.com",
            "passwordProfile": {"password": "Correct horse 1"}}))
        group = good(graph("POST", "/groups", {"displayName": "vase-group", "mailEnabled": False, "mailNickname": "vase",
                                               "securityEnabled": True}))
        good(graph("POST", f"/groups/{group['id']}/members/$ref", reference(user["id"])), 204)
        app = good(graph("POST", "/applications", {"displayName": "vase-app"}))
        credential = good(graph("POST", f"/applications/{app['id']}/federatedIdentityCredentials", {
            "name": "vase-fic", "issuer": "https://vase.example", "subject": "vase", "audiences": ["api://AzureADTokenExchange"]}))
        password = good(graph("POST", f"/applications/{app['id']}/addPassword", {}))
        principal = good(graph("POST", "/servicePrincipals", {"appId": app["appId"]}))
        for kind, id_ in (("groups", group["id"]), ("applications", app["id"]), ("servicePrincipals", principal["id"])):
            good(graph("POST", f"/{kind}/{id_}/owners/$ref", reference(user["id"])), 204)
        role = good(graph("POST", "/roleManagement/directory/roleAssignments", {
            "principalId": user["id"], "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/"}))
        gone = good(graph("POST", "/applications", {"displayName": "vase-gone"}))
        good(graph("DELETE", f"/applications/{gone['id']}"), 204)
        ways = f"/users/{user['id']}/authentication/temporaryAccessPassMethods"
        self.access = good(graph("POST", ways, {}))
        self.objects = {"users": user, "groups": group, "applications": app, "servicePrincipals": principal, "role": role, "gone": gone,
                        "credential": credential, "password": password}


def reference(id_):
    return {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{id_}"}


class Foreign(Client):
    """Who may do everything in another tenant."""

    def __init__(self):
        tenant = Tenant(cloud, "Elsewhere")
        super().__init__(tenant.id, tenant.administrator["clientId"], tenant.administrator["clientSecret"])
        made = good(self.arm("PUT", "/providers/Microsoft.Subscription/aliases/mine", ALIASES,
                             {"properties": {"displayName": "Mine", "workload": "Production"}}))
        self.home = f"/subscriptions/{made['properties']['subscriptionId']}"


class Roleless(Client):
    """Whom the tenant knows, and nothing else."""


class Sibling(Client):
    """An owner next door: of another group and its vaults, of another subscription, of another application."""

    def __init__(self):
        super().__init__()
        cloud.make_group(SIBLING)
        good(cloud.assign(cloud.group(SIBLING), self.oid, OWNER))
        made = good(cloud.arm("PUT", "/providers/Microsoft.Subscription/aliases/next-door", ALIASES, {"properties": {
            "displayName": "Next door", "workload": "Production", "additionalProperties": {"subscriptionOwnerId": self.oid}}}))
        self.home = f"/subscriptions/{made['properties']['subscriptionId']}"
        self.vault, self.pool = f"own-v-{uuid.uuid4().hex[:8]}", f"own-p-{uuid.uuid4().hex[:8]}"
        where = f"{cloud.group(SIBLING)}/providers/Microsoft.KeyVault"
        good(self.arm("PUT", f"{where}/vaults/{self.vault}", VAULTS, {"location": "westeurope", "properties": {
            "tenantId": cloud.tenant, "sku": {"family": "A", "name": "premium"}, "enableRbacAuthorization": True}}))
        for role in (CRYPTO_OFFICER, SECRETS_OFFICER):
            good(cloud.arm("PUT", f"{where}/vaults/{self.vault}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", ROLES, {
                "properties": {"principalId": self.oid, "roleDefinitionId":
                               f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{role}"}}, self.token()))
        good(self.arm("PUT", f"{where}/managedHSMs/{self.pool}", VAULTS, {
            "location": "westeurope", "sku": {"family": "B", "name": "Standard_B1"},
            "properties": {"tenantId": cloud.tenant, "initialAdminObjectIds": [self.oid]}}))
        good(graph("POST", f"/applications/{self.application}/owners/$ref", reference(self.oid)), 204)


# --- What there is to ask ---

def preprocessed(path):
    """A source file with its macros worked out, and without what it includes."""
    with open(os.path.join(ROOT, path)) as f:
        text = "".join(line for line in f if not line.startswith(("#include", "#pragma")))
    return subprocess.run(["cc", "-E", "-P", "-"], input=text, text=True, capture_output=True, check=True).stdout


def routes(path):
    """Method and pattern of every entry of the tables in a source file."""
    found = [(method, "".join(re.findall(r'"([^"]*)"', pattern))) for method, pattern in
             re.findall(r'\{\s*"(GET|HEAD|POST|PUT|PATCH|DELETE)"\s*,\s*((?:"[^"]*"\s*)+)\}', preprocessed(path))]
    assert len(found) > 10 and len(found) == len(set(found)), found
    return found


def told_types():
    """Type and default API version, as the program tells them."""
    return {f"{space['namespace']}/{type_['resourceType']}": type_.get("defaultApiVersion") or RESOURCES
            for space in good(cloud.arm("GET", "/providers", RESOURCES))["value"] for type_ in space["resourceTypes"]}


def told_actions():
    """What the source names as the last segment of a POST: in the actions of types, and where types compare it."""
    found = set()
    for folder in ("src/providers", "src/arm"):
        for name in os.listdir(os.path.join(ROOT, folder)):
            if name.endswith(".c") and not name.startswith("test-"):
                with open(os.path.join(ROOT, folder, name)) as f:
                    text = f.read()
                found |= set(re.findall(r'\.method = "\w+", \.name = "(\w+)"', text))
                found |= set(re.findall(r'(?:is_action\(call|target->tail|t->tail), "(\w+)"', text))
    return found


def of_a_resource(type_, *names, actions=()):
    """A document of the group: itself, its collections there and in the subscription, its actions."""
    one = place.id(type_, *names)
    top = type_.count("/") == 1
    return [one, one.rsplit("/", 1)[0], *([f"{place.subscription}/providers/{type_}"] if top else []),
            *(f"{one}/{action}" for action in actions)]


def everywhere(type_, *names):
    """What extends other resources: at the subscription, the group and a resource."""
    scopes = place.subscription, place.group, place.id("Microsoft.KeyVault/vaults", place.vault), \
        place.id("Microsoft.Storage/storageAccounts", place.account)
    return [f"{scope}/providers/{type_}{name}" for scope in scopes for name in ("", *(f"/{n}" for n in names))]


def arm_paths():
    """Where each type stands in the protected place. A type that is not here fails the test."""
    s, g, vault = place.subscription, place.group, place.vault
    network = "Microsoft.Network/"
    return {
        "Microsoft.Resources/tenants": ["/tenants"],
        "Microsoft.Resources/subscriptions": [s, "/subscriptions"],
        "Microsoft.Resources/subscriptions/locations": [s + "/locations"],
        "Microsoft.Resources/providers": [s + "/providers", s + "/providers/Microsoft.Compute", s + "/providers/Microsoft.Compute/register",
                                          s + "/providers/Microsoft.Compute/unregister"],
        "Microsoft.Resources/subscriptions/resources": [s + "/resources"],
        "Microsoft.Resources/resourceGroups/resources": [g + "/resources"],
        "Microsoft.Resources/resourceGroups": [g, s + "/resourceGroups", f"{s}/resourceGroups/intruder"],
        "Microsoft.Resources/resourceGroups/exportTemplate": [g + "/exportTemplate"],
        "Microsoft.Resources/deployments": [
            *of_a_resource("Microsoft.Resources/deployments", "vase-deployment", actions=("validate", "whatIf", "cancel", "exportTemplate")),
            *(f"{s}/providers/Microsoft.Resources/deployments/vase-deployment{tail}"
              for tail in ("", "/validate", "/whatIf", "/cancel", "/exportTemplate")), f"{g}/deployments/vase-deployment"],
        "Microsoft.Resources/deployments/operations": [
            *of_a_resource("Microsoft.Resources/deployments/operations", "vase-deployment", place.operation),
            f"{g}/deployments/vase-deployment/operations", f"{s}/providers/Microsoft.Resources/deployments/vase-deployment/operations"],
        "Microsoft.Resources/calculateTemplateHash": ["/providers/Microsoft.Resources/calculateTemplateHash"],
        "Microsoft.Resources/tags": everywhere("Microsoft.Resources/tags", "default"),
        "Microsoft.Resources/subscriptions/tagNames": [s + "/tagNames", s + "/tagNames/vase-name", s + "/tagNames/intruder"],
        "Microsoft.Resources/subscriptions/tagNames/tagValues": [s + "/tagNames/vase-name/tagValues/vase-value",
                                                                s + "/tagNames/vase-name/tagValues/intruder"],
        "Microsoft.Resources/resourceGroups/moveResources": [g + "/moveResources"],
        "Microsoft.Resources/resourceGroups/validateMoveResources": [g + "/validateMoveResources"],
        "Microsoft.Resources/checkResourceName": ["/providers/Microsoft.Resources/checkResourceName"],
        "Microsoft.Subscription/aliases": ["/providers/Microsoft.Subscription/aliases", "/providers/Microsoft.Subscription/aliases/guarded-alias"],
        **{f"Microsoft.Subscription/{verb}": [f"{s}/providers/Microsoft.Subscription/{verb}"] for verb in ("rename", "cancel", "enable")},
        "Microsoft.Features/providers/features": [
            f"{s}/providers/Microsoft.Features/providers/Microsoft.Compute/features{name}"
            for name in ("", "/DCav6Series", "/DCav6Series/register", "/DCav6Series/unregister")],
        "Microsoft.Features/features": [s + "/providers/Microsoft.Features/features"],
        "Microsoft.Insights/eventtypes/values": [
            f"{scope}/providers/Microsoft.Insights/eventtypes/management/values?$filter=" +
            urllib.parse.quote("eventTimestamp ge '2020-01-01T00:00:00Z'" + more)
            for scope in (s, "") for more in ("", f" and resourceGroupName eq '{GROUP}'")],
        "Microsoft.Insights/diagnosticSettings": everywhere("Microsoft.Insights/diagnosticSettings", "vase-log"),
        "Microsoft.Insights/diagnosticSettingsCategories": everywhere("Microsoft.Insights/diagnosticSettingsCategories", "AuditEvent"),
        "Custodisk.Directory/tenants": ["/providers/Custodisk.Directory/tenants", f"/providers/Custodisk.Directory/tenants/{cloud.tenant}",
                                        f"/providers/Custodisk.Directory/tenants/{uuid.uuid4()}"],
        "Custodisk.Directory/featureRequests": ["/providers/Custodisk.Directory/featureRequests"],
        "Custodisk.Directory/approveFeature": ["/providers/Custodisk.Directory/approveFeature"],
        "Microsoft.ManagedIdentity/userAssignedIdentities": of_a_resource("Microsoft.ManagedIdentity/userAssignedIdentities", "vase-id"),
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials":
            of_a_resource("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials", "vase-id", "vase-fic"),
        "Microsoft.ManagedIdentity/identities": everywhere("Microsoft.ManagedIdentity/identities", "default"),
        "Microsoft.ManagedIdentity/operations": ["/providers/Microsoft.ManagedIdentity/operations"],
        "Microsoft.Authorization/roleAssignments": everywhere("Microsoft.Authorization/roleAssignments", place.assignment, uuid.uuid4()),
        "Microsoft.Authorization/roleDefinitions": everywhere("Microsoft.Authorization/roleDefinitions", place.role, uuid.uuid4()),
        "Microsoft.Authorization/locks": everywhere("Microsoft.Authorization/locks", "vase-lock", "intruder"),
        "Microsoft.Authorization/permissions": everywhere("Microsoft.Authorization/permissions"),
        "Microsoft.Authorization/providerOperations": [
            "/providers/Microsoft.Authorization/providerOperations", "/providers/Microsoft.Authorization/providerOperations/Microsoft.Compute"],
        "Microsoft.Authorization/denyAssignments": everywhere("Microsoft.Authorization/denyAssignments", uuid.uuid4()),
        "Microsoft.Authorization/classicAdministrators": [s + "/providers/Microsoft.Authorization/classicAdministrators"],
        "Microsoft.Authorization/elevateAccess": [],  # a right in the caller's own tenant alone
        "Microsoft.KeyVault/vaults": of_a_resource("Microsoft.KeyVault/vaults", vault),
        "Microsoft.KeyVault/vaults/accessPolicies": [place.id("Microsoft.KeyVault/vaults/accessPolicies", vault, verb)
                                                     for verb in ("add", "replace", "remove")],
        "Microsoft.KeyVault/vaults/keys": of_a_resource("Microsoft.KeyVault/vaults/keys", vault, "vase-key"),
        "Microsoft.KeyVault/vaults/keys/versions": of_a_resource("Microsoft.KeyVault/vaults/keys/versions", vault, "vase-key", place.key_version),
        "Microsoft.KeyVault/vaults/secrets": of_a_resource("Microsoft.KeyVault/vaults/secrets", vault, "vase-secret"),
        "Microsoft.KeyVault/vaults/privateEndpointConnections":
            of_a_resource("Microsoft.KeyVault/vaults/privateEndpointConnections", vault, place.connection),
        "Microsoft.KeyVault/vaults/privateLinkResources": [place.id("Microsoft.KeyVault/vaults", vault) + "/privateLinkResources"],
        "Microsoft.KeyVault/operations": ["/providers/Microsoft.KeyVault/operations"],
        "Microsoft.KeyVault/locations/deletedVaults": [
            f"{s}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{place.gone}{tail}" for tail in ("", "/purge")],
        "Microsoft.KeyVault/deletedVaults": [s + "/providers/Microsoft.KeyVault/deletedVaults"],
        "Microsoft.KeyVault/checkNameAvailability": [s + "/providers/Microsoft.KeyVault/checkNameAvailability"],
        "Microsoft.KeyVault/managedHSMs": of_a_resource("Microsoft.KeyVault/managedHSMs", place.pool),
        "Microsoft.KeyVault/locations/deletedManagedHSMs": [
            f"{s}/providers/Microsoft.KeyVault/locations/westeurope/deletedManagedHSMs/{place.gone_pool}{tail}" for tail in ("", "/purge")],
        "Microsoft.KeyVault/deletedManagedHSMs": [s + "/providers/Microsoft.KeyVault/deletedManagedHSMs"],
        "Microsoft.KeyVault/checkMhsmNameAvailability": [s + "/providers/Microsoft.KeyVault/checkMhsmNameAvailability"],
        "Microsoft.Compute/diskEncryptionSets": of_a_resource("Microsoft.Compute/diskEncryptionSets", "vase-set", actions=("associatedResources",)),
        "Microsoft.Compute/disks": of_a_resource("Microsoft.Compute/disks", "vase-disk"),
        "Microsoft.Compute/virtualMachines": of_a_resource("Microsoft.Compute/virtualMachines", "vase-machine",
                                                           actions=("start", "powerOff", "deallocate", "instanceView")),
        "Microsoft.Compute/locations/usages": [s + "/providers/Microsoft.Compute/locations/westeurope/usages"],
        "Microsoft.Compute/locations/vmSizes": [s + "/providers/Microsoft.Compute/locations/westeurope/vmSizes"],
        "Microsoft.Compute/skus": [s + "/providers/Microsoft.Compute/skus"],
        "Custodisk.Host/hypervisors": [f"{cloud.group('custodisk-hosts')}/providers/Custodisk.Host/hypervisors/local{tail}"
                                       for tail in ("", "/poll")] + [s + "/providers/Custodisk.Host/hypervisors"],
        network + "virtualNetworks": of_a_resource(network + "virtualNetworks", "vase-net"),
        network + "virtualNetworks/subnets": of_a_resource(network + "virtualNetworks/subnets", "vase-net", "vase-subnet"),
        network + "networkSecurityGroups": of_a_resource(network + "networkSecurityGroups", "vase-nsg"),
        network + "networkSecurityGroups/securityRules": of_a_resource(network + "networkSecurityGroups/securityRules", "vase-nsg", "vase-rule"),
        network + "networkInterfaces": of_a_resource(network + "networkInterfaces", "vase-nic"),
        network + "privateEndpoints": of_a_resource(network + "privateEndpoints", "vase-pe"),
        network + "privateEndpoints/privateDnsZoneGroups": of_a_resource(network + "privateEndpoints/privateDnsZoneGroups", "vase-pe", "default"),
        network + "privateDnsZones": of_a_resource(network + "privateDnsZones", "vase.example"),
        network + "privateDnsZones/virtualNetworkLinks": of_a_resource(network + "privateDnsZones/virtualNetworkLinks", "vase.example", "vase-tie"),
        "Microsoft.OperationalInsights/workspaces": of_a_resource("Microsoft.OperationalInsights/workspaces", "vase-logs"),
        "Microsoft.Storage/storageAccounts": of_a_resource("Microsoft.Storage/storageAccounts", place.account),
        "Microsoft.Storage/checkNameAvailability": [s + "/providers/Microsoft.Storage/checkNameAvailability"],
    }


# --- What may not come back ---

def stored():
    """All that the store holds, but for what tells of requests."""
    with contextlib.closing(sqlite3.connect(f"file:{cloud.dir}/store/custodisk.db?mode=ro", uri=True, timeout=30)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {t: sorted(map(repr, db.execute(f"SELECT * FROM {t}"))) for t in tables
                if t not in ("activity_log", "audit", "diagnostic_sinks")}


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.found = []

    def tearDown(self):
        # All of them at once: a hole is seldom alone.
        if self.found:
            self.fail(f"{len(self.found)} answers:\n" + "\n".join(" ".join(map(str, one)) for one in self.found))

    def seen(self, answer, request):
        """What an answer has of the protected place that its request did not bring."""
        text = (answer.text + "\n".join(f"{k}: {v}" for k, v in answer.headers.items())).lower()
        asked = urllib.parse.unquote(request).lower()
        marks = set(re.findall(r"vase[-\w.]*", text)) | ({f"/resourcegroups/{GROUP}/"} if f"/resourcegroups/{GROUP}/" in text else set())
        return sorted(mark for mark in marks if mark.rstrip(".-") not in asked)

    def judge(self, who, what, answer, request, *, statuses=(401, 403, 404), filtered=False):
        """Refused; or, where Azure filters, an answer that has nothing of the place."""
        seen = self.seen(answer, request)
        allowed = answer.status in statuses or (filtered and answer.status == 200)
        if seen or not allowed:
            self.found.append((type(who).__name__, what, answer.status, answer.code, seen, answer.text[:160]))

    @contextlib.contextmanager
    def unchanged(self):
        before = stored()
        yield
        self.assertEqual(stored(), before)


class ControlPlane(Case):
    # Azure filters these, or they are the caller's own tenant's, or nobody's.
    FILTERED = {"Microsoft.Resources/tenants", "Microsoft.Subscription/aliases", "Microsoft.Insights/eventtypes/values",
                "Microsoft.ManagedIdentity/operations", "Microsoft.KeyVault/operations", "Microsoft.Authorization/providerOperations"}
    NOBODYS = {"Microsoft.Resources/calculateTemplateHash", "Microsoft.Resources/checkResourceName"}

    def test_every_type_is_walked(self):
        self.assertEqual(set(arm_paths()), set(told_types()))

    def test_every_action_is_walked(self):
        walked = {path.split("?")[0].rsplit("/", 1)[1].lower() for paths in arm_paths().values() for path in paths}
        self.assertEqual({a for a in told_actions() if a.lower() not in walked}, set())

    def bodies(self, path, version, owned):
        """Of a request that its owner could make: what is there, changed."""
        shown = owned.json if owned.status == 200 and isinstance(owned.json, dict) and "value" not in owned.json else {}
        body = {**shown, "location": shown.get("location", "westeurope"), "tags": {"intruder": "intruder"},
                "properties": {**(shown.get("properties") or {}), "intruder": True}}
        if "/deployments/" in path:
            body["properties"] = {"mode": "Incremental", "template": {"$schema": place.template()["$schema"], "contentVersion": "1.0.0.0",
                                                                       "resources": []}}
        if path.endswith("/aliases/guarded-alias"):
            body = {"properties": {"displayName": "intruder", "subscriptionId": cloud.subscription}}
        return body

    def walk(self, method, type_, path, version):
        owned = cloud.arm("GET", path, version)
        body = self.bodies(path, version, owned) if method in ("PUT", "PATCH", "POST") else None
        for who in intruders:
            answer = who.arm(method, path, version, body)
            # There is nothing of that name in the caller's own tenant.
            own = (204,) if method == "DELETE" and type_ == "Microsoft.Subscription/aliases" else ()
            self.judge(who, f"{method} {path}", answer, path + json.dumps(body), filtered=type_ in self.FILTERED or self.is_list(path, type_),
                       statuses=(401, 403, 404, *own, *((405,) if method != "GET" or owned.status == 405 else ())))

    def is_list(self, path, type_):
        return path in ("/subscriptions", place.subscription + "/resourceGroups", place.subscription + "/resources") or \
            path == f"{place.subscription}/providers/{type_}"

    def test_every_type(self):
        versions = told_types()
        with self.unchanged():
            for type_, paths in arm_paths().items():
                if type_ in self.NOBODYS:
                    continue
                for path in paths:
                    for method in METHODS:
                        self.walk(method, type_, path, versions[type_])

    def test_the_owner_sees_it(self):
        """What is walked is there: else refusals would say nothing."""
        versions, there = told_types(), set()
        for type_, paths in arm_paths().items():
            for path in paths:
                answer = cloud.arm("GET", path, versions[type_])
                if answer.status == 200 and self.seen(answer, ""):
                    there.add(type_)
        for type_ in set(arm_paths()) - there:
            self.assertIn(type_.split("/", 1)[1], EMPTY, type_)

    def test_without_a_token(self):
        versions = told_types()
        audience = cloud.token("https://vault.azure.net")
        for type_, paths in arm_paths().items():
            for path in paths:
                for headers in ({}, {"Authorization": "Bearer " + audience}):
                    separator = "&" if "?" in path else "?"
                    answer = cloud.send("GET", ARM, f"{path}{separator}api-version={versions[type_]}", None, headers)
                    if answer.status != 401 or self.seen(answer, path):
                        self.found.append((path, answer))

    def test_spellings(self):
        """No way of writing a path leads past the rights on where it leads to."""
        versions = told_types()
        for type_, paths in arm_paths().items():
            if type_ in self.NOBODYS | self.FILTERED or not any(path.startswith(place.group) for path in paths):
                continue
            path = next(path for path in paths if path.startswith(place.group))
            below = path[len(place.group):]
            beside = f"/{SIBLING}/../{GROUP}"
            # A scope of one's own, whatever it looks like: what is extended need not be there.
            own = path.replace(place.group, f"{cloud.group(SIBLING)}/providers/Microsoft.KeyVault/vaults/x{place.group}")
            for spelled in (path.upper(), path.lower(), path.replace("/", "//"), path + "/", path.replace("/", "/./"),
                            path.replace(f"/{GROUP}", beside), path.replace(f"/{GROUP}", beside.replace("..", "%2e%2e")),
                            path.replace(f"/{GROUP}", beside.replace("/..", "%2F..")), path.replace(f"/{GROUP}", f"/{SIBLING}%2F..%2F{GROUP}"),
                            path.replace(f"/{GROUP}", f"/{SIBLING}%5C..%5C{GROUP}"), path.replace(f"/{GROUP}", f"/{SIBLING}%00/{GROUP}"),
                            path.replace(f"/{GROUP}", f"/{SIBLING}/providers{below}/../../{GROUP}"),
                            path.replace(f"/{GROUP}", f"/{SIBLING}/resourceGroups/{GROUP}"),
                            own, cloud.group(SIBLING) + path, path.replace(f"/{GROUP}", f"/{GROUP}%20"), path.replace(f"/{GROUP}", f"/%67uarded")):
                for who in intruders:
                    for method in ("GET", "DELETE"):
                        answer = who.arm(method, spelled, versions[type_])
                        self.judge(who, f"{method} {spelled}", answer, spelled + path, statuses=(400, 401, 403, 404, 405),
                                   filtered=spelled == own)

    def test_a_subscription_in_the_query(self):
        """What the path addresses counts alone."""
        sibling = intruders[2]
        for path in (f"{cloud.group(SIBLING)}/resources?$filter=" + urllib.parse.quote(f"resourceGroup eq '{GROUP}'"),
                     f"{place.subscription}/resources?$filter=" + urllib.parse.quote(f"resourceGroup eq '{GROUP}'"),
                     f"{place.subscription}/resources?$filter=" + urllib.parse.quote(f"tagName eq '{SEAL}'"),
                     f"{place.subscription}/resources?$filter=" + urllib.parse.quote(f"substringof('{SEAL}', name)"),
                     f"{place.subscription}/resourceGroups?$filter=" + urllib.parse.quote(f"tagName eq '{SEAL}'")):
            self.judge(sibling, path, sibling.arm("GET", path, RESOURCES), path, filtered=True, statuses=(400, 403))

    def test_operations(self):
        """The status and the result of what was asked for asynchronously."""
        for url in place.operations:
            target = urllib.parse.urlsplit(url)
            for who in intruders:
                # As given, and through a subscription of one's own.
                for path in (target.path, target.path.replace(cloud.scope, getattr(who, "home", cloud.scope))):
                    for method in METHODS:
                        answer = cloud.send(method, ARM, f"{path}?{target.query}", None, {"Authorization": "Bearer " + who.token()})
                        self.judge(who, f"{method} {path}", answer, url, statuses=(401, 403, 404, 405))


# Types that have nothing which their owner could be shown by GET: actions, and what is the same for everybody.
EMPTY = {"tenants", "subscriptions", "subscriptions/locations", "locations/usages", "locations/vmSizes", "skus", "providers", "resourceGroups/exportTemplate", "calculateTemplateHash",
         "resourceGroups/moveResources", "resourceGroups/validateMoveResources", "checkResourceName", "rename", "cancel", "enable",
         "providers/features", "features", "diagnosticSettingsCategories", "featureRequests", "approveFeature", "operations",
         "permissions", "providerOperations", "denyAssignments", "classicAdministrators", "elevateAccess", "vaults/accessPolicies",
         "vaults/privateLinkResources", "checkNameAvailability", "checkMhsmNameAvailability", "hypervisors", "identities",
         "virtualMachines", "aliases", "subscriptions/tagNames/tagValues"}


class DataPlane(Case):
    CAPTURES = {"name", "version", "assignment", "definition"}

    def requests(self, table, values):
        for method, pattern in routes(table):
            captures = set(re.findall(r"\{(\w+)\}", pattern))
            self.assertLessEqual(captures, self.CAPTURES, pattern)
            deleted = re.match(r"/deleted(key|secret)s/", pattern)
            name = f"vase-deleted-{deleted[1]}" if deleted else "vase-secret" if pattern.startswith("/secrets") else "vase-key"
            version = values["secret"] if pattern.startswith("/secrets") else values["key"]
            path = pattern.format(name=name, version=version, assignment=values["assignment"], definition=values["definition"])
            yield method, path

    def body(self, method, path):
        if method == "GET" or method == "DELETE":
            return None
        last = path.rsplit("/", 1)[1]
        kind = "key" if path.startswith("/keys") else "secret"
        return {"create": {"kty": "RSA"}, "restore": {"value": place.blobs[kind]}, "rng": {"count": 8}}.get(last) or (
            {"value": "intruder"} if path.startswith("/secrets") else
            {"properties": {"roleDefinitionId": "Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/"
                            "21dbd100-6940-42c2-9190-5d6cb909625b", "principalId": cloud.me()}} if "Authorization" in path else
            {"alg": "RSA-OAEP-256", "value": "AAAA", "digest": "AAAA", "target": "x", "key": {"kty": "RSA"}, "attributes": {"enabled": False}})

    def told(self, who, answer):
        """As Azure does, a vault names its own id to who is of its tenant."""
        vault = place.id("Microsoft.KeyVault/vaults", place.vault).lower()
        return vault if not isinstance(who, Foreign) and answer.code == "Forbidden" else ""

    def walk(self, host, resource, table, values):
        with self.unchanged():
            for method, path in self.requests(table, values):
                body = self.body(method, path)
                for who in intruders:
                    answer = cloud.send(method, host, f"{path}?api-version=7.6-preview.2", body,
                                        {"Authorization": "Bearer " + who.token(resource)})
                    self.judge(who, f"{method} {host}{path}", answer, host + path + self.told(who, answer), statuses=(401, 403))
                answer = cloud.send(method, host, f"{path}?api-version=7.6-preview.2", body)
                self.judge(None, f"{method} {host}{path}", answer, host + path, statuses=(401,))

    def test_vaults(self):
        values = {"key": place.key_version, "secret": place.secret, "assignment": uuid.uuid4(), "definition": uuid.uuid4()}
        self.walk(f"{place.vault}.vault.azure.net", "https://vault.azure.net", "src/vault/routes.c", values)

    def test_pools(self):
        values = {"key": place.pool_key_version, "secret": place.secret, "assignment": place.pool_assignment,
                  "definition": "21dbd100-6940-42c2-9190-5d6cb909625b"}
        host, resource = f"{place.pool}.managedhsm.azure.net", "https://managedhsm.azure.net"
        self.walk(host, resource, "src/vault/pool_routes.c", values)
        # What it shares with vaults; secrets are not among it.
        with self.unchanged():
            for method, path in self.requests("src/vault/routes.c", values):
                for who in intruders:
                    answer = cloud.send(method, host, f"{path}?api-version=7.6-preview.2", self.body(method, path),
                                        {"Authorization": "Bearer " + who.token(resource)})
                    self.judge(who, f"{method} {host}{path}", answer, host + path,
                               statuses=(400, 401) if "secrets" in path else (401, 403))

    def test_another_face(self):
        """Neither a vault's token nor its name opens a pool, nor the other way round."""
        sibling = intruders[2]
        for host, resource in ((f"{place.vault}.managedhsm.azure.net", "https://managedhsm.azure.net"),
                               (f"{place.pool}.vault.azure.net", "https://vault.azure.net"),
                               (f"{place.vault}.vault.azure.net", "https://managedhsm.azure.net"),
                               (f"{place.pool}.managedhsm.azure.net", "https://vault.azure.net")):
            for who in (sibling, *intruders[:2]):
                answer = cloud.send("GET", host, "/keys?api-version=7.4", None, {"Authorization": "Bearer " + who.token(resource)})
                self.judge(who, host, answer, host)


class Directory(Case):
    # What one's own tenant, or oneself, is shown of: without a right that is nothing of others.
    OWN = {"/me", "/me/ownedObjects", "/me/memberOf", "/me/transitiveMemberOf", "/organization", "/domains"}

    def requests(self):
        objects = place.objects
        ids = {"/users": "users", "/groups": "groups", "/applications": "applications", "/servicePrincipals": "servicePrincipals",
               "/directoryObjects": "users", "/directory/deletedItems": "gone", "/roleManagement/directory/roleAssignments": "role"}
        for method, pattern in routes("src/graph/routes.c"):
            captures = set(re.findall(r"\{(\w+)\}", pattern))
            self.assertLessEqual(captures, {"id", "other"}, pattern)
            kind = next((ids[p] for p in ids if pattern.startswith(p + "/{id}")), None)
            id_ = objects[kind]["id"] if kind else cloud.tenant if pattern.startswith("/organization") else \
                "custodisk.onmicrosoft.com" if pattern.startswith("/domains") else GLOBAL_ADMINISTRATOR
            other = objects["credential"]["id"] if "federated" in pattern else place.access["id"] if "temporary" in pattern else \
                objects["users"]["id"]
            yield method, pattern, pattern.replace("{id}", id_).replace("{other}", other)

    def body(self, method, pattern):
        if method not in ("POST", "PATCH"):
            return None
        ids = [place.objects[kind]["id"] for kind in ("users", "groups", "applications", "servicePrincipals")]
        return {**reference(intruders[2].oid), "displayName": "intruder", "ids": ids, "groupIds": ids[:2], "appId": place.objects["applications"]["appId"],
                "keyId": place.objects["password"]["keyId"], "principalId": intruders[2].oid, "roleDefinitionId": GLOBAL_ADMINISTRATOR,
                "directoryScopeId": "/", "name": "intruder", "issuer": "https://intruder.example", "subject": "x",
                "audiences": ["api://AzureADTokenExchange"]} if "$ref" not in pattern else reference(intruders[2].oid)

    def test_every_route(self):
        """A stranger's directory is its own: what it makes and finds there is not looked at here."""
        before = stored()
        for method, pattern, path in self.requests():
            body = self.body(method, pattern)
            for who in intruders:
                own = pattern in self.OWN or (isinstance(who, Foreign) and ("{" not in pattern or "roleDefinitions" in pattern))
                answer = graph(method, path, body, who.token("https://graph.microsoft.com"))
                self.judge(who, f"{method} {path}", answer, path + json.dumps(body), filtered=own or pattern.endswith("/$count"),
                           statuses=(401, 403, 404, *((200, 201, 204, 400, 409) if own else ())))
        after = stored()
        for table, rows in before.items():
            self.assertEqual(set(rows) - set(after[table]), set(), table)

    def test_without_a_token(self):
        for method, _, path in self.requests():
            answer = cloud.send(method, GRAPH, "/v1.0" + path, {} if method in ("POST", "PATCH") else None)
            self.judge(None, f"{method} {path}", answer, path, statuses=(401,))
            answer = graph(method, path, {} if method in ("POST", "PATCH") else None, cloud.token())
            self.judge(None, f"{method} {path}", answer, path, statuses=(401,))


# --- Reaching across: what one may do in a place of one's own, with the id of somebody else's ---

def template(*resources, schema="2019-04-01/deploymentTemplate", **parts):
    return {"$schema": f"https://schema.management.azure.com/schemas/{schema}.json#", "contentVersion": "1.0.0.0", **parts,
            "resources": list(resources)}


def deployment(content, parameters=None):
    return {"properties": {"mode": "Incremental", "template": content, "parameters": parameters or {}}}


def nested(name, inner, **parts):
    return {"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": name, **parts, "properties": {
        "mode": "Incremental", "template": inner, "expressionEvaluationOptions": {"scope": "inner"}}}


class Crossing(Case):
    def setUp(self):
        super().setUp()
        self.who = intruders[2]
        self.own = cloud.group(SIBLING)

    def at(self, type_, *names):
        return place.id(type_, *names).replace(f"/{GROUP}/", f"/{SIBLING}/")

    def linked(self):
        """Resources that point to another one: type, names, version, the other's type and names, and a body around its id."""
        here = {"location": "westeurope"}
        network = "Microsoft.Network/"
        subnet = (network + "virtualNetworks/subnets", ("vase-net", "vase-subnet"))
        identity = ("Microsoft.ManagedIdentity/userAssignedIdentities", ("vase-id",))
        zone = (network + "privateDnsZones", ("vase.example",))

        def machine(**parts):
            return {**here, "properties": {"hardwareProfile": {"vmSize": "Standard_DC2as_v5"}, **parts}}

        return [
            (network + "networkInterfaces", ("nic",), NETWORK, subnet, lambda id_: {**here, "properties": {
                "ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": id_}}}]}}),
            (network + "networkInterfaces", ("nic",), NETWORK, (network + "networkSecurityGroups", ("vase-nsg",)), lambda id_: {
                **here, "properties": {"networkSecurityGroup": {"id": id_}, "ipConfigurations": [
                    {"name": "a", "properties": {"subnet": {"id": self.at(subnet[0], "own-net", "own-subnet")}}}]}}),
            (network + "virtualNetworks", ("net",), NETWORK, (network + "networkSecurityGroups", ("vase-nsg",)), lambda id_: {
                **here, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [
                    {"name": "s", "properties": {"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {"id": id_}}}]}}),
            (network + "privateEndpoints", ("pe",), NETWORK, subnet, lambda id_: {**here, "properties": {
                "subnet": {"id": id_}, "privateLinkServiceConnections": [{"name": "c", "properties": {
                    "privateLinkServiceId": self.at("Microsoft.KeyVault/vaults", self.who.vault), "groupIds": ["vault"]}}]}}),
            (network + "privateEndpoints", ("pe",), NETWORK, ("Microsoft.KeyVault/vaults", (place.vault,)), lambda id_: {
                **here, "properties": {"subnet": {"id": self.at(subnet[0], "own-net", "own-subnet")}, "privateLinkServiceConnections": [
                    {"name": "c", "properties": {"privateLinkServiceId": id_, "groupIds": ["vault"]}}]}}),
            (network + "privateDnsZones/virtualNetworkLinks", ("own.example", "tie"), DNS, (network + "virtualNetworks", ("vase-net",)),
             lambda id_: {"location": "global", "properties": {"virtualNetwork": {"id": id_}}}),
            (network + "privateEndpoints/privateDnsZoneGroups", ("own-pe", "default"), NETWORK, zone, lambda id_: {"properties": {
                "privateDnsZoneConfigs": [{"name": "v", "properties": {"privateDnsZoneId": id_}}]}}),
            ("Microsoft.Compute/diskEncryptionSets", ("set",), DISKS, identity, lambda id_: {
                **here, "identity": {"type": "UserAssigned", "userAssignedIdentities": {id_: {}}}, "properties": {
                    "encryptionType": "EncryptionAtRestWithCustomerKey", "activeKey": {"keyUrl": place.key}}}),
            ("Microsoft.Compute/diskEncryptionSets", ("set",), DISKS, ("Microsoft.KeyVault/vaults", (place.vault,)), lambda id_: {
                **here, "identity": {"type": "SystemAssigned"}, "properties": {
                    "encryptionType": "EncryptionAtRestWithCustomerKey", "activeKey": {"sourceVault": {"id": id_},
                    "keyUrl": f"https://{id_.rsplit('/', 1)[1].lower()}.vault.azure.net/keys/vase-key/{place.key_version}"}}}),
            ("Microsoft.Compute/disks", ("disk",), DISKS, ("Microsoft.Compute/diskEncryptionSets", ("vase-set",)), lambda id_: {
                **here, "properties": {"diskSizeGB": 1, "creationData": {"createOption": "Empty"}, "encryption": {
                    "type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": id_}}}),
            ("Microsoft.Compute/disks", ("disk",), DISKS, ("Microsoft.Compute/disks", ("vase-disk",)), lambda id_: {
                **here, "properties": {"diskSizeGB": 1, "creationData": {"createOption": "Copy", "sourceResourceId": id_}}}),
            ("Microsoft.Compute/virtualMachines", ("machine",), MACHINES, ("Microsoft.Compute/disks", ("vase-disk",)), lambda id_: machine(
                storageProfile={"osDisk": {"createOption": "Attach", "osType": "Linux", "managedDisk": {"id": id_}}},
                networkProfile={"networkInterfaces": []})),
            ("Microsoft.Compute/virtualMachines", ("machine",), MACHINES, identity, lambda id_: {**machine(
                storageProfile={"osDisk": {"createOption": "Attach", "osType": "Linux", "managedDisk": {
                    "id": self.at("Microsoft.Compute/disks", "own-disk")}}}),
                "identity": {"type": "UserAssigned", "userAssignedIdentities": {id_: {}}}}),
            ("Microsoft.Resources/tags", ("default",), RESOURCES, identity, None),
        ]

    def refused_alike(self, what, ask, real, absent):
        """Both ids of the other's place are refused in the same words: who may not look is not told what is there."""
        there, missing = ask(real), ask(absent)
        self.judge(self.who, what, there, real, statuses=(400, 401, 403))
        # A vault's name is taken or not for everybody.
        if "/vaults/" not in real and (there.status, there.code) != (missing.status, missing.code):
            self.found.append((what, "tells what is there", there.status, there.code, missing.status, missing.code, missing.text[:200]))

    def test_links(self):
        for name, tail in (("own-net", {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": [
                {"name": "own-subnet", "properties": {"addressPrefix": "10.0.1.0/24"}}]}),):
            good(self.who.arm("PUT", self.at("Microsoft.Network/virtualNetworks", name), NETWORK, {"location": "westeurope", "properties": tail}))
        good(self.who.arm("PUT", self.at("Microsoft.Network/privateDnsZones", "own.example"), DNS, {"location": "global", "properties": {}}))
        good(self.who.arm("PUT", self.at("Microsoft.Network/privateEndpoints", "own-pe"), NETWORK, {"location": "westeurope", "properties": {
            "subnet": {"id": self.at("Microsoft.Network/virtualNetworks/subnets", "own-net", "own-subnet")},
            "privateLinkServiceConnections": [{"name": "c", "properties": {
                "privateLinkServiceId": self.at("Microsoft.KeyVault/vaults", self.who.vault), "groupIds": ["vault"]}}]}}))
        with self.unchanged():
            for type_, names, version, (other_type, other), body in self.linked():
                if not body:
                    continue
                real = place.id(other_type, *other)
                absent = real.rsplit("/", 1)[0] + "/absent"
                for spell in (str, str.upper, str.lower):
                    self.refused_alike(f"{type_} {other_type}", lambda id_: self.who.arm(
                        "PUT", self.at(type_, *names), version, body(spell(id_))), real, absent)

    def test_diagnostics(self):
        at = self.at("Microsoft.KeyVault/vaults", self.who.vault) + "/providers/Microsoft.Insights/diagnosticSettings/mine"
        for member, type_, name in (("storageAccountId", "Microsoft.Storage/storageAccounts", place.account),
                                    ("workspaceId", "Microsoft.OperationalInsights/workspaces", "vase-logs")):
            with self.unchanged():
                self.refused_alike(at, lambda id_: self.who.arm("PUT", at, DIAGNOSTICS, {"properties": {
                    member: id_, "logs": [{"category": "AuditEvent", "enabled": True}]}}), place.id(type_, name), place.id(type_, "absent"))

    def test_roles(self):
        """A custom role of another place, and one that would reach there; a principal of another tenant."""
        assignments = f"{self.own}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        definitions = f"{self.own}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"

        def assign(role, principal=self.who.oid):
            return self.who.arm("PUT", assignments, ROLES, {"properties": {"principalId": principal, "roleDefinitionId":
                                f"{place.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"}})

        def define(scope):
            return self.who.arm("PUT", definitions, ROLES, {"properties": {
                "roleName": "mine", "type": "CustomRole", "permissions": [{"actions": ["*"]}], "assignableScopes": [scope]}})

        with self.unchanged():
            self.judge(self.who, "role", assign(place.role), place.role, statuses=(400, 403, 404))
            self.judge(self.who, "principal", assign(OWNER, intruders[0].oid), "", statuses=(400, 403, 404))
            self.refused_alike("assignable", define, place.group, place.subscription + "/resourceGroups/absent")
            self.judge(self.who, "two scopes", self.who.arm("PUT", definitions, ROLES, {"properties": {
                "roleName": "mine", "type": "CustomRole", "permissions": [{"actions": ["*"]}],
                "assignableScopes": [self.own, place.group]}}), place.group)
            self.judge(self.who, "move", self.who.arm("POST", self.own + "/moveResources", RESOURCES, {
                "resources": [place.id("Microsoft.Compute/disks", "vase-disk")], "targetResourceGroup": self.own}),
                place.id("Microsoft.Compute/disks", "vase-disk"), statuses=(400, 403))

    def tried(self, content, parameters=None, who=None, group=None):
        """What a template comes to in each of the ways to ask for it."""
        who, path = who or self.who, f"{group or self.own}/providers/Microsoft.Resources/deployments/try-{uuid.uuid4()}"
        for verb in ("validate", "whatIf"):
            yield verb, who.arm("POST", f"{path}/{verb}", RESOURCES, deployment(content, parameters))
        accepted = who.arm("PUT", path, RESOURCES, deployment(content, parameters))
        if accepted.status in (200, 201):
            until = time.monotonic() + 60
            while True:
                shown = who.arm("GET", path, RESOURCES)
                if shown.json["properties"]["provisioningState"] in ("Succeeded", "Failed", "Canceled"):
                    break
                assert time.monotonic() < until, shown
                time.sleep(0.1)
            yield "PUT", shown
            yield "operations", who.arm("GET", path + "/operations", RESOURCES)
        else:
            yield "PUT", accepted

    def comes_to_nothing(self, what, content, parameters=None, asked=""):
        # An id that is written in parts comes back in one.
        asked += json.dumps(content) + json.dumps(parameters) + place.group + "/"
        for verb, answer in self.tried(content, parameters):
            self.judge(self.who, f"{what} {verb}", answer, asked, statuses=(400, 401, 403, 404), filtered=True)
            properties = (answer.json or {}).get("properties") or {}
            if answer.status == 200 and verb != "operations" and (
                    properties.get("provisioningState") == "Succeeded" or (answer.json or {}).get("status") == "Succeeded"):
                self.found.append((what, verb, answer))
            if answer.status not in (200, 400, 401, 403, 404):
                self.found.append((what, verb, answer))

    def test_functions(self):
        identity = place.id("Microsoft.ManagedIdentity/userAssignedIdentities", "vase-id")
        account = place.id("Microsoft.Storage/storageAccounts", place.account)
        for spell in (str, str.upper):
            for expression in (f"reference('{spell(identity)}', '{IDENTITIES}')", f"reference('{spell(identity)}', '{IDENTITIES}', 'Full')",
                               f"listKeys('{spell(account)}', '{STORAGE}')", f"list('{spell(account)}', '{STORAGE}')",
                               f"reference('{spell(place.group)}/providers/Microsoft.Resources/deployments/vase-deployment', '2022-09-01')",
                               f"reference('{place.group}/../{GROUP}/providers/Microsoft.Resources/deployments/vase-deployment', '2022-09-01')"):
                self.comes_to_nothing(expression, template(outputs={"o": {"type": "object", "value": f"[{expression}]"}}))
        existing = template(outputs={"o": {"type": "object", "value": "[reference('other', '2023-01-31', 'Full')]"}}, languageVersion="2.0")
        existing["resources"] = {"other": {"existing": True, "type": "Microsoft.ManagedIdentity/userAssignedIdentities",
                                           "apiVersion": IDENTITIES, "name": "vase-id", "resourceGroup": GROUP}}
        existing["outputs"]["o"]["value"] = "[reference('other', '2023-01-31', 'Full')]"
        self.comes_to_nothing("existing", existing)

    def test_other_scopes(self):
        mine = {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": "own-id", "location": "westeurope"}
        before = stored()
        for where in ({"resourceGroup": GROUP}, {"resourceGroup": GROUP.upper()}, {"subscriptionId": cloud.subscription, "resourceGroup": GROUP},
                      {"subscriptionId": cloud.subscription, "location": "westeurope"}):
            inner = template(mine) if "resourceGroup" in where else template(schema="2018-05-01/subscriptionDeploymentTemplate")
            self.comes_to_nothing(f"nested {where}", template(nested("in", inner, **where)))
            # Through one's own, to there.
            self.comes_to_nothing(f"nested twice {where}", template(nested("out", template(nested("in", inner, **where)))))
        elsewhere = intruders[0].home.rsplit("/", 1)[1]
        self.comes_to_nothing("foreign", template(nested("in", template(mine), subscriptionId=elsewhere, resourceGroup="rg")))
        for scope in (place.id("Microsoft.KeyVault/vaults", place.vault), place.group):
            self.comes_to_nothing("scope", template({
                "type": "Microsoft.Authorization/roleAssignments", "apiVersion": ROLES, "name": str(uuid.uuid4()), "scope": scope,
                "properties": {"principalId": self.who.oid, "roleDefinitionId":
                               f"{place.subscription}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"}}))
        self.comes_to_nothing("child", template({"type": "Microsoft.KeyVault/vaults/secrets", "apiVersion": VAULTS,
                                                 "name": place.vault + "/intruder", "properties": {"value": "intruder"}}))
        after = stored()
        for table in set(before) - {"deployments", "deployment_operations", "deployment_sealed", "operations", "operation_waits", "jobs"}:
            self.assertEqual(after[table], before[table], table)

    def test_references_to_secrets(self):
        vault = place.id("Microsoft.KeyVault/vaults", place.vault)
        good(cloud.arm("PATCH", vault, VAULTS, {"properties": {"enabledForTemplateDeployment": True}}))
        content = template(parameters={"s": {"type": "securestring"}}, outputs={"o": {"type": "string", "value": "[parameters('s')]"}})
        for id_ in (vault, vault.upper(), vault.replace(GROUP, SIBLING), vault + "/"):
            for name in ("vase-secret", "absent"):
                self.comes_to_nothing(f"reference {id_}", content, {"s": {"reference": {"keyVault": {"id": id_}, "secretName": name}}}, vault)

    def test_what_a_try_tells(self):
        """Of a place where one has nothing, a what-if says the same whatever is there."""
        answers = []
        for name in ("vase-id", "absent"):
            content = template({"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": name,
                                "location": "northeurope"})
            for verb, answer in self.tried(template(nested("in", content, resourceGroup=GROUP))):
                answers.append((verb, answer.status, answer.code, (answer.json.get("error") or {}).get("message", "").replace(name, "")))
        half = len(answers) // 2
        self.assertEqual([a[:3] for a in answers[:half]], [a[:3] for a in answers[half:]])


class Endings(Case):
    """Access ends when its reason does, also for what goes on after an answer."""

    def worker(self, group, role=OWNER):
        client = Client(name="worker")
        cloud.make_group(group)
        assignment = cloud.assign(cloud.group(group), client.oid, role)
        good(assignment)
        return client, assignment.json["id"]

    def slow(self, group, count):
        """Identities one after the other, more than a moment's work."""
        names = [f"worker{i}" for i in range(count)]
        return template(*({"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": name,
                           "location": "westeurope", **({"dependsOn": [names[i - 1]]} if i else {})} for i, name in enumerate(names)))

    def identities(self, group):
        return len(good(cloud.arm("GET", cloud.group(group) + "/resources", RESOURCES))["value"])

    def ended(self, path):
        until = time.monotonic() + 60
        while True:
            shown = cloud.arm("GET", path, RESOURCES)
            if shown.json["properties"]["provisioningState"] in ("Succeeded", "Failed", "Canceled"):
                return shown.json["properties"]
            self.assertLess(time.monotonic(), until, shown)
            time.sleep(0.1)

    def interrupted(self, group, end):
        """A deployment whose caller `end` changes when some of it is there."""
        client, assignment = self.worker(group)
        path = cloud.group(group) + "/providers/Microsoft.Resources/deployments/slow"
        good(client.arm("PUT", path, RESOURCES, deployment(self.slow(group, 700))))
        until = time.monotonic() + 60
        while self.identities(group) < 3:
            self.assertLess(time.monotonic(), until)
        end(client, assignment)
        made = self.identities(group)
        state = self.ended(path)
        self.assertEqual(state["provisioningState"], "Failed", state)
        self.assertLess(made, 700, "it was over too soon to tell")
        # One may have been under way.
        self.assertLessEqual(self.identities(group), made + 1)
        return state

    def test_a_deployment_without_its_callers_role(self):
        state = self.interrupted("ending-role", lambda client, assignment: good(cloud.arm("DELETE", assignment, ROLES)))
        self.assertIn("AuthorizationFailed", json.dumps(state["error"]))

    def delete(self, client, _):
        good(graph("DELETE", f"/servicePrincipals/{client.oid}"), 204)

    def disable(self, client, _):
        good(graph("PATCH", f"/servicePrincipals/{client.oid}", {"accountEnabled": False}), 204)

    def test_a_deployment_without_its_caller(self):
        for name, end in (("deleted", self.delete), ("disabled", self.disable)):
            with self.subTest(name):
                state = self.interrupted("ending-" + name, end)
                self.assertIn("AuthorizationFailed", json.dumps(state["error"]))

    def test_a_deletion_without_its_caller(self):
        for name, end in (("role", lambda client, assignment: good(cloud.arm("DELETE", assignment, ROLES))),
                          ("deleted", self.delete), ("disabled", self.disable)):
            with self.subTest(name):
                group = "deletion-" + name
                client, assignment = self.worker(group)
                path = cloud.group(group) + "/providers/Microsoft.Resources/deployments/fill"
                good(cloud.arm("PUT", path, RESOURCES, deployment(template(*(
                    {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": f"worker{i}",
                     "location": "westeurope"} for i in range(500))))))
                self.assertEqual(self.ended(path)["provisioningState"], "Succeeded")
                accepted = client.arm("DELETE", cloud.group(group), RESOURCES)
                self.assertEqual(accepted.status, 202, accepted)
                until = time.monotonic() + 60
                while self.identities(group) > 497:
                    self.assertLess(time.monotonic(), until)
                end(client, assignment)
                left = self.identities(group)
                state = cloud.wait(accepted)
                self.assertEqual(state["status"], "Failed", state)
                self.assertGreater(left, 1, "it was over too soon to tell")
                self.assertGreaterEqual(self.identities(group), left - 1)
                shown = good(cloud.arm("GET", cloud.group(group), RESOURCES))
                self.assertEqual(shown["properties"]["provisioningState"], "Succeeded")

    def test_a_group_that_is_left(self):
        client = Client(name="member")
        cloud.make_group("by-membership")
        outer, inner = (good(graph("POST", "/groups", {"displayName": name, "mailEnabled": False, "mailNickname": name,
                                                       "securityEnabled": True}))["id"] for name in ("outer", "inner"))
        good(graph("POST", f"/groups/{outer}/members/$ref", reference(inner)), 204)
        good(graph("POST", f"/groups/{inner}/members/$ref", reference(client.oid)), 204)
        good(cloud.arm("PUT", f"{cloud.group('by-membership')}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", ROLES, {
            "properties": {"principalId": outer, "principalType": "Group", "roleDefinitionId":
                           f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"}}))

        def reads():
            return client.arm("GET", cloud.group("by-membership"), RESOURCES).status
        self.assertEqual(reads(), 200)
        good(graph("DELETE", f"/groups/{inner}/members/{client.oid}/$ref"), 204)
        self.assertEqual(reads(), 403)
        good(graph("POST", f"/groups/{inner}/members/$ref", reference(client.oid)), 204)
        self.assertEqual(reads(), 200)
        good(graph("DELETE", f"/groups/{outer}/members/{inner}/$ref"), 204)
        self.assertEqual(reads(), 403)
        good(graph("POST", f"/groups/{outer}/members/$ref", reference(inner)), 204)
        good(graph("DELETE", f"/groups/{outer}"), 204)
        self.assertEqual(reads(), 403)

    def test_a_token_of_who_is_gone(self):
        client, _ = self.worker("ending-token")
        for resource in ("https://vault.azure.net", "https://graph.microsoft.com"):
            client.token(resource)
        self.assertEqual(client.arm("GET", cloud.group("ending-token"), RESOURCES).status, 200)
        self.disable(client, None)
        self.assertEqual(client.arm("GET", cloud.group("ending-token"), RESOURCES).status, 401)
        self.assertEqual(cloud.vault("GET", place.vault, "/keys", None, client.token("https://vault.azure.net")).status, 401)
        self.assertEqual(graph("GET", "/me", None, client.token("https://graph.microsoft.com")).status, 401)
        good(graph("PATCH", f"/servicePrincipals/{client.oid}", {"accountEnabled": True}), 204)
        self.assertEqual(client.arm("GET", cloud.group("ending-token"), RESOURCES).status, 200)
        self.delete(client, None)
        self.assertEqual(client.arm("GET", cloud.group("ending-token"), RESOURCES).status, 401)


class Secrets(Case):
    """A value that was given as secure does not come back."""

    def setUp(self):
        super().setUp()
        self.secret = "kept-" + uuid.uuid4().hex
        cloud.make_group("secrets")
        self.declared = {"s": {"type": "securestring"}, "o": {"type": "secureObject"}}
        self.given = {"s": {"value": self.secret}, "o": {"value": {"in": self.secret}}}

    def shown(self, content, parameters=None):
        """All that can be asked of a deployment."""
        name = f"secret-{uuid.uuid4()}"
        path = f"{cloud.group('secrets')}/providers/Microsoft.Resources/deployments/{name}"
        body = deployment(content, parameters or self.given)
        body["properties"]["debugSetting"] = {"detailLevel": "requestContent,responseContent"}
        for verb in ("validate", "whatIf"):
            yield verb, cloud.arm("POST", f"{path}/{verb}", RESOURCES, body).text
        accepted = cloud.arm("PUT", path, RESOURCES, body)
        yield "PUT", accepted.text
        if accepted.status in (200, 201):
            yield "operation", json.dumps(cloud.wait(accepted))
            found = good(cloud.arm("GET", f"{cloud.group('secrets')}/providers/Microsoft.Resources/deployments", RESOURCES))
            for one in found["value"]:
                yield "GET", cloud.arm("GET", one["id"], RESOURCES).text
                yield "operations", cloud.arm("GET", one["id"] + "/operations", RESOURCES).text
                yield "exportTemplate", cloud.arm("POST", one["id"] + "/exportTemplate", RESOURCES, {}).text

    def around(self):
        """And of the group, the log and the store."""
        yield "export", cloud.arm("POST", cloud.group("secrets") + "/exportTemplate", RESOURCES, {"resources": ["*"]}).text
        yield "log", cloud.arm("GET", cloud.scope + "/providers/Microsoft.Insights/eventtypes/management/values?$filter=" + urllib.parse.quote(
            "eventTimestamp ge '2020-01-01T00:00:00Z' and resourceGroupName eq 'secrets'"), "2015-04-01").text
        for folder in ("store", "log"):
            for name in os.listdir(os.path.join(cloud.dir, folder)):
                with open(os.path.join(cloud.dir, folder, name), "rb") as f:
                    yield name, f.read().decode("latin-1")

    def never(self, what, content, parameters=None):
        for where, text in [*self.shown(content, parameters), *self.around()]:
            at = text.find(self.secret)
            if at >= 0:
                self.found.append((what, where, text[max(0, at - 200):at + 60]))

    def test_the_deployment_itself(self):
        for name, expression in (("all", "[deployment()]"), ("given", "[deployment().properties.parameters]"), ("text", "[string(deployment())]")):
            output = {"d": {"type": "string" if name == "text" else "object", "value": expression}}
            self.never(name, template(parameters=self.declared, outputs=output))
            self.never(name + " inside", template(
                {**nested("told", template(parameters=self.declared, outputs=output)), "properties": {
                    "mode": "Incremental", "template": template(parameters=self.declared, outputs=output),
                    "expressionEvaluationOptions": {"scope": "inner"},
                    "parameters": {"s": {"value": "[parameters('s')]"}, "o": {"value": "[parameters('o')]"}}}}, parameters=self.declared))
        self.never("variable", template(parameters=self.declared, variables={"d": "[deployment().properties.parameters]"},
                                        outputs={"d": {"type": "object", "value": "[variables('d')]"}}))

    def test_types_with_secure_parts(self):
        declared = {"p": {"$ref": "#/definitions/pair"}, "l": {"type": "array", "items": {"$ref": "#/definitions/pair"}}}
        parts = {"languageVersion": "2.0", "parameters": declared, "definitions": {"pair": {"type": "object", "properties": {
            "open": {"type": "string"}, "hidden": {"type": "securestring"}}}}}
        content = template(outputs={"d": {"type": "object", "value": "[deployment().properties.parameters]"},
                                    "p": {"$ref": "#/definitions/pair", "value": "[parameters('p')]"}}, **parts)
        content["resources"] = {}
        pair = {"open": "seen", "hidden": self.secret}
        self.never("parts", content, {"p": {"value": pair}, "l": {"value": [pair]}})

    def test_what_a_vault_keeps(self):
        name = f"kept-{uuid.uuid4().hex[:8]}"
        good(cloud.arm("PUT", f"{cloud.group('secrets')}/providers/Microsoft.KeyVault/vaults/{name}", VAULTS, {
            "location": "westeurope", "properties": {"tenantId": cloud.tenant, "sku": {"family": "A", "name": "standard"},
                                                     "enableRbacAuthorization": True, "enabledForTemplateDeployment": True}}))
        keeps = {"type": "Microsoft.KeyVault/vaults/secrets", "apiVersion": VAULTS, "name": name + "/kept",
                 "properties": {"value": "[parameters('s')]"}}
        output = {"r": {"type": "object", "value": f"[reference(resourceId('Microsoft.KeyVault/vaults/secrets', '{name}', 'kept'), '{VAULTS}', 'Full')]"}}
        self.never("kept", template(keeps, parameters=self.declared, outputs=output))
        # Once it is there, a what-if compares it.
        self.never("kept again", template(keeps, parameters=self.declared))
        # As a parameter from there.
        reference = {"s": {"reference": {"keyVault": {"id": f"{cloud.group('secrets')}/providers/Microsoft.KeyVault/vaults/{name}"},
                                         "secretName": "kept"}}}
        for type_ in ("securestring", "string"):
            self.never("reference to a " + type_, template(parameters={"s": {"type": type_}}, outputs={
                "d": {"type": "object", "value": "[deployment()]"}}), reference)

    def test_errors(self):
        """What refuses a value may quote it."""
        identity = {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": "quoted"}
        for what, resource in (("location", {**identity, "location": "[parameters('s')]"}),
                               ("tag", {**identity, "location": "westeurope", "tags": {"a": {"b": "[parameters('s')]"}}}),
                               ("tenant", {"type": "Microsoft.KeyVault/vaults", "apiVersion": VAULTS, "name": "quoted-" + self.secret[-8:],
                                           "location": "westeurope", "properties": {"tenantId": "[parameters('s')]", "sku": {
                                               "family": "A", "name": "standard"}}}),
                               ("key", {"type": "Microsoft.Compute/diskEncryptionSets", "apiVersion": DISKS, "name": "quoted",
                                        "location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {
                                            "encryptionType": "EncryptionAtRestWithCustomerKey",
                                            "activeKey": {"keyUrl": "[concat('https://', parameters('s'))]"}}})):
            self.never(what, template(resource, parameters=self.declared))
        for what, expression in (("int", "[int(parameters('s'))]"), ("json", "[json(parameters('s'))]"), ("fail", "[fail(parameters('s'))]"),
                                 ("reference", "[reference(parameters('s'))]"), ("base64", "[base64ToString(parameters('s'))]")):
            self.never(what, template(parameters=self.declared, outputs={"x": {"type": "object", "value": expression}}))
        self.never("not one of", template(parameters={**self.declared, "s": {"type": "securestring", "allowedValues": ["a"]}}))
        self.never("too long", template(parameters={**self.declared, "s": {"type": "securestring", "maxLength": 3}}))
        self.never("no such", template(parameters={"o": self.declared["o"]}))

    def test_evaluated_outside(self):
        """A template that another one writes has the values in its text: it is not shown."""
        inner = template({"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": IDENTITIES, "name": "outside",
                          "location": "westeurope", "condition": "[equals(parameters('s'), 'x')]"})
        self.never("outside", template({"type": "Microsoft.Resources/deployments", "apiVersion": "2022-09-01", "name": "outside",
                                        "properties": {"mode": "Incremental", "template": {**inner, "variables": {"v": "[parameters('s')]"}},
                                                       "expressionEvaluationOptions": {"scope": "outer"}}}, parameters=self.declared))


if __name__ == "__main__":
    unittest.main()
