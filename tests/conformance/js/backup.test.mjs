// SPDX-License-Identifier: Apache-2.0
// Backup and restore of keys and secrets: where a blob opens, and what comes back.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, test } from "node:test";

import { all, badParameter, destroy, makeGroup, makeVault, premium, quick, raw, refused, remote, rotates } from "./helpers.mjs";

let group, vault, sibling, abroad;

before(async () => {
	group = await makeGroup("backup");
	vault = await makeVault(group, "backup");
	// Another vault, group and region of the same geography; and one of another geography.
	sibling = await makeVault(await makeGroup("backup-too"), "backup-too", {}, { where: "northeurope" });
	abroad = await makeVault(group, "backup-us", {}, { where: "eastus" });
});

function spoilt(blob) {
	const copy = Buffer.from(blob);
	copy[copy.length >> 1] ^= 1;
	return copy;
}

describe("keys", () => {
	let first, second, blob, wrapped;

	before(async () => {
		first = await vault.keys.createRsaKey("kept", { tags: { of: "first" } });
		wrapped = (await remote(first.id).wrapKey("RSA-OAEP", Buffer.alloc(32, 1))).result;
		second = await vault.keys.createEcKey("kept", { expiresOn: new Date("2031-01-01T00:00:00Z") });
		await vault.keys.updateKeyProperties("kept", first.properties.version, { enabled: false });
		blob = await vault.keys.backupKey("kept");
	});

	test("the blob tells nothing", async () => {
		assert.ok(blob.length > 100);
		for (const word of ["kept", "RSA", first.properties.version])
			assert.equal(Buffer.from(blob).indexOf(word), -1, word);
		assert.notDeepEqual(Buffer.from(await vault.keys.backupKey("kept")), Buffer.from(blob));
	});

	test("a name that exists is a conflict, live or deleted", async () => {
		await refused(vault.keys.restoreKeyBackup(blob), 409, "Conflict");
		await (await vault.keys.beginDeleteKey("kept", quick)).pollUntilDone();
		await refused(vault.keys.restoreKeyBackup(blob), 409, "Conflict", "ObjectIsDeletedButRecoverable");
		await refused(vault.keys.backupKey("kept"), 404, "KeyNotFound");
	});

	test("after a purge all versions come back with what was known of them", async () => {
		await vault.keys.purgeDeletedKey("kept");
		const restored = await vault.keys.restoreKeyBackup(blob);
		assert.equal(restored.id, second.id);
		assert.deepEqual(restored.key.x, second.key.x);
		assert.deepEqual(restored.properties.expiresOn, second.properties.expiresOn);
		assert.equal((await all(vault.keys.listPropertiesOfKeyVersions("kept"))).length, 2);
		const old = await vault.keys.getKey("kept", { version: first.properties.version });
		assert.deepEqual([old.properties.enabled, old.properties.tags, old.key.n], [false, { of: "first" }, first.key.n]);
		await vault.keys.updateKeyProperties("kept", first.properties.version, { enabled: true });
		assert.deepEqual(Buffer.from((await remote(first.id).unwrapKey("RSA-OAEP", wrapped)).result), Buffer.alloc(32, 1));
	});

	test("into another vault of the subscription and geography, apart from the first", async () => {
		const restored = await sibling.keys.restoreKeyBackup(blob);
		assert.equal(restored.id, second.id.replace(vault.url, sibling.url));
		await sibling.keys.updateKeyProperties("kept", first.properties.version, { enabled: true });
		const there = remote(`${sibling.url}/keys/kept/${first.properties.version}`);
		assert.deepEqual(Buffer.from((await there.unwrapKey("RSA-OAEP", wrapped)).result), Buffer.alloc(32, 1));
		await destroy(vault, "kept");
		assert.deepEqual(Buffer.from((await there.unwrapKey("RSA-OAEP", wrapped)).result), Buffer.alloc(32, 1));
		// And back again, under its first name.
		const again = await vault.keys.restoreKeyBackup(await sibling.keys.backupKey("kept"));
		assert.equal(again.id, second.id);
	});

	test("into another geography: the blob does not open", async () => {
		const e = await badParameter(abroad.keys.restoreKeyBackup(blob));
		assert.match(e.message, /Cannot decrypt backup blob\./);
	});

	test("keys of an HSM stay in HSMs", async () => {
		const hsm = await makeVault(group, "backup-hsm", premium);
		const too = await makeVault(group, "backup-hsm2", premium);
		const made = await hsm.keys.createEcKey("hard", { hsm: true });
		const hard = await hsm.keys.backupKey("hard");
		assert.equal((await too.keys.restoreKeyBackup(hard)).id, made.id.replace(hsm.url, too.url));
		await assert.rejects(vault.keys.restoreKeyBackup(hard), (e) => e.statusCode === 400);
	});

	test("the rotation policy comes back too", async () => {
		await vault.keys.createEcKey("policed");
		await vault.keys.updateKeyRotationPolicy("policed", rotates({ timeBeforeExpiry: "P30D" }));
		const saved = await vault.keys.backupKey("policed");
		await destroy(vault, "policed");
		await vault.keys.restoreKeyBackup(saved);
		assert.equal((await vault.keys.getKeyRotationPolicy("policed")).expiresIn, "P90D");
	});

	test("what is no blob", async () => {
		await destroy(vault, "kept");
		for (const wrong of [spoilt(blob), Buffer.from(blob).subarray(0, -1), Buffer.concat([blob, Buffer.alloc(1)]),
			randomBytes(200), Buffer.from("x")])
			await badParameter(vault.keys.restoreKeyBackup(wrong));
		for (const body of [{}, { value: 1 }, { value: "" }, { value: "+/" }])
			assert.equal((await raw("POST", `${vault.url}/keys/restore`, { body })).status, 400);
		await refused(vault.keys.backupKey("absent"), 404, "KeyNotFound");
	});
});

