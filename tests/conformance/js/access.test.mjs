// SPDX-License-Identifier: Apache-2.0
// Who may do what: roles and their scopes, access policies, network rules.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";

import {
	assign, authorization, claims, clientId, makeGroup, makeVault, me, quick, raw, rawOrRefused, refused, remote, roles, soon,
	subscription, tenant, token, vaultProperties, vaults,
} from "./helpers.mjs";

let group;

before(async () => {
	group = await makeGroup("access");
});

const digest = Buffer.alloc(32);

// Operations by the right that each needs: the access policy's name, the data action, and a call with nothing to find.
// A call is refused with 403 without the right, and reaches the service with it, where something else may be wrong.
const operations = {
	"keys get": ["keys/read", (v) => v.keys.getKey("k")],
	"keys list": ["keys/read", (v) => rawOrRefused("GET", `${v.url}/keys`)],
	"keys create": ["keys/create/action", (v) => v.keys.createKey("new", "DSA")],
	"keys import": ["keys/import/action", (v) => v.keys.importKey("new", { kty: "RSA" })],
	"keys update": ["keys/update/action", (v) => v.keys.updateKeyProperties("none", { enabled: true })],
	"keys delete": ["keys/delete", (v) => v.keys.beginDeleteKey("none", quick)],
	"keys recover": ["keys/recover/action", (v) => v.keys.beginRecoverDeletedKey("none", quick)],
	"keys purge": ["keys/purge/action", (v) => v.keys.purgeDeletedKey("none")],
	"keys backup": ["keys/backup/action", (v) => v.keys.backupKey("none")],
	"keys restore": ["keys/restore/action", (v) => v.keys.restoreKeyBackup(Buffer.from("none"))],
	"keys encrypt": ["keys/encrypt/action", (v) => remote(`${v.url}/keys/none`).encrypt("RSA-OAEP", Buffer.alloc(8))],
	"keys decrypt": ["keys/decrypt/action", (v) => remote(`${v.url}/keys/none`).decrypt("RSA-OAEP", Buffer.alloc(256))],
	"keys wrapKey": ["keys/wrap/action", (v) => remote(`${v.url}/keys/none`).wrapKey("RSA-OAEP", Buffer.alloc(8))],
	"keys unwrapKey": ["keys/unwrap/action", (v) => remote(`${v.url}/keys/none`).unwrapKey("RSA-OAEP", Buffer.alloc(256))],
	"keys sign": ["keys/sign/action", (v) => remote(`${v.url}/keys/none`).sign("RS256", digest)],
	"keys verify": ["keys/verify/action", (v) => remote(`${v.url}/keys/none`).verify("RS256", Buffer.alloc(32), digest)],
	"keys release": ["keys/release/action", (v) => v.keys.releaseKey("none", "x")],
	"keys rotate": ["keys/rotate/action", (v) => v.keys.rotateKey("none")],
	"keys getrotationpolicy": ["keyrotationpolicies/read", (v) => v.keys.getKeyRotationPolicy("none")],
	"keys setrotationpolicy": ["keyrotationpolicies/write", (v) => v.keys.updateKeyRotationPolicy("none", {})],
	"secrets get": ["secrets/getSecret/action", (v) => v.secrets.getSecret("s")],
	"secrets list": ["secrets/readMetadata/action", (v) => rawOrRefused("GET", `${v.url}/secrets`)],
	"secrets set": ["secrets/setSecret/action", (v) => v.secrets.setSecret("new", "v".repeat(25 * 1024 + 1))],
	"secrets delete": ["secrets/delete", (v) => v.secrets.beginDeleteSecret("none", quick)],
	"secrets recover": ["secrets/recover/action", (v) => v.secrets.beginRecoverDeletedSecret("none", quick)],
	"secrets purge": ["secrets/purge/action", (v) => v.secrets.purgeDeletedSecret("none")],
	"secrets backup": ["secrets/backup/action", (v) => v.secrets.backupSecret("none")],
	"secrets restore": ["secrets/restore/action", (v) => v.secrets.restoreSecretBackup(Buffer.from("none"))],
};

// Which operations get past the question of rights.
async function allowed(vault) {
	const may = [];
	for (const [name, [, call]] of Object.entries(operations)) {
		const e = await call(vault).then(() => undefined, (error) => error);
		if (e?.statusCode !== 403)
			may.push(name);
		else
			assert.match(e.details.error.innerError.code, /^ForbiddenBy(Rbac|Policy)$/, e.message);
	}
	return may;
}

