// SPDX-License-Identifier: Apache-2.0
// Whether recorded responses are what Azure's own API descriptions (OpenAPI 2.0) allow. Usage: node contract.mjs FILE...
// A file holds one response a line, as helpers.mjs and the Python tests write them. Needs the descriptions in
// ../shared/specs/azure; says that it skips where they are not.
import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../../..");
export const specs = resolve(root, "../shared/specs/azure");

// What the services are known to send although the descriptions do not have it. The last page's nextLink is null, and so are
// what a role assignment does not have, the region of what has none, and the children of a difference that has none.
const isNullOnTheWire = (base, name) => name === "nextLink" || (base.includes("/authorization/")
	&& /^(condition|conditionVersion|description|delegatedManagedIdentityResourceId)$/.test(name))
	|| (base.endsWith("/resources.json") && name === "children");
const hasNullItems = (base, name) => base.endsWith("/resources.json") && name === "locations";
// Values of any type, which are described as objects.
const isAnything = (base, name) => base.endsWith("/resources.json") && (name === "before" || name === "after");
const unknownOnTheWire = { DeploymentOperationProperties: { trackingId: { type: "string" } } };

// The sizes of machines that a description lists are, as it says itself, those of long ago; and that of the control plane has
// no word for what is kept less than 90 days.
const isOpen = (schema) => schema["x-ms-enum"]?.name === "VirtualMachineSizeTypes"
	|| (schema["x-ms-enum"]?.name === "DeletionRecoveryLevel" && !schema.enum.includes("CustomizedRecoverable"));

const orNull = (schema) => ({ anyOf: [{ type: "null" }, schema] });

function member(base, name, schema) {
	if (isAnything(base, name))
		return {};
	const out = converted(base, schema);
	if (hasNullItems(base, name) && out.items)
		out.items = orNull(out.items);
	return isNullOnTheWire(base, name) ? orNull(out) : out;
}

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
		if (name in schema && !(name === "enum" && isOpen(schema)))
			out[name] = schema[name];
	if (schema.properties)
		out.properties = Object.fromEntries(Object.entries(schema.properties).map(([name, p]) => [name, member(base, name, p)]));
	if (schema.items)
		out.items = converted(base, schema.items);
	if (schema.allOf)
		out.allOf = schema.allOf.map((s) => converted(base, s, true));
	if (typeof schema.additionalProperties === "object")
		out.additionalProperties = converted(base, schema.additionalProperties);
	// An object without any member of its own is free in form.
	else if (schema.additionalProperties === true || (!schema.properties && !schema.allOf))
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
		this.ajv.addFormat("arm-id", /^\/(subscriptions|providers|tenants)\//i);
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
			.map(([name, schema]) => [name, converted($id,
				{ ...schema, ...(schema.properties && { properties: { ...schema.properties, ...unknownOnTheWire[name] } }) }, true)]));
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

// File name -> version -> path, of all descriptions below a folder whose parts are .../{stable or preview}/{version}/{file}.
const found = new Map();

function descriptionsBelow(...parts) {
	const folder = join(specs, ...parts);
	if (!found.has(folder)) {
		const files = new Map();
		for (const path of existsSync(folder) ? readdirSync(folder, { recursive: true }) : []) {
			const [kind, version, name, ...rest] = path.split(sep).slice(path.split(sep).findIndex((p) => /^(stable|preview)$/.test(p)));
			if (!/^(stable|preview)$/.test(kind) || !name?.endsWith(".json") || rest.length > 0)
				continue;
			if (!files.has(name))
				files.set(name, new Map());
			files.get(name).set(version, join(folder, path));
		}
		found.set(folder, files);
	}
	return found.get(folder);
}

// Each file in the version that a service would choose which was asked for `wanted`.
const chosenOf = (files, wanted) => [...files.values()].map((versions) => versions.get(describedVersion(versions.keys(), wanted)));

const collections = { keys: "keys", deletedkeys: "keys", rng: "keys", secrets: "secrets", deletedsecrets: "secrets" };

