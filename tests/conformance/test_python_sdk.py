#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Azure's own SDK for Python, as Debian packages it, against an instance, unchanged: run inside `custodisk run`."""

import datetime
import hashlib
import json
import os
import secrets
import unittest
import uuid

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.keys import (ApiVersion, JsonWebKey, KeyClient, KeyCurveName, KeyOperation, KeyReleasePolicy,
                                 KeyRotationLifetimeAction, KeyRotationPolicyAction)
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource import ResourceManagementClient, SubscriptionClient
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

if os.environ.get("CUSTODISK_RUN") != "1":
    raise SystemExit("not inside custodisk run: these tests must never reach the real Azure")

TENANT, SUBSCRIPTION = os.environ["AZURE_TENANT_ID"], os.environ["AZURE_SUBSCRIPTION_ID"]
LOCATION = "westeurope"
SUFFIX = secrets.token_hex(3)
GROUP, VAULT = f"rg-py-{SUFFIX}", f"kv-py-{SUFFIX}"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
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


def crypto_client(key):
    return CryptographyClient(key, credential, transport=Recorder())


def remote(key_id):
    """Leaves everything to the service, as the client does whose user may not read the key."""
    client = crypto_client(key_id)
    client._keys_get_forbidden = True
    return client


def inner_code(error):
    return error.exception.model.error.inner_error.code


