#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Managed HSM pool from its making to its purge: roles of its own, symmetric keys, and a disk under one of its keys."""

import base64
import json
import os
import unittest
import uuid

from harness import VAULTS, Case, Instance

POOLS = "Microsoft.KeyVault/managedHSMs"
HSM = "https://managedhsm.azure.net"
CRYPTO_USER = "21dbd100-6940-42c2-9190-5d6cb909625b"
SERVICE_ENCRYPTION_USER = "33413926-3206-4cdd-b39a-83574fe37a17"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
AUTHORIZATION = "/providers/Microsoft.Authorization"


def setUpModule():
    global cloud
    cloud = Instance("--cache-seconds", "2")
    cloud.up()
    cloud.make_group()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def path(name):
    return cloud.id(POOLS, name)


def body(**properties):
    return {"location": "westeurope", "sku": {"family": "B", "name": "Standard_B1"},
            "properties": {"tenantId": cloud.tenant, "initialAdminObjectIds": [cloud.me()], **properties}}


def make(name, **properties):
    return cloud.arm("PUT", path(name), VAULTS, body(**properties))


def call(method, name, url, content=None, token=None, version="7.4"):
    separator = "&" if "?" in url else "?"
    return cloud.send(method, f"{name}.managedhsm.azure.net", f"{url}{separator}api-version={version}", content,
                      {"Authorization": "Bearer " + (token or cloud.token(HSM))})


def assign(name, role, principal=None, scope="/"):
    return call("PUT", name, f"/{scope}{AUTHORIZATION}/roleAssignments/{uuid.uuid4()}", {"properties": {
        "roleDefinitionId": f"Microsoft.KeyVault{AUTHORIZATION}/roleDefinitions/{role}",
        "principalId": principal or cloud.me()}})


