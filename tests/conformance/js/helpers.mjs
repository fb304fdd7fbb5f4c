// SPDX-License-Identifier: Apache-2.0
// What the tests share: who asks, vaults to ask, requests that no SDK sends, and a record of every response.
import assert from "node:assert/strict";
import { createPublicKey, randomBytes, randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import https from "node:https";

import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { KeyVaultManagementClient } from "@azure/arm-keyvault";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";
import { CryptographyClient, KeyClient } from "@azure/keyvault-keys";
import { SecretClient } from "@azure/keyvault-secrets";

if (process.env.CUSTODISK_RUN !== "1")
	throw new Error("not inside custodisk run: these tests must never reach the real Azure");

export const tenant = process.env.AZURE_TENANT_ID;
export const subscription = process.env.AZURE_SUBSCRIPTION_ID;
export const clientId = process.env.AZURE_CLIENT_ID;
export const clientSecret = process.env.AZURE_CLIENT_SECRET;
export const credential = new ClientSecretCredential(tenant, clientId, clientSecret);
export const location = "westeurope";
export const suffix = randomBytes(3).toString("hex");
export const soon = { updateIntervalInMs: 100 };  // for long operations of the control plane
export const quick = { intervalInMs: 50 };        // for those of vaults

export const roles = {
	reader: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
	administrator: "00482a5a-887f-4fb3-b363-3b7fe8e74483",
	vaultReader: "21090545-7ca7-4776-b22c-e363652d74d2",
	cryptoOfficer: "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
	cryptoUser: "12338af0-0e69-4776-bea7-57ae8d297424",
	encryptionUser: "e147488a-f6f5-4113-8e2d-b22465e65bf6",
	releaseUser: "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
	secretsOfficer: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
	secretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
};

// One response a line, for contract.mjs.
const recordFile = process.env.CONFORMANCE_RECORD;

function record(method, url, status, contentType, body) {
	if (recordFile)
		appendFileSync(recordFile, JSON.stringify({ method, url, status, contentType, body: body ?? "" }) + "\n");
}

const recorder = {
	name: "record",
	async sendRequest(request, next) {
		const response = await next(request);
		record(request.method, request.url, response.status, response.headers.get("content-type"), response.bodyAsText);
		return response;
	},
};

// Options of a client: each attempt is recorded, the unauthenticated first one included.
export function recorded(options = {}) {
	return { ...options, additionalPolicies: [{ policy: recorder, position: "perRetry" }] };
}

export const resources = new ResourceManagementClient(credential, subscription, recorded());
export const authorization = new AuthorizationManagementClient(credential, subscription, recorded());
export const vaults = new KeyVaultManagementClient(credential, subscription, recorded());

export async function all(pages) {
	const out = [];
	for await (const item of pages)
		out.push(item);
	return out;
}

// The promise is refused with this status and, where they are given, these codes; gives the error.
export async function refused(promise, status, code, inner) {
	let error;
	await assert.rejects(promise, (e) => {
		error = e;
		assert.equal(e.statusCode, status, `${e.statusCode} ${e.code}: ${e.message}`);
		if (code)
			assert.equal(e.code ?? e.name, code, e.message);
		if (inner)
			assert.equal(e.details?.error?.innerError?.code, inner, e.message);
		return true;
	});
	return error;
}

export function claims(token) {
	return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

export async function token(resource = "https://vault.azure.net") {
	return (await credential.getToken(`${resource}/.default`)).token;
}

let principal;

// The object id of the principal that custodisk run signs in.
export async function me() {
	principal ??= claims(await token()).oid;
	return principal;
}

export async function assign(scope, principalId, role, name = randomUUID()) {
	return authorization.roleAssignments.create(scope, name, {
		principalId, principalType: "ServicePrincipal",
		roleDefinitionId: `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`,
	});
}

export async function makeGroup(name) {
	await resources.resourceGroups.createOrUpdate(`rg-${name}-${suffix}`, { location });
	return `rg-${name}-${suffix}`;
}

export const vaultProperties = (properties) => ({
	tenantId: tenant, sku: { family: "A", name: "standard" }, enableRbacAuthorization: true, softDeleteRetentionInDays: 7,
	...properties,
});

// A vault with its clients; the caller has `role` there, or none when it is null. `properties` are those of the resource.
export async function makeVault(group, label, properties = {}, { role = roles.administrator, where = location } = {}) {
	const name = `kv-${label}-${suffix}`;
	const resource = await vaults.vaults.beginCreateOrUpdateAndWait(group, name,
		{ location: where, properties: vaultProperties(properties) }, soon);
	if (role)
		await assign(resource.id, await me(), role);
	const url = `https://${name}.vault.azure.net`;
	return {
		name, url, resource, id: resource.id, group, location: where,
		keys: new KeyClient(url, credential, recorded()),
		secrets: new SecretClient(url, credential, recorded()),
	};
}

export const premium = { sku: { family: "A", name: "premium" } };

// A client that uses a public key it was given or may read, as its user gets it.
export function cryptography(key, options) {
	return new CryptographyClient(key, credential, recorded(options));
}

// A client that leaves everything to the service, as one does whose user may not read the key.
export function remote(id, options) {
	const client = cryptography(id, options);
	client.key = { kind: "remoteOnlyIdentifier", value: id };
	return client;
}

// A key of node's as the SDK takes it: numbers are bytes there. `extra` adds or replaces members.
export function jsonWebKey(key, extra = {}) {
	const text = new Set(["kty", "crv"]);
	return { ...Object.fromEntries(Object.entries(key.export({ format: "jwk" })).map(([name, value]) =>
		[name, text.has(name) ? value : Buffer.from(value, "base64url")])), ...extra };
}

// The public half of a key of the service, as node's cryptography takes it. node says secp256k1 for P-256K.
export function publicKey({ kty, crv, n, e, x, y }) {
	const number = (bytes) => bytes && Buffer.from(bytes).toString("base64url");
	const jwk = kty.startsWith("RSA") ? { kty: "RSA", n: number(n), e: number(e) }
		: { kty: "EC", crv: crv === "P-256K" ? "secp256k1" : crv, x: number(x), y: number(y) };
	return createPublicKey({ key: jwk, format: "jwk" });
}

// A rotation policy as the SDK takes it, by the trigger of its Rotate action.
export const rotates = (trigger, expiresIn = "P90D") => ({ expiresIn, lifetimeActions: [{ action: "Rotate", ...trigger }] });

// A release policy: confidential machines that an attestation service speaks for.
export const releasePolicy = (authority = "https://sharedweu.weu.attest.azure.net/", version = "1.0.0") => ({
	version, anyOf: [{ authority, allOf: [{ claim: "x-ms-compliance-status", equals: "azure-compliant-cvm" }] }],
});

export const encoded = (policy) => ({ encodedPolicy: Buffer.from(JSON.stringify(policy)) });

// The same, with a refusal as an error like the SDK's: for lists, whose errors it makes without the service's words.
export async function rawOrRefused(...request) {
	const answer = await raw(...request);
	if (answer.status < 400)
		return answer;
	const { code, message, innererror } = answer.error;
	throw Object.assign(new Error(message), { statusCode: answer.status, code, details: { error: { innerError: innererror } } });
}

export const badParameter = (promise) => refused(promise, 400, "BadParameter");

export async function destroy(vault, name) {
	await (await vault.keys.beginDeleteKey(name, quick)).pollUntilDone();
	await vault.keys.purgeDeletedKey(name);
}

// Requests that no SDK sends. The path is taken as it is; `version` null leaves the parameter out, `bearer` null the token.
const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });

