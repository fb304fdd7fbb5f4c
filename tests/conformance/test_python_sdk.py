#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Azure's own SDK for Python, as Debian packages it, against an instance, unchanged: run inside `custodisk run`."""

import datetime
import json
import os
import secrets
import unittest
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource import ResourceManagementClient, SubscriptionClient

if os.environ.get("CUSTODISK_RUN") != "1":
    raise SystemExit("not inside custodisk run: these tests must never reach the real Azure")

TENANT, SUBSCRIPTION = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_SUBSCRIPTION_ID"]
LOCATION = "westeurope"
SUFFIX = secrets.token_hex(3)
GROUP, VAULT = f"rg-py-{SUFFIX}", f"kv-py-{SUFFIX}"
CRYPTO_OFFICER = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603"
ENCRYPTION_USER = "e147488a-f6f5-4113-8e2d-b22465e65bf6"


class Recorder(RequestsTransport):
    """Writes each response down, one a line, for js/contract.mjs."""

    def send(self, request, **kwargs):
        response = super().send(request, **kwargs)
        if "CONFORMANCE_RECORD" in os.environ:
            with open(os.environ["CONFORMANCE_RECORD"], "a") as f:
                f.write(json.dumps({"method": request.method, "url": request.url, "status": response.status_code,
                                    "contentType": response.content_type, "body": response.body().decode()}) + "\n")
        return response


def cryptography(key):
    return CryptographyClient(key, credential, transport=Recorder())


def setUpModule():
    """A group, an identity, a vault with roles: what every test below stands on."""
    global credential, resources, identity, vault, keys, compute, authorization, vaults
    credential = ClientSecretCredential(TENANT, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])
    resources = ResourceManagementClient(credential, SUBSCRIPTION)
    vaults = KeyVaultManagementClient(credential, SUBSCRIPTION, transport=Recorder())
    authorization = AuthorizationManagementClient(credential, SUBSCRIPTION)
    compute = ComputeManagementClient(credential, SUBSCRIPTION)
    resources.resource_groups.create_or_update(GROUP, {"location": LOCATION})
    identity = ManagedServiceIdentityClient(credential, SUBSCRIPTION).user_assigned_identities.create_or_update(
        GROUP, "id-py", {"location": LOCATION})
    vault = vaults.vaults.begin_create_or_update(GROUP, VAULT, {"location": LOCATION, "properties": {
        "tenant_id": TENANT, "sku": {"family": "A", "name": "premium"}, "enable_rbac_authorization": True,
        "enable_purge_protection": True}}).result()
    me = [a for a in authorization.role_assignments.list_for_scope(f"/subscriptions/{SUBSCRIPTION}", filter="atScope()")][0]
    for principal, role in ((me.principal_id, CRYPTO_OFFICER), (identity.principal_id, ENCRYPTION_USER)):
        authorization.role_assignments.create(vault.id, str(uuid.uuid4()), {
            "principal_id": principal, "principal_type": "ServicePrincipal",
            "role_definition_id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"})
    keys = KeyClient(vault.properties.vault_uri, credential, transport=Recorder())


