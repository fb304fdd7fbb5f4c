// SPDX-License-Identifier: Apache-2.0
// Whether recorded responses are what Azure's own API descriptions (OpenAPI 2.0) allow. Usage: node contract.mjs FILE...
// A file holds one response a line, as helpers.mjs and the Python tests write them. Needs the descriptions in
// ../shared/specs/azure; says that it skips where they are not.
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../../..");
export const specs = resolve(root, "../shared/specs/azure/keyvault");

// What the service is known to send although the descriptions do not have it: the last page's nextLink is null.
const nullOnTheWire = new Set(["nextLink"]);

// JSON Schema of an OpenAPI 2.0 schema. Objects that list their members are closed, so that a member which the
// description does not know is noticed; a part of an allOf is open, since the whole decides.
const kept = ["type", "format", "enum", "required", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems",
	"maxItems", "uniqueItems"];

function converted(base, schema, part = false) {
	if (schema.$ref) {
		const $ref = new URL(schema.$ref, base).href;
		return part ? { $ref } : { $ref, unevaluatedProperties: false };
	}
	const out = {};
	for (const name of kept)
		if (name in schema)
			out[name] = schema[name];
	if (schema.properties)
		out.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, p]) => [name,
			nullOnTheWire.has(name) ? { anyOf: [{ type: "null" }, converted(base, p)] } : converted(base, p)]));
	if (schema.items)
		out.items = converted(base, schema.items);
	if (schema.allOf)
		out.allOf = schema.allOf.map((s) => converted(base, s, true));
	if (typeof schema.additionalProperties === "object")
		out.additionalProperties = converted(base, schema.additionalProperties);
	// An object without any member of its own is free in form.
	else if (!schema.properties && !schema.allOf)
		out.additionalProperties = true;
	if (!part && (schema.properties || schema.allOf))
		out.unevaluatedProperties = false;
	if (schema.properties)
		out.type ??= "object";
	return out;
}

export class Descriptions {
	constructor() {
		this.files = new Map();
		this.validators = new Map();
		this.ajv = new Ajv({ allErrors: true, strict: false, inlineRefs: false });
		addFormats(this.ajv);
		this.ajv.addFormat("base64url", /^[A-Za-z0-9_-]*$/);
		this.ajv.addFormat("unixtime", { type: "number", validate: Number.isInteger });
	}

