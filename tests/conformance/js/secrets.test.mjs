// SPDX-License-Identifier: Apache-2.0
// Secrets: every method of SecretClient, and every documented error.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { parseKeyVaultSecretIdentifier } from "@azure/keyvault-secrets";

import { all, badParameter, makeGroup, makeVault, quick, raw, refused } from "./helpers.mjs";

let vault, secrets;

before(async () => {
	vault = await makeVault(await makeGroup("secrets"), "secrets");
	secrets = vault.secrets;
});

describe("set and get", () => {
	test("a value, and what else is known of it", async () => {
		const { status, json } = await raw("PUT", `${vault.url}/secrets/plain`, { body: { value: "first" } });
		assert.equal(status, 200);
		assert.match(json.id, new RegExp(`^${vault.url}/secrets/plain/[0-9a-f]{32}$`));
		assert.equal(json.value, "first");
		assert.equal(json.attributes.enabled, true);
		assert.equal(json.attributes.created, json.attributes.updated);
		assert.equal(json.attributes.recoveryLevel, "CustomizedRecoverable+Purgeable");
		assert.equal(json.attributes.recoverableDays, 7);
		for (const absent of ["contentType", "kid", "managed", "tags"])
			assert.ok(!(absent in json), absent);
		const read = await secrets.getSecret("plain");
		assert.equal(read.value, "first");
		assert.equal(read.properties.id, json.id);
		assert.equal(read.properties.vaultUrl, vault.url);
		assert.deepEqual(parseKeyVaultSecretIdentifier(json.id).name, "plain");
	});

	test("content type, tags, dates", async () => {
		const notBefore = new Date("2020-01-01T00:00:00Z"), expiresOn = new Date("2031-01-01T00:00:00Z");
		const told = { contentType: "text/plain", tags: { a: "b" }, notBefore, expiresOn, enabled: true };
		await secrets.setSecret("told", "value", told);
		const { properties, value } = await secrets.getSecret("told");
		assert.equal(value, "value");
		assert.deepEqual(Object.fromEntries(Object.keys(told).map((name) => [name, properties[name]])), told);
	});

	test("any text comes back as it was", async () => {
		for (const value of ["ä ö 漢字 🔑", "\"quoted\"\\\n\t", " ", "{\"json\": [1]}"]) {
			await secrets.setSecret("text", value);
			assert.equal((await secrets.getSecret("text")).value, value);
		}
	});

	test("setting again is a new version, and the old one stays", async () => {
		const first = await secrets.setSecret("twice", "one", { tags: { of: "one" } });
		const second = await secrets.setSecret("TWICE", "two");
		assert.notEqual(second.properties.version, first.properties.version);
		assert.equal((await secrets.getSecret("twice")).value, "two");
		const old = await secrets.getSecret("twice", { version: first.properties.version });
		assert.deepEqual([old.value, old.properties.tags], ["one", { of: "one" }]);
		assert.equal((await all(secrets.listPropertiesOfSecretVersions("twice"))).length, 2);
	});

	test("25 KB and not one byte more", async () => {
		const value = "x".repeat(25 * 1024);
		await secrets.setSecret("large", value);
		assert.equal((await secrets.getSecret("large")).value, value);
		await badParameter(secrets.setSecret("large", value + "x"));
		await badParameter(secrets.setSecret("large", "ä".repeat(13 * 1024)));
	});

	test("what may not be", async () => {
		const tags = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`t${i}`, "v"]));
		await badParameter(secrets.setSecret("wrong", "v", { tags }));
		await badParameter(secrets.setSecret("wrong", "v", { contentType: "c".repeat(256) }));
		for (const body of [{}, { value: 1 }, { value: null }, [], { value: "v", attributes: { exp: "tomorrow" } },
			{ value: "v", tags: [] }]) {
			const answer = await raw("PUT", `${vault.url}/secrets/wrong`, { body });
			assert.deepEqual([answer.status, answer.error?.code], [400, "BadParameter"], answer.text);
		}
		assert.equal((await raw("PUT", `${vault.url}/secrets/under_score`, { body: { value: "v" } })).status, 400);
		await refused(secrets.getSecret("wrong"), 404, "SecretNotFound");
	});

	test("what is not there", async () => {
		const e = await refused(secrets.getSecret("absent"), 404, "SecretNotFound");
		assert.match(e.message, /^A secret with \(name\/id\) absent was not found in this key vault\. /);
		await secrets.setSecret("there", "v");
		await refused(secrets.getSecret("there", { version: "0".repeat(32) }), 404, "SecretNotFound");
	});

	test("names are of secrets alone: a key may have the same", async () => {
		await vault.keys.createEcKey("both");
		await secrets.setSecret("both", "v");
		assert.equal((await secrets.getSecret("both")).value, "v");
		assert.equal((await vault.keys.getKey("both")).keyType, "EC");
	});
});

describe("states", () => {
	test("a disabled secret is not told", async () => {
		const { properties: { version } } = await secrets.setSecret("off", "v", { enabled: false });
		await refused(secrets.getSecret("off"), 403, "Forbidden", "SecretDisabled");
		await refused(secrets.getSecret("off", { version }), 403, "Forbidden", "SecretDisabled");
		assert.equal((await all(secrets.listPropertiesOfSecretVersions("off")))[0].enabled, false);
		await secrets.updateSecretProperties("off", version, { enabled: true });
		assert.equal((await secrets.getSecret("off")).value, "v");
	});

	test("an expired one is", async () => {
		await secrets.setSecret("expired", "v", { expiresOn: new Date("2020-01-01T00:00:00Z") });
		assert.equal((await secrets.getSecret("expired")).value, "v");
	});
});

