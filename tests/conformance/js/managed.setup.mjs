// SPDX-License-Identifier: Apache-2.0
// What managed.test.mjs stands on: an identity that may read its group, and an application that trusts it and may the same.
// Tells the identity's id.
import { randomUUID } from "node:crypto";

import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { Client } from "@microsoft/microsoft-graph-client";

import { assign, credential, location, makeGroup, roles, subscription, tenant } from "./helpers.mjs";

const graph = Client.init({
	authProvider: (done) => credential.getToken("https://graph.microsoft.com/.default").then((t) => done(null, t.token), done),
});
const group = await makeGroup("managed");
const scope = `/subscriptions/${subscription}/resourceGroups/${group}`;
const app = await graph.api("/applications").post({ displayName: `trusting ${randomUUID()}` });
const principal = await graph.api("/servicePrincipals").post({ appId: app.appId });
const identity = await new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities
	.createOrUpdate(group, "worker", { location, tags: { trusting: app.appId, principal: principal.id } });
await graph.api(`/applications/${app.id}/federatedIdentityCredentials`).post({
	name: "worker", issuer: `https://login.microsoftonline.com/${tenant}/v2.0`, subject: identity.principalId,
	audiences: ["api://AzureADTokenExchange"],
});
for (const id of [identity.principalId, principal.id])
	await assign(scope, id, roles.reader);
console.log(identity.id);
