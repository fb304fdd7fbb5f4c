// SPDX-License-Identifier: Apache-2.0
// Azure's own SDK for JavaScript against an instance, unchanged: run inside `custodisk run`.
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { describe, test } from "node:test";

import { ComputeManagementClient } from "@azure/arm-compute";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ClientSecretCredential, EnvironmentCredential } from "@azure/identity";
import { KeyClient } from "@azure/keyvault-keys";

import {
	all, assign, authorization, claims, clientId, credential, cryptography, location, recorded, refused, remote, resources, roles,
	soon, subscription, suffix, tenant, vaults,
} from "./helpers.mjs";

const group = `rg-js-${suffix}`;
const vaultName = `kv-js-${suffix}`;
const vaultUrl = `https://${vaultName}.vault.azure.net`;

const identities = new ManagedServiceIdentityClient(credential, subscription, recorded());
const compute = new ComputeManagementClient(credential, subscription, recorded());
const keys = new KeyClient(vaultUrl, credential, recorded());

// What the groups below hand on to each other.
const world = {};

describe("@azure/identity", () => {
	test("a client secret gives a token of the tenant", async () => {
		const token = await credential.getToken("https://management.azure.com/.default");
		const c = claims(token.token);
		assert.equal(c.tid, tenant);
		assert.equal(c.appid, clientId);
		assert.ok(token.expiresOnTimestamp > Date.now());
		world.me = c.oid;
	});

	test("the environment of custodisk run is a credential", async () => {
		const token = await new EnvironmentCredential().getToken("https://vault.azure.net/.default");
		assert.equal(claims(token.token).oid, world.me);
	});

	test("a wrong secret is refused in Entra's words", async () => {
		const wrong = new ClientSecretCredential(tenant, clientId, "wrong");
		await assert.rejects(wrong.getToken("https://management.azure.com/.default"), /AADSTS7000215/);
	});
});

describe("@azure/arm-resources", () => {
	test("resource groups", async () => {
		const made = await resources.resourceGroups.createOrUpdate(group, { location: "West Europe", tags: { a: "b" } });
		assert.equal(made.location, location);
		assert.equal(made.properties.provisioningState, "Succeeded");
		assert.equal((await resources.resourceGroups.get(group)).tags.a, "b");
		assert.ok((await all(resources.resourceGroups.list())).some((g) => g.name === group));
		assert.equal((await resources.resourceGroups.checkExistence(group)).body, true);
		assert.equal((await resources.resourceGroups.checkExistence("absent")).body, false);
		const patched = await resources.resourceGroups.update(group, { tags: { c: "d" } });
		assert.deepEqual(patched.tags, { c: "d" });
		await refused(resources.resourceGroups.get("absent"), 404, "ResourceGroupNotFound");
	});

	test("providers", async () => {
		const provider = await resources.providers.get("Microsoft.Compute");
		assert.equal(provider.registrationState, "Registered");
		assert.ok(provider.resourceTypes.some((t) => t.resourceType === "disks"));
		assert.equal((await resources.providers.register("Microsoft.KeyVault")).namespace, "Microsoft.KeyVault");
		assert.ok((await all(resources.providers.list())).some((p) => p.namespace === "Microsoft.ManagedIdentity"));
		await refused(resources.providers.get("Microsoft.Nothing"), 404);
	});
});

describe("@azure/arm-msi", () => {
	test("user-assigned identities", async () => {
		const made = await identities.userAssignedIdentities.createOrUpdate(group, "id-js", { location });
		assert.match(made.principalId, /^[0-9a-f-]{36}$/);
		assert.equal(made.tenantId, tenant);
		const read = await identities.userAssignedIdentities.get(group, "id-js");
		assert.equal(read.clientId, made.clientId);
		const listed = await all(identities.userAssignedIdentities.listByResourceGroup(group));
		assert.deepEqual(listed.map((i) => i.name), ["id-js"]);
		assert.ok((await all(identities.userAssignedIdentities.listBySubscription())).length >= 1);
		const updated = await identities.userAssignedIdentities.update(group, "id-js", { tags: { a: "b" } });
		assert.equal(updated.tags.a, "b");
		world.identity = read;
	});
});

