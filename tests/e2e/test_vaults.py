#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may use a vault: roles with a condition, access policies, network rules, throttling; and what the control plane shows."""

import concurrent.futures
import time
import unittest
import uuid

from harness import CRYPTO_OFFICER, ENCRYPTION_USER, MACHINES, OWNER, ROLES, VAULTS, Instance

VAULT = "Microsoft.KeyVault/vaults"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
DATA_ACCESS_ADMINISTRATOR = "8b54135c-b56d-4d72-a534-26097cfdc8d8"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"


def setUpModule():
    global cloud
    cloud = Instance("--cache-seconds", "2")
    cloud.up()
    cloud.make_group()


def tearDownModule():
    cloud.down()
    cloud.__exit__()


def host_id():
    return cloud.claims(cloud.host_token())["oid"]


def vault_path(name):
    return cloud.id(VAULT, name)


def patch(name, token=None, **properties):
    return cloud.arm("PATCH", vault_path(name), VAULTS, {"properties": properties}, token)


def entry(permissions, object_id=None):
    return {"tenantId": cloud.tenant, "objectId": object_id or cloud.me(), "permissions": permissions}


class Case(unittest.TestCase):
    def refuse(self, answer, status, code, inner=None, words=""):
        error = (answer.json or {}).get("error") or {}
        self.assertEqual((answer.status, answer.code, (error.get("innererror") or {}).get("code")), (status, code, inner), answer)
        self.assertIn(words, answer.message)

    def properties(self, name):
        answer = cloud.arm("GET", vault_path(name), VAULTS)
        self.assertEqual(answer.status, 200, answer)
        return answer.json["properties"]


class Roles(Case):
    def test_an_object_in_a_vault_is_a_scope(self):
        cloud.make_vault("kv-scopes")
        for child in ("keys", "secrets"):
            granted = cloud.assign(f"{vault_path('kv-scopes')}/{child}/one", host_id(), SECRETS_USER)
            self.assertEqual(granted.status, 201, granted)
        self.refuse(cloud.assign(vault_path("kv-absent") + "/secrets/one", host_id(), SECRETS_USER), 404, "ResourceNotFound")
        officer = cloud.assign(vault_path("kv-scopes"), cloud.me(), SECRETS_OFFICER)
        self.assertEqual(officer.status, 201, officer)
        cloud.make_key("kv-scopes", "one")
        for name in ("one", "two"):
            self.assertEqual(cloud.vault("PUT", "kv-scopes", f"/secrets/{name}", {"value": name}).status, 200)
        token = cloud.host_token("https://vault.azure.net")
        self.refuse(cloud.vault("GET", "kv-scopes", "/keys/one", token=token), 403, "Forbidden", "ForbiddenByRbac", "keys/read")
        cloud.assign(f"{vault_path('kv-scopes')}/keys/one", host_id(), ENCRYPTION_USER)
        self.assertEqual(cloud.vault("GET", "kv-scopes", "/keys/one", token=token).status, 200)
        self.refuse(cloud.vault("GET", "kv-scopes", "/keys", token=token), 403, "Forbidden", "ForbiddenByRbac")
        self.assertEqual(cloud.vault("GET", "kv-scopes", "/secrets/ONE", token=token).json["value"], "one")
        self.assertEqual(cloud.vault("GET", "kv-scopes", "/secrets/one/versions", token=token).status, 200)
        for method, path, action in (("GET", "/secrets/two", "getSecret"), ("GET", "/secrets", "readMetadata"),
                                     ("PUT", "/secrets/one", "setSecret"), ("DELETE", "/secrets/one", "secrets/delete")):
            self.refuse(cloud.vault(method, "kv-scopes", path, {"value": "x"} if method == "PUT" else None, token=token), 403,
                        "Forbidden", "ForbiddenByRbac", action)

    def test_a_data_access_administrator_assigns_the_roles_of_its_condition_alone(self):
        cloud.make_vault("kv-delegated")
        scope, token = vault_path("kv-delegated"), cloud.host_token()
        self.assertEqual(cloud.assign(scope, host_id(), DATA_ACCESS_ADMINISTRATOR).status, 201)
        someone = cloud.make_identity("id-delegated")["principalId"]

        def put(role, where=scope):
            return cloud.arm("PUT", f"{where}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}", ROLES, {
                "properties": {"principalId": someone, "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}"}},
                token)

        granted = put(CRYPTO_OFFICER)
        self.assertEqual(granted.status, 201, granted)
        for role in (OWNER, CONTRIBUTOR, DATA_ACCESS_ADMINISTRATOR, str(uuid.uuid4())):
            self.refuse(put(role), 403, "AuthorizationFailed", words="roleAssignments/write")
        self.refuse(put(CRYPTO_OFFICER, cloud.group()), 403, "AuthorizationFailed")
        owners = cloud.assign(scope, someone, OWNER).json["id"]
        self.refuse(cloud.arm("DELETE", owners, ROLES, token=token), 403, "AuthorizationFailed", words="roleAssignments/delete")
        self.assertEqual(cloud.arm("DELETE", granted.json["id"], ROLES, token=token).status, 200)
        # It may see who may do what in the vault, and not change it.
        self.assertEqual(cloud.arm("GET", scope + "/providers/Microsoft.Authorization/roleAssignments", ROLES, token=token).status, 200)
        self.refuse(patch("kv-delegated", token, enabledForDeployment=True), 403, "AuthorizationFailed")
        definition = f"{cloud.scope}/providers/Microsoft.Authorization/roleDefinitions/{DATA_ACCESS_ADMINISTRATOR}"
        # Earlier versions do not know of conditions of roles.
        self.assertNotIn("condition", cloud.arm("GET", definition, ROLES).json["properties"]["permissions"][0])
        permission = cloud.arm("GET", definition, "2022-05-01-preview").json["properties"]["permissions"][0]
        self.assertEqual(permission["conditionVersion"], "2.0")
        self.assertIn("ForAnyOfAnyValues:GuidEquals{00482a5a-887f-4fb3-b363-3b7fe8e74483, ", permission["condition"])


    def test_a_condition_that_nobody_would_check_is_refused(self):
        path = f"{cloud.group()}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
        role = f"/providers/Microsoft.Authorization/roleDefinitions/{ENCRYPTION_USER}"
        self.refuse(cloud.arm("PUT", path, ROLES, {"properties": {
            "principalId": cloud.me(), "roleDefinitionId": role, "condition": "@Resource[a] StringEquals 'b'",
            "conditionVersion": "2.0"}}), 400, "InvalidCondition")
        self.assertEqual(cloud.arm("GET", path, ROLES).status, 404)


