#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The thread through all faces, over the wire: login, control plane, vault, disks; and what each refuses."""

import base64
import json
import os
import subprocess
import time
import unittest
import uuid

from harness import (ARM, CRYPTO_OFFICER, DISKS, GROUPS, IDENTITIES, LOGIN, MACHINES, METADATA, OWNER, READER, ROLES,
                     VAULTS, Instance)

SET = "Microsoft.Compute/diskEncryptionSets"
DISK = "Microsoft.Compute/disks"
MACHINE = "Microsoft.Compute/virtualMachines"
VAULT = "Microsoft.KeyVault/vaults"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"


def setUpModule():
    global cloud, first_key
    cloud = Instance("--cache-seconds", "2")
    cloud.up()
    first_key = cloud.world()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


class Refusals(unittest.TestCase):
    """Deny by default, in the documented words."""

    def refuse(self, answer, status, code):
        self.assertEqual((answer.status, answer.code), (status, code), answer)

    def test_no_token(self):
        answer = cloud.send("GET", ARM, f"{cloud.group()}?api-version={GROUPS}")
        self.refuse(answer, 401, "AuthenticationFailed")
        self.assertIn("Bearer authorization_uri=", answer.headers["WWW-Authenticate"])
        answer = cloud.send("GET", "kv-test.vault.azure.net", "/keys/k?api-version=7.4")
        self.refuse(answer, 401, "Unauthorized")
        self.assertIn("AKV10000", answer.message)
        self.assertIn(f'/{cloud.tenant}", resource="https://vault.azure.net"', answer.headers["WWW-Authenticate"])

    def test_wrong_audience(self):
        vault_token, arm_token = cloud.token("https://vault.azure.net"), cloud.token()
        self.refuse(cloud.arm("GET", cloud.group(), GROUPS, token=vault_token), 401, "InvalidAuthenticationTokenAudience")
        answer = cloud.vault("GET", "kv-test", "/keys/k", token=arm_token)
        self.refuse(answer, 401, "Unauthorized")
        self.assertIn("AKV10022", answer.message)

    def test_unsigned_and_forged_tokens(self):
        header, payload, signature = cloud.token().split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        claims = cloud.claims(cloud.token())
        claims["oid"] = str(uuid.uuid4())
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        for token in (f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{header}.{forged}.{signature}",
                      f"{header}.{payload}.", "x", "a.b.c", f"{header}.{payload}"):
            self.refuse(cloud.arm("GET", cloud.group(), GROUPS, token=token), 401, "InvalidAuthenticationToken")
            answer = cloud.vault("GET", "kv-test", "/keys/k", token=token)
            self.assertEqual(answer.status, 401, answer)

    def test_wrong_secret_and_unknown_tenant(self):
        answer = cloud.token_answer(secret="wrong")
        self.assertEqual(answer.status, 401)
        self.assertIn(7000215, answer.json["error_codes"])
        answer = cloud.token_answer(tenant=str(uuid.uuid4()))
        self.assertIn(90002, answer.json["error_codes"])
        answer = cloud.token_answer(client=str(uuid.uuid4()))
        self.assertIn(700016, answer.json["error_codes"])

    def test_a_principal_without_a_role_may_do_nothing(self):
        # The host's principal holds one permission at one resource.
        with open(os.path.join(cloud.dir, "host.json")) as f:
            host = json.load(f)
        token = cloud.token_answer(client=host["clientId"], secret=host["clientSecret"]).json["access_token"]
        for method, path, version in (("GET", cloud.group(), GROUPS), ("PUT", cloud.group("other"), GROUPS),
                                      ("DELETE", cloud.id(VAULT, "kv-test"), VAULTS),
                                      ("GET", cloud.id(DISK, "absent"), DISKS),
                                      ("POST", cloud.id(MACHINE, "absent") + "/start", MACHINES)):
            answer = cloud.arm(method, path, version, {"location": "westeurope"}, token)
            self.refuse(answer, 403, "AuthorizationFailed")
            self.assertIn("does not have authorization to perform action", answer.message)
        token = cloud.token_answer("https://vault.azure.net", client=host["clientId"],
                                   secret=host["clientSecret"]).json["access_token"]
        answer = cloud.vault("GET", "kv-test", "/keys/k", token=token)
        self.refuse(answer, 403, "Forbidden")
        self.assertEqual(answer.json["error"]["innererror"]["code"], "ForbiddenByRbac")
        self.assertIn("Microsoft.KeyVault/vaults/keys/read", answer.message)

    def test_an_owner_has_no_data_actions(self):
        cloud.make_vault("kv-owner", officer=False)
        answer = cloud.vault("POST", "kv-owner", "/keys/k/create", {"kty": "RSA"})
        self.refuse(answer, 403, "Forbidden")

    def test_malformed_requests(self):
        put = lambda body, path=cloud.group("bad"): cloud.send(
            "PUT", ARM, f"{path}?api-version={GROUPS}", body, {"Authorization": "Bearer " + cloud.token()})
        for body in (b"", b"{", b"[]", b'{"a":1,"a":2}', b"[" * 100 + b"]" * 100, b"\xff"):
            self.assertEqual(put(body).status, 400)
        self.refuse(put({}), 400, "LocationRequired")
        self.refuse(cloud.send("GET", ARM, cloud.group(), None, {"Authorization": "Bearer " + cloud.token()}), 400,
                    "MissingApiVersionParameter")
        self.refuse(cloud.arm("GET", cloud.group(), "latest"), 400, "InvalidApiVersionParameter")
        self.refuse(cloud.arm("GET", cloud.id("Microsoft.Nothing/things", "x"), GROUPS), 404, "InvalidResourceType")
        self.refuse(cloud.arm("GET", cloud.id(DISK, "absent"), DISKS), 404, "ResourceNotFound")
        self.refuse(cloud.arm("GET", f"/subscriptions/{uuid.uuid4()}/resourceGroups/x", GROUPS), 404, "SubscriptionNotFound")
        self.refuse(cloud.arm("PUT", cloud.id(IDENTITY, "id-set", "absent"), IDENTITIES, {"location": "westeurope"}), 404,
                    "ResourceGroupNotFound")

    def test_properties_are_an_object(self):
        for type_, version in ((VAULT, VAULTS), (SET, DISKS), (DISK, DISKS), (MACHINE, MACHINES), (IDENTITY, IDENTITIES)):
            for wrong in ([], [1], "x", 1, True):
                self.refuse(cloud.arm("PUT", cloud.id(type_, "wrong"), version, {"location": "westeurope", "properties": wrong}), 400,
                            "InvalidRequestContent")

    def test_hosts_that_are_not_served(self):
        answer = cloud.send("GET", ARM, "/", None, {"Host": "example.com"})
        self.refuse(answer, 404, "HostNotServed")
        # No token crosses plain HTTP.
        self.assertEqual(cloud.send("GET", ARM, "/subscriptions", plain=True).status, 403)
        self.assertEqual(cloud.send("POST", LOGIN, f"/{cloud.tenant}/oauth2/v2.0/token", b"", plain=True).status, 403)

    def test_metadata_gives_no_token_without_a_capability(self):
        path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
        answer = cloud.send("GET", METADATA, path, plain=True)
        self.assertEqual(answer.status, 400)
        answer = cloud.send("GET", METADATA, path, None, {"Metadata": "true"}, plain=True)
        self.assertEqual(answer.json["error"], "invalid_request", answer)
        answer = cloud.send("GET", METADATA, path, None, {"Metadata": "true", "X-IDENTITY-HEADER": "a.b.c"}, plain=True)
        self.assertEqual(answer.status, 400)


