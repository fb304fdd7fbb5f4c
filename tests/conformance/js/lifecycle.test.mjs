// SPDX-License-Identifier: Apache-2.0
// Soft delete: delete, recover, purge, purge protection, and what a deleted key still allows.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { before, describe, test } from "node:test";

import { all, jsonWebKey, makeGroup, makeVault, quick, raw, refused, remote } from "./helpers.mjs";

const day = 86400 * 1000;
const levels = [
	["short", { softDeleteRetentionInDays: 7 }, "CustomizedRecoverable+Purgeable", 7],
	["long", { softDeleteRetentionInDays: 90 }, "Recoverable+Purgeable", 90],
	["protected", { softDeleteRetentionInDays: 7, enablePurgeProtection: true }, "CustomizedRecoverable", 7],
	["both", { softDeleteRetentionInDays: 90, enablePurgeProtection: true }, "Recoverable", 90],
];
const homes = {};

before(async () => {
	const group = await makeGroup("life");
	for (const [label, properties] of levels)
		homes[label] = await makeVault(group, `life-${label}`, properties);
});

for (const [label, , level, days] of levels)
	describe(level, () => {
		test("keys and secrets say how they can be recovered", async () => {
			const { keys, secrets } = homes[label];
			await keys.createEcKey("level");
			await secrets.setSecret("level", "v");
			for (const { recoveryLevel, recoverableDays } of [(await keys.getKey("level")).properties,
				(await all(keys.listPropertiesOfKeys()))[0], (await secrets.getSecret("level")).properties,
				(await all(secrets.listPropertiesOfSecrets()))[0]])
				assert.deepEqual([recoveryLevel, recoverableDays], [level, days]);
		});

		test("a deleted one says until when", async () => {
			const { keys, secrets, url } = homes[label];
			const key = await (await keys.beginDeleteKey("level", quick)).pollUntilDone();
			const secret = await (await secrets.beginDeleteSecret("level", quick)).pollUntilDone();
			for (const { recoveryId, scheduledPurgeDate, deletedOn } of [key.properties, secret]) {
				assert.match(recoveryId, new RegExp(`^${url}/deleted(keys|secrets)/level$`));
				assert.equal(scheduledPurgeDate - deletedOn, days * day);
			}
		});

		test(level.includes("Purgeable") ? "a purge ends it" : "nobody can purge", async () => {
			const { keys, secrets, name, location } = homes[label];
			if (level.includes("Purgeable")) {
				await keys.purgeDeletedKey("level");
				await secrets.purgeDeletedSecret("level");
				await refused(keys.getDeletedKey("level"), 404, "KeyNotFound");
				await refused(secrets.getDeletedSecret("level"), 404, "SecretNotFound");
				return;
			}
			for (const purge of [() => keys.purgeDeletedKey("level"), () => secrets.purgeDeletedSecret("level")]) {
				const e = await refused(purge(), 403, "Forbidden");
				assert.match(e.message, /Operation "purge" is not allowed because purge protection is enabled for this vault\./);
				assert.match(e.message, new RegExp(`Vault: ${name};location=${location}`));
			}
			await (await keys.beginRecoverDeletedKey("level", quick)).pollUntilDone();
			await (await secrets.beginRecoverDeletedSecret("level", quick)).pollUntilDone();
			assert.equal((await secrets.getSecret("level")).value, "v");
		});
	});