class ControlPlane(Case):
    def test_life_of_a_pool(self):
        available = f"{cloud.scope}/providers/Microsoft.KeyVault/checkMhsmNameAvailability"
        deleted = f"{cloud.scope}/providers/Microsoft.KeyVault"
        self.assertTrue(self.good(cloud.arm("POST", available, VAULTS, {"name": "life"}))["nameAvailable"])
        pool = self.good(make("life", softDeleteRetentionInDays=7))
        self.assertEqual(pool["type"], POOLS)
        self.assertEqual(pool["sku"], {"family": "B", "name": "Standard_B1"})
        self.assertEqual(pool["properties"]["hsmUri"], "https://life.managedhsm.azure.net/")
        self.assertEqual(pool["properties"]["provisioningState"], "Succeeded")
        self.assertEqual(pool["properties"]["initialAdminObjectIds"], [cloud.me()])
        self.assertEqual(pool["properties"]["securityDomainProperties"]["activationStatus"], "Active")
        self.assertFalse(pool["properties"]["enablePurgeProtection"])
        self.assertEqual(self.good(cloud.arm("POST", available, VAULTS, {"name": "life"}))["reason"], "AlreadyExists")
        self.assertEqual(self.good(cloud.arm("POST", available, VAULTS, {"name": "1"}))["reason"], "AccountNameInvalid")

        self.assertEqual(self.good(cloud.arm("PATCH", path("life"), VAULTS, {"tags": {"a": "b"}}))["tags"], {"a": "b"})
        listed = self.good(cloud.arm("GET", f"{cloud.scope}/providers/{POOLS}", VAULTS))["value"]
        self.assertIn("life", [p["name"] for p in listed])

        self.good(assign("life", CRYPTO_USER), 201)
        self.good(call("POST", "life", "/keys/kept/create", {"kty": "oct"}))
        self.good(cloud.arm("DELETE", path("life"), VAULTS))
        self.assertEqual(call("GET", "life", "/keys/kept").status, 404)
        self.refuse(make("life"), 409, "Conflict", "deleted state")
        there = self.good(cloud.arm("GET", f"{deleted}/locations/westeurope/deletedManagedHSMs/life", VAULTS))
        self.assertEqual(there["properties"]["mhsmId"].lower(), path("life").lower())
        self.assertIn("life", [p["name"] for p in self.good(cloud.arm("GET", f"{deleted}/deletedManagedHSMs", VAULTS))["value"]])
        # What is deleted among the pools is no deleted vault.
        self.assertNotIn("life", str(self.good(cloud.arm("GET", f"{deleted}/deletedVaults", VAULTS))))
        self.assertEqual(cloud.arm("GET", f"{deleted}/locations/westeurope/deletedVaults/life.managedhsm", VAULTS).status, 404)
        self.assertEqual(cloud.arm("POST", f"{deleted}/locations/westeurope/deletedVaults/life.managedhsm/purge", VAULTS).status, 404)

        # Recovered, it is what it was, roles and all.
        self.good(make("life", createMode="recover"))
        self.good(call("GET", "life", "/keys/kept"))
        self.good(cloud.arm("DELETE", path("life"), VAULTS))
        self.good(cloud.arm("POST", f"{deleted}/locations/westeurope/deletedManagedHSMs/life/purge", VAULTS), 202)
        self.good(make("life"))
        self.refuse(call("GET", "life", "/keys"), 403, "AccessDenied")

    def test_refusals(self):
        for change, words in (
                ({"initialAdminObjectIds": []}, "initialAdminObjectIds"), ({"initialAdminObjectIds": None}, "initialAdminObjectIds"),
                ({"initialAdminObjectIds": ["me"]}, "GUID"), ({"tenantId": str(uuid.uuid4())}, "tenantId"),
                ({"softDeleteRetentionInDays": 6}, "between 7 and 90"), ({"enableSoftDelete": False}, "enableSoftDelete"),
                ({"publicNetworkAccess": "Perhaps"}, "publicNetworkAccess"), ({"regions": [{"name": "eastus"}]}, "regions")):
            self.refuse(make("refused", **change), 400, "BadRequest", words)
        self.assertEqual(cloud.arm("GET", path("refused"), VAULTS).status, 404)
        for sku in ({"family": "A", "name": "premium"}, {"family": "B", "name": "premium"}, None):
            self.refuse(cloud.arm("PUT", path("refused"), VAULTS, {**body(), "sku": sku}), 400, "BadRequest", "sku")
        self.refuse(make("two--hyphens"), 400, "BadRequest", "invalid")

    def test_what_cannot_be_changed(self):
        self.good(make("fixed", enablePurgeProtection=True, softDeleteRetentionInDays=7))
        self.good(make("fixed", softDeleteRetentionInDays=7))
        self.refuse(make("fixed", softDeleteRetentionInDays=8), 400, "BadRequest", "softDeleteRetentionInDays")
        self.refuse(make("fixed", softDeleteRetentionInDays=7, enablePurgeProtection=False), 400, "BadRequest", "irreversible")
        self.refuse(make("fixed", softDeleteRetentionInDays=7, initialAdminObjectIds=[str(uuid.uuid4())]), 400, "BadRequest",
                    "initialAdminObjectIds")
        self.good(cloud.arm("DELETE", path("fixed"), VAULTS))
        self.assertEqual(cloud.arm("POST", f"{cloud.scope}/providers/Microsoft.KeyVault/locations/westeurope/deletedManagedHSMs/fixed/purge",
                                   VAULTS).status, 400)

    def test_network_rules(self):
        rules = {"bypass": "None", "defaultAction": "Deny", "ipRules": [{"value": "20.0.0.0/8"}]}
        shown = self.good(make("walled", networkAcls=rules))["properties"]
        self.assertEqual(shown["networkAcls"]["defaultAction"], "Deny")
        self.good(cloud.arm("PATCH", path("walled"), VAULTS, {"properties": {"publicNetworkAccess": "Disabled"}}))
        self.refuse(call("GET", "walled", "/keys"), 403, "Forbidden", "Public network access is disabled")