describe("@azure/arm-keyvault", () => {
	test("vaults", async () => {
		assert.equal((await vaults.vaults.checkNameAvailability({ name: vaultName, type: "Microsoft.KeyVault/vaults" }))
			.nameAvailable, true);
		const made = await vaults.vaults.beginCreateOrUpdateAndWait(group, vaultName, {
			location, properties: {
				tenantId: tenant, sku: { family: "A", name: "premium" }, enableRbacAuthorization: true,
				enablePurgeProtection: true, softDeleteRetentionInDays: 7,
			},
		}, soon);
		assert.equal(made.properties.vaultUri, vaultUrl + "/");
		assert.equal(made.properties.enablePurgeProtection, true);
		assert.equal(made.properties.enableSoftDelete, true);
		assert.equal((await vaults.vaults.get(group, vaultName)).properties.softDeleteRetentionInDays, 7);
		assert.deepEqual((await all(vaults.vaults.listByResourceGroup(group))).map((v) => v.name), [vaultName]);
		assert.ok((await all(vaults.vaults.listBySubscription())).some((v) => v.name === vaultName));
		const taken = await vaults.vaults.checkNameAvailability({ name: vaultName, type: "Microsoft.KeyVault/vaults" });
		assert.equal(taken.nameAvailable, false);
		assert.equal(taken.reason, "AlreadyExists");
		const updated = await vaults.vaults.update(group, vaultName, { tags: { a: "b" } });
		assert.equal(updated.tags.a, "b");
		world.vaultId = made.id;
	});

	test("a vault's life after deletion", async () => {
		const name = `kv-gone-${suffix}`;
		const properties = { tenantId: tenant, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true };
		await vaults.vaults.beginCreateOrUpdateAndWait(group, name, { location, properties }, soon);
		await vaults.vaults.delete(group, name);
		await refused(vaults.vaults.get(group, name), 404, "ResourceNotFound");
		const deleted = await vaults.vaults.getDeleted(name, location);
		assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletionDate);
		assert.ok((await all(vaults.vaults.listDeleted())).some((v) => v.name === name));
		await refused(vaults.vaults.beginCreateOrUpdateAndWait(group, name, { location, properties }, soon), 409);
		await vaults.vaults.beginCreateOrUpdateAndWait(group, name,
			{ location, properties: { ...properties, createMode: "recover" } }, soon);
		await vaults.vaults.delete(group, name);
		await vaults.vaults.beginPurgeDeletedAndWait(name, location, soon);
		await refused(vaults.vaults.getDeleted(name, location), 404);
	});
});

