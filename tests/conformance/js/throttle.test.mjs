// SPDX-License-Identifier: Apache-2.0
// The documented limits of a vault: 20 software and 10 HSM keys made in ten seconds.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { makeGroup, makeVault, premium, raw } from "./helpers.mjs";

let group;

before(async () => {
	group = await makeGroup("throttle");
});

// Make keys until one is refused; how many were made, and the refusal.
async function exhaust(vault, body, most) {
	for (let made = 0; made <= most; made++) {
		const answer = await raw("POST", `${vault.url}/keys/n/create`, { body });
		if (answer.status !== 200)
			return { made, answer };
	}
	assert.fail(`more than ${most} were made`);
}

// Side by side, since they mostly wait.
describe("limits", { concurrency: true }, () => {
	for (const [label, properties, body, limit] of [["soft", {}, { kty: "EC" }, 20], ["hard", premium, { kty: "EC-HSM" }, 10]])
		describe(`${limit} in ten seconds: ${body.kty}`, { concurrency: false }, () => {
			let vault, began, refusal;

			test("one more is refused", async () => {
				vault = await makeVault(group, `throttle-${label}`, properties);
				began = Date.now();
				const { made, answer } = await exhaust(vault, body, 2 * limit);
				refusal = answer;
				// What was made first may have been forgotten meanwhile on a slow machine.
				assert.ok(made === limit || Date.now() - began > 9000, `${made}`);
				assert.equal(answer.status, 429);
				assert.equal(answer.error.code, "Throttled");
				assert.equal(answer.error.message,
					"Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached");
				assert.match(answer.headers["retry-after"], /^([1-9]|10)$/);
			});

			test("another vault is not", async () => {
				const other = await makeVault(group, `other-${label}`, properties);
				assert.equal((await raw("POST", `${other.url}/keys/n/create`, { body })).status, 200);
			});

			test("after the time that was said it is allowed again", async () => {
				await sleep(Number(refusal.headers["retry-after"]) * 1000);
				assert.equal((await raw("POST", `${vault.url}/keys/n/create`, { body })).status, 200);
			});

			test("the SDK waits by itself", async () => {
				await exhaust(vault, body, 2 * limit);
				assert.equal((await vault.keys.createKey("waited", body.kty)).name, "waited");
			});
		});
});
