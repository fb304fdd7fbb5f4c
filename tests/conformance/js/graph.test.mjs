// SPDX-License-Identifier: Apache-2.0
// Microsoft Graph by Microsoft's own client, and every way of signing in that Azure's library knows and the instance has.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import {
	ClientAssertionCredential, ClientCertificateCredential, ClientSecretCredential, DeviceCodeCredential,
} from "@azure/identity";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";

import {
	assign, claims, clientId, credential, location, makeGroup, raw, resources, roles, soon, subscription, suffix,
	tenant, token,
} from "./helpers.mjs";

const arm = "https://management.azure.com";
const scope = `${arm}/.default`;

const graphFor = (who) => Client.init({
	authProvider: (done) => who.getToken("https://graph.microsoft.com/.default").then((t) => done(null, t.token), done),
});
const graph = graphFor(credential);
const named = (label) => `${label}-${suffix}`;
const reference = (id) => ({ "@odata.id": `https://graph.microsoft.com/v1.0/directoryObjects/${id}` });

async function refused(promise, status, code) {
	await assert.rejects(promise, (e) => {
		assert.equal(e.statusCode, status, `${e.statusCode} ${e.code} ${e.message}`);
		if (code)
			assert.equal(e.code, code, e.message);
		return true;
	});
}

const makeApplication = (label, more = {}) => graph.api("/applications").post({ displayName: named(label), ...more });
const makePrincipal = (appId) => graph.api("/servicePrincipals").post({ appId });

