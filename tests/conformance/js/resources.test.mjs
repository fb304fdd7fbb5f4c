// SPDX-License-Identifier: Apache-2.0
// What a subscription is made of: itself, its providers, features, tags, lists of its resources, locks, the activity log.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { FeatureClient } from "@azure/arm-features";
import { ManagementLockClient } from "@azure/arm-locks";
import { MonitorClient } from "@azure/arm-monitor";
import { SubscriptionClient } from "@azure/arm-resources-subscriptions";

import { all, credential, location, makeGroup, recorded, refused, resources, soon, subscription, suffix, tenant } from "./helpers.mjs";

const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
const version = "2023-01-31";
const features = new FeatureClient(credential, subscription, recorded());
const locks = new ManagementLockClient(credential, subscription, recorded()).managementLocks;
const monitor = new MonitorClient(credential, subscription, recorded());
const { subscriptions, tenants } = new SubscriptionClient(credential, recorded());

let group, scope;
const resourceId = (name) => `${scope}/providers/${identityType}/${name}`;
const make = (name, tags) => resources.resources.beginCreateOrUpdateByIdAndWait(resourceId(name), version, { location, tags }, soon);

before(async () => {
	group = await makeGroup("res");
	scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
	for (let i = 0; i < 5; i++)
		await make(`id-${i}`, { number: `${i}`, of: suffix });
});
after(() => resources.resourceGroups.beginDeleteAndWait(group, soon));

describe("@azure/arm-resources-subscriptions", () => {
	test("subscriptions, tenants, regions", async () => {
		const mine = await subscriptions.get(subscription);
		assert.deepEqual([mine.subscriptionId, mine.state, mine.tenantId], [subscription, "Enabled", tenant]);
		assert.ok((await all(subscriptions.list())).some((s) => s.id === `/subscriptions/${subscription}`));
		assert.ok((await all(tenants.list())).some((t) => t.tenantId === tenant));
		const regions = await all(subscriptions.listLocations(subscription));
		const here = regions.find((r) => r.name === location);
		assert.deepEqual([here.displayName, here.metadata.regionType], ["West Europe", "Physical"]);
		await refused(subscriptions.get("00000000-0000-4000-8000-000000000000"), 404, "SubscriptionNotFound");
		await refused(subscriptions.get("no-subscription"), 400, "InvalidSubscriptionId");
	});
});