	// A description, and those it refers to, whose definitions then have the address of their file.
	load(file) {
		if (this.files.has(file))
			return this.files.get(file);
		const text = readFileSync(file, "utf8"), $id = pathToFileURL(file).href;
		const description = JSON.parse(text);
		this.files.set(file, description);
		const definitions = Object.fromEntries(Object.entries(description.definitions ?? {})
			.map(([name, schema]) => [name, converted($id, schema, true)]));
		this.ajv.addSchema({ $id, definitions });
		for (const [, other] of text.matchAll(/"\$ref":\s*"([^"#]+\.json)#\/definitions/g))
			this.load(resolve(dirname(file), other));
		return description;
	}

	validator(file, schema) {
		const whole = converted(pathToFileURL(file).href, schema), key = JSON.stringify(whole);
		if (!this.validators.has(key))
			this.validators.set(key, this.ajv.compile(whole));
		return this.validators.get(key);
	}
}

// "7.6-preview.1" and "2025-07-01" in one order.
function versionNumbers(version) {
	return version.split("-preview")[0].split(/[.-]/).map(Number);
}

function compareVersions(a, b) {
	const [x, y] = [versionNumbers(a), versionNumbers(b)];
	return x[0] - y[0] || x[1] - y[1] || (x[2] ?? 0) - (y[2] ?? 0);
}

// The newest description that is not newer than what was asked for, as a service chooses that knows no other.
function describedVersion(available, wanted) {
	const sorted = [...available].sort(compareVersions);
	if (!wanted || !/^(\d+\.\d+|\d{4}-\d{2}-\d{2})/.test(wanted))
		return sorted.at(-1);
	return sorted.findLast((v) => compareVersions(v, wanted) <= 0) ?? sorted[0];
}

function folders(...parts) {
	const path = join(specs, ...parts);
	return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
}

// Version -> folder, of all folders that hold a description of that name.
function versionsOf(group, name) {
	const providers = group === "data-plane" ? folders(group) : [join(specs, group, "Microsoft.KeyVault")];
	const found = new Map();
	for (const provider of providers)
		for (const kind of ["preview", "stable"])
			for (const folder of folders(relative(specs, provider), kind))
				if (existsSync(join(folder, name)))
					found.set(basename(folder), folder);
	return found;
}

const collections = { keys: "keys", deletedkeys: "keys", rng: "keys", secrets: "secrets", deletedsecrets: "secrets" };

const isPool = (url) => url.hostname.endsWith(".managedhsm.azure.net");

// The descriptions that speak of a request; none when the request is nobody's here.
function descriptionFiles(url) {
	let group, names, chosen;
	if (url.hostname.endsWith(".vault.azure.net") || (isPool(url) && !url.pathname.includes("/providers/"))) {
		group = "data-plane";
		names = [`${collections[url.pathname.split("/").find(Boolean)?.toLowerCase()] ?? "keys"}.json`];
	} else if (url.hostname === "management.azure.com" && /\/providers\/microsoft\.keyvault\//i.test(url.pathname)) {
		group = "resource-manager";
		names = ["keyvault.json", "keys.json", "managedHsm.json", "secrets.json"];
	} else {
		return [];
	}
	const available = versionsOf(group, names[0]);
	chosen = describedVersion(available.keys(), url.searchParams.get("api-version"));
	return names.map((name) => join(available.get(chosen), name)).filter(existsSync);
}

// SDKs send an empty segment for the newest version, and others none at all.
function segments(path) {
	const parts = path.split("/").slice(1);
	return parts[0] === "" ? parts.slice(1) : parts;
}

function pathMatches(template, path) {
	const [wanted, given] = [segments(template), segments(path)];
	const version = wanted.findIndex((part) => part.endsWith("version}"));
	if (version >= 0 && wanted.length === given.length + 1)
		given.splice(version, 0, "");
	return wanted.length === given.length && wanted.every((part, i) => part.startsWith("{")
		? given[i] !== "" || part.endsWith("version}") : part.toLowerCase() === given[i].toLowerCase());
}

function literals(template) {
	return segments(template).filter((part) => !part.startsWith("{")).length;
}

function findOperation(descriptions, files, method, path) {
	let best;
	for (const file of files)
		for (const [template, methods] of Object.entries(descriptions.load(file).paths)) {
			const operation = methods[method.toLowerCase()];
			if (operation && pathMatches(template, path) && !(best && literals(best.template) >= literals(template)))
				best = { file, template, operation };
		}
	return best;
}

// The shape of every error, where no operation is known.
function errorResponse(descriptions, file) {
	for (const methods of Object.values(descriptions.load(file).paths))
		for (const operation of Object.values(methods))
			if (operation.responses?.default)
				return operation.responses.default;
	return undefined;
}

function bodyFaults(descriptions, file, response, record) {
	if (!response.schema)
		return record.body ? [{ text: "a body where the contract has none" }] : [];
	if (!/^application\/json\b/i.test(record.contentType ?? ""))
		return [{ text: `the body is '${record.contentType}', not JSON` }];
	let body;
	try {
		body = JSON.parse(record.body);
	} catch {
		return [{ text: "the body is not JSON" }];
	}
	const validate = descriptions.validator(file, response.schema);
	if (validate(body))
		return [];
	return validate.errors.map((e) => e.keyword === "unevaluatedProperties"
		? { text: `${e.instancePath}/${e.params.unevaluatedProperty} is not in the contract`, unknown: true }
		: { text: `${e.instancePath || "/"} ${e.message} ${JSON.stringify(e.params)}` });
}

// The descriptions require nothing of an error, but SDKs read these two.
function errorFaults(record) {
	try {
		const { code, message } = JSON.parse(record.body).error;
		return typeof code === "string" && typeof message === "string" ? [] : [{ text: "an error without code and message" }];
	} catch {
		return [{ text: "an error without code and message" }];
	}
}

// The operation that a response answers and what is wrong with it, those members marked that are merely unknown; nothing
// when the response is nobody's here.
export function check(descriptions, record) {
	const url = new URL(record.url);
	const files = descriptionFiles(url);
	if (files.length === 0)
		return undefined;
	const found = findOperation(descriptions, files, record.method, url.pathname);
	// The challenge of a pool is in the header alone.
	if (isPool(url) && record.status === 401 && !record.body)
		return { operation: found?.operation.operationId ?? "(no operation)", faults: [], refused: true };
	const refused = record.status >= 400;
	const response = found
		? found.operation.responses[record.status] ?? (refused ? found.operation.responses.default : undefined)
		: refused ? errorResponse(descriptions, files[0]) : undefined;
	const operation = found ? `${found.operation.operationId ?? found.template}` : "(no operation)";
	const faults = response ? bodyFaults(descriptions, found?.file ?? files[0], response, record)
		: [{ text: found ? `the status ${record.status} is not in the contract` : "the contract has no such operation" }];
	return { operation, faults: refused ? [...faults, ...errorFaults(record)] : faults, refused };
}

// Operations of the newest descriptions of keys and secrets that no client asked for.
function unasked(descriptions, operations) {
	return ["keys.json", "secrets.json"].flatMap((name) => {
		const available = versionsOf("data-plane", name);
		const description = descriptions.load(join(available.get(describedVersion(available.keys())), name));
		return Object.values(description.paths).flatMap((methods) => Object.values(methods)).map((o) => o.operationId);
	}).filter((id) => !operations.has(id));
}

function main(files) {
	if (!existsSync(specs)) {
		console.log(`contract check skipped: Azure's API descriptions are not in ${relative(root, specs)}`);
		return 0;
	}
	const descriptions = new Descriptions();
	const operations = new Map(), unknown = new Map(), wrong = new Map();
	let count = 0;
	for (const file of files)
		for (const line of readFileSync(file, "utf8").split("\n").filter(Boolean)) {
			const record = JSON.parse(line);
			const result = check(descriptions, record);
			if (!result)
				continue;
			count++;
			const seen = operations.get(result.operation) ?? { allowed: 0, refused: 0 };
			seen[result.refused ? "refused" : "allowed"]++;
			operations.set(result.operation, seen);
			for (const fault of result.faults) {
				const where = `${record.method} ${result.operation} ${record.status}: ${fault.text.replaceAll(/\/\d+\//g, "/*/")}`;
				const list = fault.unknown ? unknown : wrong;
				if (!list.has(where))
					list.set(where, record);
			}
		}
	for (const where of unknown.keys())
		console.log(`unknown to the contract: ${where}`);
	for (const [where, record] of wrong)
		console.log(`NOT ALLOWED: ${where}\n\t${record.url}\n\t${record.body.slice(0, 600)}`);
	for (const [name, seen] of [...operations].sort())
		console.log(`${String(seen.allowed).padStart(6)} answered ${String(seen.refused).padStart(6)} refused  ${name}`);
	console.log(`never asked for: ${unasked(descriptions, operations).join(", ") || "nothing"}`);
	console.log(`${count} responses against Azure's API descriptions: ${wrong.size} faults, ` +
		`${unknown.size} members that are not described`);
	if (count === 0) {
		console.log("no response was recorded");
		return 1;
	}
	return wrong.size === 0 ? 0 : 1;
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
	process.exitCode = main(process.argv.slice(2));
