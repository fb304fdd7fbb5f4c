// SPDX-License-Identifier: Apache-2.0
// Lists in pages: of keys, versions, deleted keys, secrets.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import { all, makeGroup, makeVault, quick, raw } from "./helpers.mjs";

let vault, other;

before(async () => {
	const group = await makeGroup("paging");
	vault = await makeVault(group, "paging");
	other = await makeVault(group, "paging-other");
	for (const name of ["a", "b", "c", "d", "e"])
		await vault.keys.createEcKey(name, { tags: { n: name } });
	for (let i = 0; i < 3; i++)
		await vault.keys.createEcKey("many");
	for (let i = 0; i < 57; i++)
		await vault.secrets.setSecret(`s${String(i).padStart(2, "0")}`, "v");
	for (const name of ["x", "y", "z"]) {
		await vault.secrets.setSecret(name, "v");
		await (await vault.secrets.beginDeleteSecret(name, quick)).pollUntilDone();
	}
});

// Follow nextLink as it is, and give the pages.
async function follow(url) {
	const pages = [];
	for (let next = url; next; next = pages.at(-1).nextLink) {
		const answer = await raw("GET", next, next === url ? {} : { version: null });
		assert.equal(answer.status, 200, answer.text);
		pages.push(answer.json);
	}
	return pages;
}

describe("pages", () => {
	test("items are what a list says of a key", async () => {
		const { json } = await raw("GET", `${vault.url}/keys?maxresults=1`);
		assert.deepEqual(Object.keys(json).sort(), ["nextLink", "value"]);
		assert.equal(json.value[0].kid, `${vault.url}/keys/a`);
		assert.deepEqual(json.value[0].tags, { n: "a" });
		assert.ok(!("key" in json.value[0]) && json.value[0].attributes.enabled);
	});

	test("the link is whole, with its port, and keeps the size", async () => {
		const { json } = await raw("GET", `${vault.url}/keys?maxresults=2`);
		assert.match(json.nextLink, new RegExp(`^${vault.url.replaceAll(".", "\\.")}:443/keys\\?`));
		const { searchParams } = new URL(json.nextLink);
		assert.equal(searchParams.get("api-version"), "7.4");
		assert.equal(searchParams.get("maxresults"), "2");
		assert.ok(searchParams.get("$skiptoken"));
	});

	test("of keys, each once", async () => {
		const pages = await follow(`${vault.url}/keys?maxresults=2`);
		assert.deepEqual(pages.flatMap((p) => p.value).map((k) => k.kid.split("/").at(-1)), ["a", "b", "c", "d", "e", "many"]);
		assert.ok(pages.every((p) => p.value.length <= 2));
		assert.equal(pages.at(-1).nextLink, null);
	});

	test("of versions, with their full names", async () => {
		const pages = await follow(`${vault.url}/keys/many/versions?maxresults=1`);
		const kids = pages.flatMap((p) => p.value).map((k) => k.kid);
		assert.equal(new Set(kids).size, 3);
		assert.ok(kids.every((kid) => /\/keys\/many\/[0-9a-f]{32}$/.test(kid)));
	});

	test("of what is deleted", async () => {
		const pages = await follow(`${vault.url}/deletedsecrets?maxresults=2`);
		assert.deepEqual(pages.flatMap((p) => p.value).map((s) => s.recoveryId.split("/").at(-1)), ["x", "y", "z"]);
		assert.equal((await all(vault.keys.listDeletedKeys())).length, 0);
	});

	test("25 items unless less is asked for", async () => {
		const pages = await follow(`${vault.url}/secrets`);
		assert.deepEqual(pages.map((p) => p.value.length), [25, 25, 7]);
		assert.equal((await all(vault.secrets.listPropertiesOfSecrets())).length, 57);
		const byPage = await all(vault.secrets.listPropertiesOfSecrets().byPage({ maxPageSize: 20 }));
		assert.deepEqual(byPage.map((p) => p.length), [20, 20, 17]);
	});

	test("a page goes on where the last one ended, whatever came and went", async () => {
		const first = (await raw("GET", `${vault.url}/secrets?maxresults=25`)).json;
		await vault.secrets.setSecret("s00a", "v");
		await (await vault.secrets.beginDeleteSecret("s24", quick)).pollUntilDone();
		const second = (await raw("GET", first.nextLink, { version: null })).json;
		assert.equal(second.value[0].id, `${vault.url}/secrets/s25`);
	});

	test("an empty vault has one empty page", async () => {
		for (const list of ["keys", "deletedkeys", "secrets", "deletedsecrets"])
			assert.deepEqual((await raw("GET", `${other.url}/${list}`)).json, { value: [], nextLink: null });
	});

	test("the versions of what is not there", async () => {
		for (const list of ["keys", "secrets"]) {
			const answer = await raw("GET", `${vault.url}/${list}/absent/versions`);
			assert.ok(answer.status === 404 || answer.json.value.length === 0, answer.text);
		}
	});
});

describe("refused", () => {
	for (const size of ["0", "26", "-1", "x", "1x", "99999999999999999999"])
		test(`maxresults=${size}`, async () => {
			for (const list of ["keys", "keys/many/versions", "deletedkeys", "secrets"]) {
				const answer = await raw("GET", `${vault.url}/${list}?maxresults=${size}`);
				assert.deepEqual([answer.status, answer.error?.code], [400, "BadParameter"], `${list}: ${answer.text}`);
			}
		});

	test("a token that was not given out", async () => {
		for (const wrong of ["x", "", "AAAA", Buffer.from("{}").toString("base64")]) {
			const answer = await raw("GET", `${vault.url}/keys?$skiptoken=${encodeURIComponent(wrong)}`);
			assert.deepEqual([answer.status, answer.error?.code], [400, "BadParameter"], `${wrong}: ${answer.text}`);
		}
	});
});