describe("update", () => {
	test("only what is named changes, and never the value", async () => {
		const made = await secrets.setSecret("changing", "v", { contentType: "a/b", tags: { a: "b" } });
		const { version } = made.properties;
		const expiresOn = new Date("2031-01-01T00:00:00Z");
		const dated = await secrets.updateSecretProperties("changing", version, { expiresOn });
		assert.deepEqual([dated.contentType, dated.tags, dated.expiresOn], ["a/b", { a: "b" }, expiresOn]);
		assert.deepEqual(dated.createdOn, made.properties.createdOn);
		const told = await secrets.updateSecretProperties("changing", version, { contentType: "c/d", tags: { c: "d" } });
		assert.deepEqual([told.contentType, told.tags, told.expiresOn], ["c/d", { c: "d" }, expiresOn]);
		assert.equal((await secrets.getSecret("changing")).value, "v");
		const { json } = await raw("PATCH", `${vault.url}/secrets/changing/${version}`, { body: { value: "other", tags: {} } });
		assert.ok(!("value" in json));
		assert.equal((await secrets.getSecret("changing")).value, "v");
	});

	test("what is not there", async () => {
		await refused(secrets.updateSecretProperties("absent", "0".repeat(32), { enabled: false }), 404, "SecretNotFound");
	});
});

describe("lists", () => {
	test("secrets with their properties and without values", async () => {
		const home = await makeVault(vault.group, "secret-list");
		for (const name of ["a", "b", "c"])
			await home.secrets.setSecret(name, "value", { contentType: "t/t", tags: { n: name } });
		const { json } = await raw("GET", `${home.url}/secrets`);
		assert.deepEqual(json.value.map((s) => s.id), ["a", "b", "c"].map((n) => `${home.url}/secrets/${n}`));
		assert.ok(json.value.every((s) => !("value" in s) && s.contentType === "t/t" && s.attributes.enabled));
		assert.equal(json.nextLink, null);
		const listed = await all(home.secrets.listPropertiesOfSecrets());
		assert.deepEqual(listed.map((s) => [s.name, s.tags]), [["a", { n: "a" }], ["b", { n: "b" }], ["c", { n: "c" }]]);
		await home.secrets.setSecret("a", "again");
		const versions = await all(home.secrets.listPropertiesOfSecretVersions("a"));
		assert.equal(new Set(versions.map((v) => v.version)).size, 2);
		const pages = await all(home.secrets.listPropertiesOfSecrets().byPage({ maxPageSize: 2 }));
		assert.deepEqual(pages.map((p) => p.length), [2, 1]);
	});
});

describe("life", () => {
	test("delete, recover, delete, purge", async () => {
		const made = await secrets.setSecret("mortal", "v", { contentType: "a/b", tags: { a: "b" } });
		await secrets.setSecret("mortal", "v2");
		const poller = await secrets.beginDeleteSecret("mortal", quick);
		assert.equal(poller.getResult()?.name, "mortal");
		const deleted = await poller.pollUntilDone();
		assert.equal(deleted.recoveryId, `${vault.url}/deletedsecrets/mortal`);
		assert.equal(deleted.scheduledPurgeDate - deleted.deletedOn, 7 * 86400 * 1000);
		assert.equal(deleted.value, undefined);
		await refused(secrets.getSecret("mortal"), 404, "SecretNotFound");
		assert.equal((await secrets.getDeletedSecret("mortal")).name, "mortal");
		assert.deepEqual((await all(secrets.listDeletedSecrets())).map((s) => s.name), ["mortal"]);
		const e = await refused(secrets.setSecret("mortal", "v"), 409, "Conflict", "ObjectIsDeletedButRecoverable");
		assert.match(e.message, /^Secret mortal is currently in a deleted but recoverable state/);
		await refused(secrets.beginDeleteSecret("mortal", quick), 404, "SecretNotFound");

		await (await secrets.beginRecoverDeletedSecret("mortal", quick)).pollUntilDone();
		assert.equal((await secrets.getSecret("mortal")).value, "v2");
		const first = await secrets.getSecret("mortal", { version: made.properties.version });
		assert.deepEqual([first.value, first.properties.contentType, first.properties.tags, first.properties.createdOn],
			["v", "a/b", { a: "b" }, made.properties.createdOn]);

		await (await secrets.beginDeleteSecret("mortal", quick)).pollUntilDone();
		await secrets.purgeDeletedSecret("mortal");
		const f = await refused(secrets.getDeletedSecret("mortal"), 404, "SecretNotFound");
		assert.match(f.message, /Deleted Secret not found: mortal/);
		await refused(secrets.purgeDeletedSecret("mortal"), 404, "SecretNotFound");
		await refused(secrets.beginRecoverDeletedSecret("mortal", quick), 404, "SecretNotFound");
		await secrets.setSecret("mortal", "reborn");
		assert.equal((await all(secrets.listPropertiesOfSecretVersions("mortal"))).length, 1);
	});

	test("what never was", async () => {
		await refused(secrets.beginDeleteSecret("never", quick), 404, "SecretNotFound");
		await refused(secrets.getDeletedSecret("never"), 404, "SecretNotFound");
	});
});