describe("@azure/arm-authorization", () => {
	test("an owner has no data actions until a role says so", async () => {
		await refused(keys.createRsaKey("too-early"), 403, "Forbidden");
	});

	test("role assignments", async () => {
		const name = randomUUID();
		const made = await assign(world.vaultId, world.me, roles.cryptoOfficer, name);
		assert.equal(made.principalId, world.me);
		assert.equal((await assign(world.vaultId, world.me, roles.cryptoOfficer, name)).id, made.id);
		await assign(world.vaultId, world.identity.principalId, roles.encryptionUser);
		assert.equal((await authorization.roleAssignments.get(world.vaultId, name)).scope, world.vaultId);
		assert.equal((await authorization.roleAssignments.getById(made.id)).name, name);
		const mine = await all(authorization.roleAssignments.listForScope(world.vaultId,
			{ filter: `principalId eq '${world.identity.principalId}'` }));
		assert.equal(mine.length, 1);
		assert.ok((await all(authorization.roleAssignments.listForSubscription())).length >= 3);
		const other = await assign(world.vaultId, world.identity.principalId, roles.reader);
		assert.equal((await authorization.roleAssignments.delete(world.vaultId, other.name)).id, other.id);
		await refused(authorization.roleAssignments.get(world.vaultId, other.name), 404);
		await refused(assign(world.vaultId, randomUUID(), roles.reader), 400, "PrincipalNotFound");
		await refused(assign(world.vaultId, world.identity.principalId, roles.encryptionUser), 409, "RoleAssignmentExists");
	});

	test("role definitions", async () => {
		const found = await all(authorization.roleDefinitions.list(`/subscriptions/${subscription}`,
			{ filter: "roleName eq 'Key Vault Crypto Service Encryption User'" }));
		assert.deepEqual(found.map((r) => r.name), [roles.encryptionUser]);
		const read = await authorization.roleDefinitions.getById(found[0].id);
		assert.equal(read.roleType, "BuiltInRole");
		assert.ok(read.permissions[0].dataActions.includes("Microsoft.KeyVault/vaults/keys/wrap/action"));
	});

	test("custom role definitions", async () => {
		const scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
		const name = randomUUID();
		const definition = { roleName: `Key readers ${name}`, description: "read keys", roleType: "CustomRole",
			permissions: [{ actions: ["*/read"], notActions: [], dataActions: ["Microsoft.KeyVault/vaults/keys/read"] }],
			assignableScopes: [scope] };
		const made = await authorization.roleDefinitions.createOrUpdate(scope, name, definition);
		assert.equal(made.roleType, "CustomRole");
		assert.deepEqual(made.permissions[0].dataActions, ["Microsoft.KeyVault/vaults/keys/read"]);
		const custom = await all(authorization.roleDefinitions.list(scope, { filter: "type eq 'CustomRole'" }));
		assert.ok(custom.some((r) => r.name === name));
		await refused(authorization.roleDefinitions.createOrUpdate(scope, randomUUID(), definition), 409,
			"RoleDefinitionWithSameNameExists");
		const given = await assign(scope, world.identity.principalId, name);
		const listed = await all(authorization.roleAssignments.listForScope(scope,
			{ filter: `atScope() and assignedTo('${world.identity.principalId}')` }));
		assert.ok(listed.some((a) => a.id === given.id));
		await refused(authorization.roleDefinitions.delete(scope, name), 400, "RoleDefinitionHasAssignments");
		await authorization.roleAssignments.deleteById(given.id);
		assert.equal((await authorization.roleDefinitions.delete(scope, name)).name, name);
		await refused(authorization.roleDefinitions.get(scope, name), 404, "RoleDefinitionDoesNotExist");
	});

	test("permissions, operations, and what is always empty", async () => {
		const mine = await all(authorization.permissions.listForResourceGroup(group));
		assert.ok(mine.some((p) => p.actions.includes("*")));
		assert.ok((await all(authorization.permissions.listForResource(group, "Microsoft.KeyVault", "", "vaults",
			world.vaultId.split("/").pop()))).length > 0);
		const operations = await authorization.providerOperationsMetadataOperations.get("Microsoft.KeyVault");
		assert.ok(operations.resourceTypes.some((t) => t.name === "vaults/keys"));
		assert.ok((await all(authorization.providerOperationsMetadataOperations.list())).length > 5);
		assert.deepEqual(await all(authorization.denyAssignments.list()), []);
		assert.deepEqual(await all(authorization.classicAdministrators.list()), []);
	});
});