const isPool = (url) => url.hostname.endsWith(".managedhsm.azure.net");

// Namespaces of the control plane, the folders of their descriptions, and whether those have all that is served.
const namespaces = {
	"microsoft.authorization": { folder: "authorization/resource-manager/Microsoft.Authorization" },
	"microsoft.compute": { folder: "compute/resource-manager/Microsoft.Compute" },
	"microsoft.insights": { folder: "monitor/resource-manager/Microsoft.Insights" },
	"microsoft.keyvault": { folder: "keyvault/resource-manager/Microsoft.KeyVault", whole: true },
	"microsoft.managedidentity": { folder: "msi/resource-manager/Microsoft.ManagedIdentity", whole: true },
	"microsoft.resources": { folder: "resources/resource-manager/Microsoft.Resources" },
};

// The namespace that answers a path. Resource groups, and what is said of the providers themselves, are Microsoft.Resources'.
function namespaceOf(path) {
	const parts = path.toLowerCase().split("/").filter(Boolean), last = parts.lastIndexOf("providers");
	const ofProvider = parts.length <= last + 2 || /^(register|unregister|resourcetypes|providerpermissions)$/.test(parts[last + 2]);
	return last < 0 || ofProvider ? "microsoft.resources" : parts[last + 1];
}

// The descriptions that speak of a request; none when the request is nobody's here.
function descriptionFiles(url) {
	const version = url.searchParams.get("api-version");
	if (url.hostname.endsWith(".vault.azure.net") || (isPool(url) && !url.pathname.includes("/providers/"))) {
		const name = `${collections[url.pathname.split("/").find(Boolean)?.toLowerCase()] ?? "keys"}.json`;
		const versions = descriptionsBelow("keyvault/data-plane").get(name);
		const files = [versions.get(describedVersion(versions.keys(), version))];
		return { files, errors: files, whole: true };
	}
	const known = url.hostname === "management.azure.com" ? namespaces[namespaceOf(url.pathname)] : undefined;
	// What a long operation has come to is described for all in another place.
	const polled = /\/operations\/[0-9a-f-]{36}$/i.test(url.pathname) && /\/locations\//i.test(url.pathname);
	return known && !polled ? {
		files: chosenOf(descriptionsBelow(known.folder), version), whole: known.whole,
		errors: chosenOf(descriptionsBelow(namespaces["microsoft.resources"].folder)),
	} : {};
}

// SDKs send an empty segment for the newest version, and others none at all.
function segments(path) {
	const parts = path.split("?")[0].split("/").slice(1);
	return parts[0] === "" && parts.length > 1 ? parts.slice(1) : parts;
}

// Parameters that take any number of segments.
const several = new Set(["{scope}", "{resourceUri}", "{resourceId}", "{roleId}", "{roleAssignmentId}", "{denyAssignmentId}",
	"{parentResourcePath}"]);

function matches(wanted, given) {
	if (wanted.length === 0)
		return given.length === 0;
	const [part, ...rest] = wanted;
	if (several.has(part))
		return matches(rest, given) || (given.length > 0 && matches(wanted, given.slice(1)));
	return given.length > 0 && matches(rest, given.slice(1)) && (part.startsWith("{")
		? given[0] !== "" || part.endsWith("version}") : part.toLowerCase() === given[0].toLowerCase());
}

function pathMatches(template, path) {
	const wanted = segments(template.replace(/\/$/, "")), given = segments(path.replace(/(.)\/$/, "$1"));
	const version = wanted.findIndex((part) => part.endsWith("version}"));
	if (version >= 0 && wanted.length === given.length + 1)
		given.splice(version, 0, "");
	return matches(wanted, given);
}

function literals(template) {
	return segments(template).filter((part) => !part.startsWith("{")).length;
}

// Of any resource whatever: its own description says more.
const generic = (template) => literals(template) === 0 || template.endsWith("/{parentResourcePath}/{resourceType}/{resourceName}");