describe("a key", () => {
	let home, first, second;

	before(async () => {
		home = homes.short;
		first = await home.keys.createEcKey("mortal", { tags: { a: "b" }, expiresOn: new Date("2031-01-01T00:00:00Z") });
		second = await home.keys.createRsaKey("mortal");
		await home.keys.updateKeyProperties("mortal", first.properties.version, { enabled: false });
	});

	test("is deleted with all its versions", async () => {
		const { status, json } = await raw("DELETE", `${home.url}/keys/mortal`);
		assert.equal(status, 200);
		assert.equal(json.key.kid, second.id);
		assert.equal(json.recoveryId, `${home.url}/deletedkeys/mortal`);
		assert.equal(json.scheduledPurgeDate - json.deletedDate, 7 * 86400);
		assert.equal((await home.keys.getDeletedKey("mortal")).id, second.id);
		const listed = await all(home.keys.listDeletedKeys());
		assert.deepEqual(listed.map((k) => k.name), ["mortal"]);
		assert.equal(listed[0].properties.recoveryId, `${home.url}/deletedkeys/mortal`);
		assert.ok(!(await all(home.keys.listPropertiesOfKeys())).some((k) => k.name === "mortal"));
	});

	test("while deleted can be neither read nor used", async () => {
		const { keys } = home;
		for (const call of [() => keys.getKey("mortal"), () => keys.getKey("mortal", { version: first.properties.version }),
			() => keys.updateKeyProperties("mortal", { enabled: true }), () => keys.rotateKey("mortal"), () => keys.backupKey("mortal"),
			() => keys.getKeyRotationPolicy("mortal"), () => keys.beginDeleteKey("mortal", quick),
			() => remote(second.id).wrapKey("RSA-OAEP", Buffer.alloc(16)), () => remote(second.id).decrypt("RSA-OAEP", Buffer.alloc(256))])
			await refused(call(), 404, "KeyNotFound");
		assert.deepEqual(await all(keys.listPropertiesOfKeyVersions("mortal")).catch((e) => e.statusCode === 404 ? [] : [e]), []);
	});

	test("while deleted keeps its name", async () => {
		const key = jsonWebKey(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey);
		for (const call of [() => home.keys.createRsaKey("mortal"), () => home.keys.createEcKey("MORTAL"),
			() => home.keys.importKey("mortal", key)]) {
			const e = await refused(call(), 409, "Conflict", "ObjectIsDeletedButRecoverable");
			assert.equal(e.message.replace("MORTAL", "mortal"), "Key mortal is currently in a deleted but recoverable state, " +
				"and its name cannot be reused; in this state, the key can only be recovered or purged.");
		}
	});

	test("comes back as it was", async () => {
		const poller = await home.keys.beginRecoverDeletedKey("mortal", quick);
		const recovered = await poller.pollUntilDone();
		assert.equal(recovered.id, second.id);
		assert.deepEqual(recovered.properties.createdOn, second.properties.createdOn);
		const old = (await home.keys.getKey("mortal", { version: first.properties.version })).properties;
		assert.deepEqual([old.enabled, old.tags, old.expiresOn], [false, { a: "b" }, first.properties.expiresOn]);
		await refused(home.keys.getDeletedKey("mortal"), 404, "KeyNotFound");
		assert.equal((await raw("POST", `${home.url}/deletedkeys/mortal/recover`)).error.code, "KeyNotFound");
		await refused(home.keys.purgeDeletedKey("mortal"), 404, "KeyNotFound");
		const wrapped = await remote(second.id).wrapKey("RSA-OAEP", Buffer.alloc(16));
		assert.equal((await remote(second.id).unwrapKey("RSA-OAEP", wrapped.result)).result.length, 16);
	});

	test("is gone after a purge, and its name is free", async () => {
		await (await home.keys.beginDeleteKey("mortal", quick)).pollUntilDone();
		const { status, text } = await raw("DELETE", `${home.url}/deletedkeys/mortal`);
		assert.deepEqual([status, text], [204, ""]);
		const e = await refused(home.keys.getDeletedKey("mortal"), 404, "KeyNotFound");
		assert.match(e.message, /Deleted Key not found: mortal/);
		await home.keys.createEcKey("mortal");
		assert.equal((await all(home.keys.listPropertiesOfKeyVersions("mortal"))).length, 1);
		await refused(home.keys.getKey("mortal", { version: first.properties.version }), 404, "KeyNotFound");
	});

	test("that never was", async () => {
		await refused(home.keys.beginDeleteKey("never", quick), 404, "KeyNotFound");
		await refused(home.keys.getDeletedKey("never"), 404, "KeyNotFound");
	});
});