describe("@microsoft/microsoft-graph-client", () => {
	test("the organization", async () => {
		const { value: [one] } = await graph.api("/organization").get();
		assert.equal(one.id, tenant);
		assert.ok(one.verifiedDomains.some((d) => d.isDefault));
		const read = await graph.api(`/organization/${tenant}`).select("id,displayName").get();
		assert.deepEqual(Object.keys(read).filter((k) => !k.startsWith("@")).sort(), ["displayName", "id"]);
		await refused(graph.api("/nothing").get(), 400, "BadRequest");
	});

	test("applications", async () => {
		const app = await makeApplication("app", { identifierUris: [], web: { redirectUris: ["https://app.example/back"] } });
		assert.equal(app.signInAudience, "AzureADMyOrg");
		await graph.api(`/applications/${app.id}`).patch({ tags: ["a"], signInAudience: "AzureADMultipleOrgs" });
		const read = await graph.api(`/applications(appId='${app.appId}')`).get();
		assert.deepEqual([read.id, read.tags, read.signInAudience], [app.id, ["a"], "AzureADMultipleOrgs"]);
		const found = await graph.api("/applications").filter(`displayName eq '${named("app")}'`).select(["id", "appId"]).get();
		assert.deepEqual(found.value, [{ id: app.id, appId: app.appId }]);
		assert.equal((await graph.api("/applications").filter(`startswith(displayName,'${named("app")}')`).get()).value.length, 1);
		const counted = await graph.api("/applications").header("ConsistencyLevel", "eventual").count(true).top(1).get();
		assert.ok(counted["@odata.count"] >= 1);
		await graph.api(`/applications/${app.id}`).delete();
		await refused(graph.api(`/applications/${app.id}`).get(), 404, "Request_ResourceNotFound");
		assert.equal((await graph.api(`/directory/deletedItems/${app.id}`).get()).id, app.id);
		await graph.api(`/directory/deletedItems/${app.id}/restore`).post({});
		assert.equal((await graph.api(`/applications/${app.id}`).get()).appId, app.appId);
		await graph.api(`/applications/${app.id}`).delete();
		await graph.api(`/directory/deletedItems/${app.id}`).delete();
		await refused(graph.api("/applications").post({}), 400, "Request_BadRequest");
		await refused(graph.api("/applications").filter("displayName like 'x'").get(), 400);
	});

	test("federated identity credentials of an application", async () => {
		const app = await makeApplication("fed");
		const credentials = `/applications/${app.id}/federatedIdentityCredentials`;
		const body = {
			name: "main", issuer: "https://token.example.com", subject: "repo:x:ref:main", audiences: ["api://AzureADTokenExchange"],
		};
		const made = await graph.api(credentials).post(body);
		assert.equal(made.subject, body.subject);
		await graph.api(`${credentials}/${made.id}`).patch({ description: "main" });
		assert.equal((await graph.api(`${credentials}/main`).get()).description, "main");
		await refused(graph.api(credentials).post({ ...body, subject: "another" }), 409);
		await refused(graph.api(credentials).post({ ...body, name: "twice" }), 400, "InvalidFederatedIdentityCredentialValue");
		await refused(graph.api(credentials).post({ ...body, name: "none", audiences: [] }), 400);
		for (let i = 1; i < 20; i++)
			await graph.api(credentials).post({ ...body, name: `fic-${i}`, subject: `s${i}` });
		await refused(graph.api(credentials).post({ ...body, name: "fic-20", subject: "s20" }), 400);
		assert.equal((await graph.api(credentials).get()).value.length, 20);
		await graph.api(`${credentials}/${made.id}`).delete();
		await refused(graph.api(`${credentials}/${made.id}`).get(), 404);
	});

	test("service principals", async () => {
		const app = await makeApplication("sp");
		const principal = await makePrincipal(app.appId);
		assert.deepEqual([principal.appId, principal.servicePrincipalType], [app.appId, "Application"]);
		const found = await graph.api("/servicePrincipals").filter(`appId eq '${app.appId}'`).get();
		assert.deepEqual(found.value.map((p) => p.id), [principal.id]);
		assert.ok((await graph.api("/servicePrincipals").filter(`servicePrincipalNames/any(n:n eq '${app.appId}')`).get()).value.length === 1);
		await graph.api(`/servicePrincipals/${principal.id}`).patch({ accountEnabled: false });
		assert.equal((await graph.api(`/servicePrincipals/${principal.id}`).get()).accountEnabled, false);
		await refused(makePrincipal(app.appId), 409);
		await refused(makePrincipal(randomUUID()), 400);
		await graph.api(`/servicePrincipals/${principal.id}`).delete();
		await refused(graph.api(`/servicePrincipals/${principal.id}`).get(), 404);
	});

	test("users, groups and their members, page by page", async () => {
		const { value: [{ verifiedDomains }] } = await graph.api("/organization").get();
		const domain = verifiedDomains.find((d) => d.isDefault).name;
		const users = [];
		for (let i = 0; i < 5; i++)
			users.push(await graph.api("/users").post({
				displayName: named(`user ${i}`), accountEnabled: true, mailNickname: named(`u${i}`),
				userPrincipalName: `${named(`u${i}`)}@${domain}`, passwordProfile: { password: randomUUID() },
			}));
		assert.equal((await graph.api(`/users/${users[0].userPrincipalName}`).get()).id, users[0].id);
		const first = await graph.api("/users").filter(`startswith(displayName,'user')`).filter(`startswith(mailNickname,'u')`).top(2).get();
		assert.equal(first.value.length, 2);
		const seen = [];
		await new PageIterator(graph, first, (user) => seen.push(user.id)).iterate();
		assert.ok(users.every((u) => seen.includes(u.id)));
		assert.equal(new Set(seen).size, seen.length);

		const make = (label) => graph.api("/groups").post({
			displayName: named(label), mailEnabled: false, mailNickname: named(label), securityEnabled: true,
		});
		const [outer, inner] = [await make("outer"), await make("inner")];
		await graph.api(`/groups/${outer.id}/members/$ref`).post(reference(inner.id));
		await graph.api(`/groups/${inner.id}/members/$ref`).post(reference(users[0].id));
		await refused(graph.api(`/groups/${inner.id}/members/$ref`).post(reference(users[0].id)), 400);
		assert.deepEqual((await graph.api(`/groups/${outer.id}/members`).get()).value.map((m) => m.id), [inner.id]);
		assert.deepEqual((await graph.api(`/groups/${outer.id}/transitiveMembers`).get()).value.map((m) => m.id).sort(),
			[inner.id, users[0].id].sort());
		assert.deepEqual((await graph.api(`/users/${users[0].id}/checkMemberGroups`).post({ groupIds: [outer.id, randomUUID()] })).value,
			[outer.id]);
		const byId = await graph.api("/directoryObjects/getByIds").post({ ids: [inner.id, users[1].id], types: ["user", "group"] });
		assert.deepEqual(byId.value.map((o) => o.id).sort(), [inner.id, users[1].id].sort());
		await graph.api(`/groups/${inner.id}/members/${users[0].id}/$ref`).delete();
		assert.deepEqual((await graph.api(`/groups/${inner.id}/members`).get()).value, []);
		for (const path of [`/groups/${outer.id}`, `/groups/${inner.id}`, `/users/${users[1].id}`]) {
			await graph.api(path).delete();
			await refused(graph.api(path).get(), 404, "Request_ResourceNotFound");
		}
		await refused(graph.api("/users").post({ displayName: "nobody" }), 400);
		await refused(graph.api("/groups").post({ displayName: "g", mailEnabled: true, mailNickname: "g", securityEnabled: true }), 400);
	});

	test("who has no role in the directory sees nothing of it", async () => {
		const app = await makeApplication("plain");
		await makePrincipal(app.appId);
		const { secretText } = await graph.api(`/applications/${app.id}/addPassword`).post({ passwordCredential: { displayName: "x" } });
		const other = graphFor(new ClientSecretCredential(tenant, app.appId, secretText));
		await refused(other.api("/users").get(), 403, "Authorization_RequestDenied");
		await refused(other.api("/applications").post({ displayName: "x" }), 403, "Authorization_RequestDenied");
		await refused(graphFor({ getToken: async () => ({ token: "x.y.z" }) }).api("/users").get(), 401, "InvalidAuthenticationToken");
	});
});

