// SPDX-License-Identifier: Apache-2.0
// Keys: every type that a vault has, and every method of KeyClient that is not in a file of its own.
import assert from "node:assert/strict";
import {
	constants, createCipheriv, createPublicKey, generateKeyPairSync, publicEncrypt, randomBytes, sign, verify,
} from "node:crypto";
import { before, describe, test } from "node:test";

import { parseKeyVaultKeyIdentifier } from "@azure/keyvault-keys";

import {
	all, badParameter, cryptography, encoded, jsonWebKey, makeGroup, makeVault, premium, publicKey, quick, raw, refused,
	releasePolicy, remote,
} from "./helpers.mjs";

const rsaOps = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];
const curves = { "P-256": 32, "P-256K": 32, "P-384": 48, "P-521": 66 };
const nodeCurves = { "P-256": "prime256v1", "P-256K": "secp256k1", "P-384": "secp384r1", "P-521": "secp521r1" };
const expiresOn = new Date("2031-01-01T00:00:00Z");
const sorted = (list) => [...list].sort();

let group, standard, hsm;

before(async () => {
	group = await makeGroup("keys");
	standard = await makeVault(group, "keys");
	hsm = await makeVault(group, "keys-hsm", premium);
});

// What the service answers to a body as it is.
const create = (vault, name, body) => raw("POST", `${vault.url}/keys/${name}/create`, { body });

function assertBadParameter(answer, pattern) {
	assert.equal(answer.status, 400, answer.text);
	assert.equal(answer.error.code, "BadParameter");
	if (pattern)
		assert.match(answer.error.message, pattern);
}