class Control(unittest.TestCase):
    def test_credentials(self):
        self.assertTrue(DefaultAzureCredential().get_token("https://management.azure.com/.default").token)
        wrong = ClientSecretCredential(TENANT, os.environ["AZURE_CLIENT_ID"], "wrong")
        with self.assertRaisesRegex(ClientAuthenticationError, "AADSTS7000215"):
            wrong.get_token("https://management.azure.com/.default")

    def test_tenants_and_subscriptions(self):
        client = SubscriptionClient(credential)
        self.assertEqual([t.tenant_id for t in client.tenants.list()], [TENANT])
        self.assertIn(SUBSCRIPTION, [s.subscription_id for s in client.subscriptions.list()])
        self.assertEqual(client.subscriptions.get(SUBSCRIPTION).state, "Enabled")

    def test_groups_and_their_resources(self):
        self.assertTrue(resources.resource_groups.check_existence(GROUP))
        self.assertFalse(resources.resource_groups.check_existence("absent"))
        found = {r.type for r in resources.resources.list_by_resource_group(GROUP)}
        self.assertLessEqual({"Microsoft.KeyVault/vaults", "Microsoft.ManagedIdentity/userAssignedIdentities"}, found)
        named = list(resources.resources.list(filter="resourceType eq 'Microsoft.KeyVault/vaults'"))
        self.assertIn(vault.id, [r.id for r in named])
        self.assertEqual({r.type for r in named}, {"Microsoft.KeyVault/vaults"})
        self.assertEqual(resources.providers.get("Microsoft.KeyVault").registration_state, "Registered")

    def test_ids_are_spelled_alike_whatever_the_request(self):
        self.assertEqual(vault.id, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/{VAULT}")
        self.assertEqual(resources.resource_groups.get(GROUP).id, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")

    def test_vaults(self):
        self.assertEqual(vaults.vaults.get(GROUP, VAULT).properties.vault_uri, f"https://{VAULT}.vault.azure.net/")
        answer = vaults.vaults.check_name_availability({"name": VAULT})
        self.assertEqual((answer.name_available, answer.reason), (False, "AlreadyExists"))
        with self.assertRaises(ResourceNotFoundError):
            vaults.vaults.get(GROUP, "kv-absent")


class Keys(unittest.TestCase):
    def test_life_of_a_key(self):
        made = keys.create_rsa_key("life", size=3072, key_operations=["wrapKey", "unwrapKey"], tags={"a": "b"})
        self.assertEqual(len(made.key.n), 384)
        self.assertEqual(keys.get_key("life").id, made.id)
        rotated = keys.rotate_key("life")
        self.assertNotEqual(rotated.properties.version, made.properties.version)
        self.assertEqual(len(list(keys.list_properties_of_key_versions("life"))), 2)
        self.assertIn("life", [k.name for k in keys.list_properties_of_keys()])
        expires = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
        updated = keys.update_key_properties("life", made.properties.version, enabled=False, expires_on=expires)
        self.assertEqual((updated.properties.enabled, updated.properties.expires_on), (False, expires))
        deleted = keys.begin_delete_key("life").result()
        self.assertEqual(deleted.recovery_id, f"https://{VAULT}.vault.azure.net/deletedkeys/life")
        self.assertIn("life", [k.name for k in keys.list_deleted_keys()])
        with self.assertRaises(ResourceNotFoundError):
            keys.get_key("life")
        with self.assertRaises(ResourceExistsError):
            keys.create_rsa_key("life")
        with self.assertRaises(HttpResponseError) as refused:
            keys.purge_deleted_key("life")
        self.assertEqual(refused.exception.status_code, 403)
        self.assertEqual(keys.begin_recover_deleted_key("life").result().id, rotated.id)

    def test_wrap_and_unwrap(self):
        key = keys.create_rsa_key("wrapping", size=2048)
        secret = secrets.token_bytes(32)
        # The client wraps by itself with a key it can read; it always asks the service to unwrap.
        client = cryptography(key)
        for algorithm in (KeyWrapAlgorithm.rsa_oaep, KeyWrapAlgorithm.rsa_oaep_256):
            wrapped = client.wrap_key(algorithm, secret)
            self.assertEqual(client.unwrap_key(algorithm, wrapped.encrypted_key).key, secret)
        keys.update_key_properties("wrapping", key.properties.version, enabled=False)
        with self.assertRaises(HttpResponseError) as refused:
            cryptography(key.id).unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key)
        self.assertEqual(refused.exception.status_code, 403)


class Compute(unittest.TestCase):
    def test_set_disk_machine(self):
        key = keys.create_rsa_key("cmk", size=3072)
        made = compute.disk_encryption_sets.begin_create_or_update(GROUP, "des-py", {
            "location": LOCATION, "encryption_type": "EncryptionAtRestWithCustomerKey",
            "identity": {"type": "UserAssigned", "user_assigned_identities": {identity.id: {}}},
            "active_key": {"source_vault": {"id": vault.id}, "key_url": key.id}}).result()
        self.assertEqual((made.provisioning_state, made.active_key.key_url), ("Succeeded", key.id))
        disk = compute.disks.begin_create_or_update(GROUP, "disk-py", {
            "location": LOCATION, "os_type": "Linux", "disk_size_gb": 1, "creation_data": {"create_option": "Empty"},
            "encryption": {"type": "EncryptionAtRestWithCustomerKey", "disk_encryption_set_id": made.id}}).result()
        self.assertEqual(disk.provisioning_state, "Succeeded")
        self.assertEqual(list(compute.disk_encryption_sets.list_associated_resources(GROUP, "des-py")), [disk.id])
        newer = keys.rotate_key("cmk")
        updated = compute.disk_encryption_sets.begin_update(GROUP, "des-py", {"active_key": {"key_url": newer.id}}).result()
        self.assertEqual(updated.active_key.key_url, newer.id)

        name = f"vm-py-{SUFFIX}"
        machine = compute.virtual_machines.begin_create_or_update(GROUP, name, {
            "location": LOCATION, "hardware_profile": {"vm_size": "Standard_B1ls"}, "storage_profile": {
                "os_disk": {"create_option": "Attach", "os_type": "Linux", "managed_disk": {"id": disk.id}}}}).result()
        self.assertEqual(machine.provisioning_state, "Succeeded")
        self.assertEqual(self.power(name), "PowerState/running")
        compute.virtual_machines.begin_power_off(GROUP, name, skip_shutdown=True).result()
        self.assertEqual(self.power(name), "PowerState/stopped")
        compute.virtual_machines.begin_deallocate(GROUP, name).result()
        self.assertEqual(self.power(name), "PowerState/deallocated")
        keys.update_key_properties("cmk", newer.properties.version, enabled=False)
        with self.assertRaisesRegex(HttpResponseError, "KeyVaultKeyNotEnabled"):
            compute.virtual_machines.begin_start(GROUP, name).result()
        keys.update_key_properties("cmk", newer.properties.version, enabled=True)
        compute.virtual_machines.begin_start(GROUP, name).result()
        compute.virtual_machines.begin_delete(GROUP, name, force_deletion=True).result()
        compute.disks.begin_delete(GROUP, "disk-py").result()
        compute.disk_encryption_sets.begin_delete(GROUP, "des-py").result()
        with self.assertRaises(ResourceNotFoundError):
            compute.disk_encryption_sets.get(GROUP, "des-py")

    @staticmethod
    def power(name):
        view = compute.virtual_machines.instance_view(GROUP, name)
        return next(s.code for s in view.statuses if s.code.startswith("PowerState/"))


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # the SDK leaves its pooled connections to the end of the process
