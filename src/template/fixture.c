// SPDX-License-Identifier: Apache-2.0
#include "template/fixture.h"

#include "base/io.h"
#include "base/strv.h"

json_t *fixture_json(const char *text) {
	_cleanup_free_ char *copy = strdup(text);
	struct err err = {0};
	json_t *value = NULL;
	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		if (*p == '`')
			*p = '"';
	json_error_t at;
	value = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &at);
	if (!value)
		fail_msg("the test's JSON is wrong at %d: %s: %s%s", at.position, at.text, copy, err.message);
	return value;
}

static json_t *document(const char *head, const char *members) {
	_cleanup_free_ char *text = strv_printf("{`$schema`: `https://schema.management.azure.com/schemas/2019-04-01/"
		"deploymentTemplate.json#`, `contentVersion`: `1.0.0.0`%s%s%s}", head, *members ? ", " : "", members);
	assert_non_null(text);
	json_t *made = fixture_json(text);
	if (!json_object_get(made, "resources"))
		json_object_set_new(made, "resources", *head ? json_object() : json_array());
	return made;
}

json_t *fixture_v1(const char *members) {
	return document("", members);
}

json_t *fixture_v2(const char *members) {
	return document(", `languageVersion`: `2.0`", members);
}

json_t *fixture_file(const char *name) {
	_cleanup_free_ char *path = strv_printf("%s/%s", TEMPLATE_CORPUS, name);
	json_error_t at;
	json_t *value = json_load_file(path, JSON_REJECT_DUPLICATES, &at);
	if (!value)
		fail_msg("%s: line %d: %s", path, at.line, at.text);
	return value;
}

// --- The place ---

static int answer_reference(void *ctx _unused_, const char *id, const char *api_version, bool full, json_t **out,
	struct err *err) {
	if (strv_ends_with_nocase(id, "/missing"))
		return err_set(err, -ENOENT, 404, "ResourceNotFound", "There is no %s.", id);
	*out = full ? json_pack("{s:s, s:s, s:s, s:{s:s}}", "id", id, "apiVersion", api_version, "location", "westeurope",
		"properties", "id", id) : json_pack("{s:s, s:s, s:{s:{s:s}}}", "id", id, "apiVersion", api_version, "outputs", "it",
		"value", id);
	return 0;
}

static int answer_list(void *ctx _unused_, const char *function, const char *id, const char *api_version, const json_t *body,
	json_t **out, struct err *err _unused_) {
	*out = json_pack("{s:s, s:s, s:s, s:O}", "function", function, "id", id, "apiVersion", api_version, "body",
		body ? body : json_null());
	return 0;
}

static int answer_provider(void *ctx _unused_, const char *name, json_t **out, struct err *err) {
	if (!strv_eq_nocase(name, "Microsoft.Compute"))
		return err_set(err, -ENOENT, 404, "InvalidResourceNamespace", "There is no %s.", name);
	*out = fixture_json("{`namespace`: `Microsoft.Compute`, `resourceTypes`: [{`resourceType`: `virtualMachines`, `locations`: "
		"[`West Europe`], `apiVersions`: [`2024-03-01`], `zoneMappings`: [{`location`: `West Europe`, `zones`: [`1`, `2`, `3`]}]}]}");
	return 0;
}

static int answer_secret(void *ctx _unused_, const char *vault_id, const char *name, const char *version, json_t **out,
	struct err *err) {
	if (strcmp(name, "absent") == 0)
		return err_set(err, -EINVAL, 400, "KeyVaultParameterReferenceSecretRetrieveFailed", "There is no secret %s.", name);
	*out = json_sprintf("secret %s %s of %s", name, version ? version : "latest", strrchr(vault_id, '/') + 1);
	return 0;
}

static struct template_place make_place(const char *scope, const char *group) {
	return (struct template_place){
		.scope = scope,
		.subscription = fixture_json("{`id`: `" FIXTURE_SUBSCRIPTION "`, `subscriptionId`: `11111111-1111-1111-1111-111111111111`, "
			"`tenantId`: `22222222-2222-2222-2222-222222222222`, `displayName`: `one`}"),
		.resource_group = group ? fixture_json(group) : NULL,
		.tenant = fixture_json("{`tenantId`: `22222222-2222-2222-2222-222222222222`}"),
		.deployment = fixture_json("{`name`: `dep1`, `properties`: {`mode`: `Incremental`}}"),
		.environment = fixture_json("{`name`: `AzureCloud`, `suffixes`: {`keyvaultDns`: `.vault.azure.net`}}"),
		.deployer = fixture_json("{`objectId`: `o`, `tenantId`: `t`}"),
		.now = FIXTURE_NOW,
		.reference = answer_reference, .list = answer_list, .provider = answer_provider, .secret = answer_secret,
	};
}

