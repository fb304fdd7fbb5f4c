// SPDX-License-Identifier: Apache-2.0
// Rotation on demand and its policy. What the clock makes of a policy is in clock.test.mjs.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { all, encoded, makeGroup, makeVault, premium, raw, refused, releasePolicy, rotates } from "./helpers.mjs";

let group, vault, keys;

before(async () => {
	group = await makeGroup("rotation");
	vault = await makeVault(group, "rotation");
	keys = vault.keys;
});

const put = (name, body) => raw("PUT", `${vault.url}/keys/${name}/rotationpolicy`, { body });
const rotate = (trigger, type = "Rotate") => ({ trigger, action: { type } });
const quarter = { expiryTime: "P90D" };
const notify = { trigger: { timeBeforeExpiry: "P30D" }, action: { type: "Notify" } };

describe("policy", () => {
	before(async () => {
		await keys.createEcKey("policy");
	});

	test("a key without one is told of its expiry", async () => {
		const { lifetimeActions, id } = await keys.getKeyRotationPolicy("policy");
		assert.equal(id, `${vault.url}/keys/policy/rotationpolicy`);
		assert.deepEqual(lifetimeActions.map((a) => [a.action, a.timeBeforeExpiry]), [["Notify", "P30D"]]);
	});

	test("what is set is read back", async () => {
		const { status, json } = await put("policy",
			{ lifetimeActions: [rotate({ timeAfterCreate: "P18M" }), notify], attributes: { expiryTime: "P2Y" } });
		assert.equal(status, 200);
		assert.equal(json.id, `${vault.url}/keys/policy/rotationpolicy`);
		assert.deepEqual(json.lifetimeActions, [rotate({ timeAfterCreate: "P18M" }), notify]);
		assert.equal(json.attributes.expiryTime, "P2Y");
		assert.ok(Number.isInteger(json.attributes.created) && json.attributes.updated >= json.attributes.created);
		const read = await keys.getKeyRotationPolicy("policy");
		assert.equal(read.expiresIn, "P2Y");
		assert.deepEqual(read.lifetimeActions.map((a) => [a.action, a.timeAfterCreate, a.timeBeforeExpiry]),
			[["Rotate", "P18M", undefined], ["Notify", undefined, "P30D"]]);
	});

	test("the SDK sets one", async () => {
		const lifetimeActions = [{ action: "Rotate", timeBeforeExpiry: "P30D" }, { action: "Notify", timeBeforeExpiry: "P7D" }];
		const set = await keys.updateKeyRotationPolicy("policy", { expiresIn: "P90D", lifetimeActions });
		assert.equal(set.expiresIn, "P90D");
		assert.ok(set.createdOn instanceof Date && set.updatedOn instanceof Date);
		assert.deepEqual((await keys.getKeyRotationPolicy("policy")).lifetimeActions, set.lifetimeActions);
	});

	test("a Rotate action alone gets a Notify action", async () => {
		const { json } = await put("policy", { lifetimeActions: [rotate({ timeBeforeExpiry: "P30D" })], attributes: quarter });
		assert.deepEqual(json.lifetimeActions, [rotate({ timeBeforeExpiry: "P30D" }), notify]);
	});

	test("a Notify action alone is kept, without an expiry too", async () => {
		const { json } = await put("policy", { lifetimeActions: [notify], attributes: {} });
		assert.deepEqual(json.lifetimeActions, [notify]);
		assert.ok(!json.attributes.expiryTime);
		assert.ok(json.attributes.created && json.attributes.updated);
	});

	test("the type of an action is read in any case", async () => {
		const lifetimeActions = [rotate({ timeAfterCreate: "P30D" }, "rotate"), { ...notify, action: { type: "NOTIFY" } }];
		const { status, json } = await put("policy", { lifetimeActions, attributes: quarter });
		assert.equal(status, 200);
		assert.deepEqual(json.lifetimeActions.map((a) => a.action.type.toLowerCase()), ["rotate", "notify"]);
	});

	test("durations that are", async () => {
		for (const expiryTime of ["P28D", "P3M", "P1Y10D", "P2Y", "P4W"]) {
			const lifetimeActions = [{ ...notify, trigger: { timeBeforeExpiry: "P7D" } }];
			const answer = await put("policy", { lifetimeActions, attributes: { expiryTime } });
			assert.equal(answer.status, 200, `${expiryTime}: ${answer.text}`);
		}
	});

	const year = { expiryTime: "P1Y" };
	const wrong = {
		"an expiry below 28 days": { attributes: { expiryTime: "P27D" } },
		"an expiry below 28 days, in hours": { attributes: { expiryTime: "PT48H" } },
		"no duration": { attributes: { expiryTime: "90" } },
		"an empty duration": { attributes: { expiryTime: "P" } },
		"a negative duration": { attributes: { expiryTime: "-P90D" } },
		"a number": { attributes: { expiryTime: 90 } },
		"rotation in the first week": { lifetimeActions: [rotate({ timeAfterCreate: "P6D" })], attributes: year },
		"rotation in the last week": { lifetimeActions: [rotate({ timeBeforeExpiry: "P6D" })], attributes: year },
		"rotation in the last week, from creation": { lifetimeActions: [rotate({ timeAfterCreate: "P84D" })], attributes: quarter },
		"rotation after the expiry": { lifetimeActions: [rotate({ timeAfterCreate: "P2Y" })], attributes: year },
		"rotation before an expiry that is not": { lifetimeActions: [rotate({ timeBeforeExpiry: "P30D" })], attributes: {} },
		"Rotate twice": {
			lifetimeActions: [rotate({ timeAfterCreate: "P30D" }), rotate({ timeAfterCreate: "P60D" })], attributes: year,
		},
		"Notify twice": { lifetimeActions: [notify, notify], attributes: year },
		"three actions": { lifetimeActions: [notify, notify, rotate({ timeAfterCreate: "P30D" })], attributes: year },
		"Notify after creation": { lifetimeActions: [rotate({ timeAfterCreate: "P30D" }, "Notify")], attributes: year },
		"another action": { lifetimeActions: [rotate({ timeAfterCreate: "P30D" }, "Explode")], attributes: year },
		"no trigger": { lifetimeActions: [{ action: { type: "Rotate" } }], attributes: year },
		"no action": { lifetimeActions: [{ trigger: { timeAfterCreate: "P30D" } }], attributes: year },
		"no list": { lifetimeActions: {}, attributes: year },
	};
	for (const [name, body] of Object.entries(wrong))
		test(`refused: ${name}`, async () => {
			const before = await raw("GET", `${vault.url}/keys/policy/rotationpolicy`);
			const answer = await put("policy", body);
			assert.deepEqual([answer.status, answer.error?.code], [400, "BadParameter"], answer.text);
			assert.deepEqual((await raw("GET", `${vault.url}/keys/policy/rotationpolicy`)).json, before.json);
		});

	test("of a key that is not there", async () => {
		await refused(keys.getKeyRotationPolicy("absent"), 404, "KeyNotFound");
		await refused(keys.updateKeyRotationPolicy("absent", { lifetimeActions: [] }), 404, "KeyNotFound");
	});
});