describe("create", () => {
	test("the least that can be said: RSA 2048 with the default operations", async () => {
		const { status, json } = await create(standard, "least", { kty: "RSA" });
		assert.equal(status, 200);
		assert.match(json.key.kid, new RegExp(`^${standard.url}/keys/least/[0-9a-f]{32}$`));
		assert.equal(json.key.kty, "RSA");
		assert.deepEqual(json.key.key_ops, rsaOps);
		assert.equal(Buffer.from(json.key.n, "base64url").length, 256);
		assert.equal(json.key.e, "AQAB");
		assert.equal(json.attributes.enabled, true);
		assert.equal(json.attributes.created, json.attributes.updated);
		assert.ok(Math.abs(json.attributes.created - Date.now() / 1000) < 60);
		assert.equal(json.attributes.recoveryLevel, "CustomizedRecoverable+Purgeable");
		assert.equal(json.attributes.recoverableDays, 7);
		for (const absent of ["nbf", "exp"])
			assert.ok(!(absent in json.attributes), absent);
		for (const absent of ["tags", "managed", "release_policy"])
			assert.ok(!(absent in json), absent);
		for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k"])
			assert.ok(!(secret in json.key), secret);
	});

	for (const keySize of [2048, 3072, 4096])
		test(`RSA ${keySize}`, async () => {
			const made = await standard.keys.createRsaKey(`rsa-${keySize}`, { keySize });
			assert.equal(made.keyType, "RSA");
			assert.equal(made.key.n.length, keySize / 8);
			assert.deepEqual(sorted(made.keyOperations), sorted(rsaOps));
		});

	test("RSA with another exponent", async () => {
		const { status, json } = await create(standard, "exponent", { kty: "RSA", key_size: 2048, public_exponent: 3 });
		assert.equal(status, 200);
		assert.equal(json.key.e, "Aw");
		assertBadParameter(await create(standard, "even", { kty: "RSA", public_exponent: 4 }));
	});

	for (const [curve, size] of Object.entries(curves))
		test(`EC ${curve}`, async () => {
			const made = await standard.keys.createEcKey(`ec-${curve}`, { curve });
			assert.equal(made.keyType, "EC");
			assert.equal(made.key.crv, curve);
			assert.deepEqual([made.key.x.length, made.key.y.length], [size, size]);
			assert.deepEqual(sorted(made.keyOperations), ["sign", "verify"]);
			assert.ok(publicKey(made.key));
		});

	test("EC without a curve is P-256", async () => {
		assert.equal((await standard.keys.createEcKey("ec")).key.crv, "P-256");
	});

	for (const keySize of [2048, 3072])
		test(`RSA-HSM ${keySize}`, async () => {
			const made = await hsm.keys.createRsaKey(`rsa-hsm-${keySize}`, { keySize, hsm: true });
			assert.equal(made.keyType, "RSA-HSM");
			assert.equal(made.key.n.length, keySize / 8);
		});

	for (const curve of Object.keys(curves))
		test(`EC-HSM ${curve}`, async () => {
			const made = await hsm.keys.createEcKey(`ec-hsm-${curve}`, { curve, hsm: true });
			assert.equal(made.keyType, "EC-HSM");
			assert.equal(made.key.crv, curve);
		});

	for (const keySize of [128, 192, 256])
		test(`oct-HSM ${keySize}`, async () => {
			const made = await hsm.keys.createOctKey(`oct-hsm-${keySize}`, { keySize, hsm: true });
			assert.equal(made.keyType, "oct-HSM");
			assert.equal(made.key.k, undefined);
		});

	test("HSM types need a premium vault", async () => {
		for (const kty of ["RSA-HSM", "EC-HSM", "oct-HSM"])
			assert.equal((await badParameter(standard.keys.createKey("no-hsm", kty))).message,
				"Hardware key operation not allowed on standard vault");
	});

	test("software keys in a premium vault are software keys", async () => {
		assert.equal((await hsm.keys.createEcKey("software")).keyType, "EC");
	});

	test("oct is no stored key", async () => {
		for (const vault of [standard, hsm]) {
			const e = await refused(vault.keys.createOctKey("oct", { keySize: 256 }), 400, "BadParameter", "KeyTypeNotSupported");
			assert.equal(e.message, "Invalid kty value: oct");
		}
	});

	test("sizes, curves, operations and types that are not", async () => {
		await badParameter(standard.keys.createRsaKey("bad", { keySize: 1024 }));
		await badParameter(standard.keys.createRsaKey("bad", { keySize: 2049 }));
		await badParameter(standard.keys.createEcKey("bad", { curve: "P-192" }));
		await badParameter(standard.keys.createRsaKey("bad", { keyOps: ["divine"] }));
		await badParameter(standard.keys.createKey("bad", "DSA"));
		await badParameter(hsm.keys.createOctKey("bad", { keySize: 512, hsm: true }));
		await refused(standard.keys.getKey("bad"), 404, "KeyNotFound");
	});

	test("operations, attributes and tags", async () => {
		const notBefore = new Date("2030-01-01T00:00:00Z");
		const made = await standard.keys.createEcKey("told",
			{ keyOps: ["sign"], enabled: false, notBefore, expiresOn, tags: { a: "b", ä: "ö" } });
		const { properties } = await standard.keys.getKey("told");
		assert.deepEqual(made.keyOperations, ["sign"]);
		assert.equal(properties.enabled, false);
		assert.deepEqual([properties.notBefore, properties.expiresOn], [notBefore, expiresOn]);
		assert.deepEqual(properties.tags, { a: "b", ä: "ö" });
	});

	test("tags have limits", async () => {
		const tags = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`t${i}`, "v"]));
		await standard.keys.createEcKey("tagged", { tags: tags(15) });
		await badParameter(standard.keys.createEcKey("tagged", { tags: tags(16) }));
		await standard.keys.createEcKey("tagged", { tags: { ["n".repeat(256)]: "v".repeat(256) } });
		await badParameter(standard.keys.createEcKey("tagged", { tags: { ["n".repeat(257)]: "" } }));
		await badParameter(standard.keys.createEcKey("tagged", { tags: { n: "v".repeat(257) } }));
	});

	test("over a name that exists: a new version, and the old one stays", async () => {
		const first = await standard.keys.createEcKey("twice", { tags: { of: "first" } });
		const second = await standard.keys.createKey("Twice", "EC", { curve: "P-384" });
		assert.notEqual(second.properties.version, first.properties.version);
		assert.equal((await standard.keys.getKey("twice")).id.toLowerCase(), second.id.toLowerCase());
		const old = await standard.keys.getKey("twice", { version: first.properties.version });
		assert.equal(old.properties.enabled, true);
		assert.equal(old.key.crv, "P-256");
		assert.equal((await all(standard.keys.listPropertiesOfKeyVersions("twice"))).length, 2);
	});
});