// Made once, for the life of the program.
const struct template_place *fixture_group(void) {
	static struct template_place place;
	if (!place.scope)
		place = make_place(FIXTURE_GROUP,
			"{`id`: `" FIXTURE_GROUP "`, `name`: `rg1`, `location`: `westeurope`, `tags`: {`env`: `test`}}");
	return &place;
}

const struct template_place *fixture_subscription(void) {
	static struct template_place place;
	if (!place.scope)
		place = make_place(FIXTURE_SUBSCRIPTION, NULL);
	return &place;
}

// --- Opening ---

struct template *fixture_open_at(json_t *document_taken, const char *parameters, const struct template_place *place) {
	_cleanup_json_ json_t *doc = document_taken, *given = parameters ? fixture_json(parameters) : NULL;
	struct template *t = NULL;
	struct err err = {0};
	int rc = template_open(doc, given, place, &t, &err);
	if (rc < 0)
		fail_msg("refused: %d %s: %s", err.status, err.code, err.message);
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return t;
}

struct template *fixture_open(json_t *document_taken, const char *parameters) {
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return fixture_open_at(document_taken, parameters, fixture_group());
}

static void must_say(const struct err *err, const char *code, const char *words) {
	if (strcmp(err->code, code) != 0 || !strstr(err->message, words))
		fail_msg("not '%s: … %s …' but '%s: %s'", code, words, err->code, err->message);
	assert_int_equal(err->status, 400);
}

void fixture_refused_at(json_t *document_taken, const char *parameters, const struct template_place *place, const char *code,
	const char *words) {
	_cleanup_json_ json_t *doc = document_taken, *given = parameters ? fixture_json(parameters) : NULL;
	_cleanup_template_ struct template *t = NULL;
	struct err err = {0};
	if (template_open(doc, given, place, &t, &err) == 0)
		fail_msg("not refused: %s", words);
	assert_null(t);
	must_say(&err, code, words);
}

void fixture_refused(json_t *document_taken, const char *parameters, const char *code, const char *words) {
	fixture_refused_at(document_taken, parameters, fixture_group(), code, words);
}

// --- Outputs of one expression ---

static struct template *open_expression(const char *members, const char *type, const char *expression) {
	json_t *doc = strstr(members, "languageVersion") ? document("", members) : fixture_v1(members);
	json_object_set_new(doc, "outputs", json_pack("{s:{s:s, s:s}}", "o", "type", type, "value", expression));
	// cppcheck-suppress CastIntegerToAddressAtReturn ; to it a struct named `template` is an integer
	return fixture_open(doc, NULL);
}

json_t *fixture_evaluate(const char *members, const char *type, const char *expression) {
	_cleanup_template_ struct template *t = open_expression(members, type, expression);
	_cleanup_json_ json_t *outputs = NULL;
	struct err err = {0};
	if (template_outputs(t, &outputs, &err) < 0)
		fail_msg("%s: %s: %s", expression, err.code, err.message);
	return json_incref(json_at(outputs, "o.value"));
}

void fixture_same(const json_t *value, const char *json) {
	_cleanup_json_ json_t *expected = fixture_json(json);
	_cleanup_free_ char *text = value ? json_text(value) : strdup("(nothing)");
	if (!json_equal(value, expected))
		fail_msg("not %s but %s", json, text);
}

void fixture_gives(const char *members, const char *type, const char *expression, const char *json) {
	_cleanup_json_ json_t *value = fixture_evaluate(members, type, expression);
	fixture_same(value, json);
}

void fixture_fails(const char *members, const char *type, const char *expression, const char *words) {
	_cleanup_template_ struct template *t = open_expression(members, type, expression);
	_cleanup_json_ json_t *outputs = NULL;
	struct err err = {0};
	if (template_outputs(t, &outputs, &err) == 0)
		fail_msg("%s did not fail", expression);
	if (!strstr(err.message, words))
		fail_msg("not '… %s …' but '%s: %s'", words, err.code, err.message);
}

// --- Resources ---

size_t fixture_find(const struct template *t, const char *name_or_symbol) {
	for (size_t i = 0; i < template_resource_count(t); i++) {
		const struct template_resource *r = template_resource_at(t, i);
		if (strcmp(r->symbol ? r->symbol : r->name, name_or_symbol) == 0)
			return i;
	}
	fail_msg("there is no resource '%s'", name_or_symbol);
	return 0;
}

bool fixture_depends(const struct template *t, const char *from, const char *on) {
	const struct template_resource *r = template_resource_at(t, fixture_find(t, from));
	size_t wanted = fixture_find(t, on);
	size_t found = 0;
	for (size_t i = 0; i < r->depend_count; i++)
		found += r->depends[i] == wanted;
	assert_true(found <= 1);
	return found == 1;
}

json_t *fixture_body(struct template *t, const char *name_or_symbol) {
	json_t *body = NULL;
	struct err err = {0};
	if (template_resource_body(t, fixture_find(t, name_or_symbol), &body, &err) < 0)
		fail_msg("%s: %s: %s", name_or_symbol, err.code, err.message);
	return body;
}