describe("@azure/identity", () => {
	let app, principal, group, files, certificate, key;

	before(async () => {
		group = await makeGroup("who");
		app = await makeApplication("client");
		principal = await makePrincipal(app.appId);
		files = mkdtempSync(join(tmpdir(), "identity-"));
		execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=client",
			"-keyout", join(files, "key.pem"), "-out", join(files, "certificate.pem")], { stdio: "pipe" });
		key = readFileSync(join(files, "key.pem"), "utf8");
		certificate = readFileSync(join(files, "certificate.pem"), "utf8");
		await graph.api(`/applications/${app.id}`).patch({ keyCredentials: [{
			type: "AsymmetricX509Cert", usage: "Verify", key: new X509Certificate(certificate).raw.toString("base64"),
		}] });
		await assign(`/subscriptions/${subscription}/resourceGroups/${group}`, principal.id, roles.reader);
	});
	after(async () => {
		rmSync(files, { recursive: true });
		await resources.resourceGroups.beginDeleteAndWait(group, soon);
	});

	// The token is the principal's, and may what the principal may: read this group, and nothing else.
	async function isReader(who) {
		const { token: bearer } = await who.getToken(scope);
		assert.deepEqual([claims(bearer).oid, claims(bearer).tid], [principal.id, tenant]);
		const at = `${arm}/subscriptions/${subscription}/resourceGroups`;
		assert.equal((await raw("GET", `${at}/${group}`, { version: "2021-04-01", bearer })).status, 200);
		const body = { location };
		assert.equal((await raw("PUT", `${at}/${group}`, { version: "2021-04-01", bearer, body })).error.code, "AuthorizationFailed");
	}

	test("a client secret, which can be taken away", async () => {
		const made = await graph.api(`/applications/${app.id}/addPassword`).post({ passwordCredential: { displayName: "one" } });
		await isReader(new ClientSecretCredential(tenant, app.appId, made.secretText));
		await graph.api(`/applications/${app.id}/removePassword`).post({ keyId: made.keyId });
		await assert.rejects(new ClientSecretCredential(tenant, app.appId, made.secretText).getToken(scope), /AADSTS7000215/);
	});

	test("a certificate", async () => {
		await isReader(new ClientCertificateCredential(tenant, app.appId, { certificate: key + certificate }));
		await isReader(new ClientCertificateCredential(tenant, app.appId, { certificate: key + certificate }, { sendCertificateChain: true }));
		await assert.rejects(new ClientCertificateCredential(tenant, clientId, { certificate: key + certificate }).getToken(scope),
			/AADSTS700027/);
	});

	test("an assertion that the application signs itself", async () => {
		const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
		const thumbprint = createHash("sha256").update(new X509Certificate(certificate).raw).digest("base64url");
		const assertion = (lifetime = 600) => {
			const now = Math.floor(Date.now() / 1000);
			const text = `${part({ alg: "RS256", typ: "JWT", "x5t#S256": thumbprint })}.${part({
				aud: `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, iss: app.appId, sub: app.appId, jti: randomUUID(),
				nbf: now - 1000, exp: now + lifetime,
			})}`;
			return `${text}.${sign("RSA-SHA256", Buffer.from(text), createPrivateKey(key)).toString("base64url")}`;
		};
		await isReader(new ClientAssertionCredential(tenant, app.appId, async () => assertion()));
		await assert.rejects(new ClientAssertionCredential(tenant, app.appId, async () => assertion(-900)).getToken(scope), /AADSTS700024/);
		await assert.rejects(new ClientAssertionCredential(tenant, clientId, async () => assertion()).getToken(scope), /AADSTS/);
	});

	test("a person, by a code that somebody answers for", async () => {
		const { value: [{ verifiedDomains }] } = await graph.api("/organization").get();
		const name = `${named("person")}@${verifiedDomains.find((d) => d.isDefault).name}`;
		const person = await graph.api("/users").post({
			displayName: "Person", accountEnabled: true, mailNickname: named("person"), userPrincipalName: name,
			passwordProfile: { password: randomUUID() },
		});
		const answer = (userCode, user) => raw("POST", "https://login.microsoftonline.com/custodisk/devicecodes", {
			body: { user_code: userCode, ...(user && { user }) }, version: null, bearer: adminToken,
		});
		const adminToken = await token(arm);
		const device = (user) => new DeviceCodeCredential({ tenantId: tenant, userPromptCallback: async ({ userCode }) => {
			assert.ok((await answer(userCode, user)).status < 300);
		} });
		const { token: bearer } = await device(name).getToken(scope);
		assert.deepEqual([claims(bearer).oid, claims(bearer).upn], [person.id, name]);
		const me = await graphFor(device(name)).api("/me").get();
		assert.equal(me.userPrincipalName, name);
		await assert.rejects(device(undefined).getToken(scope));
	});
});