def setUpModule():
    """A group, an identity, a vault with roles: what every test below stands on."""
    global credential, resources, identity, vault, keys, vault_secrets, scratch, compute, authorization, vaults
    credential = ClientSecretCredential(TENANT, os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"])
    resources = ResourceManagementClient(credential, SUBSCRIPTION, transport=Recorder())
    vaults = KeyVaultManagementClient(credential, SUBSCRIPTION, transport=Recorder())
    authorization = AuthorizationManagementClient(credential, SUBSCRIPTION, transport=Recorder())
    compute = ComputeManagementClient(credential, SUBSCRIPTION, transport=Recorder())
    resources.resource_groups.create_or_update(GROUP, {"location": LOCATION})
    identities = ManagedServiceIdentityClient(credential, SUBSCRIPTION, transport=Recorder())
    identity = identities.user_assigned_identities.create_or_update(GROUP, "id-py", {"location": LOCATION})
    vault = vaults.vaults.begin_create_or_update(GROUP, VAULT, {"location": LOCATION, "properties": {
        "tenant_id": TENANT, "sku": {"family": "A", "name": "premium"}, "enable_rbac_authorization": True,
        "enable_purge_protection": True}}).result()
    me = [a for a in authorization.role_assignments.list_for_scope(f"/subscriptions/{SUBSCRIPTION}", filter="atScope()")][0]
    for principal, role in ((me.principal_id, ADMINISTRATOR), (identity.principal_id, ENCRYPTION_USER)):
        authorization.role_assignments.create(vault.id, str(uuid.uuid4()), {
            "principal_id": principal, "principal_type": "ServicePrincipal",
            "role_definition_id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{role}"})
    keys = KeyClient(vault.properties.vault_uri, credential, transport=Recorder())
    vault_secrets = SecretClient(vault.properties.vault_uri, credential, transport=Recorder())
    # Another one, in which things may be purged.
    other = vaults.vaults.begin_create_or_update(GROUP, f"kv-py2-{SUFFIX}", {"location": LOCATION, "properties": {
        "tenant_id": TENANT, "sku": {"family": "A", "name": "standard"}, "enable_rbac_authorization": True}}).result()
    authorization.role_assignments.create(other.id, str(uuid.uuid4()), {
        "principal_id": me.principal_id, "principal_type": "ServicePrincipal", "role_definition_id":
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{ADMINISTRATOR}"})
    scratch = {"keys": KeyClient(other.properties.vault_uri, credential, transport=Recorder()),
               "secrets": SecretClient(other.properties.vault_uri, credential, transport=Recorder())}


class Control(unittest.TestCase):
    def test_credentials(self):
        self.assertTrue(DefaultAzureCredential().get_token("https://management.azure.com/.default").token)
        wrong = ClientSecretCredential(TENANT, os.environ["AZURE_CLIENT_ID"], "wrong")
        with self.assertRaisesRegex(ClientAuthenticationError, "AADSTS7000215"):
            wrong.get_token("https://management.azure.com/.default")

    def test_tenants_and_subscriptions(self):
        client = SubscriptionClient(credential, transport=Recorder())
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
        client = crypto_client(key)
        for algorithm in (KeyWrapAlgorithm.rsa_oaep, KeyWrapAlgorithm.rsa_oaep_256):
            wrapped = client.wrap_key(algorithm, secret)
            self.assertEqual(client.unwrap_key(algorithm, wrapped.encrypted_key).key, secret)
        keys.update_key_properties("wrapping", key.properties.version, enabled=False)
        with self.assertRaises(HttpResponseError) as refused:
            crypto_client(key.id).unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped.encrypted_key)
        self.assertEqual(refused.exception.status_code, 403)


    def test_types(self):
        for curve in (KeyCurveName.p_256, KeyCurveName.p_256_k, KeyCurveName.p_384, KeyCurveName.p_521):
            made = keys.create_ec_key(f"ec-{curve.value}", curve=curve)
            self.assertEqual((made.key_type, made.key.crv), ("EC", curve))
        self.assertEqual(keys.create_ec_key("ec-hsm", hardware_protected=True).key_type, "EC-HSM")
        self.assertEqual(keys.create_rsa_key("rsa-hsm", hardware_protected=True).key_type, "RSA-HSM")
        self.assertEqual(keys.create_oct_key("oct-hsm", size=256, hardware_protected=True).key_type, "oct-HSM")
        for refused_here in (lambda: scratch["keys"].create_ec_key("no-hsm", hardware_protected=True),
                             lambda: keys.create_oct_key("oct", size=256), lambda: keys.create_rsa_key("small", size=1024)):
            with self.assertRaises(HttpResponseError) as refused:
                refused_here()
            self.assertEqual((refused.exception.status_code, refused.exception.error.code), (400, "BadParameter"))

    def test_encrypt_sign_verify(self):
        key = keys.create_rsa_key("crypto", size=2048)
        for client in (crypto_client(key), remote(key.id)):
            for algorithm in (EncryptionAlgorithm.rsa1_5, EncryptionAlgorithm.rsa_oaep, EncryptionAlgorithm.rsa_oaep_256):
                encrypted = client.encrypt(algorithm, b"plain")
                self.assertEqual(client.decrypt(algorithm, encrypted.ciphertext).plaintext, b"plain")
            for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
                digest = hashlib.new("sha" + algorithm[2:], b"data").digest()
                signature = remote(key.id).sign(SignatureAlgorithm(algorithm), digest).signature
                self.assertTrue(client.verify(SignatureAlgorithm(algorithm), digest, signature).is_valid)
                self.assertFalse(client.verify(SignatureAlgorithm(algorithm), digest, signature[::-1]).is_valid)
        for curve, algorithm, size in (("P-256", "ES256", 256), ("P-256K", "ES256K", 256), ("P-384", "ES384", 384),
                                       ("P-521", "ES512", 512)):
            key = keys.create_ec_key(f"sign-{curve}", curve=KeyCurveName(curve))
            digest = hashlib.new(f"sha{size}", b"data").digest()
            signature = remote(key.id).sign(SignatureAlgorithm(algorithm), digest).signature
            for client in (crypto_client(key), remote(key.id)):
                self.assertTrue(client.verify(SignatureAlgorithm(algorithm), digest, signature).is_valid)
                self.assertFalse(client.verify(SignatureAlgorithm(algorithm), digest[::-1], signature).is_valid)

    def test_symmetric(self):
        key = keys.create_oct_key("symmetric", size=256, hardware_protected=True)
        client = remote(key.id)
        wrapped = client.wrap_key(KeyWrapAlgorithm.aes_256, b"k" * 32)
        self.assertEqual(client.unwrap_key(KeyWrapAlgorithm.aes_256, wrapped.encrypted_key).key, b"k" * 32)
        sealed = client.encrypt(EncryptionAlgorithm.a256_gcm, b"plain", additional_authenticated_data=b"aad")
        opened = {"iv": sealed.iv, "authentication_tag": sealed.tag}
        self.assertEqual(client.decrypt(EncryptionAlgorithm.a256_gcm, sealed.ciphertext, additional_authenticated_data=b"aad",
                                        **opened).plaintext, b"plain")
        with self.assertRaises(HttpResponseError):
            client.decrypt(EncryptionAlgorithm.a256_gcm, sealed.ciphertext, **opened)

    def test_operations_are_enforced(self):
        key = keys.create_rsa_key("narrow", key_operations=[KeyOperation.sign])
        with self.assertRaises(HttpResponseError) as refused:
            remote(key.id).decrypt(EncryptionAlgorithm.rsa_oaep, bytes(256))
        self.assertEqual((refused.exception.status_code, inner_code(refused)), (403, "KeyOperationForbidden"))

    def test_import(self):
        ours = ec.generate_private_key(ec.SECP256R1())
        numbers = ours.private_numbers()
        made = keys.import_key("imported", JsonWebKey(
            kty="EC", crv="P-256", key_ops=["sign", "verify"], d=numbers.private_value.to_bytes(32, "big"),
            x=numbers.public_numbers.x.to_bytes(32, "big"), y=numbers.public_numbers.y.to_bytes(32, "big")))
        digest = hashlib.sha256(b"data").digest()
        signature = remote(made.id).sign(SignatureAlgorithm.es256, digest).signature
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        ours.public_key().verify(encode_dss_signature(r, s), b"data", ec.ECDSA(hashes.SHA256()))

    def test_rotation_policy(self):
        keys.create_ec_key("policed")
        policy = keys.get_key_rotation_policy("policed")
        self.assertEqual([a.action for a in policy.lifetime_actions], [KeyRotationPolicyAction.notify])
        actions = [KeyRotationLifetimeAction(KeyRotationPolicyAction.rotate, time_before_expiry="P30D")]
        updated = keys.update_key_rotation_policy("policed", policy, expires_in="P90D", lifetime_actions=actions)
        self.assertEqual(updated.expires_in, "P90D")
        self.assertEqual({a.action for a in keys.get_key_rotation_policy("policed").lifetime_actions}, {"Rotate", "Notify"})
        rotated = keys.rotate_key("policed")
        self.assertEqual(rotated.properties.expires_on - rotated.properties.created_on, datetime.timedelta(days=90))
        with self.assertRaises(HttpResponseError) as refused:
            keys.update_key_rotation_policy("policed", policy, expires_in="P27D")
        self.assertEqual(refused.exception.status_code, 400)

    def test_backup_and_purge(self):
        client = scratch["keys"]
        made = client.create_ec_key("kept", tags={"a": "b"})
        blob = client.backup_key("kept")
        with self.assertRaises(ResourceExistsError):
            client.restore_key_backup(blob)
        client.begin_delete_key("kept").wait()
        client.purge_deleted_key("kept")
        restored = client.restore_key_backup(blob)
        self.assertEqual((restored.id, restored.properties.tags), (made.id, {"a": "b"}))
        with self.assertRaises(HttpResponseError) as refused:
            client.restore_key_backup(blob[::-1])
        self.assertEqual(refused.exception.status_code, 400)

    def test_release_is_refused(self):
        policy = KeyReleasePolicy(json.dumps({"version": "1.0.0", "anyOf": [
            {"authority": "https://sharedweu.weu.attest.azure.net/",
             "allOf": [{"claim": "x-ms-compliance-status", "equals": "azure-compliant-cvm"}]}]}).encode())
        made = keys.create_ec_key("released", hardware_protected=True, exportable=True, release_policy=policy)
        self.assertTrue(made.properties.exportable)
        with self.assertRaises(HttpResponseError) as refused:
            keys.release_key("released", "statement")
        self.assertEqual(refused.exception.status_code, 403)
        self.assertIn("Target environment attestation statement cannot be verified.", refused.exception.message)

    def test_random_bytes_are_of_managed_hsms(self):
        with self.assertRaises(HttpResponseError):
            keys.get_random_bytes(16)

    def test_older_versions_of_the_api(self):
        for version in (ApiVersion.V7_0, ApiVersion.V7_1, ApiVersion.V7_2, ApiVersion.V7_3):
            client = KeyClient(vault.properties.vault_uri, credential, api_version=version, transport=Recorder())
            name = "of-" + version.value.replace(".", "-")
            self.assertEqual(client.create_ec_key(name).id, client.get_key(name).id)


class Secrets(unittest.TestCase):
    def test_life_of_a_secret(self):
        first = vault_secrets.set_secret("life", "one", content_type="text/plain", tags={"a": "b"})
        second = vault_secrets.set_secret("life", "two")
        self.assertEqual(vault_secrets.get_secret("life").value, "two")
        self.assertEqual(vault_secrets.get_secret("life", first.properties.version).properties.content_type, "text/plain")
        self.assertEqual({p.version for p in vault_secrets.list_properties_of_secret_versions("life")},
                         {first.properties.version, second.properties.version})
        self.assertIn("life", [p.name for p in vault_secrets.list_properties_of_secrets()])
        vault_secrets.update_secret_properties("life", second.properties.version, enabled=False)
        with self.assertRaises(HttpResponseError) as refused:
            vault_secrets.get_secret("life")
        self.assertEqual((refused.exception.status_code, inner_code(refused)), (403, "SecretDisabled"))
        deleted = vault_secrets.begin_delete_secret("life").result()
        self.assertEqual(deleted.recovery_id, f"https://{VAULT}.vault.azure.net/deletedsecrets/life")
        self.assertIn("life", [s.name for s in vault_secrets.list_deleted_secrets()])
        with self.assertRaises(ResourceNotFoundError):
            vault_secrets.get_secret("life")
        with self.assertRaises(ResourceExistsError):
            vault_secrets.set_secret("life", "three")
        with self.assertRaises(HttpResponseError) as refused:
            vault_secrets.purge_deleted_secret("life")
        self.assertEqual(refused.exception.status_code, 403)
        vault_secrets.begin_recover_deleted_secret("life").wait()
        self.assertEqual(vault_secrets.get_secret("life", first.properties.version).value, "one")

    def test_backup_and_purge(self):
        client = scratch["secrets"]
        made = client.set_secret("kept", "value")
        blob = client.backup_secret("kept")
        client.begin_delete_secret("kept").wait()
        client.purge_deleted_secret("kept")
        self.assertEqual(client.restore_secret_backup(blob).id, made.id)
        self.assertEqual(client.get_secret("kept").value, "value")

    def test_limits(self):
        vault_secrets.set_secret("large", "x" * 25 * 1024)
        with self.assertRaises(HttpResponseError) as refused:
            vault_secrets.set_secret("large", "x" * (25 * 1024 + 1))
        self.assertEqual((refused.exception.status_code, refused.exception.error.code), (400, "BadParameter"))
        with self.assertRaises(ResourceNotFoundError):
            vault_secrets.get_secret("absent")


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