class Documents(Case):
    """The examples of the 2023-07-01 description, with what they name replaced by what is here."""

    def test_a_vault_is_shown_as_it_was_made_and_changed(self):
        keys = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify", "get", "list", "create", "update", "import",
                "delete", "backup", "restore", "recover", "purge"]
        secrets = ["get", "list", "set", "delete", "backup", "restore", "recover", "purge"]
        certificates = ["get", "list", "delete", "create", "import", "update", "managecontacts", "getissuers", "listissuers",
                        "setissuers", "deleteissuers", "manageissuers", "recover", "purge"]
        given = {"tenantId": cloud.tenant, "sku": {"family": "A", "name": "standard"},
                 "accessPolicies": [entry({"keys": keys, "secrets": secrets, "certificates": certificates})],
                 "enabledForDeployment": True, "enabledForDiskEncryption": True, "enabledForTemplateDeployment": True,
                 "publicNetworkAccess": "Enabled"}
        made = cloud.arm("PUT", vault_path("kv-shown"), VAULTS, {"location": "westus", "properties": given})
        self.assertEqual(made.status, 201, made)
        wanted = {**given, "vaultUri": "https://kv-shown.vault.azure.net/", "enableSoftDelete": True,
                  "softDeleteRetentionInDays": 90, "enableRbacAuthorization": False, "provisioningState": "Succeeded"}
        self.assertEqual(made.json["properties"], wanted)
        self.assertEqual((made.json["name"], made.json["type"], made.json["location"]), ("kv-shown", VAULT, "westus"))
        self.assertEqual(self.properties("kv-shown"), wanted)
        listed = cloud.arm("GET", cloud.group() + "/providers/" + VAULT, VAULTS).json["value"]
        self.assertEqual([v["properties"] for v in listed if v["name"] == "kv-shown"], [wanted])
        # What a later request leaves out, or says with null, stays.
        changed = patch("kv-shown", sku={"family": "A", "name": "premium"}, enabledForDeployment=False, accessPolicies=None,
                        enabledForDiskEncryption=None)
        self.assertEqual(changed.status, 200, changed)
        wanted.update(sku={"family": "A", "name": "premium"}, enabledForDeployment=False)
        self.assertEqual(changed.json["properties"], wanted)
        self.assertEqual(patch("kv-shown", accessPolicies=[]).json["properties"]["accessPolicies"], [])

    def test_what_is_wrong_in_a_vault(self):
        cloud.make_vault("kv-wrong")
        policies = "An invalid value was provided for 'accessPolicies'."
        for properties, words in (
                ({"enabledForDeployment": "true"}, "enabledForDeployment"),
                ({"enabledForDiskEncryption": 1}, "enabledForDiskEncryption"),
                ({"enabledForTemplateDeployment": []}, "enabledForTemplateDeployment"),
                ({"enableRbacAuthorization": "no"}, "enableRbacAuthorization"),
                ({"publicNetworkAccess": "Sometimes"}, "publicNetworkAccess"), ({"publicNetworkAccess": True}, "publicNetworkAccess"),
                ({"sku": {"family": "A", "name": "basic"}}, "sku.name"),
                ({"accessPolicies": {}}, policies), ({"accessPolicies": [{}]}, policies),
                ({"accessPolicies": [entry({"keys": ["fly"]})]}, policies),
                ({"accessPolicies": [entry({}, "someone")]}, "Invalid value found at accessPolicies[0].ObjectId: someone"),
                ({"accessPolicies": [{**entry({}), "tenantId": str(uuid.uuid4())}]}, policies)):
            before = self.properties("kv-wrong")
            self.refuse(patch("kv-wrong", **properties), 400, "BadRequest", words=words)
            self.assertEqual(self.properties("kv-wrong"), before)

    def test_a_recovered_vault_keeps_its_settings_and_policies(self):
        given = [entry({"keys": ["Get"]})]
        cloud.make_vault("kv-back", officer=False, enableRbacAuthorization=False, enablePurgeProtection=None, accessPolicies=given,
                         enabledForDiskEncryption=True)
        self.assertEqual(cloud.arm("DELETE", vault_path("kv-back"), VAULTS).status, 200)
        answer = cloud.arm("PUT", vault_path("kv-back"), VAULTS, {"location": "westeurope", "properties": {"createMode": "recover"}})
        self.assertIn(answer.status, (200, 201), answer)
        shown = answer.json["properties"]
        self.assertEqual((shown["accessPolicies"], shown["enabledForDiskEncryption"]), (given, True))


