// SPDX-License-Identifier: Apache-2.0
// The wire: the challenge, versions of the API, methods, routes and bodies that no SDK sends.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";

import { KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

import { claims, credential, location, makeGroup, makeVault, raw, recorded, tenant, token } from "./helpers.mjs";

let vault, url;

before(async () => {
	vault = await makeVault(await makeGroup("errors"), "errors");
	url = vault.url;
	await vault.keys.createEcKey("k");
});

function assertError(answer, status, code, message) {
	assert.equal(answer.status, status, answer.text);
	assert.match(answer.headers["content-type"], /^application\/json; charset=utf-8$/);
	assert.deepEqual(Object.keys(answer.json), ["error"]);
	assert.equal(answer.error.code, code, answer.text);
	assert.ok(answer.error.message);
	if (message instanceof RegExp)
		assert.match(answer.error.message, message);
	else if (message)
		assert.equal(answer.error.message, message);
}

describe("who asks", () => {
	function assertChallenge(answer) {
		assert.equal(answer.headers["www-authenticate"],
			`Bearer authorization="https://login.windows.net/${tenant}", resource="https://vault.azure.net"`);
	}

	test("without a token: the challenge", async () => {
		for (const [method, path] of [["GET", "/keys"], ["GET", "/keys/k"], ["POST", "/keys/k/wrapkey"], ["GET", "/secrets/s"],
			["DELETE", "/deletedkeys/k"], ["GET", "/nothing"]]) {
			const answer = await raw(method, url + path, { bearer: null });
			assert.equal(answer.status, 401);
			assert.deepEqual(answer.json,
				{ error: { code: "Unauthorized", message: "AKV10000: Request is missing a Bearer or PoP token." } });
			assertChallenge(answer);
		}
	});

	test("the challenge comes before everything else that is wrong", async () => {
		for (const options of [{ version: null }, { version: "0.0" }, { body: "{" }])
			assertChallenge(await raw("POST", `${url}/keys/k/create`, { bearer: null, ...options }));
	});

	test("with a token of another scheme", async () => {
		const answer = await raw("GET", `${url}/keys`, { bearer: null, headers: { Authorization: "Basic YTpi" } });
		assertError(answer, 401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.");
		assertChallenge(answer);
	});

	test("with a token for something else", async () => {
		const bearer = await token("https://management.azure.com");
		const answer = await raw("GET", `${url}/keys`, { bearer });
		assertError(answer, 401, "Unauthorized",
			`AKV10022: Invalid audience. Expected https://vault.azure.net, found: ${claims(bearer).aud}.`);
		assertChallenge(answer);
	});

	test("with a token that was tampered with, or is none", async () => {
		const good = await token(), [header, body, signature] = good.split(".");
		const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
		const other = Buffer.from(JSON.stringify({ ...claims(good), oid: randomUUID() })).toString("base64url");
		for (const bearer of ["x", "a.b.c", `${header}.${body}.`, `${none}.${body}.`, `${header}.${other}.${signature}`,
			`${header}.${body}.${signature.split("").reverse().join("")}`, "x".repeat(6000)]) {
			const answer = await raw("GET", `${url}/keys`, { bearer });
			assertError(answer, 401, "Unauthorized");
			assertChallenge(answer);
		}
	});

	test("the token is of the instance's tenant", async () => {
		const { iss, tid, aud, ver } = claims(await token());
		assert.deepEqual([iss, tid, aud, ver], [`https://sts.windows.net/${tenant}/`, tenant, "https://vault.azure.net", "1.0"]);
	});
});

describe("headers", () => {
	test("of every answer", async () => {
		const id = randomUUID();
		for (const [path, options] of [["/keys/k", {}], ["/keys/absent", {}], ["/keys", { bearer: null }]]) {
			const { headers } = await raw("GET", url + path, { ...options, headers: { "x-ms-client-request-id": id } });
			assert.equal(headers["cache-control"], "no-cache");
			assert.equal(headers.pragma, "no-cache");
			assert.equal(headers.expires, "-1");
			assert.equal(headers["content-type"], "application/json; charset=utf-8");
			assert.equal(headers["x-ms-keyvault-region"], location);
			assert.equal(headers["x-ms-client-request-id"], id);
			assert.match(headers["x-ms-request-id"], /^[0-9a-f-]{36}$/);
			assert.match(headers["x-ms-keyvault-network-info"], /^conn_type=Ipv4;addr=[0-9.]+;act_addr_fam=InterNetwork;$/);
			assert.match(headers["x-ms-keyvault-service-version"], /^\d+(\.\d+)+$/);
			assert.equal(headers["strict-transport-security"], "max-age=31536000;includeSubDomains");
			assert.equal(headers["x-content-type-options"], "nosniff");
		}
		const { headers } = await raw("GET", `${url}/keys/k`);
		assert.match(headers["x-ms-keyvault-rbac-assignment-id"], /^[0-9a-f-]{36}$/);
	});

	test("request ids are new each time", async () => {
		const ids = await Promise.all([1, 2, 3].map(async () => (await raw("GET", `${url}/keys/k`)).headers["x-ms-request-id"]));
		assert.equal(new Set(ids).size, 3);
	});
});

describe("api-version", () => {
	for (const version of ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6-preview.2", "7.6", "2025-07-01", "2026-04-01",
		"2030-01-01"])
		test(`${version} is answered`, async () => {
			const answer = await raw("GET", `${url}/keys/k`, { version });
			assert.equal(answer.status, 200, answer.text);
			assert.equal((await raw("GET", `${url}/secrets?maxresults=1`, { version })).status, 200);
		});

	test("the SDKs of all versions", async () => {
		for (const serviceVersion of ["7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01"]) {
			const name = `of-${serviceVersion.replaceAll(".", "-")}`;
			const keys = new KeyClient(url, credential, recorded({ serviceVersion }));
			assert.equal((await keys.createEcKey(name)).name, name);
			const secrets = new SecretClient(url, credential, recorded({ serviceVersion }));
			assert.equal((await secrets.setSecret(name, "v")).value, "v");
		}
	});

	test("there is no default", async () => {
		assertError(await raw("GET", `${url}/keys/k`, { version: null }), 400, "BadParameter", /api-version/);
		assertError(await raw("GET", `${url}/keys/k`, { version: "" }), 400, "BadParameter");
	});

	for (const version of ["1.0", "6.9", "seven", "7.4-preview", "2014-01-01", "2025-13-01", "7.4 "])
		test(`'${version}' is not`, async () => {
			assertError(await raw("GET", `${url}/keys/k`, { version: version.replace(" ", "%20") }), 400, "BadParameter");
		});
});

describe("methods and routes", () => {
	test("X-HTTP-METHOD stands for a method that a client cannot send", async () => {
		await vault.keys.createEcKey("tunnel");
		const patched = await raw("POST", `${url}/keys/tunnel`,
			{ headers: { "X-HTTP-METHOD": "PATCH" }, body: { tags: { by: "tunnel" } } });
		assert.deepEqual([patched.status, patched.json.tags], [200, { by: "tunnel" }]);
		const deleted = await raw("POST", `${url}/keys/tunnel`, { headers: { "X-HTTP-METHOD": "DELETE" } });
		assert.deepEqual([deleted.status, deleted.json.recoveryId], [200, `${url}/deletedkeys/tunnel`]);
		const purged = await raw("POST", `${url}/deletedkeys/tunnel`, { headers: { "X-HTTP-METHOD": "DELETE" } });
		assert.deepEqual([purged.status, purged.text], [204, ""]);
	});

	test("only for POST, and only methods", async () => {
		const read = await raw("GET", `${url}/keys/k`, { headers: { "X-HTTP-METHOD": "DELETE" } });
		assert.equal(read.status, 200);
		assert.equal((await vault.keys.getKey("k")).name, "k");
		assertError(await raw("POST", `${url}/keys/k`, { headers: { "X-HTTP-METHOD": "DESTROY" } }), 400, "BadParameter");
	});

	test("what no operation does", async () => {
		assertError(await raw("PUT", `${url}/keys/restore/x/y`, { body: {} }), 400, "BadParameter");
		const answer = await raw("PUT", `${url}/keys/k/restore`, { body: {} });
		assertError(answer, 400, "BadParameter", "Method PUT does not allow operation 'restore'");
		for (const [method, path] of [["GET", "/"], ["GET", "/nothing"], ["GET", "/keys/k/a/b/c"], ["DELETE", "/keys"],
			["DELETE", "/keys/k/versions"]])
			assertError(await raw(method, url + path), 400, "BadParameter");
		for (const [method, path] of [["POST", "/keys"], ["PATCH", "/keys"], ["POST", "/keys/k/explode"], ["PUT", "/deletedkeys/k"]])
			assertError(await raw(method, url + path, { body: {} }), 400, "BadParameter");
	});

	test("paths are read in any case, with an empty version, and no further", async () => {
		for (const path of ["/KEYS/k", "/keys/K", "/keys/k/"])
			assert.equal((await raw("GET", url + path)).status, 200, path);
		for (const path of ["/keys/../keys/k", "/keys/%2e%2e/keys/k", "/keys/k%00", "/keys/k%2fwrapkey", "/keys/a_b", "/keys/ä",
			`/keys/${"n".repeat(128)}`]) {
			const answer = await raw("GET", url + encodeURI(path).replaceAll("%25", "%"));
			assert.ok([400, 404].includes(answer.status), `${path}: ${answer.text}`);
		}
		assert.equal((await raw("GET", `${url}/keys/${"n".repeat(127)}`)).status, 404);
	});

	test("a version is 32 hexadecimal digits", async () => {
		for (const version of ["1", "0".repeat(31), "0".repeat(33), "g".repeat(32)]) {
			const answer = await raw("GET", `${url}/keys/k/${version}`);
			assert.ok([400, 404].includes(answer.status), answer.text);
		}
	});
});

describe("bodies", () => {
	const create = (body, headers) => raw("POST", `${url}/keys/body/create`, { body, headers });

	for (const body of ["", "{", "{\"kty\":\"RSA\"", "nonsense", "null", "1", "\"RSA\"", "[]", "{\"kty\":\"RSA\"}}", "{\"kty\":\"\\ud800\"}",
		"[".repeat(2000), "{\"a\":".repeat(2000), "\ufeff{", "{kty:'RSA'}"])
		test(`refused: ${body.slice(0, 20)}`, async () => {
			assertError(await create(body), 400, "BadParameter");
		});

	test("bytes that are no text", async () => {
		assertError(await create(Buffer.from("7b226b7479223a22ff22 7d".replace(" ", ""), "hex")), 400, "BadParameter");
		assertError(await create(Buffer.from("\0\0\0\0")), 400, "BadParameter");
	});

	test("members that the service does not know are passed over", async () => {
		assert.equal((await create({ kty: "RSA", unknown: { a: [1] } })).status, 200);
	});

	test("members that are null are not there", async () => {
		const { status, json } = await create({ kty: "RSA", key_size: null, key_ops: null, attributes: null, tags: null, crv: null });
		assert.equal(status, 200, JSON.stringify(json));
	});

	test("a body of a megabyte, and one of thirty", async () => {
		for (const size of [1 << 20, 30 << 20]) {
			const answer = await create(JSON.stringify({ kty: "RSA", tags: { a: "x".repeat(size) } }))
				.catch((e) => ({ status: e.code }));  // the rest of it is not read
			assert.ok([400, 413, "ECONNRESET", "EPIPE"].includes(answer.status), `${answer.status} ${answer.text}`);
		}
		assert.equal((await raw("GET", `${url}/keys/k`)).status, 200);
	});

	test("what does not say that it is JSON is read all the same", async () => {
		assert.equal((await create(JSON.stringify({ kty: "RSA" }), { "Content-Type": "text/plain" })).status, 200);
	});

	test("types of what is asked for", async () => {
		const wrong = [{}, { kty: 1 }, { kty: "rsa " }, { kty: "RSA", key_size: "2048" }, { kty: "RSA", key_size: 2048.5 },
			{ kty: "RSA", key_size: -2048 }, { kty: "RSA", key_ops: "sign" }, { kty: "RSA", key_ops: [1] }, { kty: "RSA", tags: [] },
			{ kty: "RSA", tags: { a: 1 } }, { kty: "RSA", attributes: [] }, { kty: "RSA", attributes: { enabled: "true" } },
			{ kty: "RSA", attributes: { exp: "2030" } }, { kty: "RSA", attributes: { exp: -1 } }, { kty: "RSA", attributes: { exp: 1e300 } },
			{ kty: "RSA", attributes: { nbf: 1.5 } }, { kty: "RSA", public_exponent: "65537" }];
		for (const body of wrong)
			assertError(await create(body), 400, "BadParameter");
	});
});

describe("vaults that are not", () => {
	test("have no keys", async () => {
		const answer = await raw("GET", `https://kv-none-${randomUUID().slice(0, 8)}.vault.azure.net/keys`);
		assert.equal(answer.status, 404);
		assert.equal(answer.error.code, "VaultNotFound");
	});
});