class DataPlane(Case):
    @classmethod
    def setUpClass(cls):
        assert make("pool", enablePurgeProtection=True).status == 200
        # The administrator of a pool cannot use a key of it, and who owns the subscription even less.
        assert call("POST", "pool", "/keys/early/create", {"kty": "oct"}).status == 403
        assert assign("pool", CRYPTO_USER).status == 201

    def test_roles_of_azure_give_nothing(self):
        other = cloud.make_identity("id-other")["principalId"]
        self.good(cloud.assign(path("pool"), other, CONTRIBUTOR), 201)
        with open(os.path.join(cloud.dir, "host.json")) as f:
            host = json.load(f)
        token = cloud.token_answer(HSM, client=host["clientId"], secret=host["clientSecret"]).json["access_token"]
        self.refuse(call("GET", "pool", "/keys", token=token), 403, "AccessDenied",
                    "Not authorized to access Microsoft.KeyVault/managedHsm/keys/read/action on /keys (Activity ID: ")
        self.refuse(call("POST", "pool", "/rng", {"count": 8}, token=token), 403, "AccessDenied", "rng/action on /")
        # A vault's token is none of the pool's.
        self.assertEqual(call("GET", "pool", "/keys", token=cloud.token("https://vault.azure.net")).status, 401)

    def test_symmetric_keys(self):
        key = self.good(call("POST", "pool", "/keys/aes/create", {"kty": "oct-HSM", "key_size": 256}))["key"]
        self.assertEqual(key["kty"], "oct-HSM")
        self.assertTrue(key["kid"].startswith("https://pool.managedhsm.azure.net/keys/aes/"))
        secret = encode(bytes(range(32)))
        wrapped = self.good(call("POST", "pool", "/keys/aes/wrapkey", {"alg": "A256KW", "value": secret}))
        self.assertEqual(len(wrapped["value"]), len(encode(bytes(40))))
        back = self.good(call("POST", "pool", "/keys/aes/unwrapkey", {"alg": "A256KW", "value": wrapped["value"]}))
        self.assertEqual(back["value"], secret)
        text = encode(b"fifteen letters")
        sealed = self.good(call("POST", "pool", "/keys/aes/encrypt", {"alg": "A256GCM", "value": text, "aad": encode(b"for")}))
        request = {"alg": "A256GCM", "value": sealed["value"], "iv": sealed["iv"], "tag": sealed["tag"], "aad": encode(b"for")}
        self.assertEqual(self.good(call("POST", "pool", "/keys/aes/decrypt", request))["value"], text)
        self.refuse(call("POST", "pool", "/keys/aes/decrypt", {**request, "aad": encode(b"not")}), 400, "BadParameter")
        iv = encode(bytes(16))
        padded = self.good(call("POST", "pool", "/keys/aes/encrypt", {"alg": "A256CBCPAD", "value": text, "iv": iv}))
        opened = self.good(call("POST", "pool", "/keys/aes/decrypt", {"alg": "A256CBCPAD", "value": padded["value"], "iv": iv}))
        self.assertEqual(opened["value"], text)

    def test_random_bytes(self):
        value = self.good(call("POST", "pool", "/rng", {"count": 128}))["value"]
        self.assertEqual(len(base64.urlsafe_b64decode(value + "==")), 128)
        self.refuse(call("POST", "pool", "/rng", {"count": 129}), 400, "BadParameter", "between 1 and 128")

    def test_every_request_is_recorded(self):
        self.good(call("POST", "pool", "/rng", {"count": 1}))
        found = cloud.sql("SELECT record FROM audit WHERE vault = 'pool.managedhsm' ORDER BY rowid DESC")
        record = json.loads(found[0][0])
        self.assertEqual(record["operationName"], "RandomBytesGet")
        self.assertIn("/MANAGEDHSMS/POOL", record["resourceId"])

    def test_a_disk_under_a_key_of_the_pool(self):
        identity = cloud.make_identity()
        self.good(assign("pool", SERVICE_ENCRYPTION_USER, identity["principalId"]), 201)
        first = self.good(call("POST", "pool", "/keys/disks/create", {"kty": "RSA", "key_size": 3072}))["key"]["kid"]
        cloud.make_set("set", first, kind="EncryptionAtRestWithCustomerKey")
        cloud.done(cloud.make_disk("disk", "set", confidential=False))
        self.assertEqual(cloud.inspect("disk")["keyUrl"], first)
        second = self.good(call("POST", "pool", "/keys/disks/create", {"kty": "RSA", "key_size": 3072}))["key"]["kid"]
        cloud.done(cloud.update_set("set", second))
        self.assertEqual(cloud.inspect("disk")["keyUrl"], second)
        # A symmetric key cannot be a set's.
        other = self.good(call("POST", "pool", "/keys/noset/create", {"kty": "oct"}))["key"]["kid"]
        self.assertEqual(cloud.update_set("set", other).status, 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
