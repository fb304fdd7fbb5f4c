#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The control plane of vaults, their keys and secrets, and of managed identities: what Azure Resource Manager serves of them."""

import base64
import concurrent.futures
import json
import os
import time
import unittest
import uuid

from harness import IDENTITIES, VAULTS, Case, Instance

VAULT = "Microsoft.KeyVault/vaults"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
CONTRIBUTOR = "f25e0fa2-a7c8-4377-a976-54943a77a395"  # Key Vault Contributor
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


def setUpModule():
    global cloud
    cloud = Instance()
    cloud.up()
    cloud.make_group()
    cloud.make_vault("kv-arm", enablePurgeProtection=None)
    cloud.make_vault("kv-plain", officer=False, sku={"family": "A", "name": "standard"}, enablePurgeProtection=None)


def tearDownModule():
    cloud.__exit__()


def path(vault, *parts):
    return "/".join([cloud.id(VAULT, vault), *parts])


class Keys(Case):
    def put(self, name, vault="kv-arm", token=None, tags=None, **properties):
        body = {"properties": properties}
        if tags is not None:
            body["tags"] = tags
        return cloud.arm("PUT", path(vault, "keys", name), VAULTS, body, token)

    def test_a_key_as_a_template_has_it(self):
        made = self.good(self.put("cmk", kty="RSA-HSM", keySize=3072, keyOps=["wrapKey", "unwrapKey"], tags={"use": "disks"},
                                  attributes={"enabled": True, "exp": 4000000000},
                                  rotationPolicy={"attributes": {"expiryTime": "P1Y"}, "lifetimeActions": [
                                      {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "notify"}}]}))
        self.assertEqual((made["id"], made["name"], made["type"], made["location"], made["tags"]),
                         (path("kv-arm", "keys", "cmk"), "cmk", VAULT + "/keys", "westeurope", {"use": "disks"}))
        shown = made["properties"]
        self.assertEqual((shown["kty"], shown["keySize"], shown["keyOps"]), ("RSA-HSM", 3072, ["wrapKey", "unwrapKey"]))
        self.assertEqual(shown["attributes"]["exp"], 4000000000)
        self.assertEqual(shown["attributes"]["recoveryLevel"], "Recoverable+Purgeable")
        policy = shown["rotationPolicy"]
        self.assertEqual(policy["lifetimeActions"], [{"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "notify"}}])
        self.assertEqual(policy["attributes"]["expiryTime"], "P1Y")
        self.assertEqual(shown["keyUri"], "https://kv-arm.vault.azure.net/keys/cmk")
        self.assertTrue(shown["keyUriWithVersion"].startswith(shown["keyUri"] + "/"))

        # It is the key that the data plane has, and it works.
        version = shown["keyUriWithVersion"].rsplit("/", 1)[1]
        bundle = self.good(cloud.vault("GET", "kv-arm", "/keys/cmk"))
        self.assertEqual(bundle["key"]["kid"], shown["keyUriWithVersion"])
        secret = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        wrapped = self.good(cloud.vault("POST", "kv-arm", f"/keys/cmk/{version}/wrapkey", {"alg": "RSA-OAEP-256", "value": secret}))
        back = self.good(cloud.vault("POST", "kv-arm", f"/keys/cmk/{version}/unwrapkey",
                                     {"alg": "RSA-OAEP-256", "value": wrapped["value"]}))
        self.assertEqual(back["value"], secret)
        self.assertEqual(self.good(cloud.vault("GET", "kv-arm", "/keys/cmk/rotationpolicy"))["attributes"]["expiryTime"], "P1Y")

        # GET is what PUT answered; a PUT over it changes nothing.
        self.assertEqual(self.good(cloud.arm("GET", path("kv-arm", "keys", "cmk"), VAULTS)), made)
        self.assertEqual(self.good(self.put("cmk", kty="EC", attributes={"enabled": False})), made)
        self.assertEqual(self.good(self.put("CMK", kty="nonsense")), made)
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM vault_versions WHERE vault = 'kv-arm' AND name = 'cmk'"), [(1,)])

        # And it is in the vault's log, with who made it.
        (record,), (policy_record,) = cloud.sql("SELECT record FROM audit WHERE vault = 'kv-arm' AND operation IN ('KeyCreate',"
                                           " 'KeyRotationPolicySet') AND record LIKE '%keys/cmk/%' ORDER BY operation")
        record = json.loads(record)
        self.assertEqual((record["operationName"], record["properties"]["id"], record["identity"]["claim"]["appid"]),
                         ("KeyCreate", shown["keyUriWithVersion"], cloud.client))
        self.assertEqual(json.loads(policy_record)["operationName"], "KeyRotationPolicySet")

    def test_other_kinds(self):
        self.assertEqual(self.good(self.put("plain", kty="RSA"))["properties"]["keyOps"],
                         ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        curve = self.good(self.put("curve", kty="EC", curveName="P-384"))["properties"]
        self.assertEqual((curve["kty"], curve["curveName"], curve["keyOps"]), ("EC", "P-384", ["sign", "verify"]))
        self.assertNotIn("keySize", curve)
        self.assertNotIn("rotationPolicy", curve)
        data = base64.urlsafe_b64encode(json.dumps({"version": "1.0.0", "anyOf": [
            {"authority": "https://sharedweu.weu.attest.azure.net", "allOf": [
                {"claim": "x-ms-attestation-type", "equals": "sevsnpvm"}]}]}).encode()).rstrip(b"=").decode()
        released = self.good(self.put("released", kty="RSA-HSM", keyOps=["wrapKey", "unwrapKey", "release"],
                                      attributes={"exportable": True}, release_policy={"data": data}))["properties"]
        self.assertTrue(released["attributes"]["exportable"])
        self.assertEqual(released["keyOps"], ["wrapKey", "unwrapKey"])
        self.assertIn("data", released["release_policy"])

    def test_what_is_refused(self):
        for words, properties in (
                ("'kty' is required", {}), ("Invalid kty", {"kty": "oct-HSM"}), ("Invalid kty", {"kty": "DSA"}),
                ("key_size", {"kty": "RSA", "keySize": "2048"}), ("", {"kty": "RSA", "keySize": 1024}),
                ("crv", {"kty": "EC", "curveName": "P-1"}), ("key_ops", {"kty": "RSA", "keyOps": ["release"]}),
                ("key_ops", {"kty": "EC", "keyOps": ["wrapKey"]}), ("attributes", {"kty": "RSA", "attributes": []}),
                ("AKV.SKR.1004", {"kty": "RSA-HSM", "attributes": {"exportable": True}}),
                ("rotationPolicy", {"kty": "RSA", "rotationPolicy": []}),
                ("at least 28 days", {"kty": "RSA", "rotationPolicy": {"attributes": {"expiryTime": "P1D"}}}),
                ("Rotate or Notify", {"kty": "RSA", "rotationPolicy": {"lifetimeActions": [
                    {"trigger": {"timeBeforeExpiry": "P30D"}, "action": {"type": "sing"}}]}})):
            self.refuse(self.put("bad", **properties), 400, "BadParameter", words)
        self.refuse(self.put("b_d", kty="RSA"), 400, "BadParameter", "1 to 127 letters")
        self.refuse(cloud.arm("PUT", path("kv-arm", "keys", "bad"), VAULTS, {}), 400, "BadParameter", "'properties'")
        self.refuse(cloud.arm("PUT", path("kv-arm", "keys", "bad"), VAULTS, b"{"), 400, "InvalidRequestContent")
        self.refuse(self.put("bad", "kv-plain", kty="RSA-HSM"), 400, "BadParameter", "standard vault")
        self.refuse(self.put("k", "kv-none", kty="RSA"), 404, "ParentResourceNotFound", "kv-none")
        self.refuse(cloud.arm("GET", path("kv-arm", "keys", "none"), VAULTS), 404, "KeyNotFound", "none")
        self.refuse(cloud.arm("DELETE", path("kv-arm", "keys", "none"), VAULTS), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("PATCH", path("kv-arm", "keys", "none"), VAULTS, {}), 405, "MethodNotAllowed")
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM vault_objects WHERE name IN ('bad', 'b_d')"), [(0,)])

    def test_rights(self):
        token = cloud.host_token()
        principal = cloud.claims(token)["oid"]
        self.refuse(self.put("k", token=token, kty="RSA"), 403, "AuthorizationFailed", VAULT + "/keys/write")
        self.refuse(cloud.arm("GET", path("kv-arm", "keys"), VAULTS, token=token), 403, "AuthorizationFailed", VAULT + "/keys/read")
        # Who may only manage one vault may not in another; and has the control plane's permission, not the data plane's.
        self.good(cloud.assign(path("kv-plain"), principal, CONTRIBUTOR), 201)
        self.good(self.put("made", "kv-plain", token, kty="RSA"))
        self.refuse(self.put("k", token=token, kty="RSA"), 403, "AuthorizationFailed")
        refused = cloud.vault("GET", "kv-plain", "/keys/made", token=cloud.host_token("https://vault.azure.net"))
        self.assertEqual(refused.status, 403, refused)

    def test_lists_and_versions(self):
        for i in range(27):
            self.good(self.put(f"many{i:02}", "kv-plain", kty="EC"))
        found = sum(cloud.follow(cloud.arm("GET", path("kv-plain", "keys"), VAULTS)), [])
        names = [item["name"] for item in found]
        self.assertEqual([n for n in names if n.startswith("many")], [f"many{i:02}" for i in range(27)])
        self.assertEqual(found[-1]["properties"]["keyUri"], "https://kv-plain.vault.azure.net/keys/many26")
        self.assertEqual(len(self.good(cloud.arm("GET", path("kv-plain", "keys") + "?$top=3", VAULTS))["value"]), 3)
        self.assertEqual(sum(map(len, cloud.follow(cloud.arm("GET", path("kv-plain", "keys") + "?$top=9", VAULTS)))), len(found))
        self.refuse(cloud.arm("GET", path("kv-plain", "keys") + "?$top=0", VAULTS), 400, "InvalidTop")

        first = self.good(self.put("turns", kty="RSA"))["properties"]["keyUriWithVersion"].rsplit("/", 1)[1]
        self.good(cloud.vault("POST", "kv-arm", "/keys/turns/rotate"))
        versions = sum(cloud.follow(cloud.arm("GET", path("kv-arm", "keys", "turns", "versions"), VAULTS)), [])
        self.assertEqual(len(versions), 2)
        self.assertIn(first, [v["name"] for v in versions])
        one = self.good(cloud.arm("GET", path("kv-arm", "keys", "turns", "versions", first), VAULTS))
        self.assertEqual((one["name"], one["type"], one["id"]),
                         (first, VAULT + "/keys/versions", path("kv-arm", "keys", "turns", "versions", first)))
        self.assertTrue(one["properties"]["keyUriWithVersion"].endswith(first))
        self.refuse(cloud.arm("GET", path("kv-arm", "keys", "turns", "versions", "0" * 32), VAULTS), 404, "KeyNotFound")
        self.refuse(cloud.arm("GET", path("kv-arm", "keys", "turns", "versions", "x"), VAULTS), 400, "BadParameter")
        self.refuse(cloud.arm("GET", path("kv-arm", "keys", "none", "versions"), VAULTS), 404, "KeyNotFound")

    def test_a_deleted_name_is_taken(self):
        self.good(self.put("gone", kty="EC"))
        self.good(cloud.vault("DELETE", "kv-arm", "/keys/gone"))
        self.refuse(cloud.arm("GET", path("kv-arm", "keys", "gone"), VAULTS), 404, "KeyNotFound")
        self.refuse(self.put("gone", kty="EC"), 409, "Conflict", "deleted but recoverable")

    def test_one_of_many_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            made = list(pool.map(lambda _: self.good(self.put("race", kty="RSA")), range(6)))
        self.assertEqual(len({m["properties"]["keyUriWithVersion"] for m in made}), 1)


class Templates(Case):
    """What a template has of a vault's, deployed and tried out."""

    DEPLOYMENTS = "2024-11-01"

    def ask(self, name, resources, tail="", **parts):
        content = {"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                   "contentVersion": "1.0.0.0", "resources": resources, **parts}
        return cloud.arm("POST" if tail else "PUT", cloud.id("Microsoft.Resources/deployments", name) + tail, self.DEPLOYMENTS,
                         {"properties": {"mode": "Incremental", "template": content}})

    def key(self, vault, name, **more):
        return {"type": VAULT + "/keys", "apiVersion": VAULTS, "name": f"{vault}/{name}", **more,
                "properties": {"kty": "RSA", "keySize": 4096, "keyOps": ["wrapKey", "unwrapKey"]}}

    def test_deployed(self):
        storage = {"type": "Microsoft.Storage/storageAccounts", "apiVersion": "2023-01-01", "name": "templated", "location": "westeurope",
                   "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}
        secret = {"type": VAULT + "/secrets", "apiVersion": VAULTS, "name": "kv-arm/from-template",
                  "properties": {"value": "[parameters('word')]"}}
        diagnostics = {"type": "Microsoft.Insights/diagnosticSettings", "apiVersion": "2021-05-01-preview", "name": "from-template",
                       "scope": "Microsoft.KeyVault/vaults/kv-arm", "dependsOn": ["templated"], "properties": {
                           "storageAccountId": "[resourceId('Microsoft.Storage/storageAccounts', 'templated')]",
                           "logs": [{"categoryGroup": "allLogs", "enabled": True}], "metrics": [{"category": "AllMetrics", "enabled": True}]}}
        parts = {"parameters": {"word": {"type": "secureString", "defaultValue": "s3cret-template"}}, "outputs": {
            "key": {"type": "string", "value": "[reference(resourceId('Microsoft.KeyVault/vaults/keys', 'kv-arm', 'from-template')).keyUriWithVersion]"}}}
        resources = [storage, secret, diagnostics, self.key("kv-arm", "from-template")]
        for _ in range(2):
            answer = self.ask("templated", resources, **parts)
            cloud.done(answer)
            shown = self.good(cloud.arm("GET", cloud.id("Microsoft.Resources/deployments", "templated"), self.DEPLOYMENTS))["properties"]
            kid = shown["outputs"]["key"]["value"]
            self.assertEqual(kid, self.good(cloud.vault("GET", "kv-arm", "/keys/from-template"))["key"]["kid"])
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM vault_versions WHERE kind = 'keys' AND name = 'from-template'"), [(1,)])
        self.assertEqual(cloud.sql("SELECT name, kind FROM diagnostic_settings s JOIN diagnostic_sinks d ON d.setting = s.name"),
                         [("from-template", "storage")])
        self.assertNotIn("s3cret", json.dumps(shown))

    def test_tried_out(self):
        # Nothing is made, and the writers of others are not held up by keys that nobody will have.
        copies = self.key("kv-arm", "[concat('tried', copyIndex())]", copy={"name": "all", "count": 60})
        copies["name"] = "[concat('kv-arm/tried', copyIndex())]"
        began = time.monotonic()
        answer = self.ask("tried", [copies], "/whatIf")
        if answer.status == 202:
            cloud.wait(answer)
        self.assertLess(time.monotonic() - began, 20)
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM vault_objects WHERE name LIKE 'tried%'"), [(0,)])
        self.assertEqual(cloud.sql("SELECT COUNT(*) FROM audit WHERE record LIKE '%keys/tried%'"), [(0,)])


class Secrets(Case):
    def test_life(self):
        value = "s3cret-" + uuid.uuid4().hex
        at = path("kv-arm", "secrets", "word")
        made = self.good(cloud.arm("PUT", at, VAULTS, {"tags": {"a": "b"}, "properties": {
            "value": value, "contentType": "text/plain", "attributes": {"exp": 4000000000}}}), 201)
        self.assertEqual((made["type"], made["tags"], made["properties"]["contentType"]), (VAULT + "/secrets", {"a": "b"}, "text/plain"))
        self.assertEqual(made["properties"]["secretUri"], "https://kv-arm.vault.azure.net/secrets/word")
        self.assertNotIn("recoveryLevel", made["properties"]["attributes"])
        self.good(cloud.assign(path("kv-arm"), cloud.me(), SECRETS_USER), 201)
        self.assertEqual(self.good(cloud.vault("GET", "kv-arm", "/secrets/word"))["value"], value)

        # Each PUT is a version; a PATCH only with a value, and then it takes along what is not said.
        again = self.good(cloud.arm("PUT", at, VAULTS, {"properties": {"value": value + "2"}}))
        self.assertNotEqual(again["properties"]["secretUriWithVersion"], made["properties"]["secretUriWithVersion"])
        off = self.good(cloud.arm("PATCH", at, VAULTS, {"tags": {"c": "d"}, "properties": {"attributes": {"nbf": 5}}}))
        self.assertEqual(off["properties"]["secretUriWithVersion"], again["properties"]["secretUriWithVersion"])
        self.assertEqual((off["tags"], off["properties"]["attributes"]["nbf"]), ({"c": "d"}, 5))
        third = self.good(cloud.arm("PATCH", at, VAULTS, {"properties": {"value": value + "3", "contentType": "x"}}))
        self.assertNotEqual(third["properties"]["secretUriWithVersion"], again["properties"]["secretUriWithVersion"])
        self.assertEqual((third["tags"], third["properties"]["attributes"]["nbf"], third["properties"]["contentType"]),
                         ({"c": "d"}, 5, "x"))
        self.assertEqual(self.good(cloud.vault("GET", "kv-arm", "/secrets/word"))["value"], value + "3")
        self.assertEqual(self.good(cloud.arm("PATCH", at, VAULTS, {"tags": {}}))["properties"]["contentType"], "x")

        shown = cloud.arm("GET", at, VAULTS)
        listed = cloud.arm("GET", path("kv-arm", "secrets") + "?$top=5", VAULTS)
        self.assertEqual(self.good(listed)["value"][0]["properties"]["secretUri"], made["properties"]["secretUri"])
        for answer in (shown, listed):
            self.assertNotIn("s3cret", answer.text)
        for (record,) in cloud.sql("SELECT record FROM audit WHERE vault = 'kv-arm' AND operation LIKE 'Secret%'"):
            self.assertNotIn("s3cret", record)
        kinds = [r[0] for r in cloud.sql("SELECT operation FROM audit WHERE vault = 'kv-arm' AND operation IN ('SecretSet', 'SecretUpdate')"
                                    " ORDER BY rowid")]
        self.assertEqual(kinds, ["SecretSet", "SecretSet", "SecretUpdate", "SecretSet", "SecretUpdate"])
        for (message,) in cloud.sql("SELECT COALESCE(message, '') FROM activity_log"):
            self.assertNotIn("s3cret", message)

    def test_what_is_refused(self):
        at = path("kv-arm", "secrets", "bad")
        self.refuse(cloud.arm("PUT", at, VAULTS, {"properties": {}}), 400, "BadParameter", "'value' is required")
        self.refuse(cloud.arm("PUT", at, VAULTS, {"properties": {"value": "x" * 25601}}), 400, "BadParameter", "25600")
        self.refuse(cloud.arm("PUT", at, VAULTS, {"properties": {"value": "x"}, "tags": {"a": 1}}), 400, "BadParameter", "tags")
        self.refuse(cloud.arm("PUT", path("kv-arm", "secrets", "b_d"), VAULTS, {"properties": {"value": "x"}}), 400, "BadParameter")
        self.refuse(cloud.arm("PATCH", at, VAULTS, {"properties": {"value": "x"}}), 404, "SecretNotFound")
        self.refuse(cloud.arm("PATCH", at, VAULTS, {"tags": {}}), 404, "SecretNotFound")
        self.refuse(cloud.arm("PATCH", at, VAULTS, {"properties": 1}), 400, "BadParameter")
        self.refuse(cloud.arm("GET", at, VAULTS), 404, "SecretNotFound")
        self.refuse(cloud.arm("DELETE", at, VAULTS), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("PUT", at, VAULTS, {"properties": {"value": "x"}}, cloud.host_token()), 403, "AuthorizationFailed",
                    VAULT + "/secrets/write")


class Vaults(Case):
    def test_deleted_and_back(self):
        cloud.make_vault("kv-tags", officer=False, enablePurgeProtection=None)
        self.good(cloud.arm("PATCH", path("kv-tags"), VAULTS, {"tags": {"team": "blue"}}))
        self.good(cloud.arm("DELETE", path("kv-tags"), VAULTS))
        deleted = f"{cloud.scope}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-tags"
        self.assertEqual(self.good(cloud.arm("GET", deleted, VAULTS))["properties"]["tags"], {"team": "blue"})
        back = cloud.arm("PUT", path("kv-tags"), VAULTS, {"location": "westeurope", "properties": {"createMode": "recover"}})
        self.assertEqual(self.good(back, 201)["tags"], {"team": "blue"})
        self.good(cloud.arm("DELETE", path("kv-tags"), VAULTS))
        purged = cloud.arm("POST", deleted + "/purge", VAULTS)
        self.assertEqual(purged.status, 202, purged)
        self.assertEqual(cloud.wait(purged)["status"], "Succeeded")
        self.refuse(cloud.arm("GET", deleted, VAULTS), 404, "DeletedVaultNotFound")
        self.refuse(cloud.arm("POST", deleted + "/purge", VAULTS), 404, "DeletedVaultNotFound")
        self.assertEqual([r[0] for r in cloud.sql("SELECT operation FROM audit WHERE vault = 'kv-tags' ORDER BY rowid")],
                         ["VaultPut", "VaultPatch", "VaultDelete", "VaultRecover", "VaultDelete"])

    def test_links(self):
        one = self.good(cloud.arm("GET", path("kv-arm", "privateLinkResources"), VAULTS))["value"]
        self.assertEqual([(r["name"], r["properties"]) for r in one], [("vault", {
            "groupId": "vault", "requiredMembers": ["default"], "requiredZoneNames": ["privatelink.vaultcore.azure.net"]})])
        self.refuse(cloud.arm("GET", path("kv-none", "privateLinkResources"), VAULTS), 404, "ResourceNotFound")
        self.refuse(cloud.arm("GET", path("kv-arm", "privateLinkResources"), VAULTS, token=cloud.host_token()), 403, "AuthorizationFailed")

        self.assertEqual(self.good(cloud.arm("GET", path("kv-arm", "privateEndpointConnections"), VAULTS))["value"], [])
        self.assertNotIn("privateEndpointConnections", self.good(cloud.arm("GET", path("kv-arm"), VAULTS))["properties"])
        at = path("kv-arm", "privateEndpointConnections", "pe-1")
        approve = {"properties": {"privateLinkServiceConnectionState": {"status": "Approved", "description": "fine"}}}
        self.refuse(cloud.arm("PUT", at, VAULTS, approve), 404, "ResourceNotFound", "pe-1")
        self.refuse(cloud.arm("GET", at, VAULTS), 404, "ResourceNotFound", "pe-1")
        endpoint = cloud.id("Microsoft.Network/privateEndpoints", "pe")
        cloud.sql("INSERT INTO vault_connections VALUES ('kv-arm', 'pe-1', ?, 'Pending', 'please', 'e', 1)", endpoint)
        shown = self.good(cloud.arm("GET", at, VAULTS))
        self.assertEqual((shown["name"], shown["properties"]["privateEndpoint"]["id"]), ("pe-1", endpoint))
        self.assertEqual(shown["properties"]["privateLinkServiceConnectionState"],
                         {"status": "Pending", "description": "please", "actionsRequired": "None"})
        self.assertEqual(self.good(cloud.arm("PUT", at, VAULTS, approve))["properties"]["privateLinkServiceConnectionState"]["status"],
                         "Approved")
        inside = self.good(cloud.arm("GET", path("kv-arm"), VAULTS))["properties"]["privateEndpointConnections"]
        self.assertEqual([(c["id"], c["properties"]["privateLinkServiceConnectionState"]["description"]) for c in inside], [(at, "fine")])
        self.assertNotEqual(inside[0]["etag"], "e")
        for state in ({}, {"status": "Pending"}, {"status": "Maybe"}, {"status": "Approved", "description": "x" * 513}):
            self.refuse(cloud.arm("PUT", at, VAULTS, {"properties": {"privateLinkServiceConnectionState": state}}), 400, "BadRequest")
        self.refuse(cloud.arm("PUT", at, VAULTS, approve, cloud.host_token()), 403, "AuthorizationFailed")
        self.assertEqual(self.good(cloud.arm("DELETE", at, VAULTS))["properties"]["provisioningState"], "Disconnected")
        self.good(cloud.arm("DELETE", at, VAULTS), 204)
        self.refuse(cloud.arm("POST", at, VAULTS, {}), 405, "MethodNotAllowed")

    def test_operations(self):
        for provider, version in (("KeyVault", VAULTS), ("ManagedIdentity", IDENTITIES)):
            found = self.good(cloud.arm("GET", f"/providers/Microsoft.{provider}/operations", version))["value"]
            self.assertGreater(len(found), 8)
            self.assertTrue(all(o["name"].startswith(f"Microsoft.{provider}/") and o["display"]["operation"] for o in found))
            self.assertEqual({"isDataAction" in o for o in found}, {provider == "KeyVault"})


class Identities(Case):
    FEDERATED = {"issuer": "https://oidc.example.net/tenant/", "subject": "system:serviceaccount:ns:app",
                 "audiences": ["api://AzureADTokenExchange"]}

    def put(self, identity, name, token=None, **changes):
        properties = {k: v for k, v in {**self.FEDERATED, **changes}.items() if v is not None}
        return cloud.arm("PUT", f"{cloud.id(IDENTITY, identity)}/federatedIdentityCredentials/{name}", IDENTITIES,
                         {"properties": properties}, token)

    def test_federated(self):
        cloud.make_identity("id-fed")
        base = cloud.id(IDENTITY, "id-fed") + "/federatedIdentityCredentials"
        made = self.good(self.put("id-fed", "fic1"), 201)
        self.assertEqual(made, {"id": base + "/fic1", "name": "fic1", "type": IDENTITY + "/federatedIdentityCredentials",
                                "properties": self.FEDERATED})
        self.assertEqual(self.good(self.put("id-fed", "fic1")), made)
        self.assertEqual(self.good(cloud.arm("GET", base + "/FIC1", IDENTITIES)), made)
        self.assertEqual(cloud.sql("SELECT owner, subject FROM federated_credentials"), [(cloud.id(IDENTITY, "id-fed").lower(), self.FEDERATED["subject"])])
        self.refuse(self.put("id-fed", "fic2"), 409, "Conflict", "Issuer and subject combination already exists")
        for words, changes in (("issuer", {"issuer": None}), ("issuer", {"issuer": "http://x"}), ("issuer", {"issuer": "https://"}),
                               ("issuer", {"issuer": "https://a b"}), ("issuer", {"issuer": "https://" + "a" * 600}),
                               ("subject", {"subject": ""}), ("subject", {"subject": "s" * 601}),
                               ("audiences", {"audiences": []}), ("audiences", {"audiences": ["a", "b"]}),
                               ("audiences", {"audiences": "a"})):
            self.refuse(self.put("id-fed", "fic2", **changes), 400, "BadRequest", words)
        for name in ("-ab", "a" * 121, "ab", "a.b.c"):
            self.refuse(self.put("id-fed", name, subject="other"), 400, "BadRequest", "name")
        self.refuse(self.put("id-none", "fic"), 404, "ParentResourceNotFound", "id-none")
        self.refuse(cloud.arm("GET", base + "/none", IDENTITIES), 404, "NotFound")
        self.refuse(self.put("id-fed", "fic3", cloud.host_token()), 403, "AuthorizationFailed", "federatedIdentityCredentials/write")

        # The same issuer and subject with another identity are fine; twenty with one are all.
        cloud.make_identity("id-fed2")
        self.good(self.put("id-fed2", "fic1"), 201)
        for i in range(19):
            self.good(self.put("id-fed", f"more{i}", subject=f"s{i}"), 201)
        self.refuse(self.put("id-fed", "more19", subject="s19"), 400, "BadRequest", "20")
        self.good(self.put("id-fed", "more18", subject="s20"))
        everything = self.good(cloud.arm("GET", base, IDENTITIES))
        self.assertEqual((len(everything["value"]), everything.get("nextLink")), (20, None))
        pages = cloud.follow(cloud.arm("GET", base + "?$top=8", IDENTITIES))
        self.assertEqual(([len(p) for p in pages], sum(pages, [])), ([8, 8, 4], everything["value"]))
        self.good(cloud.arm("DELETE", base + "/more18", IDENTITIES))
        self.good(cloud.arm("DELETE", base + "/more18", IDENTITIES), 204)
        self.good(self.put("id-fed", "more19", subject="s19"), 201)

        # They go with their identity, and do not come back with another of its name.
        self.good(cloud.arm("DELETE", cloud.id(IDENTITY, "id-fed"), IDENTITIES))
        self.assertEqual(len(cloud.sql("SELECT id FROM federated_credentials")), 1)
        cloud.make_identity("id-fed")
        self.assertEqual(self.good(cloud.arm("GET", base, IDENTITIES))["value"], [])

    def test_written_at_once(self):
        cloud.make_identity("id-many")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda i: self.put("id-many", f"fic{i}", subject=f"s{i}").status, range(24)))
        self.assertEqual((answers.count(201), answers.count(400)), (20, 4))

    def test_tags(self):
        cloud.make_identity("id-tags")
        changed = self.good(cloud.arm("PATCH", cloud.id(IDENTITY, "id-tags"), IDENTITIES, {"tags": {"a": "b"}}))
        self.assertEqual(changed["tags"], {"a": "b"})
        self.assertIn("principalId", changed["properties"])

    def test_system_assigned(self):
        cloud.make_vault("kv-set")
        key = cloud.make_key("kv-set", "for-set")
        made = cloud.done(cloud.arm("PUT", cloud.id("Microsoft.Compute/diskEncryptionSets", "des-own"), "2024-03-02", {
            "location": "westeurope", "identity": {"type": "SystemAssigned"},
            "properties": {"encryptionType": "EncryptionAtRestWithCustomerKey", "activeKey": {"keyUrl": key}}}))
        at = cloud.id("Microsoft.Compute/diskEncryptionSets", "des-own") + "/providers/Microsoft.ManagedIdentity/identities/default"
        shown = self.good(cloud.arm("GET", at, IDENTITIES))
        self.assertEqual((shown["id"], shown["name"], shown["location"]), (at, "default", "westeurope"))
        self.assertEqual(shown["properties"]["principalId"], made.json["identity"]["principalId"])
        self.assertEqual(shown["properties"]["tenantId"], cloud.tenant)
        self.assertTrue(shown["properties"]["clientId"])
        for other in (path("kv-arm"), cloud.id(IDENTITY, "id-set"), cloud.group()):
            answer = cloud.arm("GET", other + "/providers/Microsoft.ManagedIdentity/identities/default", IDENTITIES)
            self.refuse(answer, 404, "ResourceNotFound")
        self.refuse(cloud.arm("GET", at, IDENTITIES, token=cloud.host_token()), 403, "AuthorizationFailed")
        self.refuse(cloud.arm("PUT", at, IDENTITIES, {}), 405, "MethodNotAllowed")


if __name__ == "__main__":
    unittest.main()