describe("secrets", () => {
	let first, second, blob;

	before(async () => {
		first = await vault.secrets.setSecret("kept", "one", { contentType: "a/b", tags: { of: "first" } });
		second = await vault.secrets.setSecret("kept", "two", { enabled: false });
		blob = await vault.secrets.backupSecret("kept");
	});

	test("the blob tells nothing", () => {
		for (const word of ["kept", "one", "two"])
			assert.equal(Buffer.from(blob).indexOf(word), -1, word);
	});

	test("a name that exists is a conflict, live or deleted", async () => {
		await refused(vault.secrets.restoreSecretBackup(blob), 409, "Conflict");
		await (await vault.secrets.beginDeleteSecret("kept", quick)).pollUntilDone();
		await refused(vault.secrets.restoreSecretBackup(blob), 409, "Conflict", "ObjectIsDeletedButRecoverable");
	});

	test("after a purge, and elsewhere", async () => {
		await vault.secrets.purgeDeletedSecret("kept");
		for (const home of [vault, sibling]) {
			const restored = await home.secrets.restoreSecretBackup(blob);
			assert.equal(restored.id, second.properties.id.replace(vault.url, home.url));
			assert.equal(restored.enabled, false);
			const old = await home.secrets.getSecret("kept", { version: first.properties.version });
			assert.deepEqual([old.value, old.properties.contentType, old.properties.tags], ["one", "a/b", { of: "first" }]);
		}
		const e = await badParameter(abroad.secrets.restoreSecretBackup(blob));
		assert.match(e.message, /Cannot decrypt backup blob\./);
	});

	test("a blob is of its own kind", async () => {
		await vault.keys.createEcKey("kind");
		const key = await vault.keys.backupKey("kind");
		await badParameter(vault.secrets.restoreSecretBackup(key));
		await badParameter(vault.keys.restoreKeyBackup(blob));
		await badParameter(vault.secrets.restoreSecretBackup(spoilt(blob)));
		await refused(vault.secrets.backupSecret("absent"), 404, "SecretNotFound");
	});
});