export async function raw(method, url, { body, headers = {}, version = "7.4", bearer } = {}) {
	const { host } = new URL(url), path = url.replace(/^https:\/\/[^/]*/, "");
	const target = version === null ? path : `${path}${path.includes("?") ? "&" : "?"}api-version=${version}`;
	const sent = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
	const all = { ...(sent === undefined ? {} : { "Content-Type": "application/json" }), ...headers };
	if (bearer !== null)
		all.Authorization = `Bearer ${bearer ?? await token()}`;
	if (sent !== undefined)
		all["Content-Length"] = Buffer.byteLength(sent);
	return new Promise((resolve, reject) => {
		const request = https.request({ agent, host, method, path: target, headers: all }, (response) => {
			const parts = [];
			response.on("data", (part) => parts.push(part));
			response.on("error", reject);
			response.on("end", () => {
				const text = Buffer.concat(parts).toString();
				const effective = method === "POST" ? all["X-HTTP-METHOD"] ?? method : method;
				record(effective, `https://${host}${target}`, response.statusCode, response.headers["content-type"], text);
				let json;
				try {
					json = JSON.parse(text);
				} catch {
					json = undefined;
				}
				resolve({ status: response.statusCode, headers: response.headers, text, json, error: json?.error });
			});
		});
		request.on("error", reject);
		request.end(sent);
	});
}