const everyKeyRight = Object.keys(operations).filter((name) => name.startsWith("keys "));
const everySecretRight = Object.keys(operations).filter((name) => name.startsWith("secrets "));

// What is done while the caller has a role.
async function holding(scope, role, work) {
	const assignment = await assign(scope, await me(), role);
	try {
		return await work(assignment);
	} finally {
		await authorization.roleAssignments.deleteById(assignment.id);
	}
}

// A vault in which k and s exist, made with all rights, which are then taken away.
async function furnished(label, properties = {}) {
	const vault = await makeVault(group, label, properties, { role: null });
	await holding(vault.id, roles.administrator, async () => {
		await vault.keys.createRsaKey("k");
		await vault.secrets.setSecret("s", "v");
	});
	return vault;
}

describe("roles", () => {
	let vault;

	before(async () => {
		vault = await furnished("roles");
	});

	const cryptography = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"].map((name) => `keys ${name}`);
	const expected = {
		administrator: [...everyKeyRight, ...everySecretRight],
		vaultReader: ["keys get", "keys list", "keys getrotationpolicy", "secrets list"],
		cryptoOfficer: everyKeyRight,
		cryptoUser: ["keys get", "keys list", "keys update", "keys backup", ...cryptography],
		encryptionUser: ["keys get", "keys list", "keys wrapKey", "keys unwrapKey"],
		releaseUser: ["keys release"],
		secretsOfficer: everySecretRight,
		secretsUser: ["secrets get", "secrets list"],
		reader: [],
	};
	for (const [role, may] of Object.entries(expected))
		test(role, async () => {
			assert.deepEqual((await holding(vault.id, roles[role], () => allowed(vault))).sort(), [...may].sort());
		});

	test("none, and the owner of the subscription has none", async () => {
		assert.deepEqual(await allowed(vault), []);
	});

	test("the refusal says who, what, where and why", async () => {
		const { appid, oid, iss } = claims(await token());
		const resources = { "keys get": "/keys/k", "keys list": "", "secrets get": "/secrets/s", "secrets list": "" };
		for (const [name, resource] of Object.entries(resources)) {
			const [action, call] = operations[name];
			const e = await refused(call(vault), 403, "Forbidden", "ForbiddenByRbac");
			const lines = e.message.split("\r\n");
			assert.deepEqual(lines.filter((line) => !line.startsWith("DecisionReason:")), [
				"Caller is not authorized to perform action on resource.",
				"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
				`Caller: appid=${appid};oid=${oid};iss=${iss}`,
				`Action: 'Microsoft.KeyVault/vaults/${action}'`,
				`Resource: '${(vault.id + resource).toLowerCase()}'`,
				"Assignment: (not found)", "DenyAssignmentId: null", `Vault: ${vault.name};location=${vault.location}`, "",
			]);
		}
		assert.equal(appid, clientId);
	});

	test("each refusal names its data action", async () => {
		for (const [name, [action, call]] of Object.entries(operations)) {
			const e = await refused(call(vault), 403, "Forbidden", "ForbiddenByRbac");
			assert.match(e.message, new RegExp(`Action: 'Microsoft.KeyVault/vaults/${action}'`), name);
		}
	});

	test("what is there and what is not look the same to who may not read", async () => {
		for (const name of ["k", "none"])
			await refused(vault.keys.getKey(name), 403, "Forbidden", "ForbiddenByRbac");
	});

	test("scopes: the subscription, the group, the vault, one key, one secret", async () => {
		const scopes = {
			subscription: [`/subscriptions/${subscription}`, true],
			group: [`/subscriptions/${subscription}/resourceGroups/${group}`, true], vault: [vault.id, true],
			key: [`${vault.id}/keys/k`, false], secret: [`${vault.id}/secrets/s`, false],
		};
		const reads = {
			key: () => vault.keys.getKey("k"), secret: () => vault.secrets.getSecret("s"),
			list: () => rawOrRefused("GET", `${vault.url}/keys`),
		};
		for (const [name, [scope, whole]] of Object.entries(scopes))
			await holding(scope, roles.administrator, async () => {
				for (const [what, read] of Object.entries(reads))
					if (whole || what === name)
						await read();
					else
						await refused(read(), 403, "Forbidden", "ForbiddenByRbac");
				const { status } = await raw("GET", `${vault.url}/keys/K`);
				assert.equal(status, whole || name === "key" ? 200 : 403, "names compare in any case");
			});
	});

	test("the answer names the assignment that allowed it", async () => {
		await holding(vault.id, roles.vaultReader, async (assignment) => {
			const { headers } = await raw("GET", `${vault.url}/keys`);
			assert.equal(headers["x-ms-keyvault-rbac-assignment-id"], assignment.name);
		});
	});
});

