// SPDX-License-Identifier: Apache-2.0
// A command that has a managed identity in the place of a secret: run with `custodisk run --identity $CONFORMANCE_IDENTITY`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ClientAssertionCredential, DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";

const id = process.env.CONFORMANCE_IDENTITY;
const [, , subscription, , group, , , , name] = id.split("/");
const exchange = "api://AzureADTokenExchange/.default";
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
const identities = (credential) => new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities;
const read = (credential) => identities(credential).get(group, name);

test("a managed identity, by itself and by default", async () => {
	assert.equal(process.env.AZURE_CLIENT_SECRET, undefined);
	for (const credential of [new ManagedIdentityCredential(), new DefaultAzureCredential()]) {
		const shown = await read(credential);
		const { token } = await credential.getToken("https://vault.azure.net/.default");
		assert.deepEqual([claims(token).oid, claims(token).xms_mirid?.toLowerCase()], [shown.principalId, id.toLowerCase()]);
	}
	await assert.rejects(identities(new ManagedIdentityCredential()).createOrUpdate(group, "other", { location: "westeurope" }),
		{ statusCode: 403, code: "AuthorizationFailed" });
});

test("an application that trusts it", async () => {
	const managed = new ManagedIdentityCredential();
	const { tags, tenantId } = await read(managed);
	const trusting = (audience) => new ClientAssertionCredential(tenantId, tags.trusting,
		async () => (await managed.getToken(audience)).token);
	const { token } = await trusting(exchange).getToken("https://management.azure.com/.default");
	assert.equal(claims(token).oid, tags.principal);
	assert.equal((await read(trusting(exchange))).id, id);
	await assert.rejects(trusting("https://vault.azure.net/.default").getToken("https://management.azure.com/.default"), /AADSTS/);
});