class Policies(Case):
    @classmethod
    def setUpClass(cls):
        cloud.make_vault("kv-policy", officer=False, enableRbacAuthorization=None, accessPolicies=[])

    def change(self, kind, *entries, token=None):
        return cloud.arm("PUT", f"{vault_path('kv-policy')}/accessPolicies/{kind}", VAULTS,
                         {"properties": {"accessPolicies": list(entries)}}, token)

    def test_1_nobody_without_a_policy(self):
        self.refuse(cloud.vault("POST", "kv-policy", "/keys/k/create", {"kty": "RSA"}), 403, "Forbidden", "ForbiddenByPolicy",
                    f"oid={cloud.me()};numgroups=0;iss=https://sts.windows.net/{cloud.tenant}/' does not have keys create permission "
                    "on key vault 'kv-policy;location=westeurope'")

    def test_2_add_replace_remove(self):
        answer = self.change("add", entry({"keys": ["create", "Get"]}))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json, {"id": vault_path("kv-policy") + "/accessPolicies/", "type": VAULT + "/accessPolicies",
                                       "properties": {"accessPolicies": [entry({"keys": ["create", "Get"]})]}})
        cloud.make_key("kv-policy")
        self.refuse(cloud.vault("GET", "kv-policy", "/keys"), 403, "Forbidden", "ForbiddenByPolicy", "keys list")
        self.change("ADD", entry({"keys": ["list"]}), entry({"secrets": ["get"]}, host_id()))
        self.assertEqual(cloud.vault("GET", "kv-policy", "/keys").status, 200)
        self.assertEqual(self.properties("kv-policy")["accessPolicies"],
                         [entry({"keys": ["create", "Get", "list"]}), entry({"secrets": ["get"]}, host_id())])
        self.change("remove", entry({"keys": ["create", "get"]}))
        self.refuse(cloud.vault("GET", "kv-policy", "/keys/k"), 403, "Forbidden", "ForbiddenByPolicy", "keys get")
        self.assertEqual(cloud.vault("GET", "kv-policy", "/keys").status, 200)
        self.change("replace", entry({"keys": ["get"]}))
        self.assertEqual(cloud.vault("GET", "kv-policy", "/keys/k").status, 200)
        self.refuse(cloud.vault("GET", "kv-policy", "/keys"), 403, "Forbidden", "ForbiddenByPolicy", "keys list")
        self.assertEqual(len(self.properties("kv-policy")["accessPolicies"]), 2)

    def test_3_what_is_refused(self):
        self.refuse(self.change("multiply"), 400, "BadRequest", words="multiply")
        self.refuse(self.change("add", {}), 400, "BadRequest", words="accessPolicies")
        self.refuse(cloud.arm("PUT", vault_path("kv-policy") + "/accessPolicies/add", VAULTS, {}), 400, "BadRequest")
        self.refuse(cloud.arm("GET", vault_path("kv-policy") + "/accessPolicies/add", VAULTS), 405, "MethodNotAllowed")
        self.refuse(cloud.arm("PUT", vault_path("kv-absent") + "/accessPolicies/add", VAULTS,
                              {"properties": {"accessPolicies": []}}), 404, "ResourceNotFound")
        self.refuse(self.change("add", token=cloud.host_token()), 403, "AuthorizationFailed", words=VAULT + "/accessPolicies/write")

    def test_4_switching_the_model(self):
        self.change("replace", entry({"keys": ["get"]}))
        # Who may change vaults but assign no roles does not decide who decides.
        granted = cloud.assign(vault_path("kv-policy"), host_id(), CONTRIBUTOR).json["id"]
        self.assertEqual(patch("kv-policy", cloud.host_token(), enabledForDeployment=True).status, 200)
        self.refuse(patch("kv-policy", cloud.host_token(), enableRbacAuthorization=True), 403, "AuthorizationFailed",
                    words="Microsoft.Authorization/roleAssignments/write")
        self.assertEqual(cloud.arm("DELETE", granted, ROLES).status, 200)
        self.assertEqual(patch("kv-policy", enableRbacAuthorization=True).status, 200)
        self.refuse(cloud.vault("GET", "kv-policy", "/keys/k"), 403, "Forbidden", "ForbiddenByRbac")
        # The policies are still there, and count again.
        self.assertEqual(patch("kv-policy", enableRbacAuthorization=False).status, 200)
        self.assertEqual(cloud.vault("GET", "kv-policy", "/keys/k").status, 200)

    def test_5_the_platform(self):
        token = cloud.host_token("https://vault.azure.net")
        self.change("remove", entry({"secrets": ["all", "purge"]}, host_id()))
        self.refuse(cloud.vault("GET", "kv-policy", "/keys/k", token=token), 403, "Forbidden", "ForbiddenByPolicy")
        self.assertEqual(patch("kv-policy", enabledForDiskEncryption=True).status, 200)
        self.assertEqual(cloud.vault("GET", "kv-policy", "/keys/k", token=token).status, 200)
        self.refuse(cloud.vault("DELETE", "kv-policy", "/keys/k", token=token), 403, "Forbidden", "ForbiddenByPolicy", "keys delete")
        self.assertEqual(cloud.vault("PUT", "kv-policy", "/secrets/s", {"value": "bek"}, token=token).status, 200)
        self.assertEqual(cloud.vault("GET", "kv-policy", "/secrets/s", token=token).json["value"], "bek")
        self.refuse(cloud.vault("GET", "kv-policy", "/secrets", token=token), 403, "Forbidden", "ForbiddenByPolicy", "secrets list")
        # A machine's certificates are fetched, and nothing is written.
        self.assertEqual(patch("kv-policy", enabledForDiskEncryption=False, enabledForDeployment=True).status, 200)
        self.refuse(cloud.vault("GET", "kv-policy", "/keys/k", token=token), 403, "Forbidden", "ForbiddenByPolicy", "keys get")
        self.assertEqual(cloud.vault("GET", "kv-policy", "/secrets/s", token=token).status, 200)
        self.refuse(cloud.vault("PUT", "kv-policy", "/secrets/s", {"value": "x"}, token=token), 403, "Forbidden",
                    "ForbiddenByPolicy", "secrets set")
        # Templates are not the compute service's.
        self.assertEqual(patch("kv-policy", enabledForDeployment=False, enabledForTemplateDeployment=True).status, 200)
        self.refuse(cloud.vault("GET", "kv-policy", "/secrets/s", token=token), 403, "Forbidden", "ForbiddenByPolicy", "secrets get")

    def test_6_a_disk_under_a_key_that_a_policy_opens(self):
        self.change("replace", entry({"keys": ["create", "get"]}))
        key = cloud.make_key("kv-policy", "disks")
        identity = cloud.make_identity("id-policy")
        cloud.make_set("set-policy", key, "id-policy")
        state = cloud.wait(cloud.make_disk("d-refused", "set-policy"))
        self.assertEqual((state["status"], state["error"]["code"]), ("Failed", "KeyVaultAccessForbidden"), state)
        self.change("add", entry({"keys": ["get", "wrapKey", "unwrapKey"]}, identity["principalId"]))
        cloud.done(cloud.make_disk("d-policy", "set-policy"))


