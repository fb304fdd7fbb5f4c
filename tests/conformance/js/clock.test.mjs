// SPDX-License-Identifier: Apache-2.0
// What time does to keys and secrets: expiry, rotation by policy, the end of retention. Moves the clock of the instance, so
// it has one of its own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { ClientSecretCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

import { all, clientId, clientSecret, makeGroup, makeVault, quick, recorded, refused, rotates, tenant } from "./helpers.mjs";

const day = 86400 * 1000;
let vault, keys, secrets, credential;
let now = Date.now();

// Tokens of before have ended by then: whoever asks signs in anew.
function signIn() {
	credential = new ClientSecretCredential(tenant, clientId, clientSecret);
	keys = new KeyClient(vault.url, credential, recorded());
	secrets = new SecretClient(vault.url, credential, recorded());
}

function advance(duration, days) {
	execFileSync(process.env.CUSTODISK, ["clock", "advance", duration], { stdio: "pipe" });
	now += days * day;
	signIn();
}

function remote(id) {
	const client = new CryptographyClient(id, credential, recorded());
	client.key = { kind: "remoteOnlyIdentifier", value: id };
	return client;
}

// What the scheduler does, it does soon.
async function eventually(condition) {
	for (let i = 0; i < 100; i++) {
		const value = await condition();
		if (value)
			return value;
		await sleep(200);
	}
	return assert.fail("it did not happen");
}

before(async () => {
	vault = await makeVault(await makeGroup("clock"), "clock");
	signIn();
});

test("the instance's time is what it stamps", async () => {
	advance("P1D", 1);
	const { properties } = await keys.createEcKey("stamped");
	assert.ok(Math.abs(properties.createdOn.getTime() - now) < 300 * 1000);
});

test("a key expires, and still unwraps", async () => {
	const made = await keys.createRsaKey("expiring", { expiresOn: new Date(now + 10 * day) });
	const wrapped = await remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16));
	advance("P9D", 9);
	await remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16));
	advance("P2D", 2);
	await refused(remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16)), 403, "Forbidden");
	assert.equal((await remote(made.id).unwrapKey("RSA-OAEP", wrapped.result)).result.length, 16);
});

test("a key becomes valid", async () => {
	const made = await keys.createRsaKey("coming", { notBefore: new Date(now + 10 * day) });
	await refused(remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16)), 403, "Forbidden");
	advance("P11D", 11);
	await remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16));
});

test("retention ends what is deleted", async () => {
	await keys.createEcKey("mortal");
	await secrets.setSecret("mortal", "v");
	await (await keys.beginDeleteKey("mortal", quick)).pollUntilDone();
	await (await secrets.beginDeleteSecret("mortal", quick)).pollUntilDone();
	advance("P6D", 6);
	assert.equal((await keys.getDeletedKey("mortal")).name, "mortal");
	advance("P2D", 2);
	await refused(keys.getDeletedKey("mortal"), 404, "KeyNotFound");
	await refused(secrets.getDeletedSecret("mortal"), 404, "SecretNotFound");
	assert.deepEqual(await all(keys.listDeletedKeys()), []);
	await keys.createEcKey("mortal");
	assert.equal((await secrets.setSecret("mortal", "again")).value, "again");
});

describe("rotation by policy", () => {
	const versions = async (name) => all(keys.listPropertiesOfKeyVersions(name));

	test("after creation, and again after that", async () => {
		const first = await keys.createEcKey("aging");
		await keys.createEcKey("still");
		await keys.updateKeyRotationPolicy("aging", rotates({ timeAfterCreate: "P30D" }));
		advance("P29D", 29);
		await sleep(1500);
		assert.equal((await versions("aging")).length, 1);
		advance("P2D", 2);
		const second = await eventually(async () => {
			const key = await keys.getKey("aging");
			return key.id !== first.id && key;
		});
		assert.equal(second.properties.expiresOn - second.properties.createdOn, 90 * day);
		assert.equal((await keys.getKey("aging", { version: first.properties.version })).properties.enabled, true);
		advance("P31D", 31);
		await eventually(async () => (await versions("aging")).length === 3);
		await sleep(1500);
		assert.equal((await versions("aging")).length, 3);
		assert.equal((await versions("still")).length, 1);
	});

	test("before an expiry", async () => {
		await keys.createEcKey("ending", { expiresOn: new Date(now + 60 * day) });
		await keys.updateKeyRotationPolicy("ending", rotates({ timeBeforeExpiry: "P30D" }));
		advance("P29D", 29);
		await sleep(1500);
		assert.equal((await versions("ending")).length, 1);
		advance("P2D", 2);
		await eventually(async () => (await versions("ending")).length === 2);
	});

	test("a deleted key is not rotated", async () => {
		await keys.createEcKey("gone");
		await keys.updateKeyRotationPolicy("gone", rotates({ timeAfterCreate: "P7D" }));
		await (await keys.beginDeleteKey("gone", quick)).pollUntilDone();
		advance("P6D", 6);
		await (await keys.beginRecoverDeletedKey("gone", quick)).pollUntilDone();
		assert.equal((await versions("gone")).length, 1);
	});
});
