// SPDX-License-Identifier: Apache-2.0
// What the control plane has of vaults, identities and diagnostics, and what it tells before a machine is made.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { ComputeManagementClient } from "@azure/arm-compute";
import { MonitorClient } from "@azure/arm-monitor";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";

import {
	all, authorization, cryptography, credential, location, makeGroup, makeVault, me, recorded, refused, resources, soon,
	subscription, suffix, tenant, vaultProperties, vaults,
} from "./helpers.mjs";

const compute = new ComputeManagementClient(credential, subscription, recorded());
const monitor = new MonitorClient(credential, subscription, recorded());
const identities = new ManagedServiceIdentityClient(credential, subscription, recorded());

let group, scope, vault;
const generic = (type, name, apiVersion, body) => resources.resources.beginCreateOrUpdateByIdAndWait(
	`${scope}/providers/${type}/${name}`, apiVersion, { location, ...body }, soon);

before(async () => {
	group = await makeGroup("prov");
	scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
	vault = await makeVault(group, "prov");
});
after(() => resources.resourceGroups.beginDeleteAndWait(group, soon));

describe("@azure/arm-keyvault", () => {
	test("keys, which are those of the data plane", async () => {
		const made = await vaults.keys.createIfNotExist(group, vault.name, "cmk", { properties: {
			kty: "RSA", keySize: 3072, keyOps: ["wrapKey", "unwrapKey"], rotationPolicy: {
				attributes: { expiryTime: "P1Y" }, lifetimeActions: [{ trigger: { timeBeforeExpiry: "P30D" }, action: { type: "notify" } }],
			},
		} });
		assert.equal(made.keyUri, `${vault.url}/keys/cmk`);
		assert.equal(made.rotationPolicy.lifetimeActions[0].action.type, "notify");
		assert.equal((await vault.keys.getKey("cmk")).id, made.keyUriWithVersion);
		const client = cryptography(made.keyUriWithVersion);
		const { result } = await client.wrapKey("RSA-OAEP-256", Buffer.alloc(32, 3));
		assert.deepEqual(Buffer.from((await client.unwrapKey("RSA-OAEP-256", result)).result), Buffer.alloc(32, 3));
		const again = await vaults.keys.createIfNotExist(group, vault.name, "cmk", { properties: { kty: "EC" } });
		assert.equal(again.keyUriWithVersion, made.keyUriWithVersion);
		await vault.keys.rotateKey("cmk");
		assert.equal((await all(vaults.keys.listVersions(group, vault.name, "cmk"))).length, 2);
		assert.deepEqual((await all(vaults.keys.list(group, vault.name))).map((k) => k.name), ["cmk"]);
		const version = made.keyUriWithVersion.split("/").pop();
		assert.equal((await vaults.keys.getVersion(group, vault.name, "cmk", version)).keyUriWithVersion, made.keyUriWithVersion);
		assert.notEqual((await vaults.keys.get(group, vault.name, "cmk")).keyUriWithVersion, made.keyUriWithVersion);
		await refused(vaults.keys.get(group, vault.name, "absent"), 404, "KeyNotFound");
		await refused(vaults.keys.createIfNotExist(group, vault.name, "bad", { properties: { kty: "RSA", keySize: 1024 } }), 400);
		await refused(vaults.keys.createIfNotExist(group, `no-${suffix}`, "k", { properties: { kty: "RSA" } }), 404);
	});

	test("secrets, whose values are never shown", async () => {
		const made = await vaults.secrets.createOrUpdate(group, vault.name, "word", { properties: { value: "hidden", contentType: "t" } });
		assert.equal(made.properties.value, undefined);
		assert.equal((await vault.secrets.getSecret("word")).value, "hidden");
		const patched = await vaults.secrets.update(group, vault.name, "word", { tags: { a: "b" } });
		assert.deepEqual(patched.tags, { a: "b" });
		assert.equal((await vaults.secrets.get(group, vault.name, "word")).properties.secretUriWithVersion,
			made.properties.secretUriWithVersion);
		assert.ok((await all(vaults.secrets.list(group, vault.name))).every((s) => s.properties.value === undefined));
		await refused(vaults.secrets.get(group, vault.name, "absent"), 404, "SecretNotFound");
	});

	test("a private endpoint and its connection", async () => {
		await generic("Microsoft.Network/virtualNetworks", "net", "2024-05-01", { properties: {
			addressSpace: { addressPrefixes: ["10.1.0.0/16"] }, subnets: [{ name: "default", properties: { addressPrefix: "10.1.0.0/24" } }],
		} });
		const endpoint = await generic("Microsoft.Network/privateEndpoints", "pe", "2024-05-01", { properties: {
			subnet: { id: `${scope}/providers/Microsoft.Network/virtualNetworks/net/subnets/default` },
			privateLinkServiceConnections: [{ name: "to-vault", properties: { privateLinkServiceId: vault.id, groupIds: ["vault"] } }],
		} });
		const [connection, ...others] = await all(vaults.privateEndpointConnections.listByResource(group, vault.name));
		assert.deepEqual(others, []);
		assert.equal(connection.privateEndpoint.id, endpoint.id);
		assert.equal(connection.privateLinkServiceConnectionState.status, "Approved");
		assert.ok((await vaults.vaults.get(group, vault.name)).properties.privateEndpointConnections.length === 1);
		const answer = (status, description) => vaults.privateEndpointConnections.put(group, vault.name, connection.name,
			{ privateLinkServiceConnectionState: { status, description } });
		assert.equal((await answer("Rejected", "no")).privateLinkServiceConnectionState.status, "Rejected");
		await refused(answer("Perhaps"), 400);
		assert.equal((await vaults.privateEndpointConnections.get(group, vault.name, connection.name))
			.privateLinkServiceConnectionState.description, "no");
		const links = await vaults.privateLinkResources.listByVault(group, vault.name);
		assert.deepEqual(links.value.map((l) => [l.groupId, l.requiredZoneNames]), [["vault", ["privatelink.vaultcore.azure.net"]]]);
		await vaults.privateEndpointConnections.beginDeleteAndWait(group, vault.name, connection.name, soon);
		await refused(vaults.privateEndpointConnections.get(group, vault.name, connection.name), 404);
	});

	test("access policies", async () => {
		const name = `kv-pol-${suffix}`;
		await vaults.vaults.beginCreateOrUpdateAndWait(group, name, {
			location, properties: vaultProperties({ enableRbacAuthorization: false, accessPolicies: [] }),
		}, soon);
		const policy = { tenantId: tenant, objectId: await me(), permissions: { keys: ["get", "create"] } };
		const change = (kind, policies) => vaults.vaults.updateAccessPolicy(group, name, kind, { properties: { accessPolicies: policies } });
		assert.equal((await change("add", [policy])).properties.accessPolicies.length, 1);
		assert.deepEqual((await change("replace", [{ ...policy, permissions: { secrets: ["list"] } }])).properties.accessPolicies[0]
			.permissions.secrets, ["list"]);
		assert.deepEqual((await change("remove", [{ ...policy, permissions: { secrets: ["list"] } }])).properties.accessPolicies, []);
		await refused(change("add", [{ ...policy, permissions: { keys: ["everything"] } }]), 400);
		await vaults.vaults.delete(group, name);
		await vaults.vaults.beginPurgeDeletedAndWait(name, location, soon);
	});

	test("operations", async () => {
		assert.ok((await all(vaults.operations.list())).some((o) => o.name === "Microsoft.KeyVault/vaults/keys/read"));
	});
});