describe("secure key release", () => {
	const policy = releasePolicy();
	const releasable = { hsm: true, exportable: true, releasePolicy: encoded(policy) };
	let key;

	before(async () => {
		key = await hsm.keys.createEcKey("releasable", releasable);
	});

	test("an exportable key has a policy, and says so", async () => {
		assert.equal(key.properties.exportable, true);
		const read = (await hsm.keys.getKey("releasable")).properties;
		assert.equal(read.exportable, true);
		assert.equal(read.releasePolicy.contentType, "application/json; charset=utf-8");
		assert.deepEqual(JSON.parse(Buffer.from(read.releasePolicy.encodedPolicy)), policy);
		assert.ok(!read.releasePolicy.immutable);
	});

	test("a version of the policy with two numbers is completed", async () => {
		const made = await hsm.keys.createEcKey("two-numbers",
			{ ...releasable, releasePolicy: encoded(releasePolicy(undefined, "1.0")) });
		assert.equal(JSON.parse(Buffer.from(made.properties.releasePolicy.encodedPolicy)).version, "1.0.0");
	});

	test("what may not be created", async () => {
		const { exportable, releasePolicy: needed } = releasable;
		const cases = [
			[standard, "EC", { exportable, releasePolicy: needed }, /AKV\.SKR\.1001/],
			[hsm, "EC-HSM", { exportable }, /AKV\.SKR\.1004: Exportable keys must have release policy\./],
			[hsm, "EC-HSM", { releasePolicy: needed }, /AKV\.SKR\.1005: Non-exportable keys must not have release policy\./],
			[hsm, "EC", { exportable, releasePolicy: needed }, /AKV\.SKR\.1006/],
		];
		for (const [vault, kty, options, message] of cases)
			assert.match((await badParameter(vault.keys.createKey("unreleasable", kty, options))).message, message);
		const e = await badParameter(hsm.keys.createEcKey("releasable", { hsm: true }));
		assert.match(e.message, /AKV\.SKR\.1003/);
		await badParameter(hsm.keys.createEcKey("unreleasable",
			{ ...releasable, releasePolicy: { encodedPolicy: Buffer.from("not JSON") } }));
	});

	test("what may not be updated", async () => {
		const { version } = key.properties;
		const other = encoded(releasePolicy("https://sharedneu.neu.attest.azure.net/"));
		const exported = await raw("PATCH", `${hsm.url}/keys/releasable/${version}`, { body: { attributes: { exportable: false } } });
		assertBadParameter(exported, /AKV\.SKR\.1014: Cannot modify the exportable state of a key\./);
		let e = await badParameter(hsm.keys.updateKeyProperties("releasable", version, { releasePolicy: other }));
		assert.match(e.message, /AKV\.SKR\.1016: Key Release Policy can only be set on versionless key/);
		const updated = await hsm.keys.updateKeyProperties("releasable", { releasePolicy: { ...other, immutable: true } });
		assert.equal(updated.properties.releasePolicy.immutable, true);
		e = await badParameter(hsm.keys.updateKeyProperties("releasable", { releasePolicy: encoded(policy) }));
		assert.match(e.message, /AKV\.SKR\.1020: Immutable Key Release Policy cannot be modified\./);
	});

	test("release is refused while nothing is attested", async () => {
		const statement = [{ alg: "none", typ: "JWT" }, { iss: "https://sharedweu.weu.attest.azure.net" }]
			.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".") + ".";
		for (const target of [statement, "nonsense"])
			for (const options of [{}, { version: key.properties.version }, { nonce: "n", algorithm: "RSA_AES_KEY_WRAP_256" }]) {
				const e = await refused(hsm.keys.releaseKey("releasable", target, options), 403, "Forbidden", "AccessDenied");
				assert.equal(e.message, "Target environment attestation statement cannot be verified.");
			}
		await refused(hsm.keys.releaseKey("absent", statement), 404, "KeyNotFound");
	});
});