describe("@azure/arm-resources", () => {
	test("providers, here and above the subscriptions", async () => {
		const provider = await resources.providers.get("microsoft.insights");
		assert.ok(provider.resourceTypes.some((t) => /diagnosticSettings/i.test(t.resourceType)));
		assert.ok((await all(resources.providers.listAtTenantScope())).some((p) => p.namespace === "Microsoft.KeyVault"));
		assert.equal((await resources.providers.getAtTenantScope("Microsoft.Compute")).namespace, "Microsoft.Compute");
		const types = await resources.providerResourceTypes.list("Microsoft.KeyVault").catch((e) => e);
		assert.ok(types.value?.length > 0 || types.statusCode === 404);
	});

	test("any resource by its id", async () => {
		const made = await make("id-generic", { a: "b" });
		assert.equal(made.properties.tenantId, tenant);
		const read = await resources.resources.get(group, "Microsoft.ManagedIdentity", "", "userAssignedIdentities", "id-generic", version);
		assert.equal(read.id, made.id);
		assert.equal((await resources.resources.checkExistenceById(made.id, version)).body, true);
		const patched = await resources.resources.beginUpdateByIdAndWait(made.id, version, { tags: { c: "d" } }, soon);
		assert.equal(patched.tags.c, "d");
		await refused(resources.resources.getById(made.id, "1999-01-01"), 400);
		await refused(resources.resources.getById(`${scope}/providers/Microsoft.Nothing/things/x`, version), 404);
		await resources.resources.beginDeleteByIdAndWait(made.id, version, soon);
		assert.equal((await resources.resources.checkExistenceById(made.id, version)).body, false);
	});

	test("lists with filters, pages and what to expand", async () => {
		const named = async (filter) => (await all(resources.resources.list({ filter }))).map((r) => r.name).sort();
		assert.deepEqual(await named(`resourceGroup eq '${group}' and resourceType eq '${identityType}'`),
			["id-0", "id-1", "id-2", "id-3", "id-4"]);
		assert.deepEqual(await named(`tagName eq 'of' and tagValue eq '${suffix}'`), ["id-0", "id-1", "id-2", "id-3", "id-4"]);
		assert.deepEqual(await named("resourceType eq 'Microsoft.KeyVault/vaults' and name eq 'no-such'"), []);
		assert.deepEqual(await named(`substringof('d-3', name) and resourceGroup eq '${group}'`), ["id-3"]);
		const pages = await all(resources.resources.listByResourceGroup(group, { top: 2 }).byPage());
		assert.ok(pages.length >= 3 && pages.every((p) => p.length <= 2));
		assert.equal(pages.flat().length, 5);
		const [one] = await all(resources.resources.list({ filter: `resourceGroup eq '${group}'`, expand: "createdTime,provisioningState" }));
		assert.ok(one.createdTime instanceof Date);
		await refused(all(resources.resources.list({ filter: "nothing eq" })), 400);
		const groups = await all(resources.resourceGroups.list({ filter: "tagName eq 'no-such'" }));
		assert.deepEqual(groups, []);
	});

	test("tags at any scope", async () => {
		const tags = resources.tagsOperations, id = resourceId("id-0");
		const put = await tags.createOrUpdateAtScope(id, { properties: { tags: { x: "1" } } });
		assert.deepEqual(put.properties.tags, { x: "1" });
		const merged = await tags.updateAtScope(id, { operation: "Merge", properties: { tags: { y: "2" } } });
		assert.deepEqual(merged.properties.tags, { x: "1", y: "2" });
		const less = await tags.updateAtScope(id, { operation: "Delete", properties: { tags: { x: "1" } } });
		assert.deepEqual(less.properties.tags, { y: "2" });
		const replaced = await tags.updateAtScope(id, { operation: "Replace", properties: { tags: { number: "0", of: suffix } } });
		assert.deepEqual(replaced.properties.tags, { number: "0", of: suffix });
		await tags.createOrUpdateAtScope(scope, { properties: { tags: { team: suffix } } });
		assert.deepEqual((await resources.resourceGroups.get(group)).tags, { team: suffix });
		assert.deepEqual((await tags.getAtScope(scope)).properties.tags, { team: suffix });
		await tags.deleteAtScope(scope);
		assert.deepEqual((await tags.getAtScope(scope)).properties.tags ?? {}, {});
		await refused(tags.updateAtScope(id, { operation: "Merge", properties: { tags: { "a<b": "1" } } }), 400, "InvalidTagNameCharacters");
		await refused(tags.getAtScope(resourceId("absent")), 404);
	});

	test("names of tags that a subscription proposes", async () => {
		const tags = resources.tagsOperations, name = `proposed-${suffix}`;
		assert.equal((await tags.createOrUpdate(name)).tagName, name);
		assert.equal((await tags.createOrUpdateValue(name, "one")).tagValue, "one");
		assert.ok((await all(tags.list())).some((t) => t.tagName === name && t.values.some((v) => v.tagValue === "one")));
		await tags.deleteValue(name, "one");
		await tags.delete(name);
		assert.ok(!(await all(tags.list())).some((t) => t.tagName === name));
	});

	test("nothing moves", async () => {
		const other = await makeGroup("res2");
		const move = { resources: [resourceId("id-1")], targetResourceGroup: `/subscriptions/${subscription}/resourceGroups/${other}` };
		await refused(resources.resources.beginValidateMoveResourcesAndWait(group, move, soon), 409);
		await refused(resources.resources.beginMoveResourcesAndWait(group, move, soon), 409);
		assert.equal((await resources.resources.checkExistenceById(resourceId("id-1"), version)).body, true);
		await resources.resourceGroups.beginDeleteAndWait(other, soon);
	});
});