describe("@azure/arm-msi", () => {
	test("federated identity credentials", async () => {
		const { federatedIdentityCredentials: federated } = identities;
		const identity = await identities.userAssignedIdentities.createOrUpdate(group, "id-fed", { location });
		const body = { issuer: "https://oidc.example.net", subject: "system:serviceaccount:ns:app", audiences: ["api://AzureADTokenExchange"] };
		const made = await federated.createOrUpdate(group, "id-fed", "one", body);
		assert.equal(made.id, `${identity.id}/federatedIdentityCredentials/one`);
		assert.equal((await federated.get(group, "id-fed", "one")).subject, body.subject);
		for (let i = 2; i <= 20; i++)
			await federated.createOrUpdate(group, "id-fed", `fic-${i}`, { ...body, subject: `s${i}` });
		await refused(federated.createOrUpdate(group, "id-fed", "fic-21", { ...body, subject: "s21" }), 400);
		await refused(federated.createOrUpdate(group, "id-fed", "fic-20", body), 409);
		assert.equal((await all(federated.list(group, "id-fed"))).length, 20);
		const pages = await all(federated.list(group, "id-fed", { top: 8 }).byPage());
		assert.deepEqual(pages.map((p) => p.length), [8, 8, 4]);
		await federated.delete(group, "id-fed", "one");
		await refused(federated.get(group, "id-fed", "one"), 404);
		await refused(federated.createOrUpdate(group, "absent", "one", body), 404);
	});

	test("the identity of a resource itself, and operations", async () => {
		assert.ok((await all(identities.operations.list())).some((o) => o.name.endsWith("userAssignedIdentities/assign/action")));
		await refused(identities.systemAssignedIdentities.getByScope(vault.id), 404);
	});
});