describe("@azure/keyvault-keys", () => {
	test("create, get, list, versions", async () => {
		const made = await keys.createRsaKey("k", { keySize: 3072, keyOps: ["wrapKey", "unwrapKey"], tags: { a: "b" } });
		assert.equal(made.properties.vaultUrl, vaultUrl);
		assert.equal(made.key.n.length, 384);
		assert.equal(made.properties.enabled, true);
		assert.equal(made.properties.recoveryLevel, "CustomizedRecoverable");
		const read = await keys.getKey("k");
		assert.equal(read.id, made.id);
		assert.deepEqual(read.properties.tags, { a: "b" });
		assert.deepEqual(read.keyOperations, ["wrapKey", "unwrapKey"]);
		await keys.createKey("k", "RSA", { keySize: 2048 });
		assert.equal((await keys.getKey("k", { version: made.properties.version })).id, made.id);
		assert.equal((await all(keys.listPropertiesOfKeyVersions("k"))).length, 2);
		assert.deepEqual((await all(keys.listPropertiesOfKeys())).map((p) => p.name), ["k"]);
		await refused(keys.getKey("absent"), 404, "KeyNotFound");
		await refused(keys.createRsaKey("k", { keySize: 1024 }), 400, "BadParameter");
	});

	test("listing in pages", async () => {
		for (let i = 0; i < 5; i++)
			await keys.createRsaKey(`page-${i}`, { keySize: 2048 });
		const pages = await all(keys.listPropertiesOfKeys().byPage({ maxPageSize: 2 }));
		assert.ok(pages.length >= 3 && pages.every((p) => p.length <= 2));
		assert.equal(pages.flat().length, 6);
	});

	test("update: disable, dates, tags", async () => {
		const { properties: { version } } = await keys.createRsaKey("changing");
		const wrapped = await cryptography(await keys.getKey("changing"))
			.wrapKey("RSA-OAEP-256", randomBytes(32));
		const off = await keys.updateKeyProperties("changing", version, { enabled: false });
		assert.equal(off.properties.enabled, false);
		const client = cryptography(off.id);
		await refused(client.unwrapKey("RSA-OAEP-256", wrapped.result), 403, "Forbidden");
		const from = new Date("2030-01-01T00:00:00Z"), to = new Date("2031-01-01T00:00:00Z");
		const dated = await keys.updateKeyProperties("changing", version,
			{ enabled: true, notBefore: from, expiresOn: to, tags: { t: "u" } });
		assert.deepEqual([dated.properties.notBefore, dated.properties.expiresOn, dated.properties.tags], [from, to, { t: "u" }]);
	});

	test("rotate makes a version with the same attributes", async () => {
		const first = await keys.createRsaKey("turning", { keySize: 4096, keyOps: ["wrapKey", "unwrapKey"] });
		const second = await keys.rotateKey("turning");
		assert.notEqual(second.properties.version, first.properties.version);
		assert.equal(second.key.n.length, 512);
		assert.deepEqual(second.keyOperations, first.keyOperations);
		assert.equal((await keys.getKey("turning")).id, second.id);
	});

	test("delete, recover, and no purge under purge protection", async () => {
		const made = await keys.createRsaKey("mortal");
		const wrapped = await cryptography(made.id).wrapKey("RSA-OAEP-256", Buffer.alloc(32, 7));
		const deleting = await keys.beginDeleteKey("mortal", { intervalInMs: 100 });
		const deleted = await deleting.pollUntilDone();
		assert.equal(deleted.name, "mortal");
		assert.ok(deleted.properties.scheduledPurgeDate > deleted.properties.deletedOn);
		assert.match(deleted.properties.recoveryId, /\/deletedkeys\/mortal$/);
		await refused(keys.getKey("mortal"), 404, "KeyNotFound");
		assert.equal((await keys.getDeletedKey("mortal")).name, "mortal");
		assert.deepEqual((await all(keys.listDeletedKeys())).map((k) => k.name), ["mortal"]);
		await refused(keys.createRsaKey("mortal"), 409);
		await refused(keys.purgeDeletedKey("mortal"), 403);
		const recovering = await keys.beginRecoverDeletedKey("mortal", { intervalInMs: 100 });
		assert.equal((await recovering.pollUntilDone()).id, made.id);
		const again = await cryptography(made.id).unwrapKey("RSA-OAEP-256", wrapped.result);
		assert.deepEqual(Buffer.from(again.result), Buffer.alloc(32, 7));
	});

	test("wrapKey and unwrapKey at the service, and wrapKey in the client", async () => {
		const key = await keys.getKey("k");
		const secret = randomBytes(32);
		// By identifier the client reads the key first and wraps with RSA-OAEP itself; RSA-OAEP-256 it leaves to the service.
		for (const target of [key, key.id])
			for (const algorithm of ["RSA-OAEP", "RSA-OAEP-256"]) {
				const client = cryptography(target);
				const wrapped = await client.wrapKey(algorithm, secret);
				assert.equal(wrapped.keyID, key.id);
				assert.equal(wrapped.algorithm, algorithm);
				const back = await client.unwrapKey(algorithm, wrapped.result);
				assert.deepEqual(Buffer.from(back.result), secret);
			}
		const offline = await cryptography(key.key).wrapKey("RSA-OAEP", secret);
		const back = await cryptography(key.id).unwrapKey("RSA-OAEP", offline.result);
		assert.deepEqual(Buffer.from(back.result), secret);
		await refused(cryptography(key.id).unwrapKey("RSA-OAEP", Buffer.alloc(256)), 400, "BadParameter");
	});

	test("wrapping with RSA-OAEP at the service", async () => {
		const key = await keys.getKey("k");
		const client = remote(key.id);
		const secret = randomBytes(32);
		const wrapped = await client.wrapKey("RSA-OAEP", secret);
		assert.deepEqual(Buffer.from((await client.unwrapKey("RSA-OAEP", wrapped.result)).result), secret);
	});

	test("versionless identifiers are the newest version", async () => {
		const client = cryptography(`${vaultUrl}/keys/k`);
		const wrapped = await client.wrapKey("RSA-OAEP-256", Buffer.alloc(16, 1));
		assert.deepEqual(Buffer.from((await client.unwrapKey("RSA-OAEP-256", wrapped.result)).result), Buffer.alloc(16, 1));
	});
});