function findOperation(descriptions, files, method, path) {
	let best;
	for (const file of files)
		for (const [template, methods] of Object.entries(descriptions.load(file).paths ?? {})) {
			const operation = methods[method.toLowerCase()];
			if (operation && !(best && literals(best.template) >= literals(template)) && !generic(template)
					&& pathMatches(template, path))
				best = { file, template, operation };
		}
	return best;
}

// The form of every error.
function errorResponses(descriptions, files) {
	for (const file of files)
		for (const methods of Object.values(descriptions.load(file).paths ?? {}))
			for (const operation of Object.values(methods))
				if (operation.responses?.default)
					return [{ file, response: operation.responses.default }];
	return [];
}

function bodyFaults(descriptions, file, response, record) {
	if (!response.schema)
		return record.body && record.status < 400 ? [{ text: "a body where the contract has none" }] : [];
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
		: { text: `${e.instancePath || "/"} ${e.message} ${JSON.stringify(e.params).slice(0, 200)}` });
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

// Was a version asked for that is newer than its description?
function newer(file, url) {
	const wanted = url.searchParams.get("api-version"), described = basename(dirname(file));
	return !wanted || !/^\d+[.-]\d+/.test(wanted) || compareVersions(wanted, described) > 0;
}

// The operation that a response answers and what is wrong with it, those members marked that a description does not have
// which is older than what was asked for; nothing when the response is nobody's here.
export function check(descriptions, record) {
	const url = new URL(record.url);
	const { files, errors, whole } = descriptionFiles(url);
	if (!files)
		return undefined;
	// Scopes and parts of paths that are empty leave a slash behind.
	const path = url.hostname === "management.azure.com" ? url.pathname.replaceAll(/\/{2,}/g, "/") : url.pathname;
	const operation = findOperation(descriptions, files, record.method, path);
	const refused = record.status >= 400;
	const name = operation ? operation.operation.operationId ?? operation.template : "(no operation)";
	// The challenge of a pool is in the header alone.
	if (isPool(url) && record.status === 401 && !record.body)
		return { operation: name, faults: [], refused: true };
	// Whether there is a resource can be asked of every type.
	if (!operation && (record.method === "HEAD" || (!whole && !refused)))
		return { operation: `(not described) ${record.method} ${kind(path)}`, faults: [], refused };
	const described = operation?.operation.responses[record.status]
		?? (refused ? operation?.operation.responses.default : undefined);
	// Not every operation has a word on errors, and some have another than what the control plane puts around all of them.
	const forms = [...(described ? [{ file: operation.file, response: described }] : []),
		...(refused && !(described && !described.schema) ? errorResponses(descriptions, errors) : [])];
	const found = forms.map(({ file, response }) => bodyFaults(descriptions, file, response, record));
	const faults = found.find((f) => f.length === 0) ?? found[0]
		?? [{ text: operation ? `the status ${record.status} is not in the contract` : "the contract has no such operation" }];
	const kept = faults.map(({ text, unknown }) => unknown && newer(forms[0].file, url) ? { text, unknown } : { text });
	return { operation: name, faults: refused && record.method !== "HEAD" ? [...kept, ...errorFaults(record)] : kept, refused };
}

// A path without its names: "/subscriptions/*/locations".
function kind(path) {
	return path.split("/").map((part, i, parts) => /^(subscriptions|resourcegroups)$/i.test(parts[i - 1])
		|| (parts.lastIndexOf("providers") > 0 && i > parts.lastIndexOf("providers") + 2
			&& (i - parts.lastIndexOf("providers")) % 2 === 1) ? "*" : part).join("/");
}

// Operations of the newest descriptions of keys and secrets that no client asked for.
function unasked(descriptions, operations) {
	return ["keys.json", "secrets.json"].flatMap((name) => {
		const versions = descriptionsBelow("keyvault/data-plane").get(name);
		const description = descriptions.load(versions.get(describedVersion(versions.keys())));
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