describe("@azure/arm-monitor", () => {
	test("diagnostic settings of a vault", async () => {
		const account = await generic("Microsoft.Storage/storageAccounts", `st${suffix}`, "2023-05-01",
			{ kind: "StorageV2", sku: { name: "Standard_LRS" }, properties: {} });
		const logs = [{ category: "AuditEvent", enabled: true }];
		const settings = monitor.diagnosticSettings;
		const made = await settings.createOrUpdate(vault.id, "audit", { storageAccountId: account.id, logs });
		assert.equal(made.storageAccountId, account.id);
		assert.equal((await settings.get(vault.id, "audit")).logs[0].category, "AuditEvent");
		assert.deepEqual((await settings.list(vault.id)).value.map((s) => s.name), ["audit"]);
		const categories = (await monitor.diagnosticSettingsCategory.list(vault.id)).value;
		assert.ok(categories.some((c) => c.name === "AuditEvent" && c.categoryType === "Logs"));
		assert.equal((await monitor.diagnosticSettingsCategory.get(vault.id, "AllMetrics")).categoryType, "Metrics");
		await refused(settings.createOrUpdate(vault.id, "none", { logs }), 400);
		await refused(settings.createOrUpdate(vault.id, "twice", { storageAccountId: account.id, logs }), 409, "Conflict");
		await refused(settings.createOrUpdate(vault.id, "odd", { storageAccountId: account.id, logs: [{ category: "Odd", enabled: true }] }), 400);
		await settings.delete(vault.id, "audit");
		await refused(settings.get(vault.id, "audit"), 404, "ResourceNotFound");
	});
});

describe("@azure/arm-authorization", () => {
	test("assignments at every scope, and who may not make them", async () => {
		const above = await all(authorization.roleAssignments.listForScope(`/subscriptions/${subscription}`, { filter: "atScope()" }));
		assert.ok(above.some((a) => a.scope === `/subscriptions/${subscription}`));
		const here = await all(authorization.roleAssignments.listForResourceGroup(group));
		assert.ok(here.some((a) => a.scope === vault.id) && here.some((a) => a.scope === `/subscriptions/${subscription}`));
		await refused(all(authorization.roleAssignments.listForScope(vault.id, { filter: "scope like 'x'" })), 400, "UnsupportedQuery");
		await refused(authorization.roleAssignments.create(vault.id, "not-a-guid", {
			principalId: await me(), roleDefinitionId: above[0].roleDefinitionId,
		}), 400);
	});
});

describe("@azure/arm-compute", () => {
	test("sizes, quotas, what can be had where", async () => {
		const skus = await all(compute.resourceSkus.list({ filter: `location eq '${location}'` }));
		assert.ok(skus.some((s) => s.resourceType === "virtualMachines" && s.capabilities.some((c) => c.name === "vCPUs")));
		const sizes = await all(compute.virtualMachineSizes.list(location));
		assert.ok(sizes.every((s) => s.numberOfCores > 0 && s.memoryInMB > 0));
		assert.ok((await all(compute.usageOperations.list(location))).some((u) => u.limit > 0));
		await refused(all(compute.virtualMachineSizes.list("atlantis")), 400);
	});
});