describe("@azure/arm-compute", () => {
	const identityId = () => world.identity.id;
	const plain = { name: "Standard_LRS" };

	async function makeDisk(name, set) {
		return compute.disks.beginCreateOrUpdateAndWait(group, name, {
			location, sku: plain, osType: "Linux", diskSizeGB: 1, creationData: { createOption: "Empty" },
			encryption: { type: "EncryptionAtRestWithCustomerKey", diskEncryptionSetId: set.id },
		}, soon);
	}

	test("disk encryption sets", async () => {
		const key = await keys.createRsaKey("cmk", { keySize: 3072 });
		const parameters = (kind) => ({
			location, encryptionType: kind, activeKey: { keyUrl: key.id },
			identity: { type: "UserAssigned", userAssignedIdentities: { [identityId()]: {} } },
		});
		world.set = await compute.diskEncryptionSets.beginCreateOrUpdateAndWait(group, "des-js",
			{ ...parameters("EncryptionAtRestWithCustomerKey"), activeKey: { keyUrl: key.id, sourceVault: { id: world.vaultId } } },
			soon);
		assert.equal(world.set.provisioningState, "Succeeded");
		assert.equal(world.set.activeKey.keyUrl, key.id);
		assert.equal(world.set.activeKey.sourceVault.id, world.vaultId);
		assert.equal(Object.values(world.set.identity.userAssignedIdentities)[0].principalId, world.identity.principalId);
		const confidential = await compute.diskEncryptionSets.beginCreateOrUpdateAndWait(group, "des-cvm",
			parameters("ConfidentialVmEncryptedWithCustomerKey"), soon);
		assert.equal(confidential.encryptionType, "ConfidentialVmEncryptedWithCustomerKey");
		assert.deepEqual((await all(compute.diskEncryptionSets.listByResourceGroup(group))).map((s) => s.name).sort(),
			["des-cvm", "des-js"]);
		assert.ok((await all(compute.diskEncryptionSets.list())).length >= 2);
		await refused(compute.diskEncryptionSets.beginCreateOrUpdateAndWait(group, "des-bad",
			{ ...parameters("EncryptionAtRestWithCustomerKey"), activeKey: { keyUrl: `${vaultUrl}/keys/absent/${"0".repeat(32)}` } },
			soon), 400);
		const system = await compute.diskEncryptionSets.beginCreateOrUpdateAndWait(group, "des-sys",
			{ ...parameters("EncryptionAtRestWithCustomerKey"), identity: { type: "SystemAssigned" } }, soon);
		assert.match(system.identity.principalId, /^[0-9a-f-]{36}$/);
		await compute.diskEncryptionSets.beginDeleteAndWait(group, "des-sys", soon);
		await refused(compute.diskEncryptionSets.get(group, "des-sys"), 404, "ResourceNotFound");
	});

	test("disks", async () => {
		world.disk = await makeDisk("disk-os", world.set);
		assert.equal(world.disk.provisioningState, "Succeeded");
		assert.equal(world.disk.diskSizeGB, 1);
		assert.equal(world.disk.diskState, "Unattached");
		assert.match(world.disk.uniqueId, /^[0-9a-f-]{36}$/);
		assert.equal((await compute.disks.get(group, "disk-os")).id, world.disk.id);
		assert.deepEqual((await all(compute.disks.listByResourceGroup(group))).map((d) => d.name), ["disk-os"]);
		assert.ok((await all(compute.disks.list())).some((d) => d.name === "disk-os"));
		assert.deepEqual(await all(compute.diskEncryptionSets.listAssociatedResources(group, "des-js")), [world.disk.id]);
		await refused(compute.diskEncryptionSets.beginDeleteAndWait(group, "des-js", soon), 409, "OperationNotAllowed");
		const tagged = await compute.disks.beginUpdateAndWait(group, "disk-os", { tags: { a: "b" } }, soon);
		assert.equal(tagged.tags.a, "b");
	});

	test("a confidential disk", async () => {
		const set = await compute.diskEncryptionSets.get(group, "des-cvm");
		const disk = await compute.disks.beginCreateOrUpdateAndWait(group, "disk-cvm", {
			location, sku: plain, osType: "Linux", hyperVGeneration: "V2", diskSizeGB: 1, creationData: { createOption: "Empty" },
			securityProfile: { securityType: "ConfidentialVM_DiskEncryptedWithCustomerKey", secureVMDiskEncryptionSetId: set.id },
		}, soon);
		assert.equal(disk.securityProfile.secureVMDiskEncryptionSetId, set.id);
		await compute.disks.beginDeleteAndWait(group, "disk-cvm", soon);
	});

	test("a new key for the disks of a set", async () => {
		const rotated = await keys.rotateKey("cmk");
		const set = await compute.diskEncryptionSets.beginUpdateAndWait(group, "des-js", { activeKey: { keyUrl: rotated.id } }, soon);
		assert.equal(set.activeKey.keyUrl, rotated.id);
		assert.deepEqual(set.previousKeys ?? [], []);
		assert.equal(set.provisioningState, "Succeeded");
		assert.ok(set.lastKeyRotationTimestamp instanceof Date);
	});

	const machine = `vm-js-${suffix}`;
	const power = async () => (await compute.virtualMachines.instanceView(group, machine))
		.statuses.find((s) => s.code.startsWith("PowerState/")).code;

	test("a virtual machine from a disk that exists", async () => {
		const made = await compute.virtualMachines.beginCreateOrUpdateAndWait(group, machine, {
			location, hardwareProfile: { vmSize: "Standard_B1ls" },
			storageProfile: { osDisk: { createOption: "Attach", osType: "Linux", managedDisk: { id: world.disk.id } } },
		}, soon);
		assert.equal(made.provisioningState, "Succeeded");
		assert.match(made.vmId, /^[0-9a-f-]{36}$/);
		assert.equal(await power(), "PowerState/running");
		assert.equal((await compute.disks.get(group, "disk-os")).managedBy, made.id);
		const shown = await compute.virtualMachines.get(group, machine, { expand: "instanceView" });
		assert.ok(shown.instanceView.statuses.length >= 2);
		assert.deepEqual((await all(compute.virtualMachines.list(group))).map((v) => v.name), [machine]);
		assert.ok((await all(compute.virtualMachines.listAll())).some((v) => v.name === machine));
		await refused(compute.disks.beginDeleteAndWait(group, "disk-os", soon), 409, "OperationNotAllowed");
	});

	test("power off, deallocate, start", async () => {
		// There is no guest on an empty disk that would turn itself off: only skipShutdown makes this quick.
		const began = Date.now();
		await compute.virtualMachines.beginPowerOffAndWait(group, machine, { ...soon, skipShutdown: true });
		assert.ok(Date.now() - began < 20000);
		assert.equal(await power(), "PowerState/stopped");
		await compute.virtualMachines.beginStartAndWait(group, machine, soon);
		assert.equal(await power(), "PowerState/running");
		await compute.virtualMachines.beginPowerOffAndWait(group, machine, { ...soon, skipShutdown: true });
		await compute.virtualMachines.beginDeallocateAndWait(group, machine, soon);
		assert.equal(await power(), "PowerState/deallocated");
		await refused(compute.virtualMachines.beginPowerOffAndWait(group, machine, soon), 409, "OperationNotAllowed");
	});

	test("a machine under a disabled key does not start, and says why", async () => {
		const key = await keys.getKey("cmk");
		await keys.updateKeyProperties("cmk", key.properties.version, { enabled: false });
		await assert.rejects(compute.virtualMachines.beginStartAndWait(group, machine, soon), /KeyVault|key/i);
		await keys.updateKeyProperties("cmk", key.properties.version, { enabled: true });
		await compute.virtualMachines.beginStartAndWait(group, machine, soon);
		assert.equal(await power(), "PowerState/running");
	});

	test("deletion, in order", async () => {
		await compute.virtualMachines.beginDeleteAndWait(group, machine, { ...soon, forceDeletion: true });
		await refused(compute.virtualMachines.get(group, machine), 404, "ResourceNotFound");
		await compute.disks.beginDeleteAndWait(group, "disk-os", soon);
		for (const set of ["des-js", "des-cvm"])
			await compute.diskEncryptionSets.beginDeleteAndWait(group, set, soon);
		assert.deepEqual(await all(compute.diskEncryptionSets.listByResourceGroup(group)), []);
		await vaults.vaults.delete(group, vaultName);
		await identities.userAssignedIdentities.delete(group, "id-js");
		await resources.resourceGroups.beginDeleteAndWait(group, soon);
		assert.equal((await resources.resourceGroups.checkExistence(group)).body, false);
	});
});