class Networks(Case):
    DISK, MACHINE = "Microsoft.Compute/disks", "Microsoft.Compute/virtualMachines"

    @classmethod
    def setUpClass(cls):
        cloud.make_vault("kv-net")
        cls.key = cloud.make_key("kv-net")

    def acls(self, **rules):
        answer = patch("kv-net", networkAcls=rules)
        self.assertEqual(answer.status, 200, answer)
        return answer

    def ask(self, token=None):
        return cloud.vault("GET", "kv-net", "/keys/k", token=token)

    def test_1_rules_are_shown(self):
        self.assertNotIn("networkAcls", self.properties("kv-net"))
        subnet = f"{cloud.group()}/providers/Microsoft.Network/virtualNetworks/test-vnet/subnets/subnet1"
        self.acls(defaultAction="Deny", bypass="AzureServices", ipRules=[{"value": "124.56.78.91"}, {"value": "124.91.4.0/24"}],
                  virtualNetworkRules=[{"id": subnet}])
        wanted = {"defaultAction": "Deny", "bypass": "AzureServices",
                  "ipRules": [{"value": "124.56.78.91/32"}, {"value": "124.91.4.0/24"}],
                  "virtualNetworkRules": [{"id": subnet.lower()}]}
        self.assertEqual(self.properties("kv-net")["networkAcls"], wanted)
        self.assertEqual(patch("kv-net", tags={}).json["properties"]["networkAcls"], wanted)

    def test_2_what_is_refused(self):
        before = self.properties("kv-net")
        for rules in ({"ipRules": [{"value": "1.2.3.4/8"}]}, {"ipRules": [{"value": "::1"}]}, {"defaultAction": "Perhaps"},
                      {"bypass": "All"}, [], {"virtualNetworkRules": [{"id": 1}]}, {"ipRules": [{"value": "1.1.1.1"}] * 1001}):
            self.refuse(patch("kv-net", networkAcls=rules), 400, "BadRequest", words="networkAcls")
        self.assertEqual(self.properties("kv-net"), before)

    def test_3_who_comes_in(self):
        words = (f"Client address: 127.0.0.1\r\nCaller: appid={cloud.client};oid={cloud.me()};"
                 f"iss=https://sts.windows.net/{cloud.tenant}/\r\nVault: kv-net;location=westeurope")
        self.refuse(self.ask(), 403, "Forbidden", "ForbiddenByFirewall", words)
        self.assertNotIn("x-custodisk-advisory", self.acls(ipRules=[{"value": "1.1.1.1"}]).headers)
        self.refuse(self.ask(), 403, "Forbidden", "ForbiddenByFirewall")
        # Azure would refuse this rule; the operator of a private network needs it.
        self.assertIn("127.0.0.1", self.acls(ipRules=[{"value": "127.0.0.1"}]).headers["x-custodisk-advisory"])
        self.assertEqual(self.ask().status, 200)
        self.assertEqual(patch("kv-net", publicNetworkAccess="disabled").json["properties"]["publicNetworkAccess"], "Disabled")
        self.refuse(self.ask(), 403, "Forbidden", "ForbiddenByConnection", "Public network access is disabled")
        self.assertEqual(patch("kv-net", publicNetworkAccess="Enabled").status, 200)
        self.acls(defaultAction="Allow", ipRules=[])
        self.assertEqual(self.ask().status, 200)

    def test_4_disks_keep_running_when_public_access_ends(self):
        identity = cloud.make_identity("id-net")
        self.assertEqual(cloud.assign(vault_path("kv-net"), identity["principalId"], ENCRYPTION_USER).status, 201)
        cloud.make_set("set-net", self.key, "id-net")
        cloud.done(cloud.make_disk("d-net", "set-net"))
        machine = cloud.id(self.MACHINE, "vm-net")
        cloud.done(cloud.arm("PUT", machine, MACHINES, {"location": "westeurope", "properties": {
            "hardwareProfile": {"vmSize": "Standard_DC2as_v5"},
            "securityProfile": {"securityType": "ConfidentialVM", "uefiSettings": {"vTpmEnabled": True}},
            "storageProfile": {"osDisk": {"createOption": "Attach", "managedDisk": {"id": cloud.id(self.DISK, "d-net")}}}}}))

        def state():
            view = cloud.arm("GET", machine + "/instanceView", MACHINES).json
            return view["disks"][0]["statuses"][0]["code"]

        def unwrapped():
            return cloud.sql("SELECT COUNT(*) FROM audit WHERE vault = 'kv-net' AND operation = 'KeyUnwrap' AND status = 200")[0][0]

        self.assertEqual(patch("kv-net", publicNetworkAccess="Disabled", networkAcls={"defaultAction": "Deny"}).status, 200)
        self.refuse(self.ask(), 403, "Forbidden", "ForbiddenByConnection")
        before = unwrapped()
        cloud.until(lambda: unwrapped() >= before + 2, 60)  # its permission was renewed, and renewed again
        self.assertEqual(state(), "DiskIO/ok")
        self.acls(bypass="None")
        cloud.until(lambda: state() == "DiskIO/failed", 60)
        self.acls(bypass="AzureServices")
        cloud.until(lambda: state() == "DiskIO/ok", 60)
        cloud.done(cloud.arm("DELETE", machine, MACHINES))


