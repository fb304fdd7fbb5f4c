// SPDX-License-Identifier: Apache-2.0
// The check itself: it must find what is wrong, or nothing that it passes means anything.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";

import { check, Descriptions, specs } from "./contract.mjs";

const vault = "https://v.vault.azure.net";
const kid = `${vault}/keys/k/${"0".repeat(32)}`;
const descriptions = new Descriptions();

function faults(method, path, status, body, contentType = "application/json; charset=utf-8") {
	const text = typeof body === "string" ? body : JSON.stringify(body);
	return check(descriptions, { method, url: vault + path, status, contentType, body: text }).faults;
}

const key = {
	key: { kid, kty: "RSA", key_ops: ["sign"], n: "AA", e: "AQAB" }, attributes: { enabled: true, created: 1, updated: 1 },
};

describe("contract", { skip: !existsSync(specs) && "Azure's API descriptions are not there" }, () => {
	const good = {
		"a key": ["GET", "/keys/k/?api-version=7.4", 200, key],
		"a later version than any described": ["GET", "/keys/k?api-version=2099-01-01", 200, key],
		"no version": ["POST", "/keys/k/wrapkey?api-version=7.4", 200, { kid, value: "AA" }],
		"an empty version": ["POST", "/keys/k//wrapkey?api-version=7.4", 200, { kid, value: "AA" }],
		"the last page": ["GET", "/keys?api-version=7.4", 200, { value: [], nextLink: null }],
		"an error": ["GET", "/keys/k?api-version=7.4", 404, { error: { code: "KeyNotFound", message: "m", innererror: { code: "i" } } }],
		"an error of no operation": ["GET", "/nothing?api-version=7.4", 400, { error: { code: "BadParameter", message: "m" } }],
		"no body": ["DELETE", "/deletedkeys/k?api-version=7.4", 204, "", undefined],
	};
	for (const [name, response] of Object.entries(good))
		test(`allowed: ${name}`, () => {
			assert.deepEqual(faults(...response), []);
		});

	const bad = {
		"a status": ["GET", "/keys/k?api-version=7.4", 201, key, /status 201/],
		"an operation": ["GET", "/keys/k/a/b?api-version=7.4", 200, key, /no such operation/],
		"a type": ["GET", "/keys/k?api-version=7.4", 200, { ...key, attributes: { enabled: "true" } }, /must be boolean/],
		"a format": ["GET", "/keys/k?api-version=7.4", 200, { key: { ...key.key, n: "+/" } }, /base64url/],
		"a date that is no integer": ["GET", "/keys/k?api-version=7.4", 200, { ...key, attributes: { exp: 1.5 } }, /integer|unixtime/],
		"a value of an enumeration": ["GET", "/keys/k?api-version=7.4", 200, { key: { ...key.key, kty: "DSA" } }, /allowed values/],
		"a required member": ["GET", "/secrets?api-version=2026-04-01", 200, { value: [{ attributes: "x" }] }, /must be object/],
		"an error's shape": ["GET", "/keys/k?api-version=7.4", 404, { error: "KeyNotFound" }, /must be object/],
		"an error without words": ["GET", "/keys/k?api-version=7.4", 404, { error: { code: "KeyNotFound" } }, /code and message/],
		"a body where there is none": ["DELETE", "/deletedkeys/k?api-version=7.4", 204, key, /body/],
		"a body that is no JSON": ["GET", "/keys?api-version=7.4", 200, "<html>", /not JSON/],
		"a type of content": ["GET", "/keys?api-version=7.4", 200, "{}", /not JSON/, "text/html"],
	};
	for (const [name, [method, path, status, body, pattern, contentType]] of Object.entries(bad))
		test(`not allowed: ${name}`, () => {
			const found = faults(method, path, status, body, contentType).filter((f) => !f.unknown);
			assert.ok(found.some((f) => pattern.test(f.text)), JSON.stringify(found));
		});

	test("a member that is not described is told of", () => {
		const found = faults("GET", "/keys/k?api-version=7.4", 200, { ...key, key: { ...key.key, surprise: 1 } });
		assert.deepEqual(found, [{ text: "/key/surprise is not in the contract", unknown: true }]);
	});

	test("responses of others are nobody's here", () => {
		assert.equal(check(descriptions, { method: "GET", url: "https://management.azure.com/subscriptions?api-version=2022-12-01",
			status: 200, contentType: "text/html", body: "" }), undefined);
	});
});
