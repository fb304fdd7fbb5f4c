// SPDX-License-Identifier: Apache-2.0
// @azure/arm-resources: deployments of templates, carried out, tried out, watched and refused.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { all, location, makeGroup, refused, resources, soon, subscription, suffix } from "./helpers.mjs";

const { deployments, deploymentOperations } = resources;
const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
const ofGroup = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const ofSubscription = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#";

const template = (parts, $schema = ofGroup) => ({ $schema, contentVersion: "1.0.0.0", resources: [], ...parts });
const identity = (name, more = {}) => ({
	type: identityType, apiVersion: "2023-01-31", name, location: "[resourceGroup().location]", ...more,
});
const deployment = (content, more = {}) => ({ properties: { mode: "Incremental", template: content, ...more } });
const values = (parameters) => Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, { value }]));

// A name and tags in, identifiers out, as a module is written.
const withOutputs = template({
	parameters: {
		name: { type: "string" }, tags: { type: "object", defaultValue: {} }, secret: { type: "securestring", defaultValue: "" },
		count: { type: "int", defaultValue: 1, maxValue: 3 },
	},
	variables: { prefix: "[concat('id-', parameters('name'))]" },
	resources: [{
		...identity("[format('{0}-{1}', variables('prefix'), copyIndex())]", { tags: "[parameters('tags')]" }),
		copy: { name: "each", count: "[parameters('count')]" },
	}],
	outputs: {
		first: { type: "string", value: `[resourceId('${identityType}', format('{0}-0', variables('prefix')))]` },
		principal: { type: "string", value: `[reference(resourceId('${identityType}', format('{0}-0', variables('prefix')))).principalId]` },
		names: { type: "array", copy: { count: "[parameters('count')]", input: "[format('{0}-{1}', variables('prefix'), copyIndex())]" } },
		number: { type: "int", value: "[add(parameters('count'), 1)]" },
	},
});

// The error of an operation of the poller, or of the request itself.
async function failed(promise, status, code, words) {
	await assert.rejects(promise, (e) => {
		const text = `${e.statusCode} ${e.code} ${e.message} ${JSON.stringify(e.details ?? "")}`;
		if (status)
			assert.equal(e.statusCode, status, text);
		assert.ok(text.includes(code), text);
		if (words)
			assert.match(text, words);
		return true;
	});
}