describe("@azure/arm-features", () => {
	test("list, register, unregister", async () => {
		const listed = await all(features.features.list("Microsoft.Compute"));
		const waiting = listed.find((f) => f.name === "Microsoft.Compute/DCav6Series");
		assert.ok(waiting);
		assert.ok((await all(features.features.listAll())).length >= listed.length);
		const asked = await features.features.register("Microsoft.Compute", "DCav6Series");
		assert.match(asked.properties.state, /^(Pending|Registering)$/);
		const read = await features.features.get("Microsoft.Compute", "DCav6Series");
		assert.equal(read.type, "Microsoft.Features/providers/features");
		assert.equal(read.properties.state, asked.properties.state);
		const other = listed.find((f) => f !== waiting && f.properties.state === "NotRegistered");
		const [namespace, name] = other.name.split("/");
		assert.match((await features.features.register(namespace, name)).properties.state, /^Register(ing|ed)$/);
		await features.features.unregister("Microsoft.Compute", "DCav6Series");
		assert.match((await features.features.get("Microsoft.Compute", "DCav6Series")).properties.state, /^(NotR|Unr)egister(ed|ing)$/);
		await refused(features.features.get("Microsoft.Compute", "NoSuchFeature"), 404);
	});
});

describe("@azure/arm-locks", () => {
	test("a resource that cannot be deleted, or not be changed", async () => {
		const id = resourceId("id-2"), at = [group, "Microsoft.ManagedIdentity", "", "userAssignedIdentities"];
		const made = await locks.createOrUpdateAtResourceLevel(...at, "id-2", "keep", { level: "CanNotDelete", notes: "ours" });
		assert.deepEqual([made.level, made.notes], ["CanNotDelete", "ours"]);
		await refused(resources.resources.beginDeleteByIdAndWait(id, version, soon), 409, "ScopeLocked");
		await make("id-2", { of: suffix, changed: "yes" });
		assert.equal((await locks.getAtResourceLevel(...at, "id-2", "keep")).id, made.id);
		await locks.createOrUpdateAtResourceGroupLevel(group, "fixed", { level: "ReadOnly" });
		await refused(make("id-3", {}), 409, "ScopeLocked");
		await refused(resources.resourceGroups.update(group, { tags: { a: "b" } }), 409, "ScopeLocked");
		assert.deepEqual((await all(locks.listAtResourceGroupLevel(group))).map((l) => l.name).sort(), ["fixed", "keep"]);
		assert.ok((await all(locks.listAtSubscriptionLevel())).length >= 2);
		assert.deepEqual((await all(locks.listAtResourceLevel(...at, "id-2")))
			.map((l) => l.name).sort(), ["fixed", "keep"]);
		await locks.deleteAtResourceGroupLevel(group, "fixed");
		await locks.deleteAtResourceLevel(...at, "id-2", "keep");
		await refused(locks.getAtResourceLevel(...at, "id-2", "keep"), 404);
		await refused(locks.createOrUpdateAtResourceLevel(...at, "id-2", "odd", { level: "Sometimes" }), 400);
		await refused(locks.createOrUpdateAtResourceLevel(...at, "absent", "l", { level: "ReadOnly" }), 404);
	});
});

describe("@azure/arm-monitor: the activity log", () => {
	test("who did what, and what was refused", async () => {
		const since = new Date(Date.now() - 3600000).toISOString();
		const filter = `eventTimestamp ge '${since}' and resourceGroupName eq '${group}'`;
		const events = await all(monitor.activityLogs.list(filter));
		const write = events.find((e) => e.operationName.value === `${identityType}/write`);
		assert.equal(write.subscriptionId, subscription);
		assert.ok(write.eventTimestamp instanceof Date && write.correlationId && write.caller);
		assert.ok(events.some((e) => /ScopeLocked/.test(JSON.stringify(e.properties ?? {})) || e.status.value === "Failed"));
		const few = await all(monitor.activityLogs.list(filter, { select: "eventTimestamp,operationName" }));
		assert.equal(few.length, events.length);
		assert.equal(few[0].caller, undefined);
		await refused(all(monitor.activityLogs.list("nothing eq 'x'")), 400);
		assert.ok((await all(monitor.tenantActivityLogs.list({ filter: `eventTimestamp ge '${since}'` }))).length >= 0);
	});
});
