// SPDX-License-Identifier: Apache-2.0
// Cryptography: every algorithm of every key type, at the service, in the client and in node, in both directions.
import assert from "node:assert/strict";
import {
	constants, createCipheriv, createDecipheriv, createHash, createHmac, generateKeyPairSync, privateDecrypt, publicEncrypt,
	randomBytes, sign, verify,
} from "node:crypto";
import { before, describe, test } from "node:test";

import { CryptographyClient } from "@azure/keyvault-keys";

import { badParameter, cryptography, jsonWebKey, makeGroup, makeVault, premium, publicKey, raw, refused, remote } from "./helpers.mjs";

const data = Buffer.from("what is signed");
const digest = (hash) => createHash(hash).update(data).digest();
const bytes = (value) => Buffer.from(value);

let group, vault, hsm;

before(async () => {
	group = await makeGroup("crypto");
	vault = await makeVault(group, "crypto");
	hsm = await makeVault(group, "crypto-hsm", premium);
});

const paddings = {
	"RSA1_5": { padding: constants.RSA_PKCS1_PADDING },
	"RSA-OAEP": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
	"RSA-OAEP-256": { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" },
};
const longest = { "RSA1_5": 245, "RSA-OAEP": 214, "RSA-OAEP-256": 190 };  // bytes under a modulus of 256
const signatures = Object.fromEntries(["256", "384", "512"].flatMap((bits) => [
	[`RS${bits}`, { hash: `sha${bits}`, padding: constants.RSA_PKCS1_PADDING }],
	[`PS${bits}`, { hash: `sha${bits}`, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(bits) / 8 }],
]));

for (const kty of ["RSA", "RSA-HSM"])
	describe(kty, () => {
		let pair, key, client;

		before(async () => {
			pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
			const home = kty === "RSA" ? vault : hsm;
			key = await home.keys.importKey("rsa", jsonWebKey(pair.privateKey), { hardwareProtected: kty === "RSA-HSM" });
			assert.equal(key.keyType, kty);
			client = remote(key.id);
		});

		for (const [algorithm, padding] of Object.entries(paddings)) {
			test(`${algorithm}: encrypt and decrypt`, async () => {
				const plaintext = randomBytes(32);
				const encrypted = await client.encrypt(algorithm, plaintext);
				assert.equal(encrypted.algorithm, algorithm);
				assert.equal(encrypted.keyID, key.id);
				assert.equal(encrypted.result.length, 256);
				assert.deepEqual(bytes((await client.decrypt(algorithm, encrypted.result)).result), plaintext);
				if (algorithm !== "RSA1_5")  // which node refuses, since it cannot do it in constant time
					assert.deepEqual(privateDecrypt({ key: pair.privateKey, ...padding }, bytes(encrypted.result)), plaintext);
				const ours = publicEncrypt({ key: pair.publicKey, ...padding }, plaintext);
				assert.deepEqual(bytes((await client.decrypt(algorithm, ours)).result), plaintext);
			});

			test(`${algorithm}: wrapKey and unwrapKey`, async () => {
				const secret = randomBytes(32);
				const wrapped = await client.wrapKey(algorithm, secret);
				assert.deepEqual(bytes((await client.unwrapKey(algorithm, wrapped.result)).result), secret);
				// As the client does it for a user who may read the key, and without any service.
				for (const local of [cryptography(key), new CryptographyClient(key.key)]) {
					const there = await local.wrapKey(algorithm, secret).catch((e) => e);
					if (there instanceof Error) {  // the client cannot do this one by itself
						assert.equal(algorithm, "RSA-OAEP-256");
						continue;
					}
					assert.deepEqual(bytes((await client.unwrapKey(algorithm, there.result)).result), secret);
				}
			});

			test(`${algorithm}: the longest that fits, and one more`, async () => {
				const plaintext = randomBytes(longest[algorithm]);
				const { result } = await client.encrypt(algorithm, plaintext);
				assert.deepEqual(bytes((await client.decrypt(algorithm, result)).result), plaintext);
				await badParameter(client.encrypt(algorithm, randomBytes(longest[algorithm] + 1)));
				await badParameter(client.wrapKey(algorithm, randomBytes(longest[algorithm] + 1)));
			});

			test(`${algorithm}: what was not encrypted here`, async () => {
				const { result } = await client.encrypt(algorithm, randomBytes(32));
				for (const spoilt of [randomBytes(255), randomBytes(257), Buffer.alloc(256, 0xff)])
					await badParameter(client.decrypt(algorithm, spoilt));
				if (algorithm === "RSA1_5")  // a padding may hold by chance
					return;
				const spoilt = bytes(result);
				spoilt[100] ^= 1;
				await badParameter(client.decrypt(algorithm, spoilt));
				await badParameter(client.unwrapKey(algorithm, spoilt));
			});
		}

		for (const [algorithm, { hash, ...how }] of Object.entries(signatures))
			test(`${algorithm}: sign and verify`, async () => {
				const signed = await client.sign(algorithm, digest(hash));
				assert.equal(signed.keyID, key.id);
				assert.ok(verify(hash, data, { key: pair.publicKey, ...how }, bytes(signed.result)));
				assert.equal((await client.verify(algorithm, digest(hash), signed.result)).result, true);
				const ours = sign(hash, data, { key: pair.privateKey, ...how });
				assert.equal((await client.verify(algorithm, digest(hash), ours)).result, true);
				const spoilt = bytes(signed.result);
				spoilt[10] ^= 1;
				assert.equal((await client.verify(algorithm, digest(hash), spoilt)).result, false);
				assert.equal((await client.verify(algorithm, randomBytes(digest(hash).length), signed.result)).result, false);
				assert.equal((await client.verify(algorithm, digest(hash), randomBytes(255))).result, false);
				await badParameter(client.sign(algorithm, randomBytes(digest(hash).length + 1)));
				await badParameter(client.sign(algorithm, randomBytes(20)));
				await badParameter(client.verify(algorithm, randomBytes(20), signed.result));
			});

		test("signData here, verifyData in the client", async () => {
			for (const algorithm of ["RS256", "RS384", "RS512"]) {
				const { result } = await client.signData(algorithm, data);
				assert.equal((await cryptography(key).verifyData(algorithm, data, result)).result, true);
				assert.equal((await new CryptographyClient(key.key).verifyData(algorithm, data, result)).result, true);
				assert.equal((await client.verifyData(algorithm, data, result)).result, true);
				assert.equal((await client.verifyData(algorithm, Buffer.from("another"), result)).result, false);
			}
		});

		test("algorithms of other keys, and of none", async () => {
			await badParameter(client.sign("ES256", digest("sha256")));
			await badParameter(client.verify("ES256", digest("sha256"), randomBytes(64)));
			await badParameter(client.wrapKey("A256KW", randomBytes(32)));
			await badParameter(client.encrypt("ROT13", randomBytes(32)));
			await badParameter(client.encrypt("RS256", randomBytes(32)));
			await badParameter(client.sign("RSA-OAEP", digest("sha256")));
		});
	});

describe("larger RSA keys", () => {
	for (const keySize of [3072, 4096])
		test(`${keySize} bits`, async () => {
			const key = await vault.keys.createRsaKey(`rsa-${keySize}`, { keySize });
			const client = remote(key.id);
			const plaintext = randomBytes(keySize / 8 - 66);  // the longest for RSA-OAEP-256
			const { result } = await client.encrypt("RSA-OAEP-256", plaintext);
			assert.equal(result.length, keySize / 8);
			assert.deepEqual(bytes((await client.decrypt("RSA-OAEP-256", result)).result), plaintext);
			const signed = await client.signData("PS512", data);
			assert.ok(verify("sha512", data, { key: publicKey(key.key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 },
				bytes(signed.result)));
		});
});

const curves = [
	["P-256", "prime256v1", "ES256", "sha256", 64], ["P-256K", "secp256k1", "ES256K", "sha256", 64],
	["P-384", "secp384r1", "ES384", "sha384", 96], ["P-521", "secp521r1", "ES512", "sha512", 132],
];

for (const kty of ["EC", "EC-HSM"])
	describe(kty, () => {
		for (const [curve, namedCurve, algorithm, hash, length] of curves)
			test(`${curve}: ${algorithm}`, async () => {
				const home = kty === "EC" ? vault : hsm;
				const made = await home.keys.createEcKey(`made-${curve}`, { curve, hsm: kty === "EC-HSM" });
				const client = remote(made.id);
				const signed = await client.sign(algorithm, digest(hash));
				assert.equal(signed.result.length, length);
				assert.ok(verify(hash, data, { key: publicKey(made.key), dsaEncoding: "ieee-p1363" }, bytes(signed.result)));
				assert.equal((await client.verify(algorithm, digest(hash), signed.result)).result, true);
				assert.equal((await client.verifyData(algorithm, data, signed.result)).result, true);
				const spoilt = bytes(signed.result);
				spoilt[length - 1] ^= 1;
				assert.equal((await client.verify(algorithm, digest(hash), spoilt)).result, false);
				assert.equal((await client.verify(algorithm, digest(hash), Buffer.alloc(length))).result, false);

				const pair = generateKeyPairSync("ec", { namedCurve });
				const brought = await home.keys.importKey(`brought-${curve}`, jsonWebKey(pair.privateKey, { crv: curve }),
					{ hardwareProtected: kty === "EC-HSM" });
				assert.equal(brought.keyType, kty);
				const ours = sign(hash, data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
				assert.equal((await remote(brought.id).verify(algorithm, digest(hash), ours)).result, true);

				for (const [, , other, otherHash] of curves.filter(([c]) => c !== curve)) {
					await badParameter(client.sign(other, digest(otherHash)));
					await badParameter(client.verify(other, digest(otherHash), signed.result));
				}
				await badParameter(client.sign(algorithm, randomBytes(20)));
				await badParameter(client.sign("RS256", digest("sha256")));
			});

		test("signs and verifies, and does nothing else", async () => {
			const home = kty === "EC" ? vault : hsm;
			const { id } = await home.keys.getKey("made-P-256");
			const answer = await raw("POST", `${id}/wrapkey`, { body: { alg: "RSA-OAEP", value: "AAAA" } });
			assert.ok([400, 403].includes(answer.status), answer.text);
			await badParameter(home.keys.createEcKey("wrapping", { hsm: kty === "EC-HSM", keyOps: ["wrapKey"] }));
		});
	});

describe("oct-HSM", () => {
	const clients = {};

	before(async () => {
		for (const keySize of [128, 192, 256])
			clients[keySize] = remote((await hsm.keys.createOctKey(`oct-${keySize}`, { keySize, hsm: true })).id);
	});

	for (const keySize of [128, 192, 256]) {
		test(`A${keySize}KW`, async () => {
			const client = clients[keySize], secret = randomBytes(32);
			const { result } = await client.wrapKey(`A${keySize}KW`, secret);
			assert.equal(result.length, 40);
			assert.deepEqual(bytes((await client.unwrapKey(`A${keySize}KW`, result)).result), secret);
			const spoilt = bytes(result);
			spoilt[0] ^= 1;
			await badParameter(client.unwrapKey(`A${keySize}KW`, spoilt));
			await badParameter(client.wrapKey(`A${keySize}KW`, randomBytes(33)));
		});

		test(`A${keySize}GCM`, async () => {
			const client = clients[keySize], plaintext = randomBytes(37), additionalAuthenticatedData = Buffer.from("aad");
			const algorithm = `A${keySize}GCM`;
			const encrypted = await client.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
			assert.deepEqual([encrypted.iv.length, encrypted.authenticationTag.length, encrypted.result.length], [12, 16, 37]);
			const sealed = { algorithm, ciphertext: encrypted.result, iv: encrypted.iv, additionalAuthenticatedData,
				authenticationTag: encrypted.authenticationTag };
			assert.deepEqual(bytes((await client.decrypt(sealed)).result), plaintext);
			for (const spoilt of [{ authenticationTag: randomBytes(16) }, { iv: randomBytes(12) }, { authenticationTag: undefined },
				{ additionalAuthenticatedData: Buffer.from("other") }, { ciphertext: randomBytes(37) }, { iv: undefined }])
				await badParameter(client.decrypt({ ...sealed, ...spoilt }));
			const again = await client.encrypt({ algorithm, plaintext, additionalAuthenticatedData });
			assert.notDeepEqual(again.iv, encrypted.iv);
		});

		for (const padded of [false, true]) {
			const algorithm = `A${keySize}CBC${padded ? "PAD" : ""}`;
			test(algorithm, async () => {
				const client = clients[keySize], iv = randomBytes(16), plaintext = randomBytes(padded ? 37 : 48);
				const encrypted = await client.encrypt({ algorithm, plaintext, iv });
				assert.equal(encrypted.result.length, 48);
				assert.deepEqual(bytes((await client.decrypt({ algorithm, ciphertext: encrypted.result, iv })).result), plaintext);
				await badParameter(client.decrypt({ algorithm, ciphertext: randomBytes(47), iv }));
				await badParameter(client.encrypt({ algorithm, plaintext, iv: randomBytes(15) }));
				if (!padded)
					await badParameter(client.encrypt({ algorithm, plaintext: randomBytes(37), iv }));
			});
		}
	}

	test("what was imported here is opened in node and in the client, and the other way round", async () => {
		const k = randomBytes(32), iv = randomBytes(16), plaintext = randomBytes(37), secret = randomBytes(32);
		const made = await hsm.keys.importKey("oct-brought", { kty: "oct-HSM", k });
		assert.equal(made.key.k, undefined);
		const client = remote(made.id);
		const local = new CryptographyClient({ kty: "oct", k });

		const here = await local.encrypt({ algorithm: "A256CBCPAD", plaintext, iv });
		assert.deepEqual(bytes((await client.decrypt({ algorithm: "A256CBCPAD", ciphertext: here.result, iv })).result), plaintext);
		const there = await client.encrypt({ algorithm: "A256CBCPAD", plaintext, iv });
		assert.deepEqual(bytes((await local.decrypt({ algorithm: "A256CBCPAD", ciphertext: there.result, iv })).result), plaintext);

		const sealed = await client.encrypt({ algorithm: "A256GCM", plaintext, additionalAuthenticatedData: data });
		const decipher = createDecipheriv("aes-256-gcm", k, sealed.iv).setAAD(data).setAuthTag(sealed.authenticationTag);
		assert.deepEqual(Buffer.concat([decipher.update(sealed.result), decipher.final()]), plaintext);

		for (const [algorithm, name, start, value] of [["A256KW", "id-aes256-wrap", "A6A6A6A6A6A6A6A6", secret],
			["CKM_AES_KEY_WRAP", "id-aes256-wrap", "A6A6A6A6A6A6A6A6", secret],
			["CKM_AES_KEY_WRAP_PAD", "id-aes256-wrap-pad", "A65959A6", plaintext]]) {
			const wrap = createCipheriv(name, k, Buffer.from(start, "hex"));
			const ours = Buffer.concat([wrap.update(value), wrap.final()]);
			assert.deepEqual(bytes((await client.wrapKey(algorithm, value)).result), ours);
			assert.deepEqual(bytes((await client.unwrapKey(algorithm, ours)).result), value);
		}
	});

	test("HS256, HS384, HS512", async () => {
		const k = randomBytes(32);
		const made = await hsm.keys.importKey("mac", { kty: "oct-HSM", k, keyOps: ["sign", "verify"] });
		for (const bits of ["256", "384", "512"]) {
			const algorithm = `HS${bits}`, hashed = digest(`sha${bits}`);
			const { result } = await remote(made.id).sign(algorithm, hashed);
			assert.deepEqual(bytes(result), createHmac(`sha${bits}`, k).update(hashed).digest());
			assert.equal((await remote(made.id).verify(algorithm, hashed, result)).result, true);
			assert.equal((await remote(made.id).verify(algorithm, hashed, randomBytes(result.length))).result, false);
		}
	});

	test("algorithms of another size or type", async () => {
		await badParameter(clients[128].wrapKey("A256KW", randomBytes(32)));
		await badParameter(clients[256].encrypt({ algorithm: "A128GCM", plaintext: data }));
		await badParameter(clients[256].wrapKey("RSA-OAEP", randomBytes(32)));
	});
});

// What a key may do in each state: decrypt, unwrapKey and verify stay outside the dates, and nothing while disabled.
describe("enabled, nbf, exp", () => {
	// The SDK sends dates as integers of 32 bits.
	const past = new Date("2020-01-01T00:00:00Z"), future = new Date("2037-01-01T00:00:00Z");
	let key, client, calls;

	before(async () => {
		key = await vault.keys.createRsaKey("dated");
		client = remote(key.id);
		const secret = randomBytes(32);
		const { result } = await client.encrypt("RSA-OAEP-256", secret);
		const signature = (await client.sign("RS256", digest("sha256"))).result;
		calls = {
			encrypt: () => client.encrypt("RSA-OAEP-256", secret),
			wrapKey: () => client.wrapKey("RSA-OAEP-256", secret),
			sign: () => client.sign("RS256", digest("sha256")),
			decrypt: () => client.decrypt("RSA-OAEP-256", result),
			unwrapKey: () => client.unwrapKey("RSA-OAEP-256", result),
			verify: () => client.verify("RS256", digest("sha256"), signature),
		};
	});

	const using = ["encrypt", "wrapKey", "sign"], undoing = ["decrypt", "unwrapKey", "verify"];

	async function assertOnly(allowed, status, inner) {
		for (const [name, call] of Object.entries(calls))
			if (allowed.includes(name)) {
				assert.ok((await call()).result, name);
			} else {
				const e = await refused(call(), status, "Forbidden", inner);
				if (inner === "KeyDisabled")
					assert.equal(e.message, `Operation ${name} is not allowed on a disabled key.`);
			}
	}

	test("within the dates", async () => {
		await vault.keys.updateKeyProperties("dated", { enabled: true, notBefore: past, expiresOn: future });
		await assertOnly([...using, ...undoing]);
	});

	test("expired", async () => {
		await vault.keys.updateKeyProperties("dated", { notBefore: past, expiresOn: new Date(past.getTime() + 1000) });
		await assertOnly(undoing, 403);
	});

	test("not yet valid", async () => {
		await vault.keys.updateKeyProperties("dated", { notBefore: new Date(future.getTime() - 1000), expiresOn: future });
		await assertOnly(undoing, 403);
	});

	test("disabled", async () => {
		await vault.keys.updateKeyProperties("dated", { enabled: false, notBefore: past, expiresOn: future });
		await assertOnly([], 403, "KeyDisabled");
	});

	test("enabled again", async () => {
		await vault.keys.updateKeyProperties("dated", { enabled: true });
		await assertOnly([...using, ...undoing]);
	});
});

describe("versions", () => {
	test("a call without one uses the newest, and an old one still works", async () => {
		const first = await vault.keys.createRsaKey("turned");
		const wrapped = await remote(first.id).wrapKey("RSA-OAEP", Buffer.alloc(16, 1));
		const second = await vault.keys.rotateKey("turned");
		for (const path of ["wrapkey", "/wrapkey", "wrapKey"]) {
			const { json } = await raw("POST", `${vault.url}/keys/turned/${path}`, { body: { alg: "RSA-OAEP", value: "AQID" } });
			assert.equal(json.kid, second.id);
			const back = await raw("POST", `${json.kid}/unwrapKey`, { body: { alg: "RSA-OAEP", value: json.value } });
			assert.equal(back.json.value, "AQID");
		}
		assert.deepEqual(bytes((await remote(first.id).unwrapKey("RSA-OAEP", wrapped.result)).result), Buffer.alloc(16, 1));
		await badParameter(remote(second.id).unwrapKey("RSA-OAEP", wrapped.result));
		for (const absent of [`turned/${"0".repeat(32)}`, "absent"])
			await refused(remote(`${vault.url}/keys/${absent}`).wrapKey("RSA-OAEP", Buffer.alloc(16)), 404, "KeyNotFound");
	});
});

describe("bodies", () => {
	let url;

	before(async () => {
		url = (await vault.keys.createRsaKey("bodies")).id;
	});

	test("what is missing or of another type", async () => {
		const wrong = {
			wrapkey: [{}, { alg: "RSA-OAEP" }, { value: "AAAA" }, { alg: 1, value: "AAAA" }, { alg: "RSA-OAEP", value: 1 },
				{ alg: "RSA-OAEP", value: "+/+/" }, { alg: "RSA-OAEP", value: "A" }, []],
			sign: [{ alg: "RS256" }, { alg: "RS256", value: "AAAA" }],
			verify: [{ alg: "RS256", value: "AAAA" }, { alg: "RS256", digest: "AAAA", value: "AAAA" }],
		};
		for (const [operation, bodies] of Object.entries(wrong))
			for (const body of bodies) {
				const answer = await raw("POST", `${url}/${operation}`, { body });
				assert.equal(answer.status, 400, `${operation} ${JSON.stringify(body)}: ${answer.text}`);
				assert.equal(answer.error.code, "BadParameter");
			}
	});
});