describe("get", () => {
	test("the newest version, a version, any case", async () => {
		const made = await standard.keys.createEcKey("Named");
		assert.equal((await standard.keys.getKey("named")).id.toLowerCase(), made.id.toLowerCase());
		assert.equal((await standard.keys.getKey("NAMED", { version: made.properties.version })).key.x.length, 32);
		const parsed = parseKeyVaultKeyIdentifier(made.id);
		assert.deepEqual([parsed.vaultUrl, parsed.name, parsed.version], [standard.url, "Named", made.properties.version]);
	});

	test("what is not there", async () => {
		const e = await refused(standard.keys.getKey("absent"), 404, "KeyNotFound");
		assert.match(e.message, /^A key with \(name\/id\) absent was not found in this key vault\. /);
		const version = "0".repeat(32);
		await standard.keys.createEcKey("there");
		const f = await refused(standard.keys.getKey("there", { version }), 404, "KeyNotFound");
		assert.match(f.message, new RegExp(`^A key with \\(name/id\\) there/${version} was not found`));
	});

	test("a disabled and an expired key can be read", async () => {
		await standard.keys.createEcKey("off", { enabled: false, expiresOn: new Date("2020-01-01T00:00:00Z") });
		assert.equal((await standard.keys.getKey("off")).properties.enabled, false);
	});
});

describe("update", () => {
	test("only what is named changes", async () => {
		const made = await standard.keys.createEcKey("changing", { tags: { a: "b" }, expiresOn });
		const { version } = made.properties;
		const off = await standard.keys.updateKeyProperties("changing", version, { enabled: false });
		assert.equal(off.properties.enabled, false);
		assert.deepEqual(off.properties.tags, { a: "b" });
		assert.deepEqual(off.properties.expiresOn, made.properties.expiresOn);
		assert.deepEqual(off.properties.createdOn, made.properties.createdOn);
		assert.ok(off.properties.updatedOn >= made.properties.updatedOn);
		const grown = await standard.keys.updateKeyProperties("changing", version, { keyOps: ["sign"], enabled: true });
		assert.deepEqual(grown.keyOperations, ["sign"]);
		const keyOps = ["sign", "verify"];
		assert.deepEqual((await standard.keys.updateKeyProperties("changing", version, { keyOps })).keyOperations, keyOps);
		const tagged = await standard.keys.updateKeyProperties("changing", version, { tags: { c: "d" } });
		assert.deepEqual(tagged.properties.tags, { c: "d" });
		assert.deepEqual((await standard.keys.getKey("changing")).key.x, made.key.x);
	});

	test("without a version it is the newest", async () => {
		const first = await standard.keys.createEcKey("newest");
		const second = await standard.keys.createEcKey("newest");
		const updated = await standard.keys.updateKeyProperties("newest", { enabled: false });
		assert.equal(updated.id, second.id);
		assert.equal((await standard.keys.getKey("newest", { version: first.properties.version })).properties.enabled, true);
	});

	test("what is not there, and what may not be", async () => {
		await refused(standard.keys.updateKeyProperties("absent", { enabled: false }), 404, "KeyNotFound");
		const { properties: { version } } = await standard.keys.createEcKey("stays");
		await badParameter(standard.keys.updateKeyProperties("stays", version, { keyOps: ["divine"] }));
	});
});

