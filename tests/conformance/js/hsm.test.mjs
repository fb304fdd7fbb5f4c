// SPDX-License-Identifier: Apache-2.0
// A Managed HSM pool: symmetric keys, random bytes, roles of its own.
import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { before, test } from "node:test";

import { KeyClient } from "@azure/keyvault-keys";

import { credential, location, makeGroup, me, raw, recorded, refused, remote, subscription, suffix, tenant, token } from "./helpers.mjs";

const cryptoUser = "21dbd100-6940-42c2-9190-5d6cb909625b";
const cryptoOfficer = "515eb02d-2335-4d2d-92f2-b1cbdf9c3778";
const name = `hsm-${suffix}`;
const url = `https://${name}.managedhsm.azure.net`;
const keys = new KeyClient(url, credential, recorded());

async function assign(role, principalId) {
	const roles = "/providers/Microsoft.Authorization";
	const answer = await raw("PUT", `${url}/${roles}/roleAssignments/${randomUUID()}`, {
		body: { properties: { roleDefinitionId: `Microsoft.KeyVault${roles}/roleDefinitions/${role}`, principalId } },
		bearer: await token("https://managedhsm.azure.net"),
	});
	assert.equal(answer.status, 201, answer.text);
}

before(async () => {
	const group = await makeGroup("hsm");
	const id = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.KeyVault/managedHSMs/${name}`;
	const made = await raw("PUT", `https://management.azure.com${id}`, {
		version: "2023-07-01", bearer: await token("https://management.azure.com"),
		body: {
			location, sku: { family: "B", name: "Standard_B1" },
			properties: { tenantId: tenant, initialAdminObjectIds: [await me()], softDeleteRetentionInDays: 7 },
		},
	});
	assert.ok(made.status === 200 || made.status === 202, made.text);
});

test("an administrator has no keys until a local role says so", async () => {
	await refused(keys.createKey("none", "RSA"), 403);
	await assign(cryptoUser, await me());
});

test("keys are those of an HSM", async () => {
	assert.equal((await keys.createKey("rsa", "RSA")).keyType, "RSA-HSM");
	assert.equal((await keys.createEcKey("ec", { curve: "P-384" })).keyType, "EC-HSM");
	assert.equal((await keys.createOctKey("oct", { keySize: 256 })).keyType, "oct-HSM");
	const names = [];
	for await (const properties of keys.listPropertiesOfKeys())
		names.push(properties.name);
	assert.deepEqual(names.sort(), ["ec", "oct", "rsa"]);
	await refused(keys.createOctKey("odd", { keySize: 64 }), 400, "BadParameter");
});

for (const keySize of [128, 192, 256])
	test(`AES with ${keySize} bits`, async () => {
		const key = await keys.createOctKey(`aes-${keySize}`, { keySize, hsm: true });
		const client = remote(key.id);
		const plain = randomBytes(32), aad = randomBytes(5), iv = randomBytes(16);
		const wrapped = await client.wrapKey(`A${keySize}KW`, plain);
		assert.deepEqual(Buffer.from((await client.unwrapKey(`A${keySize}KW`, wrapped.result)).result), plain);
		const gcm = await client.encrypt({ algorithm: `A${keySize}GCM`, plaintext: plain, additionalAuthenticatedData: aad });
		const opened = await client.decrypt({
			algorithm: `A${keySize}GCM`, ciphertext: gcm.result, iv: gcm.iv, authenticationTag: gcm.authenticationTag,
			additionalAuthenticatedData: aad,
		});
		assert.deepEqual(Buffer.from(opened.result), plain);
		for (const algorithm of [`A${keySize}CBC`, `A${keySize}CBCPAD`]) {
			const sealed = await client.encrypt({ algorithm, plaintext: plain, iv });
			assert.deepEqual(Buffer.from((await client.decrypt({ algorithm, ciphertext: sealed.result, iv })).result), plain);
		}
		const forged = { ...gcm, authenticationTag: randomBytes(16) };
		await refused(client.decrypt({
			algorithm: `A${keySize}GCM`, ciphertext: forged.result, iv: forged.iv, authenticationTag: forged.authenticationTag,
			additionalAuthenticatedData: aad,
		}), 400, "BadParameter");
	});

test("signatures", async () => {
	const digest = createHash("sha384").update("message").digest();
	const client = remote((await keys.getKey("ec")).id);
	const { result } = await client.sign("ES384", digest);
	assert.equal((await client.verify("ES384", digest, result)).result, true);
});

test("random bytes", async () => {
	const one = await keys.getRandomBytes(32), two = await keys.getRandomBytes(32);
	assert.equal(one.length, 32);
	assert.notDeepEqual(one, two);
	await refused(keys.getRandomBytes(0), 400, "BadParameter");
	await refused(keys.getRandomBytes(129), 400, "BadParameter");
});

test("rotation needs a policy first", async () => {
	await refused(keys.rotateKey("oct"), 400);
	await keys.updateKeyRotationPolicy("oct", { lifetimeActions: [{ action: "Rotate", timeAfterCreate: "P30D" }] });
	const first = await keys.getKey("oct");
	assert.notEqual((await keys.rotateKey("oct")).id, first.id);
});

test("backup, deletion, restore", async () => {
	const backup = await keys.backupKey("oct");
	await (await keys.beginDeleteKey("oct", { intervalInMs: 50 })).pollUntilDone();
	await refused(keys.restoreKeyBackup(backup), 409, "Conflict");
	await refused(keys.purgeDeletedKey("oct"), 403);
	await assign(cryptoOfficer, await me());
	await keys.purgeDeletedKey("oct");
	assert.equal((await keys.restoreKeyBackup(backup)).name, "oct");
});