describe("access policies", () => {
	let vault, objectId;

	const grant = (permissions, how = "replace", who = objectId) => vaults.vaults.updateAccessPolicy(group, vault.name, how,
		{ properties: { accessPolicies: [{ tenantId: tenant, objectId: who, permissions }] } });

	before(async () => {
		objectId = await me();
		const permissions = { keys: ["create", "get"], secrets: ["set"] };
		const properties = { enableRbacAuthorization: false, accessPolicies: [{ tenantId: tenant, objectId, permissions }] };
		vault = await makeVault(group, "policies", properties, { role: null });
		await vault.keys.createRsaKey("k");
		await vault.secrets.setSecret("s", "v");
	});

	test("are what the vault shows", async () => {
		const { properties } = await vaults.vaults.get(group, vault.name);
		const [policy, ...others] = properties.accessPolicies;
		assert.equal(properties.enableRbacAuthorization, false);
		assert.deepEqual(others, []);
		assert.deepEqual([policy.tenantId, policy.objectId], [tenant, objectId]);
		assert.deepEqual([policy.permissions.keys, policy.permissions.secrets], [["create", "get"], ["set"]]);
		assert.deepEqual((await allowed(vault)).sort(), ["keys create", "keys get", "secrets set"]);
	});

	test("each right is its own: enough for what it is for, and missed when it alone is missing", async () => {
		const rights = (names, kind) => names.filter((n) => n.startsWith(`${kind} `)).map((n) => n.split(" ")[1]);
		for (const [name, [, call]] of Object.entries(operations)) {
			const [kind, right] = name.split(" "), others = Object.keys(operations).filter((n) => n !== name);
			await grant({ [kind]: [right] });
			assert.notEqual((await call(vault).catch((e) => e)).statusCode, 403, name);
			await grant({ keys: rights(others, "keys"), secrets: rights(others, "secrets") });
			await refused(call(vault), 403, "Forbidden", "ForbiddenByPolicy");
		}
	});

	test("all of them", async () => {
		await grant({ keys: ["all"], secrets: ["all"] });
		const may = await allowed(vault);
		// "all" does not purge unless that is said too.
		for (const name of [...everyKeyRight, ...everySecretRight].filter((n) => !n.endsWith(" purge")))
			assert.ok(may.includes(name), name);
	});

	test("are added and removed", async () => {
		await grant({ keys: ["get"] });
		await grant({ keys: ["list"], secrets: ["get"] }, "add");
		assert.deepEqual((await allowed(vault)).sort(), ["keys get", "keys list", "secrets get"]);
		await grant({ keys: ["get"] }, "remove");
		assert.deepEqual((await allowed(vault)).sort(), ["keys list", "secrets get"]);
	});

	test("of somebody else are no use", async () => {
		await grant({ keys: [] });
		await grant({ keys: ["get"] }, "add", "00000000-0000-4000-8000-000000000000");
		await refused(vault.keys.getKey("k"), 403, "Forbidden", "ForbiddenByPolicy");
		await grant({ keys: ["get"] });
	});

	test("the refusal says who and what", async () => {
		await grant({ keys: ["list"] });
		const { appid, oid, iss } = claims(await token());
		for (const [name, [, call]] of Object.entries(operations).filter(([n]) => n !== "keys list")) {
			const e = await refused(call(vault), 403, "Forbidden", "ForbiddenByPolicy");
			assert.match(e.message, new RegExp("^The user, group or application " +
				`'appid=${appid};oid=${oid};numgroups=\\d+;iss=${iss}' does not have ${name} permission ` +
				`on key vault '${vault.name};location=${vault.location}'\\. ` +
				"For help resolving this issue, please see https://go\\.microsoft\\.com/fwlink/\\?linkid=2125287$"), name);
		}
	});

	test("roles are no use here, and policies none where roles decide", async () => {
		await grant({});
		await holding(vault.id, roles.administrator, async () => {
			await refused(vault.keys.getKey("k"), 403, "Forbidden", "ForbiddenByPolicy");
			await grant({ keys: ["get"] });
			await vaults.vaults.update(group, vault.name, { properties: { enableRbacAuthorization: true } });
			await vault.keys.getKey("k");
		});
		await refused(vault.keys.getKey("k"), 403, "Forbidden", "ForbiddenByRbac");
		await vaults.vaults.update(group, vault.name, { properties: { enableRbacAuthorization: false } });
		await vault.keys.getKey("k");
	});

	test("what may not be one", async () => {
		await assert.rejects(grant({ keys: ["divine"] }), (e) => e.statusCode === 400);
	});
});