describe("import", () => {
	const digest = randomBytes(32);

	test("RSA: what was imported signs and decrypts", async () => {
		const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const made = await standard.keys.importKey("import-rsa", jsonWebKey(pair.privateKey), { tags: { from: "node" } });
		assert.equal(made.keyType, "RSA");
		assert.deepEqual(made.properties.tags, { from: "node" });
		assert.deepEqual(publicKey(made.key).export({ format: "jwk" }), pair.publicKey.export({ format: "jwk" }));
		const client = remote(made.id);
		assert.equal((await client.sign("RS256", digest)).result.length, 256);
		assert.equal(made.key.d, undefined);
		const secret = publicEncrypt({ key: pair.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" },
			Buffer.from("secret"));
		assert.equal(Buffer.from((await client.decrypt("RSA-OAEP-256", secret)).result).toString(), "secret");
	});

	for (const curve of Object.keys(curves))
		test(`EC ${curve}`, async () => {
			const pair = generateKeyPairSync("ec", { namedCurve: nodeCurves[curve] });
			const made = await standard.keys.importKey(`import-${curve}`, jsonWebKey(pair.privateKey, { crv: curve }));
			assert.equal(made.key.crv, curve);
			const [algorithm, hash] = { "P-256": ["ES256", "sha256"], "P-256K": ["ES256K", "sha256"], "P-384": ["ES384", "sha384"],
				"P-521": ["ES512", "sha512"] }[curve];
			const data = Buffer.from("signed here");
			const { result } = await remote(made.id).signData(algorithm, data);
			assert.ok(verify(hash, data, { key: pair.publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(result)));
			const ours = sign(hash, data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
			assert.equal((await remote(made.id).verifyData(algorithm, data, ours)).result, true);
		});

	test("over a name that exists it is a new version", async () => {
		const key = () => jsonWebKey(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey);
		const first = await standard.keys.importKey("import-twice", key());
		const second = await standard.keys.importKey("import-twice", key(), { enabled: false, expiresOn });
		assert.notEqual(second.id, first.id);
		assert.equal(second.properties.enabled, false);
		assert.equal((await standard.keys.getKey("import-twice")).id, second.id);
	});

	test("into the HSM of a premium vault", async () => {
		const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const made = await hsm.keys.importKey("import-hsm", jsonWebKey(pair.privateKey), { hardwareProtected: true });
		assert.equal(made.keyType, "RSA-HSM");
		const named = await hsm.keys.importKey("import-hsm-kty", jsonWebKey(pair.privateKey, { kty: "RSA-HSM" }));
		assert.equal(named.keyType, "RSA-HSM");
		await badParameter(standard.keys.importKey("import-hsm", jsonWebKey(pair.privateKey), { hardwareProtected: true }));
		await badParameter(standard.keys.importKey("import-hsm", jsonWebKey(pair.privateKey, { kty: "RSA-HSM" })));
	});

	// The key transfer blob of "Bring your own key": RSA-OAEP over a fresh AES key, AES-KWP over the PKCS#8 key.
	function transferBlob(exchange, pkcs8) {
		const aes = randomBytes(32);
		const cipher = createCipheriv("id-aes256-wrap-pad", aes, Buffer.from("A65959A6", "hex"));
		const ciphertext = Buffer.concat([
			publicEncrypt({ key: publicKey(exchange.key), padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" }, aes),
			cipher.update(pkcs8), cipher.final()]);
		return Buffer.from(JSON.stringify({
			schema_version: "1.0.0", header: { kid: exchange.id, alg: "dir", enc: "CKM_RSA_AES_KEY_WRAP" },
			ciphertext: ciphertext.toString("base64url"), generator: "conformance",
		}));
	}

	test("bring your own key: a blob under a key exchange key", async () => {
		const exchange = await hsm.keys.createRsaKey("exchange", { hsm: true, keyOps: ["import"] });
		const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const blob = transferBlob(exchange, pair.privateKey.export({ type: "pkcs8", format: "der" }));
		const made = await hsm.keys.importKey("brought", { kty: "RSA-HSM", keyOps: ["sign", "verify"], t: blob },
			{ hardwareProtected: true });
		assert.equal(made.keyType, "RSA-HSM");
		assert.deepEqual(publicKey(made.key).export({ format: "jwk" }), pair.publicKey.export({ format: "jwk" }));
		const data = Buffer.from("signed there");
		const { result } = await remote(made.id).signData("RS256", data);
		assert.ok(verify("sha256", data, createPublicKey(pair.privateKey), Buffer.from(result)));
		const spoilt = JSON.parse(blob);
		spoilt.ciphertext = spoilt.ciphertext.slice(0, -8) + "AAAAAAAA";
		await badParameter(hsm.keys.importKey("spoilt", { kty: "RSA-HSM", t: Buffer.from(JSON.stringify(spoilt)) },
			{ hardwareProtected: true }));
		await badParameter(hsm.keys.importKey("spoilt", { kty: "RSA-HSM", t: Buffer.from("not JSON") }, { hardwareProtected: true }));
		await badParameter(standard.keys.importKey("spoilt", { kty: "RSA-HSM", t: blob }, { hardwareProtected: true }));
	});

	test("a key exchange key imports and does nothing else", async () => {
		await badParameter(hsm.keys.createRsaKey("exchange-too", { hsm: true, keyOps: ["import", "wrapKey"] }));
		const made = await hsm.keys.createRsaKey("exchange-alone", { hsm: true, keyOps: ["import"] });
		await refused(remote(made.id).wrapKey("RSA-OAEP", Buffer.alloc(16)), 403, "Forbidden", "KeyOperationForbidden");
	});

	test("what is no key", async () => {
		const rsa = jsonWebKey(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey);
		const ec = jsonWebKey(generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey);
		const spoilt = Buffer.from(rsa.d);
		spoilt[10] ^= 1;
		const wrong = [
			{ ...rsa, n: undefined }, { ...rsa, d: undefined }, { ...rsa, d: spoilt }, { ...rsa, p: rsa.q },
			{ ...ec, d: undefined }, { ...ec, crv: "P-384" }, { ...ec, x: ec.y }, { ...ec, crv: undefined },
			jsonWebKey(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey),
			{ kty: "oct", k: randomBytes(32) }, { kty: "RSA" },
		];
		for (const key of wrong)
			await badParameter(standard.keys.importKey("wrong", key));
		await refused(standard.keys.getKey("wrong"), 404, "KeyNotFound");
	});
});

describe("what is asked of an HSM", () => {
	test("random bytes are given by a Managed HSM alone", async () => {
		for (const vault of [standard, hsm])
			await badParameter(vault.keys.getRandomBytes(16));
	});

	test("the attestation of a key", async () => {
		const made = await hsm.keys.createEcKey("attested", { hsm: true });
		for (const options of [{}, { version: made.properties.version }]) {
			const attested = await hsm.keys.getKeyAttestation("attested", options);
			assert.deepEqual([attested.id, attested.key.x], [made.id, made.key.x]);
		}
		await refused(hsm.keys.getKeyAttestation("absent"), 404, "KeyNotFound");
	});
});

describe("getCryptographyClient", () => {
	test("shares the client of the keys, and knows the newest version", async () => {
		await standard.keys.createRsaKey("client");
		const client = standard.keys.getCryptographyClient("client");
		const wrapped = await client.wrapKey("RSA-OAEP-256", Buffer.alloc(32, 1));
		assert.deepEqual(Buffer.from((await client.unwrapKey("RSA-OAEP-256", wrapped.result)).result), Buffer.alloc(32, 1));
		assert.equal(client.vaultUrl, standard.url);
	});
});

describe("key operations that are not allowed", () => {
	test("each is refused with its name", async () => {
		const made = await standard.keys.createRsaKey("narrow", { keyOps: ["wrapKey"] });
		const client = remote(made.id);
		const calls = {
			encrypt: () => client.encrypt("RSA-OAEP", Buffer.alloc(8)),
			decrypt: () => client.decrypt("RSA-OAEP", Buffer.alloc(256)),
			unwrapKey: () => client.unwrapKey("RSA-OAEP", Buffer.alloc(256)),
			sign: () => client.sign("RS256", Buffer.alloc(32)),
			verify: () => client.verify("RS256", Buffer.alloc(32), Buffer.alloc(256)),
		};
		for (const [name, call] of Object.entries(calls)) {
			const e = await refused(call(), 403, "Forbidden", "KeyOperationForbidden");
			assert.equal(e.message, `Operation ${name} is not permitted on this key.`);
		}
		await client.wrapKey("RSA-OAEP", Buffer.alloc(8));
		// The client knows the operations of a key that it may read, and does not ask.
		await assert.rejects(cryptography(made).sign("RS256", Buffer.alloc(32)), /Operation sign is not supported on key/);
		await standard.keys.beginDeleteKey("narrow", quick);
	});
});