class ControlPlane(unittest.TestCase):
    def test_resources_are_created_shown_listed_and_deleted(self):
        path = cloud.id(IDENTITY, "id-listed")
        answer = cloud.arm("PUT", path, IDENTITIES, {"location": "West Europe", "tags": {"a": "b"}})
        self.assertEqual(answer.status, 201)
        self.assertEqual(answer.json["location"], "westeurope")
        self.assertEqual(cloud.arm("PUT", path, IDENTITIES, {"location": "westeurope"}).status, 200)
        answer = cloud.arm("GET", path.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), IDENTITIES)
        self.assertEqual(answer.json["name"], "id-listed")
        self.assertEqual(answer.json["type"], IDENTITY)
        names = [r["name"] for r in cloud.arm("GET", cloud.group() + "/providers/" + IDENTITY, IDENTITIES).json["value"]]
        self.assertIn("id-listed", names)
        self.assertEqual(cloud.arm("DELETE", path, IDENTITIES).status, 200)
        self.assertEqual(cloud.arm("DELETE", path, IDENTITIES).status, 204)
        self.assertEqual(cloud.arm("GET", path, IDENTITIES).status, 404)

    def test_a_location_cannot_be_changed(self):
        answer = cloud.arm("PUT", cloud.group(), GROUPS, {"location": "northeurope"})
        self.assertEqual((answer.status, answer.code), (409, "InvalidResourceLocation"))

    def test_purge_protection_cannot_be_taken_back(self):
        answer = cloud.arm("PATCH", cloud.id(VAULT, "kv-test"), VAULTS, {"properties": {"enablePurgeProtection": False}})
        self.assertEqual((answer.status, answer.code), (400, "BadRequest"))

    def test_vault_names(self):
        for name in ("ab", "1vault", "vault-", "va--ult", "v" * 25):
            answer = cloud.arm("PUT", cloud.id(VAULT, name), VAULTS,
                               {"location": "westeurope", "properties": {"sku": {"family": "A", "name": "standard"}}})
            self.assertEqual((answer.status, answer.code), (400, "VaultNameNotValid"), name)

    def test_a_deleted_vault_keeps_its_name_and_can_be_recovered(self):
        cloud.make_vault("kv-gone")
        key = cloud.make_key("kv-gone")
        self.assertEqual(cloud.arm("DELETE", cloud.id(VAULT, "kv-gone"), VAULTS).status, 200)
        answer = cloud.arm("PUT", cloud.id(VAULT, "kv-gone"), VAULTS,
                           {"location": "westeurope", "properties": {"sku": {"family": "A", "name": "standard"}}})
        self.assertEqual((answer.status, answer.code), (409, "ConflictError"))
        deleted = f"{cloud.scope}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-gone"
        self.assertEqual(cloud.arm("GET", deleted, VAULTS).json["name"], "kv-gone")
        self.assertEqual(cloud.arm("POST", deleted + "/purge", VAULTS).code, "MethodNotAllowed")
        answer = cloud.arm("PUT", cloud.id(VAULT, "kv-gone"), VAULTS,
                           {"location": "northeurope", "properties": {"createMode": "recover"}})
        self.assertEqual((answer.status, answer.code), (400, "BadRequest"))
        answer = cloud.arm("PUT", cloud.id(VAULT, "kv-gone"), VAULTS,
                           {"location": "westeurope", "properties": {"createMode": "recover"}})
        self.assertIn(answer.status, (200, 201), answer)
        # Roles went with the vault, as Azure's documentation of recovery says.
        self.assertEqual(cloud.vault("GET", "kv-gone", "/keys/k").status, 403)
        self.assertEqual(cloud.assign(cloud.id(VAULT, "kv-gone"), cloud.me(), CRYPTO_OFFICER).status, 201)
        self.assertEqual(cloud.vault("GET", "kv-gone", "/keys/k").json["key"]["kid"], key)

    def test_role_assignments(self):
        scope = cloud.id(VAULT, "kv-test")
        principal = cloud.make_identity("id-roles")["principalId"]
        granted = cloud.assign(scope, principal, READER)
        self.assertEqual(granted.status, 201, granted)
        self.assertEqual(cloud.assign(scope, principal, READER).code, "RoleAssignmentExists")
        self.assertEqual(cloud.assign(scope, str(uuid.uuid4()), READER).code, "PrincipalNotFound")
        self.assertEqual(cloud.assign(scope, principal, str(uuid.uuid4())).code, "RoleDefinitionDoesNotExist")
        answer = cloud.arm("GET", scope + "/providers/Microsoft.Authorization/roleAssignments?$filter="
                           + f"principalId%20eq%20'{principal}'", ROLES)
        self.assertEqual(len(answer.json["value"]), 1, answer)
        self.assertEqual(cloud.arm("DELETE", granted.json["id"], ROLES).status, 200)
        self.assertEqual(cloud.arm("DELETE", granted.json["id"], ROLES).status, 204)

    def test_role_definitions_by_name(self):
        answer = cloud.arm("GET", cloud.scope + "/providers/Microsoft.Authorization/roleDefinitions?$filter="
                           "roleName%20eq%20'Key%20Vault%20Crypto%20Officer'", ROLES)
        self.assertEqual([r["name"] for r in answer.json["value"]], [CRYPTO_OFFICER])

    def test_subscriptions(self):
        answer = cloud.arm("GET", "/subscriptions", "2022-12-01")
        self.assertEqual([s["subscriptionId"] for s in answer.json["value"]], [cloud.subscription])


