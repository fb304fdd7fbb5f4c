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

	const surprising = { ...key, key: { ...key.key, surprise: 1 } };

	test("a member that is not described is a fault", () => {
		assert.deepEqual(faults("GET", "/keys/k?api-version=7.4", 200, surprising), [{ text: "/key/surprise is not in the contract" }]);
	});

	test("a member that a version has which is newer than its description is told of", () => {
		const [found, ...others] = faults("GET", "/keys/k?api-version=2099-01-01", 200, surprising);
		assert.deepEqual([found, others], [{ text: "/key/surprise is not in the contract", unknown: true }, []]);
	});

	const arm = (method, path, status, body) => check(descriptions, { method, url: `https://management.azure.com${path}`, status,
		contentType: "application/json", body: body === undefined ? "" : JSON.stringify(body) });
	const group = "/subscriptions/0/resourcegroups/g";
	const assignments = "providers/Microsoft.Authorization/roleAssignments";
	const error = { error: { code: "c", message: "m" } };

	const operations = {
		"Vaults_Get": [`${group}/providers/Microsoft.KeyVault/vaults/v?api-version=2023-07-01`,
			{ properties: { tenantId: "00000000-0000-4000-8000-000000000000", sku: { family: "A", name: "standard" } } }],
		"RoleAssignments_Get": [`/${group}/providers/Microsoft.KeyVault/vaults/v/${assignments}/a?api-version=2022-04-01`, {}],
		"RoleAssignments_ListForScope": [`/${assignments}?api-version=2022-04-01`, { value: [] }],
		"ResourceGroups_Get": [`${group}?api-version=2021-04-01`, { location: "l" }],
		"Providers_Get": ["/subscriptions/0/providers/Microsoft.Compute?api-version=2021-04-01", {}],
		"Deployments_GetAtScope": [`/${group}/providers/Microsoft.KeyVault/vaults/v/providers/Microsoft.Resources/deployments/d`, {}],
		"Deployments_Get": [`${group}/providers/Microsoft.Resources/deployments/d`, { properties: { mode: "Complete" } }],
		"Deployments_ListByResourceGroup": [`${group}/providers/Microsoft.Resources/deployments/`, { value: [] }],
		"Tags_GetAtScope": [`/${group}/providers/Microsoft.Resources/tags/default`, { properties: {} }],
		"DiagnosticSettings_List": [
			`/${group}/providers/Microsoft.KeyVault/vaults/v/providers/Microsoft.Insights/diagnosticSettings`, { value: [] }],
		"Disks_Get": [`${group}/providers/Microsoft.Compute/disks/d?api-version=2024-03-02`, { location: "l" }],
		"VirtualMachines_Get": [`${group}/providers/Microsoft.Compute/virtualMachines/d?api-version=2024-07-01`, { location: "l" }],
		"UserAssignedIdentities_Get": [
			`${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i?api-version=2023-01-31`, { location: "l" }],
	};
	for (const [operation, [path, body]] of Object.entries(operations))
		test(`the control plane: ${operation}`, () => {
			assert.deepEqual(arm("GET", path, 200, body), { operation, faults: [], refused: false });
			assert.match(arm("GET", path, 200, { ...body, surprise: 1 }).faults[0].text, /surprise/);
			assert.deepEqual(arm("GET", path, 404, error).faults, []);
			assert.notDeepEqual(arm("GET", path, 404, { code: "c", message: "m" }).faults, []);
			assert.notDeepEqual(arm("GET", path, 202, body).faults, []);
		});

	test("the control plane: statuses, required members, what nobody describes", () => {
		assert.match(arm("GET", `${group}?api-version=2021-04-01`, 200, {}).faults[0].text, /location/);
		assert.deepEqual(arm("HEAD", group, 404).faults, []);
		assert.match(arm("DELETE", group, 204).faults[0].text, /status 204/);
		assert.match(arm("GET", `${group}/providers/Microsoft.KeyVault/nothing/n`, 200, {}).faults[0].text, /no such operation/);
		assert.match(arm("GET", "/subscriptions/0", 200, {}).operation, /^\(not described\)/);
	});

	test("responses of others are nobody's here", () => {
		assert.equal(arm("GET", `${group}/providers/Microsoft.Network/virtualNetworks/v`, 200, { a: 1 }), undefined);
		assert.equal(check(descriptions, { method: "GET", url: "https://graph.microsoft.com/v1.0/me", status: 200, body: "" }), undefined);
	});
});