describe("rotate", () => {
	test("the new version is as the old one, and the old one stays", async () => {
		const first = await keys.createRsaKey("turning", { keySize: 3072, keyOps: ["wrapKey", "unwrapKey"], tags: { a: "b" } });
		const second = await keys.rotateKey("turning");
		assert.notEqual(second.properties.version, first.properties.version);
		assert.equal(second.key.n.length, 384);
		assert.notDeepEqual(second.key.n, first.key.n);
		assert.deepEqual([second.keyType, second.keyOperations, second.properties.tags],
			["RSA", ["wrapKey", "unwrapKey"], { a: "b" }]);
		assert.equal(second.properties.expiresOn, undefined);
		assert.equal((await keys.getKey("turning")).id, second.id);
		assert.equal((await keys.getKey("turning", { version: first.properties.version })).properties.enabled, true);
		assert.equal((await all(keys.listPropertiesOfKeyVersions("turning"))).length, 2);
	});

	test("EC keys keep their curve", async () => {
		await keys.createEcKey("turning-ec", { curve: "P-384" });
		const second = await keys.rotateKey("turning-ec");
		assert.deepEqual([second.keyType, second.key.crv], ["EC", "P-384"]);
	});

	test("keys of the HSM stay there, with their release policy", async () => {
		const hsm = await makeVault(group, "rotation-hsm", premium);
		const first = await hsm.keys.createRsaKey("turning",
			{ hsm: true, exportable: true, releasePolicy: encoded(releasePolicy()) });
		const second = await hsm.keys.rotateKey("turning");
		assert.equal(second.keyType, "RSA-HSM");
		assert.equal(second.properties.exportable, true);
		assert.deepEqual(second.properties.releasePolicy, first.properties.releasePolicy);
		await hsm.keys.createOctKey("turning-oct", { hsm: true, keySize: 256 });
		assert.equal((await hsm.keys.rotateKey("turning-oct")).keyType, "oct-HSM");
	});

	test("under a policy the new version expires, and the old one does not", async () => {
		const first = await keys.createEcKey("expiring");
		await keys.updateKeyRotationPolicy("expiring", rotates({ timeBeforeExpiry: "P30D" }));
		const { properties } = await keys.rotateKey("expiring");
		assert.equal(properties.expiresOn - properties.createdOn, 90 * 86400 * 1000);
		assert.equal((await keys.getKey("expiring", { version: first.properties.version })).properties.expiresOn, undefined);
	});

	test("an empty policy is none", async () => {
		await keys.updateKeyRotationPolicy("expiring", { lifetimeActions: [] });
		assert.equal((await keys.rotateKey("expiring")).properties.expiresOn, undefined);
	});

	test("what is not there", async () => {
		await refused(keys.rotateKey("absent"), 404, "KeyNotFound");
	});
});