describe("@azure/arm-resources: deployments", () => {
	let group, scope;

	before(async () => {
		group = await makeGroup("dep");
		scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
	});
	after(() => resources.resourceGroups.beginDeleteAndWait(group, soon));

	test("resources, parameters and outputs", async () => {
		const parameters = values({ name: "a", tags: { k: "v" }, secret: "hidden", count: 2 });
		const made = await deployments.beginCreateOrUpdateAndWait(group, "first", deployment(withOutputs, { parameters }), soon);
		const { properties } = made;
		assert.equal(properties.provisioningState, "Succeeded");
		assert.equal(properties.mode, "Incremental");
		assert.equal(made.id, `${scope}/providers/Microsoft.Resources/deployments/first`);
		assert.ok(properties.timestamp instanceof Date);
		assert.match(properties.duration, /^PT/);
		assert.equal(properties.outputs.first.value, `${scope}/providers/${identityType}/id-a-0`);
		assert.match(properties.outputs.principal.value, /^[0-9a-f-]{36}$/);
		assert.deepEqual(properties.outputs.names.value, ["id-a-0", "id-a-1"]);
		assert.equal(properties.outputs.number.value, 3);
		assert.equal(properties.outputResources.length, 2);
		assert.equal(properties.parameters.name.value, "a");
		assert.equal(properties.parameters.secret.value, undefined);
		const read = await deployments.get(group, "first");
		assert.deepEqual(read.properties.outputs, properties.outputs);
		assert.equal(read.properties.templateHash, properties.templateHash);
	});

	test("its operations, one by one", async () => {
		const listed = await all(deploymentOperations.list(group, "first"));
		const made = listed.filter((o) => o.properties.targetResource?.resourceType === identityType);
		assert.equal(made.length, 2);
		assert.ok(listed.every((o) => o.properties.provisioningState === "Succeeded"));
		const one = await deploymentOperations.get(group, "first", made[0].operationId);
		assert.equal(one.properties.targetResource.id, made[0].properties.targetResource.id);
		await refused(deploymentOperations.get(group, "first", "0000000000000000"), 404);
		assert.equal((await all(deploymentOperations.listAtScope(scope, "first"))).length, listed.length);
		assert.ok((await all(deploymentOperations.list(group, "first", { top: 1 }))).length >= 1);
	});

	test("list, existence, export, deletion of its history", async () => {
		await deployments.beginCreateOrUpdateAndWait(group, "second", deployment(template({})), soon);
		assert.deepEqual((await all(deployments.listByResourceGroup(group))).map((d) => d.name).sort(), ["first", "second"]);
		assert.deepEqual(await all(deployments.listByResourceGroup(group, { filter: "provisioningState eq 'Failed'" })), []);
		assert.deepEqual((await all(deployments.listAtScope(scope))).length, 2);
		assert.equal((await all(deployments.listByResourceGroup(group, { top: 1 }))).length, 2);
		assert.equal((await deployments.checkExistence(group, "second")).body, true);
		assert.equal((await deployments.checkExistenceAtScope(scope, "second")).body, true);
		const { template: exported } = await deployments.exportTemplate(group, "first");
		assert.deepEqual(exported.variables, withOutputs.variables);
		await deployments.beginDeleteAndWait(group, "second", soon);
		assert.equal((await deployments.checkExistence(group, "second")).body, false);
		await refused(deployments.get(group, "second"), 404, "DeploymentNotFound");
		await refused(deployments.exportTemplate(group, "second"), 404, "DeploymentNotFound");
	});

	test("what-if: what is new, what changes, what does not", async () => {
		const parameters = values({ name: "a", tags: { k: "other" }, count: 3 });
		const result = await deployments.beginWhatIfAndWait(group, "first", deployment(withOutputs, { parameters }), soon);
		assert.equal(result.status, "Succeeded");
		const changes = Object.fromEntries(result.changes.map((c) => [c.resourceId.split("/").pop(), c]));
		assert.deepEqual([changes["id-a-0"].changeType, changes["id-a-2"].changeType], ["Modify", "Create"]);
		const [delta] = changes["id-a-0"].delta;
		// The client takes all values for objects.
		const text = (value) => Object.values(value).join("");
		assert.deepEqual([delta.path, delta.propertyChangeType, text(delta.before), text(delta.after)],
			["tags.k", "Modify", "v", "other"]);
		const same = await deployments.beginWhatIfAndWait(group, "first",
			deployment(withOutputs, { parameters: values({ name: "a", tags: { k: "v" }, count: 2 }) }), soon);
		assert.ok(same.changes.filter((c) => c.resourceId.includes("id-a-")).every((c) => c.changeType === "NoChange"));
		const ids = await deployments.beginWhatIfAndWait(group, "first",
			deployment(withOutputs, { parameters, whatIfSettings: { resultFormat: "ResourceIdOnly" } }), soon);
		assert.ok(ids.changes.every((c) => c.after === undefined));
		await assert.rejects(resources.resources.getById(`${scope}/providers/${identityType}/id-a-2`, "2023-01-31"));
	});

	test("validation", async () => {
		const good = await deployments.beginValidateAndWait(group, "try",
			deployment(withOutputs, { parameters: values({ name: "b" }) }), soon);
		assert.equal(good.properties.provisioningState, "Succeeded");
		assert.equal(good.properties.validatedResources.length, 1);
		await failed(deployments.beginValidateAndWait(group, "try", deployment(withOutputs), soon), undefined,
			"InvalidTemplate", /name/);
		await failed(deployments.beginValidateAndWait(group, "try",
			deployment(template({ resources: [identity("[nothing('x')]")] })), soon), undefined, "InvalidTemplate", /nothing/);
		assert.equal((await deployments.checkExistence(group, "try")).body, false);
	});

	test("what is refused", async () => {
		const put = (content, more, name = "bad") => deployments.beginCreateOrUpdateAndWait(group, name, deployment(content, more), soon);
		await failed(put(template({ resources: [{ name: "x" }] })), 400, "InvalidTemplate");
		await failed(put(withOutputs, { parameters: values({ name: "a", count: 4 }) }), 400, "InvalidTemplate", /count/);
		await failed(put(withOutputs, { parameters: values({ name: "a", unheard: 1 }) }), 400, "InvalidTemplate", /unheard/);
		await failed(put(template({ resources: [identity("a", { dependsOn: ["b"] })] })), 400, "InvalidTemplate", /'b'/);
		await failed(put(undefined, { templateLink: { uri: "https://example.com/t.json" } }), 400, "InvalidContentLink");
		await failed(put(template({}), {}, "no name/at all"), undefined, "");
		await failed(deployments.beginCreateOrUpdateAndWait("absent", "x", deployment(template({})), soon), 404, "ResourceGroupNotFound");
	});

	test("a resource that fails fails its deployment, and says why", async () => {
		const vault = {
			type: "Microsoft.KeyVault/vaults", apiVersion: "2023-07-01", name: "x", location,
			properties: { tenantId: "[subscription().tenantId]", sku: { family: "A", name: "standard" }, accessPolicies: [] },
		};
		await failed(deployments.beginCreateOrUpdateAndWait(group, "failing",
			deployment(template({ resources: [vault, identity("id-fine")] })), soon), undefined, "", /VaultNameNotValid|DeploymentFailed/);
		const read = await deployments.get(group, "failing");
		assert.equal(read.properties.provisioningState, "Failed");
		assert.equal(read.properties.error.code, "DeploymentFailed");
		assert.equal(read.properties.error.details.length, 1);
		const states = (await all(deploymentOperations.list(group, "failing")))
			.filter((o) => o.properties.targetResource).map((o) => o.properties.provisioningState).sort();
		assert.deepEqual(states, ["Failed", "Succeeded"]);
	});

	test("modules: symbolic names, conditions, existing resources, outputs of one in the next", async () => {
		const inner = template({
			parameters: { name: { type: "string" } }, resources: [identity("[parameters('name')]")],
			outputs: { principal: { type: "string", value: `[reference(resourceId('${identityType}', parameters('name'))).principalId]` } },
		});
		const module = (parameters, more = {}) => ({
			type: "Microsoft.Resources/deployments", apiVersion: "2022-09-01", ...more,
			properties: { mode: "Incremental", expressionEvaluationOptions: { scope: "inner" }, template: inner, parameters },
		});
		const content = template({
			languageVersion: "2.0",
			resources: {
				known: { existing: true, type: identityType, apiVersion: "2023-01-31", name: "id-a-0" },
				one: module(values({ name: "id-module" }), { name: "module-one" }),
				two: module({ name: { value: "[format('id-{0}', substring(reference('one').outputs.principal.value, 0, 8))]" } },
					{ name: "module-two", dependsOn: ["one"] }),
				never: { ...identity("id-never"), condition: "[equals(1, 2)]" },
			},
			outputs: {
				one: { type: "string", value: "[reference('one').outputs.principal.value]" },
				known: { type: "string", value: "[reference('known').clientId]" },
			},
		});
		const { properties } = await deployments.beginCreateOrUpdateAndWait(group, "modules", deployment(content), soon);
		const { one, known } = properties.outputs;
		assert.match(known.value, /^[0-9a-f-]{36}$/);
		const named = await resources.resources.getById(`${scope}/providers/${identityType}/id-${one.value.slice(0, 8)}`, "2023-01-31");
		assert.equal(named.type, identityType);
		assert.equal((await deployments.get(group, "module-two")).properties.provisioningState, "Succeeded");
		assert.equal((await resources.resources.checkExistenceById(`${scope}/providers/${identityType}/id-never`, "2023-01-31")).body, false);
	});

	test("complete mode takes away what the template does not name", async () => {
		const other = await makeGroup("depc");
		const content = (...names) => template({ resources: names.map((name) => identity(name)) });
		await deployments.beginCreateOrUpdateAndWait(other, "both", deployment(content("id-a", "id-b")), soon);
		const complete = { mode: "Complete" };
		const tried = await deployments.beginWhatIfAndWait(other, "one", deployment(content("id-a"), complete), soon);
		assert.deepEqual(tried.changes.map((c) => [c.resourceId.split("/").pop(), c.changeType]).sort(),
			[["id-a", "NoChange"], ["id-b", "Delete"]]);
		await deployments.beginCreateOrUpdateAndWait(other, "one", deployment(content("id-a"), complete), soon);
		assert.deepEqual((await all(resources.resources.listByResourceGroup(other))).map((r) => r.name), ["id-a"]);
		const exported = await resources.resourceGroups.beginExportTemplateAndWait(other, { resources: ["*"] }, soon);
		assert.deepEqual(exported.template.resources.map((r) => r.name), ["id-a"]);
		await resources.resourceGroups.beginDeleteAndWait(other, soon);
	});

	test("cancel: only what is under way", async () => {
		// Long enough to be met under way: each waits for the one before.
		const chain = template({ resources: [{
			...identity("[format('id-chain-{0}', copyIndex())]"), copy: { name: "chain", count: 300, mode: "Serial", batchSize: 1 },
		}] });
		const poller = await deployments.beginCreateOrUpdate(group, "long", deployment(chain), soon);
		await refused(deployments.beginDeleteAndWait(group, "long", soon), 409);
		await deployments.cancel(group, "long");
		await assert.rejects(poller.pollUntilDone());
		assert.equal((await deployments.get(group, "long")).properties.provisioningState, "Canceled");
		await refused(deployments.cancel(group, "long"), 409, "DeploymentCannotBeCancelled");
		await refused(deployments.cancel(group, "absent"), 404, "DeploymentNotFound");
	});

	test("a template's hash", async () => {
		const { templateHash, minifiedTemplate } = await deployments.calculateTemplateHash(template({}));
		assert.match(templateHash, /^\d+$/);
		assert.deepEqual(JSON.parse(minifiedTemplate), template({}));
	});

	test("at the scope of a subscription: a group and what is in it", async () => {
		const name = `rg-sub-${suffix}`, label = `sub-${suffix}`;
		const content = template({
			parameters: { name: { type: "string" } },
			resources: [
				{ type: "Microsoft.Resources/resourceGroups", apiVersion: "2024-03-01", name: "[parameters('name')]", location },
				{
					type: "Microsoft.Resources/deployments", apiVersion: "2022-09-01", name: "inside", resourceGroup: "[parameters('name')]",
					dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', parameters('name'))]"],
					properties: {
						mode: "Incremental", expressionEvaluationOptions: { scope: "inner" },
						template: template({ resources: [identity("id-inside")] }),
					},
				},
			],
			outputs: { scope: { type: "string", value: "[subscription().id]" } },
		}, ofSubscription);
		const body = { location, ...deployment(content, { parameters: values({ name }) }) };
		const tried = await deployments.beginWhatIfAtSubscriptionScopeAndWait(label, body, soon);
		assert.deepEqual(tried.changes.map((c) => c.changeType), ["Create", "Create"]);
		await deployments.beginValidateAtSubscriptionScopeAndWait(label, body, soon);
		const made = await deployments.beginCreateOrUpdateAtSubscriptionScopeAndWait(label, body, soon);
		assert.equal(made.location, location);
		assert.equal(made.properties.outputs.scope.value, `/subscriptions/${subscription}`);
		assert.ok((await all(deployments.listAtSubscriptionScope())).some((d) => d.name === label));
		assert.ok((await all(deploymentOperations.listAtSubscriptionScope(label))).length >= 2);
		assert.equal((await deployments.checkExistenceAtSubscriptionScope(label)).body, true);
		assert.ok((await deployments.exportTemplateAtSubscriptionScope(label)).template.resources.length);
		assert.deepEqual((await all(resources.resources.listByResourceGroup(name))).map((r) => r.name), ["id-inside"]);
		const elsewhere = { ...body, location: "northeurope" };
		await failed(deployments.beginCreateOrUpdateAtSubscriptionScopeAndWait(label, elsewhere, soon), 409, "InvalidDeploymentLocation");
		await failed(deployments.beginCreateOrUpdateAtSubscriptionScopeAndWait(`x${label}`, deployment(content), soon), 400, "");
		await resources.resourceGroups.beginDeleteAndWait(name, soon);
		await deployments.beginDeleteAtSubscriptionScopeAndWait(label, soon);
		await refused(deployments.getAtSubscriptionScope(label), 404, "DeploymentNotFound");
	});
});