class Trespass(unittest.TestCase):
    """A principal that may do everything in one group, and what it tries from there."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(cloud.dir, "host.json")) as f:
            cls.host = json.load(f)
        cls.token = cloud.token_answer(client=cls.host["clientId"], secret=cls.host["clientSecret"]).json["access_token"]
        cloud.make_group("rg-mine")
        granted = cloud.assign(cloud.group("rg-mine"), cloud.claims(cls.token)["oid"], OWNER)
        assert granted.status == 201, granted

    @classmethod
    def tearDownClass(cls):
        # The host agent is itself again.
        listed = cloud.arm("GET", cloud.group("rg-mine") + "/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()", ROLES)
        for assignment in listed.json["value"]:
            if assignment["properties"]["principalId"] == cloud.claims(cls.token)["oid"]:
                cloud.arm("DELETE", assignment["id"], ROLES)

    def ask(self, method, path, version, body=None):
        return cloud.arm(method, path, version, body, self.token)

    def test_an_owner_of_a_group_cannot_pose_as_a_hypervisor(self):
        # A poll answers with the capabilities of every disk.
        mine = cloud.id("Custodisk.Host/hypervisors", "mine", "rg-mine")
        answer = self.ask("PUT", mine, "2026-11-01", {"location": "westeurope"})
        self.assertEqual((answer.status, answer.code), (403, "OperationNotAllowed"), answer)
        self.assertEqual(self.ask("POST", mine + "/poll", "2026-11-01", {}).status, 403)

    def test_an_owner_of_all_is_no_hypervisor(self):
        path = self.host["hypervisorId"]
        answer = cloud.arm("POST", path + "/poll", "2026-11-01", {})
        self.assertEqual((answer.status, answer.code), (403, "AuthorizationFailed"), answer)
        answer = cloud.arm("DELETE", path, "2026-11-01")
        self.assertEqual((answer.status, answer.code), (403, "OperationNotAllowed"), answer)

    def test_only_extensions_stand_below_another_resource(self):
        below = cloud.id(IDENTITY, "x", "rg-mine") + "/providers/"
        for path in (below + DISK + "/d", below + "Custodisk.Host/hypervisors/h", below + "Microsoft.Resources/resourceGroups/g",
                     cloud.group("rg-mine") + "/providers/Microsoft.Resources/resourceGroups/g",
                     cloud.group("rg-mine") + "/providers/Microsoft.Resources/subscriptions/" + cloud.subscription,
                     cloud.group("rg-mine") + "/providers/Microsoft.Resources/subscriptions/" + str(uuid.uuid4()),
                     below + "Microsoft.KeyVault/locations/westeurope/deletedVaults/v"):
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                answer = self.ask(method, path, DISKS, {"location": "westeurope"})
                self.assertEqual((answer.status, answer.code), (404, "InvalidResourceType"), (method, path, answer))

    def test_a_deleted_vault_is_purged_with_rights_on_the_subscription_alone(self):
        mine = cloud.id(VAULT, "kv-mine", "rg-mine")
        answer = self.ask("PUT", mine, VAULTS, {"location": "westeurope", "properties": {"sku": {"family": "A", "name": "standard"}}})
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(self.ask("DELETE", mine, VAULTS).status, 200)
        purge = "/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/kv-mine/purge"
        self.assertEqual(self.ask("POST", cloud.scope + purge, VAULTS).status, 403)
        self.assertEqual(self.ask("POST", cloud.group("rg-mine") + purge, VAULTS).status, 404)

    def test_an_operation_is_shown_to_who_may_read_its_resource(self):
        answer = self.ask("PUT", cloud.id(SET, "s-mine", "rg-mine"), DISKS, {
            "location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {"activeKey": {"keyUrl": first_key}}})
        self.assertEqual(answer.status, 202, answer)
        url = answer.headers["Azure-AsyncOperation"].split(ARM)[1].split("?")[0]
        self.assertEqual(self.ask("GET", url, DISKS).status, 200)
        theirs = cloud.make_set("s-theirs", first_key).headers["Azure-AsyncOperation"].split(ARM)[1].split("?")[0]
        for path in (theirs, theirs.replace(cloud.scope, cloud.group("rg-mine"))):
            for query in ("", "?monitor=true"):
                answer = self.ask("GET", path + query, DISKS)
                self.assertEqual(answer.status, 404, answer)

    def test_a_role_ends_with_its_scope(self):
        path = cloud.id(IDENTITY, "id-gone")
        cloud.make_identity("id-gone")
        granted = cloud.assign(path, cloud.claims(self.token)["oid"], READER)
        self.assertEqual(self.ask("GET", path, IDENTITIES).status, 200)
        self.assertEqual(cloud.arm("DELETE", path, IDENTITIES).status, 200)
        cloud.make_identity("id-gone")
        self.assertEqual(self.ask("GET", path, IDENTITIES).status, 403)
        self.assertEqual(cloud.arm("GET", granted.json["id"], ROLES).status, 404)


class DiskEncryptionSets(unittest.TestCase):
    def refuse(self, name, properties, status, code, text, identity=True):
        body = {"location": "westeurope", "properties": properties}
        if identity:
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {cloud.id(IDENTITY, "id-set"): {}}}
        answer = cloud.arm("PUT", cloud.id(SET, name), DISKS, body)
        self.assertEqual((answer.status, answer.code), (status, code), answer)
        self.assertIn(text, answer.message)

    def test_what_a_set_refuses(self):
        key = {"activeKey": {"keyUrl": first_key}}
        confidential = {"encryptionType": "ConfidentialVmEncryptedWithCustomerKey"}
        self.refuse("s1", {}, 400, "InvalidParameter", "activeKey.keyUrl")
        self.refuse("s1", key, 400, "InvalidParameter", "identity", identity=False)
        self.refuse("s1", {"activeKey": {"keyUrl": "https://example.com/keys/k/v"}}, 400, "InvalidParameter",
                    "is not a valid versioned Key Vault Key URL")
        self.refuse("s1", {"activeKey": {"keyUrl": first_key[:-1] + "x"}}, 400, "InvalidParameter", "is not a valid")
        self.refuse("s1", {"activeKey": {"keyUrl": first_key[:-32] + "0" * 32}}, 400, "KeyVaultAccessForbidden", "not found")
        self.refuse("s1", {**key, "encryptionType": "EncryptionAtRestWithPlatformKey"}, 400, "InvalidParameter", "not valid")
        self.refuse("s1", {**key, **confidential, "rotationToLatestKeyVersionEnabled": True}, 400, "BadRequest",
                    "Auto-key rotation")
        cloud.make_vault("kv-unprotected", enablePurgeProtection=None)
        self.refuse("s1", {"activeKey": {"keyUrl": cloud.make_key("kv-unprotected")}}, 400, "InvalidParameter",
                    "purge protection")

    def test_identity_must_exist_and_the_type_is_fixed(self):
        body = {"location": "westeurope", "identity": {"type": "UserAssigned", "userAssignedIdentities": {
            cloud.id(IDENTITY, "absent"): {}}}, "properties": {"activeKey": {"keyUrl": first_key}}}
        answer = cloud.arm("PUT", cloud.id(SET, "s2"), DISKS, body)
        self.assertEqual((answer.status, answer.code), (400, "FailedIdentityOperation"), answer)
        cloud.make_set("s2", first_key, kind="EncryptionAtRestWithCustomerKey")
        answer = cloud.arm("PATCH", cloud.id(SET, "s2"), DISKS,
                           {"properties": {"encryptionType": "ConfidentialVmEncryptedWithCustomerKey"}})
        self.assertEqual(answer.code, "PropertyChangeNotAllowed")

    def test_names(self):
        body = {"location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {"activeKey": {"keyUrl": first_key}}}
        for name in ("a%20b", "a.b", "a%22", "%C3%A9", "s" * 81):
            answer = cloud.arm("PUT", cloud.id(SET, name), DISKS, body)
            self.assertEqual((answer.status, answer.code), (400, "InvalidResourceName"), answer)

    def test_long_names_are_quoted_in_whole_characters(self):
        for pad in ("", "a"):
            answer = cloud.arm("GET", cloud.scope + "/nothing" * 2 + "/" + pad + "%C3%A9" * 100, DISKS)
            self.assertEqual((answer.status, answer.code), (404, "InvalidResourceType"), answer)

    def test_a_software_key_under_a_confidential_set_is_advised_against(self):
        answer = cloud.make_set("s3", first_key)
        self.assertIn("release policy", answer.headers["x-custodisk-advisory"])

    def test_a_versionless_url_is_resolved_and_advised_against(self):
        answer = cloud.make_set("s4", first_key.rsplit("/", 1)[0], kind="EncryptionAtRestWithCustomerKey")
        self.assertIn("versioned", answer.headers["x-custodisk-advisory"])
        self.assertEqual(answer.json["properties"]["activeKey"]["keyUrl"], cloud.vault("GET", "kv-test", "/keys/k").json["key"]["kid"])


class Disks(unittest.TestCase):
    """Real files, opened and rewrapped by the hypervisor."""

    def test_1_an_imported_disk_is_encrypted_and_readable_by_cryptsetup(self):
        cloud.make_set("set", first_key)
        marker = b"a known plaintext of this very test "
        image = os.path.join(cloud.dir, "import", "image.raw")
        with open(image, "wb") as f:
            f.write(marker * 1000)
            f.truncate(8 << 20)
        cloud.done(cloud.make_disk("d1", "set", source=image))
        disk = cloud.disk("d1")
        self.assertEqual(disk["properties"]["provisioningState"], "Succeeded")
        with open(cloud.disk_file("d1"), "rb") as f:
            self.assertNotIn(marker[:16], f.read(64 << 20))
        dump = subprocess.run(["cryptsetup", "luksDump", cloud.disk_file("d1")], capture_output=True, text=True, check=True)
        self.assertIn("aes-xts-plain64", dump.stdout)
        self.assertIn("4096", dump.stdout)
        self.assertEqual(cloud.inspect("d1")["keyUrl"], first_key)
        associated = cloud.arm("GET", cloud.id(SET, "set") + "/associatedResources", DISKS).json["value"]
        self.assertIn(cloud.id(DISK, "d1").lower(), [i.lower() for i in associated])
        self.assertEqual(cloud.arm("DELETE", cloud.id(SET, "set"), DISKS).code, "OperationNotAllowed")

    def test_2_rotation_rewraps_and_leaves_the_old_version_behind(self):
        second = cloud.vault("POST", "kv-test", "/keys/k/rotate").json["key"]["kid"]
        cloud.done(cloud.update_set("set", second))
        self.assertEqual(cloud.inspect("d1")["keyUrl"], second)
        shown = cloud.arm("GET", cloud.id(SET, "set"), DISKS).json["properties"]
        self.assertEqual((shown["activeKey"]["keyUrl"], shown["previousKeys"]), (second, []))
        self.assertIn("lastKeyRotationTimestamp", shown)

    def test_3_a_rewrap_that_fails_leaves_the_disk_under_the_old_key(self):
        held = cloud.inspect("d1")["keyUrl"]
        third = cloud.vault("POST", "kv-test", "/keys/k/rotate").json["key"]["kid"]
        name, version = third.split("/")[-2:]
        self.assertEqual(cloud.vault("PATCH", "kv-test", f"/keys/{name}/{version}", {"attributes": {"enabled": False}}).status, 200)
        state = cloud.wait(cloud.update_set("set", third))
        self.assertEqual((state["status"], state["error"]["code"]), ("Failed", "KeyVaultKeyNotEnabled"), state)
        self.assertEqual(cloud.inspect("d1")["keyUrl"], held)
        self.assertEqual(cloud.arm("GET", cloud.id(SET, "set"), DISKS).json["properties"]["activeKey"]["keyUrl"], held)
        cloud.vault("PATCH", "kv-test", f"/keys/{name}/{version}", {"attributes": {"enabled": True}})
        cloud.done(cloud.update_set("set", third))
        self.assertEqual(cloud.inspect("d1")["keyUrl"], third)

    def test_4_an_expired_key_is_refused_by_the_platform(self):
        key = cloud.make_key("kv-test", "short", attributes={"exp": int(time.time()) + 1})
        cloud.make_set("set-short", key)
        time.sleep(1.2)
        state = cloud.wait(cloud.make_disk("d-short", "set-short"))
        self.assertEqual(state["status"], "Failed")
        self.assertIn("Key is expired", state["error"]["message"])

    def test_5_a_disk_of_a_set_without_access_fails_in_azures_words(self):
        identity = cloud.make_identity("id-none")
        self.assertTrue(identity["principalId"])
        cloud.make_set("set-none", first_key, identity="id-none")
        state = cloud.wait(cloud.make_disk("d-none", "set-none"))
        self.assertEqual((state["status"], state["error"]["code"]), ("Failed", "KeyVaultAccessForbidden"), state)
        self.assertIn("grant get, wrap and unwrap key permissions", state["error"]["message"])

    def test_6_sources_outside_the_import_folder_are_refused(self):
        outside = os.path.join(cloud.dir, "ca.pem")
        link = os.path.join(cloud.dir, "import", "link.raw")
        os.symlink(outside, link)
        for i, source in enumerate((outside, link, os.path.join(cloud.dir, "import", "..", "ca.pem"), "/etc/passwd",
                                    os.path.join(cloud.dir, "import", "absent.raw"))):
            state = cloud.wait(cloud.make_disk(f"d-out{i}", "set", source=source))
            self.assertEqual(state["status"], "Failed", source)

    def test_7_what_a_disk_refuses(self):
        def refuse(body, code):
            answer = cloud.arm("PUT", cloud.id(DISK, "d-bad"), DISKS, body)
            self.assertEqual((answer.status, answer.code), (400, code), answer)
        good = cloud.disk_body("set")
        refuse({**good, "properties": {**good["properties"], "diskSizeGB": 0}}, "InvalidParameter")
        refuse({**good, "properties": {**good["properties"], "osType": "Plan9"}}, "InvalidParameter")
        refuse({**good, "properties": {k: v for k, v in good["properties"].items() if k != "osType"}}, "InvalidParameter")
        refuse({**good, "properties": {**good["properties"], "creationData": {"createOption": "Copy"}}}, "InvalidParameter")
        refuse(cloud.disk_body("set", confidential=False), "InvalidParameter")
        answer = cloud.make_disk("d-bad", "absent")
        self.assertEqual((answer.status, answer.code), (404, "ResourceNotFound"))

    def test_7b_an_identity_that_is_gone_stops_its_own_disks_alone(self):
        cloud.make_identity("id-lost")
        cloud.make_set("set-lost", first_key, identity="id-lost")
        cloud.wait(cloud.make_disk("d-lost", "set-lost"))
        self.assertEqual(cloud.arm("DELETE", cloud.id(IDENTITY, "id-lost"), IDENTITIES).status, 200)
        cloud.done(cloud.make_disk("d-after", "set"), 30)

    def test_8_deleting_a_disk_removes_its_file(self):
        cloud.done(cloud.make_disk("d2", "set"))
        path = cloud.disk_file("d2")
        self.assertTrue(os.path.exists(path))
        cloud.done(cloud.arm("DELETE", cloud.id(DISK, "d2"), DISKS))
        self.assertFalse(os.path.exists(path))
        self.assertEqual(cloud.arm("GET", cloud.id(DISK, "d2"), DISKS).status, 404)


class Machines(unittest.TestCase):
    """Power states, with a disk that has no operating system: QEMU runs all the same."""

    @classmethod
    def setUpClass(cls):
        cls.key = cloud.make_key("kv-test", "machines")
        cloud.make_set("set-vm", cls.key)
        cloud.done(cloud.make_disk("d-vm", "set-vm"))
        cls.path = cloud.id(MACHINE, "vm")

    def body(self, **changes):
        return {"location": "westeurope", "properties": {
            "hardwareProfile": {"vmSize": "Standard_DC2as_v5"},
            "securityProfile": {"securityType": "ConfidentialVM", "uefiSettings": {"vTpmEnabled": True}},
            "storageProfile": {"osDisk": {"createOption": "Attach", "managedDisk": {"id": cloud.id(DISK, "d-vm")}}}, **changes}}

    def act(self, what):
        return cloud.arm("POST", f"{self.path}/{what}", MACHINES)

    def view(self):
        return cloud.arm("GET", self.path + "/instanceView", MACHINES).json

    def power(self):
        return self.view()["statuses"][1]["displayStatus"]

    def set_enabled(self, enabled):
        name, version = self.key.split("/")[-2:]
        answer = cloud.vault("PATCH", "kv-test", f"/keys/{name}/{version}", {"attributes": {"enabled": enabled}})
        self.assertEqual(answer.status, 200)

    def until(self, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{self.view()}\n{cloud.logs()}")
            time.sleep(0.1)

    def test_1_what_a_machine_refuses(self):
        def refuse(body, status, code):
            answer = cloud.arm("PUT", self.path, MACHINES, body)
            self.assertEqual((answer.status, answer.code), (status, code), answer)
        refuse(self.body(hardwareProfile={"vmSize": "Standard_Nothing"}), 400, "InvalidParameter")
        refuse(self.body(hardwareProfile={"vmSize": "Standard_B1s"}), 400, "InvalidParameter")
        refuse(self.body(securityProfile={}), 400, "InvalidParameter")
        refuse(self.body(securityProfile={"securityType": "ConfidentialVM"}), 400, "InvalidParameter")
        refuse(self.body(storageProfile={}), 400, "InvalidParameter")
        refuse(self.body(storageProfile={"osDisk": {"createOption": "FromImage"}}), 400, "InvalidParameter")
        disk = {"createOption": "Attach", "managedDisk": {"id": cloud.id(DISK, "d-vm")}}
        refuse(self.body(storageProfile={"osDisk": disk, "dataDisks": [{**disk, "lun": 0}]}), 400, "InvalidParameter")
        refuse(self.body(storageProfile={"osDisk": disk, "dataDisks": {"lun": 0}}), 400, "InvalidParameter")
        for name in ("-vm", "_vm", "vm-"):
            answer = cloud.arm("PUT", cloud.id(MACHINE, name), MACHINES, self.body())
            self.assertEqual((answer.status, answer.code), (400, "InvalidResourceName"), answer)
        refuse(self.body(storageProfile={"osDisk": {"createOption": "Attach", "managedDisk": {"id": cloud.id(DISK, "absent")}}}),
               404, "ResourceNotFound")

    def test_2_create_starts_it(self):
        secrets = {"computerName": "vm", "AdminPassword": "hunter2", "customData": "aHVudGVyMg==", "secrets": ["hunter2"]}
        cloud.done(cloud.arm("PUT", self.path, MACHINES, self.body(osProfile=secrets, userData="hunter2")))
        self.assertEqual(self.power(), "VM running")
        shown = cloud.arm("GET", self.path, MACHINES).json["properties"]
        self.assertEqual(shown["osProfile"], {"computerName": "vm"})
        self.assertNotIn("hunter2", json.dumps(shown))
        self.assertEqual(cloud.disk("d-vm")["properties"]["diskState"], "Attached")
        other = cloud.arm("PUT", cloud.id(MACHINE, "vm2"), MACHINES, self.body())
        self.assertEqual((other.status, other.code), (409, "ConflictingUserInput"))
        answer = cloud.arm("DELETE", cloud.id(DISK, "d-vm"), DISKS)
        self.assertEqual(answer.code, "OperationNotAllowed")
        expanded = cloud.arm("GET", self.path + "?$expand=instanceView", MACHINES).json
        self.assertEqual(expanded["properties"]["instanceView"]["statuses"][1]["code"], "PowerState/running")

    def test_3_a_running_machine_holds_the_set_back(self):
        new = cloud.vault("POST", "kv-test", "/keys/machines/rotate").json["key"]["kid"]
        cloud.done(cloud.update_set("set-vm", new))
        shown = cloud.arm("GET", cloud.id(SET, "set-vm"), DISKS).json["properties"]
        self.assertEqual(shown["previousKeys"], [{"keyUrl": self.key}])
        self.assertIn("is not deallocated", shown["autoKeyRotationError"]["message"])
        self.assertEqual(cloud.inspect("d-vm")["keyUrl"], self.key)

    def test_4_a_disabled_key_stops_io_and_an_enabled_one_brings_it_back(self):
        self.set_enabled(False)
        self.until(lambda: self.view()["disks"][0]["statuses"][0]["code"] == "DiskIO/failed")
        self.assertIn("must be enabled", self.view()["disks"][0]["statuses"][0]["message"])
        self.set_enabled(True)
        self.until(lambda: self.view()["disks"][0]["statuses"][0]["code"] == "DiskIO/ok")
        self.assertEqual(self.power(), "VM running")

    def test_5_deallocate_then_the_repeated_update_completes(self):
        cloud.done(self.act("deallocate"))
        self.assertEqual(self.power(), "VM deallocated")
        self.assertEqual(cloud.disk("d-vm")["properties"]["diskState"], "Reserved")
        active = cloud.arm("GET", cloud.id(SET, "set-vm"), DISKS).json["properties"]["activeKey"]["keyUrl"]
        cloud.done(cloud.update_set("set-vm", active))
        shown = cloud.arm("GET", cloud.id(SET, "set-vm"), DISKS).json["properties"]
        self.assertEqual(shown["previousKeys"], [])
        self.assertNotIn("autoKeyRotationError", shown)
        self.assertEqual(cloud.inspect("d-vm")["keyUrl"], active)
        type(self).key = active

    def test_6_a_start_with_a_disabled_key_fails_and_leaves_it_deallocated(self):
        self.set_enabled(False)
        state = cloud.wait(self.act("start"))
        self.assertEqual((state["status"], state["error"]["code"]), ("Failed", "KeyVaultKeyNotEnabled"), state)
        self.assertEqual(self.power(), "VM deallocated")
        self.set_enabled(True)
        cloud.done(self.act("start"))
        self.assertEqual(self.power(), "VM running")

    def test_7_a_deleted_key_and_its_recovery(self):
        cloud.done(self.act("deallocate"))
        self.assertEqual(cloud.vault("DELETE", "kv-test", "/keys/machines").status, 200)
        state = cloud.wait(self.act("start"))
        self.assertEqual(state["status"], "Failed")
        answer = cloud.vault("DELETE", "kv-test", "/deletedkeys/machines")
        self.assertEqual((answer.status, answer.code), (403, "Forbidden"))
        self.assertIn("purge", answer.message)
        self.assertEqual(cloud.vault("POST", "kv-test", "/deletedkeys/machines/recover").status, 200)
        cloud.done(self.act("start"))

    def test_8_stop_and_delete(self):
        cloud.done(self.act("powerOff"), 60)
        self.assertEqual(self.power(), "VM stopped")
        cloud.done(cloud.arm("DELETE", self.path, MACHINES))
        self.assertEqual(cloud.arm("GET", self.path, MACHINES).status, 404)
        self.assertEqual(cloud.disk("d-vm")["properties"]["diskState"], "Unattached")

    def test_9_a_header_that_is_not_the_recorded_one_is_refused(self):
        # Another disk's whole header, with its own key: the file opens, but it is not the disk that was made.
        cloud.done(cloud.make_disk("d-other", "set-vm"))
        with open(cloud.disk_file("d-other"), "rb") as other, open(cloud.disk_file("d-vm"), "r+b") as mine:
            mine.write(other.read(1 << 20))
        state = cloud.wait(cloud.arm("PUT", self.path, MACHINES, self.body()))
        self.assertEqual(state["status"], "Failed", state)


class Audit(unittest.TestCase):
    def test_every_use_of_a_key_is_recorded_before_it_is_answered(self):
        import sqlite3
        database = sqlite3.connect(f"file:{cloud.dir}/store/custodisk.db?mode=ro", uri=True)
        count = lambda: database.execute("SELECT COUNT(*) FROM audit WHERE operation = 'KeyGet'").fetchone()[0]
        before = count()
        self.assertEqual(cloud.vault("GET", "kv-test", "/keys/k").status, 200)
        self.assertEqual(cloud.vault("GET", "kv-test", "/keys/absent").status, 404)
        self.assertEqual(count(), before + 2)
        database.close()

    def test_refused_changes_are_in_the_activity_log_but_not_those_of_strangers(self):
        import sqlite3
        database = sqlite3.connect(f"file:{cloud.dir}/store/custodisk.db?mode=ro", uri=True)
        count = lambda: database.execute("SELECT COUNT(*) FROM activity_log WHERE status = 'Failed'").fetchone()[0]
        before = count()
        self.assertEqual(cloud.arm("PUT", cloud.group("logged"), GROUPS, {}).status, 400)
        self.assertEqual(count(), before + 1)
        self.assertEqual(cloud.arm("PUT", f"/subscriptions/{uuid.uuid4()}/resourceGroups/x", GROUPS, {}).status, 404)
        self.assertEqual(count(), before + 1)
        database.close()

    def test_no_secret_in_the_logs_or_the_store(self):
        values = [cloud.secret.encode(), cloud.token().encode()]
        for folder in ("log", "store", "run"):
            for root, _, files in os.walk(os.path.join(cloud.dir, folder)):
                for name in files:
                    if not os.path.isfile(os.path.join(root, name)):
                        continue  # a socket
                    with open(os.path.join(root, name), "rb") as f:
                        text = f.read()
                    for value in values:
                        self.assertNotIn(value, text, name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