class Throttling(Case):
    def test_a_vault_makes_twenty_keys_in_ten_seconds(self):
        with Instance(throttling=True) as limited:
            limited.make_group()
            limited.make_vault("kv-limited")
            limited.make_vault("kv-other")
            limited.token("https://vault.azure.net")

            def create(number):
                return limited.vault("POST", "kv-limited", f"/keys/k{number}/create", {"kty": "EC"})

            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(create, range(60)))
            windows = (time.monotonic() - began) // 10 + 1
            made = [a for a in answers if a.status == 200]
            self.assertLessEqual(len(made), 20 * windows)
            self.assertGreaterEqual(len(made), 20)
            throttled = [a for a in answers if a.status != 200]
            self.assertTrue(throttled, "no key was refused")
            for answer in throttled:
                self.refuse(answer, 429, "Throttled", words="Reason: VaultRequestTypeLimitReached")
                self.assertIn(int(answer.headers["Retry-After"]), range(1, 11))
            # The vault beside it has a budget of its own, and this one will have a new one.
            limited.make_key("kv-other")
            until = time.monotonic() + 30
            while create("later").status == 429:
                self.assertLess(time.monotonic(), until)
                time.sleep(0.5)

    def test_it_can_be_left_out(self):
        cloud.make_vault("kv-unlimited")
        for number in range(25):
            cloud.make_key("kv-unlimited", f"k{number}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