describe("network rules", () => {
	let vault, address;

	const rule = (properties) => vaults.vaults.beginCreateOrUpdateAndWait(group, vault.name,
		{ location: vault.location, properties: vaultProperties(properties) }, soon);
	const acls = (networkAcls) => rule({ networkAcls: { bypass: "None", defaultAction: "Deny", ...networkAcls } });

	before(async () => {
		vault = await makeVault(group, "network");
		await vault.keys.createRsaKey("k");
		[, address] = /addr=([0-9.]+);/.exec((await raw("GET", `${vault.url}/keys/k`)).headers["x-ms-keyvault-network-info"]);
	});

	async function assertFirewall() {
		for (const call of [() => vault.keys.getKey("k"), () => vault.secrets.setSecret("s", "v"),
			() => remote(`${vault.url}/keys/k`).wrapKey("RSA-OAEP", Buffer.alloc(8))]) {
			const e = await refused(call(), 403, "Forbidden", "ForbiddenByFirewall");
			const lines = e.message.split("\r\n");
			assert.equal(lines[0], "Client address is not authorized and caller is not a trusted service.");
			assert.equal(lines[1], `Client address: ${address}`);
			assert.match(lines[2], /^Caller: appid=/);
			assert.equal(lines[3], `Vault: ${vault.name};location=${vault.location}`);
		}
	}

	test("deny all", async () => {
		const made = await acls({});
		assert.equal(made.properties.networkAcls.defaultAction, "Deny");
		await assertFirewall();
	});

	test("the challenge is answered all the same", async () => {
		assert.equal((await raw("GET", `${vault.url}/keys`, { bearer: null })).status, 401);
	});

	test("allow an address, a network, and neither", async () => {
		await acls({ ipRules: [{ value: address }] });
		await vault.keys.getKey("k");
		const network = `${address.split(".")[0]}.0.0.0/8`;
		await acls({ ipRules: [{ value: "203.0.113.0/24" }, { value: network }] });
		await vault.keys.getKey("k");
		await acls({ ipRules: [{ value: "203.0.113.0/24" }, { value: "198.51.100.7" }] });
		await assertFirewall();
	});

	test("rules count only where the default denies", async () => {
		await acls({ defaultAction: "Allow" });
		await vault.keys.getKey("k");
	});

	test("what is no rule", async () => {
		for (const ipRules of [[{ value: "nowhere" }], [{ value: "10.0.0.0/33" }], [{ value: "" }], [{ value: "1.2.3" }]])
			await assert.rejects(acls({ ipRules }), (e) => e.statusCode === 400, JSON.stringify(ipRules));
		await assert.rejects(acls({ defaultAction: "Perhaps" }), (e) => e.statusCode === 400);
		await vault.keys.getKey("k");
	});

	test("no public access at all", async () => {
		const made = await rule({ publicNetworkAccess: "Disabled", networkAcls: { bypass: "None", defaultAction: "Allow" } });
		assert.equal(made.properties.publicNetworkAccess, "Disabled");
		const e = await refused(vault.keys.getKey("k"), 403, "Forbidden", "ForbiddenByConnection");
		const [first, second, third] = e.message.split("\r\n");
		assert.equal(first, "Public network access is disabled and request is not from a trusted service " +
			"nor via an approved private link.");
		assert.match(second, /^Caller: /);
		assert.equal(third, `Vault: ${vault.name};location=${vault.location}`);
		await rule({ publicNetworkAccess: "Enabled" });
		await vault.keys.getKey("k");
	});
});
